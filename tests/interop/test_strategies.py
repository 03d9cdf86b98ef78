"""Strategies give every value of the sizes asked for, and shrink to small ones."""

import subprocess
import sys

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import recursionlab as rlab
from recursionlab.errors import CountError, InputError, InputTypeError
from recursionlab.interop import strategies

BINARY = rlab.library("binary")
TREES = rlab.library("tree")


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_values_are_of_the_type_and_sizes(data):
    kind = TREES.type(data.draw(st.sampled_from(["tree bool", "list (tree nat)", "nat", "bool"])))
    least, most = kind.sizes
    low = data.draw(st.integers(0, least if most else least + 2))
    value = data.draw(strategies.values(kind, min_size=low, max_size=low + 30))
    kind.check(value)
    assert low <= value.size <= low + 30


@given(strategies.values(BINARY["add"], max_size=150))
@settings(max_examples=30, deadline=None)
def test_a_function_gives_its_arguments(pair):
    add = BINARY["add"]
    assert add(*pair) == add(*reversed(pair))


def test_what_fails_shrinks_to_the_smallest():
    kind = TREES.type("tree bool")
    assert str(find(strategies.values(kind), lambda t: True)) == "leaf"
    found = find(strategies.values(kind, max_size=40), lambda t: t.depth >= 3)
    assert str(found) == "node leaf true (node leaf true leaf)"
    big = strategies.values(BINARY.type("positive"), min_size=100, max_size=200)
    assert find(big, lambda p: True).size == 100


def test_all_values_of_small_sizes_come():
    seen = set()

    @given(strategies.values(TREES.type("tree bool"), max_size=7))
    @settings(max_examples=400, database=None, deadline=None)
    def look(value):
        seen.add(str(value))

    look()
    kind = TREES.type("tree bool")
    assert seen == {str(v) for n in range(8) for v in kind.enumerate(n)}


def test_refusals():
    with pytest.raises(CountError, match="type tree bool has no value of size 2 to 3"):
        strategies.values(TREES.type("tree bool"), min_size=2, max_size=3)
    with pytest.raises(InputError, match="min_size <= max_size, got 5, 4"):
        strategies.values(TREES.type("nat"), min_size=5, max_size=4)
    with pytest.raises(InputTypeError, match="expected a type such as .* got str"):
        strategies.values("nat")


def test_without_hypothesis_the_extra_is_named():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import recursionlab.errors as e\n"
        "try: import recursionlab.interop.strategies\n"
        "except e.MissingExtraError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'recursionlab[hypothesis]'" in done.stdout
