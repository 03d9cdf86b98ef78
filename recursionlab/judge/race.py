"""Searches side by side: whether guiding a search finds a model's failures in fewer questions."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recursionlab.data.config import DataConfig
from recursionlab.data.dataset import Dataset
from recursionlab.judge.evaluation import Table
from recursionlab.judge.falsifier import METHODS, Falsification, falsify

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = {"failures": "failures found", "smallest": "size of the smallest failure found"}


@dataclass(frozen=True)
class Race:
    """Searches for failures of one model, by one method or several, with one seed or several."""

    searches: tuple[Falsification, ...]

    @property
    def best(self) -> Falsification:
        """The search that found the smallest failure, with the fewest questions before its first.

        The first search where none found any.
        """
        found = [f for f in self.searches if f.smallest]
        key = lambda f: (f.smallest["size"], f.smallest["rank"], f.first)  # noqa: E731
        return min(found, key=key, default=self.searches[0])

    def table(self) -> Table:
        """Return a row a method, with the median over its seeds.

        `searches`, how many of them `found` a failure; `first`: questions before and with the first
        failure; `least`: the smallest failing size; `failures` in `queries`. Where a search found
        none, it counts as one that needed all its questions.
        """
        rows = Table()
        for method in dict.fromkeys(f.method for f in self.searches):
            mine = [f for f in self.searches if f.method == method]
            sizes = [f.smallest["size"] for f in mine if f.smallest]
            rows.append(
                {
                    "method": method,
                    "searches": len(mine),
                    "found": len(sizes),
                    "first": statistics.median(f.first or f.queries for f in mine),
                    "least": min(sizes, default=""),
                    "failures": statistics.median(f.failures for f in mine),
                    "queries": statistics.median(f.queries for f in mine),
                }
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"searches": [f.to_dict() for f in self.searches], "methods": list(self.table())}

    def __str__(self) -> str:
        """Say what the best search found, and how the methods compare where there are several."""
        return str(self.best) if len(self.searches) == 1 else f"{self.best}\n{self.table()}"

    def plot(self, what: str = "failures", ax: Axes | None = None) -> Axes:
        """Draw failures found, or the smallest one's size, against questions: a line a search.

        Parameters
        ----------
        what : {"failures", "smallest"}
            Of which; the smallest size begins where there is a first failure.
        ax : matplotlib Axes, optional
            Where to draw.
        """
        from recursionlab.plot import curves, new_axes

        lines: dict[str, list[tuple[float, float]]] = {}
        for f in self.searches:
            found = {"failures": [(q, n) for q, n, _ in f.history]}
            found["smallest"] = [(q, size) for q, _, size in f.history if size]
            begin = [(0.0, 0.0)] if what == "failures" else []
            lines[f"{f.method} {f.seed}"] = [*begin, *found[what]]
        return curves(
            ax or new_axes(),
            lines,
            xlabel="values the model was asked about",
            ylabel=FIGURES[what],
            groups={f"{f.method} {f.seed}": f.method for f in self.searches},
            step=True,
        )


def race(
    model: Any,
    data: Dataset | DataConfig,
    *,
    sizes: Any,
    methods: Sequence[str] = METHODS,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    **options: Any,
) -> Race:
    """Search for failures of a model by each method with each seed.

    Parameters
    ----------
    model, data, sizes
        As for `falsify`.
    methods : sequence of str
        `guided`, `random`.
    seeds : sequence of int
        Of the searches.
    **options
        Any other argument of `falsify`.

    Returns
    -------
    Race
    """
    return Race(
        tuple(
            falsify(model, data, sizes=sizes, method=method, seed=seed, **options)
            for method in methods
            for seed in seeds
        )
    )
