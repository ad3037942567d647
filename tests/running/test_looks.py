"""Real training by looks, pilots and top-ups: what is trained, and what the claims become."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from harness.errors import UserError
from harness.gather import gather
from harness.plan import Trial, digest
from harness.report.stopping_section import section_of
from harness.running.progress import Eta, LineView
from harness.running.session import RunSummary, arm_jobs, run_study
from harness.running.top_up import plan_top_up
from harness.store import Store
from harness.study_file import load_study
from tests.patience import PATIENCE
from tests.running.conftest import Project

LOOKS = '\n[stopping]\nrule = "group-sequential"\nlooks = [3, 5, 8]\n'


def hopeless(project: Project, stopping: str) -> None:
    """The MLP does not learn at all, so that the claim is plainly contradicted."""
    project.write(replicates=8, epochs=8, rate="1e-9")
    text = project.file.read_text(encoding="utf-8") + stopping
    project.file.write_text(text.replace("threads = 1", "threads = 1\nalpha = 0.2"), "utf-8")


def run(project: Project, *, until: int) -> RunSummary:
    view = LineView(Console(file=io.StringIO()))
    with Store(project.store_file) as store:
        return run_study(load_study(project.file), store, workers=1, view=view, until=until)


def test_a_large_effect_stops_at_the_first_look_that_can_see_it(project: Project) -> None:
    """Three pairs cannot reach that look's level, five can (D3 at a look)."""
    hopeless(project, LOOKS)
    assert run(project, until=4).trained == 8
    between = project.results()
    assert (between.verdicts[0].n, between.verdicts[0].outcome) == (3, "inconclusive")
    assert between.verdicts[0].confirmatory
    assert any("1 replicate stored after the look at 3" in text for text in between.notices)

    summary, printed = project.run()
    assert (summary.trained, summary.planned, summary.failed) == (2, 10, [])
    assert "look at 3 of at most 8 replicates: 0 of 1 claim decided; going on to 5" in printed
    assert "look at 5 of at most 8 replicates: 1 of 1 claim decided; nothing is left" in printed
    results = project.results()
    verdict = results.verdicts[0]
    assert (verdict.outcome, verdict.n, verdict.confirmatory) == ("contradicted", 5, True)
    assert not any("trials are finished" in text for text in results.notices)
    section = section_of(results)
    assert section is not None
    assert "It stopped at look 2 of 3, after 5 replicates" in section.lead[1]
    assert "3 replicates saved" in section.lead[1]

    again, _ = project.run()
    assert (again.trained, again.reused) == (0, 10)
    with Store(project.store_file) as store:
        further = plan_top_up(load_study(project.file), store)
    assert further.words == ("Every claim is decided at 5 replicates.",)
    assert run(project, until=further.until).trained == 0


class Visited(LineView):
    """As a trial ends, the same study is started on a machine that finds a GPU."""

    def __init__(self, project: Project) -> None:
        self.printed = io.StringIO()
        super().__init__(Console(file=self.printed, width=200))
        self._loaded, self._file = load_study(project.file), project.store_file

    def update(self, done: int, trial: Trial, status: str, eta: Eta | None) -> None:
        with Store(self._file) as other:
            for job in arm_jobs(self._loaded).values():
                identity, description = other.arm(digest(job.settings)) or ({}, {})
                there = {**identity, "device": "gpu"}
                other.describe_arm(digest(job.settings), there, description)
        super().update(done, trial, status, eta)


def test_a_run_goes_by_its_own_trials_whoever_starts_the_study_elsewhere(project: Project) -> None:
    hopeless(project, LOOKS)
    view, loaded = Visited(project), load_study(project.file)
    with Store(project.store_file) as store:
        assert run_study(loaded, store, workers=1, view=view).trained == 10
        own = gather(loaded, store)
    assert "look at 5 of at most 8 replicates: 1 of 1 claim decided" in view.printed.getvalue()
    assert (own.verdicts[0].n, own.verdicts[0].confirmatory) == (5, True)

    theirs = project.results()
    assert len(theirs.trials) == 0
    assert not theirs.verdicts[0].confirmatory
    told = 'no verdict uses the 5 stored trials of arm "{}" as it was when the first trial was'
    for arm in ("linear", "own"):
        assert any(told.format(arm) in notice for notice in theirs.notices)
    assert project.run()[0].reused == 10
    assert (project.results().verdicts[0].n, own.notices) == (5, project.results().notices)


def test_a_pilot_is_kept_and_leaves_the_number_of_replicates_open(project: Project) -> None:
    """`bench plan --pilot`, then another number of replicates, then a top-up."""
    project.write(replicates=2, epochs=1)
    command = [sys.executable, "-m", "harness.cli", "plan", str(project.file), "--pilot"]
    command += ["--jobs", "1", "--reports", str(project.reports)]
    command += ["--json", str(project.folder / "plan.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "Expected time:" in done.stdout
    plan = json.loads((project.folder / "plan.json").read_text(encoding="utf-8"))
    assert (plan["stored"], plan["trials"]) == (2, 4)
    assert all(seconds > 0 for seconds in plan["seconds_a_trial"].values())

    early = project.results()
    assert not early.verdicts[0].confirmatory
    assert any("the declared look is at 2 replicates" in text for text in early.notices)

    project.write(replicates=3)
    summary, _ = project.run()
    assert (summary.trained, summary.reused) == (4, 2)
    results = project.results()
    assert results.verdicts[0].confirmatory
    assert not any("changed after" in text for text in results.notices)

    with Store(project.store_file) as store:
        further = plan_top_up(load_study(project.file), store, 4)
        assert further.loaded.study.study.replicates == 4
    told = " ".join(further.words)
    assert "That is cut to 4 replicates in all" in told
    assert "every claim of the new report is exploratory" in told
    printed = subprocess.run(
        project.command("--top-up", "--max-replicates", "4", "--jobs", "1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert printed.returncode == 0, printed.stderr
    assert "2 trained, 6 reused" in printed.stdout
    assert "(exploratory)" in printed.stdout
    assert project.results().verdicts[0].n == 3  # the declared replicates are still there
    assert project.results().verdicts[0].confirmatory
    with Store(project.store_file) as store:
        assert plan_top_up(load_study(project.file), store, 5).until == 5


def test_a_pilot_cannot_be_the_whole_study_afterwards(project: Project) -> None:
    """The number of replicates is chosen where the pilot's results speak best."""
    project.write(replicates=3, epochs=1)
    view = LineView(Console(file=io.StringIO()))
    with Store(project.store_file) as store:
        loaded = load_study(project.file)
        run_study(loaded, store, workers=1, view=view, until=2, is_pilot=True)
    project.write(replicates=2)
    for summary in (None, project.run()[0]):
        assert summary is None or (summary.trained, summary.reused) == (0, 4)
        results = project.results()
        assert not results.verdicts[0].confirmatory
        assert any("changed after a pilot that had trained all 2" in n for n in results.notices)
    project.write(replicates=4)  # too late: the run has bound what the pilot left open
    results = project.results()
    assert any("replicates changed after the first trial" in n for n in results.notices)


def test_a_pilot_of_all_replicates_is_topped_up_for_exploration_only(project: Project) -> None:
    """Its verdicts were there: those that did not please would be asked a second time."""
    project.write(replicates=2, epochs=1)
    view = LineView(Console(file=io.StringIO()))
    with Store(project.store_file) as store:
        run_study(load_study(project.file), store, workers=1, view=view, until=2, is_pilot=True)
        further = plan_top_up(load_study(project.file), store, 3)
        assert further.loaded.study.study.replicates == 3
        assert "every claim of the new report is exploratory" in " ".join(further.words)
        run_study(further.loaded, store, workers=1, view=view, until=further.until)
        longer = gather(further.loaded, store)
    assert (longer.verdicts[0].n, longer.verdicts[0].confirmatory) == (3, False)
    declared = project.results()
    assert (declared.verdicts[0].n, declared.verdicts[0].confirmatory) == (2, True)


def test_a_top_up_needs_a_finished_study(project: Project) -> None:
    project.write(replicates=3, epochs=1)
    with Store(project.store_file) as store:
        with pytest.raises(UserError, match="not all declared replicates are trained"):
            plan_top_up(load_study(project.file), store)
        text = project.file.read_text(encoding="utf-8")
        project.file.write_text(text.replace("replicates = 3", "seeds = [1, 2]"), "utf-8")
        with pytest.raises(UserError, match="lists the replicates one by one"):
            plan_top_up(load_study(project.file), store)
