"""What a trial ran on: packages, processor, switches, and the commit of the study."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("tensorflow", "keras", "numpy", "scipy", "pandas", "joblib", "training-bench")
FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16")
"""Instruction sets for which TensorFlow has kernels of their own, with other last digits."""
SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "XLA_FLAGS", "CUDA_VISIBLE_DEVICES")


def describe_environment(study_file: Path) -> dict[str, object]:
    """The environment as one flat document; equal environments give equal documents."""
    return {**describe_machine(), "study_commit": _commit(study_file)}


@cache
def describe_machine() -> Mapping[str, object]:
    """Packages, processor and switches of this process."""
    flags = _cpu_flags()
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cpu_features": " ".join(name for name in FEATURES if name in flags),
        "cores": os.cpu_count(),
        **{name: os.environ[name] for name in SWITCHES if name in os.environ},
    }


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_average() -> float | None:
    """Processes busy over the last minute; None where the system does not say."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has no such function
        return None


def differences(environments: list[Mapping[str, object]]) -> dict[str, list[str]]:
    """Keys in which environments differ, with the values found."""
    keys = sorted({key for document in environments for key in document} - {"study_commit"})
    found = {k: sorted({str(document.get(k)) for document in environments}) for k in keys}
    return {key: values for key, values in found.items() if len(values) > 1}


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or "unknown"


def _cpu_flags() -> set[str]:
    return set((_cpuinfo("flags") or _cpuinfo("Features")).split())  # x86, else ARM


def _cpuinfo(key: str) -> str:
    """What Linux says of the first core; empty elsewhere."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    except OSError:
        pass
    return ""


def has_bfloat16() -> bool | None:
    """Whether the processor multiplies bfloat16 numbers by itself; None where it does not say."""
    flags = _cpu_flags()
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"}) if flags else None


def _commit(study_file: Path) -> str | None:
    """The git commit that the study file stands at, marked where the file was changed since."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(study_file.resolve().parent), *arguments],
                capture_output=True,
                text=True,
                check=True,
                timeout=10,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    commit = git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return None
    changed = git("status", "--porcelain", "--", study_file.name)
    return f"{commit} (changed)" if changed else commit
