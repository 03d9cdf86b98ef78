"""Intervals of a mean over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Two-sided 95 % points of Student's t by degrees of freedom, 1 to 30.
T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean by Student's t; None with fewer than two values.

    Examples
    --------
    >>> [round(x, 3) for x in interval([0.9, 0.95, 1.0])]
    [0.826, 1.074]
    """
    n = len(values)
    if n < 2:
        return None
    mean = sum(values) / n
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    half = (T95[n - 2] if n - 2 < len(T95) else 1.96) * spread / math.sqrt(n)
    return mean - half, mean + half
