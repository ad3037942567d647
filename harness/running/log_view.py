"""What is shown while logs are read: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from harness.logs.progress import Watch
from harness.running.progress import PLAIN_EVERY_SECONDS
from harness.screen import is_terminal

PLAIN_AFTER_SECONDS = 1.0
"""Reading that takes no longer gets no line."""


@contextmanager
def watched_logs(console: Console) -> Iterator[Watch]:
    """Show how far the reading of logs has come; nothing where none are read.

    Args:
        console: Where to show it; a quiet one shows nothing.
    """
    if not is_terminal(console):
        yield _Lines(console).watch
        return
    bar = _Bar(console)
    try:
        yield bar.watch
    finally:
        bar.end()


class _Bar:
    """A bar that is there from the first log on, and gone when the reading is over."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("reading logs", total=None)

    def watch(self, log: Path, done: int, total: int) -> None:
        self._progress.start()
        description = f"reading {log.name}"
        self._progress.update(self._task, completed=done, total=total, description=description)

    def end(self) -> None:
        if self._progress.live.is_started:
            self._progress.stop()


class _Lines:
    """A line now and then, for logs and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._due = time.monotonic() + PLAIN_AFTER_SECONDS

    def watch(self, log: Path, done: int, total: int) -> None:
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + PLAIN_EVERY_SECONDS
        self._console.print(
            f"reading logs: {done / total:.0%} of {decimal(total)}, now {log.name}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
