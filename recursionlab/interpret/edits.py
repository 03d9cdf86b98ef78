"""Interventions that the C core does by itself: scale or replace a value, at chosen places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError, InputIndexError
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.cache import unpad
from recursionlab.interpret.names import Point, may_change

Places = int | Sequence[int] | NDArray[Any] | None


@dataclass(frozen=True)
class Where:
    """Where an intervention acts; None is everywhere.

    Parameters
    ----------
    heads : int or ints, optional
        Heads of `hook_q hook_k hook_v hook_z hook_pattern hook_attn_scores`.
    neurons : int or ints, optional
        Columns of a value that has no heads.
    positions : int or ints, optional
        Places in the sequence (of a pattern: query places); negative ones count from its end.
    items : int or ints, optional
        Sequences of the batch.
    """

    heads: Places = None
    neurons: Places = None
    positions: Places = None
    items: Places = None

    def columns(self, point: Point) -> list[tuple[int, int]]:
        """Return the runs of columns (of a pattern: heads) that are meant; (0, 0) is all."""
        if self.heads is not None and self.neurons is not None:
            raise InputError(f"{point.name}: expected heads or neurons, got both")
        if self.heads is not None:
            if not (point.by_head or point.keys):
                raise InputError(f"{point.name}: has no heads; hook_z of its attention has")
            wide = 1 if point.keys else point.width // point.heads
            return [
                (h * wide, h * wide + wide)
                for h in _numbers(self.heads, point.heads, "head", point)
            ]
        if self.neurons is not None:
            if point.keys:
                raise InputError(f"{point.name}: has heads, no neurons")
            return _runs(_numbers(self.neurons, point.width, "neuron", point))
        return [(0, 0)]

    def rows(self, point: Point, batch: Batch) -> NDArray[np.uint8] | None:
        """Return which rows are meant, (rows,) of 0 and 1; None: all."""
        if self.positions is None and self.items is None:
            return None
        items, lengths = batch.items(point.space), batch.lengths(point.space)
        chosen = np.ones(len(items), bool)
        if self.items is not None:
            chosen &= np.isin(items, _numbers(self.items, len(batch), "item", point))
        if self.positions is not None:
            at, wanted = batch.places(point.space), np.atleast_1d(np.asarray(self.positions))
            from_end = at - lengths[items]
            chosen &= np.isin(at, wanted[wanted >= 0]) | np.isin(from_end, wanted[wanted < 0])
        if not chosen.any():
            raise InputIndexError(f"{point.name}: the intervention meets no row of this batch")
        return chosen.astype(np.uint8)


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
        """Return the taps of the C core."""
        may_change(point)
        rows = self.where.rows(point, batch)
        factor = float(self.factor)
        return [(point.name, "scale", factor, *run, rows) for run in self.where.columns(point)]


@dataclass(frozen=True)
class Replace:
    """Put another value in its place: a constant to the gradient.

    Parameters
    ----------
    value : array
        Padded as the cache gives it (for example of another run), or one row of `width` numbers
        for every row that is meant.
    where : Where
        Which part of it counts.
    """

    value: Any
    where: Where = Where()

    def taps(self, point: Point, batch: Batch) -> list[tuple[Any, ...]]:
        """Return the taps of the C core."""
        may_change(point)
        rows, value = self.where.rows(point, batch), np.asarray(self.value, np.float32)
        runs = self.where.columns(point)
        if value.shape == (point.width,) and not point.keys:
            parts = [value[first : last or None].copy() for first, last in runs]
            return [
                (point.name, "fill", part, *run, rows)
                for part, run in zip(parts, runs, strict=True)
            ]
        flat = unpad(value, point, batch)
        return [(point.name, "replace", flat, *run, rows) for run in runs]


def _numbers(places: Places, count: int, what: str, point: Point) -> NDArray[Any]:
    wanted = np.atleast_1d(np.asarray(places))
    if wanted.dtype == bool:
        wanted = np.flatnonzero(wanted)
    if wanted.size and not np.issubdtype(wanted.dtype, np.integer):
        raise InputError(f"{point.name}: expected whole numbers as {what}s, got {places!r}")
    for n in wanted:
        if not -count <= n < count:
            raise InputIndexError(f"{point.name}: no {what} {n}, there are {count}")
    return np.unique(wanted % count) if count else wanted


def _runs(numbers: NDArray[Any]) -> list[tuple[int, int]]:
    """Return sorted numbers as runs [first, last).

    Examples
    --------
    >>> _runs(np.array([2, 3, 7]))
    [(2, 4), (7, 8)]
    """
    cuts = np.flatnonzero(np.diff(numbers) > 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(numbers, cuts) if part.size]
