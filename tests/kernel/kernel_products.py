"""Calls of the matrix product and random operands, for the tests of either precision."""

import numpy as np

TRANS = {"NN": 0, "NT": 1, "TN": 2}


def single(*shape, rng):
    return rng.standard_normal(shape).astype(np.float32)


def operands(trans, m, n, k, rng):
    a = single(*((k, m) if trans == "TN" else (m, k)), rng=rng)
    b = single(*((n, k) if trans == "NT" else (k, n)), rng=rng)
    return a, b


def product(
    kernels,
    trans,
    a,
    b,
    c=None,
    accumulate=0,
    bias=None,
    pre=None,
    kind=0,
    gate=None,
    residual=None,
):
    """c = [c +] a b through the plain gemm; rows of a and b as they lie."""
    m, k = a.shape[::-1] if trans == "TN" else a.shape
    n = b.shape[0] if trans == "NT" else b.shape[1]
    c = kernels.out((m, n)) if c is None else kernels.out(c)
    lda, ldb = a.shape[1], b.shape[1]
    kernels.run(
        "gemm",
        TRANS[trans],
        m,
        n,
        k,
        lda,
        a,
        ldb,
        b,
        accumulate,
        n,
        c,
        bias,
        pre,
        kind,
        gate,
        residual,
    )
    return c


def packed_product(
    kernels,
    trans,
    a,
    b,
    c=None,
    accumulate=0,
    bias=None,
    pre=None,
    kind=0,
    gate=None,
    residual=None,
):
    m, k = a.shape
    n = b.shape[0] if trans == "NT" else b.shape[1]
    c = kernels.out((m, n)) if c is None else kernels.out(c)
    packed = kernels.out((kernels.run("gemm_pack_size", n, k),))
    kernels.run("gemm_pack", int(trans == "NT"), n, k, b.shape[1], b, packed)
    kernels.run(
        "gemm_packed", m, n, k, k, a, packed, accumulate, n, c, bias, pre, kind, gate, residual
    )
    return c
