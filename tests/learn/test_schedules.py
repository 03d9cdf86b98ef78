"""Learning rates are functions of the step alone; an epoch has every item once."""

import numpy as np
import pytest
from reference import learning as ref

from recursionlab import _core
from recursionlab.errors import InputError
from recursionlab.learn.config import SCHEDULES


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (50, 0), (50, 7), (50, 50), (10, 80)])
@pytest.mark.parametrize("lr_end", [0.0, 0.1])
def test_rates_follow_the_formula(schedule, steps, warmup, lr_end):
    for step in range(steps + 3):
        got = _core.learning_rate(schedule, steps, warmup, 3e-3, lr_end, step)
        want = ref.learning_rate(schedule, steps, warmup, 3e-3, lr_end, step)
        assert got == pytest.approx(want, rel=1e-13, abs=1e-18)


def test_the_warm_up_rises_to_the_peak_and_the_schedule_falls_to_its_end():
    rates = [_core.learning_rate("cosine", 100, 10, 1.0, 0.1, s) for s in range(101)]
    assert rates[9] == 1.0 == rates[10]
    assert np.all(np.diff(rates[10:]) < 0)
    assert rates[100] == pytest.approx(0.1)
    rates = [_core.learning_rate("inverse_sqrt", 100, 16, 1.0, 0.0, s) for s in range(64)]
    assert rates[15] == 1.0 and rates[63] == 0.5 and np.all(np.diff(rates[15:]) < 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("cubic", 10, 0, 1.0, 0.0, 0),
        ("cosine", 0, 0, 1.0, 0.0, 0),
        ("cosine", 10, -1, 1.0, 0.0, 0),
        ("cosine", 10, 0, float("nan"), 0.0, 0),
        ("cosine", 10, 0, 1.0, 2.0, 0),
        ("cosine", 10, 0, 1.0, 0.0, -1),
    ],
)
def test_wrong_schedules_are_refused(arguments):
    with pytest.raises(InputError, match="expected"):
        _core.learning_rate(*arguments)


@pytest.mark.parametrize(("pairs", "batch_size"), [(1, 1), (1, 8), (17, 4), (64, 64), (100, 7)])
def test_an_epoch_has_every_item_once(pairs, batch_size):
    steps = -(-pairs // batch_size)
    for epoch in range(3):
        parts = [_core.batch_items(pairs, batch_size, 5, epoch * steps + i) for i in range(steps)]
        assert all(len(part) == batch_size for part in parts[:-1])
        assert sorted(np.concatenate(parts)) == list(range(pairs))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = {
        (seed, epoch): tuple(_core.batch_items(1000, 1000, seed, epoch))
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    assert len(set(orders.values())) == 4
    together = np.mean(np.array(orders[0, 0]) == np.array(orders[1, 0]))
    assert together < 0.01


@pytest.mark.parametrize(
    "arguments", [(0, 1, 0, 0), (1, 0, 0, 0), (1, 1, 0, -1), (1, 1 << 30, 0, 0)]
)
def test_wrong_batches_are_refused(arguments):
    with pytest.raises(InputError, match="batch_items"):
        _core.batch_items(*arguments)
