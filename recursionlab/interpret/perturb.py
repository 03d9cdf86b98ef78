"""Perturbation: inputs changed by their grammar, and positions told wrongly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.measure import Edit, measure
from recursionlab.language.types import show

GRAMMAR = ("replace", "swap", "calls")
_TRIES = 200  # changed inputs to look at before a pair is given up


def corrupt(
    split: Any,
    function: Any,
    codec: Any,
    *,
    how: str = "replace",
    items: Sequence[int] | None = None,
    seed: int = 0,
    same_length: bool = True,
) -> tuple[Batch, Batch, NDArray[np.int64]]:
    """Change inputs by their grammar, and compute what is right then.

    Parameters
    ----------
    split : split of a data set
        Of the task `value`.
    function : Function
        What is computed; of one argument.
    codec : Codec
        Of the data.
    how : {"replace", "swap", "calls"}
        A constructor becomes another of the same arity; two subterms of one constructor change
        places; a constructor is replaced so that the function recurses more or less often (on
        `succ`, the carry gets another length).
    items : sequence of int, optional
        Which pairs; default all.
    seed : int
        Of the places; pair i's are a function of `seed` and i alone.
    same_length : bool
        Keep only those whose target keeps its length too, as patching wants.

    Returns
    -------
    clean, corrupted : Batch
        Pairs one under the other, with labels.
    kept : int array
        The pairs of the split that could be changed so.

    Raises
    ------
    InputError
        If none could.
    """
    if how not in GRAMMAR:
        raise InputError(f"how: expected one of {', '.join(GRAMMAR)}, got {how!r}")
    vocabulary = list(split.vocabulary)
    swaps = _alternatives(function, vocabulary, codec)
    kept, sources, targets = [], [], []
    for i in range(len(split)) if items is None else items:
        source = split.inputs[i]
        rng = np.random.default_rng([seed, int(i)])
        for new in islice(_candidates(source, how, swaps, rng), _TRIES):
            try:
                value = codec.decode(new, "input")
            except ValueError:
                continue
            target = codec.encode(function(value), "output")
            if same_length and len(target) != len(split.targets[i]):
                continue
            if np.array_equal(target, split.targets[i]):
                continue
            if how == "calls" and _calls(function, value) == _calls(
                function, codec.decode(source, "input")
            ):
                continue
            kept.append(int(i))
            sources.append(new)
            targets.append(target)
            break
    if not kept:
        raise InputError(
            f"corrupt: no pair can be changed by {how!r} and still differ; try another"
        )
    from recursionlab.learn.split import pack

    pairs = list(zip(sources, targets, strict=True))
    clean = Batch.of_split(split, np.array(kept))
    return clean, Batch.of_split(pack(pairs, vocabulary)), np.array(kept)


def _calls(function: Any, value: Any) -> int:
    return len(list(function.trace(value, granularity="call")))


def _alternatives(function: Any, vocabulary: Sequence[str], codec: Any) -> dict[int, list[int]]:
    """Return for each constructor's token the tokens of the same type and arity."""
    by_shape: dict[Any, list[int]] = {}
    for inductive in function.program.types.values():
        for constructor in inductive.constructors:
            if constructor.name in vocabulary:
                shape = (inductive.name, tuple(map(show, constructor.types)))
                by_shape.setdefault(shape, []).append(vocabulary.index(constructor.name))
    return {t: [o for o in group if o != t] for group in by_shape.values() for t in group}


def _candidates(
    source: NDArray[np.int32], how: str, swaps: Mapping[int, list[int]], rng: np.random.Generator
) -> Any:
    """Yield changed inputs in a random order."""
    if how == "swap":
        n = len(source)
        for i in rng.permutation(n - 1):
            for end in rng.permutation(np.arange(i + 2, n + 1)):
                for cut in rng.permutation(np.arange(i + 1, end)):
                    new = source.copy()
                    new[i:end] = np.concatenate([source[cut:end], source[i:cut]])
                    if not np.array_equal(new, source):
                        yield new
        return
    for i in rng.permutation(len(source)):
        for token in rng.permutation(swaps.get(int(source[i]), [])):
            new = source.copy()
            new[i] = token
            yield new


def perturb_positions(
    model: HookedModel,
    source: Any,
    target: Any = None,
    *,
    seed: int = 0,
    threads: int | None = None,
) -> Finding:
    """Tell encoder or decoder wrong positions: two neighbours swapped, all shifted, all shuffled.

    Parameters
    ----------
    model : HookedModel
        With position embeddings.
    source, target : see `HookedModel.batch`
        A split, or a batch with labels.
    seed : int
        Of the shuffling.
    threads : int, optional
        Threads to use; it changes no result.

    Returns
    -------
    Finding
        A row a perturbation, with what it did to `exact_match` and `loss` (teacher forcing).
    """
    batch = model.batch(source, target)
    hooks = [n for n in ("pos_embed.hook_out", "decoder_pos_embed.hook_out") if n in model.points]
    if not hooks:
        raise InputError("model: has no position embeddings to perturb")
    _, cache = model.run_with_cache(batch, names_filter=hooks)
    sites, edits = [], []
    for hook in hooks:
        space = model.points[hook].space
        for how, moved in _moves(batch, space, seed):
            value = np.ascontiguousarray(cache.packed(hook)[moved])
            edit: Edit = [(hook, "replace", value)]
            edits.append(edit)
            sites.append({"space": space, "positions": how})
    measured = measure(model, batch, edits, threads=threads)
    rows = [site | measured.row(k) for k, site in enumerate(sites, 1)]
    return Finding(
        title="perturbed positions",
        rows=rows,
        note=f"{len(batch)} pairs, {measured.exact_match[0]:.1%} exact with the right positions",
        figure={
            "kind": "bars",
            "names": [f"{row['space']}: {row['positions']}" for row in rows],
            "values": [row["exact_match"] for row in rows],
            "marks": {"unperturbed": [float(measured.exact_match[0])] * len(rows)},
            "xlabel": "exact match",
        },
    )


def _moves(batch: Batch, space: str, seed: int) -> list[tuple[str, NDArray[np.int64]]]:
    """Return each row's row whose position it is told instead."""
    offsets, places = batch.offsets(space), batch.places(space)
    rows, lengths = np.arange(offsets[-1]), batch.lengths(space)[batch.items(space)]
    first = rows - places
    middle = (lengths - 1) // 2
    swapped = rows.copy()
    two = lengths >= 2
    swapped[two & (places == middle)] += 1
    swapped[two & (places == middle + 1)] -= 1
    rng = np.random.default_rng(seed)
    key = rng.random(len(rows))
    shuffled = np.lexsort((key, first))
    return [
        ("two neighbours swapped", swapped),
        ("shifted by one", first + (places + 1) % lengths),
        ("shuffled", shuffled),
    ]


def perturb_inputs(
    model: HookedModel,
    split: Any,
    function: Any,
    codec: Any,
    *,
    hows: Sequence[str] = GRAMMAR,
    items: Sequence[int] | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> Finding:
    """Change inputs by their grammar, and see whether the model follows.

    Parameters
    ----------
    model, split, function, codec, items, seed : see `corrupt`
        What is changed.
    hows : sequence of str
        Of `replace`, `swap` and `calls`; those that change no pair are left out.
    threads : int, optional
        Threads to use; it changes no result.

    Returns
    -------
    Finding
        A row a perturbation: exact match before and after on the same pairs, and how often a right
        answer became wrong and a wrong one right (teacher forcing).
    """
    rows = []
    for how in hows:
        try:
            pair = corrupt(
                split, function, codec, how=how, items=items, seed=seed, same_length=False
            )
        except InputError:
            continue
        before, after = (measure(model, b, [], threads=threads).right[0] for b in pair[:2])
        rows.append(
            {
                "perturbation": how,
                "pairs": len(before),
                "exact_before": float(before.mean()),
                "exact_after": float(after.mean()),
                "right_to_wrong": float((before & ~after).mean()),
                "wrong_to_right": float((~before & after).mean()),
            }
        )
    if not rows:
        raise InputError("perturb_inputs: none of the perturbations changes a pair of this split")
    return Finding(
        title="inputs perturbed by their grammar",
        rows=rows,
        note="exact match on the same pairs before and after",
        figure={
            "kind": "bars",
            "names": [row["perturbation"] for row in rows],
            "values": [row["exact_after"] for row in rows],
            "marks": {"before": [row["exact_before"] for row in rows]},
            "xlabel": "exact match",
        },
    )
