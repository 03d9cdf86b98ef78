"""The figure of a sweep: lines over one key that varies, a heat map over two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator, PercentFormatter

from recursionlab.plot import COLOURS, LINES, MARKERS, STYLE, new_axes

NAMES = {
    "exact_match": "exact match",
    "token_accuracy": "token accuracy",
    "steps": "updates made",
    "flops": "floating-point operations",
}
POINT = "variant and point"  # what stands below the axis where no key does
SHARES = ("exact_match", "token_accuracy")


def sweep_figure(
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    *,
    metric: str = "exact_match",
    title: str = "",
) -> Axes:
    """Draw what a sweep found on one split.

    Two keys that vary make a heat map; one makes a line over it with its seeds' range shaded, a
    line a variant; none or more than two make a line over the variants.

    Parameters
    ----------
    rows : sequence of mappings
        A row a point: `variant`, the keys, the metric, and `lowest highest` of the exact match.
    keys : sequence of str
        Dotted keys that vary.
    metric : {"exact_match", "token_accuracy", "steps", "flops"}
        What is drawn.
    title : str
        Name of the split.

    Returns
    -------
    matplotlib Axes
        Of a new figure.
    """
    full = all(row.get(key) is not None for row in rows for key in keys)
    groups = list(dict.fromkeys(_group(row, keys) for row in rows))
    if len(keys) == 2 and full and len(groups) == 1:
        return _heat_map(rows, keys, metric, title)
    if len(keys) != 1 or not full:
        rows = [{**row, POINT: row["variant"]} for row in rows]
        keys, groups = [POINT], [""]
    return _lines(rows, keys[0], groups, metric, title)


def _group(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    """Return the variant that a point was made from: its name up to the keys that vary."""
    return str(row["variant"]).split(",", 1)[0] if keys else ""


def _values(rows: Sequence[Mapping[str, Any]], key: str) -> list[Any]:
    """Return the different values of a key: numbers in order, else as they come."""
    found = list(dict.fromkeys(_hashable(row[key]) for row in rows))
    numbers = all(_is_number(value) for value in found)
    return sorted(found) if numbers else found


def _hashable(value: Any) -> Any:
    return str(value) if isinstance(value, (list, dict)) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _lines(
    rows: Sequence[Mapping[str, Any]], key: str, groups: Sequence[str], metric: str, title: str
) -> Axes:
    values = _values(rows, key)
    numbers = all(_is_number(v) for v in values)
    ax = new_axes(max(5.4, 0.5 * len(values)), 3.5)
    with matplotlib.rc_context(STYLE):
        for k, group in enumerate(groups):
            mine = [row for row in rows if not group or _group(row, [key]) == group]
            mine.sort(key=lambda row: values.index(_hashable(row[key])))
            x = [row[key] if numbers else values.index(_hashable(row[key])) for row in mine]
            colour = COLOURS[k % len(COLOURS)]
            if metric == "exact_match":
                low, high = [r["lowest"] for r in mine], [r["highest"] for r in mine]
                label = "range of the seeds" if len(groups) == 1 else ""
                if key == POINT:
                    ax.vlines(x, low, high, color=colour, lw=1.6, label=label)
                else:
                    ax.fill_between(x, low, high, color=colour, alpha=0.18, lw=0, label=label)
            ax.plot(
                x,
                [row[metric] for row in mine],
                color=colour,
                marker=MARKERS[k % len(MARKERS)],
                ls=LINES[k // len(COLOURS) % len(LINES)] if key != POINT else "none",
                ms=5,
                lw=1.6,
                label=group if len(groups) > 1 else "mean over seeds",
            )
        _x_axis(ax, values, numbers)
        ax.set_xlabel(key)
        ax.set_ylabel(f"{NAMES[metric]}, {title}" if title else NAMES[metric])
        if metric in SHARES:
            ax.set_ylim(-0.03, 1.03)
            ax.yaxis.set_major_formatter(PercentFormatter(1.0))
        ax.legend(loc="best", fontsize="small")
    return ax


def _x_axis(ax: Axes, values: Sequence[Any], numbers: bool) -> None:
    """Label the values themselves; numbers that span a decade on a logarithmic axis."""
    at = list(values) if numbers else list(range(len(values)))
    if numbers and values[0] > 0 and values[-1] >= 8 * values[0]:
        ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    long = max(len(_text(v)) for v in values) > 8
    turn: dict[str, Any] = (
        {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if long else {}
    )
    ax.set_xticks(at, [_text(v) for v in values], **turn)


def _heat_map(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], metric: str, title: str
) -> Axes:
    across, down = _values(rows, keys[0]), _values(rows, keys[1])
    cells = [[float("nan")] * len(across) for _ in down]
    for row in rows:
        i, j = down.index(_hashable(row[keys[1]])), across.index(_hashable(row[keys[0]]))
        cells[i][j] = float(row[metric])
    share = metric in SHARES
    ax = new_axes(max(4.6, 1.6 + 0.85 * len(across)), max(3.2, 1.2 + 0.5 * len(down)))
    with matplotlib.rc_context(STYLE):
        ax.grid(False)
        low, high = (0.0, 1.0) if share else (None, None)
        options: dict[str, Any] = {"cmap": "cividis", "aspect": "auto", "origin": "lower"}
        image = ax.imshow(cells, vmin=low, vmax=high, **options)
        bottom, top = image.get_clim()
        for i, line in enumerate(cells):
            for j, value in enumerate(line):
                if value == value:
                    dark = value < (bottom + top) / 2
                    text = f"{value:.0%}" if share else f"{value:.3g}"
                    ax.text(j, i, text, ha="center", va="center", color="w" if dark else "k")
        ax.set_xticks(range(len(across)), [_text(v) for v in across])
        ax.set_yticks(range(len(down)), [_text(v) for v in down])
        ax.set_xlabel(keys[0])
        ax.set_ylabel(keys[1])
        figure = ax.get_figure()
        assert figure is not None
        bar = figure.colorbar(image, ax=ax)
        bar.set_label(f"{NAMES[metric]}, {title}" if title else NAMES[metric])
        if share:
            bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    return ax
