"""Rule induction: k solved examples of a function that is not named, then a query, in one input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Packed
from recursionlab.data.ragged import join
from recursionlab.data.tasks import _several
from recursionlab.data.values import Items, Source, Values
from recursionlab.errors import ConfigError

NEEDS_TRACE, MANY = False, False
TARGET = "value"
COLUMNS: tuple[str, ...] = ("which",)
SALT = 16
TO, NEXT = "<to>", "<next>"


def tokens(source: Source) -> tuple[str, ...]:
    """Return the tokens between arguments and results, and between examples."""
    return (TO, NEXT)


def build(values: Values, source: Source) -> Items:
    """Return one item a value; its examples are values of the train split, never the query."""
    k, shown = source.config.demonstrations, len(source.train)
    if shown <= k:
        raise ConfigError(
            f"data.demonstrations: expected fewer than the {shown} values of the train split,"
            f" got {k}"
        )
    which = _several.choose(values, source)
    size, rank = values.columns["size"], values.columns["rank"]
    # Places in the train split: k + 1 different ones, of which the query's own is passed over.
    places = _places(values, source, k + 1, shown)
    parts: list[Packed | int] = []
    sizes, ranks = source.train.at(places.reshape(-1))
    sizes, ranks = sizes.reshape(places.shape), ranks.reshape(places.shape)
    own = (sizes == size) & (ranks == rank)
    for j in range(k):
        passed = own[: j + 1].any(0)
        s, r = np.where(passed, sizes[j + 1], sizes[j]), np.where(passed, ranks[j + 1], ranks[j])
        inputs, outputs, _ = source.apply(which, s, r)
        parts += [inputs, source.token(TO), outputs, source.token(NEXT)]
    query, answer, columns = source.apply(which, size, rank)
    return Items(join([*parts, query, source.token(TO)]), answer, None, columns)


def _places(values: Values, source: Source, n: int, among: int) -> NDArray[np.int64]:
    """Return n different places in [0, among) for each value, (n, M)."""
    out = np.empty((n, len(values.columns["rank"])), np.int64)
    for j in range(n):
        # One of the among - j places not yet drawn, counted past those that were.
        drawn = source.draw(values, SALT + 1 + j, among - j)
        for earlier in np.sort(out[:j], axis=0):
            drawn += drawn >= earlier
        out[j] = drawn
    return out
