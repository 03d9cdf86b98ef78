"""Scores are right, whoever made the predictions, and files of predictions are read with care."""

import json
import math

import numpy as np
import pytest

from recursionlab import _core
from recursionlab.data.dataset import Packed, Split
from recursionlab.errors import FormatError, InputError, InputTypeError
from recursionlab.judge import Evaluation, evaluate, read_predictions, score, wilson
from recursionlab.judge.evaluation import MAX_GROUPS

VOCABULARY = ("<pad>", "<bos>", "<eos>", "<sep>", "<step>", "UNROLL", "a", "b", "c")


def split_of(targets, name="test", **columns):
    n = len(targets)
    base = {
        "size": np.array([len(t) for t in targets], np.int32),
        "rank": np.arange(n, dtype=np.uint64),
    }
    packed = Packed.of(targets)
    return Split(name, "f", packed, packed, {**base, **columns}, VOCABULARY)


@pytest.fixture
def split():
    return split_of([[6, 7], [6, 7, 8], [8], [7, 7]], carry=np.array([0, 1, 1, 2]))


def reference(predicted, target):
    """The obvious comparison of one pair: exact, right, length, first."""
    right = sum(p == t for p, t in zip(predicted, target, strict=False))
    longer = max(len(predicted), len(target))
    parts = [
        i
        for i in range(longer)
        if i >= len(predicted) or i >= len(target) or predicted[i] != target[i]
    ]
    return predicted == target, right, longer, parts[0] if parts else -1


def test_compare_agrees_with_the_reference_on_any_number_of_threads():
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(9000):
        t = rng.integers(0, 3, rng.integers(0, 5)).tolist()
        p = t if rng.random() < 0.4 else rng.integers(0, 3, rng.integers(0, 5)).tolist()
        pairs.append((p, t))
    p, t = (Packed.of([pair[k] for pair in pairs]) for k in (0, 1))
    one = _core.compare(p.ids, p.offsets, t.ids, t.offsets, 1)
    two = _core.compare(p.ids, p.offsets, t.ids, t.offsets, 2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    for i, (a, b) in enumerate(pairs):
        assert tuple(int(x[i]) for x in one) == tuple(int(x) for x in reference(a, b))


@pytest.mark.parametrize("offsets", [[0, 2, 1, 3], [1, 2, 3, 3], [0, 1, 2, 2], [0, 1, 2, 4]])
def test_compare_refuses_offsets_that_do_not_fit(offsets):
    good = Packed.of([[1], [2], [3]])
    with pytest.raises(InputError, match="offsets"):
        _core.compare(good.ids, np.array(offsets), good.ids, good.offsets, 1)


def test_compare_refuses_wrong_dtypes_counts_and_threads():
    p, q = Packed.of([[1], [2]]), Packed.of([[1]])
    with pytest.raises(InputTypeError, match="predicted"):
        _core.compare(p.ids.astype(np.int64), p.offsets, p.ids, p.offsets, 1)
    with pytest.raises(InputError, match="expected 1 sequences"):
        _core.compare(p.ids, p.offsets, q.ids, q.offsets, 1)
    with pytest.raises(InputError, match="threads"):
        _core.compare(p.ids, p.offsets, p.ids, p.offsets, 0)


def test_wilson_is_the_solution_of_its_quadratic():
    z = 1.959963984540054
    for k, n in [(0, 5), (1, 7), (50, 100), (99, 100), (5, 5)]:
        low, high = wilson(k, n)
        assert 0 <= low <= k / n <= high <= 1
        for p in (low, high):
            if 0 < p < 1:
                assert math.isclose(abs(k / n - p), z * math.sqrt(p * (1 - p) / n), rel_tol=1e-9)
    assert wilson(0, 0) == (0.0, 1.0)


def test_evaluate_counts_overall_and_by_column(split):
    result = evaluate(["a b", "a b", "c", "b b c"], split, by=["size", "carry"])
    assert (result.overall["n"], result.overall["exact"]) == (4, 2)
    assert result.overall["token_accuracy"] == pytest.approx((2 + 2 + 1 + 2) / (2 + 3 + 1 + 3))
    assert [(r["value"], r["n"], r["exact"]) for r in result.groups["carry"]] == [
        (0, 1, 1),
        (1, 2, 1),
        (2, 1, 0),
    ]
    rows = result.failures()
    assert [(r["expected"], r["got"], r["first_wrong"]) for r in rows] == [
        ("b b", "b b c", 2),
        ("a b c", "a b", 2),
    ]
    assert len(result.table) == 1 + 3 + 3
    assert "by" in str(result.table)
    assert "<table>" in result._repr_html_()


def test_the_reference_scores_one_and_order_changes_no_score(split):
    answers = [split.text(t) for t in split.targets]
    assert evaluate(answers, split, by=["size"]).accuracy == 1.0
    answers[1] = "c c c"
    order = np.array([3, 1, 0, 2])
    shuffled = evaluate([answers[i] for i in order], split.take(order), by=["size", "carry"])
    straight = evaluate(answers, split, by=["size", "carry"])
    assert shuffled.groups == straight.groups
    assert shuffled.overall == straight.overall


def test_an_empty_split_has_no_accuracy():
    result = evaluate([], split_of([]), by=["size"])
    assert result.overall["n"] == 0
    assert result.accuracy == 0.0
    assert result.failures() == []


def test_a_column_of_many_values_is_put_into_bins():
    n = 5 * MAX_GROUPS
    split = split_of([[6]] * n, calls=np.arange(n))
    rows = evaluate(["a"] * n, split, by=["calls"]).groups["calls"]
    assert len(rows) <= 21
    assert sum(r["n"] for r in rows) == n


def test_evaluation_goes_through_json(tmp_path, split):
    result = evaluate(["a", "a b c", "c", ""], split, by=["carry"], train=split)
    assert result.trained == {"carry": (0, 2)}
    result.save(tmp_path / "e.json")
    assert Evaluation.load(tmp_path / "e.json") == result
    (tmp_path / "e.json").write_text((tmp_path / "e.json").read_text()[:-40])
    with pytest.raises(FormatError, match="truncated"):
        Evaluation.load(tmp_path / "e.json")
    (tmp_path / "f.json").write_text('{"format": "recursionlab-evaluation", "version": 99}')
    with pytest.raises(FormatError, match="version 2, got 99"):
        Evaluation.load(tmp_path / "f.json")


def test_samples_have_the_keys_of_lm_eval_and_score_the_same(tmp_path, split):
    answers = ["a b", "c b a", "c", "b"]
    result = evaluate(answers, split, by=["size"], samples=tmp_path / "s.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    keys = {"doc_id", "doc", "target", "resps", "filtered_resps"}
    assert all(keys | {"doc_hash", "prompt_hash", "target_hash"} <= set(r) for r in rows)
    assert [r["resps"] for r in rows] == [[[a]] for a in answers]
    assert evaluate(tmp_path / "s.jsonl", split, by=["size"]) == result


@pytest.mark.parametrize(
    "row",
    [
        {"doc_id": 0, "prediction": "a b"},
        {"id": "f-2-0", "prediction": "a b"},
        {"doc_id": 0, "prediction_ids": [6, 7]},
        {"doc_id": 0, "prediction": [6, 7]},
        {"doc_id": 0, "prediction": ["a", "b"]},
        {"doc_id": 0, "resps": [["a b"]]},
        {"doc_id": 0, "filtered_resps": ["a b"]},
    ],
)
def test_foreign_predictions_come_in_many_forms(tmp_path, row):
    split = split_of([[6, 7]])
    (tmp_path / "p.jsonl").write_text(json.dumps(row) + "\n\n")
    assert read_predictions(tmp_path / "p.jsonl", split)[0].tolist() == [6, 7]


def test_an_unknown_word_is_a_wrong_token_not_an_error(tmp_path):
    split = split_of([[6, 7]])
    (tmp_path / "p.jsonl").write_text('{"id": 0, "prediction": "a zebra"}')
    scores = score(tmp_path / "p.jsonl", split)
    assert scores["tokens_right"].tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": 0, "prediction": "a"', "p.jsonl:1: not a JSON object"),
        ("[1]", "p.jsonl:1: expected a JSON object"),
        ('{"prediction": "a"}', "p.jsonl:1: expected a key 'doc_id' or 'id'"),
        ('{"id": 7, "prediction": "a"}', "has no item 7"),
        ('{"id": true, "prediction": "a"}', "has no item True"),
        ('{"id": "f-9-9", "prediction": "a"}', "has no item 'f-9-9'"),
        ('{"id": 0}', "expected 'prediction'"),
        ('{"id": 0, "prediction": 5}', "expected 'prediction'"),
        ('{"id": 0, "prediction": null}', "expected 'prediction'"),
        ('{"id": 0, "prediction_ids": [99999999999]}', "does not fit 32 bits"),
        ('{"id": 0, "prediction": "a"}\n{"id": 0, "prediction": "a"}', "p.jsonl:2: a second"),
        ('{"id": 0, "prediction": "a"}', "1 of 2 items of 'test' have no prediction, first f-1-1"),
        ("", "2 of 2 items"),
        ("[" * 100000, "not a JSON object"),
    ],
)
def test_a_bad_file_of_predictions_is_told_with_its_line(tmp_path, text, message):
    (tmp_path / "p.jsonl").write_text(text)
    with pytest.raises(FormatError, match=message.replace("[", r"\[")):
        read_predictions(tmp_path / "p.jsonl", split_of([[6], [7]]))


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path):
    (tmp_path / "p.jsonl").write_bytes(b'{"id": 0, "prediction": "\xff"}\n')
    with pytest.raises(FormatError, match="p.jsonl:1: expected UTF-8"):
        read_predictions(tmp_path / "p.jsonl", split_of([[6]]))


def test_evaluate_refuses_what_is_no_split_or_does_not_fit(split):
    with pytest.raises(InputTypeError, match="expected a split"):
        evaluate([], [])
    with pytest.raises(InputError, match="expected 4, one an item"):
        evaluate(["a"], split, by=["size"])
    with pytest.raises(InputError, match="did you mean 'carry'"):
        evaluate(["a"] * 4, split, by=["cary"])
    with pytest.raises(InputError, match="expected a run's predictions"):
        evaluate(3, split, by=["size"])
    with pytest.raises(InputError, match="keep"):
        evaluate(["a"] * 4, split, by=["size"], keep=-1)


def test_a_run_is_asked_to_predict(split):
    class Run:
        def predict(self, asked, *, threads=None):
            return asked.targets

    assert evaluate(Run(), split, by=["size"]).accuracy == 1.0


def test_foreign_predictions_come_as_csv_and_parquet(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    split = split_of([[6, 7], [8]])
    (tmp_path / "p.csv").write_text("doc_id,prediction\nf-1-1,c\nf-2-0,a b\n")
    table = pa.table({"id": [1, 0], "prediction_ids": [[8], [6, 7]]})
    parquet.write_table(table, tmp_path / "p.parquet")
    for name in ("p.csv", "p.parquet"):
        got = read_predictions(tmp_path / name, split)
        assert [got[i].tolist() for i in (0, 1)] == [[6, 7], [8]]
    (tmp_path / "p.parquet").write_bytes((tmp_path / "p.parquet").read_bytes()[:-9])
    with pytest.raises(FormatError, match="not a parquet file"):
        read_predictions(tmp_path / "p.parquet", split)
    (tmp_path / "p.csv").write_text("doc_id,prediction\nf-9-9,c\n")
    with pytest.raises(FormatError, match="p.csv:2: split 'test' has no item 'f-9-9'"):
        read_predictions(tmp_path / "p.csv", split)


def test_free_running_and_teacher_forced_stand_side_by_side(split):
    class Run:
        def predict(self, asked, *, threads=None):
            return asked.targets

        def teacher_forced(self, asked, *, threads=None):
            return {"loss": 0.5, "token_accuracy": 0.75, "exact_match": 0.5}

    found = evaluate(Run(), split, by=["size"])
    assert (found.accuracy, found.forced["exact_match"]) == (1.0, 0.5)


def test_the_map_counts_every_size_and_depth():
    split = split_of([[6], [6], [7, 7]], depth=np.array([1, 1, 2]))
    found = evaluate(["a", "b", "b b"], split, by=["size"])
    assert found.grid == [
        {"size": 1, "depth": 1, "n": 2, "exact": 1},
        {"size": 2, "depth": 2, "n": 1, "exact": 1},
    ]
    assert found.plot_map().get_xlabel().startswith("size")
