"""The vocabulary alone, as a tokenizer.json for Hugging Face's PreTrainedTokenizerFast."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.files import write_json
from recursionlab.interop.about import About
from recursionlab.interop.huggingface import tokenizer, tokenizer_config


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json."""
    write_json(folder / "tokenizer.json", tokenizer(about.vocabulary))
    write_json(folder / "tokenizer_config.json", tokenizer_config())
