"""Which worker gets which GPU, where there are any."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from itertools import cycle, islice

from harness.study import Device

Variables = Mapping[str, str]
NO_GPU = "-1"


def places(device: Device, workers: int, jobs_per_gpu: int) -> list[Variables]:
    """The environment of each worker that can be at work at once.

    With GPUs there are as many workers as jobs fit on them, but no more than asked for; each sees
    its own GPU only. Without, each worker has the processor.

    Args:
        device: ``device`` of the study.
        workers: Worker processes that were asked for.
        jobs_per_gpu: Workers that share a GPU.
    """
    found = [] if device == "cpu" else visible_gpus()
    if not found:
        return [{"CUDA_VISIBLE_DEVICES": NO_GPU} if device == "cpu" else {}] * workers
    count = min(workers, len(found) * jobs_per_gpu)
    return [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in islice(cycle(found), count)]


def visible_gpus() -> list[str]:
    """NVIDIA's GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        named = [gpu.strip() for gpu in allowed.split(",")]
        return named if named[0] not in {"", NO_GPU} else []
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.stdout.split()
