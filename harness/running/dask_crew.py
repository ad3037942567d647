"""Workers on a dask cluster: past one machine, the scheduler decides where a trial is trained.

The coordinator stays the only writer: workers send back curves. A worker that is lost costs only
what it was training; the scheduler gives that to another one, three times at most (dask's own
``distributed.scheduler.allowed-failures``).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

from harness.errors import UserError
from harness.running.worker import TerminatedWorkerError
from harness.training.runtime import worker_environment

PATIENCE = 60.0
"""Seconds to wait for a scheduler to answer, and for its first worker."""


_LOST = (
    "the scheduler is gone, or cannot be reached any more; what is finished is stored, and the "
    "same command goes on from there once there is a scheduler, as does one without --engine dask"
)


class DaskSlot:
    """Room for one call at a time on the cluster; used like `harness.running.worker.Worker`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._future: Any = None

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a call on any worker of the cluster."""
        key = f"bench-{uuid4().hex}"
        self._future = self._client.submit(function, *arguments, key=key, pure=False)
        return _fetched(self._future, self._client)

    def stop(self) -> None:
        """Give up what is under way; a worker that is at it is ended, for it may be stuck."""
        if self._future is None or self._future.done():
            return
        places = self._client.processing().items()
        stuck = [worker for worker, keys in places if self._future.key in keys]
        self._future.cancel()  # before its worker is lost, or it would be given to another
        if stuck:
            self._client.run(os._exit, 1, workers=stuck, wait=False, on_error="ignore")
        self._future = None


@contextmanager
def dask_hired(workers: int, threads: int, *, scheduler: str | None) -> Iterator[list[DaskSlot]]:
    """Slots on a dask cluster, one for each worker process: it trains one trial at a time.

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
        yield [DaskSlot(client) for _ in range(_places(client, scheduler))]


def _places(client: Any, scheduler: str | None) -> int:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise UserError(
            f"--scheduler {scheduler}: has no worker after {PATIENCE:g} s; start some with "
            f"`dask worker {scheduler} --nthreads 1`"
        ) from None
    return len(client.nthreads())


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
