"""Making data sets: plan the splits, let C make the pairs, lay the task's items out in columns."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.config import parse_sizes
from recursionlab.data import splits, tasks
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Dataset, Split
from recursionlab.data.values import Items, Measures, Source, Values
from recursionlab.errors import FormatError, InputTypeError
from recursionlab.machine import default_threads


def make_dataset(
    function: Any,
    *,
    sizes: Any,
    gen_sizes: Any = (),
    threads: int | None = None,
    **options: Any,
) -> Dataset:
    """Make a data set of a function: train, valid and test, and what lies beyond them.

    Parameters
    ----------
    function : Function
        For example `recursionlab.library("binary")["succ"]`.
    sizes : range, sequence of int, or text such as `"1..12"`
        Constructors in the values of train, valid and test.
    gen_sizes : like sizes
        Sizes of the split `gen_size`; none may be in `sizes`.
    threads : int, optional
        Never changes the result.
    **options
        Any other field of `DataConfig`: `per_size fractions split_by train_depth measures encoding
        order renames task granularity trace seed ...`.

    Returns
    -------
    Dataset
        Splits by name; they share no value.

    Raises
    ------
    ConfigError
        If an option is unknown or outside its range.
    CountError
        If a size has no value.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> data = rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(1, 9))
    >>> data["train"][0]["function"]
    'succ'
    """
    if not hasattr(function, "domain"):
        raise InputTypeError(
            'function: expected a function such as recursionlab.library("binary")["succ"],'
            f" got {type(function).__name__}"
        )
    given: dict[str, Any] = {
        **Source.describe(function),
        **options,
        "sizes": parse_sizes(sizes, "data.sizes"),
        "gen_sizes": parse_sizes(gen_sizes, "data.gen_sizes"),
    }
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
    return _make(DataConfig.from_dict(given), function.program, threads)


def from_config(
    config: DataConfig | Mapping[str, Any],
    *,
    base: str | Path = ".",
    threads: int | None = None,
) -> Dataset:
    """Make a data set from a configuration.

    Parameters
    ----------
    config : DataConfig or mapping
        `program` is the name of a library file or the path of a `.v` file.
    base : path
        The folder that a relative path of a program starts from.
    """
    if not isinstance(config, DataConfig):
        config = DataConfig.from_dict(config)
    return _make(config, Source.load(config.program, Path(base)), threads)


def regenerate(
    path: str | Path, output: str | Path | None = None, threads: int | None = None
) -> Dataset:
    """Make a data set again from its `dataset.json` alone, and see that it is the same to the byte.

    Parameters
    ----------
    path : path
        A data set's folder, or a `dataset.json`; no Parquet file is read.
    output : path, optional
        A folder to write it to.

    Raises
    ------
    FormatError
        If a file does not come out as its checksum says.
    """
    from recursionlab.data import store

    folder = Path(path).parent if Path(path).name == "dataset.json" else Path(path)
    meta = store.read_meta(folder)
    config = DataConfig.from_dict(meta["config"])
    data = _make(config, Source.loads(meta["program"], config.program), threads)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(output) if output is not None else Path(scratch) / "data"
        data.save(out, shard_rows=int(meta.get("shard_rows", 1_000_000)))
        again = store.read_meta(out)
    for name, entry in meta["splits"].items():
        files = again["splits"].get(name, {}).get("files")
        if files != entry["files"]:
            raise FormatError(
                f"{folder}: split {name!r} does not come out with the checksums stated: made by"
                " another version of this library or of Arrow, or dataset.json was changed"
            )
    return data


def as_values(data: Dataset, threads: int | None = None) -> Dataset:
    """Return the same values, split the same way, under the task `value`."""
    config = dataclasses.replace(data.config, task="value", trace="")
    return _make(config, Source.loads(data.program, config.program), threads)


def _make(config: DataConfig, program: Any, threads: int | None) -> Dataset:
    config.validate()
    threads = threads or default_threads()
    task = tasks.get(config.task)
    source = Source(program, config)
    plan = splits.plan(config, source.count)
    made = {
        name: source.values(*splits.ranks(ranges, config.seed), task.NEEDS_TRACE, threads)
        for name, ranges in plan.items()
    }
    if config.split_by == "depth":
        made = _by_depth(made, config.train_depth)
    keys = {name: splits.key(v.columns["size"], v.columns["rank"]) for name, v in made.items()}
    overlaps = splits.overlaps(keys)
    built: dict[str, Split] = {}
    seen: set[bytes] = set()
    for name, values in made.items():
        items = task.build(values)
        split = _split(name, config, source, values, items)
        built[name] = split if items.parent is None else _unseen(split, seen)
    ranges = {name: [r.to_dict() for r in plan.get(name, [])] for name in built}
    return Dataset(built, config, source.text, source.vocabulary, ranges, overlaps)


def _split(name: str, config: DataConfig, source: Source, values: Values, items: Items) -> Split:
    columns = dict(values.columns)
    trace = values.column_trace
    if items.parent is not None:
        columns = {k: v[items.parent] for k, v in columns.items()}
        trace = None if trace is None else trace.take(items.parent)
    measures = {k: columns.pop(k) for k in config.measures}
    return Split(
        name,
        config.function,
        items.inputs,
        items.targets,
        {**columns, **items.columns, **measures},
        source.vocabulary,
        trace,
        {"task": config.task},
        Measures(source.text, config),
    )


def _by_depth(made: dict[str, Values], train_depth: int) -> dict[str, Values]:
    """Move the values deeper than `train_depth` out of train, valid and test into gen_depth."""
    out, deep = {}, []
    for name, values in made.items():
        if name == "gen_size":
            out[name] = values
            continue
        is_deep: NDArray[np.bool_] = values.columns["depth"] > train_depth
        out[name] = values.take(np.flatnonzero(~is_deep))
        deep.append(values.take(np.flatnonzero(is_deep)))
    out["gen_depth"] = Values.concatenate(deep)
    return out


def _unseen(split: Split, seen: set[bytes]) -> Split:
    """Leave out the items whose input an earlier split has: values can share terms."""
    ids, offsets = split.input_ids, split.input_offsets
    keys = [ids[a:b].tobytes() for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    fresh = np.array([key not in seen for key in keys], np.bool_)
    seen.update(keys)
    return split if fresh.all() else dataclasses.replace(split.take(fresh))
