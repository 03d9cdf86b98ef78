"""The prelude: Coq's own definitions, read from the `.v` files beside this one, once a process."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from .declare import File
from .namespace import Declared, Namespace
from .source import Source

__all__ = ["FILES", "core", "load", "modules", "start"]

# In order of dependence; Init is loaded always.
FILES = ("Init", "Bool", "List", "BinNums", "PArith")
_EVERYTHING = {"nat_scope", "list_scope", "bool_scope", "type_scope"}


def text(name: str) -> str:
    """Return the text of a prelude file."""
    path = files(__package__).joinpath("prelude").joinpath(f"{name}.v")
    return path.read_text(encoding="utf-8")


@cache
def load(name: str) -> Declared:
    """Elaborate a prelude file, after those it depends on."""
    namespace = Namespace(scopes=set(_EVERYTHING), notations={"=?", "["})
    earlier: dict[str, Any] = {}
    for other in FILES[: FILES.index(name)]:
        if other in ("Init", "BinNums"):
            namespace.load(load(other))
            namespace.open(other)
            earlier.update(load(other).names)
    file = File(Source(f"{name}.v", text(name)), namespace, earlier, list, load, prelude=True)
    declared = file.run().declared
    declared.name = name
    return declared


@lru_cache(maxsize=1)
def core() -> dict[str, Any]:
    """Return the entities that notations stand for, by name."""
    return dict(load("Init").names)


def modules() -> list[Declared]:
    """Return all prelude files."""
    return [load(name) for name in FILES]


def start() -> Namespace:
    """Return what is visible at the start of a user's file."""
    namespace = Namespace()
    namespace.load(load("Init"))
    return namespace
