"""Hypothesis strategies for the values of a type: property tests of one's own functions."""

from __future__ import annotations

from typing import Any

from recursionlab.errors import CountError, InputError, InputTypeError, MissingExtraError

try:
    from hypothesis import strategies as _strategies
except ImportError as error:
    raise MissingExtraError(
        "recursionlab.interop.strategies: hypothesis is not installed;"
        " pip install 'recursionlab[hypothesis]'"
    ) from error

__all__ = ["values"]

SPREAD = 20  # sizes above the smallest one, unless max_size says more


def values(
    type: Any, *, min_size: int | None = None, max_size: int | None = None
) -> _strategies.SearchStrategy[Any]:
    """Return a strategy for the values of a type.

    A value is drawn by its size and its rank, so every value of a size can come, and what fails
    shrinks to the smallest size and there to the lowest rank.

    Parameters
    ----------
    type : recursionlab._core.Type or Function
        For example `program.type("list bool")`, or a function, whose arguments are drawn.
    min_size, max_size : int, optional
        Constructors; by default from the smallest value on, and 20 more.

    Returns
    -------
    hypothesis.strategies.SearchStrategy
        Of terms; of tuples of terms where a function takes several arguments.

    Raises
    ------
    CountError
        If the type has no value of these sizes.
    InputError
        If the sizes are no range.
    MissingExtraError
        On import, if hypothesis is not installed.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> from hypothesis import find, settings
    >>> from recursionlab.interop import strategies
    >>> positive = rlab.library("binary").type("positive")
    >>> alone = settings(database=None)
    >>> print(find(strategies.values(positive), lambda p: p.size > 3, settings=alone))
    xI (xI (xI xH))
    """
    kind = getattr(type, "domain", type)
    if not (hasattr(kind, "unrank") and hasattr(kind, "sizes")):
        raise InputTypeError(
            "type: expected a type such as program.type('list bool') or a function, got"
            f" {type.__class__.__name__}"
        )
    least, most = kind.sizes
    first = least if min_size is None else min_size
    last = max(first, least) + SPREAD if max_size is None else max_size
    if first < 0 or last < first:
        raise InputError(
            f"min_size, max_size: expected 0 <= min_size <= max_size, got {first}, {last}"
        )
    sizes = range(max(first, least), min(last, last if most is None else most) + 1)
    counts = {n: c for n in sizes if (c := kind.count(n))}
    if not counts:
        raise CountError(f"type {kind} has no value of size {first} to {last}")

    def ranked(size: int) -> _strategies.SearchStrategy[Any]:
        ranks = _strategies.integers(0, counts[size] - 1)
        return ranks.map(lambda rank: kind.unrank(size, rank))

    return _strategies.sampled_from(sorted(counts)).flatmap(ranked)
