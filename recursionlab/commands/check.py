"""Check a file and show what is in it."""

from __future__ import annotations

import argparse

from recursionlab.commands._options import load_program, print_json, program_option

EXAMPLE = "recursionlab check my.v"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    program_option(parser)


def run(args: argparse.Namespace) -> None:
    """Print what the file holds."""
    program = load_program(args.file)
    examples = program.check()
    functions = {name: f.type for name, f in program.functions.items()}
    computed = [{"value": value, "type": kind} for value, kind in program.compute()]
    if args.json:
        found = {"functions": functions, "examples": examples, "computed": computed}
        print_json({"file": args.file, **found})
        return
    for name, kind in functions.items():
        print(f"{name} : {kind}")
    for row in computed:
        print(f"     = {row['value']}\n     : {row['type']}")
    print(f"{args.file}: {len(functions)} functions, {examples} examples hold")
