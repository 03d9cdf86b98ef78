"""The commands: a file a command; the folder is the registry.

A command's module has its help as docstring, an `EXAMPLE`, `arguments(parser)` and `run(args)`,
which returns an exit status or nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """Return the names of the commands.

    Examples
    --------
    >>> "check" in names()
    True
    """
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def get(name: str) -> ModuleType:
    """Return a command's module."""
    return importlib.import_module(f"{__name__}.{name}")
