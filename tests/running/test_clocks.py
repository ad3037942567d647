"""Clocks that jump: durations stay durations, and what is stored is found again."""

from __future__ import annotations

import time

import pandas as pd
import pytest

from tests.patience import PATIENCE
from tests.running.conftest import Project

JUMP = """
import os
import time

_true = time.time


def _jumped():
    return _true() + ({hours} * 3600 if os.path.exists({flag!r}) else 0)


time.time = _jumped
"""
"""What Python imports before anything else, in the coordinator and in each worker."""


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_jumps_changes_nothing_that_is_measured(project: Project, hours: int) -> None:
    project.write(replicates=6, epochs=60)
    odd, flag = project.folder / "odd", project.folder / "now"
    odd.mkdir()
    (odd / "sitecustomize.py").write_text(JUMP.format(hours=hours, flag=str(flag)), "utf-8")
    began = time.monotonic()
    process = project.start("--jobs", "2", PYTHONPATH=str(odd))
    project.wait_for(3, process)
    flag.touch()
    printed = process.communicate(timeout=PATIENCE)[0]
    took = time.monotonic() - began
    assert process.returncode == 0, printed
    results = project.results()
    assert len(results.trials) == 12
    for column in ("seconds", "cpu_seconds", "setup_seconds"):
        assert results.trials[column].between(0, took).all()
    assert results.curves["seconds"].between(0, took).all()
    finished = stored_moments(project)
    assert finished.max() - finished.min() > 4 * 3600, "the clock did not jump while it ran"
    summary, _ = project.run(2)
    assert (summary.trained, summary.reused) == (0, 12)


def stored_moments(project: Project) -> pd.Series:
    """When each trial was stored, by the coordinator's clock."""
    from harness.store import Store

    with Store(project.store_file) as store:
        return store.trials()["finished_at"]
