"""Train one run."""

from __future__ import annotations

import argparse

from recursionlab.commands._options import output_options, read_sets, tell, whole

EXAMPLE = "recursionlab train my.toml --output run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", metavar="CONFIG", help="a .toml, or a run's folder with --resume")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    parser.add_argument("--seed", type=whole, metavar="N", help="of initialisation and order")
    parser.add_argument("--variant", metavar="NAME", help="a variant of the configuration")
    output_options(parser, "the run's folder", sets=True)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.experiments import single

    if args.resume:
        out = single.resume(args.config, args.threads)
    else:
        sets = read_sets(args)
        if args.seed is not None:
            sets = {**sets, "train.seed": args.seed}
        out = single.train(args.config, args.output, sets, args.variant, args.threads)
    tell(args, out, {"output": str(out)})
