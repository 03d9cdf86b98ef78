"""The encoder-decoder transformer's configuration; csrc/model/transformer.c lays it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from recursionlab.models.kind import ModelConfig


@dataclass(frozen=True)
class Transformer(ModelConfig):
    """Encoder-decoder transformer.

    Parameters
    ----------
    d_model : int
        Width of the residual stream.
    encoder_layers, decoder_layers : int
        Blocks of each stack.
    n_heads : int
        Attention heads of every layer; divides `d_model`.
    d_mlp : int or None
        Width of the feed-forward layer; None: four times `d_model`.
    max_positions : int
        Longest source or target, in tokens; a longer one is an error. No limit without positions.
    norm : {"layernorm", "rmsnorm"}
        Kind of normalisation.
    norm_place : {"pre", "post"}
        Before each sublayer, with one more at the end of each stack, or after each sum.
    norm_eps : float
        Added to the variance.
    activation : {"relu", "gelu", "gelu_tanh"}
        Of the feed-forward layer.
    positions : {"learned", "sinusoidal", "none"}
        How the model is told positions.
    share_embeddings : bool
        Encoder and decoder use one token table.
    tie_embeddings : bool
        Logits use the decoder's token table.
    scale_embeddings : bool
        Token embeddings are multiplied by the square root of `d_model`.
    bias : bool
        Linear layers have a bias and LayerNorm a shift.
    dropout : float
        Probability, of embeddings and of every sublayer's output, in training.
    attention_dropout : float
        Probability, of attention patterns, in training.

    Notes
    -----
    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> model = Transformer(d_model=32).build(20, seed=0)
    >>> model.parameters()["shared.weight"].shape
    (20, 32)
    """

    kind: ClassVar[str] = "transformer"

    d_model: int = 128  # floats
    encoder_layers: int = 2  # blocks
    decoder_layers: int = 2  # blocks
    n_heads: int = 4  # heads
    d_mlp: int | None = None  # floats
    max_positions: int = 256  # tokens
    norm: str = "layernorm"
    norm_place: str = "pre"
    norm_eps: float = 1e-5
    activation: str = "relu"
    positions: str = "learned"
    share_embeddings: bool = True
    tie_embeddings: bool = True
    scale_embeddings: bool = True
    bias: bool = True
    dropout: float = 0.0  # probability
    attention_dropout: float = 0.0  # probability
