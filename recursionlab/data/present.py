"""How items are shown: index hints and filler tokens, put on and taken off again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Packed
from recursionlab.data.ragged import constant, inside, join, keep
from recursionlab.data.values import Items, Source, Values
from recursionlab.errors import ConfigError

FILLER = "<filler>"
SALT = 1


def tokens(config: DataConfig) -> list[str]:
    """Return the tokens that the presentation adds to a vocabulary.

    Examples
    --------
    >>> tokens(DataConfig(index_hints=2, filler=1))
    ['<filler>', '<1>', '<2>']
    """
    return [FILLER] * (config.filler > 0) + [f"<{i + 1}>" for i in range(config.index_hints)]


def show(items: Items, values: Values, source: Source) -> Items:
    """Return the items as the configuration presents them.

    Raises
    ------
    ConfigError
        If a sequence has more tokens than there are index hints.
    """
    config = source.config
    inputs, targets = items.inputs, items.targets
    if config.filler:
        filler = [source.token(FILLER)] * config.filler
        targets = join([constant(filler, len(targets)), targets])
    if config.index_hints:
        first = source.token("<1>")
        longest = np.maximum(inputs.lengths, targets.lengths)
        if longest.max(initial=0) > config.index_hints:
            raise ConfigError(
                f"data.index_hints: a sequence has {longest.max()} tokens, expected at most"
                f" {config.index_hints}; ask for more hints or smaller sizes"
            )
        # Input and target of an item are numbered from the same place, drawn for its value.
        room = config.index_hints - longest + 1
        start = _owned(source.draw(values, SALT, 1 << 62), items) % room
        inputs, targets = (_hint(p, start + first) for p in (inputs, targets))
    return dataclasses.replace(items, inputs=inputs, targets=targets)


def bare(packed: Packed, config: DataConfig, vocabulary: Sequence[str], side: str) -> Packed:
    """Return sequences without hints and fillers: what `show` was given, or what a model meant.

    Parameters
    ----------
    packed : Packed
        Inputs or targets as presented, or a model's outputs, well-formed or not.
    config : DataConfig
        Of the data set.
    vocabulary : sequence of str
        Of the data set.
    side : {"input", "target"}
        Only targets have fillers.
    """
    names = set(tokens(config)) if side == "target" else set(tokens(config)) - {FILLER}
    if not names:
        return packed
    added = np.array([name in names for name in vocabulary], np.bool_)
    known = (packed.ids >= 0) & (packed.ids < len(vocabulary))
    return keep(packed, ~(known & added[np.where(known, packed.ids, 0)]))


def _owned(drawn: NDArray[np.int64], items: Items) -> NDArray[np.int64]:
    return drawn if items.parent is None else drawn[items.parent]


def _hint(packed: Packed, first: NDArray[np.int64]) -> Packed:
    """Put before each token its place, counted from `first` of its sequence."""
    ids = np.empty(2 * len(packed.ids), np.int32)
    ids[0::2] = np.repeat(first, packed.lengths) + inside(packed.offsets)
    ids[1::2] = packed.ids
    return Packed(ids, 2 * packed.offsets)
