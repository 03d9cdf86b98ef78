"""Term to next term: one step of the reduction an item, so a value gives an item a step."""

from __future__ import annotations

import numpy as np

from recursionlab.data.dataset import Packed
from recursionlab.data.values import Items, Values

NEEDS_TRACE = True


def build(values: Values) -> Items:
    """Return an item a step, with the value it comes from and the column `step`, counted from 0."""
    assert values.traces is not None
    ids, offsets = values.traces.ids, values.traces.offsets
    marks = np.flatnonzero(ids == values.step_token)
    whole = values.traces.lengths > 0
    first = np.sort(np.concatenate([offsets[:-1][whole], marks + 1]))
    last = np.sort(np.concatenate([offsets[1:][whole], marks]))
    owner = np.searchsorted(offsets, first, side="right") - 1
    here = np.flatnonzero(owner[:-1] == owner[1:])  # a term with a next one of the same trace
    parent = owner[here]
    begins = np.searchsorted(parent, parent)
    return Items(
        _cut(ids, first[here], last[here]),
        _cut(ids, first[here + 1], last[here + 1]),
        parent,
        {"step": np.arange(len(here), dtype=np.int64) - begins},
    )


def _cut(ids: np.ndarray, first: np.ndarray, last: np.ndarray) -> Packed:
    """Return the pieces [first, last) of `ids`, packed."""
    lengths = (last - first).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    where = np.repeat(first - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Packed(np.ascontiguousarray(ids[where]), offsets)
