"""Accepted programs: their Examples hold, and big steps agree with small ones."""

import pytest
from accepted import ACCEPTED

from recursionlab.language import libraries, library, loads


@pytest.mark.parametrize("name", ACCEPTED)
def test_examples_hold(name, core):
    program = loads(ACCEPTED[name], name + ".v")
    assert program.check() == len(program.examples)


@pytest.mark.parametrize("name", libraries())
def test_library_examples_hold(name, core):
    program = library(name)
    assert program.check() == len(program.examples) > 0


@pytest.mark.parametrize("name", libraries())
def test_every_library_function_has_an_example_and_an_origin(name, reference):
    program = library(name)
    assert program.source.startswith("(* ")
    for function in program:
        assert any(example.name.startswith(function.name) for example in program.examples), function


@pytest.mark.parametrize("name", ACCEPTED)
def test_small_steps_end_where_big_steps_do(name, reference):
    program = loads(ACCEPTED[name], name + ".v")
    for example in program.examples:
        for side in (example.left, example.right):
            term = program._term(side, example.excerpt)
            normal, _ = term.program.normalize(term.tree)
            assert normal == term.program.evaluate(term.tree)


def test_the_names_the_issue_asks_for(reference):
    binary, tree = library("binary"), library("tree")
    for name in ("succ", "pred", "plus", "add", "carry"):
        assert name in binary
    for name in ("preorder", "inorder", "postorder", "mirror", "height", "size"):
        assert name in tree


def value(n):
    """Write a number as a term of type positive."""
    if n == 1:
        return "xH"
    return f"{'xI' if n % 2 else 'xO'} ({value(n // 2)})"


@pytest.mark.parametrize("n", range(1, 40))
def test_binary_arithmetic(n, reference):
    program = BINARY.setdefault("program", library("binary"))

    def run(text):
        return program.core.eval(program.expression(text))

    assert run(f"succ ({value(n)})") == run(value(n + 1))
    assert run(f"pred ({value(n + 1)})") == run(value(n))
    assert run(f"add ({value(n)}) ({value(41 - n)})") == run(value(41))
    zeros = len(bin(n + 1)) - len(bin(n + 1).rstrip("0"))
    assert run(f"carry ({value(n)})") == run(str(zeros))
    assert run(f"digits ({value(n)})") == run(str(n.bit_length()))


BINARY = {}
