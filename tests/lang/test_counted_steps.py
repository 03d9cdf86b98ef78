"""Contractions that the evaluator counts are those that the reducer takes, one by one."""

import re

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab import _core
from recursionlab.errors import BudgetError

PARTIAL = """
Definition twice {A : Type} (f : A -> A) (x : A) : A := f (f x).
Definition three (a b c : nat) : nat := let d := S a in match b with O => d | S e => e + c end.
Fixpoint map2 (f : nat -> nat -> nat) (n : nat) : nat :=
  match n with O => O | S m => let g := f n in g m + map2 f m end.
Definition kept (n : nat) : nat := let g := (fun x y z => x + y + z) n in let h := g n in h 1 + h 2.
Definition never (n : nat) : nat := let g := (fun (x y : nat) => x) n in n.
Definition through (n : nat) : nat := map2 (three n) n + twice (twice S) n + twice (three n 1) n.
Definition local (n : nat) : nat :=
  (fix go (k acc : nat) : nat := match k with O => acc | S j => go j (S acc) end) n (kept n).
Definition part (n : nat) : nat :=
  let go := (fix go (k acc : nat) : nat := match k with O => acc | S j => go j (S acc) end) n in
  go 1 + go 2.
Definition five : nat := 2 + 3.
Definition named (n : nat) : nat := five + n * five.
Definition over (n : nat) : nat := (if Nat.leb n 2 then (fun x y => y) else (fun x => S)) n n.
"""


def check(program, names, sizes):
    for name in names:
        function = program[name]
        function = function.at(**dict.fromkeys(function.type_parameters, "nat"))
        domain = function.domain
        levels, ranks = domain.draw(6, [n for n in sizes if domain.count(n)], seed=1)
        made = _core.pairs(function.id, domain, levels, ranks, 1, steps=True)
        for i, (level, rank) in enumerate(zip(levels.tolist(), ranks.tolist(), strict=True)):
            value = domain.unrank(level, rank)
            term = function.apply(*(value if isinstance(value, tuple) else (value,)))
            assert program.core.trace(term).advance(1 << 40) == made["steps"][i], (name, str(value))


def test_partial_applications_lets_and_local_functions():
    names = ["kept", "never", "through", "local", "part", "named", "over"]
    check(rlab.loads(PARTIAL), names, range(1, 7))


@pytest.mark.parametrize("library", ["combinator", "rose", "parity", "sort", "register"])
def test_library_functions(library):
    program = rlab.library(library)
    names = [f.name for f in program if not re.search(r"\([^()]*->", f.type)]  # first order
    assert len(names) >= 5
    check(program, names, range(1, 12))


def test_functions_that_return_functions():
    check(rlab.library("ackermann"), ["ackermann", "hyper"], range(2, 6))
    curried = "Definition third (a : nat) : nat -> nat -> nat := fun b => plus a.\n"
    check(rlab.loads(curried), ["third"], range(3, 9))


def test_their_results_are_those_of_the_evaluator():
    ackermann = rlab.library("ackermann")["ackermann"]
    levels, ranks = ackermann.domain.draw(12, range(2, 7), seed=0)
    made = _core.pairs(ackermann.id, ackermann.domain, levels, ranks, 2, texts=True)
    for i, (level, rank) in enumerate(zip(levels.tolist(), ranks.tolist(), strict=True)):
        value = ackermann.domain.unrank(level, rank)
        assert made["output_text"][i] == str(ackermann(*value))


def test_the_budget_is_in_contractions():
    succ = rlab.library("binary")["succ"]
    sizes, ranks = np.array([6], np.int32), np.array([0], np.uint64)
    taken = int(_core.pairs(succ.id, succ.domain, sizes, ranks, 1, steps=True)["steps"][0])
    options = {"steps": True, "max_steps": taken}
    assert _core.pairs(succ.id, succ.domain, sizes, ranks, 1, **options)["steps"][0] == taken
    with pytest.raises(BudgetError, match=f"budget of {taken - 1} contractions ran out"):
        _core.pairs(succ.id, succ.domain, sizes, ranks, 1, steps=True, max_steps=taken - 1)
