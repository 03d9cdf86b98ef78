"""The transformer in plain PyTorch, sequence by sequence, in float64."""

import math

import numpy as np
import torch
from torch.nn import functional as F

ACTS = {
    "relu": torch.relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda y: F.gelu(y, approximate="tanh"),
    "swiglu": F.silu,
    "geglu": F.gelu,
    "geglu_tanh": lambda y: F.gelu(y, approximate="tanh"),
}


def bucket(distance, buckets, reach, causal):
    """Return the number of T5's bucket of a distance, key minus query."""
    number = 0
    if causal:
        far = max(0, -distance)
    else:
        buckets //= 2
        number = buckets if distance > 0 else 0
        far = abs(distance)
    near = buckets // 2
    if far < near:
        return number + far
    share = math.log(far / near) / math.log(reach / near)
    return number + min(near + int(share * (buckets - near) + 1e-6), buckets - 1)


def slopes(heads):
    """Return ALiBi's slope of each head."""

    def powers(n):
        return [2 ** (-8 * (i + 1) / n) for i in range(n)]

    n = 2 ** int(math.log2(heads))
    return powers(n) + powers(2 * n)[::2][: heads - n]


class Transformer:
    """Reads the parameters of a Model by name; computes one pair of sequences at a time."""

    def __init__(self, model, dtype=torch.float64):
        self.config = model.config
        self.p = {
            name: torch.tensor(value, dtype=dtype, requires_grad=True)
            for name, value in model.parameters().items()
        }
        self.seen = {}
        self.edits = {}

    def note(self, name, value):
        """Remember a value by its hook, after what `edits` does to it; it is gone on with."""
        self.seen[name] = self.edits[name](value) if name in self.edits else value
        return self.seen[name]

    def linear(self, x, name):
        y = x @ self.p[f"{name}.weight"].T
        return y + self.p[f"{name}.bias"] if f"{name}.bias" in self.p else y

    def norm(self, x, name, hook):
        eps = self.config["norm_eps"]
        y = x if self.config["norm"] == "rmsnorm" else x - x.mean(-1, keepdim=True)
        scale = torch.sqrt((y * y).mean(-1, keepdim=True) + eps)
        y = y / scale
        self.seen[f"{hook}.hook_scale"], self.seen[f"{hook}.hook_normalized"] = scale, y
        y = y * self.p[f"{name}.weight"]
        y = y + self.p[f"{name}.bias"] if f"{name}.bias" in self.p else y
        self.seen[f"{hook}.hook_in"] = x
        return self.note(f"{hook}.hook_out", y)

    def bias_of(self, n, causal, stack):
        """Return what is added to scores (heads, n, n) of a sequence that attends to itself."""
        config, heads = self.config, self.config["n_heads"]
        distance = torch.arange(n)[None, :] - torch.arange(n)[:, None]
        if config["positions"] == "alibi":
            return -torch.tensor(slopes(heads), dtype=torch.float64)[:, None, None] * distance.abs()
        if config["positions"] != "relative":
            return torch.zeros(heads, n, n, dtype=torch.float64)
        sizes = config["relative_buckets"], config["relative_distance"]
        numbers = [[bucket(d, *sizes, causal) for d in row] for row in distance.tolist()]
        table = self.p[f"{stack}.relative_attention_bias.weight"]
        return table[torch.tensor(numbers, dtype=torch.long).reshape(n, n)].permute(2, 0, 1)

    def turn(self, x):
        """Return rows x (n, heads, width) turned by their positions."""
        half = x.shape[-1] // 2
        rate = 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = torch.arange(len(x), dtype=torch.float64)[:, None, None] * rate
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)

    def attention(self, x, keys, name, hook, causal):
        heads = self.config["n_heads"]
        own = x is keys
        q, k, v = (
            self.note(f"{hook}.hook_{letter}", self.linear(rows, f"{name}.{letter}_proj"))
            for letter, rows in (("q", x), ("k", keys), ("v", keys))
        )
        width = q.shape[-1] // heads
        q, k, v = (rows.reshape(len(rows), rows.shape[-1] // width, width) for rows in (q, k, v))
        if own and self.config["positions"] == "rotary":
            q, k = self.turn(q), self.turn(k)
        q, k, v = (rows.transpose(0, 1) for rows in (q, k, v))
        k, v = (rows.repeat_interleave(heads // len(rows), 0) for rows in (k, v))
        scores = q @ k.transpose(1, 2)
        if self.config["scale_attention"]:
            scores = scores / math.sqrt(width)
        if own:
            scores = scores + self.bias_of(len(x), causal, name.split(".")[0])
        hidden = torch.ones_like(scores).triu(1) > 0 if causal else torch.zeros_like(scores) > 0
        scores = self.note(f"{hook}.hook_attn_scores", scores.masked_fill(hidden, -math.inf))
        scores = scores.masked_fill(hidden, -math.inf)  # what is hidden stays so
        pattern = self.note(f"{hook}.hook_pattern", torch.softmax(scores, -1))
        z = self.note(f"{hook}.hook_z", (pattern @ v).transpose(0, 1).reshape(len(x), -1))
        return self.linear(z, f"{name}.out_proj")

    def mlp(self, x, name, hook):
        kind = self.config["activation"]
        gated = kind.endswith(("glu", "glu_tanh"))
        pre = self.linear(x, f"{name}.{'gate_proj' if gated else 'fc1'}")
        post = ACTS[kind](self.note(f"{hook}.mlp.hook_pre", pre))
        if gated:
            post = post * self.linear(x, f"{name}.fc1")
        return self.linear(self.note(f"{hook}.mlp.hook_post", post), f"{name}.fc2")

    def sublayer(self, x, f, name, hook, ln, out, total):
        pre = self.config["norm_place"] == "pre"
        y = f(self.norm(x, name, f"{hook}.{ln}") if pre else x)
        y = x + self.note(f"{hook}.{out}", y)
        if pre:
            return self.note(f"{hook}.{total}", y)
        if ln == "ln2":  # as TransformerLens counts
            y = self.note(f"{hook}.hook_resid_mid", y)
        y = self.norm(y, name, f"{hook}.{ln}")
        return self.note(f"{hook}.{total}", y) if total == "hook_resid_post" else y

    def positions(self, n, stack):
        width, kind = self.config["d_model"], self.config["positions"]
        if kind == "learned":
            return self.p[f"{stack}.embed_positions.weight"][:n]
        if kind == "randomised":
            rows = self.config["max_positions"]
            at = [(2 * t + 1) * rows // (2 * n) for t in range(n)]
            return self.p[f"{stack}.embed_positions.weight"][torch.tensor(at, dtype=torch.long)]
        if kind != "sinusoidal":
            return torch.zeros(n, width, dtype=torch.float64)
        rate = 10000.0 ** (-(torch.arange(width) // 2 * 2) / width)
        angle = torch.arange(n, dtype=torch.float64)[:, None] * rate
        return torch.where(torch.arange(width) % 2 == 1, angle.cos(), angle.sin())

    def stack(self, tokens, which, hook, memory=None):
        only = hook == "blocks"
        shared = "shared.weight" in self.p
        table = self.p["shared.weight" if shared else f"{which}.embed_tokens.weight"]
        scale = math.sqrt(self.config["d_model"]) if self.config["scale_embeddings"] else 1.0
        x = table[torch.tensor(tokens, dtype=torch.long)] * scale
        x = self.note("decoder_embed.hook_out" if memory is not None else "embed.hook_out", x)
        x = x + self.positions(len(tokens), which)
        if self.config["embedding_norm"]:
            ln = "decoder_embed_ln" if memory is not None else "embed_ln"
            x = self.norm(x, f"{which}.layernorm_embedding", ln)
        for i in range(self.config[f"{which}_layers"]):
            n, h = f"{which}.layers.{0 if self.config['share_layers'] else i}", f"{hook}.{i}"
            attn = "attn" if memory is None else "self_attn"
            causal = which == "decoder"
            x = self.note(f"{h}.hook_resid_pre", x)
            x = self.sublayer(
                x,
                lambda y, n=n, h=h, attn=attn, causal=causal: self.attention(
                    y, y, f"{n}.self_attn", f"{h}.{attn}", causal
                ),
                *(f"{n}.self_attn_layer_norm", h, "ln1", "hook_attn_out", "hook_resid_mid"),
            )
            if memory is not None:
                x = self.sublayer(
                    x,
                    lambda y, n=n, h=h: self.attention(
                        y, memory, f"{n}.encoder_attn", f"{h}.cross_attn", False
                    ),
                    *(f"{n}.encoder_attn_layer_norm", h, "ln2"),
                    *("hook_cross_attn_out", "hook_resid_mid_cross"),
                )
            ln = "ln2" if memory is None else "ln3"
            x = self.sublayer(
                x,
                lambda y, n=n, h=h: self.mlp(y, n, h),
                *(f"{n}.final_layer_norm", h, ln, "hook_mlp_out", "hook_resid_post"),
            )
        if self.config["norm_place"] == "pre":
            final = "ln_final" if only else f"{which}_final_ln"
            x = self.norm(x, f"{which}.layer_norm", final)
        return x

    def logits(self, source, target):
        """Return logits of the target's rows; source None: the model reads one sequence."""
        architecture = self.config["architecture"]
        if architecture == "encoder_decoder":
            memory = self.stack(source, "encoder", "encoder_blocks")
            x = self.stack(target, "decoder", "decoder_blocks", memory)
        else:
            x = self.stack(target, architecture.split("_")[0], "blocks")
        if "lm_head.weight" in self.p:
            table = self.p["lm_head.weight"]
        else:
            shared = "shared.weight" in self.p
            table = self.p["shared.weight" if shared else "decoder.embed_tokens.weight"]
        if self.config["scale_logits"]:
            x = x / math.sqrt(self.config["d_model"])
        self.seen["unembed.hook_out"] = x @ table.T
        return self.seen["unembed.hook_out"]

    def loss(self, pairs, labels):
        """Return the mean loss over all labels that are not -100."""
        total = sum(
            F.cross_entropy(self.logits(s, t), torch.tensor(y, dtype=torch.long), reduction="sum")
            for (s, t), y in zip(pairs, labels, strict=True)
        )
        return total / sum(int((y != -100).sum()) for y in labels)


def check_gradients(reference, gradients):
    """Hold gradients to those of a reference after `backward`, relative to the largest ones."""
    known = [p.grad.abs().max().item() for p in reference.p.values() if p.grad is not None]
    for name, got in gradients.items():
        want = reference.p[name].grad
        want = np.zeros_like(got) if want is None else want.numpy()
        scale = max(np.abs(want).max(), 1e-3 * max(known))
        assert np.abs(got - want).max() <= 1e-4 * scale, name
