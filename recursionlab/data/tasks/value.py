"""Value to value: the arguments in, the function's result out."""

from __future__ import annotations

from recursionlab.data.values import Items, Source, Values

NEEDS_TRACE = MANY = False
TARGET = "value"
COLUMNS: tuple[str, ...] = ()


def build(values: Values, source: Source) -> Items:
    """Return one item a value."""
    return Items(values.inputs, values.outputs)
