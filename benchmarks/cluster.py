"""What a dask cluster costs a trial: a real scheduler, real workers, the product's own store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from benchmarks.measurement import Measurement
from benchmarks.running import EPOCHS, Flow, flow
from harness.running.dask_crew import dask_hired

_GOAL_MS = 10.0
_PATIENCE = 600.0
_WORKERS = 8  # more than cores: with few, the coordinator would wait for answers


def cluster(quick: bool) -> Measurement:
    """Wall time a trial where training takes none: dispatch by dask, transport and store."""
    found = _on_cluster(quick).flow
    return Measurement(
        "cluster",
        found.ms_a_trial / _GOAL_MS,
        1.0,
        f"{found.trials:,} trials of {EPOCHS} epochs through a dask scheduler with "
        f"{_WORKERS} workers: {found.ms_a_trial:.2f} ms a trial of {_GOAL_MS:g} ms; the "
        f"store has {found.store_mib:,.0f} MiB, and the same command again sees in "
        f"{found.resume:.1f} s that nothing is missing",
        at_least=False,
    )


def cluster_memory(quick: bool) -> Measurement:
    """How the coordinator's memory grows from a tenth of the trials to all of them."""
    found = _on_cluster(quick)
    early, late = found.flow.growth
    return Measurement(
        "cluster, memory",
        late / early,
        1.1,
        f"coordinator: {early:.0f} MiB after a tenth of {found.flow.trials:,} trials, {late:.0f} "
        f"MiB after all; the scheduler has {found.scheduler_mib:.0f} MiB at the end",
        at_least=False,
    )


@dataclass(frozen=True)
class _OnCluster:
    flow: Flow
    scheduler_mib: float


@cache
def _on_cluster(quick: bool) -> _OnCluster:
    """One run serves both rows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as stack:
        file = Path(folder, "scheduler.json")
        scheduler = stack.enter_context(a_scheduler(file))
        for _ in range(_WORKERS):
            stack.enter_context(a_worker(file))
        crew = stack.enter_context(dask_hired(_WORKERS, 1, scheduler=address_in(file)))
        flown = flow(1_000 if quick else 50_000, crew)
        memory = psutil.Process(scheduler.pid).memory_info().rss / 2**20
    return _OnCluster(flown, memory)


@contextmanager
def a_scheduler(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A scheduler that is ready; workers find it by the file that it writes."""
    place = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with _running("scheduler", *place) as process:
        deadline = time.monotonic() + _PATIENCE
        while not file.exists() or not file.read_text(encoding="utf-8").strip().endswith("}"):
            if time.monotonic() > deadline:
                raise TimeoutError("the scheduler did not start")
            time.sleep(0.1)
        yield process


def a_worker(
    file: Path, threads: int = 1, **variables: str
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A worker process of the scheduler that wrote the file; nobody starts another in its place."""
    return _running(
        "worker",
        "--scheduler-file",
        str(file),
        "--nthreads",
        str(threads),
        "--no-nanny",
        "--no-dashboard",
        "--local-directory",
        str(file.parent),
        **variables,
    )


def address_in(file: Path) -> str:
    """The address of the scheduler that wrote the file."""
    return str(json.loads(file.read_text(encoding="utf-8"))["address"])


@contextmanager
def _running(name: str, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of dask's command line, gone afterwards; it finds this package from here."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **variables},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
