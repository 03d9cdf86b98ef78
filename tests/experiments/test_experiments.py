"""Experiments: one file in, a folder and a page out; what is finished is not done again."""

import json
import re
from pathlib import Path

import pytest

from recursionlab import cli
from recursionlab.errors import ConfigError, FormatError
from recursionlab.experiments.config import HERE, load_experiment, settings_of
from recursionlab.experiments.run import reproduce
from recursionlab.judge.rollout import rollout, whole_reductions

SMALL = """
[data]
program = "binary"
function = "succ"
sizes = "1..6"
gen_sizes = "7..8"
gen_per_size = 10
measures = ["carry"]

[model]
d_model = 16
n_heads = 2

[train]
steps = 3
batch_size = 8

[evaluate]
by = ["size", "carry"]

[experiment]
title = "A small experiment"
seeds = [0, 1]

[experiment.variants.natural]
[experiment.variants.reversed.data]
order = "reversed"

[experiment.quick]
seeds = [5]
train = { steps = 2 }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize("name", [f.stem for f in sorted(HERE.glob("*.toml"))])
@pytest.mark.parametrize("quick", [False, True])
def test_every_experiment_of_the_library_is_valid_and_round_trips(name, quick):
    experiment = load_experiment(name, quick=quick)
    assert experiment.config.title
    assert experiment.variants
    for settings in experiment.variants.values():
        assert settings_of(json.loads(json.dumps(settings.to_dict()))) == settings


def test_variants_grid_sets_and_quick(file):
    experiment = load_experiment(file)
    assert [s.data.order for s in experiment.variants.values()] == ["natural", "reversed"]
    quick = load_experiment(file, quick=True)
    assert quick.config.seeds == (5,)
    assert all(s.train["steps"] == 2 for s in quick.variants.values())
    sets = {"train.steps": 9, "experiment.seeds": [7], "data.order": "reversed"}
    changed = load_experiment(file, sets=sets, quick=True)
    assert changed.config.seeds == (7,)
    assert {s.train["steps"] for s in changed.variants.values()} == {9}
    assert {s.data.order for s in changed.variants.values()} == {"reversed"}
    one = load_experiment(file, variant="reversed")
    assert list(one.variants) == ["reversed"]
    file.write_text(SMALL + "\n[sweep.product]\ntrain.lr = [1e-3, 1e-4]\n")
    assert list(load_experiment(file).variants) == [
        f"{order},lr={rate}" for order in ("natural", "reversed") for rate in (0.001, 0.0001)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[date]\n", "unknown key 'date'; did you mean 'data'"),
        ("[experiment]\nseeds = []\n", "experiment.seeds"),
        ("[experiment]\nseeds = [1, 1]\n", "experiment.seeds"),
        ("[experiment]\nseeds = [-1]\n", "experiment.seeds"),
        ("[experiment.variants.a]\nmodle = 3\n", "experiment.variants.a: unknown key 'modle'"),
        ('[experiment.variants."a/b"]\n', "expected letters"),
        ("[sweep.product]\ntrain.lr = 3\n", "sweep.product: expected a list"),
        ("[sweep.product]\ntrain.lr = []\n", "sweep.product: expected a list"),
        ("[sweep.product]\ntrian.lr = [1]\n", "unknown key 'trian'; did you mean 'train'"),
        ("[sweep.product]\ntrain.rl = [1]\n", "unknown key 'rl'"),
        ("[sweep.product]\ntrain = [1]\n", "expected a key such as train.lr"),
        ("[sweep.product]\ntrain.seed = [1]\n", "write experiment.seeds"),
        ("[sweep.product]\ntrain.lr = [0.1, 0.1]\n", "comes twice"),
        ("[sweep]\nproducts = 3\n", "did you mean 'product'"),
        ("[sweep]\npoints = [3]\n", "sweep.points"),
        ("[sweep]\npoints = [{ train.lr = 1.0 }]\nproduct = { train.lr = [1] }\n", "keep one"),
        ("[sweep]\nmetric = 'speed'\n", "sweep.metric"),
        ("[evaluate]\ngoal = 2.0\n", "evaluate.goal"),
        ("[evaluate]\nkeep = -1\n", "evaluate.keep"),
        ("[evaluate]\nby = []\n", "evaluate.by"),
        ("model = 3\n", "model"),
        ("", "data.function"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_the_file(text, message, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(
        text if "function" in message else text + '[data]\nfunction = "f"\nsizes = "1"\n'
    )
    with pytest.raises(ConfigError, match=message) as raised:
        load_experiment(path)
    assert "bad.toml" in str(raised.value)


def test_an_experiment_runs_resumes_and_tells_where_it_fails(file, tmp_path):
    out = tmp_path / "out"
    first = reproduce(file, output=out, quiet=True)
    assert first.report == out / "report.html"
    rows = [(r["variant"], r["split"], r["seeds"]) for r in first.rows]
    expected = [(v, s, 2) for v in ("natural", "reversed") for s in ("test", "gen_size")]
    assert rows == expected
    page = first.report.read_text()
    assert "below 99 % exact at carry length" in page
    assert "below 99 % exact at size" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    run = out / "runs" / "natural" / "seed-1"
    assert {p.name for p in run.iterdir()} >= {
        "config.json", "manifest.json", "metrics.jsonl", "samples-test.jsonl",
        "evaluation-test.json", "checkpoints", "summary.json", "report.html",
    }  # fmt: skip
    stamps = {p: p.stat().st_mtime_ns for p in out.glob("runs/*/*/*") if p.is_file()}
    (run / "summary.json").unlink()
    model = next((run / "checkpoints").rglob("model.safetensors")).read_bytes()
    again = reproduce(file, output=out, quiet=True)
    assert again.rows == first.rows
    assert next((run / "checkpoints").rglob("model.safetensors")).read_bytes() == model
    for path, stamp in stamps.items():
        if run not in path.parents:
            assert path.stat().st_mtime_ns == stamp, path
    with pytest.raises(ConfigError, match="another experiment"):
        reproduce(file, output=out, quick=True, quiet=True)
    meta = out / "data" / "natural" / "dataset.json"
    meta.write_text(meta.read_text()[:100])
    with pytest.raises(FormatError, match="dataset.json"):
        reproduce(file, output=out, quiet=True)


def test_training_from_the_command_line_scores_and_reports(file, tmp_path, capsys):
    run = tmp_path / "run"
    words = ["--variant", "natural", "--seed", "4", "--output", str(run)]
    assert cli.main(["train", str(file), *words]) == 0
    assert capsys.readouterr().out.strip() == str(run)
    assert cli.main(["predict", str(run), "--output", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    samples = told["output"]
    words = ["score", samples, "--data", str(run / "data"), "--by", "size,carry", "--json"]
    assert cli.main(words) == 0
    scored = json.loads(capsys.readouterr().out)
    kept = json.loads((run / "evaluation-test.json").read_text())
    assert {**scored, "forced": kept["forced"]} == kept
    assert scored["overall"]["rate"] == told["exact_match"]
    assert (run / "samples-test.jsonl").read_bytes() == Path(samples).read_bytes()
    page = (run / "report.html").read_bytes()
    assert cli.main(["report", str(run), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "report.html").read_bytes() == page


def test_a_single_training_wants_a_single_point(file, capsys):
    file.write_text(SMALL + "\n[sweep.product]\ntrain.lr = [1e-3, 1e-4]\n")
    assert cli.main(["train", str(file), "--variant", "natural"]) == 2
    assert "run it with `recursionlab sweep`" in capsys.readouterr().err
    words = ["--variant", "natural", "--set", "sweep.product={}", "--print-config"]
    assert cli.main(["train", str(file), *words]) == 0
    assert cli.main(["train", str(file)]) == 2


def test_a_stopped_run_goes_on_to_the_same_bits(file, tmp_path, monkeypatch):
    words = ["train", str(file), "--variant", "natural", "--set", "train.save_every=1"]
    assert cli.main([*words, "--output", str(tmp_path / "whole")]) == 0

    def stop(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("recursionlab.judge.evaluate", stop)
        assert cli.main([*words, "--output", str(tmp_path / "cut")]) == 130
    assert not (tmp_path / "cut" / "summary.json").exists()
    assert cli.main(["train", str(tmp_path / "cut"), "--resume"]) == 0
    for name in ("summary.json", "metrics.jsonl", "samples-gen_size.jsonl"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_rollout_feeds_the_model_its_own_terms():
    from recursionlab.data import from_config
    from recursionlab.data.make import as_values

    config = {"program": "tree", "function": "inorder", "at": {"A": "label"}}
    data = from_config({**config, "task": "step", "sizes": "1..7", "fractions": [1.0, 0.0, 0.0]})
    split = data["train"]
    table = {item["input"]: item["target"] for item in split}

    class Perfect:
        """Looks the next term up."""

        def predict(self, asked):
            from recursionlab.data.dataset import Packed

            words = {w: i for i, w in enumerate(asked.vocabulary)}
            answers = [table[asked.text(term)] for term in asked.inputs]
            return Packed.of([[words[w] for w in a.split()] for a in answers])

    class Stuck:
        """Gives every term back as it is."""

        def predict(self, asked):
            return asked.inputs

    values = as_values(data)["train"]
    assert len(whole_reductions(split, values)) == 1 + 4 + 32
    assert rollout(Perfect(), split, values, by=["size"]).accuracy == 1.0
    assert rollout(Stuck(), split, values, by=["size"]).accuracy == 0.0
    later = split.take(split.columns["size"] == 7)
    assert rollout(Perfect(), later, values, by=["size"]).overall["n"] == 32


def test_workers_run_our_package_whatever_the_current_folder_holds(tmp_path, monkeypatch):
    (tmp_path / "recursionlab").mkdir()
    (tmp_path / "recursionlab" / "__init__.py").write_text("raise SystemExit('a decoy')")
    (tmp_path / "small.toml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", "small.toml", "--output", "out"]) == 0
    assert (tmp_path / "out" / "report.html").exists()
