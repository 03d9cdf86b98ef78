"""Ablating every head and patching every layer and position, against TransformerLens."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recursionlab import _core
from recursionlab.bench._cases import check
from recursionlab.errors import InternalError
from recursionlab.machine import describe

SPECIALS = 3  # <pad>, <bos>, <eos>
CHUNK = 256  # items between two changes of the measured program
PEER_BATCH = 128  # the peer's best of 32, 128 and 512
TOLERANCE = 2e-4  # of log p(label), between the two


@dataclass(frozen=True)
class Case:
    """A BART-shaped model and its work; all sequences full length, so that nothing is padded."""

    d_model: int
    layers: int  # of encoder and of decoder
    heads: int
    tokens: int  # of source and target
    items: int
    vocabulary: int = 64


CASES = {
    "d64": Case(64, 2, 4, 16, 1024),
    "d128": Case(128, 3, 4, 32, 256),
}


def run(cases: Sequence[str] = ("d64",), threads: Sequence[int] = (1, 2)) -> dict[str, Any]:
    """Measure both sweeps over all items, ours and the peer's by turns, a chunk of items at a time.

    Parameters
    ----------
    cases : sequence of str
        Names in `CASES`.
    threads : sequence of int
        Numbers of threads; the peer of every row is the better of them.

    Returns
    -------
    dict
        `machine` and `rows`; a row has `bench case dtype threads peer ours theirs unit ratio`,
        ratio above 1 meaning that ours is faster. The unit is an intervention on an item.

    Raises
    ------
    InputError
        If a case is unknown.
    MissingExtraError
        If TransformerLens is not installed.
    InternalError
        If the two do not agree.
    """
    from recursionlab.bench.lens_peer import Peer, versions

    check(cases, CASES)
    machine = {**describe(), **versions()}
    rows = []
    for name in cases:
        work = Work(CASES[name])
        rows += _rows(name, work, Peer(work.model), threads, machine["transformer_lens"])
    return {"machine": machine, "rows": rows}


class Work:
    """The interventions of a case, and our side of them."""

    def __init__(self, case: Case) -> None:
        self.case = case
        rng = np.random.default_rng(0)
        draw = rng.integers(SPECIALS, case.vocabulary, (4, case.items, case.tokens))
        self.source, self.target, self.labels, self.clean = (x.astype(np.int32) for x in draw)
        self.model = our_model(case)
        self.heads = [
            (f"{block}_blocks.{layer}.{attention}.hook_z", head)
            for block, attention in (
                ("encoder", "attn"),
                ("decoder", "self_attn"),
                ("decoder", "cross_attn"),
            )
            for layer in range(case.layers)
            for head in range(case.heads)
        ]
        self.patches = [
            (f"{block}_blocks.{layer}.hook_resid_pre", position)
            for block in ("encoder", "decoder")
            for layer in range(case.layers)
            for position in range(case.tokens)
        ]

    def chunk(self, first: int, items: int = CHUNK) -> tuple[NDArray[np.int32], ...]:
        """Return source, target, labels and clean source of some items, (items, tokens)."""
        part = slice(first, first + items)
        return self.source[part], self.target[part], self.labels[part], self.clean[part]

    def ours(self, first: int, threads: int) -> NDArray[np.float32]:
        """Return log p(label) of every intervention, (interventions, items, tokens)."""
        source, target, labels, clean = (np.ascontiguousarray(x) for x in self.chunk(first))
        n, tokens, width = len(source), self.case.tokens, self.case.d_model
        offsets = np.arange(n + 1, dtype=np.int64) * tokens
        values = {name: np.empty((n * tokens, width), np.float32) for name, _ in self.patches}
        self.model.forward(
            clean.ravel(),
            offsets,
            target.ravel(),
            offsets,
            taps=[(name, "read", value) for name, value in values.items()],
            threads=threads,
        )
        wide = width // self.case.heads
        edits: list[list[tuple[Any, ...]]] = [
            [(name, "scale", 0.0, head * wide, head * wide + wide)] for name, head in self.heads
        ]
        where = [np.zeros((n, tokens), np.uint8) for _ in range(tokens)]
        for position, mask in enumerate(where):
            mask[:, position] = 1
        edits += [
            [(name, "replace", values[name], 0, width, where[position].ravel())]
            for name, position in self.patches
        ]
        loss, _, _ = self.model.sweep(
            source.ravel(),
            offsets,
            target.ravel(),
            offsets,
            labels.ravel(),
            edits,
            choices=False,
            threads=threads,
        )
        return -loss[1:].reshape(len(edits), n, tokens)


def our_model(case: Case) -> _core.Model:
    """Return our model of a case, BART-shaped: norms after the sums, GELU, one tied table."""
    return _core.Model(
        "transformer",
        {
            "vocab_size": case.vocabulary,
            "d_model": case.d_model,
            "encoder_layers": case.layers,
            "decoder_layers": case.layers,
            "n_heads": case.heads,
            "max_positions": case.tokens,
            "norm_place": "post",
            "activation": "gelu",
        },
    )


def _theirs(work: Work, peer: Any, first: int, threads: int) -> NDArray[np.float32]:
    """Return what `Work.ours` does, of the peer, a batch of its own at a time."""
    last = min(first + CHUNK, work.case.items)
    parts = [
        peer.sweep(work, at, min(PEER_BATCH, last - at), threads)
        for at in range(first, last, PEER_BATCH)
    ]
    return np.concatenate(parts, axis=1)


def _rows(
    name: str, work: Work, peer: Any, threads: Sequence[int], version: str
) -> list[dict[str, Any]]:
    programs: dict[tuple[str, int], Callable[[int], NDArray[np.float32]]] = {}
    for count in threads:
        programs["ours", count] = partial(work.ours, threads=count)
        programs["theirs", count] = partial(_theirs, work, peer, threads=count)
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in programs}
    peer.warm(work)
    dropped: set[tuple[str, int]] = set()
    for first in range(0, work.case.items, CHUNK):
        said: dict[str, NDArray[np.float32]] = {}
        for key, program in programs.items():
            if key in dropped:
                continue
            start = time.perf_counter()
            said[key[0]] = program(first)
            seconds[key].append(time.perf_counter() - start)
        _agree(said["ours"], said["theirs"])
        if first == 0:  # the slower of the peer's settings has had its turn
            best = min(threads, key=lambda t: seconds["theirs", t][0])
            dropped = {("theirs", t) for t in threads if t != best}
    each = len(work.heads) + len(work.patches)
    rates = {
        key: each * min(CHUNK, work.case.items) / statistics.median(times)
        for key, times in seconds.items()
    }
    return [
        {
            "bench": "interpret",
            "case": name,
            "dtype": "float32",
            "threads": count,
            "peer": f"TransformerLens {version}, {best} threads",
            "ours": rates["ours", count],
            "theirs": rates["theirs", best],
            "unit": "interventions x items/s",
            "ratio": rates["ours", count] / rates["theirs", best],
        }
        for count in threads
    ]


def _agree(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> None:
    apart = float(np.abs(ours - theirs).max())
    if ours.shape != theirs.shape or not apart < TOLERANCE:
        raise InternalError(f"bench interpret: the two differ by {apart:.2g} in log p(label)")
