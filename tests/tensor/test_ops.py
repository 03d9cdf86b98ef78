"""Every op of ops.def against its reference: value, and gradients by finite differences."""

import numpy as np
import ops as reference
import pytest

from recursionlab import _core, errors

K = 5  # classes of the loss that every case ends in
OFF = np.array([0, 3, 3, 8], np.int64)
OFF2 = np.array([0, 4, 6, 7], np.int64)
N, N2 = 8, 7


class Case:
    """A graph that ends in node "y", with the reference of its value.

    Inputs of the op under test are tables looked up row by row, so that their gradients are
    gradients of parameters too.
    """

    def __init__(self, value, nodes, width, to=None, smoothing=0.0, **params):
        self.value, self.nodes, self.width, self.to, self.smoothing = (
            value,
            nodes,
            width,
            to,
            smoothing,
        )
        self.shapes = params

    def run(self, rng, **options):
        self.params = {
            name: rng.normal(0, 1, shape).astype(np.float32) for name, shape in self.shapes.items()
        }
        self.params["probe"] = rng.normal(0, 1, (K, self.width)).astype(np.float32)
        self.labels = rng.integers(0, K, N).astype(np.int32)
        self.labels[2] = -100
        rows, rows2 = np.arange(N, dtype=np.int32), np.arange(N2, dtype=np.int32)
        indices = [
            ("rows", "a", "token", N, rows),
            ("rows2", "b", "token", N2, rows2),
            ("tokens", "a", "token", 6, TOKENS),
            ("places", "a", "position", 9, None),
            ("labels", "a", "label", K, self.labels),
        ]
        tail = [
            {"op": "linear", "name": "logits", "space": "a", "in": ["y"], "param": ["probe"]},
            {
                "op": "xent",
                "name": "loss",
                "space": "a",
                "in": ["logits"],
                "index": ["labels"],
                "smoothing": self.smoothing,
            },
        ]
        self.got = _core.run_graph(
            [("a", OFF), ("b", OFF2)],
            indices,
            list(self.params.items()),
            self.nodes + tail,
            to={"a": np.array(self.to, np.int32)} if self.to else None,
            **options,
        )
        return self.got

    def mean_loss(self, params):
        logits = self.value(params) @ params["probe"].T
        return reference.xent(logits, self.labels, self.smoothing).sum() / (N - 1)


TOKENS = np.array([3, 1, 0, 5, 3, 3, 2, 0], np.int32)
PLACES = np.array([0, 1, 2, 0, 1, 2, 3, 4])


def table(name, space="a"):
    rows = "rows" if space == "a" else "rows2"
    return {"op": "embed", "name": f"_{name}", "space": space, "param": [name], "index": [rows]}


def node(op, inputs, **more):
    return {"op": op, "name": "y", "space": "a", "in": [f"_{i}" for i in inputs], **more}


def act_case(act):
    return Case(
        lambda p: reference.ACTS[act](p["x"]), [table("x"), node("act", "x", act=act)], 6, x=(N, 6)
    )


def linear_case(act, bias):
    def value(p):
        return reference.ACTS[act](p["x"] @ p["w"].T + (p["c"] if bias else 0))

    params = {"x": (N, 6), "w": (4, 6), **({"c": (4,)} if bias else {})}
    names = ["w", "c" if bias else None]
    return Case(
        value, [table("x"), node("linear", "x", param=names, act=act, side="pre")], 4, **params
    )


def attention_case(heads, kv_heads, causal, space="a", to=None):
    def value(p):
        k_off = OFF if space == "a" else OFF2
        return reference.attention(
            *(p["q"], p["k"], p["v"], OFF, k_off), to or range(3), heads, kv_heads, causal
        )

    width, rows = 12 // heads * kv_heads, N if space == "a" else N2
    nodes = [
        table("q"),
        table("k", space),
        table("v", space),
        node("attention", "qkv", heads=heads, kv_heads=kv_heads, causal=causal, side="pattern"),
    ]
    return Case(value, nodes, 12, to, q=(N, 12), k=(rows, width), v=(rows, width))


def distance_case(heads, causal, buckets=None):
    """Attention with a bias by distance: ALiBi's, or a table of (buckets, reach)."""

    def value(p):
        t = p["t"] if buckets else None
        return reference.attention(
            *(p["q"], p["k"], p["v"], OFF, OFF, range(3), heads, heads, causal),
            lambda n: reference.distances(n, heads, causal, t, buckets[1] if buckets else 0),
        )

    more = {"param": ["t"], "reach": buckets[1]} if buckets else {"alibi": True}
    nodes = [
        *map(table, "qkv"),
        node("attention", "qkv", heads=heads, causal=causal, side="pattern", **more),
    ]
    params = {"t": (buckets[0], heads)} if buckets else {}
    return Case(value, nodes, 12, q=(N, 12), k=(N, 12), v=(N, 12), **params)


def rotary_case(heads, rows):
    """Rotary positions, of which the first `rows` stand in a table."""
    turn = node("rotary", "x", index=["places"], heads=heads, width=rows)
    return Case(
        lambda p: reference.rotary(p["x"], PLACES, heads), [table("x"), turn], 12, x=(N, 12)
    )


def mul_case():
    return Case(
        lambda p: p["a"] * p["b"] * p["a"],
        [
            table("a"),
            table("b"),
            {"op": "mul", "name": "_ab", "space": "a", "in": ["_a", "_b"]},
            {"op": "mul", "name": "y", "space": "a", "in": ["_ab", "_a"]},
        ],
        6,
        a=(N, 6),
        b=(N, 6),
    )


def scale_case():
    nodes = [table("x"), {**node("scale", "x", scale=-0.5), "name": "_s"}, node("add", "sx")]
    return Case(lambda p: 0.5 * p["x"], nodes, 6, x=(N, 6))


def residual_case():
    """x + f(norm(x)), whose values and gradients share buffers, after a sum of two tables."""

    def value(p):
        x = p["a"] + p["b"]
        return x + reference.layernorm(x, p["g"], None, 1e-3) @ p["w"].T

    nodes = [
        table("a"),
        table("b"),
        {"op": "add", "name": "x", "space": "a", "in": ["_a", "_b"]},
        {"op": "layernorm", "name": "n", "space": "a", "in": ["x"], "param": ["g"], "eps": 1e-3},
        {"op": "linear", "name": "f", "space": "a", "in": ["n"], "param": ["w"]},
        {"op": "add", "name": "y", "space": "a", "in": ["x", "f"]},
    ]
    return Case(value, nodes, 6, a=(N, 6), b=(N, 6), g=(6,), w=(6, 6))


def shared_case():
    """One matrix as table and as the weight of two linears: three gradients in one place."""

    def value(p):
        return np.maximum(p["w"][TOKENS] @ p["w"].T, 0) @ p["w"].T

    nodes = [
        {"op": "embed", "name": "e", "space": "a", "param": ["w"], "index": ["tokens"]},
        {"op": "linear", "name": "f", "space": "a", "in": ["e"], "param": ["w"], "act": 1},
        {"op": "linear", "name": "y", "space": "a", "in": ["f"], "param": ["w"]},
    ]
    return Case(value, nodes, 6, w=(6, 6))


def twice_case():
    return Case(
        lambda p: 2 * p["x"],
        [table("x"), {"op": "add", "name": "y", "space": "a", "in": ["_x", "_x"]}],
        6,
        x=(N, 6),
    )


def norm_case(op, beta):
    def value(p):
        if op == "rmsnorm":
            return reference.rmsnorm(p["x"], p["g"], 1e-3)
        return reference.layernorm(p["x"], p["g"], p["c"] if beta else None, 1e-3)

    names = ["g", "c"] if beta else ["g"]
    params = {"x": (N, 6), "g": (6,), **({"c": (6,)} if beta else {})}
    return Case(value, [table("x"), node(op, "x", param=names, eps=1e-3)], 6, **params)


EMBED = {
    "op": "embed",
    "name": "y",
    "space": "a",
    "param": ["w"],
    "index": ["tokens"],
    "scale": 1.5,
}
SINUSOID = {"op": "sinusoid", "name": "_s", "space": "a", "index": ["places"], "width": 6}
IDENTITY = [table("x"), node("dropout", "x", p=0.0)]

# Every op has cases under its name; one without fails below.
CASES = {
    "act": [act_case(a) for a in reference.ACTS],
    "add": [residual_case(), twice_case()],
    "attention": [
        attention_case(3, 3, False),
        attention_case(2, 2, True),
        attention_case(4, 2, True),
        attention_case(3, 1, False, "b"),
        attention_case(3, 3, False, "b", [2, 1, 2]),
        distance_case(3, True),
        distance_case(4, False),
        distance_case(2, True, (4, 3)),
        distance_case(3, False, (8, 4)),
    ],
    "dropout": [Case(lambda p: p["x"], IDENTITY, 6, x=(N, 6))],
    "embed": [Case(lambda p: 1.5 * p["w"][TOKENS], [EMBED], 6, w=(6, 6))],
    "layernorm": [norm_case("layernorm", True), norm_case("layernorm", False)],
    "linear": [linear_case(a, b) for a in (0, 1, 2) for b in (True, False)] + [shared_case()],
    "mul": [mul_case()],
    "rmsnorm": [norm_case("rmsnorm", False)],
    "rotary": [rotary_case(2, 9), rotary_case(3, 2)],
    "scale": [scale_case()],
    "sinusoid": [
        Case(
            lambda p: p["x"] + reference.sinusoid(9, 6)[PLACES],
            [table("x"), SINUSOID, node("add", "xs")],
            6,
            x=(N, 6),
        )
    ],
    "xent": [Case(lambda p: p["x"], IDENTITY, 6, x=(N, 6), smoothing=s) for s in (0.0, 0.3)],
}
ALL = [pytest.param(c, id=f"{op}-{i}") for op, cases in CASES.items() for i, c in enumerate(cases)]


def test_every_op_has_cases():
    assert sorted(CASES) == _core.ops()


@pytest.mark.parametrize("case", ALL)
def test_value_and_gradients(case):
    loss, count, values, grads = case.run(np.random.default_rng(3))
    exact = {name: value.astype(float) for name, value in case.params.items()}
    want = case.value(exact)
    scale = np.abs(want).max()
    assert np.abs(values["y"] - want).max() <= 2e-6 * scale
    assert count == N - 1
    assert loss / count == pytest.approx(case.mean_loss(exact), rel=1e-5)
    for name, value in exact.items():
        slope = reference.differences(lambda: case.mean_loss(exact), value)
        scale = max(np.abs(slope).max(), 1e-3)
        assert np.abs(grads[name] - slope).max() <= 2e-4 * scale, name


def test_side_values_are_what_they_say():
    case = attention_case(2, 2, True)
    values = case.run(np.random.default_rng(0))[2]
    first = values["pattern"].ravel()[: 2 * 9].reshape(2, 3, 3)
    np.testing.assert_allclose(first.sum(-1), 1, rtol=1e-6)
    assert not np.triu(first, 1).any()
    case = linear_case(1, True)
    values = case.run(np.random.default_rng(0))[2]
    np.testing.assert_array_equal(np.maximum(values["pre"], 0), values["y"])


def test_dropout_drops_by_counter_and_backward_uses_the_same_mask():
    case = Case(lambda p: p["x"], [table("x"), node("dropout", "x", p=0.4)], 6, x=(N, 6))
    ids = np.array([7, 8, 9], np.int64)
    loss, _, values, grads = case.run(np.random.default_rng(0), seed=5, step=2, ids=ids)
    exact = {name: value.astype(float) for name, value in case.params.items()}
    mask = values["y"] / exact["x"]
    assert set(np.round(np.unique(mask), 4)) == {0, np.round(1 / 0.6, 4)}
    exact_mask = np.where(mask != 0, 1 / 0.6, 0)
    case.value = lambda p: p["x"] * exact_mask
    slope = reference.differences(lambda: case.mean_loss(exact), exact["x"])
    np.testing.assert_allclose(grads["x"], slope, atol=2e-5)
    again = case.run(np.random.default_rng(0), seed=5, step=2, ids=ids)
    np.testing.assert_array_equal(again[2]["y"], values["y"])
    for change in ({"seed": 6}, {"step": 3}, {"ids": ids + 1}):
        other = case.run(np.random.default_rng(0), **{"seed": 5, "step": 2, "ids": ids, **change})
        assert (other[2]["y"] != values["y"]).any()
    still = case.run(np.random.default_rng(0), training=False)
    np.testing.assert_array_equal(still[2]["y"], case.params["x"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"op": "nothing"}, "no op 'nothing'"),
        ({"in": []}, "takes 1 inputs"),
        ({"param": []}, "takes 1 inputs, 1 to 2 parameters"),
        ({"param": ["x"]}, "weight 'x'|expected"),
        ({"name": "_x"}, "two points"),
        ({"name": "n" * 200}, "1 to 95 characters"),
    ],
)
def test_nodes_that_do_not_fit_are_refused(change, words):
    case = linear_case(0, False)
    case.nodes = [case.nodes[0], {**case.nodes[1], **change}]
    with pytest.raises((errors.InternalError, errors.InputError), match=words):
        case.run(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("case", "change", "words"),
    [
        (norm_case("layernorm", True), {"param": ["x", "c"]}, "gamma"),
        (attention_case(2, 2, True), {"heads": 5}, "5 heads"),
        (attention_case(4, 2, True), {"kv_heads": 3}, "4 heads, 3 of keys"),
        (attention_case(3, 3, False, "b"), {"alibi": True}, "distances of other rows"),
        (distance_case(2, True, (4, 3)), {"reach": 2}, "relative_distance beyond"),
        (distance_case(2, True, (6, 5)), {}, "multiple of 4"),
        (distance_case(2, True, (4, 3)), {"heads": 3}, "distances 't'"),
        (mul_case(), {"in": ["_ab", "missing"]}, "no in 'missing'"),
        (rotary_case(2, 9), {"heads": 5}, "even width"),
        (CASES["dropout"][0], {"p": 1.0}, "at least 0 and below 1"),
        (twice_case(), {"in": ["_x", "nowhere"]}, "no in 'nowhere'"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(case, change, words):
    nodes = [*case.nodes[:-1], {**case.nodes[-1], **change}]
    bad = Case(case.value, nodes, case.width, **case.shapes)
    with pytest.raises((errors.InternalError, errors.InputError), match=words):
        bad.run(np.random.default_rng(0))


def test_a_loss_checks_its_labels_and_smoothing():
    case = Case(lambda p: p["x"], IDENTITY, 6, x=(N, 6), smoothing=1.0)
    with pytest.raises(errors.InputError, match="label smoothing"):
        case.run(np.random.default_rng(0))


def test_keys_must_exist():
    case = attention_case(3, 3, False, "b", [2, 1, 3])
    with pytest.raises(errors.InputIndexError, match="attends to sequence 3 of b, which has 3"):
        case.run(np.random.default_rng(0))
