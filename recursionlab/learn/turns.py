"""Self-correction turns: a model's own answers put behind the inputs, to be answered again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.errors import ConfigError, InputError
from recursionlab.learn.scoring import free_answers
from recursionlab.learn.split import PackedSplit, SplitLike, check_vocabulary

SEP = "<sep>"  # between the input and an earlier answer
Sequences = tuple[NDArray[np.int32], NDArray[np.int64]]  # tokens end to end, offsets


def next_turn(split: SplitLike, answers: Any) -> Any:
    """Return a split that asks again: each input, `<sep>` and the answer given; the same targets.

    Parameters
    ----------
    split : split of a data set
        What was asked.
    answers : Predictions, or anything with `ids` and `offsets`
        An answer an item, in the split's order.

    Returns
    -------
    split
        Of the same kind; a split of a data set keeps its columns.

    Raises
    ------
    InputError
        If there is not one answer an item, or the vocabulary has no `<sep>`.

    Examples
    --------
    >>> from recursionlab.learn import pack
    >>> names = ["<pad>", "<bos>", "<eos>", "<sep>", "a", "b"]
    >>> asked = pack([([4, 4], [5, 5])], names)
    >>> said = pack([([5], [])], names)
    >>> from types import SimpleNamespace
    >>> answers = SimpleNamespace(ids=said.input_ids, offsets=said.input_offsets)
    >>> next_turn(asked, answers).input_ids.tolist()
    [4, 4, 3, 5]
    """
    names = list(split.vocabulary)
    if SEP not in names:
        raise InputError(f"next_turn: the vocabulary has no token {SEP}")
    if len(answers.offsets) != len(split.input_offsets):
        raise InputError(
            f"next_turn: expected an answer an item ({len(split.input_offsets) - 1}), got "
            f"{len(answers.offsets) - 1}"
        )
    first = (split.input_ids, split.input_offsets)
    ids, offsets = _behind(first, names.index(SEP), (answers.ids, answers.offsets))
    if isinstance(split, PackedSplit):
        return dataclasses.replace(split, input_ids=ids, input_offsets=offsets)
    whole: Any = split
    return dataclasses.replace(whole, inputs=type(whole.inputs)(ids, offsets))


def _behind(first: Sequences, between: int, second: Sequences) -> Sequences:
    """Return each sequence of `first`, a token, and the same sequence of `second`."""
    one, two = np.diff(first[1]), np.diff(second[1])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(one + 1 + two)])
    ids = np.full(int(offsets[-1]), between, np.int32)
    for (tokens, at), shift, lengths in ((first, 0, one), (second, one + 1, two)):
        where = np.repeat(offsets[:-1] + shift - at[:-1], lengths) + np.arange(at[0], at[-1])
        ids[where] = tokens[at[0] : at[-1]]
    return ids, offsets


def corrections(model: _core.Model, split: SplitLike, threads: int) -> SplitLike:
    """Return a turn for each item that a model answers wrongly: its answer in, the right one out.

    Answers are cut one token after the longest label.
    """
    ids, offsets, exact = free_answers(model, split, threads)
    turns = next_turn(split, _Answers(ids, offsets))
    return _pick(turns, np.flatnonzero(~exact))


@dataclasses.dataclass(frozen=True)
class _Answers:
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]


def _pick(split: SplitLike, items: NDArray[np.int64]) -> PackedSplit:
    """Return some items of a split."""
    out: list[Any] = []
    for ids, offsets in (
        (split.input_ids, split.input_offsets),
        (split.labels, split.label_offsets),
    ):
        lengths = np.diff(offsets)[items]
        new = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        where = np.repeat(offsets[:-1][items] - new[:-1], lengths) + np.arange(new[-1])
        out += [np.ascontiguousarray(ids[where]), new]
    return PackedSplit(out[0], out[1], out[2], out[3], split.vocabulary)


def with_corrections(split: SplitLike, folder: str, threads: int) -> SplitLike:
    """Return a split and, behind its items, the corrections of a run's answers to it.

    Raises
    ------
    ConfigError
        If the run has another vocabulary.
    """
    from recursionlab.learn.run import load_run

    run = load_run(Path(folder))
    try:
        check_vocabulary(split, run.vocabulary, "corrections")
    except ConfigError as error:
        raise ConfigError(f"{error}, not {folder}") from None
    more = corrections(run.model, split, threads)
    sides: list[Any] = []
    for name, offsets in (("input_ids", "input_offsets"), ("labels", "label_offsets")):
        old, new = getattr(split, offsets), getattr(more, offsets)
        sides.append(np.concatenate([getattr(split, name)[old[0] : old[-1]], getattr(more, name)]))
        sides.append(np.concatenate([old - old[0], new[1:] + (old[-1] - old[0])]))
    return PackedSplit(sides[0], sides[1], sides[2], sides[3], split.vocabulary)
