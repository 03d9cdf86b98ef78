"""Making data sets: plan the splits, let C make the pairs, lay the task's items out in columns."""

from __future__ import annotations

import copy
import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.config import parse_sizes
from recursionlab.data import present, splits, strata, tasks
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Dataset, Split
from recursionlab.data.ragged import flip, hashes, mix
from recursionlab.data.splits import Selection
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
    return dataset_of(maker_of(DataConfig.from_dict(given), function.program, threads))


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
    return dataset_of(maker_of(config, Source.load(config.program, Path(base)), threads))


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
    from recursionlab.data import store, write

    folder = Path(path).parent if Path(path).name == "dataset.json" else Path(path)
    meta = store.read_meta(folder)
    config = DataConfig.from_dict(meta["config"])
    program = Source.loads(meta["program"], config.program)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(output) if output is not None else Path(scratch) / "data"
        if "shard_values" in meta:
            write.generate(config, program, out, meta["shard_values"], threads)
        else:
            data = dataset_of(maker_of(config, program, threads))
            data.save(out, shard_rows=int(meta.get("shard_rows", 1_000_000)))
        again = store.read_meta(out)
        for name, entry in meta["splits"].items():
            files = again["splits"].get(name, {}).get("files")
            if files != entry["files"]:
                raise FormatError(
                    f"{folder}: split {name!r} does not come out with the checksums stated: made"
                    " by another version of this library or of Arrow, or dataset.json was changed"
                )
        return store.load_dataset(out)


def as_values(data: Dataset, threads: int | None = None) -> Dataset:
    """Return the same values, split the same way, under the task `value`."""
    config = dataclasses.replace(data.config, task="value", trace="")
    return dataset_of(maker_of(config, Source.loads(data.program, config.program), threads))


def maker_of(config: DataConfig, program: Any, threads: int | None = None) -> Any:
    """Return the plan of a data set: a `Maker`, or a `Mixture` of several."""
    if not config.mixture:
        return Maker(config, program, threads)
    from recursionlab.data.mixture import Mixture

    return Mixture(config, program, threads)


def dataset_of(maker: Any) -> Dataset:
    """Return all of a planned data set, in memory."""
    splits.refuse_more(sum(map(len, maker.selections.values())), splits.MAX_HELD)
    built: dict[str, Split] = {}
    left_out: dict[str, int] = {}
    seen = np.zeros(0, np.uint64)
    for name, selection in maker.selections.items():
        piece = maker.piece(name, 0, len(selection), maker.threads, seen)
        built[name] = piece.split
        if maker.filters:
            seen = np.union1d(seen, piece.keys)
            left_out[name] = piece.left_out
    return Dataset(
        built,
        maker.config,
        maker.text,
        maker.vocabulary,
        {name: s.to_list() for name, s in maker.selections.items()},
        maker.overlaps,
        {"left_out": left_out, "strata": maker.reached},
    )


@dataclasses.dataclass(frozen=True)
class Piece:
    """Part of a split: items, a number an item that tells inputs apart, and how many are not in.

    The numbers are there only where splits could share inputs.
    """

    split: Split
    keys: NDArray[np.uint64]
    left_out: int


class Maker:
    """A planned data set, any part of which can be made on its own.

    Attributes
    ----------
    selections : dict of str to Selection
        The values of each split.
    overlaps : dict
        Values that two splits have in common, counted.
    reached : dict
        Of each split, stratum by stratum, the share asked for and what came of it.
    """

    def __init__(
        self,
        config: DataConfig,
        program: Any,
        threads: int | None = None,
        most: int = splits.MAX_ITEMS,
    ) -> None:
        config.validate()
        self.config = config
        self.threads = threads or default_threads()
        self.task = tasks.get(config.task)
        self.source = Source(program, config)
        if hasattr(self.task, "tokens"):
            self.source.add_tokens(self.task.tokens(self.source))
        self.source.add_tokens(present.tokens(config))
        plan = splits.plan(config, self.source.count, most)
        self.selections = {n: Selection(r, config.seed) for n, r in plan.items()}
        if config.split_by in ("depth", "measure", "withheld"):
            splits.refuse_more(sum(map(len, self.selections.values())), splits.MAX_HELD)
            self.selections = splits.set_apart(self.selections, config, self._beyond)
        self.reached: dict[str, Any] = {}
        if config.strata:
            splits.refuse_more(sum(map(len, self.selections.values())), splits.MAX_HELD)
            self.reached = strata.choose(self.selections, config, self._measured)
        self.source.train = self.selections["train"]
        self.overlaps = splits.overlaps(self.selections, config)

    @property
    def text(self) -> str:
        """The program's source text."""
        return self.source.text

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What each token is called."""
        return self.source.vocabulary

    def twin(self) -> Maker:
        """Return the same plan with a program of its own, for another thread."""
        other = copy.copy(self)
        program = Source.loads(self.source.text, self.config.program)
        other.source = Source(program, self.config)
        other.source.vocabulary = self.source.vocabulary
        other.source.train = self.source.train
        return other

    def _beyond(self, size: NDArray[Any], rank: NDArray[Any]) -> NDArray[np.bool_]:
        return self.source.beyond(size, rank, self.threads)

    def _measured(self, size: NDArray[Any], rank: NDArray[Any]) -> NDArray[np.int64]:
        return self.source.measured(self.config.strata, size, rank, self.threads)

    @property
    def filters(self) -> bool:
        """Whether items are left out of a split because an earlier one has their input."""
        return bool(self.task.MANY) and self.config.split_by != "hash"

    def items(self, name: str, first: int, stop: int, threads: int) -> tuple[Values, Items]:
        """Return the values [first, stop) of a split and what the task makes of them."""
        return self._items(name, *self.selections[name].keys(first, stop), threads)

    def _items(
        self, name: str, size: NDArray[np.int32], rank: NDArray[np.uint64], threads: int
    ) -> tuple[Values, Items]:
        values = self.source.values(size, rank, self.task.NEEDS_TRACE, threads)
        values = dataclasses.replace(values, split=name)
        items: Items = self.task.build(values, self.source)
        if self.config.split_by == "hash":
            items = items.take(self._hashed(values, items) == list(self.selections).index(name))
        return values, items

    def _hashed(self, values: Values, items: Items) -> NDArray[np.int64]:
        """Return of each item the split its input's hash sends it to, (R,)."""
        if items.parent is None:
            key = mix(values.columns["rank"]) ^ values.columns["size"].astype(np.uint64)
        else:
            key = self.keys_of(items)
        point = mix(key ^ mix(np.array([self.config.seed], np.uint64))) / np.float64(2**64)
        shares = np.cumsum(self.config.fractions)
        place: NDArray[np.int64] = np.minimum(np.searchsorted(shares, point, side="right"), 2)
        return place

    def keys_of(self, items: Items) -> NDArray[np.uint64]:
        """Return a number an item, the same for the same input in either order, (R,)."""
        inputs = items.inputs
        return hashes(flip(inputs) if self.config.order == "reversed" else inputs)

    def keys(self, name: str, first: int, stop: int, threads: int) -> NDArray[np.uint64]:
        """Return a number an item of the values [first, stop), the same for the same input."""
        if not self.filters:
            return np.zeros(0, np.uint64)
        return self.keys_of(self.items(name, first, stop, threads)[1])

    def piece(
        self,
        name: str,
        first: int,
        stop: int,
        threads: int,
        gone: NDArray[np.uint64] | None = None,
    ) -> Piece:
        """Return the items of the values [first, stop) of a split, but for inputs in `gone`."""
        return self._shown(name, *self.items(name, first, stop, threads), gone)

    def piece_of(
        self,
        name: str,
        size: NDArray[np.int32],
        rank: NDArray[np.uint64],
        threads: int,
        gone: NDArray[np.uint64] | None = None,
    ) -> Piece:
        """Return the items of some values, as if they stood in a split."""
        return self._shown(name, *self._items(name, size, rank, threads), gone)

    def _shown(
        self, name: str, values: Values, items: Items, gone: NDArray[np.uint64] | None
    ) -> Piece:
        keys, left_out = np.zeros(0, np.uint64), 0
        if self.filters:
            keys = self.keys_of(items)
            if gone is not None and len(gone):
                fresh = ~np.isin(keys, gone)
                left_out = int(len(keys) - fresh.sum())
                items, keys = items.take(fresh), keys[fresh]
        return Piece(self.split(name, values, items), keys, left_out)

    def split(self, name: str, values: Values, items: Items) -> Split:
        """Return items of a split, presented, with their columns."""
        config = self.config
        items = present.show(items, values, self.source)
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
            self.source.vocabulary,
            trace,
            {"task": config.task},
            Measures(self.source.text, config),
            self.functions,
        )

    @property
    def functions(self) -> tuple[str, ...]:
        """Names of the functions that the items are about, where there are several."""
        several = "which" in self.task.COLUMNS
        return tuple(f.name for f in self.source.functions) if several else ()
