"""What the items of a data set share, told to whoever never saw its program."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recursionlab import registry


@dataclass(frozen=True)
class About:
    """What the items of a data set share.

    Attributes
    ----------
    name : str
        What to call the data set elsewhere, such as `recursionlab_succ_value`.
    instruction : str
        What a reader who is no model of ours must be told before an item.
    vocabulary : tuple of str
        What each token is called.
    version : str
        Changes where the items do.
    home : Path
        The folder that files will lie in.
    """

    name: str
    instruction: str
    vocabulary: tuple[str, ...]
    version: str
    home: Path = Path()


def about_dataset(data: Any, home: str | Path = ".") -> About:
    """Return what the items of a data set share.

    Parameters
    ----------
    data : Dataset
        Its `config`, `program` and `vocabulary` are used.
    home : path
        The folder that files will lie in.
    """
    config = data.config.to_dict()
    task = next(t["about"] for t in registry.tasks() if t["name"] == config["task"])
    told = [
        "A file in Coq's language Gallina:",
        definitions(data.program),
        f"The function is `{config['function']}`. The task: {task}",
        "Write the output on the last line: tokens with a space between them and nothing else.",
    ]
    digest = hashlib.sha256(json.dumps([config, data.program]).encode()).hexdigest()
    name = re.sub(r"\W", "_", f"recursionlab_{config['function']}_{config['task']}")
    vocabulary = tuple(data.vocabulary)
    return About(name, "\n\n".join(told), vocabulary, f"v{digest[:8]}", Path(home).absolute())


def definitions(program: str) -> str:
    """Return the definitions of a Gallina file, without comments, tests and imports.

    Examples
    --------
    >>> definitions("(* one *) Definition one := 1. Example e : one = 1. Proof. Qed.")
    'Definition one := 1.'
    """
    text, depth = [], 0
    for piece in re.split(r"(\(\*|\*\))", program):
        depth += {"(*": 1, "*)": -1}.get(piece, 0)
        if not depth and piece != "*)":
            text.append(piece)
    sentences = re.split(r"(?<=\.)\s+", "".join(text))
    kept = ("Inductive", "Fixpoint", "Definition")
    return "\n".join(s.strip() for s in sentences if s.strip().startswith(kept))
