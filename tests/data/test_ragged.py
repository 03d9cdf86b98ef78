"""Columns of sequences are cut, joined and compared as lists of lists would be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recursionlab import _core
from recursionlab.data import ragged
from recursionlab.data.dataset import Packed
from recursionlab.data.tasks import _terms
from recursionlab.errors import InputError, InputTypeError

ROWS = st.lists(st.lists(st.integers(0, 4), max_size=6), min_size=1, max_size=8)


def lists(packed):
    return [packed[i].tolist() for i in range(len(packed))]


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, st.lists(st.integers(0, 4), min_size=1, max_size=3))
def test_columns_are_as_lists(a, b, pattern):
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    p, q = Packed.of(a), Packed.of(b)
    assert lists(ragged.stack([p, q])) == a + b
    assert lists(ragged.join([p, 9, q, p])) == [x + [9] + y + x for x, y in zip(a, b, strict=True)]
    assert lists(ragged.flip(p)) == [x[::-1] for x in a]
    same = ragged.hashes(p) == ragged.hashes(q)
    assert same.tolist() == [x == y for x, y in zip(a, b, strict=True)]
    k = len(pattern)
    found = [any(x[i : i + k] == pattern for i in range(len(x))) for x in a]
    assert ragged.contains(p, pattern).tolist() == found
    common = [
        next(
            (i for i, (s, t) in enumerate(zip(x, y, strict=False)) if s != t), min(map(len, (x, y)))
        )
        for x, y in zip(a, b, strict=True)
    ]
    assert _terms._common(p, q).tolist() == common


def test_numbers_are_written_in_digits():
    values = np.array([0, 9, 10, 99, 100, 12345])
    assert ["".join(map(str, x)) for x in lists(ragged.numbers(values, 0))] == list(
        map(str, values)
    )


def test_draws_depend_on_seed_salt_and_item_alone():
    items = np.arange(4000, dtype=np.uint64)
    one = _core.below(items, 10, 3, 1)
    assert np.bincount(one.astype(int), minlength=10).min() > 320  # 400 are expected
    np.testing.assert_array_equal(_core.below(items[100:200].copy(), 10, 3, 1), one[100:200])
    for seed, salt in ((4, 1), (3, 2)):
        assert (_core.below(items, 10, seed, salt) == one).mean() < 0.15
    np.testing.assert_array_equal(
        _core.permute_at(5000, items, 3, 7), _core.permute(5000, 0, 4000, 3, 7)
    )
    with pytest.raises(InputError, match="items: expected numbers below 10, got 10"):
        _core.permute_at(10, items, 3, 7)
    with pytest.raises(InputError, match="n: expected at least 1"):
        _core.below(items, 0, 3, 7)
    with pytest.raises(InputTypeError, match="items"):
        _core.below(items.astype(np.int64), 3, 3, 7)
