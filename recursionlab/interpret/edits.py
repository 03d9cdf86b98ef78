"""Interventions that the C core does by itself: scale or replace a value, at chosen places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recursionlab.errors import InputError
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.cache import unpad
from recursionlab.models.points import Point, may_change
from recursionlab.models.where import Where, fill_taps, scale_taps


@dataclass(frozen=True)
class Scale:
    """Multiply a value; 0 ablates it. The gradient is scaled alike.

    Examples
    --------
    `model.run_with_hooks(batch, fwd_hooks=[(name, Scale(0, Where(heads=2)))])`
    """

    factor: float
    where: Where = Where()

    def taps(self, point: Point, batch: Batch) -> list[tuple[Any, ...]]:
        """Return the taps of the C core for a batch."""
        may_change(point)
        rows = self.where.rows(point, batch)
        factor = float(self.factor)
        return [(point.name, "scale", factor, *run, rows) for run in self.where.columns(point)]

    def standing(self, point: Point, longest: int | None = None) -> list[tuple[Any, ...]]:
        """Return the taps of the C core for batches to come."""
        return scale_taps(point, float(self.factor), self.where, longest)

    def plain(self) -> dict[str, Any]:
        """Return what it does as a configuration can hold it."""
        return {"scale": float(self.factor), **_plain(self.where)}


@dataclass(frozen=True)
class Replace:
    """Put another value in its place: a constant to the gradient.

    Parameters
    ----------
    value : float or array
        Padded as the cache gives it (for example of another run); or what is the same in every
        sequence: one number, (width,) for every place that is meant, or (positions, width).
    where : Where
        Which part of it counts.
    """

    value: Any
    where: Where = Where()

    def taps(self, point: Point, batch: Batch) -> list[tuple[Any, ...]]:
        """Return the taps of the C core for a batch."""
        may_change(point)
        value = np.asarray(self.value, np.float32)
        rows = self.where.rows(point, batch)
        if value.ndim < 3 and not point.keys:
            alike = Where(heads=self.where.heads, neurons=self.where.neurons)
            return [(*tap[:5], rows, *tap[6:]) for tap in fill_taps(point, value, alike)]
        flat = unpad(value, point, batch)
        return [(point.name, "replace", flat, *run, rows) for run in self.where.columns(point)]

    def standing(self, point: Point, longest: int | None = None) -> list[tuple[Any, ...]]:
        """Return the taps of the C core for batches to come."""
        return fill_taps(point, self.value, self.where, longest)

    def plain(self) -> dict[str, Any]:
        """Return what it does as a configuration can hold it."""
        value = np.asarray(self.value, np.float32)
        if value.ndim > 2:
            raise InputError(
                "Replace: expected a number, (width,) or (positions, width), which mean the same "
                f"in any batch; got an array of shape {value.shape}"
            )
        return {"replace": value.tolist(), **_plain(self.where)}


def _plain(where: Where) -> dict[str, Any]:
    given = {name: places for name, places in vars(where).items() if places is not None}
    return {name: np.atleast_1d(np.asarray(places)).tolist() for name, places in given.items()}
