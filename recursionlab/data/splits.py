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

MAX_ITEMS = 1_000_000_000  # values of one data set
MAX_HELD = 100_000_000  # of one in memory, or looked at one by one
CHUNK = 1 << 20  # values looked at at once


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


class Selection:
    """The values of one split, in order: ranges of permutations, or a choice among their values.

    Attributes
    ----------
    ranges : list of Range
        The ranges, or those that the choice was made from.
    chosen : (sizes, ranks), optional
        The values chosen, one array each.
    """

    def __init__(
        self,
        ranges: list[Range],
        seed: int,
        chosen: tuple[NDArray[np.int32], NDArray[np.uint64]] | None = None,
    ) -> None:
        self.ranges, self.seed, self.chosen = ranges, seed, chosen
        ends = [r.stop - r.first for r in ranges]
        self._ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(ends, dtype=np.int64)])

    def __len__(self) -> int:
        """Return the number of values."""
        return int(self._ends[-1]) if self.chosen is None else len(self.chosen[0])

    def keys(self, first: int, stop: int) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        """Return sizes and ranks of the values [first, stop)."""
        if self.chosen is not None:
            return self.chosen[0][first:stop], self.chosen[1][first:stop]
        parts = []
        for r, begin in zip(self.ranges, self._ends.tolist(), strict=False):
            a = max(first - begin, 0) + r.first
            b = min(stop - begin, r.stop - r.first) + r.first
            if a < b:
                parts.append(Range(r.size, r.count, a, b))
        return ranks(parts, self.seed)

    def to_list(self) -> list[dict[str, int]]:
        """Return the ranges as plain dictionaries."""
        return [r.to_dict() for r in self.ranges]

    def at(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        """Return sizes and ranks of the values at some places."""
        if self.chosen is not None:
            return self.chosen[0][places], self.chosen[1][places]
        size = np.zeros(len(places), np.int32)
        rank = np.zeros(len(places), np.uint64)
        which = np.searchsorted(self._ends, places, side="right") - 1
        for k in np.unique(which):
            r, here = self.ranges[k], which == k
            items = (places[here] - self._ends[k] + r.first).astype(np.uint64)
            size[here] = r.size
            rank[here] = _core.permute_at(r.count, items, self.seed, r.size)
        return size, rank


def plan(
    config: DataConfig, count: Callable[[int], int], most: int = MAX_ITEMS
) -> dict[str, list[Range]]:
    """Return the ranges of every split.

    Parameters
    ----------
    config : DataConfig
        Sizes, counts and shares.
    count : callable
        Number of values of a size.
    most : int
        Values that may be asked for.

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
    if config.split_by == "hash":
        whole_ranges = sorted(sum(out.values(), []), key=lambda r: (r.size, r.first))
        out = dict.fromkeys(out, _merged(whole_ranges))
    if config.gen_functions:
        out["test"], out["gen_function"] = _halved(out["test"])
    if config.gen_sizes:
        out["gen_size"] = []
        for size, total in _counted(count, config.gen_sizes, "gen_sizes"):
            take = min(total, config.gen_per_size) if config.gen_per_size else total
            out["gen_size"].append(Range(size, total, 0, take))
    items = sum(r.stop - r.first for ranges in out.values() for r in ranges)
    refuse_more(items, most)
    return out


def refuse_more(values: int, most: int) -> None:
    """Refuse a number of values that is too large for what is to be done with them."""
    if values > most:
        raise CountError(
            f"data: {values} values asked for, more than {most}; set per_size or smaller sizes"
        )


def _merged(ranges: list[Range]) -> list[Range]:
    """Return ranges that follow one another as one."""
    out: list[Range] = []
    for r in ranges:
        if out and out[-1].size == r.size and out[-1].stop == r.first:
            out[-1] = Range(r.size, r.count, out[-1].first, r.stop)
        else:
            out.append(r)
    return out


def _halved(ranges: list[Range]) -> tuple[list[Range], list[Range]]:
    """Cut each range in two."""
    cut = [(r, (r.first + r.stop + 1) // 2) for r in ranges]
    early = [Range(r.size, r.count, r.first, at) for r, at in cut if at > r.first]
    late = [Range(r.size, r.count, at, r.stop) for r, at in cut if r.stop > at]
    return early, late


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


def set_apart(
    selections: dict[str, Selection],
    config: DataConfig,
    beyond: Callable[[NDArray[np.int32], NDArray[np.uint64]], NDArray[np.bool_]],
) -> dict[str, Selection]:
    """Move the values that `split_by` keeps from training to a split of their own.

    Raises
    ------
    ConfigError
        If that leaves no value to train on, or none apart.
    """
    name = {"depth": "depth", "measure": config.split_measure, "withheld": "withheld"}
    apart = f"gen_{name[config.split_by]}"
    out, far = {}, []
    for split, selection in selections.items():
        if split == "gen_size":
            out[split] = selection
            continue
        size, rank = selection.keys(0, len(selection))
        away = np.concatenate(
            [
                beyond(size[i : i + CHUNK], rank[i : i + CHUNK])
                for i in range(0, max(len(size), 1), CHUNK)
            ]
        )
        out[split] = Selection(selection.ranges, selection.seed, (size[~away], rank[~away]))
        far.append((size[away], rank[away]))
    chosen = (np.concatenate([s for s, _ in far]), np.concatenate([r for _, r in far]))
    out[apart] = Selection([], config.seed, chosen)
    for split in ("train", apart):
        if not len(out[split]):
            raise ConfigError(
                f"data.split_by: {config.split_by!r} leaves no value in the split {split};"
                " choose other sizes or another limit"
            )
    return out


def overlaps(selections: dict[str, Selection], config: DataConfig) -> dict[str, int]:
    """Count the values that two splits have in common.

    Returns
    -------
    dict
        `"train/test"` and so on: how many values both have. With `split_by = "hash"` the splits
        share values only where an item's input is a term, and no item; nothing is counted.
    """
    names = list(selections)
    if config.split_by == "hash":
        return {f"{a}/{b}": 0 for i, a in enumerate(names) for b in names[i + 1 :]}
    return {
        f"{a}/{b}": shared(selections[a], selections[b])
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    }


def shared(a: Selection, b: Selection) -> int:
    """Count the values of both: by the ends of ranges, or one by one where some were chosen."""
    if a.chosen is None and b.chosen is None and a.seed == b.seed:
        both = 0
        for r in a.ranges:
            for q in b.ranges:
                if r.size == q.size:
                    both += max(0, min(r.stop, q.stop) - max(r.first, q.first))
        return both
    (size, rank), (others, ranked) = a.keys(0, len(a)), b.keys(0, len(b))
    sizes = np.intersect1d(size, others)
    return sum(
        int(np.intersect1d(rank[size == s], ranked[others == s], assume_unique=True).size)
        for s in sizes
    )


def key(size: NDArray[np.int32], rank: NDArray[np.uint64]) -> NDArray[Any]:
    """Return one comparable key a value: its size and rank."""
    out = np.empty(len(size), [("size", np.int32), ("rank", np.uint64)])
    out["size"], out["rank"] = size, rank
    return out
