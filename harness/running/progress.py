"""What a run shows while it works: a bar with ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from harness.interrupts import interrupted_only_afterwards
from harness.plan import Trial
from harness.quantities import plural
from harness.screen import is_terminal

PLAIN_EVERY_SECONDS = 10.0
COMPLETED = {"completed", "completed elsewhere"}
"""How trials end with which nothing went wrong."""


@dataclass(frozen=True)
class Eta:
    """An estimate of the time to go.

    Attributes:
        seconds: The time, where arms without a time of their own are as slow as the slowest known.
        untimed: How many arms of what is left have no time of their own.
    """

    seconds: float
    untimed: int


class ProgressView(Protocol):
    """What the executor tells about its work."""

    def begin(self, total: int) -> None:
        """The run starts: so many trials are to be trained."""

    def update(self, done: int, trial: Trial, status: str, eta: Eta | None) -> None:
        """A trial ended; ``eta`` is the estimated time to go, None while nothing is known of it."""

    def at_work(self, count: int) -> None:
        """So many trials are under way now: those that began and have not ended."""

    def note(self, text: str) -> None:
        """Something that the user should know now."""

    def end(self) -> None:
        """The run is over, however it went."""


class BarView:
    """A live progress bar for terminals."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, total: int) -> None:
        """Show the bar; one that an earlier stage of the run has left stays as it stands."""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
            console=self._console,
        )
        self._task = self._progress.add_task("training", total=total, eta="estimating …")
        self._show()

    def _show(self) -> None:
        self._progress.start()

    def update(self, done: int, trial: Trial, status: str, eta: Eta | None) -> None:
        """Move the bar; a trial that did not complete gets a line of its own."""
        if status not in COMPLETED:
            self.note(f"{trial.arm}, replicate {trial.replicate}: {status}")
        self._progress.update(self._task, completed=done, eta=eta_words(eta))

    def at_work(self, count: int) -> None:
        """Show nothing: the bar counts what has ended."""

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False)

    def end(self) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()


class LineView:
    """Plain lines, at most one every few seconds, for logs and CI."""

    def __init__(self, console: Console, every: float = PLAIN_EVERY_SECONDS) -> None:
        """Print to a console, a line at most every so many seconds."""
        self._console = console
        self._every = every
        self._total = 0
        self._last = 0.0

    def begin(self, total: int) -> None:
        """Say how much there is to do."""
        self._total = total
        self.note(f"training {total} {'trial' if total == 1 else 'trials'}")

    def update(self, done: int, trial: Trial, status: str, eta: Eta | None) -> None:
        """Print a line now and then, always at the end and when something went wrong."""
        due = time.monotonic() - self._last >= self._every or done == self._total
        if due or status not in COMPLETED:
            self._last = time.monotonic()
            self.note(
                f"{done}/{self._total} {trial.arm}, replicate {trial.replicate}: {status}"
                + (f"; {eta_words(eta)}" if done < self._total else "")
            )

    def at_work(self, count: int) -> None:
        """Print nothing: lines tell what has ended."""

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """Nothing to close."""


class QuietView:
    """Nothing: what went wrong is told when the run is over."""

    def begin(self, total: int) -> None:
        """Show nothing."""

    def update(self, done: int, trial: Trial, status: str, eta: Eta | None) -> None:
        """Show nothing."""

    def at_work(self, count: int) -> None:
        """Show nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Nothing to close."""


@contextmanager
def showing(view: ProgressView, total: int) -> Iterator[None]:
    """Show a run of so many trials from here on.

    Ctrl-C waits while the view begins and ends: half done, it would leave a terminal without its
    cursor.
    """
    with ExitStack() as begun:
        with interrupted_only_afterwards():
            view.begin(total)
            begun.callback(_end, view)
        yield


def _end(view: ProgressView) -> None:
    with interrupted_only_afterwards():
        view.end()


def progress_view(console: Console) -> ProgressView:
    """The view that suits the console."""
    return BarView(console) if is_terminal(console) else LineView(console)


def eta_words(eta: Eta | None) -> str:
    """An estimate for people: ``about 0:04:10 to go (1 arm not timed yet)``."""
    if eta is None:
        return "time to go: not known yet"
    left = f"about {timedelta(seconds=round(eta.seconds))} to go"
    return f"{left} ({plural(eta.untimed, 'arm')} not timed yet)" if eta.untimed else left


class Clock:
    """Estimates the time to go from the trial times of each arm."""

    def __init__(self, known: Mapping[str, list[float]]) -> None:
        """Start from trial times in seconds that are known already, by arm."""
        self._totals = {arm: sum(times) for arm, times in known.items() if times}
        self._counts = {arm: len(times) for arm, times in known.items() if times}

    def add(self, arm: str, seconds: float) -> None:
        """A trial of this arm took so long."""
        self._totals[arm] = self._totals.get(arm, 0.0) + seconds
        self._counts[arm] = self._counts.get(arm, 0) + 1

    def expected(self, arm: str) -> float | None:
        """Mean seconds of a trial of this arm; None while no trial of any arm has ended.

        An arm without a time of its own is taken to be as slow as the slowest known.
        """
        if arm in self._totals:
            return self._totals[arm] / self._counts[arm]
        means = [self._totals[other] / self._counts[other] for other in self._totals]
        return max(means, default=None)

    def eta(self, remaining: Mapping[str, int], jobs: int) -> Eta | None:
        """The time to go with so many workers; None while no trial has ended.

        Args:
            remaining: Trials that have not ended, by arm.
            jobs: Number of workers.
        """
        if not self._totals:
            return None
        left = {arm: count for arm, count in remaining.items() if count}
        seconds = sum((self.expected(arm) or 0.0) * count for arm, count in left.items()) / jobs
        return Eta(seconds, untimed=len(left.keys() - self._totals.keys()))
