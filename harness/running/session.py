"""One `bench study`: describe the arms, plan, train what is missing, gather the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.environment import describe_environment
from harness.gather import gather
from harness.plan import ArmJob, Trial, arm_job, digest, plan_trials
from harness.protocol import pilot_protocol, protocol
from harness.quantities import plural
from harness.running.executor import Executor, Run
from harness.running.progress import Clock, ProgressView
from harness.running.worker import TerminatedWorkerError, Worker, death_notice
from harness.stopping import Look, declared_looks
from harness.store import FINISHED, Store
from harness.study_file import LoadedStudy
from harness.study_problems import Problem, StudyError
from harness.training.runtime import worker_environment
from harness.training.trial import Described, describe_arm
from harness.verdicts import Verdict, all_decided

TRIALS_PER_PROCESS = 200


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    Attributes:
        planned: Trials that the study had to have by the end of this run.
        reused: Trials that were stored already.
        trained: Trials that this run trained.
        failed: Trials that failed, in the study's order.
    """

    planned: int
    reused: int
    trained: int
    failed: list[Trial]


def run_study(
    loaded: LoadedStudy,
    store: Store,
    *,
    workers: int,
    view: ProgressView,
    until: int | None = None,
    is_pilot: bool = False,
) -> RunSummary:
    """Train the trials of a study that are not stored yet, as far as its stopping rule asks.

    Args:
        loaded: The study.
        store: Its results database.
        workers: Number of worker processes.
        view: Where progress is shown.
        until: Replicates to go to at most; None for no limit but the study's own.
        is_pilot: Whether the number of replicates is still to be chosen: claims are bound with the
            first trial, how many replicates and looks there will be is not.

    Raises:
        StudyError: If an arm cannot be built, before anything is trained.
        StoreError: If the store cannot take a result.
        KeyboardInterrupt: On Ctrl-C; finished trials are stored.
    """
    study = loaded.study
    jobs = {arm.name: arm_job(study, arm, loaded.file.parent.resolve()) for arm in study.all_arms}
    with _crew(workers, study.study.threads) as crew:
        described = _describe(loaded, jobs, crew[0])
        keys = {
            name: store.describe_arm(digest(jobs[name].settings), d.identity, d.description)
            for name, d in described.items()
        }
        identities = {name: d.identity for name, d in described.items()}
        trials = plan_trials(study, identities)
        _explain_changes(store, trials, identities, view)
        _explain_resume(store, trials, view)

        def train(missing: list[Trial]) -> None:
            run = Run(
                jobs=jobs,
                identities=keys,
                protocol=(pilot_protocol if is_pilot else protocol)(study, identities),
                environment=store.keep_document(describe_environment(loaded.file)),
                workers=workers,
            )
            Executor(run, store, crew, view, _clock(store)).train(missing)

        return _train_by_looks(loaded, store, trials, train, view, until=until)


@contextmanager
def _crew(workers: int, threads: int) -> Iterator[list[Worker]]:
    """Workers that are gone afterwards, with all that they left in their temporary folder."""
    # TensorFlow writes a file for every function that it compiles and removes it when its process
    # ends in peace; a worker that is killed leaves its files behind.
    with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch:
        environment = {**worker_environment(threads), "TMPDIR": scratch}
        crew = [
            Worker(environment, calls_before_renewal=TRIALS_PER_PROCESS) for _ in range(workers)
        ]
        try:
            yield crew
        finally:
            for worker in crew:
                worker.stop()


def _train_by_looks(
    loaded: LoadedStudy,
    store: Store,
    trials: Sequence[Trial],
    train: Callable[[list[Trial]], None],
    view: ProgressView,
    *,
    until: int | None,
) -> RunSummary:
    """Train block by block up to each declared look, until every claim is decided."""
    ids = loaded.study.study.replicate_ids[:until]
    due: list[Trial] = []
    trained = seen = 0
    for look in declared_looks(loaded.study):
        stage = [trial for trial in trials if trial.replicate in ids[seen : look.count]]
        missing = _missing(store, stage)
        if missing:
            train(missing)
        due, trained, seen = due + stage, trained + len(missing), look.count
        if look.is_last or look.count >= len(ids):
            break
        verdicts = gather(loaded, store).by_look[look.place]
        view.note(_look_words(look, verdicts))
        if all_decided(verdicts):
            break
    unfinished = {trial.fingerprint for trial in _missing(store, due)}
    return RunSummary(
        planned=len(due),
        reused=len(due) - trained,
        trained=trained,
        failed=[trial for trial in due if trial.fingerprint in unfinished],
    )


def _missing(store: Store, trials: Sequence[Trial]) -> list[Trial]:
    """The trials that are not finished; arms alike in all but name share theirs."""
    statuses = store.statuses(trial.fingerprint for trial in trials)
    unique: dict[str, Trial] = {}
    for trial in trials:
        if statuses.get(trial.fingerprint) not in FINISHED:
            unique.setdefault(trial.fingerprint, trial)
    return list(unique.values())


def _look_words(look: Look, verdicts: Sequence[Verdict]) -> str:
    decided = sum(verdict.is_decided for verdict in verdicts)
    told = (
        f"look at {look.count} of at most {look.counts[-1]} replicates: {decided} of "
        f"{plural(len(verdicts), 'claim')} decided"
    )
    if all_decided(verdicts):
        return f"{told}; nothing is left to decide"
    return f"{told}; going on to {look.counts[look.place + 1]}"


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


def _explain_resume(store: Store, trials: list[Trial], view: ProgressView) -> None:
    abandoned, statuses = store.abandoned(), store.statuses(t.fingerprint for t in trials)
    for trial in (t for t in _missing(store, trials) if t.fingerprint in abandoned):
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
