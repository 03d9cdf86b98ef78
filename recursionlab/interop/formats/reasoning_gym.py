"""`question answer metadata` a line, as reasoning-gym has them; also a dataset for its factory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recursionlab import _core
from recursionlab.errors import InputError, MissingExtraError
from recursionlab.interop.about import About
from recursionlab.interop.formats import write_lines
from recursionlab.interop.questions import answer_of, metadata, question


def entry(item: dict[str, Any], about: About, index: int) -> dict[str, Any]:
    """Return one item as reasoning-gym has it."""
    return {
        "question": question(item, about.instruction),
        "answer": item["target"],
        "metadata": metadata(item, about.name, index),
    }


def write(parts: Iterable[Any], about: About, folder: Path) -> None:
    """Write `<split>.jsonl`."""
    places: dict[str, Iterator[int]] = {}

    def line(item: dict[str, Any]) -> str:
        place = next(places.setdefault(item["split"], iter(range(2**63))))
        return json.dumps(entry(item, about, place), ensure_ascii=False)

    write_lines(parts, folder, ".jsonl", line)


class reasoning_gym_dataset:  # noqa: N801 - called like a function
    """A split with reasoning-gym's ways: `len(ds)`, `ds[i]`, `ds.score_answer(answer, entry)`.

    Parameters
    ----------
    split : Split
        Its items.
    about : About
        As `recursionlab.interop.about.about_dataset` gives it.
    """

    def __init__(self, split: Any, about: About) -> None:
        self.split, self.about = split, about

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.split)

    def __getitem__(self, i: int) -> dict[str, Any]:
        """Return item i: `question`, `answer`, `metadata`."""
        return entry(self.split[i], self.about, i)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go over the items."""
        return (self[i] for i in range(len(self)))

    def score_answer(self, answer: str | None, entry: dict[str, Any]) -> float:
        """Return 1 for the right tokens on the answer's last line, else 0."""
        return float(answer is not None and answer_of(answer) == entry["answer"])


def register_reasoning_gym(name: str, split: Any, about: About) -> None:
    """Make a split a dataset of reasoning-gym: `reasoning_gym.create_dataset(name, size=, seed=)`.

    A seed is an order of the split's items; a size beyond their number begins again.

    Parameters
    ----------
    name : str
        What to call it there.
    split : Split
        Its items.
    about : About
        As `recursionlab.interop.about.about_dataset` gives it.

    Raises
    ------
    MissingExtraError
        If the package reasoning-gym is not installed.
    """
    try:
        from reasoning_gym.dataset import ProceduralDataset
        from reasoning_gym.factory import register_dataset
    except ImportError:
        raise MissingExtraError(
            "register_reasoning_gym: needs the package reasoning-gym;"
            " pip install 'recursionlab[formats]'"
        ) from None
    items = reasoning_gym_dataset(split, about)

    @dataclass
    class Config:
        size: int = len(items)
        seed: int = 0

        def validate(self) -> None:
            if self.size < 1:
                raise InputError(f"size: expected at least 1, got {self.size}")

    class Dataset(ProceduralDataset):  # type: ignore[misc]
        def __init__(self, config: Config) -> None:
            super().__init__(config=config, seed=config.seed, size=config.size)

        def __getitem__(self, i: int) -> dict[str, Any]:
            place = _core.permute(len(items), i % len(items), 1, self.seed, 0)[0]
            return items[int(place)]

        def score_answer(self, answer: str | None, entry: dict[str, Any]) -> float:
            return items.score_answer(answer, entry)

    register_dataset(name, Dataset, Config)
