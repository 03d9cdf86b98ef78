"""Data sets in memory: splits of packed token sequences, with a column for all that is known."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import display
from recursionlab.data.config import DataConfig
from recursionlab.errors import ConfigError, InputError, InputIndexError

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 5  # items of a split in a notebook
Tokens = NDArray[np.int32]
Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Packed:
    """R sequences of tokens, end to end.

    Examples
    --------
    >>> import numpy as np
    >>> p = Packed(np.array([5, 6, 7], np.int32), np.array([0, 2, 3]))
    >>> len(p), p[0].tolist()
    (2, [5, 6])
    """

    ids: Tokens  # (N,) tokens
    offsets: Offsets  # (R + 1,) where each sequence begins; the last is N

    def __len__(self) -> int:
        """Return the number of sequences."""
        return len(self.offsets) - 1

    def __getitem__(self, i: int) -> Tokens:
        """Return sequence i, a view."""
        return self.ids[self.offsets[i] : self.offsets[i + 1]]

    @property
    def lengths(self) -> Offsets:
        """Tokens in each sequence, (R,)."""
        return np.diff(self.offsets)

    def take(self, items: NDArray[Any]) -> Packed:
        """Return the sequences `items` (indices) as a new packed array."""
        lengths = self.lengths[items]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        where = np.repeat(self.offsets[:-1][items] - offsets[:-1], lengths)
        return Packed(self.ids[where + np.arange(offsets[-1])], offsets)

    @classmethod
    def of(cls, sequences: list[list[int]]) -> Packed:
        """Pack a list of lists of tokens."""
        offsets = np.cumsum([0, *map(len, sequences)], dtype=np.int64)
        flat = [token for sequence in sequences for token in sequence]
        return cls(np.array(flat, np.int32), offsets)


@dataclass(frozen=True)
class Split:
    """One split: inputs, targets and columns, an item a row.

    Attributes
    ----------
    input_ids, labels : (N,) int32
        Packed tokens, bare of <bos> and <eos>.
    input_offsets, label_offsets : (R + 1,) int64
        Where each sequence begins.
    columns : dict of (R,) arrays
        `size depth calls steps rank` and a column a measure.
    vocabulary : tuple of str
        What each token is called.
    """

    name: str
    function: str
    inputs: Packed
    targets: Packed
    columns: Mapping[str, NDArray[Any]]
    vocabulary: tuple[str, ...]
    trace: Packed | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    # A measure that has no column, from its name and the sizes and ranks of the values.
    measure: Callable[[str, NDArray[Any], NDArray[Any]], NDArray[Any]] | None = None
    # The functions that a column `which` counts, where items are about several.
    functions: tuple[str, ...] = ()

    @property
    def input_ids(self) -> Tokens:
        """Tokens of the inputs, (N,) int32."""
        return self.inputs.ids

    @property
    def input_offsets(self) -> Offsets:
        """Where each input begins, (R + 1,) int64."""
        return self.inputs.offsets

    @property
    def labels(self) -> Tokens:
        """Tokens of the targets, (N,) int32."""
        return self.targets.ids

    @property
    def label_offsets(self) -> Offsets:
        """Where each target begins, (R + 1,) int64."""
        return self.targets.offsets

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.inputs)

    def __getitem__(self, i: int) -> dict[str, Any]:
        """Return item i as a dictionary of columns.

        Raises
        ------
        InputIndexError
            If there is no item i.
        """
        if not -len(self) <= i < len(self):
            raise InputIndexError(f"split {self.name!r} has {len(self)} items, asked for {i}")
        i %= len(self)
        item: dict[str, Any] = {
            "id": self.ids(i),
            "function": self.function_of(i),
            "split": self.name,
            "input": self.text(self.inputs[i]),
            "target": self.text(self.targets[i]),
            "input_ids": self.inputs[i].tolist(),
            "labels": self.targets[i].tolist(),
        }
        item.update({name: column[i].item() for name, column in self.columns.items()})
        if self.trace is not None:
            item["trace"] = self.text(self.trace[i])
        return item

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go over the items."""
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        """Name the split, its size and columns."""
        return (
            f"<Split {self.name}: {len(self)} items of {self.function}, {', '.join(self.columns)}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            {k: v for k, v in self[i].items() if k not in ("split", "input_ids", "labels")}
            for i in range(min(SHOWN, len(self)))
        ]
        head = f"<p>Split {html.escape(self.name)}: {len(self):,} items</p>"
        return head + display.table(rows, len(self) - len(rows))

    def function_of(self, i: int) -> str:
        """Return the name of the function that item i is about."""
        return self.functions[self.columns["which"][i]] if self.functions else self.function

    def ids(self, i: int) -> str:
        """Return the id of item i: function, size, rank and, where there are several, step."""
        parts = [self.function_of(i), str(self.columns["size"][i]), str(self.columns["rank"][i])]
        if "step" in self.columns and self.columns["step"][i] >= 0:
            parts.append(str(self.columns["step"][i]))
        made = "-".join(parts)
        return f"{self.columns['part'][i]}:{made}" if "part" in self.columns else made

    def text(self, ids: NDArray[Any] | list[int]) -> str:
        """Return tokens as text, separated by spaces; a number outside the vocabulary as `<n?>`."""
        known = len(self.vocabulary)
        return " ".join(self.vocabulary[t] if 0 <= t < known else f"<{t}?>" for t in ids)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column by name, or a measure of the same file, computed now.

        Raises
        ------
        InputError
            If there is neither of that name.
        """
        from recursionlab.config import suggest

        if name in self.columns:
            return self.columns[name]
        if self.measure is None:
            raise InputError(f"by: no column {name!r}{suggest(name, self.columns)}")
        try:
            return self.measure(name, self.columns["size"], self.columns["rank"])
        except ConfigError as error:
            raise InputError(
                f"by: no column {name!r} ({', '.join(self.columns)}); {error}"
            ) from None

    def take(self, items: Any) -> Split:
        """Return a split of the items at some indices, a slice or a mask.

        Examples
        --------
        `split.take(slice(100))` is the first hundred items.
        """
        where = np.arange(len(self))[items]
        return Split(
            self.name,
            self.function,
            self.inputs.take(where),
            self.targets.take(where),
            {name: column[where] for name, column in self.columns.items()},
            self.vocabulary,
            None if self.trace is None else self.trace.take(where),
            self.meta,
            self.measure,
            self.functions,
        )

    def to_arrow(self) -> pa.Table:
        """Return the split as an Arrow table with the columns of its Parquet file."""
        from recursionlab.data.store import to_arrow

        return to_arrow(self)


@dataclass(frozen=True)
class Dataset(Mapping[str, Split]):
    """Splits by name, and what they were made from.

    Attributes
    ----------
    config : DataConfig
        From which alone, with the program, the same bytes can be made again.
    program : str
        The program's source text.
    ranges : dict
        Of each split, size by size, its part of the permutation of all values of that size.
    overlaps : dict
        Values that two splits have in common, counted: all zero.
    report : dict
        `left_out`: of each split, items whose input an earlier split has; `strata`: of each split,
        stratum by stratum, the share asked for and what came of it.
    """

    splits: Mapping[str, Split]
    config: DataConfig
    program: str
    vocabulary: tuple[str, ...]
    ranges: Mapping[str, list[dict[str, int]]]
    overlaps: Mapping[str, int]
    report: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Split:
        """Return a split by name."""
        if name not in self.splits:
            raise InputError(f"no split {name!r}; there are {', '.join(self.splits)}")
        return self.splits[name]

    def __iter__(self) -> Iterator[str]:
        """Go over the names of the splits."""
        return iter(self.splits)

    def __len__(self) -> int:
        """Return the number of splits."""
        return len(self.splits)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a split of that name."""
        return name in self.splits

    def __repr__(self) -> str:
        """Name the function and the splits with their sizes."""
        sizes = ", ".join(f"{name} {len(split)}" for name, split in self.splits.items())
        return f"<Dataset {self.config.function}: {sizes}>"

    def _repr_html_(self) -> str:
        about = {
            "function": f"{self.config.program}.{self.config.function}",
            "task": self.config.task,
            "tokens": " ".join(self.vocabulary),
            "overlaps": sum(self.overlaps.values()),
        }
        rows = [{"split": name, **_told(split)} for name, split in self.splits.items()]
        return display.facts("Data set", about) + display.table(rows)

    @property
    def longest(self) -> tuple[int, int]:
        """Tokens of the longest input and of the longest target over all splits."""
        splits = self.splits.values()
        return (
            max((int(s.inputs.lengths.max(initial=0)) for s in splits), default=0),
            max((int(s.targets.lengths.max(initial=0)) for s in splits), default=0),
        )

    def save(self, path: str | Path, *, shard_rows: int = 1_000_000) -> Path:
        """Write the folder `path`: a Parquet file or more a split, and `dataset.json`.

        Raises
        ------
        InputError
            If the folder exists and is not empty.
        OSError
            If it cannot be written; nothing is left behind.
        """
        from recursionlab.data.store import save

        return save(self, Path(path), shard_rows)


def _told(split: Split) -> dict[str, Any]:
    """Return how many items a split has, of which sizes and lengths, and the first of them."""
    if not len(split):
        return {"items": 0}
    size = split.columns.get("size")
    return {
        "items": len(split),
        "sizes": None if size is None else f"{size.min()} to {size.max()}",
        "longest input": int(split.inputs.lengths.max()),
        "longest target": int(split.targets.lengths.max()),
        "first input": display.short(split.text(split.inputs[0])),
        "first target": display.short(split.text(split.targets[0])),
    }
