"""The machines that a shortcut is composed of, run over a data set and compared with a model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.dataset import Packed
from recursionlab.machines import Budget, Machine, Refused, hypotheses, shortcut, shortcuts

__all__ = ["OTHER", "TRUE", "Candidate", "Table", "families", "outputs", "search"]

TRUE, OTHER = "true", "wrong in another way"
SCREEN = 400  # failures on which every machine is tried first
KEEP = 200  # machines that are then tried on everything
MAX_NUMBER = 64  # largest constant tried as a parameter


@dataclass(frozen=True)
class Candidate:
    """One way to answer: a machine with its parameter, the truth, or some unknown wrong answer.

    Attributes
    ----------
    family : str
        `true`, `wrong in another way`, or a name of `recursionlab.machines.hypotheses`.
    value : int, str or None
        Value of the machine's parameter: a number, or an expression of `length`.
    machine : Machine or None
        With its parameter set; None for `wrong in another way`, and for `true` where the function
        does not compile.
    """

    family: str
    value: int | str | None = None
    machine: Machine | None = field(default=None, compare=False)

    def __str__(self) -> str:
        """Name the candidate with its parameter."""
        if self.value is None or self.machine is None:
            return self.family
        return f"{self.family}; {next(iter(self.machine.params))} = {self.value}"


@dataclass(frozen=True)
class Table:
    """Candidates against R items.

    Attributes
    ----------
    candidates : list of Candidate
        C of them: `true` first, `wrong in another way` second, then simpler before less simple.
    matched : (C, R) bool
        The candidate's output is the model's, to the letter.
    failing : (C, R) bool
        The candidate's output is not the target.
    """

    candidates: list[Candidate]
    matched: NDArray[np.bool_]
    failing: NDArray[np.bool_]


def families(function: Any, codec: dict[str, Any]) -> dict[str, Machine]:
    """Return the machines to vary, by family; sequence-level shortcuts alone if none compiles."""
    try:
        return hypotheses(function, **codec)
    except Refused:
        names = {key: codec[key] for key in codec if key in _CODEC}
        vocabulary = tuple(function.codec(**names).vocabulary)
        out = {}
        for name in shortcuts():
            machine = shortcut(name)
            if {t.strip('"') for t in machine.signature.of("token")} <= set(vocabulary):
                out[name] = machine.bind(vocabulary)
        return out


_CODEC = ("encoding", "order", "renames", "output_encoding", "output_order")


def outputs(machine: Machine, inputs: Packed, budget: Budget, threads: int) -> Packed:
    """Return what a machine answers; a run that comes to no good end answers with token -2."""
    runs = machine.run(inputs.ids, inputs.offsets, budget=budget, threads=threads)
    if runs.fine.all():
        return Packed(runs.tokens, runs.offsets)
    lengths = np.where(runs.fine, np.diff(runs.offsets), 1)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    ids = np.full(int(offsets[-1]), -2, np.int32)
    ids[np.repeat(runs.fine, lengths)] = runs.tokens
    return Packed(ids, offsets)


def same(a: Packed, b: Packed, threads: int) -> NDArray[np.bool_]:
    """Return which sequences are equal, (R,)."""
    exact, _, _, _ = _core.compare(a.ids, a.offsets, b.ids, b.offsets, threads)
    return np.asarray(exact, np.bool_)


def budget_for(machines: dict[str, Machine], inputs: Packed, threads: int) -> Budget:
    """Return a budget that the true machine stays far below, so that endless runs end soon."""
    longest = int(inputs.lengths.max(initial=1))
    steps = 64 + 8 * longest
    if TRUE in machines:
        runs = machines[TRUE].run(inputs.ids, inputs.offsets, threads=threads)
        steps = max(steps, 4 * int(runs.steps.max(initial=0)))
    return Budget(steps=steps, work=64 * steps, locations=max(1024, 8 * longest + 4 * steps))


def search(
    machines: dict[str, Machine],
    inputs: Packed,
    targets: Packed,
    predicted: Packed,
    threads: int,
    budget: Budget,
) -> Table:
    """Try every machine with every parameter on items; keep those that explain failures.

    Parameters
    ----------
    machines : dict of str to Machine
        By family.
    inputs, targets, predicted : Packed
        R sequences each.
    threads : int
        Changes no result.
    budget : Budget
        Of each run.
    """
    right = same(targets, predicted, threads)
    failed = np.flatnonzero(~right)
    some = failed[np.linspace(0, len(failed) - 1, min(SCREEN, len(failed))).astype(np.int64)]
    few = (inputs.take(some), targets.take(some), predicted.take(some))
    tried = _screen(machines, *few, threads, budget) if len(failed) else []
    least = max(2, len(some) // 200)
    order = sorted((i for i, t in enumerate(tried) if t[1] >= least), key=lambda i: -tried[i][1])
    kept = [tried[i][0] for i in sorted(order[:KEEP])]
    rows = [(Candidate(TRUE, None, machines.get(TRUE)), right, np.zeros(len(right), np.bool_))]
    rows.append((Candidate(OTHER), np.zeros_like(right), np.ones_like(right)))
    seen: set[bytes] = set()
    for candidate in kept:
        assert candidate.machine is not None
        made = outputs(candidate.machine, inputs, budget, threads)
        matched, failing = same(made, predicted, threads), ~same(made, targets, threads)
        key = np.packbits(matched).tobytes() + np.packbits(failing).tobytes()
        if key not in seen:
            seen.add(key)
            rows.append((candidate, matched, failing))
    found, matches, failures = zip(*rows, strict=True)
    return Table(list(found), np.stack(matches), np.stack(failures))


def _screen(
    machines: dict[str, Machine],
    inputs: Packed,
    targets: Packed,
    predicted: Packed,
    threads: int,
    budget: Budget,
) -> list[tuple[Candidate, int]]:
    """Return every machine but the truth, and how many outputs it matches; simple ones first."""
    longest = int(inputs.lengths.max(initial=1))
    numbers = range(min(longest, MAX_NUMBER) + 1)
    shares = [*(f"length - {c}" for c in range(1, min(longest, 16) + 1)), "length / 2"]
    out = []

    def attempt(candidate: Candidate) -> bool:
        """Try one; return whether it is ever wrong."""
        assert candidate.machine is not None
        made = outputs(candidate.machine, inputs, budget, threads)
        out.append((candidate, int(same(made, predicted, threads).sum())))
        return not same(made, targets, threads).all()

    varied = {f: m for f, m in machines.items() if f != TRUE and m.params}
    for family, machine in machines.items():
        if family != TRUE and not machine.params:
            attempt(Candidate(family, None, machine))
    for family, machine in varied.items():
        (name,) = machine.params
        for value in numbers:  # once a cut is too late for any of them, later ones are too
            if not attempt(Candidate(family, value, machine.with_params(**{name: value}))):
                break
    for family, machine in varied.items():
        (name,) = machine.params
        for share in shares:
            attempt(Candidate(family, share, machine.with_params(**{name: share})))
    return out
