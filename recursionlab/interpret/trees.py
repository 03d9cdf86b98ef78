"""The tree that a token sequence writes down: the parent of each token, by arity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_PARENT = -1  # a root, or a token that is no constructor


def arities(program: Any, renames: Mapping[str, str] | None = None) -> dict[str, int]:
    """Return how many subterms follow each constructor, by its token.

    Parameters
    ----------
    program : Program
        Whose types are meant.
    renames : mapping, optional
        Constructor to token, as in the data set's configuration.

    Examples
    --------
    >>> from recursionlab import library
    >>> arities(library("binary"))["xI"], arities(library("binary"))["xH"]
    (1, 0)
    """
    out = {}
    for inductive in program.types.values():
        for constructor in inductive.constructors:
            token = (renames or {}).get(constructor.name, constructor.name)
            out[token] = len(constructor.types)
    return out


def parents(
    tokens: Sequence[str], arity: Mapping[str, int], *, reverse: bool = False
) -> NDArray[np.int64]:
    """Return each token's parent, by place; -1 for roots and for tokens that build nothing.

    Parameters
    ----------
    tokens : sequence of str
        A value in prefix order, with or without brackets, or several values.
    arity : mapping of str to int
        Subterms after each constructor; tokens that are not in it (brackets, separators) stand
        outside the tree.
    reverse : bool
        Whether the order of the tokens is reversed.

    Examples
    --------
    >>> parents(["node", "leaf", "node", "leaf", "leaf"], {"node": 2, "leaf": 0}).tolist()
    [-1, 0, 0, 2, 2]
    """
    out = np.full(len(tokens), NO_PARENT, np.int64)
    pending: list[list[int]] = []  # place of an unfinished constructor, subterms it still wants
    places = range(len(tokens) - 1, -1, -1) if reverse else range(len(tokens))
    for i in places:
        if tokens[i] not in arity:
            continue
        if pending:
            out[i] = pending[-1][0]
            pending[-1][1] -= 1
        while pending and pending[-1][1] == 0:
            pending.pop()
        if arity[tokens[i]]:
            pending.append([i, arity[tokens[i]]])
    return out


def depths(parent: NDArray[np.int64], *, reverse: bool = False) -> NDArray[np.int64]:
    """Return each token's depth below its root, from its parents.

    Examples
    --------
    >>> depths(np.array([-1, 0, 0, 2, 2])).tolist()
    [0, 1, 1, 2, 2]
    """
    out = np.zeros(len(parent), np.int64)
    places = range(len(parent) - 1, -1, -1) if reverse else range(len(parent))
    for i in places:
        if parent[i] >= 0:
            out[i] = out[parent[i]] + 1
    return out


def open_subterms(tokens: Sequence[str], arity: Mapping[str, int]) -> NDArray[np.int64]:
    """Return how many subterms are still to come after each token: the height of a reader's stack.

    Examples
    --------
    >>> open_subterms(["node", "leaf", "node", "leaf", "leaf"], {"node": 2, "leaf": 0}).tolist()
    [2, 1, 2, 1, 0]
    """
    change = [arity.get(token, 1) - 1 for token in tokens]
    return np.maximum(1 + np.cumsum(change, dtype=np.int64), 0)
