"""Abstract state machines over tokens: the language, its runs, machines of functions, shortcuts."""

from .history import History
from .machine import ENDS, Budget, Machine, Runs, load, loads
from .shortcuts import shortcut, shortcuts

__all__ = [
    "ENDS",
    "Budget",
    "History",
    "Machine",
    "Runs",
    "load",
    "loads",
    "shortcut",
    "shortcuts",
]
