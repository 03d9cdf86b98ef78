"""The judge of traces: right ones pass, and each kind of planted fault is named and placed."""

import itertools

import pytest

from recursionlab import _core
from recursionlab.errors import BudgetError, InputError
from recursionlab.language import libraries, library, loads

KINDS = list(
    itertools.product(("cbv", "cbn", "parallel"), ("contraction", "equation", "call"), (1, 3))
)
START = "node (node leaf true leaf) false (node leaf true leaf)"


@pytest.fixture(scope="module")
def program():
    return loads(
        "Inductive tree := leaf | node (l : tree) (x : bool) (r : tree).\n"
        "Fixpoint mirror (t : tree) : tree :=\n"
        "  match t with leaf => leaf | node l x r => node (mirror r) x (mirror l) end."
    )


def mirror(program, terms, **options):
    return program.check_trace(terms, "mirror", **{"granularity": "equation", **options})


@pytest.mark.parametrize(("strategy", "granularity", "every"), KINDS)
@pytest.mark.parametrize("name", ["binary", "sort", "traversal", "parity"])
def test_our_own_traces_are_expected(name, strategy, granularity, every):
    program = library(name)
    options = {"granularity": granularity, "strategy": strategy, "every": every}
    for function in program:
        chosen = function.at(**dict.fromkeys(function.type_parameters, "bool"))
        try:
            domain = chosen.domain
            size = next(n for n in (5, 6, 4, 7) if domain.count(n))
        except Exception:
            continue
        value = domain.unrank(size, domain.count(size) // 2)
        trace = chosen.trace(*(value if isinstance(value, tuple) else (value,)), **options)
        terms = [trace.start, *(step.term for step in trace)]
        verdicts = program.check_trace(terms, function.name, **options)
        assert all(v.ok for v in verdicts), (function, [v.verdict for v in verdicts])
        assert all(v.position == () for v in verdicts)
        assert [v.expected for v in verdicts] == terms[1:]
        assert all(v.steps == every for v in verdicts[:-1])


def test_another_redex(program):
    terms = [
        "node (mirror (node leaf true leaf)) false (mirror leaf)",
        "node (mirror (node leaf true leaf)) false leaf",
    ]
    (verdict,) = mirror(program, terms)
    assert verdict[:3] == ("other", 1, (2,))
    assert str(verdict.expected) == (
        "node (node (mirror leaf) true (mirror leaf)) false (mirror leaf)"
    )
    (verdict,) = mirror(program, terms, granularity="call")
    assert verdict[:3] == ("other", 1, (2,))
    (verdict,) = mirror(program, terms, strategy="parallel")
    assert verdict[:3] == ("other", 1, (2,))


def test_skipped_steps(program):
    for steps in (2, 3, 4):
        trace = program["mirror"].trace(START, granularity="equation")
        terms = [trace.start, *(step.term for step in trace)]
        (verdict,) = mirror(program, [terms[0], terms[steps]])
        assert verdict[:2] == ("skipped", steps)
        (verdict,) = mirror(program, [terms[0], terms[steps]], lookahead=steps - 1)
        assert verdict[0] == "convertible"


@pytest.mark.parametrize(
    ("before", "after", "position"),
    [
        ("mirror leaf", "mirror leaf", ()),  # nothing happened
        ("leaf", "mirror leaf", ()),  # backwards
        ("node (mirror leaf) true leaf", "mirror (node leaf true leaf)", ()),
        ("leaf", "leaf", ()),
        ("node leaf true (mirror leaf)", "node leaf true (mirror (mirror leaf))", (2,)),
    ],
)
def test_convertible_but_no_reduction(program, before, after, position):
    (verdict,) = mirror(program, [before, after])
    assert (verdict.verdict, verdict.position) == ("convertible", position)
    assert not verdict.ok


def test_wrong_terms_and_where(program):
    terms = [
        "node leaf true (mirror (node leaf false leaf))",
        "node leaf true (node (mirror leaf) true (mirror leaf))",
        "node leaf true (node leaf true (mirror leaf))",
    ]
    first, second = mirror(program, terms)
    assert (first.verdict, first.position) == ("wrong", (2, 1))
    assert second.ok  # one fault does not spread


def test_terms_that_are_stuck_are_wrong():
    from lang_helpers import lab

    lab = lab()
    stuck = lab.term(("match", "nat", "true", ([], "O"), (["n"], "n")))
    fine = lab.term(("double", 1))
    assert [v[0] for v in lab.p.check_trace([fine, stuck, fine])] == ["wrong", "wrong"]


@pytest.mark.parametrize("name", libraries())
def test_every_planted_fault_is_seen(name):
    """A trace with one term left out, swapped or repeated is not passed as it stands."""
    program = library(name)
    for function in list(program)[:4]:
        chosen = function.at(**dict.fromkeys(function.type_parameters, "bool"))
        try:
            domain = chosen.domain
            size = next(n for n in (5, 6, 4, 7, 3) if domain.count(n))
        except Exception:
            continue
        value = domain.unrank(size, domain.count(size) - 1)
        trace = chosen.trace(*(value if isinstance(value, tuple) else (value,)))
        terms = [trace.start, *(s.term for s, _ in zip(trace, range(12), strict=False))]
        if len(terms) < 4:
            continue
        for i in range(1, len(terms) - 1):
            left_out = program.check_trace(terms[:i] + terms[i + 1 :])
            assert left_out[i - 1][:2] in (("skipped", 2), ("other", 1))
            repeated = program.check_trace(terms[:i] + terms[i - 1 :])
            assert repeated[i - 1].verdict == "convertible"
            assert [v.ok for v in repeated].count(False) == 1
            back = program.check_trace([terms[i], terms[i - 1]])
            assert back[0].verdict in ("convertible", "other", "skipped")


def test_options_of_the_judge_are_checked(program):
    for option, message in [
        ({"every": 0}, "every: expected at least 1, got 0"),
        ({"lookahead": -1}, "lookahead: expected at least 0, got -1"),
        ({"strategy": "best"}, "strategy: expected 'cbv', 'cbn' or 'parallel', got 'best'"),
    ]:
        with pytest.raises(InputError, match=message):
            program.check_trace(["leaf", "leaf"], **option)
    with pytest.raises(InputError, match="granularity call: say which function is traced"):
        program.check_trace(["true", "true"], granularity="call")
    with pytest.raises(BudgetError, match="step budget of 2 contractions"):
        program.check_trace(["mirror (node leaf true leaf)"] * 2, steps=2)
    with pytest.raises(TypeError, match="terms: expected a Term, got int"):
        program.core.check_trace([1])
    with pytest.raises(TypeError, match="terms: expected a sequence of Terms"):
        program.core.check_trace(1)
    assert program.check_trace([]) == program.check_trace(["leaf"]) == []
    with pytest.raises(InputError, match="seal"):
        _core.Program().check_trace([])
