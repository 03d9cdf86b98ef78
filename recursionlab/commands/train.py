"""Train one run."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import (
    function_experiment,
    function_options,
    output_options,
    printed,
    read_sets,
    tell,
    whole,
)

EXAMPLE = "recursionlab train my.toml --output run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "config",
        metavar="CONFIG|FILE",
        help="a .toml, a .v file (see --function), or a run's folder with --resume",
    )
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    parser.add_argument(
        "--seed", type=whole, dest="train_seed", metavar="N", help="of initialisation and order"
    )
    parser.add_argument("--variant", metavar="NAME", help="a variant of the configuration")
    function_options(parser)
    output_options(parser, "the run's folder", sets=True)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.experiments import single
    from recursionlab.experiments.config import load_experiment

    sets = read_sets(args)
    name, config = function_experiment(args, args.config) or ("", args.config)
    if args.print_config:
        printed(args, load_experiment(config, sets=sets, variant=args.variant))
        return
    if args.resume and Path(args.config).is_dir():
        out = single.resume(args.config, args.threads)
    else:
        out = single.train(
            config,
            args.output or (f"runs/{name}-run" if name else None),
            sets=sets,
            variant=args.variant,
            threads=args.threads,
            resume=args.resume,
        )
    tell(args, out, {"output": str(out)})
