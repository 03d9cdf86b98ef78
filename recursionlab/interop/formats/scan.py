"""`IN: source OUT: target` a line, as SCAN's files are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.interop.about import About
from recursionlab.interop.formats import write_lines


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.txt`."""
    write_lines(parts, folder, ".txt", lambda item: f"IN: {item['input']} OUT: {item['target']}")
