"""What the training benchmarks run inside a worker of the harness, which has one thread."""

from __future__ import annotations

import time

from harness.plan import ArmJob, Seeds
from harness.training.runtime import configure
from harness.training.trial import train_trial


def epoch_seconds(job: ArmJob, seed: int) -> float:
    """Mean wall time of an epoch of a trial, validation included."""
    outcome = train_trial(job, Seeds(seed, seed, seed, seed))
    if outcome.status == "failed":
        raise RuntimeError(outcome.error)
    return sum(float(row["seconds"] or 0) for row in outcome.rows) / len(outcome.rows)


def peak_memory(job: ArmJob, seed: int) -> float:
    """Largest resident size of this process so far, in MiB, after one more trial."""
    outcome = train_trial(job, Seeds(seed, seed, seed, seed))
    if outcome.status == "failed" or outcome.peak_memory_mb is None:
        raise RuntimeError(outcome.error)
    return outcome.peak_memory_mb


def matmul_gigaflops(dtype: str, size: int = 2048, repeats: int = 8) -> float:
    """The best rate of a large matrix product: what no layer can exceed."""
    configure(1, True, "auto")
    import tensorflow as tf  # noqa: PLC0415 - only inside the worker, after its threads are set

    left = tf.cast(tf.random.stateless_normal((size, size), seed=(1, 2)), dtype)
    product = tf.function(lambda: tf.matmul(left, left))
    product()
    return 2e-9 * size**3 / min(_seconds_of(product) for _ in range(repeats))


def _seconds_of(product: object) -> float:
    start = time.perf_counter()
    product().numpy()  # type: ignore[operator]
    return time.perf_counter() - start
