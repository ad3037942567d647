"""A study on a dask cluster: real processes, one of them killed, and the same bits as here."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from benchmarks.cluster import a_scheduler, a_worker, address_in
from harness.environment import describe_machine
from harness.errors import UserError
from harness.measures import CURVE_COLUMNS
from harness.plan import ArmJob, Seeds, Trial
from harness.running import dask_crew
from harness.running.dask_crew import DaskSlot, dask_hired
from harness.running.executor import Executor, Run, outcome_of
from harness.running.progress import Clock, LineView
from harness.running.session import RunSummary, _starting, run_study
from harness.running.worker import Crew, is_over
from harness.store import Store
from harness.study_file import load_study
from harness.training.trial import TrialOutcome
from tests.patience import PATIENCE, wait_for
from tests.running.conftest import Project, seed_of
from tests.running.test_changes import write, write_data

LAYER = """
import keras

@keras.saving.register_keras_serializable("tests")
class Scaled(keras.layers.Layer):
    def call(self, inputs):
        return inputs * {factor}

def build(input_shape, classes, seeds):
    draw = keras.initializers.RandomUniform(-0.1, 0.1, seed=seeds.init)
    return keras.Sequential([
        keras.Input(input_shape),
        keras.layers.Flatten(),
        Scaled(),
        keras.layers.Dense(classes, "softmax", kernel_initializer=draw),
    ])
"""

distributed = pytest.importorskip("distributed", reason="the extra [dask] is not installed")


def run_on(project: Project, reports: Path, scheduler: str | None) -> RunSummary:
    with Store(reports / "tiny" / "results.db") as store:
        return run_study(
            load_study(project.file, allow_code=True),
            store,
            workers=2,
            view=LineView(Console(file=io.StringIO())),
            hire=partial(dask_hired, scheduler=scheduler),
        )


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a scheduler, and the file by which workers find it."""
    file = tmp_path / "scheduler.json"
    with a_scheduler(file):
        yield address_in(file), file


def test_a_cluster_gives_the_same_bits_though_a_worker_is_killed(
    project: Project, tmp_path: Path, scheduler: tuple[str, Path]
) -> None:
    """A2: each trial is stored once, that of the lost worker as well."""
    address, file = scheduler
    project.write(replicates=6, epochs=12)
    project.run(2)
    cluster = tmp_path / "cluster"
    with a_worker(file) as first, a_worker(file):
        killer = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import os, signal, sqlite3, sys, time\n"
                "while True:\n"
                "    time.sleep(0.05)\n"
                "    try:\n"
                "        n = sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM trials')\n"
                "        if n.fetchone()[0] >= 3: break\n"
                "    except sqlite3.Error: pass\n"
                f"os.kill({first.pid}, signal.SIGKILL)\n",
                str(cluster / "tiny" / "results.db"),
            ]
        )
        summary = run_on(project, cluster, address)
        assert killer.wait(10) == 0
        assert first.wait(10) == -signal.SIGKILL
    assert (summary.trained, summary.failed) == (12, [])
    pd.testing.assert_frame_equal(project.curves(), project.curves(cluster), check_exact=True)
    assert set(project.results(cluster).trials["attempts"]) == {1}


def test_threads_of_a_worker_do_not_mix_their_trials(
    project: Project, tmp_path: Path, scheduler: tuple[str, Path]
) -> None:
    """`dask worker` has a thread for each core unless it is told otherwise."""
    address, file = scheduler
    project.write(replicates=6)
    project.run()
    cluster = tmp_path / "cluster"
    with a_worker(file, threads=4), ThreadPoolExecutor() as pool:
        reports = [cluster / name for name in ("one", "two", "three")]
        summaries = list(pool.map(lambda folder: run_on(project, folder, address), reports))
    assert [summary.trained for summary in summaries] == [12, 12, 12]
    for folder in reports:
        pd.testing.assert_frame_equal(project.curves(), project.curves(folder), check_exact=True)


def test_a_cluster_of_its_own_is_started_and_ended(project: Project, tmp_path: Path) -> None:
    project.run()
    assert run_on(project, tmp_path / "cluster", None).trained == 4
    pd.testing.assert_frame_equal(
        project.curves(), project.curves(tmp_path / "cluster"), check_exact=True
    )


def test_a_scheduler_that_is_not_there_is_named(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_crew, "PATIENCE", 1.0)
    with pytest.raises(UserError, match=r"--scheduler tcp://127\.0\.0\.1:9: does not answer"):
        run_on(project, tmp_path, "tcp://127.0.0.1:9")
    with pytest.raises(UserError, match="--scheduler nonsense: does not answer"):
        run_on(project, tmp_path, "nonsense")


def test_a_scheduler_without_workers_is_told_apart(
    project: Project,
    tmp_path: Path,
    scheduler: tuple[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dask_crew, "PATIENCE", 1.0)
    with pytest.raises(UserError, match="has no worker after 1 s; start some with `dask worker"):
        run_on(project, tmp_path, scheduler[0])


def test_the_command_hands_the_study_to_the_cluster(
    project: Project, scheduler: tuple[str, Path]
) -> None:
    address, file = scheduler
    with a_worker(file):
        arguments = ["--engine", "dask", "--scheduler", address]
        done = subprocess.run(
            project.command(*arguments), check=False, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 trained, 0 reused" in done.stdout
    alone = subprocess.run(
        project.command("--scheduler", address), check=False, capture_output=True, text=True
    )
    assert alone.returncode == 2
    assert alone.stderr.strip().endswith("--scheduler goes with --engine dask")


def test_a_killed_scheduler_ends_the_run_and_costs_nothing_finished(
    project: Project, tmp_path: Path
) -> None:
    """What is stored stays; the run ends with a word, and the same command goes on elsewhere."""
    file = tmp_path / "scheduler.json"
    project.write(replicates=6, epochs=60)
    with a_scheduler(file) as process, a_worker(file):
        study = project.start("--engine", "dask", "--scheduler", address_in(file))
        project.wait_for(3, study)
        process.kill()
        printed = study.communicate(timeout=PATIENCE)[0]
    assert study.returncode == 2, printed
    assert "Traceback" not in printed, printed
    assert "the scheduler is gone" in printed.replace("\n", " ")
    assert project.finished() >= 3
    project.check_that_it_goes_on(12, tmp_path)


def test_a_result_that_was_on_its_way_as_the_scheduler_died_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its future stays open in dask open for ever; a run that waited for it would never end."""
    monkeypatch.setattr(dask_crew, "PATIENCE", 5.0)
    file = tmp_path / "scheduler.json"
    with ExitStack() as stack:
        process = stack.enter_context(a_scheduler(file))
        stack.enter_context(a_worker(file))
        hired = partial(dask_hired, scheduler=address_in(file))
        slot, *_ = stack.enter_context(hired(1, 1))
        fetched = slot.submit(bytes, 400_000_000)
        while "finished" not in {s.status for s in distributed.default_client().futures.values()}:
            time.sleep(0.001)
        process.kill()
        with pytest.raises(UserError, match="the scheduler is gone"):
            fetched.result(timeout=PATIENCE)


def test_a_trial_that_hangs_on_a_cluster_is_ended_with_its_worker(
    project: Project, tmp_path: Path
) -> None:
    """The cluster starts another worker in its place, and the rest goes on."""
    project.write_model()
    project.write(architecture='"own_models:build"')
    doomed = seed_of(project, 1)
    project.write_model(trouble=f"seeds.init == {doomed} and __import__('time').sleep(10_000)")
    text = project.file.read_text("utf-8").replace("[data]", 'trial_timeout = "30s"\n\n[data]')
    project.file.write_text(text, "utf-8")
    summary = run_on(project, tmp_path / "cluster", None)
    assert [(trial.arm, trial.replicate) for trial in summary.failed] == [("own", 1)]
    trials = project.results(tmp_path / "cluster").trials
    assert sorted(trials["status"]) == ["completed"] * 3 + ["failed"]
    assert trials["error"].dropna().str.startswith("took longer than trial_timeout").all()


def test_an_overdue_call_is_ended_with_its_worker_and_the_next_one_finds_another() -> None:
    with dask_hired(1, 1, scheduler=None) as (slot, *_):
        before = slot.submit(os.getpid).result(timeout=PATIENCE)
        stuck = slot.submit(time.sleep, 10_000)
        wait_for(lambda: slot.begun is not None)
        assert not is_over(stuck, slot, 0.1)
        slot.stop()
        assert slot.submit(os.getpid).result(timeout=PATIENCE) != before


def test_a_trial_that_waits_for_another_study_is_not_overdue_and_spares_its_worker(
    scheduler: tuple[str, Path],
) -> None:
    """Two studies on one worker: `trial_timeout` counts from when the trial begins there."""
    address, file = scheduler
    with (
        a_worker(file),
        dask_hired(1, 1, scheduler=address) as (theirs, *_),
        dask_hired(1, 1, scheduler=address) as (ours, *_),
    ):
        long = theirs.submit(time.sleep, 5.0)
        wait_for(lambda: theirs.begun is not None)
        waiting = ours.submit(os.getpid)
        assert ours.begun is None
        worker = outcome_of(waiting, ours, limit=0.5)  # type: ignore[arg-type]
        assert long.done()

        long = theirs.submit(time.sleep, 3.0)
        wait_for(lambda: theirs.begun is not None)
        ours.submit(os.getpid)
        ours.stop()
        long.result(timeout=PATIENCE)
        assert theirs.submit(os.getpid).result(timeout=PATIENCE) == worker


def test_a_study_does_not_wait_until_its_places_are_warm_behind_another_one(
    scheduler: tuple[str, Path], tmp_path: Path
) -> None:
    """What is not worth waiting for: a trial that waits there loads TensorFlow itself."""
    address, file = scheduler
    job = ArmJob(("mlp", {}), ("sgd", {}), {"name": "digits"}, tmp_path, 1, 32, "float32", 1, True)
    with (
        a_worker(file),
        dask_hired(1, 1, scheduler=address) as (theirs, *_),
        dask_hired(1, 1, scheduler=address) as (ours, *_),
    ):
        long = theirs.submit(until_there, tmp_path / "sign")
        wait_for(lambda: theirs.begun is not None)
        with _starting([ours], job, None):
            assert ours.begun is None
        assert not long.done()
        (tmp_path / "sign").touch()


def test_an_interrupted_study_leaves_nothing_at_work_and_costs_others_nothing() -> None:
    """Its trial ends with its worker; a nanny starts another, which takes what waited there."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        dask_hired(1, 1, scheduler=cluster.scheduler_address) as (theirs, *_),
    ):
        before = theirs.submit(os.getpid).result(timeout=PATIENCE)
        found: list[Future[int]] = []

        def wait_behind() -> None:
            found.append(theirs.submit(os.getpid))
            wait_for(lambda: "processing" in {task.state for task in tasks(cluster, theirs)})

        with pytest.raises(KeyboardInterrupt):
            interrupt(cluster.scheduler_address, 10_000, wait_behind)
        assert found[0].result(timeout=PATIENCE) != before
        assert [task.suspicious for task in tasks(cluster, theirs)] == [0]


def test_a_worker_that_nobody_would_replace_outlives_an_interrupted_study(
    scheduler: tuple[str, Path],
) -> None:
    address, file = scheduler
    with a_worker(file) as process, dask_hired(1, 1, scheduler=address) as (theirs, *_):
        before = theirs.submit(os.getpid).result(timeout=PATIENCE)
        with pytest.raises(KeyboardInterrupt):
            interrupt(address, 3.0)
        assert theirs.submit(os.getpid).result(timeout=PATIENCE) == before
        assert process.poll() is None


def interrupt(address: str, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Begin with a call that takes so long, and be interrupted."""
    with dask_hired(1, 1, scheduler=address) as (slot, *_):
        slot.submit(time.sleep, seconds)
        wait_for(lambda: slot.begun is not None)
        meanwhile()
        raise KeyboardInterrupt


def tasks(cluster: Any, slot: DaskSlot) -> list[Any]:
    """What the scheduler knows of a slot's call."""
    key = slot._future.key
    return [task for name, task in cluster.scheduler.tasks.items() if name == key]


def until_there(sign: Path) -> None:
    """End once a file is there, or after far too long."""
    until = time.monotonic() + 60.0
    while not sign.exists() and time.monotonic() < until:
        time.sleep(0.05)


def resting_trial(job: ArmJob, seeds: Seeds) -> TrialOutcome:
    """It takes so many seconds, or until three have been at work at once in the job's folder."""
    at_work, enough = job.folder / f"{os.getpid()}.work", job.folder / "enough"
    until = time.monotonic() + seconds_of(seeds)
    while time.monotonic() < until and not enough.exists():
        at_work.touch()  # again and again: one that was ended leaves its file behind
        files = [file.stat().st_mtime for file in job.folder.glob("*.work")]
        if sum(at_work.stat().st_mtime - moment < 0.5 for moment in files) >= 3:
            enough.touch()
        time.sleep(0.05)
    at_work.touch()
    os.utime(at_work, (0, 0))
    return TrialOutcome("completed", [dict.fromkeys(["epoch", *CURVE_COLUMNS], 1)])


def seconds_of(seeds: Seeds) -> float:
    return seeds.init / 1000


def rest(
    crew: Crew, folder: Path, *, seconds: float, trials: int, deadline: float | None = None
) -> tuple[list[Trial], pd.DataFrame]:
    """Have so many trials of one arm rest; returns those left out, and what is stored."""
    seeds = Seeds(round(1000 * seconds), 0, 0, 0)
    planned = [Trial("rests", i, seeds, f"{i:064}", i) for i in range(trials)]
    job = ArmJob(("mlp", {}), ("sgd", {}), {"name": "digits"}, folder, 1, 32, "float32", 1, True)
    run = Run(
        {"rests": job},
        {"rests": ""},
        {},
        {"study_commit": "abc"},
        deadline=deadline,
        train=resting_trial,
    )
    view = LineView(Console(file=io.StringIO()))
    with Store(folder / "results.db") as store, Store(folder / "results.db") as another:
        left = Executor(run, store, crew, view, Clock({})).train(planned)
        assert {another.claim(trial.fingerprint) for trial in left} <= {"mine"}
        return left, store.trials()


def test_workers_that_come_later_get_trials_and_those_that_go_leave_no_place(
    scheduler: tuple[str, Path], tmp_path: Path
) -> None:
    """As on Kubernetes, where 64 start and the first one is there long before the others."""
    address, file = scheduler
    with a_worker(file), dask_hired(1, 1, scheduler=address) as crew:
        assert len(crew) == 1
        with a_worker(file), a_worker(file):
            _, stored = rest(crew, tmp_path, seconds=1.0, trials=300)
            assert (tmp_path / "enough").exists()
            assert len(stored) == 300
            assert stored["jobs"].max() == 3
        wait_for(lambda: len(crew) == 1)
        assert len(list(crew)) == 2


def test_a_cluster_that_adapts_grows_by_what_waits(tmp_path: Path) -> None:
    """As on SLURM with `adapt`: dask asks for more workers only if more trials wait for them."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        dask_hired(1, 1, scheduler=cluster.scheduler_address) as crew,
    ):
        cluster.adapt(minimum=1, maximum=3, interval="500ms", target_duration="1s")
        rest(crew, tmp_path, seconds=2.0, trials=200)
    assert (tmp_path / "enough").exists()


def test_a_trial_that_still_waits_for_a_place_at_the_deadline_is_left_out(
    scheduler: tuple[str, Path], tmp_path: Path
) -> None:
    address, file = scheduler
    with a_worker(file), dask_hired(1, 1, scheduler=address) as crew:
        rest(crew, tmp_path, seconds=0.0, trials=1)  # the worker imports what it needs
        (tmp_path / "later").mkdir()
        deadline = time.monotonic() + 4.0
        left, stored = rest(crew, tmp_path / "later", seconds=6.0, trials=4, deadline=deadline)
    assert sorted(trial.replicate for trial in left) == [1, 2, 3]
    assert list(stored["replicate"]) == [0]


def test_a_worker_that_outlives_its_study_trains_the_next_one_on_what_there_is_then(
    project: Project, tmp_path: Path, scheduler: tuple[str, Path]
) -> None:
    """Data are replaced, then the code of a layer whose config is the same, then the settings."""
    address, file = scheduler
    cluster, model = tmp_path / "cluster", project.folder / "own_models.py"
    write_data(project.folder / "own.npz", 1)
    model.write_text(LAYER.format(factor="1.0"), "utf-8")
    write(project, architecture='"own_models:build"')
    with a_worker(file):
        assert run_on(project, cluster, address).trained == 4
        write_data(project.folder / "own.npz", 2)
        assert run_on(project, cluster, address).trained == 4
        model.write_text(LAYER.format(factor="0.25"), "utf-8")
        assert run_on(project, cluster, address).trained == 2

        project.run()
        pd.testing.assert_frame_equal(project.curves(), project.curves(cluster), check_exact=True)

        text = project.file.read_text("utf-8")
        for asked in ("threads = 2", "threads = 1\ndeterministic = false"):
            project.file.write_text(text.replace("threads = 1", asked), "utf-8")
            with pytest.raises(UserError, match=r"already \(threads 1, deterministic True, dev"):
                run_on(project, cluster, address)


def test_a_trial_is_stored_with_the_environment_of_the_worker_that_trained_it(
    scheduler: tuple[str, Path], tmp_path: Path
) -> None:
    address, file = scheduler
    flags = {"XLA_FLAGS": "--xla_dump_max_hlo_modules=1"}
    with a_worker(file, **flags), dask_hired(1, 1, scheduler=address) as crew:
        _, stored = rest(crew, tmp_path, seconds=0.0, trials=2)
    assert stored["load"].notna().all()
    with Store(tmp_path / "results.db") as store:
        [found] = {digest: store.document(digest) for digest in stored["environment"]}.values()
    assert found == {**describe_machine(), **flags, "study_commit": "abc"}


def test_a_study_that_is_timed_alone_is_refused_on_a_cluster(project: Project) -> None:
    text = project.file.read_text("utf-8")
    project.file.write_text(text.replace("[data]", 'timing = "exclusive"\n\n[data]'), "utf-8")
    done = subprocess.run(
        project.command("--engine", "dask"), check=False, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert 'study.timing: "exclusive" times each trial alone on this' in done.stderr
    assert project.finished() == 0
