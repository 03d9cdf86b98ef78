"""Predictions of any model: kept as JSONL with lm-eval's keys, read back whoever wrote them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recursionlab.data.dataset import Packed, Split
from recursionlab.errors import FormatError, InputError
from recursionlab.files import atomic_file

ID_KEYS = ("doc_id", "id")
TEXT_KEYS = ("prediction", "filtered_resps", "resps")


@dataclass(frozen=True)
class Predictions:
    """What a model answered to the items of a split, in the split's order.

    Attributes
    ----------
    ids : (N,) int32
        Tokens of all answers end to end, bare of <bos> and <eos>.
    offsets : (R + 1,) int64
        Where each answer begins.
    """

    ids: Any
    offsets: Any
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of answers."""
        return len(self.offsets) - 1


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def rows(predicted: Packed, split: Split, exact: Any) -> Iterator[dict[str, Any]]:
    """Go over the samples of a split with lm-eval's keys."""
    for i, item in enumerate(split):
        got = split.text(predicted[i])
        doc = {k: v for k, v in item.items() if k not in ("input_ids", "labels", "trace")}
        yield {
            "doc_id": item["id"],
            "doc": doc,
            "target": item["target"],
            "resps": [[got]],
            "filtered_resps": [got],
            "exact_match": float(exact[i]),
            "prediction_ids": predicted[i].tolist(),
            "doc_hash": _hash(json.dumps(doc, sort_keys=True)),
            "prompt_hash": _hash(item["input"]),
            "target_hash": _hash(item["target"]),
        }


def write_samples(path: str | Path, predicted: Packed, split: Split, exact: Any) -> None:
    """Write one JSON line an item, whole file or none."""
    with atomic_file(path) as out:
        for row in rows(predicted, split, exact):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_predictions(path: str | Path, split: Split) -> Packed:
    """Read predictions for a split from JSONL, CSV or Parquet, whoever wrote them.

    Each line or row has `doc_id` (or `id`), which is an item's id or its number in the split, and
    one of `prediction_ids` (tokens), `prediction`, `filtered_resps` or `resps` (text, tokens
    separated by spaces). The order is free. Files that end in `.csv` or `.parquet` are read as
    such.

    Returns
    -------
    Packed
        One sequence an item, in the split's order.

    Raises
    ------
    FormatError
        If a line is not such an object, or an item is missing, double or unknown.
    """
    path = Path(path)
    place = {split.ids(i): i for i in range(len(split))}
    words = {word: i for i, word in enumerate(split.vocabulary)}
    found: dict[int, list[int]] = {}
    lines: dict[int, int] = {}
    for number, row in _rows(path):
        where = f"{path}:{number}"
        i = _item(row, place, len(split), split.name, where)
        if i in found:
            raise FormatError(
                f"{where}: a second prediction for {split.ids(i)}; the first is in line {lines[i]}"
            )
        found[i], lines[i] = _tokens(row, words, where), number
    missing = [i for i in range(len(split)) if i not in found]
    if missing:
        raise FormatError(
            f"{path}: {len(missing)} of {len(split)} items of {split.name!r} have no prediction,"
            f" first {split.ids(missing[0])}"
        )
    return Packed.of([found[i] for i in range(len(split))])


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Go over the rows of a file with their numbers, as people count them in it."""
    if path.suffix not in (".csv", ".parquet"):
        for number, line in _lines(path):
            yield number, _object(line, f"{path}:{number}")
        return
    import pyarrow as pa

    table: Any
    try:
        if path.suffix == ".csv":
            from pyarrow import csv

            table = csv.read_csv(path)
        else:
            from pyarrow import parquet

            table = parquet.read_table(path)
    except pa.ArrowException as error:
        raise FormatError(f"{path}: not a {path.suffix[1:]} file: {error}") from None
    header = 2 if path.suffix == ".csv" else 1
    for batch in table.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            yield header, {k: v for k, v in row.items() if v is not None}
            header += 1


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise FormatError(f"{path}:{number}: expected UTF-8 text") from None
            if line:
                yield number, line


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise FormatError(
            f"{where}: not a JSON object: {error}; the file may be truncated"
        ) from None
    if not isinstance(row, dict):
        raise FormatError(f"{where}: expected a JSON object, got {type(row).__name__}")
    return row


def _item(row: Mapping[str, Any], place: Mapping[str, int], n: int, split: str, where: str) -> int:
    key = next((k for k in ID_KEYS if k in row), None)
    if key is None:
        raise FormatError(
            f"{where}: expected a key 'doc_id' or 'id', got {', '.join(row) or 'none'}"
        )
    name = row[key]
    if isinstance(name, str) and name in place:
        return place[name]
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < n:
        return name
    raise FormatError(f"{where}: split {split!r} has no item {name!r}")


def _tokens(row: Mapping[str, Any], words: Mapping[str, int], where: str) -> list[int]:
    ids = row.get("prediction_ids")
    if ids is None and isinstance(row.get("prediction"), list):
        ids = row["prediction"]
    if ids is not None and all(isinstance(t, int) and not isinstance(t, bool) for t in ids):
        if any(not -(2**31) <= t < 2**31 for t in ids):
            raise FormatError(f"{where}: a token does not fit 32 bits")
        return list(ids)
    text: Any = next((row[k] for k in TEXT_KEYS if k in row), None)
    while isinstance(text, list) and text and all(isinstance(t, (str, list)) for t in text):
        text = text[0] if len(text) == 1 or isinstance(text[0], list) else " ".join(text)
    if text == []:
        return []
    if not isinstance(text, str):
        raise FormatError(
            f"{where}: expected 'prediction' as text or a list of token ids, got {text!r:.60}"
        )
    return [words.get(word, -1) for word in text.split()]


def packed_of(predictions: Any, split: Split) -> Packed:
    """Return predictions in any form as a packed array, one sequence an item of the split.

    Parameters
    ----------
    predictions : Predictions, Packed, list of text or of token lists, or path of a JSONL file
        In the split's order, except in a file.
    split : Split
        What was predicted.
    """
    if isinstance(predictions, (str, Path)):
        return read_predictions(predictions, split)
    if hasattr(predictions, "ids") and hasattr(predictions, "offsets"):
        ids = np.ascontiguousarray(predictions.ids, np.int32)
        packed = Packed(ids, np.ascontiguousarray(predictions.offsets, np.int64))
    elif isinstance(predictions, (list, tuple)):
        words = {word: i for i, word in enumerate(split.vocabulary)}
        packed = Packed.of(
            [
                [words.get(w, -1) for w in p.split()] if isinstance(p, str) else [int(t) for t in p]
                for p in predictions
            ]
        )
    else:
        raise InputError(
            "predictions: expected a run's predictions, a list of texts or token lists, or the path"
            f" of a file, got {type(predictions).__name__}"
        )
    if len(packed) != len(split):
        raise InputError(
            f"predictions: expected {len(split)}, one an item of split {split.name!r},"
            f" got {len(packed)}"
        )
    return packed
