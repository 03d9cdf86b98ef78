"""Instructions from strangers: refused, or run within the budgets; never a crash."""

import re
from pathlib import Path

import numpy as np
import pytest

from recursionlab import _core
from recursionlab.errors import InputError, InputTypeError
from recursionlab.machines import ENDS, loads

OPS = {name: i for i, name in enumerate(_core.asm_ops())}
EMPTY = np.zeros(0, np.int32)


def machine(
    code, rule=1, consts=(0, 1), params=1, variables=2, temps=2, arity=(1, 2), initial=None
):
    rows = [(OPS.get(op, op), *rest) for op, *rest in code]
    return _core.Machine(
        np.array(rows, dtype=np.int32).reshape(-1, 4),
        rule,
        np.array(consts, dtype=np.int32),
        params,
        variables,
        temps,
        np.array(arity, dtype=np.int32),
        np.array(arity if initial is None else initial, dtype=np.int32),
    )


END = ("END", 0, 0, 0)
# Registers: 0 length, 1..2 constants, 3 parameter, 4..5 variables, 6..7 temporaries.
WRONG = [
    ([END, ("MOV", 5, 0, 0), END], "line 1: MOV expects a temporary as operand 0, got 5"),
    ([END, ("MOV", 8, 0, 0), END], "MOV expects a temporary as operand 0, got 8"),
    ([END, ("MOV", 6, 8, 0), END], "MOV expects a register as operand 1, got 8"),
    ([END, ("MOV", 6, -1, 0), END], "MOV expects a register as operand 1, got -1"),
    ([END, ("MOV", 6, 0, 1), END], "MOV expects 0 as operand 2, got 1"),
    ([END, ("INIT", 4, 0, 0), END], "INIT expects a parameter or variable as operand 0, got 4"),
    ([END, ("SET", 3, 0, 0), END], "SET expects a variable as operand 0, got 3"),
    ([END, ("SET", 6, 0, 0), END], "SET expects a variable as operand 0, got 6"),
    ([END, ("GET", 6, 2, 0), END], "GET expects a function as operand 1, got 2"),
    ([END, ("GET", 6, 1, 7), END], "GET expects argument registers as operand 2, got 7"),
    ([END, ("PUT", 6, 0, 8), END], "PUT expects argument registers as operand 2, got 8"),
    ([END, ("JUMP", 0, 0, 1), END], "JUMP expects a later line as operand 2, got 1"),
    ([END, ("JZ", 6, 0, 3), END], "JZ expects a later line as operand 2, got 3"),
    ([END, ("NEXT", 6, 0, 2), END], "NEXT expects a line not after this one as operand 2, got 2"),
    ([END, ("NEXT", 6, 0, 0), END], "NEXT expects a line not after this one as operand 2, got 0"),
    ([("SET", 4, 0, 0), END, END], "SET cannot stand in the initial section"),
    ([END, (99, 0, 0, 0), END], "expected an instruction below"),
    ([END, (-1, 0, 0, 0), END], "expected an instruction below"),
    ([END, ("MOV", 6, 0, 0)], "each section must end in END"),
    ([("MOV", 6, 0, 0), END], "each section must end in END"),
    ([END], "expected 2 to 1000000 lines"),
]


@pytest.mark.parametrize("code, message", WRONG, ids=[w[1] for w in WRONG])
def test_a_wrong_line_is_refused(code, message):
    rule = 2 if code[0][0] == "SET" else 1
    with pytest.raises(InputError) as caught:
        machine(code, rule=rule)
    assert message in str(caught.value)


def test_wrong_counts_and_arrays_are_refused():
    fine = [END, END]
    for options in (
        {"params": -1}, {"variables": 70000}, {"temps": 2**40}, {"rule": 0}, {"rule": 2},
        {"arity": (0,)}, {"arity": (3,)}, {"arity": (1,), "initial": (1, 2)},
    ):  # fmt: skip
        with pytest.raises(InputError):
            machine(fine, **options)
    with pytest.raises(InputTypeError, match="code: expected"):
        _core.Machine(np.zeros((2, 4)), 1, EMPTY, 0, 0, 0, EMPTY, EMPTY)
    with pytest.raises(InputError, match="4 columns"):
        _core.Machine(np.zeros((2, 3), np.int32), 1, EMPTY, 0, 0, 0, EMPTY, EMPTY)


def test_words_that_do_not_fit_a_machine_are_refused():
    machine = loads(
        "machine m token x var i : int = 0 rule if i = 5 then halt else i := i halt end end"
    )
    core, good = machine.core, machine._lexicon
    batch = (np.zeros(0, np.int32), np.array([0, 0]), 0, 0, 9, 9, 9, 1)
    assert core.states(batch, *good)[2].tolist() == [0]
    cases = [
        (0, good[0][:-1], "names: expected 2 items"),
        (1, good[1][:-1], "sorts: expected 6 items"),
        (1, good[1] + 9, r"sorts\[0\]: there is no sort 9"),
        (2, good[2][:1], "sort_offsets: expected at least 2 items"),
        (2, good[2][::-1].copy(), "expected rising offsets"),
        (2, good[2] * 2, "expected rising offsets"),
        (4, good[4][:-1], "digits: expected 11 items"),
    ]
    for place, words, message in cases:
        with pytest.raises(InputError, match=message):
            core.states(batch, *good[:place], words, *good[place + 1 :])
    # A value that no word stands for ends that run, and that alone.
    words = (*good[:1], np.array([0, 0, 2, 0, 0, 1], np.int32), *good[2:])
    text = "machine m token x var i : int = 5 rule if i = 5 then halt else i := i halt end end"
    assert loads(text).core.states(batch, *words)[2].tolist() == [9]


def test_wrong_batches_and_budgets_are_refused():
    m = machine([END, END])
    tokens, offsets = np.zeros(3, np.int32), np.array([0, 3])
    assert m.run(tokens, offsets, 0, 0, 1, 1, 1, 1)[2].tolist() == [ENDS.index("still")]
    for arguments in (
        (tokens, np.array([0, 4]), 0, 0, 1, 1, 1, 1),
        (tokens, np.array([0, 5, 3]), 0, 0, 1, 1, 1, 1),
        (tokens, offsets, 0, 0, -1, 1, 1, 1), (tokens, offsets, 0, 0, 1, -1, 1, 1),
        (tokens, offsets, 0, 0, 1, 1, 0, 1), (tokens, offsets, 0, 0, 1, 1, 2**40, 1),
        (tokens, offsets, 0, 0, 1, 1, 1, 0),
    ):  # fmt: skip
        with pytest.raises(InputError):
            m.run(*arguments)
    with pytest.raises(InputTypeError):
        m.run(tokens.astype(np.int64), offsets, 0, 0, 1, 1, 1, 1)
    with pytest.raises(InputTypeError):
        m.run(tokens, offsets.astype(np.int32), 0, 0, 1, 1, 1, 1)


def operand(rng, kind, line, lines):
    """An operand that usually fits."""
    if rng.random() < 0.03:
        return int(rng.choice([-1, 8, 2**31 - 1, -(2**31)]))
    low, high = {
        "O": (0, 1), "T": (6, 8), "R": (0, 8), "I": (3, 6), "S": (4, 6), "F": (0, 2), "A": (0, 7),
        "J": (line + 1, lines), "B": (1, line + 1),
    }[kind]  # fmt: skip
    return int(rng.integers(low, high))


def test_random_code_is_refused_or_runs_within_its_budget():
    table = (Path(__file__).parents[2] / "csrc/asm/op.def").read_text()
    kinds = re.findall(r"^X\((\w+), (\w), (\w), (\w), (\w+)\)", table, flags=re.M)
    assert [k[0] for k in kinds] == list(OPS)
    rng = np.random.default_rng(0)
    tokens, offsets = np.array([5, 6, 7], np.int32), np.array([0, 0, 3])
    ran, ends = 0, set()
    for _ in range(3000):
        lines = int(rng.integers(3, 14))
        code = [END]
        for line in range(1, lines - 1):
            name, *wanted, _ = kinds[rng.integers(0, len(kinds))]
            code.append((name, *(operand(rng, k, line, lines) for k in wanted)))
        try:
            m = machine([*code, END], consts=(-1, int(rng.choice([1, 3, 2**31 - 1]))))
        except InputError:
            continue
        ran += 1
        *_, end, steps = m.run(tokens, offsets, 1, 0, 20, 50, 5, 1)
        assert (end < len(ENDS)).all() and (steps <= 20).all()
        trace = m.trace(tokens, 1, 1, 20, 50, 5)
        assert trace[3] == end[1] and trace[4] == steps[1]
        ends.update(ENDS[e] for e in end)
    assert ran > 800
    assert ends >= {"halted", "still", "conflict", "steps", "work", "range", "division", "hole"}


def test_the_extremes_of_numbers_are_faults_not_undefined():
    low = -(2**31)
    for op, a, b, end in (
        ("DIV", low, -1, "range"), ("MOD", low, -1, "still"), ("MUL", low, low, "range"),
        ("SUB", 0, low, "range"), ("ADD", low, -1, "range"), ("DIV", low, 0, "division"),
    ):  # fmt: skip
        m = machine([END, (op, 6, 1, 2), END], consts=(a, b))
        assert ENDS[m.run(EMPTY, np.array([0, 0]), 0, 0, 5, 5, 5, 1)[2][0]] == end
    m = machine(
        [END, ("INPUT", 6, 1, 0), ("GET", 7, 0, 1), ("OUTPUT", 7, 1, 0), END], consts=(low, 0)
    )
    assert ENDS[m.run(EMPTY, np.array([0, 0]), 0, 0, 5, 5, 5, 1)[2][0]] == "still"


def test_memory_that_runs_out_is_an_error():
    m = machine([END, ("WRITE", 1, 2, 0), ("HALT", 0, 0, 0), END])
    arguments = (np.zeros(4, np.int32), np.arange(5), 0, 0, 5, 5, 5, 1)
    fine = m.run(*arguments)
    assert fine[0].tolist() == [1] * 4
    seen = set()
    for n in range(1, 30):
        _core.alloc_fail_after(n)
        try:
            end = m.run(*arguments)[2].tolist()
            seen.add("ran" if end == [0] * 4 else "memory")
        except MemoryError:
            seen.add("raised")
        finally:
            _core.alloc_fail_after(0)
    assert {"ran", "raised", "memory"} == seen
