"""Types of the language and their unification; there is no generalisation, as in Coq."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .source import Span

if TYPE_CHECKING:
    from .signature import Inductive

__all__ = ["Arrow", "Con", "Meta", "Rigid", "Type", "TypeTooLarge", "Unifier", "arrows", "show"]
__all__ += ["is_closed", "resolve", "substitute", "uncurry"]


class TypeTooLarge(Exception):
    """The types of one definition outgrew the budget."""


class Type:
    """Base of the types."""


@dataclass(eq=False)
class Rigid(Type):
    """A type parameter, the `A` of `(A : Type)`; equal to itself only."""

    name: str
    used: bool = False


@dataclass(eq=False)
class Meta(Type):
    """A type still to be found, with the place that asks for it."""

    span: Span
    what: str
    value: Type | None = None


@dataclass(eq=False)
class Con(Type):
    """An inductive type applied to its parameters."""

    inductive: Inductive
    arguments: tuple[Type, ...] = ()


@dataclass(eq=False)
class Arrow(Type):
    """The type of functions."""

    domain: Type
    codomain: Type


def resolve(kind: Type) -> Type:
    """Follow solved metas at the head."""
    while isinstance(kind, Meta) and kind.value is not None:
        kind = kind.value
    return kind


def arrows(domains: list[Type], result: Type) -> Type:
    """`d1 -> ... -> dn -> result`."""
    for domain in reversed(domains):
        result = Arrow(domain, result)
    return result


def uncurry(kind: Type) -> tuple[list[Type], Type]:
    """Split a type into its argument types and its result."""
    domains = []
    kind = resolve(kind)
    while isinstance(kind, Arrow):
        domains.append(kind.domain)
        kind = resolve(kind.codomain)
    return domains, kind


def is_closed(kind: Type) -> bool:
    """Say whether a type has neither parameters nor unknowns nor arrows in it."""
    kind = resolve(kind)
    return isinstance(kind, Con) and all(is_closed(a) for a in kind.arguments)


def substitute(kind: Type, mapping: dict[Rigid, Type]) -> Type:
    """Replace type parameters; types that contain none are shared."""
    if not mapping:
        return kind
    kind = resolve(kind)
    if isinstance(kind, Rigid):
        return mapping.get(kind, kind)
    if isinstance(kind, Con) and kind.arguments:
        return Con(kind.inductive, tuple(substitute(a, mapping) for a in kind.arguments))
    if isinstance(kind, Arrow):
        return Arrow(substitute(kind.domain, mapping), substitute(kind.codomain, mapping))
    return kind


@dataclass
class Unifier:
    """Metas of one definition and the budget for working on them."""

    metas: list[Meta] = field(default_factory=list)
    fuel: int = 300_000

    def fresh(self, span: Span, what: str) -> Meta:
        """Make a meta that stands for the type of `what`."""
        meta = Meta(span, what)
        self.metas.append(meta)
        return meta

    def _burn(self) -> None:
        self.fuel -= 1
        if self.fuel < 0:
            raise TypeTooLarge

    def unify(self, left: Type, right: Type) -> bool:
        """Make two types equal if that is possible; False leaves some metas solved."""
        pending = [(left, right)]
        while pending:
            self._burn()
            a, b = (resolve(t) for t in pending.pop())
            if a is b:
                continue
            if isinstance(a, Meta):
                if self._occurs(a, b):
                    return False
                a.value = b
            elif isinstance(b, Meta):
                pending.append((b, a))
            elif isinstance(a, Arrow) and isinstance(b, Arrow):
                pending += [(a.codomain, b.codomain), (a.domain, b.domain)]
            elif isinstance(a, Con) and isinstance(b, Con) and a.inductive is b.inductive:
                pending += zip(a.arguments, b.arguments, strict=True)
            else:
                return False
        return True

    def _occurs(self, meta: Meta, kind: Type) -> bool:
        pending = [kind]
        while pending:
            self._burn()
            t = resolve(pending.pop())
            if t is meta:
                return True
            if isinstance(t, Arrow):
                pending += [t.domain, t.codomain]
            elif isinstance(t, Con):
                pending += t.arguments
        return False

    def unsolved(self) -> Meta | None:
        """Return the first meta without a value, or None."""
        return next((m for m in self.metas if isinstance(resolve(m), Meta)), None)


def show(kind: Type, level: int = 0, budget: list[int] | None = None) -> str:
    """Print a type as Gallina; level 0 anything, 1 no arrow, 2 no product, 3 atoms only."""
    budget = [200] if budget is None else budget
    budget[0] -= 1
    if budget[0] < 0:
        return "..."
    kind = resolve(kind)
    if isinstance(kind, Rigid):
        return kind.name
    if isinstance(kind, Meta):
        return "_"
    if isinstance(kind, Arrow):
        text = f"{show(kind.domain, 1, budget)} -> {show(kind.codomain, 0, budget)}"
        return f"({text})" if level > 0 else text
    assert isinstance(kind, Con)
    name, arguments = kind.inductive.name, kind.arguments
    if kind.inductive.notation == "prod":
        text = f"{show(arguments[0], 1, budget)} * {show(arguments[1], 2, budget)}"
        return f"({text})" if level > 1 else text
    if not arguments:
        return name
    text = " ".join([name, *(show(a, 3, budget) for a in arguments)])
    return f"({text})" if level > 2 else text
