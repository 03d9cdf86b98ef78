"""Pairs, traces, steps and evaluation on one core, against plain Python, Maude and Coq."""

from __future__ import annotations

import importlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.bench._cases import check
from recursionlab.bench._memory import peak_of
from recursionlab.bench._timing import Rate, interleaved
from recursionlab.bench.language_peer import EVALUATED, GALLINA, MAUDE, REDUCED
from recursionlab.language import library, loads
from recursionlab.language import program as program_module
from recursionlab.machine import describe

Row = dict[str, Any]

PAIRS_TO = 20  # constructors of the largest number of the case `pairs`
TRACES_TO = 15
REFERENCE_ITEMS = 64  # of the same values, evenly spaced: plain Python is slow
ROUNDS = 3  # reductions of a burst
NODES = 1 << 28  # budget of an evaluation
CASES = ("pairs", "traces", "memory", *REDUCED, *EVALUATED)


def run(
    cases: Sequence[str] = CASES, repeats: int = 5, threads: Sequence[int] = (1, 2)
) -> dict[str, Any]:
    """Measure each case, ours and its peer's by turns.

    Parameters
    ----------
    cases : sequence of str
        `pairs` (successor of all numbers to size 20, from rank to int32 arrays) and `traces`
        (`call` traces of those to size 15) against the plain Python of `tests/reference` on some of
        the same numbers, and several threads against one; `memory` (peak against what the arrays
        take); `steps-...` (contractions against Maude's rewrites); `eval-...` (against Coq's
        `vm_compute`).
    repeats : int
        Bursts that each program gets; medians count.
    threads : sequence of int
        Numbers of threads of `pairs` and `traces`.

    Returns
    -------
    dict
        `machine`, `rows`, and `left_out`: what has no row, and why. Ratios above 1 mean that ours
        is better.

    Raises
    ------
    InputError
        If a case is unknown or `repeats` is below 1.
    """
    check(cases, CASES, repeats)
    rows: list[Row] = []
    left_out: list[str] = []
    for name in cases:
        if name in ("pairs", "traces"):
            rows += _bulk_rows(name, repeats, threads, left_out)
        elif name == "memory":
            rows.append(_memory_row())
        elif name in REDUCED:
            rows += _step_rows(name, repeats, left_out)
        else:
            rows += _eval_rows(name, repeats, left_out)
    return {"machine": describe(), "rows": rows, "left_out": left_out}


def _row(case: str, threads: int, peer: str, ours: Rate, theirs: float, unit: str) -> Row:
    return {
        "bench": "language",
        "case": case,
        "dtype": "int32",
        "threads": threads,
        "peer": peer,
        "ours": ours.median,
        "theirs": theirs,
        "unit": unit,
        "ratio": ours.median / theirs,
        "spread": ours.spread,
    }


# ---- pairs and traces ---------------------------------------------------------------------


def all_values(function: Any, largest: int) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Return sizes and ranks of all values of a function's domain up to a size."""
    counts = [function.domain.count(size) for size in range(largest + 1)]
    sizes = np.repeat(np.arange(largest + 1, dtype=np.int32), counts)
    return sizes, np.concatenate([np.arange(n, dtype=np.uint64) for n in counts])


def make(case: str, threads: int = 1) -> Callable[[int], dict[str, Any]]:
    """Return what makes the arrays of `pairs` or `traces` as often as it is told."""
    succ = library("binary")["succ"]
    codec = succ.codec()
    sizes, ranks = all_values(succ, PAIRS_TO if case == "pairs" else TRACES_TO)
    options: dict[str, Any] = {"codec": codec}
    if case == "traces":
        options |= {"trace": True, "granularity": "call"}

    def program(calls: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for _ in range(calls):
            made = _core.pairs(succ.id, succ.domain, sizes, ranks, threads, **options)
        return made

    return program


def _bulk_rows(case: str, repeats: int, threads: Sequence[int], left_out: list[str]) -> list[Row]:
    unit = "pairs/s" if case == "pairs" else "tokens/s"
    programs: dict[object, Callable[[int], object]] = {n: make(case, n) for n in threads}
    made = make(case)(1)
    work = len(made["size"]) if case == "pairs" else len(made["trace"])
    reference = _reference(case, left_out)
    if reference:
        programs["reference"] = reference
    rates = interleaved(programs, repeats)
    rows = []
    for count in threads:
        ours = _scaled(rates[count], work)
        if reference:
            theirs = rates["reference"].median * reference(1)
            rows.append(_row(case, count, "plain Python", ours, theirs, unit))
        if count != threads[0]:
            peer = f"ours, {threads[0]} thread"
            rows.append(_row(case, count, peer, ours, rates[threads[0]].median * work, unit))
    return rows


def _scaled(rate: Rate, work: float) -> Rate:
    return Rate(rate.median * work, rate.low * work, rate.high * work)


@contextmanager
def _plain_core(core: Any) -> Iterator[None]:
    """Build programs on the Python reference of the core for a while."""
    ours = program_module._new_core
    program_module._new_core = core.Program
    try:
        yield
    finally:
        program_module._new_core = ours


def _reference(case: str, left_out: list[str]) -> Callable[[int], int] | None:
    """Return the plain Python of a case, which tells what a call of it makes; None if absent."""
    folder = Path(__file__).parents[2] / "tests"
    if not (folder / "reference" / "core_eval.py").exists():
        left_out.append(f"{case} against plain Python: tests/reference is not beside the package")
        return None
    sys.path.insert(0, str(folder))
    try:
        core = importlib.import_module("reference.core_eval")
        traces = importlib.import_module("reference.core_trace")
        values = importlib.import_module("reference.lang_values")
    finally:
        sys.path.remove(str(folder))
    with _plain_core(core):
        program = loads(library("binary").source, "binary.v").core
    succ = next(g for g, row in enumerate(program.globals) if row["name"] == "succ")
    constructors = {row[0]: c for c, row in enumerate(program.constructors)}
    sizes, ranks = all_values(library("binary")["succ"], PAIRS_TO if case == "pairs" else TRACES_TO)
    spaced = np.linspace(0, len(sizes) - 1, REFERENCE_ITEMS).astype(int)
    asked = list(zip(sizes[spaced].tolist(), ranks[spaced].tolist(), strict=True))

    def tree(value: tuple[Any, ...]) -> Any:
        args = tuple(tree(v) for v in value[1:])
        return core.app(("ctor", constructors[value[0]]), args)

    def pairs(calls: int) -> int:
        for _ in range(calls):
            for size, rank in asked:
                value = values.unrank("positive", size, rank)
                result = program.evaluate(core.app(("global", succ), (tree(value),)))
                np.array([ord(w[-1]) for w in values.prefix(value)], np.int32)
                np.array([ord(w[-1]) for w in program.show(result).split()], np.int32)
        return len(asked)

    def trace(call: Any) -> int:
        reducer = traces.Reducer(program, "cbv", "call", program.globals[succ]["group"])
        term: Any = reducer.start(call)
        made = len(program.show(term).split())
        while (step := reducer.step(term)) is not None:
            term = step[0]
            made += 1 + len(program.show(term).split())
        return made

    def tokens(calls: int) -> int:
        made = 0
        for _ in range(calls):
            for size, rank in asked:
                value = values.unrank("positive", size, rank)
                made += trace(core.app(("global", succ), (tree(value),)))
        return made // calls

    return pairs if case == "pairs" else tokens


# ---- memory -------------------------------------------------------------------------------


def arrays_made() -> None:
    """Make the arrays of `pairs` in this process."""
    make("pairs")(1)


def _memory_row() -> Row:
    """Compare the peak of making the arrays with the bytes they take."""
    base = peak_of(f"{__name__}:inputs_alone()")
    peak = peak_of(f"{__name__}:arrays_made()") - base
    arrays = sum(a.nbytes for a in make("pairs")(1).values()) / (1 << 20)
    ours = Rate(peak, peak, peak)
    row = _row("memory", 1, "the arrays alone", ours, arrays, "MiB")
    return {**row, "ratio": arrays / peak}


def inputs_alone() -> None:
    """Do everything that comes before making the arrays, and nothing else."""
    make("pairs")


# ---- contractions against Maude -----------------------------------------------------------


def _maude(left_out: list[str], case: str) -> Any:
    """Return Maude's module of the functions; None if it is not installed."""
    try:
        maude: Any = importlib.import_module("maude")
    except ImportError:
        left_out.append(f"{case} against Maude: pip install 'recursionlab[maude]'")
        return None
    maude.init(advise=False)
    maude.input(MAUDE)
    return maude.getModule("BENCH")


def _step_rows(case: str, repeats: int, left_out: list[str]) -> list[Row]:
    gallina, maude_text = REDUCED[case]
    module = _maude(left_out, case)
    if module is None:
        return []
    program = loads(GALLINA, "bench.v")
    term = program.expression(gallina)
    text = re.sub(r"n(\d+)", lambda m: "S(" * int(m[1]) + "O" + ")" * int(m[1]), maude_text)
    sides: dict[str, Callable[[], tuple[int, float]]] = {
        "ours": lambda: _trace_once(program, term),
        "theirs": lambda: _reduce_once(module.parseTerm(text)),
    }
    rates: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, once in sides.items():
            done = [once() for _ in range(ROUNDS)]
            rates[side].append(
                sum(steps for steps, _ in done) / sum(seconds for _, seconds in done)
            )
    name = f"Maude {metadata.version('maude')}"
    ours = rates["ours"]
    rate = Rate(statistics.median(ours), min(ours), max(ours))
    return [_row(case, 1, name, rate, statistics.median(rates["theirs"]), "steps/s")]


def _trace_once(program: Any, term: Any) -> tuple[int, float]:
    """Return contractions to the normal form, and seconds."""
    start = time.perf_counter()
    steps = program.core.trace(term).advance(1 << 40)
    return steps, time.perf_counter() - start


def _reduce_once(term: Any) -> tuple[int, float]:
    """Return Maude's rewrites to the normal form, and seconds; reading the term is not counted."""
    start = time.perf_counter()
    rewrites = term.reduce()
    return rewrites, time.perf_counter() - start


# ---- evaluation against Coq ---------------------------------------------------------------


def _eval_rows(case: str, repeats: int, left_out: list[str]) -> list[Row]:
    if not shutil.which("coqc"):
        left_out.append(f"{case} against Coq: no coqc on the PATH")
        return []
    program = loads(GALLINA, "bench.v")
    term = program.expression(EVALUATED[case])
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        coq = partial(_coq_seconds, Path(folder) / "bench.v", EVALUATED[case])
        for _ in range(repeats):
            start = time.perf_counter()
            program.core.eval(term, nodes=NODES)
            ours.append(time.perf_counter() - start)
            theirs.append(coq())
    median = statistics.median(ours)
    rate = Rate(1 / median, 1 / max(ours), 1 / min(ours))
    version = subprocess.run(["coqc", "--version"], capture_output=True, text=True, check=False)
    name = f"Coq {version.stdout.split('version ')[-1].split()[0]} vm_compute"
    return [_row(case, 1, name, rate, 1 / statistics.median(theirs), "runs/s")]


def _coq_seconds(file: Path, expression: str) -> float:
    """Return the seconds that Coq itself states for one evaluation."""
    file.write_text(f"{GALLINA}\nTime Eval vm_compute in ({expression}).\n", encoding="utf-8")
    done = subprocess.run(
        ["coqc", "-q", file.name], cwd=file.parent, capture_output=True, text=True, check=True
    )
    found = re.search(r"Finished transaction in ([\d.]+) secs", done.stdout)
    if not found:
        raise RuntimeError(f"coqc told no time:\n{done.stdout}{done.stderr}")
    return float(found[1])
