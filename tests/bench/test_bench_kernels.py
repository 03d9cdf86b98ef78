"""The kernels bench: both sides compute the same, rows are complete, wrong requests refused."""

import math

import numpy as np
import pytest

from recursionlab.bench import _timing
from recursionlab.bench import kernels as bench
from recursionlab.errors import InputError

TINY = bench.Case(16, 2, 3, 5)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(_timing, "BURST", 0.0)
    monkeypatch.setattr(_timing, "FMA_ROUNDS", 1 << 10)
    monkeypatch.setitem(bench.CASES, "tiny", TINY)


def test_every_kernel_and_its_peer_compute_the_same():
    names = []
    for work in bench.works(TINY):
        work.ours()
        peer = next(iter(work.peers.values()))
        peer()
        ours, theirs = (np.asarray(a) for a in work.result())
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5, err_msg=work.name)
        assert np.abs(ours).max() > 0
        names.append(work.name)
    assert len(set(names)) == len(names) == 17


def test_products_count_two_operations_a_multiply_add():
    work = next(bench.works(TINY))
    assert work.name == "linear 16x16 forward" and work.amount == 2 * 15 * 16 * 16


def test_rows_have_what_readers_expect():
    result = bench.run(["tiny"], repeats=1)
    assert {"processor", "isa", "torch", "numpy"} <= set(result["machine"])
    assert len(result["rows"]) == 17 + 9  # products have NumPy as well
    assert sum(row["peer"].endswith("its own threads") for row in result["rows"]) == 9
    for row in result["rows"]:
        assert row["ratio"] == pytest.approx(row["ours"] / row["theirs"])
        assert math.isnan(row["share"]) == (row["unit"] == "GB/s")


def test_wrong_requests_are_refused():
    with pytest.raises(InputError, match="case: expected one of d64, d128"):
        bench.run(["d1"])
    with pytest.raises(InputError, match="repeats"):
        bench.run(repeats=0)
