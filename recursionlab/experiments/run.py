"""The runner of experiments: every variant with every seed, what is finished is not done again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recursionlab import display
from recursionlab.config import flatten
from recursionlab.errors import ConfigError, FormatError, InputError
from recursionlab.experiments.config import Experiment, Settings, load_experiment, settings_of
from recursionlab.experiments.single import DONE, run_one
from recursionlab.experiments.workers import Job, run_jobs
from recursionlab.files import clean, is_new, locked, read_json, write_json
from recursionlab.machine import default_threads


@dataclass(frozen=True)
class Outcome:
    """What an experiment left: its folder, its page, and a row a variant and split."""

    folder: Path
    report: Path
    rows: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"output": str(self.folder), "report": str(self.report), "results": self.rows}

    def _repr_html_(self) -> str:
        return display.facts("Experiment", {"report": str(self.report)}) + display.table(self.rows)


def reproduce(
    name: str | Path | Mapping[str, Any],
    *,
    output: str | Path | None = None,
    quick: bool = False,
    sets: Mapping[str, Any] | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> Outcome:
    """Run an experiment: data, training, evaluation and report of every variant and seed.

    Parameters
    ----------
    name : str, path or mapping
        Of an experiment (`recursionlab list experiments`), a TOML file, or its tables.
    output : path, optional
        The folder; `runs/NAME` if not given. An unfinished experiment in it is gone on with.
    quick : bool
        The small form of the experiment.
    sets : mapping, optional
        Keys to set, such as `{"train.steps": 100}`.
    threads : int, optional
        Never changes a result.
    quiet : bool
        Print no progress.

    Returns
    -------
    Outcome
        `report` is the path of the page.

    Raises
    ------
    ConfigError
        If the configuration is not usable, or the folder holds an experiment of another one.
    """
    experiment = load_experiment(name, sets=sets, quick=quick)
    check_needs(experiment)
    folder = Path(output or f"runs/{experiment.name}{'-quick' if quick else ''}")
    with locked(folder):
        run_all(experiment, folder, threads, quiet)
        return _close(folder)


def check_needs(experiment: Experiment) -> None:
    """Refuse an experiment that wants a folder of whoever runs it, and did not get it.

    Raises
    ------
    ConfigError
        The message names the key.
    """
    for key in experiment.config.needs:
        for settings in experiment.variants.values():
            folder = flatten(settings.to_dict()).get(key)
            if not isinstance(folder, str) or not Path(folder).is_dir():
                raise ConfigError(
                    f"{experiment.name}: {key}: found no folder {folder!r}; name yours with"
                    f" --set {key}=FOLDER. {experiment.config.about}"
                )


def run_all(
    experiment: Experiment, folder: Path, threads: int | None, quiet: bool, pages: bool = True
) -> None:
    """Make the data and do every run of an experiment in a folder that is locked.

    Parameters
    ----------
    experiment : Experiment
        What to run.
    folder : Path
        New, or with a part of the same experiment, which is gone on with.
    threads : int, optional
        Of all runs together; never changes a result.
    quiet : bool
        Print no progress.
    pages : bool
        Whether each run gets a page of its own.
    """
    threads = threads or default_threads()
    seconds = _open(folder, experiment, threads)
    jobs, data = [], dict[Path, Any]()
    for variant, settings in experiment.variants.items():
        where = data_folder(folder, experiment.variants, variant)
        if where not in data:
            began = time.perf_counter()
            data[where] = _data(where, experiment, variant, threads)
            _note(folder, seconds, f"{variant}, data", time.perf_counter() - began)
        for seed in experiment.config.seeds:
            run = folder / "runs" / variant / f"seed-{seed}"
            job = Job(f"{variant}, seed {seed}", settings.to_dict(), where, run, seed, pages)
            if not (run / DONE).is_file():
                jobs.append(job)
            elif not quiet:
                _tell(job, ", finished before")

    def done(job: Job, took: float) -> None:
        _note(folder, seconds, job.name, took)
        if not quiet:
            _tell(job, f", {took:.0f} s")

    if min(threads, len(jobs)) > 1:
        run_jobs(jobs, threads, not quiet, done)
        return
    for job in jobs:
        began = time.perf_counter()
        settings = settings_of(job.settings)
        run_one(settings, data[job.data], job.folder, job.seed, threads, quiet, pages)
        done(job, time.perf_counter() - began)


def data_folder(folder: Path, variants: Mapping[str, Settings], variant: str) -> Path:
    """Return where the data of a variant is: with the first variant that has the same."""
    first = next(n for n, s in variants.items() if s.data == variants[variant].data)
    return folder / "data" / first


def data_of_run(run: str | Path) -> Path:
    """Return where a run's data set is: in its folder, or where its experiment keeps it.

    Raises
    ------
    InputError
        If it is in neither place.
    """
    run = Path(run)
    if (run / "data" / "dataset.json").is_file():
        return run / "data"
    top = run.resolve().parent.parent.parent
    if (top / "experiment.json").is_file():
        with suppress(KeyError, TypeError, AttributeError):
            variants: dict[str, Any] = read_json(top / "experiment.json")["config"]["variants"]
            own = variants[run.resolve().parent.name]["data"]
            return top / "data" / next(n for n, v in variants.items() if v["data"] == own)
    if not run.is_dir():
        raise InputError(f"{run}: no such folder")
    raise InputError(f"{run}: no data set in {run / 'data'}; name its folder with --data")


def _tell(job: Job, note: str) -> None:
    """Print a line about a finished run."""
    splits = read_json(job.folder / DONE)["splits"]
    shares = ", ".join(f"{name} {overall['rate']:.2%}" for name, overall in splits.items())
    print(f"{job.name}: exact match {shares}{note}", flush=True)


def _close(folder: Path) -> Outcome:
    """Write what all runs come to."""
    from recursionlab.experiments.claims import judge
    from recursionlab.experiments.results import differences, read_results, summarize
    from recursionlab.report import write_report

    config = read_json(folder / "experiment.json")["config"]
    results = read_results(folder, config)
    summary = {**summarize(results, config), "comparisons": differences(folder, results)}
    summary["claims"] = judge(folder, config)
    write_json(folder / "summary.json", summary)
    return Outcome(folder, write_report(folder), summary["results"])


def _open(folder: Path, experiment: Experiment, threads: int) -> dict[str, float]:
    """Begin or go on with the experiment in a folder; return the seconds spent so far."""
    config = experiment.to_dict()
    file = folder / "experiment.json"
    if file.is_file():
        clean(folder)
        saved = read_json(file)
        if not isinstance(saved, dict) or saved.get("config") != config:
            raise ConfigError(
                f"{folder}: holds another experiment; name another folder with --output"
            )
        return dict(saved.get("seconds", {}))
    if not is_new(folder):
        raise ConfigError(
            f"{folder}: is not empty and holds no experiment; name another with --output"
        )
    write_json(file, {"config": config, "threads": threads, "seconds": {}})
    return {}


def _note(folder: Path, seconds: dict[str, float], part: str, took: float) -> None:
    """Record the time a part took."""
    seconds.setdefault(part, took)
    saved = read_json(folder / "experiment.json")
    write_json(folder / "experiment.json", {**saved, "seconds": seconds})


def _data(folder: Path, experiment: Experiment, variant: str, threads: int) -> Any:
    """Return the data of a variant: what is in its folder, or made now."""
    from recursionlab.data import from_config, load_dataset

    settings = experiment.variants[variant]
    if folder.is_dir():
        data = load_dataset(folder)
        if data.config != settings.data:
            raise FormatError(f"{folder}: is not the data of this experiment; remove it")
        return data
    data = from_config(settings.data, base=experiment.base, threads=threads)
    data.save(folder)
    return data
