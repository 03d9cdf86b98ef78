"""Exact match: the predicted sequence is the target, token by token and to its end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.dataset import Packed, Split


def per_item(predicted: Packed, split: Split, threads: int) -> dict[str, NDArray[Any]]:
    """Return `exact` (bool) and `first_wrong` (token index, -1 where exact), an item a row."""
    exact, _, _, first = _core.compare(
        predicted.ids, predicted.offsets, split.labels, split.label_offsets, threads
    )
    return {"exact": exact.astype(np.bool_), "first_wrong": first}
