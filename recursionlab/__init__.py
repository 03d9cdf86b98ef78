"""Find out whether sequence models learn structural recursion or shortcuts.

The names below are loaded when first used, so that importing the package is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# One row a public name: where it lives.
_HOMES = {
    "library": "recursionlab.language",
    "load": "recursionlab.language",
    "loads": "recursionlab.language",
    "sample_functions": "recursionlab.functions",
    "mutate_function": "recursionlab.functions",
    "functional_hash": "recursionlab.functions",
    "make_dataset": "recursionlab.data",
    "load_dataset": "recursionlab.data",
    "Transformer": "recursionlab.models",
    "from_pretrained": "recursionlab.models",
    "save_pretrained": "recursionlab.models",
    "TrainConfig": "recursionlab.learn",
    "train": "recursionlab.learn",
    "load_run": "recursionlab.learn",
    "reproduce": "recursionlab.experiments",
    "experiment_of": "recursionlab.experiments",
    "sweep": "recursionlab.experiments",
    "evaluate": "recursionlab.judge",
    "compare": "recursionlab.judge",
    "read_scored": "recursionlab.judge",
    "falsify": "recursionlab.judge",
    "score": "recursionlab.judge",
    "HookedModel": "recursionlab.interpret",
    "reconstruct": "recursionlab.interpret.shortcut",
    "default_threads": "recursionlab.machine",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'recursionlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "errors", "__version__"]
