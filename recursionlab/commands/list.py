"""List what there is."""

from __future__ import annotations

import argparse

from recursionlab import registry
from recursionlab.commands._options import print_json

EXAMPLE = "recursionlab list functions"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "kind", nargs="?", choices=[*registry.KINDS], help="what to list; everything if not given"
    )


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    kinds = [args.kind] if args.kind else [*registry.KINDS]
    found = {kind: registry.KINDS[kind]() for kind in kinds}
    if args.json:
        print_json(found)
        return
    for kind, rows in found.items():
        print(f"{kind}:")
        for row in rows:
            name = f"{row['program']}.{row['name']}" if "program" in row else row["name"]
            print(f"  {name:24} {row.get('type', row.get('about', ''))}")
