"""Machine state to next state: one step of the function's abstract state machine an item."""

from __future__ import annotations

import numpy as np

from recursionlab.data.dataset import Packed
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
    machine, inputs = source.machine, values.inputs
    runs = machine.states(inputs.ids, inputs.offsets, threads=1)
    for i in np.flatnonzero(~runs.fine)[:1]:
        machine.trace(inputs[i]).raise_for_end()
    return _terms.leaps(Packed(runs.tokens, runs.offsets), values.step_token, source, 1)
