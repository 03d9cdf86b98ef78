"""Which values go to which split: ranges of a keyed permutation of ranks, size by size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.config import DataConfig
from recursionlab.errors import ConfigError, CountError

MAX_ITEMS = 100_000_000  # of one data set in memory


@dataclass(frozen=True)
class Range:
    """Items [first, stop) of the permutation of the `count` values of one size."""

    size: int
    count: int
    first: int
    stop: int

    def to_dict(self) -> dict[str, int]:
        """Return the range as a plain dictionary."""
        return asdict(self)


def plan(config: DataConfig, count: Callable[[int], int]) -> dict[str, list[Range]]:
    """Return the ranges of every split.

    Parameters
    ----------
    config : DataConfig
        Sizes, counts and shares.
    count : callable
        Number of values of a size.

    Raises
    ------
    CountError
        If no size has a value, or there are more values than can be held.

    Examples
    --------
    >>> made = plan(DataConfig(function="f", sizes=(4,)), lambda size: 10)
    >>> {name: (r[0].first, r[0].stop) for name, r in made.items()}
    {'train': (0, 8), 'valid': (8, 9), 'test': (9, 10)}
    """
    out: dict[str, list[Range]] = {"train": [], "valid": [], "test": []}
    whole: dict[int, str] = {}
    if config.split_by == "size":
        whole = _whole_sizes(config, [s for s, _ in _counted(count, config.sizes, "sizes")])
    for size, total in _counted(count, config.sizes, "sizes"):
        take = min(total, config.per_size) if config.per_size else total
        if size in whole:
            out[whole[size]].append(Range(size, total, 0, take))
            continue
        train = max(1, round(config.fractions[0] * take))
        valid = min(take - train, round(config.fractions[1] * take))
        edges = (0, train, train + valid, take)
        for name, first, stop in zip(out, edges, edges[1:], strict=False):
            if stop > first:
                out[name].append(Range(size, total, first, stop))
    if config.gen_sizes:
        out["gen_size"] = []
        for size, total in _counted(count, config.gen_sizes, "gen_sizes"):
            take = min(total, config.gen_per_size) if config.gen_per_size else total
            out["gen_size"].append(Range(size, total, 0, take))
    items = sum(r.stop - r.first for ranges in out.values() for r in ranges)
    if items > MAX_ITEMS:
        raise CountError(
            f"data: {items} values asked for, more than {MAX_ITEMS}; set per_size or smaller sizes"
        )
    return out


def _counted(
    count: Callable[[int], int], sizes: tuple[int, ...], key: str
) -> list[tuple[int, int]]:
    """Return (size, number of values) of the sizes that have any; one of them must."""
    found = [(size, total) for size in sizes if (total := count(size)) > 0]
    if not found:
        raise CountError(
            f"data.{key}: there is no value of size {sizes[0]}"
            + (f" to {sizes[-1]}" if len(sizes) > 1 else "")
            + "; choose sizes that have values"
        )
    return found


def _whole_sizes(config: DataConfig, sizes: list[int]) -> dict[int, str]:
    """Deal whole sizes to train, valid and test, smaller sizes first."""
    n = len(sizes)
    train = max(1, round(config.fractions[0] * n))
    valid = min(n - train, round(config.fractions[1] * n))
    names = ["train"] * train + ["valid"] * valid + ["test"] * (n - train - valid)
    if config.fractions[2] > 0 and "test" not in names:
        raise ConfigError(
            f"data.split_by: {n} sizes are too few to give the test split one of its own"
        )
    return dict(zip(sizes, names, strict=True))


def ranks(ranges: list[Range], seed: int) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Return sizes (M,) int32 and ranks (M,) uint64 of the values in some ranges."""
    sizes = [np.full(r.stop - r.first, r.size, np.int32) for r in ranges]
    parts = [_core.permute(r.count, r.first, r.stop - r.first, seed, r.size) for r in ranges]
    if not parts:
        return np.zeros(0, np.int32), np.zeros(0, np.uint64)
    return np.concatenate(sizes), np.concatenate(parts)


def overlaps(keys: dict[str, NDArray[Any]]) -> dict[str, int]:
    """Count the values that two splits have in common.

    Parameters
    ----------
    keys : dict of arrays
        A structured or plain array of keys a split, one a value.

    Returns
    -------
    dict
        `"train/test"` and so on: how many keys both have.
    """
    names = list(keys)
    found = {}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            found[f"{a}/{b}"] = int(np.intersect1d(keys[a], keys[b]).size)
    return found


def key(size: NDArray[np.int32], rank: NDArray[np.uint64]) -> NDArray[Any]:
    """Return one comparable key a value: its size and rank."""
    out = np.empty(len(size), [("size", np.int32), ("rank", np.uint64)])
    out["size"], out["rank"] = size, rank
    return out
