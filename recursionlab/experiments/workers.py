"""Runs side by side: a process a run, so that small models use every core without waiting."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from recursionlab.errors import RecursionLabError
from recursionlab.files import read_json

# A worker runs the package that its parent runs, whatever the current folder holds: the first entry
# of the path, which would be that folder, becomes the package's own.
START = """import sys
sys.path[0] = sys.argv[1]
from recursionlab.experiments import workers
sys.exit(workers.main())"""
POLL = 0.2  # seconds between two looks at the workers


@dataclass(frozen=True)
class Job:
    """One run to do: everything a worker is told."""

    name: str
    settings: dict[str, Any]
    data: Path
    folder: Path
    seed: int


@dataclass
class _Worker:
    job: Job
    process: subprocess.Popen[str]
    log: IO[str]
    began: float


def run_jobs(
    jobs: Sequence[Job],
    threads: int,
    progress: bool,
    done: Callable[[Job, float], None],
) -> None:
    """Do all jobs, as many at a time as there are threads.

    Parameters
    ----------
    jobs : sequence of Job
        What to do; the results are the files in their folders, the same however they are spread.
    threads : int
        Of all workers together.
    progress : bool
        Whether to show a bar on a terminal.
    done : callable
        Called with each job that ended well and the seconds it took.

    Raises
    ------
    RecursionLabError
        What the first worker that failed said; the others are stopped.
    """
    if not jobs:
        return
    at_once = max(1, min(threads, len(jobs)))
    waiting, running = list(jobs), list[_Worker]()
    try:
        with _bar(jobs, progress) as tick:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(_start(waiting.pop(0), max(1, threads // at_once)))
                time.sleep(POLL)
                tick()
                for worker in [w for w in running if w.process.poll() is not None]:
                    running.remove(worker)
                    _finish(worker)
                    done(worker.job, time.perf_counter() - worker.began)
    finally:
        for worker in running:
            worker.process.terminate()
        for worker in running:
            worker.process.wait()
            worker.log.close()


def _start(job: Job, threads: int) -> _Worker:
    import tempfile

    log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with its worker
    told = json.dumps(
        {
            "settings": job.settings,
            "data": str(job.data.resolve()),
            "folder": str(job.folder.resolve()),
            "seed": job.seed,
            "threads": threads,
        }
    )
    process = subprocess.Popen(
        [sys.executable, "-c", START, str(Path(__file__).parents[2])],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=log,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(told)
    process.stdin.close()
    return _Worker(job, process, log, time.perf_counter())


def _finish(worker: _Worker) -> None:
    """Close a worker that ended, and raise what it complained of."""
    with worker.log as log:
        log.seek(0)
        said = log.read().strip()
    status = worker.process.returncode
    if status == 130:
        raise KeyboardInterrupt
    if status:
        text = said.rpartition("\n")[2].removeprefix("recursionlab: error: ")
        raise RecursionLabError(text or f"{worker.job.name}: stopped with status {status}")


@contextmanager
def _bar(jobs: Sequence[Job], show: bool) -> Iterator[Callable[[], None]]:
    """Give a function that moves a bar to where the training of all jobs stands."""
    if not show or not sys.stderr.isatty():
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(total=100 * len(jobs), unit="%", delay=1.0, leave=False) as bar:

        def tick() -> None:
            bar.n = round(sum(100 * _share(job.folder) for job in jobs))
            bar.refresh()

        yield tick


def _share(folder: Path) -> float:
    """Return how much of a run's training is done, from its files."""
    try:
        total = int(read_json(folder / "manifest.json")["steps"])
        last = (folder / "metrics.jsonl").read_text("utf-8").rstrip("\n").rpartition("\n")[2]
        return min(1.0, int(json.loads(last)["step"]) / total)
    except (OSError, ValueError, KeyError, RecursionLabError):
        return 0.0


def _work() -> None:
    """Do the one run that standard input describes."""
    from recursionlab.data import load_dataset
    from recursionlab.experiments.config import settings_of
    from recursionlab.experiments.single import run_one

    told = json.loads(sys.stdin.read())
    run_one(
        settings_of(told["settings"]),
        load_dataset(told["data"]),
        Path(told["folder"]),
        int(told["seed"]),
        int(told["threads"]),
        quiet=True,
    )


def main() -> int:
    """Do the one run; return the status to exit with."""
    from recursionlab.cli import explain

    try:
        _work()
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        text, status = explain(error)
        print(text, file=sys.stderr)
        return status
    return 0
