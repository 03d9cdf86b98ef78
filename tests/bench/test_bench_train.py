"""The training bench: its rows, its refusals, and that both sides train the same thing."""

import numpy as np
import pytest

from recursionlab.bench import _memory, _timing
from recursionlab.bench import train as bench
from recursionlab.errors import InputError


@pytest.fixture
def tiny(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(_timing, "BURST", 0.0)
    monkeypatch.setattr(bench, "peak_of", lambda call: 10.0 if "ours" in call else 30.0)
    monkeypatch.setitem(bench.CASES, "tiny", bench.Case(16, 1, 2, 4, 3))


def test_rows_have_what_readers_expect(tiny):
    result = bench.run(["tiny"], repeats=1, threads=(1, 2), compiled=False)
    assert {"processor", "isa", "torch"} <= set(result["machine"])
    rows = {(row["unit"], row["threads"]): row for row in result["rows"]}
    assert len(rows) == len(result["rows"])
    assert set(rows) == {
        ("steps/s", 1), ("steps/s", 2), ("% of FMA peak", 1), ("% of FMA peak", 2),
        ("x 1 thread", 2), ("MiB", 2),
    }  # fmt: skip
    for (unit, _), row in rows.items():
        assert row["case"] == "tiny" and "PyTorch" in row["peer"]
        better = row["theirs"] / row["ours"] if unit == "MiB" else row["ours"] / row["theirs"]
        assert row["ratio"] == pytest.approx(better)
    assert rows["MiB", 2]["ratio"] == 3.0
    gain = rows["x 1 thread", 2]["ours"]
    assert gain == pytest.approx(rows["steps/s", 2]["ours"] / rows["steps/s", 1]["ours"])
    for count in (1, 2):
        assert 0 < rows["% of FMA peak", count]["ours"] < 100


def test_bfloat16_has_both_precisions_as_peers(tiny):
    rows = bench.run(["tiny"], 1, (1,), compiled=False, memory=False, bfloat16=True)["rows"]
    half = [row for row in rows if row["dtype"] == "bfloat16"]
    assert ["autocast" in row["peer"] for row in half] == [True, False]
    assert "float32" in half[1]["peer"] and half[0]["ours"] == half[1]["ours"]


@pytest.mark.parametrize("isa", ["avx2", bench.BFLOAT16_ISA])
def test_bfloat16_is_left_out_in_words_where_the_processor_lacks_it(tiny, monkeypatch, isa):
    monkeypatch.setattr(bench._core, "isa", lambda: isa)
    monkeypatch.setattr(bench, "fma_loop", lambda calls: 1.0)
    monkeypatch.setattr(bench, "_bfloat16_rows", lambda *_: [{"dtype": "bfloat16"}])
    result = bench.run(["tiny"], 1, (1,), compiled=False, memory=False)
    has = isa == bench.BFLOAT16_ISA
    assert any(row["dtype"] == "bfloat16" for row in result["rows"]) == has
    assert [isa in reason for reason in result["left_out"]] == ([] if has else [True])


@pytest.mark.parametrize("name", bench.CASES)
def test_both_sides_have_the_same_parameters(name):
    pytest.importorskip("torch")
    from recursionlab.bench.torch_peer import Seq2Seq

    case = bench.CASES[name]
    split = bench.corpus(case)
    words, longest = len(split.vocabulary), bench.longest(split)
    model = Seq2Seq(words, case.d_model, case.layers, case.heads, longest)
    theirs = sum(parameter.numel() for parameter in model.parameters())
    assert bench.our_model(case, split).n_params == theirs


def test_padded_batches_hold_every_token_and_hide_the_padding():
    pytest.importorskip("torch")
    from recursionlab.bench.torch_peer import IGNORED, padded_batches

    split = bench.corpus(bench.CASES["d128-traces"])
    batches = padded_batches(split, 64)
    lengths = np.diff(split.label_offsets) + 1
    assert sum(int((b[2] != IGNORED).sum()) for b in batches) == lengths.sum()
    assert sorted(n for b in batches for n in (b[2] != IGNORED).sum(1).tolist()) == sorted(lengths)
    real = sum(int(b[0].numel() if b[3] is None else b[3].sum()) for b in batches)
    assert real == len(split.input_ids)
    assert all((b[1][:, 1:] == b[2][:, :-1])[b[2][:, 1:] != IGNORED].all() for b in batches)


def test_flops_of_a_step_are_those_of_its_products():
    case = bench.Case(64, 1, 2, 4, 8)
    rows, width = 4 * 8, 64
    linear = 2 * rows * (12 + 16) * width**2 + 2 * rows * len(bench.WORDS) * width
    attention = 4 * 4 * 8 * 8 * width * 2.5  # one of the three is causal: half of it
    assert bench.flops_of_step(case, bench.corpus(case)) == pytest.approx(
        3 * (linear + attention), rel=0.02
    )


def test_peak_memory_is_that_of_the_program_alone():
    small = _memory.peak_of("recursionlab.bench._memory:nothing()")
    big = _memory.peak_of("recursionlab.bench._memory:sys.intern('x' * (200 << 20))")
    if np.isnan(small):
        pytest.skip("this system does not tell")
    assert 190 < big - small < 260
    with pytest.raises(RuntimeError, match="no_such"):
        _memory.peak_of("recursionlab.bench._memory:no_such()")


def test_wrong_requests_are_refused():
    pytest.importorskip("torch")
    with pytest.raises(InputError, match="case: expected one of d64-full"):
        bench.run(["d1"])
    with pytest.raises(InputError, match="repeats"):
        bench.run(repeats=0)
