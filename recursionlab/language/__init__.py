"""The language: Gallina files in, checked programs out."""

from __future__ import annotations

from recursionlab.errors import LanguageError

from .program import Function, Program, libraries, library, load, loads

__all__ = ["Function", "LanguageError", "Program", "libraries", "library", "load", "loads"]
