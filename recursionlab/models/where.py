"""Where an intervention acts, and the taps of the C core that mean the same in any batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError, InputIndexError
from recursionlab.models.points import Point, may_change

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

    def rows(self, point: Point, batch: Any) -> NDArray[np.uint8] | None:
        """Return which rows of a batch are meant, (rows,) of 0 and 1; None: all."""
        if self.positions is None and self.items is None:
            return None
        items, lengths = batch.items(point.space), batch.lengths(point.space)
        chosen = np.ones(len(items), bool)
        if self.items is not None:
            chosen &= np.isin(items, _numbers(self.items, len(batch), "item", point))
        if self.positions is not None:
            at, wanted = batch.places(point.space), self._positions(point)
            from_end = at - lengths[items]
            chosen &= np.isin(at, wanted[wanted >= 0]) | np.isin(from_end, wanted[wanted < 0])
        if not chosen.any():
            raise InputIndexError(f"{point.name}: the intervention meets no row of this batch")
        return chosen.astype(np.uint8)

    def places(self, point: Point, longest: int | None = None) -> NDArray[np.int32] | None:
        """Return the places of every sequence that are meant, in batches to come; None: all.

        Parameters
        ----------
        point : Point
            What is changed.
        longest : int, optional
            Rows of the longest sequence that will come.

        Raises
        ------
        InputError
            If items are asked for, which only a given batch has.
        InputIndexError
            If no sequence will have such a place.
        """
        if self.items is not None:
            raise InputError(f"{point.name}: expected no items: they are those of one batch")
        if self.positions is None:
            return None
        wanted = self._positions(point)
        if longest is not None and not ((-longest <= wanted) & (wanted < longest)).any():
            raise InputIndexError(
                f"{point.name}: positions {wanted.tolist()} would never act: the longest "
                f"{point.space} has {longest}"
            )
        return wanted

    def _positions(self, point: Point) -> NDArray[np.int32]:
        wanted = np.atleast_1d(np.asarray(self.positions))
        if not wanted.size or not np.issubdtype(wanted.dtype, np.integer):
            raise InputError(
                f"{point.name}: expected whole numbers as positions, got {self.positions!r}"
            )
        return np.ascontiguousarray(wanted, np.int32)


def scale_taps(
    point: Point, factor: float, where: Where, longest: int | None = None
) -> list[tuple[Any, ...]]:
    """Return the taps that multiply a value in any batch."""
    may_change(point)
    places = where.places(point, longest)
    return [(point.name, "scale", factor, *run, None, places) for run in where.columns(point)]


def fill_taps(
    point: Point, value: Any, where: Where, longest: int | None = None
) -> list[tuple[Any, ...]]:
    """Return the taps that put a constant in a value's place in any batch.

    Parameters
    ----------
    point : Point
        What is replaced.
    value : float, or float array of shape (width,) or (positions, width)
        The same for all columns; a row for every place; a row for each place, from the first.
    where : Where
        Which part of it counts.
    longest : int, optional
        Rows of the longest sequence that will come.

    Raises
    ------
    InputError
        If the value has another shape, or a pattern is meant.
    """
    may_change(point)
    if point.keys:
        raise InputError(f"{point.name}: a pattern can be scaled, not filled with a row")
    rows = np.asarray(value, np.float32)
    if rows.ndim == 0:
        rows = np.full(point.width, rows, np.float32)
    if rows.ndim not in (1, 2) or rows.shape[-1] != point.width:
        raise InputError(
            f"{point.name}: expected a number, ({point.width},) or (positions, {point.width}), "
            f"got an array of shape {rows.shape}"
        )
    places, runs = where.places(point, longest), where.columns(point)
    if rows.ndim == 1:
        return [_fill(point, rows, run, places) for run in runs]
    known = np.arange(len(rows), dtype=np.int32)
    if places is not None:
        known = known[np.isin(known, places)]
        if (missing := set(places.tolist()) - set(known.tolist())) or not len(known):
            raise InputError(
                f"{point.name}: positions {sorted(missing)} have no row among the {len(rows)} given"
            )
    return [_fill(point, rows[p], run, known[known == p]) for p in known for run in runs]


def _fill(
    point: Point, row: NDArray[np.float32], run: tuple[int, int], places: NDArray[np.int32] | None
) -> tuple[Any, ...]:
    part = np.ascontiguousarray(row[run[0] : run[1] or None])
    return (point.name, "fill", part, *run, None, places)


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
