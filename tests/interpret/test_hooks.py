"""Hooks by the names of TransformerLens: reading equals PyTorch, changing changes the run."""

import numpy as np
import pytest
from batches import model, sequences

from recursionlab import _core, errors
from recursionlab.interpret import Batch, HookedModel, Replace, Scale, Where
from recursionlab.models.points import resolve

PAIRS, LABELS = sequences(5, seed=4)
CROSS = "decoder_blocks.1.cross_attn.hook_z"


def batch(pairs=PAIRS, labels=LABELS):
    return Batch.of([s for s, _ in pairs], [t for _, t in pairs], labels)


@pytest.fixture
def hooked():
    return HookedModel(model())


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"norm_place": "post", "norm": "rmsnorm"},
        {"norm_place": "post", "embedding_norm": True},
        {"positions": "relative", "n_kv_heads": 2},
    ],
)
def test_the_cache_equals_torch_at_every_hook(config):
    torch = pytest.importorskip("torch")
    import transformer_torch

    ours = HookedModel(model(**config))
    reference = transformer_torch.Transformer(ours.core)
    reference.logits(*PAIRS[0])
    named = [name for name in reference.seen if "final_ln.hook_in" not in name]
    logits, cache = ours.run_with_cache(batch(), names_filter=named)
    missing = {ours.points[name].name for name in ours.points} - {
        resolve(ours.points, name).name for name in named
    }
    unseen = (".hook_embedded", "pos_embed.hook_out", ".hook_rot_q", ".hook_rot_k")
    assert not {name for name in missing if not name.endswith(unseen)}
    checked = 0
    for i, (s, t) in enumerate(PAIRS):
        want = reference.logits(s, t).detach().numpy()
        np.testing.assert_allclose(logits[i, : len(t)], want, rtol=1e-5, atol=1e-5)
        assert not logits[i, len(t) :].any()
        for name, value in reference.seen.items():
            if name not in named:
                continue
            want = value.detach().numpy()
            point = resolve(ours.points, name)
            if point.keys:
                got = cache[name][i, :, : want.shape[1], : want.shape[2]]
            else:
                got = cache[name][i, : len(want)].reshape(want.shape)
            np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))
            got, want = got[np.isfinite(got)], want[np.isfinite(want)]
            scale = max(1.0, np.abs(want).max())
            np.testing.assert_allclose(got / scale, want / scale, rtol=1e-5, atol=1e-5)
            checked += 1
    assert checked > 5 * 40
    assert isinstance(logits, np.ndarray) and torch is not None


def test_shapes_are_those_of_transformerlens(hooked):
    _, cache = hooked.run_with_cache(batch())
    source, target = (max(len(p[k]) for p in PAIRS) for k in (0, 1))
    for name, shape in {
        "embed.hook_out": (5, source, 32),
        "encoder_blocks.0.attn.hook_q": (5, source, 4, 8),
        "encoder_blocks.1.attn.hook_pattern": (5, 4, source, source),
        "decoder_blocks.0.cross_attn.hook_k": (5, source, 4, 8),
        "decoder_blocks.0.cross_attn.hook_pattern": (5, 4, target, source),
        "decoder_blocks.0.hook_resid_mid_cross": (5, target, 32),
        "decoder_blocks.1.mlp.hook_post": (5, target, 128),
        "unembed.hook_out": (5, target, 13),
    }.items():
        assert cache[name].shape == shape, name
        assert cache.mask(name).shape in (shape[:2], shape)


def test_other_spellings_name_the_same_values(hooked):
    pairs = {
        "encoder_blocks.0.attn.o.hook_in": "encoder_blocks.0.attn.hook_z",
        "decoder_blocks.1.self_attn.q.hook_out": "decoder_blocks.1.self_attn.hook_q",
        "decoder_blocks.1.cross_attn.hook_out": "decoder_blocks.1.hook_cross_attn_out",
        "decoder_blocks.0.mlp.in.hook_out": "decoder_blocks.0.mlp.hook_pre",
        "encoder_blocks.1.hook_out": "encoder_blocks.1.hook_resid_post",
        "encoder_blocks.1.attn.hook_in": "encoder_blocks.1.ln1.hook_out",
        "decoder_blocks.1.hook_mlp_in": "decoder_blocks.1.ln3.hook_out",
        "decoder_blocks.1.cross_attn.k.hook_in": "encoder_final_ln.hook_out",
        "unembed.hook_in": "decoder_final_ln.hook_out",
        "hook_unembed": "unembed.hook_out",
    }
    _, cache = hooked.run_with_cache(batch(), names_filter=[*pairs, *pairs.values()])
    for other, name in pairs.items():
        np.testing.assert_array_equal(cache[other], cache[name])


def test_hook_embed_is_what_transformerlens_means(hooked):
    """After the embeddings' norm where there is one, with positions; else the tokens' alone."""
    assert resolve(hooked.points, "hook_embed").name == "embed.hook_out"
    normed = HookedModel(model(embedding_norm=True))
    assert resolve(normed.points, "hook_embed").name == "embed_ln.hook_out"


NAMES = (
    "ln1.hook_scale",
    "ln2.hook_normalized",
    "self_attn.hook_attn_scores",
    "cross_attn.hook_attn_scores",
    "cross_attn.hook_pattern",
)


@pytest.mark.parametrize("config", [{}, {"norm": "rmsnorm"}, {"positions": "alibi"}])
@pytest.mark.parametrize("name", NAMES)
def test_what_only_passes_can_be_changed(config, name):
    """Scores, scales and what a norm's weights multiply: what follows is made of the change."""
    hooked, block = HookedModel(model(**config)), "decoder_blocks.1."
    ours = batch()
    owner, _, last = (block + name).rpartition(".")
    follows = {
        "hook_scale": f"{owner}.hook_normalized",
        "hook_normalized": f"{owner}.hook_out",
        "hook_attn_scores": f"{owner}.hook_pattern",
        "hook_pattern": f"{owner}.hook_z",
    }[last]
    plain, before = hooked.run_with_cache(ours)
    same = hooked.run_with_hooks(ours, fwd_hooks=[(block + name, lambda v, hook: None)])
    np.testing.assert_allclose(same, plain, rtol=1e-5, atol=1e-5)
    with hooked.hooks([(block + name, Scale(2.0))]):
        logits, after = hooked.run_with_cache(ours)
    assert np.abs(logits - plain).max() > 1e-4
    finite = np.isfinite(before[block + name])
    np.testing.assert_allclose(
        after[block + name][finite], 2 * before[block + name][finite], rtol=1e-5
    )
    if last == "hook_scale":
        np.testing.assert_allclose(after[follows], before[follows] / 2, rtol=1e-5, atol=1e-6)
    if last == "hook_pattern":
        np.testing.assert_allclose(after[follows], before[follows] * 2, rtol=1e-5, atol=1e-6)
    if last == "hook_attn_scores":
        scores = 2 * before[block + name].astype(float)
        mask = before.mask(follows)
        pattern = np.where(
            mask, np.exp(scores - np.where(mask, scores, -np.inf).max(-1, keepdims=True)), 0
        )
        pattern /= np.maximum(pattern.sum(-1, keepdims=True), 1e-30)
        np.testing.assert_allclose(after[follows], pattern, rtol=1e-4, atol=1e-6)


def test_what_one_module_reads_of_many_is_read_not_changed(hooked):
    name = "decoder_blocks.0.self_attn.q.hook_in"
    seen = []
    hooked.run_with_hooks(batch(), fwd_hooks=[(name, lambda v, hook: seen.append(v.shape))])
    assert len(seen) == 1
    for hook in (Scale(0), lambda v, hook: v + 1):
        with pytest.raises(errors.InputError, match=r"'decoder_blocks\.0\.ln1\.hook_out' changes"):
            hooked.run_with_hooks(batch(), fwd_hooks=[(name, hook)])


def test_names_filter_chooses(hooked):
    _, cache = hooked.run_with_cache(batch(), names_filter=lambda name: name.endswith("hook_z"))
    assert len(cache) == 6 and all(name.endswith("hook_z") for name in cache)
    _, cache = hooked.run_with_cache(batch(), names_filter=CROSS)
    assert list(cache) == [CROSS]
    with pytest.raises(errors.InputError, match="was not kept"):
        cache["embed.hook_out"]


def test_a_function_reads_changes_in_place_and_replaces(hooked):
    plain, seen = hooked(batch()), []
    hooked.run_with_hooks(batch(), fwd_hooks=[(CROSS, lambda z, hook: seen.append((hook.name, z)))])
    np.testing.assert_array_equal(seen[0][1], hooked.run_with_cache(batch())[1][CROSS])
    assert seen[0][0] == CROSS

    def in_place(z, hook):
        z[:, :, 2] = 0

    def replaced(z, hook):
        return z * (np.arange(4) != 2)[:, None]

    want = hooked.run_with_hooks(batch(), fwd_hooks=[(CROSS, Scale(0, Where(heads=2)))])
    assert np.abs(want - plain).max() > 1e-3
    for fn in (in_place, replaced):
        np.testing.assert_array_equal(hooked.run_with_hooks(batch(), fwd_hooks=[(CROSS, fn)]), want)
    np.testing.assert_array_equal(hooked(batch()), plain)


@pytest.mark.parametrize("stack", ["encoder", "decoder.self", "decoder.cross"])
@pytest.mark.parametrize("head", range(4))
def test_ablating_a_head_equals_zeroing_its_weights(hooked, stack, head):
    where, kind = (stack.split(".") + ["self"])[:2]
    attn = {"encoder": "attn", "decoder": f"{kind}_attn"}[where]
    weights = "encoder_attn" if kind == "cross" else "self_attn"
    off = [(f"{where}_blocks.1.{attn}.hook_z", Scale(0, Where(heads=head)))]
    ablated = hooked.run_with_hooks(batch(), fwd_hooks=off)
    column = slice(8 * head, 8 * head + 8)
    hooked.core.parameters()[f"{where}.layers.1.{weights}.out_proj.weight"][:, column] = 0
    np.testing.assert_allclose(hooked(batch()), ablated, rtol=1e-5, atol=1e-5)


def test_ablating_neurons_equals_zeroing_their_weights(hooked):
    off = [("decoder_blocks.0.mlp.hook_post", Scale(0, Where(neurons=[3, 4, 90])))]
    ablated = hooked.run_with_hooks(batch(), fwd_hooks=off)
    assert np.abs(hooked(batch()) - ablated).max() > 1e-4
    hooked.core.parameters()["decoder.layers.0.fc2.weight"][:, [3, 4, 90]] = 0
    np.testing.assert_allclose(hooked(batch()), ablated, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("place", ["pre", "post"])
def test_patching_all_of_a_layer_reproduces_the_clean_output(place):
    hooked = HookedModel(model(norm_place=place))
    clean, cache = hooked.run_with_cache(batch())
    rng = np.random.default_rng(0)
    other = batch([(rng.permutation(s), t) for s, t in PAIRS])
    corrupted = hooked(other)
    assert np.abs(corrupted - clean).max() > 1e-3
    name = "encoder_blocks.1.hook_resid_post"
    patched = hooked.run_with_hooks(other, fwd_hooks=[(name, Replace(cache[name]))])
    np.testing.assert_allclose(patched, clean, rtol=1e-5, atol=1e-6)
    name = "decoder_blocks.1.hook_resid_post"
    patched = hooked.run_with_hooks(other, fwd_hooks=[(name, Replace(cache[name]))])
    np.testing.assert_array_equal(patched, clean)


def test_positions_and_items_choose_rows(hooked):
    name = "decoder_blocks.1.hook_resid_post"
    plain = hooked(batch())
    where = Where(positions=-1, items=[0, 2])
    changed = hooked.run_with_hooks(batch(), fwd_hooks=[(name, Scale(2, where))]) != plain
    lengths = [len(t) for _, t in PAIRS]
    want = np.zeros(plain.shape[:2], bool)
    for i in (0, 2):
        want[i, lengths[i] - 1] = True
    np.testing.assert_array_equal(changed.any(-1), want)


def test_a_row_fills_every_row_that_is_meant(hooked):
    name = "decoder_blocks.1.hook_resid_post"
    row = np.arange(32, dtype=np.float32) / 10
    _, cache = hooked.run_with_cache(batch())
    value = cache[name].copy()
    value[:, 1] = row
    fill = [(name, Replace(row, Where(positions=1)))]
    full = [(name, Replace(value))]
    got, want = (hooked.run_with_hooks(batch(), fwd_hooks=h) for h in (fill, full))
    np.testing.assert_array_equal(got, want)


def test_hooks_stay_until_reset_and_leave_with_the_with(hooked):
    plain = hooked(batch())
    with hooked.hooks(fwd_hooks=[(CROSS, Scale(0))]):
        inside = hooked(batch())
        with hooked.hooks(fwd_hooks=[("embed.hook_out", Scale(0.5))]):
            assert (hooked(batch()) != inside).any()
        np.testing.assert_array_equal(hooked(batch()), inside)
    np.testing.assert_array_equal(hooked(batch()), plain)
    hooked.add_hook(CROSS, Scale(0))
    np.testing.assert_array_equal(hooked(batch()), inside)
    hooked.reset_hooks()
    np.testing.assert_array_equal(hooked(batch()), plain)


def test_what_a_function_raises_comes_out_and_the_model_stays_usable(hooked):
    plain = hooked(batch())

    def bad(value, hook):
        raise KeyError("mine")

    def reenters(value, hook):
        hooked(batch())

    with pytest.raises(KeyError, match="mine"):
        hooked.run_with_hooks(batch(), fwd_hooks=[(CROSS, bad), ("embed.hook_out", bad)])
    with pytest.raises(errors.InputError, match="may not run the model"):
        hooked.run_with_hooks(batch(), fwd_hooks=[(CROSS, reenters)])
    with pytest.raises(errors.InputError, match="expected an array of shape"):
        hooked.run_with_hooks(batch(), fwd_hooks=[(CROSS, lambda z, hook: z[0])])
    np.testing.assert_array_equal(hooked(batch()), plain)


def test_the_residual_stream_is_the_sum_of_its_parts(hooked):
    _, cache = hooked.run_with_cache(batch())
    for stack in ("encoder", "decoder"):
        parts, names = cache.decompose_resid(stack)
        assert len(names) == {"encoder": 5, "decoder": 7}[stack]
        want = cache[f"{stack}_blocks.1.hook_resid_post"]
        np.testing.assert_allclose(parts.sum(0), want, rtol=1e-5, atol=1e-5)


def test_gradients_at_hooks_agree_with_differences():
    hooked = HookedModel(model(activation="gelu"))
    names = ["embed.hook_out", "decoder_blocks.0.hook_resid_mid", "encoder_blocks.1.hook_resid_pre"]
    grads = hooked.gradients(batch(), names_filter=names)
    count = sum(int((y != -100).sum()) for y in LABELS)
    rng = np.random.default_rng(0)
    for name in names:
        direction = rng.normal(size=grads[name].shape).astype(np.float32)
        direction *= np.expand_dims(grads.mask(name), -1)
        direction /= np.linalg.norm(direction)
        ends = []
        for sign in (1, -1):

            def nudge(value, hook, sign=sign, direction=direction):
                return value + sign * 4e-2 * direction

            with hooked.hooks(fwd_hooks=[(name, nudge)]):
                ends.append(hooked.loss(batch(), gradients=False) * count)
        want = (ends[0] - ends[1]) / 8e-2
        assert float((grads[name] * direction).sum()) == pytest.approx(want, rel=2e-2, abs=1e-2)


def test_backward_hooks_see_and_change_gradients(hooked):
    name, seen = "encoder_blocks.0.hook_attn_out", []
    with hooked.hooks(bwd_hooks=[(name, lambda g, hook: seen.append(g.copy()))]):
        hooked.loss(batch())
    count = sum(int((y != -100).sum()) for y in LABELS)
    want = hooked.gradients(batch(), names_filter=name)[name]
    np.testing.assert_allclose(seen[0] * count, want, rtol=1e-4, atol=1e-6)
    with hooked.hooks(bwd_hooks=[(name, lambda g, hook: g * 0)]):
        hooked.loss(batch())
    assert not hooked.core.gradients()["encoder.layers.0.self_attn.out_proj.weight"].any()


def test_what_a_function_replaced_counts_as_a_constant_in_training(hooked):
    weight = "encoder.layers.0.self_attn.out_proj.weight"

    def fix_half(value, hook):
        value[..., :16] = 1

    with hooked.hooks(fwd_hooks=[("encoder_blocks.0.hook_attn_out", fix_half)]):
        hooked.loss(batch())
    grad = hooked.core.gradients()[weight]
    assert not grad[:16].any() and grad[16:].any()


def test_mistakes_are_told_with_the_nearest_names(hooked):
    for hook, words in [
        (
            ("encoder_blocks.0.attn.hook_zz", Scale(0)),
            "did you mean 'encoder_blocks.0.attn.hook_z'",
        ),
        (("nothing like it", Scale(0)), "hook_names lists all"),
        ((lambda name: False, Scale(0)), "takes no hook"),
        ((CROSS, Scale(0, Where(heads=4))), "no head 4, there are 4"),
        (("embed.hook_out", Scale(0, Where(heads=0))), "has no heads"),
        (("embed.hook_out", Scale(0, Where(neurons=99))), "no neuron 99"),
        ((CROSS, Scale(0, Where(positions=40))), "meets no row"),
        ((CROSS, Replace(np.zeros((2, 2)))), "or \\(positions, 32\\), got"),
        ((CROSS, Replace(np.zeros((2, 2, 2)))), "expected an array of shape"),
    ]:
        with pytest.raises((errors.InputError, errors.InputIndexError), match=words):
            hooked.run_with_hooks(batch(), fwd_hooks=[hook])
    with pytest.raises(errors.InputTypeError, match="expected a function"):
        hooked.run_with_hooks(batch(), fwd_hooks=[(CROSS, 3)])
    with pytest.raises(errors.InputTypeError, match="pairs"):
        hooked.run_with_hooks(batch(), fwd_hooks=[CROSS])
    with pytest.raises(errors.InputError, match="no hook named"):
        hooked.run_with_cache(batch(), names_filter="embed")
    with pytest.raises(errors.InputError, match="gradient"):
        hooked.gradients(batch(), names_filter="decoder_blocks.0.cross_attn.hook_pattern")
    with pytest.raises(errors.InputTypeError, match="target"):
        hooked([[1, 2]])
    with pytest.raises(errors.InputTypeError, match="Run or a Model"):
        HookedModel(3)


def test_inputs_may_be_a_split_lists_or_arrays(hooked):
    from recursionlab.learn.split import pack

    split = pack([([3, 4, 5], [4, 3]), ([6, 7], [8])], [f"t{i}" for i in range(13)])
    got = hooked(split)
    want = hooked([[3, 4, 5], [6, 7]], [[1, 4, 3], [1, 8]])
    np.testing.assert_array_equal(got, want)
    taught = Batch.of_split(split)
    assert taught.labels.tolist() == [4, 3, 2, 8, 2]
    assert hooked(np.array([[3, 4]]), np.array([[1, 5, 6]])).shape == (1, 3, 13)
    assert hooked.cfg.n_heads == 4 and hooked.cfg.d_vocab == 13


def test_taps_call_grad_and_fill_are_refused_with_a_reason():
    m, args = model(), batch().arguments
    name = "decoder_blocks.0.hook_resid_mid"
    value = np.zeros((len(args[2]), 32), np.float32)
    for tap, kind, words in [
        ((name, "call", 3), errors.InputTypeError, "expected a function"),
        ((name, "grad", value), errors.InputError, "only in training"),
        ((name, "fill", value), errors.InputError, "expected 32 floats"),
        ((name, "fill", value[0, :3], 2, 6), errors.InputError, "expected 4 floats"),
        ((name, "fill", value[0], 30, 64), errors.InputIndexError, "columns 30 to 64 of 32"),
        (
            ("decoder_blocks.0.cross_attn.hook_pattern", "fill", value[0, :4]),
            errors.InputError,
            "cannot be filled",
        ),
    ]:
        with pytest.raises(kind, match=words):
            m.forward(*args, taps=[tap])
    with pytest.raises(errors.InputError, match="did not act"):
        m.loss(*args, batch().labels, taps=[(name, "grad", value)], gradients=False)
    assert isinstance(m, _core.Model)
