"""Training: from a model's shape and a split to a run, written as it goes, resumed to the bit."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recursionlab import _core, files
from recursionlab.errors import ConfigError, FormatError, InputError
from recursionlab.learn import checkpoint
from recursionlab.learn.beginning import first_model, learned_options
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.curriculum import in_levels
from recursionlab.learn.hooks import longest_rows, plain_hooks, standing_taps
from recursionlab.learn.job import CaptureLike, Job
from recursionlab.learn.metrics import Metrics
from recursionlab.learn.run import Run
from recursionlab.learn.split import SplitLike, check_split, check_vocabulary, checksum
from recursionlab.learn.turns import with_corrections
from recursionlab.machine import default_threads, describe

if TYPE_CHECKING:
    from recursionlab.models import ModelConfig


def train(
    model_config: ModelConfig | Mapping[str, Any] | None,
    split: SplitLike,
    *,
    valid: SplitLike | None = None,
    output: str | Path | None = None,
    resume: str | Path | None = None,
    threads: int | Callable[[], int] | None = None,
    progress: bool = True,
    capture: CaptureLike | None = None,
    **config: Any,
) -> Run:
    """Train a model on a split.

    The result depends on the model's shape, the data, the configuration and the instruction set,
    never on the number of threads.

    Parameters
    ----------
    model_config : ModelConfig, mapping or None
        The model's shape, for example `Transformer(d_model=128)`; may be None when resuming, and
        with `init=`, which names the folder of a model to go on from.
    split : split of a data set
        Pairs to learn.
    valid : split of a data set, optional
        Pairs to score on the way and at the end: loss and tokens under teacher forcing, exact match
        by free-running decoding.
    output : str or Path, optional
        Folder for configuration, metrics and checkpoints; without it nothing is written.
    resume : str or Path, optional
        Folder of a run that was stopped; it goes on there, under its own configuration.
    threads : int or function, optional
        Threads to use, or a function that says how many now. Default: `default_threads()`.
    progress : bool
        Whether to show a bar on a terminal.
    capture : Capture, optional
        Takes values out of chosen updates; it changes no result.
    **config
        Fields of `TrainConfig`. `hooks=[(name, Scale(0, Where(heads=1)))]` holds interventions in
        every update and evaluation, gradients included; `Run.predict` repeats them.

    Returns
    -------
    Run
        The trained model.

    Raises
    ------
    ConfigError
        If a field of the configuration is unknown or outside its range, or does not fit the run
        that is resumed or the model that is gone on from.
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
    given = threads or default_threads()
    now = given if callable(given) else lambda: given
    with contextlib.ExitStack() as stack:
        if resume is not None:
            folder = Path(resume)
            if folder.is_dir():
                stack.enter_context(files.locked(folder))
            job = _open(folder, model_config, split, valid, config, now)
        else:
            settings = TrainConfig.from_dict(config)
            if settings.corrections:
                split = with_corrections(split, settings.corrections, now())
            job, begun = _start(model_config, split, valid, settings)
            if output is not None:
                _claim(stack, Path(output), job, split, begun)
        job.threads = now
        job.progress = progress
        job.capture = capture
        return job.run()


def _job(
    settings: checkpoint.Settings, split: SplitLike, valid: SplitLike | None, model: _core.Model
) -> Job:
    config, items = settings.train, len(split.input_offsets) - 1
    if items < 1:
        raise InputError("split: expected at least one item to learn, got none")
    total, curriculum = config.total_steps(items), None
    if config.curriculum:
        split, curriculum = in_levels(split, valid, config)
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
        precision=config.precision,
        **learned_options(config, model),
    )
    per_epoch = (items - 1) // config.batch_size + 1
    hooks, free = plain_hooks(config.hooks), valid is not None
    taps = standing_taps(model, hooks, longest_rows(model, split), free=free)
    return Job(settings, model, trainer, valid, curriculum, total, per_epoch, taps=taps)


def _start(
    shape: ModelConfig | Mapping[str, Any] | None,
    split: SplitLike,
    valid: SplitLike | None,
    config: TrainConfig,
) -> tuple[Job, str | None]:
    """Return a new run's job, and the checksum of the weights it begins from."""
    model, shape, begun = first_model(config, shape, split.vocabulary)
    settings = checkpoint.Settings(shape, config, tuple(split.vocabulary))
    return _job(settings, split, valid, model), begun


def _claim(
    stack: contextlib.ExitStack, folder: Path, job: Job, split: SplitLike, begun: str | None
) -> None:
    """Let a new run have its folder, locked, and write what it is made from."""
    stack.enter_context(files.locked(folder))
    if any((folder / n).exists() for n in ("config.json", "checkpoints")):
        raise InputError(
            f"output: {folder} already holds a run; resume it, or choose another folder"
        )
    files.clean(folder)
    job.folder, job.metrics = folder, Metrics(folder / "metrics.jsonl")
    manifest = {**_manifest(job, split), **({"init_sha256": begun} if begun else {})}
    files.write_json(folder / "manifest.json", manifest)
    checkpoint.write_settings(folder, job.settings)


def _manifest(job: Job, split: SplitLike) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "schema_version": checkpoint.SCHEMA_VERSION,
        "started": now.isoformat(timespec="seconds"),
        "machine": describe(),
        "seeds": {"train": job.config.seed},
        "data": _checksums(split, job.valid),
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
    shape: ModelConfig | Mapping[str, Any] | None,
    split: SplitLike,
    valid: SplitLike | None,
    config: dict[str, Any],
    threads: Callable[[], int],
) -> Job:
    settings = checkpoint.read_settings(folder)
    if shape is not None and not isinstance(shape, Mapping) and shape != settings.model:
        raise ConfigError(f"model: the run in {folder} has another shape; leave it out to resume")
    kept = settings.train.to_dict()
    for key, value in TrainConfig.from_dict({**kept, **config}).to_dict().items():
        if value != kept[key]:
            raise ConfigError(
                f"train: {key} is {kept[key]!r} in {folder}, got {value!r}; a resumed run keeps "
                "its configuration"
            )
    check_vocabulary(split, settings.vocabulary, "split")
    if settings.train.corrections:
        split = with_corrections(split, settings.train.corrections, threads())
    manifest = files.read_json(folder / "manifest.json")
    _check_data(folder, manifest, split, valid)
    newest = checkpoint.newest(folder)
    if newest is None:
        model, _, begun = first_model(settings.train, settings.model, settings.vocabulary)
        if begun != manifest.get("init_sha256"):
            raise ConfigError(f"init: the weights in {settings.train.init} were changed since")
        job = _job(settings, split, valid, model)
    else:
        loaded = checkpoint.load(newest)
        job = _job(settings, split, valid, loaded.model)
        checkpoint.load_optimizer(newest, loaded.model, job.trainer)
        job.trainer.step = loaded.step
        job.state = loaded.state
    job.folder, job.metrics = folder, Metrics(folder / "metrics.jsonl")
    files.clean(folder)
    job.metrics.cut(job.trainer.step)
    if newest is not None:
        job.prune()
    return job


def _check_data(folder: Path, manifest: Any, split: SplitLike, valid: SplitLike | None) -> None:
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
