"""The steps of a reduction as a user walks through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from recursionlab import display

__all__ = ["Step", "Trace", "Verdict"]

SHOWN = 40  # steps in a notebook


class Step(NamedTuple):
    """One step of a reduction; printed, it is the term it leads to.

    Attributes
    ----------
    rule : str
        `delta`, `beta`, `iota` or `zeta`.
    function : str or None
        The function that was unfolded, if one was.
    position : tuple of int
        The redex in `before`: argument indices from the root, -1 is the head of an application.
    before : recursionlab._core.Term
        The term that was reduced.
    term : recursionlab._core.Term
        The term it became.
    """

    rule: str
    function: str | None
    position: tuple[int, ...]
    before: Any
    term: Any

    def __str__(self) -> str:
        """Return the new term as Gallina."""
        return str(self.term)

    def _repr_html_(self) -> str:
        return display.table([_row(self)]) + display.term(str(self.term))


class Verdict(NamedTuple):
    """What a term of a trace is to the term before it.

    Attributes
    ----------
    verdict : str
        `expected`, `other`, `skipped`, `convertible` or `wrong`; see REDUCTION.md.
    steps : int
        Steps from the term before, where it is a reduct of it; else the steps that the expected
        term took (0: the term before is in normal form).
    position : tuple of int
        For `other` the redex; else the path to the first difference from the expected term.
    expected : recursionlab._core.Term
        What the next term should have been.
    """

    verdict: str
    steps: int
    position: tuple[int, ...]
    expected: Any

    @property
    def ok(self) -> bool:
        """Whether it is the expected step."""
        return self.verdict == "expected"


class Trace:
    """Steps of one reduction, taken as they are asked for; it can be walked through once.

    Attributes
    ----------
    start : recursionlab._core.Term
        The term before the first step.

    Examples
    --------
    >>> from recursionlab.language import library
    >>> trace = library("binary")["succ"].trace("xI (xI xH)", granularity="call")
    >>> print(trace.start)
    UNROLL (xI (xI xH))
    >>> for step in trace:
    ...     print(step)
    xO (UNROLL (xI xH))
    xO (xO (UNROLL xH))
    xO (xO (xO xH))
    """

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin  # a notebook shows the steps without taking them
        self._steps = begin()
        self.start = self._steps.term

    def __repr__(self) -> str:
        """Name the term that is reduced."""
        return f"<Trace of {display.short(str(self.start))}>"

    def _repr_html_(self) -> str:
        steps = [Step(*step) for step in islice(self._begin(), SHOWN + 1)]
        rows = [{"step": 0, "term": display.short(str(self.start))}]
        rows += [{"step": i, **_row(step)} for i, step in enumerate(steps[:SHOWN], 1)]
        return display.table(rows) + ("<p>and more steps</p>" if len(steps) > SHOWN else "")

    @property
    def term(self) -> Any:
        """The term now."""
        return self._steps.term

    def __iter__(self) -> Iterator[Step]:
        """Iterate over the steps that are left."""
        return self

    def __next__(self) -> Step:
        """Take a step."""
        return Step(*next(self._steps))


def _row(step: Step) -> dict[str, Any]:
    """Return a step as a row of a table."""
    return {
        "term": display.short(str(step.term)),
        "rule": step.rule,
        "function": step.function,
        "at": ".".join(map(str, step.position)) or "root",
    }
