"""Train trials on worker processes and commit each to the store as it ends."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field

from harness.environment import load_average
from harness.errors import last_line
from harness.plan import ArmJob, Seeds, Trial, digest
from harness.running.progress import Clock, ProgressView, showing
from harness.running.worker import (
    BrokenProcessPool,
    Crew,
    Slot,
    death_notice,
    is_over,
    seconds_left,
)
from harness.store import Store, TrialRecord
from harness.training.trial import TrialOutcome, train_trial

ATTEMPTS = 2
POLL_SECONDS = 1.0
Trainer = Callable[[ArmJob, Seeds], TrialOutcome]


@dataclass(frozen=True)
class Run:
    """What stays the same for all trials of a run.

    Attributes:
        jobs: By arm, what a worker needs.
        identities: By arm, hash of the stored identity document.
        protocol: What is bound with the first stored trial.
        environment: Document of the environment, with this machine for the one that trains.
        deadline: When to begin no further block, on the clock of `time.monotonic`; None for never.
        trial_timeout: Seconds after which a trial is ended as failed; None for never.
        train: What a worker calls.
    """

    jobs: Mapping[str, ArmJob]
    identities: Mapping[str, str]
    protocol: Mapping[str, object]
    environment: Mapping[str, object]
    deadline: float | None = None
    trial_timeout: float | None = None
    train: Trainer = train_trial


@dataclass
class _Work:
    """A trial under way."""

    trial: Trial
    worker: Slot
    attempt: int


@dataclass
class Executor:
    """Hands trials to workers in order, records every end, retries what failed.

    Attributes:
        trained: Trials that this process trained and stored, failed ones too.
    """

    run: Run
    store: Store
    workers: Crew
    view: ProgressView
    clock: Clock
    trained: int = 0
    _queue: deque[tuple[Trial, int]] = field(default_factory=deque)
    _elsewhere: list[Trial] = field(default_factory=list)
    _under_way: dict[Future[TrialOutcome], _Work] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _left: list[Trial] = field(default_factory=list)
    _remaining: Counter[str] = field(default_factory=Counter)
    _environments: dict[str, str] = field(default_factory=dict)
    _done: int = 0

    def train(self, trials: Sequence[Trial]) -> list[Trial]:
        """Train all trials; returns when each is stored, by this process or by another.

        Args:
            trials: In the order to train them, the trials of a block together.

        Returns:
            The trials whose block had not begun at the deadline: they were left out.

        Raises:
            KeyboardInterrupt: On Ctrl-C; what is finished is stored, what runs is given up.
            StoreError: If the store cannot take a result.
        """
        self._queue = deque((trial, 1) for trial in trials)
        self._remaining = Counter(trial.arm for trial in trials)
        with showing(self.view, len(trials)):
            while self._queue or self._under_way or self._elsewhere:
                self._heed_deadline()
                idle = self._idle()
                if idle and not self._queue:
                    self._look_elsewhere()
                while idle and self._hand_out(idle[-1]):
                    idle.pop()
                self._tell_at_work()
                self._collect()
        return self._left

    def _heed_deadline(self) -> None:
        """Once the time is spent, leave out the blocks that have not begun."""
        if self.run.deadline is None or time.monotonic() < self.run.deadline:
            return
        works = self._under_way.items()
        self._begun |= {w.trial.replicate for _, w in works if w.worker.begun is not None}
        for future in [f for f, work in works if work.trial.replicate not in self._begun]:
            work = self._under_way.pop(future)
            work.worker.stop()
            self.store.release(work.trial.fingerprint)
            self._left.append(work.trial)
        waiting = [trial for trial, _ in self._queue] + self._elsewhere
        self._left += [trial for trial in waiting if trial.replicate not in self._begun]
        self._queue = deque(item for item in self._queue if item[0].replicate in self._begun)
        self._elsewhere = [trial for trial in self._elsewhere if trial.replicate in self._begun]

    def _idle(self) -> list[Slot]:
        """The slots that may take a trial, of a crew that may have grown or shrunk."""
        slots, busy = list(self.workers), {id(work.worker) for work in self._under_way.values()}
        room = max(0, len(slots) - len(busy))
        return [slot for slot in slots if id(slot) not in busy][:room]

    def _hand_out(self, worker: Slot) -> bool:
        """Give a worker the next trial that nobody else has; False if there is none."""
        self._order_tail()
        while self._queue:
            trial, attempt = self._queue.popleft()
            claimed = self.store.claim(trial.fingerprint)
            if claimed == "elsewhere":
                self._elsewhere.append(trial)
            elif claimed == "finished":
                self._count(trial, "completed elsewhere")
            else:
                future = worker.submit(self.run.train, self.run.jobs[trial.arm], trial.seeds)
                self._under_way[future] = _Work(trial, worker, attempt)
                return True
        return False

    def _order_tail(self) -> None:
        """In the last blocks, begin with the longest trials, so that no worker ends much later.

        The longest first is at most a third longer than the best order (Graham 1969). A trial's
        curve does not depend on when it is trained.
        """
        tail = max(len(self.run.jobs), 2 * len(self.workers))
        if len(self.workers) < 2 or len(self._queue) != tail:
            return
        blocks = list(dict.fromkeys(trial.replicate for trial, _ in self._queue))
        self._queue = deque(
            sorted(
                self._queue,
                key=lambda item: (
                    blocks.index(item[0].replicate),
                    -(self.clock.expected(item[0].arm) or 0.0),
                ),
            )
        )

    def _collect(self) -> None:
        """Wait a moment for trials to end."""
        if not self._under_way and not self._elsewhere:
            return
        if not self._under_way:
            time.sleep(POLL_SECONDS)
            return
        ended, _ = wait(self._under_way, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        # Results come first: what keeps another trial from an outcome must not cost them.
        turn = sorted(ended, key=lambda future: future.exception() is not None)
        turn += self._overdue() - ended
        limit = self.run.trial_timeout
        outcomes: list[tuple[_Work, TrialOutcome]] = []
        try:
            for future in turn:
                work = self._under_way.pop(future)
                outcomes.append((work, outcome_of(future, work.worker, limit=limit)))
        finally:
            self._record(outcomes)

    def _record(self, outcomes: Sequence[tuple[_Work, TrialOutcome]]) -> None:
        """Store the outcomes that are final, and put the other trials back into the queue."""
        self._begun |= {work.trial.replicate for work, _ in outcomes}
        self._tell_at_work()
        final = [(work, o) for work, o in outcomes if not self._tried_again(work, o)]
        if final:
            self._keep([self._record_of(work, outcome) for work, outcome in final])
            self.trained += len(final)
        for work, outcome in final:
            self.clock.add(work.trial.arm, outcome.seconds)
            self._count(work.trial, outcome.status)

    def _keep(self, records: Sequence[TrialRecord]) -> None:
        """Commit trials, also where Ctrl-C has just undone it: they are finished."""
        try:
            self.store.record_all(records, self.run.protocol)
        except KeyboardInterrupt:
            self.store.record_all(records, self.run.protocol, patient=False)
            raise

    def _tell_at_work(self) -> None:
        works = self._under_way.values()
        self.view.at_work(sum(work.worker.begun is not None for work in works))

    def _overdue(self) -> set[Future[TrialOutcome]]:
        """The trials under way for longer than the study allows."""
        limit = self.run.trial_timeout
        left = {f: seconds_left(work.worker, limit) for f, work in self._under_way.items()}
        return {future for future, seconds in left.items() if seconds is not None and seconds <= 0}

    def _tried_again(self, work: _Work, outcome: TrialOutcome) -> bool:
        """Put a failed trial back into the queue, if it has an attempt left."""
        if outcome.status != "failed" or work.attempt >= ATTEMPTS:
            return False
        self.view.note(
            f"{work.trial.arm}, replicate {work.trial.replicate}: failed "
            f"({last_line(outcome.error)}); tried again"
        )
        self._queue.append((work.trial, work.attempt + 1))
        return True

    def _record_of(self, work: _Work, outcome: TrialOutcome) -> TrialRecord:
        trial = work.trial
        return TrialRecord(
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
                "jobs": len(self.workers),
                "position": trial.position,
                "load": load_average() if outcome.machine is None else outcome.load,
            },
            environment=self._environment_of(outcome),
        )

    def _environment_of(self, outcome: TrialOutcome) -> str:
        """Hash of the stored document of what trained: this machine or a cluster's."""
        document = self.run.environment
        if outcome.machine is not None:
            document = {**outcome.machine, "study_commit": document.get("study_commit")}
        key = digest(document)
        if key not in self._environments:
            self._environments[key] = self.store.keep_document(document)
        return self._environments[key]

    def _count(self, trial: Trial, status: str) -> None:
        self._done += 1
        self._remaining[trial.arm] -= 1
        eta = self.clock.eta(self._remaining, len(self.workers))
        self.view.update(self._done, trial, status, eta)

    def _look_elsewhere(self) -> None:
        """Ask again for the trials that another process had: done, failed or orphaned by now."""
        waiting, self._elsewhere = self._elsewhere, []
        self._queue.extend((trial, 1) for trial in waiting)


def outcome_of(
    future: Future[TrialOutcome], worker: Slot, *, limit: float | None = None
) -> TrialOutcome:
    """What came of a trial, once it ended; that its worker died or had to be ended is one, too.

    Args:
        future: The trial under way.
        worker: Who trains it; ended with it, if it takes too long.
        limit: Seconds that it may take; None for as long as it likes.
    """
    if limit is not None and not is_over(future, worker, limit):
        worker.stop()
        told = f"took longer than trial_timeout allows ({limit:g} s); its worker was ended"
        return TrialOutcome("failed", seconds=limit, error=told)
    try:
        return future.result()
    except BrokenProcessPool as error:
        worker.stop()
        return TrialOutcome("failed", error=death_notice(error))
