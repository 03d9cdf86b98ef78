"""Free-running exact match of a model on a split: what early stop and model selection go by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.learn.hooks import Taps
from recursionlab.learn.split import SplitLike

BATCH = 64  # sequences decoded at once; it changes no result


def decoded(
    model: _core.Model, split: SplitLike, threads: int, taps: Taps = ()
) -> NDArray[np.bool_]:
    """Let a model answer a split freely, and tell which answers are exact, (R,) bool."""
    return free_answers(model, split, threads, taps)[2]


def free_answers(
    model: _core.Model, split: SplitLike, threads: int, taps: Taps = ()
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_]]:
    """Return a model's greedy answers to a split, packed, and which of them are exact.

    An answer is cut one token after the longest label: by then it is wrong.
    """
    longest = int(np.diff(split.label_offsets).max(initial=0)) + 1
    positions = _core.longest(model)[1]
    longest = min(longest, positions - 1) if positions else longest
    ids, offsets, _, finished, *_ = _core.decode(
        model,
        split.input_ids,
        split.input_offsets,
        "greedy",
        longest,
        BATCH,
        threads,
        taps=list(taps),
    )
    exact = _core.compare(ids, offsets, split.labels, split.label_offsets, threads)[0]
    return ids, offsets, exact.astype(bool) & finished
