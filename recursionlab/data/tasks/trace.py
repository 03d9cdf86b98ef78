"""Value to trace: the arguments in, every term of the reduction out, joined by <step>."""

from __future__ import annotations

from recursionlab.data.tasks import _terms
from recursionlab.data.values import Items, Source, Values

NEEDS_TRACE, MANY = True, False
TARGET = "trace"
COLUMNS: tuple[str, ...] = ()
tokens = _terms.tokens


def build(values: Values, source: Source) -> Items:
    """Return one item a value."""
    assert values.traces is not None
    return Items(values.inputs, _terms.scratchpad(values.traces, source))
