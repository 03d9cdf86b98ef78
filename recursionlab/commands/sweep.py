"""Run every point of a table [sweep] with every seed: one table and one figure.

Small models train side by side, a process a core; what is finished is not done again, so the same
command goes on where a stopped one was.
"""

from __future__ import annotations

import argparse
from typing import Any

from recursionlab.commands._options import (
    output_options,
    print_json,
    printed,
    read_sets,
    seeds_option,
)

EXAMPLE = "recursionlab sweep successor --set 'sweep.product.train.lr=[1e-4, 1e-3]' --seeds 0..4"
SHOWN = ("split", "seeds", "exact_match", "deviation", "lowest", "highest", "diverged")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", metavar="CONFIG", help="a .toml, or an experiment's name")
    parser.add_argument("--quick", action="store_true", help="the small form of the experiment")
    seeds_option(parser)
    output_options(parser, "the sweep's folder; finished runs in it are kept", sets=True)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.experiments.config import load_experiment
    from recursionlab.experiments.sweeps import sweep
    from recursionlab.judge.evaluation import Table

    sets = read_sets(args)
    if args.print_config:
        printed(args, load_experiment(args.config, sets=sets, quick=args.quick))
        return
    out = sweep(
        args.config,
        output=args.output,
        quick=args.quick,
        sets=sets,
        threads=args.threads,
        quiet=args.json,
    )
    if args.json:
        print_json(out.to_dict())
        return
    rows = [_row(row, out.costs) for row in out.points]
    print(f"{Table(rows)}\n{out.folder / 'results.csv'}\n{out.figure}")


def _row(point: dict[str, Any], costs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what is printed of a point: its keys, its results, its mean cost a run."""
    row = {k: v for k, v in point.items() if "." in k or k in ("variant", *SHOWN)}
    mine = [c for c in costs if c["variant"] == point["variant"] and "train_seconds" in c]
    for name, key, unit in (("seconds", "train_seconds", 1), ("MiB", "peak_bytes", 2**20)):
        if mine:
            row[name] = round(sum(c[key] for c in mine) / len(mine) / unit)
    return row
