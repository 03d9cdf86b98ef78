"""What input and target are: a file a task; the folder is the registry."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """Return the names of the tasks.

    Examples
    --------
    >>> "value" in names()
    True
    """
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def get(name: str) -> ModuleType:
    """Return a task's module: a first line that says what it is, and `build`."""
    return importlib.import_module(f"{__name__}.{name}")
