"""Limits are stated and told, whatever the input's depth or length."""

import pytest

from recursionlab.errors import LanguageError
from recursionlab.language import loads
from recursionlab.language.parser import MAX_NESTING

HEAD = "Require Import List.\nImport ListNotations.\n"
NESTED = {
    "parentheses": lambda n: "Definition a := " + "(S " * n + "0" + ")" * n + ".",
    "sums": lambda n: "Definition a := " + "1 + " * n + "1.",
    "matches": lambda n: (
        "Definition a (x : nat) := " + "match x with 0 => 0 | S _ => " * n + "x" + " end" * n + "."
    ),
    "lets": lambda n: "Definition a := " + "let x := 1 in " * n + "2.",
    "functions": lambda n: "Definition a : nat := " + "(fun x => " * n + "1" + ") 1" * n + ".",
    "patterns": lambda n: (
        "Definition a (x : nat) := match x with "
        + "S (" * n
        + "0"
        + ")" * n
        + " => 1 | _ => 2 end."
    ),
    "types": lambda n: "Definition a (x : " + "list (" * n + "nat" + ")" * n + ") := 1.",
    "arrows": lambda n: "Definition a (x : " + "nat -> " * n + "nat) := 1.",
    "or_patterns": lambda n: (
        "Definition a (x : nat) := match x with " + "(0 | S " * n + "_" + ")" * n + " => 1 end."
    ),
    "fixes": lambda n: (
        "Definition a : nat := " + "(fix f (x : nat) : nat := " * n + "x" + ") 1" * n + "."
    ),
}


@pytest.mark.parametrize("kind", NESTED)
def test_nesting_within_the_limit_is_fine(kind, core):
    text = NESTED[kind](MAX_NESTING // 4)
    try:
        loads(text)
    except LanguageError as error:
        assert kind == "or_patterns" and "redundant" in error.message


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("depth", [MAX_NESTING, 300, 20_000])
def test_nesting_beyond_the_limit_is_an_error(kind, depth, reference):
    with pytest.raises(LanguageError, match="nested") as caught:
        loads(NESTED[kind](depth + 1))
    assert "split it" in caught.value.hint


def test_a_function_of_too_many_arguments_is_told_by_name(reference):
    names = " ".join(f"x{i}" for i in range(2000))
    with pytest.raises(LanguageError, match="binds or nests too much") as caught:
        loads(f"Definition a := 1.\nDefinition b ({names} : nat) := x0.")
    assert (caught.value.line, caught.value.column) == (2, 12)


def test_comments_nest_without_limit(core):
    loads("(* " * 50_000 + "*) " * 50_000 + "Definition a := 1.")


def test_long_lists_are_not_nesting():
    items = "; ".join(["1"] * 5000)
    program = loads(f"{HEAD}Definition a := [{items}].\nDefinition b := {'2 :: ' * 5000}[].")
    assert len(program) == 2


def test_a_file_of_many_commands():
    text = "\n".join(f"Definition a{i} := {i}." for i in range(1000))
    assert len(loads(text)) == 1000


def test_types_that_grow_are_told(reference):
    lets = "".join(f"let x{i + 1} := (x{i}, x{i}) in " for i in range(40))
    with pytest.raises(LanguageError, match="the types in this command are too large"):
        loads(f"Definition a (x0 : nat) := {lets}1.")
    lets = "".join(f"let x{i + 1} := (x{i}, x{i}) in " for i in range(60))
    with pytest.raises(LanguageError, match="too large"):
        loads(f"Definition a (x0 : nat) := {lets}S x60.")


def test_matches_that_multiply_are_told(reference):
    types = "Inductive c := c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9.\n"
    names = [f"x{i}" for i in range(10)]
    rows = "".join(
        f"| {', '.join('c0' if i == j else '_' for i in range(10))} => {j} " for j in range(10)
    )
    text = f"{types}Definition a ({' '.join(names)} : c) := match {', '.join(names)} with {rows}"
    with pytest.raises(LanguageError, match="too many branches"):
        loads(text + f"| {', '.join('_' * 10)} => 10 end.")


@pytest.mark.parametrize("text", ["", "  \n", "(* only a comment *)"])
def test_an_empty_file_is_a_program_without_functions(text, core):
    assert len(loads(text)) == 0


def test_windows_line_ends_and_tabs(core):
    with pytest.raises(LanguageError) as caught:
        loads("Definition a := 1.\r\n\tDefinition b := c.\r\n", "w.v")
    assert str(caught.value) == (
        "w.v:2:18: error: unknown name `c`\n  \tDefinition b := c.\n  \t                ^\n"
        "define it before this command"
    )
