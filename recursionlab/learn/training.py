"""Training: from a model's shape and a split to a run, written as it goes, resumed to the bit."""

from __future__ import annotations

import contextlib
import datetime
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recursionlab import _core, files
from recursionlab.errors import ConfigError, DivergedError, FormatError, InputError
from recursionlab.learn import checkpoint
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.metrics import Metrics
from recursionlab.learn.progress import progress_bar
from recursionlab.learn.run import Run, teacher_forced
from recursionlab.learn.split import SplitLike, check_split, check_vocabulary, checksum
from recursionlab.machine import default_threads, describe

if TYPE_CHECKING:
    from recursionlab.models import ModelConfig


def train(
    model_config: ModelConfig | None,
    split: SplitLike,
    *,
    valid: SplitLike | None = None,
    output: str | Path | None = None,
    resume: str | Path | None = None,
    threads: int | Callable[[], int] | None = None,
    progress: bool = True,
    **config: Any,
) -> Run:
    """Train a model on a split.

    The result depends on the model's shape, the data, the configuration and the instruction set,
    never on the number of threads.

    Parameters
    ----------
    model_config : ModelConfig or None
        The model's shape, for example `Transformer(d_model=128)`; may be None when resuming.
    split : split of a data set
        Pairs to learn.
    valid : split of a data set, optional
        Pairs to score on the way and at the end, with teacher forcing.
    output : str or Path, optional
        Folder for configuration, metrics and checkpoints; without it nothing is written.
    resume : str or Path, optional
        Folder of a run that was stopped; it goes on there, under its own configuration.
    threads : int or function, optional
        Threads to use, or a function that says how many now. Default: `default_threads()`.
    progress : bool
        Whether to show a bar on a terminal.
    **config
        Fields of `TrainConfig`.

    Returns
    -------
    Run
        The trained model.

    Raises
    ------
    ConfigError
        If a field of the configuration is unknown or outside its range, or does not fit the run
        that is resumed.
    InputError
        If a sequence is longer than the model's positions, or the folder cannot be written.
    FormatError
        If a file of the run that is resumed is not what it should be.
    DivergedError
        If loss or gradient stop being finite; the last good state is kept as a checkpoint.
    """
    check_split(split, "split")
    if valid is not None:
        check_split(valid, "valid")
        check_vocabulary(valid, split.vocabulary, "valid")
    if resume is not None and output is not None and Path(output) != Path(resume):
        raise ConfigError("output: a resumed run stays in its folder; leave output out")
    if resume is None and model_config is None:
        raise ConfigError("model: expected a shape such as Transformer(d_model=128), got None")
    given = threads or default_threads()
    with contextlib.ExitStack() as stack:
        if resume is not None:
            folder = Path(resume)
            if folder.is_dir():
                stack.enter_context(files.locked(folder))
            job = _open(folder, model_config, split, valid, config)
        else:
            assert model_config is not None
            job = _start(model_config, split, valid, TrainConfig.from_dict(config))
            if output is not None:
                _claim(stack, Path(output), job, split)
        job.threads = given if callable(given) else lambda: given
        job.progress = progress
        return job.run()


@dataclass
class _Job:
    """A run on its way. Between chunks everything that a checkpoint needs stands in `state`."""

    settings: checkpoint.Settings
    model: _core.Model
    trainer: _core.Trainer
    valid: SplitLike | None
    folder: Path | None
    metrics: Metrics
    state: dict[str, Any]
    total: int  # updates in the whole run
    per_epoch: int  # updates an epoch
    threads: Callable[[], int] = lambda: 1
    progress: bool = True
    clock: float = field(default_factory=time.monotonic)

    @property
    def config(self) -> TrainConfig:
        return self.settings.train

    def run(self) -> Run:
        """Make the updates that are left and return the run."""
        with progress_bar(self.total, "train", "step", self.progress, self.trainer.step) as bar:
            while not self.state["finished"]:
                self._chunk(bar)
        return Run(
            model=self.model,
            model_config=self.settings.model,
            config=self.config,
            vocabulary=self.settings.vocabulary,
            step=self.trainer.step,
            metrics=self.metrics.rows,
            path=self.folder,
        )

    def _chunk(self, bar: Any) -> None:
        """Run to the next update after which something is logged, scored or saved."""
        every = [
            n for n in (self.config.log_every, self.config.eval_every, self.config.save_every) if n
        ]
        first = self.trainer.step
        stop = min([self.total, *(first - first % n + n for n in every)])
        try:
            self.trainer.run(stop - first, self.threads())
        except (DivergedError, KeyboardInterrupt):
            self._count()
            if self.trainer.step > first or checkpoint.newest_step(self.folder) != first:
                self._save()
            raise
        self._count()
        bar.update(stop - first)
        self._after(stop, bar)

    def _after(self, step: int, bar: Any) -> None:
        """Log, score and save what is due after update `step`."""
        last = step >= self.total
        self._log(step, bar)
        if self.valid is not None and (last or _due(step, self.config.eval_every)):
            last = self._score(step) or last
        self.state["finished"] = last
        if last or _due(step, self.config.save_every):
            self._save()

    def _count(self) -> None:
        """Add the updates just made to the sums that the next row of metrics is made of."""
        sums = self.state["sums"]
        for loss, norm, rate, tokens in zip(
            *(a.tolist() for a in self.trainer.history), strict=True
        ):
            sums["loss"] += loss * tokens
            sums["grad_norm"] += norm
            sums["tokens"] += tokens
            sums["steps"] += 1
            sums["lr"] = rate

    def _log(self, step: int, bar: Any) -> None:
        sums = self.state["sums"]
        if sums["steps"] == 0:
            return
        row = {
            "step": step,
            "epoch": step / self.per_epoch,
            "loss": sums["loss"] / sums["tokens"],
            "grad_norm": sums["grad_norm"] / sums["steps"],
            "lr": sums["lr"],
            "tokens": sums["tokens"],
        }
        self.metrics.append(row)
        bar.set_postfix_str(f"loss {row['loss']:.4f}")
        now = time.monotonic()
        if self.folder is not None:
            timing = {"step": step, "steps": sums["steps"], "seconds": now - self.clock}
            with open(self.folder / "timing.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(timing) + "\n")
        self.clock = now
        self.state["sums"] = _no_sums()

    def _score(self, step: int) -> bool:
        """Score `valid`; return whether patience is at its end."""
        assert self.valid is not None
        score = teacher_forced(self.model, self.valid, self.threads())
        self.metrics.append({"step": step, **{f"valid_{k}": v for k, v in score.items()}})
        best = self.state["best"]
        rank = [score["exact_match"], -score["loss"]]
        if best is None or rank > [best["exact_match"], -best["loss"]]:
            self.state["best"] = {"step": step, **score}
            self.state["stale"] = 0
        else:
            self.state["stale"] += 1
        return 0 < self.config.patience <= int(self.state["stale"])

    def _save(self) -> None:
        if self.folder is None:
            return
        self.metrics.sync()
        self.state["step"] = self.trainer.step
        checkpoint.save(self.folder, self.settings, self.model, self.trainer, self.state)
        checkpoint.prune(self.folder, self.config.keep)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _no_sums() -> dict[str, Any]:
    return {"loss": 0.0, "grad_norm": 0.0, "tokens": 0, "steps": 0, "lr": 0.0}


def _job(
    settings: checkpoint.Settings,
    split: SplitLike,
    valid: SplitLike | None,
    folder: Path | None,
    model: _core.Model,
) -> _Job:
    config, items = settings.train, len(split.input_offsets) - 1
    if items < 1:
        raise InputError("split: expected at least one item to learn, got none")
    total = config.total_steps(items)
    trainer = _core.Trainer(
        model,
        split.input_ids,
        split.input_offsets,
        split.labels,
        split.label_offsets,
        steps=total,
        warmup=config.warmup,
        batch_size=config.batch_size,
        shards=config.shards,
        schedule=config.schedule,
        lr=float(config.lr),
        lr_end=float(config.lr_end),
        beta1=float(config.betas[0]),
        beta2=float(config.betas[1]),
        eps=float(config.eps),
        weight_decay=float(config.weight_decay),
        clip=float(config.clip),
        label_smoothing=float(config.label_smoothing),
        seed=config.seed,
    )
    return _Job(
        settings=settings,
        model=model,
        trainer=trainer,
        valid=valid,
        folder=folder,
        metrics=Metrics(None if folder is None else folder / "metrics.jsonl"),
        state={"step": 0, "finished": False, "best": None, "stale": 0, "sums": _no_sums()},
        total=total,
        per_epoch=(items - 1) // config.batch_size + 1,
    )


def _start(
    model_config: ModelConfig, split: SplitLike, valid: SplitLike | None, config: TrainConfig
) -> _Job:
    settings = checkpoint.Settings(model_config, config, tuple(split.vocabulary))
    return _job(settings, split, valid, None, checkpoint.new_model(settings))


def _claim(stack: contextlib.ExitStack, folder: Path, job: _Job, split: SplitLike) -> None:
    """Let a new run have its folder, locked, and write what it is made from."""
    stack.enter_context(files.locked(folder))
    if any((folder / n).exists() for n in ("config.json", "checkpoints")):
        raise InputError(
            f"output: {folder} already holds a run; resume it, or choose another folder"
        )
    job.folder, job.metrics = folder, Metrics(folder / "metrics.jsonl")
    files.write_json(folder / "manifest.json", _manifest(job.settings, split, job.valid, job))
    checkpoint.write_settings(folder, job.settings)


def _manifest(
    settings: checkpoint.Settings, split: SplitLike, valid: SplitLike | None, job: _Job
) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "schema_version": checkpoint.SCHEMA_VERSION,
        "started": now.isoformat(timespec="seconds"),
        "machine": describe(),
        "seeds": {"train": settings.train.seed},
        "data": _checksums(split, valid),
        "steps": job.total,
        "parameters": int(sum(array.size for array in job.model.parameters().values())),
    }


def _checksums(split: SplitLike, valid: SplitLike | None) -> dict[str, Any]:
    named = {"train": split, "valid": valid}
    return {
        name: {"items": len(part.input_offsets) - 1, "sha256": checksum(part)}
        for name, part in named.items()
        if part is not None
    }


def _open(
    folder: Path,
    model_config: ModelConfig | None,
    split: SplitLike,
    valid: SplitLike | None,
    config: dict[str, Any],
) -> _Job:
    settings = checkpoint.read_settings(folder)
    if model_config is not None and model_config != settings.model:
        raise ConfigError(f"model: the run in {folder} has another shape; leave it out to resume")
    kept = settings.train.to_dict()
    for key, value in TrainConfig.from_dict({**kept, **config}).to_dict().items():
        if value != kept[key]:
            raise ConfigError(
                f"train: {key} is {kept[key]!r} in {folder}, got {value!r}; a resumed run keeps "
                "its configuration"
            )
    check_vocabulary(split, settings.vocabulary, "split")
    _check_data(folder, split, valid)
    newest = checkpoint.newest(folder)
    if newest is None:
        job = _job(settings, split, valid, folder, checkpoint.new_model(settings))
    else:
        loaded = checkpoint.load(newest)
        job = _job(settings, split, valid, folder, loaded.model)
        checkpoint.load_optimizer(newest, loaded.model, job.trainer)
        job.trainer.step = loaded.step
        job.state = loaded.state
    job.metrics.cut(job.trainer.step)
    return job


def _check_data(folder: Path, split: SplitLike, valid: SplitLike | None) -> None:
    manifest = files.read_json(folder / "manifest.json")
    try:
        kept, isa = manifest["data"], manifest["machine"]["isa"]
    except (KeyError, TypeError) as error:
        raise FormatError(f"{folder / 'manifest.json'}: expected a run's manifest") from error
    given = _checksums(split, valid)
    if kept != given:
        name = next(n for n in ("train", "valid") if kept.get(n) != given.get(n))
        raise ConfigError(
            f"{name}: the run in {folder} was trained on other data; resume with the same splits"
        )
    if isa != _core.isa():
        raise ConfigError(
            f"isa: the run in {folder} was made with {isa!r}, this process uses {_core.isa()!r}; "
            f"set RECURSIONLAB_ISA={isa} to go on to the same bits"
        )
