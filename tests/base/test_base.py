"""The base room: random numbers by counter, permutations, instruction sets, thread counts."""

import os
import subprocess
import sys

import numpy as np
import pytest

from recursionlab import _core, default_threads
from recursionlab.errors import InputError

# Known answers of Random123's kat_vectors for philox4x32-10: counter, key, output.
KNOWN = [
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        0xFFFFFFFFFFFFFFFF,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        0x299F31D0A4093822,
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "seed", "expected"), KNOWN)
def test_philox_gives_the_published_answers(counter, seed, expected):
    assert _core.philox(counter, seed) == expected


def test_neighbouring_seeds_streams_and_indices_share_nothing():
    drawn = [
        tuple(_core.random("u64", seed, stream, index, 4))
        for seed in (0, 1, 2)
        for stream in (1, 2)
        for index in (0, 1, 2**40)
    ]
    assert len({value for row in drawn for value in row}) == 4 * len(drawn)


def test_normals_have_normal_moments_and_tails():
    x = np.array(_core.random("normal", 3, 7, 0, 200_000))
    assert abs(x.mean()) < 0.01 and abs(x.std() - 1) < 0.01
    assert abs((x**3).mean()) < 0.05 and abs((x**4).mean() - 3) < 0.1
    assert abs((np.abs(x) > 2.5).mean() - 0.012419) < 0.0015


def test_uniform_floats_stay_inside_the_open_interval():
    x = np.array(_core.random("float", 5, 7, 0, 100_000))
    assert 0 < x.min() and x.max() < 1 and abs(x.mean() - 0.5) < 0.005


@pytest.mark.parametrize("n", [1, 2, 3, 10, 2**63 + 1])
def test_below_stays_below_and_covers(n):
    x = _core.random("below", 1, 7, 0, 2000, n)
    assert all(0 <= value < n for value in x)
    if n <= 10:
        assert set(x) == set(range(n))
    else:
        assert max(x) > 0.99 * n


@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 1000, 4097])
def test_permute_is_a_permutation(n):
    assert sorted(_core.permute(n, 0, n, 9, 4)) == list(range(n))


def test_permute_depends_on_seed_and_index_and_is_cheap_in_huge_ranges():
    a = _core.permute(2**62, 5, 100, 1, 1)
    assert len(set(a.tolist())) == 100
    assert not set(a.tolist()) & set(_core.permute(2**62, 5, 100, 2, 1).tolist())
    assert not set(a.tolist()) & set(_core.permute(2**62, 5, 100, 1, 2).tolist())
    assert np.array_equal(a[10:], _core.permute(2**62, 15, 90, 1, 1))


def test_permute_looks_uniform():
    n, trials = 8, 4000
    counts = np.zeros((n, n))
    for seed in range(trials):
        counts[np.arange(n), _core.permute(n, 0, n, seed, 0)] += 1
    chi2 = ((counts - trials / n) ** 2 / (trials / n)).sum()
    assert chi2 < 2 * n * n  # (n - 1)^2 = 49 degrees of freedom


def test_permute_refuses_ranges_outside():
    with pytest.raises(InputError, match="range inside"):
        _core.permute(10, 5, 6, 0, 0)


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_an_unknown_instruction_set_is_refused():
    done = run("import recursionlab._core", RECURSIONLAB_ISA="sse9")
    assert done.returncode != 0
    assert "expected base, avx2, avx512 or avx512bf16, got 'sse9'" in done.stderr


def test_the_instruction_set_can_be_forced_down():
    done = run("from recursionlab import _core; print(_core.isa())", RECURSIONLAB_ISA="base")
    assert done.stdout == "base\n"


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_bad_thread_counts_are_refused(monkeypatch, text):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    with pytest.raises(InputError, match="OMP_NUM_THREADS"):
        default_threads()


def test_omp_num_threads_is_followed(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert default_threads() == 3
