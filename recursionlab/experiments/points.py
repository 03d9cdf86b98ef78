"""The table [sweep]: which keys vary, over which values, and the points that makes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recursionlab.config import check_keys, flatten, plain, set_key
from recursionlab.errors import ConfigError

VARIED = ("data", "model", "train", "evaluate")
METRICS = ("exact_match", "token_accuracy", "steps", "flops")
MOST = 10_000  # points of a sweep


@dataclass(frozen=True)
class SweepConfig:
    """The table [sweep]: every one of `points` at every combination of `product`.

    Examples
    --------
    >>> sweep = SweepConfig(product={"train": {"lr": [0.1, 0.2]}}, points=({"model.d_model": 8},))
    >>> sweep.validate()
    >>> sweep.all_points()
    [{'model.d_model': 8, 'train.lr': 0.1}, {'model.d_model': 8, 'train.lr': 0.2}]
    """

    product: dict[str, Any] = field(default_factory=dict)  # key: its values; every combination
    points: tuple[Any, ...] = ()  # tables of keys and values, a point each
    split: str = ""  # of the figure; the first that is evaluated if empty
    metric: str = "exact_match"  # of the figure: exact_match, token_accuracy, steps or flops

    def validate(self) -> None:
        """Refuse what makes no points, or two that are the same."""
        for key, values in flatten(self.product).items():
            _check_key(key)
            if not isinstance(values, (list, tuple)) or not values:
                raise ConfigError(f"sweep.product: expected a list of values for {key!r}")
        for number, entry in enumerate(self.points):
            if not isinstance(entry, Mapping) or not entry:
                raise ConfigError(
                    f"sweep.points[{number}]: expected a table of keys, got {entry!r}"
                )
            for key in flatten(entry):
                _check_key(key)
                if key in flatten(self.product):
                    raise ConfigError(f"sweep: {key!r} is in both product and points; keep one")
        if self.metric not in METRICS:
            raise ConfigError(
                f"sweep.metric: expected one of {', '.join(METRICS)}, got {self.metric!r}"
            )
        if not isinstance(self.split, str):
            raise ConfigError(f"sweep.split: expected the name of a split, got {self.split!r}")
        made = self.all_points()
        for number, point in enumerate(made):
            if point in made[:number]:
                raise ConfigError(f"sweep: the point {label(point)} comes twice")

    def all_points(self) -> list[dict[str, Any]]:
        """Return the points as dotted keys and values; the one empty point if nothing varies."""
        keys = flatten(self.product)
        entries = [flatten(entry) for entry in self.points] or [{}]
        count = len(entries)
        for values in keys.values():
            count *= len(values)
        if count > MOST:
            raise ConfigError(f"sweep: expected at most {MOST} points, got {count}")
        return [
            {**entry, **dict(zip(keys, values, strict=True))}
            for entry in entries
            for values in itertools.product(*keys.values())
        ]

    def keys(self) -> list[str]:
        """Return the keys that vary, in the order written."""
        return list(dict.fromkeys(key for point in self.all_points() for key in point))


def _check_key(key: str) -> None:
    table, dot, rest = key.partition(".")
    check_keys({table: None}, VARIED, "sweep")
    if not dot or not rest:
        raise ConfigError(f"sweep: {key!r}: expected a key such as train.lr, not a whole table")
    if key == "train.seed":
        raise ConfigError("sweep: train.seed: seeds are not swept; write experiment.seeds")


def label(point: Mapping[str, Any]) -> str:
    """Return a short name of a point, fit for a folder.

    Examples
    --------
    >>> label({"train.lr": 0.001, "data.program": "my/own.v"})
    'lr=0.001,program=my-own.v'
    """
    parts = (f"{key.rpartition('.')[2]}={_short(plain(value))}" for key, value in point.items())
    return ",".join(parts)


def _short(value: Any) -> str:
    text = str(value) if not isinstance(value, list) else "-".join(map(str, value))
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", text).strip("-")[:40]


def named_points(
    variants: Mapping[str, Any], sweep: SweepConfig
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return every variant at every point: name to (tables put over the others, the point).

    Examples
    --------
    >>> sweep = SweepConfig(product={"train.lr": [0.1]})
    >>> named_points({"main": {"data": {"order": "natural"}}}, sweep)["main,lr=0.1"][1]
    {'train.lr': 0.1}
    """
    out: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for variant, over in variants.items():
        for point in sweep.all_points():
            table = dict(over)
            for key, value in point.items():
                table = set_key(table, key, value)
            name = f"{variant},{label(point)}" if point else variant
            if name in out or len(name) > 150:
                name = f"{name[:150]},{len(out)}"
            out[name] = (table, point)
    return out
