"""Figures: plain data and an Axes in, the Axes out. Colour-blind safe, with units.

Importing this module imports matplotlib, so nothing else imports it at its top.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

# Okabe and Ito's colours, the dark ones first; each line also has a marker of its own.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")
SHADE = "#E8E3C9"
UNITS = {
    "size": "size (constructors)",
    "depth": "depth (constructors on the longest path)",
    "calls": "recursive calls",
    "steps": "reduction steps",
    "carry": "carry length (digits)",
}
STYLE: dict[Any, Any] = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "recursionlab",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
}


def new_axes(width: float = 5.4, height: float = 3.5) -> Axes:
    """Return the axes of a new figure (width and height in inches) in the house style."""
    with matplotlib.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained").add_subplot()


def accuracy(
    ax: Axes,
    rows: Sequence[Mapping[str, Any]],
    *,
    by: str,
    trained: tuple[int, int] | None = None,
    label: str | None = None,
    style: int = 0,
) -> Axes:
    """Draw exact match against a column, with its Wilson band and the training range shaded.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    rows : sequence of mappings
        `value rate low high` each, shares in [0, 1].
    by : str
        The column's name.
    trained : (low, high), optional
        Range of the column in training.
    label : str, optional
        Name of the line.
    style : int
        Which colour, marker and line.
    """
    with matplotlib.rc_context(STYLE):
        if trained is not None and not any(p.get_gid() == "trained" for p in ax.patches):
            low, high = trained[0] - 0.5, trained[1] + 0.5
            ax.axvspan(
                low, high, color=SHADE, alpha=0.55, lw=0, label="seen in training", gid="trained"
            )
        x = [row["value"] for row in rows]
        colour = COLOURS[style % len(COLOURS)]
        rate = [row["rate"] for row in rows]
        ax.fill_between(
            x, [r["low"] for r in rows], [r["high"] for r in rows], color=colour, alpha=0.18, lw=0
        )
        ax.plot(
            x,
            rate,
            color=colour,
            marker=MARKERS[style % len(MARKERS)],
            ls=LINES[style // len(COLOURS) % len(LINES)],
            ms=4.5,
            lw=1.6,
            label=label or "exact match (95 % interval)",
        )
        ax.set_xlabel(UNITS.get(by, by))
        ax.set_ylabel("exact match")
        ax.set_ylim(-0.03, 1.03)
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if label or trained:
            ax.legend(loc="best", fontsize="small")
    return ax


def accuracy_map(ax: Axes, rows: Sequence[Mapping[str, Any]], x: str, y: str) -> Axes:
    """Draw exact match by two columns as a map, with the number of items where there is room.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    rows : sequence of mappings
        A row a cell: `n`, `exact` and the two columns.
    x, y : str
        The columns' names.
    """
    across, up = (sorted({row[c] for row in rows}) for c in (x, y))
    cells = [[float("nan")] * len(across) for _ in up]
    for row in rows:
        cells[up.index(row[y])][across.index(row[x])] = row["exact"] / row["n"]
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        image = ax.imshow(cells, origin="lower", aspect="auto", cmap="cividis", vmin=0, vmax=1)
        small = len(across) * len(up) <= 150
        for row in rows if small else ():
            share = row["exact"] / row["n"]
            ax.text(
                across.index(row[x]),
                up.index(row[y]),
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                fontsize=7,
                color="black" if share > 0.55 else "white",
            )
        for axis, values in ((ax.xaxis, across), (ax.yaxis, up)):
            step = max(1, -(-len(values) // 12))
            axis.set_ticks(range(0, len(values), step), [str(v) for v in values[::step]])
        ax.set_xlabel(UNITS.get(x, x))
        ax.set_ylabel(UNITS.get(y, y).replace(" (constructors on the longest path)", ""))
        figure = ax.get_figure()
        assert figure is not None
        bar = figure.colorbar(image, ax=ax, label="exact match")
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    return ax


def curves(
    ax: Axes,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    ylabel: str,
    log: bool = False,
    share: bool = False,
    groups: Mapping[str, str] | None = None,
    xlabel: str = "training step",
    step: bool = False,
) -> Axes:
    """Draw named curves of points (x, value).

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.
    lines : mapping
        Points of each curve by its name.
    ylabel : str
        Of the vertical axis, with the unit.
    log, share : bool
        A logarithmic axis; an axis in percent.
    groups : mapping, optional
        Curves of one group share a colour and an entry of the legend.
    xlabel : str
        Of the horizontal axis, with the unit.
    step : bool
        Hold each value until the next point, without markers.
    """
    groups = groups or {name: name for name in lines}
    order = list(dict.fromkeys(groups[name] for name in lines))
    with matplotlib.rc_context(STYLE):
        for name, points in lines.items():
            k = order.index(groups[name])
            if points:
                x, y = zip(*points, strict=True)
                ax.plot(
                    x,
                    y,
                    color=COLOURS[k % len(COLOURS)],
                    ls=LINES[k % len(LINES)],
                    drawstyle="steps-post" if step else "default",
                    marker=MARKERS[k % len(MARKERS)] if len(points) <= 30 and not step else None,
                    ms=4,
                    lw=1.4,
                    label=groups[name],
                )
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        if log:
            ax.set_yscale("log")
        if share:
            ax.set_ylim(-0.03, 1.03)
            ax.yaxis.set_major_formatter(PercentFormatter(1.0))
        entries = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        if entries:
            ax.legend(entries.values(), entries.keys(), loc="best", fontsize="small")
    return ax


def svg(ax: Axes) -> str:
    """Return the figure of some axes as an `<svg>` element: the same figure, the same text."""
    figure = ax.get_figure()
    assert figure is not None
    out = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})  # type: ignore[union-attr]
    text = out.getvalue()
    return text[text.index("<svg") :]
