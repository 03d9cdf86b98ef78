"""What every expression needs: names resolved, types read, scopes checked, errors made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recursionlab.errors import LanguageError

from . import syntax as ast
from .core import Fix, Local
from .namespace import Namespace, providers, suggest
from .signature import Constructor, Entity, Function, Inductive, Synonym, TypeParameter
from .source import Excerpt, Span
from .types import Arrow, Con, Meta, Rigid, Type, Unifier, resolve, show, substitute, uncurry

__all__ = ["Env", "Resolver", "count", "strip"]

Env = dict[str, Local | Rigid | Function]

_SCOPES = {"nat": "nat_scope", "list": "list_scope", "bool": "bool_scope", "type": "type_scope"}


class Resolver:
    """Names, types and scopes within one command.

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
        self.expected_scope = ""
        self.argument_scopes: dict[Function | Constructor, list[str]] = {}
        self.fixes: list[Fix] = []
        self.fresh_names: dict[str, int] = {}

    # ------------------------------------------------------------------------------- errors

    def error(self, message: str, span: Span, hint: str = "") -> LanguageError:
        """Build an error for a span of this command."""
        return self.excerpt.error(message, span, hint)

    def mismatch(
        self, span: Span, found: Type, expected: Type, what: str = "this"
    ) -> LanguageError:
        """Build the error for a type that is not the expected one."""
        hint = f"expected type `{show(expected)}`"
        if show(found) == show(expected):
            hint += ", which is another type of that name"
        return self.error(f"{what} has type `{show(found)}`", span, hint)

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
            head = strip(expr.function)
            if isinstance(head, ast.Name):
                return self._type_application(head, expr.arguments, env, expr.span)
        if isinstance(expr, ast.Operator) and expr.symbol == "->":
            return Arrow(self.type_of(expr.left, env), self.type_of(expr.right, env))
        if isinstance(expr, ast.Operator) and expr.symbol == "*":
            parts = (self.type_of(expr.left, env), self.type_of(expr.right, env))
            return Con(self.core["prod"], parts)
        if isinstance(expr, ast.Operator) and expr.symbol == "+":
            raise self.error(
                "the notation `+` for types is not in the subset",
                expr.symbol_span,
                "write `sum A B` for `A + B`",
            )
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
                "types are not values; `Type` stands only in parameters `(A : Type)`",
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
        if not isinstance(entity, Inductive | Synonym):
            hint = "expected a type; types that depend on values are not in the subset"
            if isinstance(entity, Local) and isinstance(resolve(entity.type), Meta):
                hint = f"write `({head.name} : Type)` where it is bound, if it is to be one"
            raise self.error(f"`{head.name}` is not a type", head.span, hint)
        if len(arguments) != len(entity.parameters):
            wanted = " ".join([entity.name, *(p.name for p in entity.parameters)])
            raise self.error(
                f"type `{entity.name}` takes {count(len(entity.parameters), 'parameter')}, "
                f"not {len(arguments)}",
                span,
                f"write `{wanted}`",
            )
        read = tuple(self.type_of(a, env) for a in arguments)
        if isinstance(entity, Synonym):
            return substitute(entity.type, dict(zip(entity.parameters, read, strict=True)))
        return Con(entity, read)

    def is_type(self, expr: ast.Expr, env: Env) -> bool:
        """Say whether an expression can only be a type."""
        head = strip(expr.function) if isinstance(expr, ast.App) else expr
        if isinstance(head, ast.Scoped):
            return head.scope.name == "type"
        if isinstance(head, ast.Name) and head.name not in env:
            return isinstance(self.global_name(head.name), Inductive | Synonym)
        return isinstance(head, ast.Operator) and head.symbol == "->"

    # -------------------------------------------------------------------- scopes and names

    def delimited(self, key: ast.Ident) -> str:
        """Return the scope that `%key` opens."""
        scope = _SCOPES.get(key.name)
        if scope is None:
            raise self.error(
                f"the scope `%{key.name}` is not in the subset",
                key.span,
                "expected %nat or %list or %bool; write numbers of other types by constructors",
            )
        return scope

    def require_scope(self, scope: str, symbol: str, span: Span, line: str) -> None:
        """Fail unless a notation's scope is open; `line` is the Require that opens it."""
        opened = (*self.namespace.scopes, *self.local_scopes, self.expected_scope)
        if scope in opened:
            if not symbol.endswith("?") or "=?" in self.namespace.notations:
                return
        short = scope.removesuffix("_scope")
        hint = f"write `{line}` at the top"
        if not symbol.endswith("?"):
            hint += f", or `(...)%{short}`"
        raise self.error(f"the notation `{symbol}` is not open", span, hint)

    def scope_of(self, kind: Type) -> str:
        """Return the scope that Coq opens where a declared type expects this type."""
        kind = resolve(kind)
        if not isinstance(kind, Con) or kind.inductive.name not in ("nat", "bool", "list"):
            return ""
        name = kind.inductive.name
        return _SCOPES[name] if kind.inductive is self.core.get(name) else ""

    def scopes_of_arguments(self, entity: Function | Constructor) -> list[str]:
        """Return the scope of each argument, as the type stood when it was first asked for."""
        if entity not in self.argument_scopes:
            own = [t for t in entity.telescope if not isinstance(t, TypeParameter)]
            kinds = own + uncurry(entity.result)[0]
            self.argument_scopes[entity] = [self.scope_of(kind) for kind in kinds]
        return self.argument_scopes[entity]

    def note_name(self, name: str) -> None:
        """Keep a name of the source from being chosen by `fresh_name`."""
        self.fresh_names.setdefault(name, 0)

    def fresh_name(self, kind: Type) -> str:
        """Return a readable name for a variable of a type that the source does not name."""
        kind = resolve(kind)
        letter = kind.inductive.name[0].lower() if isinstance(kind, Con) else "x"
        letter = letter if letter.isalpha() else "x"
        number = 0
        while f"{letter}{number}" in self.fresh_names:
            number += 1
        self.note_name(f"{letter}{number}")
        return f"{letter}{number}"


def strip(expr: ast.Expr) -> ast.Expr:
    """Take redundant parentheses away."""
    while isinstance(expr, ast.Typed) and expr.type is None:
        expr = expr.term
    return expr


def count(number: int, noun: str) -> str:
    """Say how many: `no arguments`, `one argument`, `2 arguments`."""
    names = {0: "no", 1: "one"}
    return f"{names.get(number, number)} {noun}{'' if number == 1 else 's'}"
