"""Steps of reductions as models write them: each term reduced again and compared with the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data import ragged
from recursionlab.data.dataset import Packed
from recursionlab.machine import default_threads

# What a term is to the term before it, by number; REDUCTION.md defines the first five.
VERDICTS = ("expected", "other", "skipped", "convertible", "wrong", "malformed", "unjudged")
EXPECTED, OTHER, SKIPPED, CONVERTIBLE, WRONG, MALFORMED, UNJUDGED = range(len(VERDICTS))
LEGAL = (EXPECTED, OTHER, SKIPPED)
BUDGET = 1 << 20  # contractions, and nodes of terms, that judging one step may take


@dataclass(frozen=True)
class StepVerdicts:
    """What R terms are to the terms before them.

    Attributes
    ----------
    verdict : (R,) uint8
        Index into `VERDICTS`.
    steps : (R,) int64
        Steps from the term before to the term after, where it is a reduct.
    position : (R,) int64
        Token at which the term after parts from what was expected, or cannot be read; -1: none.
    """

    verdict: NDArray[np.uint8]
    steps: NDArray[np.int64]
    position: NDArray[np.int64]


def judge_steps(
    codec: Any,
    before: Packed,
    after: Packed,
    *,
    granularity: str = "call",
    strategy: str = "cbv",
    every: int = 1,
    lookahead: int = 16,
    threads: int | None = None,
) -> StepVerdicts:
    """Judge steps of reductions, each by itself.

    Parameters
    ----------
    codec : recursionlab._core.Codec
        Of the function; terms are in its output encoding.
    before, after : Packed
        The terms, R of each. Terms count as the same when they are written the same.
    granularity, strategy, every
        What a step is, as for `Function.trace`.
    lookahead : int
        Most steps in all that a skipping term may have taken.
    threads : int, optional
        Never changes the result.

    Returns
    -------
    StepVerdicts
        A step that cannot be judged within a million contractions is `unjudged`, as is one whose
        term before cannot be read.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> succ = rlab.library("binary")["succ"]
    >>> codec = succ.codec()
    >>> steps = list(succ.trace("xI xH", granularity="call"))
    >>> terms = [codec.encode_term(step.term).tolist() for step in steps]
    >>> judge_steps(codec, Packed.of(terms[:-1]), Packed.of(terms[1:])).verdict.tolist()
    [0]
    """
    return StepVerdicts(
        *_core.judge_steps(
            codec,
            before.ids,
            before.offsets,
            after.ids,
            after.offsets,
            threads or default_threads(),
            granularity=granularity,
            strategy=strategy,
            every=every,
            lookahead=lookahead,
            steps=BUDGET,
            nodes=BUDGET,
        )
    )


@dataclass(frozen=True)
class Terms:
    """The terms of R traces, M in all.

    Attributes
    ----------
    terms : Packed
        M terms.
    owner : (M,) int64
        The trace each belongs to.
    first : (R,) int64
        The first term of each trace; every trace has at least one, perhaps empty.
    begins : (M,) int64
        Where in its trace each term begins, in tokens.
    """

    terms: Packed
    owner: NDArray[np.int64]
    first: NDArray[np.int64]
    begins: NDArray[np.int64]


def split_terms(traces: Packed, step_token: int) -> Terms:
    """Cut traces at their step tokens.

    Examples
    --------
    >>> cut = split_terms(Packed.of([[7, 4, 8, 9], [7]]), 4)
    >>> [cut.terms[i].tolist() for i in range(len(cut.terms))], cut.owner.tolist()
    ([[7], [8, 9], [7]], [0, 0, 1])
    """
    marks = np.flatnonzero(traces.ids == step_token)
    owner_of_mark = np.searchsorted(traces.offsets, marks, side="right") - 1
    n = len(traces)
    counts = np.bincount(owner_of_mark, minlength=n) + 1
    owner = np.repeat(np.arange(n), counts)
    first = np.cumsum(counts) - counts
    begin = np.empty(len(owner), np.int64)
    inner = np.ones(len(owner), np.bool_)
    inner[first] = False
    begin[first], begin[inner] = traces.offsets[:-1], marks + 1
    end = np.append(begin[1:] - 1, 0)
    last = first + counts - 1
    end[last] = traces.offsets[1:]
    terms = ragged.cut(traces.ids, begin, end)
    return Terms(terms, owner, first, begin - traces.offsets[owner])


def judge_traces(
    codec: Any, start: Packed, traces: Packed, step_token: int, **options: Any
) -> tuple[StepVerdicts, Terms]:
    """Judge every term of whole traces against the one before it.

    Parameters
    ----------
    codec, **options
        As for `judge_steps`.
    start : Packed
        The first term of each reduction.
    traces : Packed
        What a model wrote: terms joined by `step_token`, the first one included.

    Returns
    -------
    (StepVerdicts, Terms)
        A verdict a term. The first term of a trace is `expected` if it is the start, else `wrong`.
    """
    cut = split_terms(traces, step_token)
    before = cut.terms.take(np.maximum(np.arange(len(cut.owner)) - 1, 0))
    found = judge_steps(codec, before, cut.terms, **options)
    given = cut.terms.take(cut.first)
    exact, _, _, parting = _core.compare(
        given.ids, given.offsets, start.ids, start.offsets, options.get("threads") or 1
    )
    found.verdict[cut.first] = np.where(exact, EXPECTED, WRONG)
    found.steps[cut.first] = 0
    found.position[cut.first] = parting
    return found, cut
