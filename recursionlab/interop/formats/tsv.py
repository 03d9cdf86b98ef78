"""Source, a tab and target a line, as yoyodyne reads it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.interop.about import About
from recursionlab.interop.formats import write_lines


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.tsv`."""
    write_lines(parts, folder, ".tsv", lambda item: f"{item['input']}\t{item['target']}")
