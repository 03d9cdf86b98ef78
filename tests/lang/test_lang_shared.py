"""Programs, terms, types and codecs shared between Python threads; every refusal of the doors."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from lang_helpers import lab as make_lab

from recursionlab import _core
from recursionlab.errors import InputError, RecursionLabError, TermError

THREADS = 4


def side_by_side(work):
    """Run `work(i)` on several threads at once; the results in order."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(4 * THREADS)))


def test_threads_share_a_program_and_its_terms(lab, types):
    term = lab.term(("sort", ("cons", 3, ("cons", 1, ("cons", 2, "nil")))))

    def work(i):
        own = lab.p.apply(lab.globals["plus"], lab.term(i), lab.term(2))
        trace = lab.p.trace(
            term, granularity="equation", strategy=("cbv", "cbn", "parallel")[i % 3]
        )
        trace.advance(10**6)
        verdicts = lab.p.check_trace([own, own])
        return str(lab.p.eval(own)), str(trace.term), str(lab.p.eval(term)), verdicts[0][0]

    assert side_by_side(work) == [
        (str(i + 2), "[1; 2; 3]", "[1; 2; 3]", "convertible") for i in range(4 * THREADS)
    ]


def test_threads_share_types_and_codecs(lab):
    tree = lab.p.type([(lab.types["tree"], (lab.types["label"],))])
    codec = _core.Codec(tree, tree, encoding="paren")

    def work(i):
        size = 4 + 3 * (i % 4)
        found = []
        for rank in range(i % 5, tree.count(size), 7):
            value = tree.unrank(size, rank)
            assert tree.rank(value) == (size, rank)
            assert codec.decode(codec.encode(value)) == value == tree.parse(str(value))
            found.append(hash(value))
        return found

    assert side_by_side(work) == [work(i) for i in range(4 * THREADS)]


def test_threads_share_one_trace(lab):
    """Each step is taken once, whoever takes it."""
    term = lab.term(("ack", 2, 3))
    steps = lab.p.trace(term).advance(10**6)
    trace = lab.p.trace(term)
    taken = side_by_side(lambda i: sum(trace.advance(7) for _ in range(200)))
    assert sum(taken) == trace.steps == steps
    assert str(trace.term) == "9"


def test_code_that_builds_terms_while_it_is_read(lab):
    """The store is locked while it builds; what the caller's own iterator does comes before."""

    def code():
        zero = lab.p.term([("ctor", lab.ctors["O"])])
        assert str(zero) == "0"
        yield ("ctor", lab.ctors["O"])

    assert str(lab.p.term(code())) == "0"
    with pytest.raises(TypeError, match="expected a sequence of instructions"):
        lab.p.term(3)


def test_terms_outlive_their_program():
    lab = make_lab()
    term = lab.term(("double", 2))
    trace = lab.p.trace(term)
    del lab
    trace.advance(3)
    assert str(term) == "double 2" and trace.steps == 3


def other():
    return make_lab().term("two")


REFUSED = [
    (lambda b: b.p.add_type("late", 0, ""), InputError, "sealed"),
    (lambda b: b.p.set_body(0, []), InputError, "it is sealed, so nothing can be added"),
    (lambda b: _core.Program().term([]), InputError, r"call seal\(\) first"),
    (lambda b: b.p.term([("var", 0)]), TermError, "term: it has a free variable"),
    (lambda b: b.p.term([]), TermError, "expected one term at the end, got 0"),
    (lambda b: b.p.term([("app", 1)]), TermError, "an instruction takes 2 terms, 0 are there"),
    (lambda b: b.p.term([("lam", 3)]), TypeError, "expected a binder name|malformed"),
    (lambda b: b.p.term([("fix", 0, "f", 0)]), TypeError, "instruction 0 is malformed"),
    (lambda b: b.p.term([("global", 999)]), IndexError, "code: function 999 of"),
    (lambda b: b.p.term([("fixg", 999)]), IndexError, "code: function 999 of"),
    (lambda b: b.p.term([("ctor", 999)]), IndexError, "code: constructor 999 of"),
    (lambda b: b.p.term([("match", 999, ())]), IndexError, "code: type 999 of"),
    (lambda b: b.p.term([("match", 0, ())]), TermError, "an instruction takes 3 terms"),
    (lambda b: b.p.term([("match", 0, (("x",),))]), TermError, "expected 0 binder names, got 1"),
    (
        lambda b: b.p.term([("global", 0), ("fix", 0, "f", 1)]),
        TermError,
        "a fix of 1 arguments needs as many lambdas",
    ),
    (lambda b: b.p.term(3), TypeError, "expected a sequence of instructions"),
    (lambda b: b.p.apply(), TypeError, "expected a function's index or Term"),
    (lambda b: b.p.apply(999), IndexError, r"function: expected an index in \[0, \d+\), got 999"),
    (lambda b: b.p.apply(0, 1), TypeError, "apply: expected a Term, got int"),
    (lambda b: b.p.apply(0, other()), InputError, "apply: the term belongs to another program"),
    (lambda b: b.p.apply(b.term("true"), b.term("true")), TermError, "expected at most 0 arg"),
    (lambda b: b.p.eval(1), TypeError, "term: expected a Term, got int"),
    (lambda b: b.p.eval(b.term(("fun", ["x"], "x"))), TermError, "holds a function, not a value"),
    (lambda b: b.p.calls(b.term("two"), 999), IndexError, "function: expected an index"),
    (lambda b: b.p.trace(other()), InputError, "term: the term belongs to another program"),
    (lambda b: b.p.trace(b.term("two"), function=-2), IndexError, "expected an index in"),
    (lambda b: b.p.type([("nope",)]), TypeError, "expected a type expression"),
    (lambda b: b.p.type([3.5]), TypeError, "expected a type expression"),
    (lambda b: b.p.type([(999,)]), RecursionLabError, "999"),
    (lambda b: b.p.type([(b.types["list"],)]), RecursionLabError, "list"),
]


@pytest.mark.parametrize(("action", "kind", "message"), REFUSED)
def test_refusals(lab, action, kind, message):
    with pytest.raises(kind, match=message):
        action(lab)
