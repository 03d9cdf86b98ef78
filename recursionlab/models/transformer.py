"""The transformer's configuration; csrc/model/transformer.c lays it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from recursionlab.models.kind import ModelConfig


@dataclass(frozen=True)
class Transformer(ModelConfig):
    """Transformer: encoder-decoder, decoder-only or encoder-only, from one set of layers.

    Parameters
    ----------
    architecture : {"encoder_decoder", "decoder_only", "encoder_only"}
        Which stacks there are. A decoder-only model reads source, start token and target as one
        sequence and learns the target's tokens; an encoder-only one says one token for each of its
        source's and one more, `<eos>` where the target has ended, and refuses longer targets.
    d_model : int
        Width of the residual stream.
    encoder_layers, decoder_layers : int
        Blocks of each stack; of a stack that is not there, not read.
    share_layers : bool
        All blocks of a stack have the same weights.
    n_heads : int
        Attention heads of every layer.
    n_kv_heads : int or None
        Key and value heads, each seen by a group of `n_heads / n_kv_heads` heads; None: `n_heads`.
    d_head : int or None
        Width of a head; None: `d_model / n_heads`.
    d_mlp : int or None
        Width of the feed-forward layer; None: four times `d_model`.
    max_positions : int
        Longest sequence, in tokens, of learned, sinusoidal and randomised positions; a longer one
        is an error. The other schemes have no limit.
    norm : {"layernorm", "rmsnorm"}
        Kind of normalisation.
    norm_place : {"pre", "post"}
        Before each sublayer, with one more at the end of each stack, or after each sum.
    norm_eps : float
        Added to the variance.
    activation : {"relu", "gelu", "gelu_tanh", "swiglu", "geglu", "geglu_tanh"}
        Of the feed-forward layer; the last three multiply by a gate.
    positions : {"learned", "sinusoidal", "none", "rotary", "alibi", "relative", "randomised"}
        How the model is told positions; "relative" is T5's, "randomised" draws as many rising rows
        of the learned table as a sequence has tokens, and spreads them evenly outside training.
    relative_buckets, relative_distance : int
        Relative positions: buckets of distances, and where the last bucket begins, in tokens.
    share_embeddings : bool
        Encoder and decoder use one token table.
    tie_embeddings : bool
        Logits use the token table.
    scale_embeddings : bool
        Token embeddings are multiplied by the square root of `d_model`.
    embedding_norm : bool
        Embeddings with their positions are normalised.
    scale_attention : bool
        Scores are divided by the square root of the head's width.
    scale_logits : bool
        What logits are made of is divided by the square root of `d_model`.
    bias : bool
        Linear layers have a bias and LayerNorm a shift.
    dropout : float
        Probability, of embeddings and of every sublayer's output, in training.
    attention_dropout : float
        Probability, of attention patterns, in training.
    activation_dropout : float
        Probability, inside the feed-forward layer, in training.
    decoder_start_token_id, eos_token_id : int
        What a target begins with and ends in.

    Notes
    -----
    Source: Vaswani et al., "Attention is all you need", NeurIPS 2017; csrc/model/layers.c names the
    sources of the options.

    Examples
    --------
    >>> model = Transformer(d_model=32).build(20, seed=0)
    >>> model.parameters()["shared.weight"].shape
    (20, 32)
    """

    kind: ClassVar[str] = "transformer"

    architecture: str = "encoder_decoder"
    d_model: int = 128  # floats
    encoder_layers: int = 2  # blocks
    decoder_layers: int = 2  # blocks
    share_layers: bool = False
    n_heads: int = 4  # heads
    n_kv_heads: int | None = None  # heads
    d_head: int | None = None  # floats
    d_mlp: int | None = None  # floats
    max_positions: int = 256  # tokens
    norm: str = "layernorm"
    norm_place: str = "pre"
    norm_eps: float = 1e-5
    activation: str = "relu"
    positions: str = "learned"
    relative_buckets: int = 32  # buckets
    relative_distance: int = 128  # tokens
    share_embeddings: bool = True
    tie_embeddings: bool = True
    scale_embeddings: bool = True
    embedding_norm: bool = False
    scale_attention: bool = True
    scale_logits: bool = False
    bias: bool = True
    dropout: float = 0.0  # probability
    attention_dropout: float = 0.0  # probability
    activation_dropout: float = 0.0  # probability
    decoder_start_token_id: int = 1  # token
    eos_token_id: int = 2  # token

    def resolved(self) -> dict[str, Any]:
        """Return the fields, what None stands for in place of None.

        Examples
        --------
        >>> Transformer(d_model=64).resolved()["d_mlp"]
        256
        """
        out = self.to_dict()
        out["n_kv_heads"] = self.n_kv_heads or self.n_heads
        out["d_head"] = self.d_head or self.d_model // self.n_heads
        out["d_mlp"] = self.d_mlp or 4 * self.d_model
        return out
