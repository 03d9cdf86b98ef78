"""Data sets on disk: Parquet shards and a dataset.json that alone can make the same bytes again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Dataset, Packed, Split
from recursionlab.data.mixture import columns_of
from recursionlab.data.values import Measures
from recursionlab.errors import ConfigError, FormatError, InputError
from recursionlab.files import atomic_folder, read_json, sha256, write_json

FORMAT, VERSION = "recursionlab-dataset", 2
LISTS = ("input_ids", "labels", "trace")
FIXED = {
    "id": pa.string(),
    "function": pa.string(),
    "split": pa.string(),
    "input": pa.string(),
    "target": pa.string(),
    "input_ids": pa.list_(pa.int32()),
    "labels": pa.list_(pa.int32()),
    "size": pa.int32(),
    "depth": pa.int64(),
    "calls": pa.int64(),
    "steps": pa.int64(),
    "rank": pa.uint64(),
}


def schema(config: DataConfig) -> pa.Schema:
    """Return the columns of a data set's Parquet files."""
    fields = dict(FIXED)
    fields.update({name: pa.int64() for name in columns_of(config)})
    fields.update({name: pa.int64() for name in config.measures})
    if config.trace:
        fields["trace"] = pa.list_(pa.int32())
    return pa.schema(list(fields.items()))


def to_arrow(split: Split) -> pa.Table:
    """Return a split as an Arrow table."""
    n = len(split)
    names = pa.array(split.vocabulary)
    columns: dict[str, Any] = {
        "id": _ids(split),
        "function": _functions(split),
        "split": _same(split.name, n),
        "input": _text(split.inputs, names),
        "target": _text(split.targets, names),
        "input_ids": _lists(split.inputs),
        "labels": _lists(split.targets),
    }
    columns.update({k: pa.array(v, FIXED.get(k, pa.int64())) for k, v in split.columns.items()})
    if split.trace is not None:
        columns["trace"] = _lists(split.trace)
    return pa.table(columns)


def _same(text: str, n: int) -> pa.Array:
    return pa.array([text]).take(pa.array(np.zeros(n, np.int64)))


def _functions(split: Split) -> pa.Array:
    if not split.functions:
        return _same(split.function, len(split))
    return pa.array(split.functions).take(pa.array(split.columns["which"]))


def _lists(packed: Packed) -> pa.Array:
    offsets = (packed.offsets - packed.offsets[0]).astype(np.int32)
    ids = packed.ids[packed.offsets[0] : packed.offsets[-1]]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(ids, pa.int32()))


def _text(packed: Packed, names: pa.Array) -> pa.Array:
    lists = _lists(packed)
    words = pa.ListArray.from_arrays(lists.offsets, names.take(lists.values))
    return pc.binary_join(words, " ")


def _ids(split: Split) -> pa.Array:
    """Return the ids of all items; `Split.ids` says what they are."""
    columns = {k: pa.array(v) for k, v in split.columns.items() if k in ("size", "rank", "step")}
    words = {k: pc.cast(v, pa.string()) for k, v in columns.items()}
    made = pc.binary_join_element_wise(_functions(split), words["size"], words["rank"], "-")
    if "step" in columns:
        longer = pc.binary_join_element_wise(made, words["step"], "-")
        made = pc.if_else(pc.less(columns["step"], 0), made, longer)
    if "part" not in split.columns:
        return made
    part = pc.cast(pa.array(split.columns["part"]), pa.string())
    return pc.binary_join_element_wise(part, made, ":")


def save(data: Dataset, path: Path, shard_rows: int) -> Path:
    """Write a data set to a new folder, whole or not at all."""
    if shard_rows < 1:
        raise InputError(f"shard_rows: expected at least 1, got {shard_rows}")
    splits: dict[str, Any] = {}
    with atomic_folder(path) as folder:
        for name, split in data.splits.items():
            files = _write_split(folder, split, data.config, shard_rows)
            splits[name] = {"rows": len(split), "ranges": data.ranges[name], "files": files}
        functions = next((s.functions for s in data.splits.values()), ())
        meta = description(data.config, data.program, data.vocabulary, functions)
        meta.update(splits=splits, overlaps=dict(data.overlaps), **data.report)
        write_json(folder / "dataset.json", {**meta, "shard_rows": shard_rows})
    return path


def description(
    config: DataConfig, program: str, vocabulary: tuple[str, ...], functions: tuple[str, ...]
) -> dict[str, Any]:
    """Return what dataset.json says before any item is made."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "function": config.function,
        "config": config.to_dict(),
        "seed": config.seed,
        "program_sha256": hashlib.sha256(program.encode()).hexdigest(),
        "program": program,
        "vocabulary": list(vocabulary),
        "functions": list(functions),
    }


def _write_split(
    folder: Path, split: Split, config: DataConfig, shard_rows: int
) -> list[dict[str, Any]]:
    shards = max(1, -(-len(split) // shard_rows))
    files = []
    for k in range(shards):
        part = split.take(slice(k * shard_rows, (k + 1) * shard_rows)) if shards > 1 else split
        file = folder / shard_name(split.name, k, shards)
        with open(file, "wb") as out:
            write_parquet(part, config, out)
        files.append(entry(file, len(part)))
    return files


def shard_name(split: str, k: int, shards: int) -> str:
    """Return the name of a split's k-th file."""
    return f"{split}-{k:05d}-of-{shards:05d}.parquet"


def write_parquet(split: Split, config: DataConfig, out: IO[bytes]) -> None:
    """Write a split's items; the same items give the same bytes."""
    wanted = schema(config)
    table = to_arrow(split).select(wanted.names).cast(wanted)
    few = [n for n in wanted.names if n not in ("id", "input", "target", "rank")]
    pq.write_table(
        table,
        out,
        compression="zstd",
        row_group_size=1 << 17,
        store_schema=False,
        use_dictionary=[f"{n}.list.element" if n in LISTS else n for n in few],
    )


def entry(file: Path, rows: int) -> dict[str, Any]:
    """Return what dataset.json says of a file."""
    return {"name": file.name, "rows": rows, "sha256": sha256(file)}


def read_meta(path: Path) -> dict[str, Any]:
    """Read and check dataset.json.

    Raises
    ------
    FormatError
        If the folder has none, or it is not one of this version.
    """
    file = path / "dataset.json"
    if (path / "unfinished.json").is_file() and not file.is_file():
        raise FormatError(
            f"{path}: this data set is not finished; run the same generate again to go on"
        )
    if not path.is_dir() or not file.is_file():
        raise FormatError(f"{path}: expected a data set's folder with a dataset.json in it")
    meta = read_json(file)
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise FormatError(f"{file}: expected a data set of this library")
    if meta.get("version") != VERSION:
        raise FormatError(
            f"{file}: expected format version {VERSION}, got {meta.get('version')!r}; make the data"
            " set again with the version of this library that is installed"
        )
    kinds = {"config": dict, "vocabulary": list, "splits": dict, "overlaps": dict, "program": str}
    kinds["functions"] = list
    for key, kind in kinds.items():
        if not isinstance(meta.get(key), kind):
            raise FormatError(f"{file}: the entry {key!r} is missing or not a {kind.__name__}")
    digest = hashlib.sha256(meta["program"].encode()).hexdigest()
    if meta.get("program_sha256") != digest:
        raise FormatError(f"{file}: the program's text does not have the checksum stated beside it")
    for key in ("shard_values", "shard_rows"):
        if not isinstance(meta.get(key, 1), int) or meta.get(key, 1) < 1:
            raise FormatError(f"{file}: {key}: expected a whole number of at least 1")
    for name, entry in meta["splits"].items():
        _check_entry(file, name, entry)
    return meta


def _check_entry(file: Path, name: str, entry: Any) -> None:
    kinds = {"rows": int, "ranges": list, "files": list}
    if not isinstance(entry, dict) or any(
        not isinstance(entry.get(k), t) for k, t in kinds.items()
    ):
        raise FormatError(f"{file}: the entry of split {name!r} is not complete")
    for row in entry["files"]:
        keys = {"name": str, "rows": int, "sha256": str}
        whole = isinstance(row, dict) and all(isinstance(row.get(k), t) for k, t in keys.items())
        if not whole or Path(row["name"]).name != row["name"]:
            raise FormatError(f"{file}: a file of split {name!r} is not well described")


def load_dataset(path: str | Path) -> Dataset:
    """Read a data set from its folder.

    Raises
    ------
    FormatError
        If a file is missing, truncated, changed, or does not fit the others.

    Examples
    --------
    `load_dataset("data")["test"][0]` is the first test item.
    """
    path = Path(path)
    meta = read_meta(path)
    config, _, vocabulary = _frame(path, meta)
    splits, ranges = {}, {}
    measures = Measures(meta["program"], config)
    for name, entry in meta["splits"].items():
        parts = [_read_file(path / row["name"], row) for row in entry["files"]]
        if not parts or sum(len(p) for p in parts) != entry["rows"]:
            raise FormatError(f"{path}: split {name!r} has not the {entry['rows']} rows it states")
        table = pa.concat_tables(parts)
        functions = tuple(map(str, meta["functions"]))
        splits[name] = _from_arrow(path, name, table, config, vocabulary, functions, measures)
        ranges[name] = entry["ranges"]
    report: dict[str, Any] = {key: meta[key] for key in ("left_out", "strata") if key in meta}
    return Dataset(splits, config, meta["program"], vocabulary, ranges, meta["overlaps"], report)


def load_parts(path: str | Path) -> Iterator[Split]:
    """Give the splits of a stored data set file by file, one in memory at a time.

    Raises
    ------
    FormatError
        As for `load_dataset`.
    """
    path = Path(path)
    meta = read_meta(path)
    config, program, vocabulary = _frame(path, meta)
    measures = Measures(program, config)
    functions = tuple(map(str, meta["functions"]))
    for name, entry in meta["splits"].items():
        for row in entry["files"]:
            table = _read_file(path / row["name"], row)
            yield _from_arrow(path, name, table, config, vocabulary, functions, measures)


def _frame(path: Path, meta: dict[str, Any]) -> tuple[DataConfig, str, tuple[str, ...]]:
    """Return configuration, program and vocabulary."""
    try:
        config = DataConfig.from_dict(meta["config"])
    except ConfigError as error:
        raise FormatError(f"{path / 'dataset.json'}: {error}") from None
    return config, meta["program"], tuple(map(str, meta["vocabulary"]))


def load_frame(path: str | Path) -> Dataset:
    """Return a stored data set without its splits: configuration, program, vocabulary."""
    path = Path(path)
    return Dataset({}, *_frame(path, read_meta(path)), {}, {})


def _read_file(file: Path, row: dict[str, Any]) -> pa.Table:
    if not file.is_file():
        raise FormatError(f"{file}: the file is missing; make the data set again with generate")
    if sha256(file) != row["sha256"]:
        raise FormatError(
            f"{file}: not the checksum in dataset.json: the file is truncated or changed;"
            " make the data set again with generate"
        )
    return read_parquet(file)


def read_parquet(file: Path) -> pa.Table:
    """Read a Parquet file, or say that it is none."""
    try:
        with open(file, "rb") as source:
            return pq.ParquetFile(source).read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        first = str(error).partition("\n")[0]
        raise FormatError(f"{file}: not a whole Parquet file: {first}") from None


def _from_arrow(
    path: Path,
    name: str,
    table: pa.Table,
    config: DataConfig,
    vocabulary: tuple[str, ...],
    functions: tuple[str, ...],
    measures: Measures,
) -> Split:
    wanted = schema(config)
    for column in wanted:
        if column.name not in table.column_names:
            raise FormatError(f"{path}: split {name!r} has no column {column.name!r}")
        got = table.schema.field(column.name).type
        if not got.equals(column.type) and not _same_list(got, column.type):
            raise FormatError(
                f"{path}: column {column.name!r} of {name!r}: expected {column.type}, got {got}"
            )
    packed = {
        key: _packed(path, name, key, table[key], len(vocabulary))
        for key in ("input_ids", "labels", *(["trace"] if config.trace else []))
    }
    text = {"id", "function", "split", "input", "target", *packed}
    columns = {c: _numbers(path, c, table[c]) for c in wanted.names if c not in text}
    if functions:
        which = columns.get("which", np.full(1, -1))
        if len(table) and (which.min() < 0 or which.max() >= len(functions)):
            raise FormatError(f"{path}: column 'which' of split {name!r} names no function")
    return Split(
        name,
        config.function,
        packed["input_ids"],
        packed["labels"],
        columns,
        vocabulary,
        packed.get("trace"),
        {"task": config.task, "path": str(path)},
        measures,
        functions,
    )


def _same_list(a: pa.DataType, b: pa.DataType) -> bool:
    return bool(pa.types.is_list(a) and pa.types.is_list(b) and a.value_type == b.value_type)


def _numbers(path: Path, name: str, column: pa.ChunkedArray) -> NDArray[Any]:
    if column.null_count:
        raise FormatError(f"{path}: column {name!r} has empty cells")
    return np.ascontiguousarray(column.to_numpy())


def _packed(path: Path, split: str, name: str, column: pa.ChunkedArray, known: int) -> Packed:
    if column.null_count:
        raise FormatError(f"{path}: column {name!r} has empty cells")
    chunks = [c for c in column.chunks if len(c)]
    ids = [np.asarray(c.flatten()) for c in chunks]
    lengths = [np.diff(np.asarray(c.offsets)) for c in chunks]
    flat = np.concatenate(ids).astype(np.int32) if ids else np.zeros(0, np.int32)
    offsets = np.cumsum(np.concatenate([[0], *lengths]), dtype=np.int64)
    if flat.size and (flat.min() < 0 or flat.max() >= known):
        raise FormatError(
            f"{path}: column {name!r} of split {split!r} has a token outside the {known} known ones"
        )
    return Packed(np.ascontiguousarray(flat), offsets)
