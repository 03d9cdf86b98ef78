"""From the text of one sentence to its syntax tree; lark's errors become ours here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from recursionlab.errors import LanguageError

from . import syntax as ast
from .source import Excerpt, Sentence, Source, Span
from .words import REFUSED_TOKENS, TERMINALS

__all__ = ["MAX_NESTING", "STARTS", "parse"]

# How deep expressions may be nested in each other; items of a list do not count.
MAX_NESTING = 100

# Infix notations by level, from the tightest; the levels 60 and 99 associate to the right. Coq's
# level 70 is said not to associate, but its parser groups to the left.
_LEVELS = {
    **dict.fromkeys(("*", "&&"), 40),
    **dict.fromkeys(("+", "-", "||"), 50),
    **dict.fromkeys(("::", "++"), 60),
    **dict.fromkeys(("=?", "<=?", "<?", "="), 70),
    "->": 99,
}
_RIGHT = (60, 99)

# First word of a command -> start rule.
STARTS = {
    "Inductive": "inductive",
    "Fixpoint": "fixpoint",
    "Definition": "definition",
    "Example": "example",
    "Compute": "compute",
    "From": "require",
    "Require": "require",
    "Import": "import",
    "Open": "open_scope",
    "Arguments": "arguments",
    "Notation": "notation",
}


class _Refused(Exception):
    """Raised by the builder, which does not know the source."""

    def __init__(self, message: str, span: Span, hint: str) -> None:
        super().__init__(message)
        self.message, self.span, self.hint = message, span, hint


def parse(source: Source, clean: str, sentence: Sentence, rule: str) -> Any:
    """Parse one sentence by a start rule of the grammar.

    Parameters
    ----------
    source : Source
        Where the sentence stands, for messages.
    clean : str
        The source's text with comments blanked.
    sentence : Sentence
        What to parse.
    rule : str
        A start rule; `expression` for a bare expression.

    Returns
    -------
    A command or, for `expression`, an `Expr`; spans count from the sentence's start.

    Raises
    ------
    LanguageError
        If the sentence is not in the subset.
    """
    excerpt = Excerpt(source, sentence.span.start)
    text = clean[sentence.span.start : sentence.span.end]
    try:
        return _lark().parse(text, start=rule)
    except _Refused as error:
        raise excerpt.error(error.message, error.span, error.hint) from None
    except UnexpectedInput as error:
        raise _explain(error, excerpt, text) from None


@lru_cache(maxsize=1)
def _lark() -> Lark:
    grammar = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start=sorted({*STARTS.values(), "expression"}),
        keep_all_tokens=True,
        maybe_placeholders=False,
        transformer=_Builder(),
    )


# ------------------------------------------------------------------------------------ errors


def _explain(error: UnexpectedInput, excerpt: Excerpt, text: str) -> LanguageError:
    if isinstance(error, UnexpectedToken):
        token = error.token
        if token.type == "$END":
            return excerpt.error(
                "the command ends too early",
                Span(len(text), len(text) + 1),
                f"expected {_expected(_acceptable(error))}",
            )
        span, found = Span(token.start_pos or 0, token.end_pos or 0), str(token)
        wanted = _acceptable(error)
    else:
        assert isinstance(error, UnexpectedCharacters)
        start = error.pos_in_stream or 0
        found = _word_at(text, start)
        span = Span(start, start + len(found))
        wanted = set(error.allowed or ())
    for known, (message, hint) in REFUSED_TOKENS.items():
        if found == known:
            return excerpt.error(message, span, hint)
    if len(found) == 1 and not found.isascii():
        return excerpt.error(
            f"the character {found!r} is not part of the language",
            span,
            "names are made of ASCII letters, digits, _ and '",
        )
    if found in (":", "/", "!") and text.startswith("Arguments"):
        return excerpt.error("flags of `Arguments` are not in the subset", span, "remove them")
    if found == ":=" and re.search(r"\(\s*[A-Za-z_][\w']*\s*$", text[: span.start], re.ASCII):
        message = "arguments by name, `(x := e)`, are not in the subset"
        return excerpt.error(message, span, "write `@f T ...`, with all arguments in their order")
    hint = f"expected {_expected(wanted)}"
    if found in ("fun", "let", "if", "fix") and "LPAR" in wanted and "FUN" not in wanted:
        hint = f"put it in parentheses, as in `({found} ...)`"
    return excerpt.error(f"unexpected `{found}`", span, hint)


def _acceptable(error: UnexpectedToken) -> set[str]:
    return set(error.accepts or error.expected or ())


def _word_at(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end].isascii() and (text[end].isalnum() or text[end] in "_'"):
        end += 1
    if end > start:
        return text[start:end]
    for width in (3, 2):
        if text[start : start + width] in REFUSED_TOKENS:
            return text[start : start + width]
    return text[start : start + 1]


def _expected(terminals: set[str]) -> str:
    """Say a set of terminals in words; a whole expression counts as one thing."""
    rest = set(terminals)
    words = []
    groups = (
        ("an expression", {"FUN", "LET", "IF", "NUMBER", "MATCH", "IDENT"}),
        ("an argument", {"NUMBER", "MATCH", "IDENT", "LPAR"}),
        ("a pattern", {"NUMBER", "HOLE", "IDENT", "LPAR"}),
        ("an operator", {"SUM", "PRODUCT"}),
        ("a parameter", {"IDENT", "HOLE", "LPAR", "LBRACE"}),
    )
    covers = {"QUALIFIED", "AT", "SORT", "LBRACKET", "HOLE", "LPAR", "QUOTE", "FIX", "FORALL"}
    operators = {"CONS", "APPEND", "RELATION", "ARROW", "EQUAL", "SCOPE"}
    for word, members in groups:
        if members <= rest:
            words.append(word)
            rest -= members | (operators if word == "an operator" else covers)
    words += sorted({TERMINALS.get(name, name) for name in rest})
    if len(words) > 1 and "an operator" in words:
        words.remove("an operator")
    return " or ".join(words) if words else "the end of the command"


# ------------------------------------------------------------------------------------ builder


def _span(children: Iterable[Any]) -> Span:
    items = list(children)
    return Span(_start(items[0]), _end(items[-1])) if items else Span(0, 0)


def _start(item: Any) -> int:
    return int(item.start_pos or 0) if isinstance(item, Token) else int(item.span.start)


def _end(item: Any) -> int:
    return int(item.end_pos or 0) if isinstance(item, Token) else int(item.span.end)


def _depth(items: Iterable[Any], span: Span) -> int:
    """Depth of a node over these children; refuses what is nested too deep."""
    depth = 1 + max((getattr(item, "depth", 0) for item in items), default=0)
    if depth > MAX_NESTING:
        raise _Refused(
            f"this is nested more than {MAX_NESTING} levels deep",
            span,
            "split it into several definitions",
        )
    return depth


def _of(children: Iterable[Any], *kinds: type) -> list[Any]:
    return [c for c in children if isinstance(c, kinds) and not isinstance(c, Token)]


def _after(children: list[Any], terminal: str) -> Any:
    """Return the child that follows a token of this kind, or None."""
    for i, child in enumerate(children):
        if isinstance(child, Token) and child.type == terminal:
            return children[i + 1]
    return None


def _number(token: Token) -> int:
    digits = token.lstrip("0") or "0"
    return int(digits) if len(digits) < 8 else 10**8


class _Listed(list[Any]):
    """Constructors or branches, with the span they cover."""

    def __init__(self, items: Iterable[Any], span: Span) -> None:
        super().__init__(items)
        self.span = span
        self.depth = max((getattr(item, "depth", 0) for item in items), default=0)


Children = list[Any]
_T = TypeVar("_T")


class _Builder(Transformer[Token, Any]):
    """One method a grammar rule; children hold every token, so spans come from the ends."""

    # names
    def ident(self, c: Children) -> ast.Ident:
        return ast.Ident(str(c[0]), _span(c))

    qualid = ident
    hole = ident

    # binders
    def binder(self, c: Children) -> ast.Binder:
        return ast.Binder([c[0]], None, False, c[0].span)

    def typed_binder(self, c: Children) -> ast.Binder:
        return self._binder(c, implicit=False)

    def implicit_binder(self, c: Children) -> ast.Binder:
        return self._binder(c, implicit=True)

    def _binder(self, c: Children, *, implicit: bool) -> ast.Binder:
        kind = _after(c, "COLON")
        depth = _depth([kind], _span(c))
        return ast.Binder(_of(c, ast.Ident), kind, implicit, _span(c), depth=depth)

    def pattern_binder(self, c: Children) -> ast.Binder:
        name = ast.Ident("_", _span(c))
        return ast.Binder([name], None, False, _span(c), pattern=c[1], depth=_depth(c, _span(c)))

    # expressions
    def _node(self, make: Callable[..., _T], c: Children, *fields: Any, **named: Any) -> _T:
        span = _span(c)
        return make(span, *fields, depth=_depth(c, span), **named)

    def name(self, c: Children) -> ast.Expr:
        return self._node(ast.Name, c, c[0].name)

    def explicit(self, c: Children) -> ast.Expr:
        return self._node(ast.Name, c, c[1].name, explicit=True)

    def number(self, c: Children) -> ast.Expr:
        return self._node(ast.Number, c, _number(c[0]))

    def hole_term(self, c: Children) -> ast.Expr:
        return self._node(ast.Hole, c)

    def sort(self, c: Children) -> ast.Expr:
        return self._node(ast.Sort, c, str(c[0]))

    def scoped(self, c: Children) -> ast.Expr:
        return self._node(ast.Scoped, c, c[0], ast.Ident(str(c[1])[1:], _span(c[1:])))

    def paren(self, c: Children) -> ast.Expr:
        inner: ast.Expr = c[1]
        if isinstance(inner, ast.ListCons | ast.Name | ast.Number):
            return self._node(ast.Typed, c, inner, None)
        inner.span = _span(c)
        return inner

    def typed(self, c: Children) -> ast.Expr:
        return self._node(ast.Typed, c, c[1], c[3])

    def tuple(self, c: Children) -> ast.Expr:
        return self._node(ast.Tuple, c, _of(c, ast.Expr))

    def list_literal(self, c: Children) -> ast.Expr:
        items = _of(c, ast.Expr)[::-1]
        return self._node(ast.ListCons, c, items, None, _span(c), None)

    def operation(self, c: Children) -> ast.Expr:
        """Group a chain of operands and infix notations by their levels."""
        operands: list[ast.Expr] = [c[0]]
        operators: list[Token] = []

        def join() -> None:
            right, left, operator = operands.pop(), operands.pop(), operators.pop()
            make = self._cons if operator == "::" else self._infix
            operands.append(make([left, operator, right]))

        for operator, operand in zip(c[1::2], c[2::2], strict=True):
            level = _LEVELS[operator]
            while operators and _LEVELS[operators[-1]] < level + (level not in _RIGHT):
                join()
            operators.append(operator)
            operands.append(operand)
        while operators:
            join()
        return operands[0]

    def _cons(self, c: Children) -> ast.Expr:
        head, colons, tail = c
        if isinstance(tail, ast.ListCons):
            tail.reversed_items.append(head)
            tail.colons = tail.colons or _span([colons])
            tail.span = _span(c)
            tail.depth = max(tail.depth, _depth([head], tail.span))
            return tail
        return self._node(ast.ListCons, c, [head], tail, None, _span([colons]))

    def app(self, c: Children) -> ast.Expr:
        return c[0] if len(c) == 1 else self._node(ast.App, c, c[0], c[1:])

    def _infix(self, c: Children) -> ast.Expr:
        return self._node(ast.Operator, c, str(c[1]), _span([c[1]]), c[0], c[2])

    def fun(self, c: Children) -> ast.Expr:
        binders = _of(c, ast.Binder)
        kind = _after(c, "COLON")
        if kind is not None:
            binders = [
                ast.Binder([n for b in binders for n in b.names], kind, False, _span(c[1:-2]))
            ]
        return self._node(ast.Fun, c, binders, c[-1])

    def forall(self, c: Children) -> ast.Expr:
        return self._node(ast.Forall, c, c[-1])

    def let(self, c: Children) -> ast.Expr:
        binders, kind = _of(c, ast.Binder), _after(c, "COLON")
        return self._node(ast.Let, c, c[1], binders, kind, c[-3], c[-1])

    def let_fix(self, c: Children) -> ast.Expr:
        """`let fix f x := e in b`, which is `let f := fix f x := e in b`."""
        value = ast.Fix(_span(c[1:3]), c[2], depth=c[2].depth + 1)
        return self._node(ast.Let, [*c[:2], value, *c[3:]], c[2].name, [], None, value, c[-1])

    def let_pattern(self, c: Children) -> ast.Expr:
        return self._node(ast.LetPattern, c, c[2], c[4], c[6])

    def let_tuple(self, c: Children) -> ast.Expr:
        return self._node(ast.LetTuple, c, _of(c, ast.Ident), c[-3], c[-1])

    def if_(self, c: Children) -> ast.Expr:
        return self._node(ast.If, c, c[1], c[3], c[5])

    def fix(self, c: Children) -> ast.Expr:
        return self._node(ast.Fix, c, c[1])

    def struct(self, c: Children) -> ast.Ident:
        return ast.Ident("{" + str(c[2].name), c[2].span)

    def fix_body(self, c: Children) -> ast.FixDecl:
        struct = next((i for i in _of(c[1:], ast.Ident)), None)
        if struct is not None:
            struct = ast.Ident(struct.name[1:], struct.span)
        kind = _after(c, "COLON")
        decl = ast.FixDecl(c[0], _of(c, ast.Binder), struct, kind, c[-1], _span(c))
        decl.depth = _depth(c, decl.span)
        return decl

    def match(self, c: Children) -> ast.Expr:
        scrutinees = _of(c[:-2], ast.Expr)
        return self._node(ast.Match, c, scrutinees, list(c[-2]))

    def branches(self, c: Children) -> _Listed:
        return _Listed(_of(c, ast.Branch), _span(c))

    def branch(self, c: Children) -> ast.Branch:
        alternatives = [list(p) for p in c if isinstance(p, _Listed)]
        return ast.Branch(alternatives, c[-1], _span(c), depth=_depth(c, _span(c)))

    def patterns(self, c: Children) -> _Listed:
        return _Listed(_of(c, ast.Pattern), _span(c))

    def expression(self, c: Children) -> ast.Expr:
        expr: ast.Expr = c[0]
        return expr

    # patterns
    def p_name(self, c: Children) -> ast.Pattern:
        return self._node(ast.PName, c, c[0].name)

    def p_wildcard(self, c: Children) -> ast.Pattern:
        return self._node(ast.PWildcard, c)

    def p_number(self, c: Children) -> ast.Pattern:
        return self._node(ast.PNumber, c, _number(c[0]))

    def p_paren(self, c: Children) -> ast.Pattern:
        inner: ast.Pattern = c[1]
        return inner

    def p_or(self, c: Children) -> ast.Pattern:
        return self._node(ast.POr, c, _of(c, ast.Pattern))

    def p_tuple(self, c: Children) -> ast.Pattern:
        return self._node(ast.PTuple, c, _of(c, ast.Pattern))

    def p_alias(self, c: Children) -> ast.Pattern:
        return self._node(ast.PAlias, c, c[0], c[2])

    def p_scoped(self, c: Children) -> ast.Pattern:
        return self._node(ast.PScoped, c, c[0], ast.Ident(str(c[1])[1:], _span(c[1:])))

    def p_constructor(self, c: Children) -> ast.Pattern:
        return self._node(ast.PConstructor, c, c[0].name, c[0].span, c[1:])

    def p_cons(self, c: Children) -> ast.Pattern:
        return self._node(ast.PConstructor, c, "cons", _span([c[1]]), [c[0], c[2]], "::")

    def p_list(self, c: Children) -> ast.Pattern:
        span = _span(c)
        result: ast.Pattern = ast.PConstructor(span, "nil", span, [], "[")
        for item in reversed(_of(c, ast.Pattern)):
            depth = _depth([item, result], span)
            result = ast.PConstructor(span, "cons", span, [item, result], "[", depth=depth)
        return result

    # commands
    def inductive(self, c: Children) -> ast.Inductive:
        return ast.Inductive(_of(c, ast.InductiveDecl), _span(c))

    def inductive_body(self, c: Children) -> ast.InductiveDecl:
        kind = _after(c, "COLON")
        return ast.InductiveDecl(c[0], _of(c, ast.Binder), kind, list(c[-1]), _span(c[:1]))

    def constructors(self, c: Children) -> _Listed:
        return _Listed(_of(c, ast.ConstructorDecl), _span(c))

    def constructor(self, c: Children) -> ast.ConstructorDecl:
        return ast.ConstructorDecl(c[0], _of(c, ast.Binder), _after(c, "COLON"), _span(c))

    def fixpoint(self, c: Children) -> ast.Fixpoint:
        return ast.Fixpoint(_of(c, ast.FixDecl), _span(c))

    def definition(self, c: Children) -> ast.Definition:
        kind = _after(c, "COLON")
        return ast.Definition(c[1], _of(c, ast.Binder), kind, c[-1], _span(c))

    def example(self, c: Children) -> ast.Example:
        return ast.Example(c[1], _of(c, ast.Binder), c[-1], _span(c))

    def compute(self, c: Children) -> ast.Compute:
        return ast.Compute(c[1], _span(c))

    def require(self, c: Children) -> ast.Require:
        prefix = _after(c, "FROM")
        action = next((str(t) for t in c if isinstance(t, Token) and t in ("Import", "Export")), "")
        modules = [i for i in _of(c, ast.Ident) if i is not prefix]
        return ast.Require(prefix, action, modules, _span(c))

    def import_(self, c: Children) -> ast.Import:
        return ast.Import(_of(c, ast.Ident), _span(c))

    def open_scope(self, c: Children) -> ast.OpenScope:
        return ast.OpenScope(c[2], _span(c))

    def arguments(self, c: Children) -> ast.Arguments:
        return ast.Arguments(c[1], [a for group in c[2:] for a in group], _span(c))

    def argument(self, c: Children) -> _Listed:
        implicit = isinstance(c[0], Token)
        names = [ast.ArgumentName(i.name, implicit, i.span) for i in _of(c, ast.Ident)]
        return _Listed(names, _span(c))

    def notation(self, c: Children) -> ast.Notation:
        return ast.Notation(c[1], c[3], _span(c))


# `if` and `import` cannot be defined as methods by name.
setattr(_Builder, "if", _Builder.if_)
setattr(_Builder, "import", _Builder.import_)
