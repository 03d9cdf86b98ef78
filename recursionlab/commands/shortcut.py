"""Name the shortcut that a model took, as machines, and say how well it foretells its answers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from recursionlab.commands._options import (
    at_least_one,
    data_of,
    data_option,
    output_options,
    print_json,
    whole,
)
from recursionlab.errors import InputError

EXAMPLE = "recursionlab shortcut runs/my-run --by carry"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "run_folder",
        metavar="RUN|PREDICTIONS",
        help="a run's folder, or a JSONL file of predictions for --data, whoever wrote it",
    )
    data_option(parser)
    parser.add_argument(
        "--split", default="test", metavar="NAME", help="what a file predicts (default: test)"
    )
    parser.add_argument(
        "--items",
        type=at_least_one,
        default=6000,
        metavar="N",
        help="values to ask a run (default: 6000)",
    )
    parser.add_argument("--by", metavar="MEASURE", help="a measure to ask evenly and report by")
    parser.add_argument(
        "--size", type=at_least_one, default=24, metavar="N", help="machines in the rules, at most"
    )
    parser.add_argument("--seed", type=whole, default=0, metavar="N", help="parts the items")
    output_options(parser, "where shortcut.json goes (default: the run's folder)")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.files import write_json

    path = Path(args.run_folder)
    found = _file(args, path) if path.is_file() else _run(args, path)
    out = Path(args.output) if args.output else path if path.is_dir() else None
    if out is not None:
        write_json(out / "shortcut.json", found.to_dict())
    if args.json:
        print_json(found.to_dict())
        return
    print(found)
    for row in found.remaining[:5]:
        print(f"\n{row['n']} more wrong outputs: {row['kind']}, for example")
        print(f"  input    {row['input']}\n  expected {row['expected']}\n  got      {row['model']}")


def _options(args: argparse.Namespace) -> dict[str, Any]:
    columns = (args.by,) if args.by else ("size",)
    return {
        "columns": columns,
        "threads": args.threads,
        "size": args.size,
        "seed": args.seed,
        "measures": columns,
    }


def _run(args: argparse.Namespace, path: Path) -> Any:
    from recursionlab.interpret.shortcut_run import reconstruct_run, stress_of
    from recursionlab.learn import load_run

    trained = load_run(path)
    data = data_of(args)
    split = stress_of(data, args.items, args.by or "", args.threads)
    return reconstruct_run(trained, data, split, **_options(args))


def _file(args: argparse.Namespace, path: Path) -> Any:
    from recursionlab.data import load_dataset
    from recursionlab.interpret.shortcut_run import reconstruct_run

    if not args.data:
        raise InputError("--data: expected the folder of the data set that the file predicts")
    data = load_dataset(args.data)
    return reconstruct_run(path, data, data[args.split], **_options(args))
