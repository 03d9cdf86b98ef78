"""Checkpoints and settings of a run: `safetensors` and JSON, whole or absent, read with care."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core, files
from recursionlab.errors import ConfigError, FormatError, InputError
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.split import EOS

if TYPE_CHECKING:
    from recursionlab.models import ModelConfig

SCHEMA_VERSION = 1
MODEL, OPTIMIZER = "model.safetensors", "optimizer.safetensors"
ADAPTER = "adapter.safetensors"  # of low-rank updates alone, named as the package peft names them
# Keys of state.json, beside best: level and since are those of the curriculum.
STATE = {
    "step": int,
    "status": str,
    "finished": bool,
    "stale": int,
    "level": int,
    "since": int,
    "flops": float,
    "sums": dict,
}
STATUSES = ("running", "finished", "stopped early", "diverged")
SUMS = {"loss": float, "grad_norm": float, "tokens": int, "steps": int, "lr": float, "flops": float}


@dataclass(frozen=True)
class Settings:
    """What a run is made from, beside its data: `config.json` of a run folder."""

    model: ModelConfig
    train: TrainConfig
    vocabulary: tuple[str, ...]


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that was read: the model with its weights, and where the run stood."""

    model: _core.Model
    model_config: ModelConfig
    vocabulary: tuple[str, ...]
    step: int
    state: dict[str, Any]


# ---- settings ------------------------------------------------------------------------------------


def write_settings(folder: Path, settings: Settings) -> None:
    """Write `config.json` of a run folder."""
    files.write_json(
        folder / "config.json",
        {
            "schema_version": SCHEMA_VERSION,
            "model": settings.model.to_dict(),
            "train": settings.train.to_dict(),
            "vocabulary": list(settings.vocabulary),
        },
    )


def read_settings(folder: Path) -> Settings:
    """Read `config.json` of a run folder.

    Raises
    ------
    FormatError
        If it is missing, of another schema version, or not what it should be.
    """
    path = folder / "config.json"
    values = _read(path, "the configuration of a run", ("model", "train", "vocabulary"))
    try:
        train = TrainConfig.from_dict(values["train"])
    except (ConfigError, TypeError) as error:
        raise FormatError(f"{path}: {error}") from error
    return Settings(_model_config(path, values["model"]), train, _vocabulary(path, values))


def _model_config(path: Path, values: Any) -> ModelConfig:
    from recursionlab.models import from_dict

    try:
        return from_dict(values)
    except (ConfigError, TypeError) as error:
        raise FormatError(f"{path}: {error}") from error


def _vocabulary(path: Path, values: dict[str, Any]) -> tuple[str, ...]:
    names = values["vocabulary"]
    whole = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not whole or len(names) <= EOS:
        raise FormatError(f"{path}: vocabulary: expected a list of token names, <eos> among them")
    return tuple(names)


def _read(path: Path, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    if not path.exists():
        raise FormatError(f"{path}: expected {what}, found no such file")
    values = files.read_json(path)
    if not isinstance(values, dict):
        raise FormatError(f"{path}: expected {what}, got {type(values).__name__}")
    version = values.get("schema_version")
    if version != SCHEMA_VERSION:
        raise FormatError(
            f"{path}: schema_version: expected {SCHEMA_VERSION}, got {version!r}; it was "
            "written by another version of recursionlab"
        )
    missing = [key for key in keys if key not in values]
    unknown = [key for key in values if key not in (*keys, "schema_version")]
    if missing or unknown:
        which = f"has no {missing[0]!r}" if missing else f"has an unknown key {unknown[0]!r}"
        raise FormatError(f"{path}: expected {what}, but it {which}")
    return values


# ---- checkpoints ---------------------------------------------------------------------------------


def newest_step(run: Path | None) -> int | None:
    """Return the number of updates of a run folder's newest checkpoint, or None."""
    steps = [] if run is None else _steps(run)
    return max(steps, default=None)


def newest(run: Path) -> Path | None:
    """Return a run folder's newest checkpoint, or None."""
    step = newest_step(run)
    return None if step is None else _folder(run, step)


def chosen(run: Path) -> Path:
    """Return the checkpoint that a run stands for: the newest, or the best once it is finished.

    Raises
    ------
    FormatError
        If there is none.
    """
    last = newest(run)
    if last is None:
        raise FormatError(
            f"{run}: the run has no checkpoint yet; resume it, or train with save_every="
        )
    if read_settings(run).train.select == "best":
        state = read_state(last)
        if state["finished"] and state["best"] is not None:
            return _folder(run, int(state["best"]["step"]))
    return last


def prune(run: Path, keep: int, kept: Collection[int] = ()) -> None:
    """Remove all but the newest `keep` checkpoints (0 keeps all) and those kept for good.

    What killed processes left goes too.
    A checkpoint is hidden before it is taken apart, so that none is ever seen in part.
    """
    for step in sorted(_steps(run))[:-keep] if keep else []:
        if step in kept:
            continue
        old = _folder(run, step)
        old.rename(old.with_name(f".{old.name}.old"))
    for left in (run / "checkpoints").glob(".step_*"):
        shutil.rmtree(left, ignore_errors=True)


def save(
    run: Path, settings: Settings, model: _core.Model, trainer: _core.Trainer, state: dict[str, Any]
) -> Path:
    """Write a checkpoint, whole or not at all, and return its folder."""
    from safetensors.numpy import save_file

    final = _folder(run, state["step"])
    with files.atomic_folder(final, overwrite=True) as folder:
        save_file(_plain(model.parameters()), folder / MODEL, {"format": "pt"})
        save_file(_plain(_moments(model, trainer)), folder / OPTIMIZER, {"format": "pt"})
        if settings.train.lora_rank:
            save_file(_plain(_adapter(trainer)), folder / ADAPTER, {"format": "pt"})
        shape = {"model": settings.model.to_dict(), "vocabulary": list(settings.vocabulary)}
        files.write_json(folder / "config.json", {"schema_version": SCHEMA_VERSION, **shape})
        files.write_json(folder / "state.json", {"schema_version": SCHEMA_VERSION, **state})
    return final


def load(folder: Path) -> Loaded:
    """Read a checkpoint's model and state.

    Raises
    ------
    FormatError
        If a file is missing, truncated, of another schema version, or does not fit the others.
    """
    path = folder / "config.json"
    values = _read(path, "the configuration of a checkpoint", ("model", "vocabulary"))
    shape, vocabulary = _model_config(path, values["model"]), _vocabulary(path, values)
    model = shape.build(len(vocabulary), seed=0)
    _fill(folder / MODEL, model.parameters())
    state = _state(folder / "state.json")
    return Loaded(model, shape, vocabulary, state["step"], state)


def load_optimizer(folder: Path, model: _core.Model, trainer: _core.Trainer) -> None:
    """Read a checkpoint's moments into a trainer of its model.

    Raises
    ------
    FormatError
        If the file is missing, truncated, or not of this model.
    """
    _fill(folder / OPTIMIZER, _moments(model, trainer))
    if trainer_adapts(trainer):
        _fill(folder / ADAPTER, _adapter(trainer))


def read_state(folder: Path) -> dict[str, Any]:
    """Read where a run stood at a checkpoint."""
    return _state(folder / "state.json")


def _steps(run: Path) -> list[int]:
    found = (re.fullmatch(r"step_(\d+)", p.name) for p in (run / "checkpoints").glob("step_*"))
    return [int(match[1]) for match in found if match]


def _folder(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"step_{step}"


def _state(path: Path) -> dict[str, Any]:
    state = _read(path, "the state of a checkpoint", (*STATE, "best"))
    for where, kinds in ((state, STATE), (state["sums"], SUMS)):
        for key, kind in kinds.items():
            if not isinstance(where, dict) or type(where.get(key)) is not kind:
                raise FormatError(f"{path}: {key}: expected a value of type {kind.__name__}")
    if state["status"] not in STATUSES:
        raise FormatError(f"{path}: status: expected one of {', '.join(STATUSES)}")
    best = state["best"]
    if best is not None and not (isinstance(best, dict) and type(best.get("step")) is int):
        raise FormatError(f"{path}: best: expected null or an object with a step")
    del state["schema_version"]
    return state


def _moments(model: _core.Model, trainer: _core.Trainer) -> dict[str, NDArray[np.float32]]:
    """Return views of AdamW's moments by parameter, named as PyTorch names them."""
    out: dict[str, NDArray[np.float32]] = {}
    for kind, flat in (("exp_avg", trainer.exp_avg), ("exp_avg_sq", trainer.exp_avg_sq)):
        for name, offset, shape in model.layout():
            size = int(np.prod(shape))
            out[f"{kind}.{name}"] = flat[offset : offset + size].reshape(shape)
    if trainer_adapts(trainer):
        for kind, flat in (
            ("exp_avg", trainer.adapter_exp_avg),
            ("exp_avg_sq", trainer.adapter_exp_avg_sq),
        ):
            out.update({f"{kind}.{name}": v for name, v in _updates(trainer, flat).items()})
        for name, rows, cols, _, _, _, base in trainer.adapter_layout():
            shape = (rows, cols)
            out[f"base.{name}"] = trainer.adapter_base[base : base + rows * cols].reshape(shape)
    return out


def trainer_adapts(trainer: _core.Trainer) -> bool:
    """Return whether a trainer learns low-rank updates."""
    try:
        return bool(trainer.adapter_layout())
    except InputError:
        return False


def _updates(trainer: _core.Trainer, flat: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return views of A and B of each update in one of the adapter's flat buffers."""
    out = {}
    for name, rows, cols, rank, a, b, _ in trainer.adapter_layout():
        stem = name.removesuffix(".weight")
        out[f"{stem}.lora_A.weight"] = flat[a : a + rank * cols].reshape(rank, cols)
        out[f"{stem}.lora_B.weight"] = flat[b : b + rows * rank].reshape(rows, rank)
    return out


def _adapter(trainer: _core.Trainer) -> dict[str, NDArray[np.float32]]:
    found = _updates(trainer, trainer.adapter)
    return {f"base_model.model.{name}": view for name, view in found.items()}


def _plain(views: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    return {name: np.ascontiguousarray(view) for name, view in views.items()}


def _fill(path: Path, views: dict[str, NDArray[np.float32]]) -> None:
    """Read a safetensors file into arrays of the same names and shapes, all or none."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not path.is_file():
        raise FormatError(f"{path}: expected a checkpoint's tensors, found no such file")
    try:
        found = load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise FormatError(f"{path}: not a whole safetensors file: {error}") from error
    for name, view in views.items():
        if name not in found:
            raise FormatError(f"{path}: expected a tensor {name!r}, found none of that name")
        if found[name].shape != view.shape or found[name].dtype != np.float32:
            got = f"{found[name].dtype} {found[name].shape}"
            raise FormatError(f"{path}: {name}: expected float32 {view.shape}, got {got}")
    unknown = sorted(set(found) - set(views))
    if unknown:
        raise FormatError(f"{path}: unknown tensor {unknown[0]!r}; is it of another model?")
    for name, view in views.items():
        view[...] = found[name]
