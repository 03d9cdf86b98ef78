"""Write a stored data set in another format; `recursionlab list formats` shows them."""

from __future__ import annotations

import argparse
from pathlib import Path

from recursionlab.commands._options import print_json
from recursionlab.errors import InputError

EXAMPLE = "recursionlab convert data --format jsonl --output data-jsonl"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("data", metavar="DATA", help="a data set's folder")
    parser.add_argument("--format", required=True, metavar="NAME", help="such as jsonl or tsv")
    parser.add_argument("--split", metavar="NAME", help="only this split")
    parser.add_argument("--output", metavar="DIR", help="the new folder")


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.data.store import load_frame, load_parts, read_meta
    from recursionlab.files import atomic_folder
    from recursionlab.interop import formats
    from recursionlab.interop.about import about_dataset

    module = formats.get(args.format)
    names = list(read_meta(Path(args.data))["splits"])
    if args.split and args.split not in names:
        raise InputError(f"--split: no split {args.split!r}; there are {', '.join(names)}")
    out = args.output or f"{args.data.rstrip('/')}-{args.format}"
    parts = (p for p in load_parts(args.data) if args.split in (None, p.name))
    with atomic_folder(out) as folder:
        module.write(parts, about_dataset(load_frame(args.data), out), folder)
        files = sorted(p.name for p in folder.iterdir())
    if args.json:
        print_json({"output": out, "files": files})
    else:
        print(out)
