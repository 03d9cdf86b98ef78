"""Let a run answer a split, and keep the answers."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import data_of, data_option, output_options, tell, whole

EXAMPLE = "recursionlab predict run --split test"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="a run's folder")
    data_option(parser)
    parser.add_argument("--split", default="test", metavar="NAME", help="default: test")
    parser.add_argument("--limit", type=whole, default=0, metavar="N", help="first N items; 0: all")
    output_options(parser, "where samples-SPLIT.jsonl goes")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.data.dataset import Packed
    from recursionlab.judge import score, write_samples
    from recursionlab.learn import load_run

    run = load_run(args.run_folder)
    split = data_of(args)[args.split]
    if args.limit:
        split = split.take(slice(args.limit))
    predictions = run.predict(split, threads=args.threads)
    packed = Packed(predictions.ids, predictions.offsets)
    exact = score(packed, split, threads=args.threads)["exact"]
    out = Path(args.output or ".") / f"samples-{args.split}.jsonl"
    write_samples(out, packed, split, exact)
    tell(args, out, {"output": str(out), "items": len(split), "exact_match": float(exact.mean())})
