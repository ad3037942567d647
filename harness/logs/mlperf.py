"""MLPerf's ``:::MLLOG`` lines: evaluations with their time since the run started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.language import said
from harness.logs.cells import recorded
from harness.logs.making import make_runs
from harness.logs.names import canonical, plain, role
from harness.logs.rows import Rows
from harness.logs.run import Reading, Run, Status
from harness.logs.text import lines_of
from harness.quantities import plural

MARK = ":::MLLOG"
_LATEST = 1e18  # milliseconds; what is later is no time
_RANK = re.compile(r"^\s*\[?(\d+)\]?\s*:")


@dataclass
class _Attempt:
    """What is logged from one run_start to its run_stop."""

    start: float | None = None
    stop: float | None = None
    status: str | None = None
    last: float | None = None
    points: list[tuple[int, str, float, float, Mapping[str, Any]]] = field(default_factory=list)


def read_mlperf(file: Path, reading: Reading) -> Iterator[Run]:
    """Read the runs of an MLPerf log; noise around its lines is passed over (case E10).

    Raises:
        UserError: There is no evaluation in it.
    """
    notices: list[str] = []
    attempts = _attempts(file, reading, notices)
    runs = [one for one in attempts if one.points]
    if not runs:
        fault = f" ({notices[0]})" if notices else ""
        raise UserError(
            f"{file}: holds no {reading.metric or 'evaluation (eval_accuracy …)'}{fault}"
        )
    rows = [
        _rows(file, one, f"{file}#{i}" if len(runs) > 1 else str(file), notices)
        for i, one in enumerate(runs, start=1)
    ]
    yield from make_runs(rows, reading)


def _attempts(file: Path, reading: Reading, notices: list[str]) -> list[_Attempt]:
    found = [_Attempt()]
    ranks: set[int] = set()
    cut: list[int] = []
    for number, line in enumerate(lines_of(file), start=1):
        before, mark, text = line.partition(MARK)
        if not mark:
            continue
        event = _event(text)
        if event is None:
            cut.append(number)
            continue
        told = _RANK.match(before)
        rank = int(told[1]) if told else 0
        if ranks and rank < min(ranks):  # every rank logs the same events: begin again with its own
            found = [_Attempt()]
        ranks.add(rank)
        if rank == min(ranks):
            _take(found, event, number, reading)
    if cut:
        notices.append(
            said("line {line} cut in the middle: left out", line=cut[0])
            if len(cut) == 1
            else said(
                "{n} lines, the first is {line}, cut in the middle: left out",
                n=len(cut),
                line=cut[0],
            )
        )
    if len(ranks) > 1:
        several = partial(plural, len(ranks), "rank")
        notices.append(
            said("{ranks} log the run: rank {first} counts", ranks=several, first=min(ranks))
        )
    return found


def _event(text: str) -> dict[str, Any] | None:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("key"), str):
        return None
    return event


def _take(found: list[_Attempt], event: dict[str, Any], number: int, reading: Reading) -> None:
    """Enter one event where it belongs."""
    key, now = event["key"], _number(event.get("time_ms"))
    time = None if now is None or not abs(now) < _LATEST else now / 1000
    current = found[-1]
    metadata = event.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if key == "run_start":
        if current.start is not None or current.points:
            found.append(current := _Attempt())
        current.start = time
    elif key == "run_stop":
        current.stop = time
        status = metadata.get("status", event.get("value"))
        current.status = status if isinstance(status, str) else None
    else:
        metric = _metric(key, reading.metric)
        value = _number(event.get("value"))
        if metric is not None and value is not None and time is not None:
            current.points.append((number, metric, value, time, metadata))
    current.last = time if time is not None else current.last


def _number(value: Any) -> float | None:
    """A JSON number; None for anything else, and for integers beyond all floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _metric(key: str, wanted: str | None) -> str | None:
    if wanted is not None:
        return role(wanted) if plain(key) == plain(wanted) else None
    known = canonical(key)
    return None if known is None else known[0]


def _rows(file: Path, run: _Attempt, name: str, told: Sequence[str]) -> Rows:
    notices = list(told)
    metrics = list(dict.fromkeys(metric for _, metric, *_ in run.points))
    times = np.array([time for *_, time, _ in run.points])
    named = _epochs([metadata for *_, metadata in run.points])
    if named is None:
        notices.append(said("the log names no epochs: evaluations are counted"))
    evaluations = np.unique(times, return_inverse=True)[1].astype(np.float64) + 1
    start = run.start
    if start is None:
        notices.append(said("there is no run_start: times are counted from the first evaluation"))
    watched = None
    end = run.stop if run.stop is not None else run.last
    if start is not None and end is not None and end > times.max():
        watched = end - start
    if run.stop is None:
        notices.append(said("there is no run_stop: the run is taken to end where its log ends"))
    elif run.status not in {None, "success"}:
        notices.append(said("the run was {status}", status=run.status))
    status: Status = "completed" if run.status in {None, "success"} and run.stop else "aborted"
    columns = {
        metric: np.array(
            [recorded([v])[0] if m == metric else np.nan for _, m, v, *_ in run.points]
        )
        for metric in metrics
    }
    return Rows(
        source=str(file),
        name=name,
        kind="mlperf",
        columns=columns,
        lines=np.array([line for line, *_ in run.points]),
        epoch=evaluations if named is None else named,
        clock=(times - (times[0] if start is None else start), "elapsed"),
        status=status,
        watched_seconds=watched,
        is_begun=start is not None,
        notices=tuple(notices),
    )


def _epochs(metadata: Sequence[Mapping[str, Any]]) -> np.typing.NDArray[np.float64] | None:
    """The epoch of each evaluation, where all of them name a whole one."""
    found = [_number(document.get("epoch_num")) for document in metadata]
    if any(epoch is None for epoch in found):
        return None
    epochs = np.array(found, dtype=np.float64)
    return epochs if (epochs % 1 == 0).all() and (epochs >= 0).all() else None
