"""Obvious counting, enumeration and encoding of values: nested tuples (constructor, arg, ...)."""

from __future__ import annotations

from functools import cache
from itertools import product
from math import prod

# type name -> [(constructor, [argument types])] in declaration order
TYPES = {
    "positive": [("xI", ["positive"]), ("xO", ["positive"]), ("xH", [])],
    "label": [("a", []), ("b", []), ("c", [])],
    "tree": [("leaf", []), ("node", ["tree", "label", "tree"])],
    "list": [("nil", []), ("cons", ["label", "list"])],
    "nat": [("O", []), ("S", ["nat"])],
}


def splits(total, parts):
    """Every way to write total as a sum of `parts` numbers, in lexicographic order."""
    if parts == 0:
        return [()] if total == 0 else []
    return [
        (first, *rest) for first in range(total + 1) for rest in splits(total - first, parts - 1)
    ]


@cache
def values(type_, size):
    """All values of a size in the documented order."""
    found = []
    for ctor, args in TYPES[type_]:
        for sizes in splits(size - 1, len(args)):
            parts = [values(t, s) for t, s in zip(args, sizes, strict=True)]
            found += [(ctor, *choice) for choice in product(*parts)]
    return found


@cache
def count(type_, size):
    """How many values of a size there are."""
    return sum(
        prod(count(t, s) for t, s in zip(args, sizes, strict=True))
        for _, args in TYPES[type_]
        for sizes in splits(size - 1, len(args))
    )


def unrank(type_, size, rank):
    """The value of a size at a place in the documented order."""
    for ctor, args in TYPES[type_]:
        for sizes in splits(size - 1, len(args)):
            counts = [count(t, s) for t, s in zip(args, sizes, strict=True)]
            if rank >= prod(counts):
                rank -= prod(counts)
                continue
            parts = []
            for t, s, n in reversed(list(zip(args, sizes, counts, strict=True))):
                rank, own = divmod(rank, n)
                parts.append(unrank(t, s, own))
            return (ctor, *reversed(parts))
    raise IndexError(rank)


def prefix(value):
    return [value[0], *(t for arg in value[1:] for t in prefix(arg))]


def paren(value):
    inner = [value[0], *(t for arg in value[1:] for t in paren(arg))]
    return ["(", *inner, ")"] if len(value) > 1 else inner


def flat_list(value):
    return [] if value[0] == "nil" else [*prefix(value[1]), *flat_list(value[2])]


def size(value):
    return 1 + sum(size(arg) for arg in value[1:])


def depth(value):
    return 1 + max((depth(arg) for arg in value[1:]), default=0)
