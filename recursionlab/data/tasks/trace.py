"""Value to trace: the arguments in, every term of the reduction out, joined by <step>."""

from __future__ import annotations

from recursionlab.data.values import Items, Values

NEEDS_TRACE = True


def build(values: Values) -> Items:
    """Return one item a value."""
    assert values.traces is not None
    return Items(values.inputs, values.traces)
