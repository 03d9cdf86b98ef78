"""Steps judged in tokens agree with the trace checker on terms; broken ones are told from legal."""

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab import _core
from recursionlab.data.dataset import Packed
from recursionlab.errors import DecodeError, InputError, InputTypeError
from recursionlab.judge.steps import VERDICTS, judge_steps, judge_traces, split_terms

FUNCTIONS = [
    ("binary", "succ", {}, ["prefix", "paren", "flat"]),
    ("binary", "add", {}, ["prefix", "paren"]),
    ("tree", "preorder", {"A": "bool"}, ["prefix", "flat"]),
    ("tree", "inorder", {"A": "bool"}, ["prefix", "flat"]),
    ("tree", "mirror", {"A": "bool"}, ["prefix", "paren"]),
]
CASES = [
    (program, name, at, encoding, order)
    for program, name, at, encodings in FUNCTIONS
    for encoding in encodings
    for order in ("natural", "reversed")
]


def function_of(program, name, at):
    function = rlab.library(program)[name]
    return function.at(**at) if at else function


def codec_of(function, encoding, order):
    first = "prefix" if encoding == "flat" else encoding
    return function.codec(first, order, output_encoding=encoding)


def traces(function, sizes=range(1, 9), n=4):
    for size in sizes:
        count = int(function.domain.count(size))
        for value in function.domain.sample(min(n, count), size, seed=1) if count else ():
            trace = function.trace(
                *(value if isinstance(value, tuple) else (value,)), granularity="call"
            )
            yield [trace.start, *(step.term for step in trace)]


@pytest.mark.parametrize(("program", "name", "at", "encoding", "order"), CASES)
def test_terms_are_read_back_as_they_were_written(program, name, at, encoding, order):
    function = function_of(program, name, at)
    codec = codec_of(function, encoding, order)
    for trace in traces(function):
        for term in trace:
            tokens = codec.encode_term(term)
            again = codec.decode_term(tokens)
            np.testing.assert_array_equal(codec.encode_term(again), tokens)
            if encoding != "flat":
                assert str(again) == str(term)


@pytest.mark.parametrize(("program", "name", "at", "encoding", "order"), CASES)
def test_every_step_of_a_trace_is_expected(program, name, at, encoding, order):
    function = function_of(program, name, at)
    codec = codec_of(function, encoding, order)
    pairs = [p for t in traces(function) for p in zip(t, t[1:], strict=False)]
    before, after = (Packed.of([codec.encode_term(p[k]).tolist() for p in pairs]) for k in (0, 1))
    one = judge_steps(codec, before, after, threads=1)
    assert {VERDICTS[v] for v in one.verdict} == {"expected"}
    assert set(one.position.tolist()) == {-1}
    two = judge_steps(codec, before, after, threads=2)
    for a, b in zip(vars(one).values(), vars(two).values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_verdicts_agree_with_the_checker_of_terms():
    function = function_of("tree", "mirror", {"A": "bool"})
    codec = function.codec()
    rng = np.random.default_rng(0)
    terms = [term for trace in traces(function) for term in trace]
    pairs = [(terms[i], terms[j]) for i, j in rng.integers(0, len(terms), (300, 2)).tolist()]
    for trace in traces(function):
        pairs += [(trace[i], trace[j]) for i in range(len(trace)) for j in range(len(trace))]
    before, after = (Packed.of([codec.encode_term(p[k]).tolist() for p in pairs]) for k in (0, 1))
    found = judge_steps(codec, before, after)
    seen = set()
    for i, pair in enumerate(pairs):
        (verdict,) = function.program.check_trace(pair, function.name, granularity="call")
        assert VERDICTS[found.verdict[i]] == verdict.verdict
        assert found.steps[i] == verdict.steps
        seen.add(verdict.verdict)
    assert seen >= {"expected", "skipped", "convertible", "wrong"}


def test_a_step_at_another_call_is_legal_in_a_flat_encoding_too():
    program = rlab.library("tree")
    preorder = program["preorder"].at(A="bool")
    value = "node (node leaf false leaf) true (node leaf false leaf)"
    for encoding in ("prefix", "flat"):
        codec = preorder.codec("prefix", output_encoding=encoding)
        first, second = (
            codec.encode_term(next(s for s in preorder.trace(value, granularity="call")).term)
            if strategy == "cbv"
            else None
            for strategy in ("cbv", "cbn")
        )
        assert second is None
        words = [codec.vocabulary[t] for t in first]
        last = len(words) - 1 - words[::-1].index("UNROLL")
        term = codec.decode_term(first)
        assert str(term).count("UNROLL") == 2
        # The second pending call done before the first one.
        done = preorder("node leaf false leaf")
        inner = preorder.trace("node leaf false leaf", granularity="call")
        stepped = codec.encode_term(next(iter(inner)).term)
        if encoding == "flat":
            other = [*first[:last].tolist(), *stepped.tolist()]
            found = judge_steps(codec, Packed.of([first.tolist()]), Packed.of([other]))
            assert VERDICTS[found.verdict[0]] == "other", str(done)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([7], "end of the sequence"),
        ([8, 8], "expected the end"),
        ([0], "expected a constructor or a function"),
        ([99], "outside the vocabulary"),
        ([], "got the end"),
    ],
)
def test_what_is_no_term_is_told_with_its_place(tokens, message):
    succ = rlab.library("binary")["succ"]
    codec = succ.codec()
    assert codec.vocabulary[7:9] == ["xO", "xH"]
    with pytest.raises(DecodeError, match=message) as caught:
        codec.decode_term(np.array(tokens, np.int32))
    good = Packed.of([codec.encode_term(next(traces(succ))[0]).tolist()])
    found = judge_steps(codec, good, Packed.of([tokens]))
    assert VERDICTS[found.verdict[0]] == "malformed"
    assert found.position[0] == caught.value.position
    found = judge_steps(codec, Packed.of([tokens]), good)
    assert VERDICTS[found.verdict[0]] == "unjudged"


def test_a_step_whose_judging_does_not_end_in_time_is_unjudged():
    add = rlab.library("binary")["add"]
    codec = add.codec()
    big = codec.encode_term(add.apply("xI (xI (xI (xI xH)))", "xI xH")).tolist()
    found = _core.judge_steps(
        codec, *packed(big), *packed(big), 1, granularity="contraction", steps=5
    )
    assert VERDICTS[found[0][0]] == "unjudged"


def packed(tokens):
    p = Packed.of([tokens])
    return p.ids, p.offsets


def test_arguments_of_judge_steps_are_checked():
    codec = rlab.library("binary")["succ"].codec()
    ids, off = packed([8])
    with pytest.raises(InputTypeError, match="codec: expected a Codec"):
        _core.judge_steps(1, ids, off, ids, off, 1)
    with pytest.raises(InputError, match="expected as many terms"):
        _core.judge_steps(codec, ids, off, ids, np.array([0, 0, 1]), 1)
    with pytest.raises(InputError, match="every of at least 1"):
        _core.judge_steps(codec, ids, off, ids, off, 1, every=0)
    with pytest.raises(InputError, match="side"):
        _core.malformed(codec, ids, off, "left", 1)


def test_malformed_finds_what_decode_refuses():
    codec = rlab.library("binary")["add"].codec()
    rng = np.random.default_rng(3)
    rows = [rng.integers(0, 10, rng.integers(0, 6)).tolist() for _ in range(500)]
    p = Packed.of(rows)
    for side in ("input", "output"):
        found = _core.malformed(codec, p.ids, p.offsets, side, 2)
        for i, row in enumerate(rows):
            try:
                codec.decode(np.array(row, np.int32), side)
                expected = -1
            except DecodeError as error:
                expected = error.position
            assert found[i] == expected


def test_traces_are_cut_into_their_terms():
    rng = np.random.default_rng(5)
    rows = [rng.integers(3, 6, rng.integers(0, 9)).tolist() for _ in range(300)]
    cut = split_terms(Packed.of(rows), 4)
    expected, begins = [], []
    for row in rows:
        terms = [[]]
        starts = [0]
        for k, token in enumerate(row):
            if token == 4:
                terms.append([])
                starts.append(k + 1)
            else:
                terms[-1].append(token)
        expected.append(terms)
        begins.append(starts)
    got = [[] for _ in rows]
    for i, owner in enumerate(cut.owner.tolist()):
        got[owner].append(cut.terms[i].tolist())
    assert got == expected
    assert cut.begins.tolist() == [b for starts in begins for b in starts]
    assert cut.first.tolist() == np.cumsum([0, *map(len, expected)])[:-1].tolist()


def test_a_trace_is_judged_term_by_term():
    succ = rlab.library("binary")["succ"]
    codec = succ.codec()
    terms = [codec.encode_term(t).tolist() for t in next(traces(succ, sizes=[5], n=1))]
    wrong = [*terms[:1], [8], *terms[2:]]
    rows = [terms, wrong, [terms[1]], [*terms[:1], *terms[2:]]]
    joined = Packed.of(
        [[t for k, term in enumerate(r) for t in ([4] if k else []) + term] for r in rows]
    )
    start = Packed.of([terms[0]] * len(rows))
    found, cut = judge_traces(codec, start, joined, 4)
    words = [[VERDICTS[v] for v in found.verdict[cut.owner == i]] for i in range(len(rows))]
    assert set(words[0]) == {"expected"}
    assert words[1][1] == "wrong"
    assert words[2][0] == "wrong"
    if len(terms) > 2:
        assert words[3][1] == "skipped"
