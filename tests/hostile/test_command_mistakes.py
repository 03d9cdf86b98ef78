"""A mistake on the command line: one clear line, exit status 2, nothing left half-written."""

import json
import resource
import shutil
import subprocess
import sys

import pytest

from recursionlab import cli

CONFIG = """
[data]
program = "binary"
function = "succ"
sizes = "1..6"
measures = ["carry"]

[model]
d_model = 16
n_heads = 2

[train]
steps = 2
batch_size = 8

[evaluate]
by = ["size"]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with a configuration, a run, and a data set of another vocabulary."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "ok.toml").write_text(CONFIG)
    assert cli.main(["train", str(folder / "ok.toml"), "--output", str(folder / "run")]) == 0
    words = ["--sizes", "1..4", "--set", "data.renames={xH = '01'}"]
    out = ["--output", str(folder / "other")]
    assert cli.main(["generate", "binary", "--function", "succ", *words, *out]) == 0
    return folder


@pytest.fixture
def work(home, tmp_path):
    """Return a copy of it that a test may damage."""
    shutil.copytree(home, tmp_path / "w")
    return tmp_path / "w"


def mistake(capsys, *words):
    """Run a command that must fail, and return its one line."""
    capsys.readouterr()
    try:
        status = cli.main([str(w) for w in words])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert status == 2, err
    assert out == ""
    assert "Traceback" not in err
    return err


def one_line(text):
    assert len(text.splitlines()) == 1, text
    return text


PROGRAMS = {
    "syntax": ("Fixpoint f (n : nat) : nat := match n with", "error: "),
    "ill-typed": ("Definition f (n : nat) : bool := S n.", "nat"),
    "non-terminating": (
        "Fixpoint f (n : nat) : nat :=\n  match n with O => O | S p => f n end.",
        "f",
    ),
    "missing branch": (
        "Definition f (n : nat) : nat :=\n  match n with S p => p end.",
        "O",
    ),
    "unknown name": ("Definition f (n : nat) : nat := g n.", "g"),
    "not Gallina": ("import os\n", "error: "),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_with_a_mistake_shows_its_line_and_a_caret(name, work, capsys):
    text, word = PROGRAMS[name]
    (work / "bad.v").write_text(text)
    for words in (["check"], ["trace"], ["generate"]):
        more = {"trace": ["f O"], "generate": ["--function", "f", "--sizes", "1..3"]}
        err = mistake(capsys, *words, work / "bad.v", *more.get(words[0], []))
        first = err.splitlines()[0]
        assert "bad.v:" in first
        assert word in err
        assert any(set(line.strip()) == {"^"} for line in err.splitlines())


def test_a_missing_file_or_name_is_told(work, capsys):
    for words in (
        ["check", work / "none.v"],
        ["trace", work / "none.v", "f O"],
        ["generate", work / "none.v", "--function", "f", "--sizes", "1..3"],
        ["train", work / "none.toml"],
        ["reproduce", work / "none.toml"],
        ["predict", work / "none", "--data", work / "other"],
        ["predict", work / "run", "--data", work / "none"],
        ["score", work / "none.jsonl", "--data", work / "other"],
        ["report", work / "none"],
        ["train", work / "none", "--resume"],
    ):
        assert "none" in one_line(mistake(capsys, *words))
    assert "did you mean `binary`" in one_line(mistake(capsys, "check", "binry"))
    assert "did you mean 'successor'" in one_line(mistake(capsys, "reproduce", "sucessor"))
    assert "did you mean 'succ'" in one_line(
        mistake(capsys, "generate", "binary", "--function", "suc", "--sizes", "1..3")
    )


def test_a_folder_where_a_file_belongs_is_told(work, capsys):
    for words in (["check", work], ["score", work, "--data", work / "run" / "data"]):
        one_line(mistake(capsys, *words))


@pytest.mark.parametrize("term", ["succ (S O)", "succ (xI", "succ xZ", ")", "", "succ xH xH"])
def test_a_wrong_term_on_the_command_line_is_pointed_at(term, capsys):
    err = mistake(capsys, "trace", "binary", term)
    assert "<term>:1:" in err.splitlines()[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("data.sise=3", "unknown key 'sise'"),
        ("model.d_modle=3", "d_modle"),
        ("train.stepz=3", "stepz"),
        ("evaluate.bye=3", "unknown key 'bye'; did you mean 'by'"),
        ("trian.steps=3", "unknown key 'trian'; did you mean 'train'"),
        ("experiment.sedes=3", "unknown key 'sedes'; did you mean 'seeds'"),
        ("data.sizes=5..2", "range '5..2' is empty"),
        ("data.sizes=0", "sizes"),
        ("data.seed=-1", "data.seed"),
        ("data.function=nosuch", "no function 'nosuch'"),
        ("data.measures=['cary']", "did you mean 'carry'"),
        ("data.measures=['succ']", "succ"),
        ("data.program=nosuch", "nosuch"),
        ("data.task=valu", "did you mean 'value'"),
        ("data.renames={xZ = 'a'}", "xZ"),
        ("data.at={B = 'nat'}", "B"),
        ("model.n_heads=3", "n_heads"),
        ("model.kind='trasnformer'", "trasnformer"),
        ("train.lr='fast'", "lr"),
        ("evaluate.by=['cary']", "did you mean 'carry'"),
        ("noequals", "expected KEY=VALUE"),
    ],
)
def test_a_wrong_key_or_value_of_the_configuration_is_named(change, message, work, capsys):
    out = work / "new"
    err = one_line(mistake(capsys, "train", work / "ok.toml", "--output", out, "--set", change))
    assert message in err
    assert not list(out.rglob("*.safetensors"))
    assert not [p for p in work.rglob("*.part")]


@pytest.mark.parametrize(
    "text", ["[data", "data = 3", "[data]\nsizes = [", "\xff", "[data]\n[data]"]
)
def test_a_configuration_that_is_no_toml_is_told(text, work, capsys):
    (work / "bad.toml").write_bytes(text.encode("latin-1"))
    assert "bad.toml" in one_line(mistake(capsys, "train", work / "bad.toml"))


def test_sizes_without_values_are_told(work, capsys):
    at = ["--set", "data.at={A = 'label'}"]
    words = ["generate", "tree", "--function", "preorder", "--sizes", "2..3", *at]
    err = one_line(mistake(capsys, *words, "--output", work / "new"))
    assert "no value of size 2 to 3" in err
    assert not (work / "new").exists()
    words = ["generate", "binary", "--function", "succ", "--sizes", "80", "--output", work / "new"]
    one_line(mistake(capsys, *words))
    one_line(mistake(capsys, "generate", "tree", "--function", "preorder", "--sizes", "4"))
    one_line(mistake(capsys, "generate", "binary", "--function", "succ"))
    one_line(mistake(capsys, "generate", "binary", "--sizes", "1..3"))


def test_a_folder_that_cannot_be_written_is_told(work, capsys):
    (work / "file").write_text("mine")
    for out in (work / "file", work / "file" / "below", "/proc/none/below"):
        for words in (
            ["train", work / "ok.toml"],
            ["generate", work / "ok.toml"],
            ["predict", work / "run"],
            ["report", work / "run"],
            ["reproduce", work / "ok.toml"],
            ["sweep", work / "ok.toml"],
        ):
            one_line(mistake(capsys, *words, "--output", out))
    assert (work / "file").read_text() == "mine"


def test_a_folder_in_use_is_not_written_over(work, capsys):
    before = sorted(p for p in work.rglob("*"))
    for words in (["train", work / "ok.toml"], ["generate", work / "ok.toml"]):
        assert "not empty" in one_line(mistake(capsys, *words, "--output", work / "run"))
    for command in ("reproduce", "sweep"):
        one_line(mistake(capsys, command, work / "ok.toml", "--output", work / "run"))
    assert sorted(p for p in work.rglob("*")) == before


@pytest.mark.parametrize("limit", [0, 100, 3000])
@pytest.mark.parametrize(
    "command", ["generate", "train", "predict", "report", "reproduce", "sweep"]
)
def test_a_full_disk_is_one_line_and_leaves_no_half_file(command, limit, work):
    config, out = str(work / "ok.toml"), str(work / "new")
    words = {
        "generate": ["generate", config],
        "train": ["train", config],
        "predict": ["predict", str(work / "run")],
        "report": ["report", str(work / "run")],
        "reproduce": ["reproduce", config],
        "sweep": ["sweep", config],
    }[command]
    call = f"main({[*words, '--output', out]})"
    code = f"import sys; from recursionlab.cli import main; sys.exit({call})"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "too large" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    left = [p for p in (work / "new").rglob("*") if p.is_file()]
    assert not [p for p in left if p.name.startswith(".") or p.suffix in (".part", ".tmp")]
    for path in left:
        if path.suffix == ".json":
            json.loads(path.read_text())
        assert path.suffix != ".safetensors" or path.stat().st_size > limit


def cut(path, by=50):
    path.write_bytes(path.read_bytes()[:-by])


def test_a_truncated_parquet_file_is_told(work, capsys):
    data = work / "run" / "data"
    cut(next(data.glob("test-*.parquet")))
    one_line(mistake(capsys, "predict", work / "run", "--output", work / "new"))
    samples = work / "run" / "samples-test.jsonl"
    assert "truncated" in one_line(mistake(capsys, "score", samples, "--data", data))
    assert not (work / "new").exists()


@pytest.mark.parametrize("by", [1, 1000])
def test_a_truncated_checkpoint_is_told(work, capsys, by):
    cut(next((work / "run" / "checkpoints").rglob("model.safetensors")), by)
    words = ["predict", work / "run", "--output", work / "new"]
    one_line(mistake(capsys, *words))
    assert not (work / "new").exists()


def test_a_checkpoint_of_another_vocabulary_is_told(work, capsys):
    words = ["predict", work / "run", "--data", work / "other", "--output", work / "new"]
    assert "vocabulary" in one_line(mistake(capsys, *words))
    assert not (work / "new").exists()


def test_damaged_files_of_a_run_are_told(work, capsys):
    run = work / "run"
    for name in ("config.json", "settings.json", "evaluation-test.json", "metrics.jsonl"):
        kept = (run / name).read_bytes()
        (run / name).write_bytes(kept[:-20])
        command = ["predict", run] if name == "config.json" else ["report", run]
        one_line(mistake(capsys, *command, "--output", work / "new"))
        (run / name).write_bytes(kept)
    assert not (work / "new" / "report.html").exists()


def test_a_split_or_column_that_is_not_there_is_told(work, capsys):
    data, run = work / "run" / "data", work / "run"
    samples = run / "samples-test.jsonl"
    for words in (["predict", run], ["score", samples, "--data", data]):
        assert "there are train" in one_line(mistake(capsys, *words, "--split", "tset"))
    err = one_line(mistake(capsys, "score", samples, "--data", data, "--by", "cary"))
    assert "did you mean 'carry'" in err
    err = one_line(mistake(capsys, "score", samples, "--data", data, "--split", "train"))
    assert "has no item" in err
    one_line(mistake(capsys, "train", work / "ok.toml", "--variant", "none"))
    one_line(mistake(capsys, "train", work, "--resume"))
    one_line(mistake(capsys, "report", work))
    one_line(mistake(capsys, "generate", data / "dataset.json"))
