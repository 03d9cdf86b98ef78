"""Linear probes: what can be read off a value by a linear map, against shuffled labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.ablation import short
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.trees import depths, open_subterms, parents
from recursionlab.models.points import NameFilter, choose

_ROUNDS = 60  # steps of the logistic fit; each raises the likelihood


def probe(
    model: HookedModel,
    source: Any,
    target: Any = None,
    *,
    labels: NDArray[Any],
    space: str = "source",
    names_filter: NameFilter = None,
    kind: str = "ridge",
    l2: float = 1.0,
    held_out: float = 0.3,
    seed: int = 0,
) -> Finding:
    """Fit a linear probe on every value chosen, and try it on pairs held out.

    Parameters
    ----------
    model : HookedModel
        What to look into.
    source, target : see `HookedModel.batch`
        What the model reads.
    labels : int array, shape (rows of the space,)
        A class for every token, -1 where none: see `depth_labels stack_labels state_labels`.
    space : {"source", "target"}
        Whose rows the labels are of.
    names_filter : see `run_with_cache`
        Which values; default the residual streams of the space.
    kind : {"ridge", "logistic"}
        Least squares on one-hot classes, solved exactly; or multinomial logistic regression.
    l2 : float
        Weight of the penalty, per row of standardised features.
    held_out : float
        Share of pairs to try it on; no pair is on both sides.
    seed : int
        Of the split and of the shuffling.

    Returns
    -------
    Finding
        A row a value: `accuracy` on held-out pairs, `control` (the same fit on labels shuffled
        among the training rows), `majority` (always the commonest class) and `selectivity`,
        accuracy minus control.

    Notes
    -----
    Source: Hewitt and Liang, "Designing and interpreting probes with control tasks" (EMNLP 2019).
    """
    batch = model.batch(source, target)
    labels = np.asarray(labels)
    if labels.shape != (int(batch.offsets(space)[-1]),):
        raise InputError(
            f"labels: expected one for each of the {batch.offsets(space)[-1]} {space} tokens, "
            f"got shape {labels.shape}"
        )
    if kind not in ("ridge", "logistic"):
        raise InputError(f"kind: expected ridge or logistic, got {kind!r}")
    train, test = _sides(batch, space, labels, held_out, seed)
    classes, y = np.unique(labels[labels >= 0], return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"labels: expected at least two classes, got {len(classes)}")
    code = np.full(len(labels), -1)
    code[labels >= 0] = y
    chosen = choose(model.points, names_filter or (lambda n: n.endswith("hook_resid_post")))
    chosen = [(n, p) for n, p in chosen if p.space == space and not p.keys]
    if not chosen:
        raise InputError(f"names_filter: takes no value of the {space}")
    _, cache = model.run_with_cache(batch, names_filter=[name for name, _ in chosen])
    shuffled = np.random.default_rng(seed).permutation(code[train])
    majority = np.bincount(code[train], minlength=len(classes)).argmax()
    rows: list[dict[str, Any]] = []
    for name, _ in chosen:
        x = _standardised(cache.packed(name), train)
        fit = _ridge if kind == "ridge" else _logistic
        scores = [
            float(
                ((x[test] @ fit(x[train], known, len(classes), l2)).argmax(1) == code[test]).mean()
            )
            for known in (code[train], shuffled)
        ]
        rows.append(
            {
                "hook": name,
                "accuracy": scores[0],
                "control": scores[1],
                "majority": float((code[test] == majority).mean()),
                "selectivity": scores[0] - scores[1],
            }
        )
    return Finding(
        title=f"{kind} probe, {len(classes)} classes",
        rows=rows,
        note=f"{int(train.sum())} tokens to fit, {int(test.sum())} of other pairs to try",
        figure={
            "kind": "bars",
            "names": [short(row["hook"]) for row in rows],
            "values": [row["accuracy"] for row in rows],
            "marks": {
                "shuffled labels": [row["control"] for row in rows],
                "commonest class": [row["majority"] for row in rows],
            },
            "xlabel": "accuracy on held-out pairs",
        },
    )


def _sides(
    batch: Batch, space: str, labels: NDArray[Any], held_out: float, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    if not 0 < held_out < 1:
        raise InputError(f"held_out: expected a share between 0 and 1, got {held_out}")
    out = np.random.default_rng(seed).random(len(batch)) < held_out
    side = out[batch.items(space)]
    train, test = ~side & (labels >= 0), side & (labels >= 0)
    if not train.any() or not test.any():
        raise InputError("probe: expected labels on both sides; give more pairs")
    return train, test


def _standardised(x: NDArray[np.float32], train: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return columns of mean 0 and deviation 1 over the training rows, and a column of ones."""
    x = x.astype(np.float64)
    scale = x[train].std(0)
    x = (x - x[train].mean(0)) / np.where(scale > 1e-12, scale, 1)
    return np.concatenate([x, np.ones((len(x), 1))], 1)


def _penalty(x: NDArray[np.float64], l2: float) -> NDArray[np.float64]:
    diagonal = np.full(x.shape[1], l2)
    diagonal[-1] = 1e-9  # the constant is free
    return np.diag(diagonal)


def _ridge(x: NDArray[np.float64], y: NDArray[Any], classes: int, l2: float) -> NDArray[np.float64]:
    out: NDArray[np.float64] = np.linalg.solve(x.T @ x + _penalty(x, l2), x.T @ np.eye(classes)[y])
    return out


def _logistic(
    x: NDArray[np.float64], y: NDArray[Any], classes: int, l2: float
) -> NDArray[np.float64]:
    """Fit by steps on a fixed bound of the curvature, each of which raises the likelihood.

    Source: Böhning, "Multinomial logistic regression algorithm" (1992).
    """
    penalty = _penalty(x, l2)
    inverse = np.linalg.inv(0.5 * x.T @ x + penalty)
    wanted, w = np.eye(classes)[y], np.zeros((x.shape[1], classes))
    for _ in range(_ROUNDS):
        z = x @ w
        p = np.exp(z - z.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        w += inverse @ (x.T @ (wanted - p) - penalty @ w)
    return w


# ---- what to probe for --------------------------------------------------------------------------


def _per_sequence(batch: Batch, space: str, vocabulary: Sequence[str], make: Any) -> NDArray[Any]:
    ids = batch.source if space == "source" else batch.target
    offsets = batch.offsets(space)
    names = [vocabulary[t] for t in ids]
    parts = [make(names[a:b]) for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    return np.concatenate([np.zeros(0, np.int64), *parts])


def depth_labels(
    batch: Batch,
    vocabulary: Sequence[str],
    arity: Mapping[str, int],
    *,
    space: str = "source",
    reverse: bool = False,
) -> NDArray[np.int64]:
    """Return each token's depth in the term it belongs to; -1 for tokens that build nothing."""

    def make(tokens: list[str]) -> NDArray[np.int64]:
        depth = depths(parents(tokens, arity, reverse=reverse), reverse=reverse)
        return np.where([t in arity for t in tokens], depth, -1)

    return _per_sequence(batch, space, vocabulary, make)


def stack_labels(
    batch: Batch, vocabulary: Sequence[str], arity: Mapping[str, int], *, space: str = "source"
) -> NDArray[np.int64]:
    """Return how many subterms a reader still expects after each token."""

    def make(tokens: list[str]) -> NDArray[np.int64]:
        inside = [t in arity for t in tokens]
        return np.where(inside, open_subterms(tokens, arity), -1)

    return _per_sequence(batch, space, vocabulary, make)


def state_labels(
    batch: Batch, calls: NDArray[Any], *, space: str = "source", reverse: bool = False
) -> NDArray[np.int64]:
    """Return the state of a machine that recurses `calls` times: 1 before it stops, 0 after.

    Parameters
    ----------
    batch : Batch
        Values of a linear type.
    calls : int array, shape (R,)
        The column of that name.
    space : str
        Whose rows.
    reverse : bool
        Whether the order of the tokens is reversed.
    """
    places, items = batch.places(space), batch.items(space)
    if reverse:
        places = batch.lengths(space)[items] - 1 - places
    out: NDArray[np.int64] = (places < np.asarray(calls)[items]).astype(np.int64)
    return out
