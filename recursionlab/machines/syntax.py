"""What a machine's text means: declarations, rules, expressions; and how they are printed."""

from __future__ import annotations

from dataclasses import dataclass, field

from recursionlab.language.source import Span

__all__ = [
    "Binary", "Block", "Call", "Choose", "Enum", "Expression", "Forall", "Fun", "Halt", "If",
    "Let", "Name", "Number", "Param", "Quoted", "Rule", "Skip", "Tokens", "Tree", "Truth",
    "Unary", "Update", "Var", "show", "show_expression",
]  # fmt: skip

_NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Expression:
    """Base of the expressions; where one stands is no part of what it is."""

    span: Span = field(default=_NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Number(Expression):
    """A numeral."""

    value: int


@dataclass(frozen=True)
class Truth(Expression):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True)
class Name(Expression):
    """A variable, parameter, bound name, token or member of an enum."""

    name: str


@dataclass(frozen=True)
class Quoted(Expression):
    """A token written in quotes."""

    name: str


@dataclass(frozen=True)
class Call(Expression):
    """A function at arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Unary(Expression):
    """`not e` or `-e`."""

    op: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """An operator between two operands."""

    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Rule:
    """Base of the rules."""

    span: Span = field(default=_NOWHERE, compare=False, repr=False, kw_only=True)


Block = tuple[Rule, ...]


@dataclass(frozen=True)
class Update(Rule):
    """`name(arguments) := value`; a variable has no arguments."""

    name: str
    arguments: tuple[Expression, ...]
    value: Expression


@dataclass(frozen=True)
class If(Rule):
    """Guarded blocks, the first whose guard holds, and what else."""

    cases: tuple[tuple[Expression, Block], ...]
    otherwise: Block = ()


@dataclass(frozen=True)
class Let(Rule):
    """A name for a value of the old state."""

    name: str
    value: Expression
    body: Block


@dataclass(frozen=True)
class Forall(Rule):
    """The block for every number from low to high that satisfies the condition, at once."""

    name: str
    low: Expression
    high: Expression
    condition: Expression | None
    body: Block


@dataclass(frozen=True)
class Choose(Rule):
    """The block for one such number, drawn uniformly; `otherwise` where there is none."""

    name: str
    low: Expression
    high: Expression
    condition: Expression | None
    body: Block
    otherwise: Block = ()


@dataclass(frozen=True)
class Halt(Rule):
    """The step is the last one."""


@dataclass(frozen=True)
class Skip(Rule):
    """No update."""


@dataclass(frozen=True)
class Tokens(Rule):
    """Declares tokens, as they are written; one in quotes is known by its quoted name alone."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Enum(Rule):
    """Declares a finite sort."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Param(Rule):
    """Declares a number of the run: an expression of the length and earlier parameters."""

    name: str
    sort: str
    value: Expression


@dataclass(frozen=True)
class Var(Rule):
    """Declares a dynamic function without arguments and its first value."""

    name: str
    sort: str
    value: Expression


@dataclass(frozen=True)
class Fun(Rule):
    """Declares a dynamic function of one or two arguments and its default."""

    name: str
    arguments: tuple[str, ...]
    sort: str
    value: Expression


@dataclass(frozen=True)
class Tree:
    """A machine."""

    name: str
    declarations: tuple[Rule, ...]
    rule: Block


# ---------------------------------------------------------------------------------- printing

_LEVELS = {"or": 1, "and": 2, "not": 3, "=": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4}
_LEVELS |= {"+": 5, "-": 5, "*": 6, "/": 6, "mod": 6}
_SIGN, _ATOM = 7, 8


def show_expression(e: Expression, level: int = 0) -> str:
    """Print an expression with as few parentheses as the grammar allows."""
    if isinstance(e, Number):
        return str(e.value)
    if isinstance(e, Truth):
        return "true" if e.value else "false"
    if isinstance(e, Name):
        return e.name
    if isinstance(e, Quoted):
        return f'"{e.name}"'
    if isinstance(e, Call):
        return f"{e.name}({', '.join(show_expression(a) for a in e.arguments)})"
    if isinstance(e, Unary):
        own = _LEVELS["not"] if e.op == "not" else _SIGN
        space = " " if e.op == "not" else ""
        text = f"{e.op}{space}{show_expression(e.operand, own)}"
    else:
        assert isinstance(e, Binary)
        own = _LEVELS[e.op]
        left = show_expression(e.left, own + (own == _LEVELS["="]))
        text = f"{left} {e.op} {show_expression(e.right, own + 1)}"
    return f"({text})" if own < level else text


def show(tree: Tree) -> str:
    """Print a machine; parsing the text gives the same tree."""
    lines = [f"machine {tree.name}", *(_declaration(d) for d in tree.declarations), "", "rule"]
    _block(tree.rule, 1, lines)
    return "\n".join([*lines, "end"]) + "\n"


def _declaration(d: Rule) -> str:
    if isinstance(d, Tokens):
        return f"token {' '.join(d.names)}"
    if isinstance(d, Enum):
        return f"enum {d.name} = {' | '.join(d.members)}"
    if isinstance(d, Fun):
        value = show_expression(d.value)
        return f"fun {d.name}({', '.join(d.arguments)}) : {d.sort} = {value}"
    assert isinstance(d, Param | Var)
    word = "param" if isinstance(d, Param) else "var"
    return f"{word} {d.name} : {d.sort} = {show_expression(d.value)}"


def _block(block: Block, depth: int, lines: list[str]) -> None:
    for rule in block:
        _rule(rule, depth, lines)


def _rule(rule: Rule, depth: int, lines: list[str]) -> None:
    pad = "  " * depth
    if isinstance(rule, Halt | Skip):
        lines.append(pad + ("halt" if isinstance(rule, Halt) else "skip"))
        return
    if isinstance(rule, Update):
        arguments = ", ".join(show_expression(a) for a in rule.arguments)
        place = f"{rule.name}({arguments})" if rule.arguments else rule.name
        lines.append(f"{pad}{place} := {show_expression(rule.value)}")
        return
    if isinstance(rule, If):
        for i, (condition, body) in enumerate(rule.cases):
            lines.append(f"{pad}{'elseif' if i else 'if'} {show_expression(condition)} then")
            _block(body, depth + 1, lines)
        _otherwise(rule.otherwise, depth, lines)
    elif isinstance(rule, Let):
        lines.append(f"{pad}let {rule.name} = {show_expression(rule.value)} in")
        _block(rule.body, depth + 1, lines)
    else:
        assert isinstance(rule, Forall | Choose)
        word = "forall" if isinstance(rule, Forall) else "choose"
        low, high = show_expression(rule.low), show_expression(rule.high)
        head = f"{pad}{word} {rule.name} in {low} .. {high}"
        if rule.condition is not None:
            head += f" with {show_expression(rule.condition)}"
        lines.append(f"{head} do")
        _block(rule.body, depth + 1, lines)
        if isinstance(rule, Choose):
            _otherwise(rule.otherwise, depth, lines)
    lines.append(f"{pad}end")


def _otherwise(block: Block, depth: int, lines: list[str]) -> None:
    if block:
        lines.append("  " * depth + "else")
        _block(block, depth + 1, lines)
