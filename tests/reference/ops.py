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


def attention(q, k, v, q_off, k_off, to, heads, kv_heads, causal):
    """Sequence r of the queries sees sequence to[r] of the keys."""
    out, d = np.zeros(q.shape), q.shape[1] // heads
    for r, s in enumerate(to):
        for h in range(heads):
            g = h // (heads // kv_heads)
            rows, keys = slice(q_off[r], q_off[r + 1]), slice(k_off[s], k_off[s + 1])
            cols, kv = slice(h * d, h * d + d), slice(g * d, g * d + d)
            scores = q[rows, cols] @ k[keys, kv].T / math.sqrt(d)
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
