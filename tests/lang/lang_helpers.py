"""Small programs built by hand through the contract of `_core.Program`."""

from __future__ import annotations

from recursionlab import _core


class Lab:
    """A sealed program and the indices of its names."""

    def __init__(self):
        self.p = _core.Program()
        self.types, self.ctors, self.globals = {}, {}, {}
        self._group = 0

    def type(self, name, params, ctors, notation=""):
        t = self.types[name] = self.p.add_type(name, params, notation)
        for ctor, args in ctors:
            args = [(t, *range(params)) if a == "self" else a for a in args]
            self.ctors[ctor] = self.p.add_constructor(t, ctor, args)
        return t

    def declare(self, name, n_args, struct, type_, group=None):
        if group is None:
            self._group += 1
            group = self._group
        g = self.globals[name] = self.p.add_global(name, n_args, struct, group, type_)
        return g

    def body(self, name, expr):
        self.p.set_body(self.globals[name], self.code(expr))

    def code(self, expr):
        """Postfix code of a nested expression: tuples and names, variables by name."""
        out = []
        self._emit(expr, [], out)
        return out

    def _emit(self, e, env, out):
        stack = [("e", e, env)]
        while stack:
            kind, e, env = stack.pop()
            if kind == "op":
                out.append(e)
            elif isinstance(e, int):
                stack.append(("e", nat(e), env))
            elif isinstance(e, str):
                if e in env:
                    out.append(("var", env[::-1].index(e)))
                elif e in self.ctors:
                    out.append(("ctor", self.ctors[e]))
                else:
                    out.append(("global", self.globals[e]))
            elif e[0] == "fun":
                _, names, body = e
                stack += [("op", ("lam", n), None) for n in names]
                stack.append(("e", body, [*env, *names]))
            elif e[0] == "let":
                _, name, bound, body = e
                stack.append(("op", ("let", name), None))
                stack.append(("e", body, [*env, name]))
                stack.append(("e", bound, env))
            elif e[0] == "fix":
                _, name, struct, args, body = e
                stack.append(("op", ("fix", struct, name, len(args)), None))
                stack += [("op", ("lam", n), None) for n in args]
                stack.append(("e", body, [*env, name, *args]))
            elif e[0] == "match":
                _, type_, scrutinee, *branches = e
                names = tuple(tuple(b[0]) for b in branches)
                stack.append(("op", ("match", self.types[type_], names), None))
                for b in reversed(branches):
                    stack.append(("e", b[1], [*env, *b[0]]))
                stack.append(("e", scrutinee, env))
            else:
                f, *args = e
                stack.append(("op", ("app", len(args)), None))
                for a in reversed(args):
                    stack.append(("e", a, env))
                stack.append(("e", f, env))

    def term(self, expr):
        return self.p.term(self.code(expr))

    def run(self, expr):
        return str(self.p.eval(self.term(expr)))


def nat(n):
    e = "O"
    for _ in range(n):
        e = ("S", e)
    return e


def pos(n):
    """The positive number n as an expression."""
    e = "xH"
    for bit in bin(n)[3:]:
        e = ("xI" if bit == "1" else "xO", e)
    return e


def lab():
    """The program most tests use."""
    b = Lab()
    boolean = b.type("bool", 0, [("true", []), ("false", [])])
    n = b.type("nat", 0, [("O", []), ("S", ["self"])], "nat")
    lst = b.type("list", 1, [("nil", []), ("cons", [0, "self"])], "list")
    b.type("prod", 2, [("pair", [0, 1])], "prod")
    positive = b.type("positive", 0, [("xI", ["self"]), ("xO", ["self"]), ("xH", [])])
    label = b.type("label", 0, [("a", []), ("b", []), ("c", [])])
    tree = b.type("tree", 1, [("leaf", []), ("node", ["self", 0, "self"])])
    # A rose tree: nested recursion through list.
    rose = b.p.add_type("rose", 1, "")
    b.types["rose"] = rose
    b.ctors["rnode"] = b.p.add_constructor(rose, "rnode", [0, (lst, (rose, 0))])
    nat_t, pos_t = (n,), (positive,)
    b.declare("succ", 1, 0, (0, [pos_t], pos_t))
    b.declare("plus", 2, 0, (0, [nat_t, nat_t], nat_t))
    b.declare("double", 1, -1, (0, [nat_t], nat_t))
    b.declare("two", 0, -1, (0, [], nat_t))
    b.declare("app", 2, 0, (1, [(lst, 0), (lst, 0)], (lst, 0)))
    b.declare("preorder", 1, 0, (1, [(tree, 0)], (lst, 0)))
    b.declare("mirror", 1, 0, (1, [(tree, 0)], (tree, 0)))
    b.declare("map", 2, 1, (2, [("fun", 0, 1), (lst, 0)], (lst, 1)))
    b.declare("fold", 3, 2, (2, [("fun", 0, ("fun", 1, 1)), 1, (lst, 0)], 1))
    b.declare("even", 1, 0, (0, [nat_t], (boolean,)), group=1000)
    b.declare("odd", 1, 0, (0, [nat_t], (boolean,)), group=1000)
    b.declare("ack", 1, 0, (0, [nat_t], ("fun", nat_t, nat_t)))
    b.declare("flatten", 1, 0, (1, [(rose, 0)], (lst, 0)))
    b.declare("compose", 3, -1, (3, [("fun", 1, 2), ("fun", 0, 1), 0], 2))
    b.declare("carry", 1, 0, (0, [pos_t], nat_t))
    b.declare("leb", 2, 0, (0, [nat_t, nat_t], (boolean,)))
    b.declare("insert", 2, 1, (0, [nat_t, (lst, nat_t)], (lst, nat_t)))
    b.declare("sort", 1, 0, (0, [(lst, nat_t)], (lst, nat_t)))
    b.declare("height", 1, 0, (1, [(tree, 0)], nat_t))
    b.declare("max", 2, 0, (0, [nat_t, nat_t], nat_t))
    b.body(
        "succ",
        ("fun", ["p"], ("match", "positive", "p",
            (["q"], ("xO", ("succ", "q"))), (["q"], ("xI", "q")), ([], ("xO", "xH")))),
    )  # fmt: skip
    b.body("carry", ("fun", ["p"], ("match", "positive", "p",
            (["q"], ("S", ("carry", "q"))), (["q"], "O"), ([], ("S", "O")))))  # fmt: skip
    b.body("plus", ("fun", ["n", "m"], ("match", "nat", "n",
            ([], "m"), (["k"], ("S", ("plus", "k", "m"))))))  # fmt: skip
    b.body("double", ("fun", ["n"], ("let", "y", ("plus", "n", "n"), "y")))
    b.body("two", ("double", 1))
    b.body("app", ("fun", ["l", "m"], ("match", "list", "l",
            ([], "m"), (["x", "t"], ("cons", "x", ("app", "t", "m"))))))  # fmt: skip
    b.body("preorder", ("fun", ["t"], ("match", "tree", "t", ([], "nil"),
            (["l", "x", "r"],
             ("app", ("cons", "x", ("preorder", "l")), ("preorder", "r"))))))  # fmt: skip
    b.body("mirror", ("fun", ["t"], ("match", "tree", "t", ([], "leaf"),
            (["l", "x", "r"], ("node", ("mirror", "r"), "x", ("mirror", "l"))))))  # fmt: skip
    b.body("map", ("fun", ["f", "l"], ("match", "list", "l", ([], "nil"),
            (["x", "t"], ("cons", ("f", "x"), ("map", "f", "t"))))))  # fmt: skip
    b.body("fold", ("fun", ["f", "z", "l"], ("match", "list", "l", ([], "z"),
            (["x", "t"], ("f", "x", ("fold", "f", "z", "t"))))))  # fmt: skip
    b.body("even", ("fun", ["n"], ("match", "nat", "n", ([], "true"), (["m"], ("odd", "m")))))
    b.body("odd", ("fun", ["n"], ("match", "nat", "n", ([], "false"), (["m"], ("even", "m")))))
    b.body("ack", ("fun", ["m"], ("fix", "go", 0, ["n"],
        ("match", "nat", "m", ([], ("S", "n")),
            (["p"], ("match", "nat", "n",
                ([], ("ack", "p", 1)), (["q"], ("ack", "p", ("go", "q")))))))))  # fmt: skip
    b.body("flatten", ("fun", ["t"], ("match", "rose", "t", (["x", "ts"],
        ("cons", "x", (("fix", "go", 0, ["l"], ("match", "list", "l", ([], "nil"),
            (["u", "us"], ("app", ("flatten", "u"), ("go", "us"))))), "ts"))))))  # fmt: skip
    b.body("compose", ("fun", ["g", "f", "x"], ("g", ("f", "x"))))
    b.body("leb", ("fun", ["n", "m"], ("match", "nat", "n", ([], "true"),
        (["n'"], ("match", "nat", "m", ([], "false"), (["m'"],
            ("leb", "n'", "m'")))))))  # fmt: skip
    b.body("insert", ("fun", ["x", "l"], ("match", "list", "l", ([], ("cons", "x", "nil")),
        (["y", "t"], ("match", "bool", ("leb", "x", "y"), ([], ("cons", "x", "l")),
            ([], ("cons", "y", ("insert", "x", "t"))))))))  # fmt: skip
    b.body("sort", ("fun", ["l"], ("match", "list", "l", ([], "nil"),
        (["x", "t"], ("insert", "x", ("sort", "t"))))))  # fmt: skip
    b.body(
        "max",
        (
            "fun",
            ["n", "m"],
            (
                "match",
                "nat",
                "n",
                ([], "m"),
                (["n'"], ("match", "nat", "m", ([], "n"), (["m'"], ("S", ("max", "n'", "m'"))))),
            ),
        ),
    )
    b.body("height", ("fun", ["t"], ("match", "tree", "t", ([], "O"),
        (["l", "x", "r"], ("S", ("max", ("height", "l"), ("height", "r")))))))  # fmt: skip
    b.label = (label,)
    b.p.seal()
    return b
