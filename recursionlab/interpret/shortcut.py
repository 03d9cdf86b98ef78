"""Name the shortcut a model took: machines by rules that say what it answers, right and wrong.

Works on answers alone, so on any model. A part of the data chooses the rules; the rest says what
they are worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core, display
from recursionlab.data.dataset import Packed, Split
from recursionlab.errors import InputError, InputTypeError
from recursionlab.interpret.shortcut_candidates import (
    OTHER,
    TRUE,
    Candidate,
    answers,
    budget_for,
    families,
    gather,
    of_item,
    outputs,
    same,
    search,
)
from recursionlab.interpret.shortcut_features import features
from recursionlab.interpret.shortcut_remaining import remaining
from recursionlab.interpret.shortcut_rules import Rule, fit
from recursionlab.judge import Table, wilson
from recursionlab.judge.predictions import packed_of
from recursionlab.machine import default_threads
from recursionlab.machines import Budget, Machine

__all__ = ["Reconstruction", "Shortcut", "reconstruct"]

MOST_FIT = 20_000  # items that choose the rules, at most
PARTED = 50  # items kept where the rules and the model part


@dataclass(frozen=True)
class Shortcut:
    """Rules that say which machine answers which inputs.

    Attributes
    ----------
    rule : Rule
        The tree of tests; its leaves name candidates.
    candidates : list of Candidate
        The machines.
    measures : tuple of str
        Measures that are no columns but may be tested.
    budget : Budget
        Of each run.
    """

    rule: Rule
    candidates: list[Candidate]
    measures: tuple[str, ...]
    budget: Budget

    def __str__(self) -> str:
        """Return the rules as text, a line a test or a machine."""
        return "\n".join(_lines(self.rule, self.candidates, 0))

    @property
    def size(self) -> int:
        """Number of leaves."""
        return sum(1 for _ in self.rule.leaves())

    @property
    def is_true(self) -> bool:
        """Whether the rules say that the model computes the function itself."""
        return all(self.candidates[leaf.candidate].family == TRUE for leaf in self.rule.leaves())

    @property
    def used(self) -> list[Candidate]:
        """The candidates that rules name, each once, in their order."""
        found = dict.fromkeys(leaf.candidate for leaf in self.rule.leaves())
        return [self.candidates[i] for i in found]

    @property
    def text(self) -> str:
        """The rules, then the text of every machine they name."""
        shown = [c for c in self.used if c.machine is not None and c.family != TRUE]
        return "\n\n".join([str(self), *(f"# {c}\n{c.machine}" for c in shown)])

    def predict(self, split: Split, *, threads: int | None = None) -> Packed:
        """Say what the model will answer, an item a row.

        Where only the failure is foreseen, not the output, the answer is the one token -2.
        """
        n = threads or default_threads()
        leaf = self.rule.assign(features(split, self.measures), len(split))
        named = np.array([r.candidate for r in self.rule.leaves()])[leaf]
        parts, places = [], []
        for i in np.unique(named):
            items = np.flatnonzero(named == i)
            parts.append(self._answers(self.candidates[i], split, items, n))
            places.append(items)
        return gather(parts, places, len(split))

    def _answers(
        self, candidate: Candidate, split: Split, items: NDArray[np.int64], threads: int
    ) -> Packed:
        if candidate.family == TRUE:
            return split.targets.take(items)
        if candidate.machine is None:
            return Packed(np.full(len(items), -2, np.int32), np.arange(len(items) + 1))
        if candidate.edits:
            return outputs(candidate.machine, split.targets.take(items), self.budget, threads)
        own = candidate.column
        columns = {own: np.asarray(split.columns[own])[items].astype(np.int64)} if own else {}
        return answers(candidate, split.inputs.take(items), columns, self.budget, threads)

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as plain JSON values."""
        return {"rules": _plain(self.rule, self.candidates), "text": self.text, "size": self.size}


@dataclass(frozen=True)
class Reconstruction:
    """A shortcut, and what it is worth on items that did not choose it.

    Attributes
    ----------
    shortcut : Shortcut
        The rules found; `shortcut.is_true` where none was.
    bits, bits_true : float
        Description length of the rules found, and of the function itself.
    fitted, held : int
        Items that chose the rules, and items that judge them.
    overall : dict
        `agreement`, `recall` (failures foreseen), `precision` (foreseen failures that occur) and
        `letter` (wrong outputs foreseen to the letter): each `k n rate low high`, 95 % Wilson;
        `rate` is None where n is 0.
    strata : dict of list of dict
        The same a value of each column asked for.
    baselines : dict of dict
        The same for `always right`, and for the best threshold on one feature, chosen like the
        rules; the latter's name says which.
    parted : list of dict
        Held-out items where model and rules part: `input expected model machine`.
    remaining : list of dict
        Wrong outputs that were not foreseen to the letter, by kind: see `remaining` of
        `recursionlab.interpret.shortcut_remaining`.
    """

    shortcut: Shortcut
    bits: float
    bits_true: float
    fitted: int
    held: int
    overall: dict[str, Any]
    strata: dict[str, list[dict[str, Any]]]
    baselines: dict[str, dict[str, Any]]
    parted: list[dict[str, Any]]
    remaining: list[dict[str, Any]]

    @property
    def found(self) -> bool:
        """Whether a shortcut was found."""
        return not self.shortcut.is_true

    @property
    def table(self) -> Table:
        """The figures of the shortcut and of the baselines, a row each."""
        rows = {"shortcut": self.overall, **self.baselines}
        return Table({"by": name, **{k: f[k]["rate"] for k in FIGURES}} for name, f in rows.items())

    def __str__(self) -> str:
        """Return the rules and the figures as text."""
        head = str(self.shortcut) if self.found else "no shortcut: the function itself fits best"
        return f"{head}\n\n{self.table}"

    def _repr_html_(self) -> str:
        head = display.code(str(self.shortcut)) if self.found else "<p>No shortcut.</p>"
        return f"{head}{self.table._repr_html_()}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "found": self.found,
            "shortcut": self.shortcut.to_dict(),
            "bits": self.bits,
            "bits_true": self.bits_true,
            "fitted": self.fitted,
            "held": self.held,
            "overall": self.overall,
            "strata": self.strata,
            "baselines": self.baselines,
            "parted": self.parted,
            "remaining": self.remaining,
        }


FIGURES = ("agreement", "recall", "precision", "letter")


def reconstruct(
    function: Any,
    predictions: Any,
    split: Split,
    *,
    by: Sequence[str] = ("size",),
    measures: Sequence[str] = (),
    size: int = 24,
    part: float = 0.5,
    seed: int = 0,
    threads: int | None = None,
    **codec: Any,
) -> Reconstruction:
    """Find the machines and rules that best say what a model answers.

    Parameters
    ----------
    function : Function
        What the model was trained on, at its types.
    predictions : Run or predictions
        A run predicts first; else anything `rlab.score` takes, of any model.
    split : Split
        Inputs and targets; items with an input that came before are left out.
    by : sequence of str
        Columns to report by.
    measures : sequence of str
        Measures that rules may test besides the split's columns.
    size : int
        Leaves of the rules, at most.
    part : float
        Share of the items that choose the rules; the others judge them.
    seed : int
        Of the parting.
    threads : int, optional
        Changes no result.
    **codec
        How the data is encoded, as for `machine_of`: `encoding order renames output_encoding
        output_order`.

    Returns
    -------
    Reconstruction

    Raises
    ------
    InputError
        If the split has too few different inputs, or another vocabulary than the codec.

    Notes
    -----
    Rules are chosen by description length: log2 of the number of candidates a leaf, of features and
    of thresholds a test, and for what the model answers against what the rules say the places of
    the exceptions, plus log2(length x tokens) bits for each wrong output that was not foreseen and
    one for each item that is right or wrong against what was foreseen.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> from recursionlab.machines import Cut, machine_of
    >>> succ = rlab.library("binary")["succ"]
    >>> data = rlab.make_dataset(succ, sizes=range(2, 12), measures=["carry"])["train"]
    >>> short = machine_of(succ, cut=Cut(3, "copy")).run(data.input_ids, data.input_offsets)
    >>> answers = [short[i].tolist() for i in range(len(short))]
    >>> print(rlab.reconstruct(succ, answers, data).shortcut)
    cut, copy; k = 3  (818 of 818)
    """
    _check(split, size, part)
    n = threads or default_threads()
    known = families(function, codec)
    _check_vocabulary(known, split)
    if hasattr(predictions, "predict"):
        predictions = predictions.predict(split, threads=n)
    predicted = packed_of(predictions, split)
    chosen, judged = _parts(split, part, seed)
    budget = budget_for(known, split.inputs.take(chosen), n)
    shortcut, bits, bits_true = _find(
        known, split.take(chosen), predicted.take(chosen), tuple(measures), size, budget, n
    )
    held, answers = split.take(judged), predicted.take(judged)
    says = shortcut.predict(held, threads=n)
    outcome = _Outcome.of(says, answers, held.targets, n)
    return Reconstruction(
        shortcut,
        bits,
        bits_true,
        len(chosen),
        len(judged),
        outcome.figures(),
        {name: outcome.grouped(held.column(name)) for name in by},
        _baselines(split, predicted, chosen, judged, tuple(measures), n),
        _parted(held, answers, says, outcome),
        remaining(held, answers, np.flatnonzero(outcome.failed & ~outcome.agreed)),
    )


def _check(split: Split, size: int, part: float) -> None:
    if not isinstance(split, Split):
        raise InputTypeError(f"split: expected a split of a data set, got {type(split).__name__}")
    if not 0 < part < 1:
        raise InputError(f"part: expected a share between 0 and 1, got {part}")
    if size < 1:
        raise InputError(f"size: expected at least 1 leaf, got {size}")


def _check_vocabulary(known: Mapping[str, Machine], split: Split) -> None:
    for machine in known.values():
        own = machine.vocabulary[: len(split.vocabulary)]  # a heap may hold tokens of its own
        if own != tuple(split.vocabulary):
            raise InputError(
                "split: its vocabulary is not that of the function's codec; pass the encoding, "
                "order and renames it was made with"
            )


def _parts(split: Split, part: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Part the different inputs in two, at random, each in the split's order."""
    different = _different(split.inputs)
    order = _core.permute(len(different), 0, len(different), seed, 0).astype(np.int64)
    cut = min(MOST_FIT, round(part * len(different)))
    if cut < 1 or cut == len(different):
        raise InputError(
            f"split: expected at least 2 different inputs on either side, got {len(different)}"
        )
    return np.sort(different[order[:cut]]), np.sort(different[order[cut:]])


def _different(inputs: Packed) -> NDArray[np.int64]:
    """Return the first place of every different input."""
    ids, offsets = inputs.ids, inputs.offsets
    keys = np.array([hash(ids[a:b].tobytes()) for a, b in zip(offsets, offsets[1:], strict=False)])
    return np.sort(np.unique(keys, return_index=True)[1])


def _find(
    known: dict[str, Machine],
    split: Split,
    predicted: Packed,
    measures: tuple[str, ...],
    size: int,
    budget: Budget,
    threads: int,
) -> tuple[Shortcut, float, float]:
    columns = of_item(split)
    table = search(
        known, split.inputs, split.targets, predicted, columns, split.vocabulary, threads, budget
    )
    tokens = len(np.unique(np.concatenate([split.input_ids, split.labels])))
    bits = log2(1 + float(split.targets.lengths.mean())) + log2(max(2, tokens))
    failed = ~table.matched[0]
    rule, length, length_true = fit(
        table.matched, table.failing, failed, features(split, measures), bits, size, table.bits
    )
    return Shortcut(rule, table.candidates, measures, budget), length, length_true


@dataclass(frozen=True)
class _Outcome:
    """What rules said against what happened, (R,) bool each."""

    agreed: NDArray[np.bool_]
    foreseen: NDArray[np.bool_]  # a failure was
    failed: NDArray[np.bool_]

    @classmethod
    def of(cls, says: Packed, answers: Packed, targets: Packed, threads: int) -> _Outcome:
        return cls(
            same(says, answers, threads),
            ~same(says, targets, threads),
            ~same(answers, targets, threads),
        )

    def figures(self, where: Any = slice(None)) -> dict[str, Any]:
        """Return the four figures of some items."""
        agreed, foreseen, failed = self.agreed[where], self.foreseen[where], self.failed[where]
        both = int((foreseen & failed).sum())
        return {
            "agreement": _share(int(agreed.sum()), len(agreed)),
            "recall": _share(both, int(failed.sum())),
            "precision": _share(both, int(foreseen.sum())),
            "letter": _share(int((agreed & failed).sum()), int(failed.sum())),
        }

    def grouped(self, column: NDArray[Any]) -> list[dict[str, Any]]:
        """Return the figures a value of a column."""
        return [
            {"value": int(v), **self.figures(np.flatnonzero(column == v))}
            for v in np.unique(column)
        ]


def _share(k: int, n: int) -> dict[str, Any]:
    low, high = wilson(k, n)
    return {"k": k, "n": n, "rate": k / n if n else None, "low": low, "high": high}


def _baselines(
    split: Split,
    predicted: Packed,
    chosen: NDArray[np.int64],
    judged: NDArray[np.int64],
    measures: tuple[str, ...],
    threads: int,
) -> dict[str, dict[str, Any]]:
    """Return the figures of `always right` and of the best threshold on one feature."""
    failed = ~same(predicted, split.targets, threads)
    none = np.zeros(len(judged), np.bool_)
    out = {"always right": _Outcome(~failed[judged], none, failed[judged]).figures()}
    best, found = 0.0, None
    for name, column in features(split, measures).items():
        share, threshold, above = _threshold(column[chosen], failed[chosen])
        if share > best:
            best, found = share, (name, threshold, above)
    if found is not None:
        name, threshold, above = found
        column = features(split, measures)[name][judged]
        says = column > threshold if above else column <= threshold
        fail = failed[judged]
        label = f"fails where {name} {'>' if above else '<='} {threshold}"
        out[label] = _Outcome(~says & ~fail, says, fail).figures()
    return out


def _threshold(column: NDArray[np.int64], failed: NDArray[np.bool_]) -> tuple[float, int, bool]:
    """Return the F1 of the threshold that tells failures best, the threshold, and its side."""
    values, codes = np.unique(column, return_inverse=True)
    fails = np.cumsum(np.bincount(codes, weights=failed, minlength=len(values)))
    items = np.cumsum(np.bincount(codes, minlength=len(values)))
    total = max(1.0, float(failed.sum()))
    below = 2 * fails / (items + total)
    above = 2 * (fails[-1] - fails) / (items[-1] - items + total)
    low, high = int(below.argmax()), int(above.argmax())
    if above[high] >= below[low]:
        return float(above[high]), int(values[high]), True
    return float(below[low]), int(values[low]), False


def _parted(held: Split, answers: Packed, says: Packed, outcome: _Outcome) -> list[dict[str, Any]]:
    """Return the shortest inputs on which model and rules part."""
    where = np.flatnonzero(~outcome.agreed)
    where = where[np.argsort(held.inputs.lengths[where], kind="stable")][:PARTED]
    return [
        {
            "input": held.text(held.inputs[i]),
            "expected": held.text(held.targets[i]),
            "model": held.text(answers[i]),
            "machine": _said(held, says[i]),
        }
        for i in where.tolist()
    ]


def _said(split: Split, ids: NDArray[np.int32]) -> str:
    return f"({OTHER})" if ids.tolist() == [-2] else split.text(ids)


def _lines(rule: Rule, candidates: Sequence[Candidate], depth: int) -> list[str]:
    lead = "  " * depth
    if rule.low is None or rule.high is None:
        return [f"{lead}{candidates[rule.candidate]}  ({rule.hits} of {rule.items})"]
    return [
        f"{lead}if {rule.feature} <= {rule.threshold}:",
        *_lines(rule.low, candidates, depth + 1),
        f"{lead}else:",
        *_lines(rule.high, candidates, depth + 1),
    ]


def _plain(rule: Rule, candidates: Sequence[Candidate]) -> dict[str, Any]:
    if rule.low is None or rule.high is None:
        c = candidates[rule.candidate]
        own = {"machine": c.family, "value": c.value, "items": rule.items, "explains": rule.hits}
        return own
    return {
        "feature": rule.feature,
        "threshold": rule.threshold,
        "low": _plain(rule.low, candidates),
        "high": _plain(rule.high, candidates),
    }
