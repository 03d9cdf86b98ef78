"""SIGKILL at random moments: nothing is left corrupt, and the rest comes out to the same bytes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recursionlab.cli import main
from recursionlab.config import to_toml

KILLS = [2, pytest.param(10, marks=pytest.mark.slow)]  # of each command
# What depends on the time, on the machine, or on how often a run was stopped.
VARIES = {
    "manifest.json", "experiment.json", "timing.jsonl", "cost.json", "costs.csv", "report.html",
}  # fmt: skip
TABLE = {
    "data": {
        "program": "binary",
        "function": "succ",
        "sizes": "1..7",
        "gen_sizes": "8..9",
        "gen_per_size": 20,
        "measures": ["carry"],
    },
    "model": {
        "d_model": 16, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "dropout": 0.1,
    },
    "train": {
        "steps": 120, "batch_size": 8, "warmup": 4, "lr": 3e-3, "log_every": 3, "eval_every": 10,
        "save_every": 10, "save_per_decade": 1, "select": "best",
    },
    "evaluate": {"by": ["size", "carry"]},
}  # fmt: skip
SWEEP = {
    **TABLE,
    "train": {**TABLE["train"], "steps": 40},
    "experiment": {"seeds": [0, 1]},
    "sweep": {"product": {"train.lr": [1e-3, 1e-2]}},
}


def files_of(folder):
    """Return the bytes of all files that must come out the same; names alone of the others."""
    found = (p for p in Path(folder).rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): b"" if p.name in VARIES else p.read_bytes() for p in found}


class Command:
    """A command that is started, killed at a random moment of its work, and started again."""

    def __init__(self, words, folder):
        self.words, self.folder = [*words, "--output", str(folder)], folder
        call = f"import sys; from recursionlab.cli import main; sys.exit(main({self.words}))"
        self.line = [sys.executable, "-c", call]

    def start(self):
        """Start it and wait until it begins to work."""
        process = subprocess.Popen(
            self.line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 120
        marks = ("recursionlab/experiments", "numpy/_core")  # maps of a process that has begun
        while process.poll() is None and time.monotonic() < deadline:
            try:
                maps = Path(f"/proc/{process.pid}/maps").read_text()
            except OSError:
                break
            if "pyarrow" in maps or self.folder.exists() or all(m in maps for m in marks):
                break
            time.sleep(0.01)
        return process

    def kill(self, seconds):
        """Start it and kill it so much later; return whether it was still at work."""
        process = self.start()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        error = process.communicate()[1]
        assert process.returncode in (0, -signal.SIGKILL), error
        return process.returncode != 0


def kill_often(words, tmp_path, whole, longest, wanted):
    """Kill a command so many times over as many folders as it gets through, each to its end."""
    draw = random.Random(0)
    kills, number = 0, 0
    while kills < wanted:
        command = Command(words, tmp_path / f"out-{number}")
        while kills < wanted and command.kill(draw.uniform(0, longest)):
            kills += 1
        assert main(command.words) == 0
        mine = files_of(command.folder)
        assert set(mine) == set(whole)  # nothing missing, nothing left over
        assert [name for name in whole if mine[name] != whole[name]] == []
        number += 1


@pytest.fixture
def config(tmp_path):
    def write(table):
        path = tmp_path / "my.toml"
        path.write_text(to_toml(table))
        return str(path)

    return write


@pytest.mark.parametrize("kills", KILLS)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL")
def test_a_training_killed_at_any_moment_goes_on_to_the_same_bytes(tmp_path, config, capsys, kills):
    words = ["train", config(TABLE), "--threads", "2", "--resume"]
    began = time.monotonic()
    assert main([*words, "--output", str(tmp_path / "whole")]) == 0
    longest = time.monotonic() - began
    whole = files_of(tmp_path / "whole")
    assert {"summary.json", "report.html", "metrics.jsonl", "settings.json"} <= set(whole)
    assert sum(name.endswith("model.safetensors") for name in whole) >= 4
    kill_often(words, tmp_path, whole, longest / 2, kills)


@pytest.mark.parametrize("kills", KILLS)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL")
def test_a_sweep_killed_at_any_moment_goes_on_to_the_same_bytes(tmp_path, config, capsys, kills):
    words = ["sweep", config(SWEEP), "--threads", "2"]
    began = time.monotonic()
    assert main([*words, "--output", str(tmp_path / "whole")]) == 0
    longest = time.monotonic() - began
    whole = files_of(tmp_path / "whole")
    assert {"results.csv", "runs.csv", "results.json", "figure.svg", "costs.csv"} <= set(whole)
    assert sum(name.endswith("summary.json") for name in whole) == 4 + 1
    kill_often(words, tmp_path, whole, longest / 2, kills)


def test_workers_end_with_their_parent(tmp_path, config):
    words = ["sweep", config({**SWEEP, "train": {"steps": 10**6}}), "--threads", "2"]
    folder = tmp_path / "out"
    command = Command(words, folder)
    process = command.start()
    deadline = time.monotonic() + 120
    while len(list(folder.glob("runs/*/*/metrics.jsonl"))) < 2 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while any(map(alive, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(alive, children))


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
