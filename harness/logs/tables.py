"""Delimited text: Keras' CSVLogger and its relatives, and tidy tables of many runs.

A tidy table names its runs in columns (arm, replicate). Runs whose rows stand together are handed
on as soon as they end, so that a large file is never held whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby, pairwise
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.logs.cells import numbers
from harness.logs.making import make_runs
from harness.logs.names import Meaning, meaning
from harness.logs.rows import IntArray, Rows
from harness.logs.run import Kind, Reading, Run
from harness.logs.stretches import (
    HEAD,
    Layout,
    Regular,
    Stretch,
    cells_in_quotes_are_plain,
    regular,
    stretches,
)
from harness.logs.text import Batch, Table, encoding_of, open_table
from harness.measures import FloatArray

HELD_WHOLE = 64 * 2**20
"""Files up to so many bytes may have a run's rows in several places."""

Key = tuple[str | None, str | None]
Batches = Iterator[tuple[list[tuple[Key, slice]], IntArray, dict[str, FloatArray], set[str]]]


@dataclass
class Gathered:
    """The rows of one run, batch by batch: by column the chunks read so far."""

    columns: dict[str, list[FloatArray]] = field(default_factory=dict)
    lines: list[IntArray] = field(default_factory=list)
    percent: set[str] = field(default_factory=set)

    def add(self, values: dict[str, FloatArray], lines: IntArray, percent: set[str]) -> None:
        """Append rows."""
        for name, column in values.items():
            self.columns.setdefault(name, []).append(column)
        self.lines.append(lines)
        self.percent |= percent

    def rows(self, source: str, key: Key, kind: Kind, meant: Meaning, told: Sequence[str]) -> Rows:
        """All of them as one `Rows`."""
        whole = {name: np.concatenate(chunks) for name, chunks in self.columns.items()}
        clock = whole.pop("clock", None)
        arm, replicate = key
        named = " ".join(part for part in key if part is not None)
        return Rows(
            source=source,
            name=named or source,
            kind=kind,
            epoch=whole.pop("epoch", None),
            step=whole.pop("step", None),
            clock=None if clock is None or meant.clock is None else (clock, meant.clock[1]),
            columns=whole,
            lines=np.concatenate(self.lines),
            percent=frozenset(self.percent),
            arm=arm,
            replicate=replicate,
            notices=tuple(dict.fromkeys([*meant.notices, *told])),
        )


def read_table(file: Path, reading: Reading) -> Iterator[Run]:
    """Read a delimited text file, as one run or, where its columns name runs, as many.

    Raises:
        UserError: It is no such table; the message has the line.
    """
    table = open_table(file, reading.metric)
    meant = meaning(table.header, reading.metric, str(file))
    batches = _batches(table, meant, reading)
    kind: Kind = "csv" if meant.arm is None and meant.replicate is None else "tidy"
    yield from runs_of(batches, file, meant, table.notices, reading, kind=kind)


def _batches(table: Table, meant: Meaning, reading: Reading) -> Batches:
    """The rows of a table: of a large one the regular stretches quickly, all else with care."""
    wanted = wanted_columns(meant)

    def carefully(parts: Iterable[Stretch] | None) -> Batches:
        for batch in table.batches(parts):
            yield keys_of(batch, meant), batch.lines, *_values(batch, wanted, table)

    is_large = table.file.stat().st_size > HEAD
    if not is_large or not encoding_of(table.file).startswith("utf-8"):
        yield from carefully(None)
        return
    names = tuple(place for place in (meant.arm, meant.replicate) if place is not None)
    layout = Layout(table.delimiter, len(table.header), wanted, names)
    parts = stretches(table.file)
    for part in parts:
        found = regular(part, layout) if part.first > table.header_line else None
        if found is not None:
            yield _coded_keys(found, meant), found.lines, found.numbers, set()
        elif cells_in_quotes_are_plain(part.data, table.delimiter):
            yield from carefully([part])
        else:  # a cell may begin here and end in the next stretch
            yield from carefully(chain([part], parts))
        reading.report_bytes(len(part.data))


def _coded_keys(found: Regular, meant: Meaning) -> list[tuple[Key, slice]]:
    """The runs of a regular stretch, as `keys_of` gives them."""
    n = len(found.lines)
    nothing = (np.zeros(n, dtype=np.int64), [None])
    arms, arm_names = nothing if meant.arm is None else found.texts[meant.arm]
    replicates, names = nothing if meant.replicate is None else found.texts[meant.replicate]
    changes = np.flatnonzero((np.diff(arms) != 0) | (np.diff(replicates) != 0)) + 1
    bounds = [0, *changes.tolist(), n]
    return [
        ((_label(arm_names[arms[start]]), _label(names[replicates[start]])), slice(start, stop))
        for start, stop in pairwise(bounds)
    ]


def runs_of(
    batches: Batches,
    file: Path,
    meant: Meaning,
    told: list[str],
    reading: Reading,
    *,
    kind: Kind = "tidy",
) -> Iterator[Run]:
    """Make runs of batches of numbers, the large ones one by one.

    Args:
        batches: What each batch holds: whose rows, their lines, numbers by column, percent columns.
        file: The file.
        meant: What its columns mean.
        told: Notices of the reading so far; it may grow while batches are read.
        reading: How to read.
        kind: What to call the kind of log.
    """
    if file.stat().st_size <= HELD_WHOLE or (meant.arm is None and meant.replicate is None):
        yield from _whole(batches, file, meant, told, reading, kind=kind)
    else:
        yield from _streamed(batches, file, meant, told, reading, kind=kind)


def wanted_columns(meant: Meaning) -> dict[str, int]:
    """The columns that hold numbers to read, by what they mean."""
    found = dict(meant.metrics)
    found |= {"epoch": meant.epoch} if meant.epoch is not None else {}
    found |= {"step": meant.step} if meant.step is not None else {}
    found |= {"clock": meant.clock[0]} if meant.clock is not None else {}
    return found | ({"cpu_seconds": meant.cpu} if meant.cpu is not None else {})


def _values(
    batch: Batch, wanted: dict[str, int], table: Table
) -> tuple[dict[str, FloatArray], set[str]]:
    values, percent = {}, set()
    for name, place in wanted.items():
        values[name], marked = numbers(
            batch.columns[place],
            name=table.header[place],
            where=line_of(table.file, batch.lines),
            decimal_comma=table.decimal_comma,
            dates=name == "clock",
        )
        if marked:
            percent.add(name)
    return values, percent


def line_of(file: Path, lines: IntArray) -> Callable[[int], str]:
    """Says for a row's place in which file and line it stands."""
    return lambda place: f"{file}, line {lines[place]}"


def keys_of(batch: Batch, meant: Meaning) -> list[tuple[Key, slice]]:
    """The runs of a batch: stretches of rows with one arm and replicate."""
    n = len(batch.lines)
    if meant.arm is None and meant.replicate is None:
        return [((None, None), slice(0, n))]
    nothing = (None,) * n
    arms = nothing if meant.arm is None else batch.columns[meant.arm]
    replicates = nothing if meant.replicate is None else batch.columns[meant.replicate]
    found, start = [], 0
    for (arm, replicate), group in groupby(zip(arms, replicates, strict=True)):
        stop = start + sum(1 for _ in group)
        key = (_label(arm), _label(replicate))
        found.append((key, slice(start, stop)))
        start = stop
    return found


def _label(cell: str | None) -> str | None:
    """A name as people read it: padding gone, and 3.0 (a spreadsheet's 3) is 3."""
    if cell is None:
        return None
    text = cell.strip()
    whole = text.removesuffix(".0")
    return whole if whole.isdigit() else text


def _whole(
    batches: Batches,
    file: Path,
    meant: Meaning,
    told: list[str],
    reading: Reading,
    *,
    kind: Kind,
) -> Iterator[Run]:
    """Read everything, then make the runs."""
    found: dict[Key, Gathered] = {}
    for keys, lines, values, percent in batches:
        for key, part in keys:
            own = {name: column[part] for name, column in values.items()}
            found.setdefault(key, Gathered()).add(own, lines[part], percent)
    if not found:
        raise UserError(f"{file}: has a header and no rows")
    rows = [
        one.rows(str(file), key, kind, meant, told)
        for key, one in found.items()
        if _is_named(key, meant, file, one.lines[0][0])
    ]
    yield from make_runs(rows, reading)


def _is_named(key: Key, meant: Meaning, file: Path, line: int) -> bool:
    """Whether a run's cells name it; an empty cell is no name."""
    if (meant.arm is not None and not key[0]) or (meant.replicate is not None and not key[1]):
        what = "arm" if meant.arm is not None and not key[0] else "replicate"
        raise UserError(f"{file}, line {line}: the cell of the {what} is empty")
    return True


def _streamed(
    batches: Batches,
    file: Path,
    meant: Meaning,
    told: list[str],
    reading: Reading,
    *,
    kind: Kind,
) -> Iterator[Run]:
    """Hand on each run once another begins; the scale is that of the first batch."""
    current: Key | None = None
    gathered = Gathered()
    done: set[Key] = set()
    fixed: Reading | None = None
    for keys, lines, values, percent in batches:
        for key, part in keys:
            if key != current:
                if current is not None:
                    done.add(current)
                    rows = gathered.rows(str(file), current, kind, meant, told)
                    fixed = fixed or _with_scale(reading, values)
                    yield from make_runs([rows], fixed)
                _is_named(key, meant, file, lines[part][0])
                if key in done:
                    raise UserError(
                        f"{file}, line {lines[part][0]}: the rows of {' '.join(map(str, key))} "
                        "stand in several places; sort so large a file by arm and replicate"
                    )
                current, gathered = key, Gathered()
            own = {name: column[part] for name, column in values.items()}
            gathered.add(own, lines[part], percent)
    if current is None:
        raise UserError(f"{file}: has a header and no rows")
    rows = gathered.rows(str(file), current, kind, meant, told)
    yield from make_runs([rows], fixed or reading)


def _with_scale(reading: Reading, values: dict[str, FloatArray]) -> Reading:
    """The scale that a first batch shows; where a later run contradicts it, it is refused there."""
    if reading.scale is not None:
        return reading
    known = [v[np.isfinite(v)] for name, v in values.items() if name.endswith("accuracy")]
    most = max((float(v.max()) for v in known if len(v)), default=0.0)
    return replace(reading, scale="percent" if most > 1 + 1e-6 else "fraction")
