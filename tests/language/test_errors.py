"""Wrong programs, each with the exact message a user gets (wrong.txt)."""

import re
from pathlib import Path

import pytest

from recursionlab.errors import LanguageError, RecursionLabError
from recursionlab.language import load, loads

TABLE = (Path(__file__).parent / "wrong.txt").read_text(encoding="utf-8")
WRONG = {
    name: (program, message)
    for name, program, message in re.findall(
        r"^### (\w+)\n(.*?)\n---\n(.*?)\n\n(?=### |\Z)", TABLE, re.DOTALL | re.MULTILINE
    )
}


def test_the_table_is_read_whole():
    assert len(WRONG) == TABLE.count("### ") >= 100


@pytest.mark.parametrize("name", WRONG)
def test_message(name, reference):
    program, message = WRONG[name]
    with pytest.raises(LanguageError) as caught:
        loads(program, "w.v").check()
    assert str(caught.value) == message


@pytest.mark.parametrize("name", WRONG)
def test_the_caret_is_under_the_fault(name, reference):
    program, _ = WRONG[name]
    with pytest.raises(LanguageError) as caught:
        loads(program, "w.v").check()
    error = caught.value
    lines = program.split("\n")
    assert error.source_line == lines[error.line - 1]
    assert 1 <= error.column <= len(error.source_line) + 1
    assert error.hint


def test_errors_are_both_ours_and_value_errors():
    assert issubclass(LanguageError, RecursionLabError)
    assert issubclass(LanguageError, ValueError)


def test_a_missing_file_and_one_that_is_not_text(tmp_path):
    with pytest.raises(RecursionLabError, match=r"none\.v: cannot be read: No such file"):
        load(tmp_path / "none.v")
    (tmp_path / "bytes.v").write_bytes(b"Definition a := 1.\xff")
    with pytest.raises(RecursionLabError, match=r"bytes\.v: not UTF-8 text \(byte 18\)"):
        load(tmp_path / "bytes.v")
    with pytest.raises(RecursionLabError, match="cannot be read"):
        load(tmp_path)
