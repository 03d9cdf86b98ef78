"""Interventions that stay on, in updates, evaluations and free answers; values taken out."""

import json

import numpy as np
import pytest
from learners import arrays, batch_arrays, copy_split, model_for, trainer_for

import recursionlab as rlab
from recursionlab import _core, errors
from recursionlab.interpret import Batch, Capture, HookedModel, Replace, Scale, Where, ablate
from recursionlab.learn import TrainConfig, load_run
from recursionlab.learn.hooks import plain_hooks
from recursionlab.learn.split import pack

Z = "encoder_blocks.0.attn.hook_z"
CROSS = "decoder_blocks.0.cross_attn.hook_z"
MID = "decoder_blocks.0.hook_resid_mid"
ROW = np.linspace(-1, 1, 32, dtype=np.float32)
TAPS = [
    (Z, "scale", 0.0, 16, 32),
    (MID, "fill", ROW[:8], 4, 12, None, np.array([1, -1], np.int32)),
    (CROSS, "scale", -0.5, 0, 0, None, np.array([0], np.int32)),
]
SHAPE = {"d_model": 32, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 1}
HEAD = (Z, Scale(0, Where(heads=1)))
PLACE = (MID, Replace(ROW, Where(positions=[1, 2])))


def train(split, **config):
    return rlab.train(
        rlab.Transformer(**SHAPE), split, steps=12, batch_size=8, progress=False, **config
    )


def test_an_update_is_that_of_the_loss_under_the_same_taps():
    split = copy_split()
    model, trainer = trainer_for(split, shards=3)
    twin = model_for(split)
    plain = trainer_for(split, shards=3)[1].run(1, 1)
    for step in range(3):
        twin.params[...] = model.params
        items = _core.batch_items(len(split), 8, 0, step)
        total, count = twin.loss(*batch_arrays(split, items), taps=TAPS)
        (loss,), (norm,), *_ = trainer.run(1, 1, TAPS)
        assert loss == pytest.approx(total / count, rel=1e-6)
        assert norm == pytest.approx(float(np.linalg.norm(twin.grads.astype(float))), rel=1e-5)
        assert step > 0 or loss != pytest.approx(plain[0][0], rel=1e-4)


def test_what_an_ablated_head_was_made_of_is_not_learned():
    split = copy_split()
    model, trainer = trainer_for(split)
    before = {name: view.copy() for name, view in model.parameters().items()}
    trainer.run(4, 1, [(Z, "scale", 0.0, 16, 32)])
    after, layer = model.parameters(), "encoder.layers.0.self_attn."
    for name, kept, learned in [
        ("q_proj.weight", np.s_[16:], np.s_[:16]),
        ("v_proj.weight", np.s_[16:], np.s_[:16]),
        ("out_proj.weight", np.s_[:, 16:], np.s_[:, :16]),
    ]:
        np.testing.assert_array_equal(after[layer + name][kept], before[layer + name][kept])
        assert (after[layer + name][learned] != before[layer + name][learned]).any()


@pytest.mark.parametrize("shards", [1, 4])
def test_threads_change_no_bit_under_hooks(shards):
    split, found = copy_split(), []
    for threads in (1, 2, 3):
        model, trainer = trainer_for(split, model_for(split, dropout=0.2), shards=shards)
        trainer.run(5, threads, TAPS)
        found.append(model.params.copy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_capturing_changes_no_bit_and_gives_the_values_of_that_update():
    split, steps = copy_split(), [1, 2, 7, 12]
    plain = train(split, seed=3)
    capture = Capture(
        lambda name: name in (Z, MID) or "hook_pattern" in name, steps, gradients=True
    )
    run = train(split, seed=3, capture=capture, threads=2)
    np.testing.assert_array_equal(run.model.params, plain.model.params)
    assert sorted(capture) == steps and len(capture) == 4
    start = train(split, seed=3, lr=0.0)  # the weights before the first update
    hooked = HookedModel(start)
    cache = capture[1]
    batch = cache.batch
    assert isinstance(batch, Batch) and len(batch) == 8
    _, want = hooked.run_with_cache(batch)
    for name in cache:
        np.testing.assert_array_equal(cache[name], want[name])
    grads = hooked.gradients(batch, names_filter=[Z, MID])
    count = int((batch.labels != -100).sum())
    for name in (Z, MID):
        got = capture.gradients[1][name]
        np.testing.assert_allclose(got, grads[name] / count, rtol=1e-3, atol=1e-7)
    assert set(capture.gradients[1]) == {Z, MID}


def test_captures_see_the_hooks_of_the_run():
    capture = Capture([Z, MID], [5])
    train(copy_split(), hooks=[HEAD, PLACE], capture=capture)
    assert not capture[5][Z][:, :, 1].any() and capture[5][Z][:, :, 0].any()
    filled = capture[5].mask(MID)[:, 1]
    np.testing.assert_array_equal(capture[5][MID][filled, 1], np.tile(ROW, (filled.sum(), 1)))


def test_a_run_with_hooks_is_written_resumed_and_asked_with_them(tmp_path):
    split, valid = copy_split(), copy_split(count=12, seed=1)
    options = {"hooks": [HEAD, PLACE], "valid": valid, "eval_every": 4, "save_every": 4}
    whole = train(split, output=tmp_path / "whole", **options)
    config = json.loads((tmp_path / "whole" / "config.json").read_text())
    assert TrainConfig.from_dict(config["train"]).hooks == plain_hooks([HEAD, PLACE])
    again = train(split, **{**options, "hooks": config["train"]["hooks"]})
    np.testing.assert_array_equal(again.model.params, whole.model.params)
    assert (train(split).model.params != whole.model.params).any()

    class Stop(Exception):
        pass

    calls = iter(range(99))

    def threads():
        if next(calls) == 5:
            raise Stop
        return 1

    with pytest.raises(Stop):
        train(split, output=tmp_path / "part", threads=threads, **options)
    part = rlab.train(None, split, valid=valid, resume=tmp_path / "part", progress=False)
    np.testing.assert_array_equal(part.model.params, whole.model.params)

    loaded = load_run(tmp_path / "whole")
    last = [row for row in whole.metrics if "valid_loss" in row][-1]
    assert loaded.teacher_forced(valid)["loss"] == last["valid_loss"]
    assert loaded.teacher_forced(valid, hooks=())["loss"] != last["valid_loss"]
    same = loaded.predict(valid, progress=False)
    named = loaded.predict(valid, hooks=[HEAD, PLACE], progress=False)
    np.testing.assert_array_equal(same.scores, named.scores)
    assert (loaded.predict(valid, hooks=(), progress=False).scores != same.scores).any()


def free_answer(model, source, taps_of, longest):
    """Say an answer the slow way: everything is computed again for each token."""
    said, score = [], 0.0
    while True:
        target = np.array([1, *said], np.int32)
        offsets = [np.array([0, len(x)], np.int64) for x in (source, target)]
        logits = model.forward(source, offsets[0], target, offsets[1], taps=taps_of(len(target)))
        row = logits[-1].astype(float)
        token = int(row.argmax())
        if token != 2 and len(said) == longest:
            return said, score
        score += row[token] - row.max() - np.log(np.exp(row - row.max()).sum())
        if token == 2:
            return said, score
        said.append(token)


@pytest.mark.parametrize(
    "hooks",
    [
        [HEAD],
        [(MID, Replace(ROW, Where(positions=[0, 3])))],
        [(MID, Replace(np.stack([ROW, -ROW, 2 * ROW])))],
        [("encoder_final_ln.hook_out", Scale(3, Where(positions=-1))), (CROSS, Scale(0.3))],
        [("decoder_blocks.0.cross_attn.hook_pattern", Scale(0, Where(heads=0)))],
        [("decoder_blocks.0.self_attn.hook_attn_scores", Scale(2.5, Where(positions=[1, 2])))],
        [("decoder_blocks.0.ln2.hook_normalized", Scale(2.0, Where(positions=1)))],
    ],
    ids=lambda hooks: hooks[0][0],
)
def test_free_answers_under_hooks_are_those_of_whole_runs(hooks):
    split = copy_split(count=9)
    run = train(split, seed=5)
    hooked = HookedModel(run)

    def taps_of(rows):
        out = []
        for name, what in hooks:
            for tap in what.standing(hooked.points[name]):
                at = tap[6]
                if at is None or hooked.points[name].space == "source" or (at < rows).any():
                    out.append(tap)
        return out

    want = []
    for i in range(len(split)):
        source = split.input_ids[split.input_offsets[i] : split.input_offsets[i + 1]]
        want.append(free_answer(run.model, source, taps_of, 8))
    plain = run.predict(split, max_length=8, progress=False)
    for batch_size, threads in ((1, 1), (4, 2), (64, 1)):
        got = run.predict(
            split,
            max_length=8,
            hooks=hooks,
            batch_size=batch_size,
            threads=threads,
            progress=False,
        )
        assert [got[i].tolist() for i in range(len(split))] == [said for said, _ in want]
        np.testing.assert_allclose(got.scores, [score for _, score in want], rtol=0, atol=1e-4)
    assert (got.scores != plain.scores).any()
    with hooked.hooks(hooks):
        again = hooked.generate(split, max_new_tokens=8)
        beams = [
            hooked.generate(split, max_new_tokens=8, num_beams=3, batch_size=n).scores
            for n in (1, 64)
        ]
    np.testing.assert_array_equal(again.scores, got.scores)
    np.testing.assert_array_equal(*beams)
    np.testing.assert_array_equal(hooked.generate(split, max_new_tokens=8).scores, plain.scores)


def test_ablation_with_free_answers_is_that_of_zeroed_weights():
    split = copy_split(count=30, letters=3)
    run = rlab.train(
        rlab.Transformer(**SHAPE), split, epochs=60, lr=3e-3, batch_size=8, progress=False
    )
    found = ablate(HookedModel(run), split, free=True)
    assert "answering freely" in found.note
    rows = {(row["hook"], row["head"]): row for row in found.rows}
    view = run.model.parameters()["decoder.layers.0.encoder_attn.out_proj.weight"]
    kept = view.copy()
    view[:, 16:] = 0
    answers = run.predict(split, max_length=6, progress=False)
    exact = np.mean([answers[i].tolist() == arrays_of(split, i) for i in range(len(split))])
    view[...] = kept
    assert rows[CROSS, 1]["free_exact_match"] == pytest.approx(exact)
    assert min(row["free_exact_change"] for row in found.rows) < 0
    with pytest.raises(errors.InputError, match="free: expected a split"):
        ablate(HookedModel(run), split, free=True, how="resample")


def arrays_of(split, i):
    return arrays(split)[2][split.label_offsets[i] : split.label_offsets[i + 1]].tolist()


@pytest.mark.parametrize(
    ("hooks", "kind", "words"),
    [
        ([("encoder_blocks.0.attn.hok_z", Scale(0))], errors.InputError, "did you mean"),
        ([(Z, print)], errors.ConfigError, "whole runs alone"),
        ([(Z, Scale(0, Where(items=0)))], errors.ConfigError, "expected no items"),
        ([(Z, Scale(0, Where(positions=40)))], errors.InputIndexError, "would never act"),
        ([(MID, Scale(0, Where(positions=-1)))], errors.InputError, "at least 0"),
        ([(Z, Scale(0, Where(heads=2)))], errors.InputIndexError, "no head 2"),
        ([{"name": Z, "scal": 0}], errors.ConfigError, "did you mean 'scale'"),
        ([{"name": Z}], errors.ConfigError, "one of scale and replace"),
        ([{"name": Z, "scale": 0, "heads": 0.5}], errors.ConfigError, "whole numbers"),
        ([{"name": Z, "scale": float("nan")}], errors.ConfigError, "finite"),
        ([(Z, Replace(np.zeros((2, 3, 4))))], errors.InputError, "mean the same"),
        ([(MID, Replace(np.zeros(5)))], errors.InputError, "expected a number, \\(32,\\)"),
        ("encoder", errors.ConfigError, "hooks: expected a list"),
    ],
)
def test_wrong_hooks_are_refused_before_anything_is_learned(hooks, kind, words):
    split = copy_split()
    with pytest.raises(kind, match=words):
        train(split, hooks=hooks, valid=split)
    run = train(split)
    with pytest.raises(kind, match=words):
        run.predict(split, hooks=hooks, max_length=8, progress=False)


def test_a_hook_that_no_answer_comes_to_is_an_error():
    split = copy_split()
    run = train(split)
    late = {"hooks": [(MID, Scale(0, Where(positions=7)))], "max_length": 8, "progress": False}
    run.model.params[...] = 0  # says <pad> without an end
    run.predict(split, **late)
    weights = run.model.parameters()
    weights["shared.weight"][2, 0] = weights["decoder.layer_norm.bias"][0] = 1  # ends at once
    with pytest.raises(errors.InputError, match="positions .7. did not act"):
        run.predict(split, **late)
    model, trainer = trainer_for(split)
    with pytest.raises(errors.InputError, match="no functions are called"):
        trainer.run(1, 1, [(MID, "call", print)])
    with pytest.raises(errors.InputError, match="scale or fill"):
        trainer.run(2, 1, [(MID, "read", np.zeros((3, 32), np.float32))])
    with pytest.raises(errors.InputError, match="updates from 1"):
        Capture(MID, [0])


def test_a_hook_on_no_item_at_all_is_an_error():
    split = copy_split()
    run = train(split)
    nothing = pack([], split.vocabulary)
    with pytest.raises(errors.InputError, match="did not act: there was no sequence"):
        run.predict(nothing, hooks=[(MID, Scale(0))], max_length=8, progress=False)
