import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.counting import Counting

import recursionlab as rlab
from recursionlab import _core
from recursionlab.errors import BudgetError, CountError, InputError, TermError

PROGRAM = """
From Coq Require Import List. Import ListNotations.
Inductive label : Type := a | b.
Inductive positive : Type := xI (p : positive) | xO (p : positive) | xH.
Inductive tree (A : Type) : Type := leaf | node (l : tree A) (x : A) (r : tree A).
Inductive rose : Type := branch (x : label) (ts : list rose).
Inductive even_list : Type := stop | more_odd (x : label) (l : odd_list)
with odd_list : Type := more_even (x : label) (l : even_list).
Inductive wide : Type := point | box (x : wide) (l : label) (y : wide) (z : wide).
"""
LABEL = [("a", []), ("b", [])]
NAT = [("O", []), ("S", ["nat"])]
TYPES = {
    "label": LABEL,
    "nat": NAT,
    "positive": [("xI", ["positive"]), ("xO", ["positive"]), ("xH", [])],
    "tree label": [("leaf", []), ("node", ["tree label", "label", "tree label"])],
    "tree nat": [("leaf", []), ("node", ["tree nat", "nat", "tree nat"])],
    "list rose": [("nil", []), ("cons", ["rose", "list rose"])],
    "rose": [("branch", ["label", "list rose"])],
    "even_list": [("stop", []), ("more_odd", ["label", "odd_list"])],
    "odd_list": [("more_even", ["label", "even_list"])],
    "wide": [("point", []), ("box", ["wide", "label", "wide", "wide"])],
    "tree (list bool)": [
        ("leaf", []), ("node", ["tree (list bool)", "list bool", "tree (list bool)"])
    ],
    "list bool": [("nil", []), ("cons", ["bool", "list bool"])],
    "bool": [("true", []), ("false", [])],
}  # fmt: skip
DEEPEST = {"label": 3, "nat": 5, "positive": 7, "tree label": 4, "tree nat": 3, "list rose": 3,
           "rose": 5, "even_list": 6, "odd_list": 6, "wide": 3, "tree (list bool)": 3,
           "list bool": 5, "bool": 2}  # fmt: skip
BIG = ["positive", "tree label", "rose", "even_list", "wide", "tree (list bool)", "tree nat"]


@pytest.fixture(scope="module")
def program():
    return rlab.loads(PROGRAM)


@pytest.fixture(scope="module")
def kinds(program):
    return {name: program.type(name) for name in TYPES}


def text(value):
    return f"({' '.join((value[0], *map(text, value[1:])))})"


@pytest.mark.parametrize("name", TYPES)
def test_the_values_of_each_size_are_the_references(kinds, name):
    kind, reference = kinds[name], Counting(TYPES)
    for size in range(8):
        expected = [kind.parse(text(v)) for v in reference.by_size(name, size)]
        assert kind.count(size) == len(expected)
        assert kind.enumerate(size) == expected
        assert [kind.rank(v) for v in expected] == [(size, r) for r in range(len(expected))]


@pytest.mark.parametrize("name", TYPES)
def test_the_values_of_each_depth_are_the_references(kinds, name):
    kind, reference = kinds[name], Counting(TYPES)
    for depth in range(DEEPEST[name] + 1):
        expected = [kind.parse(text(v)) for v in reference.by_depth(name, depth)]
        assert kind.count(depth=depth) == len(expected)
        some = expected[:300]
        assert kind.enumerate(depth=depth, count=len(some)) == some
        step = max(1, len(expected) // 200)
        for rank in range(0, len(expected), step):
            assert kind.rank(expected[rank], by="depth") == (depth, rank)
            assert kind.unrank(depth=depth, rank=rank) == expected[rank]


@pytest.mark.parametrize("name", BIG)
def test_counts_beyond_64_bits_are_the_references(kinds, name):
    reference = Counting(TYPES)
    for size in range(0, 90, 7):
        assert kinds[name].count(size) == reference.count_size((name,), size)
    for depth in range(1, 12):
        expected = reference.count_at_most(name, depth) - reference.count_at_most(name, depth - 1)
        if expected.bit_length() < 20_000:
            assert kinds[name].count(depth=depth) == expected


@given(st.data())
@settings(deadline=None)
def test_rank_undoes_unrank_at_any_length(kinds, data):
    kind = kinds[data.draw(st.sampled_from(BIG))]
    by = data.draw(st.sampled_from(["size", "depth"]))
    level = data.draw(st.integers(1, 150 if by == "size" else 9))
    count = kind.count(**{by: level})
    if count == 0:
        with pytest.raises(CountError, match=f"has no value of {by} {level}"):
            kind.unrank(**{by: level}, rank=0)
        return
    rank = data.draw(st.integers(0, count - 1))
    value = kind.unrank(**{by: level}, rank=rank)
    assert getattr(value, by) == level
    assert kind.rank(value, by=by) == (level, rank)


def test_order_is_kept_where_counts_pass_64_bits(kinds):
    kind = kinds["tree label"]
    size = next(n for n in range(60, 100) if kind.count(n) > 2**64)
    first = kind.enumerate(size, first=2**64 - 2, count=4)
    assert [kind.rank(v)[1] for v in first] == list(range(2**64 - 2, 2**64 + 2))


def test_a_product_is_ranked_by_depth(program):
    pairs = program.core_type([program.type_expression(t) for t in ("nat", "positive")])
    reference = Counting(TYPES)
    for depth in range(1, 5):
        expected = reference.tuples_of_depth(["nat", "positive"], depth)
        assert pairs.count(depth=depth) == len(expected)
        for rank, (n, p) in enumerate(expected):
            value = pairs.unrank(depth=depth, rank=rank)
            assert value == pairs.parse(text(n), text(p))
            assert pairs.rank(*value, by="depth") == (depth, rank)


def test_nat_takes_a_bound(program, kinds):
    reference, kind = Counting(TYPES, nat=3), kinds["tree nat"].bounded(nat=3)
    assert kinds["nat"].bounded(3).sizes == (1, 3) and kind.sizes == (1, None)
    for size in range(9):
        expected = [kind.parse(text(v)) for v in reference.by_size("tree nat", size)]
        assert kind.enumerate(size) == expected
    for depth in range(5):
        expected = [kind.parse(text(v)) for v in reference.by_depth("tree nat", depth)[:200]]
        assert kind.enumerate(depth=depth, count=len(expected)) == expected
    with pytest.raises(TermError, match="expected a nat below 3, got 3"):
        kind.rank("node leaf 3 leaf")
    with pytest.raises(InputError, match="bound of at least 1"):
        kind.bounded(nat=0)


def test_refusals(kinds):
    positive = kinds["positive"]
    with pytest.raises(InputError, match="either a size or a depth, got both"):
        positive.count(3, depth=3)
    with pytest.raises(InputError, match="either a size or a depth, got neither"):
        positive.unrank(rank=0)
    with pytest.raises(InputError, match="rank: expected an integer of at least 0, got -1"):
        positive.unrank(3, -1)
    with pytest.raises(CountError, match="positive has 4 values of size 3, got rank 4"):
        positive.unrank(3, 4)
    with pytest.raises(CountError, match="fewer values of size 80 than the rank given"):
        positive.unrank(80, 2**79)
    with pytest.raises(InputError, match="range inside the 4 values of size 3"):
        positive.enumerate(3, first=5)
    with pytest.raises(InputError, match="range inside the 604462909807314587353088 values"):
        positive.enumerate(80)
    with pytest.raises(CountError, match="256 MiB; choose a smaller size"):
        positive.count(300_000)
    with pytest.raises(CountError, match="more than 524288 bits.* smaller depth"):
        kinds["tree label"].count(depth=40)
    with pytest.raises(InputError, match="by: expected 'size' or 'depth', got 'height'"):
        positive.rank("xH", by="height")


def test_samples_are_functions_of_their_index(kinds):
    for kind, law in ((kinds["positive"], {3: 1, 40: 2, 90: 1}), (kinds["tree label"], [7, 100])):
        levels, ranks = kind.draw(50, law, seed=5)
        assert ranks.ndim == 2
        again = [kind.draw(1, law, seed=5, first=i) for i in range(50)]
        assert [int(level[0]) for level, _ in again] == levels.tolist()
        assert np.array_equal(np.concatenate([rank for _, rank in again]), ranks)
        values = kind.sample(50, law, seed=5)
        for level, rank, value in zip(levels, ranks, values, strict=True):
            assert kind.rank(value) == (level, int(rank[0]) + (int(rank[1]) << 64))


def test_a_law_sets_the_shares_of_sizes(kinds):
    levels, ranks = kinds["positive"].draw(20_000, {2: 0.0, 3: 1, 4: 3}, seed=1)
    assert set(levels.tolist()) == {3, 4}
    assert abs((levels == 4).mean() - 0.75) < 0.02
    for size in (3, 4):
        counts = np.bincount(ranks[levels == size].astype(int), minlength=2 ** (size - 1))
        assert counts.min() > 0.85 * counts.mean() and counts.max() < 1.15 * counts.mean()


def test_big_ranks_are_uniform(kinds):
    count = kinds["wide"].count(201)
    _, ranks = kinds["wide"].draw(4000, 201, seed=2)
    shares = [sum(int(w) << 64 * i for i, w in enumerate(r)) / count for r in ranks]
    tenths = np.bincount((np.array(shares) * 10).astype(int), minlength=10)
    assert len(tenths) == 10 and tenths.min() > 320 and tenths.max() < 480


@pytest.mark.parametrize("by", ["size", "depth"])
def test_without_replacement_nothing_comes_twice(kinds, by):
    kind, level = kinds["tree label"], {"size": 10, "depth": 3}[by]
    everything = kind.enumerate(**{by: level})
    drawn = kind.sample(len(everything), **{by: level}, seed=3, replace=False)
    assert drawn != everything and set(drawn) == set(everything)
    later = kind.sample(4, **{by: level}, seed=3, replace=False, first=2)
    assert later == drawn[2:6]
    with pytest.raises(CountError, match="fewer than are drawn without replacement"):
        kind.sample(len(everything) + 1, **{by: level}, seed=3, replace=False)


def test_without_replacement_under_a_law_and_beyond_64_bits(kinds):
    kind = kinds["positive"]
    levels, ranks = kind.draw(60, {7: 1, 8: 1, 100: 1}, seed=4, replace=False)
    pairs = {(int(n), *map(int, r)) for n, r in zip(levels, ranks, strict=True)}
    assert len(pairs) == 60
    tail = kind.draw(10, {7: 1, 8: 1, 100: 1}, seed=4, replace=False, first=50)
    assert np.array_equal(tail[1], ranks[50:])


def test_a_permutation_beyond_64_bits_repeats_nothing():
    kind = rlab.library("binary")["succ"].domain
    seen = {tuple(map(int, r)) for r in kind.draw(20_000, 66, seed=9, replace=False)[1]}
    assert len(seen) == 20_000


@pytest.mark.parametrize(
    ("law", "error", "message"),
    [
        ({}, InputError, "size: expected a size with a weight above 0"),
        ({3: 0.0}, InputError, "size: expected a size with a weight above 0"),
        ({3: -1}, InputError, "finite weight of at least 0 for 3"),
        ({3: float("nan")}, InputError, "finite weight"),
        ([3, 3], InputError, "size: 3 is given twice"),
        ([-1], InputError, "size: expected an integer from 0"),
        ([0], CountError, "has no value of size 0"),
    ],
)
def test_laws_that_are_refused(kinds, law, error, message):
    with pytest.raises(error, match=message):
        kinds["positive"].draw(3, law, seed=0)


def test_pairs_take_long_ranks_and_depths():
    function = rlab.library("binary")["succ"]
    domain, codec = function.domain, function.codec()
    levels, ranks = domain.draw(700, [5, 90], seed=1)
    made = [
        _core.pairs(function.id, domain, levels, ranks, threads, codec=codec, texts=True)
        for threads in (1, 2)
    ]
    for key, column in made[0].items():
        assert np.array_equal(column, made[1][key])
    for i in (0, 1, 2, 699):
        value = domain.sample(1, [5, 90], seed=1, first=i)[0]
        a, b = made[0]["input_offsets"][i : i + 2]
        assert np.array_equal(made[0]["input"][a:b], codec.encode(value, "input"))
        assert made[0]["output_text"][i] == str(function(value))
    trees = rlab.library("tree")["preorder"].at(A="bool")
    levels, ranks = trees.domain.draw(40, depth=[2, 6], seed=1)
    made = _core.pairs(trees.id, trees.domain, levels, ranks, 2, texts=True, by="depth")
    assert np.array_equal(made["depth"], levels)
    for i in range(40):
        value = trees.domain.sample(1, depth=[2, 6], seed=1, first=i)[0]
        assert made["input_text"][i] == str(value) and made["size"][i] == value.size
    with pytest.raises(BudgetError, match="depth 6, rank .*node budget of 20 nodes ran out"):
        _core.pairs(trees.id, trees.domain, levels, ranks, 2, by="depth", max_nodes=20)


def test_one_word_ranks_of_sizes_with_more_values_than_64_bits_give_their_pairs():
    add = rlab.library("binary")["add"]
    for function, size in ((add, 150), (rlab.library("binary")["succ"], 100)):
        ranks = np.array([0, 1, 12345, 2**64 - 1], np.uint64)
        codec = function.codec()
        made = _core.pairs(
            function.id, function.domain, np.full(4, size, np.int32), ranks, 1, codec=codec
        )
        for i, rank in enumerate(ranks.tolist()):
            value = function.domain.unrank(size, rank)
            start, end = made["input_offsets"][i : i + 2]
            assert made["input"][start:end].tolist() == codec.encode(value).tolist()
