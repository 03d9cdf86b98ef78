"""Displaced reads: maps planted in outputs are found, and what explains nothing is not."""

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab.data.dataset import Packed
from recursionlab.interpret.shortcut_displaced import displaced, displacements
from recursionlab.machines import Budget, loads


def moved(row, places):
    """Read some places elsewhere, slowly."""
    out = list(row)
    for to, of in places.items():
        if -len(row) <= to < len(row) and -len(row) <= of < len(row):
            out[to] = row[of]
    return out


def rows(seed, count, low=4, high=9):
    """Draw sequences of several lengths."""
    random = np.random.default_rng(seed)
    return [random.integers(6, 10, random.integers(low, high)).tolist() for _ in range(count)]


@pytest.mark.parametrize(
    "places",
    [{1: 0, 2: 1, 3: 2}, {0: 3, 3: 0}, {-1: -2}, {-1: -4, -4: -1}, {1: 7}, {2: 0, 0: 1, 1: 2}],
)
def test_a_machine_reads_where_the_map_says(places):
    machine = displaced(places, ["?"] * 6 + list("abcd"))
    some = rows(1, 50, 1, 9)
    packed = Packed.of(some)
    runs = machine.run(packed.ids, packed.offsets, budget=Budget())
    assert runs.fine.all()
    assert [runs[i].tolist() for i in range(len(some))] == [moved(r, places) for r in some]
    assert loads(str(machine), "again", machine.vocabulary).tree == machine.tree


@pytest.mark.parametrize(
    "places", [{1: 0, 2: 1, 3: 2}, {0: 3, 3: 0}, {-1: -2}, {-1: -4, -4: -1}, {2: 0, 0: 1, 1: 2}]
)
def test_a_planted_map_is_found_among_noise(places):
    right = rows(2, 400)
    noise = rows(3, 60)
    wrong = [moved(r, places) for r in right]
    kept = [(r, w) for r, w in zip(right, wrong, strict=True) if r != w]
    kept += [(n, n[::-1]) for n in noise if n != n[::-1]]
    found = displacements(*map(Packed.of, zip(*kept, strict=True)))
    assert places in [map_ for map_, _ in found]
    cost = dict((tuple(sorted(m.items())), bits) for m, bits in found)[
        tuple(sorted(places.items()))
    ]
    assert cost == pytest.approx(2 * len(places) * np.log2(8))


def test_outputs_of_other_lengths_have_no_map():
    right = rows(4, 200, 8, 9)
    assert displacements(Packed.of(right), Packed.of([[*r, 6] for r in right])) == []
    assert displacements(Packed.of([]), Packed.of([])) == []


def test_a_model_that_reads_displaced_places_is_named_to_the_letter():
    inorder = rlab.library("tree")["inorder"].at(A="label")
    data = rlab.make_dataset(inorder, sizes=range(7, 20), per_size=150, fractions=(1.0, 0.0, 0.0))
    split = data["train"]
    deep = split.column("size") >= 15
    targets = [split.targets[i].tolist() for i in range(len(split))]
    answers = [
        moved(t, {3: 1, 5: 3}) if far else t for t, far in zip(targets, deep.tolist(), strict=True)
    ]
    found = rlab.reconstruct(inorder, answers, split, by=())
    assert found.found, str(found)
    assert "3 from 1, 5 from 3" in str(found.shortcut)
    assert "machine displaced" in found.shortcut.text
    for name in ("agreement", "recall", "precision", "letter"):
        assert found.overall[name]["k"] == found.overall[name]["n"] > 0
