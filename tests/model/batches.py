"""Random packed batches for tests of models."""

import numpy as np

from recursionlab import _core


def model(**config):
    """A small model whose norms and biases are not at their start, so that each of them counts."""
    out = _core.Model("transformer", {"vocab_size": 13, "d_model": 32, **config}, 5)
    rng = np.random.default_rng(1)
    for name, value in out.parameters().items():
        if value.ndim == 1:
            value[:] += rng.normal(0, 0.2, value.shape).astype(np.float32)
        elif "embed_positions" in name:
            value[:] = rng.normal(0, 0.5, value.shape)
    return out


def offsets(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def pack(sequences):
    flat = np.concatenate([np.asarray(s, np.int32) for s in sequences]) if sequences else []
    return np.asarray(flat, np.int32), offsets([len(s) for s in sequences])


def sequences(n, longest=9, vocab=13, seed=0):
    """Pairs (source, target) and labels, one of the labels in each sequence left out."""
    rng = np.random.default_rng(seed)
    pairs, labels = [], []
    for _ in range(n):
        s, t = (rng.integers(0, vocab, rng.integers(1, longest + 1)) for _ in range(2))
        y = rng.integers(0, vocab, len(t))
        if len(y) > 1:
            y[rng.integers(len(y))] = -100
        pairs.append((s, t))
        labels.append(y)
    return pairs, labels


def arguments(pairs):
    """source, source_offsets, target, target_offsets; None for what is not there."""
    if pairs and pairs[0][0] is None:
        return None, None, *pack([t for _, t in pairs])
    return *pack([s for s, _ in pairs]), *pack([t for _, t in pairs])
