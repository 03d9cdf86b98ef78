"""Figures of experiments on a model: grids, attention maps with trees, bars and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recursionlab.plot import COLOURS, LINES, MARKERS, STYLE

DIVERGING, RISING = "PuOr", "cividis"  # both told apart by colour-blind readers and in grey
_TREE = 1.1  # cells that the tree beside an axis takes
_MOST = 48  # labels on an axis; of more every n-th is written


def axes_for(figure: Mapping[str, Any]) -> Axes:
    """Return the axes of a new figure, as large as what is to be drawn asks for."""
    kind = figure.get("kind")
    width, height = 5.4, 3.5
    if kind == "grid":
        width = min(11.0, 2.6 + 0.34 * len(figure["columns"]) + 0.09 * _longest(figure["rows"]))
        height = min(11.0, 1.5 + 0.27 * len(figure["rows"]))
    elif kind == "bars":
        height = min(12.0, 1.3 + 0.27 * len(figure["names"]))
    elif kind == "attention":
        heads, across = len(figure["pattern"]), min(2, len(figure["pattern"]))
        width = across * (1.9 + 0.3 * len(figure["columns"]))
        height = -(-heads // across) * (1.7 + 0.3 * len(figure["rows"]))
        width, height = min(width, 14.0), min(height, 14.0)
    with matplotlib.rc_context(STYLE):
        return Figure(figsize=(max(width, 4.2), height), layout="constrained").add_subplot()


def _longest(names: Sequence[Any]) -> int:
    return max((len(str(name)) for name in names), default=0)


def _ticks(names: Sequence[Any]) -> tuple[list[int], list[str]]:
    step = -(-len(names) // _MOST)
    at = list(range(0, len(names), step))
    return at, [str(names[i]) for i in at]


def grid(
    ax: Axes,
    *,
    values: Sequence[Sequence[float]],
    rows: Sequence[Any],
    columns: Sequence[Any],
    xlabel: str,
    ylabel: str,
    label: str,
    diverging: bool = True,
) -> Axes:
    """Draw numbers by row and column, with a bar that says what the colours mean.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    values : (rows, columns) numbers
        NaN where there is none.
    rows, columns : sequences
        Names along the axes.
    xlabel, ylabel, label : str
        Of the axes and of the colours, with units.
    diverging : bool
        White at zero, or rising from 0 to 1.
    """
    data = np.array(values, float).reshape(len(rows), len(columns))
    most = max(float(np.nanmax(np.abs(data), initial=0)), 1e-9)
    limits = (-most, most) if diverging else (0.0, max(1.0, most))
    with matplotlib.rc_context(STYLE):
        image = ax.imshow(
            data,
            cmap=DIVERGING if diverging else RISING,
            vmin=limits[0],
            vmax=limits[1],
            aspect="auto",
            interpolation="nearest",
        )
        ax.set_facecolor("#dddddd")  # what has no number is grey
        ax.grid(False)
        ax.set_yticks(*_ticks(rows), fontsize="small")
        at, names = _ticks(columns)
        turned = _longest(names) > 3
        ax.set_xticks(
            at,
            names,
            fontsize="small",
            rotation=40 if turned else 0,
            ha="right" if turned else "center",
        )
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        figure = ax.get_figure()
        assert figure is not None
        bar = figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02)
        bar.set_label(label)
        bar.ax.tick_params(labelsize="small")
        _numbers(ax, data, limits)
    return ax


def _numbers(ax: Axes, data: Any, limits: tuple[float, float]) -> None:
    """Write the numbers into the cells of a small grid."""
    if data.size > 80:
        return
    for i, j in np.argwhere(np.isfinite(data)):
        share = (data[i, j] - limits[0]) / (limits[1] - limits[0])
        dark = share < 0.45 if limits[0] == 0 else abs(share - 0.5) > 0.35
        text = f"{data[i, j]:.2f}" if abs(data[i, j]) >= 0.005 else "0"
        colour = "white" if dark else "black"
        ax.text(j, i, text, ha="center", va="center", fontsize=7.5, color=colour)


def bars(
    ax: Axes,
    *,
    names: Sequence[str],
    values: Sequence[float],
    xlabel: str,
    marks: Mapping[str, Sequence[float]] | None = None,
) -> Axes:
    """Draw a bar a name, with marks to compare with.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    names : sequence of str
        From top to bottom.
    values : sequence of float
        Lengths of the bars.
    xlabel : str
        With the unit.
    marks : mapping of str to sequence of float, optional
        Other numbers of the same names.
    """
    place = np.arange(len(names))
    with matplotlib.rc_context(STYLE):
        ax.barh(place, values, color=COLOURS[0], height=0.7, label=None)
        ax.axvline(0, color="black", lw=0.8)
        for k, (name, others) in enumerate((marks or {}).items(), 1):
            ax.plot(others, place, ls="none", marker=MARKERS[k], color=COLOURS[k], ms=6, label=name)
        ax.set_yticks(place, names, fontsize="small")
        ax.invert_yaxis()
        ax.grid(False, axis="y")
        ax.set_xlabel(xlabel)
        if marks:
            figure = ax.get_figure()
            assert figure is not None
            figure.legend(loc="outside upper right", fontsize="small", ncols=2)
    return ax


def lines(
    ax: Axes,
    *,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    xlabel: str,
    ylabel: str,
) -> Axes:
    """Draw named lines of points.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    lines : mapping of str to points
        Each (x, y).
    xlabel, ylabel : str
        With units.
    """
    with matplotlib.rc_context(STYLE):
        for k, (name, points) in enumerate(lines.items()):
            if not points:
                continue
            x, y = zip(*points, strict=True)
            marker = MARKERS[k % len(MARKERS)] if len(points) <= 40 else None
            line = LINES[k % len(LINES)]
            colour = COLOURS[k % len(COLOURS)]
            ax.plot(x, y, color=colour, marker=marker, ls=line, ms=4.5, lw=1.6, label=name)
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(lines) > 1:
            ax.legend(loc="best", fontsize="small")
    return ax


def attention(
    ax: Axes,
    *,
    pattern: Sequence[Sequence[Sequence[float]]],
    rows: Sequence[str],
    columns: Sequence[str],
    xlabel: str,
    ylabel: str,
    row_tree: Sequence[int] | None = None,
    column_tree: Sequence[int] | None = None,
) -> Axes:
    """Draw every head's map of one pair, with the terms' trees along the axes.

    Parameters
    ----------
    ax : matplotlib Axes
        Whose place is taken, a panel a head.
    pattern : (heads, queries, keys) numbers
        Shares of a query's attention.
    rows, columns : sequences of str
        Tokens of queries and keys.
    xlabel, ylabel : str
        Of the axes.
    row_tree, column_tree : sequences of int, optional
        Each token's parent, -1 for none.
    """
    data = np.array(pattern, float)
    figure, across = ax.get_figure(), min(2, len(data))
    assert figure is not None
    down = -(-len(data) // across)
    spec = ax.get_subplotspec()
    assert spec is not None
    ax.set_axis_off()
    inner = spec.subgridspec(down, across)
    image, panels = None, []
    with matplotlib.rc_context(STYLE):
        for h, weights in enumerate(data):
            panel = figure.add_subplot(inner[h // across, h % across])
            image = panel.imshow(weights, cmap=RISING, vmin=0, vmax=1, interpolation="nearest")
            panel.grid(False)
            panel.set_title(f"head {h}", fontsize="medium")
            turned = _longest(columns) > 2
            at, names = _ticks(columns)
            panel.set_xticks(at, names, fontsize="small", rotation=90 if turned else 0)
            panel.set_yticks(*_ticks(rows), fontsize="small")
            if h // across == down - 1:
                panel.set_xlabel(xlabel)
            if h % across == 0:
                panel.set_ylabel(ylabel)
            _tree(panel, column_tree, horizontal=True)
            _tree(panel, row_tree, horizontal=False)
            panels.append(panel)
        if image is not None:
            bar = figure.colorbar(image, ax=panels, fraction=0.04, pad=0.02, shrink=0.6)
            bar.set_label("share of attention")
    return ax


def _tree(panel: Axes, parent: Sequence[int] | None, *, horizontal: bool) -> None:
    """Draw arcs from each token to its parent beside an axis."""
    if parent is None:
        return
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    edges = [(i, p) for i, p in enumerate(parent) if p >= 0]
    if not edges:
        return
    widest = max(abs(i - p) for i, p in edges)
    edge = panel.get_ylim()[1] if horizontal else panel.get_xlim()[1]
    outward = -1 if horizontal else 1
    for i, p in edges:
        high = edge + outward * _TREE * (0.4 + 1.4 * abs(i - p) / widest)
        points = [(i, edge), ((i + p) / 2, high), (p, edge)]
        if not horizontal:
            points = [(y, x) for x, y in points]
        curve = Path(points, [Path.MOVETO, Path.CURVE3, Path.CURVE3])
        panel.add_patch(PathPatch(curve, fc="none", ec=COLOURS[1], lw=1.2))
    limit = panel.set_ylim if horizontal else panel.set_xlim
    limit((panel.get_ylim() if horizontal else panel.get_xlim())[0], edge + outward * _TREE)
