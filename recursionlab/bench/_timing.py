"""Rates of programs that take turns, so that what else the machine does falls on all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from recursionlab import _core

BURST = 0.5  # seconds of work between two changes of the measured program
FMA_ROUNDS = 1 << 20  # of one call of the processor's own limit

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Rate:
    """Calls a second: the median over the bursts, and the slowest and fastest of them."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Return (fastest - slowest) / median."""
        return (self.high - self.low) / self.median


def interleaved(
    programs: Mapping[Key, Callable[[int], object]], repeats: int, unit: int = 1
) -> dict[Key, Rate]:
    """Measure programs by turns; each makes as many calls as it is told.

    Parameters
    ----------
    programs : mapping of callables
        What to measure, by any key.
    repeats : int
        Bursts that each program gets.
    unit : int
        A burst is a multiple of so many calls.

    Returns
    -------
    dict
        The calls a second of each.

    Examples
    --------
    >>> rates = interleaved({"sum": lambda calls: [sum(range(100)) for _ in range(calls)]}, 3)
    >>> rates["sum"].low <= rates["sum"].median <= rates["sum"].high
    True
    """
    bursts = {}
    for key, program in programs.items():
        program(unit)  # the first calls allocate, or compile
        start = time.perf_counter()
        program(unit)
        seconds = (time.perf_counter() - start) / unit
        bursts[key] = max(1, round(BURST / seconds / unit)) * unit
    rates: dict[Key, list[float]] = {key: [] for key in programs}
    for _ in range(repeats):
        for key, program in programs.items():
            start = time.perf_counter()
            program(bursts[key])
            rates[key].append(bursts[key] / (time.perf_counter() - start))
    return {k: Rate(statistics.median(v), min(v), max(v)) for k, v in rates.items()}


def fma_loop(calls: int) -> float:
    """Keep one core busy with multiply-adds alone; return the operations of a call."""
    flops = 0.0
    for _ in range(calls):
        flops = _core.kernel(_core.isa(), "fma_peak", FMA_ROUNDS)
    return flops
