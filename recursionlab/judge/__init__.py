"""Judging: what predictions are worth, whoever made them. Scoring is apart from predicting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Dataset, Packed, Split
from recursionlab.errors import InputError, InputTypeError
from recursionlab.judge import evaluation as _e
from recursionlab.judge import evaluators
from recursionlab.judge.comparison import Comparison, Scored, compare
from recursionlab.judge.evaluation import Evaluation, Table
from recursionlab.judge.falsifier import Falsification, falsify
from recursionlab.judge.predictions import (
    Predictions,
    packed_of,
    read_predictions,
    write_samples,
)
from recursionlab.judge.race import Race, race
from recursionlab.judge.scored import read_scored
from recursionlab.judge.steps import StepVerdicts, judge_steps, judge_traces
from recursionlab.judge.wilson import wilson
from recursionlab.machine import default_threads

__all__ = [
    "Comparison",
    "Evaluation",
    "Falsification",
    "Predictions",
    "Race",
    "Scored",
    "StepVerdicts",
    "Table",
    "compare",
    "evaluate",
    "falsify",
    "judge_steps",
    "judge_traces",
    "race",
    "read_predictions",
    "read_scored",
    "score",
    "wilson",
    "write_samples",
]

DEFAULT_BY = ("size", "depth", "calls")


def score(predictions: Any, split: Split, *, threads: int | None = None) -> dict[str, NDArray[Any]]:
    """Score predictions item by item.

    Parameters
    ----------
    predictions : Predictions, Packed, list of text or of token lists, or path of a JSONL file
        In the split's order; a file names its items.
    split : Split
        What was predicted.
    threads : int, optional
        Never changes the result.

    Returns
    -------
    dict of (R,) arrays
        `exact` (bool), `first_wrong` (token index, -1 where exact), `tokens_right`, `tokens_total`,
        `error` (index into `judge.taxonomy.NAMES`), `error_at` (token) and `error_by`.

    Raises
    ------
    InputError
        If there is not one prediction an item.
    FormatError
        If a file is not usable; the message has the line.
    """
    if not isinstance(split, Split):
        raise InputTypeError(f"split: expected a split of a data set, got {type(split).__name__}")
    packed = packed_of(predictions, split)
    out: dict[str, NDArray[Any]] = {}
    for name in evaluators.names():
        out.update(evaluators.get(name).per_item(packed, split, threads or default_threads()))
    return out


def evaluate(
    run_or_predictions: Any,
    split: Split,
    *,
    by: Sequence[str] = DEFAULT_BY,
    train: Split | None = None,
    keep: int = 100,
    samples: str | Path | None = None,
    threads: int | None = None,
) -> Evaluation:
    """Evaluate a run, or predictions, on a split.

    Parameters
    ----------
    run_or_predictions : Run or predictions
        A run predicts first; anything `score` takes is scored as it is.
    split : Split
        What to predict.
    by : sequence of str
        Columns to group by: `size depth calls steps` or a measure.
    train : Split, optional
        The training split, to mark the range seen in training.
    keep : int
        Failures to keep, with input, expected and got.
    samples : path, optional
        A JSONL file to write, a line an item.

    Returns
    -------
    Evaluation
        Accuracy overall and by column, with 95 % Wilson intervals.
    """
    if isinstance(split, Dataset):
        raise InputTypeError('split: expected one split, for example data["test"], got a data set')
    if not isinstance(split, Split):
        raise InputTypeError(f"split: expected a split of a data set, got {type(split).__name__}")
    by = (by,) if isinstance(by, str) else tuple(by)
    columns = {name: split.column(name) for name in by}
    if keep < 0:
        raise InputError(f"keep: expected 0 or more, got {keep}")
    predictions, forced = run_or_predictions, {}
    if hasattr(predictions, "predict"):
        if len(split) and hasattr(predictions, "teacher_forced"):
            forced = predictions.teacher_forced(split, threads=threads)
        predictions = predictions.predict(split, threads=threads)
    packed: Packed = packed_of(predictions, split)
    scores = score(packed, split, threads=threads)
    if samples is not None:
        write_samples(samples, packed, split, scores["exact"])
    return Evaluation(
        split.name,
        split.function,
        _e.summarize(scores),
        {name: _e.group(scores, np.asarray(column)) for name, column in columns.items()},
        _e.trained_ranges(train, by) if train is not None else {},
        _e.failures(scores, packed, split, keep),
        _e.error_kinds(scores, split),
        forced,
        _e.size_by_depth(scores, split),
    )
