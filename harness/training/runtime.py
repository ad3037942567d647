"""TensorFlow as a worker uses it: few threads, deterministic, quiet, memory given back late."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Literal

from harness.errors import UserError
from harness.study import Device


class DeviceError(UserError):
    """Trials cannot be trained where the study asks for it."""


class SettledError(UserError):
    """The process computes with other settings already: TensorFlow takes them only once."""


_settled: dict[str, object] = {}

UNUSED = ("matplotlib", "pandas", "sklearn")
"""Keras imports these where they are installed, for plots, data frames and wrappers of its models;
that takes a third as long as TensorFlow itself, and no trial needs them."""


def worker_environment(threads: int) -> Mapping[str, str]:
    """Variables that must stand before TensorFlow or any BLAS is loaded."""
    count = str(threads)
    return {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "MALLOC_ARENA_MAX": "1",  # else each thread's memory stays with it when it is free
        "KERAS_BACKEND": "tensorflow",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "PYTHONHASHSEED": "0",
    }


@cache
def configure(threads: int, deterministic: bool, device: Device = "auto") -> Literal["cpu", "gpu"]:
    """Set up TensorFlow in this process, once: it takes these settings only at first.

    Args:
        threads: Compute threads.
        deterministic: Whether ops must give the same bits each time.
        device: Where to compute; ``"auto"`` takes a GPU where there is one.

    Returns:
        Where TensorFlow will compute.

    Raises:
        DeviceError: If a GPU is asked for and TensorFlow finds none.
        SettledError: If the process was set up otherwise before, as a cluster's worker may be.
    """
    os.environ.update(worker_environment(threads))
    with _silence(), _hidden(UNUSED):
        import tensorflow as tf

    gpus = [] if device == "cpu" else tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise DeviceError(
            'is "gpu", but TensorFlow finds none on this machine; write "auto" or "cpu", or see '
            "that the driver is there and TensorFlow came with CUDA: python -m pip install "
            "'tensorflow[and-cuda]'"
        )
    place: Literal["cpu", "gpu"] = "gpu" if gpus else "cpu"
    _settle(threads=threads, deterministic=deterministic, device=place)
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    gc.collect()
    gc.freeze()  # TensorFlow's modules live on: each later collection is spared to look at them
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.set_visible_devices(gpus, "GPU")
    return place


def _settle(**settings: object) -> None:
    """Take settings for the life of the process; refuse others."""
    before = {key: _settled.setdefault(key, value) for key, value in settings.items()}
    if before != settings:
        there, asked = (
            ", ".join(f"{key} {value}" for key, value in some.items())
            for some in (before, settings)
        )
        raise SettledError(
            f"a worker computes with other settings already ({there}) than the study asks for "
            f"({asked}), and TensorFlow takes them once a process; restart the cluster's workers, "
            "or give the study a cluster of its own"
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Drop what TensorFlow's C++ side says while it loads: no log level reaches that early."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _hidden(packages: Iterable[str]) -> Iterator[None]:
    """Let imports inside find none of these packages, but for those that are imported already."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
