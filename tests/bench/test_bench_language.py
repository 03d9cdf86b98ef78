"""The language bench: its rows, its peers on small cases, and what it says where one is missing."""

import shutil
import sys

import pytest

from recursionlab.bench import _timing
from recursionlab.bench import language as bench
from recursionlab.errors import InputError


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(_timing, "BURST", 0.0)
    monkeypatch.setattr(bench, "ROUNDS", 1)
    for name in ("PAIRS_TO", "TRACES_TO"):
        monkeypatch.setattr(bench, name, 4)
    monkeypatch.setattr(bench, "REFERENCE_ITEMS", 15)  # all of them


@pytest.mark.parametrize("case", ["pairs", "traces"])
def test_bulk_rows_name_their_peers(case):
    result = bench.run([case], repeats=1)
    assert result["left_out"] == []
    assert [(row["threads"], row["peer"]) for row in result["rows"]] == [
        (1, "plain Python"), (2, "plain Python"), (2, "ours, 1 thread"),
    ]  # fmt: skip
    for row in result["rows"]:
        assert row["case"] == case and row["ratio"] == pytest.approx(row["ours"] / row["theirs"])


@pytest.mark.parametrize("case", ["pairs", "traces"])
def test_plain_python_makes_what_we_make(case):
    made = bench.make(case)(1)
    work = len(made["size"] if case == "pairs" else made["trace"])
    assert bench._reference(case, [])(1) == work


def test_maude_and_we_compute_the_same():
    pytest.importorskip("maude")
    (row,) = bench.run(["steps-sort"], repeats=1)["rows"]
    assert row["peer"].startswith("Maude ") and row["unit"] == "steps/s"
    term = bench._maude([], "").parseTerm("sort(cycle(S(S(S(O))), S(O), S(O)))")
    term.reduce()
    assert str(term) == "cons(O, cons(S(O), cons(S(O), nil)))"
    program = bench.loads(bench.GALLINA)
    ours = program.core.eval(program.expression("sort (cycle 3 1 1)"))
    assert str(ours) == "[0; 1; 1]"


def test_coq_times_itself():
    if not shutil.which("coqc"):
        pytest.skip("no coqc")
    (row,) = bench.run(["eval-ackermann"], repeats=1)["rows"]
    assert "vm_compute" in row["peer"] and row["ratio"] > 0


def test_missing_peers_are_told(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "maude", None)
    result = bench.run(["steps-mul", "eval-fold"], repeats=1)
    assert result["rows"] == []
    assert result["left_out"] == [
        "steps-mul against Maude: pip install 'recursionlab[maude]'",
        "eval-fold against Coq: no coqc on the PATH",
    ]


def test_wrong_requests_are_refused():
    with pytest.raises(InputError, match="case: expected one of pairs, traces"):
        bench.run(["speed"])
    with pytest.raises(InputError, match="repeats: expected at least 1, got 0"):
        bench.run(repeats=0)
