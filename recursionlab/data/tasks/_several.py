"""Tasks over several functions of one type: which function each value's item is about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.values import Source, Values

SALT = 8


def choose(values: Values, source: Source) -> NDArray[np.int64]:
    """Return for each value the index of a function, (M,): of gen_functions for that split."""
    late = len(source.config.gen_functions)
    early = len(source.functions) - late
    if values.split == "gen_function":
        return early + source.draw(values, SALT, late)
    return source.draw(values, SALT, early)
