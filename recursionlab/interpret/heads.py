"""Head finder: which heads look where a relation says, against relations drawn by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import InputError
from recursionlab.interpret.ablation import attentions, short
from recursionlab.interpret.batch import Batch
from recursionlab.interpret.finding import Finding
from recursionlab.interpret.hooks import HookedModel
from recursionlab.interpret.trees import arities, parents
from recursionlab.models.points import Point

RELATIONS = ("previous", "same", "parent", "child", "recursion", "carry", "return")
_FROM_TRACE = ("recursion", "carry", "return")


def find_heads(
    model: HookedModel,
    source: Any,
    target: Any = None,
    *,
    relations: Sequence[str] | None = None,
    arity: Mapping[str, int] | None = None,
    visits: Sequence[Sequence[tuple[int, int]]] | None = None,
    reverse: bool = False,
    permutations: int = 200,
    seed: int = 0,
) -> Finding:
    """Score every head by how much it attends to what each relation points at.

    Parameters
    ----------
    model : HookedModel
        What to look into; needs a vocabulary (a Run has one).
    source, target : see `HookedModel.batch`
        Pairs to look at.
    relations : sequence of str, optional
        Of: `previous` (the token before), `same` (the same symbol elsewhere), `parent` and `child`
        (in the term's tree), `recursion` (the recursive argument of the call that writes the next
        token, as the reducer's trace moves), `carry` (while the recursion still runs: where it will
        stop), `return` (after it: where it stopped). Default: all that the arguments allow.
    arity : mapping, optional
        Subterms after each constructor; for `parent` and `child`.
    visits : sequence of sequences of (output place, source place), optional
        Of each pair, from `visits_of`; for `recursion`, `carry` and `return`.
    reverse : bool
        Whether tokens stand in reversed order.
    permutations : int
        Relations drawn for the null.
    seed : int
        Of the null.

    Returns
    -------
    Finding
        A row a head and relation it could follow. `score` is the mean attention on what the
        relation points at, over the rows where it points anywhere; `null` and `null_99` the mean
        and 99 % quantile of the same when each row points at as many keys, drawn at random among
        those it sees; `p` the share of draws at least as high (one added above and below);
        `other_item` the score when rows follow the relation of another pair of the same lengths:
        a head that goes by place alone scores as high there as with its own.
    """
    batch = model.batch(source, target)
    wanted = list(relations) if relations is not None else _possible(arity, visits)
    for name in wanted:
        _check(name, model, arity, visits, batch)
    names = attentions(model)
    _, cache = model.run_with_cache(batch, names_filter=[f"{a}.hook_pattern" for a in names])
    rng = np.random.default_rng(seed)
    partner = _same_lengths(batch, rng)
    rows = []
    for attention in names:
        point = model.points[f"{attention}.hook_pattern"]
        pattern = cache[point.name].astype(np.float64)
        seen = _seen(batch, point)
        for name in wanted:
            goal = _goal(name, batch, point, model.vocabulary, arity, visits, reverse)
            if goal is None:
                continue
            goal &= seen
            if not goal.any():
                continue
            rows += _scores(attention, name, pattern, goal, seen, partner, permutations, rng)
    rows.sort(key=lambda row: (wanted.index(row["relation"]), -(row["score"] - row["null"])))
    return Finding(
        title="heads by relation",
        rows=rows,
        note=f"{len(batch)} pairs, {permutations} relations drawn for the null",
        figure=_figure(rows, names, wanted),
    )


def _possible(arity: Any, visits: Any) -> list[str]:
    out = ["previous", "same"]
    out += ["parent", "child"] if arity is not None else []
    return out + (list(_FROM_TRACE) if visits is not None else [])


def _check(name: str, model: HookedModel, arity: Any, visits: Any, batch: Batch) -> None:
    if name not in RELATIONS:
        raise InputError(f"relations: expected some of {', '.join(RELATIONS)}, got {name!r}")
    if name in ("parent", "child") and (arity is None or not model.vocabulary):
        raise InputError(f"relation {name!r}: needs arity= and a model with a vocabulary")
    if name in _FROM_TRACE and (visits is None or len(visits) != len(batch)):
        raise InputError(f"relation {name!r}: needs visits=, one a pair; see visits_of")


def _seen(batch: Batch, point: Point) -> NDArray[np.bool_]:
    """Return which keys each query sees, (R, queries, keys)."""
    seen: NDArray[np.bool_] = batch.mask(point.space, point.keys, 1)[:, 0].copy()
    if point.space == point.keys == "target":
        seen &= np.tril(np.ones(seen.shape[1:], bool))
    return seen


def _padded(batch: Batch, space: str, fill: int) -> NDArray[np.int64]:
    mask = batch.mask(space)
    out = np.full(mask.shape, fill, np.int64)
    out[mask] = batch.source if space == "source" else batch.target
    return out


def _goal(
    name: str,
    batch: Batch,
    point: Point,
    vocabulary: Sequence[str],
    arity: Mapping[str, int] | None,
    visits: Sequence[Sequence[tuple[int, int]]] | None,
    reverse: bool,
) -> NDArray[np.bool_] | None:
    """Return where the relation points, (R, queries, keys); None where it has no meaning."""
    own, keys = point.space == point.keys, point.keys or point.space
    shape = (len(batch), batch.mask(point.space).shape[1], batch.mask(keys).shape[1])
    if name == "same":
        rows, columns = _padded(batch, point.space, -1), _padded(batch, keys, -2)
        goal: NDArray[np.bool_] = rows[:, :, None] == columns[:, None, :]
        return goal & ~np.eye(*shape[1:], dtype=bool) if own else goal
    if name == "previous":
        return np.broadcast_to(np.eye(*shape[1:], k=-1, dtype=bool), shape).copy() if own else None
    if name in ("parent", "child"):
        assert arity is not None
        return (
            _tree_goal(name, batch, point.space, shape, vocabulary, arity, reverse) if own else None
        )
    if own:
        return None
    assert visits is not None
    return _trace_goal(name, batch, shape, visits)


def _tree_goal(
    name: str,
    batch: Batch,
    space: str,
    shape: tuple[int, ...],
    vocabulary: Sequence[str],
    arity: Mapping[str, int],
    reverse: bool,
) -> NDArray[np.bool_]:
    goal, ids, offsets = np.zeros(shape, bool), _padded(batch, space, 0), batch.lengths(space)
    for r in range(len(batch)):
        tokens = [vocabulary[t] for t in ids[r, : offsets[r]]]
        parent = parents(tokens, arity, reverse=reverse)
        here = np.flatnonzero(parent >= 0)
        pair = (here, parent[here]) if name == "parent" else (parent[here], here)
        goal[r][pair] = True
    return goal


def _trace_goal(
    name: str,
    batch: Batch,
    shape: tuple[int, ...],
    visits: Sequence[Sequence[tuple[int, int]]],
) -> NDArray[np.bool_]:
    goal, lengths = np.zeros(shape, bool), batch.lengths("target")
    for r, path in enumerate(visits):
        if not path:
            continue
        last_row, last_key = path[-1]
        if name == "recursion":
            for row, key in path:
                if row < lengths[r] and 0 <= key < shape[2]:
                    goal[r, row, key] = True
        elif name == "carry":
            for row, _ in path[:-1]:
                if row < lengths[r]:
                    goal[r, row, last_key] = True
        else:
            goal[r, last_row + 1 : lengths[r], last_key] = True
    return goal


def _same_lengths(batch: Batch, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return for each pair another of the same lengths, or itself where there is none."""
    out = np.arange(len(batch))
    both = np.stack([batch.lengths("source"), batch.lengths("target")], 1)
    for key in np.unique(both, axis=0):
        here = np.flatnonzero((both == key).all(1))
        order = rng.permutation(here)
        out[order] = np.roll(order, 1)
    return out


def _scores(
    attention: str,
    name: str,
    pattern: NDArray[np.float64],
    goal: NDArray[np.bool_],
    seen: NDArray[np.bool_],
    partner: NDArray[np.int64],
    permutations: int,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    r, q = np.nonzero(goal.any(2))
    weights, aims, sees = pattern[r, :, q], goal[r, q], seen[r, q]  # (n, H, K), (n, K), (n, K)
    score = np.einsum("nhk,nk->h", weights, aims) / len(r)
    count = aims.sum(1)
    draws = np.zeros((permutations, len(score)))
    for i in range(permutations):
        order = np.where(sees, rng.random(aims.shape), 2.0).argsort(1).argsort(1)
        draws[i] = np.einsum("nhk,nk->h", weights, order < count[:, None]) / len(r)
    foreign = goal[partner[r], q] & sees
    told = foreign.any(1) & (partner[r] != r)
    other = np.full(len(score), np.nan)
    if told.any():
        other = np.einsum("nhk,nk->h", weights[told], foreign[told]) / told.sum()
    return [
        {
            "relation": name,
            "attention": attention,
            "head": h,
            "score": float(score[h]),
            "null": float(draws[:, h].mean()),
            "null_99": float(np.quantile(draws[:, h], 0.99)),
            "p": float((1 + (draws[:, h] >= score[h]).sum()) / (1 + permutations)),
            "other_item": None if np.isnan(other[h]) else float(other[h]),
            "rows": len(r),
        }
        for h in range(len(score))
    ]


def _figure(rows: list[dict[str, Any]], names: list[str], wanted: list[str]) -> dict[str, Any]:
    heads = 1 + max((row["head"] for row in rows), default=0)
    labels = [f"{short(a)} {h}" for a in names for h in range(heads)]
    grid = np.full((len(labels), len(wanted)), np.nan)
    for row in rows:
        at = names.index(row["attention"]) * heads + row["head"]
        grid[at, wanted.index(row["relation"])] = row["score"] - row["null"]
    return {
        "kind": "grid",
        "values": grid.tolist(),
        "rows": labels,
        "columns": wanted,
        "xlabel": "relation",
        "ylabel": "head",
        "label": "attention above chance",
    }


def visits_of(
    function: Any, values: Sequence[Any], codec: Any, *, reverse: bool = False
) -> list[list[tuple[int, int]]]:
    """Return which source place each call of the reducer's trace reads, by output place.

    Parameters
    ----------
    function : Function
        Of one argument, at closed types.
    values : sequence of values
        Its arguments.
    codec : Codec
        Of the data.
    reverse : bool
        Whether tokens stand in reversed order.

    Returns
    -------
    list of lists of (output place, source place)
        A pair a call: the output token that is next when the call begins (the decoder row of that
        number writes it), and where the call's argument begins in the source. Of several calls
        before the next token, the last.

    Raises
    ------
    InputError
        If the data's tokens are not those of the terms, one for one.

    Examples
    --------
    >>> from recursionlab import library
    >>> succ = library("binary")["succ"]
    >>> codec = succ.codec(encoding="prefix", order="natural", renames={})
    >>> visits_of(succ, [succ.domain.parse("xI (xI (xO xH))")], codec)
    [[(0, 0), (1, 1), (2, 2)]]
    """
    plain = function.codec(encoding="prefix", order="natural", renames={})
    arity = arities(function.program)
    out = []
    for value in values:
        result = function(value)
        source, output = (_named(plain, plain.encode(*v)) for v in ((value,), (result, "output")))
        rows = _token_places(codec, result, "output", len(output), reverse)
        keys = _token_places(codec, value, "input", len(source), reverse)
        path, at = {0: 0}, 0
        for step in function.trace(value, granularity="call"):
            words = _named(plain, plain.encode_term(step.term))
            if "UNROLL" not in words:
                break
            call = words.index("UNROLL")
            at = _place(source, _first_value(words[call + 1 :], arity), at)
            path[_written(words[:call], output)] = at
        pairs = [(rows[row], keys[key]) for row, key in sorted(path.items()) if row < len(rows)]
        out.append(sorted(pairs))
    return out


def _named(codec: Any, tokens: NDArray[np.int32]) -> list[str]:
    return [codec.vocabulary[t] for t in tokens]


def _token_places(codec: Any, value: Any, side: str, count: int, reverse: bool) -> list[int]:
    """Return where each constructor of a value stands among its tokens, brackets left out."""
    names = _named(codec, codec.encode(value, side))
    places = [i for i, name in enumerate(names) if name not in ("(", ")")]
    if len(places) != count:
        raise InputError("visits_of: expected a token for every constructor of a value")
    return places[::-1] if reverse else places


def _written(words: list[str], output: list[str]) -> int:
    """Return how many tokens of the output stand, in order, before a call."""
    k = 0
    for word in words:
        if k < len(output) and word == output[k]:
            k += 1
    return k


def _place(source: list[str], part: list[str], after: int) -> int:
    """Return where a subterm stands: the first place after the last call's, else any."""
    places: list[int] = [*range(after + 1, len(source)), *range(after, -1, -1)]
    for i in places:
        if source[i : i + len(part)] == part:
            return i
    return after


def _first_value(words: list[str], arity: Mapping[str, int]) -> list[str]:
    """Return the words of the value that stands first.

    Examples
    --------
    >>> _first_value(["S", "O", "S", "O"], {"S": 1, "O": 0})
    ['S', 'O']
    """
    wanted = 1
    for i, word in enumerate(words):
        wanted += arity.get(word, 0) - 1
        if wanted == 0:
            return words[: i + 1]
    return words
