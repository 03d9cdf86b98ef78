"""Data sets are what their configuration says: complete, correct, the same on any machine state."""

import json

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.data import from_config, load_dataset, regenerate
from recursionlab.data.config import DataConfig
from recursionlab.data.tasks import names
from recursionlab.errors import ConfigError, CountError, FormatError, InputError, InputTypeError
from recursionlab.files import sha256
from recursionlab.judge import evaluate

TREE = {"program": "tree", "function": "preorder", "at": {"A": "label"}}


@pytest.fixture(scope="module")
def succ():
    return rlab.library("binary")["succ"]


@pytest.fixture(scope="module")
def data(succ):
    return rlab.make_dataset(
        succ, sizes=range(1, 8), gen_sizes=[9, 10], gen_per_size=20, measures=["carry"], seed=3
    )


def number(text):
    """Read a number, least significant digit first."""
    words = text.split()
    assert words[-1] == "xH"
    return sum((w != "xO") << i for i, w in enumerate(words))


def carry(n):
    return 0 if n % 2 == 0 else 1 if n == 1 else 1 + carry(n // 2)


def test_every_number_up_to_the_training_size_is_there_once(data):
    found = [number(item["input"]) for s in ("train", "valid", "test") for item in data[s]]
    assert sorted(found) == list(range(1, 2**7))
    assert set(data.overlaps.values()) == {0}


def test_targets_and_columns_are_correct(data, succ):
    for split in data.values():
        for item in split:
            n = number(item["input"])
            assert number(item["target"]) == n + 1
            assert item["size"] == item["depth"] == n.bit_length()
            assert item["carry"] == carry(n)
            assert item["calls"] == carry(n) - (n & (n + 1) == 0)
            value = succ.domain.unrank(item["size"], item["rank"])
            assert succ.domain.rank(value) == (item["size"], item["rank"])
            assert number(str(value).replace("(", "").replace(")", "")) == n


def test_longer_numbers_are_apart(data):
    assert set(data["gen_size"].columns["size"]) == {9, 10}
    assert len(data["gen_size"]) == 40


def test_the_reversed_order_is_the_same_data_reversed(data, succ):
    other = rlab.make_dataset(succ, sizes=range(1, 8), seed=3, order="reversed")
    for a, b in zip(data["test"], other["test"], strict=True):
        assert a["input"].split() == b["input"].split()[::-1]
        assert a["target"].split() == b["target"].split()[::-1]


@pytest.mark.parametrize("task", names())
def test_the_same_bytes_on_any_number_of_threads_and_again(task, tmp_path):
    config = {**TREE, "task": task, "sizes": "1..10", "per_size": 60, "measures": ["height"]}
    if task != "value":
        config["trace"] = "call"
    one = from_config(config, threads=1)
    two = from_config(config, threads=2)
    one.save(tmp_path / "one")
    two.save(tmp_path / "two")
    regenerate(tmp_path / "one", tmp_path / "three")
    files = sorted(p.name for p in (tmp_path / "one").iterdir())
    for file in files:
        want = sha256(tmp_path / "one" / file)
        assert sha256(tmp_path / "two" / file) == want
        assert sha256(tmp_path / "three" / file) == want
    again = load_dataset(tmp_path / "one")
    assert [again["test"][i] for i in range(5)] == [one["test"][i] for i in range(5)]
    assert set(one.overlaps.values()) == {0}


@pytest.mark.parametrize("task", names())
def test_item_i_alone_is_item_i_in_bulk_and_the_reference_scores_one(task):
    config = {**TREE, "task": task, "sizes": "1..7"}
    data = from_config(config)
    bulk = {item["id"]: item["target"] for split in data.values() for item in split}
    alone = from_config({**config, "sizes": "7"})
    for split in alone.values():
        for item in split:
            assert bulk[item["id"]] == item["target"]
    answers = [item["target"] for item in data["test"]]
    assert evaluate(answers, data["test"], by=["size"]).accuracy == 1.0


def test_steps_lead_from_the_call_to_the_value():
    steps = from_config({**TREE, "task": "step", "sizes": "7"})["train"]
    values = from_config({**TREE, "sizes": "7"})["train"]
    results = {item["rank"]: item["target"] for item in values}
    for a, b in zip(steps, list(steps)[1:] + [None], strict=True):
        if b is not None and a["rank"] == b["rank"]:
            assert b["step"] == a["step"] + 1
            assert a["target"] == b["input"]
        else:
            assert a["target"] == results[a["rank"]]
        assert "UNROLL" in a["input"]


def test_a_trace_column_and_the_trace_task_agree():
    config = {**TREE, "sizes": "4..7"}
    column = from_config({**config, "trace": "call"})["train"]
    task = from_config({**config, "task": "trace"})["train"]
    assert [item["trace"] for item in column] == [item["target"] for item in task]


def test_no_input_of_a_step_is_in_two_splits():
    data = from_config({**TREE, "function": "inorder", "task": "step", "sizes": "1..10"})
    inputs = {name: {item["input"] for item in split} for name, split in data.items()}
    assert not inputs["train"] & inputs["test"]
    assert not inputs["train"] & inputs["valid"]


def test_a_split_by_depth_holds_back_the_deep():
    data = from_config({**TREE, "sizes": "1..10", "split_by": "depth", "train_depth": 3})
    deepest = {name: split.columns["depth"].max() for name, split in data.items() if len(split)}
    assert deepest["train"] <= 3
    assert data["gen_depth"].columns["depth"].min() > 3
    assert sum(len(split) for split in data.values()) == 1 + 4 + 32 + 320


def test_neighbouring_seeds_share_no_more_than_chance(succ):
    picks = [
        set(rlab.make_dataset(succ, sizes=[16], per_size=400, seed=s)["train"].columns["rank"])
        for s in (0, 1)
    ]
    assert len(picks[0] & picks[1]) < 20  # 320 of 32,768 twice: 3 are expected


def test_dataset_json_names_program_splits_and_checksums(tmp_path, data):
    data.save(tmp_path / "d")
    meta = json.loads((tmp_path / "d" / "dataset.json").read_text())
    assert "Fixpoint succ" in meta["program"]
    assert meta["seed"] == 3
    assert sum(r["stop"] - r["first"] for r in meta["splits"]["train"]["ranges"]) == len(
        data["train"]
    )
    assert all(len(f["sha256"]) == 64 for f in meta["splits"]["test"]["files"])
    assert set(meta["overlaps"].values()) == {0}


def test_a_changed_dataset_json_does_not_regenerate(tmp_path, data):
    data.save(tmp_path / "d")
    file = tmp_path / "d" / "dataset.json"
    meta = json.loads(file.read_text())
    meta["config"]["seed"] = 4
    file.write_text(json.dumps(meta))
    with pytest.raises(FormatError, match="does not come out with the checksums"):
        regenerate(tmp_path / "d")


def test_what_cannot_be_made_is_refused(succ):
    with pytest.raises(InputTypeError, match="expected a function"):
        rlab.make_dataset("succ", sizes=[1])
    with pytest.raises(ConfigError, match="unknown key 'ordr'; did you mean 'order'"):
        rlab.make_dataset(succ, sizes=[1], ordr="natural")
    with pytest.raises(CountError):
        rlab.make_dataset(succ, sizes=[70])
    with pytest.raises(ConfigError, match="did you mean 'carry'"):
        rlab.make_dataset(succ, sizes=[3], measures=["cary"])
    with pytest.raises(ConfigError, match="measure"):
        rlab.make_dataset(succ, sizes=[3], measures=["pred"])


def test_a_configuration_from_a_function_names_the_library(succ, data):
    assert data.config.program == "binary"
    again = from_config(DataConfig.from_dict(data.config.to_dict()))
    np.testing.assert_array_equal(again["test"].input_ids, data["test"].input_ids)


def test_a_measure_without_a_column_is_computed_when_asked_for(tmp_path):
    succ = rlab.library("binary")["succ"]
    data = rlab.make_dataset(succ, sizes=range(1, 9))
    with_column = rlab.make_dataset(succ, sizes=range(1, 9), measures=["carry"])
    wanted = with_column["test"].column("carry")
    assert wanted.max() > 2
    assert np.array_equal(data["test"].column("carry"), wanted)
    assert np.array_equal(data["test"].take(slice(5)).column("carry"), wanted[:5])
    stored = rlab.load_dataset(data.save(tmp_path / "data"))
    assert np.array_equal(stored["test"].column("carry"), wanted)
    with pytest.raises(InputError, match="'cary'.*carry"):
        data["test"].column("cary")
