"""Step-wise emulation to the end: the model is fed its own terms until no call is pending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recursionlab.data.dataset import Packed, Split
from recursionlab.errors import InputError
from recursionlab.judge.evaluation import Evaluation


def whole_reductions(split: Split) -> Split:
    """Return an item a value: its first term as input, its last as target."""
    if "step" not in split.columns:
        raise InputError("rollout: expected a split of the task `step`")
    step = split.columns["step"]
    first = np.flatnonzero(step == 0)
    last = np.append(first[1:], len(step)) - 1
    whole = step[last] + 1 == np.diff(np.append(first, len(step)))  # no step of it was left out
    first, last = first[whole], last[whole]
    made = split.take(first)
    columns = {k: v for k, v in made.columns.items() if k != "step"}
    return Split(
        f"{split.name}-rollout",
        split.function,
        made.inputs,
        split.targets.take(last),
        columns,
        split.vocabulary,
        None,
        split.meta,
    )


def rollout(
    run: Any, split: Split, *, by: Sequence[str], train: Split | None = None, slack: int = 2
) -> Evaluation:
    """Evaluate a step-wise model on whole reductions.

    Parameters
    ----------
    run : Run
        Anything with `predict(split)`.
    split : Split
        Of the task `step`; steps of a value follow one another.
    slack : int
        Steps allowed beyond the longest reduction.
    """
    from recursionlab.judge import evaluate

    goal = whole_reductions(split)
    pending_token = split.vocabulary.index("UNROLL")
    now = [goal.inputs[i].tolist() for i in range(len(goal))]
    limit = int(split.columns["step"].max(initial=0)) + 1 + slack
    longest = int(split.inputs.lengths.max(initial=1))
    for _ in range(limit):
        open_items = [
            i for i, term in enumerate(now) if pending_token in term and len(term) <= longest
        ]
        if not open_items:
            break
        part = goal.take(np.array(open_items))
        asked = Split(
            part.name,
            part.function,
            Packed.of([now[i] for i in open_items]),
            part.targets,
            part.columns,
            part.vocabulary,
            None,
            part.meta,
        )
        answer = run.predict(asked)
        packed = Packed(answer.ids, answer.offsets)
        for k, i in enumerate(open_items):
            now[i] = packed[k].tolist()
    return evaluate(Packed.of(now), goal, by=by, train=train)
