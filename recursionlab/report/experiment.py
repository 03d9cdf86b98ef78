"""The page of an experiment: variants and seeds side by side, and where each variant fails."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recursionlab.data.files import read_json
from recursionlab.errors import FormatError
from recursionlab.judge.evaluation import Evaluation
from recursionlab.report.page import Page, Section, failure_table, percent, table
from recursionlab.report.pool import failing, pool, share
from recursionlab.report.run import (
    SPLITS,
    curve_figures,
    distinct_columns,
    machine_section,
    read_evaluations,
    read_metrics,
)

Results = dict[str, dict[int, dict[str, Evaluation]]]  # variant, seed, split


def run_folder(folder: Path, variant: str, seed: int) -> Path:
    """Return where the run of a variant and a seed is."""
    return folder / "runs" / variant / f"seed-{seed}"


def read_results(folder: Path, config: Mapping[str, Any]) -> Results:
    """Return the evaluations of all finished runs."""
    out: Results = {}
    for variant in config["variants"]:
        out[variant] = {}
        for seed in config["seeds"]:
            run = run_folder(folder, variant, seed)
            if (run / "summary.json").is_file():
                out[variant][seed] = read_evaluations(run)
    return out


def summary_rows(results: Results) -> list[dict[str, Any]]:
    """Return one row a variant and split: pooled share, interval, lowest and highest seed."""
    rows = []
    for variant, seeds in results.items():
        for split in _splits(seeds):
            each = [e[split].overall for e in seeds.values() if split in e]
            pooled = share(sum(o["exact"] for o in each), sum(o["n"] for o in each))
            rates = [o["rate"] for o in each]
            tokens = sum(o["token_accuracy"] * o["n"] for o in each) / max(1, pooled["n"])
            rows.append(
                {
                    "variant": variant,
                    "split": split,
                    "seeds": len(each),
                    **pooled,
                    "min_accuracy": min(rates),
                    "max_accuracy": max(rates),
                    "token_accuracy": tokens,
                }
            )
    return rows


def _splits(seeds: Mapping[int, Mapping[str, Evaluation]]) -> list[str]:
    return list(dict.fromkeys(split for found in seeds.values() for split in found))


def seed_rows(results: Results) -> list[dict[str, Any]]:
    """Return one row a variant and seed, a column a split."""
    return [
        {
            "variant": variant,
            "seed": str(seed),
            **{f"{s} accuracy": e.accuracy for s, e in found.items()},
        }
        for variant, seeds in results.items()
        for seed, found in seeds.items()
    ]


def pooled_groups(
    seeds: Mapping[int, Mapping[str, Evaluation]], split: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the groups of a split, the seeds put together, by column."""
    found = [e[split] for e in seeds.values() if split in e]
    names = dict.fromkeys(name for e in found for name in e.groups)
    return {name: pool(e.groups.get(name, []) for e in found) for name in names}


def _failing_points(results: Results, goals: Mapping[str, float]) -> list[str]:
    out = []
    for variant, seeds in results.items():
        for split in _splits(seeds):
            groups = pooled_groups(seeds, split)
            for by in distinct_columns(groups):
                text = failing(groups[by], by, goals[variant])
                out.append(f"{variant}, {SPLITS.get(split, split)}: {text}.")
    return out


def _figures(results: Results) -> list[dict[str, str]]:
    """Return a figure a split and column, a line a variant; sizes in and beyond training in one."""
    from recursionlab.plot import accuracy, new_axes, svg

    lines: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    trained: dict[str, tuple[int, int]] = {}
    for variant, seeds in results.items():
        for split in _splits(seeds):
            groups = pooled_groups(seeds, split)
            for e in seeds.values():
                trained.update(e[split].trained if split in e else {})
            for by in dict.fromkeys(["size", *distinct_columns(groups)]):
                name = split.replace("gen_size", "test") if by == "size" else split
                lines.setdefault((name, by), {}).setdefault(variant, []).extend(groups.get(by, []))
    out = []
    for (split, by), by_variant in lines.items():
        if max(map(len, by_variant.values())) < 2:
            continue
        ax = new_axes()
        for k, (variant, rows) in enumerate(by_variant.items()):
            rows = sorted(rows, key=lambda row: row["value"])
            accuracy(ax, rows, by=by, trained=trained.get(by), label=variant, style=k)
        about = "all evaluated sizes" if by == "size" else SPLITS.get(split, split)
        caption = f"Exact match by {by}: {about}, all seeds together, 95 % Wilson interval."
        out.append({"svg": svg(ax), "caption": caption})
    return out


def experiment_page(folder: Path) -> Page:
    """Return the page of the experiment in a folder."""
    file = folder / "experiment.json"
    saved = read_json(file)
    try:
        config = saved["config"]
        results = read_results(folder, config)
        goals = {v: float(s["evaluate"]["goal"]) for v, s in config["variants"].items()}
        title, about = str(config["title"] or config["name"]), str(config["about"])
    except (KeyError, TypeError) as error:
        raise FormatError(f"{file}: not the file of an experiment: {error!r} is missing") from None
    page = Page(title, about)
    summary = summary_rows(results)
    page.cards = [_card(row) for row in summary]
    page.sections = [
        Section("Where it fails", points=_failing_points(results, goals)),
        Section("Accuracy", figures=_figures(results)),
        Section("Variants and seeds", tables=_tables(summary, results)),
        Section("Training", figures=_training(folder, results)),
        Section("Failures", tables=_failures(results)),
        Section("Data", tables=_data_tables(folder, config)),
        Section(
            "Configuration",
            code=json.dumps(config, indent=2, ensure_ascii=False),
            code_title="Everything the results are a function of",
        ),
        machine_section(saved.get("threads")),
    ]
    times = saved.get("seconds", {})
    if times:
        rows = [{"part": k, "seconds": round(v, 1)} for k, v in times.items()]
        page.sections.append(Section("Time", tables=[table(rows)]))
    return page


def _card(row: Mapping[str, Any]) -> dict[str, str]:
    spread = f"{percent(row['min_accuracy'])} to {percent(row['max_accuracy'])}"
    return {
        "label": f"{row['variant']}: {SPLITS.get(row['split'], row['split'])}",
        "value": percent(row["rate"]),
        "note": f"exact match; {row['seeds']} seeds: {spread}",
    }


def _tables(summary: Sequence[Mapping[str, Any]], results: Results) -> list[dict[str, Any]]:
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
    return [table(summary, "All seeds together", names), table(seed_rows(results), "Each seed")]


def _training(folder: Path, results: Results) -> list[dict[str, str]]:
    names = {f"{v}, seed {s}": (v, s) for v, seeds in results.items() for s in seeds}
    metrics = {name: read_metrics(run_folder(folder, *key)) for name, key in names.items()}
    return curve_figures(metrics, {name: key[0] for name, key in names.items()})


def _failures(results: Results) -> list[dict[str, Any]]:
    out = []
    for variant, seeds in results.items():
        for split in _splits(seeds):
            seed, found = next((s, e[split]) for s, e in seeds.items() if split in e)
            rows = found.failures(8)
            by = [b for b in distinct_columns(found.groups) if rows and b in rows[0]]
            out.append(failure_table(rows, by, f"{variant}, {split}, seed {seed}"))
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
