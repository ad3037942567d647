"""Rows of a log -> one ascending curve: restarts, repeated and missing epochs.

The rules are those of every kind of log. What is unambiguous is repaired with a notice, what is not
is refused: see `ascending`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.language import _, said
from harness.logs.names import Clock
from harness.logs.run import Axis, Kind, Reading, Status
from harness.measures import FloatArray
from harness.quantities import listed, plural, strung

IntArray = NDArray[np.int64]
_MOST = 2**53  # beyond it a float no longer tells one whole number from the next


@dataclass(frozen=True, eq=False)
class Rows:
    """What a log holds of one run, as it stands there.

    Missing values are NaN; what was recorded and is no finite number is inf.

    Attributes:
        source: The file.
        name: What the log calls the run.
        kind: How the file was read.
        columns: Values by canonical metric, and ``cpu_seconds``, each of shape ``(n,)``.
        lines: Line or record number of each row, shape ``(n,)``.
        epoch: The epochs as logged, or None.
        step: The steps as logged, or None.
        clock: Wall time as logged and how it counts, or None.
        percent: Columns whose cells carry a percent sign.
        arm: The arm, where the log names it.
        replicate: The replicate, where the log names it.
        status: How the run ended, as far as the log says.
        watched_seconds: How long it was watched, where the log says.
        is_begun: Whether elapsed time counts from the beginning of training.
        notices: What was taken for granted so far.
    """

    source: str
    name: str
    kind: Kind
    columns: Mapping[str, FloatArray]
    lines: IntArray
    epoch: FloatArray | None = None
    step: FloatArray | None = None
    clock: tuple[FloatArray, Clock] | None = None
    percent: frozenset[str] = frozenset()
    arm: str | None = None
    replicate: str | None = None
    status: Status = "completed"
    watched_seconds: float | None = None
    is_begun: bool = False
    notices: tuple[str, ...] = ()

    def at(self, place: int) -> str:
        """Where a row stands, for messages."""
        return f"{self.source}, line {self.lines[place]}"

    def taken(self, places: IntArray) -> Rows:
        """Some of the rows, in the order given."""
        return replace(
            self,
            columns={name: values[places] for name, values in self.columns.items()},
            lines=self.lines[places],
            epoch=None if self.epoch is None else self.epoch[places],
            step=None if self.step is None else self.step[places],
            clock=None if self.clock is None else (self.clock[0][places], self.clock[1]),
        )


@dataclass(frozen=True, eq=False)
class Counted:
    """Rows with what they are counted by.

    Attributes:
        rows: The rows.
        count: Whole numbers, one a row, as logged.
        axis: What they count.
        notices: What was taken for granted.
    """

    rows: Rows
    count: IntArray
    axis: Axis
    notices: list[str] = field(default_factory=list)


def counted(rows: Rows, reading: Reading) -> Counted:
    """Say what a run is counted by: its epochs, its steps, or its rows.

    Raises:
        UserError: The counts are no whole numbers from 0.
    """
    n = len(rows.lines)
    has_steps = rows.step is not None and bool(np.isfinite(rows.step).any())
    if reading.axis == "steps" and not has_steps:
        raise UserError(f"{rows.source}: has no column step; count by epochs")
    if rows.epoch is not None and reading.axis != "steps":
        known = np.isfinite(rows.epoch)
        fractional = bool((rows.epoch[known] % 1 != 0).any())
        if not fractional:
            return Counted(rows, _whole(rows, rows.epoch, "epoch"), "epochs")
        if not has_steps:
            place = int(np.flatnonzero(known & (rows.epoch % 1 != 0))[0])
            raise UserError(
                f"{rows.at(place)}: epoch {rows.epoch[place]:g} is no whole number, and there is "
                "no column step to count by"
            )
        told = said("epochs are logged in fractions, so the run is counted in steps")
        return Counted(rows, _whole(rows, rows.step, "step"), "steps", [told])
    if has_steps and rows.step is not None:
        return _by_steps(rows, _whole(rows, rows.step, "step"), reading)
    told = said("there is no column epoch: rows were counted from 1")
    return Counted(rows, np.arange(1, n + 1), "epochs", [told])


def _by_steps(rows: Rows, steps: IntArray, reading: Reading) -> Counted:
    """Steps that go up by one from 0 or 1 are epochs, unless the user says otherwise."""
    ascending = np.unique(steps)
    gaps = np.diff(ascending)
    by_one = len(gaps) == 0 or int(np.median(gaps)) == 1
    if reading.axis != "steps" and by_one and ascending[0] <= 1:
        told = said(
            "there are no epochs: steps, which go up by 1 from {first}, count as such",
            first=ascending[0],
        )
        return Counted(rows, steps, "epochs", [told])
    return Counted(rows, steps, "steps", [said("the run is counted in steps, not in epochs")])


def _whole(rows: Rows, values: FloatArray | None, name: str) -> IntArray:
    if values is None:  # pragma: no cover - callers look first
        raise UserError(f"{rows.source}: has no column {name}")
    wrong = ~np.isfinite(values)
    wrong[~wrong] = (values[~wrong] % 1 != 0) | (values[~wrong] < 0) | (values[~wrong] > _MOST)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        told = "is missing" if np.isnan(values[place]) else f"{values[place]:g} is not allowed"
        raise UserError(f"{rows.at(place)}: {name} {told}: it must be a whole number from 0")
    return values.astype(np.int64)


def ascending(run: Counted, reading: Reading) -> list[Counted]:
    """Bring the rows of a run into one row a count, ascending.

    * Rows of one epoch that fill each other's gaps (Lightning) are one row (case E12).
    * A log that goes back and goes on from there was resumed: the later row wins (case E1).
    * A log that goes back to its beginning holds several runs: refused, unless ``reading.restarts``
      says what to do.
    * Rows out of order, none of them twice, are sorted.

    Raises:
        UserError: Several runs, or several values of one epoch, in one log.
    """
    steps = np.diff(run.count)
    if (steps > 0).all():
        return [run]
    if len(np.unique(run.count)) == len(run.count):
        if run.rows.clock is not None:
            told = said("rows are not in the order of epochs and were sorted")
        else:
            told = said("rows were sorted by epoch")
        return [_ordered(run, [*run.notices, told])]
    pieces = list(_pieces(run))
    begins = [i for i, piece in enumerate(pieces) if i == 0 or _is_fresh(run, pieces, i)]
    if len(begins) > 1 and reading.restarts is None:
        place = pieces[begins[1]][0][0]
        raise UserError(
            f"{run.rows.at(place)}: {run.axis[:-1]} {run.count[place]} begins again: the log holds "
            f"{len(begins)} runs, or one that was started anew. Say which with --restarts separate "
            "or --restarts last, or split the file"
        )
    groups = [pieces[a:b] for a, b in zip(begins, [*begins[1:], len(pieces)], strict=True)]
    if reading.restarts == "last" and len(groups) > 1:
        told = said(
            "the run begins {n} times; what stands above the last is left out", n=len(groups)
        )
        return [_merged(replace(run, notices=[*run.notices, told]), groups[-1])]
    found = [_merged(run, group) for group in groups]
    if len(found) == 1:
        return found
    return [
        replace(one, rows=replace(one.rows, name=f"{one.rows.name}#{i}", replicate=None))
        for i, one in enumerate(found, start=1)
    ]


_Piece = list[list[int]]  # groups of places that make up one row each, ascending


def _pieces(run: Counted) -> Iterator[_Piece]:
    """Cut the rows where the count goes back, or where an epoch is there twice, differently."""
    columns = np.array(list(run.rows.columns.values())).T.reshape(len(run.count), -1)
    step = run.rows.step
    piece: _Piece = []
    filled = np.full(columns.shape[1], np.nan)
    for place, count in enumerate(run.count):
        row = columns[place]
        if piece and count == run.count[piece[-1][-1]]:
            before = piece[-1][-1]
            both = ~np.isnan(row) & ~np.isnan(filled)
            differs = bool((row[both] != filled[both]).any())
            later = step is not None and run.axis == "epochs" and step[place] > step[before]
            if not differs or later:
                piece[-1].append(place)
                filled = np.where(np.isnan(row), filled, row)
                continue
        if piece and count <= run.count[piece[-1][-1]]:
            yield piece
            piece = []
        piece.append([place])
        filled = row
    yield piece


def _is_fresh(run: Counted, pieces: Sequence[_Piece], place: int) -> bool:
    """Whether a piece goes back to where the run began."""
    start = min(int(run.count[piece[0][0]]) for piece in pieces[:place])
    return int(run.count[pieces[place][0][0]]) <= start


def _merged(run: Counted, pieces: Sequence[_Piece]) -> Counted:
    """One row a count: the later piece wins, rows of one epoch fill each other's gaps."""
    rows, notices = run.rows, list(run.notices)
    chosen: dict[int, list[int]] = {}
    for piece in pieces:
        own = {int(run.count[group[0]]): group for group in piece}
        begin, end = min(own), max(own)
        notices += _resumed(
            run, rows.lines[piece[0][0]], sorted(c for c in chosen if c >= begin), end
        )
        # what was trained beyond the point of return belongs to a history that was given up
        chosen = {count: group for count, group in chosen.items() if count < begin} | own
    groups = [chosen[count] for count in sorted(chosen)]
    several = sum(_has_several(rows, group) for group in groups)
    if several:
        notices.append(
            said(
                "{epochs} with several values of one metric: the last counts",
                epochs=partial(plural, several, "epoch"),
            )
        )
    last = np.array([group[-1] for group in groups])
    merged = rows.taken(last)
    columns = {name: _last_known(values, groups) for name, values in rows.columns.items()}
    clock = None if rows.clock is None else (_last_known(rows.clock[0], groups), rows.clock[1])
    return Counted(
        replace(merged, columns=columns, clock=clock), run.count[last], run.axis, notices
    )


def _resumed(run: Counted, line: int, again: Sequence[int], end: int) -> Iterator[str]:
    """What must be said of a log that goes back and goes on from there."""
    if not again:
        return
    yield said(
        "the log was begun again at line {line}: of {place} the later row counts",
        line=line,
        place=placed(run.axis, again),
    )
    given_up = [count for count in again if count > end]
    if given_up:
        yield said(
            "{place}, logged before that, was never reached again: left out",
            place=placed(run.axis, given_up),
        )


def _has_several(rows: Rows, group: Sequence[int]) -> bool:
    if len(group) == 1:
        return False
    at = np.array(group)
    return any(
        len(np.unique(known)) > 1
        for values in rows.columns.values()
        if len(known := values[at][~np.isnan(values[at])])
    )


def _last_known(values: FloatArray, groups: Sequence[Sequence[int]]) -> FloatArray:
    """The last recorded value of each group of rows; NaN where none was."""

    def last(group: Sequence[int]) -> float:
        return next((values[p] for p in reversed(group) if not np.isnan(values[p])), np.nan)

    return np.array([last(group) for group in groups], dtype=np.float64)


def _ordered(run: Counted, notices: list[str]) -> Counted:
    order = np.argsort(run.count, kind="stable")
    return Counted(run.rows.taken(order), run.count[order], run.axis, notices)


def placed(axis: Axis, counts: Iterable[int]) -> str:
    """Epochs or steps in words: "epoch 3", "step 20 to 40"."""
    which = partial(_ranged, [int(count) for count in counts])
    return said("step {n}", n=which) if axis == "steps" else said("epoch {n}", n=which)


def _ranged(counts: Sequence[int]) -> str:
    """Whole numbers in words: "2 to 5", "2, 4 and 9"."""
    if len(counts) > 2 and counts[-1] - counts[0] == len(counts) - 1:
        return _("{low} to {high}").format(low=counts[0], high=counts[-1])
    shown = [str(count) for count in counts[:5]]
    if len(counts) <= 5:
        return listed(shown)
    return _("{some} and others").format(some=strung(shown))


def gap_notice(count: IntArray, axis: Axis) -> str | None:
    """What a reader must know of counts that are missing between the first and the last."""
    gaps = np.diff(count)
    if axis != "epochs" or not len(gaps) or (gaps == 1).all():
        return None
    if len(gaps) > 1 and (gaps == gaps[0]).all():
        return said("evaluated every {n} epochs: times are known to an interval", n=gaps[0])
    missing = [int(c) for a, b in pairwise(count) for c in range(a + 1, b)][:6]
    return said("{place} missing; nothing was filled in", place=placed(axis, missing))
