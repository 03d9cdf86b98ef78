"""Lets tests of this folder import helpers of the model's tests and the references."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "model", HERE.parent / "reference"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
