"""Worker processes, one executor each, so that a death costs only the trial it was training.

A joblib/loky pool of several processes is declared broken as a whole when one of them dies, and
nothing says whose task it was. With one single-process executor a slot both questions vanish. The
processes are started fresh by loky (fork + exec, never a bare fork), since TensorFlow does not
survive a fork.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any, Protocol

from joblib.externals.loky import process_executor
from joblib.externals.loky.backend import get_context
from joblib.externals.loky.process_executor import (
    BrokenProcessPool,
    ProcessPoolExecutor,
    TerminatedWorkerError,
)

from harness.errors import UserError
from harness.interrupts import interrupted_only_afterwards

__all__ = [
    "BrokenProcessPool",
    "Crew",
    "Slot",
    "TerminatedWorkerError",
    "Worker",
    "death_notice",
    "is_over",
    "make_room",
    "seconds_left",
]


FILES_OF_A_WORKER, OTHER_FILES = 8, 100
"""Open files of this process: the ends of a worker's pipes, and all that is no worker's."""


class Slot(Protocol):
    """Where one call at a time can be run: a worker of this machine, or a place on a cluster."""

    @property
    def begun(self) -> float | None:
        """When its call began, on the clock of `time.monotonic`; None while that must wait."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a call; its death is a `BrokenProcessPool` of the future."""

    def stop(self) -> None:
        """Give up what is under way."""


class Crew(Protocol):
    """Who trains: slots to hand calls to.

    On a cluster both numbers change while it grows and shrinks, and there are more slots than
    places: calls that wait for a place are what shows a cluster that it could grow.
    """

    def __len__(self) -> int:
        """Calls that can run at the same time now."""

    def __iter__(self) -> Iterator[Slot]:
        """The slots to hand calls to now."""


class Worker:
    """One process that runs one call at a time, and is replaced when it dies or grows old."""

    def __init__(self, environment: Mapping[str, str], *, calls_before_renewal: int) -> None:
        """Prepare a worker; its process starts with the first call.

        Args:
            environment: Variables of the process, set before it imports anything.
            calls_before_renewal: Calls after which the process is replaced: Keras keeps a little
                memory of every model it ever built.
        """
        self._environment = dict(environment)
        self._calls_before_renewal = calls_before_renewal
        self._calls = 0
        self._executor: ProcessPoolExecutor | None = None
        self.begun: float | None = None

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a call in the process; one that died while it was idle is replaced."""
        if self._calls >= self._calls_before_renewal:
            self.stop()
        # An executor interrupted half-way, with a thread that it has not started yet, can neither
        # go on nor be shut down.
        with interrupted_only_afterwards(), _starting_deaf():
            try:
                future: Future[Any] = self._process().submit(function, *arguments)
            except BrokenProcessPool:
                self.stop()
                future = self._process().submit(function, *arguments)
            self._calls += 1
            self.begun = time.monotonic()
        return future

    def stop(self) -> None:
        """End the process at once; what it was doing is lost."""
        with interrupted_only_afterwards():
            if self._executor is not None:
                self._executor.shutdown(wait=True, kill_workers=True)
            self._executor, self._calls = None, 0

    def _process(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                max_workers=1,
                context=get_context("loky"),
                env=self._environment,
                initializer=_prepare_process,
                initargs=(os.getpid(),),
            )
        return self._executor


@contextmanager
def _starting_deaf() -> Iterator[None]:
    """Have a process that is started here never hear Ctrl-C, not while it still imports either.

    A terminal sends it to all processes. One that is about to learn that it should not heed it
    would print a traceback; the signals that are blocked here stay so in a process started here.
    """
    resource_tracker.ensure_running()  # starting it with the process would unblock them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def make_room(workers: int) -> None:
    """Have the system let this process open as many files as so many workers need.

    Many systems allow 1,024 unless they are asked for more, too few for a machine of 200 cores.

    Raises:
        UserError: It may not open so many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = OTHER_FILES + FILES_OF_A_WORKER * workers
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UserError(
            f"{workers} workers need {needed} open files, and this machine allows {hard}: ask for "
            "fewer by --jobs, or have the limit raised (see `ulimit -Hn`)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def seconds_left(slot: Slot, limit: float | None) -> float | None:
    """Seconds until a slot's call is overdue; all of them while it waits for its turn.

    Args:
        slot: Who runs the call.
        limit: Seconds that it may take; None for as long as it likes.
    """
    if limit is None or slot.begun is None:
        return limit
    return limit - (time.monotonic() - slot.begun)


def is_over(future: Future[Any], slot: Slot, limit: float | None) -> bool:
    """Wait for a slot's call to end; False once it is overdue.

    Args:
        future: The call.
        slot: Who runs it.
        limit: Seconds that it may take; None for as long as it likes.
    """
    left = seconds_left(slot, limit)
    while left is None or left > 0:
        if wait([future], timeout=left).done:
            return True
        left = seconds_left(slot, limit)
    return future.done()


def death_notice(error: BrokenProcessPool) -> str:
    """What killed a worker, e.g. ``worker killed by signal 9 (SIGKILL)``."""
    found = re.search(r"(SIG[A-Z0-9]+)\((-\d+)\)", str(error))
    if found:
        return f"worker killed by signal {-int(found[2])} ({found[1]}); often: out of memory"
    code = re.search(r"EXIT\((\d+)\)", str(error))
    if code:
        return f"worker ended by itself with exit code {code[1]}"
    return str(error) if len(str(error)) < 80 else "worker died"


def _prepare_process(parent: int) -> None:
    """Leave Ctrl-C to the coordinator, do not outlive it, and grow as the first trials need.

    loky replaces a process that is 300 MB larger than after its first call. That call only builds a
    model here; training one takes as much more and no more after that, and a new process would have
    to compile every arm again.
    """
    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_to_the_grave, args=(parent,), daemon=True).start()


def _follow_to_the_grave(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
