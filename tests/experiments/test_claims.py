"""Claims: what is measured of runs, the interval over seeds, and the one rule of verdicts."""

import json
import math
import re

import pytest

import recursionlab as rlab
from recursionlab.commands import get as command
from recursionlab.errors import ConfigError, InputError
from recursionlab.experiments.claims import Claim, claims_of, judge, verdict
from recursionlab.experiments.config import HERE, load_experiment
from recursionlab.experiments.run import data_of_run, reproduce
from recursionlab.interpret.shortcut_data import stress
from recursionlab.judge.student import T95, interval

SMALL = """
[data]
program = "binary"
function = "succ"
sizes = "2..9"
per_size = 20
measures = ["carry"]
[model]
d_model = 16
n_heads = 2
[train]
steps = 3
batch_size = 8
[evaluate]
by = ["carry"]
shortcut = 120
shortcut_by = "carry"
[experiment]
title = "Small"
seeds = [0, 1]
[experiment.variants.natural]
[experiment.variants.reversed]
data = { order = "reversed" }
[experiment.claims.wrong]
text = "A model trained for three steps is wrong on long carries."
source = "made up"
variant = "natural"
split = "stress"
by = "carry"
values = "3.."
relation = "at most"
bound = 0.2
[experiment.claims.order]
text = "The orders differ by everything."
source = "made up"
variant = "natural"
than = "reversed"
bound = 0.9
[experiment.claims.recall]
text = "Its failures are foreseen."
source = "made up"
variant = "natural"
measure = "shortcut.recall"
failing = 0.5
bound = 0.9
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A small experiment with claims, run."""
    folder = tmp_path_factory.mktemp("claims")
    (folder / "small.toml").write_text(SMALL)
    return reproduce(folder / "small.toml", output=folder / "out", quiet=True).folder


def test_claims_are_judged_by_the_runs_of_the_folder(done):
    claims = {c["name"]: c for c in json.loads((done / "summary.json").read_text())["claims"]}
    assert {name: c["verdict"] for name, c in claims.items()} == {
        "wrong": "supported",
        "order": "not supported",
        "recall": "supported",
    }
    assert claims["wrong"]["values"] == {"0": 0.0, "1": 0.0}
    assert claims["wrong"]["measured"] == (
        "natural: exact match on stress with carry 3.. at most 0.2"
    )
    saved = json.loads((done / "runs/natural/seed-0/shortcut.json").read_text())
    assert claims["recall"]["values"]["0"] == saved["overall"]["recall"]["rate"]
    config = json.loads((done / "experiment.json").read_text())["config"]
    assert judge(done, config) == list(claims.values())


def test_pages_tell_of_claims_and_shortcuts(done):
    page = (done / "report.html").read_text()
    assert "not supported" in page and "The orders differ by everything." in page
    assert "wrong outputs to the letter" in page
    run = (done / "runs/natural/seed-0/report.html").read_text()
    assert "The rules and their machines" in run and "By carry" in run


def test_the_command_names_a_runs_shortcut_and_a_files(done, tmp_path, capsys):
    from recursionlab import cli

    run = done / "runs/natural/seed-0"
    assert data_of_run(run) == (done / "data/natural").resolve()
    args = ["shortcut", str(run), "--items", "100", "--by", "carry", "--output", str(tmp_path)]
    assert cli.main([*args, "--json"]) in (0, None)
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((tmp_path / "shortcut.json").read_text())
    assert cli.main(args) in (0, None)
    assert "letter" in capsys.readouterr().out
    data = str(data_of_run(run))
    assert cli.main(["predict", str(run), "--output", str(tmp_path)]) in (0, None)
    file = str(tmp_path / "samples-test.jsonl")
    capsys.readouterr()
    assert cli.main(["shortcut", file, "--data", data]) in (0, None)
    assert "agreement" in capsys.readouterr().out
    assert cli.main(["shortcut", file]) == 2
    assert "--data" in capsys.readouterr().err
    assert command("shortcut").EXAMPLE.startswith("recursionlab shortcut")


def test_stress_values_are_unseen_regular_and_the_same_again():
    succ = rlab.library("binary")["succ"]
    data = rlab.make_dataset(succ, sizes=range(2, 10), per_size=20, measures=["carry"])
    split = stress(data.config, data.program, 300, by="carry", without=data["train"])
    again = stress(data.config, data.program, 300, by="carry", without=data["train"], threads=2)
    assert split.input_ids.tolist() == again.input_ids.tolist()
    other = stress(data.config, data.program, 300, by="carry", without=data["train"], seed=1)
    assert split.input_ids.tolist() != other.input_ids.tolist()
    own = {data["train"].ids(i) for i in range(len(data["train"]))}
    assert not own & {split.ids(i) for i in range(len(split))}
    assert split.column("carry").max() >= 8
    assert len(split) <= 300
    with pytest.raises(InputError, match="items"):
        stress(data.config, data.program, 0)


@pytest.mark.parametrize(
    ("values", "relation", "bound", "expected"),
    [
        ([0.9, 0.92, 0.91], "at least", 0.8, "supported"),
        ([0.9, 0.92, 0.91], "at least", 0.95, "not supported"),
        ([0.9, 0.92, 0.91], "at least", 0.91, "undecided"),
        ([0.9, 0.92, 0.91], "at most", 0.95, "supported"),
        ([0.9, 0.92, 0.91], "at most", 0.8, "not supported"),
        ([1.0, 1.0], "at least", 1.0, "supported"),
        ([1.0], "at least", 0.5, "undecided"),
        ([], "at least", 0.5, "undecided"),
    ],
)
def test_the_rule_of_verdicts(values, relation, bound, expected):
    assert verdict(Claim(relation=relation, bound=bound), values) == expected


@pytest.mark.parametrize("free", [1, 2, 3, 4, 5, 9, 14, 20, 29, 30])
def test_the_table_of_student_holds_95_percent(free):
    def density(x):
        return (1 + x * x / free) ** (-(free + 1) / 2)

    def simpson(f, low, high, n=2000):
        h = (high - low) / n
        inner = sum((4 if i % 2 else 2) * f(low + i * h) for i in range(1, n))
        return h / 3 * (f(low) + inner + f(high))

    # x = tan(u) brings the whole line to a finite range
    whole = 2 * simpson(lambda u: density(math.tan(u)) / math.cos(u) ** 2, 0.0, math.pi / 2 - 1e-6)
    inside = 2 * simpson(density, 0.0, T95[free - 1])
    assert inside / whole == pytest.approx(0.95, abs=2e-4)


def test_an_interval_by_hand():
    low, high = interval([0.2, 0.4, 0.9, 0.5])
    half = T95[2] * (((0.3**2 + 0.1**2 + 0.4**2) / 3) / 4) ** 0.5
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))
    assert interval([0.3]) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": ""}, "text and a source"),
        ({"measure": "exakt"}, "did you mean 'exact'"),
        ({"relation": "about"}, "at least or at most"),
        ({"by": "carry"}, "together"),
        ({"by": "carry", "values": "3..", "measure": "tokens"}, "only with the measure exact"),
        ({"by": "carry", "values": "x.."}, "4..9"),
        ({"variant": "natral"}, "did you mean 'natural'"),
        ({"than": "none"}, "no variant 'none'"),
        ({"wrong": 1}, "unknown key 'wrong'"),
    ],
)
def test_a_claim_that_cannot_be_measured_is_refused(change, message):
    row = {"text": "t", "source": "s", "variant": "natural", **change}
    with pytest.raises(ConfigError, match=message):
        claims_of({"c": row}, ["natural", "reversed"])
    with pytest.raises(ConfigError, match="expected a table"):
        claims_of({"c": 3}, ["natural"])


@pytest.mark.parametrize("name", [f.stem for f in sorted(HERE.glob("*.toml"))])
def test_claims_of_the_library_name_their_sources(name):
    for claim in load_experiment(name).config.claims.values():
        assert re.match(r"(a summary of )?arXiv \d{4}\.\d{5}\b|this library\b", claim["source"])


def test_all_experiments_end_in_one_table_of_claims(done, tmp_path, monkeypatch):
    import shutil

    from recursionlab.experiments import all as everything

    monkeypatch.setattr(everything, "HERE", tmp_path)
    (tmp_path / "one.toml").write_text(SMALL)
    shutil.copytree(done, tmp_path / "out" / "one")
    monkeypatch.setattr(everything, "reproduce", lambda *_, **__: None)
    monkeypatch.setattr(everything, "load_experiment", lambda file: load_experiment(str(file)))
    outcome = everything.reproduce_all(output=tmp_path / "out", quiet=True)
    assert [row["name"] for row in outcome.rows] == ["wrong", "order", "recall"]
    assert {row["experiment"] for row in outcome.rows} == {"one"}
    page = outcome.report.read_text()
    assert "A model trained for three steps is wrong on long carries." in page
    assert "not supported" in page
