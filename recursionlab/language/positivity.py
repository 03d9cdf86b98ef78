"""Strict positivity: an inductive type may not stand left of an arrow in its own constructors."""

from __future__ import annotations

from collections.abc import Iterable

from .signature import Inductive
from .types import Arrow, Con, Rigid, Type, resolve

__all__ = ["regular", "violation"]


def violation(kind: Type, block: Iterable[Inductive]) -> str:
    """Say why a constructor's argument type is refused, or return an empty string."""
    block = list(block)
    kind = resolve(kind)
    while isinstance(kind, Arrow):
        if _mentions(kind.domain, block):
            return "stands left of an arrow"
        kind = resolve(kind.codomain)
    if not isinstance(kind, Con):
        return ""
    if kind.inductive in block:
        if any(_mentions(a, block) for a in kind.arguments):
            return "is applied to itself"
        return ""
    for parameter, argument in zip(kind.inductive.parameters, kind.arguments, strict=True):
        if not _mentions(argument, block):
            continue
        if len(kind.inductive.block) > 1:
            return f"stands inside `{kind.inductive.name}`, one of several mutual types"
        if not _positive(parameter, kind.inductive):
            return f"stands inside `{kind.inductive.name}`, which uses its parameter negatively"
        reason = violation(argument, block)
        if reason:
            return reason
    return ""


def regular(kind: Type, block: Iterable[Inductive]) -> bool:
    """Say whether the types of the block occur with their own parameters only."""
    block = list(block)
    pending = [kind]
    while pending:
        t = resolve(pending.pop())
        if isinstance(t, Arrow):
            pending += [t.domain, t.codomain]
        elif isinstance(t, Con):
            if t.inductive in block:
                own = t.inductive.parameters
                if any(resolve(a) is not p for a, p in zip(t.arguments, own, strict=True)):
                    return False
            pending += t.arguments
    return True


def _mentions(kind: Type, block: list[Inductive]) -> bool:
    pending = [kind]
    while pending:
        t = resolve(pending.pop())
        if isinstance(t, Arrow):
            pending += [t.domain, t.codomain]
        elif isinstance(t, Con):
            if t.inductive in block:
                return True
            pending += t.arguments
    return False


def _positive(parameter: Rigid, inductive: Inductive) -> bool:
    """Say whether a parameter never stands left of an arrow in the type's constructors."""
    return all(
        _positive_in(parameter, argument, inductive)
        for constructor in inductive.constructors
        for argument in constructor.types
    )


def _positive_in(parameter: Rigid, kind: Type, inductive: Inductive) -> bool:
    kind = resolve(kind)
    while isinstance(kind, Arrow):
        if _occurs(parameter, kind.domain):
            return False
        kind = resolve(kind.codomain)
    if not isinstance(kind, Con) or kind.inductive is inductive:
        return True
    return all(
        not _occurs(parameter, a)
        or (_positive(p, kind.inductive) and _positive_in(parameter, a, inductive))
        for p, a in zip(kind.inductive.parameters, kind.arguments, strict=True)
    )


def _occurs(parameter: Rigid, kind: Type) -> bool:
    pending = [kind]
    while pending:
        t = resolve(pending.pop())
        if t is parameter:
            return True
        if isinstance(t, Arrow):
            pending += [t.domain, t.codomain]
        elif isinstance(t, Con):
            pending += t.arguments
    return False
