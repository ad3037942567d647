"""One `bench study`: describe the arms, plan, train what is missing, gather the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.environment import describe_environment
from harness.plan import ArmJob, Trial, arm_job, digest, plan_trials, protocol
from harness.running.executor import Executor, Run
from harness.running.progress import Clock, ProgressView
from harness.running.worker import TerminatedWorkerError, Worker, death_notice
from harness.store import FINISHED, Store
from harness.study_file import LoadedStudy, Problem, StudyError
from harness.training.runtime import worker_environment
from harness.training.trial import Described, describe_arm

TRIALS_PER_PROCESS = 200


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    Attributes:
        planned: Trials of the study.
        reused: Trials that were stored already.
        trained: Trials that this run trained.
        failed: Trials that failed, in the study's order.
    """

    planned: int
    reused: int
    trained: int
    failed: list[Trial]


def run_study(loaded: LoadedStudy, store: Store, *, workers: int, view: ProgressView) -> RunSummary:
    """Train every trial of a study that is not stored yet.

    Args:
        loaded: The study.
        store: Its results database.
        workers: Number of worker processes.
        view: Where progress is shown.

    Raises:
        StudyError: If an arm cannot be built, before anything is trained.
        StoreError: If the store cannot take a result.
        KeyboardInterrupt: On Ctrl-C; finished trials are stored.
    """
    study = loaded.study
    jobs = {arm.name: arm_job(study, arm, loaded.file.parent.resolve()) for arm in study.all_arms}
    crew = [
        Worker(worker_environment(study.study.threads), calls_before_renewal=TRIALS_PER_PROCESS)
        for _ in range(workers)
    ]
    try:
        described = _describe(loaded, jobs, crew[0])
        keys = {
            name: store.describe_arm(digest(jobs[name].settings), d.identity, d.description)
            for name, d in described.items()
        }
        trials = plan_trials(study, {name: d.identity for name, d in described.items()})
        _explain_changes(store, trials, {n: d.identity for n, d in described.items()}, view)
        statuses = store.statuses(trial.fingerprint for trial in trials)
        missing = _once_each(t for t in trials if statuses.get(t.fingerprint) not in FINISHED)
        _explain_resume(store, trials, missing, statuses, view)
        if missing:
            run = Run(
                jobs=jobs,
                identities=keys,
                protocol=protocol(study),
                environment=store.keep_document(describe_environment(loaded.file)),
                workers=workers,
            )
            Executor(run, store, crew, view, _clock(store)).train(missing)
    finally:
        for worker in crew:
            worker.stop()
    statuses = store.statuses(trial.fingerprint for trial in trials)
    return RunSummary(
        planned=len(trials),
        reused=len(trials) - len(missing),
        trained=len(missing),
        failed=[t for t in trials if statuses.get(t.fingerprint) not in FINISHED],
    )


def _describe(
    loaded: LoadedStudy, jobs: Mapping[str, ArmJob], worker: Worker
) -> dict[str, Described]:
    """Build every arm once in a worker, so that mistakes show before any training."""
    described: dict[str, Described] = {}
    problems: list[Problem] = []
    for name, job in jobs.items():
        try:
            described[name] = worker.submit(describe_arm, job).result()
        except TerminatedWorkerError as error:
            problems.append(Problem(f'arm "{name}"', f"cannot be built: {death_notice(error)}"))
            worker.stop()
        except Exception as error:  # a user's own model may raise anything
            problems.append(Problem(f'arm "{name}"', f"cannot be built: {error}"))
    if problems:
        raise StudyError(loaded.file, problems)
    return described


def _once_each(trials: Any) -> list[Trial]:
    """Arms that are alike in all but name share their trials."""
    unique: dict[str, Trial] = {}
    for trial in trials:
        unique.setdefault(trial.fingerprint, trial)
    return list(unique.values())


def _explain_changes(
    store: Store,
    trials: list[Trial],
    identities: Mapping[str, Mapping[str, Any]],
    view: ProgressView,
) -> None:
    """Name the arms whose stored trials no longer fit their settings, and what changed."""
    stored = store.trials()
    planned = {trial.fingerprint for trial in trials}
    for arm, identity in identities.items():
        rows = stored[(stored["arm"] == arm) & ~stored["fingerprint"].isin(planned)]
        rows = rows[rows["identity"] != digest(identity)]
        current = stored["fingerprint"].isin({t.fingerprint for t in trials if t.arm == arm})
        if rows.empty or current.any():
            continue
        latest = rows.sort_values("finished_at").iloc[-1]
        changed = list(_changed(store.document(str(latest["identity"])), identity))
        view.note(
            f'arm "{arm}" is trained anew: {"; ".join(changed) or "its settings changed"} '
            f"({len(rows)} stored trials are kept but not used)"
        )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], at: str = "") -> Any:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changed(old, new, f"{at}{key}.")
        elif old != new and key in {"model", "source", "sha256"}:
            yield f"{at}{key} changed"
        elif old != new:
            yield f"{at}{key} {old} -> {new}"


def _explain_resume(
    store: Store,
    trials: list[Trial],
    missing: list[Trial],
    statuses: Mapping[str, str],
    view: ProgressView,
) -> None:
    cut_short = [t for t in missing if t.fingerprint in store.abandoned()]
    for trial in cut_short:
        view.note(f"{trial.arm}, replicate {trial.replicate}: was cut short, is trained again")
    failed = sum(status == "failed" for status in statuses.values())
    reused = sum(status in FINISHED for status in statuses.values())
    if reused or failed:
        again = f", {failed} failed and will be tried again" if failed else ""
        view.note(f"{reused} of {len(trials)} trials are stored already{again}")


def _clock(store: Store) -> Clock:
    stored = store.trials()
    finished = stored[stored["status"] == "completed"]
    return Clock({str(arm): list(rows["seconds"]) for arm, rows in finished.groupby("arm")})


def results_folder(loaded: LoadedStudy, reports: Path) -> Path:
    """Where a study's results live."""
    return reports / loaded.folder_name
