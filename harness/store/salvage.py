"""Read what can be read of a SQLite file without asking SQLite, which gives up at the first fault.

Every page of a table's rows stands by itself: its kind in the first byte, then pointers to its
rows, and each row tells its own types and lengths. So rows are found wherever their page is whole,
though the header, the schema or the pages that lead there are lost. What is found may be noise
that looks like a row: the caller holds it against its checksum.

Source: SQLite, "Database File Format", sections 1.5, 1.6, 2.1 and 4.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_MAGIC = b"SQLite format 3\0"
_LEAF = 0x0D
_PAGE_SIZE = 4096
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_FRAME_HEADER = 24

Value = int | float | str | bytes | None


def salvage(file: Path) -> Iterator[list[Value]]:
    """The values of each row that can be read, whatever table it is of.

    Args:
        file: A SQLite file in any state; the write-ahead log beside it is read, too.
    """
    pages = _Pages(file.read_bytes(), _read(file.with_name(file.name + "-wal")))
    for number in range(1, pages.count + 1):
        page = pages.page(number)
        start = 100 if number == 1 else 0  # the file's header
        if len(page) < pages.usable or page[start] != _LEAF:
            continue
        for i in range(int.from_bytes(page[start + 3 : start + 5])):
            pointer = start + 8 + 2 * i
            at = int.from_bytes(page[pointer : pointer + 2])
            try:
                yield _values(pages.payload(page, at))
            except (IndexError, ValueError, struct.error):
                continue  # no row, or one that is cut


def _read(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


@dataclass
class _Pages:
    """The pages of a file, the newest version of each.

    Attributes:
        data: The file.
        log: Its write-ahead log.
    """

    data: bytes
    log: bytes
    size: int = _PAGE_SIZE
    usable: int = _PAGE_SIZE
    _newer: Mapping[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.data.startswith(_MAGIC):
            size = int.from_bytes(self.data[16:18])
            size = 65536 if size == 1 else size
            if size >= 512 and size & (size - 1) == 0:
                self.size, self.usable = size, size - self.data[20]
        self._newer = _committed(self.log, self.size)

    @property
    def count(self) -> int:
        """How many pages there are."""
        return max(len(self.data) // self.size, *self._newer, 0)

    def page(self, number: int) -> bytes:
        """A page by its number, from 1."""
        in_file = self.data[(number - 1) * self.size : number * self.size]
        return self._newer.get(number, in_file)

    def payload(self, page: bytes, at: int) -> bytes:
        """The content of a row, gathered from the pages that it spills over to.

        Raises:
            ValueError: It is not all there.
            IndexError: It is not all there.
        """
        length, at = _varint(page, at)
        _, at = _varint(page, at)  # the row's number
        most = self.usable - 35
        if length <= most:
            return _whole(page[at : at + length], length)
        least = (self.usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (self.usable - 4)
        here = here if here <= most else least
        parts, missing = [page[at : at + here]], length - here
        following = int.from_bytes(_whole(page[at + here : at + here + 4], 4))
        seen: set[int] = set()
        while missing > 0:
            if following in seen or following < 1:
                raise ValueError("the chain of pages is broken")
            seen.add(following)
            spilled = self.page(following)
            parts.append(_whole(spilled[4 : 4 + missing], min(missing, self.usable - 4)))
            missing -= len(parts[-1])
            following = int.from_bytes(spilled[:4])
        return _whole(b"".join(parts), length)


def _committed(log: bytes, size: int) -> dict[int, bytes]:
    """Pages in a write-ahead log up to its last commit, the newest of each."""
    salts, pages, pending = log[16:24], {}, {}
    step = _FRAME_HEADER + size
    for at in range(32, len(log) - step + 1, step):
        number, commit = struct.unpack(">II", log[at : at + 8])
        if log[at + 8 : at + 16] != salts:
            break
        pending[number] = log[at + _FRAME_HEADER : at + step]
        if commit:
            pages.update(pending)
            pending = {}
    return pages


def _values(payload: bytes) -> list[Value]:
    """The values of a row's content.

    Raises:
        ValueError: It is none.
        IndexError: It is none.
    """
    end, at = _varint(payload, 0)
    body, values = end, []
    while at < end:
        kind, at = _varint(payload, at)
        value, width = _value(kind, payload[body:])
        values.append(value)
        body += width
    if at != end or body != len(payload):
        raise ValueError("the lengths do not add up")
    return values


def _value(kind: int, rest: bytes) -> tuple[Value, int]:
    if kind == 0:
        return None, 0
    if kind in _INTEGERS:
        width = _INTEGERS[kind]
        return int.from_bytes(_whole(rest[:width], width), signed=True), width
    if kind == 7:
        return float(struct.unpack(">d", rest[:8])[0]), 8
    if kind in {8, 9}:
        return kind - 8, 0
    if kind < 12:
        raise ValueError("no such type")
    width = (kind - 12) // 2
    part = _whole(rest[:width], width)
    return (part.decode() if kind % 2 else part), width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for i in range(8):
        value = value << 7 | data[at + i] & 0x7F
        if data[at + i] < 0x80:
            return value, at + i + 1
    return value << 8 | data[at + 8], at + 9


def _whole(part: bytes, length: int) -> bytes:
    if len(part) != length:
        raise ValueError("cut short")
    return part
