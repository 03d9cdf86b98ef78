"""T5 and CodeT5: relative positions, RMSNorm first, no biases, scores that are not scaled.

v1.0 (ReLU) ties the logits to the token table and scales what they are made of; v1.1 has a gate
and logits of their own. Source: Raffel et al., "Exploring the limits of transfer learning with a
unified text-to-text transformer" (JMLR 2020). In training, dropout after a
stack's last norm is left out.
"""

from __future__ import annotations

from typing import Any

from recursionlab.models.pretrained.keys import Keys
from recursionlab.models.pretrained.tensors import Tensor, Tensors
from recursionlab.models.transformer import Transformer

MODEL_TYPE = "t5"
ARCHITECTURES = ("T5ForConditionalGeneration", "T5WithLMHeadModel", "T5Model")
UNREAD = ("max_positions",)
ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gated-gelu": "geglu_tanh",
    "gated-gelu_new": "geglu_tanh",
    "gated-silu": "swiglu",
}


def read(keys: Keys) -> tuple[Transformer, int]:
    """Return shape and tokens of a configuration."""
    layers = keys.take("num_layers", int, 6)
    tied = keys.take("tie_word_embeddings", bool, True)
    dropout = keys.take("dropout_rate", float, 0.1)
    keys.must("is_encoder_decoder", True)
    keys.take("n_positions", int, 512)  # told to tokenizers; the model has no such limit
    for name in ("dense_act_fn", "is_gated_act"):
        keys.left.pop(name, None)  # follow from feed_forward_proj
    config = Transformer(
        d_model=keys.take("d_model", int, 512),
        encoder_layers=layers,
        decoder_layers=keys.take("num_decoder_layers", int, layers),
        n_heads=keys.take("num_heads", int, 8),
        d_head=keys.take("d_kv", int, 64),
        d_mlp=keys.take("d_ff", int, 2048),
        norm="rmsnorm",
        norm_eps=keys.take("layer_norm_epsilon", float, 1e-6),
        activation=keys.choice("feed_forward_proj", ACTIVATIONS, "relu"),
        positions="relative",
        relative_buckets=keys.take("relative_attention_num_buckets", int, 32),
        relative_distance=keys.take("relative_attention_max_distance", int, 128),
        tie_embeddings=tied,
        scale_embeddings=False,
        scale_attention=False,
        scale_logits=tied,
        bias=False,
        dropout=dropout,
        attention_dropout=dropout,
        activation_dropout=dropout,
        decoder_start_token_id=keys.take(
            "decoder_start_token_id", int, keys.left.get("pad_token_id") or 0
        ),
        eos_token_id=keys.take("eos_token_id", int, 1),
    )
    return config, keys.take("vocab_size", int, 32128)


def write(config: Transformer, vocab_size: int) -> dict[str, Any]:
    """Return the configuration of a shape; what it cannot say is seen when it is read again."""
    all_ = config.resolved()
    words = {ours: word for word, ours in reversed(ACTIVATIONS.items())}
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": MODEL_TYPE,
        "is_encoder_decoder": True,
        "vocab_size": vocab_size,
        "d_model": config.d_model,
        "num_layers": config.encoder_layers,
        "num_decoder_layers": config.decoder_layers,
        "num_heads": config.n_heads,
        "d_kv": all_["d_head"],
        "d_ff": all_["d_mlp"],
        "layer_norm_epsilon": config.norm_eps,
        "feed_forward_proj": words.get(config.activation, config.activation),
        "relative_attention_num_buckets": config.relative_buckets,
        "relative_attention_max_distance": config.relative_distance,
        "tie_word_embeddings": config.tie_embeddings,
        "dropout_rate": config.dropout,
        "decoder_start_token_id": config.decoder_start_token_id,
        "eos_token_id": config.eos_token_id,
        "pad_token_id": config.decoder_start_token_id,
    }


def tensors(config: Transformer, vocab_size: int) -> Tensors:
    """Return where the parameters stand."""
    tables = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
    head = ("lm_head.weight",)
    rows = [
        Tensor("shared.weight", ("shared.weight",), also=(*tables, *head * config.tie_embeddings))
    ]
    if not config.tie_embeddings:
        rows.append(Tensor(head[0], head))
    for stack, layers in (("encoder", config.encoder_layers), ("decoder", config.decoder_layers)):
        first = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        rows.append(Tensor(first, (f"{stack}.relative_attention_bias.weight",)))
        rows.append(Tensor(f"{stack}.final_layer_norm.weight", (f"{stack}.layer_norm.weight",)))
        for i in range(layers):
            rows += _block(config, stack, i)
    unread = (r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",)
    return Tensors(tuple(rows), unread=unread)


def _block(config: Transformer, stack: str, i: int) -> list[Tensor]:
    theirs, ours = f"{stack}.block.{i}.layer", f"{stack}.layers.{i}"
    parts = [("SelfAttention", "self_attn")]
    parts += [("EncDecAttention", "encoder_attn")] * (stack == "decoder")
    rows = []
    for k, (name, own) in enumerate(parts):
        for letter, proj in (("q", "q_proj"), ("k", "k_proj"), ("v", "v_proj"), ("o", "out_proj")):
            rows.append(
                Tensor(f"{theirs}.{k}.{name}.{letter}.weight", (f"{ours}.{own}.{proj}.weight",))
            )
        rows.append(Tensor(f"{theirs}.{k}.layer_norm.weight", (f"{ours}.{own}_layer_norm.weight",)))
    last = f"{theirs}.{len(parts)}"
    gated = config.activation.endswith(("glu", "glu_tanh"))
    names = {"wi": "fc1", "wo": "fc2"}
    if gated:
        names = {"wi_0": "gate_proj", "wi_1": "fc1", "wo": "fc2"}
    for name, own in names.items():
        rows.append(Tensor(f"{last}.DenseReluDense.{name}.weight", (f"{ours}.{own}.weight",)))
    rows.append(Tensor(f"{last}.layer_norm.weight", (f"{ours}.final_layer_norm.weight",)))
    return rows
