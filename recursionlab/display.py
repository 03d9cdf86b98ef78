"""What objects look like in a notebook: tables, terms drawn as trees, curves; text in, HTML out."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["cell", "code", "curves", "facts", "short", "table", "term", "tree"]

DRAWN = 60  # nodes of a tree that is drawn; larger ones are text alone
SHOWN = 300  # characters of a long text
WORDS = re.compile(r"[()]|[^\s()]+")
APART, HIGH, LETTER = 26, 22, 7.5  # pixels: between columns, a line, a letter
COLOURS = ("#0072B2", "#D55E00", "#009E73")

Node = tuple[str, list[Any]]


def cell(value: Any) -> str:
    """Return a value as the text of a table's cell.

    Examples
    --------
    >>> cell(0.123456), cell(None), cell([1, 2])
    ('0.1235', '', '1, 2')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(cell, value))
    return str(value)


def table(rows: Iterable[Mapping[str, Any]], more: int = 0) -> str:
    """Return rows as an HTML table.

    Parameters
    ----------
    rows : iterable of mappings
        A column a key, in the order they come.
    more : int
        Rows left out, told in a line below.

    Examples
    --------
    >>> table([{"n": 1}])
    '<table><tr><th>n</th></tr><tr><td>1</td></tr></table>'
    """
    rows = list(rows)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["".join(f"<th>{html.escape(str(key))}</th>" for key in keys)]
    lines += ["".join(f"<td>{html.escape(cell(r.get(k)))}</td>" for k in keys) for r in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table>{body}</table>" + (f"<p>and {more:,} more</p>" if more else "")


def facts(title: str, rows: Mapping[str, Any]) -> str:
    """Return a heading and a table of names and values; a value that is None or empty is left out.

    Examples
    --------
    >>> facts("Run", {"steps": 5, "folder": None})
    '<p><b>Run</b></p><table><tr><th>steps</th><td>5</td></tr></table>'
    """
    lines = (
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(cell(value))}</td></tr>"
        for name, value in rows.items()
        if cell(value)
    )
    return f"<p><b>{html.escape(title)}</b></p><table>{''.join(lines)}</table>"


def code(text: str) -> str:
    """Return text as it stands, in a fixed width."""
    return f'<pre style="max-height: 24em; overflow: auto">{html.escape(text)}</pre>'


def short(text: str) -> str:
    """Return a text, or the beginning of a long one.

    Examples
    --------
    >>> short("xO xH"), len(short("x" * 1000))
    ('xO xH', 303)
    """
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def term(text: str) -> str:
    """Return a term's Gallina, below it its tree where it is small and made of applications.

    Examples
    --------
    >>> term("xI xH").startswith("<code>xI xH</code><br><svg")
    True
    """
    said = f"<code>{html.escape(short(text))}</code>"
    root = tree(text)
    return f"{said}<br>{_svg(root)}" if root is not None and root[1] else said


def tree(text: str) -> Node | None:
    """Return the applications in a term's text as (head, arguments); None if it holds other things.

    Examples
    --------
    >>> tree("node leaf a (node leaf b leaf)")[1][2][0]
    'node'
    >>> tree("match x with end") is tree("a :: []") is None
    True
    """
    if len(text) > 40 * DRAWN or re.search(r"\b(match|fun|fix|let|if)\b|[][:;,|{}+*]", text):
        return None
    open_lists: list[list[Node]] = [[]]
    count = 0
    for word in WORDS.findall(text):
        if word == "(":
            open_lists.append([])
        elif word == ")":
            inner = open_lists.pop()
            if not inner or not open_lists:
                return None
            open_lists[-1].append(_applied(inner))
        else:
            count += 1
            open_lists[-1].append((word, []))
    if len(open_lists) != 1 or not open_lists[0] or count > DRAWN:
        return None
    return _applied(open_lists[0])


def _applied(parts: Sequence[Node]) -> Node:
    (head, own), *arguments = parts
    return head, [*own, *arguments]


def _svg(root: Node) -> str:
    """Draw a tree from left to right: a level a column, a leaf a line."""
    levels: list[list[tuple[Node, int, int]]] = []  # of each level: node, first line, parent's row
    lines = _leaves(root)
    todo = [(root, 0, -1)]
    while todo:
        levels.append(todo)
        below = []
        for row, (node, first, _) in enumerate(todo):
            for child in node[1]:
                below.append((child, first, row))
                first += lines[id(child)]
        todo = below
    marks, x, above = [], 4.0, list[tuple[float, float]]()
    for level in levels:
        wide = LETTER * max(len(node[0]) for node, _, _ in level)
        ends = []
        for node, first, parent in level:
            y = HIGH * (first + lines[id(node)] / 2)
            if parent >= 0:
                px, py = above[parent]
                marks.append(f'<path d="M{px:g} {py:g}L{x - 4:g} {y:g}" stroke="#999"/>')
            pending = ' font-weight="bold" fill="#D55E00"' if node[0] == "UNROLL" else ""
            marks.append(f'<text x="{x:g}" y="{y + 4:g}"{pending}>{html.escape(node[0])}</text>')
            ends.append((x + LETTER * len(node[0]) + 2, y))
        above, x = ends, x + wide + APART
    width, height = x - APART + 4, HIGH * lines[id(root)] + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'font-family="monospace" font-size="12" fill="currentColor">{"".join(marks)}</svg>'
    )


def _leaves(root: Node) -> dict[int, int]:
    """Return of every node, by identity, how many leaves it has."""
    order = [root]
    for node in order:
        order += node[1]
    out: dict[int, int] = {}
    for node in reversed(order):
        out[id(node)] = sum(out[id(child)] for child in node[1]) or 1
    return out


def curves(series: Mapping[str, Sequence[tuple[float, float]]], *, log: bool = False) -> str:
    """Return small curves over one axis, each labelled with its last value; empty without points.

    Parameters
    ----------
    series : mapping of str to sequence of (x, y)
        The curves by name.
    log : bool
        Whether y is drawn as its logarithm.

    Examples
    --------
    >>> "loss 0.5" in curves({"loss": [(0, 1.0), (10, 0.5)]})
    True
    >>> curves({})
    ''
    """
    drawn = {
        name: [(x, math.log(y) if log else y) for x, y in points if not log or y > 0]
        for name, points in series.items()
    }
    points = [p for line in drawn.values() for p in line if math.isfinite(p[1])]
    if not points:
        return ""
    (x0, x1), (y0, y1) = ((min(v), max(v)) for v in zip(*points, strict=True))
    wide, high = (x1 - x0) or 1, (y1 - y0) or 1
    marks = []
    for i, (name, line) in enumerate(item for item in drawn.items() if item[1]):
        at = " ".join(
            f"{5 + 230 * (x - x0) / wide:.1f},{75 - 70 * (y - y0) / high:.1f}"
            for x, y in line
            if math.isfinite(y)
        )
        last, colour = series[name][-1][1], COLOURS[i % len(COLOURS)]
        marks.append(f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        label = html.escape(f"{name} {last:.3g}")
        marks.append(f'<text x="245" y="{18 + 18 * i}" fill="{colour}">{label}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="420" height="80" '
        f'font-family="sans-serif" font-size="12">{"".join(marks)}</svg>'
    )
