"""Results of several seeds put together: pooled shares with intervals, and where they fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recursionlab.judge.wilson import wilson


def pool(groups: Iterable[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Add up the groups of several evaluations, value by value.

    Parameters
    ----------
    groups : iterable of sequences of mappings
        `value n exact` each, one sequence an evaluation.

    Returns
    -------
    list of dict
        `value n exact rate low high`, with the Wilson interval of the pooled share.

    Examples
    --------
    >>> pool([[{"value": 1, "n": 10, "exact": 9}], [{"value": 1, "n": 10, "exact": 10}]])[0]["rate"]
    0.95
    """
    sums: dict[int, list[int]] = {}
    for rows in groups:
        for row in rows:
            total = sums.setdefault(row["value"], [0, 0])
            total[0] += row["n"]
            total[1] += row["exact"]
    return [{"value": value, **share(k, n)} for value, (n, k) in sorted(sums.items())]


def share(exact: int, n: int) -> dict[str, Any]:
    """Return `n exact rate low high` of a share."""
    low, high = wilson(exact, n)
    return {"n": n, "exact": exact, "rate": exact / n if n else 0.0, "low": low, "high": high}


def fails_at(rows: Sequence[Mapping[str, Any]], goal: float) -> list[int]:
    """Return the values at which the share of exact matches is below the goal."""
    return [row["value"] for row in rows if row["n"] and row["rate"] < goal]


def spans(values: Sequence[int]) -> str:
    """Return whole numbers as text, neighbours joined.

    Examples
    --------
    >>> spans([3, 9, 10, 11])
    '3, 9 to 11'
    """
    parts: list[list[int]] = []
    for value in sorted(values):
        if parts and value == parts[-1][1] + 1:
            parts[-1][1] = value
        else:
            parts.append([value, value])
    return ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in parts)


WORDS = {"carry": "carry length", "calls": "number of calls", "steps": "number of steps"}


def failing(rows: Sequence[Mapping[str, Any]], by: str, goal: float) -> str:
    """Return a sentence about where a group of results fails.

    Examples
    --------
    >>> failing([{"value": 4, "n": 10, "rate": 0.5}], "size", 0.99)
    'below 99 % exact at size 4 (lowest 50.0 % at 4)'
    """
    by, values = WORDS.get(by, by), fails_at(rows, goal)
    if not values:
        return f"at least {goal:.0%} exact at every {by}".replace("%", " %")
    worst = min((row for row in rows if row["n"]), key=lambda row: row["rate"])
    text = f"below {goal * 100:g} % exact at {by} {spans(values)}"
    return f"{text} (lowest {worst['rate'] * 100:.1f} % at {worst['value']})"


def distinct_columns(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the columns worth a figure: not one value only, not the same as an earlier one."""
    seen: list[Any] = []
    names = []
    for name, rows in groups.items():
        key = [(r["n"], r["exact"]) for r in rows]
        if len(rows) > 1 and key not in seen:
            names.append(name)
            seen.append(key)
    return names
