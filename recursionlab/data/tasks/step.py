"""Term to next term: one step of the reduction an item, so a value gives an item a step."""

from __future__ import annotations

from recursionlab.data.tasks import _terms
from recursionlab.data.values import Items, Source, Values

NEEDS_TRACE, MANY = True, True
TARGET = "term"
COLUMNS: tuple[str, ...] = ("step",)
tokens = _terms.tokens


def build(values: Values, source: Source) -> Items:
    """Return an item a step, with the value it comes from and the column `step`, from 0."""
    assert values.traces is not None
    return _terms.leaps(values.traces, values.step_token, source, 1)
