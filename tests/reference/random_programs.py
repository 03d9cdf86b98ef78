"""Random well-typed programs as text: every construct of the language, accepted by construction."""

import random

HEADER = (
    "Require Import List.\nImport ListNotations.\n"
    "Inductive tree := leaf | node (l : tree) (x : nat) (r : tree).\n"
    "Inductive rose := bud (n : nat) (us : list rose).\n"
)
DATA = ("nat", "bool", "list nat", "tree", "nat * bool", "option nat")
RECURSIVE = ("nat", "list nat", "tree", "rose")
BUDGET = 14


class Writer:
    """Writes expressions of a type; a budget keeps them small."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.names = 0

    def fresh(self):
        self.names += 1
        return f"v{self.names}"

    def pick(self, items):
        return items[self.rng.randrange(len(items))]

    # An environment is a list of (name, type); `calls` of (text before the other arguments, their
    # types, result).

    def expr(self, kind, env, calls, budget):
        if budget <= 0:
            return self.small(kind, env)
        ways = [self.small, self.built, self.branch, self.let, self.match, self.match]
        ways += [self.apply, self.fold, self.local_fix, self.two]
        fitting = [c for c in calls if c[2] == kind]
        if fitting and self.rng.random() < 0.4:
            head, arguments, _ = self.pick(fitting)
            parts = [self.expr(t, env, calls, budget // 3) for t in arguments]
            return f"({' '.join([head, *parts])})"
        way = self.pick(ways)
        if way == self.small:
            return self.small(kind, env)
        return way(kind, env, calls, budget - 1)

    def small(self, kind, env, *_):
        own = [name for name, t in env if t == kind]
        if own and self.rng.random() < 0.75:
            return self.pick(own)
        return {
            "nat": lambda: self.pick(["0", "1", "2", "O", "(S O)"]),
            "bool": lambda: self.pick(["true", "false"]),
            "list nat": lambda: self.pick(["(@nil nat)", "[1]", "[0; 2]"]),
            "tree": lambda: self.pick(["leaf", "(node leaf 1 leaf)"]),
            "nat * bool": lambda: f"({self.small('nat', env)}, {self.small('bool', env)})",
            "option nat": lambda: self.pick(["(@None nat)", f"(Some {self.small('nat', env)})"]),
            "nat -> nat": lambda: self.pick(["S", "(Nat.add 1)", "(fun q : nat => q)"]),
        }[kind]()

    def built(self, kind, env, calls, budget):
        def part(t, share=2):
            return self.expr(t, env, calls, budget // share)

        return {
            "nat": lambda: self.pick(
                [
                    f"(S {part('nat', 1)})",
                    f"({part('nat')} + {part('nat')})",
                    f"(Nat.sub {part('nat')} {part('nat')})",
                    f"(length {part('list nat', 1)})",
                    f"(fst {part('nat * bool', 1)})",
                    f"({part('nat -> nat')} {part('nat')})",
                ]
            ),
            "bool": lambda: self.pick(
                [
                    f"(negb {part('bool', 1)})",
                    f"(Nat.leb {part('nat')} {part('nat')})",
                    f"(andb {part('bool')} {part('bool')})",
                ]
            ),
            "list nat": lambda: self.pick(
                [
                    f"({part('nat')} :: {part('list nat')})",
                    f"({part('list nat')} ++ {part('list nat')})",
                    f"(rev {part('list nat', 1)})",
                ]
            ),
            "tree": lambda: f"(node {part('tree', 3)} {part('nat', 3)} {part('tree', 3)})",
            "nat * bool": lambda: f"({part('nat')}, {part('bool')})",
            "option nat": lambda: f"(Some {part('nat', 1)})",
            "nat -> nat": lambda: self.function(env, calls, budget),
        }[kind]()

    def function(self, env, calls, budget):
        v = self.fresh()
        return f"(fun {v} : nat => {self.expr('nat', [*env, (v, 'nat')], calls, budget)})"

    def branch(self, kind, env, calls, budget):
        parts = [self.expr(t, env, calls, budget // 3) for t in ("bool", kind, kind)]
        return f"(if {parts[0]} then {parts[1]} else {parts[2]})"

    def let(self, kind, env, calls, budget):
        v, t = self.fresh(), self.pick([*DATA, "nat -> nat"])
        value = self.expr(t, env, calls, budget // 2)
        return f"(let {v} := {value} in {self.expr(kind, [*env, (v, t)], calls, budget // 2)})"

    def apply(self, kind, env, calls, budget):
        v, t = self.fresh(), self.pick(DATA)
        body = self.expr(kind, [*env, (v, t)], calls, budget // 2)
        return f"((fun ({v} : {t}) => {body}) {self.expr(t, env, calls, budget // 2)})"

    def fold(self, kind, env, calls, budget):
        a, b = self.fresh(), self.fresh()
        inner = [*env, (a, "nat"), (b, kind)]
        body = self.expr(kind, inner, calls, budget // 3)
        start = self.expr(kind, env, calls, budget // 3)
        items = self.expr("list nat", env, calls, budget // 3)
        return f"(fold_right (fun ({a} : nat) ({b} : {kind}) => {body}) {start} {items})"

    def local_fix(self, kind, env, calls, budget):
        g, n, m = self.fresh(), self.fresh(), self.fresh()
        less = self.expr(kind, env, calls, budget // 3)
        own = [(f"{g} {m}", [], kind)]
        more = self.expr(kind, [*env, (m, "nat")], [*calls, *own], budget // 3)
        text = f"(fix {g} ({n} : nat) : {kind} := match {n} with O => {less} | S {m} => {more} end)"
        return f"({text} {self.expr('nat', env, calls, budget // 3)})"

    PATTERNS = {
        "nat": [
            ["O", "S {nat}"],
            ["0", "S {nat} as {nat}"],
            ["O | S O", "S (S {nat})"],
            ["2", "0", "_"],
        ],
        "bool": [["true", "false"], ["false", "_"]],
        "list nat": [
            ["[]", "{nat} :: {list nat}"],
            ["nil", "[{nat}]", "{nat} :: {nat} :: {list nat}"],
            ["0 :: {list nat}", "{list nat}"],
        ],
        "tree": [["leaf", "node {tree} {nat} {tree}"], ["node leaf _ {tree}", "_"]],
        "nat * bool": [["({nat}, {bool})"], ["(S {nat}, true)", "({nat}, _)"]],
        "option nat": [["None", "Some {nat}"], ["Some (S {nat})", "Some 0 | None"]],
    }

    def pattern(self, template):
        """Fill names into a pattern: its text and what it binds."""
        bound = []
        while "{" in template:
            kind = template[template.index("{") + 1 : template.index("}")]
            bound.append((self.fresh(), kind))
            template = template.replace("{" + kind + "}", bound[-1][0], 1)
        return template, bound

    def match(self, kind, env, calls, budget):
        t = self.pick(DATA)
        rows = []
        templates = self.pick(self.PATTERNS[t])
        for template in templates:
            text, bound = self.pattern(template)
            body = self.expr(kind, [*env, *bound], calls, budget // (len(templates) + 1))
            rows.append(f"{text} => {body}")
        scrutinee = self.expr(t, env, calls, budget // (len(templates) + 1))
        return f"(match {scrutinee} with {' | '.join(rows)} end)"

    def two(self, kind, env, calls, budget):
        """A match on two things at once."""
        scrutinees = [self.expr("nat", env, calls, budget // 5) for _ in range(2)]
        rows = []
        for template in ("0, {nat}", "S {nat}, 0", "S {nat}, S {nat}"):
            text, bound = self.pattern(template)
            rows.append(f"{text} => {self.expr(kind, [*env, *bound], calls, budget // 5)}")
        return f"(match {', '.join(scrutinees)} with {' | '.join(rows)} end)"

    # -------------------------------------------------------------------------- definitions

    def fixpoint(self, name):
        """One Fixpoint, or two that call each other; the first is called `name`."""
        first = self.pick(RECURSIVE)
        group = [(name, self.pick(DATA), self.pick(DATA))]
        if self.rng.random() < 0.25:
            group.append((f"{name}'", self.pick(DATA), self.pick(DATA)))
        bodies = [self.body(first, group, *member) for member in group]
        return "Fixpoint " + "\nwith ".join(bodies) + "."

    def body(self, first, group, name, other, result):
        x, y = self.fresh(), self.fresh()
        env = [(y, other)]
        if first != "rose":
            env.append((x, first))

        def calls(*smaller):
            return [(f"{f} {v}", [o], r) for f, o, r in group for v in smaller]

        v, w, a = self.fresh(), self.fresh(), self.fresh()
        if first == "nat":
            more = self.expr(result, [*env, (v, "nat")], calls(v), BUDGET)
            rows = [f"O => {self.expr(result, env, [], 6)}", f"S {v} => {more}"]
        elif first == "list nat":
            inner = [*env, (a, "nat"), (v, "list nat")]
            rows = [
                f"[] => {self.expr(result, env, [], 6)}",
                f"{a} :: {v} => {self.expr(result, inner, calls(v), BUDGET)}",
            ]
        elif first == "tree":
            inner = [*env, (v, "tree"), (a, "nat"), (w, "tree")]
            rows = [
                f"leaf => {self.expr(result, env, [], 6)}",
                f"node {v} {a} {w} => {self.expr(result, inner, calls(v, w), BUDGET)}",
            ]
        else:
            u, b = self.fresh(), self.fresh()
            step = self.expr(result, [*env, (a, "nat"), (b, result)], calls(u), BUDGET)
            start = self.expr(result, [*env, (a, "nat")], [], 4)
            rows = [f"bud {a} {v} => fold_right (fun {u} ({b} : {result}) => {step}) {start} {v}"]
        return (
            f"{name} ({x} : {first}) ({y} : {other}) {{struct {x}}} : {result} :=\n"
            f"  match {x} with {' | '.join(rows)} end"
        )


def program(seed, count):
    """A program of `count` Fixpoints `f0`, `f1`, ..."""
    texts = [Writer(seed * 100_003 + i).fixpoint(f"f{i}") for i in range(count)]
    return HEADER + "\n".join(texts)
