"""Expressions: names resolved, types inferred, notations opened, patterns compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recursionlab.errors import LanguageError

from . import syntax as ast
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
)
from .namespace import Namespace, kind_of, providers, suggest
from .patterns import Compiler, MatchTooLarge, Missing, Row, TypedPattern
from .signature import Constructor, Entity, Function, Inductive, TypeParameter
from .source import Excerpt, Span
from .types import Arrow, Con, Meta, Rigid, Type, Unifier, arrows, resolve, show, substitute
from .words import COQ_CONSTRUCTORS

__all__ = ["MAX_NUMERAL", "Elaborator", "Env"]

# Above this Coq itself changes how it reads a numeral.
MAX_NUMERAL = 5000

Env = dict[str, Local | Rigid | Function]

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
_SCOPES = {"nat": "nat_scope", "list": "list_scope", "bool": "bool_scope", "type": "type_scope"}


class Elaborator:
    """Elaborates the expressions of one command.

    Parameters
    ----------
    excerpt : Excerpt
        The command's text, for messages.
    namespace : Namespace
        Visible names and notations.
    core : dict
        The entities that notations stand for, by name (`app`, `Nat.add`, `nat`, ...).
    prefix : str
        Name of the enclosing module and a dot, or empty.
    files : callable
        Gives all prelude files, in order to tell which one has an unknown name.
    """

    def __init__(
        self,
        excerpt: Excerpt,
        namespace: Namespace,
        core: dict[str, Any],
        prefix: str,
        files: Callable[[], list[Any]],
    ) -> None:
        self.excerpt = excerpt
        self.namespace = namespace
        self.core = core
        self.prefix = prefix
        self.files = files
        self.types = Unifier()
        self.local_scopes: list[str] = []
        self.fixes: list[Fix] = []
        self.fresh_names: dict[str, int] = {}

    # ------------------------------------------------------------------------------- errors

    def error(self, message: str, span: Span, hint: str = "") -> LanguageError:
        """Build an error for a span of this command."""
        return self.excerpt.error(message, span, hint)

    def mismatch(self, span: Span, found: Type, expected: Type, what: str = "this") -> LanguageError:
        """Build the error for a type that is not the expected one."""
        return self.error(
            f"{what} has type `{show(found)}`", span, f"expected type `{show(expected)}`"
        )

    def need(self, span: Span, found: Type, expected: Type, what: str = "this") -> None:
        """Unify or fail."""
        if not self.types.unify(found, expected):
            raise self.mismatch(span, found, expected, what)

    def finish(self) -> None:
        """Every type must be known by now, as in Coq."""
        meta = self.types.unsolved()
        if meta is not None:
            raise self.error(
                f"cannot infer {meta.what}", meta.span, "write its type, as in `(x : T)` or `@f T`"
            )

    # -------------------------------------------------------------------------------- names

    def lookup(self, name: str, span: Span, env: Env) -> Local | Rigid | Entity:
        """Resolve a name; tells near spellings and missing imports."""
        found = env.get(name) or self.global_name(name)
        if found is not None:
            return found
        line = providers(name, self.files())
        if line:
            raise self.error(f"`{name}` is not imported", span, f"write `{line}` at the top")
        hint = suggest(name, [*env, *self.namespace.visible])
        raise self.error(f"unknown name `{name}`", span, hint or "define it before this command")

    def global_name(self, name: str) -> Entity | None:
        """Return the visible declaration of this name, the enclosing module's first."""
        visible = self.namespace.visible
        return (visible.get(self.prefix + name) if self.prefix else None) or visible.get(name)

    # -------------------------------------------------------------------------------- types

    def type_of(self, expr: ast.Expr, env: Env) -> Type:
        """Read an expression as a type."""
        if isinstance(expr, ast.Name):
            return self._type_application(expr, [], env, expr.span)
        if isinstance(expr, ast.App):
            head = _strip(expr.function)
            if isinstance(head, ast.Name):
                return self._type_application(head, expr.arguments, env, expr.span)
        if isinstance(expr, ast.Operator) and expr.symbol == "->":
            return Arrow(self.type_of(expr.left, env), self.type_of(expr.right, env))
        if isinstance(expr, ast.Operator) and expr.symbol == "*":
            parts = (self.type_of(expr.left, env), self.type_of(expr.right, env))
            return Con(self.core["prod"], parts)
        if isinstance(expr, ast.Typed) and expr.type is None:
            return self.type_of(expr.term, env)
        if isinstance(expr, ast.Scoped) and expr.scope.name == "type":
            return self.type_of(expr.term, env)
        if isinstance(expr, ast.Hole):
            return self.types.fresh(expr.span, "this type")
        if isinstance(expr, ast.Sort):
            raise self.error(
                f"`{expr.name}` cannot be used here",
                expr.span,
                "types are not values in this subset; `Type` stands only in parameters `(A : Type)`",
            )
        if isinstance(expr, ast.Forall):
            raise self.error(
                "`forall` types are not in the subset",
                expr.span,
                "write `A -> B`, or a parameter `{A : Type}` before the colon",
            )
        raise self.error("this is not a type", expr.span, "expected a type such as `list nat`")

    def _type_application(
        self, head: ast.Name, arguments: list[ast.Expr], env: Env, span: Span
    ) -> Type:
        entity = self.lookup(head.name, head.span, env)
        if isinstance(entity, Rigid):
            entity.used = True
            if arguments:
                raise self.error(f"`{head.name}` takes no arguments", span, "remove them")
            return entity
        if not isinstance(entity, Inductive):
            raise self.error(
                f"`{head.name}` is not a type",
                head.span,
                "expected a type; types that depend on values are not in the subset",
            )
        if len(arguments) != len(entity.parameters):
            wanted = " ".join([entity.name, *(p.name for p in entity.parameters)])
            raise self.error(
                f"type `{entity.name}` takes {_count(len(entity.parameters), 'parameter')}, "
                f"not {len(arguments)}",
                span,
                f"write `{wanted}`",
            )
        return Con(entity, tuple(self.type_of(a, env) for a in arguments))

    # -------------------------------------------------------------------------- expressions

    def check(self, expr: ast.Expr, env: Env, expected: Type) -> Node:
        """Elaborate an expression of the expected type."""
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
        name = _strip(function)
        explicit = False
        if isinstance(name, ast.Name):
            head, telescope, kind = self._head(name, env)
            explicit = name.explicit
        else:
            kind = self.types.fresh(function.span, "the type of this function")
            head = self.check(function, env, kind)
        pending = list(arguments)
        nodes: list[Node] = []
        while telescope:
            entry = telescope[0]
            if isinstance(entry, Type):
                if not pending:
                    break
                nodes.append(self.check(pending.pop(0), env, substitute(entry, mapping)))
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
            nodes.append(self._argument(argument, kind, function, len(nodes), env))
            kind = _codomain(kind)
        self.need(span, kind, expected)
        return Apply(span, head, nodes) if nodes else head

    def _head(
        self, name: ast.Name, env: Env
    ) -> tuple[Node, list[TypeParameter | Type], Type]:
        entity = self.lookup(name.name, name.span, env)
        if isinstance(entity, Local):
            return Ref(name.span, entity), [], entity.type
        if isinstance(entity, Function):
            return Global(name.span, entity), list(entity.telescope), entity.result
        if isinstance(entity, Constructor):
            return Build(name.span, entity), entity.telescope, entity.result
        raise self.error(f"`{name.name}` is a type", name.span, "expected a term")

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
        recursive = isinstance(entity, Function) and entity.defining
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
                f"expected `{entry.rigid.name}`; polymorphic recursion is not in the subset",
            )
        return given

    def _argument(
        self, argument: ast.Expr, kind: Type, function: ast.Expr, done: int, env: Env
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
                f"this argument is one too many: the function takes {_count(done, 'argument')} "
                f"and gives a `{show(kind)}`",
                argument.span,
                "remove it, or add parentheses",
            )
        return self.check(argument, env, kind.domain)

    def _check_number(self, expr: ast.Number, env: Env, expected: Type) -> Node:
        if expr.value > MAX_NUMERAL:
            raise self.error(
                f"this numeral is larger than {MAX_NUMERAL}", expr.span, "compute it, as in 100 * 100"
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
            return self.check(expr.term, env, expected)
        kind = self.type_of(expr.type, env)
        node = self.check(expr.term, env, kind)
        self.need(expr.span, kind, expected)
        return node

    def _check_scoped(self, expr: ast.Scoped, env: Env, expected: Type) -> Node:
        scope = _SCOPES.get(expr.scope.name)
        if scope is None:
            raise self.error(
                f"the scope `%{expr.scope.name}` is not in the subset",
                expr.scope.span,
                "expected %nat or %list or %bool; write numbers of other types by constructors",
            )
        self.local_scopes.append(scope)
        node = self.check(expr.term, env, expected)
        self.local_scopes.pop()
        return node

    def _require_scope(self, scope: str, symbol: str, span: Span, line: str) -> None:
        if scope in self.namespace.scopes or scope in self.local_scopes:
            if not symbol.endswith("?") or "=?" in self.namespace.notations:
                return
        short = scope.removesuffix("_scope")
        hint = f"write `{line}` at the top"
        if not symbol.endswith("?"):
            hint += f", or `(...)%{short}`"
        raise self.error(f"the notation `{symbol}` is not open", span, hint)

    def _check_operator(self, expr: ast.Operator, env: Env, expected: Type) -> Node:
        if expr.symbol == "->":
            raise self.error("this is a type", expr.span, "expected a term; a function is `fun x => e`")
        if expr.symbol == "=":
            raise self.error(
                "`=` is a proposition, not a test", expr.symbol_span, "write `=?` for numbers"
            )
        scope, name, line = _OPERATORS[expr.symbol]
        self._require_scope(scope, expr.symbol, expr.symbol_span, line)
        function: Function = self.core[name]
        mapping: dict[Rigid, Type] = {
            p.rigid: self.types.fresh(expr.span, "the type of the items")
            for p in function.type_parameters
        }
        domains = [substitute(t, mapping) for t in function.telescope if isinstance(t, Type)]
        left = self.check(expr.left, env, domains[0])
        right = self.check(expr.right, env, domains[1])
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
            self._require_scope("list_scope", "::" if expr.colons else "[ ]", span, "Require Import List.")
        item = self.types.fresh(expr.span, "the type of the items of this list")
        kind = Con(self.core["list"], (item,))
        resolved = resolve(expected)
        if isinstance(resolved, Con) and resolved.inductive is kind.inductive:
            self.types.unify(kind, resolved)
        items = [self.check(e, env, item) for e in reversed(expr.reversed_items)]
        tail = None if expr.tail is None else self.check(expr.tail, env, kind)
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
            node = Apply(expr.span, Build(expr.span, pair), [node, self.check(item, env, item_kind)])
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
            self._note_name(name.name)
            locals_.append(local)
            env = {**env, name.name: local} if name.name != "_" else env
        return locals_, env

    def _note_name(self, name: str) -> None:
        self.fresh_names.setdefault(name, 0)

    def fresh_name(self, kind: Type) -> str:
        """Return a readable name for a variable of a type that the source does not name."""
        kind = resolve(kind)
        letter = kind.inductive.name[0].lower() if isinstance(kind, Con) else "x"
        letter = letter if letter.isalpha() else "x"
        number = 0
        while f"{letter}{number}" in self.fresh_names:
            number += 1
        self._note_name(f"{letter}{number}")
        return f"{letter}{number}"

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
        scrutinees: list[tuple[Node, Type]] = [(Ref(span, l), l.type) for l, _ in opened]
        patterns = [p for _, p in opened]
        branch = ast.Branch([patterns], body, span)
        return self.match(scrutinees, [branch], env, expected, span)

    def _check_let(self, expr: ast.Let, env: Env, expected: Type) -> Node:
        kind: Type = self.types.fresh(expr.name.span, f"the type of `{expr.name.name}`")
        if expr.binders:
            body = expr.value
            if expr.type is not None:
                body = ast.Typed(expr.value.span, expr.value, expr.type)
            value = self._lambda(expr.binders, body, env, kind, expr.value.span)
        else:
            kind = self.type_of(expr.type, env) if expr.type is not None else kind
            value = self.check(expr.value, env, kind)
        local = Local(expr.name.name, kind, expr.name.span)
        self._note_name(local.name)
        return Let(expr.span, local, value, self.check(expr.body, {**env, local.name: local}, expected))

    def _check_letpattern(self, expr: ast.LetPattern, env: Env, expected: Type) -> Node:
        kind = self.types.fresh(expr.value.span, "the type of this")
        value = self.check(expr.value, env, kind)
        branch = ast.Branch([[expr.pattern]], expr.body, expr.pattern.span)
        return self.match([(value, kind)], [branch], env, expected, expr.span)

    def _check_if(self, expr: ast.If, env: Env, expected: Type) -> Node:
        boolean: Inductive = self.core["bool"]
        kind = self.types.fresh(expr.condition.span, "the type of the condition")
        condition = self.check(expr.condition, env, kind)
        if not self.types.unify(kind, Con(boolean)):
            raise self.error(
                f"the condition has type `{show(kind)}`",
                expr.condition.span,
                "expected type `bool`; write a match for other types",
            )
        then = self.check(expr.then, env, expected)
        other = self.check(expr.other, env, expected)
        return Case(expr.span, boolean, condition, [([], then), ([], other)])

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
        kind = arrows([l.type for l in locals_], result)
        self.types.unify(function.type, kind)
        self.need(expr.span, kind, expected, "this function")
        scope = {**env, function.name: function}
        for local in locals_:
            if local.name != "_":
                scope[local.name] = local
        self._note_name(function.name)
        struct = struct_index(self, decl, locals_) if decl.struct else -1
        node = Fix(expr.span, function, locals_, struct, self.check(decl.body, scope, result))
        node.struct_given = decl.struct is not None
        self.fixes.append(node)
        return node

    # ----------------------------------------------------------------------------- matching

    def _check_match(self, expr: ast.Match, env: Env, expected: Type) -> Node:
        scrutinees = []
        for scrutinee in expr.scrutinees:
            kind = self.types.fresh(scrutinee.span, "the type of what is matched")
            scrutinees.append((self.check(scrutinee, env, kind), kind))
        return self.match(scrutinees, expr.branches, env, expected, expr.span)

    def match(
        self,
        scrutinees: list[tuple[Node, Type]],
        branches: list[ast.Branch],
        env: Env,
        expected: Type,
        span: Span,
    ) -> Node:
        """Check patterns and bodies, then compile the match."""
        kinds = [kind for _, kind in scrutinees]
        rows: list[Row] = []
        ready: list[tuple[list[list[TypedPattern]], ast.Branch, dict[str, Local]]] = []
        for branch in branches:
            ready.append(self._patterns(branch, kinds, env))
        for alternatives, branch, bound in ready:
            for local in bound.values():
                self._note_name(local.name)
            body = self.check(branch.body, {**env, **bound}, expected)
            rows += [
                Row(patterns, body, TypedPattern(_cover(patterns), kinds[0]))
                for patterns in alternatives
            ]
        roots = [
            node.local
            if isinstance(node, Ref) and node.local.inline is None
            else Local("_", kind, node.span)
            for node, kind in scrutinees
        ]
        if not rows and not all(isinstance(resolve(k), Con) for k in kinds):
            raise self.error("cannot infer the type of what is matched", span, "write `(e : T)`")
        compiler = Compiler(span, self.fresh_name)
        node = self._compiled(compiler, roots, rows, span)
        self._check_redundancy(rows)
        for root, (scrutinee, _) in reversed(list(zip(roots, scrutinees, strict=True))):
            if isinstance(scrutinee, Ref) and scrutinee.local is root:
                continue
            if root in compiler.aliased:
                if root.name == "_":
                    root.name = self.fresh_name(root.type)
                node = Let(span, root, scrutinee, node)
            else:
                root.inline = scrutinee
        return node

    def _compiled(
        self, compiler: Compiler, roots: list[Local], rows: list[Row], span: Span
    ) -> Node:
        try:
            return compiler.compile(roots, rows)
        except Missing as missing:
            raise self.error(
                f"this match does not cover `{missing.witness}`",
                span,
                f"add a branch, such as `| {missing.witness} => ...`",
            ) from None
        except MatchTooLarge:
            raise self.error(
                "this match expands to too many branches", span, "split it into smaller ones"
            ) from None

    def _check_redundancy(self, rows: list[Row]) -> None:
        for row in rows:
            if not row.origin.reached:
                raise self.error(
                    "this pattern is redundant: the branches above match all it could match",
                    row.origin.span,
                    "remove it, or move it up",
                )
            pending = list(row.patterns)
            while pending:
                pattern = pending.pop()
                for alternative in pattern.alternatives:
                    if not alternative.alternatives and not alternative.reached:
                        raise self.error(
                            "this alternative is redundant", alternative.span, "remove it"
                        )
                pending += pattern.alternatives + pattern.arguments

    def _patterns(
        self, branch: ast.Branch, kinds: list[Type], env: Env
    ) -> tuple[list[list[TypedPattern]], ast.Branch, dict[str, Local]]:
        first: dict[str, Local] | None = None
        alternatives = []
        for patterns in branch.alternatives:
            if len(patterns) != len(kinds):
                span = patterns[0].span.to(patterns[-1].span)
                raise self.error(
                    f"this branch has {_count(len(patterns), 'pattern')} "
                    f"for {_count(len(kinds), 'scrutinee')}",
                    span,
                    "separate one pattern for each by commas",
                )
            bound: dict[str, Local] = {}
            typed = [
                self._pattern(p, kind, bound, first)
                for p, kind in zip(patterns, kinds, strict=True)
            ]
            if first is None:
                first = bound
            self._same_names(first, bound, patterns[0].span.to(patterns[-1].span))
            alternatives.append(typed)
        return alternatives, branch, first or {}

    def _same_names(self, first: dict[str, Local], other: dict[str, Local], span: Span) -> None:
        missing = sorted(set(first) ^ set(other))
        if missing:
            raise self.error(
                f"the alternatives of this pattern do not all bind `{missing[0]}`",
                span,
                "every alternative must bind the same names",
            )

    def _pattern(
        self,
        pattern: ast.Pattern,
        kind: Type,
        bound: dict[str, Local],
        reuse: dict[str, Local] | None,
    ) -> TypedPattern:
        """Check a pattern against a type; collects its variables in `bound`."""
        span = pattern.span
        if isinstance(pattern, ast.PWildcard):
            return TypedPattern(span, kind)
        if isinstance(pattern, ast.PName):
            entity = self.global_name(pattern.name)
            if isinstance(entity, Constructor):
                return self._constructor_pattern(entity, [], kind, pattern, bound, reuse)
            if pattern.name in COQ_CONSTRUCTORS:
                raise self.error(
                    f"`{pattern.name}` cannot be a variable: it is a constructor in Coq's library",
                    span,
                    f"write another name, such as `{pattern.name}'`",
                )
            local = self._pattern_variable(pattern.name, span, kind, bound, reuse)
            return TypedPattern(span, kind, [local])
        if isinstance(pattern, ast.PAlias):
            local = self._pattern_variable(
                pattern.name.name, pattern.name.span, kind, bound, reuse
            )
            inner = self._pattern(pattern.pattern, kind, bound, reuse)
            inner.names.insert(0, local)
            return inner
        if isinstance(pattern, ast.PNumber):
            return self._number_pattern(pattern, kind)
        if isinstance(pattern, ast.PTuple):
            return self._tuple_pattern(pattern, kind, bound, reuse)
        if isinstance(pattern, ast.POr):
            return self._or_pattern(pattern, kind, bound, reuse)
        assert isinstance(pattern, ast.PConstructor)
        if pattern.notation:
            self._check_list_pattern(pattern)
            constructor: Constructor = self.core["list"].constructors[bool(pattern.arguments)]
            return self._constructor_pattern(
                constructor, pattern.arguments, kind, pattern, bound, reuse
            )
        found = self.lookup(pattern.name, pattern.name_span, {})
        if not isinstance(found, Constructor):
            assert not isinstance(found, Local | Rigid)
            raise self.error(
                f"`{pattern.name}` is {kind_of(found)}, not a constructor",
                pattern.name_span,
                "only constructors can be applied in a pattern",
            )
        return self._constructor_pattern(found, pattern.arguments, kind, pattern, bound, reuse)

    def _check_list_pattern(self, pattern: ast.PConstructor) -> None:
        if pattern.notation == "[" and "[" not in self.namespace.notations:
            raise self.error(
                "the notation `[ ]` is not open",
                pattern.span,
                "write `Require Import List. Import ListNotations.` at the top",
            )
        symbol = "::" if pattern.notation == "::" else "[ ]"
        self._require_scope("list_scope", symbol, pattern.name_span, "Require Import List.")

    def _pattern_variable(
        self,
        name: str,
        span: Span,
        kind: Type,
        bound: dict[str, Local],
        reuse: dict[str, Local] | None,
    ) -> Local:
        if "." in name:
            raise self.error(f"unknown constructor `{name}`", span, "a variable has no dots")
        if name in bound:
            raise self.error(f"`{name}` is bound twice in this pattern", span, "rename one of them")
        local = (reuse or {}).get(name)
        if local is None:
            local = Local(name, kind, span)
        else:
            self.need(span, kind, local.type, f"`{name}`")
        bound[name] = local
        return local

    def _constructor_pattern(
        self,
        constructor: Constructor,
        arguments: list[ast.Pattern],
        kind: Type,
        pattern: ast.Pattern,
        bound: dict[str, Local],
        reuse: dict[str, Local] | None,
    ) -> TypedPattern:
        inductive = constructor.inductive
        mapping: dict[Rigid, Type] = {
            p: self.types.fresh(pattern.span, f"the parameter `{p.name}`")
            for p in inductive.parameters
        }
        built = substitute(constructor.result, mapping)
        if not self.types.unify(built, kind):
            shown = show(Con(inductive, tuple(Meta(pattern.span, "") for _ in mapping)))
            raise self.error(
                f"`{constructor.name}` is a constructor of `{shown}`",
                pattern.span,
                f"expected a pattern of type `{show(kind)}`",
            )
        written = [p for p in constructor.type_parameters if not p.implicit]
        wanted = len(written) + len(constructor.types)
        if len(arguments) != wanted:
            example = " ".join([constructor.name, *("_" for _ in range(wanted))])
            raise self.error(
                f"constructor `{constructor.name}` takes {_count(wanted, 'argument')} "
                f"in a pattern, not {len(arguments)}",
                pattern.span,
                f"write `{example}`",
            )
        for blank, parameter in zip(arguments, written, strict=False):
            if not isinstance(blank, ast.PWildcard):
                raise self.error(
                    f"this stands for the type parameter `{parameter.rigid.name}`",
                    blank.span,
                    f"write `_`, or make it implicit with `Arguments {constructor.name} ...`",
                )
        typed = [
            self._pattern(p, substitute(t, mapping), bound, reuse)
            for p, t in zip(arguments[len(written) :], constructor.types, strict=True)
        ]
        return TypedPattern(pattern.span, kind, [], constructor, typed)

    def _number_pattern(self, pattern: ast.PNumber, kind: Type) -> TypedPattern:
        if pattern.value > 50:
            raise self.error(
                "this numeral is larger than 50, too large for a pattern",
                pattern.span,
                "compare with Nat.eqb",
            )
        nat: Inductive = self.core["nat"]
        self.need(pattern.span, Con(nat), kind, "a numeral")
        typed = TypedPattern(pattern.span, kind, [], nat.constructors[0])
        for _ in range(pattern.value):
            typed = TypedPattern(pattern.span, kind, [], nat.constructors[1], [typed])
        return typed

    def _tuple_pattern(
        self,
        pattern: ast.PTuple,
        kind: Type,
        bound: dict[str, Local],
        reuse: dict[str, Local] | None,
    ) -> TypedPattern:
        prod: Inductive = self.core["prod"]
        kinds = [self.types.fresh(p.span, "the type of this component") for p in pattern.items]
        full: list[Type] = [kinds[0]]
        for other in kinds[1:]:
            full.append(Con(prod, (full[-1], other)))
        if not self.types.unify(full[-1], kind):
            raise self.error(
                f"this is a pattern for a tuple of {len(kinds)}",
                pattern.span,
                f"expected a pattern of type `{show(kind)}`",
            )
        typed = [
            self._pattern(p, k, bound, reuse)
            for p, k in zip(pattern.items, kinds, strict=True)
        ]
        result = typed[0]
        for item, whole in zip(typed[1:], full[1:], strict=True):
            result = TypedPattern(pattern.span, whole, [], prod.constructors[0], [result, item])
        return result

    def _or_pattern(
        self,
        pattern: ast.POr,
        kind: Type,
        bound: dict[str, Local],
        reuse: dict[str, Local] | None,
    ) -> TypedPattern:
        first: dict[str, Local] = {}
        alternatives = []
        for number, alternative in enumerate(pattern.alternatives):
            own: dict[str, Local] = {}
            typed = self._pattern(alternative, kind, own, {**(reuse or {}), **first})
            if number == 0:
                first = own
            self._same_names(first, own, alternative.span)
            alternatives.append(typed)
        for name, local in first.items():
            if name in bound:
                raise self.error(
                    f"`{name}` is bound twice in this pattern", pattern.span, "rename one of them"
                )
            bound[name] = local
        return TypedPattern(pattern.span, kind, [], None, [], alternatives)


def struct_index(elaborator: Elaborator, decl: ast.FixDecl, locals_: list[Local]) -> int:
    """Index of the argument that `{struct x}` names."""
    assert decl.struct is not None
    for index, local in enumerate(locals_):
        if local.name == decl.struct.name:
            return index
    raise elaborator.error(
        f"`{decl.struct.name}` is not an argument of `{decl.name.name}`",
        decl.struct.span,
        f"expected one of {', '.join(f'`{l.name}`' for l in locals_)}",
    )


def _strip(expr: ast.Expr) -> ast.Expr:
    """Take redundant parentheses away."""
    while isinstance(expr, ast.Typed) and expr.type is None:
        expr = expr.term
    return expr


def _codomain(kind: Type) -> Type:
    kind = resolve(kind)
    assert isinstance(kind, Arrow)
    return kind.codomain


def _cover(patterns: list[TypedPattern]) -> Span:
    return patterns[0].span.to(patterns[-1].span)


def _count(number: int, noun: str) -> str:
    names = {0: "no", 1: "one"}
    return f"{names.get(number, number)} {noun}{'' if number == 1 else 's'}"
