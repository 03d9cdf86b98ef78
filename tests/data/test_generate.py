"""Data sets straight to disk: resumable to the same bytes whenever killed, never mixed up."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import recursionlab as rlab
from recursionlab import cli
from recursionlab.data import load_dataset
from recursionlab.data.config import DataConfig
from recursionlab.data.write import UNFINISHED, generate
from recursionlab.errors import FormatError, InputError
from recursionlab.files import sha256

KILLS = int(os.environ.get("RECURSIONLAB_KILLS", "10"))
PLAIN = {"program": "binary", "function": "succ", "sizes": "1..11", "measures": ["carry"]}
STEPS = {**PLAIN, "task": "step", "sizes": "1..9"}
CHILD = """
import sys, json
import recursionlab as rlab
from recursionlab.data.config import DataConfig
from recursionlab.data.write import generate
config = DataConfig.from_dict(json.loads(sys.argv[1]))
program = rlab.library("binary")
print("go", flush=True)
generate(config, program, sys.argv[2], 60, 2)
"""


def write(table, folder, shard_values=60, threads=1):
    return generate(
        DataConfig.from_dict(table), rlab.library("binary"), folder, shard_values, threads
    )


def sums(folder):
    return {p.name: sha256(p) for p in folder.iterdir()}


def run_and_kill(table, folder, after):
    """Start a process that generates, kill it after some time; say whether it was alive."""
    words = [sys.executable, "-c", CHILD, json.dumps(table), str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "go\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(after)
        alive = child.poll() is None
        if alive:
            child.send_signal(signal.SIGKILL)
        child.wait()
        assert alive or child.returncode == 0
    return alive


@pytest.mark.parametrize("table", [PLAIN, STEPS], ids=["values", "steps"])
def test_killed_at_any_moment_it_ends_in_the_bytes_of_an_uninterrupted_run(table, tmp_path):
    begun = time.monotonic()
    write(table, tmp_path / "whole")
    span = time.monotonic() - begun
    want = sums(tmp_path / "whole")
    random.seed(str(table))
    kills = runs = 0
    while kills < max(1, KILLS // 2) and runs < 4 * KILLS:
        folder = tmp_path / f"part-{runs}"
        while run_and_kill(table, folder, random.uniform(0, 0.6 * span)):
            kills += 1
            found = sums(folder) if folder.exists() else {}
            kept = {k: v for k, v in found.items() if k.endswith(".parquet")}
            assert kept == {k: want[k] for k in kept}
            if UNFINISHED not in found:
                assert found in ({}, want) or not kept
            if kills >= KILLS // 2:
                write(table, folder)
                break
        assert sums(folder) == want
        runs += 1
    assert kills >= 1


def test_a_folder_begun_is_gone_on_with_and_no_other(tmp_path, monkeypatch):
    from recursionlab.data import store

    true, made = store.write_parquet, []

    def failing(split, config, out):
        if len(made) == 5:
            raise OSError(28, "No space left on device")
        made.append(split.name)
        true(split, config, out)

    monkeypatch.setattr(store, "write_parquet", failing)
    folder = tmp_path / "d"
    with pytest.raises(OSError, match="No space"):
        write(PLAIN, folder)
    begun = sums(folder)
    assert len(begun) == 6
    with pytest.raises(FormatError, match="not finished; run the same generate again"):
        load_dataset(folder)
    monkeypatch.undo()
    for other in ({**PLAIN, "seed": 1}, {**PLAIN, "order": "reversed"}):
        with pytest.raises(InputError, match="the beginning of another data set"):
            write(other, folder)
    with pytest.raises(InputError, match="the beginning of another data set"):
        write(PLAIN, folder, shard_values=61)
    assert sums(folder) == begun
    write(PLAIN, folder)
    write(PLAIN, tmp_path / "whole")
    assert sums(folder) == sums(tmp_path / "whole")
    done = (folder / "dataset.json").stat().st_mtime_ns
    assert write(PLAIN, folder)["splits"]["train"]["rows"] > 0
    assert (folder / "dataset.json").stat().st_mtime_ns == done
    with pytest.raises(InputError, match="not empty"):
        write({**PLAIN, "seed": 1}, folder)


def test_two_processes_do_not_share_a_folder(tmp_path):
    def meddle(_):
        with pytest.raises(InputError, match="another process is writing"):
            write(PLAIN, tmp_path / "d", 5000)

    config = DataConfig.from_dict(PLAIN)
    generate(config, rlab.library("binary"), tmp_path / "d", 5000, 1, meddle)
    load_dataset(tmp_path / "d")


def test_a_broken_shard_of_a_folder_begun_is_told(tmp_path):
    def spoil(_):
        next((tmp_path / "d").glob("train-00000*")).write_bytes(b"PAR1")
        raise InterruptedError

    config = DataConfig.from_dict(PLAIN)
    with pytest.raises(InterruptedError):
        generate(config, rlab.library("binary"), tmp_path / "d", 60, 1, spoil)
    with pytest.raises(FormatError, match="not a whole Parquet file.*delete it and run generate"):
        write(PLAIN, tmp_path / "d")


def test_the_command_goes_on_where_it_was_killed(tmp_path, capsys):
    words = ["generate", "binary", "--function", "succ", "--sizes", "1..8", "--shard-values", "50"]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert cli.main([*words, "--output", str(whole), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["rows"] == {"train": 204, "valid": 25, "test": 26}
    part.mkdir()
    meta = json.loads((whole / "dataset.json").read_text())
    begun = {k: v for k, v in meta.items() if k not in ("splits", "overlaps", "left_out", "strata")}
    (part / UNFINISHED).write_text(json.dumps(begun))
    (part / ".train-00000-of-00005.parquet.x.part").write_text("half")
    name = "train-00001-of-00005.parquet"
    (part / name).write_bytes((whole / name).read_bytes())
    assert cli.main([*words, "--output", str(part)]) == 0
    assert sums(part) == sums(whole)
    assert cli.main([*words, "--output", str(part)]) == 0
    assert cli.main([*words, "--seed", "1", "--output", str(part)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert cli.main(["generate", str(whole), "--output", str(tmp_path / "again")]) == 0
    assert sums(tmp_path / "again") == sums(whole)


MEASURED = CHILD.replace("2], 60, 2)", "2], 20_000, 1)") + (
    "from recursionlab.machine import peak_bytes\nprint(peak_bytes())\n"
)


@pytest.mark.slow
def test_the_command_tells_strata_asked_for_and_reached(tmp_path, capsys):
    words = ["generate", "binary", "--function", "succ", "--sizes", "1..6"]
    words += ["--set", 'data.measures=["carry"]', "--set", "data.strata=carry"]
    words += ["--set", 'data.shares={"0" = 0.5, "1.." = 0.5}', "--set", "data.items=1000"]
    assert cli.main([*words, "--output", str(tmp_path / "data"), "--json"]) == 0
    strata = json.loads(capsys.readouterr().out)["strata"]
    assert cli.main([*words, "--output", str(tmp_path / "told")]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for split, entries in strata.items():
        for name, entry in entries.items():
            share = f"{entry['reached']:.2%}"
            told = next(words for words in lines if words[:2] == [split, name])
            assert told[2:5] == [share, "of", "50.00%"], told
            assert told[6:9] == [str(entry["items"]), "of", str(entry["available"])]


def test_memory_does_not_grow_with_the_number_of_items(tmp_path):
    peak = []
    for per_size in (40_000, 400_000):
        table = {**PLAIN, "sizes": "20", "per_size": per_size}
        words = [sys.executable, "-c", MEASURED, json.dumps(table), str(tmp_path / str(per_size))]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        peak.append(int(done.stdout.split()[-1]))
    assert peak[1] < 1.25 * peak[0]
