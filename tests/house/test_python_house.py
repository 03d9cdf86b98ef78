"""House rules of the Python side: layering, quick import, stub equal to the binary, documents."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import recursionlab
from recursionlab import _core

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "recursionlab"
MODULES = sorted(PACKAGE.rglob("*.py"))

# The doors between rooms; plot, report and interop are leaves that take plain data.
ANYWHERE = {"errors", "machine", "registry", "config", "_core", "__version__", "files", "display"}
MAY_USE = {
    "language": set(),
    "functions": {"language"},
    "data": {"language", "machines", "functions"},
    "machines": {"language"},
    "models": set(),
    "learn": {"models", "data"},
    "judge": {"language", "data", "machines", "models", "learn", "plot"},
    "interpret": {"language", "data", "machines", "models", "learn", "judge", "plot"},
    "plot": set(),
    "report": {"plot"},
    "interop": set(),
    "bench": {"language", "data", "models", "learn", "judge"},
}


def name(path):
    return str(path.relative_to(PACKAGE))


def imports(path):
    """Yield the second part of every `recursionlab.x` import in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "recursionlab":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("recursionlab."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("recursionlab."):
                    yield alias.name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_room_imports_only_rooms_below_it(path):
    parts = path.relative_to(PACKAGE).parts
    if len(parts) == 1 or parts[0] in ("experiments", "commands"):
        return  # the top, the experiments and the commands may use everything
    used = set(imports(path)) - {parts[0]} - ANYWHERE
    assert used <= MAY_USE[parts[0]]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_say_what_they_are_for_and_stay_short(path):
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 650


def test_importing_is_quick_and_pulls_in_nothing_heavy():
    code = (
        "import sys, recursionlab\n"
        "recursionlab._core if False else None\n"
        "heavy = {'pyarrow', 'matplotlib', 'torch', 'jinja2', 'safetensors', 'lark', 'tqdm'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists():
    for public in recursionlab.__all__:
        assert getattr(recursionlab, public) is not None


def public_members(owner):
    return {m for m in vars(owner) if not m.startswith("_")}


def test_the_stub_lists_exactly_what_the_binary_has():
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    declared = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            declared[node.name] = node
    assert set(declared) == public_members(_core)
    for class_name, node in declared.items():
        if not isinstance(node, ast.ClassDef):
            continue
        members = {
            m.name if isinstance(m, ast.FunctionDef) else m.target.id
            for m in node.body
            if isinstance(m, ast.FunctionDef | ast.AnnAssign)
        }
        assert {m for m in members if not m.startswith("_")} == public_members(
            getattr(_core, class_name)
        ), class_name


def test_everything_in_the_core_has_a_docstring():
    for member in public_members(_core):
        assert inspect.getdoc(getattr(_core, member)), member


def tracked_texts():
    listed = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for line in listed.stdout.splitlines():
        path = ROOT / line
        if path.suffix in {".png", ".parquet", ".safetensors"} or not path.exists():
            continue
        yield path, path.read_text(errors="replace")


def test_no_file_is_large_and_none_speaks_of_one_machine():
    for path, text in tracked_texts():
        assert path.stat().st_size < 1_000_000, path
        if path != Path(__file__):
            assert not re.search(r"\.\./shared|/root/|/work/|/opt/rl", text), path


def test_every_data_file_of_the_package_is_installed():
    endings = set(
        re.findall(
            r'"(?:\*\*/)?\*?([\w.]+)"',
            re.search(
                r"^recursionlab = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), flags=re.M
            )[1],
        )
    )
    for path, _ in tracked_texts():
        if PACKAGE in path.parents and path.suffix != ".py":
            assert path.suffix in endings or path.name in endings, path


def test_documents_name_files_that_exist():
    for document in ("README.md", "CONTRIBUTING.md", "csrc/README.md"):
        text = (ROOT / document).read_text()
        base = (ROOT / document).parent
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (base / link).exists(), f"{document}: {link}"
        for path in re.findall(r"`((?:csrc|recursionlab|tests|notebooks)/[\w./-]+)`", text):
            if not re.search(r"/[A-Z]+\.", path):  # OP.c stands for any op's file
                assert (ROOT / path).exists(), f"{document}: {path}"
