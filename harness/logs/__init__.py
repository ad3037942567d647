"""Learning curves that others trained, from any log, as one kind of run.

Never guess silently, never fill a missing value, never drop a run: what is unambiguous is repaired
with a notice, everything else is refused with its file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.errors import UserError
from harness.logs.detect import READERS, expand, kind_of
from harness.logs.labels import labelled
from harness.logs.run import KINDS, Kind, Pause, Reading, Run

__all__ = ["KINDS", "Kind", "Pause", "Reading", "Run", "expand", "labelled", "open_log", "read_log"]


def open_log(path: Path, reading: Reading | None = None) -> Iterator[Run]:
    """Read one log, run by run.

    Args:
        path: A file, or the folder of a TensorBoard or MLflow run.
        reading: How to read it.

    Raises:
        UserError: It is no log that is known, or cannot be read without guessing.
    """
    reading = reading or Reading()
    kind = reading.kind or kind_of(path, reading.metric)
    if path.is_dir() and kind not in {"tensorboard", "mlflow"}:
        raise UserError(f"{path}: is a folder, which kind {kind} cannot read; give the files in it")
    yield from READERS[kind](path, reading)


def read_log(path: Path, kind: Kind | None = None, *, metric: str | None = None) -> list[Run]:
    """Read all runs of one log.

    Args:
        path: A file, or the folder of a TensorBoard or MLflow run.
        kind: The kind of log; found out if not given.
        metric: A metric's column, by the log's own name.

    Raises:
        UserError: It is no log that is known, or cannot be read without guessing.
    """
    return list(open_log(path, Reading(kind=kind, metric=metric)))
