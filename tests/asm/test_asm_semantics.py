"""The C interpreter against the obvious one, on random machines and on chosen corners."""

import asm
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine_strategies import machines

from recursionlab.errors import BudgetError, InputError, MachineError
from recursionlab.language.source import Source
from recursionlab.machines import ENDS, Budget, Machine, loads
from recursionlab.machines.check import check
from recursionlab.machines.machine import SPECIALS
from recursionlab.machines.parser import parse
from recursionlab.machines.syntax import show

SLOW = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
BUDGET = Budget(steps=12, work=300, locations=9)


def machine_of_tree(tree):
    text = show(tree)
    source = Source("random", text)
    again = parse(source)
    assert again == tree
    return Machine(tree, check(source, again), (*SPECIALS, "xI", "("))


@SLOW
@given(machines(), st.lists(st.sampled_from([6, 7]), max_size=6), st.integers(0, 2**40))
def test_random_machines_run_as_the_reference_says(tree, tokens, seed):
    machine = machine_of_tree(tree)
    want = asm.Run(machine, tokens, seed, 3, (BUDGET.steps, BUDGET.work, BUDGET.locations)).go()
    history = machine.trace(tokens, seed=seed, index=3, budget=BUDGET)
    assert (history.end, history.steps) == (want.end, len(want.sets))
    assert history.output.tolist() == want.output
    got = [{} for _ in range(history.steps)]
    for step, *place, value in history.rows.tolist():
        name = history.location(*place)[0].split("(")[0]
        arguments = tuple(place[1:][: len(machine.signature.names[name].arguments)])
        got[step][name, arguments] = value
    assert got == want.sets
    packed = np.array(tokens * 2, dtype=np.int32), np.array([0, 1, 2]) * len(tokens)
    runs = machine.run(*packed, seed=seed, first=2, budget=BUDGET, threads=2)
    assert ENDS[runs.end[1]] == want.end
    assert runs[1].tolist() == want.output
    states = machine.states(*packed, seed=seed, first=2, budget=BUDGET, threads=2)
    assert (ENDS[states.end[1]], states.steps[1]) == (want.end, history.steps)
    assert states[1].tolist() == history.tokens().tolist()


def run(text, tokens=(), **options):
    return loads(text)(tokens, **options)


def test_a_step_reads_the_old_state():
    text = "machine swap var i : int = 1 var j : int = 2 fun f(int) : int = 0 rule "
    text += "i := j j := i f(0) := f(0) + i f(1) := f(0) if f(1) = 1 then halt end end"
    states = [dict(s) for s in loads(text).trace([]).states()]
    assert (states[1]["i", ()], states[1]["j", ()]) == (2, 1)
    assert [s.get(("f", (0,))) for s in states] == [None, 1, 3, 4]
    assert [s.get(("f", (1,))) for s in states] == [None, 0, 1, 3]


@pytest.mark.parametrize(
    "updates, place, values",
    [
        ("i := 1 i := 2", "i", "1 and 2"),
        ("m := left m := right", "m", "left and right"),
        ('output(3) := x output(3) := "("', "output(3)", "x and ("),
        ("f(2, x) := true f(1 + 1, x) := false", "f(2, x)", "true and false"),
        ("forall y in 0 .. 5 do f(y / 2, none) := y mod 2 = 0 end", "f(0, none)", "true and false"),
    ],
)
def test_a_conflict_names_the_location_and_both_values(updates, place, values):
    text = 'machine c token x "(" enum side = left | right var i : int = 0 var m : side = left '
    text += "fun f(int, token) : bool = false rule if i = 0 and m = left and not f(0, none) then "
    text += f"{updates} else i := 1 m := right f(0, none) := true output(0) := x end end"
    with pytest.raises(MachineError) as caught:
        run(text)
    expected = f"machine c, step 0: conflicting updates of {place}: {values}"
    assert str(caught.value) == expected


def test_the_same_update_twice_is_no_conflict():
    text = "machine c token x rule output(0) := x output(0) := x halt end"
    assert run(text) == ["x"]


@pytest.mark.parametrize(
    "rule, error, message",
    [
        ("i := i + 1", BudgetError, "step 50: the budget of 50 steps ran out"),
        ("forall y in 0 .. 1000 do f(i) := 1 end", BudgetError, "budget of 100 work ran out"),
        ("forall y in 0 .. 20 do f(y) := i end", BudgetError, "budget of 10 locations ran out"),
        ("output(10) := x f(i) := 0", BudgetError, "the budget of 10 locations ran out"),
        ("output(i - 1) := x f(0) := 1", MachineError, "written at a negative position"),
        ("i := 2147483647 + f(i)", MachineError, "a number left 32 bits"),
        ("i := -2147483647 - 2 + 0 * f(0)", MachineError, "a number left 32 bits"),
        ("i := 1 / f(0)", MachineError, "step 0: division by zero"),
        ("i := 1 mod f(i)", MachineError, "step 0: division by zero"),
        ("output(1) := x f(i) := 1 halt", MachineError, "output(0) is none, but a later position"),
    ],
)
def test_a_run_that_fails_says_why(rule, error, message):
    fallback = 1 if "2147483647 +" in rule else 0
    text = f"machine bad token x var i : int = 0 fun f(int) : int = {fallback} rule {rule} "
    text += "if false then i := f(0) output(0) := x end end"
    machine = loads(text)
    budget = Budget(steps=50, work=100, locations=10)
    history = machine.trace([], budget=budget)
    with pytest.raises(error) as caught:
        history.raise_for_end()
    assert message in str(caught.value)
    runs = machine.run(np.zeros(0, np.int32), np.zeros(3, np.int64), budget=budget)
    assert [ENDS[e] for e in runs.end] == [history.end] * 2
    assert runs.tokens.size == 0 and not runs.fine.any()


def test_division_rounds_down_as_in_python():
    text = "machine d var i : int = 0 fun f(int, int) : int = 0 fun g(int, int) : int = 0 rule "
    text += "forall x in -7 .. 7 do forall y in -3 .. 3 with y != 0 do "
    text += "f(x, y) := x / y g(x, y) := x mod y end end i := 1 halt end"
    *_, state = loads(text).trace([]).states()
    for x in range(-7, 8):
        for y in (-3, -2, -1, 1, 2, 3):
            assert (state["f", (x, y)], state["g", (x, y)]) == (x // y, x % y)


CHOOSE = """machine pick
token a b
var n : int = 0
rule
  choose x in 0 .. length - 1 with input(x) = a do
    n := x
    forall y in 0 .. x do output(y) := a end
    halt
  else
    output(0) := b
    n := 0 - 1
    halt
  end
end"""


def test_choose_is_uniform_seeded_and_independent_of_batches():
    machine = loads(CHOOSE)
    tokens = machine.encode(list("abaab") * 3000)
    offsets = np.arange(3001) * 5
    runs = machine.run(tokens, offsets, seed=5)
    lengths = np.diff(runs.offsets)
    counts = np.bincount(lengths, minlength=6)
    assert counts[[0, 2, 5]].sum() == 0
    assert all(abs(counts[i] - 1000) < 150 for i in (1, 3, 4))
    part = machine.run(tokens[: 5 * 10], offsets[:11], seed=5, first=20)
    assert np.array_equal(np.diff(part.offsets), lengths[20:30])
    other = machine.run(tokens, offsets, seed=6)
    assert not np.array_equal(np.diff(other.offsets), lengths)
    assert machine(["b", "b"]) == ["b"]


def test_results_do_not_depend_on_threads():
    machine = loads(CHOOSE)
    rng = np.random.default_rng(1)
    lengths = rng.integers(0, 9, size=3000)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = rng.integers(6, 8, size=offsets[-1]).astype(np.int32)
    one, *others = (machine.run(tokens, offsets, seed=1, threads=t) for t in (1, 2, 5))
    for other in others:
        for field in ("tokens", "offsets", "end", "steps"):
            assert np.array_equal(getattr(one, field), getattr(other, field))


def test_states_are_written_as_tokens():
    text = "machine s token x enum side = left | right var i : int = 10 var m : side = left "
    text += "fun f(int) : bool = false rule if m = left then i := -3 m := right f(2) := true "
    text += "f(3) := false output(0) := x else i := i halt end end"
    history = loads(text).trace([])
    words = "i 1 0 m left <step> i - 3 m right f 2 true output 0 x <step> "
    words += "i - 3 m right f 2 true output 0 x"
    assert " ".join(history.words()) == words
    vocabulary = history.machine.state_vocabulary
    assert [vocabulary[t] for t in history.tokens()] == history.words()
    states = loads(text).states(np.zeros(0, np.int32), np.array([0, 0, 0]), threads=1)
    assert states[0].tolist() == states[1].tolist() == history.tokens().tolist()
    assert len(set(vocabulary)) == len(vocabulary)
    assert history.update_sets()[0] == {
        "i": "-3", "m": "right", "f(2)": "true", "f(3)": "false", "output(0)": "x",
    }  # fmt: skip


def test_bad_arguments_are_named():
    machine = loads(CHOOSE)
    with pytest.raises(InputError, match="there is no token 'A'"):
        machine(["A"])
    with pytest.raises(InputError, match="budget: expected steps"):
        machine.trace([], budget=Budget(steps=-1))
    with pytest.raises(InputError, match="has no parameter 'k'"):
        machine.with_params(k=1)
    with pytest.raises(InputError, match="the vocabulary has no token 'b'"):
        machine.bind(["a"])
