"""The configuration of an experiment: tables of a TOML file, variants, seeds and quick form."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recursionlab.config import build, check_keys, merge, plain, read_toml, set_key, suggest
from recursionlab.data.config import DataConfig
from recursionlab.errors import ConfigError, InputError

HERE = Path(__file__).parent
TABLES = ("data", "model", "train", "evaluate", "experiment")
VARIED = ("data", "model", "train", "evaluate")


@dataclass(frozen=True)
class EvaluateConfig:
    """How runs are evaluated."""

    by: tuple[str, ...] = ("size", "depth", "calls")  # columns to group by, measures included
    splits: tuple[str, ...] = ()  # splits to evaluate; all but train and valid if empty
    goal: float = 0.99  # share of exact matches below which a group counts as failing
    keep: int = 100  # failures kept a split, with input, expected and got
    rollout: bool = False  # task `step`: also feed the model its own terms until none is pending

    def validate(self) -> None:
        """Refuse values outside their range."""
        if not 0 < self.goal <= 1:
            raise ConfigError(
                f"evaluate.goal: expected a share above 0 and up to 1, got {self.goal}"
            )
        if self.keep < 0:
            raise ConfigError(f"evaluate.keep: expected 0 or more, got {self.keep}")
        if not self.by or any(not isinstance(name, str) for name in self.by):
            raise ConfigError("evaluate.by: expected names of columns")


@dataclass(frozen=True)
class ExperimentConfig:
    """The table [experiment]."""

    title: str = ""  # heading of the report
    about: str = ""  # a sentence or two below it
    seeds: tuple[int, ...] = (0, 1, 2)  # of training; every variant is run with each
    variants: dict[str, Any] = field(default_factory=dict)  # name: tables put over the others
    grid: dict[str, Any] = field(default_factory=dict)  # "train.lr": [values], every combination
    quick: dict[str, Any] = field(default_factory=dict)  # tables (and seeds) put over with --quick

    def validate(self) -> None:
        """Refuse values outside their range."""
        whole = all(isinstance(s, int) and not isinstance(s, bool) and s >= 0 for s in self.seeds)
        if not self.seeds or not whole or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(
                f"experiment.seeds: expected different whole numbers, got {self.seeds}"
            )
        for name, over in self.variants.items():
            check_keys(over, VARIED, f"experiment.variants.{name}")
            if not name or not all(c.isalnum() or c in "-_" for c in name):
                raise ConfigError(
                    f"experiment.variants: expected letters, digits, - and _, got {name!r}"
                )
        for key, values in self.grid.items():
            if not isinstance(values, (list, tuple)) or not values:
                raise ConfigError(f"experiment.grid: expected a list of values for {key!r}")


@dataclass(frozen=True)
class Settings:
    """Everything that determines one variant, apart from the seed of training."""

    data: DataConfig
    model: dict[str, Any]
    train: dict[str, Any]
    evaluate: EvaluateConfig

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, from which `settings_of` makes the same settings."""
        out: dict[str, Any] = plain(self)
        return out


@dataclass(frozen=True)
class Experiment:
    """An experiment ready to run: settings by variant, seeds, and where relative paths start."""

    name: str
    config: ExperimentConfig
    variants: dict[str, Settings]
    base: Path

    @property
    def data(self) -> DataConfig:
        """The data of the first variant."""
        return next(iter(self.variants.values())).data

    def to_dict(self) -> dict[str, Any]:
        """Return what determines the results, as plain JSON values."""
        return {
            "name": self.name,
            "title": self.config.title,
            "about": self.config.about,
            "seeds": list(self.config.seeds),
            "variants": {name: s.to_dict() for name, s in self.variants.items()},
        }


def settings_of(table: Mapping[str, Any]) -> Settings:
    """Make settings from the tables data, model, train and evaluate; every key is checked."""
    from recursionlab.learn import TrainConfig
    from recursionlab.models import from_dict as model_from_dict

    data = DataConfig.from_dict(table.get("data", {}))
    data.validate()
    model = dict(_table(table, "model"))
    train = dict(_table(table, "train"))
    model_from_dict(model)
    TrainConfig.from_dict(train)
    return Settings(
        data, model, train, build(EvaluateConfig, table.get("evaluate", {}), "evaluate")
    )


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = table.get(name, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name}: expected a table, got {value!r}")
    return value


def find(name: str | Path) -> Path:
    """Return the file of an experiment, by path or by name.

    Raises
    ------
    InputError
        If there is neither.
    """
    path = Path(name)
    if str(name).endswith(".toml"):
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        return path
    known = {file.stem: file for file in sorted(HERE.glob("*.toml"))}
    if str(name) not in known:
        raise InputError(f"no experiment {str(name)!r}{suggest(str(name), known)}")
    return known[str(name)]


def load_experiment(
    name: str | Path,
    *,
    sets: Mapping[str, Any] | None = None,
    variant: str | None = None,
    quick: bool = False,
) -> Experiment:
    """Read an experiment.

    Parameters
    ----------
    name : str or path
        Of an experiment of the library, or a TOML file.
    sets : mapping, optional
        Keys to set, such as `{"train.steps": 100}`; they are put over the variants too.
    variant : str, optional
        The one variant to keep.
    quick : bool
        Put the table [experiment.quick] over the others.

    Raises
    ------
    ConfigError
        If a key is unknown or a value outside its range; the message names the file.
    """
    path = find(name)
    table = read_toml(path)
    try:
        return _experiment(path, table, dict(sets or {}), variant, quick)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _experiment(
    path: Path, table: dict[str, Any], sets: dict[str, Any], variant: str | None, quick: bool
) -> Experiment:
    check_keys(table, TABLES, "configuration")
    config = build(ExperimentConfig, table.pop("experiment", {}), "experiment")
    if quick:
        check_keys(config.quick, (*VARIED, "seeds"), "experiment.quick")
        over = dict(config.quick)
        seeds = over.pop("seeds", config.seeds)
        config = dataclasses.replace(config, seeds=tuple(seeds))
        table = merge(table, over)
    for key in [k for k in sets if k.startswith("experiment.")]:
        changes = build(
            ExperimentConfig, {key.removeprefix("experiment."): sets.pop(key)}, "experiment"
        )
        field_name = key.removeprefix("experiment.")
        config = dataclasses.replace(config, **{field_name: getattr(changes, field_name)})
    config.validate()
    named = config.variants or {"main": {}}
    if variant is not None:
        if variant not in named:
            raise ConfigError(f"no variant {variant!r}{suggest(variant, named)}")
        named = {variant: named[variant]}
    variants = {}
    for label, over in _combinations(named, config.grid):
        whole = merge(table, over)
        for key, value in sets.items():
            whole = set_key(whole, key, value)
        check_keys(whole, VARIED, "configuration")
        variants[label] = settings_of(whole)
    return Experiment(path.stem, config, variants, path.parent)


def _combinations(
    named: Mapping[str, Any], grid: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Return every variant at every point of the grid."""
    out = []
    for name, over in named.items():
        for values in itertools.product(*grid.values()):
            label, table = name, dict(over)
            for key, value in zip(grid, values, strict=True):
                table = set_key(table, key, value)
                label += f",{key.rpartition('.')[2]}={value}"
            out.append((label, table))
    return out
