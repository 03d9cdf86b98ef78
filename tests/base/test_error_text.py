"""How an error points at a place in a source line."""

from recursionlab.errors import LanguageError


def lines(error):
    return str(error).split("\n")


def test_the_caret_stands_under_the_fault_and_keeps_tabs():
    error = LanguageError("bad", file="a.v", line=3, column=6, source_line="\tab := 3", length=2)
    head, source, caret = lines(error)
    assert head == "a.v:3:6: error: bad"
    assert source[caret.index("^") :].startswith(source.strip()[4:6])
    assert caret.startswith("  \t") and caret.count("^") == 2


def test_a_long_line_is_shown_around_the_fault():
    line = "x" * 5000 + "HERE" + "y" * 5000
    error = LanguageError("bad", column=5001, source_line=line, length=4, hint="write it shorter")
    _, source, caret, hint = lines(error)
    assert len(source) < 140 and source[caret.index("^") :].startswith("HERE")
    assert caret.count("^") == 4 and hint == "write it shorter"


def test_a_caret_past_the_end_stays_one_character():
    error = LanguageError("bad", column=4, source_line="abc", length=9)
    assert lines(error)[2] == "     ^"
