"""What handing out trials and storing them costs, with the real executor, workers and store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psutil

from benchmarks.measurement import Measurement, seconds_of
from benchmarks.stub import stub_trial
from harness.plan import ArmJob, Trial, digest, plan_trials
from harness.running.executor import Executor, Run, Trainer
from harness.running.progress import Clock
from harness.running.session import arm_jobs, describe_arms, hired
from harness.running.worker import Worker
from harness.store import Store
from harness.study_file import LoadedStudy, load_study
from harness.training.trial import train_trial

WORKERS = 2
EPOCHS = 20
_GOAL_MS = 5.0
_GOAL_SHARE = 0.05
_STUDY = """
[study]
name = "benchmark"
question = "What does the harness cost?"
replicates = {replicates}
epochs = {epochs}

[data]
name = "mnist-5k"

[[arms]]
name = "mlp"
architecture = {{ name = "mlp", hidden = [512, 512], dropout = 0.2 }}
optimizer = {{ name = "rmsprop", learning_rate = 0.001 }}

[[arms]]
name = "mlp-adadelta"
architecture = {{ name = "mlp", hidden = [512, 512], dropout = 0.2 }}
optimizer = {{ name = "adadelta", learning_rate = 1.0 }}
"""


def study_overhead(quick: bool) -> Measurement:
    """Share of two workers' time on mnist-5k that is not spent inside a trial.

    Counted is everything from the first trial handed out to the last one stored, both workers
    together, also the last moments in which one of them has nothing left to do. Starting the
    workers, importing TensorFlow and compiling each arm once come before; the report comes after.
    """
    replicates, epochs = (6, 2) if quick else (20, 10)
    with _bench(replicates, epochs) as bench, hired(WORKERS, threads=1) as crew:
        identities = {
            name: described.identity
            for name, described in describe_arms(bench.loaded, bench.jobs, crew[0]).items()
        }
        trials = plan_trials(bench.loaded.study, identities)
        for worker in crew:  # start-up: every arm is compiled in every worker
            for job in bench.jobs.values():
                worker.submit(train_trial, job, trials[0].seeds).result()
        executor = bench.executor(crew)
        wall = seconds_of(lambda: executor.train(trials))
        training = float(bench.store.trials()["seconds"].sum())
    share = 1 - training / (WORKERS * wall)
    return Measurement(
        "study overhead",
        share,
        _GOAL_SHARE,
        f"{len(trials)} trials of {epochs} epochs on mnist-5k at {WORKERS} jobs: {training:.1f} s "
        f"inside trials of {WORKERS} x {wall:.1f} s from first hand-out to last commit",
        at_least=False,
    )


def dispatch_and_store(quick: bool) -> Measurement:
    """Wall time a trial where training takes none: dispatch, transport and store alone."""
    flow = _flow(quick)
    ms = 1000 * flow.seconds / flow.trials
    return Measurement(
        "dispatch and store",
        ms / _GOAL_MS,
        1.0,
        f"{flow.trials:,} trials of {EPOCHS} epochs at {WORKERS} jobs: {ms:.2f} ms a trial of "
        f"{_GOAL_MS:g} ms",
        at_least=False,
    )


def dispatch_memory(quick: bool) -> Measurement:
    """How the coordinator's memory grows from a tenth of the trials to all of them."""
    flow = _flow(quick)
    early, late = flow.memory[len(flow.memory) // 10], flow.memory[-1]
    return Measurement(
        "memory of dispatch",
        late / early,
        1.1,
        f"coordinator: {early:.0f} MiB after a tenth of {flow.trials:,} trials, {late:.0f} MiB "
        "after all",
        at_least=False,
    )


@dataclass
class _Watch:
    """A progress view that shows nothing and notes the coordinator's memory."""

    memory: list[float] = field(default_factory=list)

    def begin(self, total: int) -> None:
        """Nothing to show."""

    def update(self, done: int, trial: Trial, status: str, eta: float | None) -> None:  # noqa: ARG002
        """Note the memory now and then."""
        if done % 50 == 0:
            self.memory.append(psutil.Process().memory_info().rss / 2**20)

    def note(self, text: str) -> None:
        """Nothing may fail in a benchmark."""
        raise AssertionError(text)

    def end(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class _Flow:
    """What it took to hand out and store trials that take no time."""

    trials: int
    seconds: float
    memory: Sequence[float]


@dataclass(frozen=True)
class _Bench:
    """A study of two arms with an empty store."""

    loaded: LoadedStudy
    store: Store
    watch: _Watch = field(default_factory=_Watch)

    @property
    def jobs(self) -> dict[str, ArmJob]:
        """What a worker needs, by arm."""
        return arm_jobs(self.loaded)

    def executor(self, crew: Sequence[Worker], train: Trainer = train_trial) -> Executor:
        """The executor that `bench study` uses."""
        run = Run(
            jobs=self.jobs,
            identities={name: digest(name) for name in self.jobs},
            protocol={},
            environment="",
            workers=len(crew),
            train=train,
        )
        return Executor(run, self.store, crew, self.watch, Clock({}))


@contextmanager
def _bench(replicates: int, epochs: int) -> Iterator[_Bench]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder, "benchmark.toml")
        file.write_text(_STUDY.format(replicates=replicates, epochs=epochs), encoding="utf-8")
        with Store(Path(folder, "results.db")) as store:
            yield _Bench(load_study(file), store)


@cache
def _flow(quick: bool) -> _Flow:
    """One run serves both rows."""
    with _bench(500 if quick else 5_000, EPOCHS) as bench, hired(WORKERS, threads=1) as crew:
        trials = plan_trials(bench.loaded.study, {name: {"arm": name} for name in bench.jobs})
        executor = bench.executor(crew, train=stub_trial)
        seconds = seconds_of(lambda: executor.train(trials))
        stored = len(bench.store.statuses(trial.fingerprint for trial in trials))
    if stored != len(trials):
        raise AssertionError(f"{stored} of {len(trials)} trials are stored")
    return _Flow(len(trials), seconds, bench.watch.memory)
