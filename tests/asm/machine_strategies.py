"""Random well-sorted machines."""

from hypothesis import strategies as st

from recursionlab.machines import syntax as ast

DECLARATIONS = (
    ast.Tokens(("xI", '"("')),
    ast.Enum("mode", ("carry", "copy")),
    ast.Param("k", "int", ast.Binary("/", ast.Name("length"), ast.Number(2))),
    ast.Var("i", "int", ast.Number(0)),
    ast.Var("j", "int", ast.Binary("-", ast.Name("length"), ast.Number(1))),
    ast.Var("t", "token", ast.Name("none")),
    ast.Var("b", "bool", ast.Truth(True)),
    ast.Var("m", "mode", ast.Name("carry")),
    ast.Fun("f", ("int",), "int", ast.Unary("-", ast.Number(1))),
    ast.Fun("g", ("int", "token"), "token", ast.Quoted("(")),
)
# Uses everything once, so that no declaration is refused.
USES = ast.If(
    (
        (
            ast.Truth(False),
            (
                ast.Update("i", (), ast.Name("k")),
                ast.Update("j", (), ast.Name("i")),
                ast.Update("t", (), ast.Name("xI")),
                ast.Update("b", (), ast.Truth(True)),
                ast.Update("m", (), ast.Name("copy")),
                ast.Update("f", (ast.Number(0),), ast.Number(1)),
                ast.Update("g", (ast.Number(0), ast.Name("none")), ast.Name("t")),
            ),
        ),
    ),
)


def expressions(sort, depth, names):
    """Expressions of a sort; `names` are bound numbers."""
    leaves = {
        "int": st.one_of(
            st.sampled_from([0, 1, 2, 3, 7, 2**31 - 1]).map(ast.Number),
            st.sampled_from(["i", "j", "k", "length", *names]).map(ast.Name),
        ),
        "bool": st.one_of(st.booleans().map(ast.Truth), st.just(ast.Name("b"))),
        "token": st.one_of(
            st.sampled_from(["t", "none", "xI"]).map(ast.Name), st.just(ast.Quoted("("))
        ),
        "mode": st.sampled_from(["m", "carry", "copy"]).map(ast.Name),
    }[sort]
    if depth == 0:
        return leaves
    number = expressions("int", depth - 1, names)
    token = expressions("token", depth - 1, names)
    truth = expressions("bool", depth - 1, names)

    def pairs(ops, one):
        return st.builds(ast.Binary, st.sampled_from(ops), one, one)

    more = {
        "int": [
            pairs(["+", "-", "*", "/", "mod"], number),
            st.builds(ast.Unary, st.just("-"), number),
            st.builds(
                lambda n, a, b: ast.Call(n, (a, b)), st.sampled_from(["min", "max"]), number, number
            ),
            st.builds(lambda a: ast.Call("f", (a,)), number),
        ],
        "bool": [
            pairs(["=", "!=", "<", "<=", ">", ">="], number),
            pairs(["=", "!="], token),
            pairs(["=", "!="], truth),
            pairs(["and", "or"], truth),
            st.builds(ast.Unary, st.just("not"), truth),
            pairs(["=", "!="], expressions("mode", 0, names)),
        ],
        "token": [
            st.builds(lambda n, a: ast.Call(n, (a,)), st.sampled_from(["input", "output"]), number),
            st.builds(lambda a, b: ast.Call("g", (a, b)), number, token),
        ],
        "mode": [],
    }[sort]
    return st.one_of(leaves, *more)


def updates(names):
    number, token = expressions("int", 2, names), expressions("token", 2, names)
    small = expressions("int", 1, names)
    return st.one_of(
        st.builds(lambda n, e: ast.Update(n, (), e), st.sampled_from("ij"), number),
        st.builds(lambda e: ast.Update("t", (), e), token),
        st.builds(lambda e: ast.Update("b", (), e), expressions("bool", 2, names)),
        st.builds(lambda e: ast.Update("m", (), e), expressions("mode", 0, names)),
        st.builds(lambda a, e: ast.Update("f", (a,), e), number, number),
        st.builds(lambda a, b, e: ast.Update("g", (a, b), e), number, token, token),
        st.builds(lambda a, e: ast.Update("output", (a,), e), small, token),
    )


def rules(depth, names=()):
    if depth == 0:
        return st.one_of(updates(names), st.just(ast.Halt()), st.just(ast.Skip()))
    body = blocks(depth - 1, names)
    truth, small = expressions("bool", 2, names), expressions("int", 1, names)
    x = f"x{depth}"
    inner = blocks(depth - 1, (*names, x))
    condition = st.none() | expressions("bool", 1, (*names, x))
    cases = st.lists(st.tuples(truth, body), min_size=1, max_size=3).map(tuple)
    low = st.integers(0, 3).map(ast.Number) | small
    high = st.integers(0, 5).map(ast.Number) | small
    return st.one_of(
        updates(names),
        st.builds(ast.If, cases, body),
        st.builds(
            lambda v, b: ast.Let(x, v, (*b, ast.Update("f", (ast.Name(x),), ast.Number(5)))),
            small,
            inner,
        ),
        st.builds(ast.Forall, st.just(x), low, high, condition, inner),
        st.builds(ast.Choose, st.just(x), low, high, condition, inner, body),
    )


def blocks(depth, names=()):
    return st.lists(rules(depth, names), min_size=0 if depth == 0 else 1, max_size=3).map(tuple)


def machines():
    """Trees of machines over the tokens xI and ("""
    return blocks(2).map(lambda rule: ast.Tree("random", DECLARATIONS, (*rule, USES)))
