"""A worker keeps its process, and with it what was compiled there."""

from __future__ import annotations

import os
import time

from harness.running.worker import Worker
from tests.patience import PATIENCE

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
