"""Training with products of bfloat16: near float32, same bits on any threads, float32 around."""

import numpy as np
import pytest
from learners import arrays, copy_split, model_for, trainer_for

import recursionlab as rlab
from recursionlab import _core
from recursionlab.errors import InputError


def test_bfloat16_is_near_float32_and_not_the_same():
    split = copy_split()
    runs = {p: trainer_for(split, precision=p)[1].run(30, 1) for p in ("float32", "bfloat16")}
    losses = {precision: history[0] for precision, history in runs.items()}
    assert (losses["float32"] != losses["bfloat16"]).all()
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.02)
    np.testing.assert_allclose(runs["bfloat16"][1][:5], runs["float32"][1][:5], rtol=0.02)


def test_master_weights_keep_updates_too_small_for_bfloat16():
    split = copy_split()
    model, trainer = trainer_for(split, precision="bfloat16", lr=1e-6)
    before = model.params.copy()
    trainer.run(3, 1)
    changed = model.params != before
    assert changed.mean() > 0.5
    assert np.abs(model.params - before).max() < 1e-5


def test_threads_change_no_bit():
    split = copy_split()
    found = []
    for threads in (1, 2, 3):
        model, trainer = trainer_for(split, model_for(split, dropout=0.2), precision="bfloat16")
        history = trainer.run(8, threads)
        found.append(b"".join(a.tobytes() for a in (model.params, trainer.exp_avg, *history)))
    assert found[0] == found[1] == found[2]


def test_whoever_uses_the_model_afterwards_has_float32():
    split = copy_split()
    model, trainer = trainer_for(split, precision="bfloat16", lr=1e-2)
    trainer.run(3, 1)
    twin = model_for(split)
    twin.params[...] = model.params
    # The twin's weights were packed before: scoring packs them again, decoding does not ask.
    scores = [_core.teacher_forced(m, *arrays(split), 1) for m in (twin, model)]
    assert scores[0] == scores[1]
    decoded = [
        _core.decode(m, split.input_ids, split.input_offsets, "greedy", 8, 8, 1)[0].tolist()
        for m in (twin, model)
    ]
    assert decoded[0] == decoded[1]


def test_an_unknown_precision_is_refused_by_name():
    with pytest.raises(InputError, match="precision: expected one of float32, bfloat16, got 'f16'"):
        trainer_for(copy_split(), precision="f16")


@pytest.mark.slow
@pytest.mark.parametrize("task", ["successor", "traversal"])
def test_bfloat16_ends_within_the_spread_of_float32_seeds(task):
    if task == "successor":
        data = rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(1, 11))
    else:
        preorder = rlab.library("tree")["preorder"].at(A="label")
        data = rlab.make_dataset(preorder, sizes=range(1, 11), per_size=600)
    model = rlab.Transformer(d_model=32, encoder_layers=1, decoder_layers=1)

    def end(seed, precision):
        options = {"steps": 300, "lr": 4e-3, "seed": seed, "precision": precision}
        run = rlab.train(model, data["train"], progress=False, **options)
        split = data["test"]
        score = _core.teacher_forced(
            run.model, split.input_ids, split.input_offsets, split.labels, split.label_offsets, 1
        )
        return score["loss"] / score["tokens"], score["exact"] / score["pairs"]

    seeds = range(3)
    single = np.array([end(seed, "float32") for seed in seeds])
    half = np.array([end(seed, "bfloat16") for seed in seeds])
    # The means of three differ by less than two deviations of a single seed, or by nothing visible.
    allowed = 2 * single.std(axis=0, ddof=1) + [1e-3, 5e-3]
    assert (np.abs(half.mean(axis=0) - single.mean(axis=0)) <= allowed).all(), (single, half)
    assert single[:, 1].min() > 0.9  # something was learned
