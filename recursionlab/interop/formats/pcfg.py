"""Sources and targets in files of their own, line by line, as PCFG SET's are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.interop.about import About


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.src` and `<split>.tgt`."""
    begun: set[str] = set()
    for part in parts:
        mode = "a" if part.name in begun else "w"
        begun.add(part.name)
        with (
            open(folder / f"{part.name}.src", mode, encoding="utf-8") as sources,
            open(folder / f"{part.name}.tgt", mode, encoding="utf-8") as targets,
        ):
            for item in part:
                sources.write(item["input"] + "\n")
                targets.write(item["target"] + "\n")
