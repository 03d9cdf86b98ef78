"""Expressions: applications, notations, binders; types are inferred on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import syntax as ast
from .core import Apply, Build, Case, Fix, Global, Lam, Let, ListTerm, Local, NatTerm, Node, Ref
from .matching import Matcher
from .namespace import kind_of
from .resolve import Env, count, strip
from .signature import Constructor, Function, Inductive, TypeParameter
from .source import Span
from .types import Arrow, Con, Meta, Rigid, Type, arrows, resolve, show, substitute

__all__ = ["MAX_NUMERAL", "Elaborator", "Env", "struct_index"]

# Above this Coq itself changes how it reads a numeral.
MAX_NUMERAL = 5000

# Notation -> (scope that must be open, function, a Require line that opens it).
_OPERATORS = {
    "+": ("nat_scope", "Nat.add", ""),
    "-": ("nat_scope", "Nat.sub", ""),
    "*": ("nat_scope", "Nat.mul", ""),
    "++": ("list_scope", "app", "Require Import List."),
    "&&": ("bool_scope", "andb", "Require Import Bool."),
    "||": ("bool_scope", "orb", "Require Import Bool."),
    "=?": ("nat_scope", "Nat.eqb", "Require Import Arith."),
    "<=?": ("nat_scope", "Nat.leb", "Require Import Arith."),
    "<?": ("nat_scope", "Nat.ltb", "Require Import Arith."),
}


class Elaborator(Matcher):
    """Elaborates the expressions of one command."""

    # -------------------------------------------------------------------------- expressions

    def check(self, expr: ast.Expr, env: Env, expected: Type, scope: str = "") -> Node:
        """Elaborate an expression of the expected type.

        As in Coq, `scope` is open for the notation at the head of the expression: where an
        argument of a declared function, or the result of the declaration, has a type with a scope.
        """
        self.expected_scope = scope
        method: Callable[[Any, Env, Type], Node] | None = getattr(
            self, "_check_" + type(expr).__name__.lower(), None
        )
        if method is None:
            raise self.error("this is not an expression", expr.span, "expected a term")
        return method(expr, env, expected)

    def _check_name(self, expr: ast.Name, env: Env, expected: Type) -> Node:
        return self._application(expr, [], env, expected, expr.span)

    def _check_app(self, expr: ast.App, env: Env, expected: Type) -> Node:
        return self._application(expr.function, expr.arguments, env, expected, expr.span)

    def _application(
        self, function: ast.Expr, arguments: list[ast.Expr], env: Env, expected: Type, span: Span
    ) -> Node:
        """Apply a function: type arguments are found or read, and then forgotten."""
        telescope: list[TypeParameter | Type] = []
        mapping: dict[Rigid, Type] = {}
        scopes: list[str] = []
        name = strip(function)
        explicit = False
        if isinstance(name, ast.Name):
            head, telescope, kind = self._head(name, env)
            explicit = name.explicit
            if isinstance(head, Global):
                scopes = self.scopes_of_arguments(head.function)
            elif isinstance(head, Build):
                scopes = self.scopes_of_arguments(head.constructor)
        else:
            kind = self.types.fresh(function.span, "the type of this function")
            head = self.check(function, env, kind)
        pending = list(arguments)
        scopes = scopes + [""] * len(pending)
        nodes: list[Node] = []
        while telescope:
            entry = telescope[0]
            if isinstance(entry, Type):
                if not pending:
                    break
                domain, scope = substitute(entry, mapping), scopes[len(nodes)]
                nodes.append(self.check(pending.pop(0), env, domain, scope))
            else:
                mapping[entry.rigid] = self._type_argument(
                    entry, pending, explicit, env, name, span
                )
            telescope = telescope[1:]
        for entry in telescope:
            if isinstance(entry, TypeParameter):
                mapping[entry.rigid] = self._type_argument(entry, [], explicit, env, name, span)
        kind = substitute(arrows([t for t in telescope if isinstance(t, Type)], kind), mapping)
        for argument in pending:
            scope = scopes[len(nodes)]
            nodes.append(self._argument(argument, kind, function, len(nodes), env, scope))
            kind = _codomain(kind)
        self.need(span, kind, expected)
        return Apply(span, head, nodes) if nodes else head

    def _head(self, name: ast.Name, env: Env) -> tuple[Node, list[TypeParameter | Type], Type]:
        entity = self.lookup(name.name, name.span, env)
        if isinstance(entity, Local):
            return Ref(name.span, entity), [], entity.type
        if isinstance(entity, Function):
            return Global(name.span, entity), list(entity.telescope), entity.result
        if isinstance(entity, Constructor):
            return Build(name.span, entity), entity.telescope, entity.result
        kind = "a type" if isinstance(entity, Rigid) else kind_of(entity)
        raise self.error(f"`{name.name}` is {kind}", name.span, "expected a term")

    def _type_argument(
        self,
        entry: TypeParameter,
        pending: list[ast.Expr],
        explicit: bool,
        env: Env,
        name: ast.Expr,
        span: Span,
    ) -> Type:
        """Type argument of an application: read if it is explicit, else left to inference."""
        assert isinstance(name, ast.Name)
        entity = self.lookup(name.name, name.span, env)
        recursive = isinstance(entity, Function) and entity.defining and not _complete(entity)
        if entry.implicit and not explicit:
            if recursive:
                return entry.rigid
            what = f"the type argument `{entry.rigid.name}` of `{name.name}`"
            return self.types.fresh(span, what)
        if not pending:
            raise self.error(
                f"`{name.name}` needs its type argument `{entry.rigid.name}`",
                span,
                f"write `{name.name} _`, or make it implicit with `Arguments {name.name} "
                f"{{{entry.rigid.name}}}.`",
            )
        argument = pending.pop(0)
        given = self.type_of(argument, env)
        if recursive and not self.types.unify(given, entry.rigid):
            raise self.error(
                f"`{name.name}` calls itself at another type, `{show(given)}`",
                argument.span,
                f"expected `{entry.rigid.name}`, or the types of all its arguments written out",
            )
        return given

    def _argument(
        self,
        argument: ast.Expr,
        kind: Type,
        function: ast.Expr,
        done: int,
        env: Env,
        scope: str,
    ) -> Node:
        kind = resolve(kind)
        if isinstance(kind, Meta):
            domain = self.types.fresh(argument.span, "the type of this argument")
            result = self.types.fresh(function.span, "the result of this function")
            kind.value = Arrow(domain, result)
            kind = kind.value
        if not isinstance(kind, Arrow):
            if done == 0:
                message = f"this is not a function; it has type `{show(kind)}`"
                raise self.error(message, function.span, "remove the argument")
            raise self.error(
                f"this argument is one too many: the function takes {count(done, 'argument')} "
                f"and gives a `{show(kind)}`",
                argument.span,
                "remove it, or add parentheses",
            )
        return self.check(argument, env, kind.domain, scope)

    def _check_number(self, expr: ast.Number, env: Env, expected: Type) -> Node:
        if expr.value > MAX_NUMERAL:
            raise self.error(
                f"this numeral is larger than {MAX_NUMERAL}",
                expr.span,
                "compute it, as in 100 * 100",
            )
        nat = self.core["nat"]
        self.need(expr.span, Con(nat), expected, "a numeral")
        return NatTerm(expr.span, expr.value, nat.constructors[0], nat.constructors[1])

    def _check_hole(self, expr: ast.Hole, env: Env, expected: Type) -> Node:
        raise self.error("`_` stands for a type here, not for a term", expr.span, "write the term")

    def _check_sort(self, expr: ast.Sort, env: Env, expected: Type) -> Node:
        raise self.error(
            f"`{expr.name}` is not a term", expr.span, "types are not values in this subset"
        )

    def _check_forall(self, expr: ast.Forall, env: Env, expected: Type) -> Node:
        raise self.error("`forall` is a proposition or a type", expr.span, "expected a term")

    def _check_typed(self, expr: ast.Typed, env: Env, expected: Type) -> Node:
        if expr.type is None:
            return self.check(expr.term, env, expected, self.expected_scope)
        kind = self.type_of(expr.type, env)
        node = self.check(expr.term, env, kind)
        self.need(expr.span, kind, expected)
        return node

    def _check_scoped(self, expr: ast.Scoped, env: Env, expected: Type) -> Node:
        self.local_scopes.append(self.delimited(expr.scope))
        node = self.check(expr.term, env, expected)
        self.local_scopes.pop()
        return node

    def _check_operator(self, expr: ast.Operator, env: Env, expected: Type) -> Node:
        if expr.symbol == "->":
            raise self.error(
                "this is a type", expr.span, "expected a term; a function is `fun x => e`"
            )
        if expr.symbol == "=":
            raise self.error(
                "`=` is a proposition, not a test", expr.symbol_span, "write `=?` for numbers"
            )
        scope, name, line = _OPERATORS[expr.symbol]
        self.require_scope(scope, expr.symbol, expr.symbol_span, line)
        function: Function = self.core[name]
        mapping: dict[Rigid, Type] = {
            p.rigid: self.types.fresh(expr.span, "the type of the items")
            for p in function.type_parameters
        }
        domains = [substitute(t, mapping) for t in function.telescope if isinstance(t, Type)]
        scopes = self.scopes_of_arguments(function)
        left = self.check(expr.left, env, domains[0], scopes[0])
        right = self.check(expr.right, env, domains[1], scopes[1])
        self.need(expr.span, substitute(function.result, mapping), expected)
        return Apply(expr.span, Global(expr.symbol_span, function), [left, right])

    def _check_listcons(self, expr: ast.ListCons, env: Env, expected: Type) -> Node:
        if expr.brackets and "[" not in self.namespace.notations:
            raise self.error(
                "the notation `[ ]` is not open",
                expr.brackets,
                "write `Require Import List. Import ListNotations.` at the top",
            )
        if expr.colons or expr.brackets:
            span = expr.colons or expr.brackets or expr.span
            self.require_scope(
                "list_scope", "::" if expr.colons else "[ ]", span, "Require Import List."
            )
        item = self.types.fresh(expr.span, "the type of the items of this list")
        kind = Con(self.core["list"], (item,))
        resolved = resolve(expected)
        if isinstance(resolved, Con) and resolved.inductive is kind.inductive:
            self.types.unify(kind, resolved)
        items = [self.check(e, env, item) for e in reversed(expr.reversed_items)]
        tail = None if expr.tail is None else self.check(expr.tail, env, kind, "list_scope")
        self.need(expr.span, kind, expected)
        nil, cons = self.core["list"].constructors
        return ListTerm(expr.span, items[::-1], tail, nil, cons)

    def _check_tuple(self, expr: ast.Tuple, env: Env, expected: Type) -> Node:
        prod: Inductive = self.core["prod"]
        pair = prod.constructors[0]
        kinds = [self.types.fresh(e.span, "the type of this component") for e in expr.items]
        kind: Type = kinds[0]
        for other in kinds[1:]:
            kind = Con(prod, (kind, other))
        found = resolve(expected)
        if isinstance(found, Con) and found.inductive is prod:
            self.types.unify(kind, found)
        node = self.check(expr.items[0], env, kinds[0])
        for item, item_kind in zip(expr.items[1:], kinds[1:], strict=True):
            node = Apply(
                expr.span, Build(expr.span, pair), [node, self.check(item, env, item_kind)]
            )
        self.need(expr.span, kind, expected)
        return node

    # ------------------------------------------------------------------------------ binding

    def bind(self, binder: ast.Binder, env: Env) -> tuple[list[Local], Env]:
        """Bind the names of a value binder of `fun`, `fix` or a local function."""
        if binder.implicit or isinstance(binder.type, ast.Sort):
            raise self.error(
                "type parameters are for top-level definitions only",
                binder.span,
                "remove it; the types of local functions are inferred",
            )
        locals_ = []
        kind = self.type_of(binder.type, env) if binder.type is not None else None
        for name in binder.names:
            own = kind or self.types.fresh(name.span, f"the type of `{name.name}`")
            local = Local(name.name, own, name.span)
            self.note_name(name.name)
            locals_.append(local)
            env = {**env, name.name: local} if name.name != "_" else env
        return locals_, env

    def _check_fun(self, expr: ast.Fun, env: Env, expected: Type) -> Node:
        return self._lambda(expr.binders, expr.body, env, expected, expr.span)

    def _lambda(
        self, binders: list[ast.Binder], body: ast.Expr, env: Env, expected: Type, span: Span
    ) -> Node:
        """`fun binders => body`, with the expected type handed to untyped binders."""
        locals_: list[Local] = []
        opened: list[tuple[Local, ast.Pattern]] = []
        result = expected
        for binder in binders:
            bound, env = self.bind(binder, env)
            for local in bound:
                result = resolve(result)
                if isinstance(result, Arrow):
                    self.need(local.span, local.type, result.domain, f"`{local.name}`")
                    result = result.codomain
                else:
                    rest = self.types.fresh(span, "the result of this function")
                    if not self.types.unify(Arrow(local.type, rest), result):
                        raise self.error(
                            "this is a function", span, f"expected type `{show(result)}`"
                        )
                    result = rest
                locals_.append(local)
            if binder.pattern is not None:
                bound[0].name = self.fresh_name(Con(self.core["prod"]))
                opened.append((bound[0], binder.pattern))
        if opened:
            node = self._open_patterns(opened, body, env, result, span)
        else:
            node = self.check(body, env, result)
        for local in reversed(locals_):
            node = Lam(span, local, node)
        return node

    def _open_patterns(
        self,
        opened: list[tuple[Local, ast.Pattern]],
        body: ast.Expr,
        env: Env,
        expected: Type,
        span: Span,
    ) -> Node:
        scrutinees: list[tuple[Node, Type]] = [(Ref(span, x), x.type) for x, _ in opened]
        patterns = [p for _, p in opened]
        branch = ast.Branch([patterns], body, span)
        return self.match(scrutinees, [branch], env, expected, span)

    def _check_let(self, expr: ast.Let, env: Env, expected: Type) -> Node:
        scope = self.expected_scope
        kind: Type = self.types.fresh(expr.name.span, f"the type of `{expr.name.name}`")
        if expr.binders:
            inner = expr.value
            if expr.type is not None:
                inner = ast.Typed(expr.value.span, expr.value, expr.type)
            value = self._lambda(expr.binders, inner, env, kind, expr.value.span)
        else:
            kind = self.type_of(expr.type, env) if expr.type is not None else kind
            value = self.check(expr.value, env, kind)
        local = Local(expr.name.name, kind, expr.name.span)
        self.note_name(local.name)
        body = self.check(expr.body, {**env, local.name: local}, expected, scope)
        return Let(expr.span, local, value, body)

    def _check_letpattern(self, expr: ast.LetPattern, env: Env, expected: Type) -> Node:
        scope = self.expected_scope
        kind: Type = self.types.fresh(expr.value.span, "the type of this")
        value = self.check(expr.value, env, kind, scope)
        branch = ast.Branch([[expr.pattern]], expr.body, expr.pattern.span)
        return self.match([(value, kind)], [branch], env, expected, expr.span, scope)

    def _check_lettuple(self, expr: ast.LetTuple, env: Env, expected: Type) -> Node:
        scope = self.expected_scope
        kind: Type = self.types.fresh(expr.value.span, "the type of this")
        value = self.check(expr.value, env, kind, scope)
        arguments = self._taken_apart(kind, expr.value.span)
        wanted = [len(types) for types in arguments]
        if wanted != [len(expr.names)]:
            given = f"{'is' if len(expr.names) == 1 else 'are'} {count(len(expr.names), 'name')}"
            what = f"has {count(len(wanted), 'constructor')}"
            if len(wanted) == 1:
                what = f"has {count(wanted[0], 'component')}"
            raise self.error(
                f"`{show(kind)}` {what}, and there {given} here",
                expr.names[0].span.to(expr.names[-1].span),
                "write a pattern, as in `let '(a, b, c) := e in ...`, or a match",
            )
        locals_ = [
            Local(name.name, t, name.span) for name, t in zip(expr.names, arguments[0], strict=True)
        ]
        for local in locals_:
            self.note_name(local.name)
        inner = {**env, **{x.name: x for x in locals_ if x.name != "_"}}
        body = self.check(expr.body, inner, expected, scope)
        return Case(expr.span, _inductive(kind), value, [(locals_, body)])

    def _check_if(self, expr: ast.If, env: Env, expected: Type) -> Node:
        """`if` is about any type of two constructors, as in Coq; `then` is for the first."""
        scope = self.expected_scope
        kind: Type = self.types.fresh(expr.condition.span, "the type of the condition")
        condition = self.check(expr.condition, env, kind)
        arguments = self._taken_apart(kind, expr.condition.span)
        if len(arguments) != 2:
            raise self.error(
                f"the condition has type `{show(kind)}`",
                expr.condition.span,
                "expected type `bool`, or another of two constructors; or write a match",
            )
        unused = [[Local("_", t, expr.condition.span) for t in types] for types in arguments]
        then = self.check(expr.then, env, expected, scope)
        other = self.check(expr.other, env, expected, scope)
        branches = list(zip(unused, (then, other), strict=True))
        return Case(expr.span, _inductive(kind), condition, branches)

    def _taken_apart(self, kind: Type, span: Span) -> list[list[Type]]:
        """Types of the arguments of every constructor of a type that must be known by now.

        As in Coq, `if` and `let (a, b)` do not infer it from how the parts are used.
        """
        kind = resolve(kind)
        if isinstance(kind, Meta):
            hint = "write `(e : T)`, or its type where it is bound"
            raise self.error("the type of this is not known yet", span, hint)
        if not isinstance(kind, Con):
            hint = "expected an inductive type"
            raise self.error(f"this has type `{show(kind)}`", span, hint)
        mapping: dict[Rigid, Type] = dict(
            zip(kind.inductive.parameters, kind.arguments, strict=True)
        )
        return [[substitute(t, mapping) for t in c.types] for c in kind.inductive.constructors]

    def _check_fix(self, expr: ast.Fix, env: Env, expected: Type) -> Node:
        decl = expr.decl
        function = Local(
            decl.name.name,
            self.types.fresh(decl.name.span, f"the type of `{decl.name.name}`"),
            decl.name.span,
        )
        locals_: list[Local] = []
        inner = env
        for binder in decl.binders:
            if binder.pattern is not None:
                raise self.error("patterns cannot be parameters here", binder.span, "use a match")
            bound, inner = self.bind(binder, inner)
            locals_ += bound
        if not locals_:
            raise self.error("a `fix` needs at least one argument", decl.span, "add one")
        result: Type = (
            self.type_of(decl.type, inner)
            if decl.type is not None
            else self.types.fresh(decl.name.span, f"the result type of `{decl.name.name}`")
        )
        kind = arrows([x.type for x in locals_], result)
        self.types.unify(function.type, kind)
        self.need(expr.span, kind, expected, "this function")
        scope = {**env, function.name: function}
        for local in locals_:
            if local.name != "_":
                scope[local.name] = local
        self.note_name(function.name)
        struct = struct_index(self, decl, locals_) if decl.struct else -1
        node = Fix(expr.span, function, locals_, struct, self.check(decl.body, scope, result))
        node.struct_given = decl.struct is not None
        self.fixes.append(node)
        return node

    # ----------------------------------------------------------------------------- matching

    def _check_match(self, expr: ast.Match, env: Env, expected: Type) -> Node:
        scrutinees = []
        scope = self.expected_scope
        for scrutinee in expr.scrutinees:
            kind = self.types.fresh(scrutinee.span, "the type of what is matched")
            scrutinees.append((self.check(scrutinee, env, kind, scope), kind))
        return self.match(scrutinees, expr.branches, env, expected, expr.span, scope)


def struct_index(elaborator: Elaborator, decl: ast.FixDecl, locals_: list[Local]) -> int:
    """Index of the argument that `{struct x}` names."""
    assert decl.struct is not None
    for index, local in enumerate(locals_):
        if local.name == decl.struct.name:
            return index
    raise elaborator.error(
        f"`{decl.struct.name}` is not an argument of `{decl.name.name}`",
        decl.struct.span,
        f"expected one of {', '.join(f'`{x.name}`' for x in locals_)}",
    )


def _complete(function: Function) -> bool:
    """Say whether a function's type is known without its body; then it is polymorphic there."""
    pending = [function.type()]
    while pending:
        kind = resolve(pending.pop())
        if isinstance(kind, Meta):
            return False
        if isinstance(kind, Arrow):
            pending += [kind.domain, kind.codomain]
        elif isinstance(kind, Con):
            pending += kind.arguments
    return True


def _inductive(kind: Type) -> Inductive:
    kind = resolve(kind)
    assert isinstance(kind, Con)
    return kind.inductive


def _codomain(kind: Type) -> Type:
    kind = resolve(kind)
    assert isinstance(kind, Arrow)
    return kind.codomain
