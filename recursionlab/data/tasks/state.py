"""Machine state to next state: one step of the function's abstract state machine an item."""

from __future__ import annotations

import numpy as np

from recursionlab.data.dataset import Packed
from recursionlab.data.ragged import offsets_of
from recursionlab.data.tasks import _terms
from recursionlab.data.values import Items, Source, Values

NEEDS_TRACE, MANY = False, True
TARGET = "other"
COLUMNS: tuple[str, ...] = ("step",)


def tokens(source: Source) -> tuple[str, ...]:
    """Return the words that states are written with."""
    return (*source.machine.state_vocabulary, *_terms.tokens(source))


def build(values: Values, source: Source) -> Items:
    """Return an item a step of the machine, with the column `step`, counted from 0."""
    runs = []
    for i in range(len(values.inputs)):
        history = source.machine.trace(values.inputs[i])
        history.raise_for_end()
        runs.append(history.tokens())
    offsets = offsets_of(np.array([len(r) for r in runs], np.int64))
    ids = np.concatenate([np.zeros(0, np.int32), *runs]).astype(np.int32)
    return _terms.leaps(Packed(ids, offsets), values.step_token, source, 1)
