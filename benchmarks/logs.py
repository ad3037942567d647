"""Reading logs: ``bench analyze`` on tidy tables and on many files, its time and its memory.

``python -m benchmarks.logs --rows 50000000 [--runs 10000] [--files]`` makes a table of any size (or
a file a run), analyses it and prints what it took.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.measurement import Measurement

_GOAL_SECONDS = 30.0
_GOAL_MEGABYTES = 1000.0
_ROWS, _RUNS, _FILES, _FILE_ROWS = 5_000_000, 500, 10_000, 100
_QUICK_SHARE = 20
_START_UP_SECONDS = 5.0


@dataclass(frozen=True)
class Analysed:
    """What one call of the command took."""

    rows: int
    seconds: float
    megabytes: float


def five_million_rows(quick: bool) -> Measurement:
    """Wall time of the whole command, the process's start included."""
    found = _five_million_rows(quick)
    goal = _GOAL_SECONDS / (_QUICK_SHARE if quick else 1) + _START_UP_SECONDS
    return Measurement(
        name="five million rows of logs",
        ratio=found.seconds / goal,
        goal=1.0,
        detail=f"{_words(found)}; goal {goal:.0f} s",
        at_least=False,
    )


def five_million_rows_memory(quick: bool) -> Measurement:
    """Peak resident memory of the command."""
    found = _five_million_rows(quick)
    return Measurement(
        name="five million rows of logs, memory",
        ratio=found.megabytes / _GOAL_MEGABYTES,
        goal=1.0,
        detail=f"{_words(found)}; goal {_GOAL_MEGABYTES:.0f} MB",
        at_least=False,
    )


def ten_thousand_logs(quick: bool) -> Measurement:
    """Wall time of the command on a file a run."""
    files = _FILES // (_QUICK_SHARE if quick else 1)
    found = analysed(files * _FILE_ROWS, files, one_file=False)
    goal = _GOAL_SECONDS * 3 / (_QUICK_SHARE if quick else 1) + _START_UP_SECONDS
    return Measurement(
        name="ten thousand logs",
        ratio=found.seconds / goal,
        goal=1.0,
        detail=f"{files:,} files, {_words(found)}; goal {goal:.0f} s",
        at_least=False,
    )


def _five_million_rows(quick: bool) -> Analysed:
    return analysed(_ROWS // (_QUICK_SHARE if quick else 1), _RUNS, one_file=True)


def _words(found: Analysed) -> str:
    return f"{found.rows:,} rows in {found.seconds:.1f} s, {found.megabytes:.0f} MB at most"


def analysed(rows: int, runs: int, *, one_file: bool) -> Analysed:
    """Make logs, analyse them in a process of its own, and say what that took.

    Args:
        rows: Rows in all.
        runs: Runs of two arms that share them.
        one_file: Whether all runs stand in one table; a file each if not.
    """
    with TemporaryDirectory() as folder:
        place = Path(folder)
        given = _one_table(place, rows, runs) if one_file else _many_files(place, rows, runs)
        command = [sys.executable, "-m", "harness.cli", "analyze", *given, "--target", "0.8"]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return Analysed(rows // runs * runs, seconds, peak)


def _one_table(folder: Path, rows: int, runs: int) -> list[str]:
    file = folder / "runs.csv"
    with file.open("w") as stream:
        stream.write("arm,replicate,epoch,val_accuracy,val_loss\n")
        for arm, replicate, lines in _runs(rows, runs):
            stream.writelines(f"{arm},{replicate},{line}" for line in lines)
    return [str(file)]


def _many_files(folder: Path, rows: int, runs: int) -> list[str]:
    for arm, replicate, lines in _runs(rows, runs):
        text = "".join(["epoch,val_accuracy,val_loss\n", *lines])
        (folder / f"{arm}-s{replicate}.csv").write_text(text)
    return [f"{folder}/*.csv", "--arm-from", "{arm}-s{replicate}.csv"]


def _runs(rows: int, runs: int) -> Iterator[tuple[str, int, list[str]]]:
    """Arm, replicate and lines of runs of two arms, the second a little slower."""
    rng, epochs = np.random.default_rng(0), rows // runs
    for run in range(runs):
        pace = epochs * (0.2 + 0.02 * (run % 2))
        rise = 1 - np.exp(-np.arange(1, epochs + 1) / pace)
        values = np.clip(0.95 * rise + rng.normal(0, 0.01, epochs), 0, 1)
        numbered = enumerate(values.tolist(), start=1)
        yield (
            ("cnn", "mlp")[run % 2],
            run // 2,
            [f"{epoch},{value:.6f},{2 - value:.6f}\n" for epoch, value in numbered],
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one size of one's own choice."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs", description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS, help="rows in all")
    parser.add_argument("--runs", type=int, default=_RUNS, help="runs that share them")
    parser.add_argument("--files", action="store_true", help="a file a run, not one table")
    asked = parser.parse_args(arguments)
    found = analysed(asked.rows, asked.runs, one_file=not asked.files)
    print(_words(found))  # noqa: T201 - what was asked for


if __name__ == "__main__":
    main()
