"""Displaced reads: the function's own output, but some places show what belongs to another place.

A model that finds by position what it writes goes wrong like that where positions are rare: the
right tokens, read at the wrong places. Which places is not known beforehand, so the maps from
place to place are looked for in the outputs themselves, each by hill climbing on what the ones
before it left unexplained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log2

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Packed
from recursionlab.machines import Machine, loads

__all__ = ["displaced", "displacements"]

Places = Mapping[int, int]  # place written -> place read; negative ones count from the end
PLACES = 64  # places that may be displaced, from either end
MOST = 600  # wrong outputs among which maps are looked for
MAPS = 24  # maps, at most, from either end
LEAST_SHARE = 100  # a map explains at least one in so many wrong outputs,
LEAST = 4  # and at least so many
PAIRS = 24  # pairs of places changed at once, the most frequent ones
GROUPS = 4  # lengths whose commonest reads a climb starts from


def displaced(places: Places, vocabulary: Sequence[str]) -> Machine:
    """Return the machine that copies its input, reading some places elsewhere.

    Parameters
    ----------
    places : dict of int to int
        Place written to place read, all from 0 up or all from -1 down. A place that an input has
        not is not read: what stands at the place written stays.
    vocabulary : sequence of str
        Token i is written `vocabulary[i]`.

    Examples
    --------
    >>> displaced({1: 0, 2: 1}, ["a", "b", "c"])(["a", "b", "c"])
    ['a', 'a', 'b']
    >>> displaced({-1: -3}, ["a", "b", "c"])(["a", "b"])
    ['a', 'b']
    """

    def at(place: int) -> str:
        return str(place) if place >= 0 else f"length - {-place}"

    def there(place: int) -> str:
        return f"{place} < length" if place >= 0 else f"{-place} <= length"

    rows = [
        f"if i = {at(to)} and {there(of)} then\n      output(i) := input({at(of)})"
        for to, of in places.items()
    ]
    tests = "\n    else".join(rows)
    text = (
        "# What the function answers, with some places read elsewhere.\n"
        "machine displaced\nvar i : int = 0\n\nrule\n  if i >= length then\n    halt\n  else\n"
        f"    i := i + 1\n    {tests}\n    else\n      output(i) := input(i)\n    end\n  end\nend\n"
    )
    return loads(text, "displaced.asm", vocabulary)


def displacements(targets: Packed, predicted: Packed) -> list[tuple[Places, float]]:
    """Look for maps from place to place that explain wrong outputs.

    Parameters
    ----------
    targets, predicted : Packed
        What R wrong outputs should have been, and what they are.

    Returns
    -------
    list of (dict, float)
        Maps, and the bits that write each down.

    Examples
    --------
    >>> right = [[i % 5, i % 3, i % 7, i % 2] for i in range(60)]
    >>> wrong = [[a, a, b, d] for a, b, c, d in right]
    >>> displacements(Packed.of(right), Packed.of(wrong))[0]
    ({1: 0, 2: 1}, 8.0)
    """
    like = np.flatnonzero(targets.lengths == predicted.lengths)
    if len(like) < LEAST:
        return []
    like = like[np.linspace(0, len(like) - 1, min(MOST, len(like))).astype(np.int64)]
    want, got, lengths = targets.take(like), predicted.take(like), targets.lengths[like]
    bits = 2 * log2(max(2, int(lengths.max())))
    out: dict[tuple[tuple[int, int], ...], float] = {}
    for back in (False, True):
        reads = _reads(_table(want, back), _table(got, back), lengths)
        for read in _cover(reads, lengths):
            moved = [(j, q) for j, q in enumerate(read.tolist()) if j != q]
            named = tuple((-1 - j, -1 - q) if back else (j, q) for j, q in moved)
            out.setdefault(named, bits * len(moved))
    return [(dict(moved), cost) for moved, cost in out.items()]


def _table(rows: Packed, back: bool) -> NDArray[np.int32]:
    """Return rows as a table (R, P) of the first or the last places, -1 where there is none."""
    lengths = rows.lengths
    places = np.arange(min(PLACES, int(lengths.max(initial=1))))
    there = places < lengths[:, None]
    at = rows.offsets[1:, None] - 1 - places if back else rows.offsets[:-1, None] + places
    return np.where(there, rows.ids[np.where(there, at, 0)], -1).astype(np.int32)


def _reads(
    want: NDArray[np.int32], got: NDArray[np.int32], lengths: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return whether place j of output r is what belongs to place q, (R, P, P)."""
    out = got[:, :, None] == want[:, None, :]
    own = np.arange(want.shape[1])
    missing = own >= lengths[:, None]
    out |= missing[:, None, :] & out[:, own, own][:, :, None]  # nothing there: its own place
    return np.asarray(out | missing[:, :, None])


def _cover(reads: NDArray[np.bool_], lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield maps (P,), each the best found for the outputs that those before it do not explain."""
    own = np.arange(reads.shape[1])
    least = max(LEAST, len(reads) // LEAST_SHARE)
    for _ in range(MAPS):
        if len(reads) < least:
            return
        found = [_climb(reads, start) for start in _starts(reads, lengths)]
        read, hits = max(found, key=lambda row: row[1])
        if hits < least or (read == own).all():
            return
        yield _plain(reads, read)
        left = ~reads[:, own, read].all(1)
        reads, lengths = reads[left], lengths[left]


def _starts(reads: NDArray[np.bool_], lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the maps climbs start from: every place itself, and the commonest read of each."""
    values, counts = np.unique(lengths, return_counts=True)
    common = values[np.argsort(-counts, kind="stable")][:GROUPS]
    groups = [reads, *(reads[lengths == value] for value in common)]
    return [np.arange(reads.shape[1]), *(g.mean(0).argmax(1) for g in groups)]


def _climb(reads: NDArray[np.bool_], read: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Change one place, else two at once, as long as more outputs are explained."""
    own = np.arange(len(read))
    hits = int(reads[:, own, read].all(1).sum())
    while True:
        missed = ~reads[:, own, read]
        count = missed.sum(1)
        worth = reads[count == 0].sum(0)  # (P, P): explained if place j read place q
        one = np.flatnonzero(count == 1)
        where = missed[one].argmax(1)
        np.add.at(worth, where, reads[one, where])
        j, q = np.unravel_index(int(worth.argmax()), worth.shape)
        change = {int(j): int(q)} if worth[j, q] > hits else _pair(reads, missed, count, hits)
        if not change:
            return read, hits
        read = read.copy()
        for place, source in change.items():
            read[place] = source
        hits = int(reads[:, own, read].all(1).sum())


def _pair(
    reads: NDArray[np.bool_], missed: NDArray[np.bool_], count: NDArray[np.int64], hits: int
) -> dict[int, int]:
    """Return the best change of two places at once, empty if none explains more."""
    two = np.flatnonzero(count == 2)
    if not len(two):
        return {}
    at = np.nonzero(missed[two])[1].reshape(-1, 2)
    pairs, counts = np.unique(at, axis=0, return_counts=True)
    best: dict[int, int] = {}
    for j, k in pairs[np.argsort(-counts, kind="stable")][:PAIRS].tolist():
        free = count - missed[:, j] - missed[:, k] == 0
        worth = reads[free, j].T.astype(np.float32) @ reads[free, k].astype(np.float32)
        a, b = np.unravel_index(int(worth.argmax()), worth.shape)
        if worth[a, b] > hits:
            hits, best = int(worth[a, b]), {j: int(a), k: int(b)}
    return best


def _plain(reads: NDArray[np.bool_], read: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put back every place that explains as much when it is read itself."""
    own = np.arange(len(read))
    hits = int(reads[:, own, read].all(1).sum())
    for j in np.flatnonzero(read != own):
        other = read.copy()
        other[j] = j
        if int(reads[:, own, other].all(1).sum()) >= hits:
            read = other
    return read
