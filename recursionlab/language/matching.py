"""Matches: patterns are checked against types, then compiled; coverage errors are told here."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from . import syntax as ast
from .core import Let, Local, Node, Ref
from .namespace import kind_of
from .patterns import Compiler, MatchTooLarge, Missing, Row, TypedPattern
from .resolve import Env, Resolver, count
from .signature import Constructor, Inductive
from .source import Span
from .types import Con, Meta, Rigid, Type, resolve, show, substitute
from .words import COQ_CONSTRUCTORS

__all__ = ["Matcher"]


class Matcher(Resolver):
    """Adds matches to what a command's elaboration can do."""

    @abstractmethod
    def check(self, expr: ast.Expr, env: Env, expected: Type, scope: str = "") -> Node:
        """Elaborate an expression of the expected type."""

    def match(
        self,
        scrutinees: Sequence[tuple[Node, Type]],
        branches: list[ast.Branch],
        env: Env,
        expected: Type,
        span: Span,
        scope: str = "",
    ) -> Node:
        """Check patterns and bodies, then compile the match."""
        kinds = [kind for _, kind in scrutinees]
        rows: list[Row] = []
        ready = [self._patterns(branch, kinds) for branch in branches]
        for alternatives, branch, bound in ready:
            for local in bound.values():
                self.note_name(local.name)
            body = self.check(branch.body, {**env, **bound}, expected, scope)
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
        self, branch: ast.Branch, kinds: list[Type]
    ) -> tuple[list[list[TypedPattern]], ast.Branch, dict[str, Local]]:
        first: dict[str, Local] | None = None
        alternatives = []
        for patterns in branch.alternatives:
            if len(patterns) != len(kinds):
                span = patterns[0].span.to(patterns[-1].span)
                raise self.error(
                    f"this branch has {count(len(patterns), 'pattern')} "
                    f"for {count(len(kinds), 'scrutinee')}",
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
        if isinstance(pattern, ast.PScoped):
            self.local_scopes.append(self.delimited(pattern.scope))
            inner = self._pattern(pattern.pattern, kind, bound, reuse)
            self.local_scopes.pop()
            return inner
        if isinstance(pattern, ast.PAlias) and pattern.name.name == "_":
            return self._pattern(pattern.pattern, kind, bound, reuse)
        if isinstance(pattern, ast.PAlias):
            local = self._pattern_variable(pattern.name.name, pattern.name.span, kind, bound, reuse)
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
        self.require_scope("list_scope", symbol, pattern.name_span, "Require Import List.")

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
                f"constructor `{constructor.name}` takes {count(wanted, 'argument')} "
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
            self._pattern(p, k, bound, reuse) for p, k in zip(pattern.items, kinds, strict=True)
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


def _cover(patterns: list[TypedPattern]) -> Span:
    return patterns[0].span.to(patterns[-1].span)
