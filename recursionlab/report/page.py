"""One self-contained HTML page from plain data: cards, findings, figures, tables. No network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from recursionlab.files import atomic_file


@dataclass
class Section:
    """A part of a page; every part of it is optional."""

    title: str
    text: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)  # svg, caption
    tables: list[dict[str, Any]] = field(default_factory=list)  # made by `table`
    code: str = ""
    code_title: str = ""
    open: bool = False


@dataclass
class Page:
    """A page: title, cards with the main figures, sections."""

    title: str
    subtitle: str = ""
    cards: list[dict[str, str]] = field(default_factory=list)  # label, value, note
    sections: list[Section] = field(default_factory=list)

    @property
    def browses(self) -> bool:
        """Whether a table of the page can be searched, which takes a script."""
        return any(table.get("browse") for s in self.sections for table in s.tables)

    def render(self) -> str:
        """Return the page as HTML; everything but our own figures is escaped."""
        import jinja2

        source = resources.files("recursionlab.report").joinpath("page.html").read_text("utf-8")
        environment = jinja2.Environment(
            autoescape=True, trim_blocks=True, undefined=jinja2.ChainableUndefined
        )
        return environment.from_string(source).render(page=self)

    def save(self, path: str | Path) -> Path:
        """Write the page, whole or not at all."""
        text = self.render()
        with atomic_file(path) as out:
            out.write(text)
        return Path(path)


def table(
    rows: Sequence[Mapping[str, Any]],
    title: str = "",
    names: Mapping[str, str] | None = None,
    empty: str = "none",
) -> dict[str, Any]:
    """Return a table of rows; `rate`, `low`, `high` and `..._accuracy` are shown in percent.

    Parameters
    ----------
    rows : sequence of mappings
        Their keys are the columns.
    title : str
        Above the table.
    names : mapping, optional
        Keys to show, in order, and what to call them.
    empty : str
        Shown where there are no rows.
    """
    names = names or {key: key for row in rows for key in row}
    numbers = {k for k in names if any(_is_number(r.get(k)) for r in rows)}
    return {
        "title": title,
        "empty": empty,
        "columns": [{"name": v, "number": k in numbers} for k, v in names.items()],
        "rows": [[_cell(k, row.get(k, "")) for k in names] for row in rows],
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(key: str, value: Any) -> dict[str, Any]:
    if not _is_number(value):
        return {"text": str(value), "kind": ""}
    share = key in ("rate", "low", "high") or key.endswith("accuracy")
    return {"text": percent(value) if share else f"{value:,.6g}", "kind": "number"}


def percent(share: float) -> str:
    """Return a share as text; 100 % and 0 % only where they are exact.

    Examples
    --------
    >>> percent(0.99999), percent(1.0), percent(0.123)
    ('> 99.9 %', '100 %', '12.3 %')
    """
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    if share > 0.9995:
        return "> 99.9 %"
    return "< 0.1 %" if share < 0.0005 else f"{share * 100:.1f} %"


def how_many(evaluation: Mapping[str, Any], most: int | None = None) -> str:
    """Return in words which of a split's failures a page shows, at most `most`.

    Examples
    --------
    >>> how_many({"failures": [{}, {}], "overall": {"n": 9, "exact": 2}})
    'the smallest 2 of 7'
    >>> how_many({"failures": [{}, {}], "overall": {"n": 9, "exact": 7}})
    'smallest first'
    """
    shown = len(evaluation["failures"][:most])
    failed = evaluation["overall"]["n"] - evaluation["overall"]["exact"]
    return f"the smallest {shown:,} of {failed:,}" if shown < failed else "smallest first"


def failure_table(
    rows: Sequence[Mapping[str, Any]], by: Sequence[str], title: str = ""
) -> dict[str, Any]:
    """Return a table of failures: input, expected, got, the first wrong token marked.

    Where the rows have a `kind`, it can be searched and filtered by kind, in the page itself.
    """
    kinds = sorted({str(row["kind"]) for row in rows if row.get("kind")})
    by = [*by, "kind"] if kinds else by
    columns = [*by, "input", "expected", "got"]
    out = []
    for row in rows:
        cells = [_cell(k, row.get(k, "")) for k in by]
        for key in ("input", "expected", "got"):
            at = row.get("first_wrong", -1) if key != "input" else -1
            cells.append({"kind": "tokens", "words": _words(str(row.get(key, "")), at)})
        cells[0]["row_kind"] = row.get("kind", "")
        out.append(cells)
    return {
        "title": title,
        "empty": "No failures: every item is exactly right.",
        "browse": kinds,
        "columns": [{"name": c, "number": c in by and c != "kind"} for c in columns],
        "rows": out,
    }


def _words(text: str, at: int) -> list[dict[str, Any]]:
    words = [{"text": w, "wrong": i == at} for i, w in enumerate(text.split())]
    if at >= len(words):
        words.append({"text": "(end)", "wrong": True})
    return words
