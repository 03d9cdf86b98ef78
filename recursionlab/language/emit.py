"""From core terms to the postfix code of the C core, and a whole signature into one program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .core import (
    Apply,
    Build,
    Case,
    Fix,
    Global,
    Lam,
    Let,
    ListTerm,
    Local,
    NatTerm,
    Node,
    Ref,
    Rename,
)
from .namespace import Declared
from .signature import Constructor, Function, Inductive
from .types import Arrow, Con, Rigid, Type, resolve

__all__ = ["CodeTooLarge", "Ids", "emit", "fill", "type_code"]

Code = list[tuple[Any, ...]]

_BUDGET = 2_000_000


class CodeTooLarge(Exception):
    """A term expands to too much code or is nested too deeply; `function` is whose body it is."""

    def __init__(self, message: str, function: Function | None = None) -> None:
        super().__init__(message)
        self.message, self.function = message, function


@dataclass
class Ids:
    """Numbers that the C core gave to types, constructors and functions; who calls whom."""

    types: dict[Inductive, int] = field(default_factory=dict)
    constructors: dict[Constructor, int] = field(default_factory=dict)
    functions: dict[Function, int] = field(default_factory=dict)
    calls: dict[int, list[int]] = field(default_factory=dict)

    def reachable(self, function: int) -> list[int]:
        """Return the functions that a run of this one may name, itself not counted, in order."""
        seen = {function}
        pending = [function]
        while pending:
            for other in self.calls[pending.pop()]:
                if other not in seen:
                    seen.add(other)
                    pending.append(other)
        return sorted(seen - {function})


def type_code(kind: Type, ids: Ids, parameters: list[Rigid]) -> Any:
    """Write a type for the C core: a parameter's index, an applied type, or an arrow."""
    kind = resolve(kind)
    if isinstance(kind, Rigid):
        return parameters.index(kind)
    if isinstance(kind, Arrow):
        domain = type_code(kind.domain, ids, parameters)
        return ("fun", domain, type_code(kind.codomain, ids, parameters))
    assert isinstance(kind, Con)
    arguments = (type_code(a, ids, parameters) for a in kind.arguments)
    return (ids.types[kind.inductive], *arguments)


def emit(node: Node, ids: Ids) -> Code:
    """Write a closed term as postfix code with de Bruijn indices.

    Raises
    ------
    CodeTooLarge
        If the code would outgrow the budget or be nested too deeply; patterns can multiply
        branches.
    """
    emitter = _Emitter(ids)
    try:
        emitter.node(node, 0)
    except RecursionError:
        raise CodeTooLarge("this binds or nests too much to be compiled") from None
    return emitter.code


@dataclass
class _Emitter:
    """`levels` holds the binder depth of each variable in scope; every variable is bound once."""

    ids: Ids
    code: Code = field(default_factory=list)
    levels: dict[Local, int] = field(default_factory=dict)

    def node(self, node: Node, depth: int) -> None:
        if len(self.code) > _BUDGET:
            raise CodeTooLarge("the matches of this expand to too much code")
        if isinstance(node, Ref):
            self._ref(node, depth)
        elif isinstance(node, Global):
            self.code.append(("global", self.ids.functions[node.function]))
        elif isinstance(node, Build):
            self.code.append(("ctor", self.ids.constructors[node.constructor]))
        elif isinstance(node, Apply):
            self.node(node.function, depth)
            for argument in node.arguments:
                self.node(argument, depth)
            self.code.append(("app", len(node.arguments)))
        elif isinstance(node, Lam):
            self._bind([node.local], depth)
            self.node(node.body, depth + 1)
            self.code.append(("lam", node.local.name))
        elif isinstance(node, Let):
            self.node(node.value, depth)
            self._bind([node.local], depth)
            self.node(node.body, depth + 1)
            self.code.append(("let", node.local.name))
        elif isinstance(node, Case):
            self._case(node, depth)
        elif isinstance(node, Rename):
            for name, target in node.names.items():
                self.levels[name] = self.levels[target]
            assert node.body is not None
            self.node(node.body, depth)
        elif isinstance(node, Fix):
            self._fix(node, depth)
        elif isinstance(node, NatTerm):
            self._nat(node)
        else:
            assert isinstance(node, ListTerm)
            self._list(node, depth)

    def _bind(self, locals_: list[Local], depth: int) -> None:
        for offset, local in enumerate(locals_):
            self.levels[local] = depth + offset

    def _ref(self, node: Ref, depth: int) -> None:
        if node.local.inline is not None:
            self.node(node.local.inline, depth)
        else:
            self.code.append(("var", depth - 1 - self.levels[node.local]))

    def _case(self, node: Case, depth: int) -> None:
        self.node(node.scrutinee, depth)
        for locals_, body in node.branches:
            self._bind(locals_, depth)
            self.node(body, depth + len(locals_))
        names = tuple(tuple(x.name for x in locals_) for locals_, _ in node.branches)
        self.code.append(("match", self.ids.types[node.inductive], names))

    def _fix(self, node: Fix, depth: int) -> None:
        self._bind([node.function, *node.parameters], depth)
        self.node(node.body, depth + 1 + len(node.parameters))
        self.code += [("lam", p.name) for p in reversed(node.parameters)]
        self.code.append(("fix", node.struct, node.function.name, len(node.parameters)))

    def _nat(self, node: NatTerm) -> None:
        succ = ("ctor", self.ids.constructors[node.succ])
        self.code += [succ] * node.value
        self.code.append(("ctor", self.ids.constructors[node.zero]))
        self.code += [("app", 1)] * node.value

    def _list(self, node: ListTerm, depth: int) -> None:
        cons = ("ctor", self.ids.constructors[node.cons])
        for item in reversed(node.reversed_items):
            self.code.append(cons)
            self.node(item, depth)
        if node.tail is None:
            self.code.append(("ctor", self.ids.constructors[node.nil]))
        else:
            self.node(node.tail, depth)
        self.code += [("app", 2)] * len(node.reversed_items)


def fill(program: Any, modules: list[Declared]) -> Ids:
    """Declare everything in the C core's program and seal it.

    Parameters
    ----------
    program : recursionlab._core.Program
        An empty program.
    modules : list of Declared
        Files in order of dependence.

    Returns
    -------
    Ids
        The numbers given.
    """
    ids = Ids()
    for module in modules:
        for inductive in module.types:
            ids.types[inductive] = program.add_type(
                inductive.name, len(inductive.parameters), inductive.notation
            )
        for inductive in module.types:
            for constructor in inductive.constructors:
                types = [type_code(t, ids, inductive.parameters) for t in constructor.types]
                ids.constructors[constructor] = program.add_constructor(
                    ids.types[inductive], constructor.name, types
                )
    groups: dict[int, int] = {}
    functions = [f for module in modules for f in module.functions]
    for function in functions:
        rigids = [t.rigid for t in function.type_parameters]
        domains, result = _split(function)
        kind = (
            len(rigids),
            [type_code(t, ids, rigids) for t in domains],
            type_code(result, ids, rigids),
        )
        first = id(function.mutual[0] if function.mutual else function)
        group = groups.setdefault(first, len(groups))
        ids.functions[function] = program.add_global(
            function.name, function.n_args, function.struct, group, kind
        )
    for function in functions:
        assert function.body is not None
        try:
            code = emit(function.body, ids)
        except CodeTooLarge as error:
            raise CodeTooLarge(error.message, function) from None
        number = ids.functions[function]
        ids.calls[number] = sorted({op[1] for op in code if op[0] == "global"})
        program.set_body(number, code)
    program.seal()
    return ids


def _split(function: Function) -> tuple[list[Type], Type]:
    """Types of the `n_args` arguments that the body's lambdas take, and of what remains."""
    kind = function.type()
    domains: list[Type] = []
    while len(domains) < function.n_args:
        kind = resolve(kind)
        assert isinstance(kind, Arrow)
        domains.append(kind.domain)
        kind = kind.codomain
    return domains, kind
