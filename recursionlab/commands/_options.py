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
