"""Functions as data: the space is counted right, draws are what they claim, equals are found."""

import itertools
import re
from collections import Counter

import pytest

import recursionlab as rlab
from recursionlab.errors import CountError, InputError
from recursionlab.functions import (
    FunctionSpace,
    functional_hash,
    mutate_function,
    same_behaviour,
    sample_functions,
    unique_functions,
)
from recursionlab.functions.sample import tokens_of

TREE = "Inductive tree := leaf | node (l : tree) (x : bool) (r : tree).\n"
SPACES = [
    ("nat -> nat", (), 8),
    ("nat -> nat -> nat", ("Nat.add",), 6),
    ("list bool -> list bool", ("negb",), 8),
    ("list nat -> nat -> nat", ("Nat.leb",), 7),
    ("tree -> list bool", (), 8),
    ("tree -> bool * nat", ("andb",), 9),
    ("tree -> tree -> tree", (), 7),
]


def space(kind, helpers):
    return FunctionSpace(kind, rlab.loads(TREE), helpers)


# ------------------------------------------------------------------------------ an obvious counter


def trees(size, kind, scope, result, first, others, form="tail"):
    """Every expression of the grammar for nat and bool, as text, built without counting."""
    if size < 1:
        return
    if size == 1 and form != "call":
        yield from (name for name, t, *_ in scope if t == kind)
        yield from {"nat": ["O"], "bool": ["true", "false"]}[kind]
    if kind == "nat" and form != "call":
        for inner in trees(size - 1, "nat", scope, result, first, others, "expr"):
            yield f"(S {inner})"
    if kind == result:
        for name, _, _, small in scope:
            if small:
                for rest in products(size - 2, others, scope, result, first, others):
                    yield " ".join([f"(f {name}", *rest]) + ")"
    if kind == "bool":
        for (inner,) in products(size - 1, ["bool"], scope, result, first, others):
            yield f"(negb {inner})"
    if form != "tail":
        return
    for i, (name, t, opened, small) in enumerate(scope):
        if not opened:
            inside = [*scope[:i], (name, t, True, small), *scope[i + 1 :]]
            own = [[], [(f"v{len(scope)}", "nat", False, small)]] if t == "nat" else [[], []]
            for here in range(1, size - 1):
                for a in trees(here, kind, [*inside, *own[0]], result, first, others):
                    for b in trees(
                        size - 1 - here, kind, [*inside, *own[1]], result, first, others
                    ):
                        yield f"(match {name} {a} {b})"
    for parts in itertools.product(range(1, size), repeat=2):
        rest = size - 1 - sum(parts)
        for c in trees(parts[0], "bool", scope, result, first, others, "call"):
            for a in trees(parts[1], kind, scope, result, first, others):
                for b in trees(rest, kind, scope, result, first, others):
                    yield f"(if {c} {a} {b})"


def products(size, kinds, scope, result, first, others):
    if not kinds:
        if size == 0:
            yield ()
        return
    for here in range(1, size + 1):
        for a in trees(here, kinds[0], scope, result, first, others, "expr"):
            for rest in products(size - here, kinds[1:], scope, result, first, others):
                yield (a, *rest)


def counted(size, result, others):
    scope = [("x", "nat", True, False)]
    scope += [(f"y{i}", t, False, False) for i, t in enumerate(others)]
    bodies = [
        a + b
        for here in range(1, size - 1)
        for a in trees(here, result, scope, result, "nat", others)
        for b in trees(
            size - 1 - here, result, [*scope, ("p", "nat", False, True)], result, "nat", others
        )
    ]
    return sum("(f " in body for body in bodies)


@pytest.mark.parametrize(
    "result, others, upto", [("nat", [], 8), ("bool", ["nat"], 7), ("nat", ["bool"], 7)]
)
def test_the_count_is_that_of_an_obvious_enumeration(result, others, upto):
    kind = " -> ".join(["nat", *others, result])
    # Without a helper no type in the first case is bool, so the plain enumeration is given one.
    counts = FunctionSpace(kind, helpers=["negb"])
    for size in range(1, upto + 1):
        assert counts.count(size) == counted(size, result, others), size


# ------------------------------------------------------------------------------ ranks and draws


@pytest.mark.parametrize("kind, helpers, upto", SPACES)
def test_every_rank_is_another_accepted_function(kind, helpers, upto):
    own = space(kind, helpers)
    total = 0
    for size in range(1, upto + 1):
        n = min(own.count(size), 300)
        texts = [own.text(size, own.count(size) * i // n, f"g{i}") for i in range(n)]
        plain = {re.sub(r"\bg\d+\b", "f", text) for text in texts}
        assert len(plain) == n
        program = rlab.loads("\n".join([TREE, *texts]))
        assert all(f.type == kind and f.struct_arg == 0 for f in program)
        total += n
    assert total > 20


def test_draws_depend_on_seed_and_number_alone():
    few = sample_functions("nat -> nat -> nat", 5, seed=3, distinct=False)
    many = sample_functions("nat -> nat -> nat", 300, seed=3, distinct=False)
    assert [f.text for f in few] == [f.text for f in many[:5]]
    other = sample_functions("nat -> nat -> nat", 300, seed=4, distinct=False)
    assert sum(a.text == b.text for a, b in zip(many, other, strict=True)) < 30


def test_draws_are_uniform_within_a_size():
    drawn = sample_functions("nat -> nat", 2600, seed=0, sizes=[6], distinct=False)
    counts = Counter(f.rank for f in drawn)
    assert len(counts) == 26
    assert sum((n - 100) ** 2 / 100 for n in counts.values()) < 52.6  # chi-square, p = 0.001


def test_distinct_draws_compute_different_things():
    drawn = sample_functions("list bool -> bool", 60, seed=0)
    assert unique_functions([f.function for f in drawn]) == list(range(60))
    assert len({f.text for f in drawn}) == 60
    assert all(str(f("nil")) in ("true", "false") for f in drawn)


def test_helpers_and_types_of_a_program():
    program = rlab.loads(TREE + "Definition same {A : Type} (x : A) : A := x.")
    drawn = sample_functions(
        "tree -> list bool",
        40,
        seed=1,
        program=program,
        helpers=[program["same"].at(A="list bool"), program["app"].at(A="bool")],
    )
    assert any("(@same (list bool))" in f.text for f in drawn)
    assert any("(@app bool)" in f.text for f in drawn)
    assert all(f.tokens[:2] == ["Fixpoint", "f"] and f.tokens[-1] == "." for f in drawn)


def test_names_are_kept_clear_of_the_programs():
    program = rlab.loads("Inductive t := x | v1 (y : t). Definition f0 (a : t) : t := a.")
    drawn = sample_functions("t -> t", 3, seed=0, program=program, helpers=["f0"])
    assert all("(y : t)" in f.text and " v2" in f.text for f in drawn)


def test_mistakes_are_told():
    for kind, message in [
        ("nat", "expected the type of a function"),
        ("bool -> nat", "`bool` has no part of its own type, so a function of this type cannot"),
        ("(nat -> nat) -> nat", "an argument is `nat -> nat`; expected an inductive type"),
    ]:
        with pytest.raises(InputError, match=re.escape(message)):
            FunctionSpace(kind)
    with pytest.raises(InputError, match="helper app is polymorphic; choose its types"):
        FunctionSpace("nat -> nat", helpers=["app"])
    with pytest.raises(CountError, match="no recursive function has a body of the sizes"):
        sample_functions("nat -> nat", 1, seed=0, sizes=[1, 2])
    with pytest.raises(CountError, match="draws gave only 3 functions that compute different"):
        sample_functions("nat -> nat", 9, seed=0, sizes=[4, 5])
    with pytest.raises(CountError, match=r"rank: expected 0 to 1 \(size 4\), got 2"):
        FunctionSpace("nat -> nat").text(4, 2)
    with pytest.raises(InputError, match="size: expected 0 to 60, got 61"):
        FunctionSpace("nat -> nat").count(61)


# ------------------------------------------------------------------------------------- behaviour


def test_equal_functions_have_equal_hashes_whatever_is_around_them():
    one = rlab.loads("Fixpoint f (n m : nat) : nat := match n with O => m | S p => S (f p m) end.")[
        "f"
    ]
    two = rlab.loads(
        TREE + "Fixpoint g (n m : nat) {struct m} : nat :="
        " match m with O => n | S p => S (g n p) end."
    )["g"]
    assert functional_hash(one) == functional_hash(two)
    assert functional_hash(one) == functional_hash(one.program["Nat.add"])
    assert functional_hash(one) != functional_hash(one.program["Nat.mul"])
    assert same_behaviour(one, two)


def test_functions_that_collide_are_told_apart_by_the_larger_sample():
    program = rlab.loads(
        "Require Import Arith. Definition a (n : nat) : nat := n. "
        "Definition b (n : nat) : nat := if n =? 200 then 0 else n. "
        "Definition c (n : nat) : nat := Nat.add n 0. "
        "Definition d (n : nat) : nat := if n =? 200 then 0 else n + 0."
    )
    functions = list(program)
    assert len({functional_hash(f) for f in functions}) == 1
    assert unique_functions(functions) == [0, 1]


def test_functions_that_run_out_of_their_budget_have_a_hash():
    program = rlab.loads(
        "Fixpoint f (n m : nat) : nat := match n with O => S m | S p => f p (f p m) end. "
        "Fixpoint g (n m : nat) : nat := match n with O => S m | S p => g p (g p (g p m)) end."
    )
    assert functional_hash(program["f"]) == functional_hash(program["f"])
    assert unique_functions(list(program)) == [0, 1]


def test_the_finite_and_the_empty_have_hashes():
    program = rlab.loads(
        "Inductive empty := . Definition not (b : bool) : bool := if b then false else true. "
        "Definition absurd (e : empty) : bool := match e with end."
    )
    assert functional_hash(program["not"]) == functional_hash(program["negb"])
    assert functional_hash(program["absurd"]) != functional_hash(program["not"])


# --------------------------------------------------------------------------------------- mutants


@pytest.mark.parametrize(
    "library, name, kinds",
    [
        ("binary", "succ", {"drop", "branches", "wrap"}),
        ("tree", "preorder", {"swap", "drop"}),
        ("sort", "insertion_sort", {"drop"}),
        ("rose", "preorder", {"swap", "drop"}),
        ("parity", "even", {"name"}),
    ],
)
def test_near_misses_are_accepted_and_compute_something_else(library, name, kinds):
    function = rlab.library(library)[name]
    function = function.at(**dict.fromkeys(function.type_parameters, "bool"))
    mutants = mutate_function(function, 6, seed=0)
    assert len(mutants) >= 4
    assert {m.kind for m in mutants} >= kinds
    assert unique_functions([function, *(m.function for m in mutants)]) == list(
        range(len(mutants) + 1)
    )
    for mutant in mutants:
        assert mutant.function.type == function.type
        assert mutant.after in mutant.text
        assert mutant.before != mutant.after
    assert [m.text for m in mutate_function(function, 3, seed=0)] == [m.text for m in mutants[:3]]


def test_sampled_functions_are_mutated_too():
    for drawn in sample_functions("nat -> nat -> nat", 5, seed=0, helpers=["Nat.add"]):
        for mutant in mutate_function(drawn.function, 3, seed=0):
            assert not same_behaviour(mutant.function, drawn.function)


def test_tokens():
    assert tokens_of("f (x : nat) := match x with S p => Nat.add p 12 end.") == (
        "f ( x : nat ) := match x with S p => Nat.add p 12 end .".split()
    )
