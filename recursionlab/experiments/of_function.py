"""The experiment of a function, where a Gallina file is all that a user gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recursionlab.config import suggest
from recursionlab.errors import BudgetError, CountError, InputError

VALUES = 10_000  # values to learn from, about: sizes are added until there are so many
PER_SIZE = 2_000  # of each size at most
LAST = 40  # no larger size is trained on
TOKENS = 128  # nor one on which one of a few targets is longer than this
TRIED = 8  # so few
TYPE = "bool"  # in the place of every type parameter


def experiment_of(
    program: str,
    function: str | None = None,
    *,
    sizes: str | None = None,
    gen_sizes: str | None = None,
    per_size: int | None = None,
) -> dict[str, Any]:
    """Return the tables of an experiment with a function, chosen where the user says nothing.

    Sizes are taken from the smallest on until they hold about 10,000 values, at most 2,000 of each
    size; the sizes after them, up to half as large again, test generalisation. Functions of the
    same file that measure the arguments become columns, and a shortcut is looked for.

    Parameters
    ----------
    program : str
        A .v file or the name of a library file.
    function : str, optional
        Its name; may be left out where the file has one function only.
    sizes, gen_sizes : str, optional
        Such as `1..12`.
    per_size : int, optional
        Values of each size; 0: all.

    Returns
    -------
    dict
        Tables for `reproduce`, `train` and `load_experiment`.

    Raises
    ------
    InputError
        If the file has no such function, or no value on which it can be asked.

    Examples
    --------
    >>> tables = experiment_of("binary", "succ")
    >>> tables["data"]["sizes"], tables["data"]["gen_sizes"]
    ('1..15', '16..22')
    """
    from recursionlab.data.values import Source

    loaded = Source.load(program, Path())
    name = function or _only(program, loaded)
    if name not in loaded:
        raise InputError(f"{program}: no function {name!r}{suggest(name, list(loaded.functions))}")
    at = dict.fromkeys(loaded[name].type_parameters, TYPE)
    chosen = loaded[name].at(**at)
    measures = [m.name for m in chosen.measures if m.name not in chosen.group]
    data: dict[str, Any] = {"program": program, "function": name, "measures": measures}
    if at:
        data["at"] = at
    if sizes is None:
        sizes = _spelled(_sizes(data, loaded, chosen.domain))
        per_size = PER_SIZE if per_size is None else per_size
    data |= {"sizes": sizes, "per_size": per_size or 0}
    gen_sizes = gen_sizes or _spelled(_longer(data, loaded, chosen.domain, sizes))
    if gen_sizes:
        data["gen_sizes"] = gen_sizes
    return {
        "data": data,
        "model": {"d_model": 64, "positions": "sinusoidal"},
        "train": {"epochs": 12.0, "batch_size": 64, "lr": 1e-3, "eval_every": 200},
        "evaluate": {"by": ["size", "depth", "calls", *measures], "shortcut": 2000},
        "experiment": {
            "title": f"{name}: where does the learned recursion end?",
            "about": f"{name} : {chosen.type}, from {Path(program).name}.",
            "quick": {"seeds": [0], "train": {"epochs": 4.0}},
        },
    }


def _only(program: str, loaded: Any) -> str:
    """Return the name of a program's one function."""
    names: list[str] = [f.name for f in loaded if f.arity]
    if len(names) != 1:
        raise InputError(
            f"{program}: name one of its functions with --function: {', '.join(names) or 'none'}"
        )
    return names[0]


def _sizes(data: dict[str, Any], loaded: Any, domain: Any) -> list[int]:
    """Return sizes from the smallest on that hold enough values with targets of some tokens."""
    found, values = list[int](), 0
    for size in range(1, LAST + 1):
        if not domain.count(size):
            continue
        if not _usable(data, loaded, size, TOKENS) or values >= VALUES:
            break
        found.append(size)
        values += min(int(domain.count(size)), PER_SIZE)
    if not found:
        raise InputError(
            f"{data['function']}: no size up to {LAST} has values on which it can be asked; "
            "name sizes with --sizes"
        )
    return found


def _longer(data: dict[str, Any], loaded: Any, domain: Any, sizes: str) -> list[int]:
    """Return the sizes after those of training, up to half as large again."""
    from recursionlab.config import parse_sizes

    last = max(parse_sizes(sizes, "--sizes"), default=0)
    after = range(last + 1, last + max(2, last // 2) + 1)
    return [n for n in after if domain.count(n) and _usable(data, loaded, n, 2 * TOKENS)]


def _usable(data: dict[str, Any], loaded: Any, size: int, tokens: int) -> bool:
    """Tell whether a few values of a size have results, none of them longer than some tokens."""
    from recursionlab.data.config import DataConfig
    from recursionlab.data.make import dataset_of, maker_of

    table = {"sizes": (size,), "per_size": TRIED, "fractions": (1.0, 0.0, 0.0), "measures": ()}
    try:
        maker = maker_of(DataConfig.from_dict({**data, **table}), loaded)
        longest: tuple[int, int] = dataset_of(maker).longest
    except (BudgetError, CountError):
        return False
    return max(longest) <= tokens


def _spelled(sizes: list[int]) -> str:
    """Write sizes as a configuration has them: ranges, joined by commas."""
    return ",".join(f"{a}..{b}" if b > a else str(a) for a, b in _ranges(sizes))


def _ranges(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of sizes that follow on each other."""
    starts = [n for i, n in enumerate(sizes) if not i or sizes[i - 1] != n - 1]
    ends = [n for i, n in enumerate(sizes) if i + 1 == len(sizes) or sizes[i + 1] != n + 1]
    yield from zip(starts, ends, strict=True)
