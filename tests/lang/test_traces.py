"""The reducer against the obvious one, step by step: every strategy and granularity."""

import functools
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import core_eval
from reference.core_trace import Reducer, at, code

from recursionlab.errors import BudgetError, InputError, RecursionLabError
from recursionlab.language import libraries, library, loads
from recursionlab.language import program as program_module

STRATEGIES = ("cbv", "cbn", "parallel")
GRANULARITIES = ("contraction", "equation", "call")
KINDS = list(itertools.product(STRATEGIES, GRANULARITIES))


@functools.cache
def on_reference(name):
    """The same file on the reference core, where names have the same numbers."""
    real = program_module._new_core
    program_module._new_core = core_eval.Program
    try:
        return library(name).core
    finally:
        program_module._new_core = real


cached_library = functools.cache(library)


def tree(term):
    """A value of the C core for the reference."""
    args = tuple(tree(a) for a in term.args)
    return core_eval.app(("ctor", term.constructor), args)


def first_order(program):
    """The functions of a file whose arguments can be enumerated, at `bool` or as they are."""
    for function in program:
        try:
            chosen = function.at(**dict.fromkeys(function.type_parameters, "bool"))
            domain = chosen.domain
            domain.count(1)
        except RecursionLabError:
            continue
        yield chosen, domain


def values(domain, most):
    """The smallest values of a domain, as tuples of terms."""
    found = []
    for size in range(12):
        for rank in range(min(domain.count(size), most - len(found))):
            value = domain.unrank(size, rank)
            found.append(value if isinstance(value, tuple) else (value,))
    return found


def agree(core, reference, function, arguments, strategy, granularity, steps):
    """Walk both reducers side by side."""
    group = reference.globals[function]["group"]
    reducer = Reducer(reference, strategy, granularity, group)
    start = core_eval.app(("global", function), tuple(tree(a) for a in arguments))
    term = reducer.start(start)
    trace = core.trace(
        core.apply(function, *arguments),
        strategy=strategy,
        granularity=granularity,
        function=function,
        steps=20_000,
    )
    where = (strategy, granularity, str(core.apply(function, *arguments)))
    assert trace.term == core.term(code(reference, term)), where
    for number in range(steps):
        expected = reducer.step(term)
        got = next(trace, None)
        assert (got is None) == (expected is None), (where, number, expected)
        if got is None:
            break
        rule, name, position, _, after = got
        term = expected[0]
        assert after == core.term(code(reference, term)), (where, number, str(after))
        assert (rule, name, position) == expected[1:], (where, number)
    try:
        trace.advance(10**6)
    except BudgetError:
        return  # call by name may take exponentially many steps
    assert trace.term == core.eval(core.apply(function, *arguments)), where


@pytest.mark.parametrize("name", libraries())
def test_library_functions_step_by_step(name):
    program, reference = cached_library(name), on_reference(name)
    for number, (function, domain) in enumerate(first_order(program)):
        for k, arguments in enumerate(values(domain, 7)):
            kind = KINDS[(number + k) % len(KINDS)]
            agree(program.core, reference, function.id, arguments, *kind, steps=40)


@pytest.mark.parametrize("name", ["binary", "traversal", "parity", "rose", "ackermann", "sort"])
def test_every_kind_of_step(name):
    program, reference = cached_library(name), on_reference(name)
    for function, domain in itertools.islice(first_order(program), 4):
        for arguments in values(domain, 6)[3:]:
            for kind in KINDS:
                agree(program.core, reference, function.id, arguments, *kind, steps=30)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_larger_values_step_by_step(data):
    name = data.draw(st.sampled_from(["binary", "traversal", "sort", "rose", "parity", "zipper"]))
    program, reference = cached_library(name), on_reference(name)
    function, domain = data.draw(st.sampled_from(list(first_order(program))), label="function")
    size = data.draw(st.integers(1, 14).filter(lambda n: domain.count(n)))
    value = domain.unrank(size, data.draw(st.integers(0, domain.count(size) - 1)))
    arguments = value if isinstance(value, tuple) else (value,)
    kind = data.draw(st.sampled_from(KINDS))
    agree(program.core, reference, function.id, arguments, *kind, steps=25)


def test_the_two_references_agree():
    """`core_eval.step` counts an application's head as 0; here it is -1."""
    reference = on_reference("sort")
    program = library("sort")
    for function, domain in itertools.islice(first_order(program), 3):
        for arguments in values(domain, 8):
            term = core_eval.app(("global", function.id), tuple(map(tree, arguments)))
            reducer = Reducer(reference, "cbv", "contraction")
            while (expected := reference.step(term)) is not None:
                new, rule, _, path = reducer.step(term)
                moved, inner = [], term
                for i in path:
                    moved.append(i + (inner[0] == "app"))
                    inner = at(inner, (i,))
                assert (new, rule, tuple(moved)) == expected
                term = new
            assert reference.evaluate(term) == term and reducer.step(term) is None


def test_a_trace_is_a_function_of_its_term():
    """Starting again from any term of a trace gives the rest of it."""
    for name in ("sort", "parity"):
        program = library(name)
        for function, domain in itertools.islice(first_order(program), 3):
            for arguments in values(domain, 8)[4:]:
                for strategy, granularity in KINDS:
                    options = {
                        "strategy": strategy,
                        "granularity": granularity,
                        "function": function.id,
                    }
                    terms = [program.core.apply(function.id, *arguments)]
                    trace = program.core.trace(*terms, **options)
                    terms = [trace.term, *(step[4] for step in trace)]
                    for before, after in itertools.pairwise(terms):
                        again = program.core.trace(before, **options)
                        assert again.term == before
                        again.advance()
                        assert again.term == after, (strategy, granularity, str(before))


def test_call_by_name_takes_only_what_is_needed():
    program = loads(
        "Definition first (n m : nat) : nat := n.\n"
        "Fixpoint power (n : nat) : nat :=\n"
        "  match n with 0 => 1 | S k => Nat.add (power k) (power k) end."
    )
    needless = program.expression("first 3 (power 12)")
    trace = program.core.trace(needless, strategy="cbn", granularity="equation")
    assert [str(step[4]) for step in trace] == ["3"]
    assert program.core.trace(needless).advance(10**6) > 4000


def test_parallel_steps_take_every_innermost_redex():
    program = library("tree")
    mirror = next(f for f in program if f.name == "mirror").at(A="bool")
    text = "node (node leaf true leaf) false (node leaf true leaf)"
    trace = program.core.trace(
        mirror.apply(text), strategy="parallel", granularity="call", function=mirror.id
    )
    assert [str(step[4]) for step in trace] == [
        "node (UNROLL (node leaf true leaf)) false (UNROLL (node leaf true leaf))",
        "node (node (UNROLL leaf) true (UNROLL leaf)) false "
        "(node (UNROLL leaf) true (UNROLL leaf))",
        text,
    ]


def test_deep_values_by_every_strategy():
    program = library("binary")
    succ, depth = program["succ"], 20_000
    value = succ.domain.parse("xI (" * depth + "xH" + ")" * depth)
    for granularity in GRANULARITIES:
        trace = program.core.trace(
            program.core.apply(succ.id, value),
            strategy="cbn",
            granularity=granularity,
            function=succ.id,
            steps=10**6,
        )
        if granularity == "call":
            trace.advance(50)  # each searches from the root
        else:
            trace.advance(10**6)
            assert trace.term.size == depth + 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"strategy": "lazy"}, "strategy: expected 'cbv', 'cbn' or 'parallel', got 'lazy'"),
        (
            {"granularity": "big"},
            "granularity: expected 'contraction', 'equation' or 'call', got 'big'",
        ),
        ({"every": 0}, "every: expected at least 1, got 0"),
        ({"granularity": "call"}, "granularity call: say which function is traced"),
    ],
)
def test_options_are_checked(lab, option, message):
    with pytest.raises(InputError, match=message):
        lab.p.trace(lab.term("two"), **option)
