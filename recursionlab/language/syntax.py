"""The syntax tree: what the parser makes and the elaborator reads; every node knows its span."""

from __future__ import annotations

from dataclasses import dataclass, field

from .source import Span

__all__ = [
    "App",
    "ArgumentName",
    "Arguments",
    "Binder",
    "Branch",
    "Compute",
    "ConstructorDecl",
    "Definition",
    "Example",
    "Expr",
    "Fix",
    "FixDecl",
    "Fixpoint",
    "Forall",
    "Fun",
    "Hole",
    "Ident",
    "If",
    "Import",
    "Inductive",
    "InductiveDecl",
    "Let",
    "LetPattern",
    "LetTuple",
    "ListCons",
    "Match",
    "Name",
    "Notation",
    "Number",
    "OpenScope",
    "Operator",
    "PAlias",
    "PConstructor",
    "PName",
    "PNumber",
    "POr",
    "PScoped",
    "PTuple",
    "PWildcard",
    "Pattern",
    "Require",
    "Scoped",
    "Sort",
    "Tuple",
    "Typed",
]


@dataclass
class Ident:
    """A name as written at one place."""

    name: str
    span: Span


# ------------------------------------------------------------------------------- expressions


@dataclass
class Expr:
    """Base of the expressions; `depth` counts the nesting below and including this node."""

    span: Span
    depth: int = field(default=1, kw_only=True)


@dataclass
class Name(Expr):
    """`x`, `Nat.add`, or with `explicit` `@x`."""

    name: str
    explicit: bool = False


@dataclass
class Number(Expr):
    """A `nat` numeral."""

    value: int


@dataclass
class Hole(Expr):
    """`_`: a type argument left to inference."""


@dataclass
class Sort(Expr):
    """`Type`, `Set` or `Prop`."""

    name: str


@dataclass
class App(Expr):
    """`f a b`."""

    function: Expr
    arguments: list[Expr]


@dataclass
class Operator(Expr):
    """`a + b`, `A -> B` and the other infix notations except `::`."""

    symbol: str
    symbol_span: Span
    left: Expr
    right: Expr


@dataclass
class ListCons(Expr):
    """`a :: b :: l` or `[a; b]`; the items stand last to first; `tail` None means `nil`."""

    reversed_items: list[Expr]
    tail: Expr | None
    brackets: Span | None
    colons: Span | None


@dataclass
class Tuple(Expr):
    """`(a, b, c)`, which is `((a, b), c)`."""

    items: list[Expr]


@dataclass
class Typed(Expr):
    """`(e : T)`, or `(e)` where the parentheses must not be lost."""

    term: Expr
    type: Expr | None


@dataclass
class Scoped(Expr):
    """`e%nat`."""

    term: Expr
    scope: Ident


@dataclass
class Binder:
    """`x`, `(x y : T)`, `{A : Type}`; an anonymous name is `_`."""

    names: list[Ident]
    type: Expr | None
    implicit: bool
    span: Span
    pattern: Pattern | None = None
    depth: int = 1


@dataclass
class Forall(Expr):
    """`forall x, T`; parsed in order to be refused by name."""

    body: Expr


@dataclass
class Fun(Expr):
    """`fun x (y : T) => e`."""

    binders: list[Binder]
    body: Expr


@dataclass
class Let(Expr):
    """`let f x : T := e in b`."""

    name: Ident
    binders: list[Binder]
    type: Expr | None
    value: Expr
    body: Expr


@dataclass
class LetPattern(Expr):
    """`let '(a, b) := e in body`."""

    pattern: Pattern
    value: Expr
    body: Expr


@dataclass
class LetTuple(Expr):
    """`let (a, b) := e in body`: the arguments of the only constructor of e's type."""

    names: list[Ident]
    value: Expr
    body: Expr


@dataclass
class If(Expr):
    """`if c then a else b`."""

    condition: Expr
    then: Expr
    other: Expr


@dataclass
class FixDecl:
    """One function of a `Fixpoint` or of a local `fix`."""

    name: Ident
    binders: list[Binder]
    struct: Ident | None
    type: Expr | None
    body: Expr
    span: Span
    depth: int = 1


@dataclass
class Fix(Expr):
    """`fix f x {struct x} : T := e`."""

    decl: FixDecl


@dataclass
class Branch:
    """`p, q | r, s => e`."""

    alternatives: list[list[Pattern]]
    body: Expr
    span: Span
    depth: int = 1


@dataclass
class Match(Expr):
    """`match e, f with ... end`."""

    scrutinees: list[Expr]
    branches: list[Branch]


# ---------------------------------------------------------------------------------- patterns


@dataclass
class Pattern:
    """Base of the patterns."""

    span: Span
    depth: int = field(default=1, kw_only=True)


@dataclass
class PWildcard(Pattern):
    """`_`."""


@dataclass
class PName(Pattern):
    """A variable or a constructor without arguments: which one is known only with the names."""

    name: str


@dataclass
class PNumber(Pattern):
    """A `nat` numeral."""

    value: int


@dataclass
class PConstructor(Pattern):
    """`c p q`; `notation` is `::`, `[` or empty."""

    name: str
    name_span: Span
    arguments: list[Pattern]
    notation: str = ""


@dataclass
class PTuple(Pattern):
    """`(p, q, r)`."""

    items: list[Pattern]


@dataclass
class PAlias(Pattern):
    """`p as x`."""

    pattern: Pattern
    name: Ident


@dataclass
class PScoped(Pattern):
    """`p%list`."""

    pattern: Pattern
    scope: Ident


@dataclass
class POr(Pattern):
    """`(p | q)`."""

    alternatives: list[Pattern]


# ---------------------------------------------------------------------------------- commands


@dataclass
class ConstructorDecl:
    """`c (x : T) : U` or `c : T -> U`."""

    name: Ident
    binders: list[Binder]
    type: Expr | None
    span: Span


@dataclass
class InductiveDecl:
    """One type of an `Inductive`."""

    name: Ident
    binders: list[Binder]
    sort: Expr | None
    constructors: list[ConstructorDecl]
    span: Span


@dataclass
class Inductive:
    """`Inductive t := ... with u := ...`."""

    types: list[InductiveDecl]
    span: Span


@dataclass
class Fixpoint:
    """`Fixpoint f ... with g ...`."""

    functions: list[FixDecl]
    span: Span


@dataclass
class Definition:
    """`Definition f binders : T := e`."""

    name: Ident
    binders: list[Binder]
    type: Expr | None
    body: Expr
    span: Span


@dataclass
class Example:
    """`Example name : left = right`."""

    name: Ident
    binders: list[Binder]
    statement: Expr
    span: Span


@dataclass
class Compute:
    """`Compute e`."""

    term: Expr
    span: Span


@dataclass
class Require:
    """`From p Require Import m n`."""

    prefix: Ident | None
    action: str
    modules: list[Ident]
    span: Span


@dataclass
class Import:
    """`Import m`."""

    modules: list[Ident]
    span: Span


@dataclass
class OpenScope:
    """`Open Scope s`."""

    scope: Ident
    span: Span


@dataclass
class Notation:
    """`Notation x := y (only parsing)`, an alias; in the prelude only."""

    name: Ident
    target: Ident
    span: Span


@dataclass
class ArgumentName:
    """One argument in `Arguments`: `x`, `{x}` or `[x]`."""

    name: str
    implicit: bool
    span: Span


@dataclass
class Arguments:
    """`Arguments f {A} x`."""

    function: Ident
    arguments: list[ArgumentName]
    span: Span
