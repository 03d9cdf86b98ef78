"""One run: data, training, evaluation and page in one folder, for `train` and experiments alike."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recursionlab.data.dataset import Dataset, Packed
from recursionlab.errors import ConfigError, DivergedError, FormatError, InputError
from recursionlab.experiments.config import Settings, load_experiment, settings_of
from recursionlab.files import clean, is_new, read_json, write_json
from recursionlab.machine import default_threads, peak_bytes

DONE = "summary.json"  # written last: who has it is finished
SETTINGS = "settings.json"
COST = "cost.json"


def train(
    config: str | Path | Mapping[str, Any],
    output: str | Path | None = None,
    sets: Mapping[str, Any] | None = None,
    variant: str | None = None,
    threads: int | None = None,
    resume: bool = False,
) -> Path:
    """Train and evaluate the run that a configuration describes and return its folder.

    Parameters
    ----------
    config : str, path or mapping
        The name of an experiment, a TOML file or its tables; the seed is `train.seed`.
    output : path, optional
        The run's folder, new or empty; `runs/NAME-VARIANT` if not given.
    sets : mapping, optional
        Keys to set, such as `{"train.steps": 100}`.
    variant : str, optional
        Which variant, where there are several.
    threads : int, optional
        Never changes a result.
    resume : bool
        Go on with the same run where the folder has a part of it.

    Raises
    ------
    ConfigError
        If the configuration is not usable, or the folder holds a run of another one.
    InputError
        If the folder is not empty and `resume` is not set.
    """
    experiment = load_experiment(config, sets=sets, variant=variant)
    if len(experiment.variants) > 1 and experiment.sweep.keys():
        raise ConfigError(
            f"{config}: has a table [sweep]: run it with `recursionlab sweep`, or train one point "
            "with --set sweep.product={} --set sweep.points=[]"
        )
    if len(experiment.variants) > 1:
        names = ", ".join(experiment.variants)
        raise ConfigError(f"{config}: has several variants; choose one with --variant: {names}")
    ((name, settings),) = experiment.variants.items()
    folder = Path(output or f"runs/{experiment.name}-{name}")
    seed = int(settings.train.get("seed", 0))
    base = str(experiment.base) if settings.data.program.endswith(".v") else "."
    told = {"settings": settings.to_dict(), "seed": seed, "base": base}
    if not is_new(folder) and not resume:
        raise InputError(
            f"{folder}: the folder is not empty; go on with --resume, or name another with --output"
        )
    if (folder / SETTINGS).is_file() and read_json(folder / SETTINGS) != told:
        raise ConfigError(f"{folder}: holds a run of another configuration; name another folder")
    if not is_new(folder) and not (folder / SETTINGS).is_file():
        raise FormatError(f"{folder}: expected a run's folder with a settings.json in it")
    write_json(folder / SETTINGS, told)
    return _go_on(folder, settings, seed, Path(base), threads)


def resume(folder: str | Path, threads: int | None) -> Path:
    """Go on with a run that was stopped, to the bits it would have had."""
    folder = Path(folder)
    file = folder / SETTINGS
    if not file.is_file():
        raise FormatError(f"{folder}: expected a run's folder with a settings.json in it")
    saved = read_json(file)
    try:
        settings, seed = settings_of(saved["settings"]), int(saved["seed"])
        base = Path(saved.get("base", "."))
    except (KeyError, TypeError, AttributeError, ConfigError) as error:
        raise FormatError(f"{file}: not the settings of a run: {error}") from None
    return _go_on(folder, settings, seed, base, threads)


def _go_on(folder: Path, settings: Settings, seed: int, base: Path, threads: int | None) -> Path:
    """Do what is left of a run whose settings are in its folder: data, training, evaluation."""
    from recursionlab.data import from_config, load_dataset

    if (folder / "data").is_dir():
        data = load_dataset(folder / "data")
    else:
        data = from_config(settings.data, base=base, threads=threads)
        data.save(folder / "data")
    run_one(settings, data, folder, seed, threads)
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
    threads: int | Callable[[], int] | None,
    quiet: bool = False,
    page: bool = True,
) -> dict[str, Any]:
    """Train, evaluate and write the page of one run, unless done; return its summary."""
    from recursionlab.experiments.results import SPLITS, findings, read_evaluations
    from recursionlab.judge import evaluate
    from recursionlab.judge.pool import distinct_columns
    from recursionlab.report import write_report

    if (folder / DONE).is_file():
        if page and not (folder / "report.html").is_file():
            write_report(folder)
        return dict(read_json(folder / DONE))

    given = threads or default_threads()
    now = given if callable(given) else lambda: given
    for name in settings.evaluate.by:
        for split in evaluated_splits(settings, data):
            data[split].column(name)
    folder.mkdir(parents=True, exist_ok=True)
    clean(folder)
    if not (folder / SETTINGS).is_file():
        write_json(folder / SETTINGS, {"settings": settings.to_dict(), "seed": seed})
    began = time.perf_counter()
    run = _train(settings, data, folder, seed, now, quiet)
    trained = time.perf_counter() - began
    told = {"status": run.status, "steps": run.step, "flops": run.flops}
    summary: dict[str, Any] = {"seed": seed, **told, "splits": {}}
    for name in evaluated_splits(settings, data):
        options: dict[str, Any] = {
            "by": settings.evaluate.by,
            "train": data["train"],
            "keep": settings.evaluate.keep,
            "samples": folder / f"samples-{name}.jsonl",
            "threads": now(),
        }
        try:
            result = evaluate(run, data[name], **options)
        except DivergedError:  # a model whose answers are not numbers gives none
            summary["status"] = "diverged"
            result = evaluate(_silence(len(data[name])), data[name], **options)
        result.save(folder / f"evaluation-{name}.json")
        summary["splits"][name] = result.overall
        if settings.evaluate.rollout and summary["status"] != "diverged":
            from recursionlab.data.make import as_values
            from recursionlab.judge.rollout import rollout

            values = as_values(data, now())[name]
            by, seen = settings.evaluate.by, data["train"]
            kept = folder / f"samples-{name}-rollout.jsonl"
            whole = rollout(run, data[name], values, by=by, train=seen, samples=kept)
            whole.save(folder / f"evaluation-{whole.split}.json")
            summary["splits"][whole.split] = whole.overall
    if settings.evaluate.shortcut and summary["status"] != "diverged":
        summary["shortcut"] = _shortcut(run, settings, data, folder, now())
    if settings.evaluate.opened and summary["status"] != "diverged":
        from recursionlab.experiments.opened import opened

        summary["opened"] = opened(run, data, settings.evaluate.opened, now())
    found = read_evaluations(folder)
    summary["columns"] = {name: distinct_columns(e.groups) for name, e in found.items()}
    summary["names"] = SPLITS
    summary["findings"] = findings(found, settings.evaluate.goal)
    write_json(folder / COST, _cost(folder, trained, time.perf_counter() - began, run.flops))
    write_json(folder / DONE, summary)
    if page:
        write_report(folder)
    return summary


def _shortcut(
    run: Any, settings: Settings, data: Dataset, folder: Path, threads: int
) -> dict[str, Any]:
    """Look for the run's shortcut, write what was found, and return its figures."""
    from recursionlab.interpret.shortcut_run import reconstruct_run, stress_of
    from recursionlab.judge import evaluate

    wanted = settings.evaluate
    by = [wanted.shortcut_by] if wanted.shortcut_by else []
    split = stress_of(data, wanted.shortcut, wanted.shortcut_by, threads)
    answers = run.predict(split, threads=threads, progress=False)
    result = evaluate(
        answers,
        split,
        by=wanted.by,
        train=data["train"],
        keep=wanted.keep,
        samples=folder / f"samples-{split.name}.jsonl",
        threads=threads,
    )
    result.save(folder / f"evaluation-{split.name}.json")
    found = reconstruct_run(
        answers, data, split, columns=by or ["size"], measures=by, threads=threads
    )
    write_json(folder / "shortcut.json", found.to_dict())
    return {"found": found.found, "leaves": found.shortcut.size, **found.overall}


def _silence(items: int) -> Packed:
    """Return an empty answer to each of some items."""
    return Packed(np.zeros(0, np.int32), np.zeros(items + 1, np.int64))


def _train(
    settings: Settings,
    data: Dataset,
    folder: Path,
    seed: int,
    threads: Callable[[], int],
    quiet: bool,
) -> Any:
    """Train, or go on training, in `folder`."""
    from recursionlab import learn

    options: dict[str, Any] = {**settings.train, "seed": seed}
    options["valid"] = data["valid"] if "valid" in data and len(data["valid"]) else None
    options.update(threads=threads, progress=not quiet)
    try:
        return _learn(settings, data, folder, options)
    except DivergedError:
        return learn.load_run(folder)  # at its last good state


def _learn(settings: Settings, data: Dataset, folder: Path, options: dict[str, Any]) -> Any:
    from recursionlab import learn

    if (folder / "config.json").is_file():
        return learn.train(None, data["train"], resume=folder, **options)
    model = settings.model if settings.train.get("init") else _fitted(settings.model, data)
    return learn.train(model, data["train"], output=folder, **options)


def _cost(folder: Path, trained: float, all_in: float, flops: float) -> dict[str, Any]:
    """Return what a run cost: seconds over all its starts, the most memory, the rate of training.

    Unlike everything else in a run's folder, these depend on the machine and on how it was stopped.
    """
    seconds = sum(row["seconds"] for row in _timing(folder))
    return {
        "train_seconds": max(trained, seconds),
        "evaluate_seconds": all_in - trained,
        "peak_bytes": peak_bytes(),
        "flops_per_second": flops / max(trained, seconds, 1e-9),
    }


def _timing(folder: Path) -> list[dict[str, Any]]:
    """Return the whole lines of timing.jsonl."""
    file = folder / "timing.jsonl"
    text = file.read_text("utf-8") if file.is_file() else ""
    rows = []
    for line in text.split("\n"):
        with contextlib.suppress(ValueError):  # a line that a kill cut short
            row = json.loads(line)
            if isinstance(row, dict) and isinstance(row.get("seconds"), float):
                rows.append(row)
    return rows


def _fitted(model: dict[str, Any], data: Dataset) -> dict[str, Any]:
    """Return the model's table with positions for the longest answer decoded, unless it says so."""
    return {"max_positions": 2 * max(data.longest) + 10, **model}
