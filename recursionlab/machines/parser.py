"""From the text of a machine to its syntax tree; lark's errors become ours here."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from recursionlab.errors import LanguageError
from recursionlab.language.source import Source, Span

from . import syntax as ast

__all__ = ["parse", "parse_expression", "too_deep"]

_MAX_NESTING = 200
_SIGNS = {
    "EQUAL": "=", "__ANON_0": ":=", "__ANON_1": "..", "LPAR": "(", "RPAR": ")", "VBAR": "|",
    "COMMA": ",", "COLON": ":", "NAME": "a name", "NUMBER": "a number", "STRING": "a token",
    "COMPARE": "a comparison", "PLUS": "+", "MINUS": "-", "TIMES": "*", "DIVIDE": "/",
}  # fmt: skip


@lru_cache(maxsize=1)
def _lark() -> Lark:
    grammar = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start=["machine", "expression"],
        keep_all_tokens=True,
        maybe_placeholders=False,
        propagate_positions=True,
    )


def parse(source: Source) -> ast.Tree:
    """Parse a machine.

    Raises
    ------
    LanguageError
        If the text is no machine.
    """
    tree = _run(source, "machine")
    assert isinstance(tree, ast.Tree)
    return tree


def parse_expression(source: Source) -> ast.Expression:
    """Parse an expression, such as a parameter's value."""
    tree = _run(source, "expression")
    assert isinstance(tree, ast.Expression)
    return tree


def _run(source: Source, start: str) -> Any:
    _check_nesting(source)
    try:
        return _Builder(source).transform(_lark().parse(source.text, start=start))
    except UnexpectedInput as error:
        raise _explain(error, source) from None
    except VisitError as error:
        if isinstance(error.orig_exc, LanguageError):
            raise error.orig_exc from None
        if isinstance(error.orig_exc, RecursionError):
            raise too_deep(source) from None
        raise


def too_deep(source: Source) -> LanguageError:
    """Build the error for what would exhaust Python's stack."""
    return source.error(
        "rules or expressions are nested too deeply", Span(0, 1), "name parts by `let`"
    )


def _check_nesting(source: Source) -> None:
    """Refuse what would exhaust Python's stack early where that is easily seen."""
    if len(source.text) > 1_000_000:
        raise source.error("this machine is longer than a million characters", Span(0, 1))
    depth, last, comment = 0, "", False
    for offset, char in enumerate(source.text):
        comment = char == "#" or (comment and char != "\n")
        if comment:
            continue
        if char == "(" or (char == "-" and last in "-(="):
            depth += 1
        elif char == ")" or char == "\n":
            depth = max(0, depth - 1)
        if depth > _MAX_NESTING:
            raise source.error(
                f"expressions are nested deeper than {_MAX_NESTING}", Span(offset, offset + 1)
            )
        last = last if char.isspace() else char


def _explain(error: UnexpectedInput, source: Source) -> LanguageError:
    if isinstance(error, UnexpectedToken):
        token = error.token
        wanted = error.accepts or error.expected or set()
        if token.type == "$END":
            end = len(source.text.rstrip())
            return source.error("the text ends too early", Span(end, end + 1), _expected(wanted))
        start = token.start_pos or 0
        return source.error(
            f"`{token}` cannot stand here", Span(start, start + len(token)), _expected(wanted)
        )
    assert isinstance(error, UnexpectedCharacters)
    start = error.pos_in_stream or 0
    char = source.text[start : start + 1]
    return source.error(
        f"`{char}` cannot stand here", Span(start, start + 1), _expected(error.allowed or set())
    )


def _expected(terminals: Any) -> str:
    names = sorted({_SIGNS.get(t, t.lower()) for t in terminals if t != "$END"})
    return f"expected {', '.join(names[:12])}" if names else "expected the end"


_SILENT = {"MACHINE", "RULE", "END", "TOKEN", "ENUM", "PARAM", "VAR", "FUN", "IF", "THEN"}
_SILENT |= {"ELSEIF", "LET", "IN", "FORALL", "CHOOSE", "DO", "HALT", "SKIP"}
_SILENT |= {t for t, sign in _SIGNS.items() if sign in ("=", ":=", "..", "(", ")", "|", ",", ":")}


def _kept(children: list[Any]) -> list[Any]:
    """Drop the words and signs that carry no meaning."""
    return [c for c in children if not (isinstance(c, Token) and c.type in _SILENT)]


def _span(meta: Any) -> Span:
    return Span(getattr(meta, "start_pos", 0) or 0, getattr(meta, "end_pos", 1) or 1)


@v_args(meta=True)
class _Builder(Transformer[Any, Any]):
    """Each method wears the name of its grammar rule."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def machine(self, meta: Any, children: list[Any]) -> ast.Tree:
        name, *declarations, block = _kept(children)
        return ast.Tree(str(name), tuple(declarations), block)

    def tokens(self, meta: Any, children: list[Any]) -> ast.Rule:
        names = tuple(str(c) for c in _kept(children))
        return ast.Tokens(names, span=_span(meta))

    def enum(self, meta: Any, children: list[Any]) -> ast.Rule:
        name, *members = (str(c) for c in _kept(children))
        return ast.Enum(name, tuple(members), span=_span(meta))

    def param(self, meta: Any, children: list[Any]) -> ast.Rule:
        name, sort, value = _kept(children)
        return ast.Param(str(name), str(sort), value, span=_span(meta))

    def var(self, meta: Any, children: list[Any]) -> ast.Rule:
        name, sort, value = _kept(children)
        return ast.Var(str(name), str(sort), value, span=_span(meta))

    def fun(self, meta: Any, children: list[Any]) -> ast.Rule:
        name, *arguments, sort, value = _kept(children)
        sorts = tuple(str(a) for a in arguments)
        return ast.Fun(str(name), sorts, str(sort), value, span=_span(meta))

    def block(self, meta: Any, children: list[Any]) -> ast.Block:
        return tuple(children)

    def arguments(self, meta: Any, children: list[Any]) -> tuple[ast.Expression, ...]:
        return tuple(_kept(children))

    def set(self, meta: Any, children: list[Any]) -> ast.Rule:
        name, value = _kept(children)
        return ast.Update(str(name), (), value, span=_span(meta))

    def put(self, meta: Any, children: list[Any]) -> ast.Rule:
        name, arguments, value = _kept(children)
        return ast.Update(str(name), arguments, value, span=_span(meta))

    def if_(self, meta: Any, children: list[Any]) -> ast.Rule:
        body, otherwise = _else(_kept(children))
        cases = tuple(zip(body[::2], body[1::2], strict=True))
        return ast.If(cases, otherwise, span=_span(meta))

    def let(self, meta: Any, children: list[Any]) -> ast.Rule:
        name, value, body = _kept(children)
        return ast.Let(str(name), value, body, span=_span(meta))

    def _range(self, children: list[Any]) -> tuple[Any, ...]:
        name, low, high, *rest = children
        condition = None
        if isinstance(rest[0], Token):
            condition, rest = rest[1], rest[2:]
        return str(name), low, high, condition, rest[0]

    def forall(self, meta: Any, children: list[Any]) -> ast.Rule:
        return ast.Forall(*self._range(_kept(children)), span=_span(meta))

    def choose(self, meta: Any, children: list[Any]) -> ast.Rule:
        body, otherwise = _else(_kept(children))
        name, low, high, condition, inner = self._range(body)
        return ast.Choose(name, low, high, condition, inner, otherwise, span=_span(meta))

    def halt(self, meta: Any, children: list[Any]) -> ast.Rule:
        return ast.Halt(span=_span(meta))

    def skip(self, meta: Any, children: list[Any]) -> ast.Rule:
        return ast.Skip(span=_span(meta))

    def binary(self, meta: Any, children: list[Any]) -> ast.Expression:
        left, op, right = children
        return ast.Binary(str(op), left, right, span=_span(meta))

    compare = binary

    def unary(self, meta: Any, children: list[Any]) -> ast.Expression:
        op, operand = children
        return ast.Unary(str(op), operand, span=_span(meta))

    def number(self, meta: Any, children: list[Any]) -> ast.Expression:
        text = str(children[0])
        if len(text) > 10 or int(text) >= 2**31:
            raise self.source.error(
                "this number does not fit 32 bits", _span(meta), "write one below 2147483648"
            )
        return ast.Number(int(text), span=_span(meta))

    def true(self, meta: Any, children: list[Any]) -> ast.Expression:
        return ast.Truth(True, span=_span(meta))

    def false(self, meta: Any, children: list[Any]) -> ast.Expression:
        return ast.Truth(False, span=_span(meta))

    def name(self, meta: Any, children: list[Any]) -> ast.Expression:
        return ast.Name(str(children[0]), span=_span(meta))

    def quoted(self, meta: Any, children: list[Any]) -> ast.Expression:
        return ast.Quoted(str(children[0])[1:-1], span=_span(meta))

    def call(self, meta: Any, children: list[Any]) -> ast.Expression:
        name, arguments = _kept(children)
        return ast.Call(str(name), arguments, span=_span(meta))

    def paren(self, meta: Any, children: list[Any]) -> ast.Expression:
        (inner,) = _kept(children)
        assert isinstance(inner, ast.Expression)
        return inner


setattr(_Builder, "if", _Builder.if_)


def _else(children: list[Any]) -> tuple[list[Any], ast.Block]:
    """Split off the block after `else`."""
    for i, child in enumerate(children):
        if isinstance(child, Token) and child.type == "ELSE":
            return children[:i], children[i + 1]
    return children, ()
