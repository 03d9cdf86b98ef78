"""Open a run: ablation, patching, lens, probes, attribution and heads, as tables and figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import at_least_one, data_of, data_option, output_options, tell

EXAMPLE = "recursionlab interpret run --limit 128"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder")
    data_option(parser)
    parser.add_argument("--split", default="test", metavar="NAME", help="default: test")
    parser.add_argument(
        "--limit", type=at_least_one, default=256, metavar="N", help="first N pairs; default: 256"
    )
    output_options(parser, "where tables and figures go; default: RUN/interpret")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.files import write_json
    from recursionlab.interpret.finding import Finding
    from recursionlab.interpret.study import study, write_finding
    from recursionlab.learn import load_run

    loaded = load_run(args.run_folder)
    out = Path(args.output) if args.output else Path(args.run_folder) / "interpret"
    done: dict[str, str] = {}
    findings = study(
        loaded, data_of(args), split=args.split, limit=args.limit, threads=args.threads
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
