"""Attention: against the obvious loops, finite differences, and a key/value cache to the bit."""

import numpy as np
import pytest
from reference import kernels as ref

from recursionlab import _core

SMALL = [  # lq, lk, heads, group, width, causal, shift
    (0, 3, 1, 1, 4, 0, 0), (3, 0, 1, 1, 4, 0, 0), (1, 1, 1, 1, 1, 1, 0),
    (4, 4, 2, 1, 3, 1, 0), (3, 7, 2, 2, 5, 0, 0),
    (2, 6, 4, 2, 4, 1, 4), (5, 3, 2, 1, 8, 1, 0), (1, 9, 2, 1, 8, 1, 8),
]  # fmt: skip


class Problem:
    """One attention with random operands; rows lie a little apart."""

    def __init__(self, rng, lq, lk, h, group, d, causal, shift, bias=False, p=0.0):
        self.sizes, self.d, self.h, self.group = (lq, lk, h, group, d), d, h, group
        self.causal, self.shift, self.scale, self.p = causal, shift, 0.4, p
        hk = h // group
        self.widths = (h * d, hk * d, hk * d, h * d)
        self.ld = (h * d + 3, hk * d + 1, hk * d + 2, h * d + 5)
        rows = (lq, lk, lk, lq)
        self.q, self.k, self.v, self.dout = (
            rng.standard_normal((r, w)).astype(np.float32)
            for r, w in zip(rows, self.ld, strict=True)
        )
        self.bias = rng.standard_normal((h, lq, lk)).astype(np.float32) if bias else None
        self.drop = (p, 99, 5, 10)
        self.mask = None
        if p:
            n = h * lq * lk
            mask = ref.dropout_mask(_core.random, p, 99, 2, 5, 10, n)
            self.mask = mask.reshape(h, lq, lk)

    def args(self):
        bias = self.bias
        return (*self.sizes, *self.ld, self.scale, self.causal, self.shift, bias, *self.drop)

    def heads(self, x, operand):
        """Return rows of an operand (0 q, 1 k, 2 v, 3 o) as float64 (rows, heads, width)."""
        w = self.widths[operand]
        return x[:, :w].astype(np.float64).reshape(len(x), w // self.d, self.d)

    def reference(self, q, k, v, bias):
        how = (self.group, self.scale, self.causal, self.shift)
        return ref.attention(q, k, v, *how, bias, self.mask)

    def forward(self, kernels, keep=True):
        lq, lk = self.sizes[:2]
        o = kernels.out((lq, self.ld[3]))
        probs = kernels.out((self.h, lq, lk)) if keep else None
        kernels.run("attention_fwd", *self.args(), self.q, self.k, self.v, o, probs)
        return o, probs


@pytest.mark.parametrize("sizes", [*SMALL, (100, 100, 2, 1, 16, 1, 0), (98, 33, 1, 1, 5, 0, 0)])
@pytest.mark.parametrize(("bias", "p"), [(False, 0.0), (True, 0.0), (True, 0.25)])
def test_forward(kernels, rng, sizes, bias, p):
    t = Problem(rng, *sizes, bias=bias, p=p)
    o, probs = t.forward(kernels)
    operands = (t.heads(t.q, 0), t.heads(t.k, 1), t.heads(t.v, 2))
    want, want_probs = t.reference(*operands, t.bias)
    np.testing.assert_allclose(t.heads(o, 3), want, rtol=1e-5, atol=3e-6)
    np.testing.assert_allclose(probs, want_probs, rtol=1e-5, atol=1e-6)
    assert (o[:, t.widths[3] :] == 0).all()
    assert t.forward(kernels, keep=False)[0].tobytes() == o.tobytes()


@pytest.mark.parametrize("sizes", SMALL)
@pytest.mark.parametrize(("bias", "p"), [(False, 0.0), (True, 0.25)])
@pytest.mark.parametrize("acc", [0, 1])
def test_backward_is_the_derivative(kernels, rng, sizes, bias, p, acc):
    t = Problem(rng, *sizes, bias=bias, p=p)
    probs = t.forward(kernels)[1]
    before = [rng.standard_normal(x.shape).astype(np.float32) for x in (t.q, t.k, t.v)]
    got = [kernels.out(x) for x in before]
    dbias = kernels.out(probs.shape)
    args = (t.q, t.k, t.v, probs, t.dout, acc, *got, dbias)
    kernels.run("attention_bwd", *t.args(), *args)
    operands = [t.heads(t.q, 0), t.heads(t.k, 1), t.heads(t.v, 2)]
    dout = t.heads(t.dout, 3)
    zero = np.zeros(probs.shape) if t.bias is None else t.bias.astype(np.float64)
    operands.append(zero)

    def loss(which):
        def f(x):
            return float(
                (dout * t.reference(*operands[:which], x, *operands[which + 1 :])[0]).sum()
            )

        return ref.numerical_gradient(f, operands[which])

    for which in range(3):
        want = acc * t.heads(before[which], which) + loss(which)
        np.testing.assert_allclose(t.heads(got[which], which), want, rtol=1e-4, atol=2e-5)
        outside = t.widths[which]
        assert (got[which][:, outside:] == before[which][:, outside:]).all()
    np.testing.assert_allclose(dbias, loss(3), rtol=1e-4, atol=2e-5)


def test_backward_over_several_blocks_of_rows(kernels, rng):
    t = Problem(rng, 200, 200, 2, 1, 8, 1, 0)
    probs = t.forward(kernels)[1]
    got = [kernels.out(x.shape) for x in (t.q, t.k, t.v)]
    kernels.run("attention_bwd", *t.args(), t.q, t.k, t.v, probs, t.dout, 0, *got, None)
    q, k, v = t.heads(t.q, 0), t.heads(t.k, 1), t.heads(t.v, 2)
    g, p = t.heads(t.dout, 3), probs.astype(np.float64)
    dp = np.einsum("ihd,jhd->hij", g, v)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True))
    wants = [np.einsum("hij,jhd->ihd", ds, k), np.einsum("hij,ihd->jhd", ds, q)]
    for which, want in enumerate(
        [t.scale * wants[0], t.scale * wants[1], np.einsum("hij,ihd->jhd", p, g)]
    ):
        np.testing.assert_allclose(t.heads(got[which], which), want, rtol=1e-4, atol=1e-5)


def test_one_query_with_a_cache_gives_the_bits_of_the_whole(kernels, rng):
    t = Problem(rng, 130, 130, 2, 1, 16, 1, 0)
    whole, probs = t.forward(kernels)
    for i in (0, 1, 40, 97, 129):
        one = Problem(rng, 1, i + 1, 2, 1, 16, 1, i)
        one.q, one.k, one.v = t.q[i : i + 1].copy(), t.k[: i + 1].copy(), t.v[: i + 1].copy()
        o, p = one.forward(kernels)
        assert o[0].tobytes() == whole[i].tobytes()
        assert p[:, 0].tobytes() == np.ascontiguousarray(probs[:, i, : i + 1]).tobytes()


ONE = [  # lk, heads, group, width
    (0, 2, 1, 4), (1, 1, 1, 1), (1, 2, 1, 8), (7, 4, 2, 5), (8, 4, 1, 16), (9, 2, 2, 32),
    (33, 3, 1, 40), (70, 1, 1, 64), (17, 2, 1, 131),
]  # fmt: skip


@pytest.mark.parametrize("sizes", ONE)
@pytest.mark.parametrize("bias", [False, True])
def test_one_row_is_a_row_of_attention(kernels, rng, sizes, bias):
    lk, heads, group, width = sizes
    t = Problem(rng, 1, lk, heads, group, width, 0, 0, bias=bias)
    o = kernels.out((1, heads * width))
    kernels.run("attention_one", *t.args(), t.q, t.k, t.v, o)
    operands = (t.heads(t.q, 0), t.heads(t.k, 1), t.heads(t.v, 2))
    want = t.reference(*operands, t.bias)[0].reshape(o.shape)
    np.testing.assert_allclose(o, want, rtol=1e-5, atol=3e-6)


def test_one_row_reads_no_key_beyond_its_own(kernels, rng):
    t = Problem(rng, 1, 19, 2, 1, 12, 0, 0)
    several = []
    for beyond in (0.0, np.nan):
        k, v = (
            np.concatenate([x, np.full((9, x.shape[1]), beyond, np.float32)]) for x in (t.k, t.v)
        )
        several.append(kernels.out((1, 24)))
        kernels.run("attention_one", *t.args(), t.q, k, v, several[-1])
    assert several[0].tobytes() == several[1].tobytes()


def test_one_row_that_attends_to_a_nan_is_nan(kernels, rng):
    t = Problem(rng, 1, 5, 2, 1, 8, 0, 0)
    t.k[3, 2] = np.nan  # of the first head
    o = kernels.out((1, 16))
    kernels.run("attention_one", *t.args(), t.q, t.k, t.v, o)
    assert np.isnan(o[0, :8]).all() and np.isfinite(o[0, 8:]).all()
