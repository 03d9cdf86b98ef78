"""Every notebook runs from top to bottom.

Where RECURSIONLAB_NOTEBOOKS names a folder, they are kept there as executed, for the documentation.
"""

import os
import re
from pathlib import Path

import pytest

import recursionlab

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# Each trains models; the first stands for all where time is short.
CASES = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path != NOTEBOOKS[0] else [])
    for path in NOTEBOOKS
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", CASES)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    for module in re.findall(r'"(?:import|from) (torch|transformers)\b', path.read_text("utf-8")):
        pytest.importorskip(module)
    package = str(Path(recursionlab.__file__).parents[1])
    monkeypatch.setenv("PYTHONPATH", package + os.pathsep + os.environ.get("PYTHONPATH", ""))
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    pictures = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert pictures
    if kept := os.environ.get("RECURSIONLAB_NOTEBOOKS"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, Path(kept) / path.name)


def test_notebooks_are_kept_without_output():
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), path
            assert cell.get("execution_count") is None, path
