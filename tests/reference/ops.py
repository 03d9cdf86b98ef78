"""Every op as an obvious NumPy function in float64; gradients by finite differences of these."""

import math

import numpy as np


def erf(x):
    return np.vectorize(math.erf)(x)


ACTS = {
    0: lambda x: x,
    1: lambda x: np.maximum(x, 0),
    2: lambda x: x / 2 * (1 + erf(x / math.sqrt(2))),
    3: lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    4: lambda x: x / (1 + np.exp(-x)),
}


def sinusoid(rows, width):
    j = np.arange(width)
    angle = np.arange(rows)[:, None] * 10000.0 ** (-(j // 2 * 2) / width)
    return np.where(j % 2 == 1, np.cos(angle), np.sin(angle))


def layernorm(x, gamma, beta, eps):
    y = x - x.mean(1, keepdims=True)
    y = y / np.sqrt((y * y).mean(1, keepdims=True) + eps) * gamma
    return y if beta is None else y + beta


def rmsnorm(x, gamma, eps):
    return x / np.sqrt((x * x).mean(1, keepdims=True) + eps) * gamma


def softmax(x):
    y = np.exp(x - x.max(-1, keepdims=True))
    return y / y.sum(-1, keepdims=True)


def rotary(x, positions, heads):
    """Each head's columns j and j + d/2 turned by position * 10000^(-2j/d)."""
    out, d = np.zeros(x.shape), x.shape[1] // heads
    for i, place in enumerate(positions):
        for h in range(heads):
            for j in range(d // 2):
                angle = place * 10000.0 ** (-2 * j / d)
                a, b = h * d + j, h * d + d // 2 + j
                out[i, a] = x[i, a] * math.cos(angle) - x[i, b] * math.sin(angle)
                out[i, b] = x[i, b] * math.cos(angle) + x[i, a] * math.sin(angle)
    return out


def bucket(distance, buckets, reach, causal):
    """The number of the bucket of a distance, key minus query, as T5 counts."""
    number = 0
    if not causal:
        buckets //= 2
        number = buckets if distance > 0 else 0
    far = max(0, -distance) if causal else abs(distance)
    near = buckets // 2
    if far < near:
        return number + far
    share = math.log(far / near) / math.log(reach / near)
    return number + min(near + int(share * (buckets - near) + 1e-6), buckets - 1)


def slope(h, heads):
    """ALiBi's slope of head h: a geometric sequence, its gaps filled for the heads beyond."""
    n = 2 ** int(math.log2(heads))
    return 2.0 ** (-8 * (h + 1) / n) if h < n else 2.0 ** (-8 * (2 * (h - n) + 1) / (2 * n))


def distances(n, heads, causal, table=None, reach=0):
    """What is added to scores (heads, n, n): by a table of buckets, or ALiBi's."""
    out = np.zeros((heads, n, n))
    for h in range(heads):
        for i in range(n):
            for j in range(n):
                if table is None:
                    out[h, i, j] = -slope(h, heads) * abs(j - i)
                else:
                    out[h, i, j] = table[bucket(j - i, len(table), reach, causal), h]
    return out


def attention(q, k, v, q_off, k_off, to, heads, kv_heads, causal, bias=None):
    """Sequence r of the queries sees sequence to[r] of the keys; bias(n): (heads, n, n) or None."""
    out, d = np.zeros(q.shape), q.shape[1] // heads
    for r, s in enumerate(to):
        for h in range(heads):
            g = h // (heads // kv_heads)
            rows, keys = slice(q_off[r], q_off[r + 1]), slice(k_off[s], k_off[s + 1])
            cols, kv = slice(h * d, h * d + d), slice(g * d, g * d + d)
            scores = q[rows, cols] @ k[keys, kv].T / math.sqrt(d)
            if bias is not None:
                scores = scores + bias(len(scores))[h]
            if causal:
                scores[np.triu(np.ones(scores.shape), 1) > 0] = -np.inf
            if scores.shape[1]:
                out[rows, cols] = softmax(scores) @ v[keys, kv]
    return out


def xent(logits, labels, smoothing):
    """Loss of every row; 0 where the label is -100."""
    logp = np.log(softmax(logits))
    rows = np.arange(len(labels))
    one = -logp[rows, np.maximum(labels, 0)]
    return np.where(labels == -100, 0, (1 - smoothing) * one - smoothing * logp.mean(1))


def differences(f, value, step=1e-5):
    """Return the gradient of f at value by central differences."""
    out = np.zeros(value.shape)
    for i in np.ndindex(value.shape):
        keep = value[i]
        value[i] = keep + step
        above = f()
        value[i] = keep - step
        out[i] = (above - f()) / (2 * step)
        value[i] = keep
    return out
