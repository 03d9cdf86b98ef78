"""Beam search against whole forward passes, by the rules of Hugging Face `generate`."""

import numpy as np
import pytest
from reference import decoding as ref
from searches import decode, every_batching, half_taught, logits_by, outputs, sources

from recursionlab import _core
from recursionlab.errors import DivergedError, InputError

NAMES = {False: "false", True: "true", "never": "never"}


@pytest.fixture(scope="module")
def taught():
    return half_taught()


@pytest.mark.parametrize("early", [False, True, "never"])
@pytest.mark.parametrize("penalty", [1.0, 0.0, 2.5, -1.0])
def test_outputs_are_those_of_whole_forward_passes(taught, early, penalty):
    split, model = taught
    logits_of = logits_by(model)
    found = decode(
        model,
        split,
        "beam",
        num_beams=3,
        num_return_sequences=3,
        length_penalty=penalty,
        early_stopping=NAMES[early],
    )
    for source, said in zip(sources(split), outputs(found, 3), strict=True):
        truth = ref.beam(logits_of, source, 6, 3, penalty, early)
        assert [one[0] for one in said] == [one[0] for one in truth]
        assert [one[4] for one in said] == [one[3] for one in truth]
        assert [one[1] for one in said] == pytest.approx([one[1] for one in truth], abs=1e-4)
        assert [one[3] for one in said] == pytest.approx([one[2] for one in truth], abs=1e-4)


def test_the_ways_to_stop_differ(taught):
    split, model = taught
    options = {"num_beams": 3, "num_return_sequences": 3, "length_penalty": 2.0}
    found = [
        outputs(decode(model, split, "beam", early_stopping=early, **options), 3)
        for early in NAMES.values()
    ]
    assert found[0] != found[1] and found[1] != found[2]


def test_batch_size_and_threads_change_no_bit(taught):
    split, model = taught
    options = {"num_beams": 4, "num_return_sequences": 4, "alternatives": 2}
    assert len(every_batching(model, split, "beam", **options)) == 1


def test_one_beam_is_greedy(taught):
    split, model = taught
    for max_length in (2, 6):
        beam = outputs(decode(model, split, "beam", max_length))
        greedy = outputs(decode(model, split, "greedy", max_length))
        for one, other in zip(beam, greedy, strict=True):
            assert one[0][0] == other[0][0] and one[0][4] == other[0][4]
            assert one[0][1] == pytest.approx(other[0][1], abs=1e-9)


def test_a_beam_as_wide_as_the_outputs_finds_the_best(taught):
    split, model = taught
    source = sources(split)[1]
    found = _core.decode(
        model,
        source,
        np.array([0, len(source)]),
        *("beam", 2, 1, 1),
        num_beams=64,
        length_penalty=0.0,
        early_stopping="never",
    )
    truth = ref.everything(logits_by(model), source, 2)
    best = max((p, output) for output, p in truth.items() if output[1])
    assert found[0].tolist() == list(best[1][0])
    assert found[2][0] == pytest.approx(np.log(best[0]), abs=1e-4)


def test_more_beams_than_tokens_are_fewer_at_first(taught):
    split, model = taught
    found = outputs(decode(model, split, "beam", 1, num_beams=64, num_return_sequences=64), 64)
    for item in found:
        said = [tuple(one[0]) for one in item if one[4]]
        assert len(set(said)) == len(said) == 8  # <eos> at once, or after each other token


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"num_beams": 0}, "num_beams"),
        ({"num_beams": 2, "num_return_sequences": 3}, "num_return_sequences: expected at most"),
    ],
    ids=str,
)
def test_misuse_is_refused_by_name(taught, options, match):
    split, model = taught
    with pytest.raises(InputError, match=match):
        decode(model, split, "beam", **options)
    with pytest.raises(InputError, match="num_beams: expected 1 for method 'greedy'"):
        decode(model, split, "greedy", num_beams=2)


@pytest.mark.parametrize("method", ["sample", "beam", "gumbel"])
def test_logits_that_are_not_finite_are_an_error_with_the_item(method):
    split, model = half_taught(steps=1)
    model.params[:] = np.nan
    with pytest.raises(DivergedError, match="item"):
        decode(model, split, method, threads=2)


@pytest.mark.parametrize("method", ["sample", "beam", "gumbel"])
def test_want_of_memory_is_an_exception(taught, method):
    split, model = taught
    failures = 0
    for n in range(1, 300):
        _core.alloc_fail_after(n)
        try:
            decode(model, split, method, alternatives=2)
        except MemoryError:
            failures += 1
        else:
            break
        finally:
            _core.alloc_fail_after(0)
    assert 20 < failures < 299
