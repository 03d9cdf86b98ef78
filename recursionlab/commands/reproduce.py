"""Run an experiment from data to report."""

from __future__ import annotations

import argparse

from recursionlab.commands._options import (
    function_experiment,
    function_options,
    output_options,
    printed,
    read_sets,
    seeds_option,
    tell,
)
from recursionlab.errors import InputError

EXAMPLE = "recursionlab reproduce my.v --function f --quick"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "name",
        metavar="NAME|CONFIG|FILE",
        help="an experiment's name, a .toml, a .v file (see --function), or all",
    )
    parser.add_argument("--quick", action="store_true", help="the small variant: a minute or so")
    function_options(parser)
    seeds_option(parser)
    output_options(parser, "the experiment's folder; finished runs in it are kept", sets=True)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.experiments.config import load_experiment
    from recursionlab.experiments.run import reproduce

    sets = read_sets(args)
    if args.name == "all":
        _all(args, sets)
        return
    name, config = function_experiment(args, args.name) or ("", args.name)
    if args.print_config:
        printed(args, load_experiment(config, sets=sets, quick=args.quick))
        return
    quick = "-quick" if args.quick else ""
    out = reproduce(
        config,
        output=args.output or (f"runs/{name}{quick}" if name else None),
        quick=args.quick,
        sets=sets,
        threads=args.threads,
        quiet=args.json,
    )
    tell(args, out.report, out.to_dict())


def _all(args: argparse.Namespace, sets: dict[str, object]) -> None:
    """Run every experiment that makes a claim."""
    from recursionlab.experiments.all import reproduce_all

    if sets or args.print_config:
        raise InputError("all: takes no --set, --seeds or --print-config; name one experiment")
    out = reproduce_all(output=args.output, quick=args.quick, threads=args.threads, quiet=args.json)
    tell(args, out.report, out.to_dict())
