"""The encoder-decoder transformer in plain PyTorch, sequence by sequence, in float64."""

import math

import torch
from torch.nn import functional as F


class Transformer:
    """Reads the parameters of a Model by name; computes one pair of sequences at a time."""

    def __init__(self, model, dtype=torch.float64):
        self.config = model.config
        self.p = {
            name: torch.tensor(value, dtype=dtype, requires_grad=True)
            for name, value in model.parameters().items()
        }
        self.seen = {}

    def linear(self, x, name):
        y = x @ self.p[f"{name}.weight"].T
        return y + self.p[f"{name}.bias"] if f"{name}.bias" in self.p else y

    def norm(self, x, name, hook):
        eps = self.config["norm_eps"]
        if self.config["norm"] == "rmsnorm":
            y = x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps)
        else:
            y = x - x.mean(-1, keepdim=True)
            y = y / torch.sqrt((y * y).mean(-1, keepdim=True) + eps)
        y = y * self.p[f"{name}.weight"]
        y = y + self.p[f"{name}.bias"] if f"{name}.bias" in self.p else y
        self.seen[f"{hook}.hook_normalized"] = y
        return y

    def attention(self, x, keys, name, hook, causal):
        heads = self.config["n_heads"]
        q, k, v = (
            self.linear(rows, f"{name}.{letter}_proj")
            for letter, rows in (("q", x), ("k", keys), ("v", keys))
        )
        for letter, rows in (("q", q), ("k", k), ("v", v)):
            self.seen[f"{hook}.hook_{letter}"] = rows
        q, k, v = (rows.reshape(len(rows), heads, -1).transpose(0, 1) for rows in (q, k, v))
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        if causal:
            scores = scores.masked_fill(torch.ones_like(scores).triu(1) > 0, -math.inf)
        pattern = torch.softmax(scores, -1)
        z = (pattern @ v).transpose(0, 1).reshape(len(x), -1)
        self.seen[f"{hook}.hook_pattern"] = pattern
        self.seen[f"{hook}.hook_z"] = z
        return self.linear(z, f"{name}.out_proj")

    def mlp(self, x, name, hook):
        pre = self.linear(x, f"{name}.fc1")
        act = {
            "relu": torch.relu,
            "gelu": F.gelu,
            "gelu_tanh": lambda y: F.gelu(y, approximate="tanh"),
        }
        post = act[self.config["activation"]](pre)
        self.seen[f"{hook}.mlp.hook_pre"], self.seen[f"{hook}.mlp.hook_post"] = pre, post
        return self.linear(post, f"{name}.fc2")

    def sublayer(self, x, f, name, hook, ln, out, total):
        pre = self.config["norm_place"] == "pre"
        y = f(self.norm(x, name, f"{hook}.{ln}") if pre else x)
        self.seen[f"{hook}.{out}"] = y
        y = x + y
        self.seen[f"{hook}.{total}"] = y
        return y if pre else self.norm(y, name, f"{hook}.{ln}")

    def positions(self, n, stack):
        width = self.config["d_model"]
        if self.config["positions"] == "learned":
            return self.p[f"{stack}.embed_positions.weight"][:n]
        if self.config["positions"] == "none":
            return torch.zeros(n, width, dtype=torch.float64)
        rate = 10000.0 ** (-(torch.arange(width) // 2 * 2) / width)
        angle = torch.arange(n, dtype=torch.float64)[:, None] * rate
        return torch.where(torch.arange(width) % 2 == 1, angle.cos(), angle.sin())

    def stack(self, tokens, which, hook, memory=None):
        shared = "shared.weight" in self.p
        table = self.p["shared.weight" if shared else f"{which}.embed_tokens.weight"]
        scale = math.sqrt(self.config["d_model"]) if self.config["scale_embeddings"] else 1.0
        x = table[torch.tensor(tokens, dtype=torch.long)] * scale
        self.seen["decoder_embed.hook_out" if memory is not None else "embed.hook_out"] = x
        x = x + self.positions(len(tokens), which)
        for i in range(self.config[f"{which}_layers"]):
            n, h = f"{which}.layers.{i}", f"{hook}.{i}"
            attn = "attn" if memory is None else "self_attn"
            self.seen[f"{h}.hook_resid_pre"] = x
            x = self.sublayer(
                x,
                lambda y, n=n, h=h, attn=attn: self.attention(
                    y, y, f"{n}.self_attn", f"{h}.{attn}", memory is not None
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
            x = self.norm(x, f"{which}.layer_norm", f"{which}_final_ln")
        return x

    def logits(self, source, target):
        memory = self.stack(source, "encoder", "encoder_blocks")
        x = self.stack(target, "decoder", "decoder_blocks", memory)
        if "lm_head.weight" in self.p:
            table = self.p["lm_head.weight"]
        else:
            shared = "shared.weight" in self.p
            table = self.p["shared.weight" if shared else "decoder.embed_tokens.weight"]
        self.seen["unembed.hook_out"] = x @ table.T
        return self.seen["unembed.hook_out"]

    def loss(self, pairs, labels):
        """Return the mean loss over all labels that are not -100."""
        total = sum(
            F.cross_entropy(self.logits(s, t), torch.tensor(y, dtype=torch.long), reduction="sum")
            for (s, t), y in zip(pairs, labels, strict=True)
        )
        return total / sum(int((y != -100).sum()) for y in labels)
