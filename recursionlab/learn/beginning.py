"""What a run begins from: fresh weights or an earlier model's, and which of them it learns."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core, files
from recursionlab.config import suggest
from recursionlab.errors import ConfigError, FormatError
from recursionlab.learn import checkpoint
from recursionlab.learn.config import TrainConfig

if TYPE_CHECKING:
    from recursionlab.models import ModelConfig

# Of a shape: may differ from that of the weights (a table of positions must still fit).
FREE = ("dropout", "attention_dropout", "max_positions")


@dataclasses.dataclass(frozen=True)
class Source:
    """Weights to begin from: a model, its shape, its vocabulary where it is known, the file."""

    model: _core.Model
    shape: ModelConfig
    vocabulary: tuple[str, ...] | None
    file: Path


def first_model(
    config: TrainConfig, shape: ModelConfig | Mapping[str, Any] | None, vocabulary: Sequence[str]
) -> tuple[_core.Model, ModelConfig, str | None]:
    """Return the model that a run begins with, its shape, and the checksum of `init`'s weights.

    Parameters
    ----------
    config : TrainConfig
        `seed`, and `init` and `resize` where an earlier model is gone on from.
    shape : ModelConfig or mapping, optional
        Needed without `init`; with it, what it says must be so of those weights, dropout apart. A
        mapping says no more than its keys.
    vocabulary : sequence of str
        The tokens of the data.

    Raises
    ------
    ConfigError
        If the shapes differ, or the vocabularies do and `resize` is not set.
    FormatError
        If the folder is not one of a model.
    """
    if not config.init:
        if shape is None:
            raise ConfigError("model: expected a shape such as Transformer(d_model=128), got None")
        if isinstance(shape, Mapping):
            from recursionlab.models import from_dict

            shape = from_dict(shape)
        return shape.build(len(vocabulary), seed=config.seed), shape, None
    source = read_source(Path(config.init))
    shape = _shape(source, shape, config.init)
    model = shape.build(len(vocabulary), seed=config.seed)
    rows = _rows(source, vocabulary, config)
    try:
        _copy(source, model, shape, rows)
    except ValueError as error:
        raise ConfigError(f"init: {config.init}: {error}") from None
    return model, shape, files.sha256(source.file)


def read_source(path: Path) -> Source:
    """Read the weights in the folder of a run, of a checkpoint, or of a Hugging Face model."""
    if not path.is_dir():
        raise FormatError(f"{path}: expected the folder of a run, checkpoint or model, found none")
    weights = path / checkpoint.MODEL
    if not weights.exists() and not (path / "checkpoints").is_dir():
        raise FormatError(f"{path}: found neither checkpoints nor {checkpoint.MODEL}")
    config = path / "config.json"
    if weights.exists() and config.exists() and "model_type" in _mapping(files.read_json(config)):
        from recursionlab.models import from_pretrained

        model, shape = from_pretrained(path)
        return Source(model, shape, None, weights)
    folder = path if weights.exists() else checkpoint.chosen(path)
    loaded = checkpoint.load(folder)
    return Source(loaded.model, loaded.model_config, loaded.vocabulary, folder / checkpoint.MODEL)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _shape(
    source: Source, wanted: ModelConfig | Mapping[str, Any] | None, init: str
) -> ModelConfig:
    """Return the shape to train: the source's, with the dropout that is asked for."""
    given = dict(wanted) if isinstance(wanted, Mapping) else wanted.to_dict() if wanted else {}
    theirs = source.shape.to_dict()
    for key, value in given.items():
        if key not in theirs:
            raise ConfigError(f"model: unknown key {key!r}{suggest(key, theirs)}")
        if key not in FREE and value is not None and value != theirs[key]:
            raise ConfigError(
                f"model: {key} is {theirs[key]!r} in {init}, got {value!r}; leave it out to take "
                "the shape that the weights have"
            )
    free = {key: given[key] for key in FREE if given.get(key) is not None}
    shape = dataclasses.replace(source.shape, **free)
    shape.validate()
    return shape


def _rows(source: Source, vocabulary: Sequence[str], config: TrainConfig) -> NDArray[np.int64]:
    """Return for each token the row it has in the source, -1 for a new one."""
    theirs, ours = source.vocabulary, tuple(vocabulary)
    known = int(source.model.config["vocab_size"])
    if theirs is None:
        if known != len(ours) and not config.resize:
            raise ConfigError(
                f"init: {config.init} has {known} tokens, the data {len(ours)}; set resize = true "
                "to keep the first rows and begin the others afresh"
            )
        return np.where(np.arange(len(ours)) < known, np.arange(len(ours)), -1)
    if theirs != ours and not config.resize:
        new = next((t for t in ours if t not in theirs), None)
        what = f"no token {new!r}" if new is not None else "the tokens in another order"
        raise ConfigError(
            f"init: {config.init} has {what}; use data of the same program and encoding, or set "
            "resize = true to keep the rows of the tokens that both have"
        )
    at = {token: row for row, token in enumerate(theirs)}
    return np.array([at.get(token, -1) for token in ours], np.int64)


def _copy(source: Source, model: _core.Model, shape: ModelConfig, rows: NDArray[np.int64]) -> None:
    """Copy weights by name; those with a row a token go by `rows`."""
    theirs, ours = source.model.parameters(), model.parameters()
    by_token = _by_token(shape, len(rows), ours)
    for name, view in ours.items():
        if name not in theirs:
            raise ValueError(f"has no parameter {name!r}")
        if name in by_token:
            kept = rows >= 0
            view[kept] = theirs[name][rows[kept]]
        elif theirs[name].shape != view.shape:
            raise ValueError(f"{name}: expected {view.shape}, got {theirs[name].shape}")
        else:
            view[...] = theirs[name]


def _by_token(
    shape: ModelConfig, count: int, ours: dict[str, NDArray[np.float32]]
) -> frozenset[str]:
    """Return the parameters whose first axis is the vocabulary: it grows with it."""
    larger = shape.build(count + 1, seed=0).parameters()
    return frozenset(n for n, view in ours.items() if larger[n].shape[0] == view.shape[0] + 1)


# ---- what is learned -----------------------------------------------------------------------------


def learned_options(config: TrainConfig, model: _core.Model) -> dict[str, Any]:
    """Return the trainer's arguments that say what of a model is learned.

    Raises
    ------
    ConfigError
        If a pattern fits no parameter.
    """
    names = [name for name, *_ in model.layout()]
    patterns = config.freeze or (("*",) if config.lora_rank else ())
    frozen = np.zeros(len(names), np.uint8)
    for pattern in patterns:
        marks = _matches(pattern.removeprefix("!"), names, "freeze")
        frozen[marks] = not pattern.startswith("!")
    options: dict[str, Any] = {"frozen": frozen}
    if config.lora_rank:
        adapted = np.zeros(len(names), np.uint8)
        for pattern in config.lora_targets:
            adapted[_matches(pattern, names, "lora_targets")] = 1
        options.update(
            adapted=adapted, lora_rank=config.lora_rank, lora_alpha=float(config.lora_alpha)
        )
    return options


def _matches(pattern: str, names: Sequence[str], where: str) -> list[int]:
    found = [i for i, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        raise ConfigError(f"{where}: no parameter fits {pattern!r}{suggest(pattern, names)}")
    return found
