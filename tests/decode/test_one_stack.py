"""Models of one stack learn pairs, and decode as their whole forward passes say."""

import sys
from pathlib import Path

import numpy as np
import pytest
from reference import learning as ref
from searches import decode, every_batching, outputs, sources

from recursionlab import _core, learn
from recursionlab.errors import InputError
from recursionlab.models import Transformer

sys.path.insert(0, str(Path(__file__).parents[1] / "learn"))
from learners import copy_split, model_for, trainer_for  # noqa: E402

ROTARY = {"positions": "rotary"}


def taught(architecture, steps=60, **shape):
    split = copy_split(40, 5, letters=5)
    model = model_for(split, architecture=architecture, **shape)
    model, trainer = trainer_for(split, model, lr=3e-3, batch_size=16)
    trainer.run(steps, 1)
    return split, model


def one_sequence(model):
    """Return logits_of(source, target) of a decoder alone: the rows of the target."""

    def logits_of(source, target):
        row = np.concatenate([source, target]).astype(np.int32)
        return model.forward(None, None, row, np.array([0, len(row)]))[len(source) :]

    return logits_of


@pytest.mark.parametrize("shape", [{}, ROTARY, {"positions": "alibi"}], ids=str)
def test_a_decoder_alone_is_greedy_by_its_whole_forward_passes(shape):
    split, model = taught("decoder_only", **shape)
    found = outputs(decode(model, split, "greedy", max_length=8))
    for source, [(ids, score, _, _, finished)] in zip(sources(split), found, strict=True):
        said, want, ended = ref.greedy(one_sequence(model), source, 8)
        assert (ids, finished) == (said, ended) and score == pytest.approx(want, abs=1e-4)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("greedy", {}),
        ("beam", {"num_beams": 3, "num_return_sequences": 2}),
        ("sample", {"num_return_sequences": 3, "seed": 1}),
    ],
)
def test_no_bit_of_a_decoder_alone_depends_on_the_batch(method, options):
    split, model = taught("decoder_only", positions="randomised", steps=20)
    assert len(every_batching(model, split, method, **options)) == 1


def test_samples_of_a_decoder_alone_begin_from_the_same_source():
    split, model = taught("decoder_only", **ROTARY)
    found = outputs(
        decode(model, split, "sample", num_return_sequences=4, temperature=1e-4, seed=2), 4
    )
    greedy = outputs(decode(model, split, "greedy"))
    for four, [one] in zip(found, greedy, strict=True):
        assert all(row[0] == one[0] for row in four)


def test_an_encoder_alone_says_the_likeliest_token_of_each_place():
    split, model = taught("encoder_only")
    found = outputs(decode(model, split, "greedy", max_length=10))
    for source, [(ids, score, _, _, finished)] in zip(sources(split), found, strict=True):
        row = np.concatenate([source, [2]]).astype(np.int32)
        logits = model.forward(None, None, row, np.array([0, len(row)])).astype(float)
        logp = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        best = logp.argmax(1).tolist()
        said = best[: best.index(2)] if 2 in best else best
        assert ids == said and finished
        assert score == pytest.approx(logp.max(1)[: len(said) + 1].sum(), abs=1e-4)
    assert len(every_batching(model, split, "greedy")) == 1


@pytest.mark.parametrize("architecture", ["decoder_only", "encoder_only"])
def test_train_and_predict_learn_to_copy(architecture, tmp_path):
    split = copy_split(60, 4, letters=3)
    shape = Transformer(
        architecture, d_model=32, n_heads=2, encoder_layers=1, decoder_layers=2, max_positions=16
    )
    run = learn.train(shape, split, valid=split, output=tmp_path / "run", steps=400, lr=5e-3)
    score = run.teacher_forced(split)
    assert score["exact_match"] > 0.9
    again = learn.load_run(tmp_path / "run")
    said, told = run.predict(split), again.predict(split)
    assert (said.ids == told.ids).all() and (said.offsets == split.label_offsets).mean() > 0.9


def test_the_labels_of_a_decoder_alone_are_those_of_the_target():
    split, model = taught("decoder_only", steps=0)
    total = _core.teacher_forced(
        model, split.input_ids, split.input_offsets, split.labels, split.label_offsets, 2
    )
    loss = 0.0
    for i, source in enumerate(sources(split)):
        word = split.labels[split.label_offsets[i] : split.label_offsets[i + 1]]
        logits = one_sequence(model)(source, [1, *word]).astype(float)
        logp = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        loss -= logp[np.arange(len(word) + 1), [*word, 2]].sum()
    assert total["tokens"] == len(split.labels) + len(split)
    assert total["loss"] == pytest.approx(loss, rel=1e-5)


def test_what_does_not_fit_is_refused_with_a_reason():
    split = copy_split(8, 6, letters=3)
    model = model_for(split, architecture="decoder_only", max_positions=9)
    with pytest.raises(InputError, match="labels together: expected sequences of at most 8"):
        trainer_for(split, model)
    with pytest.raises(InputError, match="output of max_length .* 9 positions"):
        decode(model, split, "greedy", max_length=8)
    model = model_for(split, architecture="encoder_only")
    with pytest.raises(InputError, match="expected greedy"):
        decode(model, split, "beam", num_beams=2)
    grown = learn.pack([([3], [3, 4, 3])], split.vocabulary)
    with pytest.raises(InputError, match="item 0 has 3 tokens; an encoder_only model .* here 2"):
        trainer_for(grown, model)
    model = model_for(split, eos_token_id=len(split.vocabulary))
    with pytest.raises(InputError, match="eos_token_id: expected tokens below"):
        decode(model, split, "greedy")
