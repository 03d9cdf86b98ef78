"""Step-wise emulation to the end: the model is fed its own terms until no call is pending."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recursionlab.data.dataset import Packed, Split
from recursionlab.errors import InputError
from recursionlab.judge.evaluation import Evaluation


def whole_reductions(split: Split, values: Split) -> Split:
    """Return an item a value: its first term as input, its value as target.

    Parameters
    ----------
    split : Split
        Of the task `step`.
    values : Split
        The same values under the task `value`; a value whose first step was left out of `split`,
        because another split has it too, is left out here as well.
    """
    if "step" not in split.columns:
        raise InputError("rollout: expected a split of the task `step`")
    place = {key: i for i, key in enumerate(_keys(values))}
    first = np.flatnonzero(split.columns["step"] == 0)
    made = split.take(first)
    where = np.array([place[key] for key in _keys(made)], np.int64)
    columns = {k: v for k, v in made.columns.items() if k != "step"}
    return dataclasses.replace(
        made,
        name=f"{split.name}-rollout",
        targets=values.targets.take(where),
        columns=columns,
        trace=None,
    )


def _keys(split: Split) -> list[tuple[int, int]]:
    return list(zip(split.columns["size"].tolist(), split.columns["rank"].tolist(), strict=True))


def rollout(
    run: Any,
    split: Split,
    values: Split,
    *,
    by: Sequence[str],
    train: Split | None = None,
    samples: str | Path | None = None,
    slack: int = 2,
) -> Evaluation:
    """Evaluate a step-wise model on whole reductions.

    Parameters
    ----------
    run : Run
        Anything with `predict(split)`.
    split : Split
        Of the task `step`.
    values : Split
        The same values under the task `value`, where the right results stand.
    by, train, samples
        As for `evaluate`.
    slack : int
        Steps allowed beyond the longest reduction.
    """
    from recursionlab.judge import evaluate

    goal = whole_reductions(split, values)
    pending = split.vocabulary.index("UNROLL")
    now = [goal.inputs[i].tolist() for i in range(len(goal))]
    limit = int(split.columns["step"].max(initial=0)) + 1 + slack
    longest = max(int(p.lengths.max(initial=1)) for p in (split.inputs, split.targets))
    for _ in range(limit):
        going = [i for i, term in enumerate(now) if pending in term and len(term) <= longest]
        if not going:
            break
        answers = run.predict(_asked(goal, [now[i] for i in going], np.array(going)))
        packed = Packed(answers.ids, answers.offsets)
        for k, i in enumerate(going):
            now[i] = packed[k].tolist()
    return evaluate(Packed.of(now), goal, by=by, train=train, samples=samples)


def _asked(goal: Split, terms: list[list[int]], items: Any) -> Split:
    """Return the items with other inputs."""
    return dataclasses.replace(goal.take(items), inputs=Packed.of(terms), trace=None)
