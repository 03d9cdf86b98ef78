"""The table of claims: of one experiment's page, and the page of all experiments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recursionlab.errors import FormatError
from recursionlab.files import read_json
from recursionlab.report.page import Page, Section, table

RULE = (
    "Supported: the 95 % interval of the mean over seeds (Student's t) keeps the bound as a whole; "
    "not supported: it breaks it as a whole; undecided otherwise, and with one seed. "
    "The bounds are part of the configuration."
)


def claims_sections(claims: Sequence[Mapping[str, Any]]) -> list[Section]:
    """Return the section with the table of claims, if there are any."""
    if not claims:
        return []
    rows = [
        {
            **({"experiment": c["experiment"]} if "experiment" in c else {}),
            "claim": c["claim"],
            "source": c["source"],
            "measured": c["measured"],
            "seeds": len(c["values"]),
            "mean": "" if c["mean"] is None else f"{c['mean']:.3f}",
            "95 % interval": "" if c["low"] is None else f"{c['low']:.3f} to {c['high']:.3f}",
            "verdict": c["verdict"],
        }
        for c in claims
    ]
    return [Section("Claims", text=[RULE], tables=[table(rows)])]


def claims_page(folder: Path) -> Page:
    """Return the page of all experiments in a folder, from its claims.json."""
    file = folder / "claims.json"
    saved = read_json(file)
    try:
        counts = Counter(str(c["verdict"]) for c in saved["claims"])
        sections = claims_sections(saved["claims"])
        about = f"Experiments: {', '.join(saved['experiments'])}."
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{file}: not a table of claims: {error!r}") from None
    kind = ", small forms" if saved.get("quick") else ""
    page = Page(f"Claims{kind}", about)
    page.cards = [
        {"label": name, "value": str(counts[name]), "note": "claims"}
        for name in ("supported", "not supported", "undecided")
    ]
    page.sections = sections
    return page
