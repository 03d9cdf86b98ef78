"""What machine this is: threads, instruction set, versions; recorded in every run."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from typing import Any

import numpy as np

from recursionlab import __version__, _core
from recursionlab.errors import InputError


def default_threads() -> int:
    """Return the number of threads used where none is given.

    `OMP_NUM_THREADS` if set, else the processors this process may use. It never changes a result.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    InputError
        If `OMP_NUM_THREADS` is not a whole number of at least 1.

    Examples
    --------
    >>> default_threads() >= 1
    True
    """
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if not text:
        return _core.processors()
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"OMP_NUM_THREADS: expected a whole number of at least 1, got {text!r}")
    return int(text)


def peak_bytes() -> int:
    """Return the most memory this process has had, in bytes; 0 where the system does not tell.

    Examples
    --------
    >>> peak_bytes() >= 0
    True
    """
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="utf-8") as lines:
        for line in lines:  # getrusage would count what the parent had when it forked
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:  # pragma: no cover - not a Unix
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def describe() -> dict[str, Any]:
    """Return processor, instruction set and versions as a plain dictionary.

    Returns
    -------
    dict
        Keys `processor processors isa platform python numpy recursionlab`.

    Examples
    --------
    >>> describe()["isa"] in _core.isas()
    True
    """
    return {
        "processor": _processor(),
        "processors": _core.processors(),
        "isa": _core.isa(),
        "platform": platform.platform(),
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "recursionlab": __version__,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
