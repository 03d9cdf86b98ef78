"""Decoding step by step on the cache equals whole forward passes, whoever else is in the batch."""

import numpy as np
import pytest
from batches import arguments, model, pack, sequences

from recursionlab import errors

PAIRS, _ = sequences(4, seed=8)


def i32(*values):
    return np.array(values, np.int32)


def opened(m):
    m.open_cache(4, 9, 6, 10)
    for k, (source, _) in enumerate(PAIRS):
        m.encode(*pack([source]), i32(k))
    return m


CONFIGS = [
    {},
    {"norm_place": "post"},
    {"positions": "sinusoidal"},
    {"positions": "rotary", "n_kv_heads": 2, "activation": "swiglu"},
    {"positions": "rotary", "max_positions": 3},
    {"positions": "alibi", "n_heads": 3, "d_head": 4},
    {"positions": "relative", "relative_buckets": 4, "relative_distance": 5},
    {"embedding_norm": True, "scale_logits": True, "share_layers": True},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_steps_equal_the_whole_forward(config):
    m = opened(model(**config))
    slot = [5, 0, 3, 1]
    whole = np.split(m.forward(*arguments(PAIRS)), np.cumsum([len(t) for _, t in PAIRS])[:-1])
    for step in range(max(len(t) for _, t in PAIRS)):
        active = [r for r, (_, t) in enumerate(PAIRS) if step < len(t)]
        tokens = pack([[PAIRS[r][1][step]] for r in active])
        got = m.step(*tokens, i32(*[slot[r] for r in active]), i32(*active))
        for k, r in enumerate(active):
            np.testing.assert_allclose(got[k], whole[r][step], rtol=1e-4, atol=1e-4)
    assert [m.slot_rows("target", s) for s in slot] == [len(t) for _, t in PAIRS]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_steps_of_a_decoder_alone_equal_the_whole_forward(config):
    m = model(architecture="decoder_only", **config)
    m.open_cache(0, 0, 3, 12)
    line = np.arange(12) % 13
    whole = m.forward(None, None, *pack([line]))
    got = [m.step(*pack([line[:5]]), i32(2), i32(0))]
    got += [m.step(*pack([[t]]), i32(2), i32(0)) for t in line[5 : len(whole)]]
    np.testing.assert_allclose(np.concatenate(got), whole, rtol=1e-4, atol=1e-4)


def test_randomised_positions_spread_over_what_a_slot_may_hold():
    m = model(architecture="decoder_only", positions="randomised", max_positions=40)
    m.open_cache(0, 0, 1, 8)
    line = [3, 1, 4, 1, 5, 9, 2, 6]
    whole = m.forward(None, None, *pack([line]))
    got = [m.step(*pack([[t]]), i32(0), i32(0)) for t in line]
    np.testing.assert_allclose(np.concatenate(got), whole, rtol=1e-4, atol=1e-4)


def test_neighbours_change_no_bit_of_a_step():
    m = opened(model())
    together = m.step(*pack([[1], [2], [3]]), i32(0, 1, 2), i32(2, 1, 0))
    alone = [m.step(*pack([[t]]), i32(3 + k), i32(2 - k)) for k, t in enumerate((1, 2, 3))]
    np.testing.assert_array_equal(np.concatenate(alone), together)


def test_a_prompt_at_once_equals_its_tokens_one_by_one():
    m = opened(model())
    prompt = [4, 7, 1, 9]
    whole = m.step(*pack([prompt]), i32(0), i32(1))
    steps = [m.step(*pack([[t]]), i32(1), i32(1)) for t in prompt]
    np.testing.assert_allclose(np.concatenate(steps), whole, rtol=1e-4, atol=1e-4)


def test_copied_slots_go_on_as_the_original():
    m = opened(model())
    m.step(*pack([[3, 5], [1]]), i32(0, 1), i32(2, 2))
    m.slot_copy("target", 0, 1)
    a, b = m.step(*pack([[6], [6]]), i32(0, 1), i32(2, 2))
    np.testing.assert_array_equal(a, b)


def test_a_reset_slot_begins_anew():
    m = opened(model())
    first = m.step(*pack([[3]]), i32(0), i32(2))
    m.slot_reset("target", 0)
    assert m.slot_rows("target", 0) == 0
    np.testing.assert_array_equal(m.step(*pack([[3]]), i32(0), i32(2)), first)
    m.slot_reset("source", 2)
    m.encode(*pack([PAIRS[0][0]]), i32(2))
    m.slot_reset("target", 0)
    assert np.abs(m.step(*pack([[3]]), i32(0), i32(2)) - first).max() > 0


def test_misuse_is_refused_with_a_reason():
    m = model()
    with pytest.raises(errors.InputError, match="open_cache comes before"):
        m.encode(*pack([[1]]), i32(0))
    opened(m)
    one = pack([[1]])
    for kind, words, call in [
        (errors.InputIndexError, "slot 6 of 6", lambda: m.step(*one, i32(6), i32(0))),
        (errors.InputIndexError, "slot 4 of 4 of source", lambda: m.step(*one, i32(0), i32(4))),
        (errors.InputError, "twice", lambda: m.step(*pack([[1], [1]]), i32(2, 2), i32(0, 0))),
        (errors.InputError, "room for 10", lambda: m.step(*pack([[1] * 11]), i32(0), i32(0))),
        (errors.InputIndexError, "expected 0 to 12", lambda: m.step(*pack([[13]]), i32(0), i32(0))),
        (errors.InputError, "one a sequence", lambda: m.step(*one, i32(0, 1), i32(0, 1))),
        (errors.InputError, "one a slot", lambda: m.step(*one, i32(0), i32(0, 1))),
        (errors.InputError, "source or target", lambda: m.slot_rows("both", 0)),
        (errors.InputIndexError, "expected 0 to 5", lambda: m.slot_copy("target", 0, 6)),
        (errors.InputError, "at least 0", lambda: m.open_cache(1, -1, 1, 1)),
    ]:
        with pytest.raises(kind, match=words):
            call()
    m = model(architecture="decoder_only")
    m.open_cache(0, 0, 1, 9)
    with pytest.raises(errors.InputError, match="no encoder"):
        m.encode(*one, i32(0))
    m = model(max_positions=4)
    m.open_cache(1, 9, 1, 9)
    with pytest.raises(errors.InputError, match="positions end at 4"):
        m.encode(*pack([[1] * 5]), i32(0))
