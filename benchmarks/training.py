"""Trials an hour: two workers of one thread each against a loop around ``model.fit``.

Both sides train the published models on MNIST in turn, round by round, and the median of the
rounds' ratios counts. Starting up and compiling are left out on both sides (the loop compiles every
model anew), and so is the loop's conversion of the images to float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import by_hand, one_thread
from benchmarks.measurement import Measurement
from harness.catalog import datasets
from harness.plan import ArmJob
from harness.running.session import hired
from harness.running.worker import Worker
from harness.study import Precision

WORKERS = 2
BATCH = by_hand.BATCH
_MNIST, _TRAIN, _VALIDATION = 60_000, 120, 20  # images, and batches of a short epoch of the MLP

LOOP, JOBLIB = "the loop", "the loop under joblib, one thread a process"


def mlp_trials(quick: bool) -> Measurement:
    """MLP with RMSprop against the loop."""
    return _measurement("MLP trials", _rounds("mlp-rmsprop", quick), LOOP, "float32", 4.0)


def mlp_trials_joblib(quick: bool) -> Measurement:
    """MLP with RMSprop against what a skilled user writes."""
    rounds = _rounds("mlp-rmsprop", quick)
    return _measurement("MLP trials, joblib", rounds, JOBLIB, "float32", 1.0)


def cnn_trials(quick: bool) -> Measurement:
    """CNN with Adadelta in float32 against the loop, with its share of the processor's peak."""
    return _measurement("CNN trials", _rounds("cnn-adadelta", quick), LOOP, "float32", 1.4)


def cnn_trials_joblib(quick: bool) -> Measurement:
    """CNN with Adadelta in float32 against what a skilled user writes."""
    rounds = _rounds("cnn-adadelta", quick)
    return _measurement("CNN trials, joblib", rounds, JOBLIB, "float32", 1.0)


def cnn_bfloat16_trials(quick: bool) -> Measurement:
    """CNN with Adadelta in mixed bfloat16 against the loop in float32."""
    rounds = _rounds("cnn-adadelta", quick)
    return _measurement("CNN trials, mixed_bfloat16", rounds, LOOP, "mixed_bfloat16", 4.0)


@dataclass(frozen=True)
class Side:
    """One way to train, and how many epochs it got through at once."""

    workers: Sequence[Worker]
    work: Callable[..., float]
    arguments: tuple[Any, ...]

    def epochs_a_second(self) -> float:
        """Run one epoch on every process at the same time; the sum of their rates."""
        tasks = [worker.submit(self.work, *self.arguments) for worker in self.workers]
        return float(sum(1 / task.result() for task in tasks))


@dataclass(frozen=True)
class Rounds:
    """What the rounds found.

    Attributes:
        rates: By side, epochs a second, one a round.
        processes: By side, how many processes made them.
        steps: Training batches of one of these epochs.
        peaks: By number format, the best rate of a matrix product on one thread, GFLOP/s.
        step_flops: Floating point operations of one training step, in 10^9.
        data: What was trained on, in words.
    """

    rates: dict[str, list[float]]
    processes: dict[str, int]
    steps: int
    peaks: dict[str, float]
    step_flops: float
    data: str

    def ratio(self, side: str, baseline: str) -> float:
        """Median over rounds of how many times faster a side is."""
        pairs = zip(self.rates[side], self.rates[baseline], strict=True)
        return median(ours / theirs for ours, theirs in pairs)

    def step_ms(self, side: str) -> float:
        """Milliseconds of a step in one process, its share of the validation included."""
        return 1000 * self.processes[side] / median(self.rates[side]) / self.steps


def _measurement(
    name: str, rounds: Rounds, baseline: str, precision: Precision, goal: float
) -> Measurement:
    ours, theirs = rounds.step_ms(precision), rounds.step_ms(baseline)
    rate = rounds.step_flops / ours * 1000
    peak = rounds.peaks[precision]
    return Measurement(
        name,
        rounds.ratio(precision, baseline),
        goal,
        f"{ours:.1f} ms a step in each of {WORKERS} workers, {theirs:.1f} ms in {baseline} "
        f"({rounds.processes[baseline]} process{'es' * (rounds.processes[baseline] > 1)}), with "
        f"validation, on {rounds.data}; a step is {rounds.step_flops:.2g} GFLOP, so a worker "
        f"reaches {rate:.0f} of the {peak:.0f} GFLOP/s of a matrix product ({rate / peak:.0%})",
    )


@cache
def _rounds(arm: by_hand.ArmName, quick: bool) -> Rounds:
    """Interleaved epochs of every side; a first one of each only warms up."""
    data, words = _data()
    train, validation = _epoch(arm, data, quick)
    if train < _MNIST:
        words += f", epochs of {train:,} images"
    limits = (data, train, validation)
    with _crews() as (loop, joblib, ours):
        sides = {
            LOOP: Side(loop, by_hand.epoch_seconds, (arm, *limits, 1)),
            JOBLIB: Side(joblib, by_hand.epoch_seconds, (arm, *limits, 1)),
        }
        formats: list[Precision] = ["float32"]
        formats += ["mixed_bfloat16"] if arm.startswith("cnn") else []
        for precision in formats:
            job = job_of(arm, *limits, precision=precision)
            sides[precision] = Side(ours, one_thread.epoch_seconds, (job, 0))
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for turn in range(1 + (2 if quick else 5)):
            for name, side in sides.items():
                rate = side.epochs_a_second()
                rates[name] += [rate] if turn else []
        peaks: dict[str, float] = {p: _peak(ours, p) for p in formats}
    processes = {name: len(side.workers) for name, side in sides.items()}
    return Rounds(rates, processes, train // BATCH, peaks, _step_flops(arm), words)


@contextmanager
def _crews() -> Iterator[tuple[list[Worker], list[Worker], list[Worker]]]:
    """Processes of the loop, of the loop under joblib, and of the harness."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with ExitStack() as stack:
        loop = [Worker(quiet, calls_before_renewal=1000)]
        joblib = [Worker({**quiet, **one}, calls_before_renewal=1000) for _ in range(WORKERS)]
        for worker in (*loop, *joblib):
            stack.callback(worker.stop)
        yield loop, joblib, stack.enter_context(hired(WORKERS, threads=1))


def _peak(workers: Sequence[Worker], precision: Precision) -> float:
    """The rate of a matrix product on one thread while all workers compute one."""
    dtype = "bfloat16" if precision == "mixed_bfloat16" else "float32"
    tasks = [worker.submit(one_thread.matmul_gigaflops, dtype) for worker in workers]
    return float(min(task.result() for task in tasks))


def _data() -> tuple[str, str]:
    """MNIST where it can be had, else the digits that need no download."""
    try:
        datasets.load("mnist")
    except datasets.DataError:
        return "mnist-5k", "mnist-5k (MNIST cannot be had here)"
    return "mnist", "MNIST"


def _epoch(arm: by_hand.ArmName, data: str, quick: bool) -> tuple[int, int]:
    """Images to train on and to score on in one epoch, six to one as in MNIST.

    An epoch of the CNN would take most of a minute; what a step takes is told by a tenth.
    """
    if data == "mnist-5k":
        return 24 * BATCH, 4 * BATCH
    if arm.startswith("mlp"):
        return (_TRAIN * BATCH, _VALIDATION * BATCH) if quick else (_MNIST, _MNIST // 6)
    return (12 * BATCH, 2 * BATCH) if quick else (48 * BATCH, 8 * BATCH)


def job_of(
    arm: by_hand.ArmName, data: str, train: int, validation: int, *, precision: Precision
) -> ArmJob:
    """The same arm as a study would give it to a worker, one epoch long."""
    architecture, _, optimizer = arm.partition("-")
    settings: dict[str, dict[str, object]] = {
        "rmsprop": {"learning_rate": 0.001, "epsilon": 1e-16},
        "adadelta": {"learning_rate": 1.0, "epsilon": 1e-8},
    }
    return ArmJob(
        architecture=(architecture, {}),
        optimizer=(optimizer, settings[optimizer]),
        data={"name": data, "train": train, "validation": validation},
        folder=Path(),
        epochs=1,
        batch_size=BATCH,
        precision=precision,
        threads=1,
        deterministic=True,
    )


def _step_flops(arm: by_hand.ArmName) -> float:
    """Operations of the matrix products and convolutions of a step on 28 x 28 images, in 10^9.

    Each takes a multiplication and an addition a weight and position: once forward, once for the
    gradient of its weights, once for that of its inputs, which the first layer does not need.
    """
    if arm.startswith("mlp"):
        first, others = 784 * 512, 512 * 512 + 512 * 10
    else:
        first = 26 * 26 * 32 * 9
        others = 24 * 24 * 64 * 9 * 32 + 12 * 12 * 64 * 128 + 128 * 10
    return 2e-9 * BATCH * (2 * first + 3 * others)
