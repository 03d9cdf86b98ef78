"""Whole columns of sequences at once: cut, join, compare and hash without a loop over items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Offsets, Packed


def offsets_of(lengths: NDArray[Any]) -> Offsets:
    """Return where sequences of these lengths begin, and the end, (R + 1,)."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def inside(offsets: Offsets) -> NDArray[np.int64]:
    """Return of every token its place in its sequence, (N,).

    Examples
    --------
    >>> inside(np.array([0, 2, 2, 5])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))


def cut(ids: NDArray[np.int32], first: NDArray[Any], last: NDArray[Any]) -> Packed:
    """Return the pieces [first, last) of `ids`, packed.

    Examples
    --------
    >>> cut(np.arange(9, dtype=np.int32), np.array([0, 5]), np.array([2, 8])).ids.tolist()
    [0, 1, 5, 6, 7]
    """
    lengths = np.maximum(last - first, 0).astype(np.int64)
    offsets = offsets_of(lengths)
    where = np.repeat(first - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Packed(np.ascontiguousarray(ids[where]), offsets)


def keep(packed: Packed, kept: NDArray[np.bool_]) -> Packed:
    """Return the sequences with only the tokens kept, (N,) true.

    Examples
    --------
    >>> keep(Packed.of([[1, 2], [3]]), np.array([False, True, False])).offsets.tolist()
    [0, 1, 1]
    """
    return Packed(np.ascontiguousarray(packed.ids[kept]), offsets_of(kept)[packed.offsets])


def flip(packed: Packed) -> Packed:
    """Return each sequence from its end to its beginning.

    Examples
    --------
    >>> flip(Packed.of([[1, 2, 3], [], [4]])).ids.tolist()
    [3, 2, 1, 4]
    """
    ends = np.repeat(packed.offsets[1:] + packed.offsets[:-1], packed.lengths)
    return Packed(packed.ids[ends - np.arange(len(packed.ids)) - 1], packed.offsets)


def stack(parts: Sequence[Packed]) -> Packed:
    """Return the sequences of several packed arrays, one array after another."""
    lengths = np.concatenate([p.lengths for p in parts])
    return Packed(np.concatenate([p.ids for p in parts]), offsets_of(lengths))


def join(parts: Sequence[Packed | int]) -> Packed:
    """Return R sequences, each made of the parts' sequences end to end; a number is one token.

    Examples
    --------
    >>> a, b = Packed.of([[1], [2, 3]]), Packed.of([[4], []])
    >>> [join([a, 9, b])[i].tolist() for i in range(2)]
    [[1, 9, 4], [2, 3, 9]]
    """
    rows = next(len(p) for p in parts if isinstance(p, Packed))
    lengths = sum(1 if isinstance(p, int) else p.lengths for p in parts)
    offsets = offsets_of(np.broadcast_to(np.asarray(lengths), (rows,)))
    ids = np.empty(offsets[-1], np.int32)
    at = offsets[:-1].copy()
    for part in parts:
        if isinstance(part, int):
            ids[at] = part
            at += 1
            continue
        ids[np.repeat(at - part.offsets[:-1], part.lengths) + np.arange(part.offsets[-1])] = (
            part.ids
        )
        at += part.lengths
    return Packed(ids, offsets)


def constant(tokens: Sequence[int], rows: int) -> Packed:
    """Return the same sequence for every row."""
    ids = np.tile(np.array(tokens, np.int32), rows)
    return Packed(ids, np.arange(rows + 1, dtype=np.int64) * len(tokens))


def numbers(values: NDArray[np.int64], zero: int) -> Packed:
    """Return each number as decimal digits, most significant first; digit d is token zero + d.

    Examples
    --------
    >>> [numbers(np.array([0, 307]), 10)[i].tolist() for i in range(2)]
    [[10], [13, 10, 17]]
    """
    digits = np.ones(len(values), np.int64)
    power = 10
    while (values >= power).any():
        digits += values >= power
        power *= 10
    offsets = offsets_of(digits)
    places = np.repeat(digits - 1, digits) - inside(offsets)
    return Packed((np.repeat(values, digits) // 10**places % 10 + zero).astype(np.int32), offsets)


def hashes(packed: Packed) -> NDArray[np.uint64]:
    """Return a 64-bit number a sequence, the same for the same tokens, (R,)."""
    factor = np.uint64(0x9E3779B97F4A7C15)
    longest = int(packed.lengths.max(initial=0))
    powers = np.concatenate([np.ones(1, np.uint64), np.full(longest, factor)])
    powers = np.multiply.accumulate(powers)
    words = (packed.ids.astype(np.uint64) + np.uint64(1)) * powers[inside(packed.offsets)]
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words, dtype=np.uint64)])
    word: NDArray[np.uint64] = sums[packed.offsets[1:]] - sums[packed.offsets[:-1]]
    return mix(word)


def mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return words with their bits well mixed, one to one."""
    x = words ^ (words >> np.uint64(30))
    x = x * np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x = x * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed


def contains(packed: Packed, pattern: Sequence[int]) -> NDArray[np.bool_]:
    """Return of each sequence whether the pattern's tokens stand in it side by side, (R,).

    Examples
    --------
    >>> contains(Packed.of([[1, 2, 3], [2], [1, 3]]), [2, 3]).tolist()
    [True, False, False]
    """
    n = len(packed.ids) - len(pattern) + 1
    if n <= 0:
        return np.zeros(len(packed), np.bool_)
    hit = np.ones(n, np.bool_)
    for k, token in enumerate(pattern):
        hit &= packed.ids[k : k + n] == token
    before = offsets_of(hit)
    ends = np.maximum(packed.offsets[1:] - len(pattern) + 1, packed.offsets[:-1])
    last = np.minimum(ends, n)
    found: NDArray[np.bool_] = before[last] > before[np.minimum(packed.offsets[:-1], last)]
    return found
