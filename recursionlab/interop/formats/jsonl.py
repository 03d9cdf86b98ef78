"""A JSON object a line, with every column of the item."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.interop.about import About
from recursionlab.interop.formats import write_lines


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.jsonl`."""
    write_lines(parts, folder, ".jsonl", lambda item: json.dumps(item, ensure_ascii=False))
