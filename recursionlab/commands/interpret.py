"""Open a run: ablation, patching, lens, probes, attribution and heads, as tables and figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import at_least_one, output_options, tell

EXAMPLE = "recursionlab interpret run --data data --limit 128"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder")
    parser.add_argument("--data", metavar="DIR", help="a data set's folder; default: RUN/data")
    parser.add_argument("--split", default="test", metavar="NAME", help="default: test")
    parser.add_argument(
        "--limit", type=at_least_one, default=256, metavar="N", help="first N pairs; default: 256"
    )
    output_options(parser, "where tables and figures go; default: RUN/interpret")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.data import load_dataset
    from recursionlab.errors import InputError
    from recursionlab.files import write_json
    from recursionlab.interpret.finding import Finding
    from recursionlab.interpret.study import study, write_finding
    from recursionlab.learn import load_run

    loaded = load_run(args.run_folder)
    folder = Path(args.data) if args.data else Path(args.run_folder) / "data"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name the run's data with --data")
    out = Path(args.output) if args.output else Path(args.run_folder) / "interpret"
    done: dict[str, str] = {}
    findings = study(
        loaded, load_dataset(folder), split=args.split, limit=args.limit, threads=args.threads
    )
    for name, found in findings:
        if isinstance(found, Finding):
            write_finding(out, name, found)
            done[name] = found.title
        else:
            done[name] = f"left out: {found}"
        if not args.json:
            print(f"{name:34} {done[name]}", flush=True)
    write_json(out / "index.json", done)
    tell(args, out, {"output": str(out), "experiments": done})
