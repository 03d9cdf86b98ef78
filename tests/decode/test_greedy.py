"""Greedy decoding with a cache against whole forward passes, one item at a time."""

import sys
from pathlib import Path

import numpy as np
import pytest
from reference import learning as ref

from recursionlab import _core
from recursionlab.errors import DivergedError, InputError, InputTypeError

sys.path.insert(0, str(Path(__file__).parents[1] / "learn"))
from learners import copy_split, model_for, trainer_for  # noqa: E402


def half_taught(length=6, **shape):
    """Return a model that knows its task in part, so that outputs differ in length and content."""
    split = copy_split(80, length, letters=5)
    model, trainer = trainer_for(split, model_for(split, **shape), lr=3e-3, batch_size=16)
    trainer.run(60, 1)
    return split, model


def decode(model, split, max_length=10, batch_size=7, threads=1):
    return _core.decode(
        model, split.input_ids, split.input_offsets, "greedy", max_length, batch_size, threads
    )[:4]


@pytest.mark.parametrize(
    "shape",
    [{}, {"encoder_layers": 2, "decoder_layers": 3, "norm_place": "post", "positions": "none"}],
    ids=["plain", "deeper"],
)
def test_outputs_are_those_of_whole_forward_passes(shape):
    split, model = half_taught(**shape)

    def logits_of(source, target):
        return model.forward(
            np.array(source, np.int32),
            np.array([0, len(source)]),
            np.array(target, np.int32),
            np.array([0, len(target)]),
        )

    ids, offsets, scores, finished = decode(model, split, max_length=8)
    for i in range(len(split)):
        source = split.input_ids[split.input_offsets[i] : split.input_offsets[i + 1]]
        said, score, ended = ref.greedy(logits_of, source, 8)
        assert ids[offsets[i] : offsets[i + 1]].tolist() == said
        assert scores[i] == pytest.approx(score, abs=1e-4)
        assert finished[i] == ended
    assert 0 < finished.sum() and len(set(np.diff(offsets))) > 2


def test_batch_size_and_threads_change_no_bit():
    split, model = half_taught()
    found = {
        b"".join(a.tobytes() for a in decode(model, split, batch_size=size, threads=threads))
        for size in (1, 2, 7, 64, 1000)
        for threads in (1, 2, 3)
    }
    assert len(found) == 1


def test_outputs_do_not_depend_on_what_is_decoded_beside_them():
    split, model = half_taught()
    ids, offsets, scores, _ = decode(model, split)
    for i in (0, 17, 79):
        part = split.input_ids[split.input_offsets[i] : split.input_offsets[i + 1]]
        alone = _core.decode(model, part, np.array([0, len(part)]), "greedy", 10, 4, 1)
        assert alone[0].tolist() == ids[offsets[i] : offsets[i + 1]].tolist()
        assert alone[2][0] == scores[i]


def test_a_long_output_is_cut_and_says_so():
    split, model = half_taught()
    whole = decode(model, split, max_length=12)
    cut = decode(model, split, max_length=2)
    for i in range(len(split)):
        long = whole[0][whole[1][i] : whole[1][i + 1]].tolist()
        short = cut[0][cut[1][i] : cut[1][i + 1]].tolist()
        assert short == long[:2]
        assert cut[3][i] == (len(long) <= 2)


def test_nothing_and_empty_sources_decode():
    split, model = half_taught()
    ids, offsets, scores, finished = _core.decode(
        model, np.zeros(0, np.int32), np.zeros(1, np.int64), "greedy", 4, 2, 2
    )[:4]
    assert len(ids) == len(scores) == len(finished) == 0 and offsets.tolist() == [0]
    empty = _core.decode(model, np.zeros(0, np.int32), np.zeros(4, np.int64), "greedy", 4, 2, 2)
    assert len(empty[1]) == 4 and np.isfinite(empty[2]).all()


def test_many_long_sources_enter_as_room_allows():
    split = copy_split(40, 30, letters=5)
    model = model_for(split)
    wide, narrow = decode(model, split, batch_size=40), decode(model, split, batch_size=1)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(wide, narrow, strict=True))


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"max_length": 0}, InputError, "max_length"),
        ({"max_length": 32}, InputError, "max_length: expected at most 31"),
        ({"batch_size": 0}, InputError, "batch_size"),
        ({"threads": 0}, InputError, "threads"),
        ({"method": "best"}, InputError, "method: expected one of greedy, .*, got 'best'"),
        ({"ids": np.array([99], np.int32)}, InputError, "input_ids: .*another vocabulary"),
        ({"ids": np.array([3.0])}, InputTypeError, "input_ids"),
        ({"offsets": np.array([0, 2])}, InputError, "input_offsets"),
        ({"ids": np.full(33, 3, np.int32), "offsets": np.array([0, 33])}, InputError, "33"),
        ({"model": 3}, InputTypeError, "model"),
    ],
)
def test_misuse_is_refused_by_name(change, error, match):
    arguments = {
        "model": model_for(copy_split()),
        "ids": np.array([3], np.int32),
        "offsets": np.array([0, 1]),
        "method": "greedy",
        "max_length": 4,
        "batch_size": 2,
        "threads": 1,
    }
    with pytest.raises(error, match=match):
        _core.decode(*{**arguments, **change}.values())


def test_logits_that_are_not_finite_are_an_error_with_the_item():
    split = copy_split()
    model = model_for(split)
    model.params[:] = np.nan
    with pytest.raises(DivergedError, match="item"):
        decode(model, split, threads=2)


def test_want_of_memory_is_an_exception():
    split = copy_split()
    model = model_for(split)
    failures = 0
    for n in range(1, 200):
        _core.alloc_fail_after(n)
        try:
            decode(model, split)
        except MemoryError:
            failures += 1
        else:
            break
        finally:
            _core.alloc_fail_after(0)
    assert 5 < failures < 199
