"""Small constructors of expressions and rules: compilers read like the machines they write."""

from __future__ import annotations

import re

from . import syntax as ast

__all__ = ["add", "both", "call", "cases", "eq", "les", "name", "num", "put", "token"]


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_']*")
# Words of the language, and the names that compiled machines give to what is theirs.
_OWN = re.compile(
    r"(machine|rule|end|enum|param|var|fun|if|then|elseif|else|let|in|forall|choose|with|do|halt"
    r"|skip|or|and|not|mod|true|false|token|int|bool|length|input|output|none|min|max"
    r"|modes?|[a-z]|at|argument|from|to|calls|work|[a-z][0-9]+|do_.*|after_.*|[a-z]+ing|unstack[0-9]*"
    r"|heap|base|back|below|tag|kid|slot|stack|sp|level|cell)"
)


def num(value: int) -> ast.Expression:
    """Return a numeral."""
    return ast.Number(value) if value >= 0 else ast.Unary("-", ast.Number(-value))


def name(text: str) -> ast.Expression:
    """Return a name."""
    return ast.Name(text)


def token(text: str) -> ast.Expression:
    """Return a token, in quotes where its name could be taken for another."""
    return ast.Quoted(text) if _OWN.fullmatch(text) or not _PLAIN.fullmatch(text) else name(text)


def add(left: ast.Expression, by: int) -> ast.Expression:
    """`left + by`, simplified."""
    if by == 0:
        return left
    if isinstance(left, ast.Number):
        return num(left.value + by)
    return ast.Binary("+" if by > 0 else "-", left, ast.Number(abs(by)))


def eq(left: ast.Expression, right: ast.Expression) -> ast.Expression:
    """`left = right`."""
    return ast.Binary("=", left, right)


def les(left: ast.Expression, right: ast.Expression) -> ast.Expression:
    """`left < right`."""
    return ast.Binary("<", left, right)


def both(*parts: ast.Expression) -> ast.Expression:
    """Return the conjunction."""
    out = parts[0]
    for part in parts[1:]:
        out = ast.Binary("and", out, part)
    return out


def call(function: str, *arguments: ast.Expression) -> ast.Expression:
    """`function(arguments)`."""
    return ast.Call(function, arguments)


def put(function: str, value: ast.Expression, *arguments: ast.Expression) -> ast.Rule:
    """`function(arguments) := value`."""
    return ast.Update(function, arguments, value)


def cases(*rows: tuple[ast.Expression | None, list[ast.Rule]]) -> list[ast.Rule]:
    """`if ... elseif ... else ...`; a condition None is the else, and the last."""
    guarded = tuple((c, tuple(body)) for c, body in rows if c is not None)
    otherwise = tuple(rows[-1][1]) if rows and rows[-1][0] is None else ()
    if not guarded:  # no row, or the else alone
        return list(otherwise)
    if len(otherwise) == 1 and isinstance(otherwise[0], ast.If):
        inner = otherwise[0]
        return [ast.If((*guarded, *inner.cases), inner.otherwise)]
    return [ast.If(guarded, otherwise)]
