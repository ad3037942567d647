"""How trials are handed out, seen with trials that only wait for each other."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from harness.errors import UserError
from harness.plan import ArmJob, Seeds, Trial
from harness.running.executor import Executor, Run, Trainer
from harness.running.progress import Clock, LineView
from harness.running.worker import Worker
from harness.store import Store, records
from harness.store.tables import CURVE_COLUMNS
from harness.training.trial import TrialOutcome
from tests.patience import wait_for

FAR_TOO_LONG = 30.0


def trials_of(names: Sequence[str]) -> list[Trial]:
    """A trial of each arm, known by its name."""
    return [Trial(name, 0, Seeds(0, 0, 0, 0), name, place) for place, name in enumerate(names)]


def run_of(names: Sequence[str], folder: Path, train: Trainer) -> Run:
    """A run in which such trials are trained so."""
    jobs = {
        name: ArmJob((name, {}), ("sgd", {}), {}, folder, 1, 1, "float32", 1, True)
        for name in names
    }
    return Run(jobs, dict.fromkeys(names, ""), {}, {}, train=train)


def completed(value: float) -> TrialOutcome:
    """A curve of one epoch, with this value everywhere."""
    return TrialOutcome("completed", [{"epoch": 1, **dict.fromkeys(CURVE_COLUMNS, value)}])


def wait_for_the_other(job: ArmJob, seeds: Seeds) -> TrialOutcome:
    """The long trial ends once the short one was trained beside it, or after far too long."""
    (job.folder / job.architecture[0]).touch()
    until = time.monotonic() + FAR_TOO_LONG
    while not (job.folder / "short").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return completed(float(time.monotonic() < until))


class Counted(LineView):
    """How many trials were said to be under way, time after time."""

    def __init__(self) -> None:
        super().__init__(Console(file=io.StringIO()))
        self.counts: list[int] = []

    def at_work(self, count: int) -> None:
        self.counts.append(count)


def give_up(other: Store, sign: Path) -> None:
    wait_for(sign.exists)
    other.release("short")


def test_a_trial_that_another_run_gives_up_is_taken_by_an_idle_worker(tmp_path: Path) -> None:
    """It does not wait until the longest trial of one's own has ended."""
    names = ["short", "long"]
    crew = [Worker({}, calls_before_renewal=10) for _ in range(2)]
    run, view = run_of(names, tmp_path, wait_for_the_other), Counted()
    try:
        with Store(tmp_path / "results.db") as store, Store(tmp_path / "results.db") as other:
            assert other.claim("short") == "mine"
            executor = Executor(run, store, crew, view, Clock({}))
            giving_up = Thread(target=give_up, args=(other, tmp_path / "long"))
            giving_up.start()
            assert executor.train(trials_of(names)) == []
            giving_up.join()
            assert executor.trained == 2
            assert (view.counts[0], max(view.counts), view.counts[-1]) == (1, 2, 0)
            assert [row["loss"] for row in store.rows("long")] == [1.0]
    finally:
        for worker in crew:
            worker.stop()


def test_ctrl_c_while_a_trial_is_stored_does_not_lose_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        monkeypatch.undo()
        whole(*arguments)
        signal.raise_signal(signal.SIGINT)

    whole = records.bind
    monkeypatch.setattr("harness.store.store.bind", interrupted)
    run, view = run_of(["one"], tmp_path, lose_one), LineView(Console(file=io.StringIO()))
    with Store(tmp_path / "results.db") as store:
        executor = Executor(run, store, [AtOnce()], view, Clock({}))
        with pytest.raises(KeyboardInterrupt):
            executor.train(trials_of(["one"]))
        assert store.statuses(["one"]) == {"one": "completed"}


class AtOnce:
    """A slot whose calls have ended when they are handed to it."""

    begun = None

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except UserError as error:
            future.set_exception(error)
        return future

    def stop(self) -> None:
        """Nothing is under way."""


def lose_one(job: ArmJob, seeds: Seeds) -> TrialOutcome:
    """As where a scheduler is gone while the results of others are there."""
    if job.architecture[0] == "lost":
        raise UserError("the scheduler is gone")
    return completed(1.0)


def test_a_call_that_is_lost_costs_none_that_ended_beside_it(tmp_path: Path) -> None:
    names = ["first", "lost", "last"]
    run, view = run_of(names, tmp_path, lose_one), LineView(Console(file=io.StringIO()))
    with Store(tmp_path / "results.db") as store:
        executor = Executor(run, store, [AtOnce() for _ in names], view, Clock({}))
        with pytest.raises(UserError, match="the scheduler is gone"):
            executor.train(trials_of(names))
        assert sorted(store.trials()["arm"]) == ["first", "last"]
        assert executor.trained == 2
