"""Maude and Redex agree: what they make of exported functions is what the evaluator makes."""

import re
import shutil
import subprocess

import pytest

from recursionlab.errors import BudgetError, InputError, RecursionLabError
from recursionlab.language import export_maude, export_redex, libraries, library, loads
from recursionlab.language.equations import equations

maude = pytest.importorskip("maude")
QUICK = ["binary", "tree", "sort", "parity"]


@pytest.fixture(scope="module")
def engine():
    maude.init(advise=False)
    return maude


def pairs_of(function, sizes=range(1, 7), each=3):
    found = []
    domain = function.domain
    for size in sizes:
        n = domain.count(size)
        for i in range(min(n, each)):
            value = domain.unrank(size, n * i // min(n, each))
            given = value if isinstance(value, tuple) else (value,)
            try:
                found.append((function, given, function(*given, steps=2000, nodes=5000)))
            except BudgetError:
                continue
    return found


def first_order(name):
    """Functions of a library file that can be written as equations, with pairs."""
    program = library(name)
    for function in program:
        function = function.at(**dict.fromkeys(function.type_parameters, "bool"))
        try:
            equations(program, [function])
            yield program, function, pairs_of(function)
        except RecursionLabError:
            continue


def rewrite(engine, text):
    """Reduce every call of an exported module: (got, expected)."""
    lines = text.splitlines()
    end = lines.index("endfm")
    assert engine.input("\n".join(lines[: end + 1]))
    module = engine.getModule("EXPORTED")
    for expected, line in zip(lines[end + 1 :: 2], lines[end + 2 :: 2], strict=True):
        term = module.parseTerm(line[len("reduce ") : -2])
        term.reduce()
        yield str(term), str(module.parseTerm(expected.removeprefix("*** expected: ")))


def check(engine, name):
    functions = 0
    for program, function, pairs in first_order(name):
        for got, expected in rewrite(engine, export_maude(program, [function], pairs)):
            assert got == expected, function
        functions += 1
    return functions


@pytest.mark.parametrize("name", QUICK)
def test_maude_computes_what_we_compute(name, engine):
    assert check(engine, name) >= 6


@pytest.mark.slow
def test_maude_computes_every_first_order_library_function(engine):
    assert sum(check(engine, name) for name in libraries()) >= 280


def test_matches_lets_and_fixpoints_become_functions(engine):
    program = loads(
        "Fixpoint f (n k : nat) : nat := match n with O => k | S m =>\n"
        "  let both := f m k in match both with O => n | S j =>\n"
        "    (fix g (i : nat) : nat := match i with O => k | S h => S (S (g h)) end) j end end.\n"
        "Definition h (n : nat) : nat := let fix down (i : nat) : nat := match i with O => n\n"
        "  | S j => match n with O => i | _ => down j end end in down (S n)."
    )
    names = equations(program, list(program)).functions
    assert {"f", "h", "let_1", "g_1", "down_1"} == set(names)
    pairs = [p for f in program for p in pairs_of(f, range(1, 9), 20)]
    assert len(pairs) > 15
    for got, expected in rewrite(engine, export_maude(program, program, pairs)):
        assert got == expected


def test_what_is_not_first_order_is_refused_by_name():
    program = loads(
        "Require Import List. Definition a (l : list nat) : list nat := map S l.\n"
        "Definition b (n : nat) : nat -> nat := Nat.add n."
        " Definition c (n : nat) : list (nat -> nat) := cons (fun x => x) nil."
    )
    for name, why in [
        ("a", "`S` is not applied to all its arguments and no more"),
        ("b", "`b` returns a function"),
        ("c", "it passes a function along"),
    ]:
        with pytest.raises(InputError, match=f"{name} cannot be written as first-order.*{why}"):
            export_maude(program, [program[name]])


def test_names_stay_apart():
    program = loads(
        "Inductive t := a' | a_ | a. Definition f' (x : t) : t :="
        " match x with a' => a_ | a_ => a | a => a' end. Definition f_ (x : t) : t := f' (f' x)."
    )
    text = export_redex(program, list(program))
    assert len(set(re.findall(r"\[\((f-f-*) ", text))) == 2
    assert len(set(re.findall(r"\((c-a-*)\)", text))) == 3


def redex(name, function):
    program = library(name)
    function = program[function]
    function = function.at(**dict.fromkeys(function.type_parameters, "bool"))
    pairs = pairs_of(function)
    return export_redex(program, [function], pairs), len(pairs)


def test_a_redex_file_has_a_metafunction_a_function_and_a_test_a_pair():
    text, pairs = redex("sort", "insertion_sort")
    functions = re.findall(r"\(define-metafunction exported\n  \[\((\S+)", text)
    assert {"f-insertion-sort", "f-insert"} <= set(functions)
    assert len(functions) == len(set(functions))
    assert text.count("(test-equal ") == pairs
    assert text.count("(") == text.count(")")
    assert text.count("[") == text.count("]")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, function",
    [("binary", "succ"), ("sort", "merge_sort"), ("parity", "even"), ("tree", "preorder")],
)
def test_redex_computes_what_we_compute(name, function, tmp_path):
    if not shutil.which("racket"):
        pytest.skip("racket is not installed")
    text, pairs = redex(name, function)
    (tmp_path / "x.rkt").write_text(text)
    done = subprocess.run(
        ["racket", str(tmp_path / "x.rkt")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"All {pairs} tests passed." in done.stdout, done.stdout + done.stderr
