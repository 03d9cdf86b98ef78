"""Kinds of errors: what is wrong with an output, by what the data set says its target is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.dataset import Packed, Split
from recursionlab.data.present import bare
from recursionlab.data.values import Measures, Source
from recursionlab.errors import InputError
from recursionlab.judge import steps as _s
from recursionlab.judge.recursions import NONE, calls_long, calls_short

# Every kind an output can be of, and what it means. The number of a kind is its place here.
KINDS = {
    "right": "the target",
    "stopped early": "the target's beginning",
    "ran on": "the target, and more",
    "copied input": "the input",
    "recursion short": "the value if the recursion ended some calls early and copied the rest",
    "recursion long": "the value if the recursion went on where it should end",
    "malformed": "no value or term: it cannot be read",
    "wrong value": "a value, but another one",
    "skipped steps": "a term some steps further on",
    "other redex": "the term after a legal step at another place",
    "not a step": "a term of the same value, but no step leads to it",
    "wrong term": "a term of another value, or of none",
    "other legal trace": "every step is legal, but not all are the ones asked for",
    "right by illegal steps": "the trace ends in the right value, but not every step is legal",
    "wrong": "something else",
}
NAMES = tuple(KINDS)
NUMBER = {name: i for i, name in enumerate(NAMES)}
_OF_VERDICT = ("right", "other redex", "skipped steps", "not a step", "wrong term", "malformed",
               "wrong term")  # fmt: skip


@dataclass(frozen=True)
class Kinds:
    """The kind of each of R outputs.

    Attributes
    ----------
    kind : (R,) int64
        Index into `NAMES`.
    at : (R,) int64
        The token where the fault is, -1 where there is none or it has no place.
    by : (R,) int64
        Calls too few, steps skipped, or the first bad step of a trace counted from 1; else 0.
    """

    kind: NDArray[np.int64]
    at: NDArray[np.int64]
    by: NDArray[np.int64]

    def set(self, items: NDArray[np.int64], kind: Any, at: Any = None, by: Any = None) -> None:
        """Say what some outputs are."""
        self.kind[items] = NUMBER[kind] if isinstance(kind, str) else kind
        if at is not None:
            self.at[items] = at
        if by is not None:
            self.by[items] = by


def classify(predicted: Packed, split: Split, threads: int) -> Kinds:
    """Return the kind of each output.

    Parameters
    ----------
    predicted : Packed
        One output an item.
    split : Split
        With the function it was made from, where it has one; without, only what tokens alone tell.
    threads : int
        Never changes the result.
    """
    made = source_of(split)
    if made is not None:
        predicted, split = _bare(predicted, split, made)
    exact, _, _, first = _compare(predicted, split.targets, threads)
    kinds = Kinds(np.full(len(split), NUMBER["right"]), first.copy(), np.zeros(len(split), int))
    wrong = np.flatnonzero(~exact)
    if not len(wrong):
        return kinds
    kinds.set(wrong, "wrong")
    judge = _JUDGES.get(target_of(split))
    if made is not None and judge is not None and made.config.scratchpad == "full":
        judge(kinds, wrong, predicted, split, made, threads)
    _by_tokens(kinds, wrong, predicted, split, threads)
    return kinds


def _bare(predicted: Packed, split: Split, made: Source) -> tuple[Packed, Split]:
    """Return outputs and items without hints and fillers."""
    config, words = made.config, split.vocabulary
    return bare(predicted, config, words, "target"), dataclasses.replace(
        split,
        inputs=bare(split.inputs, config, words, "input"),
        targets=bare(split.targets, config, words, "target"),
    )


def source_of(split: Split) -> Source | None:
    """Return the function, types and codec of a split's data set; None for a foreign split."""
    if not isinstance(split.measure, Measures):
        return None
    config = split.measure.config
    return Source(Source.loads(split.measure.program, config.program), config)


def target_of(split: Split) -> str:
    """Return what a target of the split is: `value`, `term`, `trace` or nothing that is known."""
    from recursionlab.data import tasks

    name = split.meta.get("task", "")
    task = tasks.get(name) if name in tasks.names() else None
    return str(getattr(task, "TARGET", ""))


def _compare(a: Packed, b: Packed, threads: int) -> tuple[Any, ...]:
    exact, right, length, first = _core.compare(a.ids, a.offsets, b.ids, b.offsets, threads)
    return exact.astype(np.bool_), right, length, first


def _by_tokens(
    kinds: Kinds, wrong: NDArray[Any], predicted: Packed, split: Split, threads: int
) -> None:
    """Say what tokens alone tell; it comes before all else."""
    p, t = predicted.lengths[wrong], split.targets.lengths[wrong]
    first = _compare(predicted.take(wrong), split.targets.take(wrong), threads)[3]
    copied = _compare(predicted.take(wrong), split.inputs.take(wrong), threads)[0]
    for name, found in (
        ("copied input", copied),
        ("stopped early", (first == p) & (p < t)),
        ("ran on", (first == t) & (t < p)),
    ):
        kinds.set(wrong[found], name, first[found], 0)


def _values(
    kinds: Kinds, wrong: NDArray[Any], predicted: Packed, split: Split, made: Source, threads: int
) -> None:
    some = predicted.take(wrong)
    at = _core.malformed(made.codec, some.ids, some.offsets, "output", threads)
    kinds.set(wrong, "wrong value")
    bad = at >= 0
    kinds.set(wrong[bad], "malformed", at[bad])
    config = made.config
    if split.meta.get("task") != "value" or config.encoding not in ("prefix", "flat"):
        return
    made = Source(made.function.program, dataclasses.replace(config, every=1, strategy="cbv"))
    size, rank = split.columns["size"][wrong], split.columns["rank"][wrong]
    traces = made.traces(size, rank, threads, "call")
    pending = np.array(
        [i for i, t in enumerate(made.vocabulary) if t == "UNROLL" or t.startswith("UNROLL_")],
        np.int32,
    )
    step = made.vocabulary.index("<step>")
    for machine, swaps in _machines(made, split):
        inputs = split.inputs.take(wrong)
        long = calls_long(machine, swaps, traces, inputs, some, step, pending, threads)
        kinds.set(wrong[long], "recursion long")
    short = calls_short(traces, some, step, pending, threads)
    found = short != NONE
    kinds.set(wrong[found], "recursion short", by=short[found])


def _machines(made: Source, split: Split) -> list[tuple[Any, dict[int, list[int]]]]:
    """Return the machine of the function and which constructors may stand for which, if any."""
    from recursionlab.language.types import Con, resolve
    from recursionlab.machines import Refused, machine_of

    config = made.config
    kind = resolve(made.function.signature()[0][0])
    if made.function.arity != 1 or config.order != "natural" or not isinstance(kind, Con):
        return []
    try:
        machine = machine_of(made.function, config.encoding, renames=config.renames)
    except (Refused, InputError):
        return []
    token = {word: i for i, word in enumerate(made.vocabulary)}
    words = [
        (config.renames.get(c.name, c.name), len(c.types)) for c in kind.inductive.constructors
    ]
    rows = [(token[word], arity) for word, arity in words if word in token]
    return [(machine, {a: [b for b, m in rows if b != a and m == n] for a, n in rows})]


def _term(
    kinds: Kinds, wrong: NDArray[Any], predicted: Packed, split: Split, made: Source, threads: int
) -> None:
    found = _s.judge_steps(
        made.codec,
        split.inputs.take(wrong),
        predicted.take(wrong),
        every=made.config.every * (made.config.distance if split.meta["task"] == "leap" else 1),
        **_steps(made, threads),
    )
    kinds.set(wrong, _verdict_kinds(found.verdict), found.position)
    skipped = found.verdict == _s.SKIPPED
    kinds.set(wrong[skipped], "skipped steps", by=found.steps[skipped])


def _steps(made: Source, threads: int) -> dict[str, Any]:
    """Return what a step is, as `judge_steps` takes it."""
    config = made.config
    return {"granularity": config.granularity, "strategy": config.strategy, "threads": threads}


def _verdict_kinds(verdict: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.array([NUMBER[name] for name in _OF_VERDICT])[verdict]


def _trace(
    kinds: Kinds, wrong: NDArray[Any], predicted: Packed, split: Split, made: Source, threads: int
) -> None:
    step = made.vocabulary.index("<step>")
    targets = _s.split_terms(split.targets.take(wrong), step)
    last = np.append(targets.first[1:], len(targets.owner)) - 1
    found, cut = _s.judge_traces(
        made.codec,
        targets.terms.take(targets.first),
        predicted.take(wrong),
        step,
        every=made.config.every,
        **_steps(made, threads),
    )
    bad = np.flatnonzero(found.verdict != _s.EXPECTED)
    legal = np.isin(found.verdict, _s.LEGAL)
    owners, where = np.unique(cut.owner[bad], return_index=True)
    first = bad[where]  # the first bad term of each trace that has one
    items = wrong[owners]
    at = cut.begins[first] + np.maximum(found.position[first], 0)
    kinds.set(items, _verdict_kinds(found.verdict[first]), at, first - cut.first[owners])
    ends = np.append(cut.first[1:], len(cut.owner)) - 1
    right = _compare(cut.terms.take(ends), targets.terms.take(last), threads)[0]
    all_legal = np.logical_and.reduceat(legal, cut.first)
    kinds.set(items[right[owners] & all_legal[owners]], "other legal trace")
    kinds.set(items[right[owners] & ~all_legal[owners]], "right by illegal steps")


_JUDGES: dict[str, Callable[..., None]] = {"value": _values, "term": _term, "trace": _trace}
