"""Endless data: items drawn again and again from the train split, each a function of its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recursionlab import _core
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Split
from recursionlab.data.make import Maker
from recursionlab.data.values import Source
from recursionlab.errors import ConfigError, InputError

SALT = 64


class Stream:
    """The train split without end.

    Value i is drawn from all values of the train split, with replacement, by (seed, i) alone: any
    stretch can be made on its own, on any machine. What valid and test hold never comes: no value
    of theirs, and of tasks that give several items a value no item with an input of theirs.

    Parameters
    ----------
    config : DataConfig or mapping
        As for `from_config`. `per_size` and `sizes` bound the values drawn from, not how many.
    base : path
        The folder that a relative path of a program starts from.
    batch : int
        Values a batch, for iteration.
    threads : int, optional
        Never changes an item.

    Examples
    --------
    >>> stream = Stream({"program": "binary", "function": "succ", "sizes": "1..30"}, batch=4)
    >>> first = next(iter(stream))
    >>> len(first), first[3] == stream.take(3, 1)[0]
    (4, True)
    """

    def __init__(
        self,
        config: DataConfig | Mapping[str, Any],
        *,
        base: str | Path = ".",
        batch: int = 256,
        threads: int | None = None,
    ) -> None:
        if not isinstance(config, DataConfig):
            config = DataConfig.from_dict(config)
        if config.mixture or config.split_by == "hash":
            raise ConfigError(
                "data.split_by: a stream is drawn from one task's values, split by rank"
            )
        if batch < 1:
            raise InputError(f"batch: expected at least 1, got {batch}")
        self.batch = batch
        self.maker = Maker(config, Source.load(config.program, Path(base)), threads, 2**62)
        self.held = self._held()

    def _held(self) -> Any:
        """Return the numbers of all inputs outside the train split, where values share inputs."""
        maker = self.maker
        if not maker.filters:
            return None
        others = [name for name in maker.selections if name != "train"]
        threads = maker.threads
        keys = [maker.keys(n, 0, len(maker.selections[n]), threads) for n in others]
        return np.unique(np.concatenate([np.zeros(0, np.uint64), *keys]))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What each token is called."""
        return self.maker.vocabulary

    def take(self, first: int, count: int) -> Split:
        """Return the items of the values [first, first + count).

        Raises
        ------
        InputError
            If the stretch begins before 0.
        """
        if first < 0 or count < 0:
            raise InputError(
                f"take: expected a place and a count of 0 or more, got {first}, {count}"
            )
        selection = self.maker.selections["train"]
        items = np.arange(first, first + count, dtype=np.uint64)
        places = _core.below(items, len(selection), self.maker.config.seed, SALT).astype(np.int64)
        return self.maker.piece_of(
            "train", *selection.at(places), self.maker.threads, self.held
        ).split

    def batches(self, first: int = 0) -> Iterator[Split]:
        """Go over the batches from a batch on, without end."""
        while True:
            yield self.take(first * self.batch, self.batch)
            first += 1

    def __iter__(self) -> Iterator[Split]:
        """Go over the batches, without end."""
        return self.batches()
