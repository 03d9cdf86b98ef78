"""Runs that go on from an earlier model: its weights, other vocabularies, frozen parts, LoRA."""

import json
import shutil
from pathlib import Path

import numpy as np
import one_run
import pytest
from learners import copy_split

from recursionlab import models
from recursionlab.errors import ConfigError, FormatError
from recursionlab.learn import job as job_module
from recursionlab.learn import load_run, pack, train
from recursionlab.models import Transformer

SHAPE = Transformer(max_positions=16, **one_run.SHAPE)
SHORT = {"steps": 6, "batch_size": 16, "warmup": 0, "log_every": 2, "save_every": 2, "keep": 0}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A run to go on from; nothing writes to it."""
    folder = tmp_path_factory.mktemp("first") / "run"
    one_run.start(folder, threads=1, steps=10, save_every=5)
    return folder


def weights(run):
    return {name: view.copy() for name, view in run.model.parameters().items()}


def bytes_of(folder):
    skipped = ("timing.jsonl", "manifest.json")
    files = (p for p in Path(folder).rglob("*") if p.is_file() and p.name not in skipped)
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.mark.parametrize("which", ["", "checkpoints/step_5"])
def test_a_run_goes_on_from_the_weights_named(first, which):
    source = load_run(first / which)
    run = train(None, copy_split(50), init=str(first / which), lr=0.0, weight_decay=0.0, **SHORT)
    assert run.model_config == source.model_config
    for name, view in weights(source).items():
        np.testing.assert_array_equal(run.model.parameters()[name], view)


def test_dropout_may_differ_and_nothing_else(first):
    init = {"init": str(first), "steps": 1}
    wet = {**one_run.SHAPE, "dropout": 0.4}
    run = train(Transformer(max_positions=16, **wet), copy_split(50), **init)
    assert run.model_config.dropout == 0.4
    assert train({"dropout": 0.2, "d_model": 16}, copy_split(50), **init).model_config.d_model == 16
    with pytest.raises(ConfigError, match="model: d_model is 16 in .*, got 8; leave it out"):
        train({"d_model": 8}, copy_split(50), **init)
    with pytest.raises(ConfigError, match="unknown key 'd_modle'; did you mean 'd_model'"):
        train({"d_modle": 8}, copy_split(50), **init)
    with pytest.raises(ConfigError, match=r"embed_positions.weight: expected \(20, 16\)"):
        train({"max_positions": 20}, copy_split(50), **init)


def renamed(split, names):
    """Return the split with other names for its tokens."""
    return (
        pack([], names)
        if split is None
        else type(split)(
            split.input_ids, split.input_offsets, split.labels, split.label_offsets, tuple(names)
        )
    )


def test_another_vocabulary_is_refused_or_resized_by_name(first, tmp_path):
    split = copy_split(50)
    old = tuple(split.vocabulary)
    swapped = (*old[:3], old[4], old[3], *old[5:], "new")
    other = renamed(split, swapped)
    with pytest.raises(ConfigError, match="no token 'new'; .*resize = true"):
        train(None, other, init=str(first), **SHORT)
    with pytest.raises(ConfigError, match="the tokens in another order"):
        train(None, renamed(split, swapped[:-1]), init=str(first), **SHORT)
    quiet = {**SHORT, "lr": 0.0, "weight_decay": 0.0, "seed": 5}
    run = train(None, other, init=str(first), resize=True, **quiet)
    table, source = weights(run)["shared.weight"], weights(load_run(first))["shared.weight"]
    for token, row in zip(swapped[:-1], table, strict=False):
        np.testing.assert_array_equal(row, source[old.index(token)])
    fresh = SHAPE.build(len(swapped), seed=5).parameters()["shared.weight"]
    np.testing.assert_array_equal(table[-1], fresh[-1])
    fewer = train(None, copy_split(5, letters=3), init=str(first), resize=True, **quiet)
    np.testing.assert_array_equal(weights(fewer)["shared.weight"], source[:-1])


def test_what_to_begin_from_must_be_there(first, tmp_path):
    split = copy_split(20)
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, match in ((tmp_path / "none", "found none"), (empty, "neither checkpoints nor")):
        with pytest.raises(FormatError, match=match):
            train(None, split, init=str(path), **SHORT)
    cut = tmp_path / "cut"
    shutil.copytree(first / "checkpoints" / "step_5", cut)
    weights_file = cut / "model.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:-9])
    with pytest.raises(FormatError, match=r"model\.safetensors"):
        train(None, split, init=str(cut), **SHORT)
    with pytest.raises(ConfigError, match="resize: expected only with init"):
        train(SHAPE, split, resize=True, **SHORT)


def test_a_hugging_face_folder_goes_by_the_numbers_of_its_tokens(tmp_path):
    folder, split = tmp_path / "pretrained", copy_split(20)
    shape = Transformer(
        max_positions=16, activation="gelu", bias=True, norm_place="post", scale_embeddings=False,
        embedding_norm=True, **one_run.SHAPE,
    )  # fmt: skip
    model = shape.build(len(split.vocabulary), seed=3)
    models.save_pretrained(model, shape, folder)
    source, _ = models.from_pretrained(folder)
    before = {name: view.copy() for name, view in source.parameters().items()}
    quiet = {**SHORT, "lr": 0.0, "weight_decay": 0.0, "init": str(folder)}
    run = train(None, split, **quiet)
    assert all(np.array_equal(v, before[n]) for n, v in weights(run).items())
    fewer = copy_split(20, letters=3)
    with pytest.raises(ConfigError, match="has 7 tokens, the data 6; set resize = true"):
        train(None, fewer, **quiet)
    part = train(None, fewer, resize=True, **quiet)
    np.testing.assert_array_equal(weights(part)["shared.weight"], before["shared.weight"][:6])
    tuned = train(None, split, init=str(folder), lora_rank=2, lr=0.01, **SHORT)
    changed = {n for n, v in weights(tuned).items() if not np.array_equal(v, before[n])}
    assert changed and all(n.endswith(("q_proj.weight", "v_proj.weight")) for n in changed)


def test_freezing_by_pattern_keeps_what_it_names(first):
    before = weights(load_run(first))
    freeze = ["*", "!decoder.*", "decoder.layers.0.fc?.*"]
    run = train(None, copy_split(50), init=str(first), freeze=freeze, lr=0.01, **SHORT)
    for name, view in weights(run).items():
        free = name.startswith("decoder.") and ".fc" not in name
        if not name.endswith("k_proj.bias"):
            assert np.array_equal(view, before[name]) != free, name
    with pytest.raises(ConfigError, match="freeze: no parameter fits 'encodr.*'"):
        train(SHAPE, copy_split(50), freeze=["encodr.*"], **SHORT)
    with pytest.raises(ConfigError, match="lora_targets: no parameter fits"):
        train(SHAPE, copy_split(50), lora_rank=2, lora_targets=["*.query"], **SHORT)


LORA = {"lora_rank": 2, "lora_alpha": 8.0, "lora_targets": ["*.q_proj.weight", "*.fc1.weight"]}


@pytest.fixture(scope="module")
def adapted(first, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted") / "run"
    freeze = ["*", "!*layer_norm*"]
    train(
        None, copy_split(50), valid=copy_split(20, seed=1), init=str(first), output=folder,
        freeze=freeze, lr=0.01, eval_every=2, threads=1, **LORA, **SHORT,
    )  # fmt: skip
    return folder


def test_a_low_rank_run_keeps_the_merged_model_and_the_updates(first, adapted):
    from safetensors.numpy import load_file

    before, after = weights(load_run(first)), weights(load_run(adapted))
    for name, view in after.items():
        free = name.endswith(("q_proj.weight", "fc1.weight")) or "layer_norm" in name
        assert np.array_equal(view, before[name]) != free, name
    parts = load_file(adapted / "checkpoints" / "step_6" / "adapter.safetensors")
    stem = "decoder.layers.0.fc1"
    a = parts[f"base_model.model.{stem}.lora_A.weight"]
    b = parts[f"base_model.model.{stem}.lora_B.weight"]
    assert a.shape == (2, 16) and b.shape == (64, 2)
    merged = before[f"{stem}.weight"] + 8.0 / 2 * (b.astype(np.float64) @ a)
    np.testing.assert_allclose(after[f"{stem}.weight"], merged, rtol=0, atol=1e-6)
    assert np.linalg.matrix_rank(after[f"{stem}.weight"] - before[f"{stem}.weight"], 1e-4) == 2


@pytest.mark.parametrize("keep", [0, 2, 4])
def test_a_low_rank_run_resumes_to_the_same_bytes(adapted, tmp_path, keep):
    folder = tmp_path / "run"
    shutil.copytree(adapted, folder)
    for path in (folder / "checkpoints").iterdir():
        if int(path.name.partition("_")[2]) > keep:
            shutil.rmtree(path)
    train(None, copy_split(50), valid=copy_split(20, seed=1), resume=folder, threads=2)
    mine, theirs = bytes_of(folder), bytes_of(adapted)
    assert all(mine[name] == theirs[name] for name in mine) and "metrics.jsonl" in mine


def test_weights_that_changed_before_the_first_checkpoint_are_noticed(first, tmp_path):
    source, folder = tmp_path / "source", tmp_path / "run"
    shutil.copytree(first, source)
    train(None, copy_split(50), init=str(source), output=folder, **SHORT)
    shutil.rmtree(folder / "checkpoints")
    one_run.start(tmp_path / "other", threads=1, steps=10, seed=9)
    for step in (5, 10):
        shutil.rmtree(source / "checkpoints" / f"step_{step}")
    shutil.copytree(
        tmp_path / "other" / "checkpoints" / "step_10", source / "checkpoints" / "step_10"
    )
    with pytest.raises(ConfigError, match="init: the weights .* were changed"):
        train(None, copy_split(50), resume=folder)


# ---- which model, which checkpoints, how it ends -------------------------------------------------


def test_log_spaced_checkpoints_stay(tmp_path):
    train(
        SHAPE, copy_split(50), output=tmp_path / "run", steps=30, save_per_decade=3, save_every=7,
        keep=1, batch_size=16,
    )  # fmt: skip
    steps = sorted(int(p.name[5:]) for p in (tmp_path / "run" / "checkpoints").iterdir())
    assert steps == [1, 2, 5, 10, 22, 30]
    assert job_module.log_spaced(0, 3) == job_module.log_spaced(9, 0) == []
    assert job_module.log_spaced(10, 100)[:3] == [1, 2, 3]


@pytest.mark.parametrize("where", ["folder", "memory"])
def test_the_best_evaluation_is_the_model(tmp_path, monkeypatch, where):
    shares = iter([0.2, 0.6, 0.4, 0.5])

    def decoded(model, split, threads, taps):
        exact = np.zeros(10, bool)
        exact[: round(10 * next(shares))] = True
        return exact

    monkeypatch.setattr(job_module, "decoded", decoded)
    kept = {}
    real = job_module.Job._score

    def score(self, step):
        kept[step] = self.model.params.copy()
        return real(self, step)

    monkeypatch.setattr(job_module.Job, "_score", score)
    folder = tmp_path / "run" if where == "folder" else None
    run = train(
        SHAPE, copy_split(50), valid=copy_split(10, seed=1), output=folder, steps=8, eval_every=2,
        select="best", keep=1, batch_size=16, lr=0.01,
    )  # fmt: skip
    assert run.step == 4 and run.status == "finished"
    np.testing.assert_array_equal(run.model.params, kept[4])
    if folder:
        again = load_run(folder)
        assert again.step == 4 and again.finished
        np.testing.assert_array_equal(again.model.params, kept[4])
        steps = {p.name for p in (folder / "checkpoints").iterdir()}
        assert steps == {"step_4", "step_8"}


def test_free_running_and_forced_exact_match_agree():
    split, valid = copy_split(600), copy_split(100, seed=1)
    run = train(
        SHAPE, split, valid=valid, steps=120, eval_every=40, batch_size=32, lr=5e-3, warmup=10,
    )  # fmt: skip
    forced = run.teacher_forced(valid)["exact_match"]
    free = [row["valid_exact_match"] for row in run.metrics if "valid_exact_match" in row]
    assert free[-1] == forced and 0 < free[-1] <= 1
    predicted = run.predict(valid)
    right = sum(
        np.array_equal(predicted[i], valid.labels[slice(*valid.label_offsets[i : i + 2])])
        for i in range(100)
    )
    assert free[-1] == right / 100
    part = train(SHAPE, split, valid=valid, steps=1, eval_every=1, eval_items=7)
    assert part.metrics[-1]["valid_exact_match"] in [k / 7 for k in range(8)]


def test_a_run_tells_how_it_ended_and_what_it_took(tmp_path):
    split = copy_split(50)
    stopped = train(SHAPE, split, valid=split, steps=60, lr=0.0, eval_every=5, patience=2)
    assert (stopped.status, stopped.step) == ("stopped early", 15)
    train(SHAPE, split, output=tmp_path / "run", steps=40, stop_loss=1e-3, log_every=4)
    high = load_run(tmp_path / "run")
    assert (high.status, high.step, high.finished) == ("diverged", 4, True)
    whole = train(SHAPE, split, steps=8, log_every=3, batch_size=50)
    assert whole.status == "finished"
    source, target = split.input_offsets, split.label_offsets + np.arange(51)
    assert whole.flops == pytest.approx(8 * whole.model.flops(source, target), rel=1e-12)
    assert whole.metrics[-1]["flops"] == whole.flops


class Graded:
    """A split with a column, as those of data sets have."""

    def __init__(self, split, values):
        self.split, self.values = split, np.asarray(values)

    def __getattr__(self, name):
        return getattr(self.split, name)

    def column(self, name):
        return self.values

    def take(self, items):
        items = np.arange(len(self.values))[items]
        s = self.split
        cut = lambda ids, off: [ids[off[i] : off[i + 1]] for i in items]  # noqa: E731
        pairs = zip(cut(s.input_ids, s.input_offsets), cut(s.labels, s.label_offsets), strict=True)
        return Graded(pack(list(pairs), s.vocabulary), self.values[items])


def test_a_curriculum_goes_on_after_success_alone(tmp_path, monkeypatch):
    split = Graded(copy_split(60), np.arange(60) % 3)
    valid = Graded(copy_split(30, seed=1), np.arange(30) % 3)
    seen = []
    real = job_module._core.Trainer

    class Spy:
        def __init__(self, *args, **kwargs):
            self.inner = real(*args, **kwargs)
            assert np.array_equal(args[1][:5], split.take([0]).input_ids)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def __setattr__(self, name, value):
            if name == "inner":
                object.__setattr__(self, name, value)
            else:
                setattr(self.inner, name, value)

        def see(self, first, last, since):
            seen.append((first, last, since))
            self.inner.see(first, last, since)

    monkeypatch.setattr("recursionlab.learn.training._core.Trainer", Spy)
    answers = iter([0, 1, 1, 1, 1])  # of each evaluation: whether the lowest levels are right

    def decoded(model, part, threads, taps):
        return np.full(30, bool(next(answers)))

    monkeypatch.setattr(job_module, "decoded", decoded)
    options = {"valid": valid, "curriculum": "size", "eval_every": 2, "log_every": 2}
    run = train(SHAPE, split, output=tmp_path / "run", steps=10, batch_size=8, **options)
    assert seen == [(0, 20, 0), (0, 20, 0), (0, 40, 4), (0, 60, 6), (0, 60, 6)]
    assert [row["level"] for row in run.metrics if "loss" in row] == [0, 0, 1, 2, 2]
    with pytest.raises(ConfigError, match="curriculum: expected eval_every"):
        train(SHAPE, split, valid=valid, curriculum="size")
    with pytest.raises(ConfigError, match="curriculum: expected a split `valid`"):
        train(SHAPE, split, curriculum="size", eval_every=1)
    with pytest.raises(Exception, match="expected splits of a data set"):
        train(SHAPE, split.split, **options)


def test_tensorboard_reads_the_events(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = tmp_path / "run"
    valid = copy_split(10, seed=1)
    options = {"valid": valid, "tensorboard": True, "eval_every": 4, "log_every": 2, "steps": 8}
    run = train(SHAPE, copy_split(50), output=folder, save_every=4, keep=0, **options)
    shutil.rmtree(folder / "checkpoints" / "step_8")
    train(None, copy_split(50), valid=valid, resume=folder)
    assert len(list(folder.glob("events.out.tfevents.*"))) == 2
    events = loader.EventAccumulator(str(folder))
    events.Reload()
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for key, tag in (("loss", "train/loss"), ("valid_exact_match", "valid/exact_match")):
        want = [(row["step"], row[key]) for row in rows if key in row]
        got = [(event.step, event.value) for event in events.Scalars(tag)]
        assert [step for step, _ in got] == [step for step, _ in want] and len(want) >= 2
        assert [v for _, v in got] == pytest.approx([v for _, v in want], rel=1e-6)
    assert run.metrics == rows
