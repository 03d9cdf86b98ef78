"""Reduce a term and print every step."""

from __future__ import annotations

import argparse

from recursionlab.commands._options import (
    at_least_one,
    load_program,
    print_json,
    program_option,
    trace_options,
)

EXAMPLE = 'recursionlab trace binary "succ (xI (xI xH))" --granularity call'


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    program_option(parser)
    parser.add_argument("term", metavar="TERM", help="the term to reduce")
    trace_options(parser)
    parser.add_argument(
        "--every", type=at_least_one, default=1, metavar="N", help="print every N-th term"
    )


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    program = load_program(args.file)
    trace = program.trace(
        args.term, granularity=args.granularity, strategy=args.strategy, every=args.every
    )
    if not args.json:
        print(trace.start)
        for step in trace:
            print(step.term)
        return
    start = str(trace.start)
    steps = [
        {
            "step": number,
            "rule": step.rule,
            "function": step.function,
            "position": list(step.position),
            "term": str(step.term),
        }
        for number, step in enumerate(trace, 1)
    ]
    options = {"granularity": args.granularity, "strategy": args.strategy}
    print_json({"start": start, **options, "steps": steps})
