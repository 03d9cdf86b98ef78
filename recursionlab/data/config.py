"""What a data set is made from: one frozen configuration, from which alone it can be made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from recursionlab.config import build, check_keys, fields_of, parse_sizes, plain, suggest
from recursionlab.data import tasks
from recursionlab.errors import ConfigError

SPLIT_BY = ("rank", "size", "hash", "depth", "measure", "withheld")
ENCODINGS = ("prefix", "paren", "flat")
ORDERS = ("natural", "reversed")
GRANULARITIES = ("contraction", "equation", "call")
STRATEGIES = ("cbv", "cbn", "parallel")
SCRATCHPADS = ("full", "edits")
MAX_SEED = 2**64 - 1


@dataclass(frozen=True)
class DataConfig:
    """Configuration of a data set.

    Item i of a size is item i of a keyed permutation of all values of that size, so items are drawn
    without replacement, splits are consecutive ranges of that permutation and cannot overlap.

    Examples
    --------
    >>> DataConfig(program="binary", function="succ", sizes=(1, 2)).validate()
    """

    program: str = ""  # name of a library file, or path of a .v file
    function: str = ""  # the function to learn
    at: dict[str, str] = field(default_factory=dict)  # type parameters, for example {A: "label"}
    functions: tuple[str, ...] = ()  # of tasks over several: which; none: all of the same types
    gen_functions: tuple[str, ...] = ()  # of those tasks: kept for the split gen_function
    task: str = "value"  # what input and target are; `recursionlab list tasks`
    granularity: str = "call"  # of tasks about reductions: contraction, equation or call
    strategy: str = "cbv"  # of tasks about reductions: cbv, cbn or parallel
    every: int = 1  # of tasks about reductions: keep every n-th term, and the last
    distance: int = 2  # of the task `leap`: how many terms on the target is
    demonstrations: int = 4  # of the task `induction`: solved examples before the query
    sizes: tuple[int, ...] = ()  # constructors in a value, for train, valid and test
    per_size: int = 0  # values of each size, drawn without replacement; 0: every value there is
    fractions: tuple[float, ...] = (0.8, 0.1, 0.1)  # shares of train, valid, test
    split_by: str = "rank"  # rank, size (whole sizes), hash (of an item's input), depth, measure
    # (up to train_limit) or withheld (without `withhold`)
    train_depth: int = 0  # with split_by = "depth": deeper values go to gen_depth
    split_measure: str = ""  # with split_by = "measure": values with more of this measure than
    train_limit: int = 0  # train_limit go to the split gen_<measure>
    withhold: str = ""  # with split_by = "withheld": a constructor or value; values that hold it
    # go to gen_withheld
    strata: str = ""  # a measure whose values are balanced in train, valid and test
    shares: dict[str, float] = field(default_factory=dict)  # of a stratum ("3", "0..2", "9..") the
    # share asked for; empty: every value of the measure alike
    items: int = 0  # with strata: values in train, valid and test; 0: as many as the shares allow
    gen_sizes: tuple[int, ...] = ()  # sizes of the split gen_size, none of which is trained on
    gen_per_size: int = 200  # values of each of them; 0: every value there is
    measures: tuple[str, ...] = ()  # functions of the program that become columns
    encoding: str = "prefix"  # prefix, paren or flat
    order: str = "natural"  # natural or reversed
    renames: dict[str, str] = field(default_factory=dict)  # constructor: token to print it as
    scratchpad: str = "full"  # of traces: every term in full, or edits of the term before
    index_hints: int = 0  # so many position tokens, one before each token; 0: none
    filler: int = 0  # so many tokens <filler> before the target
    trace: str = ""  # granularity of a `trace` column; none if empty
    mixture: tuple[dict[str, Any], ...] = ()  # tables of keys put over these, each with a `weight`:
    # parts of one data set, in these shares of train, valid and test
    seed: int = 0  # chooses which values go where

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], where: str = "data") -> DataConfig:
        """Make a configuration from a TOML or JSON table; sizes may be text such as `1..12`.

        Raises
        ------
        ConfigError
            If a key is unknown or a value is outside its range.
        """
        check_keys(table, fields_of(cls), where)
        table = dict(table)
        for key in ("sizes", "gen_sizes"):
            if key in table:
                table[key] = parse_sizes(table[key], f"{where}.{key}")
        return build(cls, table, where)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values; `from_dict` is its inverse."""
        out: dict[str, Any] = plain(self)
        return out

    def part_tables(self) -> list[dict[str, Any]]:
        """Return the configuration of each part of a mixture, as tables."""
        own = self.to_dict()
        parts = own.pop("mixture")
        return [{**own, **{k: v for k, v in part.items() if k != "weight"}} for part in parts]

    def weights(self) -> list[float]:
        """Return the share of each part of a mixture."""
        total = sum(part["weight"] for part in self.mixture)
        return [part["weight"] / total for part in self.mixture]

    def _check_mixture(self) -> None:
        for i, part in enumerate(self.mixture):
            where = f"data.mixture[{i}]"
            if not isinstance(part, Mapping):
                raise ConfigError(f"{where}: expected a table, got {part!r}")
            weight = part.get("weight")
            if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not weight > 0:
                raise ConfigError(f"{where}.weight: expected a number above 0, got {weight!r}")
            fixed = next(
                (k for k in ("program", "trace", "measures", "mixture") if k in part), None
            )
            if fixed:
                raise ConfigError(f"{where}: {fixed!r} is the same for all parts; leave it out")
            table = {k: v for k, v in part.items() if k != "weight"}
            DataConfig.from_dict({**self.to_dict(), "mixture": [], **table}, where)

    def validate(self) -> None:
        """Refuse what cannot be made.

        Raises
        ------
        ConfigError
            Naming the key, what was expected and what came.
        """
        if not self.function:
            raise ConfigError("data.function: expected the name of a function")
        if not self.sizes:
            raise ConfigError("data.sizes: expected at least one size, for example sizes = '1..12'")
        for name in ("sizes", "gen_sizes"):
            if any(not isinstance(n, int) or n < 1 for n in getattr(self, name)):
                raise ConfigError(f"data.{name}: expected whole numbers of at least 1")
        self._check_choices()
        self._check_numbers()
        self._check_splits()
        self._check_mixture()
        both = sorted(set(self.sizes) & set(self.gen_sizes))
        if both:
            raise ConfigError(
                f"data.gen_sizes: size {both[0]} is in data.sizes too; leave it out of one"
            )

    def _check_choices(self) -> None:
        choices = {
            "split_by": SPLIT_BY,
            "encoding": ENCODINGS,
            "order": ORDERS,
            "task": tuple(tasks.names()),
            "granularity": GRANULARITIES,
            "strategy": STRATEGIES,
            "scratchpad": SCRATCHPADS,
            "trace": ("", *GRANULARITIES),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ConfigError(
                    f"data.{name}: expected one of {', '.join(allowed)}, got {value!r}"
                    + (suggest(str(value), allowed) if name == "task" else "")
                )
        for name, words in (("at", self.at), ("renames", self.renames)):
            if any(not isinstance(v, str) for v in words.values()):
                raise ConfigError(f"data.{name}: expected text for every key")
        for name in ("measures", "functions", "gen_functions"):
            named = getattr(self, name)
            if any(not isinstance(m, str) for m in named):
                raise ConfigError(f"data.{name}: expected names of functions")
            if len(set(named)) != len(named):
                raise ConfigError(f"data.{name}: a function is named twice")

    def _check_numbers(self) -> None:
        least = {"every": 1, "distance": 1, "demonstrations": 1}
        counts = ("per_size", "gen_per_size", "train_depth", "items", "index_hints", "filler")
        for name in (*counts, *least):
            low = least.get(name, 0)
            if getattr(self, name) < low:
                raise ConfigError(f"data.{name}: expected {low} or more, got {getattr(self, name)}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(
                f"data.seed: expected a whole number from 0 to 2^64 - 1, got {self.seed}"
            )
        parts = self.fractions
        numbers = all(isinstance(f, (int, float)) and 0 <= f <= 1 for f in parts)
        if len(parts) != 3 or not numbers or abs(sum(parts) - 1) > 1e-9 or parts[0] == 0:
            raise ConfigError(
                "data.fractions: expected three shares (train, valid, test) that add up to 1,"
                f" got {list(parts)}"
            )

    def _check_splits(self) -> None:
        needs = {
            "depth": ("train_depth", "a depth of at least 1"),
            "measure": ("split_measure", "the name of a measure"),
            "withheld": ("withhold", "a constructor or a value"),
        }
        for by, (key, what) in needs.items():
            value = getattr(self, key)
            if (self.split_by == by) != bool(value):
                raise ConfigError(
                    f"data.{key}: expected {what} exactly when split_by is {by!r},"
                    f" got {value!r} with split_by {self.split_by!r}"
                )
        if self.strata and self.split_by in ("hash", "size"):
            raise ConfigError(
                f"data.strata: strata are chosen within splits by rank, not by {self.split_by}"
            )
        if not self.strata and (self.shares or self.items):
            key = "shares" if self.shares else "items"
            raise ConfigError(f"data.{key}: name the measure that it is about with data.strata")
        if any(not isinstance(v, (int, float)) or v < 0 for v in self.shares.values()):
            raise ConfigError("data.shares: expected a share of 0 or more for every stratum")
        if self.shares and abs(sum(self.shares.values()) - 1) > 1e-9:
            total = sum(self.shares.values())
            raise ConfigError(f"data.shares: expected shares that add up to 1, got {total:g}")


def replace(config: DataConfig, **changes: Any) -> DataConfig:
    """Return a copy with some fields changed, checked."""
    made = dataclasses.replace(config, **changes)
    made.validate()
    return made
