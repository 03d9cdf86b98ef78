"""What the cut of a shortcut may depend on: numbers read off each input, by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Packed, Split

__all__ = ["features"]

# Columns that say where a value is listed, not what it is like.
NOT_FEATURES = ("rank", "step")
MAX_TOKENS = 8  # tokens whose counts and places are features
MAX_DUE = 16  # places of the function's own output whose tokens are


def features(split: Split, measures: Sequence[str] = ()) -> dict[str, NDArray[np.int64]]:
    """Return the numbers that rules may test, (R,) each, by name.

    Parameters
    ----------
    split : Split
        Inputs, columns and what the function itself answers are read, no model's answers.
    measures : sequence of str
        Measures of the file that are not columns.

    Returns
    -------
    dict of str to ndarray
        `length` in tokens; the columns; `length - c` and `c - d` of columns c and d; and of each
        token t: `count t`, `first t` (tokens before the first, all if there is none) and `after t`
        (tokens after the last); and `t due at j`, whether the function itself puts t at place j.
        Of features that order all inputs alike the first is kept.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> succ = rlab.library("binary")["succ"]
    >>> data = rlab.make_dataset(succ, sizes=range(2, 9), measures=["carry"])
    >>> list(features(data["train"]))[:3]
    ['length', 'calls', 'carry']
    """
    columns = {"length": split.inputs.lengths.astype(np.int64)}
    for name in dict.fromkeys([*split.columns, *measures]):
        column = split.column(name)
        if name not in NOT_FEATURES and np.issubdtype(column.dtype, np.number):
            columns[name] = column.astype(np.int64)
    columns = _distinct(columns)
    names = list(columns)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            columns[f"{a} - {b}"] = columns[a] - columns[b]
    places = _places(split.inputs, split.vocabulary)
    due = _due(split.targets, split.vocabulary)
    return _distinct({**columns, **places, **due})


def _distinct(columns: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    """Leave out what is constant and what orders the items as an earlier column does."""
    out, seen = {}, set()
    for name, column in columns.items():
        values, codes = np.unique(column, return_inverse=True)
        up, down = codes.tobytes(), (len(values) - 1 - codes).tobytes()
        if len(values) > 1 and up not in seen and down not in seen:
            seen.add(up)
            out[name] = column
    return out


def _places(inputs: Packed, vocabulary: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return how often, how early and how late each token stands in each input."""
    used = np.unique(inputs.ids)
    used = used[(used >= 0) & (used < len(vocabulary))][:MAX_TOKENS]
    lengths, n = inputs.lengths, len(inputs)
    item = np.repeat(np.arange(n), lengths)
    place = np.arange(len(inputs.ids)) - np.repeat(inputs.offsets[:-1], lengths)
    out: dict[str, NDArray[np.int64]] = {}
    for token in used:
        at = inputs.ids == token
        first, last = lengths.astype(np.int64), np.full(n, -1, np.int64)
        np.minimum.at(first, item[at], place[at])
        np.maximum.at(last, item[at], place[at])
        name = vocabulary[token]
        out[f"count {name}"] = np.bincount(item[at], minlength=n).astype(np.int64)
        out[f"first {name}"] = first
        out[f"after {name}"] = lengths - 1 - last
    return out


def _due(targets: Packed, vocabulary: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Return whether each token belongs to each of the first places of the function's output."""
    used, counts = np.unique(targets.ids, return_counts=True)
    used = used[(used >= 0) & (used < len(vocabulary))][:MAX_TOKENS]
    lengths, out = targets.lengths, {}
    for place in range(min(MAX_DUE, int(lengths.max(initial=0)))):
        there = place < lengths
        ids = targets.ids[np.where(there, targets.offsets[:-1] + place, 0)]
        for token in used:
            is_due = there & (ids == token)
            out[f"{vocabulary[token]} due at {place}"] = is_due.astype(np.int64)
    return out
