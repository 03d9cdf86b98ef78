"""The command line: parse, call the library, print. A user's mistake: one line, exit status 2."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from recursionlab import __version__
from recursionlab.errors import InputError, LanguageError, RecursionLabError

LISTS = ("functions", "models", "tasks", "experiments", "evaluators")
GRANULARITIES = ("contraction", "equation", "call")
STRATEGIES = ("cbv", "cbn", "parallel")


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


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))


# ---- commands: each takes the parsed arguments, returns an exit status or nothing ----------------


def _program(name: str) -> Any:
    from recursionlab import language

    if name.endswith(".v") or os.sep in name or Path(name).exists():
        return language.load(name)
    return language.library(name)


def run_check(args: argparse.Namespace) -> None:
    """Check a file and show what is in it."""
    program = _program(args.file)
    examples = program.check()
    functions = {name: f.type for name, f in program.functions.items()}
    computed = [{"value": value, "type": kind} for value, kind in program.compute()]
    if args.json:
        found = {"functions": functions, "examples": examples, "computed": computed}
        _print_json({"file": args.file, **found})
        return
    for name, kind in functions.items():
        print(f"{name} : {kind}")
    for row in computed:
        print(f"     = {row['value']}\n     : {row['type']}")
    print(f"{args.file}: {len(functions)} functions, {examples} examples hold")


def run_trace(args: argparse.Namespace) -> None:
    """Reduce a term and print every step."""
    program = _program(args.file)
    trace = program.trace(
        args.term, granularity=args.granularity, strategy=args.strategy, every=args.every
    )
    if not args.json:
        print(trace.start)
        for step in trace:
            print(step.term)
        return
    start = str(trace.start)
    steps = [
        {
            "step": number,
            "rule": step.rule,
            "function": step.function,
            "position": list(step.position),
            "term": str(step.term),
        }
        for number, step in enumerate(trace, 1)
    ]
    options = {"granularity": args.granularity, "strategy": args.strategy}
    _print_json({"start": start, **options, "steps": steps})


def run_generate(args: argparse.Namespace) -> None:
    """Make a data set."""
    from recursionlab.data import from_config
    from recursionlab.data.config import DataConfig

    source = Path(args.source)
    if args.source.endswith(".toml"):
        from recursionlab.experiments.config import load_experiment

        experiment = load_experiment(args.source, sets=_sets(args), variant=args.variant)
        config, base = experiment.data, source.parent
    elif source.name == "dataset.json" or source.is_dir():
        return _regenerate(args)
    else:
        table = _flat_sets(args, {"program": args.source})
        config, base = DataConfig.from_dict(table), Path()
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
        _print_json({"output": str(out), "rows": rows, "overlaps": dict(data.overlaps)})
        return
    for name, n in rows.items():
        print(f"{name:10} {n:>12,}")
    print(f"shared values between splits: {sum(data.overlaps.values())}\n{out}")


def run_train(args: argparse.Namespace) -> None:
    """Train one run."""
    from recursionlab.experiments import single

    if args.resume:
        out = single.resume(args.config, args.threads)
    else:
        sets = _sets(args)
        if args.seed is not None:
            sets = {**sets, "train.seed": args.seed}
        out = single.train(args.config, args.output, sets, args.variant, args.threads)
    _told(args, out, {"output": str(out)})


def run_predict(args: argparse.Namespace) -> None:
    """Let a run answer a split, and keep the answers."""
    from recursionlab.data import load_dataset
    from recursionlab.data.dataset import Packed
    from recursionlab.judge import score, write_samples
    from recursionlab.learn import load_run

    run = load_run(args.run_folder)
    split = load_dataset(args.data)[args.split]
    if args.limit:
        split = split.take(slice(args.limit))
    predictions = run.predict(split, threads=args.threads)
    packed = Packed(predictions.ids, predictions.offsets)
    exact = score(packed, split, threads=args.threads)["exact"]
    out = Path(args.output or ".") / f"samples-{args.split}.jsonl"
    write_samples(out, packed, split, exact)
    _told(args, out, {"output": str(out), "items": len(split), "exact_match": float(exact.mean())})


def run_score(args: argparse.Namespace) -> None:
    """Score predictions, whoever made them."""
    from recursionlab.data import load_dataset
    from recursionlab.judge import evaluate

    data = load_dataset(args.data)
    by = args.by.split(",") if args.by else ["size", "depth", *data.config.measures]
    result = evaluate(
        args.predictions, data[args.split], by=by, train=data["train"], threads=args.threads
    )
    if args.output:
        out = Path(args.output) / f"evaluation-{args.split}.json"
        result.save(out)
    if args.json:
        _print_json(result.to_dict())
        return
    print(result.table)
    for row in result.failures(args.failures):
        print(f"\n{row['id']}\n  input    {row['input']}\n  expected {row['expected']}")
        print(f"  got      {row['got']}")


def run_reproduce(args: argparse.Namespace) -> None:
    """Run an experiment from data to report."""
    from recursionlab.experiments.run import reproduce

    out = reproduce(
        args.name,
        output=args.output,
        quick=args.quick,
        sets=_sets(args),
        threads=args.threads,
        quiet=args.json,
    )
    _told(args, out.report, out.to_dict())


def run_report(args: argparse.Namespace) -> None:
    """Write the page of a run or an experiment again, from its files."""
    from recursionlab.report import write_report

    out = write_report(args.folder, args.output)
    _told(args, out, {"report": str(out)})


def run_list(args: argparse.Namespace) -> None:
    """List what there is."""
    from recursionlab import registry

    kinds = [args.kind] if args.kind else LISTS
    found = {kind: registry.KINDS[kind]() for kind in kinds}
    if args.json:
        _print_json(found)
        return
    for kind, rows in found.items():
        print(f"{kind}:")
        for row in rows:
            name = f"{row['program']}.{row['name']}" if "program" in row else row["name"]
            print(f"  {name:24} {row.get('type', row.get('about', ''))}")


def run_bench(args: argparse.Namespace) -> None:
    """Compare with peers, by turns in one process; a ratio above 1 means that ours is better."""
    from recursionlab import registry
    from recursionlab.files import write_json
    from recursionlab.judge.evaluation import Table

    options = {"cases": args.case} if args.case else {}
    result = registry.benchmark(args.name).run(**options)
    if args.output:
        write_json(Path(args.output) / f"bench-{args.name}.json", result)
    if args.json:
        _print_json(result)
    else:
        print(Table(result["rows"]))


def _told(args: argparse.Namespace, path: Any, value: dict[str, Any]) -> None:
    """Print the path of what was written, or all of it as JSON."""
    if args.json:
        _print_json(value)
    else:
        print(path)


def _sets(args: argparse.Namespace) -> dict[str, Any]:
    from recursionlab.config import parse_value

    out = {}
    for item in args.set or []:
        key, equals, value = item.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set: expected KEY=VALUE such as train.steps=500, got {item!r}")
        out[key.strip()] = parse_value(value.strip())
    return out


def _flat_sets(args: argparse.Namespace, table: dict[str, Any]) -> dict[str, Any]:
    """Return a [data] table from --function, --sizes, ... and --set data.KEY=VALUE."""
    from recursionlab.config import set_key

    for key in ("function", "sizes", "gen_sizes", "per_size", "seed"):
        if getattr(args, key, None) is not None:
            table[key] = getattr(args, key)
    for key, value in _sets(args).items():
        table = set_key(table, key.removeprefix("data."), value)
    if not table.get("function"):
        raise InputError("generate: name the function with --function, for example --function succ")
    return table


# ---- the parser ---------------------------------------------------------------------


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], Any], example: str
) -> argparse.ArgumentParser:
    about = (run.__doc__ or "").strip()
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        description=about,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    parser.set_defaults(run=run)
    return parser


def _threads(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


def _common(parser: argparse.ArgumentParser, output: str, sets: bool = False) -> None:
    parser.add_argument("--output", metavar="DIR", help=output)
    parser.add_argument("--threads", type=_threads, metavar="N", help="never changes a result")
    if sets:
        parser.add_argument(
            "--set",
            action="append",
            metavar="KEY=VALUE",
            help="set a key of the configuration, such as train.steps=500; may be given again",
        )


def _parser() -> Parser:
    parser = Parser(
        prog="recursionlab",
        description="Find out whether sequence models learn structural recursion or shortcuts.",
        epilog="example:\n  recursionlab reproduce successor --quick",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"recursionlab {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=Parser
    )
    _language_commands(commands)
    _work_commands(commands)
    _result_commands(commands)
    return parser


def _language_commands(commands: Any) -> None:
    c = _command(commands, "check", run_check, "recursionlab check my.v")
    c.add_argument("file", metavar="FILE", help="a .v file, or the name of a library file")
    c = _command(
        commands,
        "trace",
        run_trace,
        'recursionlab trace binary "succ (xI (xI xH))" --granularity call',
    )
    c.add_argument("file", metavar="FILE", help="a .v file, or the name of a library file")
    c.add_argument("term", metavar="TERM", help="the term to reduce")
    c.add_argument(
        "--granularity",
        choices=GRANULARITIES,
        default="call",
        help="what a step is (default: call)",
    )
    c.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="cbv",
        help="which redex is next: leftmost-innermost (cbv, the default), leftmost-outermost (cbn) "
        "or all innermost at once (parallel)",
    )
    c.add_argument("--every", type=_threads, default=1, metavar="N", help="print every N-th term")
    c = _command(commands, "list", run_list, "recursionlab list functions")
    c.add_argument("kind", nargs="?", choices=LISTS, help="what to list; everything if not given")


def _work_commands(commands: Any) -> None:
    c = _command(
        commands,
        "generate",
        run_generate,
        "recursionlab generate my.v --function f --sizes 1..12 --output data",
    )
    c.add_argument(
        "source",
        metavar="CONFIG|FILE",
        help="a .toml, a .v file, a library name, or a dataset.json",
    )
    c.add_argument("--function", metavar="NAME", help="the function, with a .v file")
    c.add_argument("--sizes", metavar="SIZES", help="sizes, such as 1..12")
    c.add_argument("--gen-sizes", metavar="SIZES", help="sizes of the split gen_size")
    c.add_argument("--per-size", type=_whole, metavar="N", help="values of each size; 0: all")
    c.add_argument("--seed", type=_whole, metavar="N", help="chooses which values go where")
    c.add_argument("--variant", metavar="NAME", help="a variant of the configuration")
    c.add_argument(
        "--shard-rows", type=_threads, default=1_000_000, metavar="N", help="rows a file"
    )
    _common(c, "the new folder", sets=True)
    c = _command(commands, "train", run_train, "recursionlab train my.toml --output run")
    c.add_argument("config", metavar="CONFIG", help="a .toml, or a run's folder with --resume")
    c.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    c.add_argument("--seed", type=_whole, metavar="N", help="of initialisation and order")
    c.add_argument("--variant", metavar="NAME", help="a variant of the configuration")
    _common(c, "the run's folder", sets=True)
    c = _command(commands, "reproduce", run_reproduce, "recursionlab reproduce successor --quick")
    c.add_argument("name", metavar="NAME|CONFIG", help="an experiment's name, or a .toml")
    c.add_argument("--quick", action="store_true", help="the small variant: a minute or so")
    _common(c, "the experiment's folder; finished runs in it are kept", sets=True)


def _result_commands(commands: Any) -> None:
    c = _command(commands, "predict", run_predict, "recursionlab predict run data --split test")
    c.add_argument("run_folder", metavar="RUN", help="a run's folder")
    c.add_argument("data", metavar="DATA", help="a data set's folder")
    c.add_argument("--split", default="test", metavar="NAME", help="default: test")
    c.add_argument("--limit", type=_whole, default=0, metavar="N", help="first N items; 0: all")
    _common(c, "where samples-SPLIT.jsonl goes")
    c = _command(commands, "score", run_score, "recursionlab score samples-test.jsonl --data data")
    c.add_argument("predictions", metavar="PREDICTIONS", help="a JSONL file, whoever wrote it")
    c.add_argument("--data", required=True, metavar="DATA", help="the data set's folder")
    c.add_argument("--split", default="test", metavar="NAME", help="default: test")
    c.add_argument("--by", metavar="COLUMNS", help="columns, separated by commas")
    c.add_argument("--failures", type=_whole, default=5, metavar="N", help="failures to print")
    _common(c, "where evaluation-SPLIT.json goes")
    c = _command(commands, "report", run_report, "recursionlab report run")
    c.add_argument("folder", metavar="RUN", help="the folder of a run or an experiment")
    c.add_argument(
        "--output", metavar="DIR", help="where report.html goes; the folder if not given"
    )
    c = _command(commands, "bench", run_bench, "recursionlab bench train --json")
    c.add_argument("name", nargs="?", default="train", help="which benchmark (default: train)")
    c.add_argument("--case", action="append", metavar="NAME", help="a case of it; may be repeated")
    c.add_argument("--output", metavar="DIR", help="where bench-NAME.json goes")


if __name__ == "__main__":
    sys.exit(main())
