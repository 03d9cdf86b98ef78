"""Abstract state machines as plainly as possible: states are dicts, to judge the C interpreter."""

from __future__ import annotations

from recursionlab import _core
from recursionlab.machines import syntax as ast

CHOOSE = 8  # RLAB_STREAM_CHOOSE


class Fault(Exception):
    """A run ends badly; the first argument is the name of the end."""


def in_range(value):
    if not -(2**31) <= value < 2**31:
        raise Fault("range")
    return value


class Run:
    """One run of a machine on one input."""

    def __init__(self, machine, tokens, seed=0, index=0, budget=(1000, 10_000, 1000)):
        self.names = machine.signature.names
        self.tree, self.input = machine.tree, list(tokens)
        self.steps_left, self.work, self.locations = budget
        self.numbers = {t: machine.vocabulary.index(t) for t in machine.vocabulary}
        self.seed, self.index, self.drawn = seed, index, 0
        self.state, self.bound, self.touched, self.sets = {}, {}, set(), []
        self.defaults = {"output": -1}
        self.end, self.output = "", []

    def go(self):
        try:
            for d in self.tree.declarations:
                if isinstance(d, ast.Param | ast.Var):
                    self.state[d.name, ()] = self.value(d.value)
                elif isinstance(d, ast.Fun):
                    self.defaults[d.name] = self.value(d.value)
            while not self.end:
                if len(self.sets) == self.steps_left:
                    raise Fault("steps")
                self.step()
            self.read_output()
        except Fault as fault:
            self.end = fault.args[0]
        return self

    def step(self):
        self.updates, self.halting = {}, False
        self.block(self.tree.rule)
        self.sets.append(self.updates)
        self.state.update(self.updates)
        if self.halting or not self.updates:
            self.end = "halted" if self.halting else "still"

    def read_output(self):
        at = {a[0]: v for (n, a), v in self.state.items() if n == "output" and v >= 0}
        if sorted(at) != list(range(len(at))):
            raise Fault("hole")
        self.output = [at[i] for i in range(len(at))]

    # rules

    def block(self, rules):
        for rule in rules:
            self.rule(rule)

    def turn(self):
        self.work -= 1
        if self.work < 0:
            raise Fault("work")

    def rule(self, r):
        if isinstance(r, ast.Halt):
            self.halting = True
        elif isinstance(r, ast.Update):
            self.update(r)
        elif isinstance(r, ast.If):
            for condition, body in r.cases:
                if self.value(condition):
                    return self.block(body)
            self.block(r.otherwise)
        elif isinstance(r, ast.Let):
            self.bound[r.name] = self.value(r.value)
            self.block(r.body)
            del self.bound[r.name]
        elif isinstance(r, ast.Forall):
            for _ in self.each(r):
                self.block(r.body)
        elif isinstance(r, ast.Choose):
            self.choose(r)

    def each(self, r):
        """Turns of a loop whose condition holds."""
        low, high = self.value(r.low), self.value(r.high)
        for x in range(low, high + 1):
            if x > low:
                self.turn()
            self.bound[r.name] = x
            if r.condition is None or self.value(r.condition):
                yield x
        self.bound.pop(r.name, None)

    def choose(self, r):
        count = sum(1 for _ in self.each(r))
        if not count:
            return self.block(r.otherwise)
        pick = self.draw(count)
        for i, _ in enumerate(self.each(r)):
            if i == pick:
                self.block(r.body)
                break
        self.bound.pop(r.name, None)

    def draw(self, n):
        while True:
            self.drawn += 1
            x = _core.random("u64", self.seed, CHOOSE, self.index, self.drawn)[-1]
            if x >= 2**64 % n:
                return x % n

    def update(self, r):
        if r.name == "output":
            arguments = (self.value(r.arguments[0]),)
            value = self.value(r.value)
            if arguments[0] < 0:
                raise Fault("range")
            if arguments[0] >= self.locations:
                raise Fault("locations")
        else:
            value = self.value(r.value)
            arguments = tuple(self.value(a) for a in r.arguments)
        place = (r.name, arguments)
        if arguments and r.name != "output" and place not in self.touched:
            if len(self.touched) == self.locations:
                raise Fault("locations")
            self.touched.add(place)
        if self.updates.setdefault(place, value) != value:
            raise Fault("conflict")

    # expressions

    def value(self, e):
        if isinstance(e, ast.Number | ast.Truth):
            return int(e.value)
        if isinstance(e, ast.Quoted):
            return self.numbers[e.name]
        if isinstance(e, ast.Name):
            return self.name(e.name)
        if isinstance(e, ast.Call):
            return self.call(e.name, tuple(self.value(a) for a in e.arguments))
        if isinstance(e, ast.Unary):
            value = self.value(e.operand)
            return int(not value) if e.op == "not" else in_range(-value)
        if e.op == "and":
            return int(self.value(e.left) and self.value(e.right))
        if e.op == "or":
            return int(self.value(e.left) or self.value(e.right))
        return self.operator(e.op, self.value(e.left), self.value(e.right))

    def name(self, name):
        if name in self.bound:
            return self.bound[name]
        if name == "length":
            return len(self.input)
        entity = self.names[name]
        if entity.kind == "none":
            return -1
        if entity.kind == "member":
            return entity.index
        return self.numbers[name] if entity.kind == "token" else self.state[name, ()]

    def call(self, name, arguments):
        if name == "input":
            return self.input[arguments[0]] if 0 <= arguments[0] < len(self.input) else -1
        if name in ("min", "max"):
            return min(arguments) if name == "min" else max(arguments)
        return self.state.get((name, arguments), self.defaults[name])

    def operator(self, op, a, b):
        if op in ("/", "mod"):
            if b == 0:
                raise Fault("division")
            return in_range(a // b if op == "/" else a % b)
        results = {"+": a + b, "-": a - b, "*": a * b, "=": a == b, "!=": a != b}
        results |= {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}
        return in_range(int(results[op]))
