"""What a program declares: inductive types, constructors, functions, examples."""

from __future__ import annotations

from dataclasses import dataclass, field

from .core import Node
from .source import Excerpt, Span
from .types import Con, Rigid, Type, arrows, uncurry

__all__ = [
    "Alias",
    "Constructor",
    "Entity",
    "ExampleCheck",
    "Computation",
    "Function",
    "Inductive",
    "Proof",
    "Synonym",
    "TypeParameter",
]


@dataclass(eq=False)
class TypeParameter:
    """A type argument of a function or constructor; implicit ones are not written."""

    rigid: Rigid
    implicit: bool


@dataclass(eq=False)
class Inductive:
    """An inductive type; `block` lists the types declared together with it."""

    name: str
    parameters: list[Rigid]
    notation: str = ""
    constructors: list[Constructor] = field(default_factory=list)
    block: list[Inductive] = field(default_factory=list)
    origin: str = ""

    def own_type(self) -> Con:
        """Return the type applied to its own parameters."""
        return Con(self, tuple(self.parameters))


@dataclass(eq=False)
class Constructor:
    """A constructor; its argument types are over the type's own parameters."""

    name: str
    inductive: Inductive
    index: int
    names: list[str]
    types: list[Type]
    type_parameters: list[TypeParameter]

    @property
    def telescope(self) -> list[TypeParameter | Type]:
        """Type parameters, then argument types, in the order of application."""
        return [*self.type_parameters, *self.types]

    @property
    def result(self) -> Type:
        """Return what it builds."""
        return self.inductive.own_type()


@dataclass(eq=False)
class Function:
    """A Definition or a function of a Fixpoint.

    `telescope` holds type parameters and argument types in order of application; `body` starts
    with `n_args` lambdas; `struct` is the index of the decreasing argument, -1 for a Definition;
    `mutual` lists the functions of its Fixpoint.
    """

    name: str
    telescope: list[TypeParameter | Type]
    result: Type
    span: Span
    excerpt: Excerpt
    names: list[str] = field(default_factory=list)
    body: Node | None = None
    n_args: int = 0
    struct: int = -1
    mutual: list[Function] = field(default_factory=list)
    defining: bool = True
    origin: str = ""

    @property
    def type_parameters(self) -> list[TypeParameter]:
        """Return the type parameters in order."""
        return [t for t in self.telescope if isinstance(t, TypeParameter)]

    def type(self) -> Type:
        """Return the type without its type parameters."""
        return arrows([t for t in self.telescope if isinstance(t, Type)], self.result)

    def signature(self) -> tuple[list[Type], Type]:
        """Return all argument types and the result, with every arrow taken apart."""
        return uncurry(self.type())


@dataclass(eq=False)
class Alias:
    """Another name of something declared."""

    name: str
    target: Entity


@dataclass(eq=False)
class Synonym:
    """A Definition of a type: its name stands for the type, at its parameters."""

    name: str
    parameters: list[Rigid]
    type: Type


@dataclass(eq=False)
class Proof:
    """What an Example's name stands for, which no term may use."""

    name: str


Entity = Inductive | Constructor | Function | Synonym | Proof


@dataclass
class ExampleCheck:
    """An `Example`: two closed terms that must have the same normal form."""

    name: str
    left: Node
    right: Node
    type: Type
    span: Span
    excerpt: Excerpt


@dataclass
class Computation:
    """A `Compute`."""

    term: Node
    type: Type
    span: Span
    excerpt: Excerpt
