"""Time budgets: whole blocks, nothing lost, and the same command goes on."""

from __future__ import annotations

import io
import subprocess
from collections import deque
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console

from harness.errors import UserError
from harness.plan import Seeds, Trial
from harness.running.budget import budget_seconds
from harness.running.executor import Executor, Run
from harness.running.progress import Clock, Eta, LineView, eta_words
from harness.running.session import RunSummary, run_study
from harness.running.top_up import plan_top_up
from harness.running.worker import Worker
from harness.store import Store
from harness.store.tables import CURVES, TRIALS
from harness.study_file import load_study
from tests.patience import PATIENCE
from tests.running.conftest import Project

NEVER = 1e-6  # seconds: spent before the first block could begin


def run(project: Project, *, budget: float | None, until: int | None = None) -> RunSummary:
    view = LineView(Console(file=io.StringIO()))
    with Store(project.store_file) as store:
        return run_study(
            load_study(project.file), store, workers=1, view=view, budget=budget, until=until
        )


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1h 5s", 3605), ("2H", 7200)],
)
def test_budgets_are_written_as_people_say_them(words: str, seconds: float) -> None:
    assert budget_seconds(words) == seconds


@pytest.mark.parametrize("words", ["", "30", "0s", "-5m", "m", "1.5h", "30m1h", "soon", "9999999h"])
def test_other_words_are_refused(words: str) -> None:
    with pytest.raises(UserError, match="such as"):
        budget_seconds(words)


def test_a_bad_budget_ends_with_exit_code_2(project: Project) -> None:
    done = subprocess.run(
        project.command("--budget", "soon"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 2
    assert '--budget "soon"' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_spent_budget_leaves_whole_blocks_and_goes_on(project: Project) -> None:
    """A budget that ends in the first block finishes it; the rest is another run's."""
    project.write(replicates=30, epochs=1)
    done = subprocess.run(
        project.command("--budget", "9s", "--jobs", "1"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    results = project.results()
    blocks = sorted(set(results.trials["replicate"]))
    if len(blocks) < 30:
        assert "The budget of 9s is spent" in done.stdout
        assert f"{60 - len(results.trials)} of 60 trials are left" in done.stdout
    assert len(results.trials) == 2 * len(blocks)
    assert results.verdicts[0].n == len(blocks)


def test_nothing_begins_once_the_time_is_spent_and_a_begun_block_is_not_used(
    trained: Project,
) -> None:
    """A trial of an incomplete block stays stored, and no verdict and no curve uses it."""
    project = trained.write(replicates=3)
    whole = project.results()
    assert whole.verdicts[0].n == 2
    with Store(project.store_file) as store:  # the block of replicate 1 loses one of its trials
        key = str(whole.trials.query("arm == 'own' and replicate == 1")["fingerprint"].iloc[0])
        forget(store, key)

    summary = run(project, budget=NEVER)
    assert (summary.trained, summary.reused, summary.postponed) == (0, 3, 3)
    assert summary.failed == []
    results = project.results()
    assert len(results.trials) == 3
    assert results.verdicts[0].n == 1
    assert set(results.curves["replicate"]) == {0}
    told = [text for text in results.notices if "no verdict uses them" in text]
    assert told
    assert "1 trial of 1 incomplete block (replicate 1)" in told[0]

    assert run(project, budget=None).trained == 3
    assert project.results().verdicts[0].n == 3
    assert not any("no verdict uses them" in text for text in project.results().notices)


def forget(store: Store, fingerprint: str) -> None:
    """Take a trial out of a store, as if it had never been trained."""

    def work(connection: sa.Connection) -> None:
        for table in (CURVES, TRIALS):
            connection.execute(sa.delete(table).where(table.c.fingerprint == fingerprint))

    store.database.write(work)


def test_a_look_is_taken_only_with_all_its_blocks(project: Project) -> None:
    """A budget spent between two looks leaves the verdicts of the first as they were."""
    project.write(replicates=4, epochs=1)
    looks = '\n[stopping]\nrule = "group-sequential"\nlooks = [2, 4]\n'
    project.file.write_text(project.file.read_text("utf-8") + looks, "utf-8")
    assert run(project, budget=NEVER).postponed == 4
    assert project.results().by_look == ()
    assert run(project, budget=None, until=3).trained == 6
    summary = run(project, budget=NEVER)
    assert (summary.trained, summary.reused, summary.postponed) == (0, 6, 2)
    results = project.results()
    assert len(results.by_look) == 1
    assert results.verdicts[0].n == 2
    assert results.verdicts[0].confirmatory


def test_a_top_up_keeps_to_its_budget_and_goes_on(trained: Project) -> None:
    for budget, expected in ((NEVER, 0), (None, 4)):
        with Store(trained.store_file) as store:
            further = plan_top_up(load_study(trained.file), store, 4)
            if further.until == 2:
                pytest.skip("no claim asks for more")
            summary = run_study(
                further.loaded,
                store,
                workers=1,
                view=LineView(Console(file=io.StringIO())),
                until=further.until,
                budget=budget,
            )
        assert summary.trained == expected


def test_the_longest_trials_begin_first_at_the_end_of_a_run(tmp_path: Path) -> None:
    """Inside the last block alone, and only where several workers share it."""
    seeds = Seeds(0, 0, 0, 0)
    names = ["quick", "slow", "middling"]
    trials = [
        Trial(name, replicate, seeds, f"{name}{replicate}", position)
        for position, (replicate, name) in enumerate((r, n) for r in range(3) for n in names)
    ]
    clock = Clock({"quick": [1.0], "slow": [9.0, 11.0], "middling": [5.0]})
    for workers, last in ((1, names), (2, ["slow", "middling", "quick"])):
        crew = [Worker({}, calls_before_renewal=1) for _ in range(workers)]
        run = Run(dict.fromkeys(names), {}, {}, {})  # type: ignore[arg-type]
        with Store(tmp_path / f"{workers}.db") as store:
            executor = Executor(run, store, crew, LineView(Console(file=io.StringIO())), clock)
            executor._queue = deque((trial, 1) for trial in trials)
            order = []
            while executor._queue:
                executor._order_tail()
                order.append(executor._queue.popleft()[0].arm)
        assert order[:3] == names
        assert order[-3:] == last


def test_the_time_to_go_counts_arms_not_timed_yet_as_slow_as_the_slowest_and_says_so() -> None:
    clock = Clock({"quick": [1.0], "slow": [9.0, 11.0]})
    eta = clock.eta({"quick": 2, "slow": 1, "new": 1, "over": 0}, 2)
    assert eta == Eta((2 + 10 + 10) / 2, untimed=1)
    assert eta_words(eta) == "about 0:00:11 to go (1 arm not timed yet)"
    assert eta_words(clock.eta({"slow": 2}, 1)) == "about 0:00:20 to go"
    assert Clock({}).eta({"quick": 1}, 1) is None
