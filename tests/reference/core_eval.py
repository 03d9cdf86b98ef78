"""The core's semantics as plainly as possible: evaluator and small-step reducer, to judge the C."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from recursionlab.errors import TermError

# Terms are tuples: ("var", i) ("global", g) ("fixg", g) ("ctor", c) ("app", f, args)
# ("lam", name, body) ("let", name, e, body) ("match", type, scrutinee, ((names, branch), ...))
# ("fix", struct, name, n, body). Applications are flat: the head of an "app" is not an "app".
Tree = tuple[Any, ...]


def app(head: Tree, args: tuple[Tree, ...]) -> Tree:
    if not args:
        return head
    if head[0] == "app":
        return ("app", head[1], (*head[2], *args))
    return ("app", head, args)


def shift(term: Tree, by: int, cut: int = 0) -> Tree:
    """Add `by` to the free indices of a term."""

    def leaf(i: int, depth: int) -> Tree:
        return ("var", i + by if i >= depth else i)

    return walk(term, cut, leaf)


def substitute(body: Tree, values: tuple[Tree, ...]) -> Tree:
    """Replace indices 0, 1, ... of `body` by the last, last but one, ... of `values`."""
    n = len(values)

    def leaf(i: int, depth: int) -> Tree:
        if i < depth:
            return ("var", i)
        if i - depth < n:
            return shift(values[n - 1 - (i - depth)], depth)
        return ("var", i - n)

    return walk(body, 0, leaf)


def walk(term: Tree, depth: int, leaf: Any) -> Tree:
    kind = term[0]
    if kind == "var":
        return leaf(term[1], depth)
    if kind == "app":
        return app(walk(term[1], depth, leaf), tuple(walk(a, depth, leaf) for a in term[2]))
    if kind == "lam":
        return ("lam", term[1], walk(term[2], depth + 1, leaf))
    if kind == "let":
        return ("let", term[1], walk(term[2], depth, leaf), walk(term[3], depth + 1, leaf))
    if kind == "match":
        branches = tuple((names, walk(b, depth + len(names), leaf)) for names, b in term[3])
        return ("match", term[1], walk(term[2], depth, leaf), branches)
    if kind == "fix":
        return (*term[:4], walk(term[4], depth + 1, leaf))
    return term


@dataclass
class Program:
    """The same doors as `_core.Program`, in Python."""

    types: list[tuple[str, int, str, list[int]]] = field(default_factory=list)
    constructors: list[tuple[str, int, int, int]] = field(default_factory=list)
    globals: list[dict[str, Any]] = field(default_factory=list)
    sealed: bool = False

    def add_type(self, name: str, n_params: int, notation: str) -> int:
        self.types.append((name, n_params, notation, []))
        return len(self.types) - 1

    def add_constructor(self, type: int, name: str, arg_types: list[Any]) -> int:
        siblings = self.types[type][3]
        self.constructors.append((name, type, len(siblings), len(arg_types)))
        siblings.append(len(self.constructors) - 1)
        return len(self.constructors) - 1

    def add_global(self, name: str, n_args: int, struct_arg: int, group: int, type: Any) -> int:
        row = {"name": name, "n_args": n_args, "struct": struct_arg, "group": group, "type": type}
        self.globals.append(row)
        return len(self.globals) - 1

    def set_body(self, g: int, code: list[Any]) -> None:
        self.globals[g]["body"] = self.parse(code)

    def seal(self) -> None:
        assert all("body" in g for g in self.globals)
        self.sealed = True

    def type(self, kinds: list[Any]) -> Type:
        return Type(kinds)

    def parse(self, code: list[Any]) -> Tree:
        """Turn postfix code into a tree; checks that indices are in scope."""
        stack: list[Tree] = []

        def pop(n: int) -> list[Tree]:
            taken = stack[len(stack) - n :]
            assert len(taken) == n
            del stack[len(stack) - n :]
            return taken

        for op in code:
            kind = op[0]
            if kind == "app":
                head, *args = pop(op[1] + 1)
                stack.append(app(head, tuple(args)))
            elif kind == "lam":
                stack.append(("lam", op[1], pop(1)[0]))
            elif kind == "let":
                stack.append(("let", op[1], *pop(2)))
            elif kind == "match":
                assert len(op[2]) == len(self.types[op[1]][3])
                for names, c in zip(op[2], self.types[op[1]][3], strict=True):
                    assert len(names) == self.constructors[c][3]
                scrutinee, *branches = pop(len(op[2]) + 1)
                stack.append(("match", op[1], scrutinee, tuple(zip(op[2], branches, strict=True))))
            elif kind == "fix":
                stack.append(("fix", op[1], op[2], op[3], pop(1)[0]))
            else:
                stack.append(tuple(op))
        (tree,) = stack
        free = []
        walk(tree, 0, lambda i, depth: free.append(i) if i >= depth else ("var", i))
        assert not free, "the code is not closed"
        return tree

    def term(self, code: list[Any]) -> Term:
        return Term(self, self.parse(code))

    def apply(self, g: int, *terms: Term) -> Term:
        return Term(self, app(("global", g), tuple(t.tree for t in terms)))

    def eval(self, term: Term, *, steps: int = 0, nodes: int = 0) -> Term:
        return Term(self, self.evaluate(term.tree))

    # ------------------------------------------------------------------------ big steps

    def evaluate(self, term: Tree) -> Tree:
        """Normal form by call by value: reduce the parts, then contract, until it is a value."""
        while True:
            kind = term[0]
            if kind == "let":
                term = substitute(term[3], (self.evaluate(term[2]),))
            elif kind == "match":
                head, args = self.spine(self.evaluate(term[2]))
                assert head[0] == "ctor"
                term = substitute(term[3][self.constructors[head[1]][2]][1], args)
            elif kind == "global" and self.unfolds_alone(term[1]):
                term = self.globals[term[1]]["body"]
            elif kind == "app":
                head, args = self.spine(term)
                if head[0] in ("let", "match") or (
                    head[0] == "global" and self.unfolds_alone(head[1])
                ):
                    term = app(self.evaluate(head), args)
                    continue
                args = tuple(self.evaluate(a) for a in args)
                contracted = self.contract_head(head, args)
                if contracted is None:
                    return app(head, args)
                term = contracted[0]
            else:
                return term

    def spine(self, term: Tree) -> tuple[Tree, tuple[Tree, ...]]:
        return (term[1], term[2]) if term[0] == "app" else (term, ())

    def unfolds_alone(self, g: int) -> bool:
        """Say whether a name is a Definition without arguments."""
        return self.globals[g]["n_args"] == 0

    def contract_head(self, head: Tree, args: tuple[Tree, ...]) -> tuple[Tree, str] | None:
        """Contract `head args` where the arguments are values; None if it is one itself."""
        kind = head[0]
        if kind == "lam":
            return app(substitute(head[2], args[:1]), args[1:]), "beta"
        if kind == "global":
            row = self.globals[head[1]]
            if len(args) < row["n_args"]:
                return None
            unfolded = ("fixg", head[1]) if row["struct"] >= 0 else row["body"]
            return app(unfolded, args), "delta"
        if kind == "fixg":
            return app(self.globals[head[1]]["body"], args), "iota"
        if kind == "fix" and len(args) >= head[3]:
            return app(substitute(head[4], (head,)), args), "iota"
        return None

    # ---------------------------------------------------------------------- small steps

    def step(self, term: Tree) -> tuple[Tree, str, tuple[int, ...]] | None:
        """One contraction, leftmost-innermost: the new term, the rule, the redex's path."""
        kind = term[0]
        if kind == "let":
            inner = self.step(term[2])
            if inner is not None:
                return ("let", term[1], inner[0], term[3]), inner[1], (0, *inner[2])
            return substitute(term[3], (term[2],)), "zeta", ()
        if kind == "match":
            inner = self.step(term[2])
            if inner is not None:
                return ("match", term[1], inner[0], term[3]), inner[1], (0, *inner[2])
            head, args = self.spine(term[2])
            return substitute(term[3][self.constructors[head[1]][2]][1], args), "iota", ()
        if kind == "global" and self.unfolds_alone(term[1]):
            return self.globals[term[1]]["body"], "delta", ()
        if kind == "app":
            head, args = self.spine(term)
            inner = self.step(head)
            if inner is not None:
                return app(inner[0], args), inner[1], (0, *inner[2])
            for i, arg in enumerate(args):
                inner = self.step(arg)
                if inner is not None:
                    new = (*args[:i], inner[0], *args[i + 1 :])
                    return app(head, new), inner[1], (i + 1, *inner[2])
            contracted = self.contract_head(head, args)
            if contracted is not None:
                return *contracted, ()
        return None

    def normalize(self, term: Tree, budget: int = 100_000) -> tuple[Tree, int]:
        """Normal form by small steps, and how many there were."""
        for count in range(budget):
            result = self.step(term)
            if result is None:
                return term, count
            term = result[0]
        raise AssertionError("the step budget ran out")

    def show(self, term: Tree, nested: bool = False) -> str:
        """Print a value in prefix notation."""
        head, args = self.spine(term)
        name = self.constructors[head[1]][0] if head[0] == "ctor" else f"<{head[0]}>"
        text = " ".join([name, *(self.show(a, True) for a in args)])
        return f"({text})" if args and nested else text


@dataclass
class Type:
    """Types are the C core's business; this one reads no values, so the front end does."""

    kinds: list[Any]

    def parse(self, text: str) -> Term:
        raise TermError(f"not read here: {text}")


@dataclass
class Term:
    """A closed term of a program."""

    program: Program
    tree: Tree

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and self.tree == other.tree

    def __str__(self) -> str:
        return self.program.show(self.tree)
