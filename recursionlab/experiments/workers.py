"""Runs side by side: a process a core, each does one run after another and takes over idle cores.

A worker is told its runs and its share of the threads on standard input, a JSON object a line, and
answers on standard output. When its parent is gone, however it ended, the worker ends at once.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
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
sys.exit(workers.main(int(sys.argv[2])))"""
POLL = 0.2  # seconds between two looks at how far the runs are


@dataclass(frozen=True)
class Job:
    """One run to do: everything a worker is told."""

    name: str
    settings: dict[str, Any]
    data: Path
    folder: Path
    seed: int
    page: bool = True  # whether to write the run's own page

    def told(self) -> dict[str, Any]:
        """Return what a worker is told."""
        return {
            "settings": self.settings,
            "data": str(self.data.resolve()),
            "folder": str(self.folder.resolve()),
            "seed": self.seed,
            "page": self.page,
        }


def run_jobs(
    jobs: Sequence[Job],
    threads: int,
    progress: bool,
    done: Callable[[Job, float], None],
) -> None:
    """Do all jobs, as many at a time as there are threads; the last ones share what is idle.

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
    said: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = queue.SimpleQueue()
    waiting, workers = list(jobs), list[_Worker]()
    try:
        workers += [_Worker(said) for _ in range(max(1, min(threads, len(jobs))))]
        for worker in workers:
            worker.give(waiting.pop(0))
        busy = list(workers)
        _share_out(busy, threads)
        with _bar(jobs, progress) as tick:
            while busy:
                try:
                    worker, answer = said.get(timeout=POLL)
                except queue.Empty:
                    tick()
                    continue
                if worker not in busy:  # its farewell
                    continue
                job, took = worker.finish(answer)
                if waiting:
                    worker.give(waiting.pop(0))
                else:
                    busy.remove(worker)
                    worker.tell({"end": True})
                    _share_out(busy, threads)
                done(job, took)
                tick()
    finally:
        for worker in workers:
            worker.close()


def _share_out(busy: Sequence[_Worker], threads: int) -> None:
    """Tell the workers that have a run how many threads each has; together, all there are."""
    for number, worker in enumerate(busy):
        share, rest = divmod(threads, len(busy))
        worker.tell({"threads": max(1, share + (number < rest))})


class _Worker:
    """A process, the job it has, and a thread that passes on what it says."""

    def __init__(self, said: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        import tempfile

        self.job: Job | None = None
        self.began = 0.0
        self.log: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(Path(__file__).parents[2]), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, args=(said,), daemon=True)
        self.reader.start()

    def _read(self, said: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.put((self, json.loads(line)))
        said.put((self, None))

    def tell(self, what: dict[str, Any]) -> None:
        """Write a line to the worker; one that is gone says so by itself."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def give(self, job: Job) -> None:
        """Let the worker do a job."""
        self.job, self.began = job, time.perf_counter()
        self.tell(job.told())

    def finish(self, answer: dict[str, Any] | None) -> tuple[Job, float]:
        """Return the job that is done and its seconds, or raise what the worker complained of."""
        assert self.job is not None
        if answer is None:
            status = self.process.wait()
            self.log.seek(0)
            text = self.log.read().strip().rpartition("\n")[2]
        else:
            status, text = answer["status"], answer["text"]
        if status == 130:
            raise KeyboardInterrupt
        if status or answer is None:
            text = text.removeprefix("recursionlab: error: ")
            raise RecursionLabError(text or f"{self.job.name}: stopped with status {status}")
        return self.job, time.perf_counter() - self.began

    def close(self) -> None:
        """End the worker, whatever it is doing, and wait for it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.log.close()


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


# ---- the worker's side ---------------------------------------------------------------------------


class _Told:
    """What a worker was told: jobs to do, and how many threads are its own at the moment."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.threads = 1

    def listen(self) -> None:
        """Read standard input to its end; without a word of farewell, the parent is gone."""
        for line in sys.stdin:
            told = json.loads(line)
            if "end" in told:
                self.jobs.put(None)
                return
            if "threads" in told:
                self.threads = int(told["threads"])
            else:
                self.jobs.put(told)
        os._exit(1)


def _die_with(parent: int) -> None:
    """Let the kernel end this process when its parent ends, where it can (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        try:
            ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        except (OSError, AttributeError):  # pragma: no cover - a system without prctl
            return
    if os.getppid() != parent:  # it ended before
        os._exit(1)


def _work(told: dict[str, Any], threads: Callable[[], int], known: dict[str, Any]) -> None:
    """Do one run. The last data set read is kept in `known` for the next."""
    from recursionlab.data import load_dataset
    from recursionlab.experiments.config import settings_of
    from recursionlab.experiments.single import run_one

    if told["data"] not in known:
        known.clear()
        known[told["data"]] = load_dataset(told["data"])
    run_one(
        settings_of(told["settings"]),
        known[told["data"]],
        Path(told["folder"]),
        int(told["seed"]),
        threads,
        quiet=True,
        page=bool(told["page"]),
    )


def main(parent: int) -> int:
    """Do runs until there are no more; return the status to exit with."""
    from recursionlab.cli import explain

    _die_with(parent)
    told, known = _Told(), dict[str, Any]()
    threading.Thread(target=told.listen, daemon=True).start()
    try:
        while (job := told.jobs.get()) is not None:
            text, status = "", 0
            try:
                _work(job, lambda: told.threads, known)
            except Exception as error:
                text, status = explain(error)
            print(json.dumps({"text": text, "status": status}), flush=True)
    except KeyboardInterrupt:
        os._exit(130)  # the thread that listens would hold up an orderly end
    return 0
