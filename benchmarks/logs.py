"""Reading logs: `bench analyze` on a tidy table of five million rows, its time and its memory."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.measurement import Measurement

_GOAL_SECONDS = 60.0
_GOAL_MEGABYTES = 1000.0
_RUNS, _QUICK_SHARE = 500, 20


def five_million_rows(quick: bool) -> Measurement:
    """Wall time of the whole command, the process's start included."""
    rows, seconds, megabytes = _analyzed(quick)
    goal = _GOAL_SECONDS / (_QUICK_SHARE if quick else 1) + 5  # start-up does not shrink
    return Measurement(
        name="five million rows of logs",
        ratio=seconds / goal,
        goal=1.0,
        detail=f"{rows:,} rows in {seconds:.1f} s, {megabytes:.0f} MB at most; goal {goal:.0f} s",
        at_least=False,
    )


def five_million_rows_memory(quick: bool) -> Measurement:
    """Peak resident memory of the command."""
    rows, seconds, megabytes = _analyzed(quick)
    return Measurement(
        name="five million rows of logs, memory",
        ratio=megabytes / _GOAL_MEGABYTES,
        goal=1.0,
        detail=f"{rows:,} rows: {megabytes:.0f} MB at most, in {seconds:.1f} s; goal "
        f"{_GOAL_MEGABYTES:.0f} MB",
        at_least=False,
    )


def _analyzed(quick: bool) -> tuple[int, float, float]:
    """Rows, seconds, and peak megabytes of one call of the command."""
    rows = 5_000_000 // (_QUICK_SHARE if quick else 1)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "runs.csv"
        with file.open("w") as stream:
            stream.writelines(_table(rows))
        command = [sys.executable, "-m", "harness.cli", "analyze", str(file), "--target", "0.8"]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return rows, seconds, peak


def _table(rows: int) -> Iterator[str]:
    """A tidy table of two arms, run by run."""
    rng, epochs = np.random.default_rng(0), rows // _RUNS
    yield "arm,replicate,epoch,val_accuracy,val_loss\n"
    for run in range(_RUNS):
        arm, replicate = ("cnn", "mlp")[run % 2], run // 2
        rise = 1 - np.exp(-np.arange(1, epochs + 1) / (epochs * (0.2 + 0.02 * (run % 2))))
        values = np.clip(0.95 * rise + rng.normal(0, 0.01, epochs), 0, 1)
        for epoch, value in enumerate(values.tolist(), start=1):
            yield f"{arm},{replicate},{epoch},{value:.6f},{2 - value:.6f}\n"
