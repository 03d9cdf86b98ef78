"""Norms, softmax, loss, sums, embeddings, dropout, AdamW: against float64 and differences."""

import numpy as np
import pytest
from reference import kernels as ref

from recursionlab import _core

ROWS = [(0, 4), (1, 1), (3, 2), (2, 7), (5, 32), (4, 33), (3, 100), (2, 257)]


def single(*shape, rng):
    return rng.standard_normal(shape).astype(np.float32)


def near(got, want, tol=1e-5):
    np.testing.assert_allclose(got, want, rtol=tol, atol=tol)


def by_differences(f, x, dy):
    """Return the gradient at x of sum(dy * f(x)), by central differences in float64."""
    return ref.numerical_gradient(lambda z: float((dy * f(z)).sum()), x.astype(np.float64), 1e-5)


@pytest.mark.parametrize(("n", "c"), ROWS)
@pytest.mark.parametrize("affine", [True, False])
def test_layernorm(kernels, rng, n, c, affine):
    x, dy, dx = single(n, c, rng=rng), single(n, c, rng=rng), single(n, c, rng=rng)
    gamma, beta = (single(c, rng=rng), single(c, rng=rng)) if affine else (None, None)
    eps = 1e-2
    y, mean, rstd = kernels.out((n, c)), kernels.out((n,)), kernels.out((n,))
    kernels.run("layernorm_fwd", n, c, x, gamma, beta, eps, y, mean, rstd)
    near(y, ref.layernorm(x.astype(np.float64), gamma, beta, eps))
    near(mean, x.astype(np.float64).mean(1))
    want = by_differences(lambda z: ref.layernorm(z, gamma, beta, eps), x, dy)
    dgamma, dbeta = single(c, rng=rng), single(c, rng=rng)
    for acc in (0, 1):
        got, dg, db = kernels.out(dx), kernels.out(dgamma), kernels.out(dbeta)
        given = (dg, db) if affine else (None, None)
        kernels.run("layernorm_bwd", n, c, x, gamma, mean, rstd, dy, acc, got, *given)
        near(got, acc * dx + want, 1e-4)
        if affine:
            near(
                dg,
                dgamma + (dy * ref.layernorm(x.astype(np.float64), None, None, eps)).sum(0),
                1e-4,
            )
            near(db, dbeta + dy.sum(0), 1e-4)


@pytest.mark.parametrize(("n", "c"), ROWS)
@pytest.mark.parametrize("affine", [True, False])
def test_rmsnorm(kernels, rng, n, c, affine):
    x, dy, dx = single(n, c, rng=rng), single(n, c, rng=rng), single(n, c, rng=rng)
    gamma = single(c, rng=rng) if affine else None
    y, rstd, eps = kernels.out((n, c)), kernels.out((n,)), 1e-2
    kernels.run("rmsnorm_fwd", n, c, x, gamma, eps, y, rstd)
    near(y, ref.rmsnorm(x.astype(np.float64), gamma, eps))
    want = by_differences(lambda z: ref.rmsnorm(z, gamma, eps), x, dy)
    dgamma = single(c, rng=rng)
    for acc in (0, 1):
        got, dg = kernels.out(dx), kernels.out(dgamma)
        kernels.run("rmsnorm_bwd", n, c, x, gamma, rstd, dy, acc, got, dg if affine else None)
        near(got, acc * dx + want, 1e-4)
        if affine:
            near(dg, dgamma + (dy * ref.rmsnorm(x.astype(np.float64), None, eps)).sum(0), 1e-4)


@pytest.mark.parametrize(("n", "c"), ROWS)
def test_softmax(kernels, rng, n, c):
    x, dy, dx = 5 * single(n, c, rng=rng), single(n, c, rng=rng), single(n, c, rng=rng)
    length = rng.integers(0, c + 1, n).astype(np.int32)
    y = kernels.out((n, c))
    kernels.run("softmax_fwd", n, c, c, x, length, c, y)
    near(y, ref.softmax(x, length), 2e-6)
    kernels.run("softmax_fwd", n, c, c, x, None, c, y)
    near(y, ref.softmax(x), 2e-6)
    want = by_differences(ref.softmax, x, dy)
    for acc in (0, 1):
        got = kernels.out(dx)
        kernels.run("softmax_bwd", n, c, c, y, dy, acc, got)
        near(got, acc * dx + want)


def test_softmax_of_extremes(kernels):
    inf, nan = np.inf, np.nan
    x = np.array([[1e30, 0, -1e30], [-inf, 0, 0], [nan, 0, 0], [-3e38, -3e38, -3e38]], np.float32)
    y = kernels.out((4, 3))
    kernels.run("softmax_fwd", 4, 3, 3, x, None, 3, y)
    near(y[[0, 1, 3]], [[1, 0, 0], [0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    assert np.isnan(y[2]).all()


@pytest.mark.parametrize(("n", "v"), ROWS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy(kernels, rng, n, v, smoothing):
    logits = 3 * single(n, v, rng=rng)
    labels = rng.integers(0, v, n).astype(np.int32)
    labels[1::3] = -100
    losses, d, scale = kernels.out((n,)), kernels.out((n, v)), 0.25
    args = (n, v, v, logits, labels, smoothing, scale)
    total, count = kernels.run("xent", *args, losses, v, d)
    want = ref.cross_entropy(logits, labels, smoothing)
    near(losses, want)
    assert count == (labels != -100).sum() and total == pytest.approx(
        want.sum(), rel=1e-6, abs=1e-6
    )
    slope = ref.numerical_gradient(
        lambda z: scale * ref.cross_entropy(z, labels, smoothing).sum(),
        logits.astype(np.float64),
        1e-5,
    )
    near(d, slope)
    assert (d[labels == -100] == 0).all()
    assert kernels.run("xent", *args, None, v, None) == (total, count)
    aliased = kernels.out(logits)
    kernels.run("xent", n, v, v, aliased, labels, smoothing, scale, None, v, aliased)
    assert aliased.tobytes() == d.tobytes()


def test_a_very_sure_loss_is_small_but_right(kernels):
    logits, label = (
        np.array([[20.0, 0.0, 0.0], [1e4, -1e4, 0]], np.float32),
        np.array([0, 1], np.int32),
    )
    losses = kernels.out((2,))
    kernels.run("xent", 2, 3, 3, logits, label, 0.0, 1.0, losses, 3, None)
    near(losses, [2 * np.exp(-20.0), 2e4], 2e-7)


@pytest.mark.parametrize("n", [0, 1, 7, 32, 4096, 4097, 20_000])
def test_elementwise_and_sums(kernels, rng, n):
    a, b, y = single(n, rng=rng), single(n, rng=rng), single(n, rng=rng)
    for name, want in [("add", a + b), ("mul", a * b), ("muladd", y + a * b)]:
        got = kernels.out(y)
        kernels.run(name, n, a, b, got)
        near(got, want, 1e-6)
    for name, want in [("scale", 1.5 * a), ("axpy", y + 1.5 * a)]:
        got = kernels.out(y)
        kernels.run(name, n, 1.5, a, got)
        near(got, want, 1e-6)
    a64 = a.astype(np.float64)
    assert kernels.run("dot", n, a, b) == pytest.approx(a64 @ b, rel=1e-5, abs=1e-4)
    assert kernels.run("sumsq", n, a) == pytest.approx(a64 @ a64, rel=1e-6)
    assert kernels.run("sum", n, a) == pytest.approx(a64.sum(), abs=1e-3)


@pytest.mark.parametrize(("n", "c"), [*ROWS, (600, 21), (257, 64)])
def test_bias_gradient(kernels, rng, n, c):
    dy, before = single(n, c + 3, rng=rng), single(c, rng=rng)
    got = kernels.out(before)
    kernels.run("bias_bwd", n, c, c + 3, dy, got)
    near(got, before + dy[:, :c].astype(np.float64).sum(0), 1e-4)


@pytest.mark.parametrize(("n", "c"), ROWS)
def test_embeddings(kernels, rng, n, c):
    table, index = single(5, c, rng=rng), rng.integers(0, 5, n).astype(np.int32)
    y, dy = single(n, c, rng=rng), single(n, c, rng=rng)
    for acc in (0, 1):
        got = kernels.out(y)
        kernels.run("gather", n, c, 5, table, index, 2.0, acc, got)
        near(got, acc * y + 2 * table[index], 1e-6)
    got, want = kernels.out(table), table.astype(np.float64)
    np.add.at(want, index, 2.0 * dy)
    kernels.run("scatter_add", n, c, 5, index, 2.0, dy, got)
    near(got, want)


@pytest.mark.parametrize("offset", [0, 3, 61, 64, 1001])
@pytest.mark.parametrize("n", [0, 1, 63, 200])
def test_dropout_is_the_stream_of_base(kernels, rng, n, offset):
    x, y = single(n, rng=rng), single(n, rng=rng)
    x[5:6] = np.nan
    mask = ref.dropout_mask(_core.random, 0.3, 2**40 + 5, 2, 2**33 + 1, offset, n)
    with np.errstate(invalid="ignore"):
        want = np.where(mask == 0, 0.0, x * mask)
    for acc in (0, 1):
        got = kernels.out(y)
        kernels.run("dropout", n, 0.3, 2**40 + 5, 2**33 + 1, offset, x, acc, got)
        near(got, acc * y + want, 1e-6)
    got = kernels.out(y)
    kernels.run("dropout", n, 0.0, 1, 1, offset, x, 0, got)
    assert got.tobytes() == x.tobytes()


def test_dropout_keeps_the_right_share(kernels):
    n = 100_000
    y = kernels.out((n,))
    kernels.run("dropout", n, 0.1, 7, 0, 0, np.ones(n, np.float32), 0, y)
    assert abs((y == 0).mean() - 0.1) < 0.005 and set(np.unique(y)) == {0.0, np.float32(1 / 0.9)}


@pytest.mark.parametrize("n", [0, 1, 16, 40, 1000])
def test_adamw(kernels, rng, n):
    lr, beta1, beta2, eps, weight_decay, scale = 0.01, 0.9, 0.99, 1e-8, 0.1, 0.5
    decay = rng.integers(0, 2, (n + 15) // 16).astype(np.uint8)
    w, m, v = single(n, rng=rng), np.zeros(n, np.float32), np.zeros(n, np.float32)
    gw, gm, gv = kernels.out(w), kernels.out(m), kernels.out(v)
    each = np.repeat(decay, 16)[:n] != 0
    for step in (1, 2, 3):
        g = single(n, rng=rng)
        bias = (1 - beta1**step, 1 - beta2**step)
        args = (n, lr, beta1, beta2, eps, weight_decay, *bias, scale, decay, g, gw, gm, gv)
        kernels.run("adamw", *args)
        w, m, v = ref.adamw(w, g, m, v, each, lr, beta1, beta2, eps, weight_decay, step, scale)
        near(gw, w, 2e-6)
        near(gm, m, 2e-6)
        near(gv, v, 2e-6)


@pytest.mark.parametrize("c", [5, 64, 100])
def test_a_row_does_not_depend_on_the_others(kernels, rng, c):
    x, gamma, beta = single(9, c, rng=rng), single(c, rng=rng), single(c, rng=rng)
    whole, alone, soft = kernels.out((9, c)), kernels.out((1, c)), kernels.out((9, c))
    kernels.run("layernorm_fwd", 9, c, x, gamma, beta, 1e-5, whole, None, None)
    kernels.run("softmax_fwd", 9, c, c, x, None, c, soft)
    for i in (0, 4, 8):
        row = x[i : i + 1].copy()
        kernels.run("layernorm_fwd", 1, c, row, gamma, beta, 1e-5, alone, None, None)
        assert alone[0].tobytes() == whole[i].tobytes()
        kernels.run("softmax_fwd", 1, c, c, row, None, c, alone)
        assert alone[0].tobytes() == soft[i].tobytes()
