"""The language: Gallina files in, checked programs out."""

from __future__ import annotations

from recursionlab.errors import LanguageError

from .export import export_coq
from .function import Function
from .program import Program, libraries, library, load, loads
from .rewriting import export_maude, export_redex
from .sampling import Sample, Stratum
from .trace import Step, Trace, Verdict

__all__ = [
    "Function",
    "LanguageError",
    "Program",
    "Sample",
    "Step",
    "Stratum",
    "Trace",
    "Verdict",
    "export_coq",
    "export_maude",
    "export_redex",
    "libraries",
    "library",
    "load",
    "loads",
]
