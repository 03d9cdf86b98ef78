"""The reference core beside the C core: tests of the front end need only one of them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reference"))

import core_eval

try:
    from recursionlab import _core
except ImportError:
    _core = None
from recursionlab.language import program as program_module

CORES = ["reference"] + (["C"] if hasattr(_core, "Program") else [])


@pytest.fixture
def reference(monkeypatch):
    """Programs are built on the Python reference of the core."""
    monkeypatch.setattr(program_module, "_new_core", core_eval.Program)
    return core_eval


@pytest.fixture(params=CORES)
def core(request, monkeypatch):
    """Programs are built on each core in turn."""
    if request.param == "reference":
        monkeypatch.setattr(program_module, "_new_core", core_eval.Program)
    return request.param
