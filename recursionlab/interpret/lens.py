"""Logit lens: what the model would answer if a residual stream ended earlier."""

from __future__ import annotations

from typing import Any

import numpy as np

from recursionlab.interpret.ablation import short
from recursionlab.interpret.batch import IGNORED
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.measure import Edit
from recursionlab.machine import default_threads

_STREAM = ("hook_resid_pre", "hook_resid_mid", "hook_resid_mid_cross", "hook_resid_post")


def logit_lens(
    model: HookedModel, source: Any, target: Any = None, *, threads: int | None = None
) -> Finding:
    """Read the answer off every residual stream, at every decoder step.

    The stream's last value is replaced by an earlier one, and all that follows it is left as it is:
    the last norm and the unembedding for the decoder, the whole decoder for the encoder.

    Parameters
    ----------
    model : HookedModel
        What to look into.
    source, target : see `HookedModel.batch`
        A split, or a batch with labels.
    threads : int, optional
        Threads to use; it changes no result.

    Returns
    -------
    Finding
        A row a point of the streams: `token_accuracy`, `agreement` with the whole model, and `loss`
        (natural logarithm). The figure shows token accuracy by decoder step.

    Notes
    -----
    Source: nostalgebraist, "Interpreting GPT: the logit lens" (2020).
    """
    batch = model.batch(source, target)
    assert batch.labels is not None
    streams: list[tuple[str, str]] = []  # (early, last)
    for stack in ("encoder", "decoder"):
        names = [
            n for n in model.points if n.startswith(f"{stack}_blocks.") and n.endswith(_STREAM)
        ]
        streams += [(name, names[-1]) for name in names if name != names[-1]]
    _, cache = model.run_with_cache(batch, names_filter=[early for early, _ in streams])
    edits: list[Edit] = [[(last, "replace", cache.packed(early))] for early, last in streams]
    loss, _, choice = model.core.sweep(
        *batch.arguments, batch.labels, edits, threads=threads or default_threads()
    )
    assert choice is not None
    counted, places = batch.labels != IGNORED, batch.places("target")
    steps = int(places.max()) + 1
    rows, grid = [], np.full((len(streams) + 1, steps), np.nan)
    names = [early for early, _ in streams] + ["all"]
    for k, name in enumerate(names):
        at = (k + 1) % len(names)  # the model as it is stands first in the sweep
        hit = choice[at] == batch.labels
        rows.append(
            {
                "stream": name,
                "token_accuracy": float(hit[counted].mean()),
                "agreement": float((choice[at] == choice[0])[counted].mean()),
                "loss": float(loss[at][counted].mean()),
            }
        )
        for step in range(steps):
            here = counted & (places == step)
            if here.any():
                grid[k, step] = hit[here].mean()
    return Finding(
        title="logit lens",
        rows=rows,
        note=f"{len(batch)} pairs; token accuracy given the right target so far",
        figure={
            "kind": "grid",
            "values": grid.tolist(),
            "rows": [short(name) for name in names],
            "columns": list(range(steps)),
            "xlabel": "decoder step (tokens)",
            "ylabel": "stream ends at",
            "label": "token accuracy",
            "diverging": False,
        },
    )
