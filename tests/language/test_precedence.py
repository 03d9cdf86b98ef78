"""Expressions with few parentheses mean in Coq what they mean here, or both refuse them."""

import random
import re
import shutil
import subprocess

import pytest

from recursionlab.errors import LanguageError
from recursionlab.language import loads

pytestmark = pytest.mark.skipif(not shutil.which("coqtop"), reason="coqtop is not installed")

HEAD = """Require Import List Bool Arith.
Import ListNotations.
Definition inc (n : nat) : nat := S n.
Definition both (l m : list nat) : list nat := l ++ 9 :: m.
"""
INFIX = {
    "nat": [("nat", "+", "nat"), ("nat", "-", "nat"), ("nat", "*", "nat")],
    "bool": [
        *(("nat", sign, "nat") for sign in ("=?", "<=?", "<?")),
        ("bool", "&&", "bool"),
        ("bool", "||", "bool"),
    ],
    "list": [("nat", "::", "list"), ("list", "++", "list")],
}
LEAVES = {"nat": ["0", "1", "2", "3%nat"], "bool": ["true", "false"], "list": ["nil", "[5; 6]"]}
CALLS = {
    "nat": [("S", "nat"), ("inc", "nat"), ("length", "list")],
    "bool": [("negb", "bool"), ("Nat.even", "nat")],
    "list": [("rev", "list"), ("both nil", "list"), ("repeat 4", "nat")],
}
PATTERNS = [
    "x :: y as t",
    "(x :: y) as t",
    "x :: (y as t)",
    "x :: (_ :: _) as t",
    "x :: S y as z :: t",
    "0 as x :: t",
    "S x as y :: z as t",
    "[x; S y as z] as t",
    "x :: _ :: y as t",
    "(1 | 2) as x :: t",
    "(S _ as x) :: _ as t",
]


def expression(rng, kind, depth):
    """Return a random expression; where parentheses are left out it may mean anything."""
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(LEAVES[kind])

    def inner(kind):
        text = expression(rng, kind, depth - 1)
        return f"({text})" if rng.random() < 0.25 else text

    choice = rng.random()
    if choice < 0.55:
        left, sign, right = rng.choice(INFIX[kind])
        return f"{inner(left)} {sign} {inner(right)}"
    if choice < 0.65:
        name, argument = rng.choice(CALLS[kind])
        return f"{name} {inner(argument)}"
    if choice < 0.78:
        return f"if {inner('bool')} then {inner(kind)} else {inner(kind)}"
    if choice < 0.86:
        return f"let a := {inner('nat')} in {inner(kind)}"
    if choice < 0.9:
        return f"let '(a, b) as c := ({inner(kind)}, {inner('nat')}) in {inner(kind)}"
    if choice < 0.93:
        return f"(fun a => {inner(kind)}) {inner('bool')}"
    pattern = rng.choice(PATTERNS)
    then = {"nat": "length t", "bool": "length t =? 1", "list": "t"}[kind]
    return f"match {inner('list')} with {pattern} => {then} | _ => {inner(kind)} end"


def test_the_same_expressions_have_the_same_values(reference):
    rng = random.Random(7)
    head = loads(HEAD)
    lines, values = [HEAD], {}
    for i in range(COUNT):
        kind = rng.choice(["nat", "bool", "list"])
        text = expression(rng, kind, rng.randint(1, 4))
        lines.append(f"Definition e{i} := {text}.")
        try:
            values[i] = str(head.core.eval(head.expression(text)))
        except LanguageError:
            continue
        lines.append(f"Definition c{i} := (eq_refl : e{i} = {values[i]}).")
    assert COUNT // 3 < len(values) < COUNT * 7 // 8
    done = subprocess.run(
        ["coqtop", "-q", "-quiet", "-w", "none"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    defined = set(re.findall(r"\b([ec]\d+) is defined", done.stdout))
    assert {n for n in defined if n[0] == "e"} == {f"e{i}" for i in values}
    assert {n for n in defined if n[0] == "c"} == {f"c{i}" for i in values}


COUNT = 200
