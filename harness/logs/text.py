"""Text files and the tables in them: encoding, delimiter, header, rows with their line numbers.

A table is read in batches of columns, so that a file of any size takes little memory.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.language import said
from harness.logs.names import canonical, is_known
from harness.logs.stretches import LONGEST_LINE, Stretch, too_long

BATCH = 50_000
_LOOKED_AT = 256 * 1024
_HEADER_WITHIN = 50
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "|", " ": "space"}
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip, as Excel's workbooks are",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_NUMBER = re.compile(r"[+-]?[\d.,]+([eE][+-]?\d+)?%?")


def head_bytes(file: Path, size: int = _LOOKED_AT) -> bytes:
    """The first bytes of a file.

    Raises:
        UserError: It is not there or cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return stream.read(size)
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such file") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None


def encoding_of(file: Path) -> str:
    """The encoding that a file's first bytes announce; UTF-8 if they say nothing.

    Raises:
        UserError: It is no text.
    """
    head = head_bytes(file, 8192)
    for mark, encoding in _BOMS.items():
        if head.startswith(mark):
            return encoding
    for magic, packer in _PACKED.items():
        if head.startswith(magic):
            raise UserError(f"{file}: is packed with {packer}; unpack it, or save it as CSV")
    if b"\0" in head:
        raise UserError(f"{file}: is not a text file, nor any other kind of log that is known")
    return "utf-8"


def lines_of(file: Path, stretch: Stretch | None = None) -> Iterator[str]:
    """A text file's lines, one by one, their ends included.

    Args:
        file: The file.
        stretch: The part of it to read; all of it if not given.

    Raises:
        UserError: It cannot be read, its bytes are no text, or a line is longer than any log's.
    """
    encoding = encoding_of(file)
    stream: BinaryIO = file.open("rb") if stretch is None else io.BytesIO(stretch.data)
    with io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
        try:
            while line := text.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                    raise UserError(too_long(file, 1))
                yield line
        except UnicodeError as error:
            raise UserError(
                f"{file}: holds bytes that are no text ({error}); save it as UTF-8"
            ) from None


def head_lines(file: Path, count: int = _HEADER_WITHIN) -> list[str]:
    """The first lines of a text file, each cut at a length that no header has."""
    found = []
    for line in lines_of(file):
        found.append(line[:_LOOKED_AT])
        if len(found) == count:
            break
    return found


@dataclass(frozen=True)
class Batch:
    """Some rows of a table, column by column.

    Attributes:
        lines: Line number of each row, shape ``(n,)``.
        columns: The cells, one tuple of ``n`` a column.
    """

    lines: NDArray[np.int64]
    columns: Sequence[tuple[str, ...]]


@dataclass
class Table:
    """A delimited text file.

    Attributes:
        file: The file.
        header: Names of the columns, without padding.
        delimiter: What stands between cells.
        header_line: Number of the header's line, from 1.
        notices: What was repaired; grows while rows are read.
    """

    file: Path
    header: list[str]
    delimiter: str
    header_line: int
    notices: list[str] = field(default_factory=list)

    @property
    def decimal_comma(self) -> bool:
        """Whether ``0,5`` can be one cell."""
        return self.delimiter != ","

    def batches(self, parts: Iterable[Stretch] | None = None) -> Iterator[Batch]:
        """The rows below the header, blank lines and repeated headers left out.

        Args:
            parts: Stretches of the file that follow each other; all of it if not given.

        Raises:
            UserError: A row does not fit the header; the message has its line number.
        """
        rows: list[list[str]] = []
        numbers: list[int] = []
        for number, row in self._rows(parts):
            rows.append(row)
            numbers.append(number)
            if len(rows) == BATCH:
                yield Batch(np.array(numbers), list(zip(*rows, strict=True)))
                rows, numbers = [], []
        if rows:
            yield Batch(np.array(numbers), list(zip(*rows, strict=True)))

    def _rows(self, parts: Iterable[Stretch] | None) -> Iterator[tuple[int, list[str]]]:
        lines = _Lines(self.file, parts)
        reader = self._reader(lines)
        width, first = len(self.header), self.header[0]
        try:
            for row in reader:
                number = lines.before + reader.line_num
                if number <= self.header_line or not row:
                    continue
                if len(row) == width and row[0].strip() != first:
                    yield number, row
                elif (mended := self._mended(row, number, lines)) is not None:
                    yield number, mended
        except csv.Error as error:
            number = lines.before + reader.line_num
            raise UserError(f"{self.file}, line {number}: {error}") from None

    def _reader(self, lines: Iterable[str]) -> Any:
        spaces = self.delimiter == " "
        if spaces:
            lines = (line.strip() + "\n" for line in lines)
        return csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)

    def _mended(self, row: list[str], number: int, lines: _Lines) -> list[str] | None:
        """A row that does not look like the others: mended, left out with a notice, or refused."""
        cells, width = [cell.strip() for cell in row], len(self.header)
        if not any(cells):
            return None
        if cells == self.header:
            self.notices.append(said("the header is there again in line {line}", line=number))
            return None
        if _is_header(cells):
            raise UserError(
                f"{self.file}, line {number}: another header, {', '.join(cells)}, than in line "
                f"{self.header_line}: split the file there"
            )
        if len(row) > width and not any(cells[width:]):
            told = said("rows end in empty cells beyond the header")
            if told not in self.notices:
                self.notices.append(told)
            return row[:width]
        if len(row) < width and lines.ends_cut():
            self.notices.append(cut_line(number))
            return None
        if len(row) != width:
            raise UserError(
                f"{self.file}, line {number}: has {len(row)} fields, the header has {width}"
            )
        return row


class _Lines:
    """A file's lines that know whether the last one read was cut in its middle.

    Attributes:
        before: Lines of the file that stand before the first of these.
    """

    def __init__(self, file: Path, parts: Iterable[Stretch] | None) -> None:
        self.before = 0
        self._lines = lines_of(file) if parts is None else self._of_parts(file, iter(parts))
        self._last = ""

    def _of_parts(self, file: Path, parts: Iterator[Stretch]) -> Iterator[str]:
        first = next(parts)
        self.before = first.first - 1
        for part in chain([first], parts):
            yield from lines_of(file, part)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._last = next(self._lines)
        return self._last

    def ends_cut(self) -> bool:
        """Whether the last line read has no end, as only a file's last line can."""
        return not self._last.endswith(("\n", "\r"))


def cut_line(number: int) -> str:
    """The notice that a file's last line was cut."""
    return said("line {line}, the last, was cut in the middle and is left out", line=number)


def open_table(file: Path, wanted: str | None = None) -> Table:
    """Find a text file's delimiter and header.

    The header is the first line that names a metric; what stands above it is a title.

    Args:
        file: The file.
        wanted: A further name that a header may have: the metric that the user asks for.

    Raises:
        UserError: There is no such line.
    """
    lines = head_lines(file)
    found = _find_header(lines, wanted)
    if found is None:
        raise UserError(_no_header(file, lines))
    place, delimiter, header = found
    while len(header) > 1 and not header[-1]:
        header.pop()  # a delimiter at the end of each line
    table = Table(file, header, delimiter, place + 1)
    skipped = sum(1 for line in lines[:place] if line.strip())
    if skipped:
        table.notices.append(
            said("1 line stands above the header and was left out")
            if skipped == 1
            else said("{n} lines stand above the header and were left out", n=skipped)
        )
    return table


def _find_header(lines: Sequence[str], wanted: str | None) -> tuple[int, str, list[str]] | None:
    """Place, delimiter and cells of the first line that names a metric, else any known column."""

    def is_metric(cell: str) -> bool:
        is_value = canonical(cell) is not None or cell.lower() == "value"
        return is_value or cell == wanted or " - " in cell

    for is_wanted in (is_metric, is_known):
        for place, line in enumerate(lines):
            split = [(delimiter, _split(line, delimiter)) for delimiter in _DELIMITERS]
            fitting = [(d, cells) for d, cells in split if any(map(is_wanted, cells))]
            fitting = [(d, cells) for d, cells in fitting if not any(map(_NUMBER.fullmatch, cells))]
            if fitting:
                return place, *max(fitting, key=lambda one: _known(one[1], is_wanted))
    return None


def _known(cells: Sequence[str], is_wanted: Callable[[str], bool]) -> tuple[int, int]:
    """How many names a split gives that are known; of equals, the one with more cells is better."""
    return sum(is_known(cell) or is_wanted(cell) for cell in cells), len(cells)


def _split(line: str, delimiter: str) -> list[str]:
    text = line.strip() if delimiter == " " else line.strip("\r\n")
    try:
        rows = list(csv.reader([text], delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return []
    return [cell.strip() for cell in rows[0]] if rows else []


def _is_header(cells: Sequence[str]) -> bool:
    """Whether cells are names, not numbers."""
    return any(map(is_known, cells)) and not any(map(_NUMBER.fullmatch, cells))


def _no_header(file: Path, lines: Sequence[str]) -> str:
    first = next((line.strip() for line in lines if line.strip()), "")
    if not first:
        return f"{file}: is empty"
    shown = first if len(first) <= 60 else first[:57] + "…"
    return (
        f"{file}, line {next(i for i, line in enumerate(lines, 1) if line.strip())}: there is no "
        f"header with a name that is known (epoch, val_accuracy, loss …), only {shown!r}; add one, "
        "or name the metric's column with --metric, or the kind of log with --kind"
    )
