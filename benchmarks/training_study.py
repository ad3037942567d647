"""A whole small study against the loop, start-up included; and the memory of a worker."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

from benchmarks import by_hand, one_thread
from benchmarks.measurement import Measurement, seconds_of
from benchmarks.training import WORKERS, job_of
from harness.catalog import datasets
from harness.running.session import hired
from harness.running.worker import Worker

ARMS: tuple[by_hand.ArmName, ...] = get_args(by_hand.ArmName)
EPOCHS = 20
_STUDY = """
[study]
name = "small"
question = "How long does a small study take?"
replicates = {replicates}
epochs = {epochs}

[data]
name = "digits"

[[arms]]
name = "mlp-rmsprop"
architecture = "mlp"
optimizer = {{ name = "rmsprop", learning_rate = 0.001, epsilon = 1e-16 }}

[[arms]]
name = "mlp-adadelta"
architecture = "mlp"
optimizer = {{ name = "adadelta", learning_rate = 1.0, rho = 0.95, epsilon = 1e-8 }}

[[arms]]
name = "cnn-adadelta"
architecture = "cnn"
optimizer = {{ name = "adadelta", learning_rate = 1.0, rho = 0.95, epsilon = 1e-8 }}
"""
_TRAIN = "import sys; from benchmarks.training_study import train; train(sys.argv[1], sys.argv[2])"
_MEMORY_GOAL_MIB = 1024


def small_study(quick: bool) -> Measurement:
    """Three arms, many seeds, digits: from the start of Python to the last stored trial.

    The loop's time is that of a few of its turns, each arm's mean times the number of seeds: every
    turn does the same. The study's is measured whole.
    """
    replicates, turns = (6, 1) if quick else (30, 4)
    loop, a_turn = _loop_seconds(replicates, turns)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "small.toml"
        file.write_text(_STUDY.format(replicates=replicates, epochs=EPOCHS), encoding="utf-8")
        command = [sys.executable, "-c", _TRAIN, str(file), str(Path(folder) / "results.db")]
        ours = seconds_of(lambda: subprocess.run(command, check=True))
    return Measurement(
        "small study",
        loop / ours,
        8.0,
        f"{len(ARMS)} arms x {replicates} replicates x {EPOCHS} epochs on digits, start-up "
        f"included: {ours:.0f} s at {WORKERS} jobs, {loop:.0f} s in the loop "
        f"({a_turn:.1f} s a trial)",
    )


def worker_memory(quick: bool) -> Measurement:
    """Peak resident memory of a worker that has trained the main study's arms on MNIST 60,000.

    The MLP sees every image, so that all are in memory; the CNN, which would take most of a minute,
    a part of them.
    """
    try:
        data, shape = "mnist", datasets.load("mnist").images.shape
    except datasets.DataError:
        data, shape = "mnist-5k", datasets.load("mnist-5k").images.shape
    everything = (60_000, 10_000) if data == "mnist" else (4_000, 1_000)
    jobs = [
        job_of(
            arm, data, *(everything if arm.startswith("mlp") else (1_280, 500)), precision="float32"
        )
        for arm in ARMS
    ]
    with hired(1, threads=1) as (worker,):
        peak = 0.0
        for seed in range(2 if quick else 6):
            for job in jobs:
                peak = worker.submit(one_thread.peak_memory, job, seed).result()
    return Measurement(
        "memory of a worker",
        peak / _MEMORY_GOAL_MIB,
        1.0,
        f"{peak:.0f} of {_MEMORY_GOAL_MIB} MiB after training {len(ARMS)} arms on {data} "
        f"({shape[0]:,} images); mapped files are counted although workers share them",
        at_least=False,
    )


def train(file: str, store: str) -> None:
    """Train a study in this process and its workers, as ``bench study`` does."""
    from rich.console import Console  # noqa: PLC0415 - its time counts

    from harness.running.progress import LineView  # noqa: PLC0415
    from harness.running.session import run_study  # noqa: PLC0415
    from harness.store import Store  # noqa: PLC0415
    from harness.study_file import load_study  # noqa: PLC0415

    loaded = load_study(Path(file))
    with Store(Path(store)) as results:
        run_study(loaded, results, workers=WORKERS, view=LineView(Console(stderr=True, quiet=True)))


def _loop_seconds(replicates: int, turns: int) -> tuple[float, float]:
    """Seconds of the whole loop, start-up included, and of one of its turns."""
    worker = Worker({"TF_CPP_MIN_LOG_LEVEL": "3"}, calls_before_renewal=1000)
    try:
        start = seconds_of(lambda: worker.submit(by_hand.start_up).result())
        seconds = [
            worker.submit(by_hand.trial_seconds, arm, seed, EPOCHS).result()
            for seed in range(turns)
            for arm in ARMS
        ]
    finally:
        worker.stop()
    return start + replicates * sum(seconds) / turns, sum(seconds) / len(seconds)
