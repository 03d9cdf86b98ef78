"""Lets tests of this folder import the references."""

import sys
from pathlib import Path

REFERENCE = str(Path(__file__).parents[1] / "reference")
if REFERENCE not in sys.path:
    sys.path.insert(0, REFERENCE)
