"""What training and predicting want of data: packed arrays of tokens, and the tokens' names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import ConfigError, InputTypeError

PAD, BOS, EOS = 0, 1, 2  # the first specials of every vocabulary


@runtime_checkable
class SplitLike(Protocol):
    """Anything with pairs of packed sequences; R pairs, no padding, no <bos>, no <eos>.

    Attributes
    ----------
    input_ids, labels : int32 arrays, shape (tokens,)
        Sources and targets end to end.
    input_offsets, label_offsets : int64 arrays, shape (R + 1,)
        Where each begins; the last entry is the number of tokens.
    vocabulary : sequence of str
        The name of each token, by id.
    """

    @property
    def input_ids(self) -> NDArray[np.int32]: ...  # noqa: D102
    @property
    def input_offsets(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def labels(self) -> NDArray[np.int32]: ...  # noqa: D102
    @property
    def label_offsets(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def vocabulary(self) -> Sequence[str]: ...  # noqa: D102


@dataclass(frozen=True)
class PackedSplit:
    """The plainest split: its own arrays; see `SplitLike`.

    Examples
    --------
    >>> split = pack([([3, 4], [4, 3])], ["<pad>", "<bos>", "<eos>", "a", "b"])
    >>> split.input_offsets.tolist()
    [0, 2]
    """

    input_ids: NDArray[np.int32]
    input_offsets: NDArray[np.int64]
    labels: NDArray[np.int32]
    label_offsets: NDArray[np.int64]
    vocabulary: Sequence[str]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.input_offsets) - 1


def pack(
    pairs: Sequence[tuple[Sequence[int], Sequence[int]]], vocabulary: Sequence[str]
) -> PackedSplit:
    """Pack pairs of token lists.

    Parameters
    ----------
    pairs : sequence of (source, target)
        Tokens without <bos> and <eos>.
    vocabulary : sequence of str
        The name of each token, by id.

    Returns
    -------
    PackedSplit
        The same pairs, end to end.
    """
    sides = [[np.asarray(pair[side], np.int32) for pair in pairs] for side in (0, 1)]
    ids = [np.concatenate([np.zeros(0, np.int32), *side]) for side in sides]
    offsets = [np.cumsum([0, *map(len, side)], dtype=np.int64) for side in sides]
    return PackedSplit(ids[0], offsets[0], ids[1], offsets[1], tuple(vocabulary))


def first_items(split: SplitLike, count: int) -> SplitLike:
    """Return the first `count` pairs of a split, all of them for 0.

    Examples
    --------
    >>> split = pack([([3], [3]), ([4], [4])], ["<pad>", "<bos>", "<eos>", "a", "b"])
    >>> first_items(split, 1).labels.tolist()
    [3]
    """
    if not 0 < count < len(split.input_offsets) - 1:
        return split
    if hasattr(split, "take"):
        part: SplitLike = split.take(slice(count))
        return part
    inputs, labels = split.input_offsets[: count + 1], split.label_offsets[: count + 1]
    return PackedSplit(
        split.input_ids[: inputs[-1]], inputs, split.labels[: labels[-1]], labels, split.vocabulary
    )


def check_split(split: Any, name: str) -> SplitLike:
    """Return `split` if it has what a split needs.

    Raises
    ------
    InputTypeError
        If an attribute is missing.
    """
    if not isinstance(split, SplitLike):
        wants = "input_ids, input_offsets, labels, label_offsets, vocabulary"
        raise InputTypeError(
            f"{name}: expected a split with {wants}, got {type(split).__name__}; "
            'pass one split of a data set, for example data["train"]'
        )
    return split


def check_vocabulary(split: SplitLike, vocabulary: Sequence[str], name: str) -> None:
    """Refuse a split whose tokens are not the model's.

    Raises
    ------
    ConfigError
        Naming the first token that differs.
    """
    theirs, ours = list(split.vocabulary), list(vocabulary)
    if theirs == ours:
        return
    if len(theirs) != len(ours):
        what = f"{len(theirs)} tokens, the model's has {len(ours)}"
    else:
        at = next(i for i, pair in enumerate(zip(theirs, ours, strict=True)) if pair[0] != pair[1])
        what = f"{theirs[at]!r} as token {at}, the model's has {ours[at]!r}"
    raise ConfigError(
        f"{name}: its vocabulary has {what}; use data of the same program and encoding"
    )


def checksum(split: SplitLike) -> str:
    """Return the SHA-256 of a split's arrays, in hexadecimal.

    Examples
    --------
    >>> len(checksum(pack([([3], [3])], ["<pad>", "<bos>", "<eos>", "a"])))
    64
    """
    digest = hashlib.sha256()
    for name in ("input_ids", "input_offsets", "labels", "label_offsets"):
        array = np.ascontiguousarray(getattr(split, name))
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
