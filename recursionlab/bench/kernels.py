"""Kernels against PyTorch and NumPy on the shapes of the four models, one thread, by turns.

What a training step is made of, at the rows of one shard's batch: the products of linear layers,
attention, norms, loss, GELU, AdamW and embeddings. Both sides are called from Python on arrays that
stay in place; ours reads weights packed beforehand, as training does once a step. Kernels start no
thread (threads take shards: `bench train` measures that), so PyTorch is held to one as well. NumPy
cannot be from here: its products take every core, unless `OPENBLAS_NUM_THREADS=1` was set before.
Attention is one call of PyTorch's for a batch and one of ours a sequence: at few tokens the time of
calling counts against ours.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recursionlab import _core
from recursionlab.bench._cases import check
from recursionlab.bench._timing import fma_loop, interleaved
from recursionlab.errors import MissingExtraError
from recursionlab.machine import describe

VOCABULARY = 64
FLOPS, BYTES = "GFLOP/s", "GB/s"
GELU = 2  # rlab_act of csrc/tensor/kernel/kernel.h: by erf
NN, TN = 0, 2  # rlab_trans of the same file: which operand is stored transposed
Call = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A model whose kernels are measured."""

    d_model: int
    heads: int
    batch: int  # sequences
    tokens: int  # of each


CASES = {
    "d64": Case(64, 4, 64, 16),
    "d128": Case(128, 4, 64, 32),
    "d256": Case(256, 4, 64, 64),
    "d512": Case(512, 8, 32, 64),
}


@dataclass(frozen=True)
class Work:
    """One kernel on one shape: what it does at least, and who does it."""

    name: str
    unit: str
    amount: float  # floating-point operations, or bytes that must be read and written
    ours: Call
    peers: dict[str, Call]
    result: Callable[[], tuple[Any, Any]]  # the outputs of both sides, to be compared


def run(
    cases: Sequence[str] = ("d128",), repeats: int = 3, threads: Sequence[int] = (1,)
) -> dict[str, Any]:
    """Measure each kernel at the shapes of each case, ours and its peers by turns.

    Parameters
    ----------
    cases : sequence of str
        Names in `CASES`.
    repeats : int
        Bursts of half a second that each program gets; the median counts.
    threads : sequence of int
        PyTorch's threads; ours is one. A row for each.

    Returns
    -------
    dict
        `machine` and `rows`; a row has `bench case dtype threads peer ours theirs unit ratio spread
        share`: GFLOP/s or GB/s, ratio above 1 meaning that ours is faster, and our share in percent
        of the multiply-adds that the processor was measured to make (NaN for GB/s).

    Raises
    ------
    InputError
        If a case is unknown or `repeats` is below 1.
    MissingExtraError
        If PyTorch is not installed.
    """
    torch = _torch()
    check(cases, CASES, repeats)
    rows: list[dict[str, Any]] = []
    for name in cases:
        for work in works(CASES[name]):
            for count in threads:
                torch.set_num_threads(count)
                rows += _rows(name, work, repeats, count)
    return {"machine": {**describe(), "torch": torch.__version__}, "rows": rows}


def _torch() -> Any:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise MissingExtraError(
            "bench kernels: PyTorch is not installed; pip install 'recursionlab[torch]'"
        ) from error


def _repeated(call: Call) -> Callable[[int], object]:
    def program(calls: int) -> None:
        for _ in range(calls):
            call()

    return program


def _rows(case: str, work: Work, repeats: int, threads: int) -> list[dict[str, Any]]:
    calls = {"ours": work.ours, **work.peers}
    programs = {name: _repeated(call) for name, call in calls.items()}
    rates = interleaved({**programs, "peak": fma_loop}, repeats)
    peak = rates["peak"].high * fma_loop(1)  # a limit: what else runs only lowers it
    ours, scale = rates["ours"], work.amount / 1e9
    share = 100 * ours.median * work.amount / peak if work.unit == FLOPS else float("nan")
    return [
        {
            "bench": "kernels",
            "case": f"{case} {work.name}",
            "dtype": "float32",
            "threads": threads,
            "peer": peer,
            "ours": scale * ours.median,
            "theirs": scale * rates[peer].median,
            "unit": work.unit,
            "ratio": ours.median / rates[peer].median,
            "spread": ours.spread,
            "share": share,
        }
        for peer in work.peers
    ]


def works(case: Case) -> Iterator[Work]:
    """Yield every kernel of a case.

    Parameters
    ----------
    case : Case
        The model's shape.
    """
    rng = np.random.default_rng(0)
    yield from _linear(case, rng, case.d_model, case.d_model)
    yield from _linear(case, rng, case.d_model, 4 * case.d_model)
    yield from _linear(case, rng, 4 * case.d_model, case.d_model)
    yield _attention(case, rng)
    yield from _rowwise(case, rng)
    yield _adamw(case, rng)
    yield from _embeddings(case, rng)


def _normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def _ours(name: str, *args: Any) -> Call:
    isa = _core.isa()
    return lambda: _core.kernel(isa, name, *args)


def _packed(trans: int, n: int, k: int, weight: Any) -> Any:
    isa = _core.isa()
    out = np.zeros(_core.kernel(isa, "gemm_pack_size", n, k), np.float32)
    _core.kernel(isa, "gemm_pack", trans, n, k, weight.shape[1], weight, out)
    return out


def _linear(case: Case, rng: np.random.Generator, width: int, out: int) -> Iterator[Work]:
    """Forward, and the gradients of input and weight, of a layer from `width` to `out`."""
    torch = _torch()
    rows = case.batch * case.tokens
    x, w, dy = _normal(rng, rows, width), _normal(rng, out, width), _normal(rng, rows, out)
    y, dx, dw = np.zeros_like(dy), np.zeros_like(x), np.zeros_like(w)
    tx, tw, tdy = map(torch.from_numpy, (x, w, dy))
    ty, tdx, tdw = (torch.zeros(a.shape) for a in (y, dx, dw))
    ny, ndx, ndw = np.zeros_like(y), np.zeros_like(dx), np.zeros_like(dw)
    plain = (None, None, 0, None, None)  # no epilogue
    todo: tuple[tuple[str, Call, Call, Call, tuple[Any, Any]], ...] = (
        (
            "forward",
            _ours(
                "gemm_packed", rows, out, width, width, x, _packed(1, out, width, w), 0, out, y,
                *plain,
            ),
            lambda: torch.mm(tx, tw.T, out=ty),
            lambda: np.matmul(x, w.T, out=ny),
            (y, ty),
        ),
        (
            "dX",
            _ours(
                "gemm_packed", rows, width, out, out, dy, _packed(0, width, out, w), 0, width, dx,
                *plain,
            ),
            lambda: torch.mm(tdy, tw, out=tdx),
            lambda: np.matmul(dy, w, out=ndx),
            (dx, tdx),
        ),
        (
            "dW",
            _ours("gemm", TN, out, width, rows, out, dy, width, x, 0, width, dw, *plain),
            lambda: torch.mm(tdy.T, tx, out=tdw),
            lambda: np.matmul(dy.T, x, out=ndw),
            (dw, tdw),
        ),
    )  # fmt: skip
    for what, ours, theirs, numpys, result in todo:
        name = f"linear {width}x{out} {what}"
        peers = {_version(torch): theirs, f"NumPy {np.__version__}, its own threads": numpys}
        yield Work(name, FLOPS, 2.0 * rows * width * out, ours, peers, _just(result))


def _version(torch: Any) -> str:
    return f"PyTorch {torch.__version__}"


def _just(result: tuple[Any, Any]) -> Callable[[], tuple[Any, Any]]:
    return lambda: result


def _against(ours: Any, theirs: Call) -> Callable[[], tuple[Any, Any]]:
    return lambda: (ours, theirs())


def _attention(case: Case, rng: np.random.Generator) -> Work:
    """Forward over a batch, no mask: one call a sequence here, one for all there."""
    torch = _torch()
    tokens, width, head = case.tokens, case.d_model, case.d_model // case.heads
    q, k, v = (_normal(rng, case.batch, tokens, width) for _ in range(3))
    o = np.zeros_like(q)
    sizes = (tokens, tokens, case.heads, 1, head, width, width, width, width, head**-0.5, 0, 0)
    each = [
        _ours("attention_fwd", *sizes, None, 0.0, 0, 0, 0, q[i], k[i], v[i], o[i], None)
        for i in range(case.batch)
    ]
    split = [torch.from_numpy(a).unflatten(-1, (case.heads, head)).transpose(1, 2)
             for a in (q, k, v)]  # fmt: skip
    attend = torch.nn.functional.scaled_dot_product_attention

    def ours() -> None:
        for call in each:
            call()

    return Work(
        "attention forward",
        FLOPS,
        4.0 * case.batch * tokens * tokens * width,
        ours,
        {_version(torch): lambda: attend(*split)},
        lambda: (o, attend(*split).transpose(1, 2).flatten(2)),
    )


def _rowwise(case: Case, rng: np.random.Generator) -> Iterator[Work]:
    """Norms, GELU, and the loss with its gradient."""
    torch = _torch()
    functional, peer = torch.nn.functional, _version(torch)
    rows, width = case.batch * case.tokens, case.d_model
    x, y = _normal(rng, rows, width), np.zeros((rows, width), np.float32)
    gamma, beta = _normal(rng, width), _normal(rng, width)
    tx, tgamma, tbeta = map(torch.from_numpy, (x, gamma, beta))
    todo: tuple[tuple[str, Call, Call], ...] = (
        (
            "LayerNorm",
            _ours("layernorm_fwd", rows, width, x, gamma, beta, 1e-5, y, None, None),
            lambda: functional.layer_norm(tx, (width,), tgamma, tbeta, 1e-5),
        ),
        (
            "RMSNorm",
            _ours("rmsnorm_fwd", rows, width, x, gamma, 1e-5, y, None),
            lambda: functional.rms_norm(tx, (width,), tgamma, 1e-5),
        ),
        (
            "GELU",
            _ours("act_fwd", GELU, rows * width, x, y),
            lambda: functional.gelu(tx),
        ),
    )
    for name, ours, theirs in todo:
        yield Work(name, BYTES, 8.0 * rows * width, ours, {peer: theirs}, _against(y, theirs))
    yield _loss(rng, rows)


def _loss(rng: np.random.Generator, rows: int) -> Work:
    torch = _torch()
    logits = _normal(rng, rows, VOCABULARY)
    labels = rng.integers(0, VOCABULARY, rows).astype(np.int32)
    gradient = np.zeros_like(logits)
    scale = float(np.float32(1 / rows))
    leaf = torch.from_numpy(logits).requires_grad_()
    wide = torch.from_numpy(labels.astype(np.int64))

    def theirs() -> Any:
        return torch.autograd.grad(torch.nn.functional.cross_entropy(leaf, wide), leaf)[0]

    return Work(
        "softmax cross-entropy with gradient",
        BYTES,
        8.0 * rows * VOCABULARY,
        _ours(
            "xent", rows, VOCABULARY, VOCABULARY, logits, labels, 0.0, scale, None, VOCABULARY,
            gradient,
        ),
        {_version(torch): theirs},
        lambda: (gradient, theirs()),
    )  # fmt: skip


def _adamw(case: Case, rng: np.random.Generator) -> Work:
    """One update of as many numbers as the feed-forward layers of a block have."""
    torch = _torch()
    n = 8 * case.d_model**2
    g, w = _normal(rng, n), _normal(rng, n)
    leaf = torch.nn.Parameter(torch.from_numpy(w.copy()))
    leaf.grad = torch.from_numpy(g)
    options = {"lr": 1e-3, "betas": (0.9, 0.98), "eps": 1e-8, "weight_decay": 0.01}
    optimizer = torch.optim.AdamW([leaf], fused=True, **options)
    m, v = np.zeros_like(w), np.zeros_like(w)
    fixed = (1e-3, 0.9, 0.98, 1e-8, 0.01, 0.1, 0.02, 1.0)
    ours = _ours("adamw", n, *fixed, None, g, w, m, v)
    peers = {_version(torch): optimizer.step}
    return Work("AdamW", BYTES, 28.0 * n, ours, peers, lambda: (w, leaf.detach()))


def _embeddings(case: Case, rng: np.random.Generator) -> Iterator[Work]:
    torch = _torch()
    peer = _version(torch)
    rows, width = case.batch * case.tokens, case.d_model
    table, dy = _normal(rng, VOCABULARY, width), _normal(rng, rows, width)
    index = rng.integers(0, VOCABULARY, rows).astype(np.int32)
    y, dtable = np.zeros((rows, width), np.float32), np.zeros((VOCABULARY, width), np.float32)
    ttable, tindex, tdy = map(torch.from_numpy, (table, index.astype(np.int64), dy))
    tdtable = torch.zeros(VOCABULARY, width)
    yield Work(
        "embedding",
        BYTES,
        8.0 * rows * width,
        _ours("gather", rows, width, VOCABULARY, table, index, 1.0, 0, y),
        {peer: lambda: torch.nn.functional.embedding(tindex, ttable)},
        lambda: (y, torch.nn.functional.embedding(tindex, ttable)),
    )
    yield Work(
        "embedding gradient",
        BYTES,
        4.0 * rows * width,
        _ours("scatter_add", rows, width, VOCABULARY, index, 1.0, dy, dtable),
        {peer: lambda: tdtable.index_add_(0, tindex, tdy)},
        lambda: (dtable, tdtable),
    )
