"""What every bench is asked for, checked before anything is measured."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from recursionlab.errors import InputError


def check(cases: Sequence[str], known: Collection[str], repeats: int = 1) -> None:
    """Refuse unknown cases and too few repeats.

    Raises
    ------
    InputError
        If a case is unknown or `repeats` is below 1.
    """
    if repeats < 1:
        raise InputError(f"repeats: expected at least 1, got {repeats}")
    for name in cases:
        if name not in known:
            raise InputError(f"case: expected one of {', '.join(known)}, got {name!r}")
