"""What data sets can be written as: a file a format; the folder is the registry.

A format is a module with a first line that says what it is, and `write(parts, about, folder)`:
`parts` are splits, or pieces of splits one after another, `about` is what all of them share.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from recursionlab.config import suggest
from recursionlab.errors import InputError


def names() -> list[str]:
    """Return the names of the formats.

    Examples
    --------
    >>> "jsonl" in names()
    True
    """
    found = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return sorted(name.replace("_", "-") for name in found)


def get(name: str) -> ModuleType:
    """Return a format's module.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in names():
        raise InputError(f"no format {name!r}{suggest(name, names())}")
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")


def write_lines(
    parts: Iterable[Any],
    folder: Path,
    suffix: str,
    line: Callable[[dict[str, Any]], str],
) -> list[str]:
    """Write a line an item, a file a split; return the names of the splits."""
    written: list[str] = []
    with ExitStack() as stack:
        files: dict[str, IO[str]] = {}
        for part in parts:
            if part.name not in files:
                path = folder / f"{part.name}{suffix}"
                files[part.name] = stack.enter_context(open(path, "w", encoding="utf-8"))
                written.append(part.name)
            files[part.name].writelines(line(item) + "\n" for item in part)
    return written
