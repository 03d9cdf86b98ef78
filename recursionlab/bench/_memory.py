"""Peak memory of a program that runs alone in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

MEBIBYTE = 1024  # KiB


def peak_of(call: str) -> float:
    """Run `module:function(arguments)` in a fresh interpreter and return its peak in MiB.

    Parameters
    ----------
    call : str
        For example `"recursionlab.bench.train:steps_alone('ours', 'd64-full', 2)"`.

    Returns
    -------
    float
        The largest resident size the process ever had, MiB; NaN where the system does not say.

    Examples
    --------
    >>> peak_of("recursionlab.bench._memory:nothing()") > 1
    True
    """
    module, _, expression = call.partition(":")
    code = (
        f"import {module} as m; m.{expression}; from recursionlab.bench import _memory; "
        "print('peak', _memory.own_peak())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{call} ended with status {done.returncode}:\n{done.stderr}")
    return float(done.stdout.rsplit(maxsplit=1)[-1])


def own_peak() -> float:
    """Return the largest resident size of this process so far, MiB; NaN where it is not told."""
    try:
        with open("/proc/self/status", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / MEBIBYTE
    except OSError:
        pass
    return float("nan")


def nothing() -> None:
    """Do nothing: what an interpreter with the package takes by itself."""
