"""Functions along linear values as machines that read tokens once and write tokens once.

An argument is a stretch of the input; a function's state is where it stands in each stretch (`p`,
up to `e`), the letters it carries (`x`), and its accumulators: a stack `s` of `t` tokens on top of
a stretch. A call is a change of mode and needs one step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recursionlab.language import core
from recursionlab.language.signature import Constructor, Function, Inductive
from recursionlab.language.types import Con, resolve

from . import syntax as ast
from .rules import add, call, cases, eq, les, name, num, put, token
from .symbolic import (
    Built,
    Code,
    Evaluator,
    Next,
    Target,
    View,
    is_letters,
    letter_type,
    refuse,
    same_type,
)

__all__ = ["ENDS", "LAPSES", "Cut", "Transducer"]

ENDS = ("copy", "stop", "constant", "branch", "function")  # fallbacks where recursion ends
LAPSES = ("slip", "skip", "stutter")  # fallbacks of one call, after which recursion goes on

SEPARATOR = "<sep>"


@dataclass(frozen=True)
class Cut:
    """Where recursion goes wrong, and what follows.

    Attributes
    ----------
    after : int or str
        Recursive calls after the first one, a number or an expression of `length`. A transducer
        counts all of them; a heap machine counts how deep calls of the function are nested.
    then : str
        Recursion ends: `copy` what is left of the decreasing argument, `stop`, write the
        `constant`, take the `branch` of one constructor whatever is read, or go on with another
        `function` (heap machines). On a heap `stop` leaves a gap: nothing is written in its place,
        and what matches on it is a gap too; likewise a copy that is of another type than the result
        is what a function gives that matches on it.
        Or one call alone goes wrong (transducers): `slip` copies the constructor that is read
        instead of treating it, `skip` passes over it, `stutter` copies it besides.
    constant : tuple of str
        Tokens; on a heap, of a value of the function's result.
    branch : str
        Name of a constructor.
    function : str
        Name of a function of the same file, of the same type.
    """

    after: int | str
    then: str = "copy"
    constant: tuple[str, ...] = ()
    branch: str = ""
    function: str = ""


@dataclass(frozen=True, eq=False)
class _Stretch(View):
    """The input from p{index} + offset to e{index}."""

    index: int
    offset: int


@dataclass(frozen=True, eq=False)
class _Letter(View):
    """One token."""

    expression: ast.Expression


@dataclass(frozen=True, eq=False)
class _Stack(View):
    """Accumulator `index` without its uppermost `popped` tokens."""

    index: int
    popped: int


@dataclass(frozen=True, eq=False)
class _Call(View):
    """The result of a call that has not been made."""

    target: Target
    arguments: tuple[View, ...]


class _Upgrade(Exception):
    """A parameter turned out to be an accumulator; start again."""


class Transducer(Evaluator):
    """Compiles one function; `names` are the tokens of constructors."""

    def __init__(
        self,
        target: Target,
        kinds: list[str],
        names: dict[Constructor, str],
        flat: Callable[[Inductive], bool],
        reversed_in: bool,
        reversed_out: bool,
        cut: Cut | None,
    ) -> None:
        super().__init__()
        self.target, self.names, self.flat = target, names, flat
        self.reversed_in, self.reversed_out = reversed_in, reversed_out
        self.cut = cut
        self.kinds: dict[Target, list[str]] = {target: kinds}
        self.modes: dict[Target, list[ast.Rule]] = {}
        self.pending: list[Target] = []
        self.labels: dict[Target, str] = {}
        self.forced: View | None = None
        self.current = target

    # -------------------------------------------------------------------------- the whole

    def compile(self) -> dict[Target, list[ast.Rule]]:
        """Rules of every mode."""
        for _ in range(100):
            self.modes, self.pending, self.fuel = {}, [self.target], 4_000
            try:
                while self.pending:
                    target = self.pending.pop()
                    if target not in self.modes:
                        self.modes[target] = []
                        self.modes[target] = self._mode(target)
                return self.modes
            except _Upgrade:
                continue
        raise refuse("its accumulators could not be settled")

    def _mode(self, target: Target) -> Code:
        self.current = target
        views = [self._parameter(i, kind) for i, kind in enumerate(self.kinds[target])]
        body = self.body(target, views, {}, self.finish)
        if self.cut is None or target.struct < 0:
            return body
        once = self.cut.then in LAPSES
        late = ast.Binary("=" if once else ">=", name("calls"), name("k"))
        return cases((late, self._fallback(target, views)), (None, body))

    def label(self, target: Target) -> str:
        """Name of a function's mode."""
        if target not in self.labels:
            text = "do_" + target.name.replace(".", "_")
            taken = set(self.labels.values())
            self.labels[target] = next(
                x for x in (text, *(f"{text}{i}" for i in range(2, 1000))) if x not in taken
            )
        return self.labels[target]

    def _fallback(self, target: Target, views: list[View]) -> Code:
        assert self.cut is not None
        if self.cut.then == "copy":
            return self.finish(views[target.struct])
        if self.cut.then == "stop":
            return self._write([], self._end())
        if self.cut.then in LAPSES:
            return self._lapse(target, views)
        if self.cut.then == "function":
            raise refuse("only a heap machine goes on with another function")
        if self.cut.then == "constant":
            return self._write([token(t) for t in self.cut.constant], self._end())
        self.forced = views[target.struct]
        try:
            return self.body(target, views, {}, self.finish)
        finally:
            self.forced = None

    def _lapse(self, target: Target, views: list[View]) -> Code:
        """Treat one constructor wrongly and go on."""
        assert self.cut is not None
        then, read = self.cut.then, views[target.struct]
        if not isinstance(read, _Stretch) or not isinstance(target.head, Function):
            raise refuse("a call goes wrong only in a function along a stretch of the input")
        kind = resolve(target.head.signature()[0][target.struct])
        assert isinstance(kind, Con)
        constructors = kind.inductive.constructors

        def take(number: int, parts: list[View]) -> Code:
            rest = next((v for v in parts if isinstance(v, _Stretch)), None)
            if rest is None:
                return self.finish(read)
            after = read if then == "stutter" else rest
            arguments = [after if i == target.struct else v for i, v in enumerate(views)]
            call_on = _Call(target, tuple(arguments))
            if then == "skip":
                return self.finish(call_on)
            copied = tuple(call_on if v is rest else v for v in parts)
            return self.finish(Built(constructors[number], copied))

        return self._match_stretch(read, kind.inductive, take)

    def _parameter(self, i: int, kind: str) -> View:
        if kind == "letter":
            return _Letter(name(f"x{i}"))
        return _Stretch(i, 0) if kind == "stretch" else _Stack(i, 0)

    # --------------------------------------------------------------------------- reading

    def read(self, at: ast.Expression) -> ast.Expression:
        """Token at a place counted in natural order."""
        if not self.reversed_in:
            return call("input", at)
        return call("input", ast.Binary("-", add(name("length"), -1), at))

    def match(self, view: View, case: core.Case, take: Callable[[int, list[View]], Code]) -> Code:
        """Branch on the next token."""
        constructors = case.inductive.constructors
        if isinstance(view, _Call):
            raise refuse(
                f"it matches on the result of `{view.target.name}`, so it does not read its "
                "argument once"
            )
        if isinstance(view, _Letter):
            if not is_letters(case.inductive):
                raise refuse(f"it matches on a value of `{case.inductive.name}` that is no token")
            rows = [
                (eq(view.expression, token(self.names[c])), take(c.index, [])) for c in constructors
            ]
            return self._rows(rows)
        if isinstance(view, _Stretch):
            return self._match_stretch(view, case.inductive, take)
        assert isinstance(view, _Stack)
        on_stack = self._rows(self._stack_rows(view, case.inductive, take))
        below = self._match_stretch(_Stretch(view.index, 0), case.inductive, take)
        there = les(num(view.popped), name(f"t{view.index}"))
        return cases((there, on_stack), (None, below))

    def _rows(self, rows: list[tuple[ast.Expression, Code]]) -> Code:
        return cases(*rows[:-1], (None, rows[-1][1]))

    def _match_stretch(
        self, view: _Stretch, inductive: Inductive, take: Callable[[int, list[View]], Code]
    ) -> Code:
        at = add(name(f"p{view.index}"), view.offset)
        i, d = view.index, view.offset
        forced = self.cut.branch if self.cut is not None and view is self.forced else None
        if self.flat(inductive):
            nil, cons, swap = flat_pair(inductive)
            parts: list[View] = [_Letter(self.read(at)), _Stretch(i, d + 1)]
            more = les(at, name(f"e{i}"))
            if forced is not None and forced == inductive.constructors[nil].name:
                return take(nil, [])
            full = take(cons, parts[::-1] if swap else parts)
            if forced is not None:
                return full
            return cases((more, full), (None, take(nil, [])))
        rows = []
        for c in inductive.constructors:
            if forced is not None and c.name != forced:
                continue
            parts = [_Letter(self.read(add(at, 1 + j))) for j in range(letters_of(c))]
            if len(parts) < len(c.types):
                parts.append(_Stretch(i, d + 1 + len(parts)))
            condition = eq(self.read(at), token(self.names[c]))
            rows.append((condition, take(c.index, parts)))
        return self._rows(rows)

    def _stack_rows(
        self, view: _Stack, inductive: Inductive, take: Callable[[int, list[View]], Code]
    ) -> list[tuple[ast.Expression, Code]]:
        i, popped = view.index, view.popped

        def top(j: int) -> ast.Expression:
            return call(f"s{i}", add(name(f"t{i}"), -1 - popped - j))

        if self.flat(inductive):
            _, cons, swap = flat_pair(inductive)
            flat: list[View] = [_Letter(top(0)), _Stack(i, popped + 1)]
            return [(ast.Truth(True), take(cons, flat[::-1] if swap else flat))]
        rows = []
        for c in inductive.constructors:
            parts: list[View] = [_Letter(top(1 + j)) for j in range(letters_of(c))]
            if len(parts) < len(c.types):
                parts.append(_Stack(i, popped + 1 + len(parts)))
            rows.append((eq(top(0), token(self.names[c])), take(c.index, parts)))
        return rows

    def call(self, target: Target, arguments: list[View], then: Next) -> Code:
        """Leave a call for the end of the output."""
        return then(_Call(target, tuple(arguments)))

    # --------------------------------------------------------------------------- writing

    def finish(self, view: View) -> Code:
        """Write a value: what is known of it now, then what makes the rest."""
        out: list[ast.Expression] = []
        rest = self._spell(view, out)
        if rest is None:
            return self._write(out, self._end())
        if isinstance(rest, _Call):
            return self._write(out, self._transfer(rest))
        if isinstance(rest, _Stretch):
            p, e = name(f"p{rest.index}"), name(f"e{rest.index}")
            go = [put("from", add(p, rest.offset)), put("to", e), put("mode", name("copying"))]
            return self._write(out, go)
        assert isinstance(rest, _Stack)
        t = f"t{rest.index}"
        go = [put(t, add(name(t), -rest.popped))] if rest.popped else []
        return self._write(out, [*go, put("mode", name(f"unstack{rest.index}"))])

    def _spell(self, view: View, out: list[ast.Expression]) -> View | None:
        """Append the tokens of a value's known beginning; return what follows, None for nothing."""
        while True:
            if isinstance(view, _Letter):
                out.append(view.expression)
                return None
            if not isinstance(view, Built):
                return view
            c = view.constructor
            arguments = list(view.arguments)
            if self.flat(c.inductive):
                nil, _, swap = flat_pair(c.inductive)
                if c.index == nil:
                    return None
                arguments = arguments[::-1] if swap else arguments
            else:
                out.append(token(self.names[c]))
            if not arguments:
                return None
            for argument in arguments[:-1]:
                if self._spell(argument, out) is not None:
                    raise refuse(
                        f"constructor `{c.name}` has something unfinished before its last argument"
                    )
            view = arguments[-1]

    def _write(self, out: list[ast.Expression], then: Code) -> Code:
        to = "work" if self.reversed_out else "output"
        code = [put(to, e, add(name("n"), q)) for q, e in enumerate(out)]
        return [*code, *([put("n", add(name("n"), len(out)))] if out else []), *then]

    def _end(self) -> Code:
        return [put("mode", name("turning"))] if self.reversed_out else [ast.Halt()]

    def _transfer(self, pending: _Call) -> Code:
        """Change to the mode of a function with its arguments in place."""
        target = pending.target
        if target not in self.kinds:
            self.kinds[target] = [self._kind(v) for v in pending.arguments]
        self.pending.append(target)
        kinds = self.kinds[target]
        code: Code = []
        for j, (view, kind) in enumerate(zip(pending.arguments, kinds, strict=True)):
            if kind != self._kind(view) and (kind == "letter" or self._kind(view) == "letter"):
                raise refuse(f"argument {j + 1} of `{target.name}` is a letter only sometimes")
            if kind == "stretch" and not isinstance(view, _Stretch):
                kinds[j] = "stack"
                raise _Upgrade
            if kind == "letter":
                code += self._set(f"x{j}", self._letter(view))
            elif kind == "stretch":
                code += self._place(j, view)
            else:
                code += self._push(j, view)
        if self.cut is not None and target.struct >= 0:
            code.append(put("calls", add(name("calls"), 1)))
        if target != self.current:
            code.append(put("mode", name(self.label(target))))
        return code

    def _set(self, variable: str, value: ast.Expression) -> Code:
        return [] if value == name(variable) else [put(variable, value)]

    def _kind(self, view: View) -> str:
        if isinstance(view, _Letter):
            return "letter"
        if isinstance(view, Built):
            return "letter" if is_letters(view.constructor.inductive) else "stack"
        if isinstance(view, _Stretch):
            return "stretch"
        if isinstance(view, _Stack):
            return "stack"
        if isinstance(view, _Call):
            raise refuse(f"the result of `{view.target.name}` is an argument of another call")
        raise refuse("a function is passed to a recursive call")

    def _letter(self, view: View) -> ast.Expression:
        if isinstance(view, _Letter):
            return view.expression
        assert isinstance(view, Built)
        return token(self.names[view.constructor])

    def _place(self, j: int, view: View) -> Code:
        assert isinstance(view, _Stretch)
        p, e = add(name(f"p{view.index}"), view.offset), name(f"e{view.index}")
        return [*self._set(f"p{j}", p), *self._set(f"e{j}", e)]

    def _push(self, j: int, view: View) -> Code:
        """Put tokens on accumulator j, which starts again where the view does not go on from it."""
        out: list[ast.Expression] = []
        rest = self._spell(view, out)
        s, t = f"s{j}", f"t{j}"
        code: Code = []
        base: ast.Expression = num(0)
        if isinstance(rest, _Stack) and rest.index == j:
            base = add(name(t), -rest.popped)
        elif isinstance(rest, _Stretch):
            code += self._place(j, rest)
        elif rest is None:
            code += [put(f"p{j}", num(0)), put(f"e{j}", num(0))]
        elif isinstance(rest, _Call):
            raise refuse(f"the result of `{rest.target.name}` is part of an accumulator")
        else:
            raise refuse("an accumulator moves to another argument's place")
        for q, e in enumerate(reversed(out)):
            code.append(put(s, e, add(base, q)))
        return [*code, *self._set(t, add(base, len(out)))]


def letters_of(c: Constructor) -> int:
    """Count the letters of a linear type's constructor; refuse others."""
    inside = [same_type(kind, c.inductive) for kind in c.types]
    if any(inside[:-1]):
        raise refuse(
            f"constructor `{c.name}` of `{c.inductive.name}` has its recursive argument not last, "
            "or several"
        )
    letters = c.types[:-1] if inside and inside[-1] else c.types
    if not all(letter_type(kind) for kind in letters):
        raise refuse(f"constructor `{c.name}` of `{c.inductive.name}` holds more than letters")
    return len(letters)


def flat_pair(inductive: Inductive) -> tuple[int, int, bool]:
    """Return the indices of nil and cons, and whether cons takes the rest first."""
    nil = next(c.index for c in inductive.constructors if not c.types)
    cons = inductive.constructors[1 - nil]
    return nil, cons.index, same_type(cons.types[0], inductive)
