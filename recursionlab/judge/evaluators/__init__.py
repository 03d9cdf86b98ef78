"""What is measured of a prediction: a file an evaluator; the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """Return the names of the evaluators.

    Examples
    --------
    >>> names()
    ['exact', 'taxonomy', 'tokens']
    """
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def get(name: str) -> ModuleType:
    """Return an evaluator's module; `per_item(predicted, split, threads)` gives a row an item."""
    return importlib.import_module(f"{__name__}.{name}")
