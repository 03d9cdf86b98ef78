"""Runs on the disk: the same bytes on any threads and after any stop, and damage refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import one_run
import pytest
from learners import copy_split

import recursionlab
from recursionlab import _core
from recursionlab.errors import (
    ConfigError,
    DivergedError,
    FormatError,
    InputError,
    InputTypeError,
)
from recursionlab.learn import load_run, pack, train
from recursionlab.learn import training as training_module
from recursionlab.models import Transformer

SCRIPT = str(Path(one_run.__file__))
ROOT = str(Path(recursionlab.__file__).parents[1])


def bytes_of(folder):
    """Return the bytes of every file that must not depend on time or machine."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.name not in ("timing.jsonl", "manifest.json")
    }


def launch(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": ROOT, **environment},
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run; nothing writes to it."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    one_run.start(folder, threads=1)
    return folder


def test_a_run_folder_has_what_users_expect(whole):
    names = set(bytes_of(whole))
    assert {"config.json", "metrics.jsonl"} <= names
    for step in (8, 16, 24, 32, 40):
        for name in ("model.safetensors", "optimizer.safetensors", "config.json", "state.json"):
            assert f"checkpoints/step_{step}/{name}" in names
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["machine"]["isa"] == _core.isa() and manifest["data"]["train"]["items"] == 100
    rows = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "valid_loss" in row] == [10, 20, 30, 40]
    learned = [row for row in rows if "loss" in row]
    assert learned[-1]["step"] == 40 and learned[-1]["lr"] < learned[3]["lr"]


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_byte(whole, tmp_path, threads):
    one_run.start(tmp_path / "run", threads=threads)
    assert bytes_of(tmp_path / "run") == bytes_of(whole)


@pytest.mark.parametrize("count", ["1", "2"])
def test_the_environment_changes_no_byte(whole, tmp_path, count):
    assert launch(tmp_path / "run", 0, OMP_NUM_THREADS=count).wait() == 0
    assert bytes_of(tmp_path / "run") == bytes_of(whole)


@pytest.mark.parametrize("keep", [0, 8, 24, 40])
def test_resuming_from_any_checkpoint_ends_in_the_same_bytes(whole, tmp_path, keep):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    for path in (folder / "checkpoints").iterdir():
        if int(path.name.partition("_")[2]) > keep:
            shutil.rmtree(path)
    with open(folder / "metrics.jsonl", "a") as file:
        file.write('{"step": 99, "lo')  # what a kill leaves
    run = one_run.resume(folder, threads=2)
    assert run.finished and run.step == 40
    mine, theirs = bytes_of(folder), bytes_of(whole)
    gone = {f"checkpoints/step_{step}" for step in range(8, keep, 8)}
    assert {n for n in theirs if not n.startswith(tuple(gone or ["-"]))} <= set(mine)
    assert all(mine[name] == theirs[name] for name in mine)


def test_a_killed_run_resumes_to_the_same_bytes(tmp_path):
    def endless(folder, seconds):
        process = launch(folder, 2, "endless")
        deadline = time.monotonic() + 60
        while not list(folder.glob("checkpoints/step_*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()

    folder = tmp_path / "run"
    endless(folder, 0.3)
    killed = load_run(folder)
    assert not killed.finished and killed.step % 8 == 0
    stop = killed.step + 24
    with pytest.MonkeyPatch.context() as patch:
        save, seen = training_module.checkpoint.save, []

        def save_and_stop(run, settings, model, trainer, state):
            made = save(run, settings, model, trainer, state)
            seen.append(state["step"])
            if state["step"] == stop:
                raise KeyboardInterrupt
            return made

        patch.setattr(training_module.checkpoint, "save", save_and_stop)
        for target in (folder, tmp_path / "whole"):
            with pytest.raises(KeyboardInterrupt):
                if target == folder:
                    one_run.resume(target, threads=1)
                else:
                    one_run.start(target, threads=1, steps=1_000_000, keep=3)
    assert seen.count(stop) == 2
    mine, theirs = bytes_of(folder), bytes_of(tmp_path / "whole")
    assert mine["metrics.jsonl"] == theirs["metrics.jsonl"]
    for name in ("model.safetensors", "optimizer.safetensors", "state.json"):
        key = f"checkpoints/step_{stop}/{name}"
        assert mine[key] == theirs[key]


def test_ctrl_c_keeps_the_step_it_came_at(whole, tmp_path, monkeypatch):
    folder = tmp_path / "run"

    class Interrupted:
        """A trainer whose 13th update is the last before Ctrl-C, in the midst of a chunk."""

        def __init__(self, *args, **kwargs):
            self.real = real(*args, **kwargs)

        def __getattr__(self, name):
            return getattr(self.real, name)

        def run(self, count, threads, taps):
            if self.real.step + count > 13:
                self.real.run(13 - self.real.step, threads, taps)
                raise KeyboardInterrupt
            return self.real.run(count, threads, taps)

    real = _core.Trainer
    monkeypatch.setattr(training_module._core, "Trainer", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        one_run.start(folder, threads=1)
    monkeypatch.undo()
    assert load_run(folder).step == 13
    one_run.resume(folder, threads=1)
    mine, theirs = bytes_of(folder), bytes_of(whole)
    assert all(mine[name] == theirs[name] for name in theirs)


def test_a_signal_reaches_a_run_in_c_and_leaves_a_checkpoint(tmp_path):
    folder = tmp_path / "run"
    process = launch(folder, 2, "endless")
    deadline = time.monotonic() + 60
    while not list(folder.glob("checkpoints/step_*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    kept = load_run(folder)
    assert kept.step > 0 and not kept.finished
    (folder / "checkpoints" / ".step_9.old").mkdir()  # what a kill may leave
    training_module.checkpoint.prune(folder, 1)
    assert [path.name for path in (folder / "checkpoints").iterdir()] == [f"step_{kept.step}"]


def test_divergence_keeps_the_last_good_state(tmp_path):
    split = copy_split(100)
    with pytest.raises(DivergedError, match="step"):
        train(
            Transformer(max_positions=16, norm="rmsnorm", **one_run.SHAPE),
            split,
            output=tmp_path / "run",
            lr=1000.0,
            clip=0.0,
            warmup=0,
            eps=1e-30,
            weight_decay=1000.0,
            steps=4000,
        )
    kept = load_run(tmp_path / "run")
    assert kept.step > 0 and not kept.finished
    assert all(np.isfinite(view).all() for view in kept.model.parameters().values())


def test_patience_ends_a_run_early():
    split = copy_split(50)
    run = train(
        Transformer(max_positions=16, **one_run.SHAPE),
        split,
        valid=split,
        steps=100,
        lr=0.0,
        eval_every=5,
        patience=3,
        threads=1,
    )
    assert run.finished and run.step == 20 and run.path is None


def test_predictions_fit_the_split_and_survive_loading(whole, tmp_path):
    split = copy_split(2100, seed=3)
    run = load_run(whole)
    predictions = run.predict(split, batch_size=33, threads=2)
    assert len(predictions) == len(predictions.scores) == 2100
    again = load_run(whole / "checkpoints" / "step_40").predict(split, batch_size=7, threads=1)
    for name in ("ids", "offsets", "scores", "finished"):
        np.testing.assert_array_equal(getattr(again, name), getattr(predictions, name))
    part = pack(
        [(split.input_ids[split.input_offsets[5] : split.input_offsets[6]], [])] * 2,
        split.vocabulary,
    )
    alone = run.predict(part, max_length=15)
    wanted = predictions[5].tolist()
    assert alone[1].tolist()[: len(wanted)] == wanted
    with pytest.raises(IndexError):
        predictions[2100]


def test_what_a_run_needs_is_checked_before_it_starts(tmp_path):
    shape, split = Transformer(max_positions=16, **one_run.SHAPE), copy_split(20)
    other = pack([([3], [3])], [*split.vocabulary, "z"])
    renamed = pack([([3], [3])], [*split.vocabulary[:-1], "z"])
    long = copy_split(20, length=40)
    out = tmp_path / "run"
    cases = [
        (ConfigError, "unknown key 'step'", lambda: train(shape, split, output=out, step=1)),
        (ConfigError, "lr", lambda: train(shape, split, output=out, lr=-1)),
        (ConfigError, "model", lambda: train(None, split, output=out)),
        (InputTypeError, "split", lambda: train(shape, [1, 2], output=out)),
        (ConfigError, "valid.*tokens", lambda: train(shape, split, valid=other, output=out)),
        (ConfigError, "valid.*'z'", lambda: train(shape, split, valid=renamed, output=out)),
        (InputError, "at most 16 tokens", lambda: train(shape, long, output=out)),
        (InputError, "at least one item", lambda: train(shape, copy_split(0), output=out)),
    ]
    for error, match, call in cases:
        with pytest.raises(error, match=match):
            call()
        assert not out.exists()


def test_resuming_wants_the_same_run(whole, tmp_path):
    split, valid = copy_split(100), copy_split(20, seed=1)
    other = Transformer(d_model=8, n_heads=2)
    cases = [
        (ConfigError, "train: the run.*other data", lambda: train(None, valid, resume=whole)),
        (ConfigError, "valid: the run.*other data", lambda: train(None, split, resume=whole)),
        (ConfigError, "lr is", lambda: train(None, split, valid=valid, resume=whole, lr=0.5)),
        (ConfigError, "model", lambda: train(other, split, valid=valid, resume=whole)),
        (ConfigError, "output", lambda: train(None, split, output=tmp_path, resume=whole)),
        (FormatError, "no such file", lambda: train(None, split, resume=tmp_path)),
        (InputError, "already holds a run", lambda: one_run.start(whole)),
        (InputError, "no folder", lambda: _no_folder().resume(split)),
    ]
    before = bytes_of(whole)
    for error, match, call in cases:
        with pytest.raises(error, match=match):
            call()
    assert bytes_of(whole) == before
    with pytest.raises(ConfigError, match="vocabulary"):
        load_run(whole).predict(copy_split(3, letters=5))


def _no_folder():
    return train(Transformer(max_positions=16, **one_run.SHAPE), copy_split(10), steps=1)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit(**changes):
    def change(path):
        values = json.loads(path.read_text())
        path.write_text(json.dumps({**values, **changes}))

    return change


NEWEST = "checkpoints/step_40"


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("config.json", Path.unlink),
        ("config.json", cut),
        ("config.json", lambda path: path.write_text("[]")),
        ("config.json", edit(schema_version=99)),
        ("config.json", edit(surprise=1)),
        ("config.json", edit(train={"lr": -1})),
        ("config.json", edit(train=3)),
        ("config.json", edit(model={"d_modle": 3})),
        ("config.json", edit(vocabulary="abc")),
        (f"{NEWEST}/config.json", cut),
        (f"{NEWEST}/config.json", edit(vocabulary=[])),
        (f"{NEWEST}/model.safetensors", Path.unlink),
        (f"{NEWEST}/model.safetensors", cut),
        (f"{NEWEST}/model.safetensors", lambda path: path.write_bytes(b"")),
        (f"{NEWEST}/model.safetensors", lambda path: path.write_bytes(b"\xff" * 64)),
        (f"{NEWEST}/state.json", cut),
        (f"{NEWEST}/state.json", edit(step="many")),
        (f"{NEWEST}/state.json", edit(sums={})),
        (f"{NEWEST}/state.json", edit(sums=3)),
    ],
)
def test_damage_is_one_clear_error(whole, tmp_path, name, damage):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    damage(folder / name)
    with pytest.raises(FormatError, match=Path(name).name.replace(".", r"\.")):
        load_run(folder)


@pytest.mark.parametrize("damage", [cut, Path.unlink])
def test_a_damaged_optimizer_is_refused_when_resuming(whole, tmp_path, damage):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    damage(folder / NEWEST / "optimizer.safetensors")
    assert load_run(folder).step == 40
    with pytest.raises(FormatError, match="optimizer"):
        one_run.resume(folder)


def test_tensors_of_another_model_are_refused(whole, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    path = folder / NEWEST / "model.safetensors"
    good = load_file(path)
    name = next(iter(good))
    for wrong in (
        {n: v for n, v in good.items() if n != name},
        {**good, "extra": np.zeros(1, np.float32)},
        {**good, name: good[name][:-1]},
        {**good, name: good[name].astype(np.float64)},
    ):
        save_file({n: np.ascontiguousarray(v) for n, v in wrong.items()}, path)
        with pytest.raises(FormatError, match=r"model\.safetensors"):
            load_run(folder)
    with pytest.raises(FormatError, match="folder"):
        load_run(tmp_path / "nowhere")


def test_a_run_without_a_checkpoint_says_what_to_do(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    shutil.rmtree(folder / "checkpoints")
    with pytest.raises(FormatError, match="no checkpoint yet; resume"):
        load_run(folder)
