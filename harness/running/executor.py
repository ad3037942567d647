"""Train trials on worker processes and commit each to the store as it ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from harness.plan import ArmJob, Trial
from harness.running.progress import Clock, ProgressView
from harness.running.worker import TerminatedWorkerError, Worker, death_notice
from harness.store import Store, TrialRecord
from harness.training.trial import TrialOutcome, train_trial

ATTEMPTS = 2
HEARTBEAT_SECONDS = 10.0
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Run:
    """What stays the same for all trials of a run.

    Attributes:
        jobs: By arm, what a worker needs.
        identities: By arm, hash of the stored identity document.
        protocol: What is bound with the first stored trial.
        environment: Hash of the stored environment document.
        workers: Number of worker processes.
    """

    jobs: Mapping[str, ArmJob]
    identities: Mapping[str, str]
    protocol: Mapping[str, object]
    environment: str
    workers: int


@dataclass
class _Work:
    """A trial under way."""

    trial: Trial
    worker: Worker
    attempt: int


@dataclass
class Executor:
    """Hands trials to workers in order, records every end, retries what failed."""

    run: Run
    store: Store
    workers: Sequence[Worker]
    view: ProgressView
    clock: Clock
    _queue: deque[tuple[Trial, int]] = field(default_factory=deque)
    _elsewhere: list[Trial] = field(default_factory=list)
    _under_way: dict[Future[TrialOutcome], _Work] = field(default_factory=dict)
    _done: int = 0
    _beat: float = field(default_factory=time.monotonic)

    def train(self, trials: Sequence[Trial]) -> None:
        """Train all trials; returns when each is stored, by this process or by another.

        Raises:
            KeyboardInterrupt: On Ctrl-C; what is finished is stored, what runs is given up.
            StoreError: If the store cannot take a result.
        """
        self._queue = deque((trial, 1) for trial in trials)
        self.view.begin(len(trials))
        idle = list(self.workers)
        try:
            while self._queue or self._under_way or self._elsewhere:
                while idle and self._hand_out(idle[-1]):
                    idle.pop()
                idle += self._collect()
                self._keep_alive()
        finally:
            self.view.end()

    def _hand_out(self, worker: Worker) -> bool:
        """Give a worker the next trial that nobody else has; False if there is none."""
        while self._queue:
            trial, attempt = self._queue.popleft()
            claimed = self.store.claim(trial.fingerprint)
            if claimed == "elsewhere":
                self._elsewhere.append(trial)
            elif claimed == "finished":
                self._count(trial, "completed elsewhere")
            else:
                future = worker.submit(train_trial, self.run.jobs[trial.arm], trial.seeds)
                self._under_way[future] = _Work(trial, worker, attempt)
                return True
        return False

    def _collect(self) -> list[Worker]:
        """Wait a moment for trials to end; returns the workers that are free again."""
        if not self._under_way:
            time.sleep(POLL_SECONDS)
            self._look_elsewhere()
            return []
        ended, _ = wait(self._under_way, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        return [self._settle(future) for future in ended]

    def _settle(self, future: Future[TrialOutcome]) -> Worker:
        work = self._under_way.pop(future)
        try:
            outcome = future.result()
        except TerminatedWorkerError as error:
            outcome = TrialOutcome("failed", error=death_notice(error))
            work.worker.stop()
        if outcome.status == "failed" and work.attempt < ATTEMPTS:
            self.view.note(
                f"{work.trial.arm}, replicate {work.trial.replicate}: failed "
                f"({_last_line(outcome.error)}); tried again"
            )
            self._queue.append((work.trial, work.attempt + 1))
        else:
            self._record(work, outcome)
        return work.worker

    def _record(self, work: _Work, outcome: TrialOutcome) -> None:
        trial = work.trial
        record = TrialRecord(
            fingerprint=trial.fingerprint,
            arm=trial.arm,
            replicate=trial.replicate,
            identity=self.run.identities[trial.arm],
            status=outcome.status,
            rows=outcome.rows,
            attempts=work.attempt,
            error=outcome.error,
            resources={
                "seconds": outcome.seconds,
                "cpu_seconds": outcome.cpu_seconds,
                "setup_seconds": outcome.setup_seconds,
                "peak_memory_mb": outcome.peak_memory_mb,
                "threads": self.run.jobs[trial.arm].threads,
                "jobs": self.run.workers,
                "position": trial.position,
            },
            environment=self.run.environment,
        )
        self.store.record(record, self.run.protocol)
        self.clock.add(trial.arm, outcome.seconds)
        self._count(trial, outcome.status)

    def _count(self, trial: Trial, status: str) -> None:
        self._done += 1
        remaining = [queued for queued, _ in self._queue]
        remaining += [work.trial for work in self._under_way.values()] + self._elsewhere
        self.view.update(self._done, trial, status, self.clock.eta(remaining, len(self.workers)))

    def _look_elsewhere(self) -> None:
        """Ask again for the trials that another process had: done, failed or orphaned by now."""
        waiting, self._elsewhere = self._elsewhere, []
        self._queue.extend((trial, 1) for trial in waiting)

    def _keep_alive(self) -> None:
        if time.monotonic() - self._beat > HEARTBEAT_SECONDS:
            self._beat = time.monotonic()
            self.store.renew_leases()


def _last_line(error: str | None) -> str:
    return (error or "").strip().rpartition("\n")[2]
