"""Changes to the arguments of a function, well typed before and after: the moves of a search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from recursionlab.errors import InputError
from recursionlab.language.types import Con, Type, resolve, show, substitute

SEPARATOR = 3  # the token <sep>


class Shapes:
    """The constructors of a function's arguments by token, as its prefix codec writes them.

    Attributes
    ----------
    roots : list of str
        Type of each argument.
    rows : dict of str to list of (int, list of str)
        Of each type its constructors: the token and the types of the arguments.
    """

    def __init__(self, function: Any) -> None:
        self.codec = function.codec()
        self.domain = function.domain
        token = {word: i for i, word in enumerate(self.codec.vocabulary)}
        arguments = function.signature()[0]
        self.roots = [show(resolve(a)) for a in arguments]
        self.rows: dict[str, list[tuple[int, list[str]]]] = {}
        waiting: list[Type] = list(arguments)
        while waiting:
            kind = resolve(waiting.pop())
            if not isinstance(kind, Con):
                raise InputError(f"{function.name}: expected arguments of data, got {show(kind)}")
            if show(kind) in self.rows:
                continue
            mapping = dict(zip(kind.inductive.parameters, kind.arguments, strict=True))
            rows = []
            for c in kind.inductive.constructors:
                types = [substitute(t, mapping) for t in c.types]
                rows.append((token[c.name], [show(resolve(t)) for t in types]))
                waiting += types
            self.rows[show(kind)] = rows
        self._ends = self._smallest()

    def _smallest(self) -> dict[str, list[int]]:
        """Return the tokens of a smallest value of each type."""
        found: dict[str, list[int]] = {}
        changed = True
        while changed:
            changed = False
            for name, rows in self.rows.items():
                for token, types in rows:
                    if all(t in found for t in types):
                        value = [token, *(x for t in types for x in found[t])]
                        if name not in found or len(value) < len(found[name]):
                            found[name], changed = value, True
        return found

    def tokens(self, values: Any) -> list[int]:
        """Return the tokens of a value of the domain."""
        ids: list[int] = self.codec.encode(values).tolist()
        return ids

    def place(self, tokens: list[int]) -> tuple[int, int]:
        """Return size and rank of the value that tokens write.

        Raises
        ------
        RecursionLabError
            If the value has no rank of 64 bits.
        """
        value = self.codec.decode(np.array(tokens, np.int32), "input")
        size, rank = self.domain.rank(*(value if isinstance(value, tuple) else (value,)))
        return size, rank

    def parts(self, tokens: list[int]) -> list[tuple[int, int, str]]:
        """Return every subterm: where it begins, where it ends, its type."""
        out: list[tuple[int, int, str]] = []
        open_: list[list[Any]] = []  # begin, type, types of the arguments to come
        roots = iter(self.roots)
        for i, token in enumerate(tokens):
            if token == SEPARATOR:
                continue
            name = open_[-1][2].pop(0) if open_ else next(roots)
            types = next(t for k, t in self.rows[name] if k == token)
            open_.append([i, name, list(types)])
            while open_ and not open_[-1][2]:
                begin, kind, _ = open_.pop()
                out.append((begin, i + 1, kind))
        return out

    def change(self, tokens: list[int], rng: np.random.Generator) -> list[int]:
        """Return a changed value: a subterm swapped, wrapped, repeated, dropped or copied."""
        parts = self.parts(tokens)
        begin, end, name = parts[rng.integers(len(parts))]
        part = tokens[begin:end]
        move = rng.integers(5)
        if move == 0:
            part = self._swap(part, name, rng)
        elif move == 1:
            part = self._wrap(part, name, rng, 1)
        elif move == 2:
            part = self._wrap(part, name, rng, int(rng.integers(2, 6)))
        elif move == 3:
            inner = [p for p in parts if begin < p[0] and p[1] <= end and p[2] == name]
            if inner:
                a, b, _ = inner[rng.integers(len(inner))]
                part = tokens[a:b]
        else:
            others = [p for p in parts if p[2] == name]
            a, b, _ = others[rng.integers(len(others))]
            part = tokens[a:b]
        return [*tokens[:begin], *part, *tokens[end:]]

    def smaller(self, tokens: list[int]) -> Iterator[list[int]]:
        """Go over values with a subterm replaced by a smaller one of its type."""
        parts = self.parts(tokens)
        for begin, end, name in sorted(parts, key=lambda p: p[0] - p[1]):
            ends = self._ends[name]
            if len(ends) < end - begin:
                yield [*tokens[:begin], *ends, *tokens[end:]]
            for a, b, kind in parts:
                if kind == name and begin < a and b <= end:
                    yield [*tokens[:begin], *tokens[a:b], *tokens[end:]]

    def _swap(self, part: list[int], name: str, rng: np.random.Generator) -> list[int]:
        types = next(t for k, t in self.rows[name] if k == part[0])
        same = [k for k, t in self.rows[name] if t == types and k != part[0]]
        return [int(rng.choice(same)), *part[1:]] if same else part

    def _wrap(self, part: list[int], name: str, rng: np.random.Generator, n: int) -> list[int]:
        rows = [(k, t) for k, t in self.rows[name] if name in t]
        if not rows:
            return part
        token, types = rows[rng.integers(len(rows))]
        holes = [i for i, t in enumerate(types) if t == name]
        hole = holes[rng.integers(len(holes))]
        for _ in range(n):
            inner = [part if i == hole else self._ends[t] for i, t in enumerate(types)]
            part = [token, *(x for arg in inner for x in arg)]
        return part
