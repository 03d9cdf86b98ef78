"""The C core against PyTorch on the same weights: logits, loss, gradients, and every hook."""

import numpy as np
import pytest
from batches import arguments, model, pack, sequences

torch = pytest.importorskip("torch")

import transformer_torch  # noqa: E402

CONFIGS = {
    "default": {},
    "post": {"norm_place": "post"},
    "rms": {"norm": "rmsnorm", "activation": "gelu"},
    "rms-post": {"norm": "rmsnorm", "norm_place": "post", "activation": "gelu_tanh"},
    "sinusoidal": {"positions": "sinusoidal", "tie_embeddings": False},
    "none": {"positions": "none", "share_embeddings": False, "scale_embeddings": False},
    "plain": {"bias": False, "n_heads": 1, "d_mlp": 24, "encoder_layers": 1, "decoder_layers": 3},
    "rotary": {"positions": "rotary", "activation": "swiglu", "n_kv_heads": 2, "d_head": 6},
    "alibi": {"positions": "alibi", "activation": "geglu", "n_heads": 3, "d_head": 8},
    "relative": {
        **{"positions": "relative", "relative_buckets": 8, "relative_distance": 7},
        **{"norm": "rmsnorm", "activation": "geglu_tanh", "scale_attention": False, "bias": False},
        **{"scale_logits": True, "scale_embeddings": False},
    },
    "randomised": {"positions": "randomised", "max_positions": 64, "embedding_norm": True},
    "shared": {"share_layers": True, "decoder_layers": 3, "n_kv_heads": 1, "norm_place": "post"},
    "decoder": {"architecture": "decoder_only", "decoder_layers": 3, "positions": "rotary"},
    "decoder-relative": {
        **{"architecture": "decoder_only", "positions": "relative", "relative_buckets": 4},
        **{"relative_distance": 3, "tie_embeddings": False},
    },
    "decoder-alibi": {"architecture": "decoder_only", "positions": "alibi", "share_layers": True},
    "encoder": {"architecture": "encoder_only", "encoder_layers": 3, "activation": "geglu"},
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def ours(request):
    return model(**request.param)


def batch(model, *size, **more):
    """Pairs and labels for a model; source None where it reads one sequence."""
    pairs, labels = sequences(*size, **more)
    if model.config["architecture"] != "encoder_decoder":
        pairs = [(None, target) for _, target in pairs]
    return pairs, labels


def close(got, want, tolerance):
    want = np.asarray(want)
    finite = np.isfinite(want)  # scores that are hidden are not
    np.testing.assert_array_equal(np.isfinite(got), finite)
    got, want = got[finite], want[finite]
    scale = max(np.abs(want).max(initial=0), 1e-6)
    assert np.abs(got - want).max(initial=0) <= tolerance * scale


def test_logits_equal_torch_on_ragged_lengths(ours):
    pairs, _ = batch(ours, 7)
    got = ours.forward(*arguments(pairs))
    reference = transformer_torch.Transformer(ours)
    want = torch.cat([reference.logits(s, t) for s, t in pairs]).detach().numpy()
    close(got, want, 1e-5)


def test_loss_and_gradients_equal_torch(ours):
    pairs, labels = batch(ours, 6, seed=2)
    if ours.config["positions"] == "randomised":
        pairs = [(s[:1], t[:1]) for s, t in pairs]  # one row of one: nothing is drawn
        labels = [y[:1] for y in labels]
        ours = model(**{**ours.config, "max_positions": 1})
    reference = transformer_torch.Transformer(ours)
    loss = reference.loss(pairs, labels)
    loss.backward()
    total, count = ours.loss(*arguments(pairs), pack(labels)[0])
    assert count == sum((y != -100).sum() for y in labels)
    assert total / count == pytest.approx(loss.item(), rel=1e-6)
    transformer_torch.check_gradients(reference, ours.gradients())


def test_every_hook_equals_torch(ours):
    pairs, _ = batch(ours, 3, seed=3)
    reference = transformer_torch.Transformer(ours)
    seen = []
    for s, t in pairs:
        reference.logits(s, t)
        seen.append(dict(reference.seen))
    args = arguments(pairs)
    rows = {"source": 0 if args[0] is None else len(args[0]), "target": len(args[2])}
    length = {"source": [0 if s is None else len(s) for s, _ in pairs]}
    length["target"] = [len(t) for _, t in pairs]
    checked = 0
    for name, space, width, keys in ours.points():
        if name not in seen[0]:
            continue
        size = rows[space]
        if keys:
            size = sum(q * k for q, k in zip(length[space], length[keys], strict=True))
        buffer = np.full(size * width, np.nan, np.float32)
        ours.forward(*args, taps=[(name, "read", buffer)])
        want = np.concatenate([s[name].detach().numpy().ravel() for s in seen])
        close(buffer, want, 1e-5)
        checked += 1
    # What a module reads is a value of another name, unless it is of no other.
    assert checked >= sum(not name.endswith(".hook_in") for name in seen[0]) - 2
