"""MLflow's file store: a run's folder, with a text file a metric ("timestamp value step")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.language import N_, said
from harness.logs.cells import recorded
from harness.logs.making import make_runs
from harness.logs.names import find_metrics
from harness.logs.rows import Rows
from harness.logs.run import Reading, Run, Status
from harness.logs.text import lines_of
from harness.quantities import listed

_LINE = re.compile(r"\d+ \S+ -?\d+(\s|$)")
_STATUS = {"3": "completed", "4": "aborted", "5": "aborted"}
_STATUS_WORDS = {
    "1": N_("MLflow says that the run is still running"),
    "2": N_("MLflow says that the run was never started"),
    "4": N_("MLflow says that the run failed"),
    "5": N_("MLflow says that the run was killed"),
}

Point = tuple[float, float, float, int]  # step, value, milliseconds, line


def is_metric_line(line: str) -> bool:
    """Whether a line is "timestamp value step"."""
    return _LINE.match(line) is not None


def run_folders(folder: Path) -> list[Path]:
    """The MLflow runs in a folder: itself, or those below it."""
    return sorted(
        place.parent
        for place in folder.rglob("metrics")
        if place.is_dir() and _is_run(place.parent)
    )


def _is_run(folder: Path) -> bool:
    return (folder / "meta.yaml").is_file() or (folder / "tags").is_dir()


def read_run(path: Path, reading: Reading) -> Iterator[Run]:
    """Read a run's folder, or one of its metric files with the others beside it.

    Raises:
        UserError: There is no metric that is known, or a line is no point of a metric.
    """
    if path.is_file() and path.parent.name != "metrics":
        files = {path.stem: path}
        folder = path.parent
    else:
        folder = path.parent.parent if path.is_file() else path
        metrics = folder / "metrics"
        files = {
            str(file.relative_to(metrics)): file
            for file in sorted(metrics.rglob("*"))
            if file.is_file() and not file.name.startswith(".")
        }
    chosen, told = find_metrics(list(files), reading.metric, str(path))
    if not chosen:
        known = listed(list(files)[:10]) or "nothing"
        raise UserError(
            f"{path}: none of its metrics is known; name one with --metric: it has {known}"
        )
    names = list(files)
    series = {metric: _points(files[names[place]]) for metric, place in chosen.items()}
    yield from make_runs([_rows(path, folder, series, told)], reading)


def _points(file: Path) -> list[Point]:
    """The points of one metric file, in the order they were written."""
    found: list[Point] = []
    for number, line in enumerate(lines_of(file), start=1):
        fields = line.split()
        if not fields:
            continue
        try:
            stamp, value, step = (float(field) for field in fields[:3])
        except ValueError:
            if not line.endswith("\n") and found:
                break  # the last line was cut in the middle; the rows say that it is missing
            raise UserError(f'{file}, line {number}: is not "timestamp value step"') from None
        found.append((step, value, stamp, number))
    if not found:
        raise UserError(f"{file}: is empty")
    return found


def _rows(path: Path, folder: Path, series: dict[str, list[Point]], told: list[str]) -> Rows:
    """All points as rows in the order of their time; metrics of one step fill each other's gaps."""
    notices = list(told)
    kept = {metric: _latest(metric, points, notices) for metric, points in series.items()}
    steps = sorted({step for points in kept.values() for step in points})
    columns = {
        metric: np.array([recorded([points[s][0]])[0] if s in points else np.nan for s in steps])
        for metric, points in kept.items()
    }
    first = next(iter(kept.values()))
    stamps = np.array([first[s][1] if s in first else np.nan for s in steps])
    name = _text(folder / "tags" / "mlflow.runName") or _meta(folder, "run_name")
    status = _meta(folder, "status")
    if status in _STATUS_WORDS:
        notices.append(said(_STATUS_WORDS[status]))
    return Rows(
        source=str(path),
        name=name or folder.name,
        kind="mlflow",
        columns=columns,
        lines=np.arange(1, len(steps) + 1),
        step=np.array(steps),
        clock=(stamps, "stamp"),
        status=_ended(status),
        notices=tuple(notices),
    )


def _ended(status: str) -> Status:
    return "aborted" if _STATUS.get(status) == "aborted" else "completed"


def _latest(
    metric: str, points: list[Point], notices: list[str]
) -> dict[float, tuple[float, float]]:
    """By step the value and time; of two the later, and nothing beyond a point of return."""
    if len(points) > 1 and len({step for step, *_ in points}) == 1:
        raise UserError(
            f"{metric} has {len(points)} values, all of step {points[0][0]:g}: log the step with "
            "each value"
        )
    kept: dict[float, tuple[float, float]] = {}
    for step, value, stamp, line in points:
        if kept and step <= max(kept):
            notices.append(
                said(
                    "{metric} goes back to step {step} in line {line}: the later value counts",
                    metric=metric,
                    step=f"{step:g}",
                    line=line,
                )
            )
            kept = {s: known for s, known in kept.items() if s < step}
        kept[step] = (value, stamp)
    return kept


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        return ""


def _meta(folder: Path, key: str) -> str:
    """A plain value of the run's meta.yaml; empty where it is not there."""
    found = re.search(
        rf"^{key}:\s*['\"]?(.*?)['\"]?\s*$", _text(folder / "meta.yaml"), re.MULTILINE
    )
    return found[1] if found else ""
