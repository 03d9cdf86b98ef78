"""Splits are disjoint by construction, and impossible requests are refused."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from recursionlab.config import build, parse_sizes, parse_value, set_key
from recursionlab.data import splits
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Packed
from recursionlab.data.tasks import step
from recursionlab.data.values import Values
from recursionlab.errors import ConfigError, CountError


def config(**changes):
    return DataConfig(**{"function": "f", "sizes": tuple(range(1, 9)), **changes})


def selected(plan, seed=0):
    return {name: splits.Selection(r, seed) for name, r in plan.items()}


def keys_of(selection):
    return splits.key(*selection.keys(0, len(selection)))


def values_of(plan, seed=0):
    return {name: keys_of(s) for name, s in selected(plan, seed).items()}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"per_size": 20},
        {"fractions": (0.5, 0.25, 0.25)},
        {"fractions": (1.0, 0.0, 0.0)},
        {"gen_sizes": (9, 10), "gen_per_size": 30},
        {"gen_sizes": (9,), "gen_per_size": 0},
        {"split_by": "size"},
        {"split_by": "depth", "train_depth": 4},
    ],
)
def test_no_two_splits_share_a_value_and_exhaustive_is_all(changes):
    made = config(**changes)
    made.validate()
    plan = splits.plan(made, lambda size: 2 ** (size - 1))
    keys = values_of(plan)
    assert set(splits.overlaps(selected(plan), made).values()) == {0}
    everything = np.concatenate(list(keys.values()))
    assert len(np.unique(everything)) == len(everything)
    for size in made.sizes:
        ranks = everything["rank"][everything["size"] == size]
        limit = made.per_size or 2 ** (size - 1)
        assert len(ranks) == min(limit, 2 ** (size - 1))
        assert ranks.max() < 2 ** (size - 1)


def test_overlaps_are_found_where_there_are_any():
    a = np.array([1, 2, 2], np.int32), np.array([0, 0, 1], np.uint64)
    b = np.array([2, 3], np.int32), np.array([1, 1], np.uint64)
    chosen = {"train": splits.Selection([], 0, a), "test": splits.Selection([], 0, b)}
    assert splits.overlaps(chosen, config()) == {"train/test": 1}
    ranges = [splits.Range(4, 8, 0, 5)], [splits.Range(3, 4, 0, 4), splits.Range(4, 8, 3, 8)]
    apart = dict(zip(("train", "test"), (splits.Selection(r, 0) for r in ranges), strict=True))
    assert splits.overlaps(apart, config()) == {"train/test": 2}
    apart["test"] = splits.Selection([], 0, apart["test"].keys(0, 9))
    assert splits.overlaps(apart, config()) == {"train/test": 2}


def test_seeds_choose_differently_and_one_seed_the_same():
    plan = splits.plan(config(sizes=(12,)), lambda size: 2048)
    one, again, two = (values_of(plan, seed)["test"]["rank"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert len(np.intersect1d(one, two)) < len(one) / 4  # by chance a tenth


def test_whole_sizes_go_to_one_split_each():
    plan = splits.plan(config(split_by="size"), lambda size: 4)
    sizes = {name: {r.size for r in ranges} for name, ranges in plan.items()}
    assert all(not a & b for a, b in itertools.combinations(sizes.values(), 2))
    assert max(sizes["train"]) < min(sizes["test"])


def test_sizes_without_values_are_skipped_unless_all_are():
    plan = splits.plan(config(sizes=(1, 2, 3, 4)), lambda size: 10 if size % 3 == 1 else 0)
    assert [r.size for r in plan["train"]] == [1, 4]
    with pytest.raises(CountError, match="no value of size 2 to 3"):
        splits.plan(config(sizes=(2, 3)), lambda size: 0)
    with pytest.raises(CountError, match="gen_sizes: there is no value of size 9"):
        splits.plan(config(gen_sizes=(9,)), lambda size: 0 if size == 9 else 1)
    with pytest.raises(CountError, match="set per_size"):
        splits.plan(config(sizes=(40,)), lambda size: 2**39)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function": ""}, "data.function"),
        ({"sizes": ()}, "data.sizes: expected at least one"),
        ({"sizes": (0,)}, "data.sizes"),
        ({"gen_sizes": (3,)}, "size 3 is in data.sizes too"),
        ({"fractions": (0.5, 0.5)}, "data.fractions"),
        ({"fractions": (0.9, 0.9, 0.1)}, "data.fractions"),
        ({"fractions": (0.0, 0.5, 0.5)}, "data.fractions"),
        ({"fractions": ("a", "b", "c")}, "data.fractions"),
        (
            {"split_by": "colour"},
            "expected one of rank, size, hash, depth, .* got 'colour'",
        ),
        ({"encoding": "sexpr"}, "data.encoding"),
        ({"order": "backwards"}, "data.order"),
        ({"task": "valu"}, "did you mean 'value'"),
        ({"per_size": -1}, "data.per_size"),
        ({"seed": -1}, "data.seed"),
        ({"seed": 2**64}, "data.seed"),
        ({"train_depth": 3}, "data.train_depth"),
        ({"split_by": "measure"}, "data.split_measure: expected the name of a measure exactly"),
        ({"withhold": "xO"}, "data.withhold: expected a constructor or a value exactly when"),
        ({"strata": "m", "split_by": "hash"}, "data.strata"),
        ({"shares": {"0": 1.0}}, "data.shares: name the measure"),
        ({"items": 5}, "data.items: name the measure"),
        ({"strata": "m", "shares": {"0": 0.5}}, "data.shares: expected shares that add up to 1"),
        ({"strata": "m", "shares": {"0": "a"}}, "data.shares"),
        ({"every": 0}, "data.every: expected 1 or more, got 0"),
        ({"filler": -1}, "data.filler: expected 0 or more"),
        ({"functions": ("f", "f")}, "data.functions: a function is named twice"),
        ({"strategy": "cbvn"}, "data.strategy"),
        ({"split_by": "depth"}, "data.train_depth"),
        ({"measures": ("m", "m")}, "named twice"),
        ({"measures": (3,)}, "data.measures"),
        ({"at": {"A": 3}}, "data.at"),
    ],
)
def test_a_bad_configuration_is_refused_by_its_key(changes, message):
    with pytest.raises(ConfigError, match=message):
        config(**changes).validate()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"sise": 3}, "unknown key 'sise'; did you mean 'size"),
        ({"per_size": "many"}, "data.per_size: expected a whole number, got 'many'"),
        ({"per_size": True}, "data.per_size: expected a whole number"),
        ({"function": 3}, "data.function: expected text"),
        ({"at": "label"}, "data.at: expected a table"),
    ],
)
def test_a_table_with_a_mistake_is_refused(table, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig.from_dict({"function": "f", "sizes": "1..3", **table})
    with pytest.raises(ConfigError, match="expected a table"):
        build(DataConfig, [], "data")


def test_a_configuration_round_trips():
    made = config(measures=("m",), at={"A": "label"}, gen_sizes=(20,), per_size=7)
    assert DataConfig.from_dict(made.to_dict()) == made


@pytest.mark.parametrize("text", ["0", "a", "3..1", "1..", "-1", "1.5", "", "1..99999999", "²"])
def test_sizes_that_are_none_are_refused(text):
    with pytest.raises(ConfigError, match="sizes"):
        parse_sizes(text)


def test_sizes_and_values_are_read():
    assert parse_sizes([3, "5..6", 1]) == (1, 3, 5, 6)
    assert parse_sizes(4) == (4,)
    with pytest.raises(ConfigError, match="sizes"):
        parse_sizes(None)
    with pytest.raises(ConfigError, match="sizes"):
        parse_sizes([True])
    assert parse_value("true") is True
    assert parse_value("a = 3") == "a = 3"
    with pytest.raises(ConfigError, match="expected a key"):
        set_key({}, "train..steps", 1)


def test_the_task_step_pairs_each_term_with_the_next():
    mark = 4
    traces = [[7, mark, 8, 8, mark, 9], [5], [], [6, mark, 7]]
    packed = Packed.of(traces)
    values = Values(packed, packed, {}, packed, None, mark)
    items = step.build(values, SimpleNamespace(config=config()))
    pairs = [
        (items.inputs[i].tolist(), items.targets[i].tolist()) for i in range(len(items.inputs))
    ]
    assert pairs == [([7], [8, 8]), ([8, 8], [9]), ([6], [7])]
    assert items.parent.tolist() == [0, 0, 3]
    assert items.columns["step"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("chosen", [False, True])
def test_any_part_of_a_selection_is_that_part_of_the_whole(chosen):
    plan = splits.plan(config(gen_sizes=(10,)), lambda size: 2 ** (size - 1))
    selection = splits.Selection([*plan["train"], *plan["gen_size"]], 5)
    if chosen:
        selection = splits.Selection([], 5, selection.keys(0, len(selection)))
    whole = keys_of(selection)
    for first, stop in [(0, 1), (3, 90), (90, 90), (100, len(selection)), (0, len(selection))]:
        np.testing.assert_array_equal(splits.key(*selection.keys(first, stop)), whole[first:stop])
    places = np.array([5, 0, len(whole) - 1, 5, 77])
    np.testing.assert_array_equal(splits.key(*selection.at(places)), whole[places])
