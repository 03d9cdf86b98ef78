"""Curricula: which items are trained on when; a rule of steps and scores, without state.

A trainer keeps a `Stage`, trains on `items(split, stage)`, and asks `after` for the next one at
each evaluation. A stage is two numbers, so a run that is resumed goes on in the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.config import build
from recursionlab.data.dataset import Split
from recursionlab.errors import ConfigError

KINDS = ("fixed", "level", "increasing", "success")


@dataclass(frozen=True)
class Stage:
    """Where a run stands in its curriculum.

    Attributes
    ----------
    level : int
        Which level is the hardest one open, from 0.
    since : int
        The step at which it was opened.
    """

    level: int = 0
    since: int = 0

    def to_dict(self) -> dict[str, int]:
        """Return it as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Curriculum:
    """Configuration of a curriculum.

    Examples
    --------
    >>> plan = Curriculum("success", "size", levels=(4, 8), threshold=0.9)
    >>> plan.after(Stage(), step=100, exact=0.5)
    Stage(level=0, since=0)
    >>> plan.after(Stage(), step=200, exact=0.95)
    Stage(level=1, since=200)
    """

    kind: str = "fixed"  # fixed: everything at once; level: a level at a time; increasing: levels
    # are added; success: added when the items so far are mastered
    by: str = "size"  # a column or measure that says how hard an item is
    levels: tuple[int, ...] = ()  # largest value of each level, rising; beyond the last: one more
    steps: int = 1000  # steps in each level, of the kinds level and increasing
    threshold: float = 0.95  # exact match that opens the next level, of the kind success

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], where: str = "curriculum") -> Curriculum:
        """Make a curriculum from a TOML or JSON table.

        Raises
        ------
        ConfigError
            If a key is unknown or a value is outside its range.
        """
        return build(cls, table, where)

    def validate(self) -> None:
        """Refuse what cannot be followed.

        Raises
        ------
        ConfigError
            Naming the key, what was expected and what came.
        """
        if self.kind not in KINDS:
            raise ConfigError(
                f"curriculum.kind: expected one of {', '.join(KINDS)}, got {self.kind!r}"
            )
        levels = self.levels
        whole = all(isinstance(n, int) and not isinstance(n, bool) for n in levels)
        if not whole or any(b <= a for a, b in zip(levels, levels[1:], strict=False)):
            raise ConfigError(
                f"curriculum.levels: expected rising whole numbers, got {list(levels)}"
            )
        if (self.kind == "fixed") != (not levels):
            raise ConfigError(
                "curriculum.levels: expected at least one exactly when there are levels to go"
                f" through, got {list(levels)} with kind {self.kind!r}"
            )
        if self.steps < 1:
            raise ConfigError(f"curriculum.steps: expected at least 1, got {self.steps}")
        if not 0 < self.threshold <= 1:
            raise ConfigError(
                f"curriculum.threshold: expected a share above 0 and up to 1, got {self.threshold}"
            )

    def level_of(self, split: Split) -> NDArray[np.int64]:
        """Return the level of each item, (R,)."""
        return np.searchsorted(np.array(self.levels, np.int64), split.column(self.by), side="left")

    def items(self, split: Split, stage: Stage) -> NDArray[np.int64]:
        """Return the places of the items that a stage trains on.

        Raises
        ------
        ConfigError
            If there are none.
        """
        level = self.level_of(split)
        open_now = level == stage.level if self.kind == "level" else level <= stage.level
        found = np.flatnonzero(open_now)
        if not len(found):
            raise ConfigError(
                f"curriculum.levels: split {split.name!r} has no item in level {stage.level} of"
                f" {self.by!r}; choose levels that have items"
            )
        return found

    def after(self, stage: Stage, step: int, exact: float | None = None) -> Stage:
        """Return the stage to be in from a step on.

        Parameters
        ----------
        stage : Stage
            The one so far.
        step : int
            Steps made since training began.
        exact : float, optional
            Exact match, free-running, on held-out items of `items(valid, stage)`, where measured.
        """
        if stage.level >= len(self.levels):
            return stage
        if self.kind == "success":
            done = exact is not None and exact >= self.threshold
        else:
            done = step - stage.since >= self.steps
        return Stage(stage.level + 1, step) if done else stage
