"""The command line itself: help with an example, one line for a mistake, nothing slow imported."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from recursionlab import cli, commands
from recursionlab.errors import ConfigError, LanguageError

COMMANDS = commands.names()


def run(*words, capsys=None):
    """Run the command line in this process: (status, out, err)."""
    try:
        status = cli.main(words)
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_help_lists_every_command(capsys):
    status, out, _ = run("--help", capsys=capsys)
    assert status == 0
    assert all(re.search(rf"^ +{command}\b", out, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["trace"],
        ["trace", "binary", "xH", "--granularity", "nano"],
        ["trace", "binary", "xH", "--every", "0"],
        ["generate", "binary", "--threads", "-1"],
        ["list", "planets"],
        ["score", "x.jsonl"],
    ],
)
def test_a_word_that_does_not_fit_is_one_line_and_status_2(words, capsys):
    status, out, err = run(*words, capsys=capsys)
    assert status == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "--help" in err


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ConfigError("a\nb"), 2, "recursionlab: error: a b"),
        (OSError(28, "No space left on device", "/x/y"), 2, "/x/y: No space left on device; make"),
        (PermissionError(13, "Permission denied", "/x"), 2, "/x: Permission denied"),
        (OSError("odd"), 2, "recursionlab: error: odd"),
        (MemoryError(), 2, "out of memory"),
        (ZeroDivisionError("oh"), 1, "internal error: ZeroDivisionError: oh"),
    ],
)
def test_every_error_is_told_in_one_line(error, status, text, monkeypatch, capsys):
    def fail(args):
        raise error

    monkeypatch.setattr(commands.get("list"), "run", fail)
    monkeypatch.delenv("RECURSIONLAB_DEBUG", raising=False)
    got, out, err = run("list", capsys=capsys)
    assert got == status
    assert text in err
    assert len(err.splitlines()) == 1
    assert out == ""


def test_an_error_of_the_language_shows_its_line():
    error = LanguageError("no", file="a.v", line=3, column=2, source_line="abc", hint="say yes")
    text, status = cli.explain(error)
    assert status == 2
    assert text.splitlines() == ["a.v:3:2: error: no", "  abc", "   ^", "say yes"]


def test_ctrl_c_is_130(monkeypatch, capsys):
    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.get("list"), "run", stop)
    assert run("list", capsys=capsys)[0] == 130


def test_a_closed_pipe_is_no_traceback():
    code = "import sys; from recursionlab.cli import main; sys.exit(main(['list', 'experiments']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    process.wait()
    assert "Traceback" not in err


def test_the_command_line_imports_nothing_slow():
    code = (
        "import sys; from recursionlab.cli import _parser; _parser()\n"
        "print([m for m in ('pyarrow', 'matplotlib', 'lark', 'numpy.ma') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lists_are_json(capsys):
    for kind, expected in (
        ("tasks", "value"),
        ("experiments", "successor"),
        ("evaluators", "exact"),
    ):
        status, out, _ = run("list", kind, "--json", capsys=capsys)
        assert status == 0
        rows = json.loads(out)[kind]
        assert expected in [row["name"] for row in rows]
        assert all(row["about"] for row in rows)


def test_check_runs_the_examples(tmp_path, capsys):
    file = tmp_path / "wrong.v"
    file.write_text("Example wrong : 1 + 1 = 3. Proof. reflexivity. Qed.\n", encoding="utf-8")
    status, out, err = run("check", str(file), capsys=capsys)
    assert (status, out) == (2, "")
    assert "example `wrong` fails" in err


@pytest.mark.parametrize("name", commands.names())
def test_every_command_has_help_with_an_example_that_parses(name, capsys):
    status, out, _ = run(name, "--help", capsys=capsys)
    assert status == 0
    example = commands.get(name).EXAMPLE
    assert example in out
    words = shlex.split(example)
    assert words[:2] == ["recursionlab", name]
    assert cli._parser().parse_args(words[1:]).run is commands.get(name).run
