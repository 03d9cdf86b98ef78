"""Source, target and the kind of the item in three columns, as COGS's files are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.interop.about import About
from recursionlab.interop.formats import write_lines


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.tsv`; the kind is the function and the split."""
    write_lines(
        parts,
        folder,
        ".tsv",
        lambda i: f"{i['input']}\t{i['target']}\t{i['function']}_{i['split']}",
    )
