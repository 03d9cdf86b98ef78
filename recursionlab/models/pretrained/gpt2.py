"""GPT-2: a decoder alone, LayerNorm first, learned positions; queries, keys, values in one tensor.

Source: Radford et al., "Language models are unsupervised multitask learners" (2019). Its linear
layers are stored (in, out), turned round here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recursionlab.models.pretrained.keys import Keys
from recursionlab.models.pretrained.tensors import Tensor, Tensors
from recursionlab.models.transformer import Transformer

MODEL_TYPE = "gpt2"
ARCHITECTURES = ("GPT2LMHeadModel", "GPT2Model")
UNREAD = ("relative_buckets", "relative_distance", "encoder_layers", "share_embeddings")
ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu": "gelu",
    "relu": "relu",
}


def read(keys: Keys) -> tuple[Transformer, int]:
    """Return shape and tokens of a configuration."""
    width = keys.take("n_embd", int, 768)
    keys.must("is_encoder_decoder", False)
    keys.must("scale_attn_by_inverse_layer_idx", False)
    keys.left.pop("reorder_and_upcast_attn", None)  # the same product in another order
    positions = keys.take("n_positions", int, 1024)
    keys.must("n_ctx", positions, positions)
    for name in tuple(keys.left):
        if name.startswith("summary_"):
            del keys.left[name]  # of a head that is not read
    dropout = keys.take("resid_pdrop", float, 0.1)
    keys.must("embd_pdrop", dropout, 0.1)
    end = keys.take("eos_token_id", int, 50256)
    config = Transformer(
        architecture="decoder_only",
        d_model=width,
        decoder_layers=keys.take("n_layer", int, 12),
        n_heads=keys.take("n_head", int, 12),
        d_mlp=keys.take("n_inner", int, 4 * width),
        max_positions=positions,
        norm_eps=keys.take("layer_norm_epsilon", float, 1e-5),
        activation=keys.choice("activation_function", ACTIVATIONS, "gelu_new"),
        scale_embeddings=False,
        scale_attention=keys.take("scale_attn_weights", bool, True),
        tie_embeddings=keys.take("tie_word_embeddings", bool, True),
        dropout=dropout,
        attention_dropout=keys.take("attn_pdrop", float, 0.1),
        decoder_start_token_id=keys.take("bos_token_id", int, 50256),
        eos_token_id=end,
    )
    return config, keys.take("vocab_size", int, 50257)


def write(config: Transformer, vocab_size: int) -> dict[str, Any]:
    """Return the configuration of a shape; what it cannot say is seen when it is read again."""
    words = {ours: word for word, ours in reversed(ACTIVATIONS.items())}
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": MODEL_TYPE,
        "vocab_size": vocab_size,
        "n_embd": config.d_model,
        "n_layer": config.decoder_layers,
        "n_head": config.n_heads,
        "n_inner": config.resolved()["d_mlp"],
        "n_positions": config.max_positions,
        "layer_norm_epsilon": config.norm_eps,
        "activation_function": words.get(config.activation, config.activation),
        "scale_attn_weights": config.scale_attention,
        "tie_word_embeddings": config.tie_embeddings,
        "resid_pdrop": config.dropout,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.attention_dropout,
        "bos_token_id": config.decoder_start_token_id,
        "eos_token_id": config.eos_token_id,
    }


def tensors(config: Transformer, vocab_size: int) -> Tensors:
    """Return where the parameters stand."""
    head = ("lm_head.weight",)
    rows = [
        Tensor("transformer.wte.weight", ("shared.weight",), also=head * config.tie_embeddings),
        Tensor("transformer.wpe.weight", ("decoder.embed_positions.weight",)),
    ]
    if not config.tie_embeddings:
        rows.append(Tensor(head[0], head))
    pairs = [("transformer.ln_f", "decoder.layer_norm")]
    for i in range(config.decoder_layers):
        theirs, ours = f"transformer.h.{i}", f"decoder.layers.{i}"
        pairs.append((f"{theirs}.ln_1", f"{ours}.self_attn_layer_norm"))
        pairs.append((f"{theirs}.ln_2", f"{ours}.final_layer_norm"))
        parts = [f"{ours}.self_attn.{letter}_proj" for letter in "qkv"]
        rows += _turned(f"{theirs}.attn.c_attn", parts)
        rows += _turned(f"{theirs}.attn.c_proj", [f"{ours}.self_attn.out_proj"])
        rows += _turned(f"{theirs}.mlp.c_fc", [f"{ours}.fc1"])
        rows += _turned(f"{theirs}.mlp.c_proj", [f"{ours}.fc2"])
    for name, own in pairs:
        for part in ("weight", "bias"):
            rows.append(Tensor(f"{name}.{part}", (f"{own}.{part}",)))
    masks = (r"transformer\.h\.\d+\.attn\.(bias|masked_bias)",)
    return Tensors(tuple(rows), "transformer.", unread=masks)


def _turned(name: str, ours: list[str]) -> list[Tensor]:
    """Return weight and bias of a layer stored (in, out), of as many of ours side by side."""
    n = len(ours)
    return [
        Tensor(
            f"{name}.weight",
            tuple(f"{own}.weight" for own in ours),
            lambda *a: np.concatenate(a).T,
            lambda a: np.split(a.T, n) if a.shape[1] % n == 0 else (),
        ),
        Tensor(
            f"{name}.bias",
            tuple(f"{own}.bias" for own in ours),
            lambda *a: np.concatenate(a),
            lambda a: np.split(a, n),
        ),
    ]
