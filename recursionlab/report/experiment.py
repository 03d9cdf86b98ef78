"""The page of an experiment: variants and seeds side by side, and where each variant fails."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recursionlab.errors import FormatError
from recursionlab.files import read_json
from recursionlab.report.claims import claims_sections
from recursionlab.report.page import Page, Section, failure_table, how_many, percent, table
from recursionlab.report.run import (
    cost_row,
    curve_figures,
    error_table,
    machine_section,
    read_evaluations,
    read_metrics,
)
from recursionlab.report.shortcut import read_shortcut, shortcut_table

SHOWN = 40  # failures of a split on the page of an experiment


def experiment_page(folder: Path) -> Page:
    """Return the page of the experiment in a folder, from experiment.json and summary.json."""
    file = folder / "experiment.json"
    if not (folder / "summary.json").is_file():
        raise FormatError(f"{folder}: the experiment is not finished; run it again to go on")
    saved, summary = read_json(file), read_json(folder / "summary.json")
    try:
        return _page(folder, saved, summary)
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{file}: not the file of an experiment: {error!r}") from None


def _page(folder: Path, saved: Mapping[str, Any], summary: Mapping[str, Any]) -> Page:
    config = saved["config"]
    runs = [(v, s) for v in config["variants"] for s in config["seeds"]]
    names = summary["names"]
    page = Page(str(config["title"] or config["name"]), str(config["about"]))
    page.cards = [_card(row, names) for row in summary["results"]]
    page.sections = [
        *claims_sections(summary.get("claims", [])),
        Section("Where it fails", points=list(summary["findings"])),
        Section("Accuracy", figures=_figures(summary)),
        Section("Variants and seeds", tables=_tables(summary)),
        *_shortcuts(folder, runs),
        *_differences(summary),
        Section("Training", figures=_training(folder, runs)),
        Section("Failures", tables=_failures(folder, config, summary)),
        Section("Data", tables=_data_tables(folder, config)),
        Section(
            "Configuration",
            code=json.dumps(config, indent=2, ensure_ascii=False),
            code_title="Everything the results are a function of",
        ),
        machine_section(saved.get("threads")),
    ]
    costs = [cost_row(_run(folder, v, s), {"variant": v, "seed": str(s)}) for v, s in runs]
    page.sections.append(Section("How runs ended and what they cost", tables=[table(costs)]))
    times = saved.get("seconds", {})
    if times:
        rows = [{"part": k, "seconds": round(v, 1)} for k, v in times.items()]
        rows.append({"part": "sum; runs go side by side", "seconds": round(sum(times.values()), 1)})
        page.sections.append(Section("Time", tables=[table(rows)]))
    return page


def _card(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    spread = f"{percent(row['min_accuracy'])} to {percent(row['max_accuracy'])}"
    note = f"exact match; {row['seeds']} seeds: {spread}" if row["seeds"] > 1 else "exact match"
    return {
        "label": f"{row['variant']}: {names.get(row['split'], row['split'])}",
        "value": percent(row["rate"]),
        "note": note,
    }


def _figures(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a figure a split and column, a line a variant; sizes in and beyond training in one."""
    from recursionlab.plot import accuracy, new_axes, svg

    lines: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for variant, splits in summary["pooled"].items():
        for split, groups in splits.items():
            for by in summary["columns"][split]:
                name = split.replace("gen_size", "test") if by == "size" else split
                lines.setdefault((name, by), {}).setdefault(variant, []).extend(groups.get(by, []))
    out = []
    for (split, by), by_variant in lines.items():
        if max(map(len, by_variant.values())) < 2:
            continue
        ax = new_axes()
        for k, (variant, rows) in enumerate(by_variant.items()):
            rows = sorted(rows, key=lambda row: row["value"])
            accuracy(ax, rows, by=by, trained=summary["trained"].get(by), label=variant, style=k)
        about = summary["names"].get(split, split)
        if by == "size":
            about = about.replace("values of trained sizes", "and longer values")
        caption = f"Exact match by {by}: {about}; seeds together, 95 % Wilson interval."
        out.append({"svg": svg(ax), "caption": caption})
    return out


def _tables(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = {
        "variant": "variant",
        "split": "split",
        "seeds": "seeds",
        "n": "items",
        "rate": "exact match",
        "low": "interval from",
        "high": "to",
        "min_accuracy": "lowest seed",
        "max_accuracy": "highest seed",
        "token_accuracy": "token accuracy",
    }
    return [
        table(summary["results"], "All seeds together", names),
        table(summary["seeds"], "Each seed: exact match"),
    ]


def _differences(summary: Mapping[str, Any]) -> list[Section]:
    """Return whether the variants differ beyond the chance of seeds, split by split."""
    found = summary.get("comparisons", {})
    section = Section("Whether variants differ")
    for split, comparison in found.items():
        name = summary["names"].get(split, split)
        section.points += [f"{name}: {sentence}" for sentence in comparison["findings"]]
        title = f"{name} ({split}): exact match over seeds"
        section.tables.append(table(list(map(_over_seeds, comparison["configurations"])), title))
        section.tables.append(table(list(map(_test, comparison["tests"])), "Two by two"))
    return [section] if found else []


def _over_seeds(row: Mapping[str, Any]) -> dict[str, Any]:
    known = row["seeds"] > 1
    return {
        "configuration": row["configuration"],
        "seeds": row["seeds"],
        "mean": percent(row["mean"]),
        "95 % interval": f"{percent(row['low'])} to {percent(row['high'])}" if known else "unknown",
        "lowest seed": percent(row["min"]),
        "highest seed": percent(row["max"]),
    }


def _test(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "configuration": f"{row['second']} against {row['first']}",
        "difference of means": f"{100 * row['difference']:+.1f} points",
        "p": f"{row['p']:.2g}",
        "smallest p so few seeds allow": f"{row['least_p']:.2g}",
    }


def _run(folder: Path, variant: str, seed: int) -> Path:
    return folder / "runs" / variant / f"seed-{seed}"


def _training(folder: Path, runs: Sequence[tuple[str, int]]) -> list[dict[str, str]]:
    metrics = {f"{v}, seed {s}": read_metrics(_run(folder, v, s)) for v, s in runs}
    return curve_figures(metrics, {f"{v}, seed {s}": v for v, s in runs})


def _shortcuts(folder: Path, runs: Sequence[tuple[str, int]]) -> list[Section]:
    """Return the section about the shortcuts of all runs, if any was looked for."""
    found = {run: s for run in runs if (s := read_shortcut(_run(folder, *run)))}
    if not found:
        return []
    first = next((run for run, s in found.items() if s["found"]), next(iter(found)))
    return [
        Section(
            "Shortcuts",
            tables=[shortcut_table(found)],
            code=str(found[first]["shortcut"]["text"]),
            code_title=f"The rules and machines of {first[0]}, seed {first[1]}",
        )
    ]


def _failures(
    folder: Path, config: Mapping[str, Any], summary: Mapping[str, Any]
) -> list[dict[str, Any]]:
    out = []
    for variant, splits in summary["pooled"].items():
        seed = config["seeds"][0]
        found = read_evaluations(_run(folder, variant, seed))
        for split in splits:
            if split in found:
                e, by, title = found[split], summary["columns"][split], f"{variant}, {split}"
                out.append(error_table(e, f"{title}, seed {seed}: kinds of errors"))
                heading = f"{title}, seed {seed}: failures, {how_many(e, SHOWN)}"
                out.append(failure_table(e["failures"][:SHOWN], by, heading))
    return out


def _data_tables(folder: Path, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for variant in config["variants"]:
        file = folder / "data" / variant / "dataset.json"
        if not file.is_file():
            continue
        meta = read_json(file)
        shared = sum(meta["overlaps"].values())
        row = {"variant": variant, **{k: s["rows"] for k, s in meta["splits"].items()}}
        rows.append({**row, "values shared between splits": shared})
    return [table(rows, "Items of each split")]
