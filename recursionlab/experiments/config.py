"""The configuration of an experiment: tables of a TOML file, variants, seeds, sweep, quick form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recursionlab.config import (
    build,
    check_keys,
    defaults_of,
    flatten,
    merge,
    parse_seeds,
    plain,
    read_toml,
    set_key,
    suggest,
    to_toml,
)
from recursionlab.data.config import DataConfig
from recursionlab.errors import ConfigError, InputError
from recursionlab.experiments.claims import claims_of
from recursionlab.experiments.points import VARIED, SweepConfig, named_points

HERE = Path(__file__).parent
TABLES = (*VARIED, "experiment", "sweep")
FITTED = ("max_positions",)  # of [model]: found from the data where the file is silent


@dataclass(frozen=True)
class EvaluateConfig:
    """How runs are evaluated."""

    by: tuple[str, ...] = ("size", "depth", "calls")  # columns to group by, measures included
    splits: tuple[str, ...] = ()  # splits to evaluate; all but train and valid if empty
    goal: float = 0.99  # share of exact matches below which a group counts as failing
    keep: int = 100  # failures kept a split, with input, expected and got
    rollout: bool = False  # task `step`: also feed the model its own terms until none is pending
    shortcut: int = 0  # values, far apart in rank, on which a shortcut is looked for; 0: none
    shortcut_by: str = ""  # a measure whose values are equally frequent among them
    opened: int = 0  # pairs of test on which heads, ablation and perturbation are measured; 0: none

    def validate(self) -> None:
        """Refuse values outside their range."""
        if not 0 < self.goal <= 1:
            raise ConfigError(
                f"evaluate.goal: expected a share above 0 and up to 1, got {self.goal}"
            )
        for name in ("keep", "shortcut", "opened"):
            if getattr(self, name) < 0:
                raise ConfigError(f"evaluate.{name}: expected 0 or more, got {getattr(self, name)}")
        if self.shortcut_by and not self.shortcut:
            raise ConfigError("evaluate.shortcut_by: expected only with evaluate.shortcut above 0")
        if not self.by or any(not isinstance(name, str) for name in self.by):
            raise ConfigError("evaluate.by: expected names of columns")


@dataclass(frozen=True)
class ExperimentConfig:
    """The table [experiment]."""

    title: str = ""  # heading of the report
    about: str = ""  # a sentence or two below it
    seeds: tuple[int, ...] = (0, 1, 2)  # of training, or "0..4"; every variant is run with each
    variants: dict[str, Any] = field(default_factory=dict)  # name: tables put over the others
    quick: dict[str, Any] = field(default_factory=dict)  # tables (and seeds) put over with --quick
    claims: dict[str, Any] = field(default_factory=dict)  # name: a claim and how it is judged
    needs: tuple[str, ...] = ()  # keys that name folders of whoever runs it, such as train.init

    def validate(self) -> None:
        """Refuse values outside their range."""
        parse_seeds(self.seeds, "experiment.seeds")
        for name, over in self.variants.items():
            check_keys(over, VARIED, f"experiment.variants.{name}")
            if not name or not all(c.isalnum() or c in "-_" for c in name):
                raise ConfigError(
                    f"experiment.variants: expected letters, digits, - and _, got {name!r}"
                )


@dataclass(frozen=True)
class Settings:
    """Everything that determines one variant but the seed of training, defaults included."""

    data: DataConfig
    model: dict[str, Any]  # without what is fitted, to the data or to `train.init`
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
    sweep: SweepConfig
    variants: dict[str, Settings]  # with [sweep], every variant at every point
    points: dict[str, dict[str, Any]]  # of each of them: the keys that vary, and their values
    base: Path
    table: dict[str, Any]  # the whole file with every key, from which the same experiment is made

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
            "points": plain(self.points),
            "claims": plain(self.config.claims),
        }

    def to_toml(self) -> str:
        """Return the configuration as a file: every key, what was set and what is the default."""
        return to_toml(self.table)


def settings_of(table: Mapping[str, Any]) -> Settings:
    """Make settings from the tables data, model, train and evaluate; every key is checked."""
    from recursionlab.learn import TrainConfig
    from recursionlab.models import from_dict as model_from_dict

    data = DataConfig.from_dict(table.get("data", {}))
    data.validate()
    given = _table(table, "model")
    train = TrainConfig.from_dict(dict(_table(table, "train"))).to_dict()
    if train["init"]:
        model = dict(given)  # the weights say the rest
    else:
        full = model_from_dict(given).to_dict()
        model = {k: v for k, v in full.items() if k in given or k not in FITTED}
    return Settings(
        data,
        model,
        train,
        build(EvaluateConfig, table.get("evaluate", {}), "evaluate"),
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
    name: str | Path | Mapping[str, Any],
    *,
    sets: Mapping[str, Any] | None = None,
    variant: str | None = None,
    quick: bool = False,
) -> Experiment:
    """Read an experiment.

    Parameters
    ----------
    name : str, path or mapping
        The name of an experiment of the library, a TOML file, or its tables as a mapping.
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

    Examples
    --------
    >>> data = {"program": "binary", "function": "succ", "sizes": "1..4"}
    >>> experiment = load_experiment({"data": data}, sets={"train.lr": 0.1})
    >>> experiment.variants["main"].train["lr"]
    0.1
    """
    given = {k: plain(v) for k, v in (sets or {}).items()}
    if isinstance(name, Mapping):
        return _experiment("experiment", Path(), dict(plain(name)), given, variant, quick)
    path = find(name)
    table = read_toml(path)
    try:
        return _experiment(path.stem, path.parent, table, given, variant, quick)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _experiment(
    name: str,
    base: Path,
    table: dict[str, Any],
    sets: dict[str, Any],
    variant: str | None,
    quick: bool,
) -> Experiment:
    table = _with_sets(_with_quick(table) if quick else table, sets, variant)
    config = build(ExperimentConfig, table["experiment"], "experiment")
    sweep = build(SweepConfig, table["sweep"], "sweep")
    for key in sets:
        if key in sweep.keys():
            raise ConfigError(
                f"{key} is swept; set its values, for example --set 'sweep.product.{key}=[...]'"
            )
    tables = {key: table[key] for key in VARIED}
    named = named_points(config.variants or {"main": {}}, sweep)
    variants = {label: settings_of(merge(tables, over)) for label, (over, _) in named.items()}
    points = {label: point for label, (_, point) in named.items()}
    if variant is None:
        claims_of(config.claims, list(variants))
    whole = _whole({**tables, "experiment": plain(config), "sweep": plain(sweep)})
    return Experiment(name, config, sweep, variants, points, base, whole)


def _with_quick(table: dict[str, Any]) -> dict[str, Any]:
    """Return the tables with [experiment.quick] put over them."""
    experiment = dict(_table(table, "experiment"))
    over = dict(_table(experiment, "quick"))
    check_keys(over, (*VARIED, "seeds"), "experiment.quick")
    experiment["quick"] = {}
    if "seeds" in over:
        experiment["seeds"] = over.pop("seeds")
    return merge({**table, "experiment": experiment}, over)


def _with_sets(
    table: dict[str, Any], sets: Mapping[str, Any], variant: str | None
) -> dict[str, Any]:
    """Return all tables with keys set, in the variants too, and the variants cut to one."""
    check_keys(table, TABLES, "configuration")
    table = {key: _table(table, key) for key in TABLES}
    for key, value in sets.items():
        check_keys({key.partition(".")[0]: None}, TABLES, f"--set {key}")
        table = set_key(table, key, value)
    experiment = dict(table["experiment"])
    if "seeds" in experiment:
        experiment["seeds"] = parse_seeds(experiment["seeds"], "experiment.seeds")
    variants = dict(_table(experiment, "variants"))
    if variant is not None:
        if variant not in (variants or {"main": {}}):
            raise ConfigError(f"no variant {variant!r}{suggest(variant, variants or ['main'])}")
        variants = {variant: variants.get(variant, {})}
    for name, over in variants.items():
        for key, value in sets.items():
            inside = flatten(over) if isinstance(over, Mapping) else {}
            if any(f"{known}.".startswith(f"{key}.") for known in inside):
                variants[name] = over = set_key(over, key, value)
    return {**table, "experiment": {**experiment, "variants": variants}}


def _whole(table: dict[str, Any]) -> dict[str, Any]:
    """Return the tables with every key, defaults included; a key that is None is left out."""
    from recursionlab.learn import TrainConfig
    from recursionlab.models import from_dict as model_from_dict

    defaults: dict[str, Any] = {
        "data": defaults_of(DataConfig),
        "train": TrainConfig().to_dict(),
        "evaluate": defaults_of(EvaluateConfig),
    }
    varied = [flatten(over) for over in table["experiment"]["variants"].values()]
    varied += [flatten(table["sweep"]["product"]), *map(flatten, table["sweep"]["points"])]
    if not table["train"].get("init") and not any(
        key in keys for keys in varied for key in ("model.kind", "train.init")
    ):
        model = model_from_dict(table["model"]).to_dict()
        defaults["model"] = {k: v for k, v in model.items() if k not in FITTED}
    return _without_none(merge(defaults, table))


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value is not None
    }
