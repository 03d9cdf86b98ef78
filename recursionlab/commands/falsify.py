"""Search for the smallest value on which a run fails."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import (
    at_least_one,
    data_of,
    data_option,
    output_options,
    print_json,
    whole,
)

EXAMPLE = "recursionlab falsify run --sizes 1..30"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder")
    data_option(parser)
    parser.add_argument(
        "--sizes", metavar="SIZES", help="where to search (default: up to the largest of the data)"
    )
    parser.add_argument(
        "--method",
        choices=("guided", "random"),
        default="guided",
        help="guided (the default) by strata and changed values, or random, to compare with",
    )
    parser.add_argument(
        "--queries", type=at_least_one, default=5000, metavar="N", help="values asked at most"
    )
    parser.add_argument("--seed", type=whole, default=0, metavar="N", help="of the search")
    output_options(parser, "where falsification.json goes")


def run(args: argparse.Namespace) -> None:
    """Search and print."""
    from recursionlab.files import write_json
    from recursionlab.judge import falsify
    from recursionlab.learn import load_run

    trained, data = load_run(args.run_folder), data_of(args)
    found = falsify(
        trained,
        data,
        sizes=args.sizes or f"1..{max(*data.config.sizes, *data.config.gen_sizes)}",
        method=args.method,
        max_queries=args.queries,
        seed=args.seed,
        threads=args.threads,
    )
    if args.output:
        write_json(Path(args.output) / "falsification.json", found.to_dict())
    if args.json:
        print_json(found.to_dict())
    else:
        print(found)
