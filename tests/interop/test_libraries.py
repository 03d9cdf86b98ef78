"""Each foreign format is loaded by the library it is for (extra `formats`)."""

import gc
import importlib
from types import SimpleNamespace

import pytest

import recursionlab as rlab
from recursionlab import cli
from recursionlab.data import load_dataset
from recursionlab.data.config import DataConfig
from recursionlab.data.write import generate
from recursionlab.interop.about import about_dataset
from recursionlab.interop.formats.reasoning_gym import register_reasoning_gym
from recursionlab.interop.huggingface import to_huggingface

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
TABLE = {"program": "binary", "function": "succ", "sizes": "1..6", "measures": ["carry"]}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats") / "data"
    generate(DataConfig.from_dict(TABLE), rlab.library("binary"), folder, 20, 1)
    return folder


@pytest.fixture
def data(home, monkeypatch, tmp_path):
    for key in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(key, "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    return load_dataset(home)


def converted(home, folder, name):
    words = ["convert", str(home), "--format", name, "--output", str(folder)]
    assert cli.main(words) == 0
    return folder


def test_hugging_face_datasets(home, data, tmp_path):
    datasets = pytest.importorskip("datasets")
    made = to_huggingface(data)
    assert {name: list(split) for name, split in made.items()} == {
        n: list(s) for n, s in data.items()
    }
    files = {name: str(home / f"{name}-*.parquet") for name in data}
    read = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "c"))
    assert list(read["train"]) == list(data["train"])
    assert read["test"].features == made["test"].features


def test_reasoning_gym(data):
    gym = pytest.importorskip("reasoning_gym")
    register_reasoning_gym("recursionlab_succ", data["test"], about_dataset(data))
    n = len(data["test"])
    one, two = (gym.create_dataset("recursionlab_succ", size=n, seed=s) for s in (0, 1))
    assert len(one) == n
    assert sorted(e["answer"] for e in one) == sorted(i["target"] for i in data["test"])
    assert [e["question"] for e in one] != [e["question"] for e in two]
    assert all(set(e) == {"question", "answer", "metadata"} for e in one)
    assert [one.score_answer(e["answer"], e) for e in one] == [1.0] * n
    assert one.score_answer("xH xH", one[0]) == 0.0


def test_inspect(home, data, tmp_path, monkeypatch):
    inspect_ai = pytest.importorskip("inspect_ai")
    model = pytest.importorskip("inspect_ai.model")
    # Inspect counts tokens with a vocabulary that it would fetch.
    tiktoken = pytest.importorskip("tiktoken")
    words = SimpleNamespace(encode=lambda text, **_: text.split())
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: words)
    folder = converted(home, tmp_path / "inspect", "inspect")
    spec = importlib.util.spec_from_file_location("inspect_task", folder / "task.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    task = module.recursionlab_succ_value()
    assert [s.id for s in task.dataset] == [i["id"] for i in data["test"]]
    # Every second answer is right.
    right = [f"Thinking.\nOutput: `{s.target}`" for s in task.dataset]
    said = [text if i % 2 else "xH xH" for i, text in enumerate(right)]
    outputs = [model.ModelOutput.from_content("mockllm/model", text) for text in said]
    mock = model.get_model("mockllm/model", custom_outputs=outputs)
    (log,) = inspect_ai.eval(
        task, model=mock, log_dir=str(tmp_path / "log"), max_connections=1, display="none"
    )
    assert log.status == "success", log.error
    accuracy = log.results.scores[0].metrics["accuracy"].value
    assert accuracy == pytest.approx((len(said) // 2) / len(said))
    gc.collect()  # what Inspect left open is warned of here, where warnings are no errors


def test_lm_evaluation_harness(home, data, tmp_path):
    lm_eval = pytest.importorskip("lm_eval")
    api = pytest.importorskip("lm_eval.api.model")
    tasks = pytest.importorskip("lm_eval.tasks")
    folder = converted(home, tmp_path / "harness", "lm-eval")
    answers = {item["input"]: item["target"] for item in data["test"]}

    class Half(api.LM):
        """Answers every second question rightly."""

        def generate_until(self, requests, disable_tqdm=False):
            out = []
            for i, request in enumerate(requests):
                asked = request.args[0].rpartition("Input: ")[2].partition("\n")[0]
                out.append(f" Well.\nOutput: {answers[asked]}\n" if i % 2 else "xH xH")
            return out

        def loglikelihood(self, requests, disable_tqdm=False):
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    manager = tasks.TaskManager(include_path=str(folder), include_defaults=False)
    found = lm_eval.simple_evaluate(
        Half(), tasks=["recursionlab_succ_value"], task_manager=manager, bootstrap_iters=0
    )
    result = found["results"]["recursionlab_succ_value"]
    n = len(data["test"])
    assert found["n-samples"]["recursionlab_succ_value"]["original"] == n
    assert result["exact_match,last_line"] == pytest.approx((n // 2) / n)
