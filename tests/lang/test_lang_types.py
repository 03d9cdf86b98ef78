import numpy as np
import pytest
from reference import lang_values as ref

from recursionlab import _core
from recursionlab.errors import CountError, DecodeError, InputError, TermError

SMALL = [("positive", 6), ("label", 2), ("tree", 10), ("list", 7), ("nat", 6)]


def as_tuple(lab, term):
    names = {c: name for name, c in lab.ctors.items()}
    return (names[term.constructor], *(as_tuple(lab, a) for a in term.args))


@pytest.mark.parametrize(("name", "largest"), SMALL)
def test_enumeration_is_the_references(lab, types, name, largest):
    type_ = types[name]
    for size in range(largest + 1):
        expected = ref.values(name, size)
        assert type_.count(size) == len(expected)
        for rank, value in enumerate(expected):
            term = type_.unrank(size, rank)
            assert ref.unrank(name, size, rank) == expected[rank]
            assert as_tuple(lab, term) == value
            assert type_.rank(term) == (size, rank)
            assert (term.size, term.depth) == (size, ref.depth(value))
            assert type_.parse(str(term)) == term


def test_product(types):
    pairs = types["pair of nat"]
    assert [pairs.count(s) for s in range(5)] == [0, 0, 1, 2, 3]
    assert [tuple(map(str, pairs.unrank(4, r))) for r in range(3)] == [
        ("0", "2"), ("1", "1"), ("2", "0"),
    ]  # fmt: skip
    assert pairs.rank(*pairs.parse("1", "1")) == (4, 1)


def test_counting_refuses(lab, types):
    assert types["positive"].count(66) == 2**65
    with pytest.raises(CountError, match="no value of size 5"):
        types["tree"].unrank(5, 0)
    with pytest.raises(CountError, match="4 values of size 3, got rank 4"):
        types["positive"].unrank(3, 4)
    with pytest.raises(TermError, match="function type"):
        nat = (lab.types["nat"],)
        lab.p.type([("fun", nat, nat)])
    assert types["positive"].count(64) == 2**63
    assert types["positive"].sizes == (1, None) and types["label"].sizes == (1, 1)


def test_empty_type_is_an_error():
    p = _core.Program()
    void = p.add_type("void", 0, "")
    p.add_constructor(void, "again", [(void,)])
    p.seal()
    with pytest.raises(CountError, match="type void has no values"):
        p.type([(void,)]).count(3)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("positive", "xI (nil)", "at character 4: expected a constructor of positive (xI, xO, xH), "
         "got 'nil' of type list"),
        ("positive", "xI", "at character 2: expected argument 1 of 1 of 'xI', got the end of the "
         "text"),
        ("positive", "xI xO xH", "at character 3: 'xO' takes arguments, so put it in parentheses "
         "here"),
        ("positive", "5", "at character 0: expected a constructor of positive (xI, xO, xH), "
         "got number 5"),
        ("positive", "(xH", "at character 3: expected ',' or ')', got the end of the text"),
        ("positive", "xJ", "at character 0: 'xJ' is not a constructor of this program"),
        ("positive", "xH xH", "at character 3: expected the end of the text, got 'xH'"),
        ("positive", "", "at character 0: expected a value, got the end of the text"),
        ("list", "[a; b", "at character 5: expected ';' or ']', got the end of the text"),
        ("list", "a :: b", "at character 5: expected a constructor of list label (nil, cons), "
         "got 'b' of type label"),
    ],
)  # fmt: skip
def test_parse_errors_point(types, name, text, message):
    with pytest.raises(TermError) as error:
        types[name].parse(text)
    assert message in str(error.value)
    assert str(error.value).startswith(f"value of type {types[name]}: ")
    assert f"at character {error.value.position}:" in str(error.value)


def test_notations(types):
    assert str(types["nats"].parse("1 :: (S O) :: [2; 3]")) == "[1; 1; 2; 3]"
    assert str(types["nats"].parse("cons 0 nil")) == "[0]"


@pytest.mark.parametrize("order", ["natural", "reversed"])
@pytest.mark.parametrize(
    ("name", "encoding", "write"),
    [
        ("positive", "prefix", ref.prefix),
        ("positive", "flat", ref.prefix),
        ("tree", "prefix", ref.prefix),
        ("tree", "paren", ref.paren),
        ("list", "flat", ref.flat_list),
        ("list", "paren", ref.paren),
    ],
)
def test_encodings_are_the_references(lab, types, name, encoding, write, order):
    codec = _core.Codec(types[name], types[name], encoding=encoding, order=order)
    words = codec.vocabulary
    for size in range(8):
        for rank, value in enumerate(ref.values(name, size)):
            term = types[name].unrank(size, rank)
            expected = write(value)
            tokens = codec.encode(term, "input")
            got = [words[t] for t in tokens]
            assert got == (expected if order == "natural" else expected[::-1])
            assert codec.decode(tokens, "input") == term


def test_codec_refuses(types):
    with pytest.raises(InputError, match="neither linear nor like a list"):
        _core.Codec(types["tree"], types["tree"], encoding="flat")
    with pytest.raises(InputError, match="both written 'xI'"):
        _core.Codec(types["positive"], types["positive"], renames={"xO": "xI"})
    with pytest.raises(InputError, match="none of the vocabulary"):
        _core.Codec(types["positive"], types["positive"], renames={"foo": "bar"})
    codec = _core.Codec(types["positive"], types["positive"], renames={"xH": "01"})
    assert codec.vocabulary == [
        "<pad>",
        "<bos>",
        "<eos>",
        "<sep>",
        "<step>",
        "UNROLL",
        "xI",
        "xO",
        "01",
    ]


@pytest.mark.parametrize(
    ("tokens", "position", "message"),
    [
        ([], 0, "got the end of the sequence"),
        ([6, 7], 2, "expected a constructor of positive (xI, xO, xH), got the end"),
        ([8, 8], 1, "expected the end of the sequence, got 'xH'"),
        ([6, 0], 1, "got '<pad>'"),
        ([6, -3], 1, "got -3, which is outside the vocabulary"),
        ([99], 0, "got 99, which is outside the vocabulary"),
    ],
)
def test_decode_errors_point(types, tokens, position, message):
    codec = _core.Codec(types["positive"], types["positive"])
    with pytest.raises(DecodeError) as error:
        codec.decode(np.array(tokens, np.int32))
    assert message in str(error.value) and error.value.position == position
