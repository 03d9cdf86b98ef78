"""Data sets: from a function to splits of token sequences, in memory and on disk."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "DataConfig": "recursionlab.data.config",
    "Dataset": "recursionlab.data.dataset",
    "Grammar": "recursionlab.data.grammar",
    "Packed": "recursionlab.data.dataset",
    "Split": "recursionlab.data.dataset",
    "Stream": "recursionlab.data.stream",
    "generate": "recursionlab.data.write",
    "load_dataset": "recursionlab.data.store",
    "make_dataset": "recursionlab.data.make",
    "from_config": "recursionlab.data.make",
    "regenerate": "recursionlab.data.make",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a name on first use, so that Arrow is imported only where files are."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
