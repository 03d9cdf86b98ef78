"""Every kind of error is recognised, and told apart from the kinds beside it."""

import dataclasses

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.data.dataset import Packed
from recursionlab.judge import evaluate, score
from recursionlab.judge.taxonomy import KINDS, NAMES, classify

SUCC = rlab.library("binary")["succ"]


@pytest.fixture(scope="module")
def values():
    return rlab.make_dataset(SUCC, sizes=range(1, 8), seed=0)["train"]


def kind_of(split, item, text):
    ids = {word: i for i, word in enumerate(split.vocabulary)}
    found = classify(Packed.of([[ids[w] for w in text.split()]]), split.take([item]), 1)
    return NAMES[found.kind[0]], int(found.at[0]), int(found.by[0])


def find(split, text):
    return next(i for i in range(len(split)) if split.text(split.inputs[i]) == text)


@pytest.mark.parametrize(
    ("output", "kind", "at", "by"),
    [
        ("xO xO xI xI xH", "right", -1, 0),
        ("xO xO xI", "stopped early", 3, 0),
        ("", "stopped early", 0, 0),
        ("xO xO xI xI xH xH", "ran on", 5, 0),
        ("xI xI xO xI xH", "copied input", 0, 0),
        ("xO xO xO xI xH", "recursion short", 2, 1),
        ("xO xI xO xI xH", "recursion short", 1, 2),
        ("xO xO xO xO xO xH", "recursion long", 2, 0),
        ("xO xO xO xO xI xH", "wrong value", 2, 0),
        ("xH xH", "malformed", 1, 0),
        ("xO xO xO <sep> xH", "malformed", 3, 0),
    ],
)
def test_kinds_of_wrong_values(values, output, kind, at, by):
    assert kind_of(values, find(values, "xI xI xO xI xH"), output) == (kind, at, by)


@pytest.mark.parametrize(
    ("output", "kind", "by"),
    [
        ("xO UNROLL xI xH", "right", 0),
        ("xO xO UNROLL xH", "skipped steps", 2),
        ("xO xO xO xH", "skipped steps", 3),
        ("UNROLL xI xI xH", "copied input", 0),
        ("xO UNROLL xH", "wrong term", 0),
        ("xI UNROLL xI xH", "wrong term", 0),
        ("xO UNROLL xI", "stopped early", 0),
        ("UNROLL xO xI xI", "malformed", 0),
    ],
)
def test_kinds_of_wrong_terms(output, kind, by):
    split = rlab.make_dataset(SUCC, sizes=range(1, 5), seed=0, task="step", fractions=[1, 0, 0])
    split = split["train"]
    found = kind_of(split, find(split, "UNROLL xI xI xH"), output)
    assert (found[0], found[2]) == (kind, by)


A, B, C, D = "UNROLL xI xI xH", "xO UNROLL xI xH", "xO xO UNROLL xH", "xO xO xO xH"


@pytest.mark.parametrize(
    ("terms", "kind", "by"),
    [
        ([A, B, C, D], "right", 0),
        ([A, B, C], "stopped early", 0),
        ([A, B, C, D, D], "ran on", 0),
        ([A, D], "other legal trace", 1),
        ([A, C, D], "other legal trace", 1),
        ([A, "xI UNROLL xI xH", C, D], "right by illegal steps", 1),
        ([A, A, B, C, D], "right by illegal steps", 1),
        ([B, C, D], "right by illegal steps", 0),
        ([A, B, C, "xO xO xI xH"], "wrong term", 3),
        ([A, B, "xO xO UNROLL", "xO xO xO"], "malformed", 2),
        ([A, C], "skipped steps", 1),
    ],
)
def test_kinds_of_wrong_traces(terms, kind, by):
    split = rlab.make_dataset(SUCC, sizes=range(1, 5), seed=0, task="trace", fractions=[1, 0, 0])
    split = split["train"]
    found = kind_of(split, find(split, "xI xI xH"), " <step> ".join(terms))
    assert (found[0], found[2]) == (kind, by)


def test_kinds_do_not_depend_on_threads_or_on_neighbours(values):
    rng = np.random.default_rng(2)
    rows = []
    for i in range(len(values)):
        row = values.targets[i].tolist()
        if rng.random() < 0.7:
            row[rng.integers(len(row))] = int(rng.integers(3, 10))
        rows.append(row)
    one, two = (classify(Packed.of(rows), values, n) for n in (1, 2))
    np.testing.assert_array_equal(one.kind, two.kind)
    order = rng.permutation(len(values))
    other = classify(Packed.of([rows[i] for i in order]), values.take(order), 1)
    np.testing.assert_array_equal(other.kind, one.kind[order])
    np.testing.assert_array_equal(other.by, one.by[order])


def test_every_constructor_flip_of_a_traversal_gets_a_kind():
    preorder = rlab.library("tree")["preorder"].at(A="bool")
    split = rlab.make_dataset(preorder, sizes=range(1, 9), seed=0)["train"]
    answers = [split.text(split.targets[i][::-1].copy()) for i in range(len(split))]
    found = evaluate(answers, split, by=["size"])
    wrong = found.overall["n"] - found.overall["exact"]
    assert sum(row["n"] for row in found.errors) == wrong > 0
    assert {row["kind"] for row in found.errors} <= set(KINDS)
    assert sum(row["share"] for row in found.errors) == pytest.approx(1)


def test_scores_carry_kinds_and_foreign_splits_get_what_tokens_tell(values):
    foreign = dataclasses.replace(values.take(slice(5)), measure=None)
    found = score([""] * 4 + [values.text(values.targets[4])], foreign)
    assert [NAMES[k] for k in found["error"]] == ["stopped early"] * 4 + ["right"]
    found = score(["xH xH xH"] * 5, foreign)
    assert {NAMES[k] for k in found["error"]} <= {"wrong", "ran on"}
