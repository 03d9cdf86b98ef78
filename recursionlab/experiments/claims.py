"""Claims of the papers as rows of a configuration: what is measured, by which rule it is judged.

A claim names one number of every run, or the difference of two variants seed by seed, and a bound.
The rule is the same for all: supported if the whole 95 % interval of the mean over seeds keeps the
bound, not supported if the whole interval breaks it, undecided otherwise and with one seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recursionlab.config import build, suggest
from recursionlab.errors import ConfigError
from recursionlab.experiments.opened import NUMBERS
from recursionlab.files import read_json
from recursionlab.judge import Evaluation
from recursionlab.judge.student import interval

__all__ = ["Claim", "claims_of", "judge", "measured", "verdict"]

SHORTCUT = ("agreement", "recall", "precision", "letter")
MEASURES = (
    "exact",
    "tokens",
    *(f"shortcut.{name}" for name in (*SHORTCUT, "found")),
    *(f"opened.{name}" for name in NUMBERS),
)


@dataclass(frozen=True)
class Claim:
    """One claim: a table [experiment.claims.NAME]."""

    text: str = ""  # the claim, as a sentence
    source: str = ""  # where it is made, and in which part of it; or "this library"
    variant: str = ""  # whose runs are measured
    than: str = ""  # a variant whose value is taken off, seed by seed
    measure: str = "exact"  # exact, tokens (shares of a split), shortcut.recall, opened.swapped ...
    split: str = "test"  # of exact and tokens
    by: str = ""  # a column by which the split was evaluated: only `values` of it are counted
    values: str = ""  # of that column: "3", "4..9", "10..", "..9"
    failing: float = 1.0  # only runs with at most this exact match on the split `stress`
    relation: str = "at least"  # at least or at most
    bound: float = 0.0  # what the value is held against

    def validate(self) -> None:
        """Refuse what cannot be measured."""
        if not self.text or not self.source:
            raise ConfigError("claims: expected a text and a source for every claim")
        if self.measure not in MEASURES:
            raise ConfigError(
                f"claims: no measure {self.measure!r}{suggest(self.measure, MEASURES)}"
            )
        if self.relation not in ("at least", "at most"):
            raise ConfigError(f"claims: expected at least or at most, got {self.relation!r}")
        if bool(self.by) != bool(self.values):
            raise ConfigError("claims: expected `by` and `values` together")
        if self.by and self.measure != "exact":
            raise ConfigError("claims: expected `by` only with the measure exact")
        _ends(self.values or "0")


def claims_of(table: Mapping[str, Any], variants: Sequence[str]) -> dict[str, Claim]:
    """Return the claims of a table by name, each checked against the variants there are."""
    out = {}
    for name, row in table.items():
        if not isinstance(row, Mapping):
            raise ConfigError(f"experiment.claims.{name}: expected a table, got {row!r}")
        claim = build(Claim, row, f"experiment.claims.{name}")
        for variant in (claim.variant, claim.than):
            if variant not in ("", *variants) or (not variant and variant is claim.variant):
                raise ConfigError(
                    f"experiment.claims.{name}: no variant {variant!r}{suggest(variant, variants)}"
                )
        out[name] = claim
    return out


def verdict(claim: Claim, values: Sequence[float]) -> str:
    """Return supported, not supported or undecided.

    Examples
    --------
    >>> verdict(Claim(relation="at least", bound=0.5), [0.9, 0.91, 0.92])
    'supported'
    >>> verdict(Claim(relation="at least", bound=0.5), [0.9])
    'undecided'
    """
    ends = interval(values)
    if ends is None:
        return "undecided"
    sign = 1 if claim.relation == "at least" else -1
    low, high = sorted(sign * (end - claim.bound) for end in ends)
    return "supported" if low >= 0 else "not supported" if high < 0 else "undecided"


def judge(folder: Path, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a claim of an experiment's folder.

    Returns
    -------
    list of dict
        `name claim source measured values mean low high verdict`; `values` by seed.
    """
    rows = []
    claims = claims_of(config.get("claims", {}), list(config["variants"]))
    for name, claim in claims.items():
        values = {}
        for seed in config["seeds"]:
            found = [
                _value(folder / "runs" / variant / f"seed-{seed}", claim)
                for variant in (claim.variant, claim.than)
                if variant
            ]
            if None not in found:
                values[str(seed)] = found[0] - sum(found[1:])
        seen = list(values.values())
        ends = interval(seen) or (None, None)
        rows.append(
            {
                "name": name,
                "claim": claim.text,
                "source": claim.source,
                "measured": measured(claim),
                "values": values,
                "mean": sum(seen) / len(seen) if seen else None,
                "low": ends[0],
                "high": ends[1],
                "verdict": verdict(claim, seen),
            }
        )
    return rows


def measured(claim: Claim) -> str:
    """Say in words what is measured and what it is held against."""
    where = f" with {claim.by} {claim.values}" if claim.by else ""
    names = {"exact": "exact match", "tokens": "token accuracy"}
    names |= {f"opened.{name}": about for name, about in NUMBERS.items()}
    name = names.get(claim.measure, claim.measure)
    place = "" if "." in claim.measure else f" on {claim.split}{where}"
    less = f" minus that of {claim.than}" if claim.than else ""
    only = f", runs right on at most {claim.failing:.0%} of `stress`" if claim.failing < 1 else ""
    return f"{claim.variant}: {name}{place}{less} {claim.relation} {claim.bound:g}{only}"


def _value(run: Path, claim: Claim) -> Any:
    """Return what a claim measures of a run; None where the run is not counted."""
    if not (run / "summary.json").is_file():
        return None
    summary = read_json(run / "summary.json")
    if claim.failing < 1 and _right(run) > claim.failing:
        return None
    part, dot, key = claim.measure.partition(".")
    if dot:
        value = summary.get(part, {}).get(key)
        return (
            value["rate"] if isinstance(value, Mapping) else None if value is None else float(value)
        )
    file = run / f"evaluation-{claim.split}.json"
    if not file.is_file():
        return None
    evaluation = Evaluation.load(file)
    if claim.measure == "tokens":
        return evaluation.overall["token_accuracy"]
    if not claim.by:
        return evaluation.accuracy
    low, high = _ends(claim.values)
    rows = [r for r in evaluation.groups.get(claim.by, []) if low <= r["value"] <= high]
    n = sum(r["n"] for r in rows)
    return sum(r["exact"] for r in rows) / n if n else None


def _right(run: Path) -> float:
    """Return exact match on the values on which a shortcut was looked for; 1 if it was not."""
    file = run / "evaluation-stress.json"
    return Evaluation.load(file).accuracy if file.is_file() else 1.0


def _ends(text: str) -> tuple[float, float]:
    """Return the ends of `3`, `4..9`, `10..` or `..9`."""
    low, dots, high = text.partition("..")
    try:
        first = int(low) if low else -math.inf
        return first, (int(high) if high else math.inf) if dots else first
    except ValueError:
        raise ConfigError(f"claims: expected values such as 4..9 or 10.., got {text!r}") from None
