"""Which names are visible: what a file declares, what it imports, and what it could import."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from .signature import Alias, Constructor, Entity, Function, Inductive, Proof, Synonym
from .words import MODULES

__all__ = ["Declared", "Namespace", "suggest"]


@dataclass
class Declared:
    """Everything one file declares, in order, by its full name (`Nat.add`)."""

    name: str
    names: dict[str, Entity | Alias] = field(default_factory=dict)
    types: list[Inductive] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)


@dataclass
class Namespace:
    """The names visible at one point of a file, and the open scopes and notations."""

    visible: dict[str, Entity] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=lambda: {"nat_scope", "type_scope"})
    notations: set[str] = field(default_factory=set)
    loaded: list[Declared] = field(default_factory=list)
    modules: set[str] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)

    def load(self, module: Declared) -> None:
        """Make a prelude file's names visible by their qualified names."""
        if module not in self.loaded:
            self.loaded.append(module)
        for name, entity in module.names.items():
            target = entity.target if isinstance(entity, Alias) else entity
            if "." in name or module.name == "Init":
                self.visible.setdefault(name, target)
            if "." not in name:
                self.visible.setdefault(f"{module.name}.{name}", target)

    def open(self, module: str) -> None:
        """Import: names of a file, or of the module `Nat`, become visible without qualifier."""
        for declared in self.loaded:
            for name, entity in declared.names.items():
                target = entity.target if isinstance(entity, Alias) else entity
                if declared.name == module and "." not in name:
                    self.visible[name] = target
                elif name.startswith(module + ".") and module == "Nat":
                    self.visible[name[len(module) + 1 :]] = target


def suggest(name: str, candidates: list[str]) -> str:
    """Near spellings of a name, as a hint."""
    near = difflib.get_close_matches(name, candidates, n=3, cutoff=0.7)
    if not near:
        near = [c for c in candidates if c.lower() == name.lower()][:3]
    return f"did you mean {' or '.join(f'`{n}`' for n in near)}?" if near else ""


def kind_of(entity: Entity) -> str:
    """Say what an entity is."""
    if isinstance(entity, Inductive):
        return "an inductive type"
    if isinstance(entity, Synonym):
        return "a type"
    if isinstance(entity, Constructor):
        return "a constructor"
    if isinstance(entity, Proof):
        return "the proof of an Example"
    return "a function"


def providers(name: str, files: list[Declared]) -> str:
    """Return the Require line that would make a name visible, or an empty string."""
    for declared in files:
        if name in declared.names or name.removeprefix(declared.name + ".") in declared.names:
            for module, (loads, _, _, _) in MODULES.items():
                if declared.name in loads:
                    return f"From Coq Require Import {module}."
    return ""
