"""The pages that are written from the code: API by room, commands, experiments, notebooks."""

import argparse
import importlib
import inspect
from pathlib import Path

from recursionlab import commands, registry
from recursionlab.config import read_toml
from recursionlab.report.claims import RULE

ROOMS = {
    "language": "programs, functions, traces",
    "functions": "functions as data",
    "machines": "abstract state machines",
    "data": "data sets",
    "models": "kinds of models",
    "learn": "training",
    "judge": "what predictions are worth",
    "interpret": "opening a model",
    "experiments": "whole experiments",
    "plot": "figures",
    "report": "pages about runs",
    "interop": "other libraries",
}
MORE = {  # what a room keeps in modules of their own and its users want
    "interpret": ("interpret.shortcut",),
    "interop": ("interop.huggingface", "interop.questions", "interop.strategies"),
}


def write(folder: Path, *, notebooks: Path, executed: Path) -> None:
    """Write all pages anew; a file that would not change is left alone, so that Sphinx skips it."""
    made = {"api/index.md": _rooms()}
    made |= {f"api/{room}.md": _room(room) for room in ROOMS}
    made |= {"commands.md": _commands(), "experiments.md": _experiments(), "library.md": _library()}
    made["registries.md"] = _registries()
    made["reduction.md"] = (registry.HERE / "language/REDUCTION.md").read_text("utf-8")
    names = sorted(notebooks.glob("*.ipynb"))
    made["notebooks/index.md"] = _toctree("Notebooks", [n.stem for n in names])
    for name in names:
        run = executed / name.name
        made[f"notebooks/{name.name}"] = (run if run.is_file() else name).read_text("utf-8")
    for stale in set(folder.rglob("*.*")) - {folder / name for name in made}:
        stale.unlink()
    for name, text in made.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


def _toctree(title: str, names: list[str]) -> str:
    return "\n".join([f"# {title}", "", "```{toctree}", ":maxdepth: 1", "", *names, "```", ""])


def _rooms() -> str:
    rows = [f"- [{room}]({room}.md): {about}" for room, about in ROOMS.items()]
    return _toctree("API", list(ROOMS)) + "\n".join(["", *rows, ""])


def _room(room: str) -> str:
    """Return the page of a room: what its modules offer, by their docstrings."""
    parts = [f"# {room}: {ROOMS[room]}"]
    for name in (room, *MORE.get(room, ())):
        module = importlib.import_module(f"recursionlab.{name}")
        public = getattr(module, "__all__", None) or _own(module)
        if name != room:
            parts.append(f"## recursionlab.{name}")
        parts.append(inspect.getdoc(module) or "")
        parts += [_entry(module, public_name) for public_name in public]
    return "\n\n".join(parts) + "\n"


def _own(module) -> list[str]:
    """Return the functions that a module without `__all__` defines."""
    return [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    ]


def _entry(module, name: str) -> str:
    value = getattr(module, name)
    kind = "class" if inspect.isclass(value) else "function" if callable(value) else "data"
    if kind == "class" and issubclass(value, BaseException):
        kind = "exception"
    options = "\n   :members:\n   :undoc-members:" if kind == "class" else ""
    lines = f".. auto{kind}:: {module.__name__}.{name}{options}"
    return f"```{{eval-rst}}\n{lines}\n```"


def _commands() -> str:
    parts = ["# Commands", "Every command takes `--json`, and ends with status 2 for a mistake."]
    for name in commands.names():
        module = commands.get(name)
        parser = argparse.ArgumentParser(prog=f"recursionlab {name}", add_help=False)
        parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=100)
        module.arguments(parser)
        about = inspect.cleandoc(module.__doc__ or "")
        parts += [f"## {name}", about, f"```\n{module.EXAMPLE}\n```"]
        parts.append(f"```text\n{parser.format_help().strip()}\n```")
    return "\n\n".join(parts) + "\n"


def _experiments() -> str:
    """Return what is reproduced: each experiment, its claims, their sources and bounds."""
    from recursionlab.experiments.claims import claims_of, measured

    parts = [
        "# Experiments and claims",
        "Each is a file that can be copied and changed; `recursionlab reproduce NAME` runs it.",
        RULE,
    ]
    for row in registry.experiments():
        table = read_toml(row["file"])["experiment"]
        parts += [f"## {row['name']}: {table['title']}", table.get("about", "")]
        claims = claims_of(table.get("claims", {}), list(table.get("variants", {"main": {}})))
        if claims:
            lines = ["| claim | source | measured |", "|---|---|---|"]
            lines += [f"| {c.text} | {c.source} | {measured(c)} |" for c in claims.values()]
            parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _library() -> str:
    from recursionlab import language

    parts = ["# The library of functions", "`rlab.library(NAME)[FUNCTION]`; the files are Gallina."]
    for name in language.libraries():
        lines = [f"## {name}", "", "| function | type |", "|---|---|"]
        lines += [f"| `{f.name}` | `{f.type}` |" for f in language.library(name)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _registries() -> str:
    parts = ["# Tasks, formats, models, evaluators"]
    for kind in ("tasks", "formats", "models", "evaluators"):
        rows = [f"| `{r['name']}` | {r['about']} |" for r in registry.KINDS[kind]()]
        parts.append("\n".join([f"## {kind.capitalize()}", "", "| | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"
