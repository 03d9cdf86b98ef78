"""From a program and a configuration to packed pairs: the one place where data asks the C core."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.config import suggest
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Packed
from recursionlab.data.ragged import contains, mix, stack
from recursionlab.errors import ConfigError
from recursionlab.machine import default_threads

STEP = "<step>"
SPECIAL = ("<pad>", "<bos>", "<eos>", "<sep>", STEP, "UNROLL")


@dataclass(frozen=True)
class Items:
    """What a task makes of values: R inputs and targets.

    Attributes
    ----------
    parent : (R,) int64, optional
        The value each item comes from, where a value can give several.
    columns : dict of (R,) arrays
        Columns of the task's own.
    """

    inputs: Packed
    targets: Packed
    parent: NDArray[np.int64] | None = None
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def take(self, keep: NDArray[np.bool_]) -> Items:
        """Return some of the items, with the values they come from."""
        if keep.all():
            return self
        here = np.flatnonzero(keep)
        parent = here if self.parent is None else self.parent[here]
        columns = {k: v[here] for k, v in self.columns.items()}
        return Items(self.inputs.take(here), self.targets.take(here), parent, columns)


@dataclass(frozen=True)
class Values:
    """M values of a function's domain, encoded, with results and columns."""

    inputs: Packed
    outputs: Packed
    columns: dict[str, NDArray[Any]]  # size, depth, calls, steps, rank and the measures
    traces: Packed | None  # of the task's granularity: terms joined by <step>
    column_trace: Packed | None  # of the granularity asked for as a column
    step_token: int
    split: str = ""  # whose values they are

    def take(self, items: NDArray[Any]) -> Values:
        """Return the values at some indices."""
        return Values(
            self.inputs.take(items),
            self.outputs.take(items),
            {k: v[items] for k, v in self.columns.items()},
            self.traces and self.traces.take(items),
            self.column_trace and self.column_trace.take(items),
            self.step_token,
            self.split,
        )


class Source:
    """A function at its types, with codec and measures, ready to make values."""

    def __init__(self, program: Any, config: DataConfig) -> None:
        self.config, self.program = config, program
        names = list(program.functions)
        if config.function not in program:
            raise ConfigError(
                f"data.function: no function {config.function!r}{suggest(config.function, names)}"
            )
        function = program[config.function]
        for name in config.at:
            if name not in function.type_parameters:
                known = ", ".join(function.type_parameters) or "none"
                raise ConfigError(
                    f"data.at: {config.function} has no type parameter {name!r}; it has {known}"
                )
        if len(config.at) < len(function.type_parameters):
            missing = next(n for n in function.type_parameters if n not in config.at)
            raise ConfigError(
                f"data.at: choose a type for the parameter {missing!r} of {config.function},"
                f' for example at = {{ {missing} = "bool" }}'
            )
        self.function = function.at(**config.at)
        self.domain = self.function.domain
        self.measures = [self._measure(name) for name in config.measures]
        self.codec = self.function.codec(
            encoding=config.encoding, order=config.order, renames=config.renames
        )
        self.text: str = program.source
        self.vocabulary: tuple[str, ...] = tuple(self.codec.vocabulary)
        self.train: Any = None  # the train split's values, for tasks that show some of them

    def add_tokens(self, tokens: Iterable[str]) -> None:
        """Append the tokens that the vocabulary lacks."""
        self.vocabulary = tuple(dict.fromkeys((*self.vocabulary, *tokens)))

    def token(self, name: str) -> int:
        """Return the number of a token."""
        return self.vocabulary.index(name)

    @cached_property
    def functions(self) -> list[Any]:
        """The functions that a task over several draws from, gen_functions last."""
        names = [*self.config.functions, *self.config.gen_functions]
        own = self.function.type
        alike = {f.name: f for f in map(self._at_own_types, self.program) if f and f.type == own}
        for name in names:
            if name not in alike:
                raise ConfigError(
                    f"data.functions: {name!r} is no function of the file of type"
                    f" {own}{suggest(name, alike)}"
                )
        if self.config.functions:
            return [alike[name] for name in names]
        late = [alike[name] for name in self.config.gen_functions]
        return [f for name, f in alike.items() if name not in self.config.gen_functions] + late

    @cached_property
    def machine(self) -> Any:
        """The function's abstract state machine, over the data's own vocabulary."""
        from recursionlab.machines import machine_of

        config = self.config
        return machine_of(self.function, config.encoding, config.order, config.renames)

    def _at_own_types(self, function: Any) -> Any:
        """Return the function at the data's own types, or None where they do not fit."""
        names = function.type_parameters
        if not set(names) <= set(self.config.at):
            return None
        return function.at(**{name: self.config.at[name] for name in names})

    def draw(self, values: Values, salt: int, n: int) -> NDArray[np.int64]:
        """Return for each value a number in [0, n), drawn by (seed, salt, value) alone."""
        key = mix(values.columns["rank"]) ^ values.columns["size"].astype(np.uint64)
        return _core.below(key, n, self.config.seed, salt).astype(np.int64)

    def apply(
        self, which: NDArray[np.int64], size: NDArray[np.int32], rank: NDArray[np.uint64]
    ) -> tuple[Packed, Packed, dict[str, NDArray[np.int64]]]:
        """Return encoded arguments and results of value i under `functions[which[i]]`.

        And of each, as columns, which function it is and how many calls and steps it takes.
        """
        order = np.argsort(which, kind="stable")
        back = np.argsort(order, kind="stable")
        made = []
        for k, f in enumerate(self.functions):
            here = order[which[order] == k]
            made.append(self._pairs(size[here], rank[here], 1, function=f.id, steps=True))
        inputs = stack([Packed(m["input"], m["input_offsets"]) for m in made])
        outputs = stack([Packed(m["output"], m["output_offsets"]) for m in made])
        counts = {c: np.concatenate([m[c] for m in made])[back] for c in ("calls", "steps")}
        return inputs.take(back), outputs.take(back), {"which": which, **counts}

    def beyond(
        self, size: NDArray[np.int32], rank: NDArray[np.uint64], threads: int
    ) -> NDArray[np.bool_]:
        """Return which values `split_by` keeps from train, valid and test, (M,)."""
        config = self.config
        if config.split_by == "withheld":
            codec = self.function.codec()
            made = self._pairs(size, rank, threads, codec=codec)
            pattern = self._withheld(codec)
            return contains(Packed(made["input"], made["input_offsets"]), pattern)
        if config.split_by == "measure":
            limit: NDArray[np.bool_] = (
                self.measured(config.split_measure, size, rank, threads) > config.train_limit
            )
            return limit
        deep: NDArray[np.bool_] = (
            self._pairs(size, rank, threads, codec=None)["depth"] > config.train_depth
        )
        return deep

    def measured(
        self, name: str, size: NDArray[np.int32], rank: NDArray[np.uint64], threads: int
    ) -> NDArray[np.int64]:
        """Return a measure of values, (M,)."""
        ids = [self._measure(name).id]
        found: NDArray[np.int64] = self._pairs(size, rank, threads, codec=None, measures=ids)[
            "measures"
        ][0]
        return found

    def _withheld(self, codec: Any) -> list[int]:
        """Return the tokens in prefix notation of the constructor or value withheld."""
        text = self.config.withhold
        tokens = [t for t in codec.vocabulary if t not in SPECIAL]
        if text in tokens:
            return [codec.vocabulary.index(text)]
        words = text.replace("(", " ").replace(")", " ").split()
        unknown = next((w for w in words if w not in tokens), None)
        if unknown is not None or not words:
            raise ConfigError(
                f"data.withhold: no constructor {unknown!r} in {self.config.function}'s values"
                f"{suggest(str(unknown), tokens)}"
            )
        return [codec.vocabulary.index(w) for w in words]

    def _measure(self, name: str) -> Any:
        known = {f.name: f for f in self.function.measures}
        if name not in known:
            raise ConfigError(
                f"data.measures: {name!r} is no function of the file from the same arguments to"
                f" nat or bool{suggest(name, known)}"
            )
        return known[name]

    @staticmethod
    def describe(function: Any) -> dict[str, Any]:
        """Return the part of a configuration that names a function."""
        from recursionlab.language import libraries, library
        from recursionlab.language.types import show

        name = str(function.program.name)
        stem = name.removesuffix(".v")
        if stem in libraries() and library(stem).sha256 == function.program.sha256:
            name = stem
        at = {key: show(kind) for key, kind in function.type_arguments.items()}
        return {"program": name, "function": function.name, "at": at}

    @staticmethod
    def load(name: str, base: Path) -> Any:
        """Return the program of a library name or a path."""
        from recursionlab import language

        if name.endswith(".v") or "/" in name:
            path = Path(name)
            return language.load(path if path.is_absolute() else base / path)
        return language.library(name)

    @staticmethod
    def loads(text: str, name: str) -> Any:
        """Return the program of a source text."""
        from recursionlab import language

        return language.loads(text, name)

    def count(self, size: int) -> int:
        """Return the number of values of a size."""
        return int(self.domain.count(size))

    def values(
        self, size: NDArray[np.int32], rank: NDArray[np.uint64], traces: bool, threads: int
    ) -> Values:
        """Make the values at some sizes and ranks, the same on any number of threads."""
        ids = [f.id for f in self.measures]
        made = self._pairs(size, rank, threads, measures=ids, steps=True)
        columns: dict[str, NDArray[Any]] = {
            "size": size,
            "depth": made["depth"],
            "calls": made["calls"],
            "steps": made["steps"],
            "rank": rank,
        }
        columns.update({f.name: made["measures"][i] for i, f in enumerate(self.measures)})
        wanted = (self.config.granularity if traces else "", self.config.trace)
        found = {g: self.traces(size, rank, threads, g) for g in set(wanted) - {""}}
        return Values(
            Packed(made["input"], made["input_offsets"]),
            Packed(made["output"], made["output_offsets"]),
            columns,
            found.get(wanted[0]),
            found.get(wanted[1]),
            self.vocabulary.index(STEP),
        )

    def traces(
        self, size: NDArray[np.int32], rank: NDArray[np.uint64], threads: int, granularity: str
    ) -> Packed:
        """Return the traces of values: terms joined by <step>."""
        made = self._pairs(
            size,
            rank,
            threads,
            trace=True,
            granularity=granularity,
            strategy=self.config.strategy,
            every=self.config.every,
        )
        return Packed(made["trace"], made["trace_offsets"])

    def _pairs(
        self, size: NDArray[np.int32], rank: NDArray[np.uint64], threads: int, **options: Any
    ) -> dict[str, Any]:
        function = options.pop("function", self.function.id)
        made: dict[str, Any] = _core.pairs(
            function, self.domain, size, rank, threads, **{"codec": self.codec, **options}
        )
        return made


class Measures:
    """Measures of a data set's function, computed for any values when they are asked for."""

    def __init__(self, program: str, config: DataConfig) -> None:
        self.program, self.config = program, config

    def __call__(self, name: str, size: NDArray[Any], rank: NDArray[Any]) -> NDArray[np.int64]:
        """Return the measure `name` of the values of some sizes and ranks, (M,)."""
        program = Source.loads(self.program, self.config.program)
        source = Source(program, dataclasses.replace(self.config, measures=(name,)))
        made = _core.pairs(
            source.function.id,
            source.domain,
            np.ascontiguousarray(size, np.int32),
            np.ascontiguousarray(rank, np.uint64),
            default_threads(),
            measures=[source.measures[0].id],
        )
        measured: NDArray[np.int64] = made["measures"][0]
        return measured
