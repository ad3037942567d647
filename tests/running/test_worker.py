"""A worker keeps its process, and with it what was compiled there."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from joblib.externals.loky import process_executor

from harness.errors import UserError
from harness.running import doctor
from harness.running.executor import outcome_of
from harness.running.session import hired
from harness.running.worker import Worker
from tests.patience import PATIENCE, wait_for

_HELD: list[bytes] = []


def grow(mebibytes: int) -> int:
    """Hold more memory from now on; returns the process's id."""
    _HELD.append(os.urandom(1) * (mebibytes * 2**20))
    return os.getpid()


def test_a_worker_that_needs_more_memory_is_not_replaced() -> None:
    """Left alone, loky would replace a process that is 300 MB larger than after its first call."""
    worker = Worker({}, calls_before_renewal=10)
    try:
        first = worker.submit(grow, 1).result(timeout=PATIENCE)
        time.sleep(1.1)  # it looks once a second
        grown = [worker.submit(grow, size).result(timeout=PATIENCE) for size in (400, 1)]
        time.sleep(1.1)
        assert {first, *grown, worker.submit(grow, 1).result(timeout=PATIENCE)} == {first}
    finally:
        worker.stop()


def test_a_worker_is_replaced_after_its_calls() -> None:
    worker = Worker({}, calls_before_renewal=2)
    try:
        ids = [worker.submit(os.getpid).result(timeout=PATIENCE) for _ in range(4)]
    finally:
        worker.stop()
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_a_worker_that_dies_while_it_is_idle_is_replaced() -> None:
    """The study goes on: the next call runs in a fresh process."""
    worker = Worker({}, calls_before_renewal=10)
    try:
        dead = worker.submit(os.getpid).result(timeout=PATIENCE)
        os.kill(dead, signal.SIGKILL)
        wait_for(lambda: worker._process()._flags.broken is not None)
        assert worker.submit(os.getpid).result(timeout=PATIENCE) != dead
    finally:
        worker.stop()


def _interrupting(call: Callable[..., None]) -> Callable[..., None]:
    """The same call, with a Ctrl-C just before it."""

    def interrupted(*arguments: object) -> None:
        signal.raise_signal(signal.SIGINT)
        call(*arguments)

    return interrupted


def _managers() -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if isinstance(thread, process_executor._ExecutorManagerThread)
    ]


def test_ctrl_c_while_a_process_starts_leaves_a_worker_that_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = process_executor._ExecutorManagerThread
    monkeypatch.setattr(thread, "start", _interrupting(thread.start))
    worker = Worker({}, calls_before_renewal=10)
    with pytest.raises(KeyboardInterrupt):
        worker.submit(os.getpid)
    worker.stop()
    assert not _managers()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_while_a_process_ends_waits_until_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = Worker({}, calls_before_renewal=10)
    worker.submit(os.getpid).result(timeout=PATIENCE)
    thread = process_executor._ExecutorManagerThread
    monkeypatch.setattr(thread, "join", _interrupting(thread.join))
    with pytest.raises(KeyboardInterrupt):
        worker.stop()
    assert not _managers()


def test_ctrl_c_while_a_crew_is_dismissed_leaves_none_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A second one, say: whoever is left at work would keep the command waiting."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    thread = process_executor._ExecutorManagerThread

    def dismiss() -> None:
        with hired(2, 1) as crew:
            for worker in crew:
                worker.submit(os.getpid).result(timeout=PATIENCE)
            monkeypatch.setattr(thread, "join", _interrupting(thread.join))

    with pytest.raises(KeyboardInterrupt):
        dismiss()
    assert not _managers()
    assert not list(tmp_path.iterdir())


def test_without_a_folder_for_temporary_files_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a container that may write to one volume only."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc"])
    with pytest.raises(UserError, match="name another by TMPDIR"), hired(1, 1):
        pass
    (check,) = doctor._temporary()
    assert (check.state, "No usable temporary directory" in check.found) == ("broken", True)


def _open_files(limit: int, hardest: int) -> None:
    """Work with many workers where only so many files may be open, and up to so many on demand."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hardest))
    with hired(10, 1) as crew:
        for worker in crew:
            worker.submit(os.getpid)


@pytest.mark.parametrize(("hardest", "told"), [(4096, None), (40, "ask for fewer by --jobs")])
def test_more_workers_than_there_may_be_open_files(hardest: int, told: str | None) -> None:
    """1,024 are usual, and seven a worker: machines of 200 cores ran into it."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        error = alone.submit(_open_files, 40, hardest).exception(timeout=PATIENCE)
    assert (error is None) == (told is None), error
    assert told is None or told in str(error)


def test_a_process_that_still_starts_leaves_ctrl_c_to_the_coordinator() -> None:
    """A terminal sends it to all of them; while they import, a traceback each came of it."""
    worker = Worker({}, calls_before_renewal=10)
    try:
        future = worker.submit(os.getpid)
        (starting,) = worker._process()._processes
        os.kill(starting, signal.SIGINT)
        assert future.result(timeout=PATIENCE) == starting
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        worker.stop()


class Unreadable:
    """What a worker can send and nobody can read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("none",)


def test_a_pool_that_breaks_while_its_process_lives_is_a_failed_trial() -> None:
    worker = Worker({}, calls_before_renewal=10)
    try:
        outcome = outcome_of(worker.submit(Unreadable), worker)
        assert (outcome.status, outcome.error) == ("failed", "worker died")
    finally:
        worker.stop()
