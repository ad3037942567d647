"""Is this machine fit for a study? Each check says what it found and how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import psutil
from matplotlib import font_manager

from harness.catalog import datasets
from harness.catalog.cache import data_folder
from harness.environment import describe_environment, has_bfloat16, load_average
from harness.training.runtime import worker_environment

State = Literal["fine", "notice", "broken"]
GIB = 2**30
WORKER_GIB = 0.7
"""Memory that one worker takes at most on the data that ship."""
PROBE_SECONDS = 120.0
CONTROL_GROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        state: Whether it is fine, worth knowing, or keeps studies from running.
        found: What was found.
        fix: What to do about it; empty where there is nothing to do.
    """

    name: str
    state: State
    found: str
    fix: str = ""


def examine(reports: Path, cores: int) -> Iterator[Check]:
    """Look at everything that a study needs, the quick checks first.

    Args:
        reports: Where results go.
        cores: Processor cores that a run would use.
    """
    environment = {k: str(v) for k, v in describe_environment(Path.cwd() / "x").items()}
    yield _python()
    yield _processor(environment, cores)
    yield _load(cores)
    yield _memory(cores)
    yield _store(reports)
    yield from _disks({"results": reports, "data": data_folder()})
    yield from _temporary()
    yield _fonts()
    yield _parquet()
    yield from _tensorflow()
    yield from _data()


def _python() -> Check:
    found = f"{sys.version.partition(' ')[0]} in {sys.prefix}"
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Check("Python", "fine", found)
    return Check("Python", "notice", found, "3.11 to 3.13 are tested; make an environment of one")


def _processor(environment: dict[str, str], cores: int) -> Check:
    found = f"{environment['processor']}; {cores} of {os.cpu_count()} cores usable"
    features = environment["cpu_features"]
    found += f"; {features}" if features else ""
    return Check("processor", "fine", found)


def _load(cores: int) -> Check:
    busy = load_average()
    if busy is None:
        return Check("load", "notice", "unknown on this system")
    found = f"{busy:.1f} processes busy over the last minute"
    if busy < 0.5 * cores:
        return Check("load", "fine", found)
    fix = "trials will take longer, and seconds will say little: wait, or claim epochs instead"
    return Check("load", "notice", found, fix)


def _memory(cores: int) -> Check:
    free = _free_memory() / GIB
    fits = int(free / WORKER_GIB)
    found = f"{free:.1f} GiB free, enough for {fits} workers"
    if fits >= cores:
        return Check("memory", "fine", found)
    if fits == 0:
        return Check("memory", "broken", found, f"a worker needs {WORKER_GIB:g} GiB: free some")
    return Check("memory", "notice", found, f"run with --jobs {fits}")


def _free_memory() -> float:
    """What is free, on the machine and under the control group's limit."""
    free = float(psutil.virtual_memory().available)
    try:
        limit = _of_control_group("memory.max")
        return free if limit == "max" else min(free, float(limit) - _used_by_control_group())
    except (OSError, ValueError, KeyError):
        return free


def _used_by_control_group() -> float:
    """Memory in use but for copies of files that were not read lately: the kernel drops these."""
    stat = dict(line.split() for line in _of_control_group("memory.stat").splitlines())
    return float(_of_control_group("memory.current")) - float(stat["inactive_file"])


def _of_control_group(name: str) -> str:
    return (CONTROL_GROUP / name).read_text(encoding="ascii").strip()


def _store(reports: Path) -> Check:
    folder = _existing(reports)
    try:
        with tempfile.TemporaryDirectory(prefix=".bench-doctor-", dir=folder) as scratch:
            connection = sqlite3.connect(Path(scratch) / "results.db")
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            connection.execute("CREATE TABLE t (x)")
            connection.close()
    except (OSError, sqlite3.Error) as error:
        fix = "give another folder with --reports, or make this one writable"
        return Check("results", "broken", f"{folder} cannot be written: {error}", fix)
    if mode != "wal":
        fix = "two runs at once are not safe here: put --reports on a local disk"
        return Check("results", "notice", f"{folder}: no write-ahead log (network disk?)", fix)
    return Check("results", "fine", f"{folder} can be written; SQLite {sqlite3.sqlite_version}")


def _disks(folders: dict[str, Path]) -> Iterator[Check]:
    for name, folder in folders.items():
        free = shutil.disk_usage(_existing(folder)).free / GIB
        found = f"{free:.1f} GiB free in {_existing(folder)}"
        if free >= 1:
            yield Check(f"disk ({name})", "fine", found)
        else:
            state: State = "notice" if free >= 0.05 else "broken"
            yield Check(f"disk ({name})", state, found, "free some space, or choose another disk")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _temporary() -> Iterator[Check]:
    try:
        yield from _disks({"temporary": Path(tempfile.gettempdir())})
    except OSError as error:
        fix = "make a folder for temporary files writable, or name another by TMPDIR"
        yield Check("disk (temporary)", "broken", str(error.strerror), fix)


def _fonts() -> Check:
    cjk = sorted({f.name for f in font_manager.fontManager.ttflist if "CJK" in f.name})
    if cjk:
        return Check("fonts", "fine", f"DejaVu Sans; {cjk[0]} for Chinese, Japanese, Korean")
    found = "DejaVu Sans; none for Chinese, Japanese, Korean"
    fix = "only to see these scripts in this machine's browser: install fonts-noto-cjk"
    return Check("fonts", "notice", found, fix)


def _parquet() -> Check:
    if find_spec("pyarrow") is not None:
        return Check("Parquet", "fine", "pyarrow is installed")
    fix = "only for `bench export --to parquet`: python -m pip install pyarrow"
    return Check("Parquet", "notice", "pyarrow is not installed", fix)


def _tensorflow() -> Iterator[Check]:
    """Train a step in a process of its own, as a worker would."""
    command = [sys.executable, "-m", "harness.training.probe"]
    name, reinstall = "TensorFlow", "python -m pip install --force-reinstall tensorflow"
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=PROBE_SECONDS,
            env={**os.environ, **worker_environment(1)},
        )
    except subprocess.TimeoutExpired:
        found = f"did not train a step within {PROBE_SECONDS:g} s"
        yield Check(name, "broken", found, "look at the load, or reinstall: " + reinstall)
        return
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        yield Check(name, "broken", f"does not work: {said[-1]}", reinstall)
        return
    told = json.loads(done.stdout.splitlines()[-1])
    gpus = ", ".join(told["gpus"]) or "no GPU"
    state: State = "fine" if told["trains"] else "broken"
    found = f"{told['tensorflow']} with Keras {told['keras']} trains; {gpus}"
    yield Check(name, state, found, "" if told["trains"] else reinstall)
    yield _kernels(onednn=told["onednn"])


def _kernels(*, onednn: bool) -> Check:
    if onednn and has_bfloat16():
        found = 'oneDNN on; bfloat16 unit: precision = "mixed_bfloat16" computes in hardware'
        return Check("kernels", "fine", found)
    if onednn:
        return Check("kernels", "fine", 'oneDNN on; no bfloat16 unit: keep precision = "float32"')
    if "TF_ENABLE_ONEDNN_OPTS" in os.environ:
        return Check("kernels", "notice", "oneDNN off", "unset TF_ENABLE_ONEDNN_OPTS")
    found = 'oneDNN off, as TensorFlow sees fit for this processor: keep precision = "float32"'
    return Check("kernels", "fine", found)


def _data() -> Iterator[Check]:
    """Where each dataset would come from; sources are asked at the same time."""
    infos = datasets.available()
    missing = [info.name for info in infos if not info.embedded and not info.cached]
    with ThreadPoolExecutor(max(1, len(missing))) as pool:
        answers = dict(zip(missing, pool.map(datasets.reachable_sources, missing), strict=True))
    for info in infos:
        if info.name not in answers:
            here = "embedded" if info.embedded else f"cached in {data_folder()}"
            yield Check(f"data {info.name}", "fine", here)
            continue
        sources = answers[info.name]
        there = [source for source, why_not in sources.items() if why_not is None]
        fix = f"bench data fetch {info.name}"
        if there:
            yield Check(f"data {info.name}", "fine", f"not fetched yet; {there[0]} has it", fix)
            continue
        found = "; ".join(f"{source}: {why_not}" for source, why_not in sources.items())
        fix += " tries keras.datasets, too; mnist-5k and digits need no network"
        yield Check(f"data {info.name}", "notice", f"not fetched yet; {found}", fix)
