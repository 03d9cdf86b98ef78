"""Decoding's plain truths over whole forward passes: filters, beams, sampling without replacement.

Every function takes `logits_of(source, target)`, which returns (len(target), V) logits, and decodes
one source. Random numbers come from an iterator of numbers in (0, 1), in the documented order.
"""

import math

import numpy as np


def log_softmax(row):
    """Return log-probabilities in double precision."""
    row = np.asarray(row, np.float64)
    return row - row.max() - math.log(np.exp(row - row.max()).sum())


def likeliest(row):
    """Return tokens, likeliest first, the smaller id first among equals."""
    return sorted(range(len(row)), key=lambda v: (-row[v], v))


def filtered(row, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, allowed=None):
    """Return the distribution drawn from: temperature, then top-k, then top-p, then min-p."""
    row = np.asarray(row, np.float64) / temperature
    kept = [v for v in likeliest(row) if allowed is None or v in allowed]
    if top_k and top_k < len(kept):
        kept = [v for v in kept if row[v] >= row[kept[top_k - 1]]]
    p = np.zeros(len(row))
    p[kept] = np.exp(row[kept] - row[kept[0]])
    if top_p < 1.0:
        before = np.cumsum(p[kept]) - p[kept]
        kept = [v for v, mass in zip(kept, before, strict=True) if mass < top_p * p[kept].sum()]
    kept = [v for v in kept if p[v] >= min_p * p[kept[0]]]
    q = np.zeros(len(row))
    q[kept] = p[kept] / p[kept].sum()
    return q


def sample(logits_of, source, max_length, numbers, bos=1, eos=2, **filters):
    """Return (tokens, score by the model, score by the distribution drawn from, finished)."""
    said, score, drawn = [], 0.0, 0.0
    while True:
        row = logits_of(source, [bos, *said])[-1]
        q = filtered(row, **filters)
        token = int(np.argmax(np.cumsum(q) > next(numbers)))
        if token != eos and len(said) == max_length:
            return said, score, drawn, False
        score, drawn = score + log_softmax(row)[token], drawn + math.log(q[token])
        if token == eos:
            return said, score, drawn, True
        said.append(token)


def beam(
    logits_of, source, max_length, k, penalty=1.0, early=False, bos=1, eos=2, allowed=lambda _: None
):
    """Return up to k (tokens, score, key, finished), best first, as Hugging Face `generate`.

    allowed(tokens) is a set of tokens that may follow, or None.
    """
    live, ended = [([], 0.0)], []
    for length in range(1, max_length + 2):
        candidates = []
        for tokens, score in live:
            logp = log_softmax(logits_of(source, [bos, *tokens])[-1])
            options = range(len(logp)) if allowed(tokens) is None else sorted(allowed(tokens))
            candidates += [([*tokens, v], score + logp[v], score) for v in options]
        candidates.sort(key=lambda c: -c[1])
        live, last = [], length == max_length + 1
        for rank, (tokens, score, before) in enumerate(candidates[: 2 * k]):
            finished = tokens[-1] == eos
            if not finished and not last:
                live.append((tokens, score))
            elif rank < k:
                own = score if finished else before
                ended.append((tokens[:-1], own, score / length**penalty, finished))
        live = live[:k]
        ended = sorted(ended, key=lambda e: -e[2])[:k]
        if not live:
            break
        if len(ended) == k:
            reach = max_length + 1 if early == "never" and penalty > 0 else length
            if early is True or live[0][1] / reach**penalty <= ended[-1][2]:
                break
    return ended


def gumbel(
    logits_of, source, max_length, k, numbers, bos=1, eos=2, allowed=lambda _: None, **filters
):
    """Return up to k (tokens, score, log-probability drawn by, perturbed one, finished)."""

    def draw(location):
        return location - math.log(-math.log(next(numbers)))

    live, ended = [([], 0.0, 0.0, draw(0.0))], []
    while live:
        candidates = []
        for tokens, score, phi, g in live:
            row = logits_of(source, [bos, *tokens])[-1]
            logp, q = log_softmax(row), filtered(row, allowed=allowed(tokens), **filters)
            if len(tokens) == max_length:
                options = [(eos, q[eos]), (None, 1.0 - q[eos])]
            else:
                options = list(enumerate(q))
            phis = [phi + math.log(share) if share > 0 else -math.inf for _, share in options]
            own = [draw(location) for location in phis]
            z = max(own)
            for (token, _), child, mine in zip(options, phis, own, strict=True):
                if child > -math.inf:
                    # The truncated Gumbel as it is defined; fine in double precision here.
                    inner = math.exp(-g) - math.exp(-z) + math.exp(-mine)
                    gain = 0.0 if token is None else logp[token]
                    candidates.append((tokens, token, score + gain, child, -math.log(inner)))
        best = [(c[4], False, c) for c in candidates] + [(e[3], True, e) for e in ended]
        best = sorted(best, key=lambda x: -x[0])[:k]
        ended = [c for _, old, c in best if old]
        live = []
        for tokens, token, score, phi, g in (c for _, old, c in best if not old):
            if token is None or token == eos:
                ended.append((tokens, score, phi, g, token == eos))
            else:
                live.append(([*tokens, token], score, phi, g))
    return sorted(ended, key=lambda e: -e[3])


def everything(logits_of, source, max_length, bos=1, eos=2, **filters):
    """Return {(tokens, finished): probability} of every output."""
    found, open_ = {}, [((), 1.0)]
    while open_:
        tokens, p = open_.pop()
        q = filtered(logits_of(source, [bos, *tokens])[-1], **filters)
        found[tokens, True] = p * q[eos]
        if len(tokens) == max_length:
            found[tokens, False] = p * (1.0 - q[eos])
        else:
            open_ += [((*tokens, v), p * q[v]) for v in range(len(q)) if v != eos]
    return {output: p for output, p in found.items() if p > 0}


def may_follow(rules, tokens, start, room):
    """Return the tokens that may follow a prefix so that a word still fits; None: only the end.

    Every word of at most len(tokens) + room tokens is made by trying; for small grammars.
    """

    def shortest(symbols, budget):
        if budget < len(symbols):
            return None
        if not symbols:
            return 0
        lengths = []
        for tail in rules[symbols[0]].values():
            rest = shortest([*tail, *symbols[1:]], budget - 1)
            if rest is not None:
                lengths.append(rest + 1)
        return min(lengths, default=None)

    symbols = [start]
    for token in tokens:
        symbols = [*rules[symbols[0]][token], *symbols[1:]]
    if not symbols:
        return None
    return {
        token
        for token, tail in rules[symbols[0]].items()
        if shortest([*tail, *symbols[1:]], room - 1) is not None
    }
