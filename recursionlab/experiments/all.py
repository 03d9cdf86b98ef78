"""Every experiment of the library in one folder, and one table of all claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recursionlab.experiments.config import HERE, load_experiment
from recursionlab.experiments.run import Outcome, reproduce
from recursionlab.files import read_json, write_json


def reproduce_all(
    *,
    output: str | Path | None = None,
    quick: bool = False,
    threads: int | None = None,
    quiet: bool = False,
) -> Outcome:
    """Run every experiment that makes a claim and needs nothing of the user's; resumable.

    Parameters
    ----------
    output : path, optional
        The folder; `runs/all` if not given. Each experiment has a folder in it.
    quick : bool
        The small form of every experiment.
    threads : int, optional
        Never changes a result.
    quiet : bool
        Print no progress.

    Returns
    -------
    Outcome
        `rows` is the table of claims.
    """
    from recursionlab.report import write_report

    folder = Path(output or f"runs/all{'-quick' if quick else ''}")
    known = {f.stem: load_experiment(f).config for f in sorted(HERE.glob("*.toml"))}
    names = [name for name, config in known.items() if config.claims and not config.needs]
    rows: list[dict[str, Any]] = []
    for name in names:
        if not quiet:
            print(f"{name}:", flush=True)
        reproduce(name, output=folder / name, quick=quick, threads=threads, quiet=quiet)
        claims = read_json(folder / name / "summary.json")["claims"]
        rows += [{"experiment": name, **claim} for claim in claims]
        write_json(folder / "claims.json", {"quick": quick, "experiments": names, "claims": rows})
    return Outcome(folder, write_report(folder), rows)
