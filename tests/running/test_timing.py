"""Seconds that are fair: timed alone after the study, or refused where they are not comparable."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from harness.claims import Claim
from harness.measures import Measured, SecondsPerEpoch, startup_seconds, steady_seconds
from harness.plan import Trial
from harness.protocol import protocol
from harness.report.series import Series
from harness.report.tables import time_rows
from harness.running.progress import Eta, LineView
from harness.running.session import run_study
from harness.samples import Sample, SideValue, sample_of
from harness.store import Store
from harness.study_file import load_study
from harness.timed_on import TimedOn, timed_on
from tests.running.conftest import Project
from tests.stores import rewrite

SECONDS = """
[[claims]]
id = "slower"
says = "An epoch of the MLP takes longer."
compare = ["own", "linear"]
measure = {{ kind = "seconds_per_epoch", clock = "{clock}" }}
expect = "greater"
margin = 0.0
"""


def timed_study(project: Project, timing: str = "exclusive", clock: str = "wall") -> Project:
    project.write(replicates=1, epochs=3)
    text = project.file.read_text("utf-8") + SECONDS.format(clock=clock)
    text = text.replace("threads = 1", f'threads = 1\ntiming = "{timing}"')
    project.file.write_text(text, "utf-8")
    return project


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A study of one replicate whose seconds were taken beside its neighbours, trained once."""
    project = timed_study(Project(tmp_path_factory.mktemp("beside")), timing="shared")
    run(project, workers=2)
    return project


@pytest.fixture
def untimed(project: Project, beside: Project) -> Project:
    """The same, with trials that are to be timed alone."""
    return timed_study(project.take(beside))


def run(project: Project, *, budget: float | None = None, workers: int = 1) -> str:
    console = Console(file=io.StringIO(), record=True, width=200)
    view = LineView(console)
    with Store(project.store_file) as store:
        run_study(load_study(project.file), store, workers=workers, view=view, budget=budget)
    return console.export_text()


def stored(project: Project) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str | None]]:
    """Curves and timings as they lie in the store, and where curves came out otherwise."""
    with Store(project.store_file) as store:
        return store.curves(), store.timings(), store.timing_differences()


def test_trials_are_timed_alone_once_the_study_is_done(project: Project) -> None:
    """The seconds are those of the second training; the curves stay those of the first."""
    timed_study(project)
    printed = run(project, workers=2)
    assert "timing 2 trials alone on the machine" in printed
    curves, timings, differences = stored(project)
    assert list(differences.values()) == [None] * 2
    assert len(timings) == len(curves) == 6
    assert (timings["seconds"] > 0).all()

    results = project.results()
    keys = results.trials.set_index(["arm", "replicate"])["fingerprint"]
    for row in results.curves.itertuples():
        alone = timings.query(f"fingerprint == '{keys[row.arm, row.replicate]}'")
        assert float(alone.loc[alone["epoch"] == row.epoch, "seconds"].iloc[0]) == row.seconds
    assert set(results.curves["seconds"]).isdisjoint(set(curves["seconds"]))
    verdict = results.verdicts[1]
    assert (verdict.n, verdict.reason) == (1, None)
    assert any("alone on the machine" in text for text in results.notices)
    assert set(results.trials["jobs"]) == {2}
    assert results.trials["load"].notna().all()

    assert "alone" not in run(project)  # nothing is left to be timed
    assert stored(project)[1].equals(timings)


def test_timing_goes_on_where_it_stopped_and_says_what_is_missing(untimed: Project) -> None:
    """Timing asked for later finds the finished trials; a spent budget leaves it for later."""
    project = untimed
    assert "2 trials left to be timed alone" in run(project, budget=1e-6)
    results = project.results()
    assert results.curves["seconds"].isna().all()
    assert results.verdicts[0].reason is None  # accuracy needs no clock
    assert results.verdicts[1].n == 0
    assert any("2 trials of 2 not timed alone yet" in text for text in results.notices)

    with Store(project.store_file) as store:
        first = str(project.results().trials["fingerprint"].iloc[0])
        rows = [dict(row) for row in store.rows(first)]
        store.record_timing(first, rows, difference=None, load=0.5)
    assert "timing 1 trial alone" in run(project)
    assert len(stored(project)[2]) == 2
    assert project.results().verdicts[1].n == 1


def test_a_curve_that_comes_out_otherwise_is_named(untimed: Project) -> None:
    project = untimed
    key = str(project.results().trials.query("arm == 'own'")["fingerprint"].iloc[0])
    rewrite(
        project.store_file,
        "UPDATE curves SET val_loss = val_loss + 1 WHERE fingerprint = ? AND epoch = 2",
        key,
    )
    run(project)
    assert stored(project)[2][key] == "val_loss of epoch 2"
    told = [text for text in project.results().notices if "came out otherwise" in text]
    assert len(told) == 1
    assert "own, replicate 0" in told[0]
    assert "val_loss of epoch 2" in told[0]


def test_no_trial_is_timed_beside_another_run(untimed: Project) -> None:
    with Store(untimed.store_file) as other:
        other.claim("a trial of another run")
        assert "no trial can be timed alone beside it" in run(untimed)
    assert stored(untimed)[2] == {}


class Company(LineView):
    """Once a trial is timed, another run comes for a moment: it is gone before the next is done."""

    def __init__(self, console: Console, file: Path) -> None:
        super().__init__(console)
        self.visit = Thread(target=self._come, args=(file,))

    def update(self, done: int, trial: Trial, status: str, eta: Eta | None) -> None:
        super().update(done, trial, status, eta)
        if done == 1:
            self.visit.start()

    def _come(self, file: Path) -> None:
        with Store(file) as other:
            other.claim("a trial of another run")
            time.sleep(1.5)


def test_a_trial_that_had_company_while_it_was_timed_is_left(untimed: Project) -> None:
    console = Console(file=io.StringIO(), record=True, width=200)
    company = Company(console, untimed.store_file)
    with Store(untimed.store_file) as store:
        run_study(load_study(untimed.file), store, workers=1, view=company)
    company.visit.join()
    assert len(stored(untimed)[2]) == 1
    assert "the same command goes on with the 1 trial left" in console.export_text()


def test_timing_is_part_of_what_a_claim_on_seconds_promises(project: Project) -> None:
    """The claim on seconds becomes another claim; the one on accuracy stays as it was."""

    def bound(timing: str) -> dict[str, str]:
        study = load_study(timed_study(project, timing).file).study
        claims: dict[str, str] = protocol(study, {})["claims"]
        return claims

    shared, exclusive = bound("shared"), bound("exclusive")
    assert shared["better"] == exclusive["better"]
    assert shared["slower"] != exclusive["slower"]


def test_elapsed_seconds_of_a_shared_machine_are_warned_of(project: Project) -> None:
    warned = load_study(timed_study(project, "shared").file).warnings
    assert any("claim slower: elapsed seconds" in text for text in warned)
    for timing, clock in (("exclusive", "wall"), ("shared", "cpu")):
        warned = load_study(timed_study(project, timing, clock).file).warnings
        assert not any("elapsed seconds" in text for text in warned)


def seconds_sample(
    clock: str,
    jobs: tuple[int, int] = (1, 1),
    *,
    kinds: Mapping[tuple[int, int], str] | None = None,
    is_paired: bool = True,
) -> Sample:
    """Case G2: arm A at 16 s an epoch beside its neighbours, arm B at 10 s."""
    claim = Claim(
        id="slower",
        says="An epoch of A takes longer.",
        compare=["a", "b"],
        measure=SecondsPerEpoch(kind="seconds_per_epoch", clock=clock),  # type: ignore[arg-type]
        expect="greater",
        margin=0.0,
    )
    values = [
        SideValue(
            "slower",
            side,
            "ab"[side],
            replicate,
            Measured((16.0, 10.0)[side]),
            False,
            TimedOn(jobs[side], (kinds or {}).get((side, replicate))),
        )
        for side in (0, 1)
        for replicate in range(6)
    ]
    return sample_of(claim, values, is_paired=is_paired)


def test_wall_times_taken_beside_different_neighbours_are_refused() -> None:
    """G2: refused by the wall clock, marked by the processor's, fine where jobs are equal."""
    wall, cpu = seconds_sample("wall", (8, 1)), seconds_sample("cpu", (8, 1))
    assert wall.reason is not None
    assert "at 1 and some at 8 jobs" in wall.reason
    assert cpu.reason is None
    assert any("at 1 and some at 8 jobs" in text for text in cpu.notices)
    for clock in ("wall", "cpu"):
        alike = seconds_sample(clock, (8, 8))
        assert alike.reason is None
        assert not alike.notices


def kinds_of(*pairs: tuple[str, str]) -> dict[tuple[int, int], str]:
    """Processors by side and replicate, of pairs in the order of their replicates."""
    return {(side, r): kind for r, pair in enumerate(pairs) for side, kind in enumerate(pair)}


@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_pairs_timed_on_two_processors_are_left_out(clock: str) -> None:
    """A block begun on one machine and ended on another shows the difference of the machines."""
    whole, apart = ("fast", "fast"), ("slow", "fast")
    sample = seconds_sample(clock, kinds=kinds_of(*[whole] * 4, apart, whole))
    assert sample.replicates[0] == (0, 1, 2, 3, 5)
    assert sample.reason is None
    assert sample.notices == (
        "1 replicate left out of a claim on seconds, timed partly on one processor and partly on "
        "another (fast; slow): 4",
    )


def test_whole_pairs_of_several_processors_are_compared_and_said_so() -> None:
    sample = seconds_sample("cpu", kinds=kinds_of(*[("slow", "slow")] * 2, *[("fast", "fast")] * 4))
    assert len(sample.replicates[0]) == 6
    assert sample.reason is None
    assert "several processors (fast; slow)" in " ".join(sample.notices)


def test_pairs_that_are_all_apart_are_no_comparison() -> None:
    sample = seconds_sample("cpu", kinds=kinds_of(*[("slow", "fast")] * 6))
    assert "6 replicates left out" in str(sample.reason)
    assert not sample.notices


def test_unpaired_runs_of_two_processors_are_no_comparison() -> None:
    mixed = kinds_of(*[("slow", "slow")] * 2, *[("fast", "fast")] * 4)
    assert "no fair comparison" in str(seconds_sample("cpu", kinds=mixed, is_paired=False).reason)
    assert seconds_sample("cpu", is_paired=False).reason is None


def test_what_was_around_a_trial_is_that_of_its_environment() -> None:
    trials = pd.DataFrame(
        {
            "arm": ["a", "b", "c"],
            "replicate": [0, 0, 0],
            "jobs": [2, 2, np.nan],
            "environment": [1, 0, np.nan],
        }
    )
    kinds = [{"processor": "P", "cpu_features": "avx2"}, {"processor": "Q", "cpu_features": ""}]
    shared = timed_on(trials, kinds, is_timed_alone=False)
    assert shared["a", 0] == TimedOn(2, "Q")
    assert shared["b", 0] == TimedOn(2, "P (avx2)")
    assert shared["c", 0] == TimedOn()
    assert set(timed_on(trials, kinds, is_timed_alone=True).values()) == {TimedOn(1)}


def test_totals_steady_epochs_and_start_up_stand_side_by_side() -> None:
    """G1: B is faster in all, A by the epoch, and start-up explains why."""
    seconds = {"A": [9.0, 2.0, 2.1, 1.9, 2.0], "B": [3.1, 2.4, 2.5, 2.6, 2.4]}
    assert [sum(values) for values in seconds.values()] == pytest.approx([17.0, 13.0])
    steady = [steady_seconds(np.array(values)) for values in seconds.values()]
    assert steady == pytest.approx([2.0, 2.45])
    startup = [startup_seconds(np.array(values)) for values in seconds.values()]
    assert startup == pytest.approx([7.0, 0.65])
    epochs, diverged = np.arange(1, 6), np.zeros(1, dtype=bool)
    arms = {
        name: dict.fromkeys(
            ("seconds", "cpu_seconds"), Series(epochs, np.array([values]), diverged)
        )
        for name, values in seconds.items()
    }
    rows = time_rows(arms)
    assert rows[0][:4] == ["A", "17.00", "2.00", "7.00"]
    assert rows[1][:4] == ["B", "13.00", "2.45", "0.65"]
