"""Mixtures: several data sets of one program as one, in shares of their values."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.data import splits
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Packed, Split
from recursionlab.data.make import Maker, Piece
from recursionlab.data.ragged import stack
from recursionlab.errors import ConfigError


class Share:
    """The values of one split of a mixture: so many of each part, the same shares all along."""

    def __init__(self, counts: Sequence[int], parts: Sequence[splits.Selection]) -> None:
        self.counts, self.parts = list(counts), list(parts)

    def __len__(self) -> int:
        """Return the number of values of all parts."""
        return sum(self.counts)

    def ends(self, place: int) -> list[int]:
        """Return how many values of each part come before a place."""
        total = max(len(self), 1)
        return [count * place // total for count in self.counts]

    def to_list(self) -> list[dict[str, Any]]:
        """Return counts and ranges, part by part."""
        rows = zip(self.counts, self.parts, strict=True)
        return [{"items": count, "ranges": part.to_list()} for count, part in rows]


class Mixture:
    """A planned mixture; to those who write it, it is as a `Maker`.

    Parts are tables of `data.mixture`: keys of the configuration put over its own, and a `weight`.
    Of train, valid and test each part gives its share, as much as the scarcest allows; other splits
    hold all that the parts have. Tokens are numbered over all parts together.
    """

    def __init__(self, config: DataConfig, program: Any, threads: int | None = None) -> None:
        config.validate()
        self.config = config
        tables = config.part_tables()
        self.parts = [Maker(DataConfig.from_dict(t), program, threads) for t in tables]
        self.threads, self.text = self.parts[0].threads, self.parts[0].text
        tokens = [token for part in self.parts for token in part.vocabulary]
        self.vocabulary = tuple(dict.fromkeys(tokens))
        self.maps = [
            np.array([self.vocabulary.index(t) for t in part.vocabulary], np.int32)
            for part in self.parts
        ]
        every = [f for part in self.parts for f in part.functions or (part.config.function,)]
        self.functions = tuple(dict.fromkeys(every))
        names = list(dict.fromkeys(name for part in self.parts for name in part.selections))
        self.selections = {name: self._share(name) for name in names}
        if not len(self.selections["train"]):
            raise ConfigError("data.mixture: a part has too few values for its weight")
        self.filters = any(part.filters for part in self.parts)
        self.overlaps = self._overlaps(names)
        self.reached = {str(i): p.reached for i, p in enumerate(self.parts) if p.reached}

    def _share(self, name: str) -> Share:
        empty = splits.Selection([], 0)
        found = [part.selections.get(name, empty) for part in self.parts]
        sizes = [len(s) for s in found]
        if name not in ("train", "valid", "test"):
            return Share(sizes, found)
        weights = self.config.weights()
        total = min(int(n / w + 1e-9) for n, w in zip(sizes, weights, strict=True))
        return Share([min(n, round(w * total)) for n, w in zip(sizes, weights, strict=True)], found)

    def _overlaps(self, names: Iterable[str]) -> dict[str, int]:
        """Count values that two splits share, over all parts of the same function."""
        names, found = list(names), {}
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                found[f"{a}/{b}"] = sum(
                    splits.shared(p.selections[a], q.selections[b])
                    for p in self.parts
                    for q in self.parts
                    if a in p.selections
                    and b in q.selections
                    and "hash" not in (p.config.split_by, q.config.split_by)
                    and (p.config.function, p.config.at) == (q.config.function, q.config.at)
                )
        return found

    def twin(self) -> Mixture:
        """Return the same plan with programs of its own, for another thread."""
        other = copy.copy(self)
        other.parts = [part.twin() for part in self.parts]
        return other

    def keys(self, name: str, first: int, stop: int, threads: int) -> NDArray[np.uint64]:
        """Return a number an item of the values [first, stop), the same for the same input."""
        found = [p.keys(name, a, b, threads) for p, a, b in self._cut(name, first, stop)]
        return np.concatenate([np.zeros(0, np.uint64), *found])

    def _cut(self, name: str, first: int, stop: int) -> list[tuple[Maker, int, int]]:
        share = self.selections[name]
        rows = zip(self.parts, share.ends(first), share.ends(stop), strict=True)
        return [(part, a, b) for part, a, b in rows if name in part.selections]

    def piece(
        self,
        name: str,
        first: int,
        stop: int,
        threads: int,
        gone: NDArray[np.uint64] | None = None,
    ) -> Piece:
        """Return the items of the values [first, stop) of a split, part after part."""
        made = [(p, p.piece(name, a, b, threads, gone)) for p, a, b in self._cut(name, first, stop)]
        keys = np.concatenate([np.zeros(0, np.uint64), *[piece.keys for _, piece in made]])
        rows = [(self.parts.index(part), piece.split) for part, piece in made]
        return Piece(self._joined(name, rows), keys, sum(piece.left_out for _, piece in made))

    def _joined(self, name: str, rows: list[tuple[int, Split]]) -> Split:
        """Return pieces of splits as one, in the mixture's tokens."""

        def tokens(side: str) -> Packed:
            packed = [(self.maps[i], getattr(split, side)) for i, split in rows]
            return stack([Packed(m[p.ids], p.offsets) for m, p in packed])

        columns: dict[str, NDArray[Any]] = {}
        for column in dict.fromkeys(c for _, split in rows for c in split.columns):
            columns[column] = np.concatenate(
                [s.columns.get(column, np.full(len(s), -1, np.int64)) for _, s in rows]
            )
        columns["part"] = np.concatenate([np.full(len(s), i, np.int64) for i, s in rows])
        which = []
        for _, split in rows:
            own = split.functions or (split.function,)
            numbers = np.array([self.functions.index(f) for f in own], np.int64)
            which.append(numbers[split.columns.get("which", np.zeros(len(split), np.int64))])
        columns["which"] = np.concatenate(which)
        wanted = (*columns_of(self.config), *self.config.measures)
        fixed = [c for c in columns if c not in wanted]
        shown = [c for c in wanted if c in columns]
        return Split(
            name,
            "+".join(self.functions),
            tokens("inputs"),
            tokens("targets"),
            {c: columns[c] for c in (*fixed, *shown)},
            self.vocabulary,
            tokens("trace") if self.config.trace else None,
            {"task": "mixture"},
            None,
            self.functions,
        )


def columns_of(config: DataConfig) -> tuple[str, ...]:
    """Return the columns that the tasks of a configuration add."""
    from recursionlab.data import tasks

    if not config.mixture:
        return tuple(tasks.get(config.task).COLUMNS)
    names = [str(table["task"]) for table in config.part_tables()]
    found = [c for name in names for c in tasks.get(name).COLUMNS]
    return tuple(dict.fromkeys(("part", "which", *found)))
