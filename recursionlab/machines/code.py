"""From a checked machine to the C core's instructions (csrc/asm/op.def says what each does)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from . import syntax as ast
from .check import Signature

__all__ = ["NONE", "assemble", "constant_of"]

NONE = -1  # the token that is none

_ARITHMETIC = {"+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV", "mod": "MOD"}


@lru_cache(maxsize=1)
def _ops() -> dict[str, int]:
    from recursionlab import _core

    return {name: i for i, name in enumerate(_core.asm_ops())}


@dataclass
class _Label:
    """A line that is not known yet, and the instructions that jump to it."""

    waiting: list[int] = field(default_factory=list)


def assemble(tree: ast.Tree, signature: Signature, tokens: Mapping[str, int]) -> Any:
    """Make the C core's machine.

    Parameters
    ----------
    tree : Tree
        A machine that `check` accepted with this signature.
    signature : Signature
        Its names.
    tokens : mapping of str to int
        Number of every token.

    Returns
    -------
    recursionlab._core.Machine
    """
    from recursionlab import _core

    a = _Assembler(signature, tokens)
    for d in tree.declarations:
        if isinstance(d, ast.Param | ast.Var):
            a.put("INIT", ("name", d.name), a.value(d.value), 0)
            a.temps = 0
    a.put("END", 0, 0, 0)
    rule = len(a.code)
    a.block(tree.rule)
    a.put("END", 0, 0, 0)
    funs = [d for d in tree.declarations if isinstance(d, ast.Fun)]
    return _core.Machine(
        a.numbers(),
        rule,
        np.array(list(a.constants), dtype=np.int32),
        len(signature.of("param")),
        len(signature.of("var")),
        a.most,
        np.array([len(d.arguments) for d in funs], dtype=np.int32),
        np.array([a.constant_of(d.value) for d in funs], dtype=np.int32),
    )


def constant_of(e: ast.Expression, signature: Signature, tokens: Mapping[str, int]) -> int:
    """Return the number that a constant stands for."""
    if isinstance(e, ast.Number | ast.Truth):
        return int(e.value)
    if isinstance(e, ast.Unary):
        return -constant_of(e.operand, signature, tokens)
    assert isinstance(e, ast.Name | ast.Quoted)
    if isinstance(e, ast.Quoted):
        return tokens[e.name]
    entity = signature.names[e.name]
    if entity.kind == "none":
        return NONE
    return tokens[e.name] if entity.kind == "token" else entity.index


# An operand is a number, or a register by kind: ("const", i) ("name", x) ("temp", i) ("length", 0).
_Operand = Any


class _Assembler:
    def __init__(self, signature: Signature, tokens: Mapping[str, int]) -> None:
        self.signature, self.tokens = signature, tokens
        self.code: list[tuple[int, _Operand, _Operand, _Operand]] = []
        self.constants: dict[int, int] = {}
        self.locals: dict[str, _Operand] = {}
        self.temps = self.most = 0

    # ---------------------------------------------------------------------- small pieces

    def put(self, op: str, d: _Operand, a: _Operand, b: _Operand) -> None:
        if isinstance(b, _Label):
            b.waiting.append(len(self.code))
        self.code.append((_ops()[op], d, a, b))

    def here(self, label: _Label) -> None:
        for line in label.waiting:
            self.code[line] = (*self.code[line][:3], len(self.code))

    def temp(self) -> _Operand:
        self.temps += 1
        self.most = max(self.most, self.temps)
        return ("temp", self.temps - 1)

    def constant(self, value: int) -> _Operand:
        return ("const", self.constants.setdefault(value, len(self.constants)))

    def numbers(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Lay out the registers and write the operands as numbers."""
        first = {"length": 0, "const": 1}
        first["param"] = 1 + len(self.constants)
        first["var"] = first["param"] + len(self.signature.of("param"))
        first["temp"] = first["var"] + len(self.signature.of("var"))

        def number(x: _Operand) -> int:
            if isinstance(x, int):
                return x
            kind, i = x
            if kind == "name":
                entity = self.signature.names[i]
                kind, i = entity.kind, entity.index
            return int(first[kind] + i)

        rows = [(op, number(d), number(a), number(b)) for op, d, a, b in self.code]
        return np.array(rows, dtype=np.int32).reshape(-1, 4)

    def constant_of(self, e: ast.Expression) -> int:
        return constant_of(e, self.signature, self.tokens)

    # ----------------------------------------------------------------------- expressions

    def value(self, e: ast.Expression) -> _Operand:
        """Return the register that holds an expression's value; temporaries stay taken."""
        if isinstance(e, ast.Name):
            return self._name(e)
        if isinstance(e, ast.Number | ast.Truth | ast.Quoted):
            return self.constant(self.constant_of(e))
        if isinstance(e, ast.Call):
            return self._call(e)
        if isinstance(e, ast.Unary) and e.op == "-":
            if isinstance(e.operand, ast.Number):
                return self.constant(-e.operand.value)
            return self._three("SUB", self.constant(0), self.value(e.operand))
        if isinstance(e, ast.Binary) and e.op in _ARITHMETIC:
            return self._three(_ARITHMETIC[e.op], self.value(e.left), self.value(e.right))
        return self._truth(e)

    def _name(self, e: ast.Name) -> _Operand:
        if e.name in self.locals:
            return self.locals[e.name]
        kind = self.signature.names[e.name].kind
        if kind == "length":
            return ("length", 0)
        return ("name", e.name) if kind in ("param", "var") else self.constant(self.constant_of(e))

    def _three(self, op: str, a: _Operand, b: _Operand) -> _Operand:
        out = self.temp()
        self.put(op, out, a, b)
        return out

    def _truth(self, e: ast.Expression) -> _Operand:
        out = self.temp()
        no, done = _Label(), _Label()
        self.unless(e, no)
        self.put("MOV", out, self.constant(1), 0)
        self.put("JUMP", 0, 0, done)
        self.here(no)
        self.put("MOV", out, self.constant(0), 0)
        self.here(done)
        self.put("MOV", out, out, 0)  # a label needs a line
        return out

    def _call(self, e: ast.Call) -> _Operand:
        if e.name in ("min", "max"):
            a, b = (self.value(x) for x in e.arguments)
            return self._three(e.name.upper(), a, b)
        if e.name in ("input", "output"):
            return self._three(e.name.upper(), self.value(e.arguments[0]), 0)
        out = self.temp()
        self.put("GET", out, self.signature.names[e.name].index, self._arguments(e.arguments))
        return out

    def _arguments(self, arguments: tuple[ast.Expression, ...]) -> _Operand:
        values = [self.value(x) for x in arguments]
        if len(values) == 1:
            return values[0]
        places = [self.temp() for _ in values]
        for place, value in zip(places, values, strict=True):
            self.put("MOV", place, value, 0)
        return places[0]

    def unless(self, e: ast.Expression, label: _Label) -> None:
        """Jump to the label where a condition is false; the right side may stay unread."""
        self._branch(e, label, True)

    def _branch(self, e: ast.Expression, label: _Label, unless: bool) -> None:
        if isinstance(e, ast.Unary) and e.op == "not":
            self._branch(e.operand, label, not unless)
        elif isinstance(e, ast.Binary) and e.op in ("and", "or"):
            if (e.op == "and") == unless:
                self._branch(e.left, label, unless)
                self._branch(e.right, label, unless)
            else:
                past = _Label()
                self._branch(e.left, past, not unless)
                self._branch(e.right, label, unless)
                self.here(past)
        elif isinstance(e, ast.Binary) and e.op in _COMPARE:
            left, right = self.value(e.left), self.value(e.right)
            op, swap = _COMPARE[e.op]
            if swap:
                left, right = right, left
            self.put(_OPPOSITE[op] if unless else op, left, right, label)
        else:
            self.put("JZ" if unless else "JNZ", self.value(e), 0, label)

    # ----------------------------------------------------------------------------- rules

    def block(self, block: ast.Block) -> None:
        for rule in block:
            kept = self.temps
            self.rule(rule)
            self.temps = kept

    def rule(self, rule: ast.Rule) -> None:
        if isinstance(rule, ast.Update):
            self._update(rule)
        elif isinstance(rule, ast.Halt):
            self.put("HALT", 0, 0, 0)
        elif isinstance(rule, ast.If):
            self._if(rule)
        elif isinstance(rule, ast.Let):
            self.locals[rule.name] = self.value(rule.value)
            self.block(rule.body)
            del self.locals[rule.name]
        elif isinstance(rule, ast.Forall):
            x, high, past = self._range(rule)
            self._each(rule, x, high, lambda: self.block(rule.body))
            self.here(past)
            del self.locals[rule.name]
        elif isinstance(rule, ast.Choose):
            self._choose(rule)

    def _update(self, rule: ast.Update) -> None:
        entity = self.signature.names[rule.name]
        if entity.kind == "var":
            self.put("SET", ("name", rule.name), self.value(rule.value), 0)
        elif entity.kind == "output":
            at = self.value(rule.arguments[0])
            self.put("WRITE", at, self.value(rule.value), 0)
        else:
            value = self.value(rule.value)
            self.put("PUT", value, entity.index, self._arguments(rule.arguments))

    def _if(self, rule: ast.If) -> None:
        done = _Label()
        for i, (condition, body) in enumerate(rule.cases):
            past = _Label()
            kept = self.temps
            self.unless(condition, past)
            self.temps = kept
            self.block(body)
            if i + 1 < len(rule.cases) or rule.otherwise:
                self.put("JUMP", 0, 0, done)
            self.here(past)
        self.block(rule.otherwise)
        self.here(done)

    def _range(self, rule: ast.Forall | ast.Choose) -> tuple[_Operand, _Operand, _Label]:
        low, high = self.value(rule.low), self.value(rule.high)
        x, past = self.temp(), _Label()
        self.put("MOV", x, low, 0)
        self.put("JLT", high, x, past)
        self.locals[rule.name] = x
        return x, high, past

    def _each(self, rule: ast.Forall | ast.Choose, x: _Operand, high: _Operand, body: Any) -> None:
        top, skip = len(self.code), _Label()
        if rule.condition is not None:
            kept = self.temps
            self.unless(rule.condition, skip)
            self.temps = kept
        body()
        self.here(skip)
        self.put("NEXT", x, high, top)

    def _choose(self, rule: ast.Choose) -> None:
        count, left = self.temp(), self.temp()
        one = self.constant(1)
        self.put("MOV", count, self.constant(0), 0)
        x, high, none = self._range(rule)
        low = self.temp()
        self.put("MOV", low, x, 0)
        self._each(rule, x, high, lambda: self.put("ADD", count, count, one))
        self.put("JZ", count, 0, none)
        self.put("RANDOM", left, count, 0)
        self.put("MOV", x, low, 0)
        found, done = _Label(), _Label()

        def draw() -> None:
            self.put("JZ", left, 0, found)
            self.put("SUB", left, left, one)

        self._each(rule, x, high, draw)
        self.here(found)
        self.block(rule.body)
        del self.locals[rule.name]
        self.put("JUMP", 0, 0, done)
        self.here(none)
        self.block(rule.otherwise)
        self.here(done)


# Comparison: instruction, and whether its operands are swapped.
_COMPARE = {
    "=": ("JEQ", False), "!=": ("JNE", False), "<": ("JLT", False), ">=": ("JGE", False),
    ">": ("JLT", True), "<=": ("JGE", True),
}  # fmt: skip
_OPPOSITE = {"JEQ": "JNE", "JNE": "JEQ", "JLT": "JGE", "JGE": "JLT"}
