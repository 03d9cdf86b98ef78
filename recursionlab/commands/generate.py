"""Make a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from recursionlab.commands._options import (
    at_least_one,
    output_options,
    print_json,
    printed,
    read_sets,
    whole,
)
from recursionlab.errors import InputError

EXAMPLE = "recursionlab generate my.v --function f --sizes 1..12 --output data"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "source",
        metavar="CONFIG|FILE",
        help="a .toml, a .v file, a library name, or a dataset.json",
    )
    parser.add_argument("--function", metavar="NAME", help="the function, with a .v file")
    parser.add_argument("--sizes", metavar="SIZES", help="sizes, such as 1..12")
    parser.add_argument("--gen-sizes", metavar="SIZES", help="sizes of the split gen_size")
    parser.add_argument("--per-size", type=whole, metavar="N", help="values of each size; 0: all")
    parser.add_argument("--seed", type=whole, metavar="N", help="chooses which values go where")
    parser.add_argument("--variant", metavar="NAME", help="a variant of the configuration")
    parser.add_argument(
        "--shard-rows", type=at_least_one, default=1_000_000, metavar="N", help="rows a file"
    )
    output_options(parser, "the new folder", sets=True)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.config import to_toml
    from recursionlab.data import from_config
    from recursionlab.data.config import DataConfig

    source = Path(args.source)
    if args.source.endswith(".toml"):
        from recursionlab.experiments.config import load_experiment

        experiment = load_experiment(args.source, sets=read_sets(args), variant=args.variant)
        if printed(args, experiment):
            return None
        config, base = experiment.data, source.parent
    elif source.name == "dataset.json" or source.is_dir():
        return _regenerate(args)
    else:
        table = _flat_sets(args, {"program": args.source})
        config, base = DataConfig.from_dict(table), Path()
    if args.print_config:
        print(to_toml({"data": config.to_dict()}), end="")
        return None
    out = Path(args.output or f"{config.function}-data")
    _refuse_full(out)
    data = from_config(config, base=base, threads=args.threads)
    data.save(out, shard_rows=args.shard_rows)
    _told_data(args, data, out)
    return None


def _regenerate(args: argparse.Namespace) -> None:
    from recursionlab.data import regenerate

    if not args.output:
        raise InputError("generate: name the folder for the data made again with --output")
    _refuse_full(Path(args.output))
    _told_data(args, regenerate(args.source, args.output, args.threads), Path(args.output))


def _refuse_full(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: the folder is not empty; name another with --output")


def _told_data(args: argparse.Namespace, data: Any, out: Path) -> None:
    rows = {name: len(split) for name, split in data.items()}
    if args.json:
        print_json({"output": str(out), "rows": rows, "overlaps": dict(data.overlaps)})
        return
    for name, n in rows.items():
        print(f"{name:10} {n:>12,}")
    print(f"shared values between splits: {sum(data.overlaps.values())}\n{out}")


def _flat_sets(args: argparse.Namespace, table: dict[str, Any]) -> dict[str, Any]:
    """Return a [data] table from --function, --sizes, ... and --set data.KEY=VALUE."""
    from recursionlab.config import set_key

    for key in ("function", "sizes", "gen_sizes", "per_size", "seed"):
        if getattr(args, key, None) is not None:
            table[key] = getattr(args, key)
    for key, value in read_sets(args).items():
        table = set_key(table, key.removeprefix("data."), value)
    if not table.get("function"):
        raise InputError("generate: name the function with --function, for example --function succ")
    return table
