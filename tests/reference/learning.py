"""Training's plain truths: learning rates by the formula, decoding one item at a time, tasks."""

import math

import numpy as np


def learning_rate(schedule, steps, warmup, lr, lr_end, step):
    """Return the rate of an update counted from 0."""
    if step < warmup:
        return lr * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / (steps - warmup)) if step < steps else 1.0
    share = {
        "constant": 1.0,
        "linear": 1.0 - progress,
        "cosine": 0.5 * (1.0 + math.cos(math.pi * progress)),
        "inverse_sqrt": math.sqrt(max(warmup, 1) / (step + 1)),
    }[schedule]
    return lr if schedule == "constant" else lr * (lr_end + (1 - lr_end) * share)


def greedy(logits_of, source, max_length, bos=1, eos=2):
    """Decode one source by whole forward passes; logits_of(source, target) is (L, V) float32.

    Return (tokens, sum of log-probabilities, whether <eos> came).
    """
    said, score = [], 0.0
    while True:
        row = logits_of(source, [bos, *said])[-1].astype(np.float64)
        token = int(np.argmax(row))
        if token != eos and len(said) == max_length:
            return said, score, False
        score += row[token] - row.max() - math.log(np.exp(row - row.max()).sum())
        if token == eos:
            return said, score, True
        said.append(token)


def copies(count, length, letters, seed=0, reverse=False):
    """Return pairs (source, target) that copy or reverse random words, and a vocabulary."""
    rng = np.random.default_rng(seed)
    vocabulary = ("<pad>", "<bos>", "<eos>", *"abcdefghijklmnopqrstuvwxyz"[:letters])
    pairs = []
    for _ in range(count):
        word = rng.integers(3, 3 + letters, rng.integers(1, length + 1)).tolist()
        pairs.append((word, word[::-1] if reverse else word))
    return pairs, vocabulary
