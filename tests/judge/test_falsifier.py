"""The falsifier finds planted failures, the smallest ones, and in fewer questions than chance."""

import json

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.errors import InputError, InputTypeError
from recursionlab.judge import falsify, race
from recursionlab.judge.mutation import Shapes

SUCC = rlab.library("binary")["succ"]


@pytest.fixture(scope="module")
def data():
    return rlab.make_dataset(SUCC, sizes=range(1, 9), seed=0)


def short(limit):
    """A model that ends the recursion after `limit` calls and copies the rest."""

    def answer(inputs):
        out = []
        for text in inputs:
            words = text.split()
            k = next(i for i, w in enumerate(words) if w != "xI")
            if k >= limit:
                words[:limit] = ["xO"] * limit
            else:
                words = ["xO"] * k + (["xI", *words[k + 1 :]] if words[k] == "xO" else ["xO", "xH"])
            out.append(" ".join(words))
        return out

    return answer


def test_the_smallest_failure_is_found_and_known_to_be_the_smallest(data):
    found = falsify(short(4), data, sizes="1..20", max_queries=2000)
    assert found.minimal
    assert found.smallest["input"] == "xI xI xI xI xH"
    assert found.smallest["expected"] == "xO xO xO xO xO xH"
    assert found.smallest["got"] == "xO xO xO xO xH"
    assert found.first <= found.queries <= 2000


def test_rare_failures_are_found_in_fewer_questions_than_at_random(data):
    found = race(short(12), data, sizes="1..24", max_queries=1000, seeds=(0, 1))
    guided, random = found.searches[:2], found.searches[2:]
    assert all(g.smallest["input"] == " ".join(["xI"] * 12 + ["xH"]) for g in guided)
    # A uniform draw has a run of 12 with probability 2^-12: half of them come after 2,800.
    assert all(g.first < 400 for g in guided)
    assert sum(r.first is None for r in random) >= 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model trained on short carries alone, and its data."""
    data = rlab.make_dataset(
        SUCC,
        sizes="1..12",
        per_size=200,
        split_by="measure",
        split_measure="carry",
        train_limit=3,
        measures=["carry"],
    )
    folder = tmp_path_factory.mktemp("short")
    data.save(folder / "data")
    shape = rlab.Transformer(d_model=32, encoder_layers=1, decoder_layers=1, max_positions=64)
    options = {
        "steps": 160,
        "batch_size": 48,
        "lr": 5e-3,
        "progress": False,
        "output": folder / "run",
    }
    run = rlab.train(shape, data["train"], **options)
    return run, data, folder


def test_failures_of_a_model_trained_on_short_carries_are_found_sooner_than_at_random(trained):
    run, data, _ = trained
    assert rlab.evaluate(run, data["test"]).overall["rate"] > 0.9
    found = race(run, data, sizes="1..12", max_queries=300, seeds=(0, 1, 2))
    guided, random = found.table()
    assert guided["found"] == random["found"] == 3
    assert guided["first"] < random["first"]
    for ours, theirs in zip(found.searches[:3], found.searches[3:], strict=True):
        # As many questions found more failures, and smaller ones, than uniform draws.
        among = [row for row in theirs.history if row[0] <= ours.queries][-1]
        assert ours.failures > among[1]
        assert ours.minimal or ours.smallest["size"] <= theirs.smallest["size"]


def test_the_command_draws_both_searches(trained, capsys):
    from recursionlab.cli import main

    _, _, folder = trained
    told = [
        "falsify",
        str(folder / "run"),
        "--data",
        str(folder / "data"),
        "--sizes",
        "1..8",
        "--method",
    ]
    told += ["both", "--queries", "40", "--seeds", "0,1", "--output", str(folder / "found")]
    assert main(told) == 0
    out = capsys.readouterr().out
    assert "guided" in out and "random" in out
    saved = json.loads((folder / "found" / "falsification.json").read_text())
    assert [(f["method"], f["seed"]) for f in saved["searches"]] == [
        ("guided", 0),
        ("guided", 1),
        ("random", 0),
        ("random", 1),
    ]
    for name in ("failures", "smallest"):
        text = (folder / "found" / f"{name}.svg").read_text()
        assert text.count("values the model was asked about") == 1
        assert "guided" in text and "random" in text


def test_a_model_without_failures_has_none(data):
    found = falsify(short(99), data, sizes="1..10", max_queries=300)
    assert found.smallest is None
    assert "no failure in" in str(found)
    assert found.queries <= 300


def test_the_search_is_a_function_of_its_seed(data):
    one, two = (falsify(short(9), data, sizes="1..30", max_queries=300, seed=3) for _ in (0, 1))
    assert one.to_dict() == two.to_dict()


def test_a_task_of_steps_fails_where_any_step_fails():
    steps = rlab.make_dataset(SUCC, sizes=range(1, 6), seed=0, task="step")
    found = falsify(lambda inputs: inputs, steps, sizes="1..6", max_queries=50)
    assert found.smallest["size"] == 1
    assert "UNROLL" in found.smallest["input"]


@pytest.mark.parametrize(
    ("program", "name", "at"),
    [
        ("binary", "add", {}),
        ("tree", "preorder", {"A": "bool"}),
        ("rose", None, {}),
        ("expression", None, {}),
    ],
)
def test_changes_keep_values_well_typed(program, name, at):
    library = rlab.library(program)
    names = [name] if name else list(library.functions)
    rng = np.random.default_rng(0)
    tried = 0
    for function in (library[n] for n in names):
        if function.type_parameters:
            function = function.at(**(at or dict.fromkeys(function.type_parameters, "bool")))
        try:
            shapes = Shapes(function)
        except (InputError, rlab.errors.RecursionLabError):
            continue
        sizes = [n for n in range(1, 12) if 0 < int(function.domain.count(n)) < 2**60][:6]
        for size in sizes:
            value = function.domain.sample(1, size, seed=size)[0]
            tokens = shapes.tokens(value)
            begin, end, kind = max(shapes.parts(tokens), key=lambda p: p[1] - p[0])
            assert kind in shapes.rows
            for _ in range(10):
                tokens = shapes.change(tokens, rng)
                if len(tokens) > 60:
                    break
                shapes.codec.decode(np.array(tokens, np.int32), "input")
                tried += 1
            for smaller in shapes.smaller(shapes.tokens(value)):
                assert len(smaller) < len(shapes.tokens(value))
                shapes.codec.decode(np.array(smaller, np.int32), "input")
    assert tried > 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "clever"}, "expected one of guided, random"),
        ({"max_queries": 0}, "max_queries"),
        ({"batch": 0}, "batch"),
        ({"sizes": "100..101"}, "64 bits"),
    ],
)
def test_wrong_options_are_refused(data, options, message):
    with pytest.raises(InputError, match=message):
        falsify(short(3), data, **{"sizes": "1..4", **options})


def test_what_is_no_model_is_refused(data):
    with pytest.raises(InputTypeError, match="a run or a callable"):
        falsify(3, data, sizes="1..4")
    with pytest.raises(InputTypeError, match="list of outputs"):
        falsify(lambda inputs: "xH", data, sizes="1..4")
    with pytest.raises(InputError, match="one an item"):
        falsify(lambda inputs: [], data, sizes="1..4")
    with pytest.raises(InputTypeError, match="a data set"):
        falsify(short(3), {}, sizes="1..4")
