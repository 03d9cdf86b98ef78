import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lang_helpers import Lab, pos
from lang_helpers import lab as make_lab
from reference import lang_values as ref

from recursionlab import _core
from recursionlab.errors import BudgetError, InputError, TermError


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (("succ", pos(7)), "xO (xO (xO xH))"),
        (("plus", 3, 4), "7"),
        ("two", "2"),
        (("map", ("plus", 2), ("cons", 1, ("cons", 2, "nil"))), "[3; 4]"),
        (("map", ("fun", ["x"], ("plus", "x", "x")), ("cons", 1, "nil")), "[2]"),
        (("fold", "plus", 0, ("cons", 1, ("cons", 2, "nil"))), "3"),
        (("odd", 7), "true"),
        (("ack", 2, 3), "9"),
        (("flatten", ("rnode", "a", ("cons", ("rnode", "b", "nil"), "nil"))), "[a; b]"),
        (("compose", ("cons", "O"), ("fun", ["x"], "nil"), "O"), "[0]"),
        (("pair", ("pair", "a", 1), ("cons", ("pair", "O", "O"), "nil")), "(a, 1, [(0, 0)])"),
        (("sort", ("cons", 3, ("cons", 1, ("cons", 2, "nil")))), "[1; 2; 3]"),
    ],
)  # fmt: skip
def test_evaluator_and_reducer_agree(lab, expr, expected):
    term = lab.term(expr)
    assert str(lab.p.eval(term)) == expected
    for granularity in ("contraction", "equation"):
        trace = lab.p.trace(term, granularity=granularity)
        trace.advance(10**6)
        assert str(trace.term) == expected


@given(st.lists(st.integers(0, 9), max_size=8), st.sampled_from(["insert", "sort", "leb"]))
def test_sort_by_every_granularity(values, traced):
    lab = make_lab() if not hasattr(test_sort_by_every_granularity, "lab") else None
    lab = lab or test_sort_by_every_granularity.lab
    test_sort_by_every_granularity.lab = lab
    e = "nil"
    for v in reversed(values):
        e = ("cons", v, e)
    term = lab.term(("sort", e))
    expected = "[" + "; ".join(map(str, sorted(values))) + "]"
    assert str(lab.p.eval(term)) == expected
    trace = lab.p.trace(term, granularity="call", function=lab.globals[traced])
    trace.advance(10**6)
    assert str(trace.term) == expected


def test_traces_of_the_papers_example(lab):
    term = lab.term(("succ", ("xI", ("xI", "xH"))))
    call = list(lab.p.trace(term, granularity="call", function=lab.globals["succ"]))
    assert [str(s[3]) for s in call] + [str(call[-1][4])] == [
        "UNROLL (xI (xI xH))", "xO (UNROLL (xI xH))", "xO (xO (UNROLL xH))", "xO (xO (xO xH))",
    ]  # fmt: skip
    equation = list(lab.p.trace(term, granularity="equation"))
    assert [s[:3] for s in equation] == [("delta", "succ", (0,) * i) for i in range(3)]
    assert str(equation[0][4]) == "xO (succ (xI xH))"
    small = list(lab.p.trace(term))
    assert [s[0] for s in small] == ["delta", "iota", "beta", "iota"] * 3
    assert all(a[4] == b[3] for a, b in zip(small, small[1:], strict=False))
    third = list(lab.p.trace(term, every=5))
    assert [s[4] for s in third] == [small[4][4], small[9][4], small[11][4]]


def test_let_is_zeta(lab):
    rules = [s[0] for s in lab.p.trace(lab.term(("double", 1)))]
    assert rules[:2] == ["delta", "beta"] and rules[-1] == "zeta"


def test_calls(lab):
    assert lab.p.calls(lab.term(("succ", pos(7))), lab.globals["succ"])[1] == 3
    assert lab.p.calls(lab.term(("even", 5)), lab.globals["odd"])[1] == 6


def test_budgets(lab):
    with pytest.raises(BudgetError, match="step budget of 100 calls"):
        lab.p.eval(lab.term(("ack", 3, 5)), steps=100)
    with pytest.raises(BudgetError, match="node budget of 300 nodes"):
        lab.p.eval(lab.term(("ack", 3, 6)), nodes=300)
    with pytest.raises(BudgetError, match="step budget of 10 contractions"):
        lab.p.trace(lab.term(("ack", 2, 2)), steps=10).advance(100)


def test_building_refuses():
    p = _core.Program()
    t = p.add_type("bool", 0, "")
    p.add_constructor(t, "true", [])
    g = p.add_global("f", 1, 0, 0, (0, [(t,)], (t,)))
    with pytest.raises(TermError, match="expected 1 lambdas"):
        p.set_body(g, [("ctor", 0)])
    with pytest.raises(TermError, match="free variable"):
        p.set_body(g, [("var", 0)])
    with pytest.raises(IndexError, match="constructor 7 of 1"):
        p.set_body(g, [("ctor", 7)])
    with pytest.raises(TypeError, match="instruction 0 is malformed"):
        p.set_body(g, [("nope", 7)])
    with pytest.raises(TermError, match="function f has no body"):
        p.seal()
    p.set_body(g, [("var", 0), ("lam", "x")])
    p.seal()
    with pytest.raises(InputError, match="sealed"):
        p.add_type("late", 0, "")


def test_ill_typed_code_gets_stuck_safely():
    lab = Lab()
    lab.type("bool", 0, [("true", []), ("false", [])])
    lab.type("nat", 0, [("O", []), ("S", ["self"])], "nat")
    lab.p.seal()
    for expr in (("match", "nat", "true", ([], "O"), (["n"], "n")),
                 ("match", "nat", ("fun", ["x"], "x"), ([], "O"), (["n"], "n"))):  # fmt: skip
        with pytest.raises(TermError, match="stuck"):
            lab.p.eval(lab.term(expr))
        with pytest.raises(TermError, match="stuck"):
            lab.p.trace(lab.term(expr)).advance()


def preorder(value):
    if value[0] == "leaf":
        return []
    return [value[2][0], *preorder(value[1]), *preorder(value[3])]


def test_pairs_are_the_references_whatever_the_threads(lab, types):
    tree, out = types["tree"], types["list"]
    codec = _core.Codec(tree, out, output_encoding="flat", traced=lab.globals["preorder"],
                        functions=[lab.globals["app"]])  # fmt: skip
    values = [(s, r, v) for s in (1, 4, 7, 10, 13) for r, v in enumerate(ref.values("tree", s))]
    args = (lab.globals["preorder"], tree, np.array([s for s, _, _ in values], np.int32),
            np.array([r for _, r, _ in values], np.uint64))  # fmt: skip
    options = {"codec": codec, "trace": True, "texts": True, "granularity": "call",
               "measures": [lab.globals["height"]]}  # fmt: skip
    one, three = (_core.pairs(*args, threads, **options) for threads in (1, 3))
    for key, column in one.items():
        assert np.array_equal(column, three[key]), key
    words = codec.vocabulary
    for i, (_, _, value) in enumerate(values):
        got = {k: [words[t] for t in one[k][slice(*one[f"{k}_offsets"][i : i + 2])]]
               for k in ("input", "output", "trace")}  # fmt: skip
        assert got["input"] == ref.prefix(value) and got["output"] == preorder(value)
        assert got["trace"][: ref.size(value) + 1] == ["UNROLL", *ref.prefix(value)]
        steps = " ".join(got["trace"]).split(" <step> ") if got["output"] else got["trace"]
        assert got["output"] == [] or steps[-1].split() == got["output"]
        nodes = ref.prefix(value).count("node")
        assert one["steps"][i] == 2 * nodes + 1 and one["calls"][i] == 2 * nodes
        assert one["measures"][0][i] == ref.depth(value) - (2 if nodes == 0 else 1) + (nodes == 0)
        assert one["depth"][i] == ref.depth(value)
    assert codec.texts(one["output"], one["output_offsets"]) == one["output_text"]


def test_pairs_report_the_lowest_failing_item(lab, types):
    items = [(s, r) for s in range(1, 12) for r in range(2 ** (s - 1))]
    sizes = np.array([s for s, _ in items], np.int32)
    ranks = np.array([r for _, r in items], np.uint64)
    with pytest.raises(BudgetError, match=r"item 1023 \(size 11, rank 0\): step budget") as error:
        _core.pairs(lab.globals["succ"], types["positive"], sizes, ranks, 2, max_steps=10)
    assert error.value.position == 1023


def test_pairs_survive_failing_allocations(lab, types):
    size, rank = np.full(2, 7, np.int32), np.arange(2, dtype=np.uint64)
    codec = _core.Codec(types["tree"], types["list"])
    for n in range(1, 1000):
        _core.alloc_fail_after(n)
        try:
            _core.pairs(lab.globals["preorder"], types["tree"], size, rank, 1, codec=codec,
                        texts=True, steps=True)  # fmt: skip
            break
        except MemoryError:
            pass
        finally:
            _core.alloc_fail_after(0)
    assert n > 20


DEEP = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests/lang"]
from lang_helpers import lab as make
from recursionlab import _core
lab, n = make(), 300_000
p, succ = lab.p, lab.globals["succ"]
positive = p.type([(lab.types["positive"],)])
text = "xI (" * (n - 1) + "xI xH" + ")" * (n - 1)
value = positive.parse(text)
assert str(value) == text and value.size == value.depth == n + 1
codec = _core.Codec(positive, positive, encoding="paren", order="reversed")
assert codec.decode(codec.encode(value)) == value
result = p.eval(p.apply(succ, value))
assert result.size == n + 2
for granularity, steps in (("contraction", 4 * n + 4), ("call", n + 1)):
    trace = p.trace(p.apply(succ, value), granularity=granularity, function=succ)
    assert trace.advance(10**9) == steps and trace.term == result
nat = p.type([(lab.types["nat"],)])
assert nat.rank(nat.unrank(n, 0)) == (n, 0)
"""


def test_deep_values_need_no_stack():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    command = f"ulimit -s 256; exec {sys.executable} -c '{DEEP}' {root}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr[-2000:]
