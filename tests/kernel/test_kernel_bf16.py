"""Products of bfloat16: every instruction set gives the bits of the documented chain of pairs."""

import numpy as np
import pytest
from kernel_products import TRANS, operands, packed_product, product, single
from kernel_runner import Kernels
from reference import kernels as ref

from recursionlab import _core

SHAPES = [
    (0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1), (1, 7, 5), (2, 16, 8), (5, 17, 3), (6, 16, 256),
    (7, 15, 257), (13, 64, 64), (12, 24, 300), (14, 65, 513), (97, 33, 31), (390, 70, 20),
    (64, 128, 520),
]  # fmt: skip


@pytest.mark.parametrize("trans", TRANS)
@pytest.mark.parametrize(("m", "n", "k"), SHAPES)
def test_products_have_the_bits_of_the_chain(bfloat16, rng, trans, m, n, k):
    a, b = operands(trans, m, n, k, rng)
    c = single(m, n, rng=rng)
    want = ref.gemm_bf16(trans, a, b)
    assert product(bfloat16, trans, a, b).tobytes() == want.tobytes()
    added = ref.gemm_bf16(trans, a, b, c)
    assert product(bfloat16, trans, a, b, c, accumulate=1).tobytes() == added.tobytes()
    if trans != "TN":
        assert packed_product(bfloat16, trans, a, b).tobytes() == want.tobytes()
        packed = packed_product(bfloat16, trans, a, b, c, accumulate=1)
        assert packed.tobytes() == added.tobytes()


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("call", [product, packed_product])
def test_the_epilogue_does_not_round(bfloat16, rng, call, kind):
    m, n, k = 7, 19, 260
    a, b = operands("NN", m, n, k, rng)
    bias, residual = single(n, rng=rng), single(m, n, rng=rng)
    pre = bfloat16.out((m, n))
    got = call(bfloat16, "NN", a, b, None, 0, bias, pre, kind, residual)
    sums = ref.gemm_bf16("NN", a, b)
    want, want_pre = ref.gemm("NN", sums, np.eye(n), None, bias, kind, residual)
    np.testing.assert_allclose(pre, want_pre, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_numbers_are_rounded_to_nearest_even(bfloat16):
    bits = np.arange(1 << 16, dtype=np.uint32) << 16
    finite = bits[(bits & 0x7F800000) != 0x7F800000]
    rng = np.random.default_rng(2)
    x = np.concatenate([finite, finite + 0x8000, finite + 0x7FFF, finite + 0x8001])
    x = np.concatenate([x, rng.integers(0, 1 << 32, 1 << 16, dtype=np.uint32)]).view(np.float32)
    x = x[: len(x) // 8 * 8]
    x = x[np.isfinite(x)]
    one = np.ones((1, 1), np.float32)
    for got in (
        product(bfloat16, "NN", x[:, None], one),
        product(bfloat16, "NT", one, x[:, None]).T,
        packed_product(bfloat16, "NN", one, x[None, :]).T,
    ):
        np.testing.assert_array_equal(got[:, 0], ref.bf16(x))


def test_not_a_number_and_infinity_stay_in_their_rows(bfloat16, rng):
    a, b = operands("NN", 20, 30, 11, rng)
    a[3, 10], a[11, 0] = np.nan, np.inf
    a.view(np.uint32)[5, 2] = 0x7F800001  # would round to infinity if taken for a number
    c = product(bfloat16, "NN", a, b)
    assert np.isnan(c[[3, 5]]).all() and np.isinf(c[11]).all()
    assert np.isfinite(np.delete(c, [3, 5, 11], axis=0)).all()


@pytest.mark.parametrize("trans", TRANS)
def test_a_row_does_not_depend_on_what_is_computed_with_it(bfloat16, rng, trans):
    a, b = operands(trans, 50, 72, 301, rng)
    whole = product(bfloat16, trans, a, b)
    for i, j in [(0, 1), (3, 10), (17, 50), (49, 50)]:
        rows = np.ascontiguousarray(a[:, i:j] if trans == "TN" else a[i:j])
        assert product(bfloat16, trans, rows, b).tobytes() == whole[i:j].tobytes()
    for i, j in [(5, 31), (64, 72)]:
        columns = np.ascontiguousarray(b[i:j] if trans == "NT" else b[:, i:j])
        part = product(bfloat16, trans, a, columns)
        assert part.tobytes() == np.ascontiguousarray(whole[:, i:j]).tobytes()


def test_everything_else_is_float32(rng):
    x = single(1000, rng=rng)
    for isa in _core.isas():
        plain, rounded = Kernels(isa), Kernels(f"{isa}/bfloat16")
        results = []
        for kernels in (plain, rounded):
            y = kernels.out(x.shape)
            kernels.run("exp", x.size, x, y)
            results.append(y.tobytes())
        assert results[0] == results[1]
