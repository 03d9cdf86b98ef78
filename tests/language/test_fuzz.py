"""Mutated files: whatever the input, the answer is a program or a LanguageError."""

import os
import random

import pytest
from accepted import ACCEPTED
from test_errors import WRONG

from recursionlab.errors import LanguageError
from recursionlab.language import library, loads

COUNT = int(os.environ.get("RECURSIONLAB_FUZZ_COUNT", "3000"))
SHARDS = 6
PIECES = (
    "match fun fix let if then else end with in as | => := : ( ) [ ] { } , ; . _ ' @ %nat :: ++ "
    "+ - * && || =? < nat list bool A x y S 0 5 nil cons Fixpoint Definition Inductive Example "
    "forall Type Prop -> struct (* *) Arguments Require Import List Compute Qed Proof "
    '" é \\ 99999999999999999999'
).split()


@pytest.fixture(scope="module")
def seeds():
    texts = [*4 * list(ACCEPTED.values()), *(program for program, _ in WRONG.values())]
    return [text for text in texts if len(text) < 3000]


def mutate(text, rng, seeds):
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((1, 2, 5, 20, 80)))
        choice = rng.randrange(6)
        if choice == 0:
            text = text[:at] + text[end:]
        elif choice == 1:
            text = text[:at] + " " + rng.choice(PIECES) + " " + text[at:]
        elif choice == 2:
            text = text[:at] + rng.choice(PIECES) + text[end:]
        elif choice == 3:
            text = text[:at] + text[at:end] * rng.randint(2, 5) + text[end:]
        elif choice == 4:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            text = text[:at] + other[start : start + 60] + text[end:]
        else:
            text = text[:at] + chr(rng.randrange(1, 0x300)) + text[end:]
    return text


def feed(count, rng, seeds):
    """Load mutated texts and count those that are still accepted."""
    accepted = 0
    for _ in range(count):
        text = mutate(rng.choice(seeds), rng, seeds)
        try:
            loads(text, "fuzz.v")
            accepted += 1
        except LanguageError as error:
            assert str(error).startswith(f"fuzz.v:{error.line}:{error.column}: error: "), text
    return accepted


@pytest.mark.parametrize("shard", range(SHARDS))
def test_mutated_programs(shard, seeds, reference):
    assert 0 < feed(COUNT // SHARDS, random.Random(shard), seeds) < COUNT // SHARDS


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(10))
def test_100_000_mutated_programs(shard, seeds):
    """Ten times 10,000, of the shorter texts."""
    short = [text for text in seeds if len(text) < 300]
    assert 0 < feed(10_000, random.Random(1000 + shard), short) < 5_000


def test_mutated_expressions(reference):
    rng = random.Random(99)
    program = library("tree")
    seeds = ["preorder (node leaf a (node leaf b leaf))", "fun x => x + 1", "[a; b] ++ [c]"]
    for _ in range(COUNT // 10):
        text = mutate(rng.choice(seeds), rng, seeds)
        try:
            program.expression(text)
        except LanguageError as error:
            assert error.file == "<term>"
