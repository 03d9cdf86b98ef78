"""Any first-order function as a machine with a heap of cells and a stack of frames.

The input is read into cells (`tag` a constructor's token, `kid` its arguments), the function runs
on addresses, and the result is written out. A frame starts at `base`: arguments, then results of
calls, in `slot`; `back` is the mode to return to, `below` the caller's base, `level` how many calls
of the function lie on each other. A result goes to the slot below its frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recursionlab.language import core
from recursionlab.language.signature import Constructor, Function
from recursionlab.language.types import Con, resolve

from . import syntax as ast
from .rules import add, call, cases, eq, name, num, put, token
from .symbolic import Built, Code, Env, Evaluator, Next, Partial, Target, View, refuse
from .transducer import LAPSES, Cut

__all__ = ["ABSENT", "Heap"]

ABSENT = num(-1)  # address of no value; nothing is written for it


@dataclass(frozen=True, eq=False)
class _Address(View):
    """A value in the heap; the expression is the same in every step while its frame lives."""

    expression: ast.Expression


@dataclass
class _Special:
    """A function at known functions: its dynamic arguments are addresses in the frame."""

    label: str
    target: Target
    arguments: list[View | None]  # None: in the frame
    captured: dict[core.Local, View | None]


class Heap(Evaluator):
    """Compiles one function to modes."""

    def __init__(
        self,
        target: Target,
        names: dict[Constructor, str],
        cut: Cut | None,
        other: Target | None = None,
        constant: View | None = None,
        foreign: bool = False,
    ) -> None:
        super().__init__()
        self.target, self.names, self.cut, self.other = target, names, cut, other
        # Foreign: what a cut gives may be missing or of another type than its function's result.
        self.constant, self.foreign = constant, foreign
        self.modes: dict[str, Code] = {}
        self.specials: dict[Any, _Special] = {}
        self.pending: list[tuple[str, Callable[[], Code]]] = []
        self.used = 0
        self.forced: View | None = None
        head = target.head
        group = head.mutual if isinstance(head, Function) and head.mutual else [head]
        self.group = [id(h) for h in group if h.struct >= 0]

    def compile(self) -> dict[str, Code]:
        """Rules of every mode; the first is the function's own."""
        views: list[View] = [_Address(num(0)) for _ in range(self.target.arity)]
        self._special(self.target, views, {})
        while self.pending:
            label, make = self.pending.pop()
            self.fuel = 4_000
            self.modes[label] = make()
            if len(self.modes) > 400:
                raise refuse("it needs more than 400 modes")
        return self.modes

    # ------------------------------------------------------------------------------ modes

    def _special(self, target: Target, arguments: list[View], env: Env) -> _Special:
        captured = {x: env[x] for x in _free(target.head)} if env else {}
        key = (
            id(target.head),
            tuple(_key(v) for v in arguments),
            tuple(_key(v) for v in captured.values()),
        )
        if key not in self.specials:
            if isinstance(target.head, Function) and target.head.body is None:
                raise refuse(f"`{target.name}` has no body")
            label = "do_" + target.name.replace(".", "_")
            taken = {s.label for s in self.specials.values()}
            number = 2
            while label in taken:
                label, number = f"do_{target.name.replace('.', '_')}{number}", number + 1
            special = _Special(
                label,
                target,
                [v if isinstance(v, Partial) else None for v in arguments],
                {x: v if isinstance(v, Partial) else None for x, v in captured.items()},
            )
            self.specials[key] = special
            self.pending.append((label, lambda: self._mode(special)))
        return self.specials[key]

    def _mode(self, special: _Special) -> Code:
        self.used = 0
        arguments = [self._parameter(v) for v in special.arguments]
        env = {x: self._parameter(v) for x, v in special.captured.items()}
        body = self.body(special.target, arguments, env, self.finish)
        if self.cut is None or id(special.target.head) not in self.group:
            return body
        late = ast.Binary(">=", call("level", name("base")), name("k"))
        struct = arguments[special.target.struct]
        return cases((late, self._fallback(special, arguments, env, struct)), (None, body))

    def _fallback(self, special: _Special, arguments: list[View], env: Env, struct: View) -> Code:
        assert self.cut is not None
        if self.cut.then == "copy":
            return self.finish(struct)
        if self.cut.then == "function":
            if self.other is None or len(arguments) != self.other.arity:
                raise refuse("the function a cut goes on with takes other arguments")
            return self.enter(self.other, arguments, {}, self.finish)
        if self.cut.then == "stop":
            return self.finish(_Address(ABSENT))
        if self.cut.then == "constant":
            if self.constant is None or not _same_result(special.target, self.target):
                raise refuse("the constant is no value of the type that the recursion returns")
            return self.finish(self.constant)
        if self.cut.then in LAPSES:
            raise refuse(f"one call alone can `{self.cut.then}` only along a stretch of the input")
        self.forced = struct
        try:
            return self.body(special.target, arguments, env, self.finish)
        finally:
            self.forced = None

    def _parameter(self, view: View | None) -> View:
        if view is not None:
            return view
        self.used += 1
        return _Address(self._slot(self.used - 1))

    def _slot(self, i: int) -> ast.Expression:
        return call("slot", add(name("base"), i))

    # --------------------------------------------------------------------------- the language

    def match(self, view: View, case: core.Case, take: Callable[[int, list[View]], Code]) -> Code:
        """Branch on a cell's tag; a function that looks into what is foreign gives it back."""
        if not isinstance(view, _Address):
            raise refuse("it matches on a function")
        rows = []
        forced = self.cut.branch if self.cut is not None and view is self.forced else None
        for c in case.inductive.constructors:
            if forced is not None and c.name != forced:
                continue
            parts: list[View] = [
                _Address(call("kid", view.expression, num(j))) for j in range(len(c.types))
            ]
            condition = eq(call("tag", view.expression), token(self.names[c]))
            rows.append((condition, take(c.index, parts)))
        if not rows:
            return []
        if self.foreign:
            return cases(*rows, (None, self.finish(view)))
        return cases(*rows[:-1], (None, rows[-1][1]))

    def enter(self, target: Target, arguments: list[View], env: Env, then: Next) -> Code:
        """Call a function, in place of this frame where nothing is left to do in it."""
        special = self._special(target, arguments, env)
        maker = _Maker(self.names)
        views = [*arguments, *(env[x] for x in special.captured)]
        passed = [maker.address(v) for v in views if not isinstance(v, Partial)]
        deeper = 1 if id(target.head) in self.group else 0
        level = add(call("level", name("base")), deeper)
        if then == self.finish:
            base = name("base")
            places = [add(base, i) for i in range(len(passed))]
            code = [
                put("slot", v, at)
                for at, v in zip(places, passed, strict=True)
                if v != call("slot", at)
            ]
            if self.cut is not None and deeper:
                code.append(put("level", level, base))
            return [*maker.code(), *code, put("mode", name(special.label))]
        result = self.used
        base = add(name("base"), result + 1)
        label = f"after_{len(self.modes) + len(self.pending)}"
        while label in self.modes or any(label == x for x, _ in self.pending):
            label += "x"

        def resume() -> Code:
            self.used = result + 1
            return then(_Address(self._slot(result)))

        self.pending.append((label, resume))
        code = [put("slot", v, add(base, i)) for i, v in enumerate(passed)]
        code += [put("back", name(label), base), put("below", name("base"), base)]
        if self.cut is not None:
            code.append(put("level", level, base))
        return [*maker.code(), *code, put("base", base), put("mode", name(special.label))]

    def finish(self, view: View) -> Code:
        """Return a value to the frame below."""
        maker = _Maker(self.names)
        address = maker.address(view)
        base = name("base")
        return [
            *maker.code(),
            put("slot", address, add(base, -1)),
            put("mode", call("back", base)),
            put("base", call("below", base)),
        ]


class _Maker:
    """Cells that one step adds to the heap."""

    def __init__(self, names: dict[Constructor, str]) -> None:
        self.names, self.rules, self.count = names, Code(), 0

    def address(self, view: View) -> ast.Expression:
        """Where a value is, or will be after the step."""
        if isinstance(view, _Address):
            return view.expression
        if not isinstance(view, Built):
            raise refuse("a function is stored or returned")
        kids = [self.address(v) for v in view.arguments]
        at = add(name("heap"), self.count)
        self.count += 1
        self.rules.append(put("tag", token(self.names[view.constructor]), at))
        self.rules += [put("kid", kid, at, num(j)) for j, kid in enumerate(kids)]
        return at

    def code(self) -> Code:
        """Rules that make the cells."""
        if self.count:
            self.rules.append(put("heap", add(name("heap"), self.count)))
        return self.rules


def _same_result(one: Target, other: Target) -> bool:
    """Tell whether two functions return values of the same inductive type."""
    kinds = [resolve(t.head.signature()[1]) for t in (one, other) if isinstance(t.head, Function)]
    found = [kind.inductive for kind in kinds if isinstance(kind, Con)]
    return len(found) == 2 and found[0] is found[1]


def _key(view: View) -> Any:
    """Return what of a view a function is specialised on: functions, not values."""
    if not isinstance(view, Partial):
        return None
    if view.arguments or any(not isinstance(view.env.get(x), Partial) for x in _free(view.head)):
        raise refuse("a function that is passed along depends on values of the run")
    return (id(view.head), tuple(_key(view.env[x]) for x in _free(view.head)))


def _free(head: Any) -> list[core.Local]:
    """Free variables of a `fun` or `fix`, in order of occurrence; none of anything global."""
    if not isinstance(head, core.Lam | core.Fix):
        return []
    found: dict[core.Local, None] = {}
    bound: set[core.Local] = set()
    pending: list[Any] = [head]
    while pending:
        node = pending.pop()
        if isinstance(node, core.Ref):
            if node.local.inline is not None:
                pending.append(node.local.inline)
            else:
                found[node.local] = None
        elif isinstance(node, core.Apply):
            pending += [node.function, *node.arguments]
        elif isinstance(node, core.Lam):
            bound.add(node.local)
            pending.append(node.body)
        elif isinstance(node, core.Let):
            bound.add(node.local)
            pending += [node.value, node.body]
        elif isinstance(node, core.Case):
            pending.append(node.scrutinee)
            for locals_, body in node.branches:
                bound.update(locals_)
                pending.append(body)
        elif isinstance(node, core.Fix):
            bound.update((node.function, *node.parameters))
            pending.append(node.body)
        elif isinstance(node, core.Rename):
            bound.update(node.names)
            found.update(dict.fromkeys(node.names.values()))
            pending.append(node.body)
        elif isinstance(node, core.ListTerm):
            pending += [*node.reversed_items, *([node.tail] if node.tail is not None else [])]
    return [x for x in found if x not in bound]
