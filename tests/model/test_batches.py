"""Batches: neighbours, shards and threads change no bit; capacity grows; what is wrong is said."""

import numpy as np
import pytest
from batches import arguments, model, pack, sequences

from recursionlab import _core, errors

PAIRS, LABELS = sequences(9, seed=6)


def test_neighbours_change_no_bit():
    m = model()
    whole = m.forward(*arguments(PAIRS))
    row = 0
    for pair in PAIRS:
        alone = m.forward(*arguments([pair]))
        np.testing.assert_array_equal(alone, whole[row : row + len(alone)])
        row += len(alone)


@pytest.mark.parametrize("shards", [2, 3, 20])
def test_shards_change_no_bit_of_logits(shards):
    m = model()
    whole = m.forward(*arguments(PAIRS))
    np.testing.assert_array_equal(m.forward(*arguments(PAIRS), shards=shards, threads=2), whole)


def test_threads_change_no_bit_of_gradients():
    m = model(dropout=0.2, attention_dropout=0.1)
    got = []
    for threads in (1, 2, 3):
        m.loss(*arguments(PAIRS), pack(LABELS)[0], shards=4, threads=threads, seed=3, step=7)
        got.append(m.grads.copy())
    assert np.array_equal(got[0], got[1]) and np.array_equal(got[0], got[2])


def test_dropout_is_a_function_of_seed_step_and_sequence():
    m = model(dropout=0.3)
    args, labels = arguments(PAIRS), pack(LABELS)[0]

    def loss(**kw):
        return m.loss(*args, labels, **kw)[0]

    assert loss(seed=1) == loss(seed=1)
    assert loss(seed=1, shards=3) == pytest.approx(loss(seed=1), rel=1e-12)
    assert (
        len(
            {
                loss(seed=1),
                loss(seed=2),
                loss(seed=1, step=1),
                loss(training=False, gradients=False),
            }
        )
        == 4
    )
    order = [4, 2, 0, 1, 3, 8, 7, 6, 5]
    moved = arguments([PAIRS[i] for i in order]), pack([LABELS[i] for i in order])[0]
    ids = np.array(order, np.int64)
    assert m.loss(*moved[0], moved[1], ids=ids, seed=1)[0] == pytest.approx(loss(seed=1), rel=1e-9)


def test_shards_sum_to_the_whole_gradient():
    m = model()
    args, labels = arguments(PAIRS), pack(LABELS)[0]
    one = m.loss(*args, labels)
    want = m.grads.copy()
    three = m.loss(*args, labels, shards=3)
    assert one[1] == three[1] and one[0] == pytest.approx(three[0], rel=1e-12)
    np.testing.assert_allclose(m.grads, want, rtol=1e-4, atol=1e-6)


def test_capacity_grows_and_results_stay():
    m = model()
    small, large = sequences(2, 3, seed=1), sequences(40, 30, seed=2)
    first = m.forward(*arguments(small[0]))
    before = m.bytes
    grown = m.forward(*arguments(large[0]))
    assert m.bytes > before
    np.testing.assert_array_equal(m.forward(*arguments(small[0])), first)
    np.testing.assert_array_equal(model().forward(*arguments(large[0])), grown)


def test_allocation_failures_leave_a_model_that_works():
    m = model()
    args = arguments(PAIRS)
    want = model().forward(*args)
    for n in range(1, 200):
        _core.alloc_fail_after(n)
        try:
            got = m.forward(*args)
            break
        except MemoryError:
            continue
        finally:
            _core.alloc_fail_after(0)
    assert n > 3
    np.testing.assert_array_equal(got, want)


def test_allocation_failures_while_making_a_model_are_errors():
    for n in range(1, 400):
        _core.alloc_fail_after(n)
        try:
            _core.Model("transformer", {"vocab_size": 5, "d_model": 8})
            break
        except MemoryError:
            continue
        finally:
            _core.alloc_fail_after(0)
    assert n > 10


def test_empty_batches_and_empty_targets_are_batches():
    m = model()
    empty = np.zeros(0, np.int32), np.zeros(1, np.int64)
    assert m.forward(*empty, *empty).shape == (0, 13)
    pairs = [([1, 2], []), ([3], [4])]
    assert m.forward(*arguments(pairs)).shape == (1, 13)


def test_decay_and_padding_of_the_flat_buffers():
    m = model(d_mlp=17)
    used = np.zeros(len(m.params), bool)
    for name, offset, shape in m.layout():
        assert offset % 16 == 0
        assert m.parameters()[name].shape == shape
        used[offset : offset + int(np.prod(shape))] = True
    m.loss(*arguments(PAIRS), pack(LABELS)[0])
    assert used.sum() == m.n_params
    assert not m.params[~used].any() and not m.grads[~used].any()
    assert m.params.ctypes.data % 64 == 0 and m.grads.ctypes.data % 64 == 0


def test_flops_count_the_products():
    m = _core.Model(
        "transformer", {"vocab_size": 10, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1}
    )
    s, t = np.array([0, 3, 8], np.int64), np.array([0, 2, 6], np.int64)
    enc, dec = 4 * 16 * 16 + 2 * 16 * 64, 6 * 16 * 16 + 2 * 16 * 64
    linear = 8 * enc + 6 * dec + 8 * 2 * 16 * 16 + 6 * 16 * 10
    cells = (9 + 25) + (4 + 16) / 2 + (6 + 20)
    assert m.flops(s, t, False) == 2 * linear + 4 * 16 * cells
    assert m.flops(s, t) == 3 * m.flops(s, t, False)


def refused(kind, words, change, labels=None, **config):
    m = model(**config)
    args = list(arguments(PAIRS))
    change(args)
    with pytest.raises(kind, match=words):
        if labels is None:
            m.forward(*args)
        else:
            m.loss(*args, labels)


def test_bad_batches_are_refused_with_a_reason():
    def put(i, at, value):
        def change(args):
            args[i] = args[i].copy()
            args[i][at] = value

        return change

    def swap(i, value):
        return lambda args: args.__setitem__(i, value)

    source, offsets = arguments(PAIRS)[:2]
    bad_index = errors.InputIndexError
    refused(bad_index, "source tokens: row 2: expected 0 to 12, got 13", put(0, 2, 13))
    refused(bad_index, "target tokens: row 0: expected 0 to 12, got -1", put(2, 0, -1))
    refused(errors.InputError, "source_offsets: .*never fall", put(1, 1, 99))
    refused(errors.InputError, "source_offsets: expected offsets from 0", put(1, -1, 3))
    refused(errors.InputTypeError, "int64", swap(1, offsets.astype(np.int32)))
    refused(errors.InputTypeError, "int32", swap(0, source.astype(np.int64)))
    refused(errors.InputTypeError, "NumPy array", swap(0, source.tolist()))
    refused(errors.InputError, "as many targets", swap(3, np.array([0, len(arguments(PAIRS)[2])])))
    labels = pack(LABELS)[0]
    labels[3] = -1
    refused(bad_index, "labels: row 3: .*or -100", lambda args: None, labels)
    refused(errors.InputError, "label for each", lambda args: None, labels[1:])
    refused(errors.InputError, "at least one label", lambda args: None, np.full_like(labels, -100))
    refused(
        errors.InputError, "positions end at 4.*more positions", lambda args: None, max_positions=4
    )


def test_bad_run_arguments_are_refused():
    m, args, labels = model(), arguments(PAIRS), pack(LABELS)[0]
    with pytest.raises(errors.InputError, match="threads"):
        m.forward(*args, threads=0)
    with pytest.raises(errors.InputError, match="shards"):
        m.forward(*args, shards=0)
    with pytest.raises(errors.InputError, match="training=True"):
        m.loss(*args, labels, training=False)
    with pytest.raises(errors.InputError, match="as many"):
        m.loss(*args, labels, ids=np.zeros(2, np.int64))
    with pytest.raises(errors.InputError, match="target_offsets"):
        m.flops(args[1], args[3][:2])
