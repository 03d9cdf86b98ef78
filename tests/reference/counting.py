"""Counts, ranks and enumerations by their definitions, on Python integers: slow and plain.

A type is a name; `types[name]` lists its constructors as (name, names of argument types).
A value is a nested tuple: (constructor, *arguments).
"""

from functools import cache
from itertools import product


class Counting:
    def __init__(self, types, nat=None):
        self.types, self.nat = types, nat
        self.by_size = cache(self._by_size)
        self.by_depth = cache(self._by_depth)
        self.count_size = cache(self._count_size)
        self.count_at_most = cache(self._count_at_most)

    def _admits(self, name, value):
        return name != "nat" or self.nat is None or size(value) <= self.nat

    def _by_size(self, name, n):
        """All values of a size, in order of rank."""
        out = []
        for ctor, arguments in self.types[name]:
            out += [(ctor, *rest) for rest in self.tuples_of_size(arguments, n - 1)]
        return [v for v in out if self._admits(name, v)]

    def tuples_of_size(self, arguments, n):
        if n < 0:
            return []
        if not arguments:
            return [()] if n == 0 else []
        return [
            (first, *rest)
            for i in range(1, n + 1)
            for first in self.by_size(arguments[0], i)
            for rest in self.tuples_of_size(arguments[1:], n - i)
        ]

    def _by_depth(self, name, d):
        """All values exactly so deep, in order of rank."""
        out = []
        for ctor, arguments in self.types[name] if d > 0 else []:
            out += [(ctor, *rest) for rest in self.tuples_of_depth(arguments, d - 1)]
        return [v for v in out if self._admits(name, v)]

    def at_most(self, name, d):
        return [v for e in range(1, d + 1) for v in self.by_depth(name, e)]

    def tuples_of_depth(self, arguments, d):
        if not arguments:
            return [()] if d == 0 else []
        out = []
        for first in range(len(arguments)):
            choices = [self.at_most(a, d - 1) for a in arguments[:first]]
            choices += [self.by_depth(arguments[first], d)]
            choices += [self.at_most(a, d) for a in arguments[first + 1 :]]
            out += product(*choices)
        return out

    def _count_size(self, arguments, n):
        """Number of tuples of a size."""
        if not arguments or n < 1:
            return int(n == 0 and not arguments)
        return sum(
            sum(self.count_size(tuple(rest), i - 1) for _, rest in self.types[arguments[0]])
            * self.count_size(arguments[1:], n - i)
            for i in range(1, n + 1)
        )

    def _count_at_most(self, name, d):
        """Number of values at most so deep."""
        total = 0
        for _, arguments in self.types[name] if d > 0 else []:
            ways = 1
            for argument in arguments:
                ways *= self.count_at_most(argument, d - 1)
            total += ways
        return total


def size(value):
    return 1 + sum(size(v) for v in value[1:])


def depth(value):
    return 1 + max((depth(v) for v in value[1:]), default=0)
