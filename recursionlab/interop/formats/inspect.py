"""Samples (`input target id metadata`) and a task.py for Inspect (`inspect eval task.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recursionlab.interop.about import About
from recursionlab.interop.formats import write_lines
from recursionlab.interop.questions import difficulty, question

TASK = '''"""{name}: an Inspect task; run it with `inspect eval task.py --model MODEL`."""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import CORRECT, INCORRECT, Score, accuracy, scorer, stderr
from inspect_ai.solver import generate


@scorer(metrics=[accuracy(), stderr()])
def last_line():
    """Right are the right tokens on the last line of the answer."""

    async def score(state, target):
        lines = [line for line in state.output.completion.splitlines() if line.strip()]
        said = lines[-1] if lines else ""
        for word in ("Output:", "Answer:"):
            said = said.strip().removeprefix(word)
        said = " ".join(said.replace("`", " ").split())
        return Score(value=CORRECT if said == target.text else INCORRECT, answer=said)

    return score


@task
def {name}(split: str = "{split}"):
    """Items of one split."""
    samples = json_dataset(str(Path(__file__).parent / f"{{split}}.jsonl"))
    return Task(dataset=samples, solver=generate(), scorer=last_line(), version={version!r})
'''


def sample(item: dict[str, Any], instruction: str) -> dict[str, Any]:
    """Return one item as Inspect has it."""
    return {
        "id": item["id"],
        "input": question(item, instruction),
        "target": item["target"],
        "metadata": {"function": item["function"], **difficulty(item)},
    }


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.jsonl` and task.py."""
    names = write_lines(
        parts,
        folder,
        ".jsonl",
        lambda item: json.dumps(sample(item, about.instruction), ensure_ascii=False),
    )
    split = "test" if "test" in names else names[0]
    text = TASK.format(name=about.name, split=split, version=about.version)
    (folder / "task.py").write_text(text, encoding="utf-8")
