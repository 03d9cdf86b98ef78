"""Values taken out of chosen updates while a model learns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from recursionlab import _core
from recursionlab.errors import InputError
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.cache import ActivationCache
from recursionlab.models.points import NameFilter, choose, points_of


class Capture(Mapping[int, ActivationCache]):
    """Activations of chosen updates, and their gradients; given to `rlab.train(capture=)`.

    Update k is the k-th, from 1; its values are those before the weights change, under the run's
    hooks and with dropout. Nothing else of the run changes, to the bit.

    Parameters
    ----------
    names_filter : str, iterable of str, or function of a name
        Which values.
    steps : iterable of int
        Which updates, from 1.
    gradients : bool
        Whether to take the gradients of the batch's mean loss too (patterns have none).

    Examples
    --------
    `capture = Capture("encoder_blocks.0.hook_resid_post", [1, 10, 100])`, and after
    `rlab.train(..., capture=capture)`: `capture[10]["encoder_blocks.0.hook_resid_post"]`,
    `capture.gradients[10]`, and `capture[10].batch` for what was learned.
    """

    def __init__(
        self, names_filter: NameFilter, steps: Iterable[int], *, gradients: bool = False
    ) -> None:
        self.names_filter, self.wanted = names_filter, gradients
        self.steps = frozenset(int(step) for step in steps)
        if not self.steps or min(self.steps) < 1:
            raise InputError(f"steps: expected updates from 1, got {sorted(self.steps)}")
        self._values: dict[int, ActivationCache] = {}
        self.gradients: dict[int, ActivationCache] = {}

    def taps(self, model: _core.Model, trainer: _core.Trainer) -> list[tuple[Any, ...]]:
        """Return the taps of a trainer's next update, whose values will stand here."""
        points = points_of(model)
        chosen = choose(points, self.names_filter)
        _, source, source_offsets, target, target_offsets, labels = trainer.next_batch()
        if source is None or source_offsets is None:  # all is one sequence
            source, source_offsets = np.zeros(0, np.int32), np.zeros_like(target_offsets)
        batch = Batch(source, source_offsets, target, target_offsets, labels)
        known, out = {**points, **dict(chosen)}, []
        for kind, store in [("read", self._values), ("grad", self.gradients)][: 1 + self.wanted]:
            values = {
                name: np.empty(batch.floats(point), np.float32)
                for name, point in chosen
                if kind == "read" or not point.keys
            }
            out += [(known[name].name, kind, value) for name, value in values.items()]
            store[trainer.step + 1] = ActivationCache(values, known, batch)
        return out

    def __getitem__(self, step: int) -> ActivationCache:
        """Return the values of an update."""
        return self._values[step]

    def __iter__(self) -> Iterator[int]:
        """Go over the updates that were made."""
        return iter(self._values)

    def __len__(self) -> int:
        """Return the number of updates taken from."""
        return len(self._values)
