"""The commands `machine` and `export`: what they print, and their users' mistakes."""

import json

import pytest

import recursionlab as rlab
from recursionlab import cli


def run(capsys, *words):
    status = cli.main(words)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_machine_is_printed_and_its_text_is_a_machine(capsys, tmp_path):
    status, out, _ = run(capsys, "machine", "binary", "succ")
    assert status == 0 and out.startswith("machine succ\n")
    (tmp_path / "succ.asm").write_text(out)
    status, out, _ = run(capsys, "machine", str(tmp_path / "succ.asm"), "xI", "xI", "xH")
    assert (status, out) == (0, "xO xO xO xH\n")


def test_a_bounded_machine_runs_with_its_updates(capsys):
    words = ["machine", "binary", "succ", "xI (xI xH)", "--cut", "1", "--trace"]
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert out.splitlines()[0] == "1: output(0) := xO, n := 1, p0 := 1, calls := 1"
    assert out.splitlines()[-2:] == ["xO xI xH", "(succ gives xO xO xO xH)"]
    for fallback, output in [
        ("stop", ["xO"]),
        ("constant:xH", ["xO", "xH"]),
        ("branch:xO", ["xO", "xI", "xH"]),
    ]:
        _, out, _ = run(capsys, *words, "--fallback", fallback, "--json")
        found = json.loads(out)
        assert found["output"] == output
        assert found["steps"] == len(found["updates"])


def test_states_are_words(capsys):
    _, out, _ = run(capsys, "machine", "tree", "size", "node leaf true leaf", "--states", "--json")
    found = json.loads(out)
    assert found["output"] == found["expected"]
    assert found["states"].count("<step>") == found["steps"]


@pytest.mark.parametrize(
    "words, message",
    [
        (["machine", "binary"], "say which function of binary is compiled; it has succ"),
        (["machine", "binary", "succ", "xH", "xH"], "succ takes 1 arguments"),
        (["machine", "binary", "succ", "zH"], "zH"),
        (["machine", "binary", "succ", "--trace"], "--trace and --states need a value"),
        (["machine", "binary", "succ", "--cut", "1", "--fallback", "jump"], "--fallback: expected"),
        (["machine", "binary", "succ", "--cut", "x"], "x"),
        (["machine", "ackermann", "ackermann"], "does not compile to a machine"),
        (["machine", "none.asm"], "none.asm: cannot be read"),
        (["export", "binary", "--function", "suc"], "did you mean `succ`"),
        (["export", "binary", "--redex", "--traces"], "only Coq checks steps"),
        (["export", "rose", "--maude", "--function", "mirror"], "cannot be written as first-order"),
        (["export", "binary", "--sizes", "a"], "--sizes"),
        (["export", "binary", "--output", "/dev/null/x.v"], "/dev/null"),
    ],
)
def test_mistakes_are_one_line(words, message, capsys):
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_pairs_and_steps_are_exported(capsys):
    words = ["export", "binary", "--function", "succ", "--sizes", "3", "--limit", "1", "--traces"]
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert "Example exported_pair_1 : succ (xI (xI xH) : positive) = (xO (xO (xO xH))" in out
    assert out.count("Check (eq_refl") == 3
    _, out, _ = run(capsys, "export", "sort", "--maude", "--json")
    found = json.loads(out)
    assert found["pairs"] == found["text"].count("reduce ") > 50
    assert found["left_out"] == ["quick_sort_fuelled"]


def test_a_data_set_is_exported_as_it_stands_in_its_files(capsys, tmp_path):
    data = rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(2, 6))
    data.save(tmp_path / "data")
    words = ["export", str(tmp_path / "data"), "--limit", "2", "--output", str(tmp_path / "x.v")]
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0
    assert json.loads(out)["pairs"] == 2 * sum(len(s) > 0 for s in data.values())
    item = data["train"][0]
    text = (tmp_path / "x.v").read_text()
    for side in ("input", "target"):
        first, *rest = reversed(item[side].split())
        for word in rest:
            first = f"{word} ({first})" if " " in first else f"{word} {first}"
        assert f"({first} : positive)" in text
