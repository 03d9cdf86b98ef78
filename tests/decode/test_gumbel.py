"""Sampling without replacement against whole forward passes, and its probabilities."""

import math

import numpy as np
import pytest
from reference import decoding as ref
from searches import (
    copy_split,
    decode,
    every_batching,
    half_taught,
    logits_by,
    model_for,
    numbers,
    outputs,
    sources,
)

from recursionlab import _core
from recursionlab.errors import InputError


@pytest.fixture(scope="module")
def taught():
    return half_taught()


@pytest.mark.parametrize(
    "filters", [{}, {"temperature": 1.5, "top_k": 5}, {"temperature": 2.0, "top_p": 0.9}], ids=str
)
def test_outputs_are_those_of_whole_forward_passes(taught, filters):
    split, model = taught
    logits_of = logits_by(model)
    found = decode(
        model, split, "gumbel", 4, num_beams=4, num_return_sequences=4, seed=9, **filters
    )
    for i, source in enumerate(sources(split)):
        truth = ref.gumbel(logits_of, source, 4, 4, numbers(9, i), **filters)
        said = outputs(found, 4)[i][: len(truth)]
        assert [one[0] for one in said] == [one[0] for one in truth]
        assert [one[4] for one in said] == [one[4] for one in truth]
        for one, other in zip(said, truth, strict=True):
            assert one[1:4] == pytest.approx(other[1:4], abs=2e-4)


def test_outputs_of_an_item_are_different(taught):
    split, model = taught
    found = decode(model, split, "gumbel", 3, num_beams=20, num_return_sequences=20, seed=1)
    for item in outputs(found, 20):
        assert len({(tuple(one[0]), one[4]) for one in item}) == 20
        assert [one[3] for one in item] == sorted((one[3] for one in item), reverse=True)


def test_batch_size_and_threads_change_no_bit(taught):
    split, model = taught
    options = {"num_beams": 4, "num_return_sequences": 3, "alternatives": 2, "seed": 4}
    assert len(every_batching(model, split, "gumbel", **options)) == 1


def test_more_than_there_are_is_all_of_them_with_their_probabilities(taught):
    split, model = taught
    source = sources(split)[0]
    found = _core.decode(
        model,
        source,
        np.array([0, len(source)]),
        *("gumbel", 1, 1, 1),
        num_beams=20,
        num_return_sequences=20,
        temperature=2.0,
    )
    truth = ref.everything(logits_by(model), source, 1, temperature=2.0)
    assert len(truth) == 15  # <eos>; 7 tokens, each followed by <eos> or cut
    said = {(tuple(one[0]), one[4]): one[2] for one in outputs(found, 20)[0] if one[1] > -math.inf}
    assert said.keys() == truth.keys()
    for output, logq in said.items():
        assert logq == pytest.approx(math.log(truth[output]), abs=1e-4)
    assert np.isneginf(found[2][15:]).all() and not found[3][15:].any()


def test_the_first_output_has_the_frequencies_of_a_sample(taught):
    split, model = taught
    source = sources(split)[0]
    count = 1500
    ids = np.tile(source, count)
    offsets = np.arange(count + 1) * len(source)
    found = _core.decode(
        model, ids, offsets, "gumbel", 1, 512, 1, num_beams=3, num_return_sequences=1, seed=6
    )
    truth = ref.everything(logits_by(model), source, 1)
    said = [(tuple(one[0][0]), one[0][4]) for one in outputs(found)]
    for output, p in truth.items():
        share = said.count(output) / count
        assert abs(share - p) < 5 * math.sqrt(p * (1 - p) / count) + 2e-3
    # The largest of all perturbed log-probabilities is a standard Gumbel: mean 0.5772.
    assert found[5].mean() == pytest.approx(0.5772, abs=5 * 1.2825 / math.sqrt(count))


def test_more_draws_than_an_item_has_are_refused():
    split = copy_split(4)
    model = model_for(split, positions="none")
    with pytest.raises(InputError, match="num_beams: .*below 2.33"):
        decode(model, split, "gumbel", 1 << 24, num_beams=4096)
