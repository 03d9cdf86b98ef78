"""Nested patterns become one-level matches; what no row covers and what no value reaches is told.

The first column is split first, as Coq does, so reductions go the same way. One pass gives the
code, the missing pattern (a leaf without rows) and the redundant rows (rows no leaf uses).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .core import Case, Local, Node, Ref, Rename
from .signature import Constructor
from .source import Span
from .types import Con, Rigid, Type, resolve, substitute

__all__ = ["Compiler", "MatchTooLarge", "Missing", "Row", "TypedPattern"]


@dataclass(eq=False)
class TypedPattern:
    """A pattern after type checking: names it binds, and a constructor, alternatives or neither."""

    span: Span
    type: Type
    names: list[Local] = field(default_factory=list)
    constructor: Constructor | None = None
    arguments: list[TypedPattern] = field(default_factory=list)
    alternatives: list[TypedPattern] = field(default_factory=list)
    reached: bool = False


class Missing(Exception):
    """A value that no row matches, as a pattern for each scrutinee."""

    def __init__(self, witness: str) -> None:
        super().__init__(witness)
        self.witness = witness


class MatchTooLarge(Exception):
    """The match expands to too many branches."""


@dataclass
class Row:
    """One row of the matrix: patterns still to be matched, bindings made, and its body."""

    patterns: list[TypedPattern]
    body: Node
    origin: TypedPattern
    bound: dict[Local, Local] = field(default_factory=dict)
    chosen: tuple[TypedPattern, ...] = ()


Trail = dict[Local, tuple[Constructor, list[Local]]]


@dataclass
class Compiler:
    """Compiles one match.

    Parameters
    ----------
    span : Span
        Of the whole match.
    fresh : callable
        Gives a readable name for a variable of a type.
    budget : int
        Largest number of leaves and splits.
    """

    span: Span
    fresh: Callable[[Type], str]
    budget: int = 20_000
    aliased: set[Local] = field(default_factory=set)

    def compile(self, roots: list[Local], rows: list[Row]) -> Node:
        """Compile rows over the scrutinees `roots`.

        Raises
        ------
        Missing
            If some values are matched by no row.
        MatchTooLarge
            If the budget runs out.
        """
        self._roots = roots
        return self._compile(list(roots), rows, {})

    def _compile(self, columns: list[Local], rows: list[Row], trail: Trail) -> Node:
        self.budget -= 1 + len(rows)
        if self.budget < 0:
            raise MatchTooLarge
        while columns:
            rows = [expanded for row in rows for expanded in _expand(row)]
            empty = not rows and self._uninhabited(columns[0])
            if empty or any(row.patterns[0].constructor for row in rows):
                return self._split(columns, rows, trail)
            rows = [self._bind(row, columns[0], row.patterns[0], []) for row in rows]
            columns = columns[1:]
        if not rows:
            raise Missing(", ".join(_witness(root, trail, False) for root in self._roots))
        row = rows[0]
        row.origin.reached = True
        for alternative in row.chosen:
            alternative.reached = True
        return Rename(self.span, row.bound, row.body) if row.bound else row.body

    @staticmethod
    def _uninhabited(column: Local) -> bool:
        kind = resolve(column.type)
        return isinstance(kind, Con) and not kind.inductive.constructors

    def _bind(
        self, row: Row, column: Local, pattern: TypedPattern, arguments: list[TypedPattern]
    ) -> Row:
        """Take the row's first pattern away: its names stand for the column from here on."""
        bound = row.bound
        if pattern.names:
            bound = {**bound, **dict.fromkeys(pattern.names, column)}
            self.aliased.add(column)
        return Row(arguments + row.patterns[1:], row.body, row.origin, bound, row.chosen)

    def _split(self, columns: list[Local], rows: list[Row], trail: Trail) -> Node:
        column, rest = columns[0], columns[1:]
        kind = resolve(column.type)
        assert isinstance(kind, Con)
        if column.name == "_":
            column.name = self.fresh(kind)
        mapping: dict[Rigid, Type] = dict(
            zip(kind.inductive.parameters, kind.arguments, strict=True)
        )
        branches = []
        for constructor in kind.inductive.constructors:
            types = [substitute(t, mapping) for t in constructor.types]
            locals_ = [Local("_", t, self.span) for t in types]
            kept = []
            for row in rows:
                pattern = row.patterns[0]
                if pattern.constructor is None:
                    blank = [TypedPattern(pattern.span, t) for t in types]
                    kept.append(self._bind(row, column, pattern, blank))
                elif pattern.constructor is constructor:
                    _suggest(locals_, pattern.arguments)
                    kept.append(self._bind(row, column, pattern, pattern.arguments))
            below = {**trail, column: (constructor, locals_)}
            branches.append((locals_, self._compile(locals_ + rest, kept, below)))
        return Case(self.span, kind.inductive, Ref(self.span, column), branches)


def _expand(row: Row) -> list[Row]:
    """Split a row whose first pattern is an or-pattern."""
    first = row.patterns[0]
    if not first.alternatives:
        return [row]
    rows = []
    for alternative in first.alternatives:
        named = TypedPattern(
            alternative.span,
            alternative.type,
            first.names + alternative.names,
            alternative.constructor,
            alternative.arguments,
            alternative.alternatives,
        )
        chosen = (*row.chosen, alternative)
        split = Row([named, *row.patterns[1:]], row.body, row.origin, row.bound, chosen)
        rows += _expand(split)
    return rows


def _suggest(locals_: list[Local], patterns: list[TypedPattern]) -> None:
    """Let binders take the names that the patterns give them."""
    for local, pattern in zip(locals_, patterns, strict=True):
        if local.name == "_" and pattern.names:
            local.name = pattern.names[0].name


def _witness(column: Local, trail: Trail, nested: bool) -> str:
    """Write what is known of a scrutinee as a pattern."""
    if column not in trail:
        return "_"
    constructor, arguments = trail[column]
    notation = constructor.inductive.notation
    parts = [_witness(a, trail, True) for a in arguments]
    if notation == "prod":
        return f"({_witness(arguments[0], trail, False)}, {_witness(arguments[1], trail, False)})"
    if notation == "list" and arguments:
        text = f"{parts[0]} :: {_witness(arguments[1], trail, False)}"
    elif not arguments:
        return constructor.name
    else:
        text = " ".join([constructor.name, *parts])
    return f"({text})" if nested else text
