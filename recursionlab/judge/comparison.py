"""Runs compared: whether two models differ on the same items, and two configurations over seeds."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.judge.evaluation import Table
from recursionlab.judge.student import interval
from recursionlab.judge.wilson import wilson

ALPHA = 0.05
RESAMPLES = 4000
LABELLINGS = 20_000  # most ways to share out seeds that are gone through one by one


@dataclass(frozen=True)
class Scored:
    """A model's results on items.

    Attributes
    ----------
    name : str
        What tables call it.
    exact : mapping of str to bool
        Item id to whether its output was exact.
    configuration : str
        What it was trained by, all but the seed; runs that share it are seeds of one configuration.
    seed : int or None
        The seed.
    """

    name: str
    exact: Mapping[str, bool]
    configuration: str = ""
    seed: int | None = None


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test.

    Parameters
    ----------
    only_first, only_second : int
        Items that only the one model, and only the other, got right.

    Notes
    -----
    Source: McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages" (1947); exact by the binomial distribution with share 1/2.

    Examples
    --------
    >>> mcnemar(5, 5), round(mcnemar(0, 6), 5)
    (1.0, 0.03125)
    """
    n, k = only_first + only_second, min(only_first, only_second)
    if n == 0:
        return 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2)
        for i in range(k + 1)
    ]
    most = max(logs)
    return min(1.0, 2 * math.exp(most) * math.fsum(math.exp(x - most) for x in logs))


def paired_bootstrap(
    first: NDArray[np.bool_], second: NDArray[np.bool_], seed: int = 0
) -> tuple[float, float]:
    """Return a 95 % interval of the difference (second - first) of two exact-match shares.

    Items are drawn again with both outcomes together. Only the numbers of the four kinds of items
    matter, so each resample is one multinomial draw.

    Notes
    -----
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([True] * 50 + [False] * 50)
    >>> paired_bootstrap(a, a)
    (0.0, 0.0)
    """
    n = len(first)
    if n == 0:
        return -1.0, 1.0
    gained, lost = int((second & ~first).sum()), int((first & ~second).sum())
    rng = np.random.Generator(np.random.Philox(key=seed))
    draws = rng.multinomial(n, [gained / n, lost / n, (n - gained - lost) / n], RESAMPLES)
    low, high = np.quantile((draws[:, 0] - draws[:, 1]) / n, [0.025, 0.975])
    return float(low), float(high)


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number.

    Notes
    -----
    Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).

    Examples
    --------
    >>> holm([0.01, 0.04])
    [0.02, 0.04]
    """
    out, most = [0.0] * len(p), 0.0
    for place, i in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
        most = max(most, min(1.0, (len(p) - place) * p[i]))
        out[i] = most
    return out


def permutation_test(
    first: Sequence[float], second: Sequence[float], seed: int = 0
) -> tuple[float, float]:
    """Return the p-value of a difference of means over seeds, and the smallest there could be.

    Every way to share the seeds out is gone through; where there are too many, that many are drawn.

    Notes
    -----
    Source: Fisher, "The Design of Experiments" (1935), section 21.

    Examples
    --------
    >>> permutation_test([0.1, 0.2, 0.3], [0.8, 0.9, 1.0])
    (0.1, 0.1)
    """
    values = np.array([*first, *second])
    n, k = len(values), len(first)
    seen = abs(values[:k].mean() - values[k:].mean()) - 1e-12
    if math.comb(n, k) <= LABELLINGS:
        chosen = [list(c) for c in itertools.combinations(range(n), k)]
        extra = 0
    else:
        rng = np.random.Generator(np.random.Philox(key=seed))
        chosen = [rng.permutation(n)[:k].tolist() for _ in range(LABELLINGS)]
        extra = 1  # the labelling that was seen
    total = values.sum()
    sums = values[np.array(chosen)].sum(axis=1)
    gaps = np.abs(sums / k - (total - sums) / (n - k))
    least = (2 if 2 * k == n else 1) / math.comb(n, k)
    return float((int((gaps >= seen).sum()) + extra) / (len(chosen) + extra)), least


@dataclass(frozen=True)
class Comparison:
    """What a comparison of runs found.

    Attributes
    ----------
    items : int
        Items that all runs answered.
    runs : Table
        `run configuration seed n exact rate low high`.
    pairs : Table
        Two runs on the same items: `first second only_first only_second difference low high p`,
        where p is McNemar's, adjusted by Holm, and the interval is the paired bootstrap's.
    configurations : Table
        `configuration seeds mean sd min max low high`: the last two are the 95 % interval of
        the mean by Student's t, within 0 and 1; of one seed nothing is known.
    tests : Table
        Two configurations over their seeds: `first second difference p least_p`.
    findings : list of str
        What follows, in sentences.
    """

    items: int
    runs: Table
    pairs: Table
    configurations: Table
    tests: Table
    findings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "items": self.items,
            "runs": list(self.runs),
            "pairs": list(self.pairs),
            "configurations": list(self.configurations),
            "tests": list(self.tests),
            "findings": self.findings,
        }

    def __str__(self) -> str:
        """Return the tables and what follows from them."""
        parts = [str(t) for t in (self.runs, self.pairs, self.configurations, self.tests) if t]
        return "\n\n".join([*parts, "\n".join(self.findings)])

    def _repr_html_(self) -> str:
        tables = (self.runs, self.pairs, self.configurations, self.tests)
        said = "".join(f"<p>{html.escape(finding)}</p>" for finding in self.findings)
        return "".join(t._repr_html_() for t in tables if t) + said


def compare(runs: Sequence[Scored], seed: int = 0) -> Comparison:
    """Compare runs on the items that all of them answered.

    Two trained models may differ on these items beyond the chance of which items there are
    (McNemar's test), and yet come from one configuration: another seed gives another model. So
    whether two *configurations* differ is asked of their seeds alone, by a permutation test.

    Parameters
    ----------
    runs : sequence of Scored
        At least two, with different names.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        If there are not two runs, two have one name, or they share no item.

    Examples
    --------
    >>> a = Scored("a", {str(i): i < 60 for i in range(100)})
    >>> b = Scored("b", {str(i): i < 90 for i in range(100)})
    >>> print(compare([a, b]).findings[0])
    b is better than a on these 100 items beyond chance: 90.0 % against 60.0 % (p = 2e-09).
    """
    if len(runs) < 2:
        raise InputError(f"compare: expected at least two runs, got {len(runs)}")
    names = [run.name for run in runs]
    double = next((n for n in names if names.count(n) > 1), None)
    if double is not None:
        raise InputError(f"compare: two runs are called {double!r}")
    shared = [i for i in runs[0].exact if all(i in run.exact for run in runs[1:])]
    if not shared:
        raise InputError("compare: the runs have no item in common; compare them on one split")
    exact = [np.array([run.exact[i] for i in shared], np.bool_) for run in runs]
    findings: list[str] = []
    table = Table(_run_row(run, e) for run, e in zip(runs, exact, strict=True))
    pairs = _pairs(runs, exact, seed, findings)
    configurations, tests = _over_seeds(runs, exact, seed, findings)
    return Comparison(len(shared), table, pairs, configurations, tests, findings)


def _run_row(run: Scored, exact: NDArray[np.bool_]) -> dict[str, Any]:
    n, k = len(exact), int(exact.sum())
    low, high = wilson(k, n)
    seed = "" if run.seed is None else run.seed
    head = {"run": run.name, "configuration": run.configuration, "seed": seed}
    return {**head, "n": n, "exact": k, "rate": k / n, "low": low, "high": high}


def _pairs(
    runs: Sequence[Scored], exact: Sequence[NDArray[np.bool_]], seed: int, findings: list[str]
) -> Table:
    rows = Table()
    for i, j in itertools.combinations(range(len(runs)), 2):
        a, b = exact[i], exact[j]
        low, high = paired_bootstrap(a, b, seed)
        first, second = int((a & ~b).sum()), int((b & ~a).sum())
        rows.append(
            {
                "first": runs[i].name,
                "second": runs[j].name,
                "only_first": first,
                "only_second": second,
                "difference": float(b.mean() - a.mean()),
                "low": low,
                "high": high,
                "p": mcnemar(first, second),
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p"] = p
    if len(runs) == 2:
        findings.append(_pair_sentence(runs, exact, rows[0]["p"]))
    else:
        differ = sum(row["p"] < ALPHA for row in rows)
        findings.append(
            f"{differ} of {len(rows)} pairs of models differ on these {len(exact[0])} items beyond"
            f" the chance of which items there are (p < {ALPHA:g} after Holm)."
        )
    return rows


def _pair_sentence(runs: Sequence[Scored], exact: Sequence[NDArray[np.bool_]], p: float) -> str:
    rates = [float(e.mean()) for e in exact]
    if p >= ALPHA:
        return (
            f"{runs[0].name} and {runs[1].name} do not differ on these {len(exact[0])} items beyond"
            f" chance: {_percent(rates[0])} and {_percent(rates[1])} (p = {p:.2g})."
        )
    best = int(rates[1] > rates[0])
    return (
        f"{runs[best].name} is better than {runs[1 - best].name} on these {len(exact[0])} items"
        f" beyond chance: {_percent(rates[best])} against {_percent(rates[1 - best])}"
        f" (p = {p:.1g})."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _over_seeds(
    runs: Sequence[Scored], exact: Sequence[NDArray[np.bool_]], seed: int, findings: list[str]
) -> tuple[Table, Table]:
    groups: dict[str, list[float]] = {}
    for run, e in zip(runs, exact, strict=True):
        if run.configuration:
            groups.setdefault(run.configuration, []).append(float(e.mean()))
    table = Table(
        {
            "configuration": name,
            "seeds": len(rates),
            "mean": float(np.mean(rates)),
            "sd": float(np.std(rates, ddof=1)) if len(rates) > 1 else 0.0,
            "min": min(rates),
            "max": max(rates),
            **_of_mean(rates),
        }
        for name, rates in groups.items()
    )
    tests = Table()
    for a, b in itertools.combinations(groups, 2):
        p, least = permutation_test(groups[a], groups[b], seed)
        gap = float(np.mean(groups[b]) - np.mean(groups[a]))
        tests.append({"first": a, "second": b, "difference": gap, "p": p, "least_p": least})
    for row, p in zip(tests, holm([row["p"] for row in tests]), strict=True):
        row["p"] = p
        findings.append(_test_sentence(row, len(tests)))
    if len(groups) == 1 and len(runs) > 1:
        name, rates = next(iter(groups.items()))
        if len(rates) > 1:
            findings.insert(
                0,
                f"All are seeds of one configuration, {name}: what differs between them is the"
                f" seed's doing ({_percent(min(rates))} to {_percent(max(rates))}).",
            )
    return table, tests


def _of_mean(rates: Sequence[float]) -> dict[str, float]:
    low, high = interval(rates) or (0.0, 1.0)
    return {"low": max(0.0, low), "high": min(1.0, high)}


def _test_sentence(row: Mapping[str, Any], tests: int) -> str:
    a, b = row["first"], row["second"]
    gap = f"{100 * abs(row['difference']):.1f} points"
    if min(1.0, row["least_p"] * tests) >= ALPHA:
        return (
            f"Whether {a} and {b} differ as configurations is undecided: with so few seeds no"
            f" difference could count (smallest possible p = {row['least_p']:.2g}); train more."
        )
    if row["p"] < ALPHA:
        better, worse = (b, a) if row["difference"] > 0 else (a, b)
        return f"{better} is better than {worse} over seeds by {gap} (p = {row['p']:.2g})."
    return f"{a} and {b} do not differ over seeds beyond chance ({gap}, p = {row['p']:.2g})."
