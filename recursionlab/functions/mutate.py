"""Near misses: definitions changed in one place, still accepted, computing something else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from recursionlab import _core
from recursionlab.errors import LanguageError
from recursionlab.language import Function, loads
from recursionlab.language import syntax as ast
from recursionlab.language.parser import STARTS, parse
from recursionlab.language.signature import Constructor
from recursionlab.language.source import Span

from .behaviour import Behaviours

__all__ = ["Mutant", "mutate_function"]

_KEPT = ("Require", "From", "Import", "Open", "Inductive", "Arguments")


@dataclass(frozen=True)
class Mutant:
    """A definition changed in one place.

    Attributes
    ----------
    kind : str
        `drop` (an application became one of its arguments), `swap` (two arguments), `branches`
        (two branches' results), `name` (another variable, constructor or function), `graft` (a
        part became another, small part), `wrap` (a constructor more) or `number`.
    before, after : str
        The text at the place, and what it became.
    text : str
        The whole command.
    function : Function
        The same, checked, in a program of its own.
    """

    kind: str
    before: str
    after: str
    text: str
    function: Function


@dataclass(frozen=True)
class Edit:
    """A change: what kind, where in the command, and what stands there after it."""

    kind: str
    span: Span
    text: str


def mutate_function(function: Function, n: int, *, seed: int) -> list[Mutant]:
    """Change a definition in one place, so that it computes something else.

    Parameters
    ----------
    function : Function
        Of any program, with its types chosen.
    n : int
        How many mutants at most.
    seed : int
        Which ones: kinds in turn, places in an order that depends on the seed.

    Returns
    -------
    list of Mutant
        Fewer than `n` where no more changes are accepted by the checker, keep the type and
        compute what neither the function nor another mutant computes (by `unique_functions`).

    Examples
    --------
    >>> from recursionlab.language import library
    >>> for mutant in mutate_function(library("binary")["succ"], 2, seed=0):
    ...     print(mutant.kind, ":", mutant.before, "->", mutant.after)
    drop : xI q -> q
    drop : (succ q) -> q
    """
    definition = Definition(function)
    seen = Behaviours()
    seen.add(function)
    found: list[Mutant] = []
    for edit in _in_turn(definition.edits(), seed):
        if len(found) == n:
            break
        mutant = definition.apply(edit)
        if mutant is not None and seen.add(mutant.function):
            found.append(mutant)
    return found


def _in_turn(edits: list[Edit], seed: int) -> Iterator[Edit]:
    """Give one edit of each kind, round after round, each kind in a random order."""
    kinds = sorted({e.kind for e in edits})
    piles = []
    for number, kind in enumerate(kinds):
        pile = [e for e in edits if e.kind == kind]
        piles.append([pile[i] for i in _core.permute(len(pile), 0, len(pile), seed, number)])
    for turn in range(max(map(len, piles), default=0)):
        for pile in piles:
            if turn < len(pile):
                yield pile[turn]


class Definition:
    """The command that declares a function, and what stands before it that it needs."""

    def __init__(self, function: Function) -> None:
        self.function, self.program = function, function.program
        declaration = function.declaration
        source = declaration.excerpt.source
        clean, sentences = source.sentences()
        start = declaration.excerpt.start
        needed = {start}
        reachable = set(self.program.reachable(function.id))
        needed |= {f.declaration.excerpt.start for f in self.program if f.id in reachable}
        before = []
        for sentence in sentences:
            if sentence.span.start == start:
                break
            if sentence.word in _KEPT or sentence.span.start in needed:
                before.append(clean[sentence.span.start : sentence.span.end] + ".\n")
        self.before = "".join(before)
        self.text = clean[start : sentence.span.end]
        self.tree = parse(source, clean, sentence, STARTS[sentence.word])

    def apply(self, edit: Edit) -> Mutant | None:
        """Make the change; None if the result is refused or has another type."""
        text = self.text[: edit.span.start] + edit.text + self.text[edit.span.end :] + "."
        try:
            program = loads(self.before + text, f"<mutant of {self.function.name}>")
            mutant = program[self.function.name].at(**self.function.at_types)
        except LanguageError:
            return None
        if mutant.type != self.function.type:
            return None
        before = self.text[edit.span.start : edit.span.end]
        return Mutant(edit.kind, before, edit.text, text, mutant)

    # ------------------------------------------------------------------------------- edits

    def edits(self) -> list[Edit]:
        """Every change that keeps the syntax."""
        bodies = self.tree.functions if isinstance(self.tree, ast.Fixpoint) else [self.tree]
        self.parts = list(
            dict.fromkeys(self._text(e) for d in bodies for e in _expressions(d.body))
        )
        self.small = [p for p in self.parts if not re.search(r"\b(match|fix|fun|let)\b", p)]
        self.names = [p for p in self.parts if re.fullmatch(r"[A-Za-z_][\w'.]*", p)]
        found = [edit for d in bodies for e in _expressions(d.body) for edit in self._edits_at(e)]
        return [e for e in found if self._atom(self.text[e.span.start : e.span.end]) != e.text]

    def _edits_at(self, e: ast.Expr) -> Iterator[Edit]:
        if isinstance(e, ast.Match):
            yield from self._branches(e)
            return
        text = self._text(e)
        if isinstance(e, ast.Name):
            yield from (Edit("name", e.span, name) for name in self._other_names(e.name))
        elif isinstance(e, ast.Number):
            near = [e.value + 1, *([e.value - 1] if e.value else [])]
            yield from (Edit("number", e.span, str(value)) for value in near)
        elif isinstance(e, ast.App):
            yield from (Edit("drop", e.span, self._atom(self._text(a))) for a in e.arguments)
            yield from self._swaps(e.arguments)
        elif isinstance(e, ast.Operator):
            sides = [e.left, e.right]
            yield from (Edit("drop", e.span, self._atom(self._text(a))) for a in sides)
            yield from self._swaps(sides)
        elif isinstance(e, ast.If):
            yield from self._swaps([e.then, e.other])
        yield from (Edit("graft", e.span, self._atom(p)) for p in self.small if p not in text)
        for name in self.names:
            entity = self._entity(name)
            if isinstance(entity, Constructor) and len(entity.types) == 1:
                yield Edit("wrap", e.span, f"({name} {self._atom(text)})")

    def _branches(self, e: ast.Match) -> Iterator[Edit]:
        for i, one in enumerate(e.branches):
            for other in e.branches[i + 1 :]:
                yield self._exchange("branches", one.body, other.body)

    def _swaps(self, parts: list[ast.Expr]) -> Iterator[Edit]:
        for i, one in enumerate(parts):
            for other in parts[i + 1 :]:
                yield self._exchange("swap", one, other)

    def _exchange(self, kind: str, one: ast.Expr, other: ast.Expr) -> Edit:
        between = self.text[one.span.end : other.span.start]
        text = f"{self._atom(self._text(other))}{between}{self._atom(self._text(one))}"
        return Edit(kind, Span(one.span.start, other.span.end), text)

    def _other_names(self, name: str) -> list[str]:
        entity = self._entity(name)
        siblings = entity.inductive.constructors if isinstance(entity, Constructor) else []
        return [n for n in dict.fromkeys([*(c.name for c in siblings), *self.names]) if n != name]

    def _entity(self, name: str) -> Any:
        return self.program.visible.get(name)

    def _text(self, e: ast.Expr) -> str:
        return self.text[e.span.start : e.span.end]

    @staticmethod
    def _atom(text: str) -> str:
        whole = re.fullmatch(r"[\w'.%]+|\([^()]*\)", text)
        return text if whole else f"({text})"


def _expressions(tree: Any) -> Iterator[ast.Expr]:
    """Every expression of a body, in order; types and patterns are left out."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += reversed(node)
        elif isinstance(node, ast.Pattern | ast.Binder | ast.Ident | Span):
            continue
        elif is_dataclass(node):
            if isinstance(node, ast.Expr):
                yield node
            inner = [f.name for f in fields(node) if f.name != "type"]
            pending += reversed([getattr(node, name) for name in inner])
