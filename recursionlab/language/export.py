"""Pairs and traces as a Gallina file whose every line Coq proves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from recursionlab.errors import InputError

from .function import Function
from .program import Program
from .types import show

__all__ = ["export_coq"]

_NUMERAL = re.compile(r"(?<![\w'.])\d+(?![\w'])")
# Notations that terms are printed with. Only notations are imported: functions of List would
# shadow those of the file.
_NOTATIONS = """
From Coq Require List.
Import List.ListNotations.
Open Scope list_scope.
Open Scope nat_scope.
"""


def export_coq(
    program: Program,
    pairs: Iterable[tuple[Function, Any, Any]] = (),
    traces: Iterable[tuple[Function, Sequence[Any]]] = (),
) -> str:
    """Write pairs and traces as a file for `coqc`.

    The file is the program's own source, then an `Example` by `reflexivity` for each pair, and
    for each step of a trace a `Check` that its two terms are convertible. (A step may hold an
    empty list of a type that nothing in the term tells; `Check` lets it stay open, and Coq can do
    without it but for some steps of polymorphic functions called by name.)

    Parameters
    ----------
    program : Program
        Where the functions are declared.
    pairs : iterable of (Function, Term or tuple of Terms, Term)
        Function (its types chosen), arguments and result.
    traces : iterable of (Function, sequence of Terms)
        The function that the first term calls (its types chosen), and the terms.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If a function belongs to another program, or takes another number of arguments.

    Examples
    --------
    >>> from recursionlab.language import loads
    >>> program = loads("Definition double (n : nat) : nat := Nat.add n n.")
    >>> double = program["double"]
    >>> one, two = program.expression("1"), program.expression("2")
    >>> print(export_coq(program, pairs=[(double, one, two)]).splitlines()[-1])
    Example exported_pair_1 : double (1 : nat) = (2 : nat). Proof. reflexivity. Qed.
    """
    lines = [program.source.rstrip("\n"), _NOTATIONS]
    for number, (function, arguments, result) in enumerate(pairs, 1):
        _belongs(program, function)
        terms = arguments if isinstance(arguments, tuple) else (arguments,)
        kinds, kind = function.signature()
        if len(terms) != len(kinds):
            raise InputError(
                f"pair {number}: {function.name} takes {len(kinds)} arguments, got {len(terms)}"
            )
        typed = (f"({_text(program, t)} : {show(k)})" for t, k in zip(terms, kinds, strict=True))
        call = " ".join([function.name, *typed])
        lines.append(
            f"Example exported_pair_{number} : {call} = ({_text(program, result)} : {show(kind)}). "
            "Proof. reflexivity. Qed."
        )
    open_ = _untyped(program)
    for number, (function, steps) in enumerate(traces, 1):
        _belongs(program, function)
        result_type = show(function.signature()[1])
        lines.append(f"(* trace {number}: {function.name} *)")
        told = (text for t in steps if not open_.search(text := _text(program, t)))
        for before, after in pairwise(told):
            lines.append(
                f"Check (eq_refl : ({before} : {result_type}) = ({after} : {result_type}))."
            )
    return "\n".join(lines) + "\n"


def _untyped(program: Program) -> re.Pattern[str]:
    """Return what a term holds that matches on a constructor whose type nothing in it tells.

    Coq cannot type such a term; the ones before and after it are held to each other instead.
    """
    bare = {
        re.escape(c.name)
        for kind in program.types.values()
        if kind.parameters
        for c in kind.constructors
        if not c.types
    }
    return re.compile(rf"match (?:{'|'.join(sorted(bare)) or '(?!)'}) with")


def _belongs(program: Program, function: Function) -> None:
    if function.program is not program:
        raise InputError(f"{function.name} belongs to another program than the one exported")


def _text(program: Program, term: Any) -> str:
    """Print a term with the names of pending calls, not UNROLL."""
    text = str(program.core.apply(term))
    # The arguments of Coq's functions on binary numbers read numerals as binary ones.
    return _NUMERAL.sub(r"\g<0>%nat", text) if "PArith" in program.source else text
