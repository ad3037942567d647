"""Stretches of a large table, the regular ones read by pandas' C reader.

A stretch is regular where every line has as many cells as the header and every number that is
wanted is written plainly. It gives the numbers that `Table.batches` gives, ten times as fast;
whatever is not regular is left to that, which mends or refuses it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import UserError
from harness.logs.cells import recorded
from harness.measures import FloatArray

HEAD = 256 * 1024
"""Bytes at the beginning of a file that are never taken for regular: titles and headers."""
STRETCH = 8 * 2**20
LONGEST_LINE = 2**28
_NEVER_REGULAR = (b"\0", b"rue", b"RUE", b"alse", b"ALSE")
"""NUL, and the words that pandas takes for 1 and 0."""
_NEWLINE, _QUOTE = ord("\n"), ord('"')


@dataclass(frozen=True)
class Stretch:
    """Whole lines of a file.

    Attributes:
        first: Number of its first line, from 1.
        data: Its bytes.
    """

    first: int
    data: bytes

    @property
    def lines(self) -> int:
        """How many lines it has."""
        data = self.data
        ends = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
        return ends + (not data.endswith((b"\n", b"\r")))


def too_long(file: Path, line: int) -> str:
    """What to say of a line that goes on for ever."""
    return f"{file}: line {line} or a later one has over {LONGEST_LINE:,} characters: no log"


def stretches(file: Path) -> Iterator[Stretch]:
    """Cut a file into stretches; a last line that has no end is one of its own.

    Raises:
        UserError: A line is longer than any log's.
    """
    with file.open("rb") as stream:
        first, size = 1, HEAD
        while data := stream.read(size):
            data += (rest := stream.readline(LONGEST_LINE))
            if len(rest) == LONGEST_LINE and not rest.endswith(b"\n"):
                raise UserError(too_long(file, first))
            whole = data.rfind(b"\n") + 1
            for part in (data[:whole], data[whole:]):
                if part:
                    found = Stretch(first, part)
                    yield found
                    first += found.lines
            size = STRETCH


@dataclass(frozen=True)
class Regular:
    """The wanted columns of a regular stretch.

    Attributes:
        lines: Line number of each row, shape ``(n,)``.
        numbers: By name, shape ``(n,)``; what is not finite was recorded and is inf.
        texts: By place, each row's code, shape ``(n,)``, and the text of each code.
    """

    lines: NDArray[np.int64]
    numbers: dict[str, FloatArray]
    texts: dict[int, tuple[NDArray[np.int64], list[str]]]


@dataclass(frozen=True)
class Layout:
    """How the lines of a table are made up.

    Attributes:
        delimiter: What stands between cells, one character.
        width: Cells of a line.
        numbers: By name, the places of columns of numbers.
        texts: Places of columns of names.
    """

    delimiter: str
    width: int
    numbers: Mapping[str, int]
    texts: tuple[int, ...]


def cells_in_quotes_are_plain(data: bytes, delimiter: str) -> bool:
    """Whether no delimiter and no line's end stands between quotes."""
    if b'"' not in data:
        return True
    marks = np.frombuffer(data, dtype=np.uint8)
    inside = np.bitwise_xor.accumulate(marks == _QUOTE)
    parting = (marks == ord(delimiter)) | (marks == _NEWLINE)
    return not inside[-1] and not (inside & parting).any()


def regular(stretch: Stretch, layout: Layout) -> Regular | None:
    """Read a stretch as columns; None where it is not regular."""
    if not _has_even_lines(stretch.data, layout):
        return None
    places = set(layout.numbers.values())
    if places & set(layout.texts):  # one column as both a name and a number
        return None
    kinds = dict.fromkeys(places, "float64") | dict.fromkeys(layout.texts, "category")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", message=".*float_precision")  # pandas before 3.1
            table = pd.read_csv(
                io.BytesIO(stretch.data),
                sep=layout.delimiter,
                header=None,
                names=list(range(layout.width)),
                usecols=sorted(kinds),
                dtype=kinds,
                engine="c",
                skipinitialspace=True,
                skip_blank_lines=False,
                na_filter=False,
                low_memory=False,
                float_precision="round_trip",  # as Python's float
            )
    except (ValueError, OverflowError, Warning):
        return None
    if len(table) != stretch.lines:
        return None
    numbers = {name: _recorded(table[place]) for name, place in layout.numbers.items()}
    return Regular(
        stretch.first + np.arange(len(table)),
        numbers,
        {place: _coded(table[place]) for place in layout.texts},
    )


def _has_even_lines(data: bytes, layout: Layout) -> bool:
    """Whether every line ends and is parted by as many delimiters as the header."""
    if (
        layout.delimiter == " "  # several of them part two cells
        or not data.endswith(b"\n")
        or any(odd in data for odd in _NEVER_REGULAR)
        or data.count(b"\r") != data.count(b"\r\n")
        or not (data.isascii() or _is_text(data))
        or not cells_in_quotes_are_plain(data, layout.delimiter)
    ):
        return False
    marks = np.frombuffer(data, dtype=np.uint8)
    delimiter = ord(layout.delimiter)
    parting = marks[(marks == delimiter) | (marks == _NEWLINE)]
    if len(parting) % layout.width:
        return False
    by_line = parting.reshape(-1, layout.width)
    return bool((by_line[:, -1] == _NEWLINE).all() and (by_line[:, :-1] == delimiter).all())


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _recorded(column: pd.Series[float]) -> FloatArray:
    return recorded(column.to_numpy(dtype=np.float64))


def _coded(column: pd.Series[str]) -> tuple[NDArray[np.int64], list[str]]:
    categories = column.cat
    codes: NDArray[np.int64] = np.asarray(categories.codes, dtype=np.int64)
    return codes, [str(one) for one in categories.categories]
