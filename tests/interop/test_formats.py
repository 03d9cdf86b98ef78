"""Data sets written for other tools say the same items; every registered format is tried."""

import json

import numpy as np
import pytest

import recursionlab as rlab
from recursionlab import cli
from recursionlab.data import load_dataset
from recursionlab.data.config import DataConfig
from recursionlab.data.store import load_parts
from recursionlab.data.write import generate
from recursionlab.errors import InputError
from recursionlab.interop import formats, questions
from recursionlab.interop.about import about_dataset
from recursionlab.interop.formats import reasoning_gym
from recursionlab.interop.huggingface import tokenizer

TABLE = {
    "program": "binary",
    "function": "succ",
    "sizes": "1..6",
    "measures": ["carry"],
    "task": "trace",
    "trace": "call",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats") / "data"
    generate(DataConfig.from_dict(TABLE), rlab.library("binary"), folder, 20, 1)
    return folder


@pytest.fixture(scope="module")
def data(home):
    return load_dataset(home)


def converted(home, folder, name, *more):
    words = ["convert", str(home), "--format", name, "--output", str(folder), *more]
    assert cli.main(words) == 0
    return folder


def lines(path):
    return path.read_text().splitlines()


@pytest.mark.parametrize("name", formats.names())
def test_every_format_is_written_the_same_twice_and_holds_every_item(name, home, tmp_path):
    one, two = (converted(home, tmp_path / n / "out", name) for n in ("a", "b"))
    files = sorted(p.name for p in one.iterdir())
    assert files
    for file in files:
        a, b = (path.read_text() for path in (one / file, two / file))
        # A path is all that may differ.
        assert a.replace(str(one), "") == b.replace(str(two), "")
    if name == "tokenizer":
        return
    for split in load_dataset(home).values():
        held = [p for p in one.iterdir() if p.stem == split.name]
        assert held
        for file in held:
            assert len(lines(file)) == len(split)


def test_lines_say_what_the_items_say(home, data, tmp_path):
    test = data["test"]
    item = test[3]
    jsonl = lines(converted(home, tmp_path / "jsonl", "jsonl") / "test.jsonl")
    assert [json.loads(line) for line in jsonl] == list(test)
    tsv = lines(converted(home, tmp_path / "tsv", "tsv") / "test.tsv")
    assert tsv[3] == f"{item['input']}\t{item['target']}"
    scan = lines(converted(home, tmp_path / "scan", "scan") / "test.txt")
    assert scan[3] == f"IN: {item['input']} OUT: {item['target']}"
    cogs = lines(converted(home, tmp_path / "cogs", "cogs") / "test.tsv")
    assert cogs[3].split("\t") == [item["input"], item["target"], "succ_test"]
    pcfg = converted(home, tmp_path / "pcfg", "pcfg")
    assert lines(pcfg / "train.src") == [i["input"] for i in data["train"]]
    assert lines(pcfg / "train.tgt") == [i["target"] for i in data["train"]]
    only = converted(home, tmp_path / "only", "tsv", "--split", "valid")
    assert [p.name for p in only.iterdir()] == ["valid.tsv"]


def test_parts_are_the_splits_in_pieces(home, data):
    parts = list(load_parts(home))
    assert [p.name for p in parts].count("train") == 3
    for name, split in data.items():
        assert [item for p in parts if p.name == name for item in p] == list(split)


def test_a_question_tells_what_it_takes_and_its_answer_scores_one(data):
    about = about_dataset(data)
    ds = reasoning_gym.reasoning_gym_dataset(data["test"], about)
    entry = ds[2]
    assert list(entry) == ["question", "answer", "metadata"]
    assert entry["metadata"]["source_dataset"] == about.name == "recursionlab_succ_trace"
    assert entry["metadata"]["source_index"] == 2
    found = entry["metadata"]["difficulty"]
    assert found["carry"] == data["test"][2]["carry"]
    assert found["size"] == data["test"][2]["size"]
    assert "Fixpoint succ" in entry["question"]
    assert "Example" not in entry["question"]
    assert entry["question"].endswith(f"Input: {data['test'][2]['input']}\nOutput:")
    assert len(ds) == len(list(ds)) == len(data["test"])
    for answer, score in ((entry["answer"], 1.0), ("xH", 0.0), ("", 0.0), (None, 0.0)):
        assert ds.score_answer(answer, entry) == score
    assert ds.score_answer(f"Well.\n\nOutput:  `{entry['answer']}` \n", entry) == 1.0
    assert questions.answer_of("answer: a") == "a"


def test_the_tokenizer_is_read_by_hugging_face_and_agrees(home, data, tmp_path):
    transformers = pytest.importorskip("transformers")
    folder = converted(home, tmp_path / "t", "tokenizer")
    fast = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    assert [fast.convert_ids_to_tokens(i) for i in range(len(data.vocabulary))] == list(
        data.vocabulary
    )
    for item in data["test"]:
        for text, ids in (("input", "input_ids"), ("target", "labels")):
            assert fast(item[text])["input_ids"] == item[ids]
            assert fast.decode(item[ids]) == item[text]
    assert (fast.pad_token_id, fast.bos_token_id, fast.eos_token_id) == (0, 1, 2)
    padded = fast([i["input"] for i in data["test"]], padding=True, return_tensors="np")
    lengths = data["test"].inputs.lengths
    np.testing.assert_array_equal(padded["attention_mask"].sum(1), lengths)
    assert fast("nonsense")["input_ids"] == [len(data.vocabulary)]


@pytest.mark.parametrize("tokens", [["a b"], ["a", "a"], [""]])
def test_a_vocabulary_that_text_cannot_show_is_refused(tokens):
    with pytest.raises(InputError, match="expected tokens that stand once"):
        tokenizer(tokens)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "jsnol"], "no format 'jsnol'; did you mean 'jsonl'"),
        (["--format", "tsv", "--split", "tset"], "there are train, valid, test"),
    ],
)
def test_mistakes_are_told(home, tmp_path, capsys, words, message):
    assert cli.main(["convert", str(home), *words, "--output", str(tmp_path / "x")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    assert cli.main(["convert", str(tmp_path), "--format", "tsv"]) == 2
