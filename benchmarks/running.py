"""What handing out trials and storing them costs, with the real executor, workers and store."""

from __future__ import annotations

import tempfile
import time
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
from harness.running.progress import Clock, Eta
from harness.running.session import arm_jobs, describe_arms, hired
from harness.running.worker import Crew
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
    ms = flow.ms_a_trial
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
    early, late = flow.growth
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

    def update(self, done: int, trial: Trial, status: str, eta: Eta | None) -> None:  # noqa: ARG002
        """Note the memory now and then."""
        if done % 50 == 0:
            self.memory.append(psutil.Process().memory_info().rss / 2**20)

    def at_work(self, count: int) -> None:
        """Nothing to show."""

    def note(self, text: str) -> None:
        """Nothing may fail in a benchmark."""
        raise AssertionError(text)

    def end(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Flow:
    """What it took to hand out and store trials that take no time.

    Attributes:
        trials: How many.
        seconds: From the first one handed out to the last one stored.
        memory: The coordinator's memory now and then, in MiB.
        store_mib: Size of the store.
        resume: Seconds to find out that all of them are stored, as the same command does.
    """

    trials: int
    seconds: float
    memory: Sequence[float]
    store_mib: float
    resume: float

    @property
    def ms_a_trial(self) -> float:
        """Milliseconds a trial."""
        return 1000 * self.seconds / self.trials

    @property
    def growth(self) -> tuple[float, float]:
        """The coordinator's memory after a tenth of the trials, and after all."""
        return self.memory[len(self.memory) // 10], self.memory[-1]


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

    def executor(self, crew: Crew, train: Trainer = train_trial) -> Executor:
        """The executor that `bench study` uses."""
        run = Run(
            jobs=self.jobs,
            identities={name: digest(name) for name in self.jobs},
            protocol={},
            environment={},
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
def _flow(quick: bool) -> Flow:
    """One run serves both rows."""
    with hired(WORKERS, threads=1) as crew:
        return flow(500 if quick else 5_000, crew)


def flow(replicates: int, crew: Crew) -> Flow:
    """Hand out trials of two arms that take no time, and store them."""
    with _bench(replicates, EPOCHS) as bench:
        trials = plan_trials(bench.loaded.study, {name: {"arm": name} for name in bench.jobs})
        executor = bench.executor(crew, train=stub_trial)
        seconds = seconds_of(lambda: executor.train(trials))
        begun = time.perf_counter()
        stored = len(bench.store.statuses(trial.fingerprint for trial in trials))
        bench.store.trials()
        resume = time.perf_counter() - begun
        file = Path(bench.store.name)
        size = sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))
    if stored != len(trials):
        raise AssertionError(f"{stored} of {len(trials)} trials are stored")
    return Flow(len(trials), seconds, bench.watch.memory, size / 2**20, resume)
