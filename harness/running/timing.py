"""``timing = "exclusive"``: every finished trial once more, alone on the machine, for its seconds.

While a study trains, its workers share caches, memory and clock rate, so its seconds say as much
about the neighbours as about the arms. Here one trial runs at a time, each in a fresh process, so
that every trial pays the same start-up; arms take turns within a replicate, so that a slow hour of
the machine strikes all of them. A trial beside which another run of the study was at work is not
kept, and none is begun after it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from contextlib import ExitStack

from harness.environment import load_average
from harness.errors import last_line
from harness.plan import ArmJob, Trial, unique_trials
from harness.quantities import plural
from harness.running.executor import POLL_SECONDS, outcome_of
from harness.running.progress import Clock, ProgressView, showing
from harness.running.worker import Worker, seconds_left
from harness.store import FINISHED, Store
from harness.training.trial import TrialOutcome, train_trial
from harness.verification import first_difference

_LEASE = "exclusive timing"


def time_alone(
    trials: Sequence[Trial],
    jobs: Mapping[str, ArmJob],
    store: Store,
    worker: Worker,
    view: ProgressView,
    *,
    deadline: float | None = None,
    trial_timeout: float | None = None,
) -> None:
    """Time every finished trial that was not timed alone yet.

    Args:
        trials: The study's trials, blocks together.
        jobs: By arm, what the worker needs.
        store: Where the timings go, each as soon as it is taken.
        worker: The only worker; its process is renewed after each call.
        view: Where progress is shown.
        deadline: When to begin no further block, on the clock of `time.monotonic`; None for never.
        trial_timeout: Seconds after which a trial is given up; None for never.

    Raises:
        KeyboardInterrupt: On Ctrl-C; what was timed is stored.
        StoreError: If the store cannot take a timing.
    """
    waiting = _untimed(trials, store)
    if not waiting:
        return
    if store.others_at_work() or store.claim(_LEASE) == "elsewhere":
        view.note(_company_words(len(waiting)))
        return
    view.note(f"timing {plural(len(waiting), 'trial')} alone on the machine, one after the other")
    clock = Clock({})
    begun: set[int] = set()
    with ExitStack() as stack:
        stack.callback(store.release, _LEASE)
        stack.enter_context(showing(view, len(waiting)))
        for done, trial in enumerate(waiting, start=1):
            is_late = deadline is not None and time.monotonic() >= deadline
            if is_late and trial.replicate not in begun:
                view.note(f"{plural(len(waiting) - done + 1, 'trial')} left to be timed alone")
                break
            begun.add(trial.replicate)
            outcome = _timed_alone(trial, jobs[trial.arm], store, worker, trial_timeout)
            if outcome is None:
                view.note(_company_words(len(waiting) - done + 1))
                break
            clock.add(trial.arm, outcome.seconds)
            _keep(store, trial, outcome, view)
            to_go = [later.arm for later in waiting[done:]]
            eta = clock.eta({arm: to_go.count(arm) for arm in set(to_go)}, 1)
            view.update(done, trial, outcome.status, eta)


def _untimed(trials: Sequence[Trial], store: Store) -> list[Trial]:
    statuses = store.statuses(trial.fingerprint for trial in trials)
    timed = set(store.timing_differences())
    return [
        trial
        for trial in unique_trials(trials)
        if statuses.get(trial.fingerprint) in FINISHED and trial.fingerprint not in timed
    ]


def _timed_alone(
    trial: Trial, job: ArmJob, store: Store, worker: Worker, limit: float | None
) -> TrialOutcome | None:
    """What came of a trial; None, and given up, if another run was at work at any time of it.

    To look once it is done is not enough: by then, the other run may be done as well.
    """
    future = worker.submit(train_trial, job, trial.seeds)
    while True:
        left = seconds_left(worker, limit)
        has_ended = future.done() or (left is not None and left <= 0)
        if store.others_at_work():
            worker.stop()
            return None
        if has_ended:
            return outcome_of(future, worker, limit=limit)
        wait([future], timeout=POLL_SECONDS)


def _company_words(left: int) -> str:
    return (
        "another run of this study is at work: no trial can be timed alone beside it; once it is "
        f"done, the same command goes on with the {plural(left, 'trial')} left"
    )


def _keep(store: Store, trial: Trial, outcome: TrialOutcome, view: ProgressView) -> None:
    """Store the seconds, and whether the curve came out again as it was."""
    if outcome.status == "failed":
        said = last_line(outcome.error)
        view.note(f"{trial.arm}, replicate {trial.replicate}: could not be timed alone ({said})")
        return
    found = first_difference(store.rows(trial.fingerprint), outcome.rows)
    difference = None if found is None else f"{found.column} of epoch {found.epoch}"
    store.record_timing(trial.fingerprint, outcome.rows, difference=difference, load=load_average())
