"""Event files that TensorBoard reads: records of protocol buffers, written without its packages.

Source: TensorFlow's `record_writer.h` (framing) and `event.proto`, `summary.proto` (messages).
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

_POLYNOMIAL = 0x82F63B78  # of CRC-32C, reversed
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5  # kinds of fields on the wire


def _table() -> list[int]:
    out = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        out.append(value)
    return out


_CRC = _table()


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C of some bytes, masked as records hold it.

    Examples
    --------
    >>> hex(masked_crc(b"123456789"))
    '0xc78ab0e5'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, kind: int, value: Any) -> bytes:
    head = _varint(number << 3 | kind)
    if kind == _VARINT:
        return head + _varint(value)
    if kind == _BYTES:
        return head + _varint(len(value)) + bytes(value)
    return head + struct.pack("<d" if kind == _DOUBLE else "<f", value)


def _event(step: int, number: int, body: bytes) -> bytes:
    """Return an Event: wall_time, step, and one of its kinds by field number."""
    now = _field(1, _DOUBLE, time.time())
    return now + _field(2, _VARINT, step) + _field(number, _BYTES, body)


class EventFile:
    """An event file of a run, `events.out.tfevents.TIME.PID`, begun anew whenever the run is.

    Parameters
    ----------
    folder : Path
        The run's folder.
    step : int
        Updates made; TensorBoard forgets what earlier files say of later ones.
    """

    def __init__(self, folder: Path, step: int) -> None:
        name = f"events.out.tfevents.{int(time.time())}.recursionlab.{os.getpid()}.{step}"
        self.file: IO[bytes] = open(folder / name, "ab")  # noqa: SIM115 - closed by __exit__
        self._record(_event(0, 3, b"brain.Event:2"))
        session_start = _field(1, _VARINT, 1)
        self._record(_event(step + 1, 7, session_start))

    def __enter__(self) -> EventFile:
        """Return the file itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.file.close()

    def _record(self, data: bytes) -> None:
        length = struct.pack("<Q", len(data))
        parts = (length, masked_crc(length), data, masked_crc(data))
        self.file.write(b"".join(struct.pack("<I", p) if isinstance(p, int) else p for p in parts))
        self.file.flush()

    def scalars(self, row: Mapping[str, Any]) -> None:
        """Write a row of metrics: `loss` as `train/loss`, `valid_loss` as `valid/loss`."""
        values = b""
        for key, number in row.items():
            if key == "step":
                continue
            tag = key.replace("valid_", "valid/") if key.startswith("valid_") else f"train/{key}"
            scalar = _field(1, _BYTES, tag.encode()) + _field(2, _FLOAT, float(number))
            values += _field(1, _BYTES, scalar)
        self._record(_event(int(row["step"]), 5, values))
