"""How trials are handed out, seen with trials that only wait for each other."""

from __future__ import annotations

import io
import time
from pathlib import Path
from threading import Thread

from rich.console import Console

from harness.plan import ArmJob, Seeds, Trial
from harness.running.executor import Executor, Run
from harness.running.progress import Clock, LineView
from harness.running.worker import Worker
from harness.store import Store
from harness.store.tables import CURVE_COLUMNS
from harness.training.trial import TrialOutcome
from tests.patience import wait_for

FAR_TOO_LONG = 30.0


def wait_for_the_other(job: ArmJob, seeds: Seeds) -> TrialOutcome:
    """The long trial ends once the short one was trained beside it, or after far too long."""
    (job.folder / job.architecture[0]).touch()
    until = time.monotonic() + FAR_TOO_LONG
    while not (job.folder / "short").exists() and time.monotonic() < until:
        time.sleep(0.05)
    row = dict.fromkeys(CURVE_COLUMNS, float(time.monotonic() < until))
    return TrialOutcome("completed", [{"epoch": 1, **row}])


def give_up(other: Store, sign: Path) -> None:
    wait_for(sign.exists)
    other.release("short")


def test_a_trial_that_another_run_gives_up_is_taken_by_an_idle_worker(tmp_path: Path) -> None:
    """It does not wait until the longest trial of one's own has ended."""
    names = ["short", "long"]
    trials = [Trial(name, 0, Seeds(0, 0, 0, 0), name, place) for place, name in enumerate(names)]
    jobs = {
        name: ArmJob((name, {}), ("sgd", {}), {}, tmp_path, 1, 1, "float32", 1, True)
        for name in names
    }
    crew = [Worker({}, calls_before_renewal=10) for _ in range(2)]
    run = Run(jobs, dict.fromkeys(names, ""), {}, {}, train=wait_for_the_other)
    view = LineView(Console(file=io.StringIO()))
    try:
        with Store(tmp_path / "results.db") as store, Store(tmp_path / "results.db") as other:
            assert other.claim("short") == "mine"
            executor = Executor(run, store, crew, view, Clock({}))
            giving_up = Thread(target=give_up, args=(other, tmp_path / "long"))
            giving_up.start()
            assert executor.train(trials) == []
            giving_up.join()
            assert executor.trained == 2
            assert [row["loss"] for row in store.rows("long")] == [1.0]
    finally:
        for worker in crew:
            worker.stop()
