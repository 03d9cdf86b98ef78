"""Reports: one self-contained HTML page a run or an experiment, made from its files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recursionlab.errors import FormatError, InputError

__all__ = ["write_report"]


def write_report(folder: str | Path, output: str | Path | None = None) -> Path:
    """Write `report.html` for the folder of a run or of an experiment.

    Parameters
    ----------
    folder : path
        Where the run or experiment was written.
    output : path, optional
        The folder the page goes to; the same one if not given.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    FormatError
        If the folder is neither, or a file in it is not whole.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    page: Any
    if (folder / "experiment.json").is_file():
        from recursionlab.report.experiment import experiment_page

        page = experiment_page(folder)
    elif (folder / "claims.json").is_file():
        from recursionlab.report.claims import claims_page

        page = claims_page(folder)
    elif (folder / "settings.json").is_file() or (folder / "metrics.jsonl").is_file():
        from recursionlab.report.run import run_page

        page = run_page(folder)
    else:
        raise FormatError(
            f"{folder}: neither a run nor an experiment: no settings.json, no experiment.json"
        )
    out: Path = page.save(Path(output or folder) / "report.html")
    return out
