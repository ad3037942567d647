"""Rows -> runs: scale, seconds, divergence, and all that must be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from harness.errors import UserError
from harness.language import _, said
from harness.logs.names import Clock
from harness.logs.rows import Counted, IntArray, Rows, ascending, counted, gap_notice, placed
from harness.logs.run import METRICS, Pause, Reading, Run
from harness.measures import FloatArray, is_accuracy
from harness.quantities import amount, listed, plural, with_more

_ONE = 1 + 1e-6  # logs hold float32, in which 1 may come out a hair above itself
_PAUSE, _SHORTEST_PAUSE = 5.0, 5.0
"""A stretch between two records counts as a pause from so many times the median of the others and
so many seconds on; a first epoch (compilation) is never one, for no record stands before it."""


def make_runs(rows: Sequence[Rows], reading: Reading) -> list[Run]:
    """Make runs of what one file holds.

    The scale of an accuracy is one for its column in the whole file (case E5), and so is where
    counting began: if one run of the file has an epoch 0, so have all (case E2).

    Raises:
        UserError: The rows make no runs.
    """
    parts = [part for one in rows for part in ascending(counted(one, reading), reading)]
    parts = [trimmed for part in parts if (trimmed := _trimmed(part)) is not None]
    if not parts:
        where = rows[0].source if rows else "the log"
        raise UserError(f"{where}: {_nothing(rows)}")
    percent = _percent_columns(parts, reading)
    from_zero = any(part.axis == "epochs" and part.count[0] == 0 for part in parts)
    return [_run(part, percent, reading, from_zero=from_zero) for part in parts]


def _nothing(rows: Sequence[Rows]) -> str:
    if any(one.columns.keys() & set(METRICS) for one in rows):
        return "holds no number of any metric"
    return (
        "has no column of a metric that is known (val_accuracy, val_acc, loss …); name yours with "
        "--metric"
    )


def _trimmed(part: Counted) -> Counted | None:
    """Leave out the rows at the end that hold no number at all: padding, not training."""
    columns = [part.rows.columns[m] for m in METRICS if m in part.rows.columns]
    if not columns:
        return None
    diverged = "loss" in _names(part) and bool(np.isinf(part.rows.columns["loss"]).any())
    has_accuracy = any(is_accuracy(m) for m in METRICS if m in _names(part))
    known = np.zeros(len(part.count), dtype=bool)
    for name in _names(part):
        values = part.rows.columns[name]
        # an accuracy stays a number when the loss is lost: with both gone, the row is padding
        known |= np.isfinite(values) if has_accuracy else ~np.isnan(values)
    if not known.any():
        return None
    last = int(np.flatnonzero(known)[-1])
    if last == len(known) - 1:
        return part
    if diverged and not has_accuracy:
        return part
    told = said(
        "{rows} at the end without any number: the run is taken to end at {place} as logged",
        rows=partial(plural, len(known) - 1 - last, "row"),
        place=placed(part.axis, part.count[last : last + 1]),
    )
    keep = np.arange(last + 1)
    return Counted(part.rows.taken(keep), part.count[: last + 1], part.axis, [*part.notices, told])


def _names(part: Counted) -> list[str]:
    return [m for m in METRICS if m in part.rows.columns]


def _percent_columns(parts: Sequence[Counted], reading: Reading) -> frozenset[str]:
    """The accuracies that are logged from 0 to 100."""
    found = set()
    for metric in filter(is_accuracy, METRICS):
        holders = [part for part in parts if metric in part.rows.columns]
        values = [part.rows.columns[metric] for part in holders]
        finite = np.concatenate([v[np.isfinite(v)] for v in values]) if values else np.empty(0)
        if not len(finite):
            continue
        low, high = float(finite.min()), float(finite.max())
        marked = any(metric in part.rows.percent for part in holders)
        is_percent = marked or high > _ONE if reading.scale is None else reading.scale == "percent"
        most = 100 * _ONE if is_percent else _ONE
        if high > most or low < 0:
            value = high if high > most else low
            raise UserError(_no_accuracy(holders, metric, value, is_percent=is_percent))
        if is_percent:
            found.add(metric)
    return frozenset(found)


def _no_accuracy(holders: Sequence[Counted], metric: str, value: float, *, is_percent: bool) -> str:
    for part in holders:
        places = np.flatnonzero(part.rows.columns[metric] == value)
        if len(places):
            where = part.rows.at(int(places[0]))
            break
    most = 100 if is_percent else 1
    return f"{where}: {metric} is {value:g}, which is no accuracy from 0 to {most}"


def _run(part: Counted, percent: frozenset[str], reading: Reading, *, from_zero: bool) -> Run:
    rows, notices = part.rows, [*part.rows.notices, *part.notices]
    count, axis = part.count, part.axis
    if axis == "epochs" and from_zero:
        notices.append(said("epochs are counted from 0: epoch 0 is the first"))
        count = count + 1
    columns = {m: rows.columns[m] for m in METRICS if m in rows.columns}
    for metric in sorted(percent & set(columns)):
        columns[metric] = columns[metric] / 100
        notices.append(said("{metric} was taken as percent", metric=metric))
    diverged_at = _divergence(columns, count, notices)
    gap = gap_notice(count, axis)
    if axis == "epochs" and len(count) and count[0] > 1:
        notices.append(
            said("begins at epoch {n}: what came before is not in the log", n=int(count[0]))
        )
    if len(count) == 1 and axis != "none":
        notices.append(said("one row: no statement about a curve can rest on it"))
    notices += [gap] if gap else []
    notices += _missing(columns, diverged_at)
    columns = {m: np.where(np.isfinite(v), v, np.nan) for m, v in columns.items()}
    pauses: tuple[Pause, ...] = ()
    if rows.clock is not None:
        seconds, told = _seconds(rows, *rows.clock)
        notices += told
        if np.isfinite(seconds).any():
            columns["seconds"] = seconds
            pauses = _pauses(seconds, count)
    if "cpu_seconds" in rows.columns:
        columns["cpu_seconds"] = _positive(rows.columns["cpu_seconds"])
    notices += _pause_notices(pauses, reading)
    if reading.pauses == "out":
        columns = _without(pauses, columns, count)
    status = "diverged" if diverged_at is not None else rows.status
    return Run(
        epoch=count,
        columns=columns,
        notices=tuple(dict.fromkeys(notices)),
        source=rows.source,
        name=rows.name,
        arm=rows.arm,
        replicate=rows.replicate,
        kind=rows.kind,
        axis=axis,
        diverged_at=diverged_at,
        status=status,
        watched_seconds=rows.watched_seconds,
        pauses=() if reading.pauses == "out" else pauses,
        counts_pauses=reading.pauses == "in",
        is_percent=percent & frozenset(columns),
    )


def _divergence(columns: dict[str, FloatArray], count: IntArray, notices: list[str]) -> int | None:
    """The epoch from which on the loss is no finite number (case D13)."""
    metric = next((m for m in ("loss", "val_loss") if m in columns), None)
    if metric is None:
        return None
    recorded = ~np.isnan(columns[metric])
    lost = np.isinf(columns[metric])
    if not lost.any():
        return None
    finite = np.flatnonzero(recorded & ~lost)
    first = int(np.flatnonzero(lost)[0])
    if len(finite) and finite[-1] > first:
        notices.append(
            said(
                "{metric} is not a number at epoch {n} and is one again later: the run is not "
                "taken as diverged",
                metric=metric,
                n=int(count[first]),
            )
        )
        return None
    notices.append(
        said(
            "diverged at epoch {n}: {metric} is not a finite number from there",
            n=int(count[first]),
            metric=metric,
        )
    )
    return int(count[first])


def _missing(columns: dict[str, FloatArray], diverged_at: int | None) -> list[str]:
    """How many values of each metric are not there."""
    told: list[str] = []
    for metric, values in columns.items():
        gone = int(np.isnan(values).sum())
        strange = int(np.isinf(values).sum()) if is_accuracy(metric) else 0
        gaps = np.diff(np.flatnonzero(~np.isnan(values)))
        if gone and len(gaps) > 1 and gaps[0] > 1 and (gaps == gaps[0]).all():
            told.append(
                said(
                    "{metric} is recorded every {n} rows: times are known to an interval, and "
                    "nothing was filled in",
                    metric=metric,
                    n=int(gaps[0]),
                )
            )
        elif gone and gone < len(values):
            told.append(
                said(
                    "{metric} is missing in {gone} of {all} rows; none was filled in",
                    metric=metric,
                    gone=gone,
                    all=len(values),
                )
            )
        if strange and diverged_at is None:
            told.append(
                said(
                    "{metric} is not a number in {strange} of {all} rows",
                    metric=metric,
                    strange=strange,
                    all=len(values),
                )
            )
    return told


def _positive(seconds: FloatArray) -> FloatArray:
    return np.where(np.isfinite(seconds) & (seconds >= 0), seconds, np.nan)


def _seconds(rows: Rows, values: FloatArray, clock: Clock) -> tuple[FloatArray, list[str]]:
    """Seconds of each epoch; NaN for the first one where only times of records are known."""
    values = np.where(np.isinf(values), np.nan, values)
    told: list[str] = []
    if clock == "unclear":
        known = values[np.isfinite(values)]
        rises = len(known) > 2 and bool((np.diff(known) > 0).all())
        clock = "elapsed" if rises else "each"
        told.append(
            said("the column time goes up throughout and is taken as time since the start")
            if rises
            else said("the column time is taken as each epoch's seconds")
        )
    if clock == "each":
        return _positive(values), told
    if clock == "stamp":
        most = np.nanmax(values, initial=0)
        # nano-, micro- or milliseconds since 1970
        values = values / next((by for by in (1e9, 1e6, 1e3) if most > 1e8 * by), 1.0)
    first = values[0] if clock == "elapsed" and (rows.is_begun or values[0] > 0) else np.nan
    seconds = np.diff(values, prepend=np.nan)
    seconds[0] = first
    if (seconds < 0).any():
        told.append(
            said("the clock goes back, as after a restart: that stretch of time is not known")
        )
    return _positive(seconds), told


def _pauses(seconds: FloatArray, count: IntArray) -> tuple[Pause, ...]:
    """Stretches between records that are far longer than the others (case E8)."""
    gaps = np.diff(count).astype(float)
    stretches = seconds[1:]
    known = np.isfinite(stretches)
    if known.sum() < 2:
        return ()
    paces = stretches / (gaps / np.median(gaps))  # missing rows are no pause
    typical = float(np.median(np.sort(paces[known])[:-1]))
    is_long = known & (paces > _PAUSE * typical) & (stretches >= _SHORTEST_PAUSE)
    found = np.flatnonzero(is_long) if typical > 0 else ()
    return tuple(Pause(int(count[place]), float(stretches[place])) for place in found)


def _pause_notices(pauses: Sequence[Pause], reading: Reading) -> list[str]:
    if not pauses:
        return []
    found = partial(_pauses_in_words, pauses)
    if reading.pauses == "out":
        return [said("a pause of {found}: taken out of the seconds, as asked", found=found)]
    if reading.pauses == "in":
        return [said("a pause of {found}: counted as training time, as asked", found=found)]
    return [said("a pause of {found}: wall time is not training time here", found=found)]


def _pauses_in_words(pauses: Sequence[Pause]) -> str:
    each = [
        _("{time} after epoch {n}").format(time=amount(p.seconds, "seconds"), n=p.after)
        for p in pauses[:3]
    ]
    return with_more(listed(each), len(pauses) - len(each))


def _without(
    pauses: Sequence[Pause], columns: dict[str, FloatArray], count: IntArray
) -> dict[str, FloatArray]:
    """The seconds with pauses out: what was trained within a stretch of pause is not known."""
    if not pauses:
        return columns
    seconds = columns["seconds"].copy()
    for pause in pauses:
        seconds[np.searchsorted(count, pause.after) + 1] = 0.0
    return {**columns, "seconds": seconds}


def final_values(runs: Sequence[Run]) -> list[Run]:
    """Runs of which a log holds final values only: no curve."""
    return [replace(run, axis="none") for run in runs]
