"""Coq is the judge: it accepts what we accept, and the prelude equals its own definitions."""

import re
import shutil
import subprocess

import pytest
from accepted import ACCEPTED

from recursionlab.language import libraries, library, prelude
from recursionlab.language.signature import Constructor, Function, Inductive

pytestmark = pytest.mark.skipif(not shutil.which("coqc"), reason="coqc is not installed")


def coqc(folder, name, text):
    path = folder / f"{name}.v"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["coqc", "-q", "-w", "none", path.name],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{name}: {done.stderr}"
    return done.stdout


@pytest.mark.parametrize("name", ACCEPTED)
def test_coq_accepts_what_we_accept(name, tmp_path):
    coqc(tmp_path, name, ACCEPTED[name])


@pytest.mark.parametrize("name", libraries())
def test_coq_accepts_the_library(name, tmp_path, reference):
    coqc(tmp_path, name, library(name).source)


REQUIRES = {
    "Init": "",
    "Bool": "From Coq Require Bool.",
    "List": "From Coq Require List. Import List. Import ListNotations. Open Scope bool_scope.",
    "BinNums": "From Coq Require Import BinNums.",
    "PArith": "From Coq Require Import BinNums PArith.",
}
OWNERS = {"Bool": "Bool.", "List": "List."}


@pytest.mark.parametrize("name", prelude.FILES)
def test_the_prelude_equals_coq(name, tmp_path):
    text = re.sub(r"^Inductive .*?\.$", "", prelude.text(name), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^Arguments (Some|None|inl|inr|pair|nil|cons) .*$", "", text, flags=re.MULTILINE)
    checks = []
    for full, entity in prelude.load(name).names.items():
        if isinstance(entity, Function):
            theirs = OWNERS.get(name, "") + full
            if name == "Init" and "." not in full:
                theirs = full
            checks.append(f"Check (eq_refl : @Ours.{full} = @{theirs}).")
    file = f"{REQUIRES[name]}\nModule Ours.\n{text}\nEnd Ours.\n" + "\n".join(checks)
    coqc(tmp_path, f"prelude_{name}", file)


def test_the_prelude_has_coqs_types(tmp_path):
    commands, expected = [], []
    for module in prelude.modules():
        for entity in module.names.values():
            if isinstance(entity, Inductive):
                commands.append(f"Print {entity.name}.")
                expected.append([c.name for c in entity.constructors])
            elif isinstance(entity, Constructor):
                arity = len(entity.types) + len(entity.type_parameters)
                commands.append(
                    f"Check (@{entity.name}{' _' * arity}).".replace("_", "ltac:(shelve)")
                )
    prints = [c for c in commands if c.startswith("Print")]
    out = coqc(tmp_path, "types", "From Coq Require Import BinNums.\n" + "\n".join(prints))
    found = [
        re.findall(r"[:|]=?\s*(\w+) :", block.split(":=", 1)[1].split("\n\n")[0].join(["| ", ""]))
        for block in out.split("Inductive ")[1:]
    ]
    assert found == expected


def test_pattern_variables_that_coq_would_refuse_are_known(tmp_path):
    """The constructors of Coq's initial library that the prelude lacks are in our table."""
    from recursionlab.language.words import COQ_CONSTRUCTORS

    assert {"left", "right", "I", "conj", "eq_refl", "exist", "le_n"} <= COQ_CONSTRUCTORS
