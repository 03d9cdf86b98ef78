"""Functions recognised by what they compute: a hash of their results on a canonical sample.

Functions with equal hashes may still differ beyond the sample (a collision), so whoever drops
duplicates compares them again on a larger one, `same_behaviour`; what agrees there too is taken to
be the same. A sample ends at the first value whose result needs more than the budget of calls: two
equal functions, one of them much slower, may be told apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.errors import BudgetError, CountError
from recursionlab.language import Function

__all__ = ["functional_hash", "same_behaviour", "unique_functions"]

STREAM = 11  # RLAB_STREAM_FUNCTION
# Values in order of enumeration, values drawn from larger sizes, calls a value; of the two samples.
_HASHED, _COMPARED = (64, 64, 10_000), (256, 256, 100_000)
_NODES = 1_000_000
_PER_SIZE = 4  # drawn from each of the larger sizes
_MAX_COUNT = 2**62


def functional_hash(function: Function) -> str:
    """Return a hash of what a function computes.

    Parameters
    ----------
    function : Function
        With its types chosen, declared with all its arguments.

    Returns
    -------
    str
        16 hexadecimal digits: of the types of arguments and result, and of the results on the
        first 64 values in order of enumeration and on up to 64 values of larger sizes.

    Notes
    -----
    It does not depend on names, on the program around the function, or on how it is written.

    Examples
    --------
    >>> from recursionlab.language import loads
    >>> program = loads("Fixpoint f (n : nat) : nat := match n with O => O | S p => S (f p) end. "
    ...                 "Definition same (n : nat) : nat := n. "
    ...                 "Definition next (n : nat) : nat := S n.")
    >>> hashes = [functional_hash(program[name]) for name in ("f", "same", "next")]
    >>> hashes[0] == hashes[1], hashes[0] == hashes[2]
    (True, False)
    """
    return _digest(function, *_HASHED)


def same_behaviour(left: Function, right: Function) -> bool:
    """Say whether two functions of one type agree on the larger sample, of up to 512 values."""
    return _digest(left, *_COMPARED) == _digest(right, *_COMPARED)


def unique_functions(functions: Sequence[Function]) -> list[int]:
    """Return the indices of functions that compute something no earlier one computes.

    Parameters
    ----------
    functions : sequence of Function
        With their types chosen.

    Returns
    -------
    list of int
        In order. Two functions with equal hashes are compared by `same_behaviour`.
    """
    seen = Behaviours()
    return [i for i, function in enumerate(functions) if seen.add(function)]


class Behaviours:
    """A set of functions up to what they compute."""

    def __init__(self) -> None:
        self._first: dict[str, Function] = {}
        self._more: dict[str, set[str]] = {}  # digests of the larger sample, of colliding ones

    def add(self, function: Function) -> bool:
        """Add a function; False if one that computes the same is there already."""
        key = functional_hash(function)
        if key not in self._first:
            self._first[key] = function
            return True
        if key not in self._more:
            self._more[key] = {_digest(self._first[key], *_COMPARED)}
        digest = _digest(function, *_COMPARED)
        new = digest not in self._more[key]
        self._more[key].add(digest)
        return new


def _digest(function: Function, small: int, large: int, steps: int) -> str:
    domain, codomain = function.domain, function.codomain
    codec = _core.Codec(domain, codomain)
    # Tokens by the order of their names, which does not depend on the program around the types.
    names = list(codec.vocabulary)
    order = np.argsort(np.argsort(names)).astype(np.int32)
    digest = hashlib.sha256("\0".join([function.type, *sorted(names)]).encode())
    sizes, ranks = _sample(domain, small, large)
    first, lot = 0, 64
    while first < len(sizes):
        try:
            made = _core.pairs(
                function.id,
                domain,
                sizes[first : first + lot],
                ranks[first : first + lot],
                1,
                codec=codec,
                max_steps=steps,
                max_nodes=_NODES,
            )
        except BudgetError:
            if lot == 1:
                digest.update(b"the budget ran out")
                break
            lot //= 2
            continue
        digest.update(order[made["output"]].tobytes())
        digest.update(np.diff(made["output_offsets"]).tobytes())
        first += lot
    return digest.hexdigest()[:16]


def _sample(domain: Any, small: int, large: int) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Sizes and ranks of the first `small` values, then of `large` drawn from larger sizes."""
    pairs: list[tuple[int, int]] = []
    empty = 0
    try:
        size, last = domain.sizes
    except CountError:
        size, last = 1, 0  # a type without values
    while (last is None or size <= last) and len(pairs) < small + large and empty < 100:
        n = _count(domain, size)
        if n > _MAX_COUNT:
            break
        empty = 0 if n else empty + 1
        if len(pairs) < small:
            pairs += [(size, rank) for rank in range(min(n, small - len(pairs)))]
        elif n:
            drawn = _core.random("below", 0, STREAM, size, _PER_SIZE, n)
            pairs += [(size, rank) for rank in dict.fromkeys(drawn)][: small + large - len(pairs)]
        size += 1
    return np.array([p[0] for p in pairs], np.int32), np.array([p[1] for p in pairs], np.uint64)


def _count(domain: Any, size: int) -> int:
    try:
        return int(domain.count(size))
    except CountError:
        return _MAX_COUNT + 1
