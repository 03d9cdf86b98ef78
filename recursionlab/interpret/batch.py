"""What a hooked model runs on: sources and targets end to end, and how they look when padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError, InputTypeError
from recursionlab.learn.split import BOS, EOS, SplitLike
from recursionlab.models.points import Point

IGNORED = -100  # a label that is none, as Hugging Face marks it

Ints = NDArray[np.int32]
Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """R pairs of sequences, packed end to end: what the encoder and what the decoder reads.

    Attributes
    ----------
    source, target : int32 arrays, shape (rows,)
        Tokens of the encoder; tokens of the decoder, <bos> first.
    source_offsets, target_offsets : int64 arrays, shape (R + 1,)
        Where each sequence begins.
    labels : int32 array, shape (target rows,), or None
        The token that is right after each decoder row, -100 where none is.

    Examples
    --------
    >>> batch = Batch.of([[5, 6, 7], [8]], [[1, 5], [1, 8, 9]])
    >>> len(batch), batch.lengths("target").tolist()
    (2, [2, 3])
    """

    source: Ints
    source_offsets: Offsets
    target: Ints
    target_offsets: Offsets
    labels: Ints | None = None
    _masks: dict[Any, NDArray[np.bool_]] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        """Return the number of pairs, R."""
        return len(self.source_offsets) - 1

    @classmethod
    def of(cls, source: Any, target: Any, labels: Any = None) -> Batch:
        """Pack sources and decoder inputs, each a list of token lists or one padded 2-D array.

        Parameters
        ----------
        source, target : sequence of int sequences, or int array of shape (R, length)
            A two-dimensional array is taken as it stands, every column a token; for sequences of
            several lengths give lists.
        labels : the same, optional
            The right token after each decoder row.
        """
        sides = [_packed(source, "source"), _packed(target, "target")]
        if len(sides[0][1]) != len(sides[1][1]):
            raise InputError(
                f"batch: expected as many targets as sources ({len(sides[0][1]) - 1}), "
                f"got {len(sides[1][1]) - 1}"
            )
        right = None
        if labels is not None:
            right, offsets = _packed(labels, "labels")
            if not np.array_equal(offsets, sides[1][1]):
                raise InputError("batch: expected a label for each token of each target")
        return cls(*sides[0], *sides[1], right)

    @classmethod
    def of_split(cls, split: SplitLike, items: Any = None) -> Batch:
        """Teach by the targets of a split: the decoder reads <bos> and the label so far.

        Parameters
        ----------
        split : split of a data set
            Pairs without <bos> and <eos>.
        items : slice, indices or mask, optional
            Which pairs; default all.
        """
        n = len(split.input_offsets) - 1
        chosen = np.arange(n) if items is None else np.arange(n)[items]
        source, source_offsets = take(split.input_ids, split.input_offsets, chosen)
        bare, offsets = take(split.labels, split.label_offsets, chosen)
        target_offsets = offsets + np.arange(len(offsets))
        first = np.zeros(int(target_offsets[-1]), bool)
        first[target_offsets[:-1]] = True
        last = np.zeros(len(first), bool)
        last[target_offsets[1:] - 1] = True
        target, labels = (np.empty(len(first), np.int32) for _ in range(2))
        target[first], target[~first] = BOS, bare
        labels[last], labels[~last] = EOS, bare
        return cls(source, source_offsets, target, target_offsets, labels)

    def take(self, items: Any) -> Batch:
        """Return the pairs at some indices, a slice or a mask."""
        chosen = np.atleast_1d(np.arange(len(self))[items])
        source = take(self.source, self.source_offsets, chosen)
        target = take(self.target, self.target_offsets, chosen)
        labels = None
        if self.labels is not None:
            labels = take(self.labels, self.target_offsets, chosen)[0]
        return Batch(*source, *target, labels)

    @property
    def arguments(self) -> tuple[Ints, Offsets, Ints, Offsets]:
        """What `_core.Model.forward` takes."""
        return self.source, self.source_offsets, self.target, self.target_offsets

    def offsets(self, space: str) -> Offsets:
        """Return where the sequences of "source" or "target" begin, (R + 1,)."""
        return self.source_offsets if space == "source" else self.target_offsets

    def lengths(self, space: str) -> Offsets:
        """Return the tokens of each sequence of "source" or "target", (R,)."""
        return np.diff(self.offsets(space))

    def places(self, space: str) -> Offsets:
        """Return each row's place in its sequence, from 0."""
        offsets = self.offsets(space)
        return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))

    def items(self, space: str) -> Offsets:
        """Return each row's sequence number."""
        return np.repeat(np.arange(len(self)), self.lengths(space))

    def floats(self, point: Point) -> tuple[int, ...]:
        """Return the shape of a value without padding: (rows, width), or the cells of a pattern."""
        rows = self.lengths(point.space)
        if point.keys:
            return (int((rows * self.lengths(point.keys)).sum()) * point.heads,)
        return int(rows.sum()), point.width

    def mask(self, space: str, keys: str | None = None, heads: int = 1) -> NDArray[np.bool_]:
        """Return where a padded value holds something: (R, length), or (R, H, queries, keys)."""
        known = (space, keys, heads)
        if known not in self._masks:
            inside = [
                np.arange(self.lengths(side).max(initial=0)) < self.lengths(side)[:, None]
                for side in (space, keys or space)
            ]
            if keys is None:
                self._masks[known] = inside[0]
            else:
                both = inside[0][:, None, :, None] & inside[1][:, None, None, :]
                self._masks[known] = np.repeat(both, heads, axis=1)
        return self._masks[known]


def take(ids: Ints, offsets: Offsets, items: NDArray[Any]) -> tuple[Ints, Offsets]:
    """Return the sequences at some indices, packed again.

    Examples
    --------
    >>> take(np.array([5, 6, 7], np.int32), np.array([0, 2, 3]), np.array([1, 0]))[0].tolist()
    [7, 5, 6]
    """
    lengths = np.diff(offsets)[items]
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    where = np.repeat(offsets[:-1][items] - starts[:-1], lengths) + np.arange(starts[-1])
    return np.ascontiguousarray(ids[where], np.int32), starts


def _packed(tokens: Any, name: str) -> tuple[Ints, Offsets]:
    if not isinstance(tokens, Sequence | np.ndarray) or isinstance(tokens, str):
        raise InputTypeError(
            f"{name}: expected lists of tokens or a two-dimensional array, "
            f"got {type(tokens).__name__}"
        )
    rows = [np.asarray(row) for row in tokens]
    for i, row in enumerate(rows):
        if row.ndim != 1 or (row.size and not np.issubdtype(row.dtype, np.integer)):
            raise InputTypeError(
                f"{name}: expected a list of whole numbers as sequence {i}, got {row.dtype} of "
                f"{row.ndim} dimensions"
            )
    ids = np.concatenate([np.zeros(0, np.int32), *(row.astype(np.int32) for row in rows)])
    return ids, np.cumsum([0, *map(len, rows)], dtype=np.int64)
