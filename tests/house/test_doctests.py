"""Every example in a docstring runs and shows what it says."""

import doctest
import importlib
import os
import pkgutil

import pytest

import recursionlab

MODULES = sorted(
    m.name for m in pkgutil.walk_packages(recursionlab.__path__, "recursionlab.") if not m.ispkg
) + sorted(m.name for m in pkgutil.walk_packages(recursionlab.__path__, "recursionlab.") if m.ispkg)


@pytest.mark.parametrize("name", [n for n in MODULES if not n.endswith("_core")])
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only a bench's peer may want a package that the tests do not; nothing else imports one.
        if not name.endswith("_peer") or str(error.name).startswith("recursionlab"):
            raise
        pytest.skip(f"{error.name} is not installed")
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testmod(module, optionflags=flags).failed == 0
    assert os.listdir(tmp_path) == [], "an example leaves files behind"
