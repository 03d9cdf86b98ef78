"""Results of runs read back from their folders, to be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recursionlab.errors import FormatError, InputError
from recursionlab.files import read_json
from recursionlab.judge.comparison import Scored


def read_scored(paths: Sequence[str | Path], split: str = "test") -> list[Scored]:
    """Read the results of runs on a split.

    Parameters
    ----------
    paths : sequence of path
        Folders of runs; folders of experiments or sweeps, which stand for all runs in them; or
        JSONL files of samples with `doc_id` and `exact_match`.
    split : str
        The split.

    Returns
    -------
    list of Scored
        Named by their paths without the part that all share. Runs whose settings are the same but
        for the seed share their configuration.

    Raises
    ------
    InputError
        If there is no such file or folder, or no results for the split in it.
    FormatError
        If a file is not whole.
    """
    files = [(path, file) for p in paths for path, file in _files(Path(p), split)]
    names = _short([path for path, _ in files])
    settings = [_settings(path) for path, _ in files]
    labels: dict[str, str] = {}  # of the settings' hash
    out = []
    for (_, file), name, (digest, seed) in zip(files, names, settings, strict=True):
        if digest and digest not in labels:
            label = str(Path(name).parent) if Path(name).name.startswith("seed-") else name
            taken = label in labels.values() or label == "."
            labels[digest] = f"{label} ({digest[:6]})" if taken else label
        out.append(Scored(name, _read(file), labels.get(digest, ""), seed))
    return out


def _files(path: Path, split: str) -> list[tuple[Path, Path]]:
    """Return (run, file of samples) of what a path stands for."""
    if path.is_file():
        return [(path, path)]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder")
    found = sorted(path.rglob(f"samples-{split}.jsonl"))
    if not found:
        raise InputError(
            f"{path}: no samples-{split}.jsonl in it; let the run answer with"
            f" `recursionlab predict RUN DATA --split {split} --output RUN`"
        )
    return [(file.parent, file) for file in found]


def _short(paths: Sequence[Path]) -> list[str]:
    """Return the paths without the leading and trailing parts that all have in common."""
    parts = [path.resolve().parts for path in paths]
    least = min(len(p) for p in parts) - 1
    same = 0
    while same < least and len({p[same] for p in parts}) == 1:
        same += 1
    return ["/".join(p[same:]) for p in parts]


def _settings(path: Path) -> tuple[str, int | None]:
    """Return a hash of a run's settings but for the seed, and the seed."""
    file = path / "settings.json"
    if not file.is_file():
        return "", None
    saved = read_json(file)
    if not isinstance(saved, dict) or not isinstance(saved.get("settings"), dict):
        raise FormatError(f"{file}: not the settings of a run")
    table: dict[str, Any] = json.loads(json.dumps(saved["settings"]))
    if isinstance(table.get("train"), dict):
        table["train"].pop("seed", None)
    seed = saved.get("seed")
    digest = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
    return digest, seed if isinstance(seed, int) else None


def _read(file: Path) -> dict[str, bool]:
    out: dict[str, bool] = {}
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                out[str(row["doc_id"])] = float(row["exact_match"]) == 1.0
            except (ValueError, KeyError, TypeError, RecursionError):
                raise FormatError(
                    f"{file}:{number}: expected a JSON object with 'doc_id' and 'exact_match'; the"
                    " file may be truncated"
                ) from None
    return out
