"""Decoding under a grammar: what is said is the encoding of a value, and the best such."""

import numpy as np
import pytest
from reference import decoding as ref
from searches import decode, every_batching, half_taught, logits_by, numbers, outputs, sources

import recursionlab
from recursionlab import _core
from recursionlab.data import Grammar
from recursionlab.errors import InputError, InputTypeError

# Trees of a, b, c, d, e: b has one child, c two, d one and then a leaf or b.
RULES = {
    "tree": {"a": [], "b": ["tree"], "c": ["tree", "tree"], "d": ["small", "tree"]},
    "small": {"a": [], "b": ["tree"], "e": []},
}
METHODS = [
    ("greedy", {}),
    ("sample", {"temperature": 2.0, "num_return_sequences": 3, "seed": 1}),
    ("beam", {"num_beams": 4, "num_return_sequences": 4}),
    ("gumbel", {"num_beams": 4, "num_return_sequences": 4, "temperature": 2.0, "seed": 1}),
]


@pytest.fixture(scope="module")
def taught():
    split, model = half_taught()
    return split, model, Grammar(RULES).arrays(split.vocabulary)


def allowed_after(split, tokens, max_length):
    names = [split.vocabulary[t] for t in tokens]
    found = ref.may_follow(RULES, names, "tree", max_length - len(tokens))
    return {2} if found is None else {split.vocabulary.index(name) for name in found}


@pytest.mark.parametrize(("method", "options"), METHODS, ids=[m for m, _ in METHODS])
@pytest.mark.parametrize("max_length", [1, 2, 6])
def test_every_output_is_a_word_that_fits(taught, method, options, max_length):
    split, model, grammar = taught
    n = options.get("num_return_sequences", 1)
    said = 0
    for item in outputs(decode(model, split, method, max_length, grammar=grammar, **options), n):
        assert item[0][4]
        for tokens, score, _, _, finished in item:
            assert finished or score == -np.inf
            if finished:
                said += 1
                for t, token in enumerate([*tokens, 2]):
                    assert token in allowed_after(split, tokens[:t], max_length)
    assert said >= len(split)


def test_greedy_takes_the_likeliest_allowed_token_and_scores_by_the_model(taught):
    split, model, grammar = taught
    logits_of = logits_by(model)
    found = outputs(decode(model, split, "greedy", grammar=grammar))
    for source, [(tokens, score, *_)] in zip(sources(split), found, strict=True):
        total = 0.0
        for t, token in enumerate([*tokens, 2]):
            logp = ref.log_softmax(logits_of(source, [1, *tokens[:t]])[-1])
            assert token == max(allowed_after(split, tokens[:t], 6), key=lambda v, p=logp: p[v])
            total += logp[token]
        assert score == pytest.approx(total, abs=1e-4)


def test_samples_are_drawn_from_what_is_allowed(taught):
    split, model, grammar = taught
    logits_of = logits_by(model)
    options = {"temperature": 2.0, "top_p": 0.9, "seed": 4}
    found = outputs(decode(model, split, "sample", grammar=grammar, **options))
    for source, [(tokens, _, drawn, *_)] in zip(sources(split), found, strict=True):
        total = 0.0
        for t, token in enumerate([*tokens, 2]):
            row = logits_of(source, [1, *tokens[:t]])[-1]
            allowed = allowed_after(split, tokens[:t], 6)
            q = ref.filtered(row, temperature=2.0, top_p=0.9, allowed=allowed)
            total += np.log(q[token])
        assert drawn == pytest.approx(total, abs=2e-4)


def test_beams_and_samples_without_replacement_stay_in_the_grammar(taught):
    split, model, grammar = taught
    logits_of = logits_by(model)

    def allowed(tokens):
        return allowed_after(split, tokens, 6)

    both = {"num_beams": 3, "num_return_sequences": 3, "grammar": grammar}
    beams = outputs(decode(model, split, "beam", length_penalty=0.5, **both), 3)
    samples = outputs(decode(model, split, "gumbel", seed=2, temperature=2.0, **both), 3)
    for i, source in enumerate(sources(split)[:12]):
        truth = ref.beam(logits_of, source, 6, 3, 0.5, allowed=allowed)
        assert [one[0] for one in beams[i]] == [one[0] for one in truth]
        assert [one[3] for one in beams[i]] == pytest.approx([one[2] for one in truth], abs=1e-4)
        truth = ref.gumbel(logits_of, source, 6, 3, numbers(2, i), allowed=allowed, temperature=2.0)
        assert [one[0] for one in samples[i]] == [one[0] for one in truth]
        for one, other in zip(samples[i], truth, strict=True):
            assert one[1:4] == pytest.approx(other[1:4], abs=2e-4)


@pytest.mark.parametrize(("method", "options"), METHODS, ids=[m for m, _ in METHODS])
def test_batch_size_and_threads_change_no_bit(taught, method, options):
    split, model, grammar = taught
    assert len(every_batching(model, split, method, grammar=grammar, **options)) == 1


@pytest.mark.parametrize("encoding", ["prefix", "paren"])
def test_encoded_values_are_the_words_of_their_type(encoding):
    function = recursionlab.library("tree")["preorder"].at(A="label")
    codec = function.codec(encoding=encoding)
    vocabulary = tuple(codec.vocabulary)
    grammar = Grammar.of_values(function, encoding=encoding)
    shape = {"d_model": 16, "n_heads": 1, "encoder_layers": 1, "decoder_layers": 1}
    model = _core.Model(
        "transformer", {**shape, "max_positions": 64, "vocab_size": len(vocabulary)}, seed=0
    )
    found = _core.decode(
        model,
        np.array([6, 7], np.int32),
        np.array([0, 2]),
        *("sample", 24, 1, 1),
        num_return_sequences=60,
        temperature=5.0,
        grammar=grammar.arrays(vocabulary),
    )
    assert found[3].all()
    lengths = set()
    for tokens, *_ in outputs(found, 60)[0]:
        value = codec.decode(np.array(tokens, np.int32))
        assert codec.encode(value, "output").tolist() == tokens
        lengths.add(len(tokens))
    assert len(lengths) > 3


def test_grammars_that_cannot_be_are_refused(taught):
    split, model, good = taught
    vocabulary = split.vocabulary
    with pytest.raises(InputError, match="max_length: .*shortest word .*there is none"):
        decode(model, split, "greedy", grammar=Grammar({"s": {"a": ["s"]}}).arrays(vocabulary))
    with pytest.raises(InputError, match=r"shortest word \(3 tokens\), got 2"):
        rules = {"s": {"a": ["t", "t"]}, "t": {"b": []}}
        decode(model, split, "greedy", 2, grammar=Grammar(rules).arrays(vocabulary))
    with pytest.raises(InputError, match="token 'z' of s is not in the model's vocabulary"):
        Grammar({"s": {"z": []}}).arrays(vocabulary)
    with pytest.raises(InputError, match="names t, which has no rules"):
        Grammar({"s": {"a": ["t"]}}).arrays(vocabulary)
    with pytest.raises(InputTypeError, match="grammar: expected None or a tuple of four"):
        decode(model, split, "greedy", grammar=3)
    with pytest.raises(InputTypeError, match="grammar tokens"):
        decode(model, split, "greedy", grammar=(good[0], good[1].astype(float), *good[2:]))

    def changed(number, at, value):
        arrays = [a.copy() for a in good]
        arrays[number][at] = value
        return tuple(arrays)

    for number, at, value, match in [
        (0, 1, 99, "offsets"),
        (0, 0, 1, "offsets"),
        (1, 0, 2, "not <eos>"),
        (1, 0, 99, "tokens in"),
        (1, 1, good[1][0], "twice"),
        (2, 1, 5, "offsets"),
        (2, -1, 1, "as many symbols"),
        (3, 0, 9, "symbols in"),
    ]:
        with pytest.raises(InputError, match=match):
            decode(model, split, "greedy", grammar=changed(number, at, value))


def test_types_without_a_grammar_are_refused():
    preorder = recursionlab.library("tree")["preorder"]
    with pytest.raises(InputError, match="polymorphic"):
        Grammar.of_values(preorder)
    with pytest.raises(InputError, match="encoding"):
        Grammar.of_values(preorder.at(A="label"), encoding="flat")
