"""A progress bar for what takes longer than a second, on terminals alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Silent:
    def update(self, count: int) -> None:
        """Take no notice."""

    def set_postfix_str(self, text: str) -> None:
        """Take no notice."""


@contextmanager
def progress_bar(total: int, name: str, unit: str, show: bool, first: int = 0) -> Iterator[Any]:
    """Show a bar on a terminal after one second; elsewhere, or without `show`, nothing.

    Parameters
    ----------
    total : int
        Units of work.
    name, unit : str
        What is done, and what is counted.
    show : bool
        False: no bar.
    first : int
        Units that were done before.

    Yields
    ------
    bar
        With `update(count)` and `set_postfix_str(text)`.
    """
    if not show or not sys.stderr.isatty():
        yield _Silent()
        return
    from tqdm import tqdm

    with tqdm(total=total, initial=first, desc=name, unit=unit, delay=1.0, leave=False) as bar:
        yield bar
