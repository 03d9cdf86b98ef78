"""Random programs: evaluator, every reducer and machines agree; a disagreement shrinks."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reference"))

import random_programs

import recursionlab as rlab
from recursionlab import _core
from recursionlab.errors import BudgetError, RecursionLabError
from recursionlab.functions import sample_functions
from recursionlab.functions.mutate import Definition
from recursionlab.machines import ENDS, Budget, Refused, machine_of

KINDS = list(itertools.product(("contraction", "equation", "call"), ("cbv", "cbn", "parallel")))
STEPS, NODES, LONGEST = 2_000, 100_000, 3_000


def values(function, count, seed):
    """Sizes and ranks of some values: small sizes, ranks drawn."""
    domain = function.domain
    size, last = domain.sizes
    rows = []
    while len(rows) < count and (last is None or size <= last):
        n = domain.count(size)
        if n:
            (drawn,) = _core.random("u64", seed, 7, size, 1)
            rows.append((size, drawn % n))
        size += 1
    return rows


def disagreement(function, size, rank, machine=None):
    """Say who says what of one value, or None: the evaluator, nine reducers, a machine."""
    program, value = function.program, function.domain.unrank(size, rank)
    call = function.apply(*(value if isinstance(value, tuple) else (value,)))
    try:
        result = program.core.eval(call, steps=STEPS, nodes=NODES)
    except BudgetError:
        return None
    for granularity, strategy in KINDS:
        trace = program.core.trace(
            call,
            granularity=granularity,
            strategy=strategy,
            function=function.id,
            steps=STEPS,
            nodes=NODES,
        )
        try:
            trace.advance(10**9)
        except BudgetError:
            continue
        if trace.term != result:
            return f"{strategy} by {granularity}: {trace.term}, evaluator: {result}"
    if machine is not None and result.size < LONGEST:
        codec = function.codec()
        given, wanted = codec.encode(value, "input"), codec.encode(result, "output")
        runs = machine.run(
            given, np.array([0, len(given)]), budget=Budget(locations=60_000), threads=1
        )
        if runs.fine[0] and not np.array_equal(runs[0], wanted):
            return f"machine: {machine.decode(runs[0])}, evaluator: {result}"
        if not runs.fine[0] and ENDS[runs.end[0]] not in ("steps", "work", "locations"):
            return f"machine: {ENDS[runs.end[0]]}, evaluator: {result}"
    return None


def compiled(function):
    try:
        return machine_of(function)
    except Refused:
        return None


def shrunk(function, fails):
    """Make a failing definition smaller for as long as it still fails."""
    again = True
    while again:
        again = False
        definition = Definition(function)
        for edit in sorted(
            definition.edits(), key=lambda e: len(e.text) - e.span.end + e.span.start
        ):
            if len(edit.text) >= edit.span.end - edit.span.start:
                break
            mutant = definition.apply(edit)
            if mutant is not None and fails(mutant.function):
                function, again = mutant.function, True
                break
    return function


def check(program, count, seed, every=0):
    """Compare all functions of a program on `count` values each; compile every `every`-th one."""
    pairs = 0
    for number, function in enumerate(f for f in program if not f.name.endswith("'")):
        machine = compiled(function) if every and number % every == 0 else None
        for size, rank in values(function, count, seed):
            found = disagreement(function, size, rank, machine)
            pairs += 1
            if found is not None:
                with_machine = machine is not None

                def fails(f, size=size, rank=rank, with_machine=with_machine):
                    try:
                        own = compiled(f) if with_machine else None
                        return disagreement(f, size, rank, own) is not None
                    except RecursionLabError:
                        return False

                small = shrunk(function, fails)
                text = Definition(small).text
                pytest.fail(f"{found}\non size {size}, rank {rank} of {function.type}:\n{text}")
    return pairs


@pytest.mark.parametrize("seed", range(2))
def test_evaluator_reducers_and_machines_agree_on_random_programs(seed):
    program = rlab.loads(random_programs.program(seed, 60))
    assert check(program, 6, seed, every=10) >= 250


@pytest.mark.parametrize(
    "kind, helpers",
    [
        ("nat -> nat -> nat", ("Nat.add",)),
        ("list bool -> list bool -> list bool", ("negb",)),
        ("list nat -> nat * bool", ("Nat.leb",)),
    ],
)
def test_they_agree_on_drawn_functions(kind, helpers):
    drawn = sample_functions(kind, 60, seed=0, helpers=helpers, distinct=False)
    assert check(drawn[0].function.program, 6, 0, every=6) >= 250


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 122))
def test_they_agree_on_100_000_programs_and_values(seed):
    """Twenty-two times 5,000 pairs, a few of which have no value within the budget."""
    pairs = 0
    for part in range(5):
        program = rlab.loads(random_programs.program(seed * 10 + part, 125))
        pairs += check(program, 8, seed, every=10)
    assert pairs >= 4_700


def test_a_disagreement_shrinks_to_a_small_program():
    """The fault: whoever writes `length` under a `match`; anything else goes."""
    found = []

    def fails(function):
        text = Definition(function).text
        found.append(len(text))
        return "(length" in text and "match" in text

    for seed in range(50):
        program = rlab.loads(random_programs.program(seed, 1))
        if fails(program["f0"]):
            small = Definition(shrunk(program["f0"], fails)).text
            whole = Definition(program["f0"]).text
            assert "(length" in small and len(small) < 0.7 * len(whole)
            return
    pytest.fail("no program with `length`")


def test_the_generator_writes_every_construct():
    text = random_programs.program(0, 200)
    for word in (
        "let ",
        "fun ",
        "(fix ",
        "with f",
        " as ",
        " | S O",
        ", 0 =>",
        "fold_right",
        "rose",
    ):
        assert word in text, word


def test_coq_accepts_what_the_generator_writes(tmp_path):
    from subprocess import run

    for seed in range(2):
        (tmp_path / "x.v").write_text(random_programs.program(seed, 40))
        done = run(
            ["coqc", "-q", "-w", "none", "x.v"], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()[:2000]
