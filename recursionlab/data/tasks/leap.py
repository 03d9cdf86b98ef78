"""Term to n-th next term: `distance` steps of the reduction at once, or as many as are left."""

from __future__ import annotations

from recursionlab.data.tasks import _terms
from recursionlab.data.values import Items, Source, Values

NEEDS_TRACE, MANY = True, True
TARGET = "term"
COLUMNS: tuple[str, ...] = ("step",)
tokens = _terms.tokens


def build(values: Values, source: Source) -> Items:
    """Return an item a term that has a next one, with the column `step`, counted from 0."""
    assert values.traces is not None
    return _terms.leaps(values.traces, values.step_token, source, source.config.distance)
