"""Samples of a function's domain: by any law of sizes, and by the strata of a measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import CountError, InputError

if TYPE_CHECKING:
    from .function import Function

__all__ = ["Sample", "Stratum"]

Law = int | Sequence[int] | Mapping[int, float]
Shares = str | Mapping[int, float]

BATCH = 4096  # candidates measured at once; no result depends on it
TRIES = 100  # candidates an item, unless a number is given
LEAST_TRIES = 100_000


@dataclass(frozen=True)
class Stratum:
    """The values on which a measure has one result: how many were asked for, how many came."""

    measure: str
    value: int
    asked: int
    reached: int

    def __str__(self) -> str:
        """One line, as in a report."""
        return f"{self.measure} = {self.value}: asked {self.asked}, reached {self.reached}"


@dataclass(frozen=True)
class Sample:
    """Values of a domain, by level and rank.

    Attributes
    ----------
    domain : recursionlab._core.Type
        What they are values of.
    by : str
        `size` or `depth`: what `levels` holds.
    levels : (n,) int32
    ranks : (n,) or (n, words) uint64
        Beyond 64 bits a rank has several words, least first, as `_core.pairs` takes them.
    measured : (n,) int64, optional
        The measure's results, where there is one.
    strata : tuple of Stratum
        Asked against reached.
    tried : int
        Candidates that were drawn.
    """

    domain: Any
    by: str
    levels: NDArray[np.int32]
    ranks: NDArray[np.uint64]
    measured: NDArray[np.int64] | None = None
    strata: tuple[Stratum, ...] = ()
    tried: int = 0

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.levels)

    def rank(self, index: int) -> int:
        """Return the rank of one value, any number of bits."""
        words = np.atleast_1d(self.ranks[index])
        return sum(int(word) << 64 * i for i, word in enumerate(words))

    def values(self) -> list[Any]:
        """Return the values as terms; a product's are tuples."""
        return [
            self.domain.unrank(rank=self.rank(i), **{self.by: int(level)})
            for i, level in enumerate(self.levels)
        ]


def sample(
    function: Function,
    n: int,
    size: Law | None,
    depth: Law | None,
    *,
    seed: int,
    by: str | Function | None,
    shares: Shares,
    replace: bool,
    nat: int | None,
    tries: int,
) -> Sample:
    """Draw `n` arguments of a function; `Function.sample` documents the parameters."""
    domain = function.domain if nat is None else function.domain.bounded(nat)
    level = "size" if depth is None else "depth"
    if by is None:
        levels, ranks = domain.draw(n, size, depth=depth, seed=seed, replace=replace)
        return Sample(domain, level, levels, ranks, tried=n)
    source = _Candidates(function, domain, size, depth, seed, replace, _measure(function, by))
    tries = tries or max(LEAST_TRIES, TRIES * n)
    return _fill(source, level, _quotas(source, n, shares, tries), tries)


def _measure(function: Function, by: str | Function) -> Function:
    """Return the measure of a name."""
    if not isinstance(by, str):
        return by
    found = {f.name: f for f in function.measures}
    if by not in found:
        raise InputError(
            f"by: {function.name} has no measure {by!r} (a function of the same arguments to nat or"
            f" bool); it has {', '.join(found) or 'none'}"
        )
    return found[by]


class _Candidates:
    """The endless sequence of draws of a seed, with the measure of each."""

    def __init__(
        self,
        function: Function,
        domain: Any,
        size: Law | None,
        depth: Law | None,
        seed: int,
        replace: bool,
        measure: Function,
    ) -> None:
        self.function, self.domain, self.measure = function, domain, measure
        self.size, self.depth, self.seed, self.replace = size, depth, seed, replace
        self._taken: dict[int, int] = {}

    def batch(self, first: int, n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
        """Return levels, ranks and measures of candidates [first, first + n), or of fewer.

        Fewer where a level runs out of values that may come only once.
        """
        from recursionlab import _core
        from recursionlab.machine import default_threads

        options: dict[str, Any] = {"depth": self.depth, "seed": self.seed, "first": first}
        if not self.replace:
            n = self._available(self.domain.draw(n, self.size, **options)[0])
        levels, ranks = self.domain.draw(n, self.size, replace=self.replace, **options)
        made = _core.pairs(
            self.function.id,
            self.domain,
            levels,
            ranks,
            default_threads(),
            measures=[self.measure.id],
            by="size" if self.depth is None else "depth",
        )
        return levels, ranks, made["measures"][0]

    def _available(self, levels: NDArray[np.int32]) -> int:
        """Return how many of the next candidates there are before a level runs out."""
        key = "size" if self.depth is None else "depth"
        end = len(levels)
        for level in np.unique(levels).tolist():
            left = self.domain.count(**{key: level}) - self._taken.get(level, 0)
            places = np.flatnonzero(levels == level)
            if left < len(places):
                end = min(end, int(places[left]))
        for level, taken in zip(*np.unique(levels[:end], return_counts=True), strict=True):
            self._taken[int(level)] = self._taken.get(int(level), 0) + int(taken)
        return end


def _quotas(source: _Candidates, n: int, shares: Shares, tries: int) -> dict[int, int]:
    """Return how many values each stratum is to have: shares of n by largest remainder."""
    if n < 0:
        raise InputError(f"n: expected at least 0, got {n}")
    if isinstance(shares, str):
        if shares != "balanced":
            raise InputError(f"shares: expected 'balanced' or shares by value, got {shares!r}")
        pilot = _Candidates(
            source.function, source.domain, source.size, source.depth, source.seed,
            source.replace, source.measure,
        ).batch(0, min(BATCH, tries))  # fmt: skip
        shares = dict.fromkeys(np.unique(pilot[2]).tolist(), 1.0)
    weights = {int(value): float(share) for value, share in shares.items() if share != 0}
    total = sum(weights.values())
    if not weights or min(weights.values()) < 0 or not 0 < total < float("inf"):
        raise InputError("shares: expected a finite share above 0 for some value, none below 0")
    exact = {value: n * share / total for value, share in sorted(weights.items())}
    quotas = {value: int(share) for value, share in exact.items()}
    rest = sorted(exact, key=lambda value: (quotas[value] - exact[value], value))
    for value in rest[: n - sum(quotas.values())]:
        quotas[value] += 1
    return quotas


def _fill(source: _Candidates, level: str, quotas: dict[int, int], tries: int) -> Sample:
    """Take candidates in order, each if its stratum is not yet full."""
    left = dict(quotas)
    parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]] = []
    tried = 0
    while any(left.values()) and tried < tries:
        wanted = min(BATCH, tries - tried)
        levels, ranks, measured = source.batch(tried, wanted)
        keep = np.zeros(len(measured), np.bool_)
        for value, missing in left.items():
            places = np.flatnonzero(measured == value)[:missing]
            keep[places] = True
            left[value] = missing - len(places)
        parts.append((levels[keep], ranks[keep], measured[keep]))
        tried += len(measured)
        if len(measured) < wanted:
            break
    name = source.measure.name
    strata = tuple(Stratum(name, v, asked, asked - left[v]) for v, asked in quotas.items())
    for stratum in strata:
        if stratum.asked and not stratum.reached:
            raise CountError(
                f"sample: none of {tried} candidates has {name} = {stratum.value}; choose sizes"
                " where it occurs, leave it out of the shares, or raise tries"
            )
    if not parts:
        parts.append(source.batch(0, 0))
    columns = [np.concatenate([part[i] for part in parts]) for i in range(3)]
    return Sample(source.domain, level, columns[0], columns[1], columns[2], strata, tried)
