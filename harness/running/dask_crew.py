"""Workers on a dask cluster: past one machine, the scheduler decides where a trial is trained.

The coordinator stays the only writer: workers send back curves. A worker that is lost costs only
what it was training; the scheduler gives that to another one, three times at most (dask's own
``distributed.scheduler.allowed-failures``).
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from harness.environment import describe_machine, load_average
from harness.errors import UserError
from harness.running.worker import TerminatedWorkerError
from harness.training.runtime import worker_environment
from harness.training.trial import TrialOutcome

PATIENCE = 60.0
"""Seconds to wait for a scheduler to answer, and for its first worker."""

POLL_SECONDS = 1.0

_LOST = (
    "the scheduler is gone, or cannot be reached any more; what is finished is stored, and the "
    "same command goes on from there once there is a scheduler, as does one without --engine dask"
)


MOST_WAITING = 64
"""Calls that wait for a place at most: a cluster that adapts grows by what it sees waiting."""


class DaskCrew:
    """The places of a cluster, one for each worker process, and as many again to wait for one.

    The cluster may grow and shrink meanwhile.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._begins = _Begins(client)
        self._slots: list[DaskSlot] = []
        self._places = 1
        self._asked = -math.inf

    def __len__(self) -> int:
        """Worker processes, or one where all are gone for now; asked for once a second at most."""
        if time.monotonic() - self._asked >= POLL_SECONDS:
            with suppress(OSError, TimeoutError):  # the calls under way tell of a lost scheduler
                self._places = max(1, len(self._client.nthreads()))
            self._asked = time.monotonic()
        return self._places

    def __iter__(self) -> Iterator[DaskSlot]:
        """The slots to hand calls to now."""
        places = len(self)
        wanted = places + min(places, MOST_WAITING)
        while len(self._slots) < wanted:
            self._slots.append(DaskSlot(self._client, self._begins))
        return iter(self._slots[:wanted])

    def give_up(self) -> None:
        """Leave nothing of this run at work, where that costs the cluster no worker."""
        with suppress(OSError, TimeoutError):  # a scheduler that is gone can tell nobody
            for slot in self._slots:
                slot.stop(is_stuck=False)


class DaskSlot:
    """Room for one call at a time on the cluster; used like `harness.running.worker.Worker`."""

    def __init__(self, client: Any, begins: _Begins) -> None:
        self._client = client
        self._begins = begins
        self._future: Any = None

    @property
    def begun(self) -> float | None:
        """When a worker began with the call; None while all are busy, be it with other studies."""
        found = None if self._future is None else self._begins.found.get(self._future.key)
        return found and found[0]

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a call on any worker of the cluster."""
        self._forget()
        key = f"bench-{uuid4().hex}"
        topic = self._begins.topic
        self._future = self._client.submit(_alone, topic, key, function, arguments, key=key)
        return _fetched(self._future, self._client)

    def stop(self, *, is_stuck: bool = True) -> None:
        """Give up what is under way; a worker that is at it is ended, for dask interrupts no call.

        Args:
            is_stuck: Whether the worker would be of no use to anybody. Else it is only ended where
                another one is started in its place.
        """
        if self._future is None or self._future.done():
            return
        key = self._future.key
        self._future.cancel()  # before its worker is lost, or it would be given to another
        if key in self._begins.found:
            worker = self._begins.found[key][1]
            self._client.run(
                _end_at, key, is_stuck, workers=[worker], wait=False, on_error="ignore"
            )
        self._forget()

    def _forget(self) -> None:
        if self._future is not None:
            self._begins.found.pop(self._future.key, None)
        self._future = None


class _Begins:
    """When, on the clock here, and on which worker the calls under way began: workers tell it.

    A call may long wait for a worker that trains for another study, and be given to another
    worker when its own is lost.
    """

    def __init__(self, client: Any) -> None:
        self.topic = f"bench-{uuid4().hex}"
        self.found: dict[str, tuple[float, str]] = {}
        client.subscribe_topic(self.topic, self._note)

    def _note(self, event: tuple[float, tuple[str, str]]) -> None:
        key, worker = event[1]
        self.found[key] = time.monotonic(), worker


_under_way: set[str] = set()  # on a worker: the key of the call that it is at
_ALONE = threading.Lock()


def _alone(topic: str, key: str, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """On a worker: say that a call begins, and run it with no other beside it.

    A cluster's worker may have several threads, but models are used again for the next seed, and
    the global generators are the process's own.
    """
    import distributed  # noqa: PLC0415 - an extra

    worker: Any = distributed.get_worker()
    with _ALONE:
        _under_way.add(key)
        worker.log_event(topic, (key, worker.address))
        try:
            result = function(*arguments)
        finally:
            _under_way.remove(key)
    if isinstance(result, TrialOutcome):
        result = replace(result, machine=describe_machine(), load=load_average())
    return result


async def _end_at(key: str, is_stuck: bool, dask_worker: Any) -> None:
    """On a worker: end it, if it is at this call and not at somebody else's.

    The scheduler is told first: calls that wait here, of other studies too, are then given to other
    workers. It fails those that lost four workers of whose end it was not told.

    A coroutine, since dask refuses to run anything else without waiting for its answer.
    """
    if key not in _under_way or not (is_stuck or dask_worker.nanny):
        return
    leave = dask_worker.scheduler.unregister(
        address=dask_worker.address, expected=True, close=False, stimulus_id=key
    )
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(leave, PATIENCE)
    os._exit(1)


@contextmanager
def dask_hired(workers: int, threads: int, *, scheduler: str | None) -> Iterator[DaskCrew]:
    """Who trains on a dask cluster: each worker process one trial at a time.

    Args:
        workers: Processes of the cluster that is started here where no scheduler is given.
        threads: Compute threads of such a process.
        scheduler: Address of a running scheduler, such as ``tcp://host:8786``.

    Raises:
        UserError: If dask is not installed, the scheduler does not answer, or it has no worker.
    """
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError:
        raise UserError(
            "--engine dask needs the package distributed; run: python -m pip install "
            "'training-bench[dask]'"
        ) from None
    dask: Any = distributed  # it has no types
    for name in ("distributed", "distributed.client"):  # a loss is told by us, without tracebacks
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        if scheduler is None:
            cluster = dask.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                silence_logs=logging.ERROR,
                env=dict(worker_environment(threads)),
            )
            stack.enter_context(cluster)
        try:
            client = dask.Client(cluster if scheduler is None else scheduler, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise UserError(
                f"--scheduler {scheduler}: does not answer ({error}); is it running, and may this "
                "machine reach it?"
            ) from None
        stack.enter_context(client)
        _await_worker(client, scheduler)
        crew = DaskCrew(client)
        try:
            yield crew
        except KeyboardInterrupt:
            crew.give_up()
            raise


def _await_worker(client: Any, scheduler: str | None) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise UserError(
            f"--scheduler {scheduler}: has no worker after {PATIENCE:g} s; start some with "
            f"`dask worker {scheduler} --nthreads 1`"
        ) from None


def _fetched(promised: Any, client: Any) -> Future[Any]:
    """What dask promised, as a future that always ends, and in which lost workers look like ours.

    dask's own executor leaves a future open for ever if the scheduler is lost while a result is
    on its way. The loss of the scheduler is no trial's fault: it ends the run.
    """
    fetched: Future[Any] = Future()
    fetched.set_running_or_notify_cancel()

    def fetch(ended: Any) -> None:
        try:
            fetched.set_result(ended.result(timeout=PATIENCE))
        except Exception as error:
            fetched.set_exception(_as_told(error, ended.status, client.status))

    promised.add_done_callback(fetch)
    return fetched


def _as_told(error: Exception, call: str, client: str) -> Exception:
    """What the run is told of a call without a result, by dask's words for its and our state."""
    died: Exception
    if type(error).__name__ == "KilledWorker":
        died = TerminatedWorkerError("the workers that trained it were lost, one by one")
    elif call == "error":
        return error  # what the trial raised is handed on
    elif isinstance(error, CancelledError) and client == "running":
        died = TerminatedWorkerError("the cluster gave the trial up")
    else:
        return UserError(_LOST)
    return died
