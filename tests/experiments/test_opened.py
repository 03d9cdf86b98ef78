"""Claims about the inside of a model, and fine-tuning a model from a folder that the user names."""

import pytest

import recursionlab as rlab
from recursionlab import cli
from recursionlab.experiments import all as everything
from recursionlab.experiments.claims import Claim, judge, measured
from recursionlab.experiments.config import HERE, load_experiment
from recursionlab.experiments.opened import NUMBERS, opened
from recursionlab.experiments.run import reproduce
from recursionlab.files import read_json
from recursionlab.interpret import HookedModel

TINY = {"d_model": 16, "n_heads": 2, "encoder_layers": 1, "decoder_layers": 1}


def trained(steps=60, **options):
    order = options.pop("order", "natural")
    succ = rlab.library("binary")["succ"]
    data = rlab.make_dataset(succ, sizes=range(2, 9), order=order, measures=["carry"], seed=0)
    shape = {**TINY, "positions": "learned", "max_positions": 40, **options}
    run = rlab.train(shape, data["train"], steps=steps, lr=5e-3, batch_size=32, progress=False)
    return run, data


@pytest.fixture(scope="module")
def run_and_data():
    return trained()


def test_a_run_is_opened_to_numbers_that_do_not_depend_on_threads(run_and_data):
    run, data = run_and_data
    found = opened(run, data, 20, 1)
    assert found == opened(run, data, 20, 2)
    assert list(found) == list(NUMBERS) and None not in found.values()
    assert found["ablate_most"] >= found["ablate_recursion"]
    assert all(-1 <= value <= 1 for value in found.values())


def test_what_a_head_is_worth_is_what_is_lost_with_its_mean(run_and_data):
    run, data = run_and_data
    part, model = data["test"].take(slice(20)), HookedModel(run)
    batch = model.batch(part)

    def right():
        hit = model.run_with_hooks(batch)[batch.mask("target")].argmax(-1) == batch.labels
        ends = batch.target_offsets
        return sum(hit[a:b].all() for a, b in zip(ends, ends[1:], strict=False)) / len(batch)

    whole = right()
    lost = []
    for name in [n for n in model.hook_names if n.endswith("hook_z")]:
        for head in range(2):
            _, cache = model.run_with_cache(batch, names_filter=name)
            mean = cache.packed(name)[:, head * 8 : head * 8 + 8].mean(0)

            def fill(value, hook, head=head, mean=mean):
                value[..., head, :] = mean

            with model.hooks([(name, fill)]):
                lost.append(whole - right())
    assert opened(run, data, 20, 1)["ablate_most"] == pytest.approx(max(lost))


def test_what_has_no_meaning_is_none():
    run, data = trained(steps=2, positions="rotary", order="reversed")
    found = opened(run, data, 10, 1)
    assert found["swapped"] is None and found["shuffled"] is None
    assert found["recursion_head"] is not None


def test_claims_name_what_was_found_inside(tmp_path):
    table = {
        "data": {"program": "binary", "function": "succ", "sizes": "2..7", "measures": ["carry"]},
        "model": {**TINY, "positions": "learned"},
        "train": {"steps": 3, "batch_size": 8},
        "evaluate": {"by": ["carry"], "opened": 10},
        "experiment": {
            "title": "Inside",
            "seeds": [0, 1],
            "variants": {"natural": {}},
            "claims": {
                "most": {
                    "text": "Nothing can be lost where nothing is known.",
                    "source": "made up",
                    "variant": "natural",
                    "measure": "opened.ablate_most",
                    "relation": "at most",
                    "bound": 0.5,
                }
            },
        },
    }
    folder = reproduce(table, output=tmp_path / "out", quiet=True).folder
    (claim,) = judge(folder, read_json(folder / "experiment.json")["config"])
    for seed in (0, 1):
        summary = read_json(folder / f"runs/natural/seed-{seed}/summary.json")
        assert claim["values"][str(seed)] == summary["opened"]["ablate_most"]
    assert claim["verdict"] == "supported"
    assert claim["measured"].startswith(f"natural: {NUMBERS['ablate_most']} at most 0.5")


def test_every_number_can_be_claimed_and_is_told_in_words():
    for name, about in NUMBERS.items():
        claim = Claim(text="a", source="b", variant="c", measure=f"opened.{name}")
        claim.validate()
        assert about in measured(claim)


def test_an_experiment_that_needs_a_folder_says_so(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", "finetune"]) == 2
    told = capsys.readouterr().err
    assert "train.init: found no folder 'FOLDER'" in told and "--set train.init=" in told
    assert list(tmp_path.iterdir()) == []


def test_all_is_every_experiment_with_claims_that_needs_nothing(monkeypatch, tmp_path):
    asked = []

    def note(name, *, output, **options):
        asked.append(name)
        output.mkdir(parents=True)
        (output / "summary.json").write_text('{"claims": []}')

    monkeypatch.setattr(everything, "reproduce", note)
    monkeypatch.setattr("recursionlab.report.write_report", lambda folder: folder)
    everything.reproduce_all(output=tmp_path / "all", quick=True, quiet=True)
    known = {f.stem: load_experiment(f).config for f in HERE.glob("*.toml")}
    assert set(known) - set(asked) == {n for n, c in known.items() if c.needs or not c.claims}
    assert {"inside", "traversal", "shortcut"} <= set(asked) and "finetune" not in asked


def test_a_t5_shaped_folder_is_fine_tuned_and_judged(tmp_path):
    transformers = pytest.importorskip("transformers")
    shape = transformers.T5Config(
        vocab_size=30, d_model=16, d_kv=8, d_ff=24, num_heads=2, num_layers=1,
        relative_attention_num_buckets=8, decoder_start_token_id=0,
    )  # fmt: skip
    transformers.T5ForConditionalGeneration(shape).save_pretrained(tmp_path / "t5")
    sets = {
        "train.init": str(tmp_path / "t5"),
        "train.epochs": 0.1,
        "data.sizes": "2..14",
        "data.per_size": 20,
        "evaluate.shortcut": 120,
        "experiment.seeds": [0],
    }
    out = reproduce("finetune", sets=sets, output=tmp_path / "out", quiet=True)
    claims = read_json(out.folder / "summary.json")["claims"]
    assert [c["name"] for c in claims] == ["fits", "edge"]
    assert all(len(c["values"]) == 1 and c["verdict"] == "undecided" for c in claims)
    run = rlab.load_run(out.folder / "runs/natural/seed-0")
    assert run.model_config.positions == "relative" and run.model_config.d_model == 16
    assert run.model.config["vocab_size"] == len(run.vocabulary)


@pytest.mark.slow
def test_a_step_wise_experiment_ends_with_its_rollouts_claimed(tmp_path):
    sets = {
        "train.steps": 3,
        "experiment.seeds": [0],
        "data.sizes": "1..7",
        "data.gen_sizes": "10",
        "data.gen_per_size": 10,
        "model.d_model": 16,
    }
    out = reproduce("traversal", quick=True, sets=sets, output=tmp_path / "out", quiet=True)
    summary = read_json(out.folder / "summary.json")
    claims = {c["name"]: c for c in summary["claims"]}
    assert all(len(c["values"]) == 1 for c in claims.values())
    assert "gen_size-rollout" in claims["longer"]["measured"]
    assert len([*out.folder.rglob("samples-test-rollout.jsonl")]) == 2
