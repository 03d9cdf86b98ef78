"""Comparisons are right by enumeration, and do not cry wolf at seeds of one configuration."""

import itertools
import json
import math

import numpy as np
import pytest

from recursionlab.errors import FormatError, InputError
from recursionlab.judge.comparison import (
    Scored,
    compare,
    holm,
    mcnemar,
    paired_bootstrap,
    permutation_test,
)
from recursionlab.judge.scored import read_scored


def run(name, exact, configuration="", seed=None):
    return Scored(name, {str(i): bool(x) for i, x in enumerate(exact)}, configuration, seed)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 1), (3, 5), (10, 2), (7, 7), (0, 30)])
def test_mcnemar_is_the_sum_of_the_binomial(b, c):
    n = b + c
    less = sum(math.comb(n, k) for k in range(n + 1) if k <= min(b, c) or k >= max(b, c))
    assert mcnemar(b, c) == pytest.approx(min(1.0, less / 2**n))


def test_mcnemar_of_many_items_neither_overflows_nor_vanishes():
    assert mcnemar(100_000, 100_000) == pytest.approx(1.0)
    assert 0 <= mcnemar(0, 100_000) < 1e-300
    assert mcnemar(50_000, 51_000) == pytest.approx(0.00166, rel=0.05)


def test_permutation_test_counts_every_labelling():
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.random(3).tolist(), rng.random(4).tolist()
        values = first + second
        seen = abs(np.mean(first) - np.mean(second))
        gaps = [
            abs(
                np.mean([values[i] for i in c])
                - np.mean([v for i, v in enumerate(values) if i not in c])
            )
            for c in itertools.combinations(range(7), 3)
        ]
        p, least = permutation_test(first, second)
        assert p == pytest.approx(sum(g >= seen - 1e-12 for g in gaps) / len(gaps))
        assert least == pytest.approx(1 / 35)


def test_bootstrap_interval_is_near_the_normal_one():
    rng = np.random.default_rng(1)
    a, b = rng.random(2000) < 0.6, rng.random(2000) < 0.7
    low, high = paired_bootstrap(a, b)
    gap = b.astype(float) - a
    half = 1.96 * gap.std() / np.sqrt(2000)
    assert low == pytest.approx(gap.mean() - half, abs=0.004)
    assert high == pytest.approx(gap.mean() + half, abs=0.004)
    assert paired_bootstrap(a, b) == (low, high)


def test_holm_is_monotone_and_at_most_bonferroni():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_two_models_that_differ_are_told_from_two_that_do_not():
    good, bad = [i < 90 for i in range(100)], [i < 60 for i in range(100)]
    assert "b is better than a" in compare([run("a", bad), run("b", good)]).findings[0]
    same = compare([run("a", good), run("b", good)])
    assert "do not differ" in same.findings[0]
    assert same.pairs[0]["p"] == 1.0
    assert json.loads(json.dumps(same.to_dict()))["items"] == 100
    assert "findings" in same.to_dict()
    assert str(same)


def seeds_of(rng, name, center, n_seeds, spread=0.08, items=300):
    """Runs whose share of exact matches varies from seed to seed."""
    rates = np.clip(rng.normal(center, spread, n_seeds), 0, 1)
    return [run(f"{name}/{k}", rng.random(items) < r, name, k) for k, r in enumerate(rates)]


def test_seeds_of_one_configuration_are_said_to_be_that():
    rng = np.random.default_rng(4)
    found = compare(seeds_of(rng, "a", 0.6, 4))
    assert "seeds of one configuration" in found.findings[0]
    assert found.tests == []
    # Two seeds may differ as models; that they are of one configuration is said first.
    two = compare([run("s0", [1] * 90 + [0] * 10, "a", 0), run("s1", [1] * 50 + [0] * 50, "a", 1)])
    assert two.pairs[0]["p"] < 0.05
    assert "seeds of one configuration" in two.findings[0]
    assert "%" in str(two.configurations)


def test_configurations_are_compared_over_seeds_with_honest_error_rates():
    rng = np.random.default_rng(7)
    false, true = 0, 0

    def p_of(first, second):
        rates = [[sum(r.exact.values()) / len(r.exact) for r in runs] for runs in (first, second)]
        return permutation_test(*rates)[0]

    for k in range(120):
        same = seeds_of(rng, "a", 0.6, 5), seeds_of(rng, "b", 0.6, 5)
        false += p_of(*same) < 0.05
        other = seeds_of(rng, "a", 0.4, 5), seeds_of(rng, "b", 0.7, 5)
        true += p_of(*other) < 0.05
        if k < 2:  # it is what `compare` says
            assert compare([*same[0], *same[1]]).tests[0]["p"] == p_of(*same)
    assert false <= 13  # 120 tests at 5 %: mean 6, and above 13 with probability 0.3 %
    assert true >= 108


def test_one_seed_each_is_undecided_however_large_the_difference():
    found = compare([run("a", [1] * 50, "x", 0), run("b", [0] * 50, "y", 0)])
    assert any("undecided" in f for f in found.findings)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([run("a", [1])], "at least two"),
        ([run("a", [1]), run("a", [1])], "called 'a'"),
        ([run("a", [1]), Scored("b", {"x": True})], "no item in common"),
    ],
)
def test_what_cannot_be_compared_is_refused(runs, message):
    with pytest.raises(InputError, match=message):
        compare(runs)


def write_run(folder, exact, lr, seed):
    folder.mkdir(parents=True)
    rows = [{"doc_id": f"f-{i}", "exact_match": float(x)} for i, x in enumerate(exact)]
    (folder / "samples-test.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    settings = {"data": {"function": "f"}, "train": {"lr": lr, "seed": seed}}
    (folder / "settings.json").write_text(json.dumps({"settings": settings, "seed": seed}))


def test_runs_are_read_with_their_configurations_and_seeds(tmp_path):
    for lr, name in ((0.1, "slow"), (0.2, "fast")):
        for seed in (0, 1):
            write_run(tmp_path / "e" / "runs" / name / f"seed-{seed}", [1, 0], lr, seed)
    found = read_scored([tmp_path / "e"])
    assert [(r.name, r.configuration, r.seed) for r in found] == [
        ("fast/seed-0", "fast", 0),
        ("fast/seed-1", "fast", 1),
        ("slow/seed-0", "slow", 0),
        ("slow/seed-1", "slow", 1),
    ]
    assert found[0].exact == {"f-0": True, "f-1": False}


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_scored([tmp_path / "no"])
    with pytest.raises(InputError, match="recursionlab predict"):
        read_scored([tmp_path])
    (tmp_path / "samples-test.jsonl").write_text('{"doc_id": 1, "exact')
    with pytest.raises(FormatError, match="samples-test.jsonl:1"):
        read_scored([tmp_path])
