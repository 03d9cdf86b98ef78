"""Score predictions, whoever made them."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import output_options, print_json, whole

EXAMPLE = "recursionlab score samples-test.jsonl --data data"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("predictions", metavar="PREDICTIONS", help="a JSONL file, whoever wrote it")
    parser.add_argument("--data", required=True, metavar="DATA", help="the data set's folder")
    parser.add_argument("--split", default="test", metavar="NAME", help="default: test")
    parser.add_argument("--by", metavar="COLUMNS", help="columns, separated by commas")
    parser.add_argument("--failures", type=whole, default=5, metavar="N", help="failures to print")
    output_options(parser, "where evaluation-SPLIT.json goes")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.data import load_dataset
    from recursionlab.judge import evaluate

    data = load_dataset(args.data)
    by = args.by.split(",") if args.by else ["size", "depth", *data.config.measures]
    result = evaluate(
        args.predictions, data[args.split], by=by, train=data["train"], threads=args.threads
    )
    if args.output:
        out = Path(args.output) / f"evaluation-{args.split}.json"
        result.save(out)
    if args.json:
        print_json(result.to_dict())
        return
    print(result.table)
    for row in result.failures(args.failures):
        print(f"\n{row['id']}\n  input    {row['input']}\n  expected {row['expected']}")
        print(f"  got      {row['got']}")
