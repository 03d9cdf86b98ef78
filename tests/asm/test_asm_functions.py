"""Machines of functions agree with the evaluator; bounded ones do what they say."""

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab import _core
from recursionlab.errors import InputError, RecursionLabError
from recursionlab.language import libraries
from recursionlab.machines import (
    Budget,
    Cut,
    Refused,
    hypotheses,
    loads,
    machine_of,
    shortcut,
    shortcuts,
)
from recursionlab.machines.transducer import LAPSES

BUDGET = Budget(steps=60_000, locations=60_000)


def functions(library):
    for f in rlab.library(library):
        try:
            yield f.at(**dict.fromkeys(f.type_parameters, "bool"))
        except RecursionLabError:
            continue


def values(domain, limit, sizes=range(1, 12)):
    """Sizes and ranks: all values of the first sizes, then some spread over each."""
    rows = []
    for size in sizes:
        try:
            n = min(int(domain.count(size)), 2**62)
        except RecursionLabError:
            continue
        rows += [(size, n * i // min(n, limit)) for i in range(min(n, limit))]
    return [r[0] for r in rows], [r[1] for r in rows]


def disagreement(f, encoding, order, kind, sizes, ranks, machine=None):
    """First input on which machine and evaluator part, None if there is none."""
    machine = machine or machine_of(f, encoding, order, kind=kind)
    sizes, ranks = np.array(sizes, np.int32), np.array(ranks, np.uint64)
    codec = f.codec(encoding=encoding, order=order)
    made = _core.pairs(f.id, f.domain, sizes, ranks, 1, codec=codec)
    runs = machine.run(made["input"], made["input_offsets"], budget=BUDGET, threads=1)
    for i in range(len(runs)):
        start, end = made["output_offsets"][i : i + 2]
        enough = end - start < 2000  # factorial 8 would be written in 40,000 tokens
        if enough and not np.array_equal(runs[i], made["output"][start:end]):
            start, end = made["input_offsets"][i : i + 2]
            return machine.decode(made["input"][start:end])
    return None


@pytest.mark.parametrize("library", libraries())
def test_machines_agree_with_the_evaluator_on_small_values(library):
    for f in functions(library):
        try:
            sizes, ranks = values(f.domain, 40)
        except RecursionLabError:
            continue  # takes a function
        for encoding, order in (("prefix", "natural"), ("flat", "reversed")):
            try:
                found = disagreement(f, encoding, order, "any", sizes, ranks)
            except (Refused, InputError):
                continue
            assert found is None, (f.name, encoding, order)


def large_values(domain, seed=0):
    """A value drawn from each of some sizes up to 200."""
    rows = []
    for size in (12, 13, 20, 21, 50, 51, 100, 101, 199, 200):
        try:
            n = domain.count(size)
        except RecursionLabError:
            break  # more than 64 bits
        if n:
            (drawn,) = _core.random("u64", seed, 7, size, 1)
            rows.append((size, drawn % n))
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("library", libraries())
def test_machines_agree_on_all_values_to_size_8_and_random_ones_to_200(library):
    for f in functions(library):
        try:
            sizes, ranks = values(f.domain, 20_000, range(1, 9))
            machine = machine_of(f)
        except RecursionLabError:
            continue  # takes a function, or does not compile
        rows = [(sizes, ranks)]
        for size, rank in large_values(f.domain):
            try:
                value = f.domain.unrank(size, rank)
                f(*(value if isinstance(value, tuple) else (value,)), steps=5_000, nodes=20_000)
            except RecursionLabError:
                continue  # too long a run to follow
            rows.append(([size], [rank]))
        for sizes, ranks in rows:
            found = disagreement(f, "prefix", "natural", "any", sizes, ranks, machine)
            assert found is None, (f.name, found)


@pytest.mark.slow
def test_nearly_all_library_functions_compile():
    kinds = {"transducer": 0, "heap": 0}
    refused = []
    for library in libraries():
        for f in functions(library):
            for kind in kinds:
                try:
                    machine_of(f, kind=kind)
                except RecursionLabError:
                    continue
                kinds[kind] += 1
                break
            else:
                refused.append(f.name)
    assert kinds["transducer"] >= 104 and sum(kinds.values()) >= 300
    assert len(refused) <= 15, refused


COVERED = {
    "transducer": {
        "binary": "succ pred_double pred add carry borrow digits all_ones plus",
        "sequence": "append snoc reverse_onto take drop all_but_last last_of interleave stutter",
    },
    "heap": {
        "binary": "succ pred add",
        "tree": "preorder inorder postorder mirror height size leaves left_depth",
        "sort": "insertion_sort merge_sort sort_onto",
        "sequence": "reverse zip unzip",
        "rose": "preorder mirror",
    },
}


@pytest.mark.parametrize(
    "kind, library, name",
    [(k, lib, n) for k, v in COVERED.items() for lib, ns in v.items() for n in ns.split()],
)
def test_what_is_covered_stays_covered(kind, library, name):
    f = rlab.library(library)[name]
    f = f.at(**dict.fromkeys(f.type_parameters, "bool"))
    sizes, ranks = values(f.domain, 300, range(1, 10))
    for order in ("natural", "reversed"):
        assert disagreement(f, "prefix", order, kind, sizes, ranks) is None
    machine = machine_of(f, kind=kind)
    assert loads(str(machine)).tree == machine.tree


def test_long_values_agree():
    rng = np.random.default_rng(0)
    succ = rlab.library("binary")["succ"]
    machine = machine_of(succ)
    for length in (60, 130, 200):
        for ones in (0, length // 2, length - 1):
            tail = [str(x) for x in rng.choice(["xI", "xO"], size=length - 1 - ones)]
            number = ["xI"] * ones + tail + ["xH"]
            term = " (".join(number) + ")" * (length - 1)
            want = str(succ(term)).replace("(", "").replace(")", "").split()
            assert machine(number) == want


@pytest.mark.parametrize(
    "name, why",
    [
        ("preorder", "constructor `node` of `tree` has its recursive argument not last"),
        ("height", "constructor `node` of `tree` has its recursive argument not last"),
    ],
)
def test_a_transducer_refuses_trees(name, why):
    f = rlab.library("tree")[name].at(A="label")
    with pytest.raises(Refused, match=f"{name} does not compile to a machine: {why}"):
        machine_of(f, kind="transducer")


def test_a_transducer_refuses_what_reads_results():
    program = rlab.loads(
        "Fixpoint f (n : nat) : nat := match n with O => O | S m => S (S (f (f' m))) end.".replace(
            "f' m", "m"
        )
        + " Fixpoint g (n : nat) : nat := match n with O => 1 | S m => f (g m) end."
        + " Fixpoint h (n : nat) : nat := match n with O => 1 | S m =>"
        + " match h m with O => 1 | S k => k end end."
        + " Definition curried (n : nat) : nat -> nat := Nat.add n."
    )
    assert machine_of(program["f"], kind="transducer")(["S", "O"]) == ["S", "S", "O"]
    with pytest.raises(Refused, match="the result of `g` is an argument of another call"):
        machine_of(program["g"], kind="transducer")
    with pytest.raises(Refused, match="it matches on the result of `h`"):
        machine_of(program["h"], kind="transducer")
    assert machine_of(program["g"])(["S", "S", "O"]) == ["S", "S", "S", "S", "O"]
    with pytest.raises(Refused, match="it returns a function"):
        machine_of(program["curried"])


# ------------------------------------------------------------------------------ bounded machines

NUMBER = ["xI"] * 5 + ["xO", "xH"]


@pytest.mark.parametrize(
    "cut, output",
    [
        (Cut(0, "copy"), "xI xI xI xI xI xO xH"),
        (Cut(2, "copy"), "xO xO xI xI xI xO xH"),
        (Cut(5, "copy"), "xO xO xO xO xO xO xH"),
        (Cut(6, "copy"), "xO xO xO xO xO xI xH"),
        (Cut(2, "stop"), "xO xO"),
        (Cut(2, "constant", constant=("xH",)), "xO xO xH"),
        (Cut(2, "branch", branch="xO"), "xO xO xI xI xI xO xH"),
        (Cut(2, "branch", branch="xH"), "xO xO xO xH"),
        (Cut("length / 2", "copy"), "xO xO xO xI xI xO xH"),
        (Cut(2, "slip"), "xO xO xI xO xO xI xH"),
        (Cut(5, "slip"), "xO xO xO xO xO xO xO xH"),
        (Cut(2, "skip"), "xO xO xO xO xI xH"),
        (Cut(2, "stutter"), "xO xO xI xO xO xO xI xH"),
        (Cut("min(length, 1)", "stop"), "xO"),
    ],
)
def test_a_cut_ends_the_recursion_and_falls_back(cut, output):
    succ = rlab.library("binary")["succ"]
    machine = machine_of(succ, cut=cut)
    assert " ".join(machine(NUMBER)) == output
    assert " ".join(machine_of(succ, order="reversed", cut=cut)(NUMBER[::-1])[::-1]) == output
    assert " ".join(machine.with_params(k=6)(NUMBER)) == "xO xO xO xO xO xI xH"
    if cut.then in LAPSES:
        with pytest.raises(Refused, match="only along a stretch of the input"):
            machine_of(succ, cut=cut, kind="heap")
    else:
        assert " ".join(machine_of(succ, cut=cut, kind="heap")(NUMBER)) == output


def mirrored(tree, k, end):
    """Mirror image of a nested tuple, cut k calls deep; None: no value."""
    if k <= 0:
        return end
    if tree == ("leaf",):
        return tree
    return ("node", mirrored(tree[3], k - 1, end), tree[2], mirrored(tree[1], k - 1, end))


def listed(tree, k, end):
    """Labels of a nested tuple in preorder, cut likewise; no value ends what is appended to it."""
    if k <= 0:
        return end
    if tree == ("leaf",):
        return ("nil",)
    left, right = (listed(t, k - 1, end) for t in (tree[1], tree[3]))
    return ("cons", tree[2], appended(left, right))


def appended(one, other):
    if one is None or one == ("nil",):
        return one and other
    return ("cons", one[1], appended(one[2], other))


def written(value):
    """Tokens of a nested tuple."""
    return [] if value is None else [value[0], *(t for arg in value[1:] for t in written(arg))]


@pytest.mark.parametrize("k", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("name", "reference", "end"),
    [
        ("mirror", mirrored, None),
        ("mirror", mirrored, ("leaf",)),
        ("mirror", mirrored, ("node", ("leaf",), ("true",), ("leaf",))),
        ("preorder", listed, None),
        ("preorder", listed, ("nil",)),
        ("preorder", listed, ("cons", ("true",), ("nil",))),
    ],
)
def test_a_cut_on_a_heap_ends_in_nothing_or_a_constant(name, reference, end, k):
    f = rlab.library("tree")[name].at(A="bool")
    cut = Cut(k, "stop") if end is None else Cut(k, "constant", constant=tuple(written(end)))
    machine, flat = machine_of(f, cut=cut), None
    if name == "preorder" and end is not None:
        letters = tuple(t for t in cut.constant if t not in ("cons", "nil"))
        flat = machine_of(f, output_encoding="flat", cut=Cut(k, "constant", constant=letters))
    for size in (1, 4, 7, 10, 13):
        for rank in range(0, f.domain.count(size), 1 + f.domain.count(size) // 5):
            words = str(f.domain.unrank(size, rank)).replace("(", "").replace(")", "").split()
            want = written(reference(read(iter(words)), k, end))
            assert machine(words) == want
            if flat is not None:
                assert flat(words) == [t for t in want if t not in ("cons", "nil")]


def copied(tree, k):
    """Preorder cut k calls deep, the rest a tree: what is appended to a tree is lost."""
    if k <= 0 or tree == ("leaf",):
        return (tree, False) if k <= 0 else (("nil",), True)
    left, whole = copied(tree[1], k - 1)
    if whole:
        right, whole = copied(tree[3], k - 1)
        left = grown(left, right)
    return ("cons", tree[2], left), whole


def grown(one, other):
    return other if one == ("nil",) else ("cons", one[1], grown(one[2], other))


@pytest.mark.parametrize("k", [0, 1, 2, 3, 9])
def test_a_cut_on_a_heap_copies_what_is_of_another_type(k):
    f = rlab.library("tree")["preorder"].at(A="bool")
    machine = machine_of(f, cut=Cut(k, "copy"))
    for size in (1, 4, 7, 10, 13):
        for rank in range(0, f.domain.count(size), 1 + f.domain.count(size) // 5):
            words = str(f.domain.unrank(size, rank)).replace("(", "").replace(")", "").split()
            assert machine(words) == written(copied(read(iter(words)), k)[0]), words


def read(words):
    """Nested tuple of a tree's tokens."""
    word = next(words)
    return ("node", read(words), (next(words),), read(words)) if word == "node" else (word,)


def test_a_constant_must_be_a_value_of_the_result():
    preorder = rlab.library("tree")["preorder"].at(A="bool")
    for constant in (("leaf",), ("nil", "nil"), ("cons", "nil"), ("true",), ()):
        with pytest.raises(Refused, match="the constant is no value of the type"):
            machine_of(preorder, cut=Cut(1, "constant", constant=constant))


def test_cuts_deep_enough_change_nothing():
    for library, name in (("binary", "succ"), ("tree", "preorder"), ("tree", "mirror")):
        f = rlab.library(library)[name]
        f = f.at(**dict.fromkeys(f.type_parameters, "label"))
        then = Cut(50) if name != "preorder" else Cut(50, "branch", branch="leaf")
        sizes, ranks = values(f.domain, 30)
        made = _core.pairs(
            f.id,
            f.domain,
            np.array(sizes, np.int32),
            np.array(ranks, np.uint64),
            1,
            codec=f.codec(),
        )
        runs = machine_of(f, cut=then).run(made["input"], made["input_offsets"])
        assert np.array_equal(runs.tokens, made["output"])


def test_a_cut_on_a_heap_counts_nested_calls():
    f = rlab.library("tree")["preorder"].at(A="label")
    tree = "node node leaf b leaf a node node leaf d leaf c leaf".split()
    whole = machine_of(f)(tree)
    assert whole == "cons a cons b cons c cons d nil".split()
    machine = machine_of(f, cut=Cut(2, "branch", branch="leaf"))
    assert machine(tree) == "cons a cons b cons c nil".split()
    assert machine.with_params(k=1)(tree) == "cons a nil".split()


def test_a_window_acts_on_the_last_tokens():
    machine = machine_of(rlab.library("binary")["succ"], window=3)
    assert machine(NUMBER) == ["xI"] * 4 + ["xO", "xI", "xH"]
    assert machine.with_params(m=100)(NUMBER) == ["xO"] * 5 + ["xI", "xH"]
    assert machine.with_params(m="length - 4")(NUMBER) == machine(NUMBER)


def test_mistakes_in_options_are_named():
    succ = rlab.library("binary")["succ"]
    with pytest.raises(InputError, match="expected encoding prefix or flat"):
        machine_of(succ, "paren")
    with pytest.raises(InputError, match="kind: expected any, transducer or heap"):
        machine_of(succ, kind="tape")
    with pytest.raises(InputError, match="cut: expected a branch of xI, xO, xH, got 'xX'"):
        machine_of(succ, cut=Cut(1, "branch", branch="xX"))
    with pytest.raises(Refused, match="it does not recur itself, so there is nothing to cut"):
        machine_of(rlab.library("sort")["merge_sort"], cut=Cut(1))
    with pytest.raises(
        InputError, match="cut: expected one of copy, stop, constant, branch, function, slip"
    ):
        machine_of(succ, cut=Cut(1, "guess"))


@pytest.mark.parametrize("order", ["natural", "reversed"])
@pytest.mark.parametrize("output_order", ["natural", "reversed"])
def test_input_and_output_may_be_written_differently(order, output_order):
    f = rlab.library("tree")["inorder"].at(A="label")
    sizes, ranks = (np.array(x, t) for x, t in zip(values(f.domain, 50), "iL", strict=True))
    made = _core.pairs(
        f.id, f.domain, sizes, ranks, 1, codec=f.codec("prefix", order, None, "flat", output_order)
    )
    machine = machine_of(f, "prefix", order, None, "flat", output_order)
    runs = machine.run(made["input"], made["input_offsets"])
    assert np.array_equal(runs.tokens, made["output"])
    assert np.array_equal(runs.offsets, made["output_offsets"])
    succ = rlab.library("binary")["succ"]
    mixed = machine_of(succ, order=order, output_order=output_order)
    given = NUMBER if order == "natural" else NUMBER[::-1]
    want = ["xO"] * 5 + ["xI", "xH"]
    assert mixed(given) == (want if output_order == "natural" else want[::-1])


def test_hypotheses_are_machines_over_one_vocabulary():
    found = hypotheses(rlab.library("binary")["succ"], after=2)
    assert set(found) == {
        "true", "cut, copy", "cut, stop", "cut, branch xI", "cut, branch xO", "cut, branch xH",
        "cut, constant xH", "cut, as pred", "cut, as pred_double", "window", "copy",
        "one call, slip", "one call, skip", "one call, stutter",
        "reverse", "shift", "last",
    }  # fmt: skip
    assert len({m.vocabulary for m in found.values()}) == 1
    assert found["cut, copy"](NUMBER) == ["xO", "xO", *NUMBER[2:]]
    trees = hypotheses(rlab.library("tree")["mirror"].at(A="label"), order="reversed")
    cuts = {"cut, copy", "cut, stop", "cut, branch leaf", "cut, constant leaf"}
    assert {"true", "copy", *cuts} <= set(trees) and "window" not in trees
    lists = hypotheses(rlab.library("tree")["preorder"].at(A="label"))
    assert {"cut, stop", "cut, constant nil"} <= set(lists)


def test_values_on_the_way_may_have_constructors_that_no_token_stands_for():
    program = rlab.loads(
        "Inductive pick := first (n : nat) | second | third.\n"
        "Definition code (p : pick) : nat := match p with first n => S n | second => 0 | third => 1"
        " end.\nFixpoint f (n : nat) : nat := match n with O => code second"
        " | S m => let p := match m with O => third | S _ => first (f m) end in code p end."
    )
    machine = machine_of(program["f"], kind="heap")
    codec = program["f"].codec()
    assert list(machine.vocabulary[: len(codec.vocabulary)]) == codec.vocabulary
    for n in range(6):
        want = str(program["f"](str(n)))
        assert machine(["S"] * n + ["O"]) == ["S"] * int(want) + ["O"]


def test_renamed_tokens():
    succ = rlab.library("binary")["succ"]
    machine = machine_of(succ, renames={"xH": "01", "xI": "1", "xO": "if"})
    assert machine(["1", "if", "01"]) == ["if", "1", "01"]


# ------------------------------------------------------------------------- sequence-level shortcuts

EXPECTED = {
    "copy": ({}, "a ( b c )", "a ( b c )"),
    "unbracket": ({}, "( a ( b c ) )", "a b c"),
    "reverse": ({}, "a b c", "c b a"),
    "shift": ({"s": 2}, "a b c a", "c a a b"),
    "last": ({"m": 2}, "a b c", "b c"),
}


def test_every_shortcut_has_an_expectation():
    assert set(EXPECTED) == set(shortcuts())
    with pytest.raises(InputError, match="there is no shortcut 'revers'; did you mean `reverse`"):
        shortcut("revers")


@pytest.mark.parametrize("name", shortcuts())
def test_shortcuts_do_what_their_name_says(name):
    params, given, want = EXPECTED[name]
    machine = shortcut(name, ["a", "b", "c", "(", ")"], **params)
    assert machine(given.split()) == want.split()
    assert machine([]) == []


def test_a_cut_can_go_on_with_another_function():
    program = rlab.library("tree")
    preorder = program["preorder"].at(A="label")
    tree = "node node node leaf a leaf b leaf c node leaf d leaf".split()
    said = [
        " ".join(machine_of(preorder, cut=Cut(k, "function", function="inorder"))(tree))
        for k in range(4)
    ]
    assert said == [
        "cons a cons b cons c cons d nil",  # inorder from the root
        "cons c cons a cons b cons d nil",
        "cons c cons b cons a cons d nil",
        "cons c cons b cons a cons d nil",
    ]
    assert {"cut, as inorder", "cut, as postorder"} <= set(hypotheses(preorder))
    with pytest.raises(InputError, match="no function 'inordre'"):
        machine_of(preorder, cut=Cut(1, "function", function="inordre"))
    with pytest.raises(Refused, match="another type"):
        machine_of(preorder, cut=Cut(1, "function", function="mirror"))
    with pytest.raises(Refused, match="heap"):
        machine_of(
            rlab.library("binary")["succ"],
            cut=Cut(1, "function", function="pred"),
            kind="transducer",
        )
