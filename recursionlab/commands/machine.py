"""Compile a function to an abstract state machine, print it, and run it on a value."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from recursionlab.commands._options import load_program, print_json
from recursionlab.errors import InputError

EXAMPLE = 'recursionlab machine binary succ "xI (xI xH)" --cut 1 --fallback copy --trace'
FALLBACKS = ("copy", "stop", "constant", "branch")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "file", metavar="FILE", help="a .v file, a library file's name, or a machine (.asm)"
    )
    parser.add_argument(
        "function", metavar="FUNCTION", nargs="?", help="a function of the file; none for a machine"
    )
    parser.add_argument(
        "values", metavar="VALUE", nargs="*", help="its arguments; the input of a machine as tokens"
    )
    parser.add_argument(
        "--at", default="bool", metavar="TYPE", help="for every type parameter (default: bool)"
    )
    parser.add_argument("--encoding", choices=("prefix", "flat"), default="prefix")
    parser.add_argument("--order", choices=("natural", "reversed"), default="natural")
    parser.add_argument(
        "--kind",
        choices=("any", "transducer", "heap"),
        default="any",
        help="a transducer along linear values, or a heap with a stack of frames",
    )
    parser.add_argument(
        "--cut", metavar="K", help="end the recursion after K calls; a number or, say, length / 2"
    )
    parser.add_argument(
        "--fallback",
        default="copy",
        metavar="THEN",
        help="what follows a cut: copy what is left, stop, constant:TOKENS, branch:CONSTRUCTOR",
    )
    parser.add_argument("--trace", action="store_true", help="print the updates of each step")
    parser.add_argument("--states", action="store_true", help="print the states as tokens")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    function = None
    if args.file.endswith(".asm"):
        from recursionlab.machines import load

        machine = load(Path(args.file))
        words = [args.function, *args.values] if args.function is not None else None
        given = None if words is None else [token for word in words for token in word.split()]
        machine = machine.bind(tuple(dict.fromkeys([*machine.vocabulary, *(given or [])])))
    else:
        function, machine, given = _compiled(args)
    if given is None:
        if args.trace or args.states:
            raise InputError("--trace and --states need a value to run on")
        if args.json:
            print_json({"machine": str(machine), "params": machine.params})
        else:
            print(machine, end="")
        return
    _run(args, machine, given, function)


def _compiled(args: argparse.Namespace) -> tuple[Any, Any, list[str] | None]:
    """Return the function, its machine and the encoded arguments, if there are any."""
    from recursionlab.machines import Cut, machine_of

    program = load_program(args.file)
    if args.function is None:
        own = ", ".join(program.functions)
        raise InputError(f"say which function of {args.file} is compiled; it has {own}")
    function = program[args.function]
    function = function.at(**dict.fromkeys(function.type_parameters, args.at))
    cut = None
    if args.cut is not None:
        then, _, what = args.fallback.partition(":")
        if then not in FALLBACKS or (then in ("constant", "branch")) != bool(what):
            raise InputError(
                "--fallback: expected copy, stop, constant:TOKENS or branch:CONSTRUCTOR, got "
                f"{args.fallback!r}"
            )
        after = int(args.cut) if args.cut.isdecimal() else args.cut
        constant = tuple(what.split()) if then == "constant" else ()
        cut = Cut(after, then, constant, what if then == "branch" else "")
    machine = machine_of(function, args.encoding, args.order, cut=cut, kind=args.kind)
    if not args.values:
        return function, machine, None
    if len(args.values) != function.arity:
        raise InputError(
            f"{function.name} takes {function.arity} arguments ({function.type}), "
            f"got {len(args.values)}"
        )
    value = function.domain.parse(*args.values)
    ids = function.codec(args.encoding, args.order).encode(value, "input")
    return function, machine, machine.decode(ids)


def _run(args: argparse.Namespace, machine: Any, given: list[str], function: Any) -> None:
    history = machine.trace(given)
    updates = history.update_sets()
    shown = [", ".join(f"{place} := {value}" for place, value in step.items()) for step in updates]
    if args.trace and not args.json:
        for number, line in enumerate(shown, 1):
            print(f"{number}: {line or '(nothing)'}")
    history.raise_for_end()
    output = machine.decode(history.output)
    found: dict[str, Any] = {
        "input": given,
        "output": output,
        "steps": history.steps,
        "end": history.end,
    }
    if function is not None:
        found["expected"] = _expected(args, machine, function)
    if args.states:
        found["states"] = history.words()
    if args.json:
        print_json({**found, "updates": updates} if args.trace else found)
        return
    if args.states:
        print(" ".join(found["states"]))
    print(" ".join(output))
    if function is not None and found["expected"] != output:
        print(f"({function.name} gives {' '.join(found['expected'])})")


def _expected(args: argparse.Namespace, machine: Any, function: Any) -> list[str]:
    """Return what the function itself gives, in the machine's tokens."""
    value = function.domain.parse(*args.values)
    result = function(*(value if isinstance(value, tuple) else (value,)))
    ids = function.codec(args.encoding, args.order).encode(result, "output")
    words: list[str] = machine.decode(ids)
    return words
