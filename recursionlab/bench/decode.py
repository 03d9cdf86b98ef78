"""Greedy decoding against `transformers` and CTranslate2: one T5-shaped model, the same outputs.

A model of random weights is made by `transformers`, opened here by `from_pretrained` and converted
for CTranslate2; each decodes the same inputs, sorted by length and padded where it pads, by turns
in one process. Outputs are compared token for token before anything is measured.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recursionlab import _core
from recursionlab.bench._cases import check
from recursionlab.bench._timing import Rate, interleaved
from recursionlab.errors import MissingExtraError
from recursionlab.machine import describe
from recursionlab.models import from_pretrained

VOCABULARY = 64
BATCH = 64
START, END = 0, 1  # T5's
Outputs = list[list[int]]
Program = Callable[..., Outputs]


@dataclass(frozen=True)
class Case:
    """A shape to decode with; outputs end where the model says so, or at `longest` tokens."""

    d_model: int
    layers: int  # of encoder and of decoder
    heads: int
    longest: int  # tokens of a source (at least half as many) and of an output


CASES = {
    "t5-d64": Case(64, 2, 4, 32),
    "t5-d128": Case(128, 2, 4, 32),
    "t5-d256": Case(256, 3, 4, 64),
}


def run(
    cases: Sequence[str] = ("t5-d128",),
    repeats: int = 5,
    threads: Sequence[int] = (1, 2),
    items: int = 1024,
) -> dict[str, Any]:
    """Measure greedy decoding, batch 64, of each case with each number of threads, by turns.

    Parameters
    ----------
    cases : sequence of str
        Names in `CASES`.
    repeats : int
        Bursts that each program gets; the median counts.
    threads : sequence of int
        Numbers of threads; each row's peer is the best of its variants with as many.
    items : int
        Inputs to decode.

    Returns
    -------
    dict
        `machine` and `rows`; a row has `bench case dtype threads peer ours theirs unit ratio
        spread same`: inputs a second, ratio above 1 meaning that ours is faster, and the share of
        inputs whose outputs are the same tokens.

    Raises
    ------
    InputError
        If a case is unknown or `repeats` is below 1.
    MissingExtraError
        If PyTorch, `transformers` or CTranslate2 is not installed.
    """
    versions = {
        name: _module(name).__version__ for name in ("torch", "transformers", "ctranslate2")
    }
    check(cases, CASES, repeats)
    rows: list[dict[str, Any]] = []
    for name in cases:
        rows += _rows(name, repeats, threads, items)
    return {"machine": {**describe(), **versions}, "rows": rows}


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"bench decode: {name} is not installed; pip install 'recursionlab[bench]'"
        ) from error


def _rows(name: str, repeats: int, threads: Sequence[int], items: int) -> list[dict[str, Any]]:
    case = CASES[name]
    inputs = sources(case, items)
    with tempfile.TemporaryDirectory() as folder:
        peer = foreign_model(case)
        peer.save_pretrained(folder)
        ours = our_program(Path(folder), case, inputs)
        programs: dict[tuple[str, int], Callable[[int], object]] = {}
        said, want = {}, ours(1, threads=1)
        for count in threads:
            variants = {
                "transformers": their_program(peer, case, inputs, count),
                **ctranslate2_programs(peer, Path(folder), case, inputs, count),
            }
            programs["ours", count] = partial(ours, threads=count)
            for kind, program in variants.items():
                programs[kind, count] = program
                said[kind] = np.mean([a == b for a, b in zip(program(1), want, strict=True)])
        rates = interleaved(programs, repeats)
    rows = []
    for count in threads:
        for family in ("transformers", "CTranslate2"):
            keys = [k for k in rates if k[1] == count and k[0].startswith(family)]
            best = max(keys, key=lambda key: rates[key].median)
            version = _module(family.lower()).__version__
            label = f"{family} {version}{best[0][len(family) :]}"
            rows.append(_row(name, count, rates["ours", count], label, rates[best], items))
            rows[-1]["same"] = float(said[best[0]])
    return rows


def _row(
    case: str, threads: int, ours: Rate, peer: str, theirs: Rate, items: int
) -> dict[str, Any]:
    return {
        "bench": "decode",
        "case": case,
        "dtype": "float32",
        "threads": threads,
        "peer": peer,
        "ours": items * ours.median,
        "theirs": items * theirs.median,
        "unit": "inputs/s",
        "ratio": ours.median / theirs.median,
        "spread": ours.spread,
    }


def sources(case: Case, items: int) -> list[list[int]]:
    """Return inputs of half the longest length to the longest, the same every time."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(case.longest // 2, case.longest + 1, items)
    return [rng.integers(3, VOCABULARY, n).tolist() for n in lengths]


def foreign_model(case: Case) -> Any:
    """Return a T5 of random weights, large so that outputs differ; few end before `longest`."""
    torch, transformers = _module("torch"), _module("transformers")
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=VOCABULARY,
        d_model=case.d_model,
        d_kv=case.d_model // case.heads,
        d_ff=4 * case.d_model,
        num_layers=case.layers,
        num_heads=case.heads,
        decoder_start_token_id=START,
        eos_token_id=END,
    )
    model = transformers.T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        for value in model.parameters():
            if value.ndim > 1:
                value.normal_(0, 1.5 / value.shape[1] ** 0.5)
        model.shared.weight.normal_(0, 1.0)
        model.shared.weight[END] = 0.0  # its logit is 0, seldom the largest
    return model


def our_program(folder: Path, case: Case, inputs: list[list[int]]) -> Program:
    """Return our decoding of all inputs, `calls` times."""
    model, _ = from_pretrained(folder)
    ids = np.concatenate(inputs).astype(np.int32)
    offsets = np.cumsum([0, *map(len, inputs)], dtype=np.int64)

    def decode(calls: int, threads: int) -> Outputs:
        for _ in range(calls):
            found = _core.decode(model, ids, offsets, "greedy", case.longest, BATCH, threads)
        said, ends = found[0].tolist(), found[1].tolist()
        return [said[a:b] for a, b in zip(ends, ends[1:], strict=False)]

    return decode


def _trimmed(row: list[int], longest: int) -> list[int]:
    return row[: row.index(END)] if END in row else row[:longest]


def their_program(peer: Any, case: Case, inputs: list[list[int]], threads: int) -> Program:
    """Return `generate` on batches of like length, padded and masked, as a careful user writes."""
    torch = _module("torch")
    order = np.argsort([len(row) for row in inputs], kind="stable").tolist()
    batches = []
    for first in range(0, len(order), BATCH):
        rows = [inputs[i] for i in order[first : first + BATCH]]
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        batches.append((order[first : first + BATCH], ids, mask))

    def decode(calls: int) -> Outputs:
        said: Outputs = [[] for _ in inputs]
        torch.set_num_threads(threads)
        for _ in range(calls):
            for items, ids, mask in batches:
                rows = peer.generate(
                    input_ids=ids,
                    attention_mask=mask,
                    max_new_tokens=case.longest + 1,
                    do_sample=False,
                    num_beams=1,
                )
                for item, row in zip(items, rows[:, 1:].tolist(), strict=True):
                    said[item] = _trimmed(row, case.longest)
        return said

    return decode


class _Words:
    """What CTranslate2's converter asks of a tokenizer: token `i` is spelled `t{i}`."""

    pad_token, eos_token, unk_token = f"t{START}", f"t{END}", "t2"

    def get_vocab(self) -> dict[str, int]:
        return {f"t{i}": i for i in range(VOCABULARY)}

    def convert_ids_to_tokens(self, number: int) -> str:
        return f"t{number}"


def ctranslate2_programs(
    peer: Any, folder: Path, case: Case, inputs: list[list[int]], threads: int
) -> dict[str, Program]:
    """Return CTranslate2's decoding, with threads inside a batch and with batches side by side."""
    ctranslate2 = _module("ctranslate2")
    loader = _module("ctranslate2.converters.transformers").T5Loader()
    target = folder / "ctranslate2"
    if not target.exists():
        target.mkdir()
        spec = loader(peer, _Words())
        spec.validate()
        spec.optimize(quantization=None)
        spec.save(str(target))
    words = [[f"t{i}" for i in row] for row in inputs]

    def program(translator: Any) -> Program:
        def decode(calls: int) -> Outputs:
            for _ in range(calls):
                found = translator.translate_batch(
                    words,
                    max_batch_size=BATCH,
                    beam_size=1,
                    max_decoding_length=case.longest + 1,
                    min_decoding_length=0,
                )
            rows = [[int(word[1:]) for word in one.hypotheses[0]] for one in found]
            return [_trimmed(row, case.longest) for row in rows]

        return decode

    def made(inter: int, intra: int) -> Program:
        return program(
            ctranslate2.Translator(
                str(target),
                device="cpu",
                compute_type="float32",
                inter_threads=inter,
                intra_threads=intra,
            )
        )

    out = {"CTranslate2, threads inside": made(1, threads)}
    if threads > 1:
        out["CTranslate2, batches beside"] = made(threads, 1)
    return out
