"""The training bench: its rows, its refusals, and that both sides train the same shape."""

import pytest

from recursionlab.bench import train as bench
from recursionlab.errors import InputError


def test_rows_have_what_readers_expect(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(bench, "BURST", 0.0)
    monkeypatch.setitem(bench.CASES, "tiny", bench.Case(16, 1, 2, 4, 3))
    result = bench.run(["tiny"], repeats=1, threads=(1,))
    (row,) = result["rows"]
    assert {"processor", "isa", "torch"} <= set(result["machine"])
    assert row["case"] == "tiny" and row["threads"] == 1 and "PyTorch" in row["peer"]
    assert row["ratio"] == pytest.approx(row["ours"] / row["theirs"])


@pytest.mark.parametrize("name", bench.CASES)
def test_both_sides_have_the_same_parameters(name):
    pytest.importorskip("torch")
    from recursionlab.bench.torch_peer import Seq2Seq

    case = bench.CASES[name]
    words = len(bench.VOCABULARY)
    model = Seq2Seq(words, case.d_model, case.layers, case.heads, 2 * case.tokens)
    theirs = sum(parameter.numel() for parameter in model.parameters())
    assert bench.our_model(case).n_params == theirs


def test_wrong_requests_are_refused():
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="case: expected one of d64-full"):
        bench.run(["d1"])
    with pytest.raises(InputError, match="repeats"):
        bench.run(repeats=0)
