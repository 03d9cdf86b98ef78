"""One configuration: file, command line and Python say the same, and it reads back exactly."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recursionlab.config import flatten, parse_seeds, parse_value, to_toml, tomllib
from recursionlab.errors import ConfigError
from recursionlab.experiments.config import HERE, load_experiment
from recursionlab.experiments.points import SweepConfig, label, named_points

LEAVES = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_as_toml_reads_back_the_same(table):
    assert tomllib.loads(to_toml(table)) == table


def same(one, other):
    """Whether two experiments have the same results."""
    return one.to_dict() == other.to_dict() and one.sweep == other.sweep


def reread(experiment, tmp_path):
    path = tmp_path / f"{experiment.name}.toml"
    path.write_text(experiment.to_toml())
    return load_experiment(path)


@pytest.mark.parametrize("name", [f.stem for f in sorted(HERE.glob("*.toml"))])
@pytest.mark.parametrize("quick", [False, True])
def test_the_printed_configuration_makes_the_same_experiment(name, quick, tmp_path):
    experiment = load_experiment(name, quick=quick)
    again = reread(experiment, tmp_path)
    assert again.variants == experiment.variants and again.points == experiment.points
    assert again.config.seeds == experiment.config.seeds
    assert again.to_toml() == experiment.to_toml()


BASE = {
    "data": {"program": "binary", "function": "succ", "sizes": "1..4"},
    "model": {"d_model": 16},
    "experiment": {"seeds": "0..2", "variants": {"a": {"train": {"lr": 0.5}}, "b": {}}},
}

SETS = st.fixed_dictionaries(
    {},
    optional={
        "train.lr": st.floats(0, 1),
        "train.steps": st.integers(1, 9),
        "train.betas": st.just([0.5, 0.75]),
        "model.d_model": st.sampled_from([8, 16, 32]),
        "data.sizes": st.sampled_from(["1..3", "2,4..5", [1, 2]]),
        "data.renames": st.just({"xH": 'one "1"'}),
        "evaluate.by": st.just(["size"]),
        "experiment.seeds": st.sampled_from(["0..1", [7], 3]),
        "experiment.title": st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
        "sweep.product.train.warmup": st.just([1, 2]),
        "sweep.points": st.just([{"train.clip": 0.5}, {"train": {"clip": 1.0}}]),
    },
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SETS)
def test_file_flags_and_python_are_one(sets):
    in_python = load_experiment(BASE, sets=sets)
    words = [f"{key}={to_toml({'x': [value]})[5:-2]}" for key, value in sets.items()]
    typed = {w.partition("=")[0]: parse_value(w.partition("=")[2]) for w in words}
    assert same(load_experiment(BASE, sets=typed), in_python)
    from_file = load_experiment(tomllib.loads(in_python.to_toml()))
    assert same(from_file, in_python) and from_file.to_toml() == in_python.to_toml()


def test_a_set_key_goes_over_the_variants_too():
    experiment = load_experiment(BASE, sets={"train.lr": 0.25})
    assert {s.train["lr"] for s in experiment.variants.values()} == {0.25}
    assert load_experiment(BASE).variants["a"].train["lr"] == 0.5


def test_a_set_table_takes_the_place_of_what_was_there():
    base = {**BASE, "sweep": {"product": {"train": {"lr": [0.1, 0.2]}}}}
    base["data"] = {**BASE["data"], "renames": {"xH": "one"}}
    assert len(load_experiment(base).variants) == 4
    sets = {"sweep.product": {}, "data.renames": {"xO": "nil"}}
    found = load_experiment(base, sets=sets).variants
    assert len(found) == 2
    assert all(s.data.renames == {"xO": "nil"} for s in found.values())


def test_the_printed_configuration_says_every_key(tmp_path):
    from recursionlab.learn import TrainConfig

    printed = tomllib.loads(load_experiment(BASE).to_toml())
    assert set(printed) == {"data", "model", "train", "evaluate", "experiment", "sweep"}
    silent = {name for name, value in TrainConfig().to_dict().items() if value is None}
    assert set(printed["train"]) == set(TrainConfig().to_dict()) - silent
    assert "max_positions" not in printed["model"]  # it follows the data


def test_points_are_the_product_and_the_list():
    sweep = SweepConfig(
        product={"train": {"lr": [1, 2]}, "model.d_model": [8, 16]},
        points=({"data": {"order": "reversed"}}, {"data.order": "natural", "train.clip": 0.5}),
    )
    sweep.validate()
    made = sweep.all_points()
    assert len(made) == 8 and len({json.dumps(point) for point in made}) == 8
    assert made[0] == {"data.order": "reversed", "train.lr": 1, "model.d_model": 8}
    assert sweep.keys() == ["data.order", "train.lr", "model.d_model", "train.clip"]
    assert SweepConfig().all_points() == [{}]


def test_names_of_points_are_folders_and_differ():
    sweep = SweepConfig(product={"data.program": ["a/b", "a-b", "../" * 40]})
    names = list(named_points({"main": {}}, sweep))
    assert len(set(names)) == 3
    assert all("/" not in name and len(name) < 200 for name in names)
    assert label({"train.betas": [0.9, 0.99]}) == "betas=0.9-0.99"


def test_seeds_are_read_from_words():
    assert parse_seeds("0..2,9") == parse_seeds([0, 1, 2, 9]) == (0, 1, 2, 9)
    assert parse_seeds(4) == (4,)
    for wrong in ("3..1", "", "a", [1, 1], [-1], [True], [1.5], 2**64, "0..999999"):
        with pytest.raises(ConfigError, match="seeds"):
            parse_seeds(wrong)


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"trian.lr": 1}, "unknown key 'trian'; did you mean 'train'"),
        ({"train.lr": 1, "sweep.product.train.lr": [1, 2]}, "train.lr is swept"),
        ({"sweep.product.train.lr": [1.0] * 2}, "comes twice"),
        ({"sweep.product.train.lr": list(range(20_000))}, "at most 10000 points"),
        ({"train": 3}, "train: expected a table"),
        ({"experiment.variants": 3}, "variants"),
    ],
)
def test_mistakes_are_named(sets, message):
    with pytest.raises(ConfigError, match=message):
        load_experiment(BASE, sets=sets)


def test_flat_and_nested_keys_are_one():
    assert flatten({"a": {"b": {}, "c": 1}, "d.e": 2}) == {"a.b": {}, "a.c": 1, "d.e": 2}


@pytest.mark.parametrize("command", ["train", "reproduce", "sweep", "generate"])
def test_every_command_prints_the_configuration_it_would_run(command, tmp_path, capsys):
    from recursionlab import cli

    file = tmp_path / "my.toml"
    file.write_text(to_toml(BASE))
    words = ["--set", "train.lr=0.125", "--print-config"]
    if command in ("train", "generate"):
        words += ["--variant", "a"]
    if command == "train":
        words += ["--seed", "3"]
    assert cli.main([command, str(file), *words]) == 0
    out = capsys.readouterr().out
    again = load_experiment(tomllib.loads(out))
    assert {s.train["lr"] for s in again.variants.values()} == {0.125}
    assert (again.variants["a"].train["seed"] == 3) == (command == "train")
    assert again.to_toml() == out
    assert cli.main([command, str(file), *words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == again.table
    assert sorted(tmp_path.iterdir()) == [file]
