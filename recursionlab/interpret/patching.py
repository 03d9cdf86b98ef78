"""Patching: which activations carry what a clean input has and a corrupted one has not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.ablation import attentions, short
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.edits import Replace, Scale
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import Hook, HookedModel
from recursionlab.interpret.measure import Edit, measure
from recursionlab.models.points import resolve
from recursionlab.models.where import Where

AT = ("resid_pre", "attn_out", "cross_attn_out", "mlp_out", "resid_post")


def patch(
    model: HookedModel,
    clean: Batch,
    corrupted: Batch,
    *,
    at: str = "resid_pre",
    threads: int | None = None,
) -> Finding:
    """Put clean values into a corrupted run, one layer and position (or head) at a time.

    Parameters
    ----------
    model : HookedModel
        What to look into.
    clean, corrupted : Batch
        Pairs of the same lengths, with labels; corrupted labels are what the model should say
        to the corrupted source. The decoder reads the clean target in both.
    at : {"resid_pre", "attn_out", "cross_attn_out", "mlp_out", "resid_post", "heads"}
        What is patched: a value of every layer, a position at a time; or every head's z, whole.
    threads : int, optional
        Threads to use; it changes no result.

    Returns
    -------
    Finding
        A row a patch. `recovered` is the share of the difference between the clean and the
        corrupted run that the patch brings back: 0 nothing, 1 all. What is compared is log p(clean
        label) - log p(corrupted label), where the labels differ.
    """
    corrupted = _checked(clean, corrupted)
    assert corrupted.labels is not None and clean.labels is not None
    sites = _head_sites(model) if at == "heads" else _sites(model, clean, at)
    names = sorted({site["hook"] for site in sites})
    _, cache = model.run_with_cache(clean, names_filter=names)
    run = Batch(corrupted.source, corrupted.source_offsets, clean.target, clean.target_offsets)
    run = Batch(*run.arguments, clean.labels)
    edits: list[Edit] = [
        [(s["hook"], "replace", cache.packed(s["hook"]), *s["columns"], s.get("mask"))]
        for s in sites
    ]
    others = corrupted.labels
    start = measure(model, clean, [], others=others, threads=threads).difference
    measured = measure(model, run, edits, others=others, threads=threads).difference
    assert start is not None and measured is not None
    best, worst = float(start[0]), float(measured[0])
    if best - worst < 1e-6:
        raise InputError(
            "corrupted: the model does not tell it from the clean input "
            f"(difference {best:.3g} clean, {worst:.3g} corrupted)"
        )
    rows = [
        {k: v for k, v in site.items() if k not in ("columns", "mask")}
        | {"difference": float(d), "recovered": (float(d) - worst) / (best - worst)}
        for site, d in zip(sites, measured[1:], strict=True)
    ]
    return Finding(
        title=f"patching of {at}",
        rows=rows,
        note=f"{len(clean)} pairs; log p(clean) - log p(corrupted label): {best:.2f} clean, "
        f"{worst:.2f} corrupted",
        figure=_figure(at, rows),
    )


def path_patch(
    model: HookedModel,
    clean: Batch,
    corrupted: Batch,
    *,
    receiver: str | None = None,
    heads: int | None = None,
) -> Finding:
    """Let one head at a time tell a receiver, and nobody else, of the corrupted input.

    Parameters
    ----------
    model : HookedModel
        What to look into.
    clean, corrupted : Batch
        As in `patch`.
    receiver : str, optional
        The hook that hears it, such as `decoder_blocks.1.cross_attn.hook_q`; default the logits.
    heads : int, optional
        Only this head of the receiver.

    Returns
    -------
    Finding
        A row a sending head. `lost` is the share of the clean run's difference that goes when the
        receiver hears the corrupted head: every other head keeps its clean value on the way.

    Notes
    -----
    Source: Wang et al., "Interpretability in the Wild" (ICLR 2023), appendix B.
    """
    corrupted = _checked(clean, corrupted)
    name = resolve(model.points, receiver or "unembed.hook_out").name
    reached = list(model.points).index(name)
    zs = [f"{attention}.hook_z" for attention in attentions(model)]
    _, kept = model.run_with_cache(clean, names_filter=[*zs, name])
    wrong = Batch(corrupted.source, corrupted.source_offsets, *clean.arguments[2:], clean.labels)
    _, told = model.run_with_cache(wrong, names_filter=zs)
    best = _difference(model(clean), clean, corrupted)
    worst = _difference(model(wrong), clean, corrupted)
    if best - worst < 1e-6:
        raise InputError("corrupted: the model does not tell it from the clean input")
    rows = []
    for sender in zs:
        if list(model.points).index(sender) >= reached:
            continue
        for head in range(model.points[sender].heads):
            hooks: list[Hook] = [(z, Replace(kept[z])) for z in zs]
            hooks.append((sender, Replace(told[sender], Where(heads=head))))
            with model.hooks(hooks):
                logits, heard = model.run_with_cache(clean, names_filter=name)
            if receiver is not None:
                logits = model.run_with_hooks(
                    clean, fwd_hooks=[(name, Replace(heard[name], Where(heads=heads)))]
                )
            got = _difference(logits, clean, corrupted)
            rows.append(
                {
                    "attention": sender.rpartition(".")[0],
                    "head": head,
                    "difference": got,
                    "lost": (best - got) / (best - worst),
                }
            )
    return Finding(
        title=f"paths from heads to {name}",
        rows=rows,
        note=f"{len(clean)} pairs; 0: the path carries nothing, 1: all that tells them apart",
        figure=_head_grid(rows, "lost", "share lost"),
    )


def _difference(logits: NDArray[np.float32], clean: Batch, corrupted: Batch) -> float:
    """Return the mean of log p(clean label) - log p(corrupted label) where they differ."""
    flat = logits[clean.mask("target")]
    a, b = clean.labels, corrupted.labels
    assert a is not None and b is not None
    where = np.flatnonzero((a != b) & (a >= 0) & (b >= 0))
    return float((flat[where, a[where]] - flat[where, b[where]]).mean(dtype=np.float64))


def _checked(clean: Batch, corrupted: Batch) -> Batch:
    """Refuse pairs that do not stand one under the other."""
    if clean.labels is None or corrupted.labels is None:
        raise InputError("patch: expected batches with labels")
    for space in ("source", "target"):
        if not np.array_equal(clean.offsets(space), corrupted.offsets(space)):
            raise InputError(
                f"corrupted: expected the lengths of the clean {space}s; "
                "`corrupt` makes pairs of equal lengths"
            )
    if not ((clean.labels != corrupted.labels) & (clean.labels >= 0)).any():
        raise InputError("corrupted: expected other labels somewhere, all are the clean ones")
    return corrupted


def _sites(model: HookedModel, batch: Batch, at: str) -> list[dict[str, Any]]:
    if at not in AT:
        raise InputError(f"at: expected one of {', '.join(AT)} or heads, got {at!r}")
    out = []
    for name, point in model.points.items():
        if not name.endswith(f".hook_{at}"):
            continue
        places = batch.places(point.space)
        out += [
            {
                "hook": name,
                "position": int(p),
                "columns": (0, 0),
                "mask": (places == p).astype(np.uint8),
            }
            for p in range(int(places.max(initial=-1)) + 1)
        ]
    return out


def _head_sites(model: HookedModel) -> list[dict[str, Any]]:
    out = []
    for attention in attentions(model):
        point = model.points[f"{attention}.hook_z"]
        for head in range(point.heads):
            (columns,) = Scale(0, Where(heads=head)).where.columns(point)
            site = {"hook": point.name, "attention": attention, "head": head, "columns": columns}
            out.append(site)
    return out


def _head_grid(rows: list[dict[str, Any]], key: str, label: str) -> dict[str, Any]:
    names = list(dict.fromkeys(row["attention"] for row in rows))
    heads = 1 + max((row["head"] for row in rows), default=0)
    grid = np.full((len(names), heads), np.nan)
    for row in rows:
        grid[names.index(row["attention"]), row["head"]] = row[key]
    return {
        "kind": "grid",
        "values": grid.tolist(),
        "rows": [short(name) for name in names],
        "columns": list(range(heads)),
        "xlabel": "head",
        "ylabel": "attention",
        "label": label,
    }


def _figure(at: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    label = "share recovered"
    if at == "heads":
        return _head_grid(rows, "recovered", label)
    hooks = list(dict.fromkeys(row["hook"] for row in rows))
    longest = 1 + max(row["position"] for row in rows)
    grid = np.full((len(hooks), longest), np.nan)
    for row in rows:
        grid[hooks.index(row["hook"]), row["position"]] = row["recovered"]
    return {
        "kind": "grid",
        "values": grid.tolist(),
        "rows": [short(hook) for hook in hooks],
        "columns": list(range(longest)),
        "xlabel": "position (tokens)",
        "ylabel": "layer",
        "label": label,
    }
