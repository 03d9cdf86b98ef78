"""The part of a page that tells of a shortcut: rules, machines, figures, where they part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recursionlab.errors import FormatError
from recursionlab.files import read_json
from recursionlab.report.page import Section, percent, table

FIGURES = {
    "agreement": "same answer",
    "recall": "failures foreseen",
    "precision": "foreseen failures that occur",
    "letter": "wrong outputs to the letter",
}


def read_shortcut(folder: Path) -> dict[str, Any]:
    """Return what was found of a run's shortcut; empty if none was looked for."""
    file = folder / "shortcut.json"
    if not file.is_file():
        return {}
    value = read_json(file)
    if not isinstance(value, dict) or not {"found", "shortcut", "overall"} <= set(value):
        raise FormatError(f"{file}: not the file of a shortcut")
    return value


def shortcut_section(found: Mapping[str, Any]) -> Section:
    """Return the section about one run's shortcut."""
    about = (
        f"Machines and rules were chosen on {found['fitted']:,} values by description length "
        f"({found['bits']:,.0f} bits; the function itself: {found['bits_true']:,.0f}) and judged "
        f"on {found['held']:,} others."
    )
    section = Section("Shortcut", text=[about])
    if not found["found"]:
        section.points = ["No shortcut: the function itself describes the answers best."]
    section.tables = [
        table(
            [
                _figures("the rules", found["overall"]),
                *(_figures(name, f) for name, f in found["baselines"].items()),
            ],
            "On values that did not choose the rules",
        )
    ]
    for by, rows in found["strata"].items():
        section.tables.append(table([_figures(r["value"], r, by) for r in rows], f"By {by}"))
    section.tables.append(table(found["remaining"], "Wrong outputs not foreseen to the letter"))
    section.code, section.code_title = (
        str(found["shortcut"]["text"]),
        "The rules and their machines",
    )
    return section


def shortcut_table(runs: Mapping[tuple[str, int], Mapping[str, Any]]) -> dict[str, Any]:
    """Return a row a run: variant, seed and the figures."""
    rows = []
    for (variant, seed), found in runs.items():
        row = {"variant": variant, "seed": str(seed), "shortcut": "yes" if found["found"] else "no"}
        rows.append({**row, **_figures("", found["overall"], None)})
    return table(rows, "On values that did not choose the rules")


def _figures(value: Any, found: Mapping[str, Any], by: str | None = "") -> dict[str, Any]:
    row: dict[str, Any] = {} if by is None else {by or "what": str(value)}
    for key, name in FIGURES.items():
        f = found[key]
        row[name] = "" if f["rate"] is None else f"{percent(f['rate'])} of {f['n']:,}"
    return row
