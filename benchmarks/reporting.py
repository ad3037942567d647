"""`bench report`: a million rows of curves, and the main study as it lies in the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.measurement import Measurement
from harness.plan import digest, plan_trials
from harness.protocol import protocol
from harness.running.session import arm_jobs
from harness.store import Store, TrialRecord
from harness.study_file import LoadedStudy, load_study

ARMS, REPLICATES, EPOCHS = 50, 100, 200
_MAIN_STUDY = Path("studies/convergence.toml")
_HEAD = """
[study]
name = "invented"
question = "Do many arms differ?"
replicates = {replicates}
epochs = {epochs}

[data]
name = "mnist-5k"
"""
_ARM = """
[[arms]]
name = "arm-{arm:02}"
architecture = {{ name = "mlp", hidden = [{units}] }}
optimizer = "sgd"
"""
_CLAIM = """
[[claims]]
id = "{id}"
says = "Arm {arm} differs in {id}."
compare = ["arm-{arm:02}", "arm-00"]
measure = {{ {measure} }}
expect = "greater"
margin = {margin}
"""
_MEASURES = (
    ("final", 'kind = "final"', 0.005),
    ("target", 'kind = "epochs_to", target = 0.9', 1.0),
    ("plateau", 'kind = "epochs_to_plateau", within = 0.02', 1.0),
    ("seconds", 'kind = "seconds_to", target = 0.9', 1.0),
    ("rise", 'kind = "rise"', 0.01),
)


@dataclass(frozen=True)
class Reported:
    """What one `bench report` took.

    Attributes:
        rows: Epochs in the store.
        seconds: Wall time of the command.
        cpu_seconds: Its processor time.
        memory_mb: Its largest resident size, in MiB.
        page: The page that it wrote.
        page_mb: Its size, in MB.
    """

    rows: int
    seconds: float
    cpu_seconds: float
    memory_mb: float
    page: Path
    page_mb: float


def million_rows_seconds(quick: bool) -> Measurement:
    """Seconds of verdicts and report of 50 arms x 100 replicates x 200 epochs."""
    found = _million(quick)
    told = f"{found.rows:,} rows: {found.seconds:.1f} s of 30 s"
    return Measurement("million rows", found.seconds / 30, 1.0, told, at_least=False)


def million_rows_memory(quick: bool) -> Measurement:
    """Peak memory of the same command."""
    found = _million(quick)
    told = f"{found.rows:,} rows: {found.memory_mb:.0f} MiB of 1,536 MiB"
    return Measurement("million rows, memory", found.memory_mb / 1536, 1.0, told, at_least=False)


def million_rows_page(quick: bool) -> Measurement:
    """Size of the page that it writes."""
    found = _million(quick)
    told = f"{found.rows:,} rows: report.html has {found.page_mb:.1f} MB of 5 MB"
    return Measurement("million rows, page", found.page_mb / 5, 1.0, told, at_least=False)


def main_report(quick: bool) -> Measurement:
    """Seconds of `bench report` on a store the size of the main study's, invented curves in it."""
    with study_folder() as folder:
        file = folder / _MAIN_STUDY.name
        shutil.copy(_MAIN_STUDY, file)
        shutil.copytree(_MAIN_STUDY.parent / "reference", folder / "reference")
        loaded = load_study(file)
        _fill(loaded, folder, loaded.study.study.replicates)
        found = min((_report(loaded, folder) for _ in range(1 if quick else 3)), key=_seconds)
    return Measurement(
        "main report",
        found.seconds / 8,
        1.0,
        f"{found.rows:,} rows: {found.seconds:.1f} s of 8 s ({found.cpu_seconds:.1f} s CPU)",
        at_least=False,
    )


def _seconds(reported: Reported) -> float:
    return reported.seconds


@cache
def _million(quick: bool) -> Reported:
    """One run serves three rows."""
    with study_folder() as folder:
        return report_of_invented(folder, ARMS, 10 if quick else REPLICATES, EPOCHS)


def report_of_invented(folder: Path, arms: int, replicates: int, epochs: int) -> Reported:
    """Have `bench report` decide ten claims on invented curves."""
    file = folder / "invented.toml"
    parts = [_HEAD.format(replicates=replicates, epochs=epochs)]
    parts += [_ARM.format(arm=arm, units=arm + 8) for arm in range(arms)]
    parts += [
        _CLAIM.format(id=f"{name}-{arm}", arm=arm, measure=measure, margin=margin)
        for arm in (1, 2)
        for name, measure, margin in _MEASURES
    ]
    file.write_text("".join(parts), encoding="utf-8")
    loaded = load_study(file)
    _fill(loaded, folder, replicates)
    return _report(loaded, folder)


@contextmanager
def study_folder() -> Iterator[Path]:
    """A folder for a study and its store that goes with them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder)


def _fill(loaded: LoadedStudy, folder: Path, replicates: int) -> None:
    """Store a curve of invented but curve-like numbers for every trial."""
    study, rng = loaded.study, np.random.default_rng(1)
    with Store(folder / loaded.folder_name / "results.db") as store:
        environment = store.keep_document({"python": "3"})
        identities = {}
        for place, (name, job) in enumerate(arm_jobs(loaded).items()):
            identities[name] = {"arm": name}
            described = {"parameters": place, "layers": [], "optimizer": {}, "notes": []}
            store.describe_arm(digest(job.settings), identities[name], described)
        bound = protocol(study, identities)
        trials = plan_trials(study, identities)
        block = len(trials) // replicates
        names = list(identities)
        for start in range(0, len(trials), block):
            records = [
                TrialRecord(
                    fingerprint=trial.fingerprint,
                    arm=trial.arm,
                    replicate=trial.replicate,
                    identity=digest(identities[trial.arm]),
                    status="completed",
                    rows=_curve(rng, study.study.epochs, 1 + 0.02 * names.index(trial.arm)),
                    attempts=1,
                    error=None,
                    resources={"seconds": 1.0, "jobs": 2, "threads": 1, "position": trial.position},
                    environment=environment,
                )
                for trial in trials[start : start + block]
            ]
            store.record_all(records, bound)


def _curve(rng: np.random.Generator, epochs: int, rate: float) -> list[dict[str, float | None]]:
    epoch = np.arange(1, epochs + 1)
    gap = 0.03 + 0.6 * np.exp(-8 * rate * epoch / epochs) + rng.normal(0, 0.004, epochs)
    columns = {
        "epoch": epoch,
        "seconds": rng.uniform(0.9, 1.1, epochs) * rate,
        "cpu_seconds": rng.uniform(0.9, 1.1, epochs) * rate,
        "loss": 2.2 * gap,
        "accuracy": 1 - gap,
        "val_loss": 2.4 * gap + 0.001 * epoch,
        "val_accuracy": 1 - 1.1 * gap,
    }
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*map(np.ndarray.tolist, columns.values()), strict=True)
    ]


def _report(loaded: LoadedStudy, folder: Path) -> Reported:
    """Run the command in a process of its own and see what it took."""
    command = [sys.executable, "-m", "harness.cli", "report", str(loaded.file)]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--reports", str(folder)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError(f"bench report ended with {process.returncode}")
    study, page = loaded.study, folder / loaded.folder_name / "report.html"
    return Reported(
        rows=len(study.all_arms) * len(study.study.replicate_ids) * study.study.epochs,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        memory_mb=usage.ru_maxrss / 1024,
        page=page,
        page_mb=page.stat().st_size / 1e6,
    )
