"""Curricula: the lowest values of a column first, the next ones later, by success or by steps.

A split takes part by having `column(name)`, a number an item, and `take(items)`; nothing else is
asked of the data. Where a run stands is two numbers, the level and the update it was opened at, so
a run that is resumed goes on in the same place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import ConfigError, InputError, InputTypeError
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.split import SplitLike, first_items


@dataclass(frozen=True)
class Curriculum:
    """Levels of a split whose items are in the order of their levels.

    Examples
    --------
    >>> plan = Curriculum("level", (20, 30), (), steps=100)
    >>> plan.items(0), plan.items(1), plan.opens(0, since=0), plan.opens(1, since=100)
    ((0, 20), (20, 30), 100, None)
    """

    kind: str  # success, increasing or level
    ends: tuple[int, ...]  # where each level ends among the items of the training split
    valid: tuple[NDArray[np.bool_], ...]  # of success: evaluated items of the levels up to each
    steps: int  # updates in each level, where success does not count

    def items(self, level: int) -> tuple[int, int]:
        """Return where the items begin and end that are seen at a level."""
        first = self.ends[level - 1] if self.kind == "level" and level else 0
        return first, self.ends[level]

    def opens(self, level: int, since: int) -> int | None:
        """Return the update after which the next level opens, where steps alone decide."""
        last = level + 1 == len(self.ends)
        return None if last or self.kind == "success" else since + self.steps

    def after(self, level: int, exact: NDArray[np.bool_], goal: float) -> int:
        """Return the level to go on with, from which evaluated items were answered exactly."""
        if self.kind != "success" or level + 1 == len(self.ends):
            return level
        mine = exact[self.valid[level]]
        return level if len(mine) and mine.mean() < goal else level + 1


def in_levels(
    split: SplitLike, valid: SplitLike | None, config: TrainConfig
) -> tuple[SplitLike, Curriculum]:
    """Return a split with its items in the order of their levels, and the curriculum over it.

    Raises
    ------
    ConfigError
        If there is no such column, a level has no item, or success has no validation split.
    InputTypeError
        If the splits have no columns.
    """
    name, kind = config.curriculum, config.curriculum_kind
    if kind == "success" and valid is None:
        raise ConfigError("curriculum: expected a split `valid`, on which success is seen")
    values = _column(split, name)
    tops = _tops(values, config)
    levels = np.searchsorted(tops, values)
    order = np.argsort(levels, kind="stable")
    ends = np.searchsorted(levels[order], np.arange(len(tops)), side="right")
    masks: list[NDArray[np.bool_]] = []
    if kind == "success" and valid is not None:
        seen = _column(first_items(valid, config.eval_items), name)
        masks = [seen <= top for top in tops]
    ordered: Any = split
    plan = Curriculum(kind, tuple(map(int, ends)), tuple(masks), config.curriculum_steps)
    return ordered.take(order), plan


def _tops(values: NDArray[Any], config: TrainConfig) -> NDArray[Any]:
    """Return the largest value of each level; without any asked for, every value is a level."""
    found = np.unique(values)
    asked = np.array(config.curriculum_levels, found.dtype)
    if not len(asked):
        return found
    lows = [-np.inf, *asked.tolist()]
    for low, top in zip(lows, asked.tolist(), strict=False):
        if not ((found > low) & (found <= top)).any():
            raise ConfigError(
                f"curriculum_levels: no item of the training split has {config.curriculum} above"
                f" {low:g} and up to {top:g}; the values are {found[0]:g} to {found[-1]:g}"
            )
    return asked if found[-1] <= asked[-1] else np.append(asked, found[-1])


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
