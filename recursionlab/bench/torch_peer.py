"""PyTorch's side of the training bench: the same transformer, as a careful user writes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recursionlab.learn.split import BOS, EOS, PAD, PackedSplit

IGNORED = -100  # a label that counts for nothing


class Attention(nn.Module):
    """Multi-head attention on PyTorch's fused kernel, with one product for each input."""

    def __init__(self, width: int, heads: int, cross: bool) -> None:
        super().__init__()
        self.heads, self.cross = heads, cross
        self.q = nn.Linear(width, width if cross else 3 * width)
        self.kv = nn.Linear(width, 2 * width) if cross else None
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, keep: Tensor | None, causal: bool) -> Tensor:
        """Attend from x (B, L, C) to memory (B, S, C) where keep (B, 1, 1, S) is true."""
        if self.kv is not None:
            parts = [self.q(x), *self.kv(memory).chunk(2, -1)]
        else:
            parts = list(self.q(x).chunk(3, -1))
        q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        y = functional.scaled_dot_product_attention(q, k, v, keep, is_causal=causal)
        out: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return out


class Layer(nn.Module):
    """A pre-norm layer of encoder or decoder."""

    def __init__(self, width: int, heads: int, decoder: bool) -> None:
        super().__init__()
        self.decoder = decoder
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if decoder else 2))
        self.self_attn = Attention(width, heads, cross=False)
        self.cross_attn = Attention(width, heads, cross=True) if decoder else None
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, memory: Tensor, keep: Tensor | None) -> Tensor:
        """Map x (B, L, C) to the same shape; keep (B, 1, 1, S) tells the source's real tokens."""
        h = self.norms[0](x)
        x = x + self.self_attn(h, h, None if self.decoder else keep, self.decoder)
        if self.cross_attn is not None:
            x = x + self.cross_attn(self.norms[1](x), memory, keep, False)
        y: Tensor = x + self.fc2(functional.relu(self.fc1(self.norms[-1](x))))
        return y


class Seq2Seq(nn.Module):
    """Encoder and decoder with learned positions and one table for tokens and output."""

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int, longest: int) -> None:
        super().__init__()
        self.table = nn.Embedding(vocabulary, width)
        self.positions = nn.ModuleList(nn.Embedding(longest, width) for _ in range(2))
        self.encoder = nn.ModuleList(Layer(width, heads, False) for _ in range(layers))
        self.decoder = nn.ModuleList(Layer(width, heads, True) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        nn.init.normal_(self.table.weight, std=0.02)

    def _embed(self, tokens: Tensor, side: int) -> Tensor:
        places = torch.arange(tokens.shape[1])
        x: Tensor = self.table(tokens) + self.positions[side](places)
        return x

    def forward(self, source: Tensor, target: Tensor, keep: Tensor | None) -> Any:
        """Return logits (B, L, V) of target (B, L) given source (B, S) and its real tokens."""
        x = self._embed(source, 0)
        for layer in self.encoder:
            x = layer(x, x, keep)
        memory = self.norms[0](x)
        x = self._embed(target, 1)
        for layer in self.decoder:
            x = layer(x, memory, keep)
        return functional.linear(self.norms[1](x), self.table.weight)


Batch = tuple[Tensor, Tensor, Tensor, "Tensor | None"]


def loss_of(
    model: Seq2Seq, source: Tensor, target: Tensor, labels: Tensor, keep: Tensor | None
) -> Tensor:
    """Return the mean loss of labels (B, L) given source (B, S) and target (B, L)."""
    logits = model(source, target, keep)
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)


def padded_batches(split: PackedSplit, size: int) -> list[Batch]:
    """Return source, target, labels and real source tokens of batches of pairs of like length."""
    lengths = np.diff(split.label_offsets), np.diff(split.input_offsets)
    order = np.lexsort((lengths[1], lengths[0]))
    return [_padded(split, order[i : i + size]) for i in range(0, len(order), size)]


def _padded(split: PackedSplit, items: NDArray[np.int64]) -> Batch:
    sources = [_cut(split.input_ids, split.input_offsets, i) for i in items]
    bare = [_cut(split.labels, split.label_offsets, i) for i in items]
    source = _pad(sources, PAD)
    keep = _pad([np.ones(len(s), np.int64) for s in sources], 0).bool()
    target = _pad([np.r_[BOS, row] for row in bare], PAD)
    labels = _pad([np.r_[row, EOS] for row in bare], IGNORED)
    return source, target, labels, None if keep.all() else keep[:, None, None, :]


def _cut(ids: NDArray[np.int32], offsets: NDArray[np.int64], i: int) -> NDArray[np.int32]:
    return ids[offsets[i] : offsets[i + 1]]


def _pad(rows: list[Any], value: int) -> Tensor:
    out = np.full((len(rows), max(map(len, rows))), value, np.int64)
    for line, row in zip(out, rows, strict=True):
        line[: len(row)] = row
    return torch.from_numpy(out)
