"""Curriculum on success: the lowest values of a column first, the next ones once those are learned.

A split takes part by having `column(name)`, a number an item, and `take(items)`; nothing else is
asked of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import ConfigError, InputError, InputTypeError
from recursionlab.learn.split import SplitLike, first_items


@dataclass(frozen=True)
class Curriculum:
    """Levels of a split whose items are in their order: level k is what has one of k + 1 values."""

    counts: tuple[int, ...]  # items of the training split up to each level
    valid: tuple[NDArray[np.bool_], ...]  # which of the evaluated items are of levels up to each

    def pairs(self, level: int) -> int:
        """Return how many items are seen at a level."""
        return self.counts[level]

    def after(self, level: int, exact: NDArray[np.bool_], goal: float) -> int:
        """Return the level to go on with, from which evaluated items were answered exactly."""
        if level + 1 == len(self.counts):
            return level
        mine = exact[self.valid[level]]
        return level if len(mine) and mine.mean() < goal else level + 1


def in_levels(
    split: SplitLike, valid: SplitLike | None, name: str, eval_items: int
) -> tuple[SplitLike, Curriculum]:
    """Return a split with its items ordered by a column, and the curriculum over it.

    Raises
    ------
    ConfigError
        If there is no validation split, or no such column.
    InputTypeError
        If the splits have no columns.
    """
    if valid is None:
        raise ConfigError("curriculum: expected a split `valid`, on which success is seen")
    values, seen = _column(split, name), _column(first_items(valid, eval_items), name)
    order = np.argsort(values, kind="stable")
    levels = np.unique(values)
    counts = np.searchsorted(values[order], levels, side="right")
    ordered: Any = split
    return ordered.take(order), Curriculum(
        tuple(map(int, counts)), tuple(seen <= level for level in levels)
    )


def _column(split: Any, name: str) -> NDArray[Any]:
    if not (hasattr(split, "column") and hasattr(split, "take")):
        raise InputTypeError(
            f"curriculum: expected splits of a data set, with columns, got {type(split).__name__}"
        )
    try:
        values = np.asarray(split.column(name))
    except InputError as error:
        raise ConfigError(f"curriculum: {str(error).removeprefix('by: ')}") from None
    if values.dtype.kind not in "iufb":
        raise ConfigError(f"curriculum: expected a column of numbers, got {name!r} of text")
    return values
