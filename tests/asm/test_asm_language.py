"""Text to machine and back; every fault of a text points at its place."""

import random

import pytest
from hypothesis import given, settings
from machine_strategies import machines

from recursionlab.errors import LanguageError, RecursionLabError
from recursionlab.language.source import Source
from recursionlab.machines import load, loads, shortcut, shortcuts
from recursionlab.machines.parser import parse
from recursionlab.machines.syntax import show


@settings(max_examples=120, deadline=None)
@given(machines())
def test_printing_and_parsing_are_inverse(tree):
    text = show(tree)
    assert parse(Source("t", text)) == tree
    assert show(parse(Source("t", text))) == text


@pytest.mark.parametrize("name", shortcuts())
def test_shortcuts_print_and_parse(name):
    machine = shortcut(name)
    assert loads(str(machine)).tree == machine.tree


def test_few_parentheses_are_printed():
    text = "machine p var i : int = (1 + 2) - (3 - 4) * (5 / (6 mod 7)) var b : bool = "
    text += "not (not (1 = 2)) and (true or false) rule i := -(-(i)) b := (i < 1) = b end"
    shown = str(loads(text))
    assert "1 + 2 - (3 - 4) * (5 / (6 mod 7))" in shown
    assert "not not 1 = 2 and (true or false)" in shown
    assert "b := (i < 1) = b" in shown


HEAD = "machine m\ntoken x\nvar i : int = 0\nvar b : bool = true\nfun f(int) : token = none\nrule\n"
TAIL = "\n  if b then f(i) := x end\nend"
WRONG = [
    ("i := true", "7:6", "this has sort bool", "expected an expression of sort int"),
    ("j := 1", "7:1", "there is no `j` here", "declare it"),
    ("i := lenght", "7:6", "there is no `lenght` here", "did you mean `length`?"),
    ("f(1, 2) := x", "7:1", "`f` takes 1 argument, got 2", ""),
    ("f(b) := x", "7:3", "this has sort bool", "sort int"),
    ("i(1) := 1", "7:1", "`i` takes no arguments, got 1", ""),
    ("f := x", "7:1", "`f` takes 1 argument, got 0", ""),
    ("length := 1", "7:1", "`length` is the length and cannot be updated", "update a variable"),
    ("input(0) := x", "7:1", "`input` is the input and cannot be updated", "update a variable"),
    ("x := x", "7:1", "`x` is a token and cannot be updated", "update a variable"),
    ("b := i = x", "7:10", "this has sort token", "sort int"),
    ("b := x < x", "7:6", "this has sort token", "sort int"),
    ("if i then halt end", "7:4", "this has sort int", "sort bool"),
    ("let y = 1 in halt end", "7:1", "`y` is never used", "use it or remove it"),
    ("let i = 1 in halt end", "7:1", "`i` is bound again inside its own scope", "another name"),
    ("forall y in 0 .. x do skip end", "7:18", "this has sort token", "sort int"),
    ('output(0) := "y"', "7:14", 'there is no token "y"', "declare it"),
    ("i := 99999999999", "7:6", "this number does not fit 32 bits", "below 2147483648"),
    ("i := ", "8:3", "`if` cannot stand here", "expected"),
    ("i := 1 +* 2", "7:9", "`*` cannot stand here", "expected"),
    ("i := ?", "7:6", "`?` cannot stand here", "expected"),
    ("end end", "7:5", "`end` cannot stand here", "expected the end"),
    ("if b then", "9:4", "the text ends too early", "expected"),
]  # fmt: skip


@pytest.mark.parametrize("rule, place, message, hint", WRONG, ids=[w[0] for w in WRONG])
def test_a_wrong_rule_is_pointed_at(rule, place, message, hint):
    with pytest.raises(LanguageError) as caught:
        loads(HEAD + rule + TAIL, "m.asm")
    text = str(caught.value)
    assert text.startswith(f"m.asm:{place}: error: {message}\n") or text.endswith(message)
    assert hint in text and "^" in text


DECLARATIONS = [
    ("var i : int = 0 var i : int = 1", "`i` is declared twice"),
    ("var length : int = 0", "`length` already has a meaning"),
    ("var i : itn = 0", "there is no sort `itn`"),
    ("var i : int = true", "this has sort bool"),
    ("var i : int = j", "there is no `j` here"),
    ("var j : int = 0 var i : int = j", "`j` is a variable and has no value before the first step"),
    ("var i : token = input(0)", "`input` is the input and has no value before the first step"),
    ("var i : int = 0 var j : int = 1", "`j` is never used"),
    ("var i : int = 0 param k : int = 1", "`k` is never used"),
    ("var i : int = 0 fun f(int) : int = 1", "`f` is never used"),
    ("var i : int = 0 fun f(int, int, int) : int = 1", "`f` has 3 arguments"),
    ("var i : int = 0 fun f(int) : int = length", "the default of `f` is no constant"),
    ("enum int = a | b var i : int = 0", "`int` already has a meaning"),
    ('token x "x" var i : int = 0', '`"x"` is declared twice'),
    ("enum e = a | a var i : int = 0", "`a` is declared twice"),
]


@pytest.mark.parametrize("text, message", DECLARATIONS, ids=[d[0] for d in DECLARATIONS])
def test_a_wrong_declaration_is_pointed_at(text, message):
    with pytest.raises(LanguageError) as caught:
        loads(f"machine m {text} rule i := i end")
    assert f"error: {message}\n" in str(caught.value)


def test_a_token_may_have_the_name_of_anything_in_quotes():
    text = 'machine m token "i" "if" "(" i2 var i : int = 0 rule if input(i) = "i" then '
    text += 'output(i) := "if" else output(i) := "i2" end i := i + 1 if i + 1 = length then halt '
    assert loads(text + "end end")(["i", "(", "i"]) == ["if", "i2", "if"]


def test_deep_nesting_is_refused_not_a_crash():
    for text in ("(" * 5000 + "1" + ")" * 5000, "-" * 5000 + "1", "not " * 5000 + "true"):
        with pytest.raises(RecursionLabError):
            loads(f"machine m var i : int = 0 rule if i = {text} then halt end i := 1 end")
    block = "if true then\n" * 3000 + "halt\n" + "end\n" * 3000
    with pytest.raises(RecursionLabError):
        loads(f"machine m rule {block} end")


def test_files_are_read(tmp_path):
    path = tmp_path / "m.asm"
    path.write_text(str(shortcut("copy")))
    assert load(path).name == "copy"
    with pytest.raises(RecursionLabError, match="cannot be read"):
        load(tmp_path / "none.asm")


def test_mutated_texts_are_read_or_refused():
    rng = random.Random(0)
    texts = [str(shortcut(name)) for name in shortcuts()]
    for _ in range(1500):
        text = list(rng.choice(texts))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            action = rng.randrange(3)
            if action == 0:
                del text[at : at + rng.randint(1, 9)]
            elif action == 1:
                text.insert(
                    at, rng.choice(["if ", "(", ")", "end ", '"', "1", "#", ":=", "-", "é"])
                )
            else:
                text[at] = chr(rng.randrange(1, 256))
            text = text or ["x"]
        try:
            loads("".join(text)).core  # noqa: B018
        except RecursionLabError:
            pass
