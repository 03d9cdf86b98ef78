"""TransformerLens' side of the interpret bench: a BART of the same weights, hooked as users do."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.errors import MissingExtraError

_OFFSET = 2  # BART's first position embeddings are never used


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"bench interpret: {name} cannot be loaded ({error}); in an environment of its own, as "
            "it wants another transformers: pip install 'recursionlab[lens]'"
        ) from error


def versions() -> dict[str, str]:
    """Return the versions of what is measured against."""
    from importlib.metadata import version

    names = ("transformer_lens", "transformers", "torch")
    for name in names:
        _load(name)
    return {name: version(name.replace("_", "-")) for name in names}


class Peer:
    """A TransformerBridge around a BART that has the weights of one of our models.

    BART normalises its embeddings; ours of this bench does not, so that norm passes its input on.
    """

    def __init__(self, ours: _core.Model) -> None:
        torch, transformers = _load("torch"), _load("transformers")
        build = _load("transformer_lens.model_bridge.sources._bridge_builder")
        c = ours.config
        config = transformers.BartConfig(
            vocab_size=c["vocab_size"],
            d_model=c["d_model"],
            encoder_layers=c["encoder_layers"],
            decoder_layers=c["decoder_layers"],
            encoder_attention_heads=c["n_heads"],
            decoder_attention_heads=c["n_heads"],
            encoder_ffn_dim=c["d_mlp"] or 4 * c["d_model"],
            decoder_ffn_dim=c["d_mlp"] or 4 * c["d_model"],
            max_position_embeddings=c["max_positions"],
            activation_function=c["activation"],
            scale_embedding=True,
            dropout=0.0,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
            forced_eos_token_id=None,
            attn_implementation="eager",
        )
        model = transformers.BartForConditionalGeneration(config).eval()
        state = model.state_dict()
        for name, value in ours.parameters().items():
            shift = _OFFSET if "embed_positions" in name else 0
            state[f"model.{name}"][shift:].copy_(torch.from_numpy(value.copy()))
        model.load_state_dict(state)

        class Pass(torch.nn.LayerNorm):  # type: ignore[misc, name-defined]
            def forward(self, x: Any) -> Any:
                return x

        for stack in (model.model.encoder, model.model.decoder):
            stack.layernorm_embedding = Pass(c["d_model"])
        self.bridge = build.build_bridge_from_module(
            model, "BartForConditionalGeneration", hf_config=config
        )

    def warm(self, work: Any) -> None:
        """Run once, so that nothing is set up while time is taken."""
        torch = _load("torch")
        source, target, _, _ = (torch.from_numpy(x.astype(np.int64)) for x in work.chunk(0))
        with torch.inference_mode():
            self.bridge(source, decoder_input=target)

    def sweep(self, work: Any, first: int, items: int, threads: int) -> NDArray[np.float32]:
        """Return log p(label) of every intervention, (interventions, items, tokens)."""
        torch = _load("torch")
        torch.set_num_threads(threads)
        source, target, labels, clean = (
            torch.from_numpy(x.astype(np.int64)) for x in work.chunk(first, items)
        )
        out = []

        def measure(hook: tuple[str, Any]) -> None:
            logits = self.bridge.run_with_hooks(source, decoder_input=target, fwd_hooks=[hook])
            out.append(logits.log_softmax(-1).gather(-1, labels[..., None])[..., 0].numpy())

        with torch.inference_mode():
            names = list(dict.fromkeys(name for name, _ in work.patches))
            _, cache = self.bridge.run_with_cache(
                clean, decoder_input=target, names_filter=lambda name: name in names
            )
            for name, head in work.heads:

                def ablate(value: Any, hook: Any, head: int = head) -> Any:
                    value = value.clone()
                    value[:, :, head] = 0
                    return value

                measure((name, ablate))
            for name, position in work.patches:

                def patch(
                    value: Any, hook: Any, fresh: Any = cache[name], position: int = position
                ) -> Any:
                    value = value.clone()
                    value[:, position] = fresh[:, position]
                    return value

                measure((name, patch))
        return np.stack(out)
