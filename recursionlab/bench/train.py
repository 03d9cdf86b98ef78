"""Training against PyTorch: speed, share of the processor's peak, scaling, memory.

Same shape, pairs and optimizer on both sides, by turns in one process. The peer is written as a
careful user would: fused attention and AdamW, pairs of like length batched together and padded, and
`torch.compile` as well as eager; every ratio is against the best of its variants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from recursionlab import _core
from recursionlab.bench._cases import check
from recursionlab.bench._memory import peak_of
from recursionlab.bench._timing import Rate, fma_loop, interleaved
from recursionlab.errors import MissingExtraError
from recursionlab.learn.split import PackedSplit, pack
from recursionlab.machine import describe

if TYPE_CHECKING:
    from recursionlab.data.dataset import Split

WORDS = ("<pad>", "<bos>", "<eos>", *(f"t{i}" for i in range(61)))
CORPUS = 8  # batches of training pairs
BFLOAT16_ISA = "avx512bf16"  # the instruction set with dot products of bfloat16
MEMORY_STEPS = 3  # updates until the peak of memory is reached

Step = Callable[..., None]
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A shape to train."""

    d_model: int
    layers: int  # of encoder and of decoder
    heads: int
    batch: int  # pairs an update
    tokens: int  # of a source, the decoder reads as many; 0: `call` traces of trees, any length


CASES = {
    "d64-full": Case(64, 2, 4, 64, 16),
    "d128-full": Case(128, 2, 4, 64, 32),
    "d256-full": Case(256, 3, 4, 64, 64),
    "d512-full": Case(512, 6, 8, 32, 64),
    "d128-traces": Case(128, 2, 4, 64, 0),
}


def run(
    cases: Sequence[str] = ("d128-full",),
    repeats: int = 5,
    threads: Sequence[int] = (1, 2),
    shards: int = 4,
    compiled: bool = True,
    memory: bool = True,
    bfloat16: bool | None = None,
) -> dict[str, Any]:
    """Measure training of each case with each number of threads, ours and PyTorch's by turns.

    Parameters
    ----------
    cases : sequence of str
        Names in `CASES`.
    repeats : int
        Bursts of half a second that each program gets; the median counts.
    threads : sequence of int
        Numbers of threads; the peer of every row is the best PyTorch among them.
    shards : int
        Parts our batch is cut into.
    compiled : bool
        Also `torch.compile`, which takes a minute or so to begin.
    memory : bool
        Also the peak memory of either side, each in a process of its own.
    bfloat16 : bool, optional
        Also both sides with products of bfloat16 (PyTorch's by autocast). By default where the
        processor has dot products of them; elsewhere ours are emulated, right but slow.

    Returns
    -------
    dict
        `machine` and `rows`; a row has `bench case dtype threads peer ours theirs unit ratio
        spread`, ratio above 1 meaning that ours is better. Units: `steps/s`; `% of FMA peak`, the
        useful operations of a step as a share of what multiply-adds alone reach on as many cores;
        `x 1 thread`, the gain by more threads; `MiB`. Rows of `bfloat16` have PyTorch's bfloat16 as
        a peer, then our float32. `left_out` says in words what was not measured, and why.

    Raises
    ------
    InputError
        If a case is unknown or `repeats` is below 1.
    MissingExtraError
        If PyTorch is not installed.
    """
    torch = _torch()
    check(cases, CASES, repeats)
    rows: list[Row] = []
    left_out: list[str] = []
    has = _core.isa() == BFLOAT16_ISA
    if bfloat16 is None and not has:
        left_out.append(f"bfloat16: in use is {_core.isa()}, its products need {BFLOAT16_ISA}")
    for name in cases:
        rows += _speed_rows(name, repeats, threads, shards, compiled)
        if has if bfloat16 is None else bfloat16:
            rows += _bfloat16_rows(name, repeats, threads, shards)
        if memory:
            rows.append(_memory_row(name, max(threads)))
    machine = {**describe(), "torch": torch.__version__}
    return {"machine": machine, "rows": rows, "left_out": left_out}


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            "bench train: PyTorch is not installed; pip install 'recursionlab[torch]'"
        ) from error
    return torch


def _speed_rows(
    name: str, repeats: int, threads: Sequence[int], shards: int, compiled: bool
) -> list[Row]:
    case = CASES[name]
    split = corpus(case)
    step = our_step(case, split, shards)
    peers = {"eager": their_step(case, split, False)}
    if compiled:
        peers["compile"] = their_step(case, split, True)
    programs: dict[tuple[str, int], Callable[[int], object]] = {("peak", 1): fma_loop}
    for count in threads:
        programs["ours", count] = partial(step, threads=count)
        for kind, peer in peers.items():
            programs[kind, count] = partial(peer, threads=count)
    rates = interleaved(programs, repeats, 1 if case.tokens else CORPUS)
    peak = rates["peak", 1].median * fma_loop(1)
    flops = flops_of_step(case, split)
    rows = []
    for count in threads:
        best = max((key for key in rates if key[0] in peers), key=lambda key: rates[key].median)
        share = 100 * flops / peak / count
        row = partial(_row, name, count, rates["ours", count])
        rows.append(row(_peer(*best), rates[best].median, "steps/s"))
        same = max(((k, count) for k in peers), key=lambda key: rates[key].median)
        rows.append(row(_peer(*same), rates[same].median, "% of FMA peak", share))
        if count > threads[0] == 1:
            alone = rates["ours", 1].median
            gain = rates[same].median / rates[same[0], 1].median
            rows.append(row(_peer(*same), gain * alone, "x 1 thread", 1 / alone))
    return rows


def _bfloat16_rows(name: str, repeats: int, threads: Sequence[int], shards: int) -> list[Row]:
    case = CASES[name]
    split = corpus(case)
    sides = {
        "ours": our_step(case, split, shards, "bfloat16"),
        "float32": our_step(case, split, shards),
        "bfloat16 autocast": their_step(case, split, False, autocast=True),
    }
    programs = {
        (side, count): partial(step, threads=count)
        for count in threads
        for side, step in sides.items()
    }
    rates = interleaved(programs, repeats, 1 if case.tokens else CORPUS)
    best = max((k for k in rates if "autocast" in k[0]), key=lambda key: rates[key].median)
    rows = []
    for count in threads:
        alone = rates["float32", count].median
        for peer, theirs in (
            (_peer(*best), rates[best].median),
            (f"ours, float32, {count} threads", alone),
        ):
            row = _row(name, count, rates["ours", count], peer, theirs, "steps/s")
            rows.append({**row, "dtype": "bfloat16"})
    return rows


def _peer(kind: str, threads: int) -> str:
    return f"PyTorch {_torch().__version__} {kind}, {threads} threads"


def _row(
    case: str, threads: int, ours: Rate, peer: str, theirs: float, unit: str, scale: float = 1.0
) -> Row:
    return {
        "bench": "train",
        "case": case,
        "dtype": "float32",
        "threads": threads,
        "peer": peer,
        "ours": scale * ours.median,
        "theirs": scale * theirs,
        "unit": unit,
        "ratio": ours.median / theirs,
        "spread": ours.spread,
    }


def _memory_row(name: str, threads: int) -> Row:
    ours, theirs = (
        peak_of(f"{__name__}:steps_alone({side!r}, {name!r}, {threads})")
        for side in ("ours", "theirs")
    )
    row = _row(name, threads, Rate(ours, ours, ours), _peer("eager", threads), theirs, "MiB")
    return {**row, "ratio": theirs / ours}


def steps_alone(side: str, name: str, threads: int) -> None:
    """Make a few updates of one side, for its memory's peak.

    Parameters
    ----------
    side : str
        `"ours"` or `"theirs"`.
    name : str
        A name in `CASES`.
    threads : int
        How many.
    """
    case = CASES[name]
    split = corpus(case)
    step = our_step(case, split, 4) if side == "ours" else their_step(case, split, False)
    step(MEMORY_STEPS if case.tokens else CORPUS, threads=threads)


# ---- pairs --------------------------------------------------------------------------------------


def corpus(case: Case) -> PackedSplit:
    """Return the pairs of a case: random ones of full length, or traces of preorder by `call`."""
    if not case.tokens:
        return _traces(CORPUS * case.batch)
    rng = np.random.default_rng(0)
    draw = rng.integers(3, len(WORDS), (CORPUS * case.batch, 2 * case.tokens - 1))
    pairs = [(row[: case.tokens].tolist(), row[case.tokens :].tolist()) for row in draw]
    return pack(pairs, WORDS)


def _traces(count: int) -> PackedSplit:
    """Return `count` traces, of trees of 1 to 22 constructors."""
    from recursionlab.data import make_dataset
    from recursionlab.language import library

    preorder = library("tree")["preorder"].at(A="label")
    data = make_dataset(
        preorder, task="trace", sizes="1..22", per_size=count // 5, fractions=(1.0, 0.0, 0.0)
    )["train"]
    pairs = [(_cut(data, "input", i), _cut(data, "label", i)) for i in range(len(data))]
    order = np.random.default_rng(0).permutation(len(pairs))[:count]
    return pack([pairs[i] for i in order], data.vocabulary)


def _cut(data: Split, side: str, item: int) -> list[int]:
    ids = data.input_ids if side == "input" else data.labels
    offsets = getattr(data, f"{side}_offsets")
    found: list[int] = ids[offsets[item] : offsets[item + 1]].tolist()
    return found


def flops_of_step(case: Case, split: PackedSplit) -> float:
    """Return the operations of one update that padding does not add to, forward and backward."""
    pairs = len(split.input_offsets) - 1
    target = split.label_offsets + np.arange(pairs + 1)  # <bos> is read as well
    return our_model(case, split).flops(split.input_offsets, target) * case.batch / pairs


# ---- the two sides ------------------------------------------------------------------------------


def longest(split: PackedSplit) -> int:
    """Return the most tokens that either side of a pair has, <bos> among them."""
    return int(max(np.diff(split.input_offsets).max(), np.diff(split.label_offsets).max() + 1))


def our_model(case: Case, split: PackedSplit) -> _core.Model:
    """Return our model of a case: pre-norm, learned positions, ReLU, one tied token table."""
    return _core.Model(
        "transformer",
        {
            "vocab_size": len(split.vocabulary),
            "d_model": case.d_model,
            "encoder_layers": case.layers,
            "decoder_layers": case.layers,
            "n_heads": case.heads,
            "max_positions": longest(split),
        },
    )


def our_step(case: Case, split: PackedSplit, shards: int, precision: str = "float32") -> Step:
    """Return a function that makes `count` of our updates on `threads` threads."""
    trainer = _core.Trainer(
        our_model(case, split),
        split.input_ids,
        split.input_offsets,
        split.labels,
        split.label_offsets,
        steps=1 << 40,
        warmup=100,
        batch_size=case.batch,
        shards=shards,
        schedule="constant",
        lr=1e-4,
        lr_end=0.0,
        beta1=0.9,
        beta2=0.98,
        eps=1e-8,
        weight_decay=0.01,
        clip=1.0,
        label_smoothing=0.0,
        seed=0,
        precision=precision,
    )

    def step(count: int, threads: int) -> None:
        trainer.run(count, threads)

    return step


def their_step(case: Case, split: PackedSplit, compiled: bool, autocast: bool = False) -> Step:
    """Return a function that makes `count` updates of PyTorch's on `threads` threads."""
    from recursionlab.bench.torch_peer import Seq2Seq, loss_of, padded_batches

    torch = _torch()
    torch.manual_seed(0)
    model = Seq2Seq(len(split.vocabulary), case.d_model, case.layers, case.heads, longest(split))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-4, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    loss_function = torch.compile(loss_of) if compiled else loss_of
    batches = padded_batches(split, case.batch)
    made = 0

    def step(count: int, threads: int) -> None:
        nonlocal made
        torch.set_num_threads(threads)
        for _ in range(count):
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                loss = loss_function(model, *batches[made % len(batches)])
            made += 1
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            loss.item()

    return step
