"""Random functions of a type: item i depends on the seed and on i alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recursionlab import _core
from recursionlab.errors import CountError, InputError
from recursionlab.language import Function, Program, loads

from .behaviour import STREAM, Behaviours
from .space import FunctionSpace

__all__ = ["SampledFunction", "sample_functions", "tokens_of"]

_CHUNK = 256  # functions a program
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_']*(?:\.[A-Za-z_][A-Za-z0-9_']*)*|:=|=>|->|\d+|[^\s]")


@dataclass(frozen=True)
class SampledFunction:
    """A function drawn from a space.

    Attributes
    ----------
    index : int
        Number of the draw.
    size, rank : int
        Size of its body, and its rank among those of this size.
    text : str
        Its definition, under the name `f`.
    function : Function
        The same, checked, in a program with others.
    """

    index: int
    size: int
    rank: int
    text: str
    function: Function

    @property
    def tokens(self) -> list[str]:
        """The definition as words and signs."""
        return tokens_of(self.text)

    def __call__(self, *arguments: Any) -> Any:
        """Apply the function and evaluate, as `Function` does."""
        return self.function(*arguments)


def tokens_of(text: str) -> list[str]:
    """Cut Gallina text into words and signs.

    Examples
    --------
    >>> tokens_of("S (f v1)")
    ['S', '(', 'f', 'v1', ')']
    """
    return _TOKEN.findall(text)


def sample_functions(
    type: str,
    n: int,
    *,
    seed: int,
    sizes: Iterable[int] = range(2, 13),
    program: Program | None = None,
    helpers: Sequence[str | Function] = (),
    distinct: bool = True,
) -> list[SampledFunction]:
    """Draw structurally recursive functions of a type.

    Parameters
    ----------
    type : str
        Such as `nat -> list bool -> nat`; the recursion is on the first argument.
    n : int
        How many.
    seed : int
        Draw i depends on the seed and on i alone.
    sizes : iterable of int
        Sizes of bodies. A draw picks one of those that have a function, each as likely, then one
        of its functions, each as likely (but for a bias below 2^-64).
    program : Program, optional
        Where types and helpers are declared.
    helpers : sequence of str or Function
        Functions that bodies may call.
    distinct : bool
        Leave out draws that compute what an earlier one computes, see `unique_functions`.

    Returns
    -------
    list of SampledFunction
        In the order of drawing.

    Raises
    ------
    CountError
        If no size has a function, or too few different ones turn up.

    Examples
    --------
    >>> drawn = sample_functions("nat -> nat", 2, seed=0, sizes=[4, 5])
    >>> [f.text.split(" with ")[0] for f in drawn][0]
    'Fixpoint f (x : nat) : nat := match x'
    """
    if n < 0:
        raise InputError(f"n: expected at least 0, got {n}")
    space = FunctionSpace(
        type, **({} if program is None else {"program": program}), helpers=helpers
    )
    wanted = sorted(set(sizes))
    possible = [size for size in wanted if space.count(size)]
    if not possible:
        raise CountError(f"{type}: no recursive function has a body of the sizes {wanted}")
    if not distinct:
        return list(_draws(space, seed, possible, n))
    kept: list[SampledFunction] = []
    behaviours = Behaviours()
    limit = 20 * n + 200
    draws = _draws(space, seed, possible, limit, again=False)
    while len(kept) < n and (drawn := next(draws, None)) is not None:
        if behaviours.add(drawn.function):
            kept.append(drawn)
    if len(kept) == n:
        return kept
    raise CountError(
        f"{type}: {limit} draws gave only {len(kept)} functions that compute different things, "
        f"not {n}; allow larger sizes or helpers"
    )


def _draws(
    space: FunctionSpace, seed: int, sizes: list[int], items: int, again: bool = True
) -> Iterator[SampledFunction]:
    """Make draws 0 to items - 1; unless `again`, a definition is made only the first time."""
    seen: set[tuple[int, int]] = set()
    for first in range(0, items, _CHUNK):
        rows = []
        for index in range(first, min(items, first + _CHUNK)):
            size, rank = _pick(space, seed, sizes, index)
            if again or (size, rank) not in seen:
                seen.add((size, rank))
                rows.append((index, size, rank))
        yield from _checked(space, rows)


def _pick(space: FunctionSpace, seed: int, sizes: list[int], index: int) -> tuple[int, int]:
    """Size and rank of a draw; 64 bits more than the count has make the bias negligible."""
    (first,) = _core.random("u64", seed, STREAM, index, 1)
    size = sizes[first % len(sizes)]
    count = space.count(size)
    words = _core.random("u64", seed, STREAM, index, 3 + count.bit_length() // 64)[1:]
    return size, sum(w << 64 * i for i, w in enumerate(words)) % count


def _checked(space: FunctionSpace, rows: list[tuple[int, int, int]]) -> Iterator[SampledFunction]:
    """Check definitions as one program, under names that are free."""
    visible = space.program.visible
    stem = next(s for s in ("f", "fn", "f_", "fn_") if not any(v.startswith(s) for v in visible))
    texts = [space.text(size, rank, f"{stem}{index}") for index, size, rank in rows]
    program = loads("\n".join([space.program.source, *texts]), "<sampled>")
    for (index, size, rank), text in zip(rows, texts, strict=True):
        name = f"{stem}{index}"
        shown = re.sub(rf"\b{name}\b", "f", text)
        yield SampledFunction(index, size, rank, shown, program[name])
