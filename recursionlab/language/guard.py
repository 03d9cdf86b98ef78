"""The guard condition: every recursive call is on a part of the decreasing argument.

This follows Coq's check and accepts no more than it does: a part is what a match on the argument
binds at a recursive position, also through nested types, let, inner matches, inner `fix`,
definitions that are unfolded (`map (fun t => f t) l`, `pred n`), known pairs
(`let (a, b) := (m, n) in f a`) and fixpoints that return a part of their decreasing argument in
every branch (`m - k`). Coq also runs a fixpoint on a known argument (`skipn 0 l`) and forgets
calls that such a run drops; both are refused here.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from .core import Apply, Build, Case, Fix, Global, Lam, Let, ListTerm, Local, Node, Ref, Rename
from .signature import Constructor, Function, Inductive
from .source import Span
from .types import Con, Rigid, Type, resolve, substitute, uncurry

__all__ = ["GuardError", "guard_fix", "guard_group"]

_FUEL = 100_000


class GuardError(Exception):
    """A recursive call that does not decrease."""

    def __init__(self, message: str, span: Span, hint: str) -> None:
        super().__init__(message)
        self.message, self.span, self.hint = message, span, hint


@dataclass(frozen=True, eq=False)
class Part:
    """What is known of a value: it is the argument itself, or strictly inside it.

    `type` is written over the argument's own type parameters; a parameter never counts as a
    recursive position, whatever it is instantiated with.
    """

    strict: bool
    type: Con
    block: tuple[Inductive, ...]


@dataclass(frozen=True, eq=False)
class Built:
    """A value whose constructor is known, with its arguments; they are looked at when matched."""

    constructor: Constructor
    arguments: Stack


@dataclass(frozen=True, eq=False)
class Closure:
    """A term to be looked at where it is used, because it makes calls only there."""

    node: Node
    env: Env
    error: GuardError


@dataclass(frozen=True, eq=False)
class Entry:
    """An argument of an application; `error` is what is wrong with it on its own."""

    node: Node
    env: Env
    error: GuardError | None


Fact = Part | Built | None
Env = dict[Local | Function, "Part | Built | Closure | None"]
Stack = tuple[Entry, ...]


def _whole(kind: Type) -> Part | None:
    """Return the decreasing argument itself, as a part."""
    kind = resolve(kind)
    if not isinstance(kind, Con):
        return None
    inductive = kind.inductive
    return Part(False, inductive.own_type(), tuple(inductive.block))


def _destruct(part: Part, constructor: Constructor) -> list[Fact]:
    """Return the parts that a match on a part binds for a constructor's arguments."""
    if constructor.inductive is not part.type.inductive:
        return [None] * len(constructor.types)
    mapping: dict[Rigid, Type] = dict(
        zip(constructor.inductive.parameters, part.type.arguments, strict=True)
    )
    parts: list[Fact] = []
    for declared in constructor.types:
        _, result = uncurry(substitute(declared, mapping))
        recursive = isinstance(result, Con) and _mentions(result, part.block)
        parts.append(Part(True, result, part.block) if recursive else None)  # type: ignore[arg-type]
    return parts


def _mentions(kind: Type, block: tuple[Inductive, ...]) -> bool:
    pending = [kind]
    while pending:
        t = resolve(pending.pop())
        if isinstance(t, Con):
            if t.inductive in block:
                return True
            pending += t.arguments
    return False


def _same(left: Type, right: Type) -> bool:
    left, right = resolve(left), resolve(right)
    if isinstance(left, Con) and isinstance(right, Con):
        return left.inductive is right.inductive and all(
            _same(a, b) for a, b in zip(left.arguments, right.arguments, strict=True)
        )
    return left is right


def _weaker(left: Fact, right: Fact) -> Fact:
    """Return what is known of a value that may be either."""
    if not isinstance(left, Part) or not isinstance(right, Part):
        return None
    if not _same(left.type, right.type):
        return None
    return right if left.strict else left


def _is_value(node: Node) -> bool:
    """Say whether evaluating this term makes no call."""
    return isinstance(node, Lam | Ref | Global | Fix)


@dataclass
class _Checker:
    """Checks one group of functions for one choice of decreasing arguments."""

    structs: dict[Function | Local, int]
    names: dict[Function | Local, str]
    parameters: dict[Function | Local, str]
    fuel: int = field(default=_FUEL)

    def _burn(self, node: Node) -> None:
        self.fuel -= 1
        if self.fuel < 0:
            raise GuardError(
                "the termination check of this definition takes too long",
                node.span,
                "split it into smaller definitions",
            )

    # ---- every recursive call decreases

    def check(self, node: Node, env: Env, stack: Stack = ()) -> None:
        self._burn(node)
        if isinstance(node, Ref):
            self._check_ref(node, env, stack)
        elif isinstance(node, Global):
            self._check_global(node, stack)
        elif isinstance(node, Apply):
            entries = tuple(self._entry(a, env) for a in node.arguments)
            self.check(node.function, env, entries + stack)
        elif isinstance(node, Lam):
            self._check_lam(node, env, stack)
        elif isinstance(node, Let):
            entry = self._entry(node.value, env)
            self.check(node.body, {**env, node.local: self._bound(entry)}, stack)
        elif isinstance(node, Case):
            self.check(node.scrutinee, env)
            part = self.part(node.scrutinee, env)
            for _, inner, body in self._branches(node, env, part):
                self.check(body, inner, stack)
        elif isinstance(node, Rename):
            assert node.body is not None
            self.check(node.body, self._renamed(node, env), stack)
        elif isinstance(node, Fix):
            self._check_fix(node, env, stack)
        elif isinstance(node, ListTerm):
            for item in node.reversed_items:
                self.check(item, env)
            if node.tail is not None:
                self.check(node.tail, env)
        else:
            self._dead_end(stack)

    def _entry(self, node: Node, env: Env) -> Entry:
        """Check an argument; a function may be looked at again where it is applied."""
        try:
            self.check(node, env)
        except GuardError as error:
            if not _is_value(node) and not self._is_partial(node):
                raise
            return Entry(node, env, error)
        return Entry(node, env, None)

    def _is_partial(self, node: Node) -> bool:
        """Say whether this is a recursive function without its decreasing argument, a value."""
        if not isinstance(node, Apply):
            return False
        head = node.function
        called: Function | Local | None = None
        if isinstance(head, Global):
            called = head.function
        elif isinstance(head, Ref):
            called = head.local
        return called in self.structs and len(node.arguments) <= self.structs[called]

    def _bound(self, entry: Entry) -> Part | Built | Closure | None:
        if entry.error is not None:
            return Closure(entry.node, entry.env, entry.error)
        return self.part(entry.node, entry.env)

    @staticmethod
    def _dead_end(stack: Stack) -> None:
        for entry in stack:
            if entry.error is not None:
                raise entry.error

    def _check_ref(self, node: Ref, env: Env, stack: Stack) -> None:
        local = node.local
        if local in self.structs:
            self._call(local, node.span, stack)
        elif local.inline is not None:
            self.check(local.inline, env, stack)
        else:
            bound = env.get(local)
            if isinstance(bound, Closure):
                self.check(bound.node, bound.env, stack)
            else:
                self._dead_end(stack)

    def _check_global(self, node: Global, stack: Stack) -> None:
        function = node.function
        if function in self.structs:
            self._call(function, node.span, stack)
        elif any(entry.error for entry in stack):
            if function.struct >= 0 or function.body is None:
                self._dead_end(stack)
            else:
                self.check(function.body, {}, stack)

    def _check_lam(self, node: Lam, env: Env, stack: Stack) -> None:
        bound = self._bound(stack[0]) if stack else None
        self.check(node.body, {**env, node.local: bound}, stack[1:])

    def _check_fix(self, node: Fix, env: Env, stack: Stack) -> None:
        self._dead_end(stack)
        inner: Env = {**env, node.function: None, **dict.fromkeys(node.parameters)}
        if len(stack) > node.struct >= 0:
            entry = stack[node.struct]
            inner[node.parameters[node.struct]] = self._lasting(entry)
        self.check(node.body, inner)

    def _lasting(self, entry: Entry) -> Part | None:
        """Return what is known of a fix's decreasing argument in all its calls."""
        fact = self.part(entry.node, entry.env)
        return fact if isinstance(fact, Part) else None

    def _call(self, function: Function | Local, span: Span, stack: Stack) -> None:
        self._dead_end(stack)
        index, name = self.structs[function], self.names[function]
        if len(stack) <= index:
            raise GuardError(
                f"the recursive `{name}` is not applied to its decreasing argument",
                span,
                f"apply it to {index + 1} argument{'s' if index else ''}, as in `fun x => ...`",
            )
        entry = stack[index]
        part = self.part(entry.node, entry.env)
        if not isinstance(part, Part) or not part.strict:
            raise GuardError(
                f"the recursive call of `{name}` is not on a smaller argument",
                entry.node.span,
                f"expected a part of `{self.parameters[function]}`, bound by a match on it",
            )

    def _renamed(self, node: Rename, env: Env) -> Env:
        return {**env, **{name: env.get(target) for name, target in node.names.items()}}

    def _branches(self, node: Case, env: Env, fact: Fact) -> list[tuple[bool, Env, Node]]:
        """Return the branches: whether one may be taken, what is known there, and its body."""
        found = []
        for constructor, (locals_, body) in zip(
            node.inductive.constructors, node.branches, strict=True
        ):
            possible = True
            facts: list[Fact] = [None] * len(locals_)
            if isinstance(fact, Part):
                facts = _destruct(fact, constructor)
            elif isinstance(fact, Built):
                possible = fact.constructor is constructor
                if possible:
                    facts = [self.part(e.node, e.env) for e in fact.arguments]
            inner: Env = {**env, **dict(zip(locals_, facts, strict=True))}
            found.append((possible, inner, body))
        return found

    # ---- what is known of a term's value

    def part(self, node: Node, env: Env, stack: Stack = ()) -> Fact:
        self._burn(node)
        if isinstance(node, Ref):
            if node.local.inline is not None:
                return self.part(node.local.inline, env, stack)
            bound = env.get(node.local)
            return self.part(bound.node, bound.env, stack) if isinstance(bound, Closure) else bound
        if isinstance(node, Apply):
            entries = tuple(Entry(a, env, None) for a in node.arguments)
            return self.part(node.function, env, entries + stack)
        if isinstance(node, Lam) and stack:
            value = self.part(stack[0].node, stack[0].env)
            return self.part(node.body, {**env, node.local: value}, stack[1:])
        if isinstance(node, Let):
            value = self.part(node.value, env)
            return self.part(node.body, {**env, node.local: value}, stack)
        if isinstance(node, Rename):
            assert node.body is not None
            return self.part(node.body, self._renamed(node, env), stack)
        if isinstance(node, Build) and len(stack) == len(node.constructor.types):
            return Built(node.constructor, stack)
        if isinstance(node, Global):
            return self._part_of_global(node.function, env, stack)
        if isinstance(node, Fix):
            return self._part_of_fix(node, env, stack)
        if isinstance(node, Case) and node.branches:
            part = self.part(node.scrutinee, env)
            branches = self._branches(node, env, part)
            parts = [self.part(b, e, stack) for possible, e, b in branches if possible]
            known = parts[0]
            for other in parts[1:]:
                known = _weaker(known, other)
            return known
        return None

    def _part_of_global(self, function: Function, env: Env, stack: Stack) -> Fact:
        if function in env:
            found = env[function]
            return found if isinstance(found, Part) else None
        if function in self.structs or function.body is None:
            return None
        if function.struct < 0:
            return self.part(function.body, {}, stack)
        parameters: list[Local] = []
        body = function.body
        while isinstance(body, Lam) and len(parameters) < function.n_args:
            parameters.append(body.local)
            body = body.body
        result = function.signature()[1]
        inner: Env = dict.fromkeys(function.mutual)
        return self._part_of_calls(
            function, parameters, function.struct, body, result, inner, stack
        )

    def _part_of_fix(self, fix: Fix, env: Env, stack: Stack) -> Fact:
        result = uncurry(fix.function.type)[1]
        return self._part_of_calls(
            fix.function, fix.parameters, fix.struct, fix.body, result, env, stack
        )

    def _part_of_calls(
        self,
        function: Function | Local,
        parameters: list[Local],
        struct: int,
        body: Node,
        result: Type,
        env: Env,
        stack: Stack,
    ) -> Part | None:
        """Return what is known of a fixpoint's result, by induction over its own calls.

        Every value it returns comes from a branch without a call. So if those give parts of the
        decreasing argument when the calls are taken to, all its results are parts of it. A call's
        own argument is strictly smaller, so its result may be taken to be strict.
        """
        if struct < 0 or len(stack) < len(parameters):
            return None
        argument, result = self._lasting(stack[struct]), resolve(result)
        if argument is None or not isinstance(result, Con):
            return None
        own = _whole(argument.type)
        if own is None or not _same(argument.type, own.type) or argument.block != own.block:
            return None
        if result.inductive is not argument.type.inductive:
            return None
        inner: Env = {**env, **dict.fromkeys(parameters)}
        inner[function] = Part(True, argument.type, argument.block)
        inner[parameters[struct]] = argument
        found = self.part(body, inner, stack[len(parameters) :])
        return found if isinstance(found, Part) else None


def _candidates(types: list[Type]) -> list[int]:
    return [i for i, t in enumerate(types) if isinstance(resolve(t), Con)]


def _search(
    members: list[tuple[Function | Local, str, list[Local], Node, list[int], Span]],
) -> list[int]:
    """Find the first choice of decreasing arguments that passes, in Coq's order.

    Where none does, the error is that of the first choice whose arguments are all matched on.
    """
    failure: GuardError | None = None
    meant = False
    matched = [_matched(m[3], m[2]) for m in members]
    for _, name, _, _, candidates, span in members:
        if not candidates:
            raise GuardError(
                f"`{name}` has no argument of an inductive type to recurse on",
                span,
                "write Definition if it is not recursive",
            )
    names = {m[0]: m[1] for m in members}
    for choice in itertools.islice(itertools.product(*(m[4] for m in members)), 500):
        structs = {m[0]: i for m, i in zip(members, choice, strict=True)}
        parameters = {m[0]: m[2][i].name for m, i in zip(members, choice, strict=True)}
        checker = _Checker(structs, names, parameters)
        try:
            for (_, _, locals_, body, _, _), index in zip(members, choice, strict=True):
                env: Env = dict.fromkeys(locals_)
                env[locals_[index]] = _whole(locals_[index].type)
                checker.check(body, env)
            return list(choice)
        except GuardError as error:
            likely = all(i in found for i, found in zip(choice, matched, strict=True))
            if failure is None or (likely and not meant):
                failure, meant = error, likely
    assert failure is not None
    raise failure


def _matched(body: Node, parameters: list[Local]) -> set[int]:
    """Return which parameters a body matches on before it does anything else."""
    found: set[int] = set()
    pending: list[Node | None] = [body]
    while pending:
        node = pending.pop()
        if isinstance(node, Case):
            if isinstance(node.scrutinee, Ref) and node.scrutinee.local in parameters:
                found.add(parameters.index(node.scrutinee.local))
            pending += [branch for _, branch in node.branches]
        elif isinstance(node, (Lam, Let, Rename)):
            pending.append(node.body)
    return found


def guard_fix(fix: Fix) -> int:
    """Return the index of a local fix's decreasing argument.

    Raises
    ------
    GuardError
        If no argument decreases in every call.
    """
    given = [fix.struct] if fix.struct_given else range(len(fix.parameters))
    types = [p.type for p in fix.parameters]
    candidates = [i for i in _candidates(types) if i in given]
    member = (fix.function, fix.function.name, fix.parameters, fix.body, candidates, fix.span)
    return _search([member])[0]


def guard_group(group: list[tuple[Function, list[Local], Node]]) -> list[int]:
    """Return the decreasing arguments of a mutual group; `struct` >= 0 is one already given.

    Raises
    ------
    GuardError
        If no choice of arguments decreases in every call.
    """
    members: list[tuple[Function | Local, str, list[Local], Node, list[int], Span]] = []
    for function, parameters, body in group:
        candidates = _candidates([p.type for p in parameters])
        if function.struct >= 0:
            candidates = [i for i in candidates if i == function.struct]
        members.append((function, function.name, parameters, body, candidates, function.span))
    return _search(members)
