"""Train one run."""

from __future__ import annotations

import argparse

from recursionlab.commands._options import output_options, printed, read_sets, tell, whole

EXAMPLE = "recursionlab train my.toml --output run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("config", metavar="CONFIG", help="a .toml, or a run's folder with --resume")
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    parser.add_argument(
        "--seed", type=whole, dest="train_seed", metavar="N", help="of initialisation and order"
    )
    parser.add_argument("--variant", metavar="NAME", help="a variant of the configuration")
    output_options(parser, "the run's folder", sets=True)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.experiments import single
    from recursionlab.experiments.config import load_experiment

    sets = read_sets(args)
    if args.resume and not args.config.endswith(".toml"):
        out = single.resume(args.config, args.threads)
    elif args.print_config:
        printed(args, load_experiment(args.config, sets=sets, variant=args.variant))
        return
    else:
        out = single.train(
            args.config,
            args.output,
            sets=sets,
            variant=args.variant,
            threads=args.threads,
            resume=args.resume,
        )
    tell(args, out, {"output": str(out)})
