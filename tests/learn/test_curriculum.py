"""Curricula: items in the order of their levels, opened by steps or success, resumed to the bit."""

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.errors import ConfigError, InputTypeError
from recursionlab.learn import load_run
from recursionlab.learn.config import TrainConfig
from recursionlab.learn.curriculum import in_levels

SHAPE = rlab.Transformer(d_model=16, encoder_layers=1, decoder_layers=1)
BY_STEPS = {"curriculum": "size", "curriculum_kind": "increasing", "curriculum_steps": 6}


@pytest.fixture(scope="module")
def data():
    return rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(1, 8), measures=["carry"])


def plan(data, **options):
    options = {"curriculum": "size", "curriculum_kind": "level", "curriculum_steps": 5, **options}
    return in_levels(data["train"], data["valid"], TrainConfig.from_dict(options))


def test_items_stand_in_the_order_of_their_levels(data):
    split, levels = plan(data, curriculum_levels=[3, 5])
    size = split.column("size")
    for level, (low, top) in enumerate([(0, 3), (3, 5), (5, 7)]):
        first, last = levels.items(level)
        assert last - first == ((size > low) & (size <= top)).sum() > 0
        assert ((size[first:last] > low) & (size[first:last] <= top)).all()
    assert sorted(split.ids(i) for i in range(len(split))) == sorted(
        data["train"].ids(i) for i in range(len(split))
    )
    _, added = plan(data, curriculum_levels=[3, 5], curriculum_kind="increasing")
    assert [added.items(k) for k in range(3)] == [(0, levels.items(k)[1]) for k in range(3)]
    # Without levels every value is one; the topmost level asked for may be the last there is.
    assert len(plan(data)[1].ends) == len(np.unique(data["train"].column("size")))
    assert len(plan(data, curriculum_levels=[3, 7])[1].ends) == 2


def test_a_measure_without_a_column_may_say_how_hard_an_item_is(data):
    split, levels = plan(data, curriculum="borrow", curriculum_levels=[0])
    first, last = levels.items(1)
    assert (split.column("borrow")[:first] == 0).all() and (
        split.column("borrow")[first:] > 0
    ).all()
    assert last == len(split)


@pytest.mark.parametrize("kind", ["increasing", "level"])
def test_steps_open_levels_and_a_stopped_run_goes_on_to_the_same_bytes(data, tmp_path, kind):
    options = {
        **BY_STEPS,
        "curriculum_kind": kind,
        "curriculum_levels": [3, 5],
        "steps": 20,
        "batch_size": 8,
        "log_every": 3,
        "save_every": 4,
        "progress": False,
    }
    whole = rlab.train(SHAPE, data["train"], output=tmp_path / "whole", threads=1, **options)
    levels = {row["step"]: row["level"] for row in whole.metrics}
    # Level k is opened after update 6 k; a row speaks of the updates before it.
    assert levels == {3: 0, 6: 0, 9: 1, 12: 1, 15: 2, 18: 2, 20: 2}

    def stop(seen):
        def threads():
            seen.append(1)
            if len(seen) == 6:
                raise KeyboardInterrupt
            return 1

        return threads

    with pytest.raises(KeyboardInterrupt):
        rlab.train(SHAPE, data["train"], output=tmp_path / "run", threads=stop([]), **options)
    assert load_run(tmp_path / "run").step < 20
    again = rlab.train(None, data["train"], resume=tmp_path / "run", threads=1, progress=False)
    assert again.model.params.tobytes() == whole.model.params.tobytes()
    plain = {k: v for k, v in options.items() if not k.startswith("curriculum")}
    other = rlab.train(SHAPE, data["train"], threads=1, **plain)
    assert other.model.params.tobytes() != whole.model.params.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"curriculum_kind": "sometimes"}, "expected one of success, increasing, level"),
        ({"curriculum_levels": [3, 3]}, "expected rising whole numbers"),
        ({"curriculum_levels": [1.5]}, "expected rising whole numbers"),
        ({"curriculum_steps": 0}, "curriculum_steps: expected at least 1 exactly where"),
        ({"curriculum_kind": "success", "eval_every": 5}, "curriculum_steps: expected at least 1"),
        ({"curriculum_levels": [3, 20, 30]}, "no item of the training split has size above 20"),
        ({"curriculum": "colour"}, "curriculum: no column 'colour'"),
    ],
)
def test_a_curriculum_that_cannot_be_followed_is_refused(data, options, message):
    with pytest.raises(ConfigError, match=message):
        plan(data, **options)


def test_pairs_without_columns_have_no_curriculum(data):
    class Bare:
        input_ids, input_offsets = data["train"].input_ids, data["train"].input_offsets
        labels, label_offsets = data["train"].labels, data["train"].label_offsets
        vocabulary = data["train"].vocabulary

    with pytest.raises(InputTypeError, match="splits of a data set"):
        in_levels(Bare(), None, TrainConfig.from_dict(BY_STEPS))
