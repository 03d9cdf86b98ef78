"""Machines as a user holds them: read, bound to a vocabulary, run on batches, traced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import display
from recursionlab.errors import BudgetError, InputError, LanguageError, MachineError
from recursionlab.language.namespace import suggest
from recursionlab.language.source import Source
from recursionlab.machine import default_threads

from . import syntax as ast
from .check import Signature, check
from .code import NONE, assemble, constant_of
from .history import History
from .parser import parse, parse_expression, too_deep

__all__ = ["ENDS", "Budget", "Machine", "Runs", "load", "loads"]

# How a run can end, by number; the first two are the good ends.
ENDS = (
    "halted", "still", "conflict", "steps", "work", "locations", "range", "division", "hole",
    "memory",
)  # fmt: skip
# The tokens every vocabulary starts with.
SPECIALS = ("<pad>", "<bos>", "<eos>", "<sep>", "<step>", "UNROLL")


@dataclass(frozen=True)
class Budget:
    """Limits of one run.

    Attributes
    ----------
    steps : int
        Steps.
    work : int
        Turns of all `forall` and `choose` together.
    locations : int
        Stored locations of functions with arguments; also the longest output.
    """

    steps: int = 100_000
    work: int = 1_000_000
    locations: int = 65_536


@dataclass(frozen=True)
class Runs:
    """What a batch of runs gave.

    Attributes
    ----------
    tokens, offsets : ndarray
        Outputs end to end, int32, and R + 1 offsets, int64; empty where a run failed.
    end : ndarray
        (R,) uint8: index into `ENDS`; below 2 where the run went well.
    steps : ndarray
        (R,) int32: steps made.
    """

    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]
    end: NDArray[np.uint8]
    steps: NDArray[np.int32]

    @property
    def fine(self) -> NDArray[np.bool_]:
        """(R,) whether each run came to a good end."""
        return self.end < 2

    def __len__(self) -> int:
        """Count the runs."""
        return len(self.end)

    def __getitem__(self, i: int) -> NDArray[np.int32]:
        """Return the output of one run."""
        return self.tokens[self.offsets[i] : self.offsets[i + 1]]


def loads(text: str, name: str = "<machine>", vocabulary: Sequence[str] | None = None) -> Machine:
    r"""Read and check a machine's text.

    Parameters
    ----------
    text : str
        The machine.
    name : str
        What messages call it.
    vocabulary : sequence of str, optional
        Token i is written `vocabulary[i]`; without it the machine's own tokens are numbered from 6,
        after the special ones.

    Returns
    -------
    Machine

    Raises
    ------
    LanguageError
        If the text is refused; the message points at the place.

    Examples
    --------
    >>> flip = loads('''machine flip
    ... token a b
    ... rule
    ...   forall i in 0 .. length - 1 do
    ...     if input(i) = a then output(i) := b else output(i) := a end
    ...   end
    ...   halt
    ... end''')
    >>> flip(["a", "a", "b"])
    ['b', 'b', 'a']
    """
    source = Source(name, text)
    try:
        tree = parse(source)
        signature = check(source, tree)
    except RecursionError:
        raise too_deep(source) from None
    return Machine(tree, signature, _vocabulary(tree, vocabulary))


def load(path: str | Path, vocabulary: Sequence[str] | None = None) -> Machine:
    """Read and check a machine's file, UTF-8 text."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return loads(text, str(path), vocabulary)


def _vocabulary(tree: ast.Tree, vocabulary: Sequence[str] | None) -> tuple[str, ...]:
    own = [n.strip('"') for d in tree.declarations if isinstance(d, ast.Tokens) for n in d.names]
    if vocabulary is None:
        return (*SPECIALS, *(n for n in own if n not in SPECIALS))
    for name in own:
        if name not in vocabulary:
            hint = suggest(name, list(vocabulary)) or f"it has {', '.join(vocabulary)}"
            raise InputError(
                f"machine {tree.name}: the vocabulary has no token {name!r}; {hint[:300]}"
            )
    return tuple(vocabulary)


def _asked(
    seed: int, first: int, budget: Budget | None, threads: int | None
) -> tuple[int, int, int, int, int, int]:
    """Return what the core takes besides a batch's inputs: seed, first, limits, threads."""
    b = budget or Budget()
    n = default_threads() if threads is None else threads
    return seed, first, b.steps, b.work, b.locations, n


@dataclass(frozen=True, eq=False)
class Machine:
    """A checked machine over a vocabulary.

    Attributes
    ----------
    tree : Tree
        Its declarations and rule; two machines are the same if their trees are.
    signature : Signature
        Its names.
    vocabulary : tuple of str
        Token i is written `vocabulary[i]`.
    """

    tree: ast.Tree
    signature: Signature
    vocabulary: tuple[str, ...]

    def __repr__(self) -> str:
        """Name the machine and its parameters."""
        values = [
            f"{d.name}={ast.show_expression(d.value)}"
            for d in self.tree.declarations
            if isinstance(d, ast.Param)
        ]
        return f"<Machine {' '.join([self.name, *values])}>"

    def __str__(self) -> str:
        """Return the machine's text; reading it gives the same machine."""
        return ast.show(self.tree)

    def _repr_html_(self) -> str:
        return display.code(str(self))

    @property
    def name(self) -> str:
        """Name in the text."""
        return self.tree.name

    @cached_property
    def core(self) -> Any:
        """The same machine for the C core."""
        return assemble(self.tree, self.signature, self._tokens())

    def _tokens(self) -> dict[str, int]:
        names = [n.strip('"') for n in self.signature.of("token")]
        return {n: self.vocabulary.index(n) for n in names}

    @property
    def params(self) -> dict[str, str]:
        """Parameters and the text of their values."""
        return {
            d.name: ast.show_expression(d.value)
            for d in self.tree.declarations
            if isinstance(d, ast.Param)
        }

    @property
    def defaults(self) -> dict[str, int]:
        """Value of every function with arguments where none was stored."""
        own = {
            d.name: constant_of(d.value, self.signature, self._tokens())
            for d in self.tree.declarations
            if isinstance(d, ast.Fun)
        }
        return {**own, "output": NONE}

    @property
    def state_vocabulary(self) -> tuple[str, ...]:
        """The vocabulary, then what states need besides; see `History.words`."""
        s = self.signature
        names = [*s.of("var"), *s.of("fun"), "output", *s.of("member"), "none", "true", "false"]
        new = [w for w in (*names, *"-0123456789") if w not in self.vocabulary]
        return (*self.vocabulary, *dict.fromkeys(new))

    def bind(self, vocabulary: Sequence[str]) -> Machine:
        """Return the machine over another vocabulary."""
        return replace(self, vocabulary=_vocabulary(self.tree, vocabulary))

    def with_params(self, **values: int | str) -> Machine:
        """Return the machine with other values of parameters.

        Parameters
        ----------
        **values : int or str
            A constant, or an expression of `length` and earlier parameters.

        Examples
        --------
        >>> from recursionlab.machines import shortcut
        >>> shortcut("last").with_params(m="length / 2").params
        {'m': 'length / 2'}
        """
        unknown = set(values) - set(self.params)
        if unknown:
            name = sorted(unknown)[0]
            known = list(self.params)
            hint = suggest(name, known) or f"it has {', '.join(known) or 'none'}"
            raise InputError(f"machine {self.name} has no parameter {name!r}; {hint}")
        declarations = tuple(
            replace(d, value=_value(d.name, values[d.name]))
            if isinstance(d, ast.Param) and d.name in values
            else d
            for d in self.tree.declarations
        )
        tree = replace(self.tree, declarations=declarations)
        if any(isinstance(v, str) for v in values.values()):
            try:
                return Machine(tree, check(Source(f"<{self.name}>", ""), tree), self.vocabulary)
            except LanguageError:  # read again, for a message that points at the place
                return loads(ast.show(tree), f"<{self.name}>", self.vocabulary)
        return Machine(tree, self.signature, self.vocabulary)

    # ---------------------------------------------------------------------------- running

    def run(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        *,
        seed: int = 0,
        first: int = 0,
        budget: Budget | None = None,
        threads: int | None = None,
    ) -> Runs:
        """Run packed inputs.

        Parameters
        ----------
        tokens : ndarray of int32
            Inputs end to end.
        offsets : ndarray of int64, shape (R + 1,)
            Where each starts, and the end.
        seed, first : int
            `choose` of input r draws from (seed, first + r), so a set may be run in parts.
        budget : Budget, optional
            Limits of each run.
        threads : int, optional
            The result does not depend on it.

        Returns
        -------
        Runs
        """
        asked = _asked(seed, first, budget, threads)
        return Runs(*self.core.run(tokens, offsets, *asked))

    def states(
        self,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        *,
        seed: int = 0,
        first: int = 0,
        budget: Budget | None = None,
        threads: int | None = None,
    ) -> Runs:
        """Run packed inputs and write every state, as `trace(...).tokens()` does for one.

        Parameters
        ----------
        tokens, offsets, seed, first, budget, threads
            As for `run`.

        Returns
        -------
        Runs
            Its tokens are the states, in `state_vocabulary`, `<step>` between them.
        """
        asked = _asked(seed, first, budget, threads)
        return Runs(*self.core.states((tokens, offsets, *asked), *self._lexicon))

    @cached_property
    def _lexicon(self) -> tuple[Any, ...]:
        """The words of states as csrc/asm/asm.h says."""
        number = {w: i for i, w in reversed(list(enumerate(self.state_vocabulary)))}
        sorts: dict[str, list[int]] = {
            "int": [],
            "token": [number["none"], *range(len(self.vocabulary))],
        }
        sorts["bool"] = [-1, number["false"], number["true"]]
        for name, members in self.signature.enums.items():
            sorts[name] = [-1, *(number[member] for member in members)]
        at = {name: i for i, name in enumerate(sorts)}
        names, rows = [], []
        for name in [*self.signature.of("var"), *self.signature.of("fun"), "output"]:
            entity = self.signature.names[name]
            arguments = [at[sort] for sort in entity.arguments]
            names.append(number[name])
            rows += [*arguments, *[0] * (2 - len(arguments)), at[entity.sort]]
        sizes = np.cumsum([0, *map(len, sorts.values())])
        values = [token for tokens in sorts.values() for token in tokens]
        columns = (names, rows, sizes, values, [number[d] for d in "0123456789-"])
        return (*(np.array(c, np.int32) for c in columns), number["<step>"])

    def trace(
        self,
        sequence: Sequence[int] | Sequence[str] | NDArray[np.int32],
        *,
        seed: int = 0,
        index: int = 0,
        budget: Budget | None = None,
    ) -> History:
        """Run one input and keep every step.

        Parameters
        ----------
        sequence : sequence of int or str
            Tokens, by number or as written.
        seed, index : int
            What `choose` draws from.
        budget : Budget, optional
            Limits of the run.

        Returns
        -------
        History
            Also of a failed run; `raise_for_end` raises what went wrong.
        """
        b = budget or Budget()
        ids = self.encode(sequence)
        initial, updates, output, end, steps, fault = self.core.trace(
            ids, seed, index, b.steps, b.work, b.locations
        )
        return History(self, ids, initial, updates, output, ENDS[end], steps, fault, b)

    def __call__(self, sequence: Sequence[str], *, seed: int = 0, index: int = 0) -> list[str]:
        """Run one input given as written tokens and return the output likewise.

        Raises
        ------
        MachineError
            If the run fails, naming the location and the values of a conflict.
        BudgetError
            If a budget runs out.
        """
        history = self.trace(sequence, seed=seed, index=index)
        history.raise_for_end()
        return self.decode(history.output)

    def encode(self, sequence: Any) -> NDArray[np.int32]:
        """Return the numbers of written tokens; numbers stay as they are."""
        ids = []
        for token in sequence:
            if isinstance(token, str):
                if token not in self.vocabulary:
                    hint = suggest(token, list(self.vocabulary))
                    raise InputError(f"machine {self.name}: there is no token {token!r}; {hint}")
                ids.append(self.vocabulary.index(token))
            else:
                ids.append(int(token))
        return np.array(ids, dtype=np.int32)

    def decode(self, ids: NDArray[np.int32]) -> list[str]:
        """Write tokens; one outside the vocabulary is written as its number."""
        n = len(self.vocabulary)
        return [self.vocabulary[i] if 0 <= i < n else str(i) for i in ids.tolist()]

    def show_value(self, sort: str, value: int) -> str:
        """Write a value of a sort."""
        if sort == "bool":
            return "true" if value else "false"
        if sort == "token":
            return "none" if value == NONE else self.decode(np.array([value], dtype=np.int32))[0]
        if sort in self.signature.enums and value < len(self.signature.enums[sort]):
            return self.signature.enums[sort][value]
        return str(value)


def _value(name: str, value: int | str) -> ast.Expression:
    if isinstance(value, str):
        return parse_expression(Source(f"<{name}>", value))
    if isinstance(value, bool) or not -(2**31) < value < 2**31:
        raise InputError(f"parameter {name}: expected a number of 32 bits, got {value!r}")
    return ast.Number(value) if value >= 0 else ast.Unary("-", ast.Number(-value))


def failure(machine: Machine, history: History) -> Exception | None:
    """Return what a failed run raises; None after a good end."""
    where = f"machine {machine.name}, step {history.steps}"
    b = history.budget
    if history.end in ("halted", "still"):
        return None
    if history.end == "conflict":
        place, sort = history.location(*history.fault[:3])
        one, other = (machine.show_value(sort, v) for v in history.fault[3:])
        return MachineError(f"{where}: conflicting updates of {place}: {one} and {other}")
    if history.end in ("steps", "work", "locations"):
        limit = getattr(b, history.end)
        return BudgetError(f"{where}: the budget of {limit} {history.end} ran out")
    if history.end == "hole":
        return MachineError(
            f"machine {machine.name}: output({history.fault[1]}) is none, but a later position is "
            "not; write the output without holes"
        )
    text = {
        "range": "a number left 32 bits, or output was written at a negative position",
        "division": "division by zero",
        "memory": "no memory for the output",
    }[history.end]
    return MachineError(f"{where}: {text}")
