"""Ablation: what a model can do without a head, a neuron, a sublayer or a position."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.measure import Edit, measure
from recursionlab.learn.scoring import decoded
from recursionlab.learn.split import SplitLike
from recursionlab.machine import default_threads

KINDS = ("heads", "layers", "neurons", "positions")
HOWS = ("zero", "mean", "resample")
_OUTS = ("hook_attn_out", "hook_cross_attn_out", "hook_mlp_out")


def ablate(
    model: HookedModel,
    source: Any,
    target: Any = None,
    *,
    what: str = "heads",
    how: str = "zero",
    free: bool = False,
    seed: int = 0,
    threads: int | None = None,
) -> Finding:
    """Take out one part of the model after the other, and see what is lost.

    Parameters
    ----------
    model : HookedModel
        What to take from.
    source, target : see `HookedModel.batch`
        A split, or a batch with labels.
    what : {"heads", "layers", "neurons", "positions"}
        Every head's z; every sublayer's output; every neuron of the feed-forward layers; every
        position of source and target, where its embedding stands.
    how : {"zero", "mean", "resample"}
        Zero; the mean over all rows of the batch; the value of another row at the same place.
    free : bool
        Also let the model answer freely without each part, its own tokens before it: rows have
        `free_exact_match` and `free_exact_change`, which the figure shows. Wants a split, and zero
        or mean ablation.
    seed : int
        Of the resampling.
    threads : int, optional
        Threads to use; it changes no result.

    Returns
    -------
    Finding
        A row a part: `exact_match`, `loss` and what each changed, with the right predecessors
        given (teacher forcing); `changed` is the share of pairs answered otherwise.
    """
    for name, value, known in (("what", what, KINDS), ("how", how, HOWS)):
        if value not in known:
            raise InputError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
    if free and (how == "resample" or not isinstance(source, SplitLike)):
        raise InputError("free: expected a split, and zero or mean ablation")
    batch = model.batch(source, target)
    sites = {
        "heads": _heads,
        "layers": _layers,
        "neurons": _neurons,
        "positions": _positions,
    }[what](model, batch)
    values = _values(model, batch, {site["hook"] for site in sites}) if how != "zero" else {}
    edits = [_edit(model, batch, site, how, values, seed) for site in sites]
    measured = measure(model, batch, edits, threads=threads)
    rows = [
        {k: v for k, v in site.items() if k not in ("columns", "mask")} | measured.row(k)
        for k, site in enumerate(sites, 1)
    ]
    note = f"{len(batch)} pairs, {measured.exact_match[0]:.1%} exact as it is"
    if free:
        note += f", {_answer(model, source, sites, edits, rows, threads):.1%} answering freely"
    return Finding(
        title=f"{how} ablation of {what}",
        rows=rows,
        note=f"{note}; changes are differences to that",
        figure=_figure(what, rows, "free_exact_change" if free else "exact_change"),
    )


def _answer(
    model: HookedModel,
    split: SplitLike,
    sites: list[dict[str, Any]],
    edits: list[Edit],
    rows: list[dict[str, Any]],
    threads: int | None,
) -> float:
    """Add to the rows how exact free answers are under each edit; return how exact they are."""
    threads = threads or default_threads()
    plain = float(decoded(model.core, split, threads).mean())
    for site, edit, row in zip(sites, edits, rows, strict=True):
        places = np.array([site["position"]], np.int32) if "position" in site else None
        taps = [(*tap[:5], None, places) for tap in edit]
        exact = float(decoded(model.core, split, threads, taps).mean())
        row |= {"free_exact_match": exact, "free_exact_change": exact - plain}
    return plain


def attentions(model: HookedModel) -> list[str]:
    """Return the names of all attentions, `decoder_blocks.0.cross_attn` and so on."""
    return [name.rpartition(".")[0] for name in model.points if name.endswith("hook_pattern")]


def _heads(model: HookedModel, batch: Batch) -> list[dict[str, Any]]:
    out = []
    for attention in attentions(model):
        point = model.points[f"{attention}.hook_z"]
        wide = point.width // point.heads
        out += [
            {
                "hook": point.name,
                "attention": attention,
                "head": h,
                "columns": (h * wide, h * wide + wide),
            }
            for h in range(point.heads)
        ]
    return out


def _layers(model: HookedModel, batch: Batch) -> list[dict[str, Any]]:
    names = [name for name in model.points if name.endswith(_OUTS)]
    return [{"hook": name, "columns": (0, model.points[name].width)} for name in names]


def _neurons(model: HookedModel, batch: Batch) -> list[dict[str, Any]]:
    names = [name for name in model.points if name.endswith("mlp.hook_post")]
    return [
        {"hook": name, "neuron": n, "columns": (n, n + 1)}
        for name in names
        for n in range(model.points[name].width)
    ]


def _positions(model: HookedModel, batch: Batch) -> list[dict[str, Any]]:
    out = []
    for stack in ("encoder", "decoder"):
        name = f"{stack}_blocks.0.hook_resid_pre"
        if name not in model.points:
            continue
        point = model.points[name]
        places = batch.places(point.space)
        out += [
            {
                "hook": name,
                "space": point.space,
                "position": int(p),
                "columns": (0, point.width),
                "mask": (places == p).astype(np.uint8),
            }
            for p in range(int(places.max(initial=-1)) + 1)
        ]
    return out


def _values(model: HookedModel, batch: Batch, names: set[str]) -> dict[str, NDArray[np.float32]]:
    _, cache = model.run_with_cache(batch, names_filter=sorted(names))
    return {name: cache.packed(name) for name in names}


def _edit(
    model: HookedModel,
    batch: Batch,
    site: dict[str, Any],
    how: str,
    values: dict[str, NDArray[np.float32]],
    seed: int,
) -> Edit:
    hook, (first, last) = site["hook"], site["columns"]
    rows = site.get("mask")
    if how == "zero":
        return [(hook, "scale", 0.0, first, last, rows)]
    if how == "mean":
        mean = values[hook][:, first:last].mean(0, dtype=np.float64).astype(np.float32)
        return [(hook, "fill", mean, first, last, rows)]
    key = f"{hook} resampled"
    if key not in values:
        places = batch.places(model.points[hook].space)
        values[key] = np.ascontiguousarray(values[hook][same_place(places, seed)])
    return [(hook, "replace", values[key], first, last, rows)]


def same_place(places: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """Return for each row another row at the same place of its sequence, a permutation.

    Examples
    --------
    >>> places = np.array([0, 1, 0, 1])
    >>> bool((places[same_place(places, 0)] == places).all())
    True
    """
    rng = np.random.default_rng(seed)
    out = np.arange(len(places))
    for p in np.unique(places):
        here = np.flatnonzero(places == p)
        out[rng.permutation(here)] = np.roll(rng.permutation(here), 1)
    return out


def _figure(what: str, rows: list[dict[str, Any]], key: str) -> dict[str, Any]:
    label = "change of exact match"
    if what == "heads":
        attention = list(dict.fromkeys(row["attention"] for row in rows))
        heads = 1 + max(row["head"] for row in rows)
        grid = np.full((len(attention), heads), np.nan)
        for row in rows:
            grid[attention.index(row["attention"]), row["head"]] = row[key]
        return {
            "kind": "grid",
            "values": grid.tolist(),
            "rows": [short(a) for a in attention],
            "columns": list(range(heads)),
            "xlabel": "head",
            "ylabel": "attention",
            "label": label,
        }
    if what == "positions":
        lines = {
            space: [(r["position"], r[key]) for r in rows if r["space"] == space]
            for space in dict.fromkeys(r["space"] for r in rows)
        }
        return {"kind": "lines", "lines": lines, "xlabel": "position (tokens)", "ylabel": label}
    if what == "neurons":
        lines = {}
        for hook in dict.fromkeys(row["hook"] for row in rows):
            drops = sorted(
                (row["loss_change"] for row in rows if row["hook"] == hook), reverse=True
            )
            lines[short(hook)] = list(enumerate(drops, 1))
        return {
            "kind": "lines",
            "lines": lines,
            "xlabel": "neurons, the most needed first",
            "ylabel": "change of loss (nats a token)",
        }
    return {
        "kind": "bars",
        "names": [short(row["hook"]) for row in rows],
        "values": [row[key] for row in rows],
        "xlabel": label,
    }


def short(name: str) -> str:
    """Return a hook's name as an axis shows it.

    Examples
    --------
    >>> short("decoder_blocks.0.cross_attn"), short("encoder_blocks.1.hook_mlp_out")
    ('dec 0 cross', 'enc 1 mlp')
    """
    stack, _, rest = name.partition("_blocks.")
    layer, _, what = rest.partition(".")
    for old, new in (
        ("hook_cross_attn_out", "cross"),
        ("hook_attn_out", "self"),
        ("hook_mlp_out", "mlp"),
        ("mlp.hook_post", "mlp"),
        ("hook_", ""),
        ("self_attn", "self"),
        ("cross_attn", "cross"),
        ("attn", "self"),
    ):
        what = what.replace(old, new)
    return f"{stack[:3]} {layer} {what}" if rest else name
