"""Programs and functions as a user holds them."""

import pytest

from recursionlab.errors import InputError, LanguageError
from recursionlab.language import library, loads

SOURCE = """
Inductive tree (A : Type) : Type := leaf | node (l : tree A) (x : A) (r : tree A).
Arguments leaf {A}.
Arguments node {A} l x r.
Inductive label := a | b.
Fixpoint size {A : Type} (t : tree A) : nat :=
  match t with leaf => 0 | node l _ r => S (size l + size r) end.
Definition lean (t : tree label) : bool := match t with leaf => true | _ => false end.
Fixpoint mirror {A : Type} (t : tree A) : tree A :=
  match t with leaf => leaf | node l x r => node (mirror r) x (mirror l) end.
Fixpoint pick (n : nat) (l m : nat) {struct n} : nat :=
  match n with 0 => l | S k => pick k m l end.
Example small : size (node leaf a leaf) = 1. Proof. reflexivity. Qed.
Compute size (mirror (node leaf a leaf)).
"""


@pytest.fixture
def program(core):
    return loads(SOURCE, "trees.v")


def test_reprs_help(program):
    assert repr(program) == "<Program trees.v: 2 types, 4 functions, 1 examples>"
    assert repr(program["size"]) == "<Function size : tree A -> nat>"
    assert repr(program["size"].at(A="label")) == "<Function size : tree label -> nat>"
    assert repr(program["pick"]) == "<Function pick : nat -> nat -> nat -> nat>"


def test_what_a_function_knows(program):
    size, lean, pick = program["size"], program["lean"], program["pick"]
    assert (size.arity, size.struct_arg, size.type_parameters) == (1, 0, ["A"])
    assert (lean.arity, lean.struct_arg, lean.type_parameters) == (1, None, [])
    assert (pick.arity, pick.struct_arg, pick.group) == (3, 0, ["pick"])
    assert size.at(A="label").at_types == {"A": "label"}
    assert size.program is program
    assert [program["Nat.add"].id] == size.calls


def test_measures_go_from_the_same_arguments_to_nat_or_bool(program):
    assert [m.name for m in program["mirror"].at(A="label").measures] == ["size", "lean"]
    assert [m.name for m in program["mirror"].at(A="nat").measures] == ["size"]
    assert program["pick"].measures == []


def test_calls_and_expressions(program):
    assert str(program["size"]("node leaf a (node leaf b leaf)")) in ("2", "S (S O)")
    with_call = program["mirror"]("mirror (node leaf a leaf)")
    assert with_call == program.core.eval(program.expression("node leaf a leaf"))
    assert program["mirror"](with_call) == with_call


def test_contents(program):
    assert len(program) == 4
    assert [f.name for f in program] == list(program.functions)
    assert "size" in program and "sizes" not in program
    assert {"tree", "label", "nat"} <= set(program.types)
    assert program.check() == 1
    assert program.compute() in ([("1", "nat")], [("S O", "nat")])
    assert program.source == SOURCE
    assert len(program.sha256) == 64


def test_a_computation_that_fails_says_where():
    with pytest.raises(LanguageError) as caught:
        loads("Definition a := 1.\nCompute Some S.", "w.v").compute()
    assert str(caught.value) == (
        "w.v:2:9: error: the result holds a function, not a value\n  Compute Some S.\n"
        "          ^^^^^^\nexpected a value; apply the function to all its arguments"
    )


def test_equal_text_has_equal_hash(core):
    assert loads(SOURCE).sha256 == loads(SOURCE, "other").sha256
    assert loads(SOURCE).sha256 != loads(SOURCE + " ").sha256


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda p: p["sise"], "has no function 'sise'; did you mean `size`"),
        (lambda p: p["zzz"], "has no function 'zzz'; it has size, lean, mirror, pick"),
        (lambda p: p["leaf"], "has no function 'leaf'"),
        (lambda p: p["pick"]("1"), r"pick takes 3 arguments \(nat -> nat -> nat -> nat\), got 1"),
        (lambda p: p["size"].at(B="nat"), "size has no type parameter 'B' to choose; it has A"),
        (lambda p: p["size"].domain, r'choose its types first, as in program\["size"\].at\(A="'),
        (lambda p: library("binari"), "the library has no file 'binari'; did you mean `binary`"),
    ],
)
def test_mistakes(program, action, message):
    with pytest.raises(InputError, match=message):
        action(program)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda p: p.expression("size lef"),
            "<term>:1:6: error: unknown name `lef`\n  size lef\n       ^^^\ndid you mean `leaf`?",
        ),
        (
            lambda p: p["pick"]("1", "2", "true"),
            "<argument 3 of pick>:1:1: error: this has type `bool`\n"
            "  true\n  ^^^^\nexpected type `nat`",
        ),
        (
            lambda p: p.type_expression("tree"),
            "<type>:1:1: error: type `tree` takes one parameter, not 0\n"
            "  tree\n  ^^^^\nwrite `tree A`",
        ),
        (
            lambda p: p.expression("  "),
            "<term>:1:1: error: there is no term here\nwrite a term, such as `S O`",
        ),
        (
            lambda p: p.trace("fun x => S x", granularity="call"),
            "<term>:1:1: error: this term calls no function at its head, so there are no calls "
            "to follow\n  fun x => S x\n  ^^^^^^^^^^^^\nwrite a call such as `f x`, or name the "
            "function",
        ),
    ],
)
def test_mistakes_in_terms(program, action, message):
    with pytest.raises(LanguageError) as caught:
        action(program)
    assert str(caught.value) == message


def test_a_trace_ends_with_the_normal_form():
    succ = library("binary")["succ"]
    trace = succ.trace("xI (xI xH)", granularity="call")
    assert str(trace.start) == "UNROLL (xI (xI xH))"
    assert [str(step) for step in trace] == [
        "xO (UNROLL (xI xH))",
        "xO (xO (UNROLL xH))",
        "xO (xO (xO xH))",
    ]
    trace = succ.program.trace("succ (xI xH)", granularity="contraction")
    assert str(trace.start) == "succ (xI xH)"
    steps = list(trace)
    assert [step.rule for step in steps[:3]] == ["delta", "iota", "beta"]
    assert (steps[0].function, steps[0].position) == ("succ", ())
    assert all(a.term == b.before for a, b in zip(steps, steps[1:], strict=False))
    assert steps[-1].term == trace.term == succ("xI xH")


def test_deep_values_are_read_and_evaluated():
    succ = library("binary")["succ"]
    depth = 20_000
    value = succ("xI (" * depth + "xH" + ")" * depth)
    assert value.size == depth + 2
    assert str(value).startswith("xO (xO (")


def test_domains_and_codecs_come_from_the_types():
    program = loads(SOURCE)
    mirror = program["mirror"].at(A="label")
    assert (str(mirror.domain), str(mirror.codomain)) == ("tree label", "tree label")
    assert str(program.type("tree label")) == "tree label"
    codec = mirror.codec()
    value = mirror.domain.parse("node leaf b leaf")
    assert codec.decode(codec.encode(value)) == value
    with pytest.raises(InputError, match="two takes no arguments, so it has no domain"):
        _ = loads("Definition two := 2.")["two"].domain


def test_a_trace_takes_a_strategy():
    program = loads(
        "Fixpoint twice (n : nat) : nat := match n with 0 => 0 | S k => S (S (twice k)) end.\n"
        "Definition first (n m : nat) : nat := n."
    )
    first = program["first"]
    by_name = first.trace("1", "twice 2", strategy="cbn", granularity="equation")
    assert [str(step) for step in by_name] == ["1"]
    both = "Nat.add (twice 1) (twice 1)"
    parallel = program.trace(both, strategy="parallel", granularity="call", function="twice")
    assert str(next(parallel)) == "Nat.add (S (S (UNROLL 0))) (S (S (UNROLL 0)))"
    with pytest.raises(InputError, match="strategy: expected 'cbv', 'cbn' or 'parallel'"):
        program.trace(both, strategy="lazy")
