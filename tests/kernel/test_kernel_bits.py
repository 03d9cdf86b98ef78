"""Instruction sets against each other: those with fused multiply-add to the bit, else nearly."""

import numpy as np
import pytest
from kernel_runner import Kernels

from recursionlab import _core

N, C = 21, 77


def inputs():
    """Return fresh arrays by name, the same every time."""
    rng = np.random.default_rng(1)
    a = {
        name: rng.standard_normal((N, C)).astype(np.float32)
        for name in ("x", "y", "dy", "w", "m", "p")
    }
    a["gamma"], a["beta"] = a["y"][0].copy(), a["y"][1].copy()
    a["mean"], a["rstd"] = a["w"][:, 0].copy(), np.abs(a["w"][:, 1])
    a["v"] = np.abs(a["w"])
    a["labels"] = rng.integers(0, C, N).astype(np.int32)
    return a


HEADS = (N, N, 7, 1, 11, C, C, C, C, 0.3, 1, 0, None, 0.1, 5, 6, 7)


def attention_bwd(run, a):
    probs = np.zeros((7, N, N), np.float32)
    run("attention_fwd", *HEADS, a["x"], a["y"], a["w"], a["m"], probs)
    args = (a["x"], a["y"], a["w"], probs, a["dy"], 1, a["m"], a["v"], a["p"], None)
    run("attention_bwd", *HEADS, *args)


ONE = (1, N, 7, 1, 11, C, C, C, C, 0.3, 0, 0)

CALLS = {
    "attention_one": lambda r, a: r(
        "attention_one", *ONE, a["w"], 0, 5, 6, 7, a["dy"], a["x"], a["y"], a["m"]
    ),
    "layernorm_fwd": lambda r, a: r(
        "layernorm_fwd", N, C, a["x"], a["gamma"], a["beta"], 1e-5, a["y"], a["mean"], a["rstd"]
    ),
    "layernorm_bwd": lambda r, a: r(
        "layernorm_bwd", N, C, a["x"], a["gamma"], a["mean"], a["rstd"], a["dy"], 1, a["y"],
        a["gamma"].copy(), a["beta"],
    ),
    "rmsnorm_bwd": lambda r, a: r(
        "rmsnorm_bwd", N, C, a["x"], a["gamma"], a["rstd"], a["dy"], 0, a["y"], a["beta"]
    ),
    "softmax": lambda r, a: r("softmax_fwd", N, C, C, a["x"], None, C, a["y"]),
    "xent": lambda r, a: r("xent", N, C, C, a["x"], a["labels"], 0.1, 0.5, a["mean"], C, a["y"]),
    "exp": lambda r, a: r("exp", N * C, a["x"], a["y"]),
    "tanh": lambda r, a: r("tanh", N * C, a["x"], a["y"]),
    "erf": lambda r, a: r("erf", N * C, a["x"], a["y"]),
    "log": lambda r, a: r("log", N * C, a["v"], a["y"]),
    **{
        f"act_{k}": lambda r, a, k=k: (
            r("act_fwd", k, N * C, a["x"], a["y"]),
            r("act_bwd", k, N * C, a["x"], a["dy"], 1, a["w"]),
        )
        for k in range(5)
    },
    "dot": lambda r, a: r("dot", N * C, a["x"], a["y"]),
    "bias_bwd": lambda r, a: r("bias_bwd", N, C, C, a["dy"], a["beta"]),
    "dropout": lambda r, a: r("dropout", N * C, 0.2, 1, 2, 3, a["x"], 1, a["y"]),
    "attention": attention_bwd,
    "gemm": lambda r, a: r(
        "gemm", 1, N, N, C, C, a["x"], C, a["y"], 1, N, a["w"], a["mean"], a["p"], 2, None, a["m"]
    ),
    "adamw": lambda r, a: r(
        "adamw", N * C, 1e-3, 0.9, 0.99, 1e-8, 0.1, 0.1, 0.01, 0.5, None, a["x"], a["w"],
        a["m"], a["v"],
    ),
}  # fmt: skip


def outcome(isa, name):
    arrays = inputs()
    result = CALLS[name](Kernels(isa).run, arrays)
    return result, arrays


@pytest.mark.parametrize("name", CALLS)
def test_instruction_sets_agree(name):
    results = [outcome(isa, name) for isa in _core.isas()]
    for _, arrays in results[1:]:
        for key, value in arrays.items():
            np.testing.assert_allclose(value, results[0][1][key], rtol=2e-4, atol=2e-5, err_msg=key)
    for result, arrays in results[2:]:
        assert result == results[1][0]
        for key, value in arrays.items():
            assert value.tobytes() == results[1][1][key].tobytes(), key


@pytest.mark.parametrize("name", CALLS)
def test_a_kernel_gives_the_same_bits_twice(kernels, name):
    (first, a), (second, b) = outcome(kernels.isa, name), outcome(kernels.isa, name)
    assert first == second
    assert all(a[key].tobytes() == b[key].tobytes() for key in a)
