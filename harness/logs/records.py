"""TensorBoard's event files: records with checksums, and the scalars in them.

A record is an 8-byte length, its masked CRC-32C, the data, and their masked CRC-32C (TensorFlow's
TFRecord format). The data are protocol buffers; the few fields that carry scalars are read here, so
that reading a log does not take TensorFlow's start-up time. TF1 wrote a scalar as ``simple_value``,
TF2 writes it as a tensor: both are read (case E9).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.language import said

_HEADER, _FOOTER = 12, 4
_LARGEST = 1 << 30
_SCALAR_AT_MOST = 64 * 1024
"""A record longer than this holds a graph or an image, not scalars."""
_POLYNOMIAL = 0x82F63B78
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 14: "bfloat16", 19: "<f2"}


@dataclass(frozen=True)
class Scalar:
    """One value of one series."""

    tag: str
    step: int
    wall_time: float
    value: float


class BrokenRecordError(Exception):
    """A record that cannot be read, with where it begins and how."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


def _table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


_CRC = _table()


def masked_crc(data: bytes) -> int:
    """CRC-32C (Castagnoli 1993), rotated and shifted as TensorFlow stores it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def is_event_file(head: bytes) -> bool:
    """Whether a file's first bytes are a whole record header."""
    if len(head) < _HEADER:
        return False
    return masked_crc(head[:8]) == int(struct.unpack("<I", head[8:12])[0])


def scalars(file: Path) -> Iterator[Scalar]:
    """The scalars of an event file, in the order they were written.

    Raises:
        BrokenRecordError: After the last whole record, where the file is cut or damaged there.
    """
    with file.open("rb") as stream:
        while header := stream.read(_HEADER):
            at = stream.tell() - len(header)
            if len(header) < _HEADER:
                raise BrokenRecordError(said("is cut at byte {at}", at=at))
            if not is_event_file(header):
                raise BrokenRecordError(said("is damaged at byte {at}", at=at))
            length = struct.unpack("<Q", header[:8])[0]
            if length > _LARGEST:
                raise BrokenRecordError(said("is damaged at byte {at}", at=at))
            data, footer = stream.read(length), stream.read(_FOOTER)
            if len(data) < length or len(footer) < _FOOTER:
                raise BrokenRecordError(said("is cut at byte {at}", at=at))
            if length > _SCALAR_AT_MOST:
                continue
            if masked_crc(data) != struct.unpack("<I", footer)[0]:
                raise BrokenRecordError(said("is damaged at byte {at}", at=at))
            try:
                found = list(_event(data))
            except (ValueError, IndexError, struct.error):
                raise BrokenRecordError(said("holds no event at byte {at}", at=at)) from None
            yield from found


def _event(data: bytes) -> Iterator[Scalar]:
    wall_time, step, summaries = 0.0, 0, []
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes) and len(value) == 8:
            wall_time = struct.unpack("<d", value)[0]
        elif number == 2 and isinstance(value, int):
            step = value if value < 1 << 63 else value - (1 << 64)
        elif number == 5 and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in _fields(summary):
            if number == 1 and isinstance(value, bytes):
                found = _value(value)
                if found is not None:
                    yield Scalar(found[0], step, wall_time, found[1])


def _value(data: bytes) -> tuple[str, float] | None:
    """Tag and number of a summary's value; None where it is no scalar."""
    tag, number = "", None
    for field, value in _fields(data):
        if not isinstance(value, bytes):
            continue
        if field == 1:
            tag = value.decode("utf-8", errors="replace")
        elif field == 2 and len(value) == 4:
            number = float(struct.unpack("<f", value)[0])
        elif field == 8:
            number = _tensor(value)
    return None if number is None else (tag, number)


def _tensor(data: bytes) -> float | None:
    """The number in a tensor of exactly one element; None for any other tensor."""
    dtype, content, numbers = 0, b"", []
    for field, value in _fields(data):
        if field == 1 and isinstance(value, int):
            dtype = value
        elif field == 4 and isinstance(value, bytes):
            content = value
        elif field in {5, 6, 7, 10, 13}:  # float, double, int, int64 and half values
            numbers.append((field, value))
    kind = _DTYPES.get(dtype)
    if kind is None:
        return None
    if content:
        if kind == "bfloat16":
            content, kind = b"\0\0" + content, "<f4"
        if len(content) != np.dtype(kind).itemsize:
            return None
        return float(np.frombuffer(content, dtype=kind)[0])
    if not numbers:
        return 0.0  # protocol buffers leave zeros out
    return _listed(*numbers[0], kind) if len(numbers) == 1 else None


def _listed(field: int, value: int | bytes, kind: str) -> float | None:
    """A number stored in a tensor's own list of values, packed or not."""
    if field in {5, 6}:
        width = "<f4" if field == 5 else "<f8"
        if not isinstance(value, bytes) or len(value) != np.dtype(width).itemsize:
            return None
        return float(np.frombuffer(value, dtype=width)[0])
    if isinstance(value, bytes):
        value, end = _varint(value, 0)
        if end == 0:
            return None
    if field == 13:
        bits = np.array([value & 0xFFFF], dtype="<u2")
        if kind == "bfloat16":
            return float((bits.astype("<u4") << 16).view("<f4")[0])
        return float(bits.view("<f2")[0])
    return float(value if value < 1 << 63 else value - (1 << 64))


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protocol buffer message: their number, and an int or the bytes.

    Raises:
        ValueError: The message is not well formed.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield number, value
            continue
        if wire == 2:
            length, place = _varint(data, place)
        elif wire in {1, 5}:
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if place + length > len(data):
            raise ValueError("a field ends beyond its message")
        yield number, data[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
