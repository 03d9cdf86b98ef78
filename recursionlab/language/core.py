"""The core term: what elaboration makes, and what the guard check and the C core read.

Variables are objects bound once, so terms can be shared and moved without capture; de Bruijn
indices appear only when a term is emitted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .source import Span
from .types import Type

if TYPE_CHECKING:
    from .signature import Constructor, Function, Inductive

__all__ = [
    "Apply",
    "Build",
    "Case",
    "Fix",
    "Global",
    "Lam",
    "Let",
    "ListTerm",
    "Local",
    "NatTerm",
    "Node",
    "Ref",
    "Rename",
]


@dataclass(eq=False)
class Local:
    """A bound variable. With `inline` set, every occurrence stands for that term."""

    name: str
    type: Type
    span: Span
    inline: Node | None = None


@dataclass(eq=False)
class Node:
    """Base of the core terms."""

    span: Span


@dataclass(eq=False)
class Ref(Node):
    """A variable."""

    local: Local


@dataclass(eq=False)
class Global(Node):
    """A named function."""

    function: Function


@dataclass(eq=False)
class Build(Node):
    """A constructor."""

    constructor: Constructor


@dataclass(eq=False)
class NatTerm(Node):
    """A numeral: `value` times `succ` on `zero`."""

    value: int
    zero: Constructor
    succ: Constructor


@dataclass(eq=False)
class ListTerm(Node):
    """A list, last item first; `tail` None is `nil`."""

    reversed_items: list[Node]
    tail: Node | None
    nil: Constructor
    cons: Constructor


@dataclass(eq=False)
class Apply(Node):
    """Application to one or more arguments."""

    function: Node
    arguments: list[Node]


@dataclass(eq=False)
class Lam(Node):
    """`fun local => body`."""

    local: Local
    body: Node


@dataclass(eq=False)
class Let(Node):
    """`let local := value in body`."""

    local: Local
    value: Node
    body: Node


@dataclass(eq=False)
class Case(Node):
    """One-level full match: a branch for every constructor, in order of declaration."""

    inductive: Inductive
    scrutinee: Node
    branches: list[tuple[list[Local], Node]]


@dataclass(eq=False)
class Fix(Node):
    """`fix function parameters {struct} := body`."""

    function: Local
    parameters: list[Local]
    struct: int
    body: Node
    struct_given: bool = False


@dataclass(eq=False)
class Rename(Node):
    """`body` with each key standing for its value: how a pattern's names reach what they match."""

    names: dict[Local, Local] = field(default_factory=dict)
    body: Node | None = None
