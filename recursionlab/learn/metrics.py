"""Metrics of a run, one JSON object a line: appended as it goes, cut back when it resumes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recursionlab import files
from recursionlab.errors import FormatError


class Metrics:
    """Rows of metrics in memory and, where a path is given, in a file.

    Rows of training have `step epoch loss grad_norm lr tokens`, rows of evaluation
    `step valid_loss valid_token_accuracy valid_exact_match`. They hold no time, so that a run that
    was resumed leaves the same bytes; see `timing.jsonl` for that.

    Parameters
    ----------
    path : Path or None
        The file; None keeps the rows in memory alone.

    Examples
    --------
    >>> metrics = Metrics(None)
    >>> metrics.append({"step": 1, "loss": 2.0})
    >>> metrics.rows
    [{'step': 1, 'loss': 2.0}]
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []

    def append(self, row: dict[str, Any]) -> None:
        """Add a row at the end."""
        self.rows.append(row)
        if self.path is not None:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(_line(row))

    def sync(self) -> None:
        """Flush the file to the disk."""
        if self.path is not None and self.path.exists():
            files.sync(self.path)

    def cut(self, step: int) -> None:
        """Read the file and keep the rows of updates up to `step`, on the disk too.

        A last line without an end, as a killed process leaves it, is dropped.

        Parameters
        ----------
        step : int
            Updates made at the checkpoint from which the run goes on.

        Raises
        ------
        FormatError
            If a whole line is not a row of metrics.
        """
        assert self.path is not None
        self.rows = [row for row in read_metrics(self.path) if row["step"] <= step]
        with files.atomic_file(self.path) as out:
            out.writelines(_line(row) for row in self.rows)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a metrics file; a missing file has none.

    Raises
    ------
    FormatError
        If a whole line is not a JSON object with a `step`.
    """
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:-1], 1):
        try:
            row = json.loads(line)
            rows.append({**row, "step": int(row["step"])})
        except (ValueError, TypeError, KeyError) as error:
            raise FormatError(
                f"{path}:{number}: expected a row of metrics, got {line!r}"
            ) from error
    return rows


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row) + "\n"
