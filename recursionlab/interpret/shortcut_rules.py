"""Rules that say which machine answers which inputs: grown greedily, pruned by description length.

A rule tests one feature against one threshold. The tree grows as long as a split leaves less of
the model's outputs to be said, is pruned back branch by branch, and of all pruned trees the one
with the shortest description is kept: bits for the rules plus bits for what the rules leave
unexplained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import lgamma, log, log2

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rule", "fit"]

ALMOST = 0.25  # worth of foreseeing a failure without its output, where exceptions are counted
DEPTH = 12  # tests above a leaf, at most
THRESHOLDS = 64  # of one feature in one node, at most
LEAST = 2  # items in a leaf, at least


@dataclass
class Rule:
    """A node: a leaf that names a candidate, or a test with a rule for either outcome.

    Attributes
    ----------
    candidate : int
        Index of the candidate that explains most here.
    items, hits : int
        Items of the fit that came here, and how many of these the candidate explains.
    feature, threshold : str, int
        The test `feature <= threshold`, where `low` and `high` are given.
    """

    candidate: int
    items: int
    hits: int
    feature: str = ""
    threshold: int = 0
    low: Rule | None = None
    high: Rule | None = None
    where: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    score: float = 0.0

    def leaves(self) -> Iterator[Rule]:
        """Go over the leaves from left to right."""
        pending = [self]
        while pending:
            rule = pending.pop()
            if rule.low is None or rule.high is None:
                yield rule
            else:
                pending += [rule.high, rule.low]

    def assign(self, features: Mapping[str, NDArray[np.int64]], count: int) -> NDArray[np.int64]:
        """Return the index of the leaf (from left to right) that each of some items comes to."""
        out = np.zeros(count, np.int64)
        pending, leaf = [(self, np.arange(count))], 0
        while pending:
            rule, items = pending.pop()
            if rule.low is None or rule.high is None:
                out[items] = leaf
                leaf += 1
                continue
            low = features[rule.feature][items] <= rule.threshold
            pending += [(rule.high, items[~low]), (rule.low, items[low])]
        return out


def fit(
    matched: NDArray[np.bool_],
    failing: NDArray[np.bool_],
    failed: NDArray[np.bool_],
    features: Mapping[str, NDArray[np.int64]],
    bits: float,
    size: int,
    costs: NDArray[np.float64] | None = None,
) -> tuple[Rule, float, float]:
    """Find the rules with the shortest description.

    Parameters
    ----------
    matched, failing : (C, R) bool
        Whether each candidate's output is the model's, and whether it is wrong. Candidate 0 is the
        truth; candidate 1 is wrong everywhere in a way that is not known.
    failed : (R,) bool
        Whether the model is wrong.
    features : dict of (R,) int64
        What rules may test.
    bits : float
        To write down a wrong output that no rule foresees.
    size : int
        Leaves, at most.
    costs : (C,) float64, optional
        Bits to write down each candidate that rules name, once, besides its number; 0 if not given.

    Returns
    -------
    Rule
    float
        Its description length in bits.
    float
        That of the first candidate alone.
    """
    n_thresholds = {name: len(np.unique(column)) for name, column in features.items()}

    def length(rule: Rule) -> float:
        tests = sum(
            log2(max(1, len(features))) + log2(max(1, n_thresholds[r.feature]))
            for r in _inner(rule)
        )
        leaves = list(rule.leaves())
        model = len(leaves) * log2(len(matched)) + tests + 2 * len(leaves) - 1
        if costs is not None:
            model += float(costs[list({leaf.candidate for leaf in leaves})].sum())
        return model + _unexplained(leaves, matched, failing, failed, bits)

    first = Rule(0, matched.shape[1], int(matched[0].sum()), where=np.arange(matched.shape[1]))
    best, alone = first, length(first)
    shortest = alone
    for said in (None, bits):
        for rule in _pruned(_grow(matched, failed, features, said), size):
            now = length(rule)
            if now < shortest:
                best, shortest = _copy(rule), now
    return best, shortest, alone


def _pruned(root: Rule, size: int) -> Iterator[Rule]:
    """Go over a tree's prunings of at most so many leaves, each less than the one before."""
    while True:
        count = sum(1 for _ in root.leaves())
        if count <= size:
            yield root
        if count == 1:
            return
        _weakest(root)


def _grow(
    matched: NDArray[np.bool_],
    failed: NDArray[np.bool_],
    features: Mapping[str, NDArray[np.int64]],
    bits: float | None,
) -> Rule:
    """Split as long as less is left to be said than before, the rules themselves aside.

    What is left are exceptions; their number counts, or where `bits` is given what it takes to say
    which they are and to write down the model's outputs. The first splits where one test tells two
    machines apart, the second also where it only makes one more frequent.
    """
    hits = matched.astype(np.float32)
    hits[1] = failed
    spelled = (~matched & failed).astype(np.float32)
    sums = _Sums(hits, spelled, bits)
    root = _leaf(sums, matched, np.arange(matched.shape[1]))
    pending = [(root, 0)]
    while pending:
        rule, depth = pending.pop()
        split = _split(sums, rule, features) if depth < DEPTH else None
        if split is None:
            continue
        rule.feature, rule.threshold = split
        low = features[rule.feature][rule.where] <= rule.threshold
        rule.low = _leaf(sums, matched, rule.where[low])
        rule.high = _leaf(sums, matched, rule.where[~low])
        pending += [(rule.low, depth + 1), (rule.high, depth + 1)]
    return root


@dataclass(frozen=True)
class _Sums:
    """What a leaf that names a candidate costs: which items it is right about, and the others.

    Attributes
    ----------
    hits : (C, R) float32
        1 where the candidate is right about an item; candidate 1 is wherever the model fails.
    spelled : (C, R) float32
        1 where the model's wrong output has to be written down.
    bits : float or None
        To write one down; None: what counts is the number of exceptions.
    """

    hits: NDArray[np.float32]
    spelled: NDArray[np.float32]
    bits: float | None

    def cost(
        self, hits: NDArray[np.float64], spelled: NDArray[np.float64], n: NDArray[np.float64] | int
    ) -> NDArray[np.float64]:
        """Return the bits for so many hits among n items, (C, ...); the truth wins ties.

        A candidate that is right about less than half says nothing: a bit an item.
        """
        if self.bits is None:
            out = np.asarray(n - hits)
            out[1] += (1 - ALMOST) * hits[1]
        else:
            share = np.clip(hits / n, 0.5, 1 - 1e-12)
            entropy = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
            out = np.asarray(n * entropy + self.bits * spelled)
        out[0] -= 1e-6
        return out


def _leaf(sums: _Sums, matched: NDArray[np.bool_], where: NDArray[np.int64]) -> Rule:
    hits = sums.hits[:, where].sum(1, dtype=np.float64)
    spelled = sums.spelled[:, where].sum(1, dtype=np.float64)
    costs = sums.cost(hits, spelled, len(where))
    best = int(costs.argmin())
    said = int(matched[best, where].sum())
    return Rule(best, len(where), said, where=where, score=-float(costs[best]))


def _split(
    sums: _Sums, rule: Rule, features: Mapping[str, NDArray[np.int64]]
) -> tuple[str, int] | None:
    """Return the feature and threshold that save most bits, None if none saves any."""
    n = len(rule.where)
    if rule.hits == n or n < 2 * LEAST:
        return None
    own = np.concatenate([sums.hits[:, rule.where], sums.spelled[:, rule.where]])
    total = own.sum(1, dtype=np.float64)[:, None]
    best, found = rule.score + 1e-6, None
    for name, column in features.items():
        values, codes = np.unique(column[rule.where], return_inverse=True)
        if len(values) < 2:
            continue
        edges = np.unique(np.linspace(0, len(values) - 1, THRESHOLDS).astype(np.int64))[:-1]
        which = np.searchsorted(edges, codes)  # bin b: codes in (edges[b - 1], edges[b]]
        onehot = np.zeros((n, len(edges) + 1), np.float32)
        onehot[np.arange(n), which] = 1
        low = np.cumsum(own @ onehot, axis=1, dtype=np.float64)[:, :-1]
        count = np.cumsum(np.bincount(which, minlength=len(edges) + 1))[:-1].astype(np.float64)
        sides = [np.split(side, 2) for side in (low, total - low)]
        gain = -sum(
            sums.cost(hits, spelled, items).min(0)
            for (hits, spelled), items in zip(sides, (count, n - count), strict=True)
        )
        gain[(count < LEAST) | (n - count < LEAST)] = -np.inf
        at = int(gain.argmax())
        if gain[at] > best:
            best, found = float(gain[at]) + 1e-6, (name, int(values[edges[at]]))
    return found


def _inner(rule: Rule) -> Iterator[Rule]:
    pending = [rule]
    while pending:
        rule = pending.pop()
        if rule.low is not None and rule.high is not None:
            yield rule
            pending += [rule.low, rule.high]


def _weakest(root: Rule) -> None:
    """Make a leaf of the node that loses least by it, per leaf removed."""

    def loss(rule: Rule) -> float:
        leaves = list(rule.leaves())
        return (sum(leaf.score for leaf in leaves) - rule.score) / (len(leaves) - 1)

    weakest = min(_inner(root), key=loss)
    weakest.low = weakest.high = None


def _copy(rule: Rule) -> Rule:
    if rule.low is None or rule.high is None:
        return Rule(rule.candidate, rule.items, rule.hits, where=rule.where, score=rule.score)
    return Rule(
        rule.candidate,
        rule.items,
        rule.hits,
        rule.feature,
        rule.threshold,
        _copy(rule.low),
        _copy(rule.high),
        rule.where,
        rule.score,
    )


def _unexplained(
    leaves: list[Rule],
    matched: NDArray[np.bool_],
    failing: NDArray[np.bool_],
    failed: NDArray[np.bool_],
    bits: float,
) -> float:
    """Return the bits that say what the model answers, given what the rules say.

    Items whose machine is right are either right or not; items whose machine is wrong are as the
    machine says, right after all, or wrong in another way. Each kind is named by its place among
    its like; a wrong output that was not foreseen costs `bits` more, and an item that is right or
    wrong against what was foreseen one more.
    """
    right = np.zeros(2, np.int64)  # as foreseen, failed
    wrong = np.zeros(3, np.int64)  # as foreseen, right after all, wrong in another way
    for leaf in leaves:
        says, fails = matched[leaf.candidate, leaf.where], failing[leaf.candidate, leaf.where]
        bad = failed[leaf.where]
        right += [int((~fails & ~bad).sum()), int((~fails & bad).sum())]
        wrong += [
            int((fails & says).sum()),
            int((fails & ~bad).sum()),
            int((fails & bad & ~says).sum()),
        ]
    surprises = float(right[1] + wrong[1])
    return _choices(right) + _choices(wrong) + bits * float(right[1] + wrong[2]) + surprises


def _choices(counts: NDArray[np.int64]) -> float:
    """Bits to say which of n items are of which kind, and how many are."""
    n = int(counts.sum())
    parts = sum(lgamma(int(c) + 1) for c in counts)
    return (lgamma(n + 1) - parts) / log(2) + (len(counts) - 1) * log2(n + 1)
