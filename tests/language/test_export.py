"""Coq agrees with evaluator and reducer: it proves every pair and every step that is exported."""

import itertools
import shutil
import subprocess

import pytest

from recursionlab.errors import BudgetError, InputError, RecursionLabError
from recursionlab.language import export_coq, libraries, library, loads

needs_coq = pytest.mark.skipif(not shutil.which("coqc"), reason="coqc is not installed")
KINDS = list(itertools.product(("contraction", "equation", "call"), ("cbv", "cbn", "parallel")))
QUICK = ["binary", "rose", "sort"]


def coqc(folder, text):
    (folder / "exported.v").write_text(text, encoding="utf-8")
    return subprocess.run(
        ["coqc", "-q", "-w", "none", "exported.v"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def calls(program, each, alike=1):
    """Functions whose arguments can be enumerated, with values of `each` sizes, `alike` a size."""
    for function in program:
        chosen = function.at(**dict.fromkeys(function.type_parameters, "bool"))
        try:
            domain = chosen.domain
            sizes = [n for n in range(1, 8) if domain.count(n)]
        except RecursionLabError:
            continue
        for size in sizes[-each:]:
            n = domain.count(size)
            for i in range(1, min(alike, n) + 1):
                value = domain.unrank(size, n * i // (min(alike, n) + 1))
                yield chosen, value if isinstance(value, tuple) else (value,)


def evidence(name, each, most, alike=1):
    """Pairs and traces of a library file; the terms of a trace are at most `most`."""
    program = library(name)
    pairs, traces = [], []
    for number, (function, arguments) in enumerate(calls(program, each, alike)):
        granularity, strategy = KINDS[number % len(KINDS)]
        if strategy == "cbn" and "A" in function.type_arguments:
            strategy = "cbv"  # Coq cannot tell the types of all that is left unreduced
        try:
            pairs.append((function, arguments, function(*arguments, steps=2000, nodes=20_000)))
            trace = function.trace(
                *arguments, granularity=granularity, strategy=strategy, steps=2000, nodes=20_000
            )
            terms = [trace.start, *(s.term for s in itertools.islice(trace, most))]
        except BudgetError:
            continue
        if all(len(str(t)) < 3000 for t in terms):
            traces.append((function, terms))
    return program, pairs, traces


def check(name, each, most, folder, alike=1):
    program, pairs, traces = evidence(name, each, most, alike)
    assert pairs and sum(len(terms) for _, terms in traces) > 10
    done = coqc(folder, export_coq(program, pairs, traces))
    assert done.returncode == 0, done.stderr[:3000]


@needs_coq
@pytest.mark.parametrize("name", QUICK)
def test_coq_proves_what_is_exported(name, tmp_path):
    check(name, 2, 20, tmp_path)


@pytest.mark.slow
@needs_coq
@pytest.mark.parametrize("name", libraries())
def test_coq_proves_every_library_function(name, tmp_path):
    check(name, 3, 40, tmp_path, 3)


@pytest.mark.slow
def test_the_pairs_that_coq_proves_are_at_least_2000():
    assert sum(len(evidence(name, 3, 1, 3)[1]) for name in libraries()) >= 2000


@needs_coq
def test_coq_refuses_a_wrong_pair_and_a_wrong_step(tmp_path):
    program = library("binary")
    succ = program["succ"]
    value = succ.domain.parse("xI xH")
    wrong = export_coq(program, pairs=[(succ, value, value)])
    assert "Unable to unify" in coqc(tmp_path, wrong).stderr
    wrong = export_coq(program, traces=[(succ, [succ.apply("xI xH"), value])])
    assert coqc(tmp_path, wrong).returncode != 0


def test_a_file_holds_pairs_and_steps():
    program = loads("Fixpoint f (n : nat) : nat := match n with 0 => 1 | S k => S (f k) end.")
    f = program["f"]
    trace = f.trace("1", granularity="call")
    terms = [trace.start, *(step.term for step in trace)]
    text = export_coq(program, [(f, f.domain.parse("1"), f("1"))], [(f, terms)])
    assert text.splitlines()[-4:] == [
        "Example exported_pair_1 : f (1 : nat) = (2 : nat). Proof. reflexivity. Qed.",
        "(* trace 1: f *)",
        "Check (eq_refl : (f 1 : nat) = (S (f 0) : nat)).",
        "Check (eq_refl : (S (f 0) : nat) = (2 : nat)).",
    ]


def test_mistakes_in_exports():
    program = library("binary")
    succ, one = program["succ"], library("binary")["succ"]
    with pytest.raises(InputError, match="succ belongs to another program"):
        export_coq(program, traces=[(one, [])])
    with pytest.raises(InputError, match="pair 1: succ takes 1 arguments, got 2"):
        value = succ("xH")
        export_coq(program, pairs=[(succ, (value, value), value)])
