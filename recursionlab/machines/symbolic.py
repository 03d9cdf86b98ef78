"""Running a function's body on unknown input: every path through it, as rules of a machine.

Values known at compile time (constructors, closures) are computed with; what is unknown is left to
a backend, which decides how a machine holds values. Evaluation is in continuation-passing style: a
match on an unknown value continues once in each branch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from recursionlab.errors import InputError
from recursionlab.language import core
from recursionlab.language.signature import Constructor, Function, Inductive
from recursionlab.language.types import Con as TypeCon
from recursionlab.language.types import Rigid, Type, resolve

from . import syntax as ast

__all__ = [
    "Built",
    "Code",
    "Env",
    "Evaluator",
    "Next",
    "Partial",
    "Refused",
    "Target",
    "View",
    "is_letters",
    "refuse",
]

Code = list[ast.Rule]
_BUDGET = 4_000


class Refused(InputError):
    """The function is outside what compiles to this kind of machine; the message says why."""


def refuse(why: str) -> Refused:
    """Build the refusal."""
    return Refused(why)


class View:
    """What is known of a value."""


@dataclass(frozen=True, eq=False)
class Built(View):
    """A constructor on views."""

    constructor: Constructor
    arguments: tuple[View, ...]


@dataclass(frozen=True, eq=False)
class Partial(View):
    """A constructor, function, `fun` or `fix` that waits for arguments."""

    head: Constructor | Function | core.Lam | core.Fix
    arguments: tuple[View, ...]
    env: dict[core.Local, View] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A recursive function that machines call: a global one, or a local `fix`."""

    head: Function | core.Fix

    @property
    def name(self) -> str:
        """Name in the program."""
        return self.head.name if isinstance(self.head, Function) else self.head.function.name

    @property
    def struct(self) -> int:
        """Index of the decreasing argument, -1 for a Definition."""
        return self.head.struct

    @property
    def arity(self) -> int:
        """Arguments it waits for."""
        head = self.head
        return head.n_args if isinstance(head, Function) else len(head.parameters)


def is_letters(inductive: Inductive) -> bool:
    """Whether all constructors of a type stand alone, so that a value is one token."""
    return all(not c.types for c in inductive.constructors)


def same_type(kind: Type, inductive: Inductive) -> bool:
    """Whether a type is an application of an inductive type."""
    kind = resolve(kind)
    return isinstance(kind, TypeCon) and kind.inductive is inductive


def letter_type(kind: Type) -> bool:
    """Whether a value of a type is one token; type parameters stand for letters."""
    kind = resolve(kind)
    return isinstance(kind, Rigid) or (isinstance(kind, TypeCon) and is_letters(kind.inductive))


Env = dict[core.Local, View]
Next = Callable[[View], Code]


class Evaluator:
    """Runs terms; subclasses say what a match on an unknown value and a call become."""

    def __init__(self) -> None:
        self.fuel = _BUDGET

    # What a backend provides.

    def match(self, view: View, case: core.Case, take: Callable[[int, list[View]], Code]) -> Code:
        """Rules that find out the constructor of an unknown value; `take` gives each branch."""
        raise NotImplementedError

    def call(self, target: Target, arguments: list[View], then: Next) -> Code:
        """Rules of a call of a recursive function."""
        raise NotImplementedError

    # The language.

    def eval(self, node: core.Node, env: Env, then: Next) -> Code:
        """Evaluate a term and go on with what is known of its value."""
        self.fuel -= 1
        if self.fuel < 0:
            raise refuse("its paths are too many to write out as rules")
        if isinstance(node, core.Ref):
            inline = node.local.inline
            return then(env[node.local]) if inline is None else self.eval(inline, env, then)
        if isinstance(node, core.Global):
            return self.apply(Partial(node.function, ()), (), then)
        if isinstance(node, core.Build):
            return self.apply(Partial(node.constructor, ()), (), then)
        if isinstance(node, core.Apply):
            return self._apply_node(node, env, then)
        if isinstance(node, core.Lam | core.Fix):
            return then(Partial(node, (), dict(env)))
        if isinstance(node, core.Let):
            return self.eval(
                node.value, env, lambda v: self.eval(node.body, {**env, node.local: v}, then)
            )
        if isinstance(node, core.Case):
            return self.eval(node.scrutinee, env, lambda v: self._case(v, node, env, then))
        if isinstance(node, core.Rename):
            names = {name: env[target] for name, target in node.names.items()}
            assert node.body is not None
            return self.eval(node.body, {**env, **names}, then)
        if isinstance(node, core.NatTerm):
            if node.value > 128:
                raise refuse("it contains a numeral above 128")
            view: View = Built(node.zero, ())
            for _ in range(node.value):
                view = Built(node.succ, (view,))
            return then(view)
        assert isinstance(node, core.ListTerm)
        return self._list(node, env, then)

    def _list(self, node: core.ListTerm, env: Env, then: Next) -> Code:
        items: list[core.Node] = list(reversed(node.reversed_items))

        def finish(views: list[View]) -> Code:
            *heads, view = views
            for head in reversed(heads):
                view = Built(node.cons, (head, view))
            return then(view)

        if node.tail is None:
            return self._eval_all(items, env, lambda v: finish([*v, Built(node.nil, ())]))
        return self._eval_all([*items, node.tail], env, finish)

    def _eval_all(
        self, nodes: list[core.Node], env: Env, then: Callable[[list[View]], Code]
    ) -> Code:
        def go(i: int, views: list[View]) -> Code:
            if i == len(nodes):
                return then(views)
            return self.eval(nodes[i], env, lambda v: go(i + 1, [*views, v]))

        return go(0, [])

    def _apply_node(self, node: core.Apply, env: Env, then: Next) -> Code:
        def go(views: list[View]) -> Code:
            return self.apply(views[0], tuple(views[1:]), then)

        return self._eval_all([node.function, *node.arguments], env, go)

    def _case(self, view: View, case: core.Case, env: Env, then: Next) -> Code:
        def take(index: int, arguments: list[View]) -> Code:
            locals_, body = case.branches[index]
            return self.eval(body, {**env, **dict(zip(locals_, arguments, strict=True))}, then)

        if isinstance(view, Built):
            return take(view.constructor.index, list(view.arguments))
        return self.match(view, case, take)

    def apply(self, function: View, arguments: tuple[View, ...], then: Next) -> Code:
        """Apply a view to views."""
        if not isinstance(function, Partial):
            if not arguments:
                return then(function)
            raise refuse("it applies a function that is known only when it runs")
        head, given = function.head, (*function.arguments, *arguments)
        if isinstance(head, core.Lam):
            if not given:
                return then(function)
            env = {**function.env, head.local: given[0]}
            rest = given[1:]
            after = (lambda v: self.apply(v, rest, then)) if rest else then
            return self.eval(head.body, env, after)
        if isinstance(head, Constructor):
            if len(given) == len(head.types):
                return then(Built(head, given))
            return then(Partial(head, given))
        target = Target(head)
        if len(given) < target.arity:
            return then(Partial(head, given, function.env))
        now, rest = list(given[: target.arity]), given[target.arity :]
        go = (lambda v: self.apply(v, rest, then)) if rest else then
        if target.struct < 0 or isinstance(now[target.struct], Built):
            return self.body(target, now, function.env, go)
        return self.enter(target, now, function.env, go)

    def enter(self, target: Target, arguments: list[View], env: Env, then: Next) -> Code:
        """Call a recursive function; what a `fix` captures must be known, or is passed along."""
        if isinstance(target.head, core.Fix):
            raise refuse(f"the local fix `{target.name}` stands inside another function")
        return self.call(target, arguments, then)

    def body(self, target: Target, arguments: list[View], env: Env, then: Next) -> Code:
        """Evaluate a function's body on views."""
        head = target.head
        if isinstance(head, core.Fix):
            inner: Env = {**env, **dict(zip(head.parameters, arguments, strict=True))}
            inner[head.function] = Partial(head, (), env)
            return self.eval(head.body, inner, then)
        node: Any = head.body
        inner = {}
        for argument in arguments:
            while isinstance(node, core.Rename):
                raise refuse("its body has no lambdas")
            assert isinstance(node, core.Lam)
            inner[node.local] = argument
            node = node.body
        return self.eval(node, inner, then)
