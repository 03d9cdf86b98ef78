"""Require, Import and Open Scope: which prelude file, notation and scope each of them brings."""

from __future__ import annotations

from collections.abc import Callable

from . import syntax as ast
from .namespace import Declared, Namespace, suggest
from .source import Excerpt
from .words import MODULES

__all__ = ["require", "run_import", "run_open_scope"]

# Where Coq keeps the modules that the prelude mirrors.
_PATHS = {
    "List": "Coq.Lists.List",
    "Bool": "Coq.Bool.Bool",
    "Nat": "Coq.Init.Nat",
    "Datatypes": "Coq.Init.Datatypes",
    "PeanoNat": "Coq.Arith.PeanoNat",
    "Arith": "Coq.Arith.Arith",
    "BinNums": "Coq.Numbers.BinNums",
    "PArith": "Coq.PArith.PArith",
    "BinPos": "Coq.PArith.BinPos",
}
_SCOPES = ("nat_scope", "list_scope", "bool_scope", "type_scope")


def require(
    command: ast.Require,
    excerpt: Excerpt,
    namespace: Namespace,
    load: Callable[[str], Declared],
) -> None:
    """`From p Require Import m n`: load the prelude files and open what each brings."""
    if command.action == "Export":
        raise excerpt.error(
            "`Require Export` is not in the subset", command.span, "write Require Import"
        )
    prefix = command.prefix.name if command.prefix else ""
    for ident in command.modules:
        module = ident.name.rsplit(".", 1)[-1]
        path = _PATHS.get(module, "")
        suffix = ("." + path).endswith("." + ident.name)
        inside = not prefix or (path + ".").startswith(prefix + ".")
        if not path or not suffix or not inside:
            hint = suggest(module, list(_PATHS)) or f"the prelude has {', '.join(sorted(_PATHS))}"
            raise excerpt.error(f"the prelude has no module `{ident.name}`", ident.span, hint)
        loads, scopes, notations, opened = MODULES[module]
        for name in loads:
            namespace.load(load(name))
        namespace.modules.add(module)
        if command.action == "Import":
            namespace.imported.add(module)
            namespace.scopes.update(scopes)
            namespace.notations.update(notations)
            for name in opened:
                namespace.open(name)


def run_import(command: ast.Import, excerpt: Excerpt, namespace: Namespace) -> None:
    """`Import ListNotations`."""
    for ident in command.modules:
        if ident.name not in ("ListNotations", "List.ListNotations"):
            raise excerpt.error(
                f"`Import {ident.name}` is not in the subset",
                ident.span,
                "write `Require Import` for a module of the prelude; "
                "only ListNotations is imported by itself",
            )
        qualified = ident.name.startswith("List.")
        if "List" not in (namespace.modules if qualified else namespace.imported):
            state = "loaded" if qualified or "List" not in namespace.modules else "imported"
            raise excerpt.error(
                f"ListNotations is in the module List, which is not {state}",
                ident.span,
                "write `Require Import List.` before it",
            )
        namespace.notations.add("[")


def run_open_scope(command: ast.OpenScope, excerpt: Excerpt, namespace: Namespace) -> None:
    """`Open Scope nat_scope` or, by its key, `Open Scope nat`."""
    scope = command.scope
    name = scope.name if scope.name.endswith("_scope") else scope.name + "_scope"
    if name not in _SCOPES:
        raise excerpt.error(
            f"the scope `{scope.name}` is not in the subset",
            scope.span,
            f"expected {' or '.join(_SCOPES)}",
        )
    namespace.scopes.add(name)
