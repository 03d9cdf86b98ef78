"""What a model says to a split, and how it is asked: the options of decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError, InputTypeError


@dataclass(frozen=True)
class Outputs:
    """All outputs of R items, n = `num_return_sequences` of each: R n rows, item by item.

    Best first; samples stand in the order they were drawn. Where an item has fewer than n, its last
    rows are empty, with score -infinity.

    Attributes
    ----------
    num_return_sequences : int
        Outputs of an item, n.
    ids : int32 array, shape (tokens,)
        Outputs end to end, bare of <bos> and <eos>.
    offsets : int64 array, shape (R n + 1,)
        Where each begins.
    scores : float64 array, shape (R n,)
        Sum of the natural logarithms of the model's probabilities of the tokens, <eos> included.
    finished : bool array, shape (R n,)
        Whether <eos> was reached.
    sample_scores : float64 array, shape (R n,)
        The same sum by the distribution drawn from (after temperature and the rest); without
        sampling, `scores`.
    sequences_scores : float64 array, shape (R n,)
        What outputs are ordered by: beams, the score over length ^ length_penalty; samples without
        replacement, the perturbed log-probability; else `scores`.
    alternative_ids, alternative_scores : int32 and float64 arrays, shape (steps, alternatives)
        The likeliest tokens of every step and the logarithms of their probabilities, best first.
        Output r has one step more than tokens, from row `offsets[r] + r`.
    """

    num_return_sequences: int
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    scores: NDArray[np.float64]
    finished: NDArray[np.bool_]
    sample_scores: NDArray[np.float64]
    sequences_scores: NDArray[np.float64]
    alternative_ids: NDArray[np.int32]
    alternative_scores: NDArray[np.float64]

    def row(self, item: int, number: int = 0) -> int:
        """Return the row of an item's output `number`."""
        n = self.num_return_sequences
        items = (len(self.offsets) - 1) // n
        if not (-items <= item < items and 0 <= number < n):
            raise IndexError(
                f"outputs: expected an item below {items} and a number below {n}, got {item} "
                f"and {number}"
            )
        return (item % items) * n + number

    def tokens(self, item: int, number: int = 0) -> NDArray[np.int32]:
        """Return the tokens of an item's output `number`."""
        row = self.row(item, number)
        return self.ids[self.offsets[row] : self.offsets[row + 1]]

    def alternatives(
        self, item: int, number: int = 0
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the likeliest tokens of each step of an output, and their log-probabilities."""
        row = self.row(item, number)
        first, last = self.offsets[row] + row, self.offsets[row + 1] + row + 1
        return self.alternative_ids[first:last], self.alternative_scores[first:last]


@dataclass(frozen=True)
class Predictions:
    """What a model says to each item of a split, in the split's order; R items.

    Attributes
    ----------
    ids : int32 array, shape (tokens,)
        Outputs end to end, bare of <bos> and <eos>; of several, the first.
    offsets : int64 array, shape (R + 1,)
        Where each begins.
    scores : float64 array, shape (R,)
        Sum of the natural logarithms of the probabilities of the chosen tokens.
    finished : bool array, shape (R,)
        Whether <eos> was reached; False where the output was cut at the maximum length.
    outputs : Outputs
        All outputs of each item, and all that is known of them.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    scores: NDArray[np.float64]
    finished: NDArray[np.bool_]
    outputs: Outputs

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.offsets) - 1

    def __getitem__(self, item: int) -> NDArray[np.int32]:
        """Return the tokens said to one item."""
        if not -len(self) <= item < len(self):
            raise IndexError(f"predictions: expected an item below {len(self)}, got {item}")
        item %= len(self)
        return self.ids[self.offsets[item] : self.offsets[item + 1]]


def search_options(
    *,
    num_beams: int,
    num_return_sequences: int,
    do_sample: bool,
    without_replacement: bool,
    early_stopping: bool | str,
    **numbers: Any,
) -> tuple[str, dict[str, Any]]:
    """Return the method that Hugging Face's names ask for, and its options in C.

    Raises
    ------
    InputTypeError
        If an option has the wrong type.
    InputError
        If an option has no meaning beside the others.

    Examples
    --------
    >>> search_options(num_beams=4, num_return_sequences=2, do_sample=False,
    ...                without_replacement=False, early_stopping=True, length_penalty=1.0)[0]
    'beam'
    """
    counts = {"num_beams": num_beams, "num_return_sequences": num_return_sequences}
    _check_types({**counts, **numbers})
    if not (isinstance(early_stopping, bool) or early_stopping == "never"):
        raise InputError(f'early_stopping: expected True, False or "never", got {early_stopping!r}')
    sampling = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
    beams = {"length_penalty": 1.0}
    if not do_sample:
        if without_replacement:
            raise InputError("without_replacement: expected only with do_sample=True")
        _check_unused(numbers, sampling, "do_sample=True")
    elif num_beams != 1 and not without_replacement:
        raise InputError(
            f"num_beams: expected 1 with do_sample=True, got {num_beams}; for different samples "
            "pass without_replacement=True"
        )
    if do_sample or num_beams == 1:
        _check_unused(numbers, beams, "num_beams above 1 and no sampling")
        if early_stopping is not False:
            raise InputError("early_stopping: expected only with num_beams above 1 and no sampling")
    if without_replacement:
        counts["num_beams"] = max(num_beams, num_return_sequences)
        method = "gumbel"
    else:
        method = "sample" if do_sample else "beam" if num_beams > 1 else "greedy"
    return method, {**counts, **numbers, "early_stopping": str(early_stopping).lower()}


def _check_types(options: dict[str, Any]) -> None:
    wholes = ("num_beams", "num_return_sequences", "top_k", "alternatives", "seed")
    for name, value in options.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if name in wholes and not whole:
            raise InputTypeError(f"{name}: expected a whole number, got {value!r}")
        if name not in wholes and not (whole or isinstance(value, float | np.floating)):
            raise InputTypeError(f"{name}: expected a number, got {value!r}")
        most = 2**64 if name == "seed" else 2**31
        if name in wholes and not 0 <= value < most:
            raise InputError(f"{name}: expected 0 to {most - 1}, got {value}")


def _check_unused(numbers: dict[str, Any], starts: dict[str, Any], where: str) -> None:
    for name, start in starts.items():
        if numbers.get(name, start) != start:
            raise InputError(f"{name}: expected only with {where}, got {numbers[name]}")


def joined(parts: Sequence[tuple[NDArray[Any], ...]], n: int, wide: int) -> Predictions:
    """Return the predictions of chunks of a split, n outputs of each item."""
    starts = np.cumsum([0] + [len(part[0]) for part in parts])
    shifted = [part[1][1:] + start for part, start in zip(parts, starts, strict=False)]
    columns = [np.concatenate(column) for column in list(zip(*parts, strict=True))[2:]]
    ids = np.concatenate([part[0] for part in parts])
    offsets = np.concatenate([np.zeros(1, np.int64), *shifted])
    scores, finished, drawn, keys = columns[:4]
    told = [column.reshape(len(ids) + len(scores), wide) for column in columns[4:]]
    outputs = Outputs(n, ids, offsets, scores, finished, drawn, keys, *told)
    if n == 1:
        return Predictions(ids, offsets, scores, finished, outputs)
    lengths = np.diff(offsets)
    first = np.arange(len(lengths)) % n == 0
    return Predictions(
        ids=ids[np.repeat(first, lengths)],
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths[first])]),
        scores=scores[first],
        finished=finished[first],
        outputs=outputs,
    )
