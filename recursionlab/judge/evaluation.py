"""What came out: accuracy overall and by column, with intervals, and the failures themselves."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from recursionlab.errors import FormatError, InputError
from recursionlab.files import read_json, write_json
from recursionlab.judge import taxonomy
from recursionlab.judge.wilson import wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from recursionlab.data.dataset import Packed, Split

FORMAT, VERSION = "recursionlab-evaluation", 2
MAX_GROUPS = 200  # distinct values of a column shown one by one


class Table(list[dict[str, Any]]):
    """Rows of results that print as an aligned table, in a terminal and in a notebook.

    Examples
    --------
    >>> print(Table([{"by": "size", "n": 10}]))
    by    n
    size  10
    """

    def _cells(self) -> list[list[str]]:
        keys = list(dict.fromkeys(key for row in self for key in row))
        return [keys, *([_cell(key, row.get(key, "")) for key in keys] for row in self)]

    def __str__(self) -> str:
        """Return the aligned table."""
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) for r in cells)
        return "\n".join(line.rstrip() for line in lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rows = self._cells()
        line = "<tr>{}</tr>".format
        parts = [line("".join(f"<th>{html.escape(c)}</th>" for c in head))]
        parts += [line("".join(f"<td>{html.escape(c)}</td>" for c in row)) for row in rows]
        return f"<table>{''.join(parts)}</table>"


# Columns that are shares, or differences of shares: shown in percent.
SHARES = frozenset(
    "rate low high mean sd min max difference share exact_match deviation lowest highest".split()
)


def _cell(key: str, value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    share = key in SHARES or key.endswith("accuracy")
    return f"{100 * value:.1f} %" if share else f"{value:.4g}"


@dataclass(frozen=True)
class Evaluation:
    """Accuracy of some predictions on one split.

    Attributes
    ----------
    split, function : str
        What was predicted.
    overall : dict
        `n exact rate low high token_accuracy`: items, exact matches, their share, its 95 % Wilson
        interval, share of right tokens.
    groups : dict of list of dict
        The same a value of each column asked for, with the key `value`.
    trained : dict of (low, high)
        Of each column, the range seen in training, where known.
    failed : list of dict
        Failures kept, smallest first.
    kinds : list of dict
        `kind n share example about`: what is wrong with how many of the failures, most first.
    forced : dict
        `loss token_accuracy exact_match` with the right target given up to each token, where a run
        was evaluated: beside `overall`, which is free-running, it tells how far errors spread.
    grid : list of dict
        `size depth n exact` of every size and depth that items have.
    """

    split: str
    function: str
    overall: dict[str, Any]
    groups: dict[str, list[dict[str, Any]]]
    trained: dict[str, tuple[int, int]] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)
    kinds: list[dict[str, Any]] = field(default_factory=list)
    forced: dict[str, float] = field(default_factory=dict)
    grid: list[dict[str, int]] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """Share of exact matches."""
        return float(self.overall["rate"])

    @property
    def table(self) -> Table:
        """All results as rows: `by value n exact rate low high token_accuracy`."""
        rows = Table([{"by": "all", "value": "", **self.overall}])
        for by, group in self.groups.items():
            rows.extend({"by": by, **row} for row in group)
        return rows

    @property
    def errors(self) -> Table:
        """Kinds of errors: `kind n share example about`, most first."""
        return Table(self.kinds)

    def failures(self, n: int = 20) -> Table:
        """Return the first n failures kept: smallest inputs first, with input, expected and got."""
        return Table(self.failed[:n])

    def plot(self, by: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw accuracy against a column, with Wilson intervals and the training range shaded.

        Parameters
        ----------
        by : str, optional
            The column; the first one evaluated if not given.
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        from recursionlab.plot import accuracy, new_axes

        by = by or next(iter(self.groups), None)
        if by is None or by not in self.groups:
            raise InputError(f"by: nothing evaluated by {by!r}; there is {', '.join(self.groups)}")
        return accuracy(ax or new_axes(), self.groups[by], by=by, trained=self.trained.get(by))

    def plot_map(self, ax: Axes | None = None) -> Axes:
        """Draw exact match by size and depth, a cell each."""
        from recursionlab.plot import accuracy_map, new_axes

        if not self.grid:
            raise InputError("plot_map: the items have no columns size and depth")
        return accuracy_map(ax or new_axes(), self.grid, "size", "depth")

    def __repr__(self) -> str:
        """Name the split and the share of exact matches with its interval."""
        o = self.overall
        return (
            f"<Evaluation {self.split}: {o['rate']:.1%} exact of {o['n']}"
            f" (95 % interval {o['low']:.1%} to {o['high']:.1%}), tokens {o['token_accuracy']:.1%}>"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self)[1:-1])}</p>{self.table._repr_html_()}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; `from_dict` is the inverse."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "split": self.split,
            "function": self.function,
            "overall": self.overall,
            "groups": self.groups,
            "trained": {k: list(v) for k, v in self.trained.items()},
            "failures": self.failed,
            "errors": self.kinds,
            "forced": self.forced,
            "grid": self.grid,
        }

    @classmethod
    def from_dict(cls, table: Mapping[str, Any], where: str = "evaluation") -> Evaluation:
        """Make an evaluation from `to_dict`'s values.

        Raises
        ------
        FormatError
            If they are not those of this version.
        """
        if not isinstance(table, Mapping) or table.get("format") != FORMAT:
            raise FormatError(f"{where}: expected an evaluation of this library")
        if table.get("version") != VERSION:
            raise FormatError(f"{where}: expected version {VERSION}, got {table.get('version')!r}")
        try:
            return cls(
                str(table["split"]),
                str(table["function"]),
                dict(table["overall"]),
                {str(k): [dict(r) for r in v] for k, v in table["groups"].items()},
                {str(k): (v[0], v[1]) for k, v in table["trained"].items()},
                [dict(r) for r in table["failures"]],
                [dict(r) for r in table["errors"]],
                dict(table["forced"]),
                [dict(r) for r in table["grid"]],
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise FormatError(f"{where}: incomplete: {error!r}") from None

    def save(self, path: str | Path) -> None:
        """Write the evaluation as JSON, whole or not at all."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> Evaluation:
        """Read what `save` wrote."""
        return cls.from_dict(read_json(path), str(path))


def summarize(
    scores: Mapping[str, NDArray[Any]], where: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Return `n exact rate low high token_accuracy` of the items `where` is true."""
    chosen = slice(None) if where is None else where
    exact = scores["exact"][chosen]
    n, k = len(exact), int(exact.sum())
    low, high = wilson(k, n)
    total = int(scores["tokens_total"][chosen].sum())
    right = int(scores["tokens_right"][chosen].sum())
    return {
        "n": n,
        "exact": k,
        "rate": k / n if n else 0.0,
        "low": low,
        "high": high,
        "token_accuracy": right / total if total else 1.0 if k == n and n else 0.0,
    }


def group(scores: Mapping[str, NDArray[Any]], column: NDArray[Any]) -> list[dict[str, Any]]:
    """Return a summary a value of a column, in order; many values are put into equal bins."""
    values = np.unique(column)
    if len(values) > MAX_GROUPS:
        edges = np.unique(np.quantile(column, np.linspace(0, 1, 21)).astype(np.int64))
        place = np.searchsorted(edges, column, side="right") - 1
        column = edges[np.clip(place, 0, len(edges) - 1)]
        values = np.unique(column)
    return [{"value": int(v), **summarize(scores, column == v)} for v in values]


def failures(
    scores: Mapping[str, NDArray[Any]], predicted: Packed, split: Split, keep: int
) -> list[dict[str, Any]]:
    """Return up to `keep` failures, smallest first, spread over the sizes that have any."""
    wrong = np.flatnonzero(~scores["exact"])
    size = split.columns["size"][wrong]
    nth = np.zeros(len(wrong), np.int64)  # its place among the failures of its size
    order = np.argsort(size, kind="stable")
    starts = np.searchsorted(size[order], size[order])
    nth[order] = np.arange(len(wrong)) - starts
    chosen = wrong[np.lexsort((wrong, size, nth))[:keep]]
    chosen = chosen[np.argsort(split.columns["size"][chosen], kind="stable")]
    rows = []
    for i in chosen.tolist():
        row: dict[str, Any] = {
            "id": split.ids(i),
            "input": split.text(split.inputs[i]),
            "expected": split.text(split.targets[i]),
            "got": split.text(predicted[i]),
            "first_wrong": int(scores["first_wrong"][i]),
            "kind": taxonomy.NAMES[scores["error"][i]],
        }
        row.update({k: int(v[i]) for k, v in split.columns.items()})
        rows.append(row)
    return rows


def error_kinds(scores: Mapping[str, NDArray[Any]], split: Split) -> list[dict[str, Any]]:
    """Return `kind n share example about` of every kind of error there is, most first.

    The example is the id of the smallest item.
    """
    kind = scores["error"]
    wrong = kind != taxonomy.NUMBER["right"]
    rows = []
    for number in np.unique(kind[wrong]):
        items = np.flatnonzero(kind == number)
        smallest = int(items[np.argmin(split.columns["size"][items])])
        name = taxonomy.NAMES[number]
        rows.append(
            {
                "kind": name,
                "n": len(items),
                "share": len(items) / int(wrong.sum()),
                "example": split.ids(smallest),
                "about": taxonomy.KINDS[name],
            }
        )
    return sorted(rows, key=lambda row: -row["n"])


def size_by_depth(scores: Mapping[str, NDArray[Any]], split: Split) -> list[dict[str, int]]:
    """Return `size depth n exact` of every size and depth; nothing where a column is missing."""
    if not {"size", "depth"} <= {*split.columns} or not len(split):
        return []
    both = np.stack([split.columns["size"], split.columns["depth"]], 1).astype(np.int64)
    cells, place = np.unique(both, axis=0, return_inverse=True)
    place = place.reshape(-1)
    n = np.bincount(place)
    exact = np.bincount(place, weights=scores["exact"]).astype(np.int64)
    rows = zip(cells.tolist(), n.tolist(), exact.tolist(), strict=True)
    return [{"size": s, "depth": d, "n": k, "exact": e} for (s, d), k, e in rows]


def trained_ranges(split: Split, by: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return the range of each column over a training split."""
    out = {}
    for name in by:
        column = split.columns.get(name)
        if column is not None and len(column):
            out[name] = (int(column.min()), int(column.max()))
    return out
