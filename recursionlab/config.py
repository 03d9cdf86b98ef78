"""One configuration format for files, command line and Python: read, override, check, write back.

A configuration file is TOML with the tables `[data] [model] [train] [evaluate]` of a run and
`[experiment] [sweep]` of many. Every key is a field of a frozen dataclass; a key that is none is
refused, with the nearest spelling.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from recursionlab.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - Python 3.10
    import tomli as tomllib

T = TypeVar("T")


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known word, or the list of known words.

    Examples
    --------
    >>> suggest("sise", ["size", "depth"])
    "; did you mean 'size'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(word, names, 1, 0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names)}" if names else ""


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    ConfigError
        If the file is not TOML; the message has line and column.
    OSError
        If the file cannot be read.
    """
    raw = Path(path).read_bytes()
    try:
        table: dict[str, Any] = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected a UTF-8 text file") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None
    return table


def parse_value(text: str) -> Any:
    """Return the value of `--set KEY=VALUE`: TOML where it is TOML, else the text itself.

    Examples
    --------
    >>> parse_value("[1, 2]"), parse_value("0.5"), parse_value("1..12")
    ([1, 2], 0.5, '1..12')
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(table: Mapping[str, Any]) -> str:
    r"""Write a table as TOML that reads back as the same values; keys that are None are left out.

    Values first, then a section for each table, in the order given.

    Raises
    ------
    ConfigError
        If a value is of a kind that TOML has no word for.

    Examples
    --------
    >>> print(to_toml({"train": {"lr": 1e-3, "betas": [0.9, 0.98]}, "note": "\"b\""}), end="")
    note = "\"b\""
    <BLANKLINE>
    [train]
    lr = 0.001
    betas = [0.9, 0.98]
    """
    lines: list[str] = []
    _write_table(lines, plain(table), ())
    return "\n".join(lines).lstrip("\n") + "\n"


def _write_table(lines: list[str], table: Mapping[str, Any], path: tuple[str, ...]) -> None:
    here = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    inner = {k: v for k, v in table.items() if isinstance(v, Mapping)}
    if path and (here or not inner):
        lines += ["", f"[{'.'.join(map(_toml_key, path))}]"]
    lines += [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in here.items()]
    for key, value in inner.items():
        _write_table(lines, value, (*path, key))


def _toml_key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _toml_text(key)


def _toml_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)  # inf, -inf and nan as TOML's
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _toml_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, Mapping):
        parts = (f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {', '.join(parts)} }}"
    raise ConfigError(f"expected a value that TOML can hold, got {value!r}")


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested table as dotted keys.

    Examples
    --------
    >>> flatten({"train": {"lr": 0.1, "steps": 5}, "model.d_model": 64})
    {'train.lr': 0.1, 'train.steps': 5, 'model.d_model': 64}
    """
    out: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            out.update(flatten(value, f"{prefix}{key}."))
        else:
            out[f"{prefix}{key}"] = value
    return out


def parse_seeds(value: Any, where: str = "seeds") -> tuple[int, ...]:
    """Return different whole numbers from a list, a number, or text such as `0..4,7`.

    Examples
    --------
    >>> parse_seeds("0..2,7")
    (0, 1, 2, 7)
    """
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, int) and not isinstance(parts, bool):
        parts = [parts]
    seeds: list[int] = []
    for part in parts if isinstance(parts, (list, tuple, range)) else [parts]:
        first, dots, last = str(part).strip().partition("..")
        ends = (first, last) if dots else (first,)
        if isinstance(part, bool) or not all(e.isascii() and e.isdecimal() for e in ends):
            raise ConfigError(
                f"{where}: expected different whole numbers such as [0, 1, 2] or 0..4, got {part!r}"
            )
        if int(ends[-1]) - int(first) > 100_000:
            raise ConfigError(f"{where}: the range {part!r} has more than 100000 seeds")
        seeds += range(int(first), int(ends[-1]) + 1)
    if not seeds or len(set(seeds)) != len(seeds) or max(seeds) > 2**64 - 1:
        raise ConfigError(f"{where}: expected different whole numbers below 2^64, got {value!r}")
    return tuple(seeds)


def parse_sizes(value: Any, where: str = "sizes") -> tuple[int, ...]:
    """Return sizes as a sorted tuple from a range, a list of numbers, or text such as `1..12,16`.

    Both ends of `a..b` are included.

    Raises
    ------
    ConfigError
        If a size is not a whole number of at least 1, or a range is empty.

    Examples
    --------
    >>> parse_sizes("1..4,8")
    (1, 2, 3, 4, 8)
    >>> parse_sizes(range(2, 4))
    (2, 3)
    """
    sizes: set[int] = set()
    parts: list[Any] = value.split(",") if isinstance(value, str) else []
    if not isinstance(value, str):
        try:
            parts = [value] if isinstance(value, int) else list(value)
        except TypeError:
            parts = [value]
    for part in parts:
        sizes.update(_part_sizes(part, where))
    return tuple(sorted(sizes))


def _part_sizes(part: Any, where: str) -> Iterable[int]:
    """Return the sizes of one number or one `a..b`."""
    text = str(part).strip()
    first, dots, last = text.partition("..")
    ends = [end.strip() for end in ((first, last) if dots else (first,))]
    if isinstance(part, bool) or not all(
        e.isascii() and e.isdecimal() and int(e) >= 1 for e in ends
    ):
        raise ConfigError(
            f"{where}: expected whole numbers of at least 1 or ranges such as 1..12, got {text!r}"
        )
    low, high = int(ends[0]), int(ends[-1])
    if high < low:
        raise ConfigError(f"{where}: the range {text!r} is empty; write the smaller size first")
    if high - low > 1_000_000:
        raise ConfigError(f"{where}: the range {text!r} has more than a million sizes")
    return range(low, high + 1)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the keys of `over` put over it, tables merged key by key.

    Examples
    --------
    >>> merge({"a": 1, "t": {"x": 1}}, {"t": {"y": 2}})
    {'a': 1, 't': {'x': 1, 'y': 2}}
    """
    out = dict(base)
    for key, value in over.items():
        old = out.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        out[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return out


def set_key(table: Mapping[str, Any], dotted: str, value: Any) -> dict[str, Any]:
    """Return `table` with `a.b.c` set to `value`, in the place of what was there.

    Examples
    --------
    >>> set_key({"train": {"steps": 1}}, "train.steps", 2)
    {'train': {'steps': 2}}
    """
    keys = dotted.split(".")
    if not all(keys):
        raise ConfigError(f"{dotted!r}: expected a key such as train.steps")
    out = here = dict(table)
    for key in keys[:-1]:
        inner = here.get(key)
        here[key] = dict(inner) if isinstance(inner, Mapping) else {}
        here = here[key]
    here[keys[-1]] = value
    return out


def defaults_of(cls: type) -> dict[str, Any]:
    """Return the fields of a configuration dataclass that have a default, as plain values."""
    found = {name: _default(field) for name, field in fields_of(cls).items()}
    return {k: plain(v) for k, v in found.items() if v is not dataclasses.MISSING}


def fields_of(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """Return the fields of a configuration dataclass by name."""
    return {f.name: f for f in dataclasses.fields(cls) if f.init}


def check_keys(table: Any, known: Iterable[str], where: str) -> None:
    """Refuse a table with a key that is not known."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: expected a table, got {table!r}")
    known = list(known)
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}{suggest(str(key), known)}")


def build(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Make a configuration dataclass from a table.

    Parameters
    ----------
    cls : type
        A dataclass whose fields all have defaults or are in the table; `validate()` is called if it
        has one.
    table : mapping
        Keys and values, for example of a TOML table.
    where : str
        What to call the table in messages, for example `"train"`.

    Raises
    ------
    ConfigError
        If a key is unknown or missing, or a value has the wrong type or is out of range.
    """
    known = fields_of(cls)
    check_keys(table, known, where)
    values = {}
    for name, field in known.items():
        default = _default(field)
        if name in table:
            values[name] = coerce(table[name], default, f"{where}.{name}")
        elif default is dataclasses.MISSING:
            raise ConfigError(f"{where}: the key {name!r} is missing")
    made = cls(**values)
    validate = getattr(made, "validate", None)
    if validate is not None:
        validate()
    return made


def _default(field: dataclasses.Field[Any]) -> Any:
    """Return a field's default value, or MISSING."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def coerce(value: Any, default: Any, where: str) -> Any:
    """Return `value` as the type of `default` (lists become tuples), or refuse it."""
    if isinstance(default, bool):
        return _expect(value, bool, "true or false", where)
    if isinstance(default, int):
        return _expect(value, int, "a whole number", where)
    if isinstance(default, float):
        return float(_expect(value, (int, float), "a number", where))
    if isinstance(default, str):
        return _expect(value, str, "text", where)
    if isinstance(default, Mapping):
        return dict(_expect(value, Mapping, "a table", where))
    if isinstance(value, list):
        return tuple(value)
    return value


def _expect(value: Any, kind: Any, words: str, where: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{where}: expected {words}, got {value!r}")
    return value


def plain(value: Any) -> Any:
    """Return a configuration as plain JSON values (tuples become lists).

    Examples
    --------
    >>> plain({"sizes": (1, 2)})
    {'sizes': [1, 2]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    return value
