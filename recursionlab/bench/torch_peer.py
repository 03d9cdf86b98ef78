"""PyTorch's side of the training bench: the same transformer, as a careful user writes it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Multi-head attention on PyTorch's fused kernel, with one product for each input."""

    def __init__(self, width: int, heads: int, cross: bool) -> None:
        super().__init__()
        self.heads, self.cross = heads, cross
        self.q = nn.Linear(width, width if cross else 3 * width)
        self.kv = nn.Linear(width, 2 * width) if cross else None
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, causal: bool) -> Tensor:
        """Attend from x (B, L, C) to memory (B, S, C)."""
        if self.kv is not None:
            parts = [self.q(x), *self.kv(memory).chunk(2, -1)]
        else:
            parts = list(self.q(x).chunk(3, -1))
        q, k, v = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
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

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Map x (B, L, C) to the same shape."""
        h = self.norms[0](x)
        x = x + self.self_attn(h, h, self.decoder)
        if self.cross_attn is not None:
            x = x + self.cross_attn(self.norms[1](x), memory, False)
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

    def forward(self, source: Tensor, target: Tensor) -> Any:
        """Return logits (B, L, V) of target (B, L) given source (B, S)."""
        x = self._embed(source, 0)
        for layer in self.encoder:
            x = layer(x, x)
        memory = self.norms[0](x)
        x = self._embed(target, 1)
        for layer in self.decoder:
            x = layer(x, memory)
        return functional.linear(self.norms[1](x), self.table.weight)
