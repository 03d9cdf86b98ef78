"""Files that are whole or absent: temporary name, fsync, one rename."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from recursionlab.errors import FormatError, InputError


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot flush a folder
            raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def atomic_file(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a file that takes its name only when the block ends well.

    Parameters
    ----------
    path : str or Path
        The final name; its folder is made if need be.
    mode : {"w", "wb"}
        Text (UTF-8, newline as is) or bytes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_file(folder / "a.txt") as out: _ = out.write("whole")
    >>> (folder / "a.txt").read_text()
    'whole'
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{final.name}.", suffix=".part", dir=final.parent)
    try:
        text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
        with os.fdopen(handle, mode, **text) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, final)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    sync(final.parent)


@contextlib.contextmanager
def atomic_folder(path: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Fill a folder that takes its name only when the block ends well.

    Raises
    ------
    InputError
        If the folder exists, is not empty and `overwrite` is not set.
    """
    final = Path(path)
    if final.exists() and not final.is_dir():
        raise InputError(f"{final}: expected a folder or a new name, got a file")
    if final.is_dir() and any(final.iterdir()) and not overwrite:
        raise InputError(f"{final}: the folder is not empty; name another with --output")
    final.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".part", dir=final.parent))
    try:
        yield part
        os.chmod(part, 0o777 & ~_umask())
        for file in part.rglob("*"):
            if file.is_file():
                sync(file)
        sync(part)
        if final.is_dir():
            old = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".old", dir=final.parent))
            os.replace(final, old / "was")
            os.replace(part, final)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(part, final)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    sync(final.parent)


def is_new(folder: str | Path) -> bool:
    """Return whether a folder is absent, or holds nothing but what killed processes left.

    Examples
    --------
    >>> import tempfile
    >>> is_new(tempfile.mkdtemp())
    True
    """
    folder = Path(folder)
    if not folder.is_dir():
        return not folder.exists()
    return all(p.name.startswith(".") and p.suffix in (".part", ".old") for p in folder.iterdir())


def clean(folder: str | Path) -> None:
    """Remove what killed processes left anywhere in a folder: files and folders never finished."""
    for path in sorted(Path(folder).rglob(".*")):
        if path.suffix in (".part", ".old"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: str | Path, wait: float = 10.0) -> Iterator[None]:
    """Keep other processes out of a folder; the lock goes with the process, however it ends.

    Parameters
    ----------
    folder : str or Path
        Made if need be.
    wait : float
        Seconds to wait for another process to end.

    Raises
    ------
    InputError
        If another process still works in the folder.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # pragma: no cover - a system without it
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + wait
        while not _try_lock(fcntl, handle):
            if time.monotonic() > deadline:
                raise InputError(
                    f"{folder}: another process works in this folder; wait for it or stop it"
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _try_lock(fcntl: Any, handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically: sorted keys are not forced, two spaces, a final newline."""
    with atomic_file(path) as out:
        out.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Raises
    ------
    FormatError
        If the file is not JSON; the message has the line and column.
    """
    try:
        return json.loads(Path(path).read_bytes().decode("utf-8"))
    except UnicodeDecodeError:
        raise FormatError(f"{path}: expected a UTF-8 text file") from None
    except RecursionError:
        raise FormatError(f"{path}: not usable JSON: nested too deep") from None
    except json.JSONDecodeError as error:
        raise FormatError(
            f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}; the file may be truncated"
        ) from None


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
