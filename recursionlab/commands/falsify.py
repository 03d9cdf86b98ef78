"""Search for the smallest value on which a run fails."""

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
)

EXAMPLE = "recursionlab falsify run --sizes 1..30 --method both --seeds 0..4 --output found"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder")
    data_option(parser)
    parser.add_argument(
        "--sizes", metavar="SIZES", help="where to search (default: up to the largest of the data)"
    )
    parser.add_argument(
        "--method",
        choices=("guided", "random", "both"),
        default="guided",
        help="guided (the default) by strata and changed values, random, or both to compare them",
    )
    parser.add_argument(
        "--queries", type=at_least_one, default=5000, metavar="N", help="values asked at most"
    )
    parser.add_argument(
        "--seeds", default="0", metavar="SEEDS", help="a search each, such as 0..4 (default: 0)"
    )
    output_options(parser, "where falsification.json and the figures of the searches go")


def run(args: argparse.Namespace) -> None:
    """Search and print."""
    from recursionlab.config import parse_seeds
    from recursionlab.files import write_json
    from recursionlab.judge import race
    from recursionlab.learn import load_run

    trained, data = load_run(args.run_folder), data_of(args)
    found = race(
        trained,
        data,
        sizes=args.sizes or f"1..{max(*data.config.sizes, *data.config.gen_sizes)}",
        methods=("guided", "random") if args.method == "both" else (args.method,),
        seeds=parse_seeds(args.seeds, "--seeds"),
        max_queries=args.queries,
        threads=args.threads,
    )
    if args.output:
        write_json(Path(args.output) / "falsification.json", found.to_dict())
        _draw(found, Path(args.output))
    if args.json:
        print_json(found.to_dict())
    else:
        print(found)


def _draw(found: Any, folder: Path) -> None:
    """Write the figures: failures, and the smallest one's size, against questions."""
    from recursionlab.files import atomic_file
    from recursionlab.judge.race import FIGURES
    from recursionlab.plot import svg

    for what in FIGURES:
        with atomic_file(folder / f"{what}.svg") as out:
            out.write(svg(found.plot(what)) + "\n")
