"""Ten properties of every task in the registry; a new task is tested unasked."""

import dataclasses
import functools

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.data import from_config, load_dataset, present, regenerate
from recursionlab.data.config import DataConfig
from recursionlab.data.make import Maker
from recursionlab.data.tasks import get, names
from recursionlab.data.write import generate
from recursionlab.files import sha256
from recursionlab.judge import evaluate
from tests.reference import tasks as reference

BINARY = {"program": "binary", "function": "succ", "sizes": "1..6", "measures": ["carry"]}
# Ways to show the same items; every task takes all of them.
SHOWN = {
    "plain": {},
    "edits": {"scratchpad": "edits"},
    "hints": {"index_hints": 150, "filler": 2, "order": "reversed"},
}
TASKS = names()
every_task = pytest.mark.parametrize("task", TASKS)


@functools.cache
def made(task, shown="plain", seed=0, **changes):
    return from_config({**BINARY, "task": task, "seed": seed, **SHOWN[shown], **changes}, threads=1)


def files(folder):
    return {p.name: sha256(p) for p in folder.iterdir()}


def planned(task, seed=0, **changes):
    config = DataConfig.from_dict({**BINARY, "task": task, "seed": seed, **changes})
    return Maker(config, rlab.library("binary"), 1)


@every_task
def test_an_item_alone_is_that_item_in_bulk(task):
    data, maker = made(task), planned(task)
    bulk = {item["id"]: item for split in data.values() for item in split}
    for name, selection in maker.selections.items():
        for first in range(0, len(selection), 7):
            alone = maker.piece(name, first, first + 1, 1)
            for item in alone.split:
                # A split leaves out the items whose input an earlier split has.
                assert bulk.get(item["id"], item) == item


@every_task
def test_neighbouring_seeds_share_no_more_than_chance(task):
    wide = {"sizes": (14,), "per_size": 200}
    one, two = (set(made(task, seed=s, **wide)["train"].columns["rank"]) for s in (7, 8))
    assert len(one & two) <= 14  # 160 of 8,192 twice: 3 are expected


@every_task
@pytest.mark.parametrize("split_by", ["rank", "hash"])
def test_splits_share_no_input(task, split_by):
    data = made(task, split_by=split_by)
    assert set(data.overlaps.values()) == {0}
    inputs = [{item["input"] for item in split} for split in data.values()]
    assert all(inputs)
    assert sum(map(len, inputs)) == len(set.union(*inputs))


@every_task
@pytest.mark.parametrize("shown", SHOWN)
def test_tokens_and_text_say_the_same_and_presentation_comes_off(task, shown):
    data = made(task, shown)
    config = dataclasses.replace(data.config, index_hints=0, filler=0)
    bare = from_config(config, threads=1)
    for name, split in data.items():
        for item in split.take(slice(20)):
            for text, ids in (("input", "input_ids"), ("target", "labels")):
                words = item[text].split(" ")
                assert [split.vocabulary.index(w) for w in words] == item[ids]
        for side, packed in (("input", split.inputs), ("target", split.targets)):
            off = present.bare(packed, data.config, data.vocabulary, side)
            want = bare[name].inputs if side == "input" else bare[name].targets
            np.testing.assert_array_equal(off.ids, want.ids)
            np.testing.assert_array_equal(off.offsets, want.offsets)
    assert data.vocabulary[: len(bare.vocabulary)] == bare.vocabulary


@every_task
@pytest.mark.parametrize("shown", SHOWN)
def test_the_reference_makes_the_same_items_and_scores_one(task, shown):
    data = made(task, shown)
    truth = reference.Truth(data, rlab.library("binary"))
    for split in data.values():
        for item in split.take(slice(0, 200, 3)):
            source, target = truth.bare(item["input_ids"], "input"), item["labels"]
            getattr(reference, task)(truth, item, source, truth.bare(target, "target"))
    answers = [item["target"] for item in data["test"]]
    assert evaluate(answers, data["test"], by=["size"], threads=1).accuracy == 1.0


@every_task
def test_shuffled_order_changes_no_score(task):
    split = made(task)["test"]
    answers = [item["target"] if i % 3 else "xH" for i, item in enumerate(split)]
    order = np.random.default_rng(0).permutation(len(split))
    plain = evaluate(answers, split, by=["size"], threads=1)
    mixed = evaluate([answers[i] for i in order], split.take(order), by=["size"], threads=1)
    assert plain.accuracy == mixed.accuracy < 1
    rows = [sorted(map(repr, e.groups["size"])) for e in (plain, mixed)]
    assert rows[0] == rows[1]


@every_task
def test_strata_come_in_the_shares_asked_for(task):
    shares = {"0": 0.25, "1..2": 0.5, "3..": 0.25}
    data = made_with(task, shares=shares, items=50, strata="carry")
    train = data.report["strata"]["train"]
    assert {k: r["items"] for k, r in train.items()} == {"0": 10, "1..2": 20, "3..": 10}
    assert {k: r["reached"] for k, r in train.items()} == shares
    assert not get(task).MANY or len(data["train"])
    if not get(task).MANY:
        carry = data["train"].columns["carry"]
        assert [(carry == 0).sum(), (carry >= 3).sum(), len(carry)] == [10, 10, 40]
    assert set(data.overlaps.values()) == {0}


def made_with(task, **changes):
    return from_config({**BINARY, "sizes": "1..7", "task": task, **changes}, threads=1)


@every_task
def test_the_same_bytes_on_one_and_two_threads_and_again_from_dataset_json(task, tmp_path):
    config = DataConfig.from_dict({**BINARY, "task": task, "trace": "call"})
    for threads, name in ((1, "one"), (2, "two")):
        generate(config, rlab.library("binary"), tmp_path / name, 20, threads)
    regenerate(tmp_path / "one", tmp_path / "again", threads=2)
    one = files(tmp_path / "one")
    assert len(one) == 6  # three splits, of which train has three files, and dataset.json
    assert one == files(tmp_path / "two") == files(tmp_path / "again")
    # What streams to disk is what is made in memory.
    whole, stored = made(task, trace="call"), load_dataset(tmp_path / "one")
    assert {n: len(s) for n, s in whole.items()} == {n: len(s) for n, s in stored.items()}
    for name in whole:
        assert list(whole[name]) == list(stored[name])
    whole.save(tmp_path / "saved")
    regenerate(tmp_path / "saved", tmp_path / "saved-again", threads=2)
    assert files(tmp_path / "saved") == files(tmp_path / "saved-again")


@every_task
def test_difficulty_is_what_running_the_function_gives(task):
    data = made(task)
    program = rlab.library("binary")
    for item in data["test"]:
        function = program[item["function"]]
        value = function.domain.unrank(item["size"], item["rank"])
        assert value.size == item["size"]
        assert value.depth == item["depth"]
        _, calls = program.core.calls(function.apply(value), function.id)
        assert calls - 1 == item["calls"]
        assert len(list(function.trace(value, granularity="contraction"))) == item["steps"]
        assert str(program["carry"](value)) == str(item["carry"])


@pytest.mark.parametrize("name", names())
def test_a_task_says_what_its_targets_are(name):
    assert get(name).TARGET in ("value", "term", "trace", "other")
