"""The machines that a shortcut is composed of, run over a data set and compared with a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.data.dataset import Packed, Split
from recursionlab.interpret.shortcut_displaced import displaced, displacements
from recursionlab.machines import Budget, Machine, Refused, hypotheses, shortcut, shortcuts

__all__ = [
    "OTHER",
    "TRUE",
    "Candidate",
    "Table",
    "answers",
    "families",
    "gather",
    "of_item",
    "outputs",
    "search",
]

Columns = Mapping[str, NDArray[np.int64]]

TRUE, OTHER, DISPLACED = "true", "wrong in another way", "true, places displaced"
SCREEN = 400  # failures on which every machine is tried first
KEEP = 200  # machines that are then tried on everything
MAX_NUMBER = 64  # largest constant tried as a parameter
OF_ITEM = ("calls", "depth")  # columns that a parameter may count back from
MOST_BACK = 8


@dataclass(frozen=True)
class Candidate:
    """One way to answer: a machine with its parameter, the truth, or some unknown wrong answer.

    Attributes
    ----------
    family : str
        `true`, `wrong in another way`, `true, places displaced`, or a name of
        `recursionlab.machines.hypotheses`.
    value : int, str or None
        Value of the machine's parameter: a number, an expression of `length`, or where `column` is
        given that column less `back`; of displaced places which is read from which.
    machine : Machine or None
        With its parameter set; None for `wrong in another way`, and for `true` where the function
        does not compile.
    column, back : str, int
        Counts the parameter back from what the function itself does with each item, at least 0.
    edits : bool
        The machine takes what the function itself answers, not the input.
    bits : float
        To write down what it holds besides its family and parameter.
    """

    family: str
    value: int | str | None = None
    machine: Machine | None = field(default=None, compare=False)
    column: str = ""
    back: int = 0
    edits: bool = False
    bits: float = 0.0

    def __str__(self) -> str:
        """Name the candidate with its parameter."""
        if self.edits:
            return f"{self.family}; {self.value}"
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

    @property
    def bits(self) -> NDArray[np.float64]:
        """(C,) what each candidate costs besides being named."""
        return np.array([c.bits for c in self.candidates])


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


def of_item(split: Split) -> dict[str, NDArray[np.int64]]:
    """Return the columns that a parameter may count back from, but those that are the length."""
    lengths = split.inputs.lengths
    columns = {name: np.asarray(split.columns[name]) for name in OF_ITEM if name in split.columns}
    out = {}
    for name, column in columns.items():
        if len(np.unique(column - lengths)) > 1 and len(np.unique(column)) > 1:
            out[name] = column.astype(np.int64)
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


def answers(
    candidate: Candidate, inputs: Packed, columns: Columns, budget: Budget, threads: int
) -> Packed:
    """Return what a candidate's machine answers, its parameter set for each input."""
    assert candidate.machine is not None
    if not candidate.column:
        return outputs(candidate.machine, inputs, budget, threads)
    (name,) = candidate.machine.params
    values = np.maximum(0, columns[candidate.column] - candidate.back)
    parts, places = [], []
    for value in np.unique(values):
        items = np.flatnonzero(values == value)
        machine = candidate.machine.with_params(**{name: int(value)})
        parts.append(outputs(machine, inputs.take(items), budget, threads))
        places.append(items)
    return gather(parts, places, len(inputs))


def gather(parts: Sequence[Packed], places: Sequence[NDArray[np.int64]], count: int) -> Packed:
    """Put the rows of several lots in their places."""
    order = np.argsort(np.concatenate(places)) if places else np.zeros(0, np.int64)
    ids = np.concatenate([p.ids for p in parts]) if parts else np.zeros(0, np.int32)
    lengths = np.concatenate([p.lengths for p in parts]) if parts else np.zeros(0, np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    assert len(order) == count
    return Packed(ids, offsets).take(order)


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
    columns: Columns,
    vocabulary: Sequence[str],
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
    columns : dict of str to (R,) int64
        Of `of_item`.
    vocabulary : sequence of str
        Token i is written `vocabulary[i]`.
    threads : int
        Changes no result.
    budget : Budget
        Of each run.
    """
    right = same(targets, predicted, threads)
    failed = np.flatnonzero(~right)
    some = failed[np.linspace(0, len(failed) - 1, min(SCREEN, len(failed))).astype(np.int64)]
    few = (inputs.take(some), targets.take(some), predicted.take(some))
    own = {name: column[some] for name, column in columns.items()}
    tried = _screen(machines, *few, own, threads, budget) if len(failed) else []
    least = max(2, len(some) // 200)
    order = sorted((i for i, t in enumerate(tried) if t[1] >= least), key=lambda i: -tried[i][1])
    kept = [tried[i][0] for i in sorted(order[:KEEP])]
    rows = [(Candidate(TRUE, None, machines.get(TRUE)), right, np.zeros(len(right), np.bool_))]
    rows.append((Candidate(OTHER), np.zeros_like(right), np.ones_like(right)))
    seen: set[bytes] = set()
    kept += _displaced(targets.take(failed), predicted.take(failed), vocabulary)
    for candidate in kept:
        read = targets if candidate.edits else inputs
        made = answers(candidate, read, columns, budget, threads)
        matched, failing = same(made, predicted, threads), ~same(made, targets, threads)
        key = np.packbits(matched).tobytes() + np.packbits(failing).tobytes()
        if key not in seen:
            seen.add(key)
            rows.append((candidate, matched, failing))
    found, matches, failures = zip(*rows, strict=True)
    return Table(list(found), np.stack(matches), np.stack(failures))


def _displaced(targets: Packed, predicted: Packed, vocabulary: Sequence[str]) -> list[Candidate]:
    """Return the candidates that read the function's output at other places."""
    return [
        Candidate(
            DISPLACED,
            ", ".join(f"{to} from {of}" for to, of in places.items()),
            displaced(places, vocabulary),
            edits=True,
            bits=bits,
        )
        for places, bits in displacements(targets, predicted)
    ]


def _screen(
    machines: dict[str, Machine],
    inputs: Packed,
    targets: Packed,
    predicted: Packed,
    columns: Columns,
    threads: int,
    budget: Budget,
) -> list[tuple[Candidate, int]]:
    """Return every machine but the truth, and how many outputs it matches; simple ones first."""
    longest = int(inputs.lengths.max(initial=1))
    numbers = range(min(longest, MAX_NUMBER) + 1)
    shares = [*(f"length - {c}" for c in range(1, min(longest, 16) + 1)), "length / 2"]
    out = []

    def attempt(candidate: Candidate) -> tuple[NDArray[np.bool_], bool]:
        """Try one; return which outputs it matches, and whether it is ever wrong."""
        assert candidate.machine is not None
        made = outputs(candidate.machine, inputs, budget, threads)
        hits = same(made, predicted, threads)
        out.append((candidate, int(hits.sum())))
        return hits, not same(made, targets, threads).all()

    varied = {f: m for f, m in machines.items() if f != TRUE and m.params}
    for family, machine in machines.items():
        if family != TRUE and not machine.params:
            attempt(Candidate(family, None, machine))
    hits: dict[str, list[NDArray[np.bool_]]] = {family: [] for family in varied}
    for family, machine in varied.items():
        (name,) = machine.params
        for value in numbers:  # once a cut is too late for any of them, later ones are too
            found, wrong = attempt(Candidate(family, value, machine.with_params(**{name: value})))
            hits[family].append(found)
            if not wrong:
                break
    for family, machine in varied.items():
        (name,) = machine.params
        for share in shares:
            attempt(Candidate(family, share, machine.with_params(**{name: share})))
    for family, machine in varied.items():
        for column, values in columns.items():
            out += _counted_back(Candidate(family, None, machine, column), hits[family], values)
    return out


def _counted_back(
    like: Candidate, hits: list[NDArray[np.bool_]], values: NDArray[np.int64]
) -> list[tuple[Candidate, int]]:
    """Return candidates with a parameter that counts back from a column, as `_screen` does.

    What they match is known from the numbers tried: hits[k] (R,) is what the machine matches with
    parameter k, of those beyond the last the same.
    """
    table, items = np.stack(hits), np.arange(len(values))
    out = []
    for back in range(MOST_BACK + 1):
        value = f"{like.column} - {back}" if back else like.column
        which = np.clip(values - back, 0, len(table) - 1)
        candidate = Candidate(like.family, value, like.machine, like.column, back)
        out.append((candidate, int(table[which, items].sum())))
    return out
