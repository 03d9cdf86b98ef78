"""Wrong values that a recursion would give if it ended too early or too late."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.dataset import Packed
from recursionlab.data.ragged import keep
from recursionlab.judge.steps import split_terms

NONE = np.iinfo(np.int64).max  # no number of calls too few or too many gives the output


def calls_short(
    traces: Packed, predicted: Packed, step_token: int, pending: NDArray[np.int32], threads: int
) -> NDArray[np.int64]:
    """Return how many recursive calls short of its value each output stopped, copying the rest.

    Parameters
    ----------
    traces : Packed
        The right traces by `call`, R of them.
    predicted : Packed
        The outputs, R of them.
    step_token : int
        Between the terms of a trace.
    pending : (n,) int32
        The tokens that mark pending calls; an output cut short has their arguments in place.

    Returns
    -------
    (R,) int64
        1 or more, the fewest that fit; `NONE` where none does.

    Examples
    --------
    >>> traces = Packed.of([[5, 8, 8, 4, 9, 5, 8, 4, 9, 9, 7]])
    >>> calls_short(traces, Packed.of([[9, 8]]), 4, np.array([5], np.int32), 1).tolist()
    [1]
    """
    cut = split_terms(traces, step_token)
    bare = keep(cut.terms, ~np.isin(cut.terms.ids, pending))
    asked = predicted.take(cut.owner)
    exact = _core.compare(asked.ids, asked.offsets, bare.ids, bare.offsets, threads)[0]
    last = np.append(cut.first[1:], len(cut.owner)) - 1
    short = last[cut.owner] - np.arange(len(cut.owner))
    out = np.full(len(predicted), NONE)
    fits = exact.astype(np.bool_) & (short > 0)
    np.minimum.at(out, cut.owner[fits], short[fits])
    return out


def calls_long(
    machine: Any,
    constructors: dict[int, list[int]],
    traces: Packed,
    inputs: Packed,
    predicted: Packed,
    step_token: int,
    pending: NDArray[np.int32],
    threads: int,
) -> NDArray[np.bool_]:
    """Tell which outputs go on with the recursion where it should end.

    The last call's argument is read as if it began with another constructor.

    Parameters
    ----------
    machine : Machine
        Of the function itself.
    constructors : dict of int to list of int
        Token to the tokens of the other constructors of its type with the same arguments.
    traces, inputs, predicted, step_token, pending
        As for `calls_short`; inputs are those of the function.

    Returns
    -------
    (R,) bool
    """
    cut = split_terms(traces, step_token)
    last = np.append(cut.first[1:], len(cut.owner)) - 1
    calls = cut.terms.take(np.maximum(last - 1, cut.first))
    out = np.zeros(len(predicted), np.bool_)
    marks = np.isin(calls.ids, pending)
    owner = np.searchsorted(calls.offsets, np.flatnonzero(marks), side="right") - 1
    one = np.bincount(owner, minlength=len(calls)) == 1
    where = np.zeros(len(calls), np.int64)
    where[owner] = np.flatnonzero(marks) + 1  # the argument's first token
    # The argument is the end of the input: then its head's place in the input is known.
    rest = calls.offsets[1:] - where
    head = inputs.offsets[1:] - rest
    one &= (rest > 0) & (head >= inputs.offsets[:-1])
    for token, others in constructors.items():
        for other in others:
            items = np.flatnonzero(one & ~out)
            items = items[inputs.ids[head[items]] == token]
            if len(items):
                changed = inputs.take(items)
                ids = changed.ids.copy()
                ids[head[items] - inputs.offsets[:-1][items] + changed.offsets[:-1]] = other
                out[items] = _gives(machine, Packed(ids, changed.offsets), predicted.take(items))
    return out


def _gives(machine: Any, inputs: Packed, predicted: Packed) -> NDArray[np.bool_]:
    runs = machine.run(inputs.ids, inputs.offsets)
    exact = _core.compare(runs.tokens, runs.offsets, predicted.ids, predicted.offsets, 1)[0]
    given: NDArray[np.bool_] = exact.astype(np.bool_) & runs.fine
    return given
