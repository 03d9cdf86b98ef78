"""House rules of the C core, read from its files: layering, first lines, where things may stand."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
FILES = sorted(p for p in CSRC.rglob("*") if p.suffix in (".c", ".h", ".def"))

# The doors: which rooms a room may include. The same table stands in csrc/README.md.
MAY_USE = {
    "base": set(),
    "lang": {"base"},
    "asm": {"base"},
    "tensor": {"base"},
    "model": {"base", "tensor"},
    "learn": {"base", "tensor", "model"},
    "decode": {"base", "lang", "tensor", "model"},
    "judge": {"base", "lang", "decode"},
    "python": {"base", "lang", "asm", "tensor", "model", "learn", "decode", "judge"},
}


def name(path):
    return str(path.relative_to(CSRC))


def room(path):
    return path.relative_to(CSRC).parts[0]


def code(path):
    """Return the file's text without comments and string literals."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_room_includes_only_rooms_below_it(path):
    used = set(re.findall(r'#include "([a-z]+)/', path.read_text())) - {room(path)}
    assert used <= MAY_USE[room(path)]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_other_rooms_are_entered_by_their_doors(path):
    doors = {"base": {"base", "status"}, "tensor": {"tensor", "kernel", "ops"}}
    for other, folder, header in re.findall(
        r'#include "([a-z]+)/((?:[a-z_]+/)*)([a-z0-9_]+)\.(?:h|def)"', path.read_text()
    ):
        if other == room(path):
            continue
        assert header in doors.get(other, {other, other + "s"}), f"{other}/{folder}{header}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_line_one_says_why_the_file_exists(path):
    first = path.read_text().split("\n", 1)[0]
    assert first.startswith("/* ") and len(first) > 20


@pytest.mark.parametrize("path", FILES, ids=name)
def test_header_guards_follow_the_path(path):
    if path.suffix == ".h" and not path.name.endswith(".inc.h"):
        guard = "RLAB_" + re.sub(r"[/.]", "_", name(path)).upper()
        assert f"#ifndef {guard}\n#define {guard}\n" in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_stands_where_it_must_not(path):
    text = code(path)
    assert not re.search(r"\b(exit|abort|setjmp|longjmp|alloca|strtok|gets|sprintf)\s*\(", text)
    if room(path) != "python":
        assert "Python.h" not in path.read_text()
    if path.name != "memory.c":
        assert not re.search(r"\b(malloc|calloc|realloc|free)\s*\(", text)
    if path.name != "par.c":
        assert not re.search(r"#\s*pragma\s+omp\s+(?!simd)", text)
    assert "//" not in re.sub(r"https?://", "", text)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_stay_short_and_narrow(path):
    lines = path.read_text().split("\n")
    assert len(lines) <= 650
    assert max(map(len, lines)) <= 100


def test_every_status_has_a_python_exception():
    import builtins

    from recursionlab import errors

    for exception in re.findall(r'X\(\w+, "(\w+)"', (CSRC / "base/status.def").read_text()):
        assert hasattr(errors, exception) or hasattr(builtins, exception)


def test_the_readme_table_of_doors_is_the_one_tested_here():
    text = (CSRC / "README.md").read_text()
    for above, below in MAY_USE.items():
        row = re.search(rf"^\| `{above}/` \|.*\| ([a-z, —]+) \|$", text, flags=re.M)
        assert row, above
        assert set(re.findall(r"[a-z]+", row[1])) == below, above
