"""Splits that keep something from training keep all of it; what cannot be made is refused."""

import numpy as np
import pytest

from recursionlab import cli
from recursionlab.data import from_config
from recursionlab.errors import ConfigError, CountError, RecursionLabError

PLAIN = {"program": "binary", "function": "succ", "sizes": "1..8", "measures": ["carry"]}
TREE = {"program": "tree", "function": "preorder", "at": {"A": "label"}, "sizes": "1..7"}


def made(**changes):
    return from_config({**PLAIN, **changes}, threads=1)


def everything(data):
    return {(i["size"], i["rank"]) for split in data.values() for i in split}


def test_a_measure_beyond_the_limit_is_apart():
    data = made(split_by="measure", split_measure="carry", train_limit=3)
    for name, split in data.items():
        carry = split.columns["carry"]
        assert len(split)
        assert (carry > 3).all() if name == "gen_carry" else (carry <= 3).all()
    assert everything(data) == everything(made())


@pytest.mark.parametrize(
    ("withhold", "words"), [("xO", "xO"), ("xI (xO xH)", "xI xO xH"), ("xH", "xH")]
)
def test_a_constructor_or_value_withheld_is_apart(withhold, words):
    if withhold == "xH":
        with pytest.raises(ConfigError, match="leaves no value in the split train"):
            made(split_by="withheld", withhold=withhold)
        return
    data = made(split_by="withheld", withhold=withhold)
    for name, split in data.items():
        for item in split:
            assert (f" {words} " in f" {item['input']} ") == (name == "gen_withheld")
    assert everything(data) == everything(made())


def test_a_subtree_is_withheld_whatever_the_encoding():
    shown = [
        from_config(
            {**TREE, "split_by": "withheld", "withhold": "node leaf b leaf", "encoding": e},
            threads=1,
        )
        for e in ("prefix", "paren")
    ]
    for data in shown:
        assert len(data["gen_withheld"])
    a, b = (everything({"train": d["train"]}) for d in shown)
    assert a == b
    for item in shown[0]["gen_withheld"]:
        assert "node leaf b leaf" in item["input"]


def test_functions_kept_back_are_met_in_their_split_alone():
    for task in ("induction", "program"):
        data = made(task=task, gen_functions=["pred"], functions=["succ", "pred_double"])
        for name, split in data.items():
            met = {item["function"] for item in split}
            assert met == ({"pred"} if name == "gen_function" else {"succ", "pred_double"})
        assert set(data.overlaps.values()) == {0}
        assert everything(data) == everything(made())


def test_hash_gives_each_split_about_its_share_whatever_the_order():
    one, two = (made(split_by="hash", sizes="1..11", order=o) for o in ("natural", "reversed"))
    sizes = {name: len(split) for name, split in one.items()}
    assert abs(sizes["train"] - 0.8 * 2047) < 80
    assert everything({"t": one["test"]}) == everything({"t": two["test"]})
    assert everything(one) == everything(made(sizes="1..11"))
    other = made(split_by="hash", sizes="1..11", seed=1)
    assert everything({"t": one["test"]}) != everything({"t": other["test"]})


def test_strategies_and_every_change_the_trace():
    terms = {}
    for name, changes in {
        "cbv": {},
        "every": {"every": 2},
        "cbn": {"strategy": "cbn"},
        "parallel": {"strategy": "parallel"},
    }.items():
        table = {**TREE, "task": "trace", "granularity": "equation", **changes}
        split = from_config(table, threads=1)["train"]
        terms[name] = [item["target"].split(" <step> ") for item in split]
    for one, other in zip(terms["cbv"], terms["every"], strict=True):
        kept = one[::2] if len(one) % 2 else [*one[::2], one[-1]]
        assert other == kept
    assert terms["cbn"] != terms["cbv"]
    assert max(map(len, terms["parallel"])) < max(map(len, terms["cbv"]))
    for name in ("cbn", "parallel"):
        assert [t[-1] for t in terms[name]] == [t[-1] for t in terms["cbv"]]


def test_edits_are_shorter_where_terms_are_long():
    full, edits = (
        made(task="trace", sizes="8", scratchpad=s)["train"].targets.lengths
        for s in ("full", "edits")
    )
    long = full > 60
    assert long.any()
    assert (edits[long] < full[long]).all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"split_by": "withheld", "withhold": "xZ"}, ConfigError, "no constructor 'xZ'"),
        ({"split_by": "withheld", "withhold": "( )"}, ConfigError, "data.withhold"),
        (
            {"split_by": "measure", "split_measure": "cary", "train_limit": 1},
            ConfigError,
            "did you mean 'carry'",
        ),
        (
            {"split_by": "measure", "split_measure": "carry", "train_limit": 99},
            ConfigError,
            "leaves no value in the split gen_carry",
        ),
        ({"split_by": "depth", "train_depth": 30}, ConfigError, "no value in the split gen_depth"),
        ({"strata": "cary"}, ConfigError, "did you mean 'carry'"),
        ({"strata": "carry", "shares": {"x": 1.0}}, ConfigError, "expected a stratum such as"),
        ({"strata": "carry", "shares": {"3..1": 1.0}}, ConfigError, "is empty"),
        ({"strata": "carry", "shares": {"1..": 0.5, "2": 0.5}}, ConfigError, "overlap"),
        ({"strata": "carry", "shares": {"50..": 1.0}}, ConfigError, "no value of the sizes"),
        ({"task": "induction", "demonstrations": 300}, ConfigError, "data.demonstrations"),
        ({"task": "program", "functions": ["add"]}, ConfigError, "'add' is no function"),
        ({"index_hints": 3}, ConfigError, "data.index_hints: a sequence has"),
        ({"sizes": "1..40"}, CountError, "set per_size"),
        ({"task": "state", "encoding": "paren"}, RecursionLabError, "prefix or flat"),
    ],
)
def test_what_cannot_be_made_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        made(**changes)


def test_a_function_without_a_machine_is_told_in_one_line(capsys, tmp_path):
    words = ["generate", "tree", "--function", "preorder", "--sizes", "1..4", "--output"]
    sets = ["--set", "data.at={A = 'label'}", "--set", "data.task=state"]
    status = cli.main([*words, str(tmp_path / "d"), *sets, "--set", "data.encoding=paren"])
    err = capsys.readouterr().err
    assert status == 2
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "d").exists()


def test_strata_hold_all_sizes_alike():
    options = {"sizes": "2..14", "strata": "carry", "seed": 3}
    train, more = (made(**options, items=items)["train"] for items in (1000, 1500))
    every = made(sizes="2..14", seed=3)["train"]
    for carry in range(6):
        taken, there = (
            np.bincount(s.columns["size"][s.columns["carry"] == carry], minlength=15)
            for s in (train, every)
        )
        assert ((taken >= taken.max() - 1) | (taken == there)).all(), carry
    assert {train.ids(i) for i in range(len(train))} <= {more.ids(i) for i in range(len(more))}
