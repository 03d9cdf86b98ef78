"""First-order functions and pairs of them for Maude and for Redex."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from .equations import System, Tree, equations
from .function import Function
from .program import Program

__all__ = ["export_maude", "export_redex"]

_Pairs = Iterable[tuple[Function, Any, Any]]


def export_maude(program: Program, functions: Iterable[Function], pairs: _Pairs = ()) -> str:
    """Write first-order functions as a functional module of Maude.

    Parameters
    ----------
    program : Program
        Where they are declared.
    functions : iterable of Function
        What they call comes along.
    pairs : iterable of (Function, Term or tuple of Terms, Term)
        Each becomes a `reduce` of the call, after a comment `*** expected:` with the result.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If a function is not first-order.

    Examples
    --------
    >>> from recursionlab.language import library
    >>> program = library("binary")
    >>> print(export_maude(program, [program["succ"]]).splitlines()[-2])
      eq f-succ(c-xH) = c-xO(c-xH) .
    """
    pairs = list(pairs)
    system = equations(program, [*functions, *(f for f, _, _ in pairs)])
    write = _Writer(lambda head, parts: f"{head}({', '.join(parts)})" if parts else head, ":V")
    trees = _trees(program, pairs)
    for tree in (t for pair in trees for t in pair):
        _note(system, tree)
    lines = ["set include BOOL off .", "fmod EXPORTED is", "  sort V ."]
    for kind, arities, mark in (
        ("c", system.constructors, " [ctor]"),
        ("f", system.functions, ""),
    ):
        for name, arity in arities.items():
            domain = "V " * arity
            lines.append(f"  op {write.name(kind, name)} : {domain}-> V{mark} .")
    lines += [f"  eq {write(e.left)} = {write(e.right)} ." for e in system.equations]
    lines.append("endfm")
    for call, result in trees:
        lines += [f"*** expected: {write(result)}", f"reduce {write(call)} ."]
    return "\n".join(lines) + "\n"


def export_redex(program: Program, functions: Iterable[Function], pairs: _Pairs = ()) -> str:
    """Write first-order functions as metafunctions of PLT Redex, and pairs as `test-equal`.

    Parameters and errors are those of `export_maude`.

    Examples
    --------
    >>> from recursionlab.language import library
    >>> program = library("binary")
    >>> print(export_redex(program, [program["succ"]]).splitlines()[4])
      [(f-succ (c-xI any_q2)) (c-xO (f-succ any_q2))]
    """
    pairs = list(pairs)
    system = equations(program, [*functions, *(f for f, _, _ in pairs)])
    write = _Writer(lambda head, parts: f"({' '.join([head, *parts])})", "", "any_")
    lines = [
        "#lang racket/base",
        "(require redex/reduction-semantics)",
        "(define-language exported)",
    ]
    for name in system.functions:
        own = [e for e in system.equations if e.left.name == name]
        lines += ["(define-metafunction exported"]
        lines += [f"  [{write(e.left)} {write(e.right)}]" for e in own]
        lines[-1] += ")"
    for call, result in _trees(program, pairs):
        lines.append(f"(test-equal (term {write(call)}) (term {write(result)}))")
    if pairs:
        lines.append("(test-results)")
    return "\n".join(lines) + "\n"


class _Writer:
    """Writes trees; names of constructors begin with `c-`, of functions with `f-`."""

    def __init__(
        self, apply: Callable[[str, list[str]], str], after: str, before: str = ""
    ) -> None:
        self.apply, self.after, self.before = apply, after, before
        self.names: dict[tuple[str, str], str] = {}

    def __call__(self, tree: Tree) -> str:
        """Write a tree; an explicit stack, since terms are as deep as they like."""
        done: list[str] = []
        pending: list[tuple[Tree, bool]] = [(tree, False)]
        while pending:
            node, ready = pending.pop()
            if node.kind == "variable":
                done.append(f"{self.before}{_plain(node.name)}{self.after}")
            elif not ready:
                pending.append((node, True))
                pending += [(a, False) for a in reversed(node.arguments)]
            else:
                n = len(node.arguments)
                parts = done[len(done) - n :]
                del done[len(done) - n :]
                kind = "c" if node.kind == "constructor" else "f"
                done.append(self.apply(self.name(kind, node.name), parts))
        return done[0]

    def name(self, kind: str, name: str) -> str:
        """Give a name that both tools read, another for each."""
        if (kind, name) not in self.names:
            plain = f"{kind}-{_plain(name)}"
            while plain in self.names.values():
                plain += "-"
            self.names[kind, name] = plain
        return self.names[kind, name]


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "-", name)


def _trees(program: Program, pairs: list[tuple[Function, Any, Any]]) -> list[tuple[Tree, Tree]]:
    """Write pairs as a call and a value."""
    names = program.constructors()
    made = []
    for function, arguments, result in pairs:
        terms = arguments if isinstance(arguments, tuple) else (arguments,)
        call = Tree("call", function.name, tuple(_value(names, t) for t in terms))
        made.append((call, _value(names, result)))
    return made


def _note(system: System, tree: Tree) -> None:
    """Declare the constructors of a value: the equations need not name them all."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if node.kind == "constructor":
            system.constructors[node.name] = len(node.arguments)
        pending += node.arguments


def _value(names: dict[int, str], value: Any) -> Tree:
    """Read a value of the C core as a tree, at any depth."""
    done: list[Tree] = []
    pending: list[tuple[Any, bool]] = [(value, False)]
    while pending:
        term, ready = pending.pop()
        if not ready:
            pending.append((term, True))
            pending += [(a, False) for a in reversed(term.args)]
        else:
            n = len(term.args)
            parts = tuple(done[len(done) - n :])
            del done[len(done) - n :]
            done.append(Tree("constructor", names[term.constructor], parts))
    return done[0]
