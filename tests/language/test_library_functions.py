"""The library holds what it promises: subjects, origins, learning tasks, plain-Python agreement."""

import re
import shutil
import subprocess
from pathlib import Path

import library as plain
import pytest

from recursionlab.errors import BudgetError, LanguageError, RecursionLabError, TermError
from recursionlab.language import libraries, library, loads
from recursionlab.language.types import show

REFUSED = Path(__file__).parent / "refused"
MESSAGES = dict(
    re.findall(
        r"^### (\w+)\n(.*?)\n(?=\n### |\Z)",
        (REFUSED / "messages.txt").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
)
PROGRAMS = {}

needs_coq = pytest.mark.skipif(not shutil.which("coqc"), reason="coqc is not installed")


def coqc(folder, name, text):
    """Run Coq over a text."""
    (folder / f"{name}.v").write_text(text, encoding="utf-8")
    return subprocess.run(
        ["coqc", "-q", "-w", "none", f"{name}.v"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def program(name):
    return PROGRAMS.setdefault(name, library(name))


def closed(function):
    """The function at the file's labels or letters, and nat."""
    names = function.type_parameters
    label = next(t for t in ("letter", "label", "nat") if t in function.program.types)
    return function.at(**{n: label if n == "A" else "nat" for n in names})


def sample(domain, values=48, sizes=40):
    """Values of the smallest sizes, up to 8 a size, evenly spread over its ranks."""
    found = []
    smallest, largest = domain.sizes
    for size in range(smallest, min(smallest + sizes, largest or smallest + sizes) + 1):
        try:
            count = domain.count(size)
        except RecursionLabError:
            break
        for rank in sorted({k * (count - 1) // 7 for k in range(8)} if count else ()):
            found.append(domain.unrank(size, rank))
            if len(found) == values:
                return found
    return found


def test_there_are_many_recursive_functions_on_many_subjects():
    recursive = [f for name in libraries() for f in program(name) if f.struct_arg is not None]
    assert len(libraries()) >= 25
    assert len(recursive) >= 200


@pytest.mark.parametrize("name", libraries())
def test_every_function_says_what_it_is(name):
    text = program(name).source
    assert re.match(r"\(\* [A-Z][^\n]*", text)
    for found in re.finditer(r"^(?:Fixpoint|Definition) (\w+)", text, re.MULTILINE):
        assert text[: found.start()].endswith("*)\n"), found[1]


@pytest.mark.parametrize("name", libraries())
def test_what_is_called_a_measure_is_one(name):
    found = re.findall(
        r"^\(\* Measure: (?:[^*]|\*(?!\)))*\*\)\n(?:Fixpoint|Definition) (\w+)",
        program(name).source,
        re.MULTILINE,
    )
    for function in found:
        assert str(closed(program(name)[function]).signature()[1].inductive.name) in ("nat", "bool")


@pytest.mark.parametrize("name", libraries())
def test_every_file_has_a_learning_task(name):
    tasks = 0
    for function in program(name):
        if function.struct_arg is None:
            continue
        try:
            domain = closed(function).domain
        except TermError:  # a function among the arguments
            continue
        tasks += sum(domain.count(size) > 0 for size in range(1, 13)) >= 3
    assert tasks > 0


@pytest.mark.parametrize("name", plain.FUNCTIONS)
def test_agrees_with_plain_python(name):
    file, function = name.split(".")
    tested = closed(program(file)[function])
    compared = 0
    for value in sample(tested.domain):
        arguments = value if isinstance(value, tuple) else (value,)
        try:
            found = plain.read(str(tested(*arguments, steps=3000, nodes=30_000)))
        except BudgetError:  # grows fast: enough values are small
            continue
        expected = plain.FUNCTIONS[name](*(plain.read(str(a)) for a in arguments))
        if expected is not None:
            assert repr(found) == repr(expected), [str(a) for a in arguments]
            compared += 1
    assert compared >= 6


@pytest.mark.slow
@needs_coq
@pytest.mark.parametrize("name", libraries())
def test_agrees_with_coq(name, tmp_path):
    text = [program(name).source]
    for function in program(name):
        tested = closed(function)
        kinds, result = tested.signature()
        try:
            values = sample(tested.domain, 30)
        except TermError:  # a function among the arguments
            continue
        for value in values:
            arguments = value if isinstance(value, tuple) else (value,)
            try:
                found = tested(*arguments, steps=3000, nodes=30_000)
            except BudgetError:
                continue
            typed = " ".join(f"({a} : {show(k)})" for a, k in zip(arguments, kinds, strict=True))
            statement = f"{function.name} {typed} = ({found} : {show(result)})"
            text.append(f"Example agrees_{len(text)} : {statement}. Proof. reflexivity. Qed.")
    done = coqc(tmp_path, name, "\n".join(text) + "\n")
    assert len(text) > 100
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------ what is refused


def test_every_refused_recursion_has_its_message():
    assert sorted(MESSAGES) == sorted(path.stem for path in REFUSED.glob("*.v"))
    assert len(MESSAGES) >= 20


@pytest.mark.parametrize("name", MESSAGES)
def test_a_recursion_that_does_not_decrease_is_refused(name):
    text = (REFUSED / f"{name}.v").read_text(encoding="utf-8")
    with pytest.raises(LanguageError) as caught:
        loads(text, f"{name}.v")
    assert str(caught.value) == MESSAGES[name]


@needs_coq
@pytest.mark.parametrize("name", MESSAGES)
def test_coq_refuses_it_too(name, tmp_path):
    done = coqc(tmp_path, name, (REFUSED / f"{name}.v").read_text(encoding="utf-8"))
    assert done.returncode != 0
    assert re.search(r"is ill-formed|Cannot guess decreasing argument", done.stderr), done.stderr
