"""The command line: parse, run a command, answer for its errors in one line with status 2."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from recursionlab import __version__, commands
from recursionlab.errors import LanguageError, RecursionLabError


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with status 2."""
        print(f"{self.prog}: error: {message}; see {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0: done. 1: a check or comparison came out negative, or a fault of this library. 2: a user's
    mistake. 130: stopped by Ctrl-C.
    """
    try:
        args = _parser().parse_args(argv)
        status: int = args.run(args) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("recursionlab: stopped", file=sys.stderr)
        return 130
    except Exception as error:  # the last resort: no traceback ever
        if os.environ.get("RECURSIONLAB_DEBUG") not in (None, "", "0"):
            raise
        text, status = explain(error)
        _complain(text)
        return status


def explain(error: BaseException) -> tuple[str, int]:
    """Return what to print of an error, and the exit status."""
    if isinstance(error, LanguageError):
        return str(error), 2
    if isinstance(error, RecursionLabError):
        return f"recursionlab: error: {_one_line(str(error))}", 2
    if isinstance(error, OSError):
        name = error.filename if error.filename is not None else ""
        what = error.strerror or str(error) or type(error).__name__
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            what += "; make room or name another folder with --output"
        shown = f"{os.fsdecode(name)}: {what}" if name != "" and not isinstance(name, int) else what
        return f"recursionlab: error: {_one_line(shown)}", 2
    if isinstance(error, MemoryError):
        return "recursionlab: error: out of memory; ask for fewer or smaller items", 2
    return (
        f"recursionlab: internal error: {type(error).__name__}: {_one_line(str(error))};"
        " please report it (RECURSIONLAB_DEBUG=1 shows where)",
        1,
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _complain(text: str) -> None:
    try:
        print(text, file=sys.stderr)
    except OSError:
        pass


def _parser() -> Parser:
    parser = Parser(
        prog="recursionlab",
        description="Find out whether sequence models learn structural recursion or shortcuts.",
        epilog="example:\n  recursionlab reproduce successor --quick",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"recursionlab {__version__}")
    subparsers = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )
    for name in commands.names():
        command = commands.get(name)
        about = (command.__doc__ or "").strip()
        subparser = subparsers.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            epilog=f"example:\n  {command.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        subparser.add_argument("--json", action="store_true", help="print JSON, for machines")
        command.arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
