"""Tensors of foreign checkpoints: read with care, taken apart and put together by rows of names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.errors import FormatError

Array = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """A tensor of a file and the parameters of ours that are in it.

    Attributes
    ----------
    name : str
        In the file.
    ours : tuple of str
        Parameters, in the order in which `put` takes and `split` gives them.
    put : function
        The file's tensor of our parameters; its shape is what a file must have.
    split : function
        Our parameters of the file's tensor.
    also : tuple of str
        Other names that the same tensor may have; where several are there they must be equal.
    """

    name: str
    ours: tuple[str, ...]
    put: Callable[..., Array] = lambda a: a
    split: Callable[[Array], Sequence[Array]] = lambda a: (a,)
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tensors:
    """All tensors of a family's file; patterns of names that mean nothing; prefix of all names.

    `zeros` are tensors that must be zero: name and shape.
    """

    rows: tuple[Tensor, ...]
    prefix: str = ""
    unread: tuple[str, ...] = ()
    zeros: tuple[tuple[str, tuple[int, ...]], ...] = ()


KINDS: dict[str, Any] = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def read_file(path: Path) -> dict[str, Array]:
    """Read a safetensors file of float32, float16 or bfloat16 as float32.

    Raises
    ------
    FormatError
        If the file is not a whole one, or a tensor has another kind of numbers.
    """
    from safetensors import SafetensorError, deserialize

    try:
        found: Any = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except (SafetensorError, ValueError, OSError) as error:
        raise FormatError(f"{path}: not a whole safetensors file: {error}") from error
    return {name: _array(path, name, row) for name, row in found}


def _array(path: Path, name: str, row: dict[str, Any]) -> Array:
    kind = KINDS.get(row["dtype"])
    if kind is None:
        if row["dtype"] in ("BOOL", "U8", "I64", "I32"):  # masks: never parameters of ours
            return np.zeros(tuple(row["shape"]), np.uint8)
        raise FormatError(f"{path}: {name}: expected F32, F16 or BF16, got {row['dtype']}")
    flat: Array = np.frombuffer(row["data"], kind)
    if row["dtype"] == "BF16":
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(np.float32).reshape(tuple(row["shape"]))


def from_file(path: Path, found: dict[str, Array], tensors: Tensors, model: _core.Model) -> None:
    """Fill a model from a file's tensors, all or none.

    Raises
    ------
    FormatError
        Naming the tensor that is missing, unknown, misshapen, not finite or not what it must be.
    """
    params = model.parameters()
    found = _prefixed(found, tensors)
    parts = []
    for row in tensors.rows:
        array = _one(path, found, row)
        want = row.put(*(params[name] for name in row.ours))
        if array.shape != want.shape:
            raise FormatError(
                f"{path}: {row.name}: expected shape {want.shape} by the configuration, got "
                f"{array.shape}"
            )
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise FormatError(f"{path}: {row.name}: expected finite numbers")
        parts += list(zip(row.ours, row.split(array), strict=True))
    for name, _ in tensors.zeros:
        if found.pop(name, np.zeros(1)).any():
            raise FormatError(f"{path}: {name}: only zeros are supported")
    for name in sorted(found):
        if not any(re.fullmatch(pattern, name) for pattern in tensors.unread):
            raise FormatError(f"{path}: unknown tensor {name!r}; is it of another model?")
    for name, value in parts:
        params[name][...] = value


def _prefixed(found: dict[str, Array], tensors: Tensors) -> dict[str, Array]:
    """Return the names as the model with a head has them: a bare model's lack the prefix."""
    bare = tensors.prefix and not any(name.startswith(tensors.prefix) for name in found)
    return {f"{tensors.prefix}{name}" if bare else name: a for name, a in found.items()}


def _one(path: Path, found: dict[str, Array], row: Tensor) -> Array:
    """Take a tensor out, under whichever of its names it has."""
    names = [name for name in (row.name, *row.also) if name in found]
    if not names:
        raise FormatError(f"{path}: expected a tensor {row.name!r}, found none of that name")
    first = found.pop(names[0])
    for name in names[1:]:
        other = found.pop(name)
        if other.shape != first.shape or not np.array_equal(other, first):
            raise FormatError(
                f"{path}: {name} differs from {names[0]}, the configuration says they are one; set "
                "tie_word_embeddings to false"
            )
    return first


def to_file(tensors: Tensors, model: _core.Model) -> dict[str, Array]:
    """Return a family's tensors of a model's parameters."""
    params = model.parameters()
    out = {}
    for row in tensors.rows:
        array = row.put(*(params[name] for name in row.ours))
        out[row.name] = np.ascontiguousarray(array, np.float32)
    for name, shape in tensors.zeros:
        out[name] = np.zeros(shape, np.float32)
    return out
