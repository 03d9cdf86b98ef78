"""Training steps a second against PyTorch: same shape, batches and optimizer, interleaved."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from recursionlab import _core
from recursionlab.errors import InputError, MissingExtraError
from recursionlab.learn.split import PackedSplit, pack
from recursionlab.machine import describe

VOCABULARY = ("<pad>", "<bos>", "<eos>", *(f"t{i}" for i in range(61)))
BURST = 0.5  # seconds of steps between two changes of the measured program


@dataclass(frozen=True)
class Case:
    """A shape to train; all sequences full length, so that nothing is padded anywhere."""

    d_model: int
    layers: int  # of encoder and of decoder
    heads: int
    batch: int  # pairs an update
    tokens: int  # of a source; the decoder reads as many, <bos> among them


CASES = {
    "d64-full": Case(64, 2, 4, 64, 16),
    "d128-full": Case(128, 2, 4, 64, 32),
    "d256-full": Case(256, 3, 4, 64, 64),
    "d512-full": Case(512, 6, 8, 32, 64),
}


def run(
    cases: Sequence[str] = ("d128-full",),
    repeats: int = 5,
    threads: Sequence[int] = (1, 2),
    shards: int = 4,
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

    Returns
    -------
    dict
        `machine` and `rows`; a row has `bench case dtype threads peer ours theirs unit ratio`,
        ratio above 1 meaning that ours is faster.

    Raises
    ------
    InputError
        If a case is unknown or `repeats` is below 1.
    MissingExtraError
        If PyTorch is not installed.
    """
    torch = _torch()
    if repeats < 1:
        raise InputError(f"repeats: expected at least 1, got {repeats}")
    for name in cases:
        if name not in CASES:
            raise InputError(f"case: expected one of {', '.join(CASES)}, got {name!r}")
    rows = [row for name in cases for row in _rows(name, repeats, threads, shards)]
    return {"machine": {**describe(), "torch": torch.__version__}, "rows": rows}


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            "bench train: PyTorch is not installed; pip install 'recursionlab[torch]'"
        ) from error
    return torch


def _rows(name: str, repeats: int, threads: Sequence[int], shards: int) -> list[dict[str, Any]]:
    case = CASES[name]
    split = _split(case)
    step = _our_step(case, split, shards)
    peer = _their_step(case, split)
    programs: dict[tuple[str, int], Callable[[int], None]] = {}
    for count in threads:
        programs["ours", count] = partial(step, threads=count)
        programs["theirs", count] = partial(peer, threads=count)
    rates = _interleaved(programs, repeats)
    best = max(threads, key=lambda count: rates["theirs", count])
    version = _torch().__version__
    return [
        {
            "bench": "train",
            "case": name,
            "dtype": "float32",
            "threads": count,
            "peer": f"PyTorch {version} eager, {best} threads",
            "ours": rates["ours", count],
            "theirs": rates["theirs", best],
            "unit": "steps/s",
            "ratio": rates["ours", count] / rates["theirs", best],
        }
        for count in threads
    ]


def _interleaved(
    programs: dict[tuple[str, int], Callable[[int], None]], repeats: int
) -> dict[tuple[str, int], float]:
    """Return the median steps a second of each program, each given its bursts by turns."""
    burst = {}
    for key, program in programs.items():
        program(2)  # the first steps allocate
        start = time.perf_counter()
        program(2)
        burst[key] = max(1, round(BURST / ((time.perf_counter() - start) / 2)))
    rates: dict[tuple[str, int], list[float]] = {key: [] for key in programs}
    for _ in range(repeats):
        for key, program in programs.items():
            start = time.perf_counter()
            program(burst[key])
            rates[key].append(burst[key] / (time.perf_counter() - start))
    return {key: statistics.median(values) for key, values in rates.items()}


def _split(case: Case) -> PackedSplit:
    rng = np.random.default_rng(0)
    draw = rng.integers(3, len(VOCABULARY), (4 * case.batch, 2 * case.tokens - 1))
    pairs = [(row[: case.tokens].tolist(), row[case.tokens :].tolist()) for row in draw]
    return pack(pairs, VOCABULARY)


def our_model(case: Case) -> _core.Model:
    """Return our model of a case: pre-norm, learned positions, ReLU, one tied token table."""
    return _core.Model(
        "transformer",
        {
            "vocab_size": len(VOCABULARY),
            "d_model": case.d_model,
            "encoder_layers": case.layers,
            "decoder_layers": case.layers,
            "n_heads": case.heads,
            "max_positions": 2 * case.tokens,
        },
    )


def _our_step(case: Case, split: PackedSplit, shards: int) -> Callable[..., None]:
    trainer = _core.Trainer(
        our_model(case),
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
    )

    def step(count: int, threads: int) -> None:
        trainer.run(count, threads)

    return step


def _their_step(case: Case, split: PackedSplit) -> Callable[..., None]:
    from recursionlab.bench.torch_peer import Seq2Seq

    torch = _torch()
    torch.manual_seed(0)
    model = Seq2Seq(len(VOCABULARY), case.d_model, case.layers, case.heads, 2 * case.tokens)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-4, betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    source = torch.from_numpy(split.input_ids.reshape(-1, case.tokens).astype(np.int64))
    bare = torch.from_numpy(split.labels.reshape(-1, case.tokens - 1).astype(np.int64))
    column = torch.ones(len(bare), 1, dtype=torch.int64)
    target, labels = torch.cat([column, bare], 1), torch.cat([bare, 2 * column], 1)

    def step(count: int, threads: int) -> None:
        torch.set_num_threads(threads)
        for k in range(count):
            part = slice(case.batch * (k % 4), case.batch * (k % 4 + 1))
            logits = model(source[part], target[part])
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), labels[part].flatten(), ignore_index=-100
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            loss.item()

    return step
