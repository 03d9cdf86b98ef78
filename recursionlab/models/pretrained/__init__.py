"""Checkpoints of Hugging Face's shapes: BART, T5 and GPT-2, one file a family.

The folder is the registry: a family is a module with `MODEL_TYPE`, `ARCHITECTURES`, `read(keys)`
that makes a `Transformer` of its configuration, `write(config, vocab_size)` that is its inverse,
and `tensors(config, vocab_size)` that says where each of our parameters stands in its file.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

from recursionlab import _core, files
from recursionlab.errors import ConfigError, FormatError
from recursionlab.models.pretrained.keys import Keys
from recursionlab.models.pretrained.tensors import from_file, read_file, to_file
from recursionlab.models.transformer import Transformer

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def families() -> dict[str, ModuleType]:
    """Return the families that can be read and written, by `model_type`.

    Examples
    --------
    >>> sorted(families())
    ['bart', 'gpt2', 't5']
    """
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return {m.MODEL_TYPE: m for m in modules if hasattr(m, "MODEL_TYPE")}


def from_pretrained(folder: str | Path) -> tuple[_core.Model, Transformer]:
    """Read a BART-, T5- or GPT-2-shaped checkpoint: `config.json` and `model.safetensors`.

    No code of the folder is executed, and pickled weights are not read. Settings of generation
    (`num_beams`, `forced_eos_token_id` and the like) are left to `predict`.

    Parameters
    ----------
    folder : str or Path
        A folder as `transformers` saves it.

    Returns
    -------
    model : _core.Model
        The model with the checkpoint's weights, in float32.
    model_config : Transformer
        Its shape.

    Raises
    ------
    FormatError
        If a file is missing or damaged; if the configuration has a key that is not known, or a
        value that this package's layers cannot follow; if a tensor is missing, unknown, misshapen
        or not finite.
    """
    folder = Path(folder)
    keys = Keys.of(folder / CONFIG)
    family = _family(keys)
    config, vocab_size = family.read(keys)
    keys.end()
    if not (folder / WEIGHTS).is_file():
        raise FormatError(f"{folder}: expected {WEIGHTS}, found none{_other(folder)}")
    found = read_file(folder / WEIGHTS)
    try:
        config.validate()
        _plausible(config, vocab_size, sum(array.size for array in found.values()))
        model = config.build(vocab_size, seed=0)
    except ConfigError as error:
        raise FormatError(f"{keys.path}: {error}") from error
    from_file(folder / WEIGHTS, found, family.tensors(config, vocab_size), model)
    return model, config


def _plausible(config: Transformer, vocab_size: int, floats: int) -> None:
    """Refuse a shape larger than the file, before there is memory taken for it."""
    full = config.resolved()
    layers = config.decoder_layers
    if config.architecture == "encoder_decoder":
        layers += config.encoder_layers
    heads = full["d_head"] * config.n_heads
    block = 2 * config.d_model * heads + 2 * config.d_model * full["d_mlp"]
    if layers * block + vocab_size * config.d_model > floats:
        raise ConfigError(f"its shape has more numbers than {WEIGHTS}, which has {floats}")


def _other(folder: Path) -> str:
    if (folder / f"{WEIGHTS}.index.json").exists():
        return "; it is in several files: save it again in one, with max_shard_size"
    if (folder / "pytorch_model.bin").exists():
        return "; pytorch_model.bin is pickled and not read: save it again as safetensors"
    return ""


def _family(keys: Keys) -> ModuleType:
    name, known = keys.take("model_type", str, None), families()
    if name not in known:
        raise FormatError(
            f"{keys.path}: model_type: expected one of {', '.join(sorted(known))}, got {name!r}"
        )
    family = known[name]
    for each in keys.take("architectures", list, None) or []:
        if each not in family.ARCHITECTURES:
            raise FormatError(
                f"{keys.path}: architectures: expected one of {', '.join(family.ARCHITECTURES)}, "
                f"got {each!r}"
            )
    return family


def save_pretrained(model: _core.Model, model_config: Transformer, folder: str | Path) -> str:
    """Write a model as a checkpoint that `transformers` opens, whole or not at all.

    Parameters
    ----------
    model : _core.Model
        The weights.
    model_config : Transformer
        Its shape; it must be one of BART, T5 or GPT-2.
    folder : str or Path
        Where `config.json` and `model.safetensors` go.

    Returns
    -------
    str
        The `model_type` written.

    Raises
    ------
    ConfigError
        If no family has this shape; the message names what differs from each.
    """
    from safetensors.numpy import save_file

    vocab_size = int(model.config["vocab_size"])
    reasons = []
    for name, family in sorted(families().items()):
        values = family.write(model_config, vocab_size)
        reason = _difference(family, values, model_config)
        if reason is None:
            with files.atomic_folder(Path(folder), overwrite=True) as out:
                rows = to_file(family.tensors(model_config, vocab_size), model)
                save_file(rows, out / WEIGHTS, {"format": "pt"})
                files.write_json(out / CONFIG, values)
            return name
        reasons.append(f"{name}: {reason}")
    raise ConfigError(f"save_pretrained: no family has this shape ({'; '.join(reasons)})")


def _difference(family: ModuleType, values: dict[str, Any], config: Transformer) -> str | None:
    """Return what of a shape is lost when it is written as a family's, or None."""
    try:
        back, _ = family.read(Keys(Path("config.json"), dict(values)))
    except (ConfigError, FormatError) as error:
        return str(error)
    ours, theirs = config.resolved(), back.resolved()
    for key, value in ours.items():
        if theirs[key] != value and key not in family.UNREAD:
            return f"{key} would be {theirs[key]!r}, is {value!r}"
    return None
