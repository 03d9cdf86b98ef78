"""What wrong outputs look like that no rule foresaw to the letter: by kind, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median_low
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.data.dataset import Packed, Split

__all__ = ["kind_of", "layers", "remaining"]


def remaining(held: Split, answers: Packed, where: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return wrong outputs by how they differ from the target, the most frequent kind first.

    Parameters
    ----------
    held : Split
        Inputs and targets.
    answers : Packed
        What a model said to them.
    where : (n,) int64
        Which answers are to be told.

    Returns
    -------
    list of dict
        `kind n`; `from`, the place where half of them have parted from the target, counted from 0;
        and the first example: `input expected model`.
    """
    of = layers(held.targets)
    kinds: dict[str, list[tuple[int, int]]] = {}
    for i in where.tolist():
        want, got = held.targets[i].tolist(), answers[i].tolist()
        kinds.setdefault(kind_of(want, got, of), []).append((i, _parting(want, got)))
    rows = sorted(kinds.items(), key=lambda row: (-len(row[1]), row[0]))
    return [
        {
            "kind": kind,
            "n": len(items),
            "from": median_low([place for _, place in items]),
            "input": held.text(held.inputs[items[0][0]]),
            "expected": held.text(held.targets[items[0][0]]),
            "model": held.text(answers[items[0][0]]),
        }
        for kind, items in rows
    ]


def layers(targets: Packed) -> dict[int, int]:
    """Return a number for each token, the same for tokens that are found at one and the same place.

    Examples
    --------
    >>> layers(Packed.of([[7, 1, 7, 2, 9], [7, 2, 9]]))  # a list's cells and end, and what it holds
    {1: 1, 2: 1, 7: 7, 9: 7}
    """
    of = {token: token for token in np.unique(targets.ids).tolist()}
    place = np.arange(len(targets.ids)) - np.repeat(targets.offsets[:-1], targets.lengths)
    for at in range(int(targets.lengths.max(initial=0))):
        together = {of[t] for t in np.unique(targets.ids[place == at]).tolist()}
        of = {t: min(together) if layer in together else layer for t, layer in of.items()}
    return of


def kind_of(want: list[int], got: list[int], of: Mapping[int, int] | None = None) -> str:
    """Say how a wrong output differs from the right one.

    Of outputs of one length only the stretch in which they differ is looked at; tokens of layers
    (see `layers`) in which they do not differ, such as a list's cells, are left aside.

    Examples
    --------
    >>> kind_of([7, 1, 7, 2, 7, 3], [7, 2, 7, 1, 7, 3], {7: 7, 1: 1, 2: 1, 3: 1})
    'order: two neighbours exchanged'
    >>> kind_of([1, 2, 3, 4], [2, 3, 4, 1])
    'order: one moved later'
    >>> kind_of([1, 2, 3, 4], [1, 2])
    'cut off: 2 too short'
    >>> kind_of([1, 2, 3, 4], [1, 1, 3, 4])
    "1 wrong token: its neighbour's"
    """
    if len(want) != len(got):
        return _length(want, got)
    of = of or {}
    pairs = zip(want, got, strict=True)
    differ = {of.get(t) for pair in pairs if pair[0] != pair[1] for t in pair}
    e, g = ([t for t in tokens if of.get(t) in differ] for tokens in (want, got))
    if len(e) != len(g):
        e, g = want, got
    first, last = _parting(e, g), _parting(e[::-1], g[::-1])
    if sorted(e) == sorted(g):
        return f"order: {_order(e[first : len(e) - last], g[first : len(g) - last])}"
    wrong = sum(a != b for a, b in zip(e, g, strict=True))
    if wrong == 1:
        beside = e[max(0, first - 1) : first + 2]
        return "1 wrong token: its neighbour's" if g[first] in beside else "1 wrong token"
    a, b = e[first : len(e) - last], g[first : len(g) - last]
    if len(a) > 1 and a[1:] == b[:-1]:
        return "one lost, what follows too early"
    if len(a) > 1 and a[:-1] == b[1:]:
        return "one too many, what follows too late"
    return f"{wrong} wrong tokens" if wrong < 4 else "4 or more wrong tokens"


def _order(e: list[int], g: list[int]) -> str:
    """Say how a stretch of tokens stands in another order."""
    if len(e) == 2:
        return "two neighbours exchanged"
    if sum(a != b for a, b in zip(e, g, strict=True)) == 2:
        return "two exchanged that stand apart"
    if g == e[1:] + e[:1]:
        return "one moved later"
    if g == e[-1:] + e[:-1]:
        return "one moved earlier"
    if g == e[::-1]:
        return "a stretch turned round"
    if any(g == e[i:] + e[:i] for i in range(2, len(e) - 1)):
        return "two stretches exchanged"
    return "another one"


def _length(want: list[int], got: list[int]) -> str:
    """Say how an output of another length differs."""
    more = len(got) - len(want)
    how = f"{abs(more)} too {'long' if more > 0 else 'short'}"
    if more < 0 and want[: len(got)] == got:
        return f"cut off: {how}"
    return how


def _parting(e: list[int], g: list[int]) -> int:
    """Return the first place at which two sequences differ; the shorter's length if none does."""
    pairs = enumerate(zip(e, g, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(e), len(g)))
