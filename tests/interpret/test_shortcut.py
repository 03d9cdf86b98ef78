"""Reconstruction of shortcuts: what was planted is found, the true function is not accused."""

import numpy as np
import pytest
from planted import FUNCTIONS, data_of, plant

import recursionlab as rlab
from recursionlab.data.dataset import Packed
from recursionlab.errors import InputError, InputTypeError
from recursionlab.interpret.shortcut_candidates import outputs
from recursionlab.interpret.shortcut_features import features
from recursionlab.interpret.shortcut_rules import Rule, fit
from recursionlab.machines import Budget, Cut, Refused, loads, machine_of

PLANTS = range(20)


def exact(seed):
    """Return whether what was planted comes out on every item, and what was found."""
    p = plant(seed)
    found = rlab.reconstruct(p.function, p.noisy, p.split, order=p.order, by=())
    says = found.shortcut.predict(p.split)
    same = all(says[i].tolist() == p.clean[i].tolist() for i in range(len(p.split)))
    return same and found.found, f"{p.label}\n{found}"


@pytest.mark.parametrize("seed", [3, 13, 19])
def test_a_planted_shortcut_is_recovered_exactly(seed):
    same, report = exact(seed)
    assert same, report


@pytest.mark.slow
def test_of_20_planted_shortcuts_at_least_18_are_recovered_exactly():
    missed = [report for same, report in map(exact, PLANTS) if not same]
    assert len(missed) <= 2, "\n\n".join(missed)


@pytest.mark.parametrize("row", FUNCTIONS[::2], ids=lambda row: row[1])
@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_the_true_function_is_given_no_shortcut(row, noise):
    function, split = data_of(*row, "natural")
    random = np.random.default_rng(len(row[1]))
    used = np.unique(split.labels).tolist()
    answers = [split.targets[i].tolist() for i in range(len(split))]
    for i in np.flatnonzero(random.random(len(split)) < noise):
        answers[i][random.integers(len(answers[i]))] = int(random.choice(used))
    found = rlab.reconstruct(function, answers, split, by=())
    assert not found.found, str(found)
    assert "no shortcut" in str(found)
    if not noise:
        assert found.overall["agreement"]["rate"] == 1.0


@pytest.fixture(scope="module")
def cut():
    """Successor cut after 3, on numbers of 2 to 9 digits, with the answers."""
    succ = rlab.library("binary")["succ"]
    split = rlab.make_dataset(
        succ, sizes=range(2, 10), measures=["carry"], fractions=(1.0, 0.0, 0.0)
    )["train"]
    runs = machine_of(succ, cut=Cut(3, "copy")).run(split.input_ids, split.input_offsets)
    return succ, split, Packed(runs.tokens, runs.offsets)


def test_the_figures_are_what_they_say(cut):
    succ, split, answers = cut
    found = rlab.reconstruct(succ, answers, split, by=["carry"])
    assert (found.shortcut.size, str(found.shortcut.used[0])) == (1, "cut, copy; k = 3")
    assert found.fitted + found.held == len(split)
    assert found.bits < found.bits_true
    for name in ("agreement", "recall", "precision", "letter"):
        assert found.overall[name]["k"] == found.overall[name]["n"] > 0
    for row in found.strata["carry"]:
        assert (row["recall"]["n"] > 0) == (row["value"] >= 3)
    right = found.baselines["always right"]
    assert right["recall"]["k"] == right["precision"]["n"] == 0
    (threshold,) = [f for name, f in found.baselines.items() if name.startswith("fails where")]
    assert threshold["recall"]["rate"] == threshold["precision"]["rate"] == 1.0
    assert threshold["letter"]["k"] == 0
    assert found.parted == found.remaining == []
    assert "machine succ" in found.shortcut.text and "k : int = 3" in found.shortcut.text


def test_what_parts_is_told_with_its_kind(cut):
    succ, split, answers = cut
    changed = [answers[i].tolist() for i in range(len(split))]
    token = changed[0][-1]
    for i in range(0, len(changed), 40):
        changed[i] = [*changed[i], token]
    found = rlab.reconstruct(succ, changed, split, by=())
    assert str(found.shortcut.used[0]) == "cut, copy; k = 3"
    held_wrong = found.overall["agreement"]["n"] - found.overall["agreement"]["k"]
    assert held_wrong == len(found.parted) == sum(row["n"] for row in found.remaining) > 0
    assert all(row["model"] == f"{row['machine']} xH" for row in found.parted)
    assert "1 too long" in {row["kind"] for row in found.remaining}


def test_threads_seeds_and_formats_of_answers_agree(cut, tmp_path):
    succ, split, answers = cut
    lists = [answers[i].tolist() for i in range(len(split))]
    one = rlab.reconstruct(succ, answers, split, threads=1)
    assert one.to_dict() == rlab.reconstruct(succ, lists, split, threads=2).to_dict()
    texts = [split.text(ids) for ids in lists]
    assert one.to_dict() == rlab.reconstruct(succ, texts, split).to_dict()
    other = rlab.reconstruct(succ, answers, split, seed=1)
    assert str(other.shortcut.used[0]) == "cut, copy; k = 3"


def test_items_with_the_same_input_never_stand_on_both_sides(cut):
    succ, split, answers = cut
    twice = split.take(np.repeat(np.arange(len(split)), 2))
    doubled = [answers[i].tolist() for i in np.repeat(np.arange(len(split)), 2)]
    found = rlab.reconstruct(succ, doubled, twice)
    assert found.fitted + found.held == len(split)


def test_a_failure_without_a_known_output_is_foreseen_as_such(cut):
    succ, split, _ = cut
    token = split.vocabulary.index("xH")
    random = np.random.default_rng(0)
    answers = [
        [token] * int(random.integers(10, 30)) if size > 8 else split.targets[i].tolist()
        for i, size in enumerate(split.column("size"))
    ]
    found = rlab.reconstruct(succ, answers, split)
    assert "wrong in another way" in str(found.shortcut)
    assert found.overall["recall"]["rate"] == found.overall["precision"]["rate"] == 1.0
    assert found.overall["letter"]["k"] == 0


def test_a_function_that_compiles_to_no_machine_still_has_the_shortcuts_on_sequences():
    program = rlab.loads(
        "From Coq Require Import List.\n"
        "Definition back (x : bool) (l : list bool) : list bool := map (xorb x) l.\n"
    )
    function = program["back"]
    with pytest.raises(Refused):
        machine_of(function)
    split = rlab.make_dataset(function, sizes=range(4, 16), per_size=60, fractions=(1.0, 0.0, 0.0))[
        "train"
    ]
    answers = [split.inputs[i].tolist() for i in range(len(split))]
    found = rlab.reconstruct(function, answers, split, by=())
    assert str(found.shortcut.used[0]) == "copy"


def test_features_of_inputs_by_hand():
    succ = rlab.library("binary")["succ"]
    options = {"measures": ["carry"], "fractions": (1.0, 0.0, 0.0)}
    split = rlab.make_dataset(succ, sizes=[4], **options)["train"]
    wanted = features(split, ["all_ones"])
    for i in range(len(split)):
        words = split.text(split.inputs[i]).split()
        first = words.index("xO") if "xO" in words else len(words)
        for name, value in (("count xO", words.count("xO")), ("first xO", first)):
            if name in wanted:
                assert wanted[name][i] == value
    ranks = {np.unique(column, return_inverse=True)[1].tobytes() for column in wanted.values()}
    assert len(ranks) == len(wanted)


def test_rules_find_a_planted_threshold_and_no_more():
    random = np.random.default_rng(1)
    x, y = random.integers(0, 20, 400), random.integers(0, 20, 400)
    failed = x > 12
    matched = np.stack([~failed, np.zeros(400, bool), x > 5])
    failing = np.stack([np.zeros(400, bool), np.ones(400, bool), failed | (x <= 5)])
    rule, bits, alone = fit(matched, failing, failed, {"y": y, "x": x}, 6.0, 8)
    assert bits < alone
    assert isinstance(rule, Rule) and rule.feature == "x"
    leaves = list(rule.leaves())
    assert [leaf.candidate for leaf in leaves] == [0, 2]
    assert sum(leaf.hits for leaf in leaves) == 400
    assert rule.assign({"y": y, "x": x}, 400).tolist() == (x > rule.threshold).astype(int).tolist()
    only = fit(matched[:2], failing[:2], np.zeros(400, bool), {"x": x}, 6.0, 8)[0]
    assert only.low is None and only.candidate == 0


def test_a_run_that_does_not_end_is_answered_by_no_output():
    rule = "i := i + 1\nif length = 1 then halt end"
    machine = loads(f"machine on\nvar i : int = 0\nrule\n{rule}\nend")
    made = outputs(machine, Packed.of([[6], [6, 6]]), Budget(steps=9), 1)
    assert [made[0].tolist(), made[1].tolist()] == [[], [-2]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"part": 1.0}, InputError, "part: expected a share"),
        ({"size": 0}, InputError, "size: expected at least 1"),
        ({"order": "reversed", "renames": {"xH": "e"}}, InputError, "vocabulary"),
        ({"by": ["depht"]}, InputError, "depth"),
    ],
)
def test_a_mistake_is_named(cut, change, error, message):
    succ, split, answers = cut
    with pytest.raises(error, match=message):
        rlab.reconstruct(succ, answers, split, **change)
    with pytest.raises(InputTypeError, match="split"):
        rlab.reconstruct(succ, answers, {"train": split})
    with pytest.raises(InputError, match="at least 2 different"):
        rlab.reconstruct(succ, Packed.of([answers[0].tolist()]), split.take([0]))


TRAINED = [
    ("positive", "complement"),
    ("gray", "flip"),
    ("binary", "succ"),
    ("binary", "pred_double"),
    ("gray", "encode"),
]


@pytest.mark.slow
@pytest.mark.parametrize("row", TRAINED, ids=lambda row: row[1])
def test_a_trained_model_that_computes_the_function_is_given_no_shortcut(row):
    program, name = row
    function, split = data_of(program, name, range(2, 8), 0, "natural")
    model = rlab.Transformer(d_model=32, encoder_layers=1, decoder_layers=1)
    run = rlab.train(model, split, steps=400, batch_size=32, lr=3e-3, seed=1, progress=False)
    answers = run.predict(split, progress=False)
    right = sum(answers[i].tolist() == split.targets[i].tolist() for i in range(len(split)))
    assert right == len(split), "train it longer: it must be right on all it is tested on"
    found = rlab.reconstruct(function, answers, split, by=())
    assert not found.found, str(found)
