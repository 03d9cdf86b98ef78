"""The grammar of structurally recursive functions of one type: counted, so that draws are uniform.

A function matches on its first argument; every branch is an expression of

    tail ::= expr | match variable with ... end | if call then tail else tail
    expr ::= variable | constructor expr ... | f smaller expr ... | helper expr ...

whose size counts constructors, variables, calls, matches and `if`s. A variable is matched at most
once, and `f` is called on variables that a match on the first argument has bound. Only functions
that call themselves are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, islice
from typing import Any, NamedTuple

from recursionlab.errors import CountError, InputError
from recursionlab.language import Function, Program, loads
from recursionlab.language.signature import Constructor
from recursionlab.language.types import Con, Type, resolve, show, substitute, uncurry
from recursionlab.language.words import COQ_CONSTRUCTORS

__all__ = ["MAX_SIZE", "FunctionSpace"]

# How large a body may be.
MAX_SIZE = 60

# Which bodies are counted: those without a recursive call, all, those with one.
_NONE, _ANY, _MUST = range(3)


class _Slot(NamedTuple):
    """What the grammar knows of a variable."""

    type: int
    opened: bool  # matched already
    small: bool  # part of the first argument


class _Goal(NamedTuple):
    """An expression to be filled in: its type, the variables in scope by kind, its form."""

    type: int
    scope: tuple[tuple[_Slot, int], ...]
    form: str  # tail, expr or call


class _Way(NamedTuple):
    """One way to fill a goal in: what it is, how many alike, what remains."""

    kind: str  # variable, constructor, recursion, helper, match or if
    what: Any
    alike: int
    goals: tuple[_Goal, ...]
    size: int


class _Split(NamedTuple):
    """How goals share a size: the first's, modes of the first and of the rest, how many alike."""

    first: int
    here: int
    after: int
    alike: int


@dataclass
class _Variable:
    """A variable of a function that is being written out."""

    name: str
    slot: _Slot | None  # None: of a type that the grammar does not use
    used: bool = False


@dataclass(frozen=True)
class _Helper:
    """A function that bodies may call."""

    text: str
    arguments: tuple[int, ...]
    result: int


@dataclass
class FunctionSpace:
    """All structurally recursive functions of a type, by the size of their bodies.

    Parameters
    ----------
    type : str
        Such as `nat -> list bool -> nat`; the recursion is on the first argument.
    program : Program, optional
        Where its types and the helpers are declared; only the prelude if not given.
    helpers : sequence of str or Function
        Functions that bodies may call; those with type parameters as Functions with their types
        chosen by `at`.

    Examples
    --------
    >>> space = FunctionSpace("nat -> nat")
    >>> [space.count(size) for size in range(2, 7)]
    [0, 0, 2, 4, 26]
    >>> print(space.text(4, 0))
    Fixpoint f (x : nat) : nat := match x with O => x | S v1 => f v1 end.
    """

    type: str
    program: Program = field(default_factory=lambda: loads(""))
    helpers: Sequence[str | Function] = ()

    def __post_init__(self) -> None:
        """Read the types and number all that occur in them."""
        self._types: list[Con] = []
        self._numbers: dict[Any, int] = {}
        self._counts: dict[Any, int] = {}
        self._all_ways: dict[_Goal, list[_Way]] = {}
        domains, result = uncurry(self.program.type_expression(self.type))
        if not domains:
            raise InputError(f"{self.type}: expected the type of a function, such as `nat -> nat`")
        self._domains = [self._number(kind, "an argument") for kind in domains]
        self._result = self._number(result, "the result")
        self._helpers = [self._helper(h) for h in self.helpers]
        self._bool = self._numbers.get((self.program.types["bool"],), -1)
        self.domain_types = [show(kind, 1) for kind in domains]
        self.result_type = show(result, 0)
        if not any(
            self._numbers.get(_key(kind)) == self._domains[0]
            for c in self.constructors(self._domains[0])
            for kind in self._arguments(self._domains[0], c)
        ):
            raise InputError(
                f"{self.type}: `{show(domains[0])}` has no part of its own type, so a function "
                "of this type cannot recur on it"
            )

    # ------------------------------------------------------------------------------- types

    def _number(self, kind: Type, what: str) -> int:
        kind = resolve(kind)
        if not isinstance(kind, Con):
            raise InputError(
                f"{self.type}: {what} is `{show(kind)}`; expected an inductive type without "
                "unknowns"
            )
        key = _key(kind)
        if key not in self._numbers:
            self._numbers[key] = len(self._types)
            self._types.append(kind)
            for constructor in kind.inductive.constructors:
                for part in self._arguments(self._numbers[key], constructor):
                    if isinstance(part, Con):
                        if len(self._types) > 64:
                            raise InputError(f"{self.type}: its types have more than 64 parts")
                        self._number(part, "a part")
        return self._numbers[key]

    def _arguments(self, number: int, constructor: Constructor) -> list[Type]:
        """Types of a constructor's arguments, at the parameters of its type."""
        kind = self._types[number]
        mapping = dict(zip(kind.inductive.parameters, kind.arguments, strict=True))
        return [resolve(substitute(t, mapping)) for t in constructor.types]

    def _parts(self, number: int, constructor: Constructor) -> list[int]:
        """Numbers of these types; -1 for functions, which the grammar does not use."""
        return [self._numbers.get(_key(t), -1) for t in self._arguments(number, constructor)]

    def _helper(self, helper: str | Function) -> _Helper:
        function = self.program[helper] if isinstance(helper, str) else helper
        if function.type_parameters:
            raise InputError(
                f"helper {function.name} is polymorphic; choose its types, as in "
                f'program["{function.name}"].at({function.type_parameters[0]}="bool")'
            )
        kinds, result = function.signature()
        arguments = tuple(
            self._number(k, f"an argument of the helper {function.name}") for k in kinds
        )
        text = function.name
        if function.type_arguments:
            text = "@" + " ".join([text, *(show(t, 3) for t in function.type_arguments.values())])
            text = f"({text})"
        return _Helper(text, arguments, self._number(result, f"the result of {function.name}"))

    # ---------------------------------------------------------------------------- counting

    def count(self, size: int) -> int:
        """Return the number of bodies of a size that call the function.

        Raises
        ------
        InputError
            If the size is negative or above 60.
        """
        if not 0 <= size <= MAX_SIZE:
            raise InputError(f"size: expected 0 to {MAX_SIZE}, got {size}")
        return self.series(self.branches(), size - 1, _MUST)

    def sizes(self, upto: int) -> list[int]:
        """Return the sizes up to `upto` that have a function.

        Raises
        ------
        CountError
            If there is none.
        """
        found = [size for size in range(1, upto + 1) if self.count(size)]
        if not found:
            raise CountError(
                f"{self.type}: no recursive function has a body of size {upto} or less"
            )
        return found

    @property
    def arity(self) -> int:
        """How many arguments the functions take."""
        return len(self._domains)

    def constructors(self, number: int) -> list[Constructor]:
        """Return the constructors of a type of the grammar."""
        return self._types[number].inductive.constructors

    def first_slots(self) -> list[_Slot]:
        """Return what is known of the arguments in the branches."""
        return [_Slot(t, i == 0, False) for i, t in enumerate(self._domains)]

    def branches(self) -> tuple[_Goal, ...]:
        """Return a goal for each branch of the match on the first argument."""
        scope: dict[_Slot, int] = {}
        for slot in self.first_slots():
            scope[slot] = scope.get(slot, 0) + 1
        goal = _Goal(self._result, _sorted(scope), "tail")
        first = self._domains[0]
        return tuple(self._opened(goal, first, c, True) for c in self.constructors(first))

    def _opened(self, goal: _Goal, number: int, constructor: Constructor, whole: bool) -> _Goal:
        """Return the goal of a branch: the constructor's arguments are in scope."""
        scope = dict(goal.scope)
        for slot in self.bound(number, constructor, whole):
            if slot is not None:
                scope[slot] = scope.get(slot, 0) + 1
        return goal._replace(scope=_sorted(scope))

    def bound(self, number: int, constructor: Constructor, whole: bool) -> list[_Slot | None]:
        """Return what is known of the variables that a pattern binds."""
        return [
            None if part < 0 else _Slot(part, False, whole and part == self._domains[0])
            for part in self._parts(number, constructor)
        ]

    def ways(self, goal: _Goal) -> list[_Way]:
        """Return every way to fill a goal in; their order is that of ranks."""
        if goal not in self._all_ways:
            self._all_ways[goal] = list(self._find_ways(goal))
        return self._all_ways[goal]

    def _find_ways(self, goal: _Goal) -> Iterator[_Way]:
        """tail, expr or call, in the order of the grammar."""
        expr = goal._replace(form="expr")
        if goal.form != "call":
            for slot, alike in goal.scope:
                if slot.type == goal.type:
                    yield _Way("variable", slot, alike, (), 1)
            for constructor in self.constructors(goal.type):
                parts = self._parts(goal.type, constructor)
                if min(parts, default=0) >= 0:
                    goals = tuple(expr._replace(type=p) for p in parts)
                    yield _Way("constructor", constructor, 1, goals, 1)
        if goal.type == self._result:
            goals = tuple(expr._replace(type=t) for t in self._domains[1:])
            for slot, alike in goal.scope:
                if slot.small:
                    yield _Way("recursion", slot, alike, goals, 2)
        for helper in self._helpers:
            if helper.result == goal.type:
                goals = tuple(expr._replace(type=t) for t in helper.arguments)
                yield _Way("helper", helper, 1, goals, 1)
        if goal.form == "tail":
            yield from self._find_matches(goal)

    def _find_matches(self, goal: _Goal) -> Iterator[_Way]:
        for slot, alike in goal.scope:
            constructors = self.constructors(slot.type)
            trivial = len(constructors) == 1 and not constructors[0].types
            if not slot.opened and constructors and not trivial:
                scope = dict(goal.scope)
                scope[slot] -= 1
                after = slot._replace(opened=True)
                scope[after] = scope.get(after, 0) + 1
                inner = goal._replace(scope=_sorted(scope))
                goals = tuple(self._opened(inner, slot.type, c, slot.small) for c in constructors)
                yield _Way("match", slot, alike, goals, 1)
        if self._bool >= 0:
            condition = _Goal(self._bool, goal.scope, "call")
            yield _Way("if", None, 1, (condition, goal, goal), 1)

    def fillings(self, goal: _Goal, size: int, mode: int) -> int:
        """Count fillings of a goal of this size."""
        if size < 1:
            return 0
        key = (goal, size, mode)
        if key not in self._counts:
            self._counts[key] = sum(self.weight(w, size, mode) for w in self.ways(goal))
        return self._counts[key]

    def weight(self, way: _Way, size: int, mode: int) -> int:
        """Count fillings that go this way."""
        if way.kind == "recursion":
            if mode == _NONE:
                return 0
            mode = _ANY
        return way.alike * self.series(way.goals, size - way.size, mode)

    def series(self, goals: tuple[_Goal, ...], size: int, mode: int) -> int:
        """Count fillings of several goals of this size together."""
        if not goals:
            return int(size == 0 and mode != _MUST)
        if size < len(goals):
            return 0
        if len(goals) == 1:
            return self.fillings(goals[0], size, mode)
        key = (goals, size, mode)
        if key not in self._counts:
            self._counts[key] = sum(s.alike for s in self.splits(goals, size, mode))
        return self._counts[key]

    def splits(self, goals: tuple[_Goal, ...], size: int, mode: int) -> Iterator[_Split]:
        """Share out a size between the first of several goals and the rest."""
        modes = [(_MUST, _ANY), (_NONE, _MUST)] if mode == _MUST else [(mode, mode)]
        for first in range(1, size - len(goals) + 2):
            for here, after in modes:
                n = self.fillings(goals[0], first, here)
                if n:
                    n *= self.series(goals[1:], size - first, after)
                    yield _Split(first, here, after, n)

    # --------------------------------------------------------------------------- unranking

    def text(self, size: int, rank: int, name: str = "f") -> str:
        """Return a function as Gallina text, by the size of its body and its rank.

        Parameters
        ----------
        size : int
            Size of the body.
        rank : int
            Below `count(size)`.
        name : str
            What it is called.

        Returns
        -------
        str
        """
        n = self.count(size)
        if not 0 <= rank < n:
            raise CountError(f"rank: expected 0 to {n - 1} (size {size}), got {rank}")
        return _Writer(self, name).function(size, rank)

    def names(self, stems: Iterable[str], taken: str) -> Iterator[str]:
        """Give the names of variables that are free: nothing visible is called so."""
        visible = self.program.visible
        for stem in stems:
            if stem not in visible and stem not in COQ_CONSTRUCTORS and stem != taken:
                yield stem

    def constructor(self, constructor: Constructor) -> str:
        """Return a constructor as it is applied."""
        holes = " _" * sum(not p.implicit for p in constructor.type_parameters)
        return constructor.name + holes


class _Writer:
    """Writes out one function."""

    def __init__(self, space: FunctionSpace, name: str) -> None:
        self.space, self.name = space, name
        self.arguments = list(
            islice(space.names(chain("xyzuvw", (f"x{i}" for i in count(7))), name), space.arity)
        )
        numbered = (f"v{i}" for i in count(1))
        self.bound = list(islice(space.names(numbered, name), 100))

    def function(self, size: int, rank: int) -> str:
        """Return the text of a body and its header."""
        space = self.space
        scope = [_Variable(n, s) for n, s in zip(self.arguments, space.first_slots(), strict=True)]
        number, goals = space.first_slots()[0].type, space.branches()
        body = self._match(self.arguments[0], number, True, scope, goals, size - 1, rank, _MUST)
        binders = " ".join(
            f"({n} : {t})" for n, t in zip(self.arguments, space.domain_types, strict=True)
        )
        struct = f" {{struct {self.arguments[0]}}}" if len(self.arguments) > 1 else ""
        return f"Fixpoint {self.name} {binders}{struct} : {space.result_type} := {body}."

    def _goal(self, goal: _Goal, size: int, rank: int, mode: int, scope: list[_Variable]) -> str:
        """Return the text of the filling of a goal that has this rank."""
        for way in self.space.ways(goal):
            weight = self.space.weight(way, size, mode)
            if rank < weight:
                break
            rank -= weight
        mode = _ANY if way.kind == "recursion" else mode
        which, rank = divmod(rank, weight // way.alike)
        variable = None
        if isinstance(way.what, _Slot):
            variable = [v for v in scope if v.slot == way.what][which]
            variable.used = True
        if way.kind == "match":
            assert variable is not None
            opened = _Variable(variable.name, way.what._replace(opened=True), True)
            inner = [opened if v is variable else v for v in scope]
            number, small, rest = way.what.type, way.what.small, size - way.size
            return self._match(variable.name, number, small, inner, way.goals, rest, rank, mode)
        scopes = [scope] * len(way.goals)
        parts = self._fill(way.goals, scopes, size - way.size, rank, mode)
        if way.kind == "if":
            return f"if {parts[0]} then {parts[1]} else {parts[2]}"
        return " ".join([self._head(way, variable), *(_atom(p) for p in parts)])

    def _head(self, way: _Way, variable: _Variable | None) -> str:
        if variable is not None:
            return f"{self.name} {variable.name}" if way.kind == "recursion" else variable.name
        return str(way.what.text if way.kind == "helper" else self.space.constructor(way.what))

    def _fill(
        self,
        goals: tuple[_Goal, ...],
        scopes: list[list[_Variable]],
        size: int,
        rank: int,
        mode: int,
    ) -> list[str]:
        """Return the texts of goals of this size together, each in its scope."""
        texts = []
        for i, goal in enumerate(goals):
            for split in self.space.splits(goals[i:], size, mode):
                if rank < split.alike:
                    break
                rank -= split.alike
            size -= split.first
            mine, rank = divmod(rank, self.space.series(goals[i + 1 :], size, split.after))
            texts.append(self._goal(goal, split.first, mine, split.here, scopes[i]))
            mode = split.after
        return texts

    def _match(
        self,
        variable: str,
        number: int,
        small: bool,
        scope: list[_Variable],
        goals: tuple[_Goal, ...],
        size: int,
        rank: int,
        mode: int,
    ) -> str:
        """`match variable with ... end`; a variable that a branch does not use is bound as `_`."""
        constructors = self.space.constructors(number)
        fresh = self.bound[len(scope) - len(self.arguments) :]
        binders = [
            [
                _Variable(n, s)
                for n, s in zip(fresh, self.space.bound(number, c, small), strict=False)
            ]
            for c in constructors
        ]
        bodies = self._fill(goals, [[*scope, *b] for b in binders], size, rank, mode)
        branches = []
        for constructor, own, body in zip(constructors, binders, bodies, strict=True):
            pattern = [self.space.constructor(constructor)]
            pattern += [v.name if v.used else "_" for v in own]
            branches.append(f"{' '.join(pattern)} => {body}")
        return f"match {variable} with {' | '.join(branches)} end"


def _atom(text: str) -> str:
    return f"({text})" if " " in text else text


def _sorted(scope: dict[_Slot, int]) -> tuple[tuple[_Slot, int], ...]:
    return tuple(sorted((slot, n) for slot, n in scope.items() if n))


def _key(kind: Type) -> Any:
    """Structural identity of a closed type; None of anything else."""
    kind = resolve(kind)
    if not isinstance(kind, Con):
        return None
    return (kind.inductive, *(_key(a) for a in kind.arguments))
