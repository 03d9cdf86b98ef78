"""What the kernels compute, the obvious way in float64: the truth that tests/kernel compares with.

Letters: N rows, C width, V vocabulary, H heads, D head width, Lq and Lk query and key rows.
"""

import math

import numpy as np

erf64 = np.vectorize(math.erf, otypes=[np.float64])


def act(kind, x):
    """Return the activation of x (float64) by the number it has in kernel.h."""
    if kind == 1:
        return np.where(x < 0, 0.0, x)
    if kind == 2:
        return 0.5 * x * (1.0 + erf64(x / math.sqrt(2.0)))
    if kind == 3:
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    if kind == 4:
        return x / (1.0 + np.exp(-x))
    return x


def gemm(trans, a, b, c=None, bias=None, kind=0, gate=None, residual=None):
    """Return (result, pre-activation) of a product with its epilogue; trans is NN, NT or TN."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    t = {"NN": lambda: a @ b, "NT": lambda: a @ b.T, "TN": lambda: a.T @ b}[trans]()
    if c is not None:
        t = c + t
    if bias is not None:
        t = t + bias
    pre = t
    t = act(kind, t)
    if gate is not None:
        t = np.where(gate > 0, t, 0)
    return (t if residual is None else t + residual), pre


def bf16(x):
    """Return float32 x rounded to bfloat16: to nearest, ties to even, denormals to zero."""
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    near = ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)
    return np.where(np.abs(x) < 2.0**-126, np.copysign(np.float32(0), x), near)


def gemm_bf16(trans, a, b, c=None, chunk=256):
    """Return [c +] a b of rounded operands: chunks of k, in each a chain by pairs, odd k first."""
    a = bf16(a.T if trans == "TN" else a)
    b = bf16(b.T if trans == "NT" else b)
    out = np.zeros((a.shape[0], b.shape[1]), np.float32) if c is None else c.copy()
    for k0 in range(0, a.shape[1], chunk):
        total = np.zeros(out.shape, np.float32)
        last = min(k0 + chunk, a.shape[1])
        for k in range(k0, last, 2):
            for at in (k + 1, k):
                if at < last:  # a product of two bfloat16 is exact in float32
                    total += a[:, at, None] * b[at]
        out = out + total if k0 or c is not None else total
    return out


def layernorm(x, gamma, beta, eps):
    """Return LayerNorm over the last axis; gamma and beta may be None."""
    mean = x.mean(-1, keepdims=True)
    y = (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + eps)
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def rmsnorm(x, gamma, eps):
    """Return RMSNorm over the last axis; gamma may be None."""
    y = x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)
    return y if gamma is None else y * gamma


def softmax(x, length=None):
    """Return softmax of each row over its first length[i] items, zeros beyond."""
    y = np.zeros(x.shape)
    for i, row in enumerate(np.asarray(x, np.float64)):
        m = x.shape[1] if length is None else length[i]
        if m:
            e = np.exp(row[:m] - row[:m].max())
            y[i, :m] = e / e.sum()
    return y


def cross_entropy(logits, labels, smoothing):
    """Return the losses (N,) of logits (N, V); a label of -100 gives 0."""
    losses = np.zeros(len(labels))
    for i, label in enumerate(labels):
        if label == -100:
            continue
        x = logits[i].astype(np.float64)
        logp = x - x.max() - np.log(np.exp(x - x.max()).sum())
        losses[i] = -(1.0 - smoothing) * logp[label] - smoothing * logp.mean()
    return losses


def attention(q, k, v, group, scale, causal, shift, bias=None, mask=None):
    """Return (output (Lq, H, D), probabilities (H, Lq, Lk)).

    q is (Lq, H, D), k and v (Lk, H / group, D); mask multiplies the probabilities (dropout).
    """
    lq, heads, width = q.shape
    lk = k.shape[0]
    out, probs = np.zeros((lq, heads, width)), np.zeros((heads, lq, lk))
    for h in range(heads):
        for i in range(lq):
            seen = min(lk, i + shift + 1) if causal else lk
            if seen == 0:
                continue
            s = np.array([scale * (q[i, h] @ k[j, h // group]) for j in range(seen)])
            if bias is not None:
                s = s + bias[h, i, :seen]
            probs[h, i, :seen] = np.exp(s - s.max()) / np.exp(s - s.max()).sum()
            p = probs[h, i] if mask is None else probs[h, i] * mask[h, i]
            out[i, h] = p @ v[:, h // group]
    return out, probs


def dropout_mask(random, p, seed, stream, index, offset, n):
    """Return the factors (n,) by which dropout multiplies; random is _core.random."""
    numbers = random("u32", seed, stream, index, offset + n)[offset:]
    return np.array([1.0 / (1.0 - p) if u >= int(p * 2.0**32) else 0.0 for u in numbers])


def adamw(w, g, m, v, decay, lr, beta1, beta2, eps, weight_decay, step, grad_scale):
    """Return (w, m, v) after one AdamW step, `step` counted from 1; decay is a bool an element."""
    g = g * grad_scale
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    w = np.where(decay, w * (1 - lr * weight_decay), w)
    mhat, vhat = m / (1 - beta1**step), v / (1 - beta2**step)
    return w - lr * mhat / (np.sqrt(vhat) + eps), m, v


def numerical_gradient(f, x, step=1e-6):
    """Return the central difference quotients of a scalar function f of a float64 array x."""
    gradient = np.zeros(x.shape)
    for i in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        gradient[i] = (f(up) - f(down)) / (2 * step)
    return gradient
