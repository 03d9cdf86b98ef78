"""Many steps at once end where as many single steps end, whatever their number.

Under a node budget every step is a single one, so that is the slow truth here.
"""

import functools
import itertools
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lang_helpers import lab as make_lab
from reference import random_programs
from test_random_programs import values

import recursionlab as rlab
from recursionlab import _core
from recursionlab.errors import BudgetError, TermError
from recursionlab.functions import sample_functions
from recursionlab.language import libraries

ROOT = Path(__file__).parents[2]
SINGLE = {"nodes": 1 << 30}

# Heads that become functions, partial applications of everything, functions in data, a bound `fix`.
HEADS = """
Require Import List. Import ListNotations.
Definition twice {A : Type} (f : A -> A) (x : A) : A := f (f x).
Definition choose (b : bool) : nat -> nat -> nat := if b then Nat.add else fun x y => x * y.
Definition late (b : bool) (n : nat) : nat :=
  (if b then (let g := Nat.add n in fun x => g (S x)) else twice (choose b n)) (S n).
Definition three : nat := 1 + 2.
Definition plus3 : nat -> nat := Nat.add three.
Definition functions : list (nat -> nat) := [plus3; S; fun x => x * x; twice S; choose true 2].
Fixpoint all (l : list (nat -> nat)) (x : nat) : nat :=
  match l with [] => x | f :: t => f (all t x) end.
Fixpoint sum (n : nat) : nat -> nat :=
  match n with O => fun acc => acc | S m => fun acc => sum m (acc + n) end.
Definition pairs (n : nat) : list (nat * (nat -> nat)) := map (fun x => (x, Nat.add x)) [n; S n].
Definition local (n : nat) : nat :=
  let go := (fix go (k acc : nat) : nat := match k with O => acc | S j => go j (S acc) end) in
  go n (go 2 n) + fold_left (fun a (p : nat * (nat -> nat)) => snd p a) (pairs n) three.
Fixpoint ack (m : nat) : nat -> nat :=
  fix go (n : nat) : nat :=
    match m with
    | O => S n
    | S p => match n with O => ack p 1 | S q => ack p (go q) end
    end.
"""
EXPRESSIONS = (
    "late true 2",
    "late false 1",
    "all functions (plus3 1)",
    "sum 3 (1 + 1)",
    "local 2",
    "ack 1 2",
    "(fun f x => f (f x)) (choose false (1 + 1)) 2",
    "map (fun f => twice f 1) functions",
    "twice (twice (choose true 1)) three",
    "(if Nat.eqb 1 (0 + 1) then cons (1 + 1) else cons 0) [1 + 2]",
    "pairs (1 + 1)",
    "let x := 1 + 1 in let f := fun y => x + y in (f, [f x; x])",
)


@functools.cache
def heads():
    return rlab.loads(HEADS, "heads.v")


def walk(program, term, most):
    """The terms of a trace, each with rule, function and position of the step that led to it."""
    trace = program.trace(term, **SINGLE)
    steps = [(trace.term, (None, None, ()))]
    steps += [(after, (*last,)) for *last, _, after in itertools.islice(trace, most)]
    return steps, len(steps) <= most


def same(trace, step, where):
    assert trace.term == step[0], (*where, str(trace.term), str(step[0]))
    assert (trace.rule, trace.function, trace.position) == step[1], where


def agree(program, term, most=90):
    """Compare every number of steps; how many were compared."""
    steps, ends = walk(program, term, most)
    for n, step in enumerate(steps):
        trace = program.trace(term)
        assert trace.advance(n) == n == trace.steps
        same(trace, step, (str(term), n))
    if ends:
        trace = program.trace(term)
        assert trace.advance(1 << 40) == len(steps) - 1
        same(trace, steps[-1], (str(term), "end"))
        assert trace.advance(1 << 40) == 0
    return len(steps)


@pytest.mark.parametrize("name", libraries())
def test_examples_of_the_library_for_every_number_of_steps(name):
    program = rlab.library(name)
    for example in program.examples:
        agree(program.core, program._term(example.left, example.excerpt))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_heads_that_become_functions(expression):
    program = heads()
    assert agree(program.core, program.expression(expression), 400) > 20


@pytest.mark.parametrize("seed", range(3))
def test_random_programs_for_every_number_of_steps(seed):
    program = rlab.loads(random_programs.program(seed, 30))
    compared = 0
    for function in program:
        for size, rank in values(function, 2, seed):
            value = function.domain.unrank(size, rank)
            term = function.apply(*(value if isinstance(value, tuple) else (value,)))
            compared += agree(program.core, term, 60)
    assert compared > 500


def test_drawn_functions_for_every_number_of_steps():
    drawn = sample_functions(
        "nat -> list nat -> list nat", 25, seed=1, helpers=("Nat.add",), distinct=False
    )
    for function in (d.function for d in drawn):
        for size, rank in values(function, 2, 0):
            agree(function.program.core, function.apply(*function.domain.unrank(size, rank)), 60)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_parts_of_a_trace_in_bulk(data):
    """Single steps leave frames around the redex; a bulk begins inside them."""
    program = heads()
    term = program.expression(data.draw(st.sampled_from(EXPRESSIONS)))
    steps, _ = walk(program.core, term, 300)
    trace, at = program.core.trace(term), 0
    for n in data.draw(st.lists(st.integers(0, 60), max_size=12)):
        taken = trace.advance(n)
        at += taken
        assert taken == min(n, len(steps) - 1 - (at - taken)) or len(steps) == 301
        if at >= len(steps):
            break
        same(trace, steps[at], (str(term), at))


def test_every_nth_term():
    program = heads()
    term = program.expression("local 3")
    for every in (17, 18, 50, 1000):
        bulk = list(program.core.trace(term, every=every))
        assert bulk == list(program.core.trace(term, every=every, **SINGLE))


def outcome(trace, count):
    """What a call says, the steps taken, and the term, where there is one."""
    said = []
    for what in (lambda: trace.advance(count), lambda: trace.steps, lambda: trace.term):
        try:
            said.append(what())
        except (BudgetError, TermError) as error:
            said.append(str(error))
    return said


def test_step_budgets_run_out_at_the_same_step():
    program = heads()
    term = program.expression("local 2")
    for steps in range(1, 130):
        bulk = program.core.trace(term, steps=steps)
        single = program.core.trace(term, steps=steps, **SINGLE)
        assert outcome(bulk, 120) == outcome(single, 120)
        assert outcome(bulk, 120) == outcome(single, 120)


def test_node_budgets_count_the_terms_between():
    program = heads()
    trace = program.core.trace(program.expression("local 3"), nodes=200)
    with pytest.raises(BudgetError, match="node budget of"):
        trace.advance(1 << 40)
    assert trace.steps > 16


@pytest.mark.parametrize(
    "expression",
    [
        ("plus", ("plus", 6, 6), "true"),
        ("leb", ("plus", 6, 6), ("fun", ["x"], "x")),
        ("S", ("match", "nat", ("plus", 6, "true"), ([], 1), (["k"], ("k", "k")))),
        (("match", "nat", ("plus", 6, 0), ([], "S"), (["k"], "pair")), 1, 2, 3),
        (("fun", ["f"], ("f", ("plus", 6, 6), "O")), "S"),
        ("match", "nat", ("sort", ("cons", 3, ("cons", 1, "nil"))), ([], 1), (["k"], "k")),
    ],
)
def test_terms_that_are_not_well_typed_get_stuck_at_the_same_step(expression):
    lab = make_lab()
    term = lab.term(expression)
    assert outcome(lab.p.trace(term), 1 << 40) == outcome(lab.p.trace(term, **SINGLE), 1 << 40)


def test_a_signal_leaves_a_trace_that_goes_on():
    program = heads()
    term = program.expression("ack 3 7")
    whole = program.core.trace(term).advance(1 << 40)

    def stop(*_):
        raise KeyboardInterrupt

    trace, old = program.core.trace(term), signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            for _ in range(1000):
                trace = program.core.trace(term)
                trace.advance(1 << 40)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    stopped = program.core.trace(term)
    assert stopped.advance(trace.steps) == trace.steps and stopped.term == trace.term
    assert trace.advance(1 << 40) + stopped.steps == whole
    assert trace.term == program.core.eval(term)


def test_allocation_failures_leave_a_trace_that_goes_on():
    program = heads()
    term = program.expression("local 5")
    steps, _ = walk(program.core, term, 3000)
    failed = 0
    for n in itertools.count(1):
        trace = program.core.trace(term)
        _core.alloc_fail_after(n)
        try:
            trace.advance(1 << 40)
            break
        except MemoryError:
            failed += 1
        finally:
            _core.alloc_fail_after(0)
        trace.advance(1 << 40)
        assert trace.steps == len(steps) - 1
        same(trace, steps[-1], ("allocation", n))
    assert failed > 3


DEEP = """
import recursionlab as rlab
N = 1_000_000
program = rlab.loads(rlab.library("nat").source + '''
Fixpoint copy (n : nat) : nat := match n with O => O | S m => S (copy m) end.
Fixpoint curried (n : nat) : nat -> nat := match n with O => fun k => k | S m => curried m end.
Fixpoint compose (n : nat) (f : nat -> nat) : nat -> nat :=
  match n with O => f | S m => compose m (fun x => f (S x)) end.
''', "deep.v")
value = program.type("nat").parse(str(N - 1))
deep = program["copy"].apply(value)
trace = program.core.trace(deep)
assert trace.advance(2 * N) == 2 * N and not trace.term.is_value and trace.term.size == N
assert len(trace.position) == N // 2 - 1
assert trace.advance(1 << 40) == 2 * N
assert trace.term == value and trace.rule == "iota" and len(trace.position) == N - 1
for name in ("curried", "compose"):
    term = program.expression(name + (" 2000 S 1" if name == "compose" else " 2000 1"))
    trace = program.core.trace(term)
    trace.advance(1 << 40)
    assert trace.term == program.core.eval(term)
"""


def test_deep_terms_on_a_small_stack():
    done = subprocess.run(
        ["sh", "-c", 'ulimit -s 256; exec "$@"', "sh", sys.executable, "-c", DEEP],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_more_words_than_the_arena_holds():
    """Ten million words and a stack that is 160,000 deep: the term is read back on the way."""
    program = heads()
    term = program.expression("400 * 400 + ack 3 7")
    trace = program.core.trace(term)
    taken = trace.advance(1 << 40)
    assert trace.term == program.core.eval(term)
    halves = program.core.trace(term)
    assert halves.advance(taken // 2) + halves.advance(1 << 40) == taken
    assert halves.term == trace.term and halves.position == trace.position
