"""A Gallina file alone is enough for an experiment: what is not said is chosen."""

import json

import pytest

from recursionlab import cli
from recursionlab.errors import InputError
from recursionlab.experiments.config import load_experiment
from recursionlab.experiments.of_function import LAST, experiment_of

ONE = """Inductive digit := zero | one.
Fixpoint flip (l : list digit) : list digit :=
  match l with nil => nil | cons zero r => cons one (flip r) | cons one r => cons zero (flip r) end.
"""
SMALL = ["train.steps=4", "train.eval_every=4", "model.d_model=16", "evaluate.shortcut=0"]


@pytest.fixture
def file(tmp_path):
    (tmp_path / "flip.v").write_text(ONE)
    return str(tmp_path / "flip.v")


def test_sizes_measures_and_types_are_chosen():
    data = experiment_of("tree", "preorder")["data"]
    assert data["at"] == {"A": "bool"}
    assert "height" in data["measures"]
    assert data["sizes"].startswith("1,4,7,") and data["per_size"] == 2000
    assert (
        load_experiment({"data": data}).data.gen_sizes[0]
        > load_experiment({"data": data}).data.sizes[-1]
    )


def test_sizes_stop_where_results_get_long():
    assert max(load_experiment(experiment_of("choice", "permutations")).data.sizes) == 7


def test_sizes_stop_where_there_are_few_values_of_each():
    assert max(load_experiment(experiment_of("nat", "double")).data.sizes) == LAST


def test_what_is_said_is_kept():
    data = experiment_of("binary", "succ", sizes="2..4", gen_sizes="6", per_size=3)["data"]
    assert (data["sizes"], data["gen_sizes"], data["per_size"]) == ("2..4", "6", 3)
    assert experiment_of("binary", "succ", sizes="2..4")["data"]["gen_sizes"] == "5..6"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("binary", "suc"), "no function 'suc'; did you mean 'succ'?"),
        (("binary",), "name one of its functions with --function: succ, pred_double"),
    ],
)
def test_what_cannot_be_chosen_is_asked_for(words, message):
    with pytest.raises(InputError) as caught:
        experiment_of(*words)
    assert message in str(caught.value)


def test_a_file_is_enough_for_reproduce(file, tmp_path, capsys):
    words = [word for item in SMALL for word in ("--set", item)]
    out = tmp_path / "out"
    words += ["--per-size", "20", "--sizes", "1..9", "--quick", "--output", str(out)]
    assert cli.main(["reproduce", file, "--json", *words]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {row["split"] for row in told["results"]} == {"test", "gen_size"}
    assert "flip : list digit -&gt; list digit" in (out / "report.html").read_text()


def test_a_file_is_enough_for_train(file, tmp_path, capsys):
    words = [word for item in SMALL for word in ("--set", item)]
    words += ["--sizes", "1..9", "--output", str(tmp_path / "run")]
    assert cli.main(["train", file, *words]) == 0
    assert (tmp_path / "run" / "summary.json").is_file()


def test_options_of_a_function_are_refused_for_a_configuration(capsys):
    assert cli.main(["reproduce", "successor", "--sizes", "1..3"]) == 2
    told = capsys.readouterr().err
    assert "--sizes goes with a .v file; for successor say --set data.sizes=..." in told
