"""Falsification: a search for the smallest value on which a model fails, counting its questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import display
from recursionlab.config import parse_sizes
from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Dataset, Packed, Split
from recursionlab.data.make import Maker
from recursionlab.data.values import Source
from recursionlab.errors import CountError, InputError, InputTypeError, RecursionLabError
from recursionlab.judge.evaluators import exact as _exact
from recursionlab.judge.mutation import Shapes
from recursionlab.machine import default_threads

METHODS = ("guided", "random")
ENUMERATED = 0.1  # share of the questions that go to the smallest values, in order
TRIES = 6  # changed values looked at for each one that is asked
Place = tuple[int, int]  # size and rank of a value


@dataclass(frozen=True)
class Falsification:
    """What a search for failures found.

    Attributes
    ----------
    method : str
        `guided` or `random`.
    seed : int
        Of the search.
    smallest : dict or None
        The smallest failing value found: `size rank input expected got`; None if all were right.
    minimal : bool
        Whether every smaller value was asked, so that there is no smaller failure.
    queries : int
        Values the model was asked about.
    failures : int
        Of these, how many it failed on.
    first : int or None
        How many it had been asked when it first failed.
    history : list of (queries, failures, smallest size or 0)
        Where something failed, and after each batch.
    """

    method: str
    seed: int
    smallest: dict[str, Any] | None
    minimal: bool
    queries: int
    failures: int
    first: int | None
    history: list[tuple[int, int, int]] = field(default_factory=list)

    def __str__(self) -> str:
        """Say what was found, in a few lines."""
        if self.smallest is None:
            return f"no failure in {self.queries} queries ({self.method})"
        row = self.smallest
        kind = "the smallest" if self.minimal else "the smallest found"
        return (
            f"{self.failures} failures in {self.queries} queries ({self.method}), the first after"
            f" {self.first}; {kind}:\n  input    {row['input']}\n  expected {row['expected']}\n"
            f"  got      {row['got']}"
        )

    def _repr_html_(self) -> str:
        return display.code(str(self))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "method": self.method,
            "seed": self.seed,
            "smallest": self.smallest,
            "minimal": self.minimal,
            "queries": self.queries,
            "failures": self.failures,
            "first": self.first,
            "history": [list(row) for row in self.history],
        }


def falsify(
    model: Any,
    data: Dataset | DataConfig,
    *,
    sizes: Any,
    program: Any = None,
    method: str = "guided",
    max_queries: int = 5000,
    batch: int = 64,
    seed: int = 0,
    threads: int | None = None,
) -> Falsification:
    """Search for the smallest value on which a model fails.

    `guided` changes values it knows (constructors swapped, wrapped, repeated, dropped) and asks
    those that fall where it has asked least, small ones first: a stratum is a size, a number of
    recursive calls and what the data set's measures say. A failure is made smaller as long as it
    stays one. A tenth of the questions goes to all values in their order, so that the search ends
    where every value below a failure was right. `random` draws uniformly from the sizes, for
    comparison. Only questions to the model are counted: values are made and measured here.

    Parameters
    ----------
    model : Run, or callable
        What answers. A callable takes a list of inputs, as text with tokens separated by spaces,
        and returns as many outputs.
    data : Dataset or DataConfig
        What the model was trained on: function, task, encoding, measures.
    sizes : range, sequence of int, or text such as `"1..20"`
        Where to search.
    program : Program, optional
        With a DataConfig whose program is no library file.
    method : str
        `guided` or `random`.
    max_queries : int
        Values the model may be asked about.
    batch : int
        Values asked at once.
    seed : int
        Of the search; it and the model determine the result.
    threads : int, optional
        Never changes the result.

    Returns
    -------
    Falsification

    Examples
    --------
    >>> import recursionlab as rlab
    >>> data = rlab.make_dataset(rlab.library("binary")["succ"], sizes=range(1, 9))
    >>> copy = lambda inputs: inputs
    >>> falsify(copy, data, sizes="1..12", max_queries=50).smallest["input"]
    'xH'
    """
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    for name, number in (("max_queries", max_queries), ("batch", batch)):
        if not isinstance(number, int) or number < 1:
            raise InputError(f"{name}: expected a whole number of at least 1, got {number!r}")
    search = _Search(model, data, program, parse_sizes(sizes, "sizes"), max_queries, seed, threads)
    (search.guided if method == "guided" else search.random)(batch)
    return search.result(method, seed)


class _Search:
    """A search under way: what was asked and what failed."""

    def __init__(
        self,
        model: Any,
        data: Dataset | DataConfig,
        program: Any,
        sizes: Sequence[int],
        max_queries: int,
        seed: int,
        threads: int | None,
    ) -> None:
        config = data.config if isinstance(data, Dataset) else data
        if not isinstance(config, DataConfig):
            raise InputTypeError(f"data: expected a data set, got {type(data).__name__}")
        if program is None:
            program = (
                Source.loads(data.program, config.program)
                if isinstance(data, Dataset)
                else Source.load(config.program, Path())
            )
        self.model, self.config = model, config
        self.maker = Maker(config, program, threads)
        self.source = self.maker.source
        self.shapes = Shapes(self.source.function)
        self.threads = threads or default_threads()
        self.sizes = [n for n in sorted(set(sizes)) if 0 < self._count(n) < 2**63]
        if not self.sizes:
            raise InputError("sizes: no size has values that can be numbered with 64 bits")
        self.left = max_queries
        self.next = self._in_order()  # the values in their order, as far as they were not taken
        self.rng = np.random.Generator(np.random.Philox(key=seed))
        self.asked: dict[Place, bool] = {}  # value to whether it was right
        self.failed: dict[Place, tuple[str, str, str]] = {}
        self.first: int | None = None
        self.history: list[tuple[int, int, int]] = []

    def _count(self, size: int) -> int:
        """Return the number of values of a size, 0 where it has more than 64 bits."""
        try:
            return self.source.count(size)
        except CountError:
            return 0

    # ---- asking

    def ask(self, places: Sequence[Place]) -> None:
        """Ask the model about values not yet asked, as far as questions are left."""
        fresh = [p for p in dict.fromkeys(places) if p not in self.asked][: self.left]
        if not fresh:
            return
        self.left -= len(fresh)
        split, parent = self._split(fresh)
        predicted = _answers(self.model, split, self.threads)
        right = _exact.per_item(predicted, split, self.threads)["exact"]
        good = np.ones(len(fresh), np.bool_)
        np.logical_and.at(good, parent, right)
        before = len(self.asked)
        for i, place in enumerate(fresh):
            self.asked[place] = bool(good[i])
        for i in np.flatnonzero(~good).tolist():
            item = int(np.flatnonzero((parent == i) & ~right)[0])
            self.failed[fresh[i]] = (
                split.text(split.inputs[item]),
                split.text(split.targets[item]),
                split.text(predicted[item]),
            )
            self._note(before + i + 1)
        self._note(len(self.asked))

    def _note(self, queries: int) -> None:
        """Add to the history what is known after so many questions."""
        least = min(self.failed)[0] if self.failed else 0
        self.history.append((queries, len(self.failed), least))
        if self.failed and self.first is None:
            self.first = queries

    def _split(self, places: Sequence[Place]) -> tuple[Split, NDArray[np.int64]]:
        """Return the task's items of some values, and the value each comes from."""
        size, rank = _arrays(places)
        maker = self.maker
        values = self.source.values(size, rank, maker.task.NEEDS_TRACE, self.threads)
        items = maker.task.build(values, self.source)
        parent = np.arange(len(places)) if items.parent is None else items.parent
        return maker.split("search", values, items), parent

    # ---- searching

    def _in_order(self) -> Iterator[Place]:
        """Give all values, smallest first."""
        for size in self.sizes:
            for rank in range(self.source.count(size)):
                yield size, rank

    def prove(self, batch: int) -> bool:
        """Ask the next smallest values; return whether a failure is known to be the smallest.

        All that lie below the smallest failure are asked at once where those are few.
        """
        n = max(1, round(batch * ENUMERATED))
        if self.failed and self._unasked_below() <= self.left * ENUMERATED:
            n = max(n, self._unasked_below())
        wanted: list[Place] = []
        while len(wanted) < n:
            place = next(self.next, None)
            if place is None or place in self.failed:
                break
            if place not in self.asked:
                wanted.append(place)
        for first in range(0, len(wanted), batch):
            self.ask(wanted[first : first + batch])
        return bool(self.failed) and not self._unasked_below()

    def _unasked_below(self) -> int:
        """Return how many values smaller than the smallest failure were not asked."""
        size, rank = place = min(self.failed)
        below = sum(self.source.count(n) for n in self.sizes if n < size) + rank
        return below - sum(p < place for p in self.asked)

    def random(self, batch: int) -> None:
        """Ask uniformly drawn values of the sizes."""
        idle = 0
        while self.left and idle < 20:
            before = len(self.asked)
            self.ask(self._drawn(batch))
            idle = idle + 1 if len(self.asked) == before else 0

    def guided(self, batch: int) -> None:
        """Ask changed values where least was asked, and the smallest; make failures smaller."""
        known = {p: self._cell(c) for p, c in self._columns(self._drawn(batch)).items()}
        visits: dict[tuple[int, ...], int] = {}
        idle = 0
        while self.left and idle < 20:
            before, failed = len(self.asked), len(self.failed)
            for place in self._changed(known, visits, TRIES * batch):
                known.setdefault(place[0], place[1])
            chosen = self._least(known, visits, batch)
            self.ask([p for p, _ in chosen])
            for _, cell in chosen:
                visits[cell] = visits.get(cell, 0) + 1
            if len(self.failed) > failed:
                self._shrink(batch)
            if self.prove(batch):
                return
            idle = idle + 1 if len(self.asked) == before else 0

    def _drawn(self, n: int) -> list[Place]:
        sizes = self.rng.choice(self.sizes, n).tolist()
        return [(s, int(self.rng.integers(self.source.count(s)))) for s in sizes]

    def _columns(self, places: Sequence[Place]) -> dict[Place, list[int]]:
        """Return size, calls and measures of values; the model is not asked."""
        size, rank = _arrays(places)
        columns = self.source.values(size, rank, False, self.threads).columns
        names = ["size", "calls", *self.config.measures]
        rows = np.stack([columns[n].astype(np.int64) for n in names], 1).tolist()
        return dict(zip(places, rows, strict=True))

    @staticmethod
    def _cell(row: Sequence[int]) -> tuple[int, ...]:
        """Return the stratum of a value: large numbers share one with their neighbours."""
        return tuple(n if n < 64 else 64 + int(16 * np.log2(n / 64)) for n in row)

    def _changed(
        self, known: dict[Place, tuple[int, ...]], visits: dict[tuple[int, ...], int], n: int
    ) -> list[tuple[Place, tuple[int, ...]]]:
        """Return changed values, of parents from strata that were asked little, with strata."""
        parents = sorted(known, key=lambda p: (visits.get(known[p], 0), self.rng.random()))
        parents = parents[: max(1, n // 4)]
        found: list[Place] = []
        for i in range(n):
            place = parents[i % len(parents)]
            tokens = self.shapes.tokens(self.source.domain.unrank(*place))
            for _ in range(int(self.rng.integers(1, 4))):
                tokens = self.shapes.change(tokens, self.rng)
            made = self._place(tokens)
            if made is not None and made not in known:
                found.append(made)
        found = list(dict.fromkeys(found))
        rows = self._columns(found) if found else {}
        return [(p, self._cell(row)) for p, row in rows.items()]

    def _place(self, tokens: list[int]) -> Place | None:
        """Return size and rank of a value that lies in the sizes."""
        if len(tokens) > 4 * self.sizes[-1] + 8:
            return None
        try:
            size, rank = self.shapes.place(tokens)
        except RecursionLabError:
            return None
        return (size, rank) if size in self.sizes else None

    def _least(
        self, known: dict[Place, tuple[int, ...]], visits: dict[tuple[int, ...], int], n: int
    ) -> list[tuple[Place, tuple[int, ...]]]:
        """Return up to n values not asked yet, spread over the strata asked least."""
        seen: dict[tuple[int, ...], int] = dict(visits)
        waiting = [(p, c) for p, c in known.items() if p not in self.asked]
        order = self.rng.permutation(len(waiting))
        ranked = []
        for i in order.tolist():
            place, cell = waiting[i]
            seen[cell] = seen.get(cell, 0) + 1
            ranked.append((seen[cell], place, cell))
        return [(p, c) for _, p, c in sorted(ranked)[:n]]

    def _shrink(self, batch: int) -> None:
        """Make the smallest failure smaller for as long as something smaller fails."""
        while self.left:
            best = min(self.failed)
            tokens = self.shapes.tokens(self.source.domain.unrank(*best))
            made = (self._place(t) for t in self.shapes.smaller(tokens))
            fresh = sorted({p for p in made if p is not None and p < best and p not in self.asked})
            for first in range(0, len(fresh), batch):
                self.ask(fresh[first : first + batch])
                if min(self.failed) < best:
                    break
            if min(self.failed) == best:
                return

    def result(self, method: str, seed: int) -> Falsification:
        """Return what was found."""
        smallest, minimal = None, False
        if self.failed:
            size, rank = place = min(self.failed)
            words = dict(zip(("input", "expected", "got"), self.failed[place], strict=True))
            smallest = {"size": size, "rank": rank, **words}
            minimal = not self._unasked_below()
        return Falsification(
            method,
            seed,
            smallest,
            minimal,
            len(self.asked),
            len(self.failed),
            self.first,
            self.history,
        )


def _arrays(places: Sequence[Place]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Return sizes and ranks."""
    size, rank = zip(*places, strict=True)
    return np.array(size, np.int32), np.array(rank, np.uint64)


def _answers(model: Any, split: Split, threads: int) -> Packed:
    """Return the model's outputs for a split, one an item."""
    if hasattr(model, "predict"):
        predicted = model.predict(split, threads=threads, progress=False)
        return Packed(predicted.ids, predicted.offsets)
    from recursionlab.judge.predictions import packed_of

    inputs = [split.text(split.inputs[i]) for i in range(len(split))]
    answer: Callable[[list[str]], Any] = model
    if not callable(answer):
        raise InputTypeError(f"model: expected a run or a callable, got {type(model).__name__}")
    out = answer(inputs)
    if isinstance(out, (str, bytes)) or not isinstance(out, (list, tuple)):
        raise InputTypeError(f"model: expected a list of outputs, got {type(out).__name__}")
    return packed_of(out, split)
