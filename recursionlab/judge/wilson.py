"""Intervals for a share of successes."""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # two-sided 95 % point of the standard normal distribution


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Parameters
    ----------
    successes, n : int
        How many of how many; `0 <= successes <= n`.
    z : float
        Width in standard deviations; the default gives 95 %.

    Returns
    -------
    (float, float)
        Lower and upper end, in [0, 1]; (0, 1) for n = 0.

    Notes
    -----
    Source: Wilson, "Probable inference, the law of succession, and statistical inference" (1927).

    Examples
    --------
    >>> [round(x, 3) for x in wilson(98, 100)]
    [0.93, 0.994]
    """
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, z * z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == n else min(1.0, middle + half)
    return low, high
