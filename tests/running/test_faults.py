"""Killed workers, broken models, interruptions, full disks: nothing finished is lost."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from harness.running.progress import LineView
from harness.running.session import arm_jobs, hired, run_study
from harness.running.worker import Worker
from harness.store import Store
from harness.study_file import load_study
from harness.study_problems import StudyError
from harness.training.trial import start
from tests.patience import PATIENCE, wait_for
from tests.running.conftest import Project, living, seed_of


def test_a_killed_worker_costs_only_its_trial(project: Project) -> None:
    """A2: the model of replicate 1 kills its own process."""
    project.write_model()
    project.write(architecture='"own_models:build"', replicates=3)
    doomed = seed_of(project, 1)
    project.write_model(trouble=f"seeds.init == {doomed} and os.kill(os.getpid(), signal.SIGKILL)")
    process = project.start("--jobs", "2", "--allow-code")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1, printed
    trials = project.results().trials
    assert len(trials) == 6
    failed = trials[trials["status"] == "failed"]
    assert list(zip(failed["arm"], failed["replicate"], strict=True)) == [("own", 1)]
    assert "signal 9 (SIGKILL)" in failed["error"].iloc[0]
    assert failed["attempts"].iloc[0] == 2
    verdict = project.results().verdicts[0]
    assert verdict.n == 2
    assert "1 replicate unpaired: 1" in verdict.notices


def test_a_model_that_raises_is_kept_with_its_traceback(project: Project) -> None:
    project.write_model()
    project.write(architecture='"own_models:build"')
    doomed = seed_of(project, 0)
    project.write_model(trouble=f"assert seeds.init != {doomed}, 'no luck'")
    summary, printed = project.run()
    assert [(trial.arm, trial.replicate) for trial in summary.failed] == [("own", 0)]
    assert "tried again" in printed
    error = project.results().trials["error"].dropna().iloc[0]
    assert "Traceback" in error
    assert "no luck" in error
    project.write_model()
    summary, _ = project.run()
    assert summary.failed == []


@pytest.mark.parametrize("fault", ["RuntimeError", "SystemExit"])
def test_a_model_that_cannot_be_built_is_refused_before_training(
    project: Project, fault: str
) -> None:
    project.write_model(trouble=f"raise {fault}('never')")
    project.write(architecture='"own_models:build"')
    with pytest.raises(StudyError, match=r'arm "own": cannot be built: .*: never'):
        project.run()
    assert project.finished() == 0


def test_a_worker_that_is_unfit_ends_no_run(project: Project) -> None:
    """Its trials say so; a cluster may have such workers, set up for another study."""
    loaded = load_study(project.file)
    job = next(iter(arm_jobs(loaded).values()))

    @contextmanager
    def with_one_unfit(workers: int, threads: int) -> Iterator[list[Worker]]:
        with hired(workers, threads) as crew:
            crew[-1].submit(start, replace(job, threads=2)).result(timeout=PATIENCE)
            yield crew

    console = Console(file=io.StringIO(), record=True, width=200)
    with Store(project.store_file) as store:
        summary = run_study(loaded, store, workers=2, view=LineView(console), hire=with_one_unfit)
    assert summary.trained == 4
    assert "a worker computes with other settings already (threads 2" in console.export_text()


@pytest.mark.parametrize("end", ["ctrl-c", "kill"])
def test_an_interrupted_study_goes_on_where_it_stopped(
    project: Project, tmp_path: Path, end: str
) -> None:
    """H1, and SIGKILL of the whole process group."""
    project.write(replicates=5, epochs=40)
    process = project.start("--jobs", "2")
    project.wait_for(3, process)
    if end == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
        printed = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 130, printed
        assert "goes on from there" in printed
        assert not list(project.scratch.iterdir())
    else:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
    wait_for(lambda: not living(process.pid))
    assert 3 <= project.finished() < 10
    project.check_that_it_goes_on(10, tmp_path)


def test_two_runs_of_one_study_share_the_work(project: Project) -> None:
    project.write(replicates=4, epochs=10)
    both = [project.start("--jobs", "1") for _ in range(2)]
    printed = [process.communicate(timeout=PATIENCE)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    trials = project.results().trials
    assert len(trials) == 8
    assert trials["attempts"].eq(1).all()
    told = [re.findall(r"(\d+) trained, (\d+) reused", text)[-1] for text in printed]
    assert sum(int(trained) for trained, _ in told) == 8, told
    assert all(int(trained) + int(reused) == 8 for trained, reused in told)


def test_a_pilot_that_fails_says_so_by_its_exit_code(project: Project) -> None:
    project.write_model()
    project.write(architecture='"own_models:build"')
    project.write_model(trouble=f"assert seeds.init != {seed_of(project, 0)}, 'no luck'")
    process = project.start("--pilot", "--jobs", "1", "--allow-code", name="plan")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1, printed
    assert "Expected time:" in printed
    assert f"own, replicate 0 failed: `bench report {project.file}` says why" in printed


@pytest.mark.parametrize(
    ("name", "option", "end"),
    [
        ("plan", "--pilot", signal.SIGTERM),
        ("verify", "--sample=1", signal.SIGTERM),
        ("study", "--quiet", signal.SIGHUP),  # its terminal is closed
    ],
)
def test_commands_that_train_tidy_up_when_they_are_ended(
    project: Project, name: str, option: str, end: signal.Signals
) -> None:
    with Store(project.store_file):
        pass
    process = project.start(option, "--jobs", "1", name=name)
    wait_for(lambda: len(_children(process.pid)) >= 1)
    assert list(project.scratch.glob("bench-*"))
    process.send_signal(end)
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 130, printed
    assert "Traceback" not in printed
    assert not list(project.scratch.iterdir())


def test_workers_do_not_outlive_their_coordinator(project: Project) -> None:
    """Their trials would go on for longer than anybody waits here."""
    project.write(replicates=5, epochs=1_000_000)
    process = project.start("--jobs", "2")
    wait_for(lambda: len(_children(process.pid)) >= 2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    wait_for(lambda: not living(process.pid))


def _children(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


@pytest.fixture
def small_disk(tmp_path: Path) -> object:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, check=False).returncode:
        pytest.skip("mounting a small file system needs root on Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_the_run_and_the_run_goes_on_later(
    project: Project, small_disk: Path
) -> None:
    """H6."""
    project.write(replicates=6, epochs=4)
    project.reports = small_disk
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 200_000)
    process = project.start("--jobs", "1")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 2, printed
    assert f"no space left in {small_disk / 'tiny'}" in printed or "reports" in printed
    assert not list(small_disk.rglob("*.tmp"))
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    process = project.start("--jobs", "2")
    printed = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, printed
    assert len(project.results().curves) == 48
