"""Every exception the library raises: what is wrong, where, expected, got and what to do."""

from __future__ import annotations


class RecursionLabError(Exception):
    """Base of all errors of this library.

    The command line prints a `RecursionLabError` as one line and exits with status 2.
    """


class InputError(RecursionLabError, ValueError):
    """An argument's value is outside what the function accepts."""


class InputTypeError(RecursionLabError, TypeError):
    """An argument has the wrong type, dtype or shape."""


class InputIndexError(RecursionLabError, IndexError):
    """An index is outside its range."""


class TermError(RecursionLabError, ValueError):
    """A term, value or program is not well formed or not well typed."""


class DecodeError(RecursionLabError, ValueError):
    """A token sequence is not the encoding of a value.

    Attributes
    ----------
    position : int
        Index of the first offending token.
    """

    position: int = -1


class CountError(RecursionLabError, ValueError):
    """A type has no value of a size, or more than can be counted."""


class BudgetError(RecursionLabError, RuntimeError):
    """A budget (steps, nodes, bytes) ran out; the message names it."""


class MachineError(RecursionLabError, RuntimeError):
    """A run of an abstract state machine failed, for example by conflicting updates."""


class FormatError(RecursionLabError, ValueError):
    """A file or a stored configuration is not what it says it is."""


class ConfigError(RecursionLabError, ValueError):
    """A configuration has an unknown key, a missing one, or a value outside its range."""


class DivergedError(RecursionLabError, ArithmeticError):
    """A number that must be finite is not, for example the loss of a diverging run."""


class MissingExtraError(RecursionLabError, ImportError):
    """An optional package is absent; the message names the extra that installs it."""


class InternalError(RecursionLabError, RuntimeError):
    """A fault of this library; please report it."""


_WINDOW = 120  # characters of a source line that an error shows


def _window(line: str, at: int) -> tuple[str, int]:
    """Return the part of a long line around an index, and that index within the part."""
    if len(line) <= _WINDOW:
        return line, at
    first = max(0, min(at - _WINDOW // 2, len(line) - _WINDOW))
    last = first + _WINDOW
    before, after = "..." if first else "", "..." if last < len(line) else ""
    return before + line[first:last] + after, at - first + len(before)


class LanguageError(RecursionLabError, ValueError):
    """A program or term is refused, with the place in its source.

    Parameters
    ----------
    message : str
        What is wrong.
    file : str
        Name of the source.
    line, column : int
        Place of the fault, counted from 1.
    source_line : str
        The text of that line.
    length : int
        Characters to underline, at least 1.
    hint : str
        What was expected, or what to write instead.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str = "<term>",
        line: int = 1,
        column: int = 1,
        source_line: str = "",
        length: int = 1,
        hint: str = "",
    ) -> None:
        self.message, self.file, self.line, self.column = message, file, line, column
        self.source_line, self.length, self.hint = source_line, max(1, length), hint
        text = f"{file}:{line}:{column}: error: {message}"
        if source_line:
            shown, start = _window(source_line, column - 1)
            lead = "".join(c if c == "\t" else " " for c in shown[:start])
            room = max(1, len(shown) - start)
            text += f"\n  {shown}\n  {lead}{'^' * min(self.length, room)}"
        if hint:
            text += f"\n{hint}"
        super().__init__(text)
