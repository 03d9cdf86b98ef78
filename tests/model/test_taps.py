"""Taps: reading, replacing, scaling, forward and in training; what cannot act is refused."""

import numpy as np
import pytest
from batches import arguments, model, pack, sequences

from recursionlab import _core, errors

PAIRS, LABELS = sequences(5, seed=4)
ARGS = arguments(PAIRS)
N_SOURCE, N_TARGET = len(ARGS[0]), len(ARGS[2])


@pytest.fixture
def ours():
    return model()


def read(m, name, width, rows=N_TARGET, **more):
    out = np.full((rows, width), np.nan, np.float32)
    m.forward(*ARGS, taps=[*more.pop("taps", []), (name, "read", out)], **more)
    return out


def test_reading_changes_nothing(ours):
    plain = ours.forward(*ARGS)
    everything = [
        (name, "read", np.zeros(4 * 9 * 9 * 5 * width, np.float32))
        for name, _, width, keys in ours.points()
        if not keys and width == 0
    ]
    assert everything == []
    taps = [
        (name, "read", np.zeros(({"source": N_SOURCE, "target": N_TARGET}[space], w), np.float32))
        for name, space, w, keys in ours.points()
        if not keys and name != "hook_loss"
    ]
    assert len(taps) > 50
    np.testing.assert_array_equal(ours.forward(*ARGS, taps=taps), plain)
    assert all(np.isfinite(t[2]).all() for t in taps)


def test_logits_follow_from_the_last_norm(ours):
    final = read(ours, "decoder_final_ln.hook_out", 32)
    want = final @ ours.parameters()["shared.weight"].T
    np.testing.assert_allclose(ours.forward(*ARGS), want, rtol=1e-4, atol=1e-4)


def test_scaling_a_head_to_zero_equals_zeroing_its_weights(ours):
    name, head = "decoder_blocks.1.cross_attn.hook_z", slice(8, 16)
    ablated = ours.forward(*ARGS, taps=[(name, "scale", 0.0, 8, 16)])
    assert np.abs(ablated - ours.forward(*ARGS)).max() > 1e-3
    ours.parameters()["decoder.layers.1.encoder_attn.out_proj.weight"][:, head] = 0
    np.testing.assert_allclose(ours.forward(*ARGS), ablated, rtol=1e-5, atol=1e-5)


def test_scaling_a_branch_to_zero_equals_zeroing_its_weights(ours):
    ablated = ours.forward(*ARGS, taps=[("encoder_blocks.0.hook_mlp_out", "scale", 0.0)])
    ours.parameters()["encoder.layers.0.fc2.weight"][:] = 0
    ours.parameters()["encoder.layers.0.fc2.bias"][:] = 0
    np.testing.assert_allclose(ours.forward(*ARGS), ablated, rtol=1e-5, atol=1e-5)


def test_replacing_by_what_was_read_reproduces_the_run(ours):
    plain = ours.forward(*ARGS)
    name = "decoder_blocks.0.hook_resid_mid"
    clean = read(ours, name, 32)
    noise = np.ones_like(clean)
    broken = ours.forward(*ARGS, taps=[(name, "replace", noise)])
    assert np.abs(broken - plain).max() > 1e-3
    np.testing.assert_array_equal(ours.forward(*ARGS, taps=[(name, "replace", clean)]), plain)


def test_rows_choose_positions(ours):
    name, rows = "decoder_blocks.1.hook_resid_post", np.zeros(N_TARGET, np.uint8)
    rows[3] = 1
    plain = ours.forward(*ARGS)
    got = ours.forward(*ARGS, taps=[(name, "scale", 2.5, 0, 16, rows)])
    changed = np.abs(got - plain).max(1) > 0
    assert changed.tolist() == rows.astype(bool).tolist()


def test_an_alias_names_the_same_value(ours):
    a = read(ours, "decoder_blocks.1.hook_resid_pre", 32)
    b = read(ours, "decoder_blocks.0.hook_resid_post", 32)
    np.testing.assert_array_equal(a, b)


def pattern_floats(heads=4):
    return heads * sum(len(t) * len(s) for s, t in PAIRS)


def test_patterns_can_be_read_and_replaced(ours):
    name = "decoder_blocks.0.cross_attn.hook_pattern"
    pattern = np.zeros(pattern_floats(), np.float32)
    plain = ours.forward(*ARGS, taps=[(name, "read", pattern)])
    s, t = PAIRS[0]
    first = pattern[: 4 * len(s) * len(t)].reshape(4, len(t), len(s))
    np.testing.assert_allclose(first.sum(-1), 1, rtol=1e-5)
    same = ours.forward(*ARGS, taps=[(name, "replace", pattern)])
    np.testing.assert_allclose(same, plain, rtol=1e-5, atol=1e-5)
    off = ours.forward(*ARGS, taps=[(name, "scale", 0.0, 1, 2)])
    z = "decoder_blocks.0.cross_attn.hook_z"
    np.testing.assert_array_equal(off, ours.forward(*ARGS, taps=[(z, "scale", 0.0, 8, 16)]))


def test_what_enters_the_activation_can_be_changed(ours):
    pre, post = "encoder_blocks.1.mlp.hook_pre", "encoder_blocks.1.mlp.hook_post"
    a = ours.forward(*ARGS, taps=[(pre, "scale", 0.0, 5, 9)])
    b = ours.forward(*ARGS, taps=[(post, "scale", 0.0, 5, 9)])
    np.testing.assert_array_equal(a, b)  # relu(0) = 0


@pytest.mark.parametrize("place", ["pre", "post"])
@pytest.mark.parametrize(
    "name",
    ["encoder_blocks.1.hook_attn_out", "decoder_blocks.0.hook_resid_mid", "embed.hook_out"],
)
def test_gradients_through_a_scaled_value_agree_with_differences(place, name):
    m = model(norm_place=place, activation="gelu")
    labels = pack(LABELS)[0]
    taps = [(name, "scale", 0.25)]
    sum_, count = m.loss(*ARGS, labels, taps=taps)
    grads = m.grads.copy()
    rng = np.random.default_rng(0)
    direction = rng.normal(size=grads.size).astype(np.float32) * (grads != 0)
    direction /= np.linalg.norm(direction)
    start, ends = m.params.copy(), []
    for sign in (1, -1):
        m.params[:] = start + sign * 2e-3 * direction
        ends.append(m.loss(*ARGS, labels, taps=taps, gradients=False)[0] / count)
    want = (ends[0] - ends[1]) / 4e-3
    assert float(grads @ direction) == pytest.approx(want, rel=2e-2, abs=2e-4)


def test_a_replaced_value_gives_no_gradient_upstream(ours):
    fixed = np.ones((N_SOURCE, 32), np.float32)
    taps = [("encoder_final_ln.hook_out", "replace", fixed)]
    ours.loss(*ARGS, pack(LABELS)[0], taps=taps)
    for name, grad in ours.gradients().items():
        assert (np.abs(grad).max() > 0) == (not name.startswith("encoder.")), name


def test_taps_are_refused_with_a_reason(ours):
    value = np.zeros((N_TARGET, 32), np.float32)
    name = "decoder_blocks.0.hook_resid_mid"
    for tap, kind, words in [
        (("nowhere", "read", value), errors.InputError, "no point 'nowhere'"),
        (
            (name, "erase", value),
            errors.InputError,
            "expected read, replace, fill, scale, grad or call",
        ),
        ((name, "read", value[1:]), errors.InputError, "expected"),
        ((name, "read", value.astype(float)), errors.InputTypeError, "float32"),
        ((name, "scale", 0.0, 3, 33), errors.InputIndexError, "columns 3 to 33 of 32"),
        ((name, "scale", 0.0, 0, 1, np.zeros(2, np.uint8)), errors.InputError, "rows"),
        ([name, "scale", 0.0], errors.InputTypeError, "tuples"),
        (
            ("hook_loss", "read", np.zeros((N_TARGET, 1), np.float32)),
            errors.InputError,
            "did not act",
        ),
    ]:
        with pytest.raises(kind, match=words):
            ours.forward(*ARGS, taps=[tap])
    with pytest.raises(errors.InputTypeError, match="list"):
        ours.forward(*ARGS, taps=((name, "scale", 0.0),))
    with pytest.raises(errors.InputError, match="functions are called in runs of one shard"):
        ours.forward(*ARGS, taps=[(name, "call", print)], shards=2)
    with pytest.raises(errors.InputError, match="in training"):
        pattern = ("decoder_blocks.0.self_attn.hook_pattern", "scale", 0.0)
        ours.loss(*ARGS, pack(LABELS)[0], taps=[pattern])
    read_only = np.zeros((N_TARGET, 32), np.float32)
    read_only.flags.writeable = False
    with pytest.raises(errors.InputTypeError, match="cannot be written"):
        ours.forward(*ARGS, taps=[(name, "read", read_only)])


def test_hook_names_are_those_users_know():
    names = {row[0] for row in _core.Model("transformer", {"vocab_size": 5}).points()}
    for block, attns in (
        ("encoder_blocks", ["attn"]),
        ("decoder_blocks", ["self_attn", "cross_attn"]),
    ):
        for hook in (
            "hook_resid_pre",
            "hook_resid_mid",
            "hook_resid_post",
            "hook_attn_out",
            "hook_mlp_out",
        ):
            assert f"{block}.1.{hook}" in names
        for attn in attns:
            for hook in ("hook_q", "hook_k", "hook_v", "hook_z", "hook_pattern"):
                assert f"{block}.1.{attn}.{hook}" in names
    assert {
        "embed.hook_out",
        "pos_embed.hook_out",
        "decoder_embed.hook_out",
        "unembed.hook_out",
    } <= names


@pytest.mark.parametrize(
    "name", ["decoder_blocks.0.hook_resid_mid", "encoder_blocks.1.attn.hook_pattern"]
)
def test_shards_see_the_whole_batch_in_parts(ours, name):
    """Values, masks and pattern cells of every shard are those of one run over all."""
    width = 4 if name.endswith("pattern") else 32
    cells = {
        "decoder_blocks.0.hook_resid_mid": N_TARGET * 32,
        "encoder_blocks.1.attn.hook_pattern": 4 * sum(len(s) ** 2 for s, _ in PAIRS),
    }[name]
    rows = (np.arange(N_SOURCE if width == 4 else N_TARGET) % 3 == 0).astype(np.uint8)
    found = []
    for shards, threads in ((1, 1), (2, 2), (5, 2), (7, 1)):
        value = np.full(cells, np.nan, np.float32)
        taps = [(name, "scale", 0.5, 1, 3, rows), (name, "read", value)]
        found.append((ours.forward(*ARGS, taps=taps, shards=shards, threads=threads), value))
        again = ours.forward(*ARGS, taps=[(name, "replace", value)], shards=shards)
        np.testing.assert_allclose(again, found[-1][0], rtol=1e-5, atol=1e-5)
    for logits, value in found[1:]:
        np.testing.assert_array_equal(logits, found[0][0])
        np.testing.assert_array_equal(value, found[0][1])


@pytest.mark.parametrize("places", [[0], [-1], [2, -2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]])
@pytest.mark.parametrize("name", ["decoder_blocks.0.hook_resid_mid", "embed.hook_out"])
def test_places_are_rows_of_every_sequence(ours, name, places):
    lengths = [len(p[name.startswith("decoder")]) for p in PAIRS]
    mask = np.concatenate(
        [[t in places or t - n in places for t in range(n)] for n in lengths]
    ).astype(np.uint8)
    at = np.array(places, np.int32)
    for kind, payload in (("scale", 3.0), ("fill", np.arange(8, dtype=np.float32))):
        by_rows = ours.forward(*ARGS, taps=[(name, kind, payload, 4, 12, mask)])
        by_places = ours.forward(*ARGS, taps=[(name, kind, payload, 4, 12, None, at)])
        np.testing.assert_array_equal(by_places, by_rows)
        swept = ours.sweep(
            *ARGS,
            np.concatenate(LABELS).astype(np.int32),
            [[(name, kind, payload, 4, 12, None, at)]],
        )
        rows = ours.sweep(
            *ARGS, np.concatenate(LABELS).astype(np.int32), [[(name, kind, payload, 4, 12, mask)]]
        )
        np.testing.assert_array_equal(swept[0], rows[0])
    with pytest.raises(errors.InputError, match="did not act"):
        ours.forward(*ARGS, taps=[(name, "scale", 0.0, 0, 0, None, np.array([40], np.int32))])


EDITED = [
    ("encoder_blocks.0.attn.hook_z", 8, 16, [0, 2]),
    ("decoder_blocks.1.self_attn.hook_v", 0, 8, [1]),
    ("decoder_blocks.0.cross_attn.hook_k", 8, 16, None),
    ("decoder_blocks.0.hook_cross_attn_out", 0, 32, [-1]),
    ("decoder_blocks.0.mlp.hook_post", 0, 64, None),
    ("decoder_blocks.1.hook_resid_mid", 4, 20, [2]),
    ("encoder_final_ln.hook_out", 0, 32, [0]),
    ("embed.hook_out", 0, 16, None),
]


def edit_torch(torch, kind, payload, first, last, places):
    def edit(value):
        n = len(value)
        rows = [t for t in range(n) if places is None or t in places or t - n in places]
        chosen = torch.zeros(value.shape, dtype=torch.bool)
        chosen[rows, first:last] = True
        other = value * payload if kind == "scale" else torch.zeros_like(value)
        if kind == "fill":
            other[:, first:last] = torch.tensor(payload, dtype=value.dtype)
        return torch.where(chosen, other, value)

    return edit


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("kind", ["scale", "fill"])
@pytest.mark.parametrize("edited", EDITED, ids=lambda e: e[0])
def test_gradients_under_an_edit_equal_torch(activation, kind, edited):
    torch = pytest.importorskip("torch")
    import transformer_torch

    name, first, last, places = edited
    ours = model(activation=activation)
    payload = -0.75
    if kind == "fill":
        payload = np.random.default_rng(3).normal(size=last - first).astype(np.float32)
    at = None if places is None else np.array(places, np.int32)
    reference = transformer_torch.Transformer(ours)
    reference.edits[name] = edit_torch(torch, kind, payload, first, last, places)
    loss = reference.loss(PAIRS, LABELS)
    loss.backward()
    for shards in (1, 3):
        total, count = ours.loss(
            *ARGS,
            pack(LABELS)[0],
            taps=[(name, kind, payload, first, last, None, at)],
            shards=shards,
        )
        assert total / count == pytest.approx(loss.item(), rel=1e-6)
        transformer_torch.check_gradients(reference, ours.gradients())
