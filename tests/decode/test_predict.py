"""Run.predict: Hugging Face's names for the searches, checked, over chunks of a split."""

import numpy as np
import pytest
from reference import decoding as ref
from searches import decode, half_taught, logits_by, numbers, outputs, sources

from recursionlab.data import Grammar
from recursionlab.errors import InputError, InputTypeError
from recursionlab.learn import Run
from recursionlab.learn import run as run_file
from recursionlab.models import Transformer


@pytest.fixture(scope="module")
def taught():
    split, model = half_taught()
    return split, Run(model, Transformer(), None, tuple(split.vocabulary), 0, [])


ASKED = [
    ({}, "greedy", {}),
    ({"alternatives": 2}, "greedy", {"alternatives": 2}),
    (
        {"num_beams": 3, "num_return_sequences": 2, "length_penalty": 0.5, "early_stopping": True},
        "beam",
        {
            "num_beams": 3,
            "num_return_sequences": 2,
            "length_penalty": 0.5,
            "early_stopping": "true",
        },
    ),
    (
        {"do_sample": True, "num_return_sequences": 2, "temperature": 0.9, "top_k": 4, "seed": 7},
        "sample",
        {"num_return_sequences": 2, "temperature": 0.9, "top_k": 4, "seed": 7},
    ),
    (
        {"do_sample": True, "without_replacement": True, "num_return_sequences": 3, "top_p": 0.9},
        "gumbel",
        {"num_beams": 3, "num_return_sequences": 3, "top_p": 0.9},
    ),
    ({"grammar": Grammar({"s": {"a": [], "b": ["s"]}})}, "greedy", {"grammar": None}),
]


@pytest.mark.parametrize(("asked", "method", "options"), ASKED, ids=[str(a[0]) for a in ASKED])
def test_predictions_are_what_the_search_says(taught, monkeypatch, asked, method, options):
    split, run = taught
    n = asked.get("num_return_sequences", 1)
    monkeypatch.setattr(run_file, "CHUNK", 8)
    predictions = run.predict(split, max_length=6, batch_size=1, threads=1, **asked)
    if "grammar" in options:
        options = {"grammar": asked["grammar"].arrays(split.vocabulary)}
    found = decode(run.model, split, method, **options)
    out = predictions.outputs
    for ours, theirs in zip(
        (out.ids, out.offsets, out.scores, out.finished, out.sample_scores, out.sequences_scores),
        found,
        strict=False,
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(out.alternative_ids.ravel(), found[6])
    np.testing.assert_array_equal(out.alternative_scores.ravel(), found[7])
    assert len(predictions) == len(split)
    for i, item in enumerate(outputs(found, n)):
        assert predictions[i].tolist() == item[0][0]
        assert predictions.scores[i] == item[0][1] and predictions.finished[i] == item[0][4]
        assert [out.tokens(i, r).tolist() for r in range(n)] == [one[0] for one in item]


def test_items_of_later_chunks_draw_their_own_numbers(taught, monkeypatch):
    split, run = taught
    monkeypatch.setattr(run_file, "CHUNK", 8)
    predictions = run.predict(
        split, max_length=6, batch_size=1, threads=1, do_sample=True, seed=3, progress=False
    )
    logits_of = logits_by(run.model)
    for i, source in enumerate(sources(split)):
        assert predictions[i].tolist() == ref.sample(logits_of, source, 6, numbers(3, i))[0]


def test_alternatives_of_an_output(taught):
    split, run = taught
    out = run.predict(split, max_length=6, num_beams=2, num_return_sequences=2, alternatives=3)
    for item, number in [(0, 0), (5, 1), (-1, 1)]:
        tokens, scores = out.outputs.alternatives(item, number)
        assert tokens.shape == scores.shape == (len(out.outputs.tokens(item, number)) + 1, 3)
        assert (np.diff(scores) <= 0).all()
    with pytest.raises(IndexError, match="outputs"):
        out.outputs.tokens(0, 2)
    with pytest.raises(IndexError, match="outputs"):
        out.outputs.tokens(24)


@pytest.mark.parametrize(
    ("asked", "error", "match"),
    [
        ({"temperature": 0.5}, InputError, "temperature: expected only with do_sample=True"),
        ({"top_k": 3}, InputError, "top_k: expected only with"),
        ({"num_beams": 2, "min_p": 0.1}, InputError, "min_p"),
        ({"without_replacement": True}, InputError, "without_replacement"),
        ({"do_sample": True, "num_beams": 2}, InputError, "num_beams: .*without_replacement"),
        ({"length_penalty": 2.0}, InputError, "length_penalty: expected only with num_beams"),
        ({"do_sample": True, "length_penalty": 2.0}, InputError, "length_penalty"),
        ({"early_stopping": True}, InputError, "early_stopping: expected only"),
        ({"num_beams": 2, "early_stopping": "soon"}, InputError, "early_stopping: .*'soon'"),
        ({"num_beams": 2.0}, InputTypeError, "num_beams: expected a whole number, got 2.0"),
        ({"num_beams": True}, InputTypeError, "num_beams"),
        ({"num_beams": -1}, InputError, "num_beams"),
        ({"seed": 2**64}, InputError, "seed"),
        ({"do_sample": True, "temperature": "hot"}, InputTypeError, "temperature"),
        ({"do_sample": True, "temperature": 0.0}, InputError, "temperature"),
        ({"grammar": {"s": {}}}, InputTypeError, "grammar: expected a Grammar, got dict"),
        ({"num_return_sequences": 2}, InputError, "num_return_sequences: expected at most"),
        ({"num_beams": 2, "num_return_sequences": 3}, InputError, "num_return_sequences"),
    ],
    ids=str,
)
def test_misuse_is_refused_by_name(taught, asked, error, match):
    split, run = taught
    with pytest.raises(error, match=match):
        run.predict(split, max_length=4, **asked)


def test_a_seed_of_64_bits_is_taken(taught):
    split, run = taught
    run.predict(split, max_length=4, do_sample=True, seed=2**64 - 1)
