"""A run on its way: updates in chunks, and after each what is due: log, score, save, stop."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.errors import DivergedError
from recursionlab.learn import checkpoint
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.curriculum import Curriculum
from recursionlab.learn.metrics import Metrics
from recursionlab.learn.progress import progress_bar
from recursionlab.learn.run import Run, teacher_forced
from recursionlab.learn.scoring import decoded
from recursionlab.learn.split import SplitLike, first_items
from recursionlab.learn.tensorboard import EventFile


class CaptureLike(Protocol):
    """What takes values out of chosen updates, such as `recursionlab.interpret.Capture`."""

    @property
    def steps(self) -> Collection[int]: ...  # noqa: D102

    def taps(self, model: _core.Model, trainer: _core.Trainer) -> list[tuple[Any, ...]]: ...  # noqa: D102


def no_sums() -> dict[str, Any]:
    """Return sums over no updates."""
    return {"loss": 0.0, "grad_norm": 0.0, "tokens": 0, "steps": 0, "lr": 0.0, "flops": 0.0}


def first_state() -> dict[str, Any]:
    """Return the state of a run before its first update."""
    return {
        "step": 0,
        "status": "running",
        "finished": False,
        "best": None,
        "stale": 0,
        "level": 0,
        "since": 0,
        "flops": 0.0,
        "sums": no_sums(),
    }


def log_spaced(total: int, per_decade: int) -> list[int]:
    """Return update numbers that are evenly spaced by their logarithm, up to `total`.

    Examples
    --------
    >>> log_spaced(100, 3)
    [1, 2, 5, 10, 22, 46, 100]
    """
    found: list[int] = []
    power = 0
    while per_decade:
        step = round(10.0 ** (power / per_decade))
        if step > total:
            break
        if step not in found[-1:]:
            found.append(step)
        power += 1
    return found


@dataclass
class Job:
    """A run on its way. Between chunks everything that a checkpoint needs stands in `state`."""

    settings: checkpoint.Settings
    model: _core.Model
    trainer: _core.Trainer
    valid: SplitLike | None
    curriculum: Curriculum | None
    total: int  # updates in the whole run
    per_epoch: int  # updates an epoch
    state: dict[str, Any] = field(default_factory=first_state)
    metrics: Metrics = field(default_factory=lambda: Metrics(None))
    folder: Path | None = None
    threads: Callable[[], int] = lambda: 1
    progress: bool = True
    clock: float = field(default_factory=time.monotonic)
    best: NDArray[np.float32] | None = None  # weights of the best evaluation, without a folder
    events: EventFile | None = None
    taps: list[tuple[Any, ...]] = field(default_factory=list)  # of config.hooks, in every update
    capture: CaptureLike | None = None

    @property
    def config(self) -> TrainConfig:
        """How the run is trained."""
        return self.settings.train

    def __post_init__(self) -> None:
        """Find the updates after which a checkpoint is kept for good."""
        self.spaced = log_spaced(self.total, self.config.save_per_decade)

    def run(self) -> Run:
        """Make the updates that are left and return the run."""
        with contextlib.ExitStack() as stack:
            if self.config.tensorboard and self.folder is not None and not self.state["finished"]:
                self.events = stack.enter_context(EventFile(self.folder, self.trainer.step))
            bar = stack.enter_context(
                progress_bar(self.total, "train", "step", self.progress, self.trainer.step)
            )
            while not self.state["finished"]:
                self._chunk(bar)
        return self._result()

    def _result(self) -> Run:
        model, step = self.model, self.trainer.step
        if self.config.select == "best" and self.state["best"] is not None:
            step = int(self.state["best"]["step"])
            if self.folder is not None:
                model = checkpoint.load(checkpoint.chosen(self.folder)).model
            elif self.best is not None:
                model.params[...] = self.best
        return Run(
            model=model,
            model_config=self.settings.model,
            config=self.config,
            vocabulary=self.settings.vocabulary,
            step=step,
            metrics=self.metrics.rows,
            path=self.folder,
            status=str(self.state["status"]),
            flops=float(self.state["flops"]),
        )

    def _chunk(self, bar: Any) -> None:
        """Run to the next update after which something is logged, scored or saved."""
        every = (self.config.log_every, self.config.eval_every, self.config.save_every)
        first = self.trainer.step
        stops = [first - first % n + n for n in every if n]
        stops += [step for step in self.spaced if step > first][:1]
        wanted = () if self.capture is None else self.capture.steps
        stops += [step - (step > first + 1) for step in wanted if step > first]
        if self.curriculum is not None:
            level, since = self.state["level"], self.state["since"]
            self.trainer.see(*self.curriculum.items(level), since)
            opens = self.curriculum.opens(level, since)
            stops += [] if opens is None else [opens]
        stop = min([self.total, *stops])
        try:
            taps = self.taps
            if self.capture is not None and stop in wanted:
                taps = taps + self.capture.taps(self.model, self.trainer)
            self.trainer.run(stop - first, self.threads(), taps)
        except (DivergedError, KeyboardInterrupt) as error:
            self._count()
            if isinstance(error, DivergedError):
                self.state["status"] = "diverged"
            if self.trainer.step > first or checkpoint.newest_step(self.folder) != first:
                self._save()
            raise
        self._count()
        bar.update(stop - first)
        self._after(stop, bar)

    def _after(self, step: int, bar: Any) -> None:
        """Log, score and save what is due after update `step`."""
        last, improved = step >= self.total, False
        if last:
            self.state["status"] = "finished"
        if last or _due(step, self.config.log_every):
            last = self._log(step, bar) or last
        if self.valid is not None and (last or _due(step, self.config.eval_every)):
            try:
                improved = self._score(step)
            except DivergedError:  # finite weights whose answers are not
                self.state["status"], last = "diverged", True
            if 0 < self.config.patience <= int(self.state["stale"]) and not last:
                self.state["status"], last = "stopped early", True
        self._open_level(step)
        self.state["finished"] = last
        wanted = improved and self.config.select == "best"
        if last or wanted or step in self.spaced or _due(step, self.config.save_every):
            self._save()

    def _open_level(self, step: int) -> None:
        """Open the next level of the curriculum, where so many steps decide."""
        if self.curriculum is not None:
            if self.curriculum.opens(self.state["level"], self.state["since"]) == step:
                self.state["level"], self.state["since"] = self.state["level"] + 1, step

    def _count(self) -> None:
        """Add the updates just made to the sums that the next row of metrics is made of."""
        sums = self.state["sums"]
        for loss, norm, rate, flops, tokens in zip(
            *(a.tolist() for a in self.trainer.history), strict=True
        ):
            sums["loss"] += loss * tokens
            sums["grad_norm"] += norm
            sums["tokens"] += tokens
            sums["steps"] += 1
            sums["lr"] = rate
            sums["flops"] += flops

    def _log(self, step: int, bar: Any) -> bool:
        """Write a row of metrics; return whether its loss ends the run."""
        sums = self.state["sums"]
        if sums["steps"] == 0:
            return False
        self.state["flops"] += sums["flops"]
        row = {
            "step": step,
            "epoch": step / self.per_epoch,
            "loss": sums["loss"] / sums["tokens"],
            "grad_norm": sums["grad_norm"] / sums["steps"],
            "lr": sums["lr"],
            "tokens": sums["tokens"],
            "flops": self.state["flops"],
        }
        if self.curriculum is not None:
            row["level"] = self.state["level"]
        self._row(row)
        bar.set_postfix_str(f"loss {row['loss']:.4f}")
        now = time.monotonic()
        if self.folder is not None:
            timing = {"step": step, "steps": sums["steps"], "seconds": now - self.clock}
            with open(self.folder / "timing.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(timing) + "\n")
        self.clock = now
        self.state["sums"] = no_sums()
        if not 0 < self.config.stop_loss < row["loss"]:
            return False
        self.state["status"] = "diverged"
        return True

    def _row(self, row: dict[str, Any]) -> None:
        self.metrics.append(row)
        if self.events is not None:
            self.events.scalars(row)

    def _score(self, step: int) -> bool:
        """Score `valid`; return whether it is the best so far.

        The loss and the tokens' accuracy are those under teacher forcing, the exact match that of
        free-running greedy decoding.
        """
        assert self.valid is not None
        valid = first_items(self.valid, self.config.eval_items)
        score = teacher_forced(self.model, valid, self.threads(), self.taps)
        exact = decoded(self.model, valid, self.threads(), self.taps)
        score["exact_match"] = float(exact.mean())
        self._row({"step": step, **{f"valid_{k}": v for k, v in score.items()}})
        if self.curriculum is not None:
            level = self.curriculum.after(self.state["level"], exact, self.config.curriculum_goal)
            if level != self.state["level"]:
                self.state["level"], self.state["since"] = level, step
        best = self.state["best"]
        rank = [score["exact_match"], -score["loss"]]
        if best is not None and rank <= [best["exact_match"], -best["loss"]]:
            self.state["stale"] += 1
            return False
        self.state["best"], self.state["stale"] = {"step": step, **score}, 0
        if self.config.select == "best" and self.folder is None:
            self.best = self.model.params.copy()
        return True

    def _save(self) -> None:
        if self.folder is None:
            return
        self.metrics.sync()
        self.state["step"] = self.trainer.step
        checkpoint.save(self.folder, self.settings, self.model, self.trainer, self.state)
        self.prune()

    def prune(self) -> None:
        """Remove the checkpoints that are not to be kept."""
        assert self.folder is not None
        kept = set(self.spaced)
        if self.config.select == "best" and self.state["best"] is not None:
            kept.add(int(self.state["best"]["step"]))
        checkpoint.prune(self.folder, self.config.keep, kept)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
