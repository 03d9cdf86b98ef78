"""What there is: functions, models, tasks, experiments, evaluators, found by walking folders."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recursionlab.config import suggest
from recursionlab.errors import InputError

HERE = Path(__file__).parent


def first_line(module: Any) -> str:
    """Return the first line of a module's docstring."""
    return (module.__doc__ or "").strip().partition("\n")[0]


def tasks() -> list[dict[str, Any]]:
    """Return the tasks: `name` and `about`."""
    from recursionlab.data import tasks as room

    return [{"name": n, "about": first_line(room.get(n))} for n in room.names()]


def evaluators() -> list[dict[str, Any]]:
    """Return the evaluators: `name` and `about`."""
    from recursionlab.judge import evaluators as room

    return [{"name": n, "about": first_line(room.get(n))} for n in room.names()]


def formats() -> list[dict[str, Any]]:
    """Return the formats that data sets can be written as: `name` and `about`."""
    from recursionlab.interop import formats as room

    return [{"name": n, "about": first_line(room.get(n))} for n in room.names()]


def experiments() -> list[dict[str, Any]]:
    """Return the experiments: `name`, `about` and the `file` to copy and change."""
    from recursionlab.config import read_toml

    out = []
    for file in sorted((HERE / "experiments").glob("*.toml")):
        table = read_toml(file).get("experiment", {})
        out.append({"name": file.stem, "about": str(table.get("title", "")), "file": str(file)})
    return out


def functions() -> list[dict[str, Any]]:
    """Return the functions of the library: `program`, `name` and `type`."""
    from recursionlab import language

    out = []
    for file in sorted((HERE / "library").glob("*.v")):
        program = language.library(file.stem)
        out += [
            {"program": file.stem, "name": name, "type": str(program[name].type)}
            for name in program.functions
        ]
    return out


def models() -> list[dict[str, Any]]:
    """Return the models: `name` and `about`."""
    from recursionlab import models as room

    return [{"name": name, "about": about} for name, about in room.kinds().items()]


def benchmark(name: str) -> Any:
    """Return the module of a benchmark: `run(cases=...)` gives `machine` and `rows`."""
    files = (HERE / "bench").glob("*.py")
    known = [f.stem for f in files if not f.stem.startswith("_") and not f.stem.endswith("_peer")]
    if name not in known:
        raise InputError(f"no benchmark {name!r}{suggest(name, known)}")
    return importlib.import_module(f"recursionlab.bench.{name}")


KINDS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "functions": functions,
    "models": models,
    "tasks": tasks,
    "experiments": experiments,
    "evaluators": evaluators,
    "formats": formats,
}
