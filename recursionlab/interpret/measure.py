"""Many interventions on one batch, measured: what the experiments have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.batch import IGNORED, Batch
from recursionlab.interpret.hooks import HookedModel
from recursionlab.machine import default_threads

Edit = list[tuple[Any, ...]]
_ROWS = 1 << 24  # rows of all edits measured at once: 200 MB


@dataclass(frozen=True)
class Measured:
    """What K interventions did to R pairs; entry 0 is the model as it is.

    Attributes
    ----------
    loss : float64 array, shape (K + 1,)
        Mean over labels of -log p(label), natural logarithm.
    token_accuracy, exact_match : float64 arrays, shape (K + 1,)
        Shares in [0, 1], every label's predecessors given.
    changed : float64 array, shape (K + 1,)
        Share of pairs with another answer than the model as it is gives.
    difference : float64 array, shape (K + 1,), or None
        Mean of log p(label) - log p(other) over the rows where these differ.
    right : bool array, shape (K + 1, R)
        Whether every token of a pair is right.
    """

    loss: NDArray[np.float64]
    token_accuracy: NDArray[np.float64]
    exact_match: NDArray[np.float64]
    changed: NDArray[np.float64]
    difference: NDArray[np.float64] | None
    right: NDArray[np.bool_]

    def row(self, k: int) -> dict[str, float]:
        """Return the numbers of intervention k and what they changed, k from 1."""
        return {
            "exact_match": float(self.exact_match[k]),
            "exact_change": float(self.exact_match[k] - self.exact_match[0]),
            "token_accuracy": float(self.token_accuracy[k]),
            "loss": float(self.loss[k]),
            "loss_change": float(self.loss[k] - self.loss[0]),
            "changed": float(self.changed[k]),
        }


def measure(
    model: HookedModel,
    batch: Batch,
    edits: Sequence[Edit],
    *,
    others: NDArray[np.int32] | None = None,
    threads: int | None = None,
) -> Measured:
    """Run a batch as it is and under each of many interventions, in C.

    Parameters
    ----------
    model : HookedModel
        Hooks that are on do not act.
    batch : Batch
        With labels.
    edits : sequence of lists of taps
        As `Scale.taps` and `Replace.taps` give them.
    others : int32 array, shape (target rows,), optional
        Tokens to compare the labels with.
    threads : int, optional
        Threads to use; it changes no result.
    """
    if batch.labels is None:
        raise InputError("batch: expected labels; give a split, or Batch.of(..., labels=...)")
    if not len(batch) or not (batch.labels != IGNORED).any():
        raise InputError("batch: expected at least one pair with a label")
    rows = len(batch.target)
    step = max(1, _ROWS // rows)
    parts = []
    for first in range(0, max(len(edits), 1), step):
        chunk = list(edits[first : first + step])
        loss, other, choice = model.core.sweep(
            *batch.arguments,
            batch.labels,
            chunk,
            others=others,
            threads=threads or default_threads(),
        )
        assert choice is not None
        parts.append(_summary(batch, loss, other, choice, others))
        if first:
            parts[-1] = [None if a is None else a[1:] for a in parts[-1]]
    joined = [None if p[0] is None else np.concatenate(p) for p in zip(*parts, strict=True)]
    return Measured(*joined)  # type: ignore[arg-type]


def _summary(
    batch: Batch,
    loss: NDArray[np.float32],
    other: NDArray[np.float32] | None,
    choice: NDArray[np.int32],
    others: NDArray[np.int32] | None,
) -> list[Any]:
    assert batch.labels is not None
    labels = batch.labels
    counted = labels != IGNORED
    starts = batch.target_offsets[:-1]
    filled = np.diff(batch.target_offsets) > 0
    hit = (choice == labels) | ~counted
    moved = (choice != choice[0]) & counted
    right = np.ones((len(loss), len(batch)), bool)
    right[:, filled] = np.logical_and.reduceat(hit, starts[filled], axis=1)
    changed = np.zeros((len(loss), len(batch)), bool)
    changed[:, filled] = np.logical_or.reduceat(moved, starts[filled], axis=1)
    difference = None
    if other is not None and others is not None:
        apart = counted & (others != labels) & (others != IGNORED)
        if not apart.any():
            raise InputError("others: expected a row where it is not the label, found none")
        difference = (other[:, apart] - loss[:, apart]).mean(1, dtype=np.float64)
    return [
        loss[:, counted].mean(1, dtype=np.float64),
        hit[:, counted].mean(1, dtype=np.float64),
        right.mean(1, dtype=np.float64),
        changed.mean(1, dtype=np.float64),
        difference,
        right,
    ]
