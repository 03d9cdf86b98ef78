"""Strategies and granularities as plainly as possible: redexes by position, one search a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reference.core_eval import Program, Tree, app, substitute

Path = tuple[int, ...]  # argument indices from the root; -1 is the head of an application


def parts(term: Tree) -> list[tuple[int, Tree]]:
    """Where a term is reduced inside: not under binders, nor in branches."""
    if term[0] in ("let", "match"):
        return [(0, term[2])]
    if term[0] == "app":
        head = [] if term[1][0] == "ctor" else [(-1, term[1])]
        return [*head, *enumerate(term[2])]
    return []


def at(term: Tree, path: Path) -> Tree:
    for i in path:
        term = dict(parts(term))[i]
    return term


def replace(term: Tree, path: Path, new: Tree) -> Tree:
    if not path:
        return new
    i, rest = path[0], path[1:]
    new = replace(dict(parts(term))[i], rest, new)
    if term[0] != "app":
        return (*term[:2], new, *term[3:])
    if i == -1:
        return app(new, term[2])
    return ("app", term[1], (*term[2][:i], new, *term[2][i + 1 :]))


class Reducer:
    """Reduces terms of a program; `group` is the mutual group of the traced function."""

    def __init__(self, program: Program, strategy: str, granularity: str, group: int = -1) -> None:
        self.program = program
        self.strategy = strategy
        self.granularity = granularity
        self.group = group

    # ------------------------------------------------------------------------ redexes

    def constructed(self, term: Tree) -> bool:
        head, args = self.program.spine(term)
        return head[0] == "ctor" and len(args) == self.program.constructors[head[1]][3]

    def waits(self, term: Tree) -> tuple[str, int]:
        """('redex', _), or ('part', i): part i must get a head first, or ('parts', _)."""
        if term[0] == "let":
            return "redex", 0
        if term[0] == "match":
            return ("redex", 0) if self.constructed(term[2]) else ("part", 0)
        head, args = self.program.spine(term)
        if head[0] == "lam" and args:
            return "redex", 0
        if head[0] in ("let", "match"):
            return "part", -1
        if head[0] == "fix":
            count, decreasing = head[3], head[1]
        elif head[0] in ("global", "fixg"):
            row = self.program.globals[head[1]]
            count, decreasing = row["n_args"], row["struct"]
        else:
            return "parts", 0
        if count == 0:
            return ("part", -1) if args else ("redex", 0)
        if len(args) < count:
            return "parts", 0
        if decreasing < 0 or self.constructed(args[decreasing]):
            return "redex", 0
        return "part", decreasing

    def contract(self, term: Tree) -> tuple[Tree, str, str | None]:
        """Contract a redex: what it becomes, the rule, the name it unfolds."""
        if term[0] == "let":
            return substitute(term[3], (term[2],)), "zeta", None
        if term[0] == "match":
            head, args = self.program.spine(term[2])
            branch = term[3][self.program.constructors[head[1]][2]][1]
            return substitute(branch, args), "iota", None
        head, args = self.program.spine(term)
        if head[0] == "global" and not args:
            row = self.program.globals[head[1]]
            return row["body"], "delta", row["name"]
        new, rule = self.program.contract_head(head, args)
        name = self.program.globals[head[1]]["name"] if head[0] in ("global", "fixg") else None
        return new, rule, name

    def normal(self, term: Tree) -> bool:
        return self.waits(term)[0] == "parts" and all(self.normal(t) for _, t in parts(term))

    def innermost(self, term: Tree) -> Iterator[Path]:
        """Redexes whose parts are all normal, from left to right."""
        for i, part in parts(term):
            for path in self.innermost(part):
                yield (i, *path)
        if self.waits(term)[0] == "redex" and all(self.normal(t) for _, t in parts(term)):
            yield ()

    def outermost(self, term: Tree) -> Iterator[Path]:
        """Redexes inside no other; what waits for a part is searched in that part only."""
        kind, place = self.waits(term)
        if kind == "redex":
            yield ()
            return
        for i, part in parts(term):
            if kind == "parts" or i == place:
                for path in self.outermost(part):
                    yield (i, *path)

    def redexes(self, term: Tree) -> list[Path]:
        return list(self.outermost(term) if self.strategy == "cbn" else self.innermost(term))

    def pending(self, term: Tree) -> bool:
        head, _ = self.program.spine(term)
        return head[0] == "global" and self.program.globals[head[1]]["group"] == self.group

    # -------------------------------------------------------------------------- steps

    def first(self, term: Tree, want: Callable[[Tree], bool]) -> Path | None:
        return next((p for p in self.redexes(term) if want(at(term, p))), None)

    def run_others(self, term: Tree) -> Tree:
        """Contract what is no pending call until nothing is left of it."""
        while (path := self.first(term, lambda t: not self.pending(t))) is not None:
            term = replace(term, path, self.contract(at(term, path))[0])
        return term

    def start(self, term: Tree) -> Tree:
        return self.run_others(term) if self.granularity == "call" else term

    def advance(self, term: Tree, path: Path) -> tuple[Tree, str, str | None]:
        """Take the step that the redex at `path` begins (without what follows a call)."""
        new, rule, name = self.contract(at(term, path))
        term = replace(term, path, new)
        while self.granularity == "equation":
            after = self.redexes(term)
            if not after or after[0][: len(path)] != path:
                break
            redex = at(term, after[0])
            new, next_rule, _ = self.contract(redex)
            if next_rule == "delta" or self.program.spine(redex)[0][0] == "fix":
                break
            term = replace(term, after[0], new)
        return term, rule, name

    def parallel(self, term: Tree) -> tuple[Tree, bool]:
        """Every innermost redex takes its step."""
        if self.normal(term):
            return term, False
        path, new = (), term
        if any(not self.normal(t) for _, t in parts(term)):
            changed = False
            for i, part in reversed(parts(term)):
                part, did = self.parallel(part)
                new = replace(new, (i,), part)
                changed |= did
            return new, changed
        if self.granularity == "call" and not self.pending(term):
            return term, False
        return self.advance(term, path)[0], True

    def step(self, term: Tree) -> tuple[Tree, str, str | None, Path] | None:
        """Take one step: the new term, rule and name and place of the first redex."""
        calls = self.granularity == "call"
        path = self.first(term, self.pending if calls else lambda t: True)
        if path is None:
            return None
        new, rule, name = self.advance(term, path)
        if self.strategy == "parallel":
            new, _ = self.parallel(term)
        return self.run_others(new) if calls else new, rule, name, path


def code(program: Program, term: Tree) -> list[tuple[object, ...]]:
    """Postfix code of a term, to build the same term in another core."""
    kind = term[0]
    if kind == "app":
        pieces = [op for t in (term[1], *term[2]) for op in code(program, t)]
        return [*pieces, ("app", len(term[2]))]
    if kind == "lam":
        return [*code(program, term[2]), ("lam", term[1])]
    if kind == "let":
        return [*code(program, term[2]), *code(program, term[3]), ("let", term[1])]
    if kind == "match":
        pieces = code(program, term[2]) + [op for _, b in term[3] for op in code(program, b)]
        return [*pieces, ("match", term[1], tuple(names for names, _ in term[3]))]
    if kind == "fix":
        return [*code(program, term[4]), ("fix", *term[1:4])]
    return [term]
