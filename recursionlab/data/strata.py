"""Strata: the values of a measure in the shares asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.config import DataConfig
from recursionlab.data.splits import CHUNK, Selection
from recursionlab.errors import ConfigError

Measured = Callable[[NDArray[np.int32], NDArray[np.uint64]], NDArray[np.int64]]


def choose(
    selections: dict[str, Selection], config: DataConfig, measured: Measured
) -> dict[str, dict[str, dict[str, Any]]]:
    """Cut train, valid and test down to the shares of the strata, in place.

    Values of a stratum are taken one of each size, then a second of each, and so on, so that strata
    differ in the measure and as little as can be in size; a larger `items` only adds values. A
    stratum with too few gives all it has.

    Returns
    -------
    dict
        Of each split and stratum: `asked` and `reached` (shares), `items` and `available`.
    """
    report = {}
    for number, name in enumerate(("train", "valid", "test")):
        selection = selections[name]
        size, rank = selection.keys(0, len(selection))
        found = [measured(size[i : i + CHUNK], rank[i : i + CHUNK]) for i in _steps(len(size))]
        values = np.concatenate([np.zeros(0, np.int64), *found])
        wanted = round(config.items * config.fractions[number])
        keep, report[name] = _pick(size, strata_of(config, values), wanted)
        selections[name] = Selection(selection.ranges, config.seed, (size[keep], rank[keep]))
    if not len(selections["train"]):
        raise ConfigError(
            f"data.shares: no value of the sizes has {config.strata} in one of"
            f" {', '.join(report['train'])}; choose other strata or sizes"
        )
    return report


def _steps(n: int) -> range:
    return range(0, n, CHUNK)


def strata_of(
    config: DataConfig, values: NDArray[np.int64]
) -> list[tuple[str, float, NDArray[np.bool_]]]:
    """Return of each stratum its name, the share asked for and which values are in it.

    Raises
    ------
    ConfigError
        If a stratum is written wrongly, or two of them overlap.
    """
    if not config.shares:
        levels = np.unique(values)
        return [(str(v), 1 / len(levels), values == v) for v in levels]
    ranges = sorted((*_bounds(name), name, share) for name, share in config.shares.items())
    for (_, high, a, _), (low, _, b, _) in zip(ranges, ranges[1:], strict=False):
        if low <= high:
            raise ConfigError(f"data.shares: the strata {a!r} and {b!r} overlap")
    return [(name, share, (values >= a) & (values <= b)) for a, b, name, share in ranges]


def _bounds(name: str) -> tuple[int, int]:
    """Return the smallest and largest value of a stratum: "3", "0..2" or "9.."."""
    low, dots, high = name.partition("..")
    ends = (low, (high or str(2**62)) if dots else low)
    if not all(e.strip().isascii() and e.strip().isdecimal() for e in ends):
        raise ConfigError(f"data.shares: expected a stratum such as 3, 0..2 or 9.., got {name!r}")
    if int(ends[1]) < int(ends[0]):
        raise ConfigError(f"data.shares: the stratum {name!r} is empty; write the smaller first")
    return int(ends[0]), int(ends[1])


def _pick(
    size: NDArray[np.int32],
    strata: list[tuple[str, float, NDArray[np.bool_]]],
    wanted: int,
) -> tuple[NDArray[np.int64], dict[str, dict[str, Any]]]:
    """Return the places chosen, in order, and the report; `wanted` 0: as many as shares allow."""
    available = {name: int(member.sum()) for name, _, member in strata}
    if not wanted:
        fit = [available[name] / share for name, share, _ in strata if share > 0]
        wanted = int(min(fit, default=0) + 1e-9)
    chosen, report = [], {}
    for name, share, member in strata:
        places = _by_turns(np.flatnonzero(member), size)[: round(share * wanted)]
        chosen.append(places)
        report[name] = {"asked": share, "items": len(places), "available": available[name]}
    total = sum(len(c) for c in chosen)
    for row in report.values():
        row["reached"] = row["items"] / total if total else 0.0
    return np.sort(np.concatenate([np.zeros(0, np.int64), *chosen])), report


def _by_turns(places: NDArray[np.int64], size: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return places so that the first of every size come first, then the second, and so on.

    Examples
    --------
    >>> _by_turns(np.array([0, 1, 2, 3]), np.array([4, 4, 4, 5], np.int32)).tolist()
    [0, 3, 1, 2]
    """
    own = size[places]
    order = np.argsort(own, kind="stable")
    nth = np.empty(len(places), np.int64)
    nth[order] = np.arange(len(places)) - np.searchsorted(own[order], own[order])
    return places[np.lexsort((places, nth))]
