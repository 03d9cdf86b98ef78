"""Sampling against whole forward passes and the numbers of its stream."""

from collections import Counter

import numpy as np
import pytest
from reference import decoding as ref
from searches import decode, every_batching, half_taught, logits_by, numbers, outputs, sources

from recursionlab import _core
from recursionlab.errors import InputError

FILTERS = [
    {},
    {"temperature": 0.6},
    {"temperature": 1.7, "top_k": 3},
    {"top_p": 0.8},
    {"min_p": 0.2},
    {"temperature": 1.3, "top_k": 4, "top_p": 0.9, "min_p": 0.1},
]


@pytest.fixture(scope="module")
def taught():
    return half_taught()


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_samples_are_those_of_whole_forward_passes(taught, filters):
    split, model = taught
    logits_of = logits_by(model)
    found = outputs(decode(model, split, "sample", seed=5, num_return_sequences=2, **filters), 2)
    for i, source in enumerate(sources(split)):
        for r in range(2):
            said, score, drawn, ended = ref.sample(
                logits_of, source, 6, numbers(5, i + (r << 40)), **filters
            )
            assert found[i][r][0] == said and found[i][r][4] == ended
            assert found[i][r][1:3] == pytest.approx((score, drawn), abs=1e-4)
    assert len({tuple(one[0]) for item in found for one in item}) > 10


@pytest.mark.parametrize("filters", FILTERS[:1] + FILTERS[-1:], ids=str)
def test_batch_size_and_threads_change_no_bit(taught, filters):
    split, model = taught
    options = {"seed": 3, "num_return_sequences": 3, "alternatives": 2, **filters}
    assert len(every_batching(model, split, "sample", **options)) == 1


def test_a_sample_depends_on_the_seed_and_its_item_alone(taught):
    split, model = taught
    four = outputs(decode(model, split, "sample", seed=1, num_return_sequences=4), 4)
    one = outputs(decode(model, split, "sample", seed=1))
    assert [item[0] for item in four] == [item[0] for item in one]
    assert one != outputs(decode(model, split, "sample", seed=2))
    begin, end = split.input_offsets[17:19]
    alone = _core.decode(
        model,
        split.input_ids[begin:end],
        np.array([0, end - begin]),
        *("sample", 6, 1, 1),
        seed=1,
        first_item=17,
    )
    assert outputs(alone)[0] == one[17]


def test_a_cold_sample_is_the_greedy_output(taught):
    split, model = taught
    cold = outputs(decode(model, split, "sample", temperature=1e-6))
    greedy = outputs(decode(model, split, "greedy"))
    assert [item[0][0] for item in cold] == [item[0][0] for item in greedy]
    assert [item[0][0] for item in outputs(decode(model, split, "sample", top_k=1))] == [
        item[0][0] for item in greedy
    ]


def test_frequencies_are_those_of_the_distribution(taught):
    split, model = taught
    source = sources(split)[0]
    count = 3000
    found = _core.decode(
        model,
        source,
        np.array([0, len(source)]),
        *("sample", 2, 64, 1),
        num_return_sequences=count,
        temperature=1.5,
        seed=8,
    )
    seen = Counter((tuple(o[0]), o[4]) for o in outputs(found, count)[0])
    truth = ref.everything(logits_by(model), source, 2, temperature=1.5)
    assert sum(truth.values()) == pytest.approx(1.0)
    for output, p in truth.items():
        assert abs(seen[output] / count - p) < 5 * np.sqrt(p * (1 - p) / count) + 1e-3


def test_alternatives_tell_the_likeliest_tokens_of_each_step(taught):
    split, model = taught
    logits_of = logits_by(model)
    for method, options in [("greedy", {}), ("sample", {"seed": 2}), ("beam", {"num_beams": 3})]:
        found = decode(model, split, method, alternatives=3, **options)
        tokens, logps = found[6].reshape(-1, 3), found[7].reshape(-1, 3)
        assert len(tokens) == len(found[0]) + len(split)
        for i, source in enumerate(sources(split)):
            a, b = found[1][i : i + 2]
            truth = logits_of(source, [1, *found[0][a:b].tolist()])
            for t, row in enumerate(truth):
                at = a + i + t
                best = ref.log_softmax(row)[tokens[at]]
                assert logps[at] == pytest.approx(best, abs=1e-4)
                assert np.sort(ref.log_softmax(row))[-3:][::-1] == pytest.approx(best, abs=1e-4)


def test_more_alternatives_than_tokens_are_filled_up(taught):
    split, model = taught
    found = decode(model, split, "greedy", alternatives=20)
    tokens = found[6].reshape(-1, 20)
    assert (np.sort(tokens[:, :8]) == np.arange(8)).all() and (tokens[:, 8:] == -1).all()
    assert np.isneginf(found[7].reshape(-1, 20)[:, 8:]).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"temperature": 0.0}, "temperature: .*do not sample"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": -1}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"min_p": -0.1}, "min_p"),
        ({"num_return_sequences": 0}, "num_return_sequences"),
        ({"num_beams": 2}, "num_beams: expected 1 for method 'sample'"),
        ({"alternatives": -1}, "alternatives"),
        ({"length_penalty": float("inf")}, "length_penalty"),
        ({"early_stopping": "late"}, "early_stopping"),
    ],
    ids=str,
)
def test_misuse_is_refused_by_name(taught, options, match):
    split, model = taught
    with pytest.raises(InputError, match=match):
        decode(model, split, "sample", **options)
