"""Samples by strata: the shares asked for, in the order of candidates, whatever the batch."""

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.errors import CountError, InputError
from recursionlab.language import sampling


@pytest.fixture(scope="module")
def succ():
    return rlab.library("binary")["succ"]


def carry(value):
    text = str(value).replace("(", "").split()
    run = next((i for i, word in enumerate(text) if word != "xI"), len(text))
    return run + (text[run].startswith("xH"))


def test_shares_are_reached_and_reported(succ):
    drawn = succ.sample(200, size=[9, 10, 11], by="carry", shares={0: 1, 1: 1, 7: 6}, seed=3)
    assert [(s.value, s.asked, s.reached) for s in drawn.strata] == [
        (0, 25, 25), (1, 25, 25), (7, 150, 150),
    ]  # fmt: skip
    values = drawn.values()
    assert [carry(v) for v in values] == drawn.measured.tolist()
    assert {v.size for v in values} == {9, 10, 11} and len(drawn) == 200
    assert drawn.tried > 200 * 2**6 / 6


def test_a_stratum_holds_the_first_candidates_that_have_its_measure(succ, monkeypatch):
    drawn = succ.sample(60, size=12, by="carry", shares={2: 1, 3: 1}, seed=8)
    candidates = succ.domain.sample(2000, 12, seed=8)
    expected = {k: [v for v in candidates if carry(v) == k][:30] for k in (2, 3)}
    values = drawn.values()
    for k in (2, 3):
        assert [v for v in values if carry(v) == k] == expected[k]
    monkeypatch.setattr(sampling, "BATCH", 7)
    again = succ.sample(60, size=12, by="carry", shares={2: 1, 3: 1}, seed=8)
    assert np.array_equal(again.ranks, drawn.ranks) and again.strata == drawn.strata


def test_balanced_gives_every_result_that_occurs_the_same_share(succ):
    drawn = succ.sample(90, size=6, by="carry", seed=0)
    assert {s.value for s in drawn.strata} == {carry(v) for v in succ.domain.enumerate(6)}
    assert {s.asked for s in drawn.strata} == {15}
    assert all(s.reached == s.asked for s in drawn.strata)


def test_without_replacement_a_stratum_can_end_early(succ):
    drawn = succ.sample(40, size=5, by="carry", replace=False, seed=0)
    assert len(set(map(str, drawn.values()))) == len(drawn) == drawn.tried == 16
    assert {s.value: s.reached for s in drawn.strata} == {0: 8, 1: 4, 2: 2, 3: 1, 5: 1}
    assert all(s.asked == 8 for s in drawn.strata)


def test_laws_depths_bounds_and_long_ranks():
    height = rlab.library("tree")["height"].at(A="nat")
    drawn = height.sample(30, depth={4: 1, 5: 1}, nat=3, seed=1)
    assert all(v.depth in (4, 5) for v in drawn.values()) and drawn.by == "depth"
    big = rlab.library("binary")["succ"].sample(40, size=120, by="carry", seed=2)
    assert big.ranks.ndim == 2
    assert [big.domain.rank(v) for v in big.values()] == [(120, big.rank(i)) for i in range(40)]


def test_refusals(succ):
    with pytest.raises(InputError, match="no measure 'size_of'.*it has carry"):
        succ.sample(5, size=4, by="size_of", seed=0)
    with pytest.raises(InputError, match="expected 'balanced' or shares by value, got 'even'"):
        succ.sample(5, size=4, by="carry", shares="even", seed=0)
    for shares in ({}, {1: 0}, {1: -1, 2: 3}, {1: float("nan")}):
        with pytest.raises(InputError, match="shares: expected a finite share above 0"):
            succ.sample(5, size=4, by="carry", shares=shares, seed=0)
    with pytest.raises(CountError, match="none of 1000 candidates has carry = 40"):
        succ.sample(5, size=4, by="carry", shares={40: 1}, seed=0, tries=1000)
    with pytest.raises(CountError, match="no value of size 0"):
        succ.sample(5, size=0, by="carry", seed=0)
    with pytest.raises(InputError, match="either a size or a depth, got neither"):
        succ.sample(5, seed=0)
    with pytest.raises(InputError, match="n: expected at least 0, got -1"):
        succ.sample(-1, size=3, by="carry", shares={1: 1}, seed=0)
    assert len(succ.sample(0, size=3, by="carry", shares={1: 1}, seed=0)) == 0
