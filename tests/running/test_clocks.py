"""Clocks that jump: durations stay durations, and what is stored is found again."""

from __future__ import annotations

import time

import pandas as pd

from tests.patience import PATIENCE
from tests.running.conftest import Project, seed_of

JUMP = """
import os
import time

_true = time.time


def _jumped():
    hours = -5 if os.path.exists({back!r}) else 5 if os.path.exists({forth!r}) else 0
    return _true() + hours * 3600


time.time = _jumped
"""
"""What Python imports before anything else, in the coordinator and in each worker."""


def test_a_clock_that_jumps_changes_nothing_that_is_measured(project: Project) -> None:
    """It is put forward as replicate 1 is trained, and back by more as replicate 2 is."""
    project.write_model()
    project.write(architecture='"own_models:build"', replicates=3)
    odd, forth, back = (project.folder / name for name in ("odd", "forth", "back"))
    odd.mkdir()
    jump = JUMP.format(forth=str(forth), back=str(back))
    (odd / "sitecustomize.py").write_text(jump, "utf-8")
    signs = {seed_of(project, 1): str(forth), seed_of(project, 2): str(back)}
    project.write_model(f"seeds.init in {signs} and open({signs}[seeds.init], 'w').close()")
    began = time.monotonic()
    process = project.start("--jobs", "1", "--allow-code", PYTHONPATH=str(odd))
    printed = process.communicate(timeout=PATIENCE)[0]
    took = time.monotonic() - began
    assert process.returncode == 0, printed
    results = project.results()
    assert len(results.trials) == 6
    for column in ("seconds", "cpu_seconds", "setup_seconds"):
        assert results.trials[column].between(0, took).all()
    assert results.curves["seconds"].between(0, took).all()
    replicates = stored_moments(project)
    assert replicates[1] - replicates[0] > 4 * 3600, "the clock was not put forward while it ran"
    assert replicates[2] - replicates[0] < -4 * 3600, "the clock was not put back while it ran"
    summary, _ = project.run()
    assert (summary.trained, summary.reused) == (0, 6)


def stored_moments(project: Project) -> pd.Series:
    """By replicate, when its last trial was stored, by the coordinator's clock."""
    from harness.store import Store

    with Store(project.store_file) as store:
        return store.trials().groupby("replicate")["finished_at"].max()
