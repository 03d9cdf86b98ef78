"""Write the page of a run or an experiment again, from its files."""

from __future__ import annotations

import argparse

from recursionlab.commands._options import tell

EXAMPLE = "recursionlab report run"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", metavar="RUN", help="the folder of a run or an experiment")
    parser.add_argument(
        "--output", metavar="DIR", help="where report.html goes; the folder if not given"
    )


def run(args: argparse.Namespace) -> None:
    """Run the command."""
    from recursionlab.report import write_report

    out = write_report(args.folder, args.output)
    tell(args, out, {"report": str(out)})
