"""What a run is like inside, as numbers that a claim can name: heads, ablation, perturbation."""

from __future__ import annotations

from typing import Any

from recursionlab.data.dataset import Dataset
from recursionlab.errors import InputError

__all__ = ["NUMBERS", "opened"]

NUMBERS = {
    "recursion_head": "attention of the best recursion head above the 99 % quantile of chance",
    "recursion_own": "its attention by the pair's own trace minus that by another pair's",
    "ablate_recursion": "exact match lost by taking the mean for that head",
    "ablate_most": "exact match lost by taking the mean for the head that is missed most",
    "swapped": "exact match lost where two neighbouring places of the input are told swapped",
    "shuffled": "exact match lost where the places of the input are told shuffled",
    "calls": "exact match lost where an input is changed to recurse more or less often",
}
SWAPPED, SHUFFLED = "two neighbours swapped", "shuffled"


def opened(run: Any, data: Dataset, pairs: int, threads: int) -> dict[str, float | None]:
    """Look into a run on pairs of the split `test`.

    Parameters
    ----------
    run : Run
        The model.
    data : Dataset
        Of a function of one argument, task `value`.
    pairs : int
        So many of the split, from its beginning, are looked at.
    threads : int
        Never changes a result.

    Returns
    -------
    dict
        A number for each of `NUMBERS`; None where it has no meaning for the model or the data. All
        are under teacher forcing.
    """
    from recursionlab.interpret import (
        HookedModel,
        ablate,
        find_heads,
        perturb_inputs,
        perturb_positions,
    )
    from recursionlab.interpret.study import language_of, visits_in

    model, part = HookedModel(run), data["test"].take(slice(pairs))
    _, function, codec = language_of(data)
    out: dict[str, float | None] = dict.fromkeys(NUMBERS)
    ablated = ablate(model, part, how="mean", threads=threads).rows
    out["ablate_most"] = -min(row["exact_change"] for row in ablated)
    visits = visits_in(part, function, codec, data.config.order == "reversed")
    if visits is not None:
        found = find_heads(model, part, relations=["recursion"], visits=visits, permutations=100)
        best = max(found.rows, key=lambda row: row["score"] - row["null"])
        out["recursion_head"] = best["score"] - best["null_99"]
        if best["other_item"] is not None:
            out["recursion_own"] = best["score"] - best["other_item"]
        where = (best["attention"], best["head"])
        lost = next(r for r in ablated if (r["attention"], r["head"]) == where)
        out["ablate_recursion"] = -lost["exact_change"]
    try:
        for row in perturb_positions(model, part, threads=threads).rows:
            if row["space"] == "source" and row["positions"] in (SWAPPED, SHUFFLED):
                name = "swapped" if row["positions"] == SWAPPED else "shuffled"
                out[name] = -row["exact_change"]
    except InputError:  # no position embeddings
        pass
    try:
        (row,) = perturb_inputs(model, part, function, codec, hows=["calls"], threads=threads).rows
        out["calls"] = row["exact_before"] - row["exact_after"]
    except InputError:  # no input can be changed so
        pass
    return out
