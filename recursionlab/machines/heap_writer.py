"""The rest of a heap machine: reading the input into cells and writing the result from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from recursionlab.language.signature import Constructor, Inductive
from recursionlab.language.types import Con, Type, resolve

from . import syntax as ast
from .rules import add, call, cases, eq, les, name, num, put, token
from .symbolic import Code, is_letters, refuse, same_type
from .transducer import SEPARATOR, flat_pair

__all__ = ["Ends", "constructors_of"]


def constructors_of(kinds: list[Type]) -> list[Constructor]:
    """Constructors that values of some types can contain, each once."""
    found: dict[Constructor, None] = {}
    seen: set[int] = set()
    pending = list(reversed(kinds))
    while pending:
        kind = resolve(pending.pop())
        if not isinstance(kind, Con):
            continue
        pending += kind.arguments
        if id(kind.inductive) in seen:
            continue
        seen.add(id(kind.inductive))
        for c in kind.inductive.constructors:
            found[c] = None
            pending += c.types
    return list(found)


@dataclass
class Ends:
    """Modes before and after the function's own.

    `flat` holds, for each argument and then the result, its type like a list that is written
    without its constructors, or None.
    """

    domains: list[Type]
    result: Type
    names: dict[Constructor, str]
    flat: list[Inductive | None]
    reversed_in: bool
    reversed_out: bool
    foreign: bool = False  # the result may have parts of the arguments' types, or miss some

    def _read(self) -> ast.Expression:
        at = name("at")
        if not self.reversed_in:
            return call("input", at)
        return call("input", ast.Binary("-", add(name("length"), -1), at))

    def check(self) -> None:
        """Refuse lists that are not written one token an element."""
        for kind, inductive in zip([*self.domains, self.result], self.flat, strict=True):
            kind = resolve(kind)
            assert isinstance(kind, Con)
            if inductive is None:
                continue
            elements = [
                resolve(kind.arguments[0]) if kind.arguments else resolve(t)
                for c in inductive.constructors
                for t in c.types
                if not same_type(t, inductive)
            ]
            for element in elements:
                if not isinstance(element, Con) or not is_letters(element.inductive):
                    raise refuse("a flat list has elements of more than one token")

    def modes(self, first: str) -> dict[str, Code]:
        """Return reading, then a change to the function's first mode, then writing."""
        n = len(self.domains)
        sp = name("sp")
        start = [put("slot", call("stack", add(sp, -1 - i)), num(1 + i)) for i in range(n)] + [
            put("base", num(1)),
            put("mode", name(first)),
        ]
        out = {"reading": self._reading(), "starting": start}
        if self.flat[n - 1] is not None:
            out = {"opening": [*self._open(n - 1), put("mode", name("reading"))], **out}
        out["ending"] = [
            put("stack", call("slot", num(0)), num(0)),
            put("sp", num(1)),
            put("mode", name("writing")),
        ]
        out["writing"] = self._writing()
        return out

    def _open(self, i: int) -> Code:
        """Begin a flat list, from its end: its nil."""
        inductive = self.flat[i]
        if inductive is None:
            return []
        nil = inductive.constructors[flat_pair(inductive)[0]]
        heap, sp = name("heap"), name("sp")
        return [
            put("tag", token(self.names[nil]), heap),
            put("stack", heap, sp),
            put("heap", add(heap, 1)),
            put("sp", add(sp, 1)),
        ]

    def _reading(self) -> Code:
        """One token a step, from the last: a constructor takes its arguments from the stack."""
        rows: list[tuple[ast.Expression | None, Code]] = []
        n = len(self.domains)
        if n > 1:
            opens: list[tuple[ast.Expression | None, Code]] = [
                (eq(name("argument"), num(i + 1)), self._open(i))
                for i in range(n - 1)
                if self.flat[i] is not None
            ]
            separated = [
                put("argument", add(name("argument"), -1)),
                *(cases(*opens) if opens else []),
            ]
            rows.append((eq(self._read(), token(SEPARATOR)), separated))
        for i, inductive in enumerate(self.flat[:n]):
            if inductive is not None:
                here = eq(name("argument"), num(i)) if n > 1 else ast.Truth(True)
                rows.append((here, self._element(inductive)))
        groups: dict[int, list[Constructor]] = {}
        plain = [k for k, f in zip(self.domains, self.flat[:n], strict=True) if f is None]
        for c in constructors_of(plain):
            groups.setdefault(len(c.types), []).append(c)
        rows += [
            (_any(self._read(), [self.names[c] for c in groups[arity]]), self._cell(arity))
            for arity in sorted(groups)[1:]
        ]
        rows.append((None, self._cell(min(groups) if groups else 0)))
        step = [put("at", add(name("at"), -1)), *cases(*rows)]
        return cases(
            (ast.Binary(">=", name("at"), num(0)), step), (None, [put("mode", name("starting"))])
        )

    def _cell(self, arity: int) -> Code:
        heap, sp = name("heap"), name("sp")
        kids = [put("kid", call("stack", add(sp, -1 - j)), heap, num(j)) for j in range(arity)]
        push = [put("stack", heap, add(sp, -arity)), put("heap", add(heap, 1))]
        move = [] if arity == 1 else [put("sp", add(sp, 1 - arity))]
        return [put("tag", self._read(), heap), *kids, *push, *move]

    def _element(self, inductive: Inductive) -> Code:
        _, cons, swap = flat_pair(inductive)
        heap, sp = name("heap"), name("sp")
        tag = token(self.names[inductive.constructors[cons]])
        return [
            put("tag", self._read(), heap),
            put("tag", tag, add(heap, 1)),
            put("kid", heap, add(heap, 1), num(1 if swap else 0)),
            put("kid", call("stack", add(sp, -1)), add(heap, 1), num(0 if swap else 1)),
            put("stack", add(heap, 1), add(sp, -1)),
            put("heap", add(heap, 2)),
        ]

    def _writing(self) -> Code:
        """One cell a step, its arguments go on the stack."""
        a, sp, n = name("cell"), name("sp"), name("n")
        to = "work" if self.reversed_out else "output"
        write = [put(to, call("tag", a), n), put("n", add(n, 1))]
        silent = self.flat[-1]
        groups: dict[tuple[int, bool], list[Constructor]] = {}
        for c in constructors_of([self.result, *(self.domains if self.foreign else [])]):
            groups.setdefault((len(c.types), c.inductive is silent), []).append(c)
        rows: list[tuple[ast.Expression | None, Code]] = []
        for arity, quiet in sorted(groups):
            names = [self.names[c] for c in groups[arity, quiet]]
            kids = [
                put("stack", call("kid", a, num(j)), add(sp, arity - 2 - j)) for j in range(arity)
            ]
            move = [] if arity == 1 else [put("sp", add(sp, arity - 1))]
            body = [*([] if quiet else write), *kids, *move]
            rows.append((_any(call("tag", a), names), body))
        rows[-1] = (None, rows[-1][1])
        if self.foreign:
            rows.insert(0, (eq(call("tag", a), name("none")), [put("sp", add(sp, -1))]))
        one = ast.Let("cell", call("stack", add(sp, -1)), tuple(cases(*rows)))
        end: Code = [put("mode", name("turning"))] if self.reversed_out else [ast.Halt()]
        return cases((les(num(0), sp), [one]), (None, end))


def _any(left: ast.Expression, names: list[str]) -> ast.Expression:
    tests = [eq(left, token(t)) for t in dict.fromkeys(names)]
    return reduce(lambda x, y: ast.Binary("or", x, y), tests)
