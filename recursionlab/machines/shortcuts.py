"""The registry of sequence-level shortcuts: every `.asm` file of the folder `shortcuts`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from recursionlab.errors import InputError
from recursionlab.language.namespace import suggest

from .machine import Machine, loads

__all__ = ["shortcut", "shortcuts"]


def shortcuts() -> list[str]:
    """Return the names of the shortcuts.

    Examples
    --------
    >>> shortcuts()
    ['copy', 'last', 'reverse', 'shift', 'unbracket']
    """
    folder = files(__package__).joinpath("shortcuts")
    return sorted(f.name[:-4] for f in folder.iterdir() if f.name.endswith(".asm"))


def shortcut(name: str, vocabulary: Sequence[str] | None = None, **params: int | str) -> Machine:
    """Read a shortcut.

    Parameters
    ----------
    name : str
        See `shortcuts`.
    vocabulary : sequence of str, optional
        Token i is written `vocabulary[i]`.
    **params : int or str
        Values of its parameters, see `Machine.with_params`.

    Examples
    --------
    >>> shortcut("reverse", ["a", "b"])(["a", "b", "b"])
    ['b', 'b', 'a']
    """
    known = shortcuts()
    if name not in known:
        hint = suggest(name, known) or f"there are {', '.join(known)}"
        raise InputError(f"there is no shortcut {name!r}; {hint}")
    path = files(__package__).joinpath("shortcuts").joinpath(f"{name}.asm")
    machine = loads(path.read_text(encoding="utf-8"), f"{name}.asm", vocabulary)
    return machine.with_params(**params) if params else machine
