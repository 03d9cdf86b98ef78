"""Mixtures hold their shares, streams neither end nor leak."""

import itertools

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.data import Stream, from_config, generate, load_dataset
from recursionlab.data.config import DataConfig
from recursionlab.errors import ConfigError, InputError
from recursionlab.files import sha256

PLAIN = {"program": "binary", "function": "succ", "sizes": "1..8", "measures": ["carry"]}
MIXED = {
    **PLAIN,
    "mixture": [
        {"weight": 3},
        {"weight": 1, "function": "pred", "order": "reversed"},
        {"weight": 1, "task": "step", "gen_sizes": [9], "gen_per_size": 5},
    ],
}


@pytest.fixture(scope="module")
def mixed():
    return from_config(MIXED, threads=1)


def test_a_mixture_holds_the_items_of_its_parts_in_its_shares(mixed):
    alone = [
        from_config({**PLAIN, **{k: v for k, v in part.items() if k != "weight"}}, threads=1)
        for part in MIXED["mixture"]
    ]
    for name, split in mixed.items():
        values = [set() for _ in alone]
        for item in split:
            part = item["part"]
            twin = {i["id"]: i for i in alone[part][name]}[item["id"].partition(":")[2]]
            for key in ("input", "target", "function", "size", "carry", "calls", "steps"):
                assert twin[key] == item[key]
            assert [mixed.vocabulary[t] for t in item["input_ids"]] == item["input"].split()
            values[part].add((item["size"], item["rank"]))
        if name == "train":
            total = len(split.take(split.columns["part"] == 0)) / 0.6
            assert abs(total - 204 / 0.6) < 2  # the first part gives all it has: 204 values
            assert abs(len(values[1]) - 0.2 * total) <= 1
    assert len({item["id"] for s in mixed.values() for item in s}) == sum(map(len, mixed.values()))
    assert set(mixed.overlaps.values()) == {0}
    assert [item["part"] for item in mixed["gen_size"]] == [2] * len(mixed["gen_size"])


def test_a_mixture_streams_to_the_same_bytes_and_comes_back(mixed, tmp_path):
    config = DataConfig.from_dict(MIXED)
    for threads, name in ((1, "a"), (2, "b")):
        generate(config, rlab.library("binary"), tmp_path / name, 40, threads)
    sums = [{p.name: sha256(p) for p in (tmp_path / n).iterdir()} for n in "ab"]
    assert sums[0] == sums[1]
    rlab.data.regenerate(tmp_path / "a")
    stored = load_dataset(tmp_path / "a")
    for name, split in mixed.items():
        assert sorted(i["id"] for i in split) == sorted(i["id"] for i in stored[name])
    mixed.save(tmp_path / "saved")
    again = load_dataset(tmp_path / "saved")
    for name in mixed:
        assert list(again[name]) == list(mixed[name])


def test_overlaps_between_parts_are_reported():
    parts = [{"weight": 1}, {"weight": 1, "seed": 5}]
    found = from_config({**PLAIN, "mixture": parts}, threads=1).overlaps
    assert found["train/test"] > 0


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"weight": 0}, r"mixture\[0\].weight: expected a number above 0"),
        ({}, "weight"),
        (3, r"mixture\[0\]: expected a table"),
        ({"weight": 1, "program": "tree"}, "'program' is the same for all parts"),
        ({"weight": 1, "tsak": "step"}, r"mixture\[0\]: unknown key 'tsak'; did you mean 'task'"),
        ({"weight": 1, "order": "up"}, "data.order"),
    ],
)
def test_a_part_that_cannot_be_is_refused(part, message):
    with pytest.raises(ConfigError, match=message):
        from_config({**PLAIN, "mixture": [part]})


def test_a_stream_is_the_same_from_any_place_and_only_of_train():
    stream = Stream({**PLAIN, "sizes": "1..40"}, batch=50, threads=1)
    whole = [item for split in itertools.islice(stream, 4) for item in split]
    assert [i for s in itertools.islice(stream.batches(2), 2) for i in s] == whole[100:]
    assert list(stream.take(37, 20)) == whole[37:57]
    other = Stream({**PLAIN, "sizes": "1..40", "seed": 1}, threads=1).take(0, 200)
    assert {i["id"] for i in other} & {i["id"] for i in whole} == set()
    small = from_config(PLAIN, threads=1)
    train = {(i["size"], i["rank"]) for i in small["train"]}
    drawn = Stream(PLAIN, threads=1).take(0, 3000)
    seen = set(zip(drawn.columns["size"].tolist(), drawn.columns["rank"].tolist(), strict=True))
    assert seen == train  # each of 204 is missed with probability 4e-7
    assert np.array_equal(drawn.column("carry"), drawn.columns["carry"])


def test_a_stream_of_steps_has_no_input_of_test():
    table = {**PLAIN, "task": "step"}
    held = {i["input"] for n, s in from_config(table, threads=1).items() if n == "test" for i in s}
    drawn = Stream(table, threads=1).take(0, 2000)
    assert held
    assert not held & {i["input"] for i in drawn}


def test_what_a_stream_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="a stream is drawn from one task's values"):
        Stream({**PLAIN, "split_by": "hash"})
    with pytest.raises(InputError, match="batch"):
        Stream(PLAIN, batch=0)
    with pytest.raises(InputError, match="take"):
        Stream(PLAIN).take(-1, 3)
