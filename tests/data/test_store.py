"""Data sets survive the disk whole, and a damaged one is refused in words."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recursionlab.data import load_dataset
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Dataset, Packed, Split
from recursionlab.errors import FormatError, InputError, InputIndexError
from recursionlab.files import atomic_file, atomic_folder, sha256

VOCABULARY = ("<pad>", "<bos>", "<eos>", "<sep>", "<step>", "UNROLL", "xI", "xO", "xH")


def split_of(name, n, seed=0):
    rng = np.random.default_rng(seed)
    sequences = [rng.integers(6, 9, rng.integers(0, 6)).tolist() for _ in range(n)]
    columns = {
        "size": rng.integers(1, 5, n).astype(np.int32),
        "depth": rng.integers(1, 5, n),
        "calls": rng.integers(1, 5, n),
        "steps": rng.integers(1, 5, n),
        "rank": np.arange(n, dtype=np.uint64) + np.uint64(2**63),
        "carry": rng.integers(0, 4, n),
    }
    packed = Packed.of(sequences)
    return Split(name, "succ", packed, packed.take(np.arange(n)), columns, VOCABULARY)


@pytest.fixture
def data():
    config = DataConfig(program="binary", function="succ", sizes=(1, 2), measures=("carry",))
    splits = {
        "train": split_of("train", 50),
        "valid": split_of("valid", 0),
        "test": split_of("test", 7),
    }
    return Dataset(splits, config, "(* text *)", VOCABULARY, dict.fromkeys(splits, []), {})


def same(a, b):
    assert a.name == b.name
    assert a.vocabulary == b.vocabulary
    assert list(a.columns) == list(b.columns)
    for key in a.columns:
        np.testing.assert_array_equal(a.columns[key], b.columns[key])
    for key in ("input_ids", "input_offsets", "labels", "label_offsets"):
        np.testing.assert_array_equal(getattr(a, key), getattr(b, key))
        assert getattr(a, key).dtype == getattr(b, key).dtype


@pytest.mark.parametrize("shard_rows", [7, 50, 1000])
def test_a_data_set_comes_back_from_the_disk(tmp_path, data, shard_rows):
    data.save(tmp_path / "d", shard_rows=shard_rows)
    again = load_dataset(tmp_path / "d")
    assert again.config == data.config
    assert again.program == data.program
    for name in data:
        same(data[name], again[name])
    assert again["train"][3] == data["train"][3]


def test_the_same_data_set_has_the_same_bytes(tmp_path, data):
    data.save(tmp_path / "a")
    data.save(tmp_path / "b")
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == sorted(p.name for p in (tmp_path / "b").iterdir())
    assert all(sha256(tmp_path / "a" / f) == sha256(tmp_path / "b" / f) for f in files)


def test_the_parquet_file_holds_the_columns_of_the_design(tmp_path, data):
    data.save(tmp_path / "d")
    table = pq.read_table(tmp_path / "d" / "test-00000-of-00001.parquet")
    names = "id function split input target input_ids labels size depth calls steps rank carry"
    assert table.column_names == names.split()
    item = data["test"][2]
    assert {k: table[k][2].as_py() for k in table.column_names} == item
    assert item["input"].split() == [VOCABULARY[t] for t in item["input_ids"]]
    assert item["id"] == f"succ-{item['size']}-{item['rank']}"
    assert data["test"].to_arrow().num_rows == 7


def damage_truncate(folder):
    file = folder / "train-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    return "truncated or changed"


def damage_truncate_and_sign(folder):
    damage_truncate(folder)
    sign(folder, "train-00000-of-00001.parquet")
    return "not a whole Parquet file"


def damage_missing(folder):
    (folder / "test-00000-of-00001.parquet").unlink()
    return "the file is missing"


def damage_json(folder):
    file = folder / "dataset.json"
    file.write_text(file.read_text()[:200])
    return "not JSON"


def damage_version(folder):
    return edit(folder, version=1) or "expected format version 2, got 1"


def damage_program(folder):
    return edit(folder, program="(* other *)") or "does not have the checksum"


def damage_shards(folder):
    return edit(folder, shard_rows="many") or "shard_rows: expected a whole number"


def damage_functions(folder):
    return edit(folder, functions=["succ", "pred"]) or "'which' of split 'train' names no function"


def damage_mixture(folder):
    config = {"function": "succ", "sizes": [1], "mixture": [{"weight": -1}]}
    return edit(folder, config=config) or "expected a number above 0"


def damage_config(folder):
    return edit(folder, config={"function": "succ", "sizes": [1], "sise": 3}) or "did you mean"


def damage_rows(folder):
    meta = json.loads((folder / "dataset.json").read_text())
    meta["splits"]["test"]["rows"] = 6
    (folder / "dataset.json").write_text(json.dumps(meta))
    return "has not the 6 rows"


def damage_path(folder):
    meta = json.loads((folder / "dataset.json").read_text())
    meta["splits"]["test"]["files"][0]["name"] = "../../etc/passwd"
    (folder / "dataset.json").write_text(json.dumps(meta))
    return "not well described"


def damage_vocabulary(folder):
    return edit(folder, vocabulary=list(VOCABULARY[:7])) or "a token outside the 7 known ones"


def damage_column(folder):
    rewrite(folder, lambda t: t.drop_columns(["carry"]))
    return "has no column 'carry'"


def damage_type(folder):
    rewrite(folder, lambda t: t.set_column(7, "size", pa.array(["x"] * 7)))
    return "column 'size' of 'test': expected int32, got string"


def damage_null(folder):
    rewrite(folder, lambda t: t.set_column(8, "depth", pa.array([None] * 7, pa.int64())))
    return "empty cells"


def edit(folder, **changes):
    meta = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**meta, **changes}))


def sign(folder, name):
    meta = json.loads((folder / "dataset.json").read_text())
    for entry in meta["splits"].values():
        for row in entry["files"]:
            if row["name"] == name:
                row["sha256"] = sha256(folder / name)
    (folder / "dataset.json").write_text(json.dumps(meta))


def rewrite(folder, change):
    name = "test-00000-of-00001.parquet"
    pq.write_table(change(pq.read_table(folder / name)), folder / name)
    sign(folder, name)


@pytest.mark.parametrize(
    "damage", [v for k, v in list(globals().items()) if k.startswith("damage_")]
)
def test_a_damaged_data_set_is_refused(tmp_path, data, damage):
    data.save(tmp_path / "d")
    message = damage(tmp_path / "d")
    with pytest.raises(FormatError, match=message):
        load_dataset(tmp_path / "d")


def test_what_is_no_data_set_is_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(FormatError, match="expected a data set's folder"):
            load_dataset(path)
    (tmp_path / "dataset.json").write_text("[]")
    with pytest.raises(FormatError, match="expected a data set of this library"):
        load_dataset(tmp_path)


def test_a_full_folder_is_not_written_over(tmp_path, data):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine").write_text("precious")
    with pytest.raises(InputError, match="not empty"):
        data.save(tmp_path / "d")
    assert [p.name for p in tmp_path.rglob("*")] == ["d", "mine"]
    with pytest.raises(InputError, match="got a file"):
        data.save(tmp_path / "d" / "mine")


def test_an_interrupted_write_leaves_nothing(tmp_path):
    for error in (KeyboardInterrupt, OSError):
        with pytest.raises(error), atomic_file(tmp_path / "a.txt") as out:
            out.write("half")
            raise error
        with pytest.raises(error), atomic_folder(tmp_path / "b") as folder:
            (folder / "file").write_text("half")
            raise error
    assert list(tmp_path.iterdir()) == []


def test_writing_over_keeps_the_old_file_until_the_new_one_is_whole(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(OSError), atomic_file(tmp_path / "a.txt") as out:
        out.write("new")
        raise OSError
    assert (tmp_path / "a.txt").read_text() == "old"
    with atomic_folder(tmp_path / "b") as folder:
        (folder / "one").write_text("1")
    with atomic_folder(tmp_path / "b", overwrite=True) as folder:
        (folder / "two").write_text("2")
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["two"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b"]


def test_splits_can_be_cut_and_asked(data):
    split = data["train"]
    part = split.take(np.array([4, 1, 9]))
    assert [part[i] for i in range(3)] == [split[4], split[1], split[9]]
    assert split.take(slice(5, 8))[0] == split[5]
    assert split[-1] == split[len(split) - 1]
    assert len(list(part)) == 3
    assert "50 items" in repr(split)
    assert data.longest[0] == max(split.inputs.lengths.max(), data["test"].inputs.lengths.max())
    with pytest.raises(InputIndexError, match="asked for 50"):
        split[50]
    with pytest.raises(InputError, match="there are train, valid, test"):
        data["tset"]
