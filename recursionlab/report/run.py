"""The page of one run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recursionlab.data.files import read_json
from recursionlab.errors import FormatError
from recursionlab.judge.evaluation import Evaluation
from recursionlab.report.page import Page, Section, failure_table, percent, table
from recursionlab.report.pool import failing

SPLITS = {
    "test": "held-out values of trained sizes",
    "gen_size": "sizes beyond training",
    "gen_depth": "deeper than training",
    "test-rollout": "held-out values, step by step to the end",
    "gen_size-rollout": "sizes beyond training, step by step to the end",
    "gen_depth-rollout": "deeper than training, step by step to the end",
}
GROUP_NAMES = {
    "value": "",
    "n": "items",
    "exact": "exact",
    "rate": "exact match",
    "low": "interval from",
    "high": "to",
    "token_accuracy": "token accuracy",
}


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's metrics.jsonl; none if there is no such file."""
    file = folder / "metrics.jsonl"
    if not file.is_file():
        return []
    rows = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            raise FormatError(f"{file}:{number}: not JSON; the file may be truncated") from None
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            raise FormatError(f"{file}:{number}: expected an object with a step")
        rows.append(row)
    return rows


def read_evaluations(folder: Path) -> dict[str, Evaluation]:
    """Return the evaluations in a run's folder by split."""
    found = (Evaluation.load(f) for f in sorted(folder.glob("evaluation-*.json")))
    by_split = {e.split: e for e in found}
    order = [*SPLITS, *by_split]
    return {name: by_split[name] for name in dict.fromkeys(order) if name in by_split}


def points(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """Return (step, value) of the rows that have a finite number under `key`."""
    return [
        (row["step"], row[key])
        for row in rows
        if isinstance(row.get(key), (int, float)) and abs(row[key]) < 1e300
    ]


def curve_figures(
    metrics: Mapping[str, Sequence[Mapping[str, Any]]], groups: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Return figures of loss and exact match against the training step.

    Parameters
    ----------
    metrics : mapping
        Rows of metrics by run.
    groups : mapping, optional
        The variant of each run, where there are several: one colour a variant.
    """
    from recursionlab.plot import curves, new_axes, svg

    loss = {name: points(rows, "loss") for name, rows in metrics.items()}
    match = {name: points(rows, "valid_exact_match") for name, rows in metrics.items()}
    if groups is None:
        (rows,) = metrics.values()
        loss = {"training": points(rows, "loss"), "validation": points(rows, "valid_loss")}
        match = {
            "exact match": points(rows, "valid_exact_match"),
            "token accuracy": points(rows, "valid_token_accuracy"),
        }
    kinds = (
        (loss, {"ylabel": "loss (nats a token)", "log": True}, "Loss during training."),
        (
            match,
            {"ylabel": "share of validation items", "share": True},
            "Accuracy on the validation split during training, with teacher forcing.",
        ),
    )
    out = []
    for lines, options, caption in kinds:
        if any(len(line) > 1 for line in lines.values()):
            ax = curves(new_axes(), lines, groups=groups, **options)  # type: ignore[arg-type]
            more = (
                " A line a seed."
                if groups is not None and len(lines) > len(set(groups.values()))
                else ""
            )
            out.append({"svg": svg(ax), "caption": caption + more})
    return out


def machine_section(threads: Any = None) -> Section:
    """Return machine and versions."""
    import matplotlib
    import pyarrow

    from recursionlab.machine import describe

    facts = {**describe(), "pyarrow": pyarrow.__version__, "matplotlib": matplotlib.__version__}
    if threads:
        facts["threads"] = threads
    rows = [{"what": k, "value": str(v)} for k, v in facts.items()]
    return Section("Machine and versions", tables=[table(rows, names={"what": "", "value": ""})])


def distinct_columns(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the columns worth a figure: not one value only, not the same as an earlier one."""
    seen: list[Any] = []
    names = []
    for name, rows in groups.items():
        key = [(r["n"], r["exact"]) for r in rows]
        if len(rows) > 1 and key not in seen:
            names.append(name)
            seen.append(key)
    return names


def run_page(folder: Path) -> Page:
    """Return the page of the run in a folder."""
    from recursionlab.plot import accuracy, new_axes, svg

    settings = read_json(folder / "settings.json") if (folder / "settings.json").is_file() else {}
    evaluations = read_evaluations(folder)
    goal = float(settings.get("settings", {}).get("evaluate", {}).get("goal", 0.99))
    page = Page(
        _title(settings, folder), f"Run in {folder}, seed {settings.get('seed', 'unknown')}."
    )
    for name, e in evaluations.items():
        page.cards.append(
            {
                "label": SPLITS.get(name, name),
                "value": percent(e.accuracy),
                "note": f"exact match of {e.overall['n']:,}; 95 % interval "
                f"{percent(e.overall['low'])} to {percent(e.overall['high'])}",
            }
        )
    where = Section("Where it fails")
    figures = Section("Accuracy")
    for name, e in evaluations.items():
        for by in distinct_columns(e.groups):
            rows = e.groups[by]
            where.points.append(f"{SPLITS.get(name, name)}: {failing(rows, by, goal)}.")
            ax = accuracy(new_axes(), rows, by=by, trained=e.trained.get(by))
            figures.figures.append(
                {"svg": svg(ax), "caption": f"{SPLITS.get(name, name)} ({name}), by {by}."}
            )
    page.sections += [where, figures]
    training = curve_figures({"run": read_metrics(folder)})
    page.sections.append(Section("Training", figures=training))
    failures = Section("Failures")
    tables = Section("All results")
    for name, e in evaluations.items():
        by_names = [b for b in e.groups if e.failed and b in e.failed[0]]
        failures.tables.append(failure_table(e.failures(15), by_names, f"{name}: first failures"))
        for by, rows in e.groups.items():
            tables.tables.append(table(rows, f"{name}, by {by}", {**GROUP_NAMES, "value": by}))
    page.sections += [failures, tables, _config_section(settings, folder), machine_section()]
    return page


def _title(settings: Mapping[str, Any], folder: Path) -> str:
    data = settings.get("settings", {}).get("data", {})
    if not data:
        return f"Run {folder.name}"
    parts = (str(data.get(key, "")) for key in ("task", "encoding", "order"))
    return f"{data.get('function')}: {', '.join(parts)} order"


def _config_section(settings: Mapping[str, Any], folder: Path) -> Section:
    shown = dict(settings)
    if (folder / "config.json").is_file():
        shown["config.json"] = read_json(folder / "config.json")
    text = json.dumps(shown, indent=2, ensure_ascii=False)
    return Section("Configuration", code=text, code_title="Everything the run is a function of")
