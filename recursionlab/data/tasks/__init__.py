"""What input and target are: a file a task; the folder is the registry.

A task is a module with

- a first line that says what it is;
- `NEEDS_TRACE`: whether its values come with traces;
- `MANY`: whether a value can give several items, or none; splits then leave out the items whose
  input an earlier split has;
- `TARGET`: what a target is, by which errors are judged: `value`, `term` (the input's, some steps
  on), `trace` or `other`;
- `COLUMNS`: names of its own columns; `which` is an index into `source.functions`;
- `build(values, source)`, which returns the `Items` of some values; each a function of the
  configuration and its value alone;
- `tokens(source)`, if it has tokens of its own.
"""

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
    """Return a task's module."""
    return importlib.import_module(f"{__name__}.{name}")
