"""Compare with peers, by turns in one process; a ratio above 1 means that ours is better."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import print_json

EXAMPLE = "recursionlab bench train --json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", nargs="?", default="train", help="which benchmark (default: train)")
    parser.add_argument(
        "--case", action="append", metavar="NAME", help="a case of it; may be repeated"
    )
    parser.add_argument("--output", metavar="DIR", help="where bench-NAME.json goes")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab import registry
    from recursionlab.files import write_json
    from recursionlab.judge.evaluation import Table

    options = {"cases": args.case} if args.case else {}
    result = registry.benchmark(args.name).run(**options)
    if args.output:
        write_json(Path(args.output) / f"bench-{args.name}.json", result)
    if args.json:
        print_json(result)
    else:
        print(Table(result["rows"]))
        for reason in result.get("left_out", ()):
            print(f"left out: {reason}")
