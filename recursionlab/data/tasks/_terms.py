"""Traces as rows of terms: where each begins and ends, and edits of one term into the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Packed
from recursionlab.data.ragged import cut, flip, join, numbers, offsets_of, stack
from recursionlab.data.values import STEP, Items, Source

KEEP, DROP, PUT = "<keep>", "<drop>", "<put>"
DIGITS = tuple(f"<#{d}>" for d in range(10))


@dataclass(frozen=True)
class Terms:
    """T terms of R traces: term t is ids[first[t] : last[t]], of trace owner[t]."""

    ids: NDArray[np.int32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    owner: NDArray[np.int64]
    begins: NDArray[np.int64]  # (R + 1,) where the terms of a trace begin

    @classmethod
    def of(cls, traces: Packed, step_token: int) -> Terms:
        """Cut traces at the <step> tokens; an empty sequence has no term."""
        ids, offsets = traces.ids, traces.offsets
        marks = np.flatnonzero(ids == step_token)
        whole = traces.lengths > 0
        first = np.sort(np.concatenate([offsets[:-1][whole], marks + 1]))
        last = np.sort(np.concatenate([offsets[1:][whole], marks]))
        owner = np.searchsorted(offsets, first, side="right") - 1
        return cls(ids, first, last, owner, np.searchsorted(owner, np.arange(len(traces) + 1)))

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.first)

    @property
    def number(self) -> NDArray[np.int64]:
        """Place of each term in its trace, from 0."""
        return np.arange(len(self)) - self.begins[self.owner]

    def cut(self, terms: NDArray[np.int64]) -> Packed:
        """Return some terms, packed."""
        return cut(self.ids, self.first[terms], self.last[terms])


def joined(terms: Packed, owner: NDArray[np.int64], rows: int, step_token: int) -> Packed:
    """Return terms joined to `rows` sequences by <step>; `owner` rises."""
    followed = np.append(owner[1:] == owner[:-1], False)
    marks = Packed(np.full(int(followed.sum()), step_token, np.int32), offsets_of(followed))
    pieces = join([terms, marks])
    begins = np.searchsorted(owner, np.arange(rows + 1))
    return Packed(pieces.ids, pieces.offsets[begins])


def tokens(source: Source) -> tuple[str, ...]:
    """Return the tokens that edits are written with, where there are edits."""
    return (KEEP, DROP, PUT, *DIGITS) if source.config.scratchpad == "edits" else ()


def leaps(traces: Packed, step_token: int, source: Source, distance: int) -> Items:
    """Return each term but a trace's last with the term `distance` on, or the last."""
    terms = Terms.of(traces, step_token)
    end = terms.begins[terms.owner + 1] - 1  # the last term of the same trace
    here = np.flatnonzero(np.arange(len(terms)) < end)
    there = np.minimum(here + distance, end[here])
    before, after = terms.cut(here), terms.cut(there)
    if source.config.scratchpad == "edits":
        after = edits(before, after, source)
    return Items(before, after, terms.owner[here], {"step": terms.number[here]})


def edits(before: Packed, after: Packed, source: Source) -> Packed:
    """Return what makes each `after` of its `before`.

    An edit is `<keep>` n `<drop>` m `<put>` and tokens: the first n tokens stay, m go, the tokens
    come, the rest stays; n is as large as can be, then m as small.
    """
    same = _common(before, after)
    tail = _common(flip(before), flip(after))
    tail = np.minimum(tail, np.minimum(before.lengths, after.lengths) - same)
    put = cut(after.ids, after.offsets[:-1] + same, after.offsets[1:] - tail)
    zero = source.token(DIGITS[0])
    return join(
        [
            source.token(KEEP),
            numbers(same, zero),
            source.token(DROP),
            numbers(before.lengths - same - tail, zero),
            source.token(PUT),
            put,
        ]
    )


def _common(a: Packed, b: Packed) -> NDArray[np.int64]:
    """Length of the longest common beginning of each two sequences."""
    shorter = np.minimum(a.lengths, b.lengths)
    offsets = offsets_of(shorter)
    row = np.repeat(np.arange(len(shorter)), shorter)
    place = np.arange(offsets[-1]) - offsets[row]
    differs = a.ids[a.offsets[row] + place] != b.ids[b.offsets[row] + place]
    at = np.flatnonzero(differs)
    where = np.searchsorted(at, offsets[:-1])
    first = np.append(at, offsets[-1])[where] if len(at) else np.full(len(shorter), offsets[-1])
    return np.minimum(first - offsets[:-1], shorter)


def scratchpad(traces: Packed, source: Source) -> Packed:
    """Return traces as `scratchpad` asks: as they are, or the first term and then edits."""
    if source.config.scratchpad == "full":
        return traces
    mark = source.token(STEP)
    terms = Terms.of(traces, mark)
    later = np.flatnonzero(terms.number > 0)
    heads = np.flatnonzero(terms.number == 0)
    changed = edits(terms.cut(later - 1), terms.cut(later), source)
    pieces = join_rows(terms.cut(heads), heads, changed, later)
    return joined(pieces, terms.owner, len(traces), mark)


def join_rows(a: Packed, at: NDArray[np.int64], b: Packed, bt: NDArray[np.int64]) -> Packed:
    """Return the sequences of `a` and `b` in one array, at the rows `at` and `bt`."""
    return stack([a, b]).take(np.argsort(np.concatenate([at, bt]), kind="stable"))
