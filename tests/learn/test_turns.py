"""Self-correction turns: wrong answers with their corrections as items, alone and in a run."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.errors import ConfigError, InputError
from recursionlab.learn import load_run, next_turn, pack, train

SHAPE = rlab.Transformer(
    d_model=16, n_heads=2, encoder_layers=1, decoder_layers=1, positions="sinusoidal"
)
SHORT = {"steps": 30, "batch_size": 16, "lr": 3e-3, "warmup": 3, "threads": 1}


@pytest.fixture(scope="module")
def data():
    return rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(1, 8))


@pytest.fixture(scope="module")
def first(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("first") / "run"
    train(SHAPE, data["train"], output=folder, **{**SHORT, "steps": 150, "lr": 1e-2})
    return folder


def sequences(ids, offsets):
    return [ids[a:b].tolist() for a, b in zip(offsets, offsets[1:], strict=False)]


def test_a_turn_is_the_input_and_the_answer(data, first):
    split, run = data["test"], load_run(first)
    said = run.predict(split)
    turn = next_turn(split, said)
    sep = data.vocabulary.index("<sep>")
    inputs = sequences(split.input_ids, split.input_offsets)
    for i, ids in enumerate(sequences(turn.input_ids, turn.input_offsets)):
        assert ids == [*inputs[i], sep, *said[i].tolist()]
    assert np.array_equal(turn.labels, split.labels) and len(turn) == len(split)
    assert np.array_equal(turn.column("size"), split.column("size"))
    assert len(run.predict(turn)) == len(split)  # a run can be asked again
    part = SimpleNamespace(ids=said.ids, offsets=said.offsets[:-1])
    with pytest.raises(InputError, match="an answer an item"):
        next_turn(split, part)
    plain = pack([([3], [3])], ["<pad>", "<bos>", "<eos>", "a"])
    with pytest.raises(InputError, match="no token <sep>"):
        next_turn(plain, SimpleNamespace(ids=plain.labels, offsets=plain.label_offsets))


def test_a_run_learns_the_corrections_of_its_own_answers(data, first, tmp_path):
    split, run = data["train"], load_run(first)
    longest = int(np.diff(split.label_offsets).max()) + 1
    said = run.predict(split, max_length=longest)
    targets = sequences(split.labels, split.label_offsets)
    wrong = [i for i in range(len(split)) if said[i].tolist() != targets[i]]
    assert 0 < len(wrong) < len(split)
    seen = {}
    with pytest.MonkeyPatch.context() as patch:
        from recursionlab.learn import training

        real = training._core.Trainer

        def spy(model, *arrays, **options):
            seen["arrays"] = arrays
            return real(model, *arrays, **options)

        patch.setattr(training._core, "Trainer", spy)
        folder = tmp_path / "second"
        options = {"init": str(first), "corrections": str(first)}
        train(None, split, output=folder, save_every=10, keep=0, **options, **SHORT)
    ids, offsets, labels, label_offsets = seen["arrays"]
    sep = data.vocabulary.index("<sep>")
    inputs = sequences(split.input_ids, split.input_offsets)
    turns = [[*inputs[i], sep, *said[i].tolist()] for i in wrong]
    assert sequences(ids, offsets) == inputs + turns
    assert sequences(labels, label_offsets) == targets + [targets[i] for i in wrong]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["train"]["items"] == len(split) + len(wrong)
    last = (folder / "checkpoints" / "step_30" / "model.safetensors").read_bytes()
    import shutil

    shutil.rmtree(folder / "checkpoints" / "step_30")
    train(None, split, resume=folder)
    assert (folder / "checkpoints" / "step_30" / "model.safetensors").read_bytes() == last


def test_corrections_want_the_same_vocabulary_and_no_curriculum(data, first):
    other = rlab.make_dataset(rlab.library("nat")["double"], sizes=range(1, 4))
    with pytest.raises(ConfigError, match="corrections: its vocabulary"):
        train(SHAPE, other["train"], corrections=str(first), **SHORT)
    with pytest.raises(ConfigError, match="corrections: expected without curriculum"):
        train(SHAPE, data["train"], corrections=str(first), curriculum="size", eval_every=1)
