"""The page of one run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recursionlab.errors import FormatError
from recursionlab.files import read_json
from recursionlab.report.page import Page, Section, failure_table, how_many, percent, table
from recursionlab.report.shortcut import read_shortcut, shortcut_section

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


def read_evaluations(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the evaluations in a run's folder by split, in the order of the summary.

    Raises
    ------
    FormatError
        If one is not whole.
    """
    found = {}
    for file in sorted(folder.glob("evaluation-*.json")):
        value = read_json(file)
        keys = ("split", "overall", "groups", "trained", "failures")
        if not isinstance(value, dict) or any(key not in value for key in keys):
            raise FormatError(f"{file}: not an evaluation")
        found[str(value["split"])] = value
    return found


ERROR_NAMES = {
    "kind": "kind of error",
    "n": "failures",
    "share_of_failures": "share of failures",
    "example": "smallest",
    "about": "the output is",
}


def error_table(evaluation: Mapping[str, Any], title: str = "") -> dict[str, Any]:
    """Return a table of the kinds of errors of an evaluation."""
    rows = [
        {**row, "share_of_failures": percent(row["share"])} for row in evaluation.get("errors", [])
    ]
    return table(rows, title, ERROR_NAMES, empty="No failures: every item is exactly right.")


def map_figures(found: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> list[Any]:
    """Return a map by size and depth of each split in which neither tells the other."""
    from recursionlab.plot import accuracy_map, new_axes, svg

    out = []
    for name, e in found.items():
        rows = e.get("grid", [])
        if len(rows) > max(len({row[c] for row in rows}) for c in ("size", "depth")) if rows else 0:
            ax = accuracy_map(new_axes(), rows, "size", "depth")
            caption = f"{names.get(name, name)} ({name}): exact match in percent by size and depth."
            out.append({"svg": svg(ax), "caption": caption})
    return out


def forced_table(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return free-running and teacher-forced accuracy side by side."""
    rows = [
        {
            "split": name,
            "exact match, free-running": percent(e["overall"]["rate"]),
            "teacher-forced": percent(e["forced"]["exact_match"]),
            "token accuracy, free-running": percent(e["overall"]["token_accuracy"]),
            "tokens, teacher-forced": percent(e["forced"]["token_accuracy"]),
        }
        for name, e in found.items()
        if e.get("forced")
    ]
    return table(rows, "Free-running beside teacher-forced") if rows else {}


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
            "On the validation split during training: exact match of free-running answers"
            + ("; token accuracy with teacher forcing." if groups is None else "."),
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


ENDS = {
    "diverged": "diverged: this is its last good state",
    "stopped early": "stopped early: nothing better came for as long as asked",
}


def cost_row(folder: Path, who: Mapping[str, str]) -> dict[str, str]:
    """Return how a run ended, how much it computed, and what that took; empty if not told."""
    summary, cost = (_optional(folder / name) for name in ("summary.json", "cost.json"))
    if "status" not in summary:
        return {}
    row = {
        **who,
        "ended": ENDS.get(str(summary["status"]), str(summary["status"])),
        "updates": f"{summary['steps']:,}",
        "FLOPs": f"{summary['flops']:.2e}",
    }
    if cost:
        row["seconds of training"] = f"{cost['train_seconds']:,.1f}"
        row["of evaluation"] = f"{cost['evaluate_seconds']:,.1f}"
        row["most memory"] = f"{cost['peak_bytes'] / 2**20:,.0f} MiB"
        row["GFLOP/s in training"] = f"{cost['flops_per_second'] / 1e9:.1f}"
    return row


def _status_card(cost: Mapping[str, str]) -> dict[str, str]:
    state, _, why = cost["ended"].partition(": ")
    spent = [cost["FLOPs"] + " FLOPs"]
    if "most memory" in cost:
        spent += [cost["seconds of training"] + " s", cost["most memory"]]
    note = f"{cost['updates']} updates; {', '.join(spent)}"
    return {"label": "training", "value": state, "note": f"{why}; {note}" if why else note}


def run_page(folder: Path) -> Page:
    """Return the page of the run in a folder."""
    from recursionlab.plot import accuracy, new_axes, svg

    settings = _optional(folder / "settings.json")
    summary = _optional(folder / "summary.json")
    names = dict(summary.get("names", {}))
    found = read_evaluations(folder)
    order = [name for name in dict.fromkeys([*summary.get("splits", {}), *found]) if name in found]
    seed = settings.get("seed", "unknown")
    page = Page(_title(settings, folder), f"Run {folder.name}, training seed {seed}.")
    figures, failures, tables = Section("Accuracy"), Section("Failures"), Section("All results")
    errors = Section("What is wrong")
    for name in order:
        e, about = found[name], names.get(name, name)
        page.cards.append(_card(about, e["overall"]))
        columns = summary.get("columns", {}).get(name, list(e["groups"]))
        for by in columns:
            rows, trained = e["groups"][by], e["trained"].get(by)
            if len(rows) > 1:
                ax = accuracy(new_axes(), rows, by=by, trained=trained)
                figures.figures.append({"svg": svg(ax), "caption": f"{about} ({name}), by {by}."})
        errors.tables.append(error_table(e, f"{name}: kinds of errors"))
        failures.tables.append(
            failure_table(e["failures"], columns, f"{name}: failures, {how_many(e)}")
        )
        for by, rows in e["groups"].items():
            tables.tables.append(table(rows, f"{name}, by {by}", {**GROUP_NAMES, "value": by}))
    figures.figures += map_figures({name: found[name] for name in order}, names)
    forced = forced_table({name: found[name] for name in order})
    if forced:
        figures.tables.append(forced)
    cost = cost_row(folder, {})
    if cost:
        section = Section("How the run ended and what it cost", tables=[table([cost])])
        page.cards.append(_status_card(cost))
    training = curve_figures({"run": read_metrics(folder)})
    shortcut = read_shortcut(folder)
    page.sections = [
        Section("Where it fails", points=list(summary.get("findings", []))),
        figures,
        *([shortcut_section(shortcut)] if shortcut else []),
        Section("Training", figures=training),
        errors,
        failures,
        tables,
        *([section] if cost else []),
        _config_section(settings, folder),
        machine_section(),
    ]
    return page


def _optional(file: Path) -> dict[str, Any]:
    """Return a JSON object, empty if there is no such file."""
    value = read_json(file) if file.is_file() else {}
    if not isinstance(value, dict):
        raise FormatError(f"{file}: expected a JSON object")
    return value


def _card(label: str, overall: Mapping[str, Any]) -> dict[str, str]:
    ends = f"{percent(overall['low'])} to {percent(overall['high'])}"
    return {
        "label": label,
        "value": percent(overall["rate"]),
        "note": f"exact match of {overall['n']:,}; 95 % interval {ends}",
    }


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
