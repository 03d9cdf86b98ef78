"""Make a data set; stopped or killed, the same command goes on where it was."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recursionlab.commands._options import (
    at_least_one,
    function_options,
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
    function_options(parser)
    parser.add_argument("--seed", type=whole, metavar="N", help="chooses which values go where")
    parser.add_argument("--variant", metavar="NAME", help="a variant of the configuration")
    parser.add_argument(
        "--shard-values", type=at_least_one, metavar="N", help="values a file (default: 250,000)"
    )
    output_options(parser, "the new folder", sets=True)


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.config import to_toml
    from recursionlab.data.config import DataConfig
    from recursionlab.data.values import Source

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
    _write(args, config, Source.load(config.program, base))
    return None


def _regenerate(args: argparse.Namespace) -> None:
    """Make the data of a dataset.json again, and see that they come out the same."""
    from recursionlab.data import regenerate

    if not args.output:
        raise InputError("generate: name the folder for the data made again with --output")
    out = Path(args.output)
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: the folder is not empty; name another with --output")
    data = regenerate(args.source, out, args.threads)
    rows = {name: len(split) for name, split in data.items()}
    _told(args, out, rows, data.overlaps, data.report.get("strata", {}))


def _write(args: argparse.Namespace, config: Any, program: Any) -> None:
    """Make the data straight to disk."""
    from tqdm import tqdm

    from recursionlab.data.write import SHARD_VALUES, generate

    out = Path(args.output or f"{config.function}-data")
    with tqdm(unit=" values", unit_scale=True, delay=1.0, leave=False, disable=args.json) as bar:
        meta = generate(
            config, program, out, args.shard_values or SHARD_VALUES, args.threads, bar.update
        )
    rows = {name: entry["rows"] for name, entry in meta["splits"].items()}
    _told(args, out, rows, meta["overlaps"], meta["strata"])


def _told(
    args: argparse.Namespace,
    out: Path,
    rows: dict[str, int],
    overlaps: Mapping[str, int],
    strata: Mapping[str, Any],
) -> None:
    if args.json:
        told = {"output": str(out), "rows": rows, "overlaps": dict(overlaps)}
        print_json({**told, "strata": dict(strata)} if strata else told)
        return
    for name, n in rows.items():
        print(f"{name:10} {n:>12,}")
    for line in _strata_lines(strata):
        print(line)
    print(f"shared values between splits: {sum(overlaps.values())}\n{out}")


def _strata_lines(strata: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """Yield a line a split and stratum, those of each part of a mixture after its number."""
    for name, entry in strata.items():
        if "asked" not in entry:
            yield from _strata_lines(entry, f"{where}{name} ")
            continue
        shares = f"{entry['reached']:7.2%} of {entry['asked']:.2%} asked"
        yield f"{where}{name:10} {shares}, {entry['items']:,} of {entry['available']:,} values"


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
