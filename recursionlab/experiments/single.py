"""One run: data, training, evaluation and page in one folder, for `train` and experiments alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recursionlab.data.dataset import Dataset
from recursionlab.errors import ConfigError, FormatError, InputError
from recursionlab.experiments.config import Settings, load_experiment, settings_of
from recursionlab.files import read_json, write_json
from recursionlab.machine import default_threads

DONE = "summary.json"


def train(
    config: str | Path,
    output: str | Path | None,
    sets: Mapping[str, Any],
    variant: str | None,
    threads: int | None,
) -> Path:
    """Train the run that a configuration file describes and return its folder."""
    experiment = load_experiment(config, sets=sets, variant=variant)
    if len(experiment.variants) > 1:
        names = ", ".join(experiment.variants)
        raise ConfigError(f"{config}: has several variants; choose one with --variant: {names}")
    ((name, settings),) = experiment.variants.items()
    folder = Path(output or f"runs/{experiment.name}-{name}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{folder}: the folder is not empty; go on with --resume, or name another with --output"
        )
    from recursionlab.data import from_config

    data = from_config(settings.data, base=experiment.base, threads=threads)
    data.save(folder / "data")
    run_one(settings, data, folder, int(settings.train.get("seed", 0)), threads)
    return folder


def resume(folder: str | Path, threads: int | None) -> Path:
    """Go on with a run that was stopped, to the bits it would have had."""
    from recursionlab.data import load_dataset

    folder = Path(folder)
    file = folder / "settings.json"
    if not file.is_file():
        raise FormatError(f"{folder}: expected a run's folder with a settings.json in it")
    saved = read_json(file)
    try:
        settings, seed = settings_of(saved["settings"]), int(saved["seed"])
    except (KeyError, TypeError, ConfigError) as error:
        raise FormatError(f"{file}: not the settings of a run: {error}") from None
    run_one(settings, load_dataset(folder / "data"), folder, seed, threads)
    return folder


def evaluated_splits(settings: Settings, data: Dataset) -> list[str]:
    """Return the splits to evaluate: those asked for, or all that training did not see."""
    asked = settings.evaluate.splits or [s for s in data if s not in ("train", "valid")]
    return [name for name in asked if len(data[name])]


def run_one(
    settings: Settings,
    data: Dataset,
    folder: Path,
    seed: int,
    threads: int | None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train, evaluate and write the page of one run, unless done; return its summary."""
    if (folder / DONE).is_file():
        return dict(read_json(folder / DONE))
    from recursionlab.experiments.results import SPLITS, findings, read_evaluations
    from recursionlab.judge import evaluate
    from recursionlab.judge.pool import distinct_columns
    from recursionlab.report import write_report

    threads = threads or default_threads()
    for name in settings.evaluate.by:
        for split in evaluated_splits(settings, data):
            data[split].column(name)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "settings.json", {"settings": settings.to_dict(), "seed": seed})
    run = _train(settings, data, folder, seed, threads, quiet)
    summary: dict[str, Any] = {"seed": seed, "splits": {}}
    for name in evaluated_splits(settings, data):
        result = evaluate(
            run,
            data[name],
            by=settings.evaluate.by,
            train=data["train"],
            keep=settings.evaluate.keep,
            samples=folder / f"samples-{name}.jsonl",
            threads=threads,
        )
        result.save(folder / f"evaluation-{name}.json")
        summary["splits"][name] = result.overall
        if settings.evaluate.rollout:
            from recursionlab.data.make import as_values
            from recursionlab.judge.rollout import rollout

            values = as_values(data, threads)[name]
            by, seen = settings.evaluate.by, data["train"]
            whole = rollout(run, data[name], values, by=by, train=seen)
            whole.save(folder / f"evaluation-{whole.split}.json")
            summary["splits"][whole.split] = whole.overall
    found = read_evaluations(folder)
    summary["columns"] = {name: distinct_columns(e.groups) for name, e in found.items()}
    summary["names"] = SPLITS
    summary["findings"] = findings(found, settings.evaluate.goal)
    write_json(folder / DONE, summary)
    write_report(folder)
    return summary


def _train(
    settings: Settings, data: Dataset, folder: Path, seed: int, threads: int, quiet: bool
) -> Any:
    """Train, or go on training, in `folder`."""
    from recursionlab import learn
    from recursionlab.models import from_dict

    options: dict[str, Any] = {**settings.train, "seed": seed}
    options["valid"] = data["valid"] if "valid" in data and len(data["valid"]) else None
    options.update(threads=threads, progress=not quiet)
    if (folder / "config.json").is_file():
        return learn.train(None, data["train"], resume=folder, **options)
    model = from_dict(_fitted(settings.model, data))
    return learn.train(model, data["train"], output=folder, **options)


def _fitted(model: dict[str, Any], data: Dataset) -> dict[str, Any]:
    """Return the model's table with positions for the longest answer decoded, unless it says so."""
    return {"max_positions": 2 * max(data.longest) + 10, **model}
