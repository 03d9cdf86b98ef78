"""Token accuracy: positions with the right token, over the longer of prediction and target."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.dataset import Packed, Split


def per_item(predicted: Packed, split: Split, threads: int) -> dict[str, NDArray[Any]]:
    """Return `tokens_right` and `tokens_total` (positions), an item a row."""
    _, right, length, _ = _core.compare(
        predicted.ids, predicted.offsets, split.labels, split.label_offsets, threads
    )
    return {"tokens_right": right, "tokens_total": length}
