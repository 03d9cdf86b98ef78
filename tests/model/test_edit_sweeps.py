"""Sweeps: many edited runs that share their beginning give what each run alone gives."""

import numpy as np
import pytest
from batches import arguments, model, pack, sequences

from recursionlab import errors

PAIRS, LABELS = sequences(40, longest=30, seed=4)
ARGS = arguments(PAIRS)
N_SOURCE, N_TARGET = len(ARGS[0]), len(ARGS[2])
LABEL = pack(LABELS)[0]


def edits(m):
    rng = np.random.default_rng(0)
    out = []
    for name, space, width, keys in m.points():
        if name in ("hook_loss", "decoder_blocks.hook_embedded_dropped"):
            continue
        rows = {"source": N_SOURCE, "target": N_TARGET}[space]
        where = (rng.random(rows) < 0.2).astype(np.uint8)
        if name.endswith("hook_scale"):  # a norm divides by it
            out.append([(name, "scale", 2.0, 0, 1, where)])
            continue
        out.append([(name, "scale", 0.0, 0, 2, where)])
        if not keys:
            value = rng.normal(size=(rows, width)).astype(np.float32)
            out.append([(name, "replace", value, 1, width, where)])
            out.append([(name, "fill", value[0, 1:].copy(), 1, width), (name, "scale", 0.5)])
    rng.shuffle(out)
    return [*out, [tap for edit in out[:3] for tap in edit]]


def row_losses(logits, labels):
    z = logits.astype(float)
    z = z - z.max(1, keepdims=True)
    kept = np.maximum(labels, 0)
    loss = np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), kept]
    return np.where(labels < 0, 0, loss)


CONFIGS = {
    "default": {},
    "post": {"norm_place": "post", "norm": "rmsnorm"},
    "dropout": {"dropout": 0.1, "positions": "none", "share_embeddings": False},
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_each_run_of_a_sweep_is_that_run_alone(config):
    m = model(**config)
    listed = edits(m)
    others = np.roll(LABEL, 1)
    loss, other, choice = m.sweep(*ARGS, LABEL, listed, others=others)
    assert loss.shape == other.shape == choice.shape == (len(listed) + 1, N_TARGET)
    changed = 0
    for row, edit in enumerate([None, *listed]):
        logits = m.forward(*ARGS, taps=edit)
        np.testing.assert_allclose(loss[row], row_losses(logits, LABEL), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(other[row], row_losses(logits, others), rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(choice[row], logits.argmax(1))
        changed += not np.array_equal(loss[row], loss[0])
    assert changed > 0.9 * len(listed)
    again = m.sweep(*ARGS, LABEL, listed, others=others, threads=2)
    for a, b in zip((loss, other, choice), again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_only_the_rows_that_an_edit_reaches_are_redone():
    """Rows before a changed position of the decoder, and items not meant, keep every bit."""
    m = model()
    target, offsets = ARGS[2], ARGS[3]
    place = np.arange(len(target)) - np.repeat(offsets[:-1], np.diff(offsets))
    item = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    where = ((place == 3) & (item % 3 == 0)).astype(np.uint8)
    inner = [p[0] for p in m.points() if p[0].startswith("decoder_blocks.") and not p[3]]
    inner = [name for name in inner if not name.endswith(("_k", "_v")) or "self" in name]
    inner = [name for name in inner if "dropped" not in name]
    loss, _, _ = m.sweep(*ARGS, LABEL, [[(name, "scale", 3.0, 0, 0, where)] for name in inner])
    reached = (place >= 3) & (item % 3 == 0) & (LABEL >= 0)
    for name, row in zip(inner, loss[1:], strict=True):
        np.testing.assert_array_equal(row[~reached], loss[0][~reached], err_msg=name)
        assert (row[reached] != loss[0][reached]).any(), name
    for name, row in zip(inner, loss[1:], strict=True):
        logits = m.forward(*ARGS, taps=[(name, "scale", 3.0, 0, 0, where)])
        np.testing.assert_allclose(row, row_losses(logits, LABEL), rtol=1e-4, atol=1e-4)


def test_what_is_not_wanted_is_not_made():
    loss, other, choice = model().sweep(*ARGS, LABEL, [], choices=False)
    assert loss.shape == (1, N_TARGET) and other is None and choice is None


def test_sweeps_refuse_what_they_cannot_do():
    m = model()
    name, value = "decoder_blocks.0.hook_resid_mid", np.zeros((N_TARGET, 32), np.float32)
    pattern = np.zeros(4 * sum(len(s) * len(s) for s, _ in PAIRS), np.float32)
    for listed, kind, words in [
        ([[(name, "read", value)]], errors.InputError, "replace, fill and scale only"),
        ([[(name, "call", print)]], errors.InputError, "nothing is called"),
        ([[(name, "scale", 0.0, 3, 40)]], errors.InputIndexError, "columns 3 to 40"),
        ([[("hook_loss", "scale", 0.0)]], errors.InputError, "no way leads"),
        (
            [[("encoder_blocks.0.attn.hook_pattern", "replace", pattern)]],
            errors.InputError,
            "replaces no patterns",
        ),
        ([[]], errors.InputTypeError, "lists of taps"),
        ([(name, "scale", 0.0)], errors.InputTypeError, "lists of taps"),
        (((name, "scale", 0.0),), errors.InputTypeError, "lists of taps"),
    ]:
        with pytest.raises(kind, match=words):
            m.sweep(*ARGS, LABEL, listed)
    with pytest.raises(errors.InputError, match="labels"):
        m.sweep(*ARGS, LABEL[1:], [])
    with pytest.raises(errors.InputIndexError, match="labels: row 0"):
        m.sweep(*ARGS, LABEL + 99, [])
    with pytest.raises(errors.InputIndexError, match="row"):
        m.sweep(ARGS[0] + 99, *ARGS[1:], LABEL, [])
