"""Models of one stack: what they read, what is refused, and positions drawn in training."""

import numpy as np
import pytest
from batches import arguments, model, pack, sequences

from recursionlab import errors

LINES = [(None, t) for _, t in sequences(6, 9, seed=3)[0]]
LABELS = pack([t for _, t in LINES])[0]
ONE = [{"architecture": "decoder_only"}, {"architecture": "encoder_only"}]


@pytest.mark.parametrize("config", ONE, ids=str)
def test_neighbours_change_no_bit(config):
    m = model(**config)
    whole = m.forward(*arguments(LINES))
    alone = [m.forward(*arguments([line])) for line in LINES]
    np.testing.assert_array_equal(np.concatenate(alone), whole)
    np.testing.assert_array_equal(m.forward(*arguments(LINES), shards=3, threads=2), whole)


def test_a_decoder_sees_nothing_of_what_comes_and_an_encoder_sees_all():
    for config, sees in zip(ONE, (False, True), strict=True):
        m = model(**config)
        a = m.forward(None, None, *pack([[1, 2, 3, 4]]))
        b = m.forward(None, None, *pack([[1, 2, 3, 5]]))
        assert (np.abs(a[:3] - b[:3]).max() > 0) == sees


def test_points_have_the_names_of_a_model_with_one_stack():
    for config in ONE:
        names = {row[0] for row in model(**config).points()}
        assert {
            "embed.hook_out",
            "blocks.1.attn.hook_pattern",
            "blocks.0.hook_resid_mid",
            "ln_final.hook_out",
        } <= names
        assert not any("cross" in name or "encoder" in name for name in names)


def test_sources_have_no_place_in_a_model_of_one_stack():
    m = model(architecture="decoder_only")
    tokens = pack([[1, 2]])
    with pytest.raises(errors.InputTypeError, match="reads one sequence"):
        m.forward(*tokens, *tokens)
    with pytest.raises(errors.InputTypeError, match="expected arrays"):
        model().forward(None, None, *tokens)
    with pytest.raises(errors.InputTypeError, match="expected"):
        model().forward(None, *tokens[1:], *tokens)
    assert m.flops(None, tokens[1]) > 0


def test_one_table_longer_than_the_positions_is_an_error_and_others_extend():
    long = pack([list(range(10)) * 2])
    for kind in ("learned", "sinusoidal", "randomised"):
        m = model(architecture="decoder_only", positions=kind, max_positions=19)
        with pytest.raises(errors.InputError, match="positions end at 19"):
            m.forward(None, None, *long)
    for kind in ("none", "rotary", "alibi", "relative"):
        m = model(architecture="decoder_only", positions=kind, max_positions=19)
        assert np.isfinite(m.forward(None, None, *long)).all()


def test_randomised_positions_are_a_function_of_seed_step_and_sequence():
    m = model(architecture="decoder_only", positions="randomised", max_positions=64)
    args = arguments(LINES)

    def loss(**more):
        return m.loss(*args, LABELS, **more)[0]

    assert loss(seed=1) == loss(seed=1)
    assert loss(seed=1, shards=3, threads=2) == pytest.approx(loss(seed=1), rel=1e-12)
    drawn = {loss(seed=1), loss(seed=2), loss(seed=1, step=1)}
    assert len(drawn | {loss(training=False, gradients=False)}) == 4
    ids = np.arange(5, -1, -1)
    moved = arguments(LINES[::-1])
    labels = pack([t for _, t in LINES[::-1]])[0]
    assert m.loss(*moved, labels, ids=ids, seed=1)[0] == pytest.approx(loss(seed=1), rel=1e-9)


def test_randomised_positions_rise_and_every_row_is_drawn():
    m = model(architecture="decoder_only", positions="randomised", max_positions=16)
    m.parameters()["decoder.embed_positions.weight"][:] = np.arange(16)[:, None]
    line = [(None, [1, 2, 3, 4])]
    seen = []
    for step in range(200):
        out = np.zeros((4, 32), np.float32)
        tap = ("pos_embed.hook_out", "read", out)
        m.loss(*arguments(line), np.array([1, 2, 3, 4], np.int32), step=step, taps=[tap])
        assert (np.diff(out[:, 0]) > 0).all()
        seen += out[:, 0].tolist()
    counts = np.bincount(np.array(seen, int), minlength=16)
    assert counts.min() > 20 and counts.max() < 90  # 50 expected of each


def test_shared_depth_has_the_weights_of_one_block():
    deep, one = (model(share_layers=True, encoder_layers=n) for n in (5, 1))
    assert deep.n_params == one.n_params < model(encoder_layers=5).n_params
    assert {row[0] for row in deep.points()} >= {"encoder_blocks.4.hook_resid_post"}
