"""BART: LayerNorm after each sum, learned positions, embeddings normalised, biases everywhere.

Source: Lewis et al., "BART: Denoising sequence-to-sequence pre-training" (ACL 2020). The first two
rows of its position tables are of no position: left out here, written as zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recursionlab.models.pretrained.keys import Keys
from recursionlab.models.pretrained.tensors import Array, Tensor, Tensors
from recursionlab.models.transformer import Transformer

MODEL_TYPE = "bart"
ARCHITECTURES = ("BartForConditionalGeneration", "BartModel")
UNREAD = ("relative_buckets", "relative_distance")
ACTIVATIONS = {"gelu": "gelu", "relu": "relu", "gelu_new": "gelu_tanh"}
SPARE = 2  # rows before position 0


def read(keys: Keys) -> tuple[Transformer, int]:
    """Return shape and tokens of a configuration."""
    layers = keys.take("encoder_layers", int, 12)
    keys.left.pop("num_hidden_layers", None)  # encoder_layers again
    heads = keys.take("encoder_attention_heads", int, 16)
    width = keys.take("encoder_ffn_dim", int, 4096)
    keys.must("decoder_attention_heads", heads, 16)
    keys.must("decoder_ffn_dim", width, 4096)
    keys.must("is_encoder_decoder", True)
    for name in ("encoder_layerdrop", "decoder_layerdrop"):
        keys.must(name, 0.0)
    for name, value in (
        ("normalize_before", False),
        ("add_final_layer_norm", False),
        ("normalize_embedding", True),
        ("add_bias_logits", False),
        ("static_position_embeddings", False),
        ("extra_pos_embeddings", SPARE),
    ):
        keys.must(name, value)
    tied = keys.take("tie_word_embeddings", bool, True)
    config = Transformer(
        d_model=keys.take("d_model", int, 1024),
        encoder_layers=layers,
        decoder_layers=keys.take("decoder_layers", int, 12),
        n_heads=heads,
        d_mlp=width,
        max_positions=keys.take("max_position_embeddings", int, 1024),
        norm_place="post",
        activation=keys.choice("activation_function", ACTIVATIONS, "gelu"),
        embedding_norm=True,
        scale_embeddings=keys.take("scale_embedding", bool, False),
        tie_embeddings=tied,
        dropout=keys.take("dropout", float, 0.1),
        attention_dropout=keys.take("attention_dropout", float, 0.0),
        activation_dropout=keys.take("activation_dropout", float, 0.0),
        decoder_start_token_id=keys.take("decoder_start_token_id", int, 2),
        eos_token_id=keys.take("eos_token_id", int, 2),
    )
    return config, keys.take("vocab_size", int, 50265)


def write(config: Transformer, vocab_size: int) -> dict[str, Any]:
    """Return the configuration of a shape; what it cannot say is seen when it is read again."""
    width = config.resolved()["d_mlp"]
    words = {ours: word for word, ours in ACTIVATIONS.items()}
    return {
        "architectures": ["BartForConditionalGeneration"],
        "model_type": MODEL_TYPE,
        "is_encoder_decoder": True,
        "vocab_size": vocab_size,
        "d_model": config.d_model,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_attention_heads": config.n_heads,
        "decoder_attention_heads": config.n_heads,
        "encoder_ffn_dim": width,
        "decoder_ffn_dim": width,
        "max_position_embeddings": config.max_positions,
        "activation_function": words.get(config.activation, config.activation),
        "scale_embedding": config.scale_embeddings,
        "tie_word_embeddings": config.tie_embeddings,
        "dropout": config.dropout,
        "attention_dropout": config.attention_dropout,
        "activation_dropout": config.activation_dropout,
        "decoder_start_token_id": config.decoder_start_token_id,
        "eos_token_id": config.eos_token_id,
        "forced_eos_token_id": None,
        "bos_token_id": 0,
        "pad_token_id": 1 if vocab_size > 1 else 0,
    }


def _spaced(table: Array) -> Array:
    return np.concatenate([np.zeros((SPARE, table.shape[1]), table.dtype), table])


def tensors(config: Transformer, vocab_size: int) -> Tensors:
    """Return where the parameters stand."""
    tables = tuple(f"model.{stack}.embed_tokens.weight" for stack in ("encoder", "decoder"))
    head = ("lm_head.weight",)
    also = (*tables, *head * config.tie_embeddings)
    rows = [Tensor("model.shared.weight", ("shared.weight",), also=also)]
    if not config.tie_embeddings:
        rows.append(Tensor(head[0], head))
    names = []
    for stack, layers in (("encoder", config.encoder_layers), ("decoder", config.decoder_layers)):
        table = f"{stack}.embed_positions.weight"
        rows.append(Tensor(f"model.{table}", (table,), _spaced, lambda a: (a[SPARE:],)))
        names.append(f"{stack}.layernorm_embedding")
        attns = ["self_attn", "encoder_attn"] if stack == "decoder" else ["self_attn"]
        for i in range(layers):
            at = f"{stack}.layers.{i}"
            names += [f"{at}.{part}" for part in ("fc1", "fc2", "final_layer_norm")]
            for attn in attns:
                names += [f"{at}.{attn}.{p}_proj" for p in ("q", "k", "v", "out")]
                names.append(f"{at}.{attn}_layer_norm")
    names = [f"{name}.{part}" for name in names for part in ("weight", "bias")]
    rows += [Tensor(f"model.{name}", (name,)) for name in names]
    return Tensors(tuple(rows), "model.", zeros=(("final_logits_bias", (1, vocab_size)),))
