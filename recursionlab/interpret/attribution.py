"""Attribution: which input tokens an answer hangs on, by gradient and by occlusion."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.batch import IGNORED, Batch
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.measure import Edit
from recursionlab.machine import default_threads

_EMBEDS = {"source": "embed.hook_out", "target": "decoder_embed.hook_out"}


def attribute(
    model: HookedModel,
    source: Any,
    target: Any = None,
    *,
    how: str = "gradient",
    threads: int | None = None,
) -> Finding:
    """Score every input token by what the loss owes to it.

    Parameters
    ----------
    model : HookedModel
        What to look into.
    source, target : see `HookedModel.batch`
        A split, or a batch with labels.
    how : {"gradient", "occlusion"}
        Minus the gradient of a pair's loss times the token's embedding; or how much the pair's loss
        grows when the token's embedding is replaced by the mean embedding of the batch.
    threads : int, optional
        Threads to use; it changes no result.

    Returns
    -------
    Finding
        A row a token (`item space position token score`); the figure shows the mean of the absolute
        scores by position, or the tokens of a single pair.
    """
    batch = model.batch(source, target)
    if batch.labels is None:
        raise InputError("batch: expected labels; give a split, or Batch.of(..., labels=...)")
    if how not in ("gradient", "occlusion"):
        raise InputError(f"how: expected gradient or occlusion, got {how!r}")
    scores = _gradient(model, batch) if how == "gradient" else _occlusion(model, batch, threads)
    rows = []
    for space, score in scores.items():
        ids = batch.source if space == "source" else batch.target
        place, item = batch.places(space), batch.items(space)
        for i in range(len(score)):
            name = model.vocabulary[ids[i]] if model.vocabulary else str(ids[i])
            where = {"item": int(item[i]), "space": space, "position": int(place[i])}
            rows.append({**where, "token": name, "score": float(score[i])})
    return Finding(
        title=f"attribution by {how}",
        rows=rows,
        note="score: what a pair's loss (natural logarithm, summed) owes to a token",
        figure=_figure(batch, rows, scores),
    )


def _gradient(model: HookedModel, batch: Batch) -> dict[str, NDArray[np.float64]]:
    names = {s: n for s, n in _EMBEDS.items() if n in model.points}
    _, cache = model.run_with_cache(batch, names_filter=list(names.values()))
    grads = model.gradients(batch, names_filter=list(names.values()))
    return {
        space: -(cache.packed(n).astype(np.float64) * grads.packed(n)).sum(1)
        for space, n in names.items()
    }


def _occlusion(
    model: HookedModel, batch: Batch, threads: int | None
) -> dict[str, NDArray[np.float64]]:
    assert batch.labels is not None
    names = {s: n for s, n in _EMBEDS.items() if n in model.points}
    _, cache = model.run_with_cache(batch, names_filter=list(names.values()))
    edits: list[Edit] = []
    sites = []
    for space, name in names.items():
        mean = cache.packed(name).mean(0, dtype=np.float64).astype(np.float32)
        places = batch.places(space)
        for p in range(int(places.max(initial=-1)) + 1):
            here = places == p
            edits.append([(name, "fill", mean, 0, 0, here.astype(np.uint8))])
            sites.append((space, here))
    loss, _, _ = model.core.sweep(
        *batch.arguments, batch.labels, edits, choices=False, threads=threads or default_threads()
    )
    counted = np.where(batch.labels != IGNORED, 1.0, 0.0)
    items, count = batch.items("target"), len(batch)
    sums = np.stack([np.bincount(items, row * counted, count) for row in loss.astype(np.float64)])
    out = {space: np.zeros(int(batch.offsets(space)[-1])) for space in names}
    for k, (space, here) in enumerate(sites, 1):
        out[space][here] = (sums[k] - sums[0])[batch.items(space)[here]]
    return out


def _figure(
    batch: Batch, rows: list[dict[str, Any]], scores: dict[str, NDArray[np.float64]]
) -> dict[str, Any]:
    if len(batch) == 1:
        names = [f"{row['space']} {row['position']} {row['token']}" for row in rows]
        values = [row["score"] for row in rows]
        return {"kind": "bars", "names": names, "values": values, "xlabel": "score (loss owed)"}
    lines = {}
    for space, score in scores.items():
        place = batch.places(space)
        total = np.bincount(place, np.abs(score))
        lines[space] = list(enumerate((total / np.bincount(place)).tolist()))
    return {
        "kind": "lines",
        "lines": lines,
        "xlabel": "position (tokens)",
        "ylabel": "mean absolute score",
    }
