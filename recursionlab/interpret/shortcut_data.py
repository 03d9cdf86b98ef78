"""Values on which a shortcut shows: of every size, near either end of the enumeration and between.

Values near the ends are the regular ones: long runs of one constructor, one-sided trees. A uniform
sample hardly ever holds them, and it is there that recursion gets deep.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Split
from recursionlab.data.values import Measures, Source
from recursionlab.errors import InputError
from recursionlab.machine import default_threads

__all__ = ["stress"]

POOL = 16  # values drawn for each that is kept, where a measure is to be even
MOST = 2**62  # values of a size beyond which ranks are not drawn


def stress(
    config: DataConfig,
    program: str,
    items: int,
    *,
    by: str = "",
    without: Split | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Split:
    """Draw values whose ranks are spread evenly on a logarithmic scale.

    Parameters
    ----------
    config : DataConfig
        Of the data a model was trained on: function, sizes, encoding, measures. Task `value`.
    program : str
        The program's source text.
    items : int
        Values to draw, of each size as many as it has orders of magnitude of values: a third near
        the first, a third near the last, a third anywhere. Values drawn twice and those in
        `without` are left out.
    by : str
        A column or measure: of a pool of `POOL` times `items` values so many are kept that every
        value of it is there as often as any other, as far as there are.
    without : Split, optional
        What was trained on.
    seed : int
        Item i is a function of the seed and i.
    threads : int, optional
        Changes no result.

    Returns
    -------
    Split
        Named `stress`.

    Raises
    ------
    InputError
        If the task is another one, or no value is left.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> data = rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(2, 33), per_size=9,
    ...                          measures=["carry"])
    >>> split = stress(data.config, data.program, 500)
    >>> int(split.column("carry").max()) > 25
    True
    """
    if config.task != "value":
        raise InputError(f"task: expected value, got {config.task!r}; a shortcut maps values")
    if items < 1:
        raise InputError(f"items: expected at least 1, got {items}")
    wanted, items = items, items * POOL if by else items
    source = Source(Source.loads(program, config.program), config)
    counts = {size: source.count(size) for size in config.sizes}
    sizes = np.array([s for s, n in counts.items() if n > 0], np.int32)
    count = np.array([min(counts[int(s)], MOST) for s in sizes], np.float64)
    scales = np.cumsum(np.log2(1 + count))
    which = np.searchsorted(scales, (np.arange(items) + 0.5) * scales[-1] / max(1, items))
    rank = _ranks(count[which], np.arange(items) % 3, seed)
    size = sizes[which]
    key = np.stack([size.astype(np.int64), rank], axis=1)
    key = np.unique(key, axis=0)
    if without is not None:
        seen = np.stack([without.columns["size"], without.columns["rank"]], axis=1).astype(np.int64)
        key = key[~_rows_in(key, seen)]
    if not len(key):
        raise InputError("items: no value is left that was not trained on; take larger sizes")
    n = threads or default_threads()
    made = source.values(key[:, 0].astype(np.int32), key[:, 1].astype(np.uint64), False, n)
    measures = Measures(source.text, dataclasses.replace(config, measures=()))
    split = Split(
        "stress",
        config.function,
        made.inputs,
        made.outputs,
        made.columns,
        source.vocabulary,
        None,
        {"task": config.task},
        measures,
    )
    return split.take(_even(split.column(by), wanted, seed)) if by else split


def _even(column: NDArray[Any], items: int, seed: int) -> NDArray[np.int64]:
    """Return about so many items, as many of each value of a column as there are, up to a cap."""
    _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
    order = _core.permute(len(codes), 0, len(codes), seed, 1).astype(np.int64)
    order = order[np.argsort(codes[order], kind="stable")]
    nth = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    cap = 1
    while cap < counts.max() and np.minimum(counts, cap + 1).sum() <= items:
        cap += 1
    kept: NDArray[np.int64] = np.sort(order[nth < cap])
    return kept


def _ranks(count: NDArray[np.float64], third: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return a rank below each count: near 0, near the count, or anywhere."""
    raw = np.random.Philox(key=np.array([seed, 0x5374726573], np.uint64)).random_raw(len(count))
    share = (raw >> np.uint64(11)).astype(np.float64) / 2.0**53
    near = np.exp(share * np.log(count)) - 1  # log-uniform in [0, count - 1)
    rank = np.where(third == 2, share * count, np.where(third == 1, count - 1 - near, near))
    top = np.maximum(0, count - 1)
    out: NDArray[np.int64] = np.minimum(np.floor(rank), top).astype(np.int64)
    return out


def _rows_in(rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows of one two-column array stand in another."""
    kind = np.dtype([("size", np.int64), ("rank", np.int64)])
    a = np.ascontiguousarray(rows).view(kind).ravel()
    b = np.ascontiguousarray(others).view(kind).ravel()
    found: NDArray[np.bool_] = np.isin(a, b)
    return found
