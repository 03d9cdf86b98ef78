"""Options and answers that several commands share."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from recursionlab.errors import InputError

GRANULARITIES = ("contraction", "equation", "call")
STRATEGIES = ("cbv", "cbn", "parallel")


def at_least_one(text: str) -> int:
    """Parse a whole number of at least 1."""
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def whole(text: str) -> int:
    """Parse a whole number of at least 0."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


def program_option(parser: argparse.ArgumentParser) -> None:
    """Add the argument FILE: a Gallina file or a library file."""
    parser.add_argument("file", metavar="FILE", help="a .v file, or the name of a library file")


def trace_options(parser: argparse.ArgumentParser) -> None:
    """Add --granularity and --strategy."""
    parser.add_argument(
        "--granularity",
        choices=GRANULARITIES,
        default="call",
        help="what a step is (default: call)",
    )
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="cbv",
        help="which redex is next: leftmost-innermost (cbv, the default), leftmost-outermost (cbn) "
        "or all innermost at once (parallel)",
    )


def output_options(parser: argparse.ArgumentParser, output: str, sets: bool = False) -> None:
    """Add --output and --threads, and --set for a command that takes a configuration."""
    parser.add_argument("--output", metavar="DIR", help=output)
    parser.add_argument("--threads", type=at_least_one, metavar="N", help="never changes a result")
    if sets:
        parser.add_argument(
            "--set",
            action="append",
            metavar="KEY=VALUE",
            help="set a key of the configuration, such as train.steps=500; may be given again",
        )
        parser.add_argument(
            "--print-config",
            action="store_true",
            help="print the whole configuration, defaults included, and do nothing",
        )


def data_option(parser: argparse.ArgumentParser) -> None:
    """Add --data, which a run's own data set stands in for."""
    parser.add_argument("--data", metavar="DATA", help="a data set's folder (default: the run's)")


def data_of(args: argparse.Namespace) -> Any:
    """Return the data set of --data, or the one that the run learned from."""
    from recursionlab.data import load_dataset
    from recursionlab.experiments.run import data_of_run

    return load_dataset(args.data or data_of_run(args.run_folder))


def function_options(parser: argparse.ArgumentParser) -> None:
    """Add --function, --sizes, --gen-sizes and --per-size, which go with a Gallina file."""
    parser.add_argument("--function", metavar="NAME", help="the function, with a .v file")
    parser.add_argument("--sizes", metavar="SIZES", help="sizes, such as 1..12")
    parser.add_argument("--gen-sizes", metavar="SIZES", help="sizes of the split gen_size")
    parser.add_argument("--per-size", type=whole, metavar="N", help="values of each size; 0: all")


def function_experiment(args: argparse.Namespace, source: str) -> tuple[str, dict[str, Any]] | None:
    """Return name and tables of a function's experiment where a Gallina file is given, else None.

    The file is a path ending in .v, or a library file's name together with --function.
    """
    chosen = {k: getattr(args, k) for k in ("function", "sizes", "gen_sizes", "per_size")}
    given = [k for k, v in chosen.items() if v is not None]
    if not source.endswith(".v") and "function" not in given:
        if given:
            raise InputError(
                f"--{given[0].replace('_', '-')} goes with a .v file; for {source} say "
                f"--set data.{given[0]}=..."
            )
        return None
    from recursionlab.experiments.of_function import experiment_of

    tables = experiment_of(source, **chosen)
    return f"{Path(source).stem}-{tables['data']['function']}", tables


def seeds_option(parser: argparse.ArgumentParser) -> None:
    """Add --seeds, which is the key experiment.seeds."""
    parser.add_argument("--seeds", metavar="SEEDS", help="of training, such as 0..4 or 0,7")


def read_sets(args: argparse.Namespace) -> dict[str, Any]:
    """Return what --set says: values by dotted key."""
    from recursionlab.config import parse_value

    out = {}
    for item in args.set or []:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set: expected KEY=VALUE such as train.steps=500, got {item!r}")
        out[key.strip()] = parse_value(value.strip())
    for flag, key in (("seeds", "experiment.seeds"), ("train_seed", "train.seed")):
        if getattr(args, flag, None) is not None:
            out[key] = getattr(args, flag)
    return out


def printed(args: argparse.Namespace, experiment: Any) -> bool:
    """Print the whole configuration if --print-config asks for it, and tell whether it did."""
    if args.print_config and args.json:
        print_json(experiment.table)
    elif args.print_config:
        print(experiment.to_toml(), end="")
    return bool(args.print_config)


def load_program(name: str) -> Any:
    """Return the program of a .v file or of the library."""
    from recursionlab import language

    if name.endswith(".v") or os.sep in name or Path(name).exists():
        return language.load(name)
    return language.library(name)


def print_json(value: Any) -> None:
    """Print a value for machines."""
    print(json.dumps(value, ensure_ascii=False))


def tell(args: argparse.Namespace, path: Any, value: dict[str, Any]) -> None:
    """Print the path of what was written, or all of it as JSON."""
    if args.json:
        print_json(value)
    else:
        print(path)
