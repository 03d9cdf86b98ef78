"""Machines of functions: from a checked program's function to a machine over its codec's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from recursionlab.errors import InputError
from recursionlab.language.signature import Constructor, Function, Inductive
from recursionlab.language.source import Source
from recursionlab.language.types import Con, Type, resolve, show

from . import syntax as ast
from .heap import Heap
from .heap_writer import Ends, constructors_of
from .machine import Machine, loads
from .parser import parse_expression
from .rules import add, call, cases, eq, les, name, num, put, token
from .symbolic import Built, Code, Refused, Target, View, is_letters, refuse, same_type
from .transducer import ENDS, LAPSES, SEPARATOR, Cut, Transducer, flat_pair, letters_of

__all__ = ["Cut", "Refused", "machine_of"]


def machine_of(
    function: Any,
    encoding: str = "prefix",
    order: str = "natural",
    renames: dict[str, str] | None = None,
    output_encoding: str | None = None,
    output_order: str | None = None,
    *,
    cut: Cut | None = None,
    window: int | str | None = None,
    kind: str = "any",
) -> Machine:
    """Compile a recursive function to a machine over tokens.

    A function along linear values becomes a `transducer`: it reads each argument once, from its
    outermost constructor on, and writes the result on the way; accumulators are stacks. Any other
    first-order function becomes a machine with a `heap` of cells and a stack of frames.
    `machine.run` on encoded inputs gives encoded outputs.

    Parameters
    ----------
    function : Function
        A function of a program, its type parameters chosen by `at` to be types of letters.
    encoding, order, renames, output_encoding, output_order
        As for `Function.codec`; encodings are `prefix` or `flat`.
    cut : Cut, optional
        End the recursion early: the bounded machine, with parameter `k`.
    window : int or str, optional
        Copy all but the last so many tokens and act on these only; the parameter `m`. For
        transducers.
    kind : str
        `transducer`, `heap`, or `any`: the first that the function has the shape for.

    Returns
    -------
    Machine
        Over the vocabulary of the function's codec, then constructors that only the heap holds.

    Raises
    ------
    Refused
        If the function is of another shape; the message says why. No machine is made of a function
        that takes or returns functions, or that passes along one which depends on values of the run
        (`map (cons x) l`): 15 of the library's 315.

    Examples
    --------
    >>> import recursionlab as rlab
    >>> machine = machine_of(rlab.library("binary")["succ"])
    >>> machine(["xI", "xI", "xO", "xH"])
    ['xO', 'xO', 'xI', 'xH']
    >>> short = machine_of(rlab.library("binary")["succ"], cut=Cut(1, "copy"))
    >>> short(["xI", "xI", "xO", "xH"])
    ['xO', 'xI', 'xO', 'xH']
    """
    encodings, orders = (encoding, output_encoding or encoding), (order, output_order or order)
    if not {*encodings} <= {"prefix", "flat"} or not {*orders} <= {"natural", "reversed"}:
        raise InputError(
            "machine_of: expected encoding prefix or flat and order natural or reversed, got "
            f"{', '.join(dict.fromkeys(encodings))} and {', '.join(dict.fromkeys(orders))}"
        )
    if cut is not None and cut.then not in (*ENDS, *LAPSES):
        known = ", ".join((*ENDS, *LAPSES))
        raise InputError(f"cut: expected one of {known}, got {cut.then!r}")
    try:
        codec = function.codec(encoding, order, renames, *(encodings[1:] + orders[1:]))
        vocabulary = tuple(codec.vocabulary)
        sides = _Sides(encodings, orders, dict(renames or {}))
        text, inner = _text(function, sides, cut, window, kind, vocabulary)
    except Refused as error:
        raise Refused(f"{function.name} does not compile to a machine: {error}") from None
    return loads(text, f"<machine of {function.name}>", (*vocabulary, *inner))


def _text(
    function: Any,
    sides: _Sides,
    cut: Cut | None,
    window: int | str | None,
    kind: str,
    vocabulary: tuple[str, ...],
) -> tuple[str, list[str]]:
    """Return the machine's text, and constructors that stand in its heap alone."""
    if kind not in ("any", "transducer", "heap"):
        raise InputError(f"kind: expected any, transducer or heap, got {kind!r}")
    if kind != "heap":
        try:
            return _Writer(function, sides, cut, window).text(vocabulary), []
        except Refused:
            if kind == "transducer" or window is not None:
                raise
    writer = _HeapWriter(function, sides, cut)
    text = writer.text(vocabulary)
    return text, [t for t in writer.names.used if t not in vocabulary]


@dataclass(frozen=True)
class _Sides:
    """How input and output are written."""

    encodings: tuple[str, str]
    orders: tuple[str, str]
    renames: dict[str, str]


class _HeapWriter:
    """Puts a heap machine's modes together with reading and writing."""

    def __init__(self, function: Any, sides: _Sides, cut: Cut | None) -> None:
        domains, result = function.signature()
        self.target = Target(function.declaration)
        if len(domains) != self.target.arity or not domains:
            raise refuse("it returns a function, or takes nothing")
        for kind in (*domains, result):
            if not isinstance(resolve(kind), Con):
                raise refuse("an argument or its result has a type that is not inductive")
        self.cut, self.reversed = cut, sides.orders[1] == "reversed"
        kinds = [*domains, result]
        encodings = [sides.encodings[0]] * len(domains) + [sides.encodings[1]]
        flat = [
            _flat_type(kind) if encoding == "flat" else None
            for kind, encoding in zip(kinds, encodings, strict=True)
        ]
        self.names = names = _Names(sides.renames)
        foreign = _foreign(self.target, domains, result, cut)
        self.ends = Ends(
            domains,
            result,
            names,
            flat,
            sides.orders[0] == "reversed",
            self.reversed,
            foreign,
        )
        self.ends.check()
        constant = _constant(cut, result, names, flat[-1]) if cut is not None else None
        self.heap = Heap(self.target, names, cut, _other(function, cut), constant, foreign)

    def text(self, vocabulary: tuple[str, ...]) -> str:
        """Return the machine's text."""
        own = self.heap.compile()
        modes = self.ends.modes(next(iter(own)))
        modes |= own
        if self.reversed:
            modes["turning"] = _turning()
        labels = list(modes)
        rows: list[tuple[ast.Expression | None, Code]] = [
            (eq(name("mode"), name(label)), modes[label]) for label in labels[:-1]
        ]
        rule = cases(*rows, (None, modes[labels[-1]]))
        used = set(_names(rule))
        _check_cut(self.cut, used)
        allowed = {ast.show_expression(token(t)) for t in (*vocabulary, *self.names.used)}
        declarations: list[ast.Rule] = [
            ast.Tokens(tuple(t for t in dict.fromkeys(_tokens(rule)) if t in allowed)),
            ast.Enum("modes", tuple(labels)),
        ]
        if self.cut is not None and "k" in used:
            declarations.append(ast.Param("k", "int", _number(self.cut.after)))
        declarations.append(ast.Var("mode", "modes", name(labels[0])))
        starts = {"at": add(name("length"), -1), "argument": num(len(self.ends.domains) - 1)}
        starts |= {x: num(0) for x in ("heap", "sp", "n", "base")}
        declarations += [ast.Var(x, "int", e) for x, e in starts.items() if x in used]
        for f in ("stack", "slot", "below", "level"):
            if f in used:
                declarations.append(ast.Fun(f, ("int",), "int", num(0)))
        declarations.append(ast.Fun("back", ("int",), "modes", name("ending")))
        declarations.append(ast.Fun("tag", ("int",), "token", name("none")))
        if "kid" in used:
            declarations.append(ast.Fun("kid", ("int", "int"), "int", num(0)))
        if "work" in used:
            declarations.append(ast.Fun("work", ("int",), "token", name("none")))
        title = self.target.name.replace(".", "_")
        return ast.show(ast.Tree(title, tuple(declarations), tuple(rule)))


def _other(function: Any, cut: Cut | None) -> Target | None:
    """Return the function that a cut goes on with; it must have the type of the first."""
    if cut is None or cut.then != "function":
        return None
    if cut.function not in function.program:
        known = ", ".join(function.program.functions)
        raise InputError(f"cut: there is no function {cut.function!r}; there are {known}")
    other = function.program[cut.function]
    kinds = {k: v for k, v in function.at_types.items() if k in other.type_parameters}
    if len(kinds) < len(other.type_parameters) or other.at(**kinds).type != function.type:
        raise refuse(f"`{cut.function}` is of another type")
    return Target(other.declaration)


def _foreign(target: Target, domains: list[Type], result: Type, cut: Cut | None) -> bool:
    """Whether a cut can give what is not of the type of the function it cuts."""
    if cut is None or cut.then not in ("copy", "stop"):
        return False
    mutual = isinstance(target.head, Function) and len(target.head.mutual) > 1
    return cut.then == "stop" or mutual or show(domains[max(0, target.struct)]) != show(result)


def _constant(cut: Cut, kind: Type, names: _Names, flat: Inductive | None) -> View | None:
    """Return the value of a type that a cut's constant stands for, None if it is none."""
    known = {names[c]: c for c in reversed(constructors_of([kind]))}
    if cut.then != "constant" or any(t not in known for t in cut.constant):
        return None
    built: list[View] = []  # the latest first
    nil, cons, swap = flat_pair(flat) if flat is not None else (0, 0, False)
    if flat is not None:
        built.append(Built(flat.constructors[nil], ()))
    for token_ in reversed(cut.constant):
        c = known[token_]
        if len(c.types) > len(built):
            return None
        built[: len(c.types)] = [Built(c, tuple(built[: len(c.types)]))]
        if flat is not None:
            parts = (built[1], built[0]) if swap else (built[0], built[1])
            built[:2] = [Built(flat.constructors[cons], parts)]
    root = built[0] if len(built) == 1 else None
    own = resolve(kind)
    assert isinstance(own, Con)
    fits = isinstance(root, Built) and root.constructor.inductive is own.inductive
    return root if fits else None


def _flat_type(kind: Type) -> Inductive | None:
    """Type like a list whose constructors a flat encoding leaves out, or None."""
    kind = resolve(kind)
    assert isinstance(kind, Con)
    constructors = kind.inductive.constructors
    if sorted(len(c.types) for c in constructors) != [0, 2]:
        return None
    cons = next(c for c in constructors if c.types)
    return kind.inductive if sum(same_type(t, kind.inductive) for t in cons.types) == 1 else None


def _turning() -> Code:
    back = ast.Binary("-", add(name("n"), -1), name("j"))
    each = put("output", call("work", back), name("j"))
    return [ast.Forall("j", num(0), add(name("n"), -1), None, (each,)), ast.Halt()]


class _Writer:
    """Puts a transducer's modes together with reading the arguments and writing the rest."""

    def __init__(
        self, function: Any, sides: _Sides, cut: Cut | None, window: int | str | None
    ) -> None:
        declaration: Function = function.declaration
        domains, result = function.signature()
        self.target = Target(declaration)
        if len(domains) != self.target.arity:
            raise refuse("it returns a function")
        if sides.encodings[0] != sides.encodings[1]:
            raise refuse("its input and output are encoded differently, so nothing can be copied")
        self.flat = sides.encodings[0] == "flat"
        self.reversed = sides.orders[1] == "reversed"
        self.cut, self.window = cut, window
        self.arguments = [self._classify(kind) for kind in domains]
        self._classify(result)
        if cut is not None and cut.then == "branch":
            self._check_branch(domains, cut)
        if window is not None and ("reversed" in sides.orders or self.arguments != ["stretch"]):
            raise refuse("a window needs one linear argument in natural order")
        self.transducer = Transducer(
            self.target,
            list(self.arguments),
            _Names(sides.renames),
            self.is_flat,
            sides.orders[0] == "reversed",
            self.reversed,
            cut,
        )

    def is_flat(self, inductive: Inductive) -> bool:
        """Whether values of a type are written as their elements alone."""
        counts = sorted(len(c.types) for c in inductive.constructors)
        if not self.flat or counts != [0, 2]:
            return False
        cons = next(c for c in inductive.constructors if c.types)
        return sum(same_type(kind, inductive) for kind in cons.types) == 1

    def _classify(self, kind: Type) -> str:
        kind = resolve(kind)
        if not isinstance(kind, Con):
            raise refuse("an argument or its result has a type that is not inductive")
        if is_letters(kind.inductive):
            return "letter"
        if not self.is_flat(kind.inductive):
            for constructor in kind.inductive.constructors:
                letters_of(constructor)
        for inner in kind.arguments:
            inner = resolve(inner)
            if not isinstance(inner, Con) or not is_letters(inner.inductive):
                raise refuse(f"an element of `{kind.inductive.name}` is more than one token")
        return "stretch"

    def _check_branch(self, domains: list[Type], cut: Cut) -> None:
        kind = resolve(domains[max(0, self.target.struct)])
        assert isinstance(kind, Con)
        known = [c.name for c in kind.inductive.constructors]
        if cut.branch not in known:
            raise InputError(f"cut: expected a branch of {', '.join(known)}, got {cut.branch!r}")

    # ------------------------------------------------------------------------------- modes

    def _modes(self) -> dict[str, Code]:
        modes = self.transducer.compile()
        out: dict[str, Code] = {}
        first = self.transducer.label(self.target)
        letters = [i for i, kind in enumerate(self.arguments) if kind == "letter"]
        begin = "loading" if letters else first
        if self.window is not None:
            out["passing"] = self._passing(first)
        if len(self.arguments) > 1:
            out["seeking"] = self._seeking(begin)
        if letters:
            load = [put(f"x{i}", self.transducer.read(name(f"p{i}"))) for i in letters]
            out["loading"] = [*load, put("mode", name(first))]
        for target, code in modes.items():
            out[self.transducer.label(target)] = code
        used = set(_names(list(out.values())))
        for i in range(10):
            if f"unstack{i}" in used:
                out[f"unstack{i}"] = self._unstack(i)
        used = set(_names(list(out.values())))
        if "copying" in used:
            out["copying"] = self._copying()
        if self.reversed:
            out["turning"] = _turning()
        return out

    def _seeking(self, begin: str) -> Code:
        """Find where the arguments lie."""
        last = len(self.arguments) - 2
        rows: list[tuple[ast.Expression | None, Code]] = []
        for i in range(last + 1):
            code = [put(f"p{i + 1}", add(name("at"), 1)), put(f"e{i}", name("at"))]
            if i == last:
                code.append(put("mode", name(begin)))
            rows.append((eq(name("argument"), num(i)) if i < last else None, code))
        found = [put("argument", add(name("argument"), 1)), *cases(*rows)]
        here = eq(self.transducer.read(name("at")), token(SEPARATOR))
        return cases(
            (
                les(name("at"), name("length")),
                [put("at", add(name("at"), 1)), *cases((here, found))],
            ),
            (None, [ast.Halt()]),
        )

    def _passing(self, first: str) -> Code:
        n = name("n")
        copy = [put("output", self.transducer.read(n), n), put("n", add(n, 1))]
        return cases((les(n, name("p0")), copy), (None, [put("mode", name(first))]))

    def _emit(self, value: ast.Expression) -> Code:
        to = "work" if self.reversed else "output"
        return [put(to, value, name("n")), put("n", add(name("n"), 1))]

    def _unstack(self, i: int) -> Code:
        t = name(f"t{i}")
        below = [put("from", name(f"p{i}")), put("to", name(f"e{i}")), put("mode", name("copying"))]
        top = self._emit(call(f"s{i}", add(t, -1)))
        return cases((les(num(0), t), [*top, put(f"t{i}", add(t, -1))]), (None, below))

    def _copying(self) -> Code:
        one = [*self._emit(self.transducer.read(name("from"))), put("from", add(name("from"), 1))]
        end: Code = [put("mode", name("turning"))] if self.reversed else [ast.Halt()]
        return cases((les(name("from"), name("to")), one), (None, end))

    # -------------------------------------------------------------------------------- text

    def text(self, vocabulary: tuple[str, ...]) -> str:
        """Return the machine's text."""
        self.tokens = {ast.show_expression(token(t)) for t in vocabulary}
        modes = self._modes()
        labels = list(modes)
        if len(labels) == 1:
            rule = modes[labels[0]]
        else:
            rows: list[tuple[ast.Expression | None, Code]] = [
                (eq(name("mode"), name(label)), modes[label]) for label in labels[:-1]
            ]
            rule = cases(*rows, (None, modes[labels[-1]]))
        declarations = self._declarations(rule, labels)
        title = self.target.name.replace(".", "_")
        return ast.show(ast.Tree(title, tuple(declarations), tuple(rule)))

    def _declarations(self, rule: Code, labels: list[str]) -> Iterator[ast.Rule]:
        used = set(_names(rule))
        _check_cut(self.cut, used)
        tokens = [t for t in dict.fromkeys(_tokens(rule)) if t in self.tokens]
        if tokens:
            yield ast.Tokens(tuple(tokens))
        if len(labels) > 1:
            yield ast.Enum("modes", tuple(labels))
        if "k" in used and self.cut is not None:
            yield ast.Param("k", "int", _number(self.cut.after))
        if self.window is not None:
            yield ast.Param("m", "int", _number(self.window))
        if len(labels) > 1:
            yield ast.Var("mode", "modes", name(labels[0]))
        for variable in ("at", "argument", "n", "from", "to", "calls"):
            if variable in used:
                yield ast.Var(variable, "int", num(0))
        for i in range(10):
            yield from self._argument(i, used)
        if "work" in used:
            yield ast.Fun("work", ("int",), "token", name("none"))

    def _argument(self, i: int, used: set[str]) -> Iterator[ast.Rule]:
        start: ast.Expression = num(0)
        if self.window is not None and i == 0:
            start = call("max", num(0), ast.Binary("-", name("length"), name("m")))
        if f"p{i}" in used:
            yield ast.Var(f"p{i}", "int", start)
        if f"e{i}" in used:
            end = name("length") if i == len(self.arguments) - 1 else num(0)
            yield ast.Var(f"e{i}", "int", end)
        if f"x{i}" in used:
            yield ast.Var(f"x{i}", "token", name("none"))
        if f"t{i}" in used:
            yield ast.Var(f"t{i}", "int", num(0))
        if f"s{i}" in used:
            yield ast.Fun(f"s{i}", ("int",), "token", name("none"))


def _check_cut(cut: Cut | None, used: set[str]) -> None:
    if cut is not None and "k" not in used:
        raise refuse("it does not recur itself, so there is nothing to cut")


def _number(value: int | str) -> ast.Expression:
    return parse_expression(Source("<cut>", value)) if isinstance(value, str) else num(value)


class _Names(dict[Constructor, str]):
    """The token of a constructor: its name, unless it is renamed."""

    def __init__(self, renames: dict[str, str]) -> None:
        super().__init__()
        self.renames = renames
        self.used: dict[str, None] = {}

    def __missing__(self, constructor: Constructor) -> str:
        found = self.renames.get(constructor.name, constructor.name)
        self.used[found] = None
        return found


def _walk(node: Any) -> Iterator[Any]:
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, list | tuple):
            pending += reversed(node)
        elif is_dataclass(node):
            yield node
            pending += [getattr(node, f.name) for f in reversed(fields(node)) if f.name != "span"]


def _names(code: Any) -> Iterator[str]:
    for node in _walk(code):
        if isinstance(node, ast.Name | ast.Call | ast.Update):
            yield node.name


def _tokens(code: Any) -> Iterator[str]:
    """Names in places where a token may stand, as they are written."""
    for node in _walk(code):
        if isinstance(node, ast.Quoted):
            yield f'"{node.name}"'
        elif isinstance(node, ast.Name):
            yield node.name
