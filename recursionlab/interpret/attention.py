"""Attention maps: where each head looks, with the terms' trees on both axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recursionlab.errors import InputIndexError
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.trees import parents
from recursionlab.models.points import resolve


def attention_map(
    model: HookedModel,
    source: Any,
    target: Any = None,
    *,
    attention: str,
    item: int = 0,
    arity: Mapping[str, int] | None = None,
    reverse: bool = False,
) -> Finding:
    """Return where the heads of one attention look in one pair.

    Parameters
    ----------
    model : HookedModel
        What to look into.
    source, target : see `HookedModel.batch`
        What the model reads.
    attention : str
        Such as `decoder_blocks.1.cross_attn`.
    item : int
        Which pair.
    arity : mapping of str to int, optional
        Subterms after each constructor (`arities`); draws the terms' trees on the axes.
    reverse : bool
        Whether tokens stand in reversed order.

    Returns
    -------
    Finding
        A row a head and query: the key it looks at most, and how much.
    """
    batch = model.batch(source, target)
    if not -len(batch) <= item < len(batch):
        raise InputIndexError(f"item: expected one below {len(batch)}, got {item}")
    one = batch.take([item % len(batch)])
    point = resolve(model.points, f"{attention}.hook_pattern")
    _, cache = model.run_with_cache(one, names_filter=point.name)
    pattern = cache[point.name][0]
    words = {}
    for space, ids in (("source", one.source), ("target", one.target)):
        words[space] = [model.vocabulary[t] if model.vocabulary else str(t) for t in ids]
    queries, keys = words[point.space], words[point.keys or point.space]
    rows = [
        {
            "head": h,
            "query": q,
            "query_token": queries[q],
            "key": int(pattern[h, q].argmax()),
            "key_token": keys[int(pattern[h, q].argmax())],
            "weight": float(pattern[h, q].max()),
        }
        for h in range(pattern.shape[0])
        for q in range(pattern.shape[1])
    ]
    trees = {}
    if arity is not None:
        for axis, tokens in (("row_tree", queries), ("column_tree", keys)):
            trees[axis] = parents(tokens, arity, reverse=reverse).tolist()
    return Finding(
        title=f"attention of {attention}",
        rows=rows,
        note="weight: share of the query's attention, 0 to 1",
        figure={
            "kind": "attention",
            "pattern": np.round(pattern.astype(np.float64), 4).tolist(),
            "rows": queries,
            "columns": keys,
            "xlabel": f"{point.keys} (key)",
            "ylabel": f"{point.space} (query)",
            **trees,
        },
    )
