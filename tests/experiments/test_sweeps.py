"""Sweeps: every point with every seed, the same files however it is spread or stopped."""

import csv
import json
import statistics

import pytest

from recursionlab.errors import ConfigError, RecursionLabError
from recursionlab.experiments import workers
from recursionlab.experiments.sweeps import sweep
from recursionlab.files import locked

TABLE = {
    "data": {
        "program": "binary",
        "function": "succ",
        "sizes": "1..6",
        "gen_sizes": "7..8",
        "gen_per_size": 10,
    },
    "model": {"d_model": 16, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 1},
    "train": {"steps": 4, "batch_size": 8},
    "evaluate": {"by": ["size"]},
    "experiment": {"seeds": [0, 1]},
    "sweep": {"product": {"train.lr": [1e-3, 1e-2], "train.warmup": [0, 2]}},
}
RESULTS = ("results.csv", "runs.csv", "results.json", "figure.svg")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep in one process; nothing writes to it."""
    return sweep(TABLE, output=tmp_path_factory.mktemp("sweep") / "out", threads=1, quiet=True)


def test_a_sweep_ends_with_a_table_and_a_figure(whole):
    assert len(whole.points) == 2 * 4 and len(whole.runs) == 2 * 4 * 2
    saved = json.loads((whole.folder / "results.json").read_text())
    assert saved == {"points": whole.points, "runs": whole.runs}
    rows = list(csv.DictReader((whole.folder / "results.csv").read_text().splitlines()))
    assert [float(r["exact_match"]) for r in rows] == [r["exact_match"] for r in whole.points]
    for point in whole.points:
        mine = [
            r
            for r in whole.runs
            if (r["variant"], r["split"]) == (point["variant"], point["split"])
        ]
        rates = [r["exact_match"] for r in mine]
        assert {r["seed"] for r in mine} == {0, 1}
        assert all(r["train.lr"] == point["train.lr"] for r in mine)
        assert point["exact_match"] == pytest.approx(statistics.mean(rates))
        assert point["deviation"] == pytest.approx(statistics.stdev(rates))
        assert (point["lowest"], point["highest"]) == (min(rates), max(rates))
    figure = whole.figure.read_text()
    assert figure.startswith("<svg") and "train.lr" in figure and "train.warmup" in figure


def test_the_data_are_made_once(whole):
    assert len(list((whole.folder / "data").iterdir())) == 1


def test_processes_change_no_byte(whole, tmp_path):
    other = sweep(TABLE, output=tmp_path / "out", threads=2, quiet=True)
    for name in RESULTS:
        assert (other.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
    for one in (whole.folder / "runs").rglob("model.safetensors"):
        assert (other.folder / one.relative_to(whole.folder)).read_bytes() == one.read_bytes()


def test_another_sweep_is_refused_and_the_same_one_is_not_done_again(whole):
    stamps = {p: p.stat().st_mtime_ns for p in (whole.folder / "runs").rglob("*")}
    again = sweep(TABLE, output=whole.folder, quiet=True)
    assert again.points == whole.points
    assert stamps == {p: p.stat().st_mtime_ns for p in (whole.folder / "runs").rglob("*")}
    with pytest.raises(ConfigError, match="another experiment"):
        sweep(TABLE, output=whole.folder, sets={"train.steps": 5}, quiet=True)


def test_one_process_at_a_time_in_a_folder(whole, monkeypatch):
    monkeypatch.setattr(locked.__wrapped__, "__defaults__", (0.1,))
    with locked(whole.folder), pytest.raises(RecursionLabError, match="another process works"):
        sweep(TABLE, output=whole.folder, quiet=True)


def test_a_split_that_is_not_there_is_refused(whole):
    with pytest.raises(ConfigError, match=r"sweep\.split: 'tset' is not among"):
        sweep(TABLE, sets={"sweep.split": "tset", "evaluate.splits": ["test"]}, quiet=True)


def test_a_run_that_cannot_be_done_stops_the_sweep_with_its_reason(tmp_path):
    sets = {"evaluate.by": ["sise"]}
    with pytest.raises(RecursionLabError, match="no column 'sise'"):
        sweep(TABLE, output=tmp_path / "out", sets=sets, threads=2, quiet=True)


def test_a_run_that_diverges_is_told_and_the_others_go_on(tmp_path):
    wild = {"train.lr": 1000.0, "train.weight_decay": 1000.0, "train.eps": 1e-30}
    sets = {
        "sweep.product": {},
        "sweep.points": [{"train.lr": 1e-3}, wild],
        "train.steps": 400, "train.clip": 0.0, "train.warmup": 0, "model.norm": "rmsnorm",
        "experiment.seeds": [0],
    }  # fmt: skip
    table = {k: v for k, v in TABLE.items() if k != "sweep"}
    found = sweep(table, output=tmp_path / "out", sets=sets, threads=2, quiet=True)
    status = {row["train.lr"]: row["status"] for row in found.runs}
    assert status == {1e-3: "finished", 1000.0: "diverged"}
    rows = {r["train.lr"]: r for r in found.points if r["split"] == "test"}
    assert (rows[1e-3]["diverged"], rows[1000.0]["diverged"]) == (0, 1)
    assert rows[1e-3]["steps"] == 400 > rows[1000.0]["steps"] > 0
    assert rows[1e-3]["flops"] > rows[1000.0]["flops"] > 0


def test_every_result_has_its_cost(whole):
    assert len(whole.costs) == 8
    for row in whole.costs:
        assert row["train_seconds"] > 0 and row["peak_bytes"] > 2**20
        assert row["flops_per_second"] > 0
    for row in whole.runs:
        assert row["status"] == "finished" and row["steps"] == 4 and row["flops"] > 1e5


def test_a_sweep_has_a_page_too(whole):
    from recursionlab.report import write_report

    assert "lr=0.001" in write_report(whole.folder).read_text()
    (whole.folder / "report.html").unlink()


def test_threads_go_where_there_is_work():
    told = []

    class Worker:
        def __init__(self, name):
            self.name = name

        def tell(self, what):
            told.append((self.name, what["threads"]))

    for busy, threads, shares in [("ab", 2, [1, 1]), ("a", 2, [2]), ("abc", 8, [3, 3, 2])]:
        told.clear()
        workers._share_out([Worker(name) for name in busy], threads)
        assert [n for _, n in told] == shares and sum(shares) == threads
