"""The Python face of the kernels: each kernel is tested, a wrong argument is one clear error."""

from pathlib import Path

import numpy as np
import pytest

from recursionlab import _core
from recursionlab.errors import InputError


def test_every_kernel_is_run_by_a_test():
    text = "".join(p.read_text() for p in Path(__file__).parent.glob("*kernel_*.py"))
    assert not [name for name in _core.kernel_names() if f'"{name}"' not in text]


def test_the_table_has_a_door_for_every_kernel():
    header = Path(__file__).parents[2] / "csrc/tensor/kernel/kernel.h"
    table = header.read_text().split("struct rlab_kernels {")[1].split("\n};")[0]
    found = {part.split(")")[0] for part in table.split("(*")[1:]}
    assert found - {"attention_work"} == set(_core.kernel_names())


X = np.zeros(4, np.float32)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("neon", "add", 4, X, X, X), "neon"),
        (("base/float16", "add", 4, X, X, X), "'/bfloat16' after it"),
        (("base", "subtract", 4, X, X, X), "kernel_names"),
        (("base", "add", 5, X, X, X), "at least 5"),
        (("base", "add", 4, X, X), "more than"),
        (("base", "add", 4, X, X, X, X), "expected 6 arguments"),
        (("base", "add", 4, X, None, X), "NumPy array"),
        (("base", "add", 4, X, X.astype(np.float64), X), "float32"),
        (("base", "add", 2, X[::2], X, X), "contiguous"),
        (("base", "gather", 1, 1, 4, X, np.array([4], np.int32), 1.0, 0, X), r"\[0, 4\)"),
        (("base", "softmax_fwd", 2, 2, 1, X, None, 2, X), "at least 2 apart"),
        (("base", "act_fwd", 9, 4, X, X), r"\[0, 4\]"),
        (("base", "attention_work"), "kernel_names"),
    ],
)
def test_wrong_arguments_are_named(args, message):
    with pytest.raises((InputError, TypeError), match=message):
        _core.kernel(*args)


def test_outputs_must_be_writable():
    y = np.zeros(4, np.float32)
    y.flags.writeable = False
    with pytest.raises(InputError, match="writable"):
        _core.kernel("base", "add", 4, X, X, y)


def test_heads_must_fit_their_groups():
    with pytest.raises(InputError, match="group"):
        _core.kernel(
            "base", "attention_fwd", 1, 1, 3, 2, 1, 3, 1, 1, 3, 1.0, 0, 0, None, 0.0, 0, 0, 0
        )


def test_the_peak_loop_counts_its_operations():
    lanes = {"base": 4, "avx2": 8, "avx512": 16, "avx512bf16": 16}
    for isa in _core.isas():
        flops = _core.kernel(isa, "fma_peak", 10)
        assert flops == 10 * 12 * 2 * lanes[isa]
        pairs = 2 if isa == "avx512bf16" else 1
        assert _core.kernel(f"{isa}/bfloat16", "fma_peak", 10) == pairs * flops
