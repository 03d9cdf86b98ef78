"""The documentation site: `sphinx-build -W docs build/site`.

Reference pages are written from the registries, and notebooks are taken as the tests executed them
(RECURSIONLAB_NOTEBOOKS, default build/notebooks), or without output where they did not.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import pages  # noqa: E402

import recursionlab  # noqa: E402

project, author = "recursionlab", "the authors of recursionlab"
version = release = recursionlab.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.viewcode", "numpydoc", "myst_nb"]
exclude_patterns = ["README.md"]
html_theme, html_title = "furo", "recursionlab"
default_role = "literal"

myst_heading_anchors = 3
nb_execution_mode = "off"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"

pages.write(
    HERE / "generated",
    notebooks=HERE.parent / "notebooks",
    executed=Path(os.environ.get("RECURSIONLAB_NOTEBOOKS", HERE.parent / "build/notebooks")),
)
