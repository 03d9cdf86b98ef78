"""Kind of error: stopped early, copied input, a recursion short or long, malformed, ... by item."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from recursionlab.data.dataset import Packed, Split
from recursionlab.judge.taxonomy import classify


def per_item(predicted: Packed, split: Split, threads: int) -> dict[str, NDArray[Any]]:
    """Return `error` (index into `taxonomy.NAMES`), `error_at` (token) and `error_by`, by item."""
    kinds = classify(predicted, split, threads)
    return {"error": kinds.kind, "error_at": kinds.at, "error_by": kinds.by}
