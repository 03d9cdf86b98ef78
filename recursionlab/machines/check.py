"""Static checks of a machine: names, sorts, arities; every fault points at its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from recursionlab.language.namespace import suggest
from recursionlab.language.source import Source, Span

from . import syntax as ast

__all__ = ["Entity", "Signature", "check"]

_RESERVED = ("length", "input", "output", "none", "min", "max", "int", "bool", "token", "param")


@dataclass
class Entity:
    """What a name stands for; `index` counts within its kind, `arguments` are sorts."""

    kind: str
    sort: str
    index: int
    span: Span
    arguments: tuple[str, ...] = ()
    used: bool = False


@dataclass
class Signature:
    """The names of a checked machine, and each enum's members in order."""

    names: dict[str, Entity] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def token(self, text: str) -> str | None:
        """Name under which the token written so is declared, None where it is not."""
        for name in (text, f'"{text}"'):
            if name in self.names and self.names[name].kind == "token":
                return name
        return None

    def of(self, kind: str) -> list[str]:
        """Names of one kind, in order of declaration."""
        return [n for n, e in self.names.items() if e.kind == kind]


def check(source: Source, tree: ast.Tree) -> Signature:
    """Check a machine.

    Parameters
    ----------
    source : Source
        Its text, for messages.
    tree : Tree
        What the parser made of it.

    Returns
    -------
    Signature

    Raises
    ------
    LanguageError
        At the first fault.
    """
    checker = _Checker(source)
    for declaration in tree.declarations:
        checker.declaration(declaration)
    checker.block(tree.rule)
    checker.unused()
    return checker.signature


_BUILTIN = Span(0, 0)


class _Checker:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.signature = Signature()
        names = self.signature.names
        names["length"] = Entity("length", "int", 0, _BUILTIN)
        names["none"] = Entity("none", "token", 0, _BUILTIN)
        names["input"] = Entity("input", "token", 0, _BUILTIN, ("int",))
        names["output"] = Entity("output", "token", 0, _BUILTIN, ("int",))
        names["min"] = Entity("min", "int", 0, _BUILTIN, ("int", "int"))
        names["max"] = Entity("max", "int", 0, _BUILTIN, ("int", "int"))
        self.locals: list[tuple[str, Entity]] = []
        self.initial = False  # inside a declaration: only length, parameters and constants

    # ------------------------------------------------------------------------ declarations

    def declare(self, name: str, kind: str, sort: str, span: Span, *arguments: str) -> None:
        if name in _RESERVED or name in self.signature.enums:
            raise self.source.error(f"`{name}` already has a meaning", span, "choose another name")
        if name in self.signature.names:
            raise self.source.error(f"`{name}` is declared twice", span, "choose another name")
        index = len(self.signature.of(kind))
        self.signature.names[name] = Entity(kind, sort, index, span, arguments)

    def sort(self, name: str, span: Span) -> str:
        known = ["int", "bool", "token", *self.signature.enums]
        if name not in known:
            hint = suggest(name, known) or f"the sorts are {', '.join(known)}"
            raise self.source.error(f"there is no sort `{name}`", span, hint)
        return name

    def declaration(self, d: ast.Rule) -> None:
        self.initial = True
        if isinstance(d, ast.Tokens):
            for name in d.names:
                if self.signature.token(name.strip('"')) is not None:
                    raise self.source.error(f"`{name}` is declared twice", d.span)
                self.declare(name, "token", "token", d.span)
        elif isinstance(d, ast.Enum):
            if d.name in (*_RESERVED, *self.signature.enums, *self.signature.names):
                raise self.source.error(f"`{d.name}` already has a meaning", d.span)
            for i, member in enumerate(d.members):
                self.declare(member, "member", d.name, d.span)
                self.signature.names[member].index = i
            self.signature.enums[d.name] = d.members
        elif isinstance(d, ast.Fun):
            self._fun(d)
        else:
            assert isinstance(d, ast.Param | ast.Var)
            self.expect(d.value, self.sort(d.sort, d.span))
            kind = "param" if isinstance(d, ast.Param) else "var"
            self.declare(d.name, kind, d.sort, d.span)
        self.initial = False

    def _fun(self, d: ast.Fun) -> None:
        for sort in (*d.arguments, d.sort):
            self.sort(sort, d.span)
        if len(d.arguments) > 2:
            raise self.source.error(
                f"`{d.name}` has {len(d.arguments)} arguments", d.span, "at most 2 are possible"
            )
        self.expect(d.value, d.sort)
        value = d.value.operand if isinstance(d.value, ast.Unary) else d.value
        constant = isinstance(value, ast.Number | ast.Truth | ast.Quoted) or (
            isinstance(value, ast.Name)
            and self.signature.names[value.name].kind in ("token", "member", "none")
        )
        if not constant or (isinstance(d.value, ast.Unary) and d.value.op == "not"):
            raise self.source.error(
                f"the default of `{d.name}` is no constant", d.value.span, "write a constant"
            )
        self.declare(d.name, "fun", d.sort, d.span, *d.arguments)

    def unused(self) -> None:
        for name, entity in self.signature.names.items():
            if entity.kind in ("param", "var", "fun") and not entity.used:
                raise self.source.error(
                    f"`{name}` is never used", entity.span, "use it or remove its declaration"
                )

    # -------------------------------------------------------------------------------- rules

    def block(self, block: ast.Block) -> None:
        for rule in block:
            self.rule(rule)

    def rule(self, rule: ast.Rule) -> None:
        if isinstance(rule, ast.Update):
            self._update(rule)
        elif isinstance(rule, ast.If):
            for condition, body in rule.cases:
                self.expect(condition, "bool")
                self.block(body)
            self.block(rule.otherwise)
        elif isinstance(rule, ast.Let):
            with self.bound(rule.name, self.expression(rule.value), rule.span):
                self.block(rule.body)
        elif isinstance(rule, ast.Forall | ast.Choose):
            self.expect(rule.low, "int")
            self.expect(rule.high, "int")
            with self.bound(rule.name, "int", rule.span, must_use=False):
                if rule.condition is not None:
                    self.expect(rule.condition, "bool")
                self.block(rule.body)
            if isinstance(rule, ast.Choose):
                self.block(rule.otherwise)

    def _update(self, rule: ast.Update) -> None:
        at = Span(rule.span.start, rule.span.start + len(rule.name))
        entity = self.look_up(rule.name, at)
        if entity.kind not in ("var", "fun", "output"):
            raise self.source.error(
                f"`{rule.name}` is {_A[entity.kind]} and cannot be updated",
                at,
                "update a variable, a function or `output`",
            )
        self.arguments(rule.name, entity, rule.arguments, at)
        self.expect(rule.value, entity.sort)

    @contextmanager
    def bound(self, name: str, sort: str, span: Span, must_use: bool = True) -> Iterator[None]:
        if name in self.signature.names or any(name == n for n, _ in self.locals):
            raise self.source.error(
                f"`{name}` is bound again inside its own scope", span, "choose another name"
            )
        entity = Entity("local", sort, 0, span)
        self.locals.append((name, entity))
        yield
        self.locals.pop()
        if must_use and not entity.used:
            raise self.source.error(f"`{name}` is never used", span, "use it or remove it")

    # -------------------------------------------------------------------------- expressions

    def look_up(self, name: str, span: Span) -> Entity:
        for local, entity in reversed(self.locals):
            if local == name:
                entity.used = True
                return entity
        found = self.signature.names.get(name)
        if found is None:
            known = [*self.signature.names, *(n for n, _ in self.locals)]
            hint = suggest(name, known) or "declare it, or write a token in quotes"
            raise self.source.error(f"there is no `{name}` here", span, hint)
        found.used = True
        return found

    def arguments(
        self, name: str, entity: Entity, given: tuple[ast.Expression, ...], span: Span
    ) -> None:
        if len(given) != len(entity.arguments):
            n = len(entity.arguments)
            raise self.source.error(
                f"`{name}` takes {n or 'no'} argument{'s' if n != 1 else ''}, got {len(given)}",
                span,
            )
        for argument, sort in zip(given, entity.arguments, strict=True):
            self.expect(argument, sort)

    def expect(self, e: ast.Expression, sort: str) -> None:
        found = self.expression(e)
        if found != sort:
            raise self.source.error(
                f"this has sort {found}", e.span, f"expected an expression of sort {sort}"
            )

    def expression(self, e: ast.Expression) -> str:
        if isinstance(e, ast.Number):
            return "int"
        if isinstance(e, ast.Truth):
            return "bool"
        if isinstance(e, ast.Quoted):
            if self.signature.token(e.name) is None:
                known = [t.strip('"') for t in self.signature.of("token")]
                hint = suggest(e.name, known) or "declare it"
                raise self.source.error(f'there is no token "{e.name}"', e.span, hint)
            return "token"
        if isinstance(e, ast.Name | ast.Call):
            arguments = e.arguments if isinstance(e, ast.Call) else ()
            at = Span(e.span.start, e.span.start + len(e.name))
            entity = self.look_up(e.name, at)
            if self.initial and entity.kind in ("var", "fun", "input", "output"):
                raise self.source.error(
                    f"`{e.name}` is {_A[entity.kind]} and has no value before the first step",
                    at,
                    "use length, parameters and constants",
                )
            self.arguments(e.name, entity, arguments, at)
            return entity.sort
        if isinstance(e, ast.Unary):
            sort = "bool" if e.op == "not" else "int"
            self.expect(e.operand, sort)
            return sort
        assert isinstance(e, ast.Binary)
        return self._binary(e)

    def _binary(self, e: ast.Binary) -> str:
        if e.op in ("=", "!="):
            self.expect(e.right, self.expression(e.left))
            return "bool"
        sort = "bool" if e.op in ("and", "or") else "int"
        self.expect(e.left, sort)
        self.expect(e.right, sort)
        return "int" if e.op in ("+", "-", "*", "/", "mod") else "bool"


_A = {
    "token": "a token", "member": "a member of an enum", "param": "a parameter",
    "var": "a variable", "fun": "a function", "length": "the length", "none": "no token",
    "input": "the input", "output": "the output", "min": "a function", "max": "a function",
    "local": "a bound name",
}  # fmt: skip
