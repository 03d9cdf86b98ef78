"""Items as questions in words, for models that were never trained on our tokens."""

from __future__ import annotations

import re
from typing import Any

# Columns that say how hard an item is.
DIFFICULTY = ("size", "depth", "calls", "steps")
# What is no column of difficulty and no measure.
PLAIN = ("id", "function", "split", "input", "target", "input_ids", "labels", "rank", "trace")


def question(item: dict[str, Any], instruction: str) -> str:
    r"""Return an item as a question.

    Examples
    --------
    >>> question({"input": "xO xH"}, "Add one.")
    'Add one.\n\nInput: xO xH\nOutput:'
    """
    return f"{instruction}\n\nInput: {item['input']}\nOutput:"


def difficulty(item: dict[str, Any]) -> dict[str, int]:
    """Return how hard an item is: size, depth, calls, steps, and the measures."""
    return {key: value for key, value in item.items() if key not in PLAIN}


def metadata(item: dict[str, Any], source: str, index: int) -> dict[str, Any]:
    """Return what reasoning-gym keeps beside question and answer."""
    return {
        "source_dataset": source,
        "source_index": index,
        "id": item["id"],
        "difficulty": difficulty(item),
    }


def answer_of(text: str) -> str:
    r"""Return the tokens of a free answer: the last line with anything in it, without frills.

    Examples
    --------
    >>> answer_of("Let me see.\nOutput: `xO  xH`\n")
    'xO xH'
    """
    lines = [line for line in text.splitlines() if line.strip()]
    last = re.sub(r"^\s*(?:Output|Answer)\s*:", "", lines[-1], flags=re.I) if lines else ""
    return " ".join(last.replace("`", " ").split())
