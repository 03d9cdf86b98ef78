"""From a program and a configuration to packed pairs: the one place where data asks the C core."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.config import suggest
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Packed
from recursionlab.errors import ConfigError
from recursionlab.machine import default_threads

STEP = "<step>"


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


@dataclass(frozen=True)
class Values:
    """M values of a function's domain, encoded, with results and columns."""

    inputs: Packed
    outputs: Packed
    columns: dict[str, NDArray[Any]]  # size, depth, calls, steps, rank and the measures
    traces: Packed | None  # of the task's granularity: terms joined by <step>
    column_trace: Packed | None  # of the granularity asked for as a column
    step_token: int

    def take(self, items: NDArray[Any]) -> Values:
        """Return the values at some indices."""
        return Values(
            self.inputs.take(items),
            self.outputs.take(items),
            {k: v[items] for k, v in self.columns.items()},
            self.traces and self.traces.take(items),
            self.column_trace and self.column_trace.take(items),
            self.step_token,
        )

    @classmethod
    def concatenate(cls, parts: list[Values]) -> Values:
        """Return several lots as one."""
        first = parts[0]
        return cls(
            _join([p.inputs for p in parts]),
            _join([p.outputs for p in parts]),
            {k: np.concatenate([p.columns[k] for p in parts]) for k in first.columns},
            None
            if first.traces is None
            else _join([p.traces for p in parts if p.traces is not None]),
            None
            if first.column_trace is None
            else _join([p.column_trace for p in parts if p.column_trace is not None]),
            first.step_token,
        )


def _join(parts: list[Packed]) -> Packed:
    lengths = np.concatenate([p.lengths for p in parts])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    return Packed(np.concatenate([p.ids for p in parts]), offsets)


class Source:
    """A function at its types, with codec and measures, ready to make values."""

    def __init__(self, program: Any, config: DataConfig) -> None:
        self.config = config
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
        found = {g: self._traces(size, rank, threads, g) for g in set(wanted) - {""}}
        return Values(
            Packed(made["input"], made["input_offsets"]),
            Packed(made["output"], made["output_offsets"]),
            columns,
            found.get(wanted[0]),
            found.get(wanted[1]),
            self.vocabulary.index(STEP),
        )

    def _traces(
        self, size: NDArray[np.int32], rank: NDArray[np.uint64], threads: int, granularity: str
    ) -> Packed:
        made = self._pairs(size, rank, threads, trace=True, granularity=granularity)
        return Packed(made["trace"], made["trace_offsets"])

    def _pairs(
        self, size: NDArray[np.int32], rank: NDArray[np.uint64], threads: int, **options: Any
    ) -> dict[str, Any]:
        made: dict[str, Any] = _core.pairs(
            self.function.id, self.domain, size, rank, threads, codec=self.codec, **options
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
