"""What a dask cluster costs a trial: a real scheduler, real workers, the product's own store."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from benchmarks.measurement import Measurement
from benchmarks.running import EPOCHS, Flow, flow
from harness.running.dask_crew import dask_hired

_GOAL_MS = 10.0
_PATIENCE = 60.0
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
        found = ["--scheduler-file", str(file), "--no-dashboard"]
        place = ["--host", "127.0.0.1", "--port", "0"]
        scheduler = stack.enter_context(_process("scheduler", *place, *found))
        address = _address(file)
        for _ in range(_WORKERS):
            own = ["--nthreads", "1", "--local-directory", folder]
            stack.enter_context(_process("worker", *found, *own))
        crew = stack.enter_context(dask_hired(_WORKERS, 1, scheduler=address))
        flown = flow(1_000 if quick else 50_000, crew)
        memory = psutil.Process(scheduler.pid).memory_info().rss / 2**20
    return _OnCluster(flown, memory)


@contextmanager
def _process(name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of dask's command line, gone afterwards; it finds this package from here."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *arguments]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _address(file: Path) -> str:
    """The scheduler's address, once it is there."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if file.exists() and file.read_text(encoding="utf-8").strip().endswith("}"):
            return str(json.loads(file.read_text(encoding="utf-8"))["address"])
        time.sleep(0.1)
    raise TimeoutError("the scheduler did not start")
