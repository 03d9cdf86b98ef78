"""Data sets of any size: made and written shard by shard, in bounded memory, resumable when killed.

A shard is a run of values of one split. It is a function of the configuration alone, and its file
takes its name only when it is whole, so whatever stands in the folder can be kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recursionlab.data import store
from recursionlab.data.config import DataConfig
from recursionlab.data.make import maker_of
from recursionlab.errors import FormatError, InputError
from recursionlab.files import atomic_file, read_json, write_json

SHARD_VALUES = 250_000
UNFINISHED = "unfinished.json"


@dataclass(frozen=True)
class Shard:
    """Values [first, stop) of a split, and the name of their file."""

    split: str
    file: str
    first: int
    stop: int


@dataclass(frozen=True)
class Done:
    """What a shard came to."""

    entry: dict[str, Any]
    keys: NDArray[np.uint64]  # of its items, those that later splits have too
    left_out: int


def generate(
    config: DataConfig,
    program: Any,
    output: str | Path,
    shard_values: int = SHARD_VALUES,
    threads: int | None = None,
    progress: Callable[[int], Any] = lambda values: None,
) -> dict[str, Any]:
    """Make a data set straight to disk, or go on with one that was stopped; if done, do nothing.

    Parameters
    ----------
    config : DataConfig
        What to make.
    program : Program
        Its functions.
    output : path
        A new or empty folder, or one in which the same was begun.
    shard_values : int
        Values a file; part of what the bytes depend on.
    threads : int, optional
        Shards made at the same time; never changes a byte. Memory grows with it.
    progress : callable, optional
        Told the number of values after each shard.

    Returns
    -------
    dict
        What dataset.json says.

    Raises
    ------
    InputError
        If the folder holds something else, or another process is writing to it.
    """
    if shard_values < 1:
        raise InputError(f"shard_values: expected at least 1, got {shard_values}")
    maker = maker_of(config, program, threads)
    meta = store.description(config, maker.text, maker.vocabulary, maker.functions)
    meta["shard_values"] = shard_values
    out = Path(output)
    done = _finished(out)
    if done is not None and {**done, **meta} == done:
        return done
    with _begun(out, meta):
        return _Work(maker, out, shard_values, progress).finish(meta)


def _finished(out: Path) -> dict[str, Any] | None:
    """Return what a finished folder's dataset.json says."""
    if not (out / "dataset.json").is_file() or (out / UNFINISHED).is_file():
        return None
    return store.read_meta(out)


@contextlib.contextmanager
def _begun(out: Path, meta: dict[str, Any]) -> Iterator[None]:
    """Begin in a new folder or go on in one begun; a beginning without a shard leaves nothing."""
    mark = out / UNFINISHED
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: expected a folder or a new name, got a file")
    fresh = not mark.is_file()
    if fresh and out.is_dir() and any(not _is_part(p) for p in out.iterdir()):
        raise InputError(f"{out}: the folder is not empty; name another with --output")
    made = not out.is_dir()
    try:
        if fresh:
            write_json(mark, meta)
        elif read_json(mark) != meta:
            raise InputError(
                f"{out}: holds the beginning of another data set; name another folder with --output"
            )
        with open(mark, "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"{out}: another process is writing to this folder") from None
            for part in filter(_is_part, out.iterdir()):
                part.unlink()
            yield
            mark.unlink()
    except BaseException:
        if fresh and not any(p.suffix == ".parquet" for p in _files(out)):
            for file in _files(out):
                file.unlink()
            if made and out.is_dir():
                out.rmdir()
        raise


def _files(out: Path) -> list[Path]:
    return list(out.iterdir()) if out.is_dir() else []


def _is_part(path: Path) -> bool:
    """Tell whether a file is what a killed process had not finished."""
    return path.name.startswith(".") and path.suffix == ".part"


class _Work:
    """The making of one folder: shards on threads, split after split where one filters another."""

    def __init__(
        self, maker: Any, out: Path, shard_values: int, progress: Callable[[int], Any]
    ) -> None:
        self.maker, self.out, self.progress = maker, out, progress
        self.shards = {
            name: _shards(name, len(selection), shard_values)
            for name, selection in maker.selections.items()
        }
        jobs = sum(map(len, self.shards.values()))
        self.workers = max(1, min(maker.threads, jobs))
        self.inner = maker.threads if self.workers == 1 else 1
        self.local = threading.local()

    def finish(self, meta: dict[str, Any]) -> dict[str, Any]:
        """Make what is missing and write dataset.json; return what it says."""
        with ThreadPoolExecutor(self.workers) as pool:
            done = self._filtered(pool) if self.maker.filters else self._all(pool)
        splits = {
            name: {
                "rows": sum(d.entry["rows"] for d in rows),
                "ranges": self.maker.selections[name].to_list(),
                "files": [d.entry for d in rows],
            }
            for name, rows in done.items()
        }
        left_out = {name: sum(d.left_out for d in rows) for name, rows in done.items()}
        meta = {
            **meta,
            "splits": splits,
            "overlaps": dict(self.maker.overlaps),
            "left_out": left_out if self.maker.filters else {},
            "strata": self.maker.reached,
        }
        write_json(self.out / "dataset.json", meta)
        return meta

    def _all(self, pool: ThreadPoolExecutor) -> dict[str, list[Done]]:
        every = [shard for shards in self.shards.values() for shard in shards]
        done = iter(self._each(pool, self._shard, every))
        return {name: [next(done) for _ in shards] for name, shards in self.shards.items()}

    def _filtered(self, pool: ThreadPoolExecutor) -> dict[str, list[Done]]:
        """Split after split: each leaves out the items whose input an earlier one has.

        Only the inputs of the splits after the first are remembered, as numbers.
        """
        first, *later = self.shards
        shards = [shard for name in later for shard in self.shards[name]]
        none = np.zeros(0, np.uint64)
        watched = np.unique(np.concatenate([none, *self._each(pool, self._keys, shards)]))
        seen = np.zeros(len(watched), np.bool_)
        done = {}
        for name in (first, *later):
            make = partial(self._shard, gone=watched[seen], watched=watched)
            done[name] = self._each(pool, make, self.shards[name])
            for row in done[name]:
                seen |= np.isin(watched, row.keys)
        return done

    def _each(self, pool: ThreadPoolExecutor, make: Callable[[Any], Any], jobs: list[Any]) -> Any:
        """Return what `make` gives for every job, in order; the first failure stops the rest."""
        futures = [pool.submit(make, job) for job in jobs]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            return [future.result() for future in futures if future.done() or not future.cancel()]
        finally:
            for future in futures:
                future.cancel()

    def _mine(self) -> Any:
        """Return this thread's own maker: one program serves one thread at a time."""
        if self.workers == 1:
            return self.maker
        if not hasattr(self.local, "maker"):
            self.local.maker = self.maker.twin()
        return self.local.maker

    def _keys(self, shard: Shard) -> NDArray[np.uint64]:
        found: NDArray[np.uint64] = self._mine().keys(
            shard.split, shard.first, shard.stop, self.inner
        )
        return found

    def _shard(
        self,
        shard: Shard,
        gone: NDArray[np.uint64] | None = None,
        watched: NDArray[np.uint64] | None = None,
    ) -> Done:
        """Write a shard unless it is there, and tell what is in it."""
        file, maker = self.out / shard.file, self._mine()
        keys, left_out = np.zeros(0, np.uint64), 0
        if not file.is_file() or maker.filters:
            piece = maker.piece(shard.split, shard.first, shard.stop, self.inner, gone)
            left_out = piece.left_out
            if watched is not None:
                keys = np.intersect1d(piece.keys, watched)
            if not file.is_file():
                with atomic_file(file, "wb") as out:
                    store.write_parquet(piece.split, maker.config, out)
        self.progress(shard.stop - shard.first)
        return Done(store.entry(file, _rows(file)), keys, left_out)


def _shards(split: str, values: int, size: int) -> list[Shard]:
    count = max(1, -(-values // size))
    return [
        Shard(split, store.shard_name(split, k, count), k * size, min((k + 1) * size, values))
        for k in range(count)
    ]


def _rows(file: Path) -> int:
    try:
        return int(pq.read_metadata(file).num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        first = str(error).partition("\n")[0]
        raise FormatError(
            f"{file}: not a whole Parquet file: {first}; delete it and run generate again"
        ) from None
