"""The fixtures of the kernels' tests."""

import numpy as np
import pytest
from kernel_runner import Kernels

from recursionlab import _core


@pytest.fixture(params=_core.isas())
def kernels(request):
    """Every instruction set that this processor has."""
    return Kernels(request.param)


@pytest.fixture
def rng():
    """Fixed random numbers for inputs."""
    return np.random.default_rng(0)


@pytest.fixture(params=_core.isas())
def bfloat16(request):
    """The same with products of bfloat16."""
    return Kernels(f"{request.param}/bfloat16")
