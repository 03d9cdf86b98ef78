"""The matrix product: against float64, and a row's bits depend on that row alone."""

import numpy as np
import pytest
from kernel_products import TRANS, operands, packed_product, product, single
from kernel_runner import Kernels
from reference import kernels as ref

from recursionlab import _core

SHAPES = [
    (0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1), (1, 7, 5), (2, 16, 8), (5, 17, 3), (6, 16, 256),
    (7, 15, 257), (13, 64, 64), (12, 24, 300), (14, 65, 513), (97, 33, 31), (390, 70, 20),
    (520, 50, 9), (523, 64, 260),
    (64, 128, 520),
]  # fmt: skip


def close(got, want, k):
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6 * (k + 1) ** 0.5)


@pytest.mark.parametrize("trans", TRANS)
@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_products_of_all_shapes(kernels, rng, trans, m, n, k):
    a, b = operands(trans, m, n, k, rng)
    c = single(m, n, rng=rng)
    close(product(kernels, trans, a, b), ref.gemm(trans, a, b)[0], k)
    added = product(kernels, trans, a, b, c, accumulate=1)
    close(added, ref.gemm(trans, a, b, c)[0], k)
    if trans != "TN":
        assert (packed_product(kernels, trans, a, b) == product(kernels, trans, a, b)).all()
        assert (packed_product(kernels, trans, a, b, c, accumulate=1) == added).all()


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("call", [product, packed_product])
@pytest.mark.parametrize(
    ("m", "n", "k"), [(0, 3, 2), (5, 19, 0), (1, 1, 1), (7, 19, 260), (9, 64, 8), (13, 80, 300)]
)
def test_the_epilogue_adds_bias_activation_and_residual(kernels, rng, call, kind, m, n, k):
    a, b = operands("NN", m, n, k, rng)
    c, bias, residual = single(m, n, rng=rng), single(n, rng=rng), single(m, n, rng=rng)
    gate = np.maximum(single(m, n, rng=rng), 0)
    pre = kernels.out((m, n))
    got = call(kernels, "NN", a, b, c, 1, bias, pre, kind, gate, residual)
    want, want_pre = ref.gemm("NN", a, b, c, bias, kind, gate, residual)
    close(got, want, k)
    close(pre, want_pre, k)
    without = call(kernels, "NN", a, b, c, 1, bias, None, kind, gate, residual)
    assert without.tobytes() == got.tobytes()
    close(call(kernels, "NN", a, b, kind=kind), ref.gemm("NN", a, b, kind=kind)[0], k)


@pytest.mark.parametrize("trans", TRANS)
def test_a_row_does_not_depend_on_what_is_computed_with_it(kernels, rng, trans):
    m, n, k = 50, 72, 300
    a, b = operands(trans, m, n, k, rng)
    whole = product(kernels, trans, a, b)
    for i, j in [(0, 1), (3, 10), (17, 50), (44, 50), (49, 50)]:
        rows = np.ascontiguousarray(a[:, i:j] if trans == "TN" else a[i:j])
        assert product(kernels, trans, rows, b).tobytes() == whole[i:j].tobytes()
    for i, j in [(0, 1), (5, 31), (64, 72), (16, 64)]:
        columns = np.ascontiguousarray(b[i:j] if trans == "NT" else b[:, i:j])
        part = product(kernels, trans, a, columns)
        assert part.tobytes() == np.ascontiguousarray(whole[:, i:j]).tobytes()


def test_the_layout_of_the_operands_changes_no_bit(kernels, rng):
    a, b = operands("NN", 40, 80, 300, rng)
    want = product(kernels, "NN", a, b).tobytes()
    assert product(kernels, "NT", a, np.ascontiguousarray(b.T)).tobytes() == want
    assert product(kernels, "TN", np.ascontiguousarray(a.T), b).tobytes() == want


def test_rows_may_lie_apart(kernels, rng):
    m, n, k = 9, 21, 13
    a, b, c = single(m, 20, rng=rng), single(k, 30, rng=rng), single(m, 40, rng=rng)
    got = kernels.out(c)
    kernels.run("gemm", 0, m, n, k, 20, a, 30, b, 1, 40, got, None, None, 0, None, None)
    close(got[:, :n], ref.gemm("NN", a[:, :k], b[:, :n], c[:, :n])[0], k)
    assert (got[:, n:] == c[:, n:]).all()


def test_not_a_number_and_infinity_stay_in_their_rows(kernels, rng):
    a, b = operands("NN", 20, 30, 10, rng)
    a[3, 4], a[11, 0] = np.nan, np.inf
    c = product(kernels, "NN", a, b)
    assert np.isnan(c[3]).all() and np.isinf(c[11]).all()
    assert np.isfinite(np.delete(c, [3, 11], axis=0)).all()


def test_the_instruction_sets_agree(rng):
    a, b = operands("NN", 33, 50, 300, rng)
    results = [product(Kernels(isa), "NN", a, b) for isa in _core.isas()]
    for result in results[1:]:
        close(result, results[0], 300)
    for result in results[2:]:
        assert result.tobytes() == results[1].tobytes()  # those with fused multiply-add
