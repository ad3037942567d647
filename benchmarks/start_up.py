"""How long the command line takes to answer at all."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.measurement import Measurement, seconds_of

_GOAL_SECONDS = 0.5


def bench_help(quick: bool) -> Measurement:
    """Seconds of ``bench --help``, start of Python included."""
    command = [sys.executable, "-m", "harness.cli", "--help"]

    def ask() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    ask()  # the first start reads the files from disk
    seconds = median(seconds_of(ask) for _ in range(3 if quick else 11))
    return Measurement(
        "bench --help",
        seconds / _GOAL_SECONDS,
        1.0,
        f"{seconds:.2f} s of {_GOAL_SECONDS:g} s",
        at_least=False,
    )
