"""What an experiment on a model found: rows, a table, and how to draw them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recursionlab.judge.evaluation import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Finding:
    """The result of one experiment.

    Attributes
    ----------
    title : str
        What was done.
    rows : list of dict
        What was found, plain numbers and words.
    note : str
        What the numbers mean, with their unit.
    figure : dict
        What the figure needs beside the rows: `kind`, a function of `recursionlab.plot`, and its
        arguments, plain data.
    """

    title: str
    rows: list[dict[str, Any]]
    note: str = ""
    figure: dict[str, Any] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """The rows as a table that prints aligned."""
        return Table(self.rows)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what was found.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.
        """
        from recursionlab.plot import interpret

        options = dict(self.figure)
        draw: Callable[..., Axes] = getattr(interpret, options.pop("kind"))
        return draw(ax if ax is not None else interpret.axes_for(self.figure), **options)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, as JSON can hold it."""
        return {
            "title": self.title,
            "note": self.note,
            "rows": self.rows,
            "figure": self.figure,
        }

    def __repr__(self) -> str:
        """Name the experiment and the number of rows."""
        return f"<Finding: {self.title}, {len(self.rows)} rows>"

    def _repr_html_(self) -> str:
        return f"<p>{self.title}. {self.note}</p>{self.table._repr_html_()}"
