"""Write pairs and traces of functions, or a data set, for Coq to prove or Maude or Redex to run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from recursionlab.commands._options import (
    at_least_one,
    load_program,
    print_json,
    tell,
    trace_options,
)
from recursionlab.errors import BudgetError, InputError, RecursionLabError

EXAMPLE = "recursionlab export binary --function succ --traces --output succ.v"
_STEPS, _NODES = 20_000, 200_000
_LONGEST = 4_000  # characters of a term


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "file", metavar="FILE", help="a .v file, a library file's name, or a data set's folder"
    )
    kind = parser.add_mutually_exclusive_group()
    for name, meaning in (
        ("coq", "Examples that coqc proves, and a convertibility check a step (the default)"),
        ("maude", "equations and reductions of first-order functions"),
        ("redex", "metafunctions and tests of first-order functions"),
    ):
        kind.add_argument(
            f"--{name}", dest="kind", action="store_const", const=name, default="coq", help=meaning
        )
    parser.add_argument("--function", metavar="NAME", help="one function; all if not given")
    parser.add_argument(
        "--at", default="bool", metavar="TYPE", help="for every type parameter (default: bool)"
    )
    parser.add_argument("--sizes", default="1..6", metavar="SIZES", help="of values (1..6)")
    parser.add_argument(
        "--limit",
        type=at_least_one,
        default=20,
        metavar="N",
        help="values a size and function; items of a data set's split (default: 20)",
    )
    parser.add_argument("--traces", action="store_true", help="also every step; for Coq")
    trace_options(parser)
    parser.add_argument("--output", metavar="PATH", help="the file; printed if not given")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab import language

    if args.traces and args.kind != "coq":
        raise InputError(f"--traces: only Coq checks steps; leave out --{args.kind}")
    if (Path(args.file) / "dataset.json").is_file():
        program, pairs = _of_dataset(args)
        skipped: list[str] = []
    else:
        program = load_program(args.file)
        pairs, skipped = _of_functions(args, program)
    if args.kind == "coq":
        traces = [_trace(args, f, x) for f, x, _ in pairs] if args.traces else []
        text = language.export_coq(program, pairs, traces)
        steps = sum(len(terms) - 1 for _, terms in traces)
    else:
        export = language.export_maude if args.kind == "maude" else language.export_redex
        functions = {f.name: f for f, _, _ in pairs}
        text, steps = export(program, functions.values(), pairs), 0
    told = {"pairs": len(pairs), "steps": steps, "left_out": skipped}
    if args.output is None:
        if args.json:
            print_json({"text": text, **told})
        else:
            print(text, end="")
        return
    from recursionlab.files import atomic_file

    with atomic_file(args.output) as out:
        out.write(text)
    tell(args, args.output, {"output": args.output, **told})


def _of_functions(args: argparse.Namespace, program: Any) -> tuple[list[Any], list[str]]:
    """Pairs of a program's functions, and the names of functions that cannot be written."""
    from recursionlab import language
    from recursionlab.config import parse_sizes

    sizes = parse_sizes(args.sizes, "--sizes")
    wanted = list(program) if args.function is None else [program[args.function]]
    pairs: list[Any] = []
    skipped = []
    for function in wanted:
        try:
            chosen = function.at(**dict.fromkeys(function.type_parameters, args.at))
            found = list(_pairs(chosen, sizes, args.limit))
            if args.kind != "coq":
                language.export_maude(program, [chosen])
        except RecursionLabError:
            if args.function is not None:
                raise
            skipped.append(function.name)
            continue
        pairs += found
    if not pairs:
        raise InputError(f"{args.file}: no function has a value of the sizes {args.sizes}")
    return pairs, skipped


def _pairs(function: Any, sizes: Any, limit: int) -> Iterator[tuple[Any, Any, Any]]:
    """Arguments spread over each size, and results; what needs too many steps is left out."""
    domain = function.domain
    for size in sizes:
        n = domain.count(size)
        for i in range(min(n, limit)):
            value = domain.unrank(size, n * i // min(n, limit))
            given = value if isinstance(value, tuple) else (value,)
            try:
                result = function(*given, steps=_STEPS, nodes=_NODES)
            except BudgetError:
                continue
            if result.size < _LONGEST:
                yield function, given, result


def _of_dataset(args: argparse.Namespace) -> tuple[Any, list[Any]]:
    """Pairs of a data set as they stand in its files: its first items, split by split."""
    from recursionlab.data import load_dataset
    from recursionlab.data.values import Source

    data = load_dataset(args.file)
    if data.config.task != "value":
        raise InputError(
            f"{args.file}: the task is {data.config.task!r}; only pairs of the task 'value' are "
            "exported"
        )
    program = Source.loads(data.program, data.config.program)
    source = Source(program, data.config)
    pairs = []
    for split in data.values():
        for i in islice(range(len(split)), args.limit):
            given = source.codec.decode(split.inputs[i], "input")
            result = source.codec.decode(split.targets[i], "output")
            terms = given if isinstance(given, tuple) else (given,)
            pairs.append((source.function, terms, result))
    return program, pairs


def _trace(args: argparse.Namespace, function: Any, given: tuple[Any, ...]) -> tuple[Any, Any]:
    """Terms of a reduction, as far as the budget and the length of a line go."""
    trace = function.trace(
        *given,
        granularity=args.granularity,
        strategy=args.strategy,
        steps=_STEPS,
        nodes=_NODES,
    )
    terms = [trace.start]
    try:
        for step in trace:
            if len(str(step.term)) > _LONGEST:
                break
            terms.append(step.term)
    except BudgetError:
        pass
    return function, terms
