"""TensorBoard's event files: a run is a folder, with train/ and validation/ below it or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.language import said
from harness.logs.making import make_runs
from harness.logs.names import absent, canonical, plain, read_from, role
from harness.logs.records import BrokenRecordError, Scalar, scalars
from harness.logs.rows import Rows
from harness.logs.run import METRICS, Reading, Run
from harness.quantities import listed

_SIDES = {"train": "", "training": "", "validation": "val_", "val": "val_", "eval": "val_"}


def is_event_name(file: Path) -> bool:
    """Whether a file is named like TensorBoard's event files."""
    return "tfevents" in file.name


def event_folders(folder: Path) -> list[Path]:
    """The run folders below a folder: those with event files, train/ and validation/ as one."""
    found = {run_folder(file) for file in sorted(folder.rglob("*tfevents*")) if file.is_file()}
    return sorted(found)


def run_folder(file: Path) -> Path:
    """The run that an event file belongs to: its folder, or the one above train/ and such."""
    parent = file.parent
    return parent.parent if parent.name.lower() in _SIDES else parent


@dataclass
class _Series:
    """The points of one metric, as they were written."""

    tag: str
    points: list[Scalar] = field(default_factory=list)


def read_events(path: Path, reading: Reading) -> Iterator[Run]:
    """Read one run: an event file alone, or a run's folder.

    Raises:
        UserError: There is no scalar of a metric that is known.
    """
    files = [path] if path.is_file() else _files(path)
    found: dict[str, _Series] = {}
    tags: set[str] = set()
    notices: list[str] = []
    for file in files:
        prefix = _SIDES.get(file.parent.name.lower(), "")
        try:
            for scalar in scalars(file):
                tags.add(scalar.tag)
                metric = _metric(scalar.tag, prefix, reading.metric)
                if metric is not None:
                    _keep(found, metric, scalar, notices)
        except BrokenRecordError as error:
            notices.append(
                said(
                    "{file} {fault}: what comes after is left out",
                    file=file.name,
                    fault=error.fault,
                )
            )
        except OSError as error:
            raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    wanted = reading.metric
    if wanted is not None and plain(wanted) not in {*map(plain, tags), *METRICS}:
        raise UserError(absent(wanted, sorted(tags), str(path)))
    if not found:
        raise UserError(_nothing(path, sorted(tags), notices))
    yield from make_runs([_rows(path, found, notices)], reading)


def _files(folder: Path) -> list[Path]:
    places = [folder, *(folder / name for name in _sub_folders(folder))]
    return [f for p in places for f in sorted(p.glob("*tfevents*")) if f.is_file()]


def _sub_folders(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name.lower() in _SIDES)


def _metric(tag: str, prefix: str, wanted: str | None) -> str | None:
    if wanted is not None and (tag == wanted or plain(tag) == plain(wanted)):
        metric = role(wanted)
    else:
        known = canonical(tag)
        if known is None:
            return None
        metric = known[0]
    return metric if metric.startswith("val_") else f"{prefix}{metric}"


def _keep(found: dict[str, _Series], metric: str, scalar: Scalar, notices: list[str]) -> None:
    """Add a point; of two tags for one metric the better known one counts (case C3)."""
    series = found.setdefault(metric, _Series(scalar.tag))
    if series.tag != scalar.tag:
        ranks = [_rank(series.tag), _rank(scalar.tag)]
        kept, other = (series.tag, scalar.tag) if ranks[0] <= ranks[1] else (scalar.tag, series.tag)
        told = read_from(metric, kept, other)
        if told not in notices:
            notices.append(told)
        if kept == series.tag:
            return
        series = found[metric] = _Series(scalar.tag)
    series.points.append(scalar)


def _rank(tag: str) -> tuple[int, str]:
    known = canonical(tag)
    return (-1 if known is None else known[1], tag)


def _rows(path: Path, found: dict[str, _Series], notices: Sequence[str]) -> Rows:
    """All points as rows, in the order of writing; a step's metrics fill each other's gaps."""
    points = [(m, p) for m, series in found.items() for p in _latest(series.points)]
    by_epoch = all(plain(series.tag).startswith("epoch_") for series in found.values())
    steps = sorted({point.step for _, point in points})
    place = {step: i for i, step in enumerate(steps)}
    columns = {metric: np.full(len(steps), np.nan) for metric in found}
    for metric, point in points:
        columns[metric][place[point.step]] = point.value if np.isfinite(point.value) else np.inf
    first = next(m for m in ("val_accuracy", "val_loss", "accuracy", "loss") if m in found)
    wall = np.full(len(steps), np.nan)
    for metric, point in points:
        if metric == first:
            wall[place[point.step]] = point.wall_time
    told = [
        said("{tag} goes back to step {step}: the later value counts", tag=series.tag, step=again)
        for series in found.values()
        if (again := _goes_back(series.points)) is not None
    ]
    counts = np.array(steps, dtype=np.float64)
    return Rows(
        source=str(path),
        name=str(run_folder(path) if path.is_file() else path),
        kind="tensorboard",
        columns=columns,
        lines=np.arange(1, len(steps) + 1),
        epoch=counts if by_epoch else None,
        step=None if by_epoch else counts,
        clock=(wall, "stamp"),
        notices=(*notices, *told, said("the first record has no time before it")),
    )


def _latest(points: Sequence[Scalar]) -> list[Scalar]:
    """Points by step, the later one of two; what lies beyond a point of return was given up.

    Event files of one folder may overlap in time, so points are taken in the order of their clock.
    """
    kept: list[Scalar] = []
    for point in sorted(points, key=lambda p: p.wall_time):
        while kept and kept[-1].step >= point.step:
            kept.pop()
        kept.append(point)
    return kept


def _goes_back(points: Sequence[Scalar]) -> int | None:
    """The step that a series returns to; None if it never does."""
    ordered = sorted(points, key=lambda p: p.wall_time)
    return next((b.step for a, b in pairwise(ordered) if b.step <= a.step), None)


def _nothing(path: Path, tags: Sequence[str], notices: Sequence[str]) -> str:
    fault = f" ({notices[0]})" if notices else ""
    if not tags:
        return f"{path}: holds no scalars{fault}"
    return (
        f"{path}: none of its scalars is a metric that is known; name one with --metric: "
        f"{listed(list(tags)[:10])}"
    )
