"""Type parameters: of types, of functions, and of names of types."""

from __future__ import annotations

from . import syntax as ast
from .elaborate import Elaborator, Env
from .signature import Synonym
from .types import Rigid

__all__ = ["inductive_parameters", "is_type_parameter", "read_synonym", "type_parameters"]


def is_type_parameter(binder: ast.Binder) -> bool:
    """Say whether a binder is `(A : Type)` or `{A}`."""
    return isinstance(binder.type, ast.Sort) or (binder.implicit and binder.type is None)


def type_parameters(binder: ast.Binder, elaborator: Elaborator) -> list[Rigid]:
    """Return the type parameters that a binder binds."""
    if isinstance(binder.type, ast.Sort) and binder.type.name != "Type":
        raise elaborator.error(
            f"parameters of sort `{binder.type.name}` are not in the subset",
            binder.type.span,
            "write `Type`",
        )
    return [Rigid(name.name) for name in binder.names]


def inductive_parameters(decl: ast.InductiveDecl, elaborator: Elaborator) -> list[Rigid]:
    """Return the parameters of a type, and check its sort."""
    parameters: list[Rigid] = []
    for binder in decl.binders:
        untyped = binder.type is None and binder.pattern is None
        if binder.implicit or not (untyped or is_type_parameter(binder)):
            raise elaborator.error(
                "parameters of a type must be types, written `(A : Type)`",
                binder.span,
                "types that depend on values are not in the subset",
            )
        parameters += type_parameters(binder, elaborator)
    sort = decl.sort
    if sort is None:
        return parameters
    if not isinstance(sort, ast.Sort):
        raise elaborator.error(
            "indexed types are not in the subset", sort.span, "write `: Type` or `: Set`"
        )
    if sort.name == "Prop":
        raise elaborator.error(
            "`Prop` is not in the subset: propositions do not compute", sort.span, "write `: Type`"
        )
    if sort.name == "Set" and parameters:
        raise elaborator.error(
            "a type with parameters of sort `Type` cannot be in `Set`", sort.span, "write `: Type`"
        )
    return parameters


def read_synonym(command: ast.Definition, elaborator: Elaborator, prefix: str) -> Synonym:
    """`Definition t (A : Type) : Type := list A`."""
    if isinstance(command.type, ast.Sort) and command.type.name == "Prop":
        raise elaborator.error(
            "`Prop` is not in the subset: propositions do not compute",
            command.type.span,
            "write `: Type`",
        )
    parameters: list[Rigid] = []
    for binder in command.binders:
        if not is_type_parameter(binder) or binder.implicit:
            raise elaborator.error(
                "parameters of a type must be types, written `(A : Type)`",
                binder.span,
                "types that depend on values are not in the subset",
            )
        parameters += type_parameters(binder, elaborator)
    env: Env = {p.name: p for p in parameters}
    kind = elaborator.type_of(command.body, env)
    elaborator.finish()
    return Synonym(prefix + command.name.name, parameters, kind)
