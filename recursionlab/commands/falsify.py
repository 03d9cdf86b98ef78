"""Search for the smallest value on which a run fails."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import at_least_one, output_options, print_json, whole

EXAMPLE = "recursionlab falsify run data --sizes 1..30"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder")
    parser.add_argument("data", metavar="DATA", help="the folder of the data it was trained on")
    parser.add_argument("--sizes", required=True, metavar="SIZES", help="where to search: 1..30")
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
    from recursionlab.data import load_dataset
    from recursionlab.files import write_json
    from recursionlab.judge import falsify
    from recursionlab.learn import load_run

    found = falsify(
        load_run(args.run_folder),
        load_dataset(args.data),
        sizes=args.sizes,
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
