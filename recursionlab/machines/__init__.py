"""Abstract state machines over tokens: the language, its runs, machines of functions, shortcuts."""

from .functions import Cut, Refused, machine_of
from .history import History
from .hypotheses import hypotheses
from .machine import ENDS, Budget, Machine, Runs, load, loads
from .shortcuts import shortcut, shortcuts

__all__ = [
    "ENDS",
    "Budget",
    "Cut",
    "History",
    "Machine",
    "Refused",
    "Runs",
    "hypotheses",
    "load",
    "loads",
    "machine_of",
    "shortcut",
    "shortcuts",
]
