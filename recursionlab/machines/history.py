"""One run step by step: update sets, states, and states as tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .machine import Budget, Machine

__all__ = ["History", "Location", "State"]

_VARIABLE, _RESULT = -1, -2

# A location: name and arguments, and its value.
Location = tuple[str, tuple[int, ...]]
State = dict[Location, int]


@dataclass(frozen=True)
class History:
    """The states of one run.

    Attributes
    ----------
    machine : Machine
        What ran.
    input, output : ndarray of int32
        Tokens; the output is empty if the run failed.
    end : str
        How it ended, one of `ENDS`.
    steps : int
        Steps made.
    fault : tuple of int
        Location and values of a conflict.
    """

    machine: Machine
    input: NDArray[np.int32]
    initial: NDArray[np.int32]
    rows: NDArray[np.int32]
    output: NDArray[np.int32]
    end: str
    steps: int
    fault: tuple[int, int, int, int, int]
    budget: Budget

    def raise_for_end(self) -> None:
        """Raise what went wrong, if something did."""
        from .machine import failure

        error = failure(self.machine, self)
        if error is not None:
            raise error

    def _name(self, function: int, a: int, b: int) -> tuple[Location, str]:
        signature = self.machine.signature
        if function == _VARIABLE:
            name = signature.of("var")[a]
            return (name, ()), signature.names[name].sort
        if function == _RESULT:
            return ("output", (a,)), "token"
        name = signature.of("fun")[function]
        entity = signature.names[name]
        return (name, (a, b)[: len(entity.arguments)]), entity.sort

    def location(self, function: int, a: int, b: int) -> tuple[str, str]:
        """Text and sort of a location as the C core names it."""
        (name, arguments), sort = self._name(function, a, b)
        return f"{name}({', '.join(self._arguments(name, arguments))})" if arguments else name, sort

    def _arguments(self, name: str, arguments: tuple[int, ...]) -> list[str]:
        sorts = self.machine.signature.names[name].arguments
        return [self.machine.show_value(s, v) for s, v in zip(sorts, arguments, strict=True)]

    def update_sets(self) -> list[dict[str, str]]:
        """Update set of each step: location and new value, as text.

        Returns
        -------
        list of dict, one a step
        """
        sets: list[dict[str, str]] = [{} for _ in range(self.steps)]
        for step, function, a, b, value in self.rows.tolist():
            place, sort = self.location(function, a, b)
            sets[step][place] = self.machine.show_value(sort, value)
        return sets

    def states(self) -> Iterator[State]:
        """Yield the state before the first step and after each.

        A location of a function with arguments stands in a state once it was updated.
        """
        names = self.machine.signature.of("var")
        state: State = {(n, ()): v for n, v in zip(names, self.initial.tolist(), strict=True)}
        yield dict(state)
        rows, at = self.rows.tolist(), 0
        for step in range(self.steps):
            while at < len(rows) and rows[at][0] == step:
                _, function, a, b, value = rows[at]
                state[self._name(function, a, b)[0]] = value
                at += 1
            yield dict(state)

    def words(self) -> list[str]:
        """Write all states as words, the sequence that `tokens` numbers.

        A state is its variables in order of declaration, then the stored locations in order of
        function and arguments, then `output`; each is the name, its arguments and the value.
        Numbers are digits, most significant first, after a `-` where negative. Locations with
        their default value are left out; `<step>` stands between states.
        """
        out: list[str] = []
        for i, state in enumerate(self.states()):
            if i:
                out.append("<step>")
            self._state_words(state, out)
        return out

    def _state_words(self, state: State, out: list[str]) -> None:
        signature = self.machine.signature
        order = {n: i for i, n in enumerate([*signature.of("var"), *signature.of("fun"), "output"])}
        defaults = self.machine.defaults
        for name, arguments in sorted(state, key=lambda x: (order[x[0]], x[1])):
            entity = signature.names[name]
            value = state[name, arguments]
            if arguments and value == defaults[name]:
                continue
            out.append(name)
            for sort, number in zip(
                (*entity.arguments, entity.sort), (*arguments, value), strict=True
            ):
                text = self.machine.show_value(sort, number)
                out.extend(text if sort == "int" else [text])

    def tokens(self) -> NDArray[np.int32]:
        """Return the numbers of the words of all states in `machine.state_vocabulary`."""
        numbers = {w: i for i, w in reversed(list(enumerate(self.machine.state_vocabulary)))}
        return np.array([numbers[w] for w in self.words()], dtype=np.int32)
