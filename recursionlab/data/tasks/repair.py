"""Trace repair: a trace with one mistake in, the right trace out; columns say which and where."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Packed
from recursionlab.data.tasks import _terms
from recursionlab.data.values import SPECIAL, Items, Source, Values

NEEDS_TRACE, MANY = True, False
TARGET = "trace"
COLUMNS: tuple[str, ...] = ("mistake", "at")
tokens = _terms.tokens
SALT = 2
# The kinds of mistake, as the column `mistake` numbers them. The first term, which is the call
# itself, is never touched, so that there is one right answer.
MISTAKES = ("none", "token", "missing", "repeated", "swapped")


def build(values: Values, source: Source) -> Items:
    """Return one item a value, with the columns `mistake` and `at`, the term concerned."""
    assert values.traces is not None
    traces, mark = values.traces, values.step_token
    terms = _terms.Terms.of(traces, mark)
    count = np.diff(terms.begins)  # terms of each trace
    kind = source.draw(values, SALT, len(MISTAKES))
    kind[count < 2] = 0
    kind[(kind == 4) & (count < 3)] = 1
    # A swap needs a term after the one concerned.
    room = np.maximum(count - 1 - (kind == 4), 1)
    at = 1 + source.draw(values, SALT + 1, 1 << 62) % room
    broken = _reordered(terms, traces, kind, at, mark)
    broken = _misspelt(broken, kind, at, values, source)
    target = traces
    if source.config.scratchpad == "edits":
        target = _terms.edits(broken, traces, source)
    at[kind == 0] = 0
    return Items(broken, target, None, {"mistake": kind, "at": at})


def _reordered(
    terms: _terms.Terms, traces: Packed, kind: NDArray[np.int64], at: NDArray[np.int64], mark: int
) -> Packed:
    """Leave out, repeat or swap the term `at` of each trace, by its kind."""
    mine = terms.number == at[terms.owner]
    order = np.arange(len(terms), dtype=np.float64)
    here = mine & (kind[terms.owner] == 4)
    order[here] += 1.5
    repeated = np.flatnonzero(mine & (kind[terms.owner] == 3))
    order = np.concatenate([order, repeated + 0.5])
    which = np.concatenate([np.arange(len(terms)), repeated])
    keep = np.concatenate([~(mine & (kind[terms.owner] == 2)), np.ones(len(repeated), np.bool_)])
    which = which[keep][np.argsort(order[keep], kind="stable")]
    return _terms.joined(terms.cut(which), terms.owner[which], len(traces), mark)


def _misspelt(
    traces: Packed, kind: NDArray[np.int64], at: NDArray[np.int64], values: Values, source: Source
) -> Packed:
    """Write another constructor for one token of the term `at`, where the kind is `token`."""
    rows = np.flatnonzero(kind == 1)
    if not len(rows):
        return traces
    terms = _terms.Terms.of(traces, values.step_token)
    term = terms.begins[rows] + at[rows]
    length = terms.last[term] - terms.first[term]
    place = terms.first[term] + source.draw(values, SALT + 2, 1 << 62)[rows] % length
    words = np.array([i for i, w in enumerate(source.codec.vocabulary) if w not in SPECIAL])
    ids = traces.ids.copy()
    drawn = source.draw(values, SALT + 3, 1 << 62)[rows]
    new = words[drawn % len(words)]
    clash = new == ids[place]
    new[clash] = words[(drawn[clash] + 1) % len(words)]
    ids[place] = new
    return Packed(ids, traces.offsets)
