"""Tell whether runs differ beyond chance: as models on the same items, and over seeds."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import print_json

EXAMPLE = "recursionlab compare run-a run-b --split gen_size"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folders of runs, of experiments (all runs in them), or JSONL files of samples",
    )
    parser.add_argument("--split", default="test", metavar="NAME", help="default: test")
    parser.add_argument("--output", metavar="DIR", help="where comparison-SPLIT.json goes")


def run(args: argparse.Namespace) -> None:
    """Compare and print."""
    from recursionlab.files import write_json
    from recursionlab.judge import compare
    from recursionlab.judge.scored import read_scored

    found = compare(read_scored(args.runs, args.split))
    if args.output:
        write_json(Path(args.output) / f"comparison-{args.split}.json", found.to_dict())
    if args.json:
        print_json(found.to_dict())
    else:
        print(found)
