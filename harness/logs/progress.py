"""Logs read one after another, and how far that has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.logs import open_log
from harness.logs.run import Reading, Run

Watch = Callable[[Path, int, int], None]
"""Called with the log that is being read, the bytes read of all logs, and how many they have."""


class LogReader:
    """Reads logs and tells how much of them all is done, by their bytes."""

    def __init__(self, logs: Sequence[Path], watch: Watch | None) -> None:
        """Take all logs that will be read; one that is read for two arms stands there twice."""
        self._sizes = {log: _size_of(log) for log in set(logs)}
        self._total = sum(self._sizes[log] for log in logs)
        self._done = 0
        self._watch = watch or (lambda *_: None)

    def runs(self, logs: Sequence[Path], reading: Reading) -> Iterator[Run]:
        """The runs of some of the logs."""
        for log in logs:
            end = self._done + self._sizes[log]
            self._report(log, 0)
            yield from open_log(log, replace(reading, report_bytes=partial(self._report, log)))
            self._report(log, end - self._done)

    def _report(self, log: Path, count: int) -> None:
        self._done += count
        self._watch(log, self._done, self._total)


def _size_of(log: Path) -> int:
    files = log.rglob("*") if log.is_dir() else [log]
    return sum(file.stat().st_size for file in files if file.is_file())
