"""First-order functions as conditional-free equations: what Maude and Redex take.

A match on a variable puts the constructors into the left-hand sides; a match on anything else, a
`let` and a local `fix` become functions of their own that take the variables they need. So every
left-hand side is linear, no two overlap, and innermost rewriting is `cbv`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from recursionlab.errors import InputError

from .core import (
    Apply,
    Build,
    Case,
    Fix,
    Global,
    Lam,
    Let,
    ListTerm,
    Local,
    NatTerm,
    Node,
    Ref,
    Rename,
)
from .function import Function
from .program import Program
from .signature import Constructor
from .signature import Function as Declaration

__all__ = ["Equation", "System", "Tree", "equations"]


@dataclass(frozen=True)
class Tree:
    """A first-order term: `kind` is `variable`, `constructor` or `call`."""

    kind: str
    name: str
    arguments: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Equation:
    """`left` is a call whose arguments are patterns."""

    left: Tree
    right: Tree


@dataclass
class System:
    """Equations of some functions and of all that they call, and the arities in them."""

    equations: list[Equation] = field(default_factory=list)
    constructors: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Fixed:
    """A local fixpoint: the function that it became, and what that takes first."""

    name: str
    captured: tuple[Tree, ...]
    arity: int


_Env = dict[Local, "Tree | _Fixed"]


def equations(program: Program, functions: Iterable[Function]) -> System:
    """Write functions, and all that they call, as equations.

    Raises
    ------
    InputError
        If a function takes, returns or stores functions.

    Examples
    --------
    >>> from recursionlab.language import library
    >>> program = library("binary")
    >>> system = equations(program, [program["succ"]])
    >>> len(system.equations), system.functions
    (3, {'succ': 1})
    """
    writer = _Writer()
    for function in functions:
        try:
            writer.add(function.declaration)
            writer.run()
        except _NotFirstOrder as error:
            raise InputError(
                f"{function.name} cannot be written as first-order equations: {error}"
            ) from None
    return writer.system


class _NotFirstOrder(Exception):
    """A function among the values."""


class _Writer:
    def __init__(self) -> None:
        self.system = System()
        self.pending: list[Callable[[], None]] = []
        self.fresh = 0

    def run(self) -> None:
        while self.pending:
            self.pending.pop()()

    def add(self, declaration: Declaration) -> None:
        """Write a declared function, once."""
        name = declaration.name
        if name in self.system.functions:
            return
        if declaration.body is None or declaration.n_args != len(declaration.signature()[0]):
            raise _NotFirstOrder(f"`{name}` returns a function")
        self.system.functions[name] = declaration.n_args
        parameters: list[Local] = []
        body: Node = declaration.body
        while len(parameters) < declaration.n_args:
            assert isinstance(body, Lam)
            parameters.append(body.local)
            body = body.body
        self.later(name, (), parameters, {}, body)

    def later(
        self, name: str, captured: tuple[Tree, ...], locals_: list[Local], env: _Env, body: Node
    ) -> None:
        """Write the equations of a function with these parameters when there is time."""

        def write() -> None:
            own = {x: self.variable(x.name) for x in locals_}
            left = Tree("call", name, (*captured, *own.values()))
            self.split(left, {**env, **own}, body)

        self.pending.append(write)

    def variable(self, name: str) -> Tree:
        self.fresh += 1
        return Tree("variable", f"{name}{self.fresh}")

    # --------------------------------------------------------------------------- left-hand sides

    def split(self, left: Tree, env: _Env, node: Node) -> None:
        """Write the equations of a body: one a branch that ends."""
        if isinstance(node, Rename):
            assert node.body is not None
            named = {name: env[target] for name, target in node.names.items()}
            self.split(left, {**env, **named}, node.body)
        elif isinstance(node, Ref) and node.local.inline is not None:
            self.split(left, env, node.local.inline)
        elif isinstance(node, Case):
            self.split_case(left, env, node)
        elif isinstance(node, Let) and not isinstance(node.value, Lam | Fix):
            value = self.term(env, node.value)
            if value.kind == "call":
                self.system.equations.append(Equation(left, self.term(env, node)))
            else:
                self.split(left, {**env, node.local: value}, node.body)
        else:
            self.system.equations.append(Equation(left, self.term(env, node)))

    def split_case(self, left: Tree, env: _Env, node: Case) -> None:
        scrutinee = self.term(env, node.scrutinee)
        if scrutinee.kind == "call":
            self.system.equations.append(Equation(left, self.term(env, node)))
            return
        for constructor, (locals_, body) in zip(
            node.inductive.constructors, node.branches, strict=True
        ):
            if scrutinee.kind == "constructor":
                if scrutinee.name == self.constructor(constructor):
                    parts = dict(zip(locals_, scrutinee.arguments, strict=True))
                    self.split(left, {**env, **parts}, body)
                continue
            own = {x: self.variable(x.name) for x in locals_}
            pattern = Tree("constructor", self.constructor(constructor), tuple(own.values()))
            swap = {scrutinee.name: pattern}
            inner: _Env = {x: _replaced(t, swap) for x, t in env.items()}
            replaced = _replaced(left, swap)
            assert isinstance(replaced, Tree)
            self.split(replaced, {**inner, **own}, body)

    def constructor(self, constructor: Constructor) -> str:
        self.system.constructors[constructor.name] = len(constructor.types)
        return constructor.name

    # -------------------------------------------------------------------------- right-hand sides

    def term(self, env: _Env, node: Node, arguments: tuple[Tree, ...] = ()) -> Tree:
        """Write an expression applied to arguments."""
        if isinstance(node, Apply):
            inner = tuple(self.term(env, a) for a in node.arguments)
            return self.term(env, node.function, inner + arguments)
        if isinstance(node, Ref) and node.local.inline is not None:
            return self.term(env, node.local.inline, arguments)
        if isinstance(node, Rename):
            assert node.body is not None
            named = {name: env[target] for name, target in node.names.items()}
            return self.term({**env, **named}, node.body, arguments)
        if isinstance(node, Ref):
            found = env[node.local]
            if isinstance(found, _Fixed):
                return self.call(found.name, found.captured, found.arity, arguments)
            if arguments:
                raise _NotFirstOrder(f"it applies `{node.local.name}`, a value, to arguments")
            return found
        if isinstance(node, Build):
            self.saturated(node.constructor.name, len(node.constructor.types), arguments)
            return Tree("constructor", self.constructor(node.constructor), arguments)
        if isinstance(node, Global):
            self.add(node.function)
            return self.call(node.function.name, (), node.function.n_args, arguments)
        if isinstance(node, NatTerm):
            return self.numeral(node)
        if isinstance(node, ListTerm):
            return self.list(env, node)
        if isinstance(node, Fix):
            fixed = self.fix(env, node)
            return self.call(fixed.name, fixed.captured, fixed.arity, arguments)
        if isinstance(node, Let) and isinstance(node.value, Fix):
            fixed = self.fix(env, node.value)
            return self.term({**env, node.local: fixed}, node.body, arguments)
        if arguments:
            raise _NotFirstOrder("it applies the result of a `fun`, `let` or `match`")
        if isinstance(node, Let) and not isinstance(node.value, Lam):
            value = self.term(env, node.value)
            if value.kind != "call":
                return self.term({**env, node.local: value}, node.body)
            return self.aside(env, "let", node.local, value, node.body)
        if isinstance(node, Case):
            scrutinee = self.term(env, node.scrutinee)
            local = Local("it", node.inductive.own_type(), node.span)
            again = Case(node.span, node.inductive, Ref(node.span, local), node.branches)
            return self.aside(env, "match", local, scrutinee, again)
        raise _NotFirstOrder("it passes a function along")

    def aside(self, env: _Env, stem: str, local: Local, value: Tree, body: Node) -> Tree:
        """Make a function of a body that waits for a value."""
        name, own, given, inner = self.name(stem), *self.closed(env, body, {local})
        self.system.functions[name] = 1 + len(own)
        left = Tree("call", name, (self.variable(local.name), *own))
        inner[local] = left.arguments[0]
        self.pending.append(lambda: self.split(left, inner, body))
        return Tree("call", name, (value, *given))

    def fix(self, env: _Env, node: Fix) -> _Fixed:
        """Make a function of a local fixpoint; it takes what it captures first."""
        name, arity = self.name(node.function.name), len(node.parameters)
        own, given, inner = self.closed(env, node.body, {node.function, *node.parameters})
        self.system.functions[name] = len(own) + arity
        inner[node.function] = _Fixed(name, own, arity)
        self.later(name, own, node.parameters, inner, node.body)
        return _Fixed(name, given, arity)

    def closed(
        self, env: _Env, body: Node, bound: set[Local]
    ) -> tuple[tuple[Tree, ...], tuple[Tree, ...], _Env]:
        """Return what a body needs of its scope: as parameters, as it is, as a scope of its own."""
        own: list[Tree] = []
        given: list[Tree] = []
        inner: _Env = {}
        for local in _used(body):
            if local in bound or local not in env:
                continue
            found = env[local]
            needed = (found,) if isinstance(found, Tree) else found.captured
            fresh = tuple(self.variable(local.name) for _ in needed)
            own += fresh
            given += needed
            inner[local] = (
                fresh[0] if isinstance(found, Tree) else _Fixed(found.name, fresh, found.arity)
            )
        return tuple(own), tuple(given), inner

    def name(self, stem: str) -> str:
        taken, name, number = self.system.functions, f"{stem}_1", 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        return name

    def call(
        self, name: str, captured: tuple[Tree, ...], arity: int, arguments: tuple[Tree, ...]
    ) -> Tree:
        self.saturated(name, arity, arguments)
        return Tree("call", name, captured + arguments)

    @staticmethod
    def saturated(name: str, arity: int, arguments: tuple[Tree, ...]) -> None:
        if len(arguments) != arity:
            raise _NotFirstOrder(f"`{name}` is not applied to all its arguments and no more")

    def numeral(self, node: NatTerm) -> Tree:
        tree = Tree("constructor", self.constructor(node.zero))
        for _ in range(node.value):
            tree = Tree("constructor", self.constructor(node.succ), (tree,))
        return tree

    def list(self, env: _Env, node: ListTerm) -> Tree:
        nil = Tree("constructor", self.constructor(node.nil))
        tree = nil if node.tail is None else self.term(env, node.tail)
        for item in node.reversed_items:
            tree = Tree("constructor", self.constructor(node.cons), (self.term(env, item), tree))
        return tree


def _replaced(tree: Tree | _Fixed, swap: dict[str, Tree]) -> Any:
    """Put a pattern in the place of a variable."""
    if isinstance(tree, _Fixed):
        captured = tuple(_replaced(t, swap) for t in tree.captured)
        return _Fixed(tree.name, captured, tree.arity)
    if tree.kind == "variable":
        return swap.get(tree.name, tree)
    arguments = tuple(_replaced(t, swap) for t in tree.arguments)
    return Tree(tree.kind, tree.name, arguments)


def _used(body: Node) -> list[Local]:
    """Every variable that occurs in a term, in order."""
    found: dict[Local, None] = {}
    pending: list[Any] = [body]
    while pending:
        node = pending.pop()
        if isinstance(node, Ref):
            found[node.local] = None
            if node.local.inline is not None:
                pending.append(node.local.inline)
        elif isinstance(node, Apply):
            pending += [node.function, *node.arguments]
        elif isinstance(node, Lam):
            pending.append(node.body)
        elif isinstance(node, Let):
            pending += [node.value, node.body]
        elif isinstance(node, Case):
            pending += [node.scrutinee, *(branch for _, branch in node.branches)]
        elif isinstance(node, Fix):
            pending.append(node.body)
        elif isinstance(node, Rename):
            found.update(dict.fromkeys(node.names.values()))
            pending.append(node.body)
        elif isinstance(node, ListTerm):
            pending += [*node.reversed_items, *([node.tail] if node.tail is not None else [])]
    return list(found)
