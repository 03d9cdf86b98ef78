"""A million constructors go through everything on a stack of 256 KiB, in stated memory."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEMORY = 1536  # MiB, of the whole process; measured: 700, and 1,100 where all steps are taken

PRELUDE = """
import recursionlab as rlab
from recursionlab.errors import CountError
from recursionlab.machine import peak_bytes
N = 1_000_000
BINARY, TREE, NAT = (rlab.library(name) for name in ("binary", "tree", "nat"))

def through(kind, text, codecs):
    value = kind.parse(text)
    assert value.size == N
    assert str(value) == text
    for codec in codecs:
        tokens = codec.encode(value, "input")
        assert codec.decode(tokens, "input") == value
    return value

def positive():
    succ = BINARY["succ"]
    text = "xI (" * (N - 2) + "xI xH" + ")" * (N - 2)
    codecs = [succ.codec(e, order) for e, order in (("flat", "reversed"), ("paren", "natural"))]
    return through(succ.domain, text, codecs)

def tree():
    mirror = TREE["mirror"].at(A="bool")
    m = N // 3
    text = "node (" * (m - 1) + "node leaf true leaf" + ") true leaf" * (m - 1)
    return through(mirror.domain, text, [mirror.codec("prefix"), mirror.codec("paren")])

def peak():
    return peak_bytes() >> 20  # ru_maxrss would count what the parent had when it forked
"""

PARTS = {
    "a number of a million digits": """
succ, value = BINARY["succ"], positive()
result = succ(value)
assert result.size == N + 1 and str(result).startswith("xO (xO (")
trace = succ.program.core.trace(succ.apply(value), granularity="call", function=succ.id)
assert trace.advance(1000) == 1000
assert str(trace.term).startswith("xO (xO (")
try:
    succ.domain.rank(value)
except CountError as error:
    assert "choose a smaller size" in str(error)
else:
    raise AssertionError
""",
    "a tree a third of a million deep": """
mirror, value = TREE["mirror"].at(A="bool"), tree()
assert value.depth == N // 3 + 1
result = mirror(value)
assert result.size == N and mirror(result) == value
trace = mirror.program.core.trace(mirror.apply(value), granularity="contraction")
assert trace.advance(1000) == 1000
assert trace.steps == 1000 and not trace.term.is_value
try:
    mirror.domain.rank(value)
except CountError as error:
    assert "choose a smaller size" in str(error)
else:
    raise AssertionError
""",
    "a nat, which has a rank at any size": """
kind = NAT.type("nat")
value = kind.parse(str(N - 1))
assert kind.rank(value) == (N, 0) and kind.count(N) == 1
assert kind.unrank(N, 0) == value == kind.sample(1, N, seed=0)[0]
assert kind.rank(value, by="depth") == (N, 0)
assert kind.unrank(depth=N, rank=0) == value
assert str(value) == str(N - 1)
""",
}

EVERY_STEP = """
succ, value = BINARY["succ"], positive()
for granularity, steps in (("contraction", 4 * N), ("call", N)):
    trace = succ.program.core.trace(succ.apply(value), granularity=granularity, function=succ.id)
    assert trace.advance(1 << 40) in (steps, steps - 1, steps + 1), granularity
    assert trace.term == succ(value)
"""


def run(part):
    code = f"{PRELUDE}\n{part}\nprint(peak())\n"
    done = subprocess.run(
        ["sh", "-c", 'ulimit -s 256; exec "$@"', "sh", sys.executable, "-c", code],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


@pytest.mark.parametrize("part", PARTS)
def test_a_million_constructors(part):
    assert run(PARTS[part]) < MEMORY


@pytest.mark.slow
def test_every_step_of_a_million_digits():
    assert run(EVERY_STEP) < MEMORY
