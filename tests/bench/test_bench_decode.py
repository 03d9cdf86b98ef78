"""The decoding bench: its rows, its refusals, and that all programs say the same tokens."""

import pytest

from recursionlab.bench import _timing
from recursionlab.bench import decode as bench
from recursionlab.errors import InputError


def test_rows_have_what_readers_expect_and_outputs_are_the_same(monkeypatch):
    for name in ("torch", "transformers", "ctranslate2"):
        pytest.importorskip(name)
    monkeypatch.setattr(_timing, "BURST", 0.0)
    monkeypatch.setitem(bench.CASES, "tiny", bench.Case(16, 1, 2, 6))
    result = bench.run(["tiny"], repeats=1, threads=(1,), items=9)
    assert {"processor", "isa", "ctranslate2", "transformers"} <= set(result["machine"])
    peers = [row["peer"] for row in result["rows"]]
    assert "transformers" in peers[0] and "CTranslate2" in peers[1]
    for row in result["rows"]:
        assert row["same"] == 1.0
        assert row["ratio"] == pytest.approx(row["ours"] / row["theirs"])


def test_outputs_differ_and_seldom_end_early():
    pytest.importorskip("transformers")
    case = bench.Case(32, 1, 2, 16)
    rows = bench.sources(case, 40)
    assert rows == bench.sources(case, 40) and {len(row) for row in rows} <= set(range(8, 17))
    said = bench.their_program(bench.foreign_model(case), case, rows, 1)(1)
    assert len({tuple(row) for row in said}) > 20
    assert sum(len(row) == 16 for row in said) > 30


def test_misuse_is_refused():
    for name in ("torch", "transformers", "ctranslate2"):
        pytest.importorskip(name)
    with pytest.raises(InputError, match="case: expected one of t5-d64"):
        bench.run(["huge"])
    with pytest.raises(InputError, match="repeats"):
        bench.run(repeats=0)
