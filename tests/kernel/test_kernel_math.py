"""exp, tanh, erf, log and the activations: dense sweeps against float64, and all special values."""

import math

import numpy as np
import pytest
from reference import kernels as ref

# Largest errors in units in the last place: with fused multiply-add, and baseline.
LARGEST_ULP = {"exp": (1.0, 1.0), "tanh": (1.3, 1.3), "erf": (1.0, 1.2), "log": (0.8, 0.8)}
TRUTH = {
    "exp": np.exp,
    "tanh": np.tanh,
    "erf": ref.erf64,
    "log": np.log,
}


def sweep():
    """Every 8191st float32 of the number line, and the edges of what the functions distinguish."""
    bits = np.arange(0, 2**32, 8191, dtype=np.uint64).astype(np.uint32)
    x = bits.view(np.float32)
    edges = [
        0.625,
        1.0,
        4.0,
        88.72283,
        88.73,
        -87.33654,
        -103.97,
        -104.0,
        2.0**-126,
        math.sqrt(0.5),
    ]
    near = np.concatenate([np.float32(e) * (1 + np.arange(-40, 41) * 2.0**-24) for e in edges])
    dense = np.linspace(-12, 12, 100_001)
    x = np.concatenate([x, near.astype(np.float32), dense.astype(np.float32)])
    return np.ascontiguousarray(x[np.isfinite(x)])


def ulps(got, want):
    """Return |got - want| in units in the last place of want, rounded to float32's range."""
    spacing = np.maximum(np.abs(want), 2.0**-126)
    spacing = 2.0 ** (np.floor(np.log2(spacing)) - 23)
    return np.abs(got.astype(np.float64) - want) / spacing


@pytest.mark.parametrize("name", TRUTH)
def test_errors_are_as_stated(kernels, name):
    x = sweep()
    if name == "log":
        x = np.ascontiguousarray(x[x > 0])
    y = kernels.out((x.size,))
    kernels.run(name, x.size, x, y)
    with np.errstate(all="ignore"):
        want = TRUTH[name](x.astype(np.float64))
        single = want.astype(np.float32)
    finite = np.isfinite(single)
    assert (y[~finite] == single[~finite]).all()
    worst = ulps(y[finite], want[finite])
    limit = LARGEST_ULP[name][kernels.isa == "base"]
    at = x[finite][worst.argmax()]
    assert worst.max() <= limit, f"{worst.max():.3f} ulp at {at!r}"


SPECIAL = {
    "exp": [(np.nan, np.nan), (np.inf, np.inf), (-np.inf, 0.0), (0.0, 1.0), (-0.0, 1.0),
            (1e-42, 1.0), (89.0, np.inf), (1e30, np.inf), (-104.0, 0.0), (-1e30, 0.0),
            (-103.0, 1.4e-45)],
    "tanh": [(np.nan, np.nan), (np.inf, 1.0), (-np.inf, -1.0), (0.0, 0.0), (-0.0, -0.0),
             (1e-42, 1e-42), (-50.0, -1.0), (1e38, 1.0)],
    "erf": [(np.nan, np.nan), (np.inf, 1.0), (-np.inf, -1.0), (0.0, 0.0), (-0.0, -0.0),
            (-9.0, -1.0)],
    "log": [(np.nan, np.nan), (np.inf, np.inf), (-np.inf, np.nan), (0.0, -np.inf), (-0.0, -np.inf),
            (-1.0, np.nan), (1.0, 0.0), (-1e-42, np.nan), (1.4e-45, -103.27893)],
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(kernels, name):
    x, want = np.array(SPECIAL[name]).T.astype(np.float32)
    for size in (x.size, 1):
        for first in range(0, x.size, size):
            part, expected = x[first : first + size].copy(), want[first : first + size]
            y = kernels.out((size,))
            kernels.run(name, size, part, y)
            assert (np.isnan(y) == np.isnan(expected)).all()
            sure = ~np.isnan(expected)
            assert (y[sure].view(np.int32) == expected[sure].view(np.int32)).all(), (part, y)


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("n", [0, 1, 3, 8, 31, 100])
def test_activations_and_their_gradients(kernels, rng, kind, n):
    x, dy, dx = (4 * rng.standard_normal((3, n))).astype(np.float32)
    y = kernels.out((n,))
    kernels.run("act_fwd", kind, n, x, y)
    np.testing.assert_allclose(y, ref.act(kind, x.astype(np.float64)), rtol=2e-6, atol=4e-7)
    x64 = x.astype(np.float64)
    slope = (ref.act(kind, x64 + 1e-6) - ref.act(kind, x64 - 1e-6)) / 2e-6
    for acc in (0, 1):
        got = kernels.out(dx)
        kernels.run("act_bwd", kind, n, x, dy, acc, got)
        np.testing.assert_allclose(got, acc * dx + dy * slope, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("kind", range(5))
def test_activations_far_out(kernels, kind):
    x = np.array([np.nan, 200.0, -200.0, 3e38, 0.0], np.float32)
    y, dx = kernels.out((5,)), kernels.out((5,))
    kernels.run("act_fwd", kind, 5, x, y)
    kernels.run("act_bwd", kind, 5, x, np.ones(5, np.float32), 0, dx)
    assert np.isnan(y[0]) and y[1] == 200.0 and y[3] == x[3] and y[4] == 0.0
    assert y[2] == (0.0 if kind else -200.0)
    assert dx[1] == 1.0 and dx[2] == (0.0 if kind else 1.0)
