"""Sweeps: every point with every seed, side by side, down to one table and one figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recursionlab.errors import ConfigError
from recursionlab.experiments.config import Experiment, load_experiment
from recursionlab.experiments.results import read_results, run_folder, summarize
from recursionlab.experiments.run import run_all
from recursionlab.experiments.single import COST, DONE
from recursionlab.files import atomic_file, locked, read_json, write_json


@dataclass(frozen=True)
class Sweep:
    """What a sweep left: its folder, a row a point and split, a row a run and split, a figure."""

    folder: Path
    figure: Path
    points: list[dict[str, Any]]
    runs: list[dict[str, Any]]
    costs: list[dict[str, Any]]  # a row a run: seconds and memory, which are not the same again

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "output": str(self.folder),
            "figure": str(self.figure),
            "table": str(self.folder / "results.csv"),
            "points": self.points,
            "runs": self.runs,
            "costs": self.costs,
        }


def sweep(
    config: str | Path | Mapping[str, Any],
    *,
    output: str | Path | None = None,
    quick: bool = False,
    sets: Mapping[str, Any] | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> Sweep:
    """Run every point of a configuration's table [sweep] with every seed.

    A process a thread, each doing one run after another; what is finished is not done again.

    Parameters
    ----------
    config : str, path or mapping
        The name of an experiment, a TOML file, or its tables.
    output : path, optional
        The folder; `runs/NAME-sweep` if not given. An unfinished sweep in it is gone on with.
    quick : bool
        Put the table [experiment.quick] over the others.
    sets : mapping, optional
        Keys to set, such as `{"sweep.product.train.lr": [1e-3, 1e-4]}`.
    threads : int, optional
        Of all processes together; never changes a result.
    quiet : bool
        Print no progress.

    Returns
    -------
    Sweep
        Rows and figure; the same stand in `results.json`, `results.csv`, `runs.csv` and
        `figure.svg`, all functions of configuration and instruction set alone. What they cost is
        in `costs.csv`.

    Raises
    ------
    ConfigError
        If the configuration is not usable, or the folder holds an experiment of another one.
    """
    experiment = load_experiment(config, sets=sets, quick=quick)
    _refuse_split(experiment)
    folder = Path(output or f"runs/{experiment.name}-sweep")
    with locked(folder):
        run_all(experiment, folder, threads, quiet, pages=False)
        return _close(folder, experiment)


def _refuse_split(experiment: Experiment) -> None:
    """Refuse a figure of a split that no run evaluates, as far as the file tells."""
    wanted = experiment.sweep.split
    for settings in experiment.variants.values():
        named = settings.evaluate.splits
        if wanted and named and wanted not in named:
            raise ConfigError(f"sweep.split: {wanted!r} is not among evaluate.splits")


def _close(folder: Path, experiment: Experiment) -> Sweep:
    """Write the tables and the figure."""
    runs, costs = run_rows(folder, experiment)
    points = point_rows(runs, experiment)
    _write_csv(folder / "results.csv", points)
    _write_csv(folder / "runs.csv", runs)
    _write_csv(folder / "costs.csv", costs)
    write_json(folder / "results.json", {"points": points, "runs": runs})
    config = read_json(folder / "experiment.json")["config"]
    write_json(folder / "summary.json", summarize(read_results(folder, config), config))
    figure = _draw(folder, experiment, points)
    return Sweep(folder, figure, points, runs, costs)


def run_rows(
    folder: Path, experiment: Experiment
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a row a run and split, and a row a run of what it cost."""
    rows, costs = [], []
    keys = experiment.sweep.keys()
    for variant, point in experiment.points.items():
        for seed in experiment.config.seeds:
            where = run_folder(folder, variant, seed)
            summary = read_json(where / DONE)
            who = {"variant": variant, **{key: point.get(key) for key in keys}, "seed": seed}
            told = {key: summary[key] for key in ("status", "steps", "flops") if key in summary}
            for split, overall in summary["splits"].items():
                rows.append({**who, "split": split, **told, **_scores(overall)})
            cost = where / COST
            costs.append({**who, **(read_json(cost) if cost.is_file() else {})})
    return rows, costs


def _scores(overall: Mapping[str, Any]) -> dict[str, Any]:
    names = {"n": "n", "exact_match": "rate", "low": "low", "high": "high"}
    return {
        **{name: overall[key] for name, key in names.items()},
        "token_accuracy": overall["token_accuracy"],
    }


def point_rows(runs: Sequence[Mapping[str, Any]], experiment: Experiment) -> list[dict[str, Any]]:
    """Return a row a point and split: mean, deviation, lowest and highest over the seeds.

    `deviation` is that of a sample, over n - 1; 0 with a single seed.
    """
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in runs:
        groups.setdefault((row["variant"], row["split"]), []).append(row)
    out = []
    for (variant, split), rows in groups.items():
        rates = [row["exact_match"] for row in rows]
        mean = math.fsum(rates) / len(rates)
        squares = math.fsum((rate - mean) ** 2 for rate in rates)
        row = {"variant": variant, **{k: rows[0][k] for k in experiment.sweep.keys()}}
        row.update(split=split, seeds=len(rows), n=sum(r["n"] for r in rows), exact_match=mean)
        row.update(deviation=math.sqrt(squares / max(1, len(rates) - 1)))
        row.update(lowest=min(rates), highest=max(rates))
        for key in ("token_accuracy", "steps", "flops"):
            if key in rows[0]:
                row[key] = math.fsum(r[key] for r in rows) / len(rows)
        if "status" in rows[0]:
            row["diverged"] = sum(r["status"] == "diverged" for r in rows)
        out.append(row)
    return out


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV, all columns that any of them has."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_file(path) as file:
        file.write(out.getvalue())


def _draw(folder: Path, experiment: Experiment, points: Sequence[Mapping[str, Any]]) -> Path:
    """Draw the figure: lines over the first key, or a heat map of the first two."""
    from recursionlab.plot import svg
    from recursionlab.plot.sweep import sweep_figure

    split = experiment.sweep.split or (points[0]["split"] if points else "")
    shown = [row for row in points if row["split"] == split]
    if not shown:
        known = ", ".join(dict.fromkeys(row["split"] for row in points))
        raise ConfigError(f"sweep.split: no split {split!r} was evaluated; there are {known}")
    keys = experiment.sweep.keys()
    ax = sweep_figure(shown, keys, metric=experiment.sweep.metric, title=split)
    path = folder / "figure.svg"
    with atomic_file(path) as file:
        file.write(svg(ax) + "\n")
    return path
