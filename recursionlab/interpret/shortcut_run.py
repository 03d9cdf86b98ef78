"""The shortcut of a trained run, and of predictions in a file: from folders to a reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recursionlab.data.dataset import Dataset, Split
from recursionlab.data.values import Source
from recursionlab.errors import InputError
from recursionlab.interpret.shortcut import Reconstruction, reconstruct
from recursionlab.interpret.shortcut_data import stress

__all__ = ["reconstruct_run", "stress_of"]


def reconstruct_run(
    answers: Any,
    data: Dataset,
    split: Split,
    *,
    columns: Sequence[str] = ("size",),
    threads: int | None = None,
    **options: Any,
) -> Reconstruction:
    """Name the shortcut behind answers to a split of values of a data set's function.

    Parameters
    ----------
    answers : Run or predictions
        Whatever `reconstruct` takes.
    data : Dataset
        It says which function, types and encoding.
    split : Split
        Of the data set, or what `stress_of` gives.
    columns : sequence of str
        To report by.
    threads : int, optional
        Changes no result.
    **options
        As for `reconstruct`: `size part seed measures`.
    """
    check(data)
    config = data.config
    function = Source(Source.loads(data.program, config.program), config).function
    return reconstruct(
        function,
        answers,
        split,
        by=columns,
        threads=threads,
        encoding=config.encoding,
        order=config.order,
        renames=config.renames or None,
        **options,
    )


def stress_of(data: Dataset, items: int, by: str = "", threads: int | None = None) -> Split:
    """Return values of a data set's function, far apart in rank, that were not trained on."""
    check(data)
    return stress(data.config, data.program, items, by=by, without=data["train"], threads=threads)


def check(data: Dataset) -> None:
    """Refuse data whose items are no plain values."""
    config = data.config
    if config.task != "value" or config.index_hints or config.filler:
        raise InputError(
            "data: expected the task value without index hints or filler tokens; a shortcut maps"
            f" values to values, got the task {config.task}"
        )
