"""One `bench study`: describe the arms, plan, train what is missing, gather the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

from harness.catalog.references import FAULTS, fault_words
from harness.environment import describe_environment, has_bfloat16
from harness.errors import UserError
from harness.gather import gather
from harness.interrupts import interrupted_only_afterwards
from harness.own_code import refuse_strange_code
from harness.plan import ArmJob, Trial, arm_job, digest, plan_trials, unique_trials
from harness.protocol import pilot_protocol, protocol
from harness.quantities import plural
from harness.running.executor import Executor, Run
from harness.running.places import places, visible_gpus
from harness.running.progress import Clock, ProgressView
from harness.running.timing import time_alone
from harness.running.worker import (
    BrokenProcessPool,
    Crew,
    Slot,
    Worker,
    death_notice,
    is_over,
    make_room,
)
from harness.stopping import Look, declared_looks
from harness.store import FINISHED, Store
from harness.study import Device, Study
from harness.study_file import LoadedStudy, study_document
from harness.study_problems import Problem, StudyError
from harness.training.runtime import DeviceError, SettledError, worker_environment
from harness.training.trial import Described, describe_arm, start
from harness.verdicts import Verdict, all_decided

TRIALS_PER_PROCESS = 1000
"""A worker grows by about 0.1 MB a trial: Keras keeps a little of every model it ever built."""

LEAST_BUILDING_SECONDS = 60.0
"""An arm may take so long to be built at least: loading TensorFlow is part of it."""

Hire = Callable[[int, int], AbstractContextManager[Crew]]


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    Attributes:
        planned: Trials that the study had to have by the end of this run.
        reused: Trials that were stored already, or that another run trained meanwhile.
        trained: Trials that this run trained.
        failed: Trials that failed, in the study's order.
        postponed: Trials that the time budget left for another run.
    """

    planned: int
    reused: int
    trained: int
    failed: list[Trial]
    postponed: int = 0


def run_study(
    loaded: LoadedStudy,
    store: Store,
    *,
    workers: int,
    view: ProgressView,
    until: int | None = None,
    is_pilot: bool = False,
    hire: Hire | None = None,
    budget: float | None = None,
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
        hire: Who trains, given the number of workers and their threads; `hired` if not given.
        budget: Seconds after which no further block is begun, start-up included; the blocks that
            have begun are finished. None for no limit.

    Raises:
        StudyError: If an arm cannot be built, or code that the study names may not run, before
            anything is trained.
        StoreError: If the store cannot take a result.
        KeyboardInterrupt: On Ctrl-C; finished trials are stored.
    """
    deadline = None if budget is None else time.monotonic() + budget
    study = loaded.study
    is_timed_alone = study.study.timing == "exclusive" and not is_pilot
    _refuse_exclusive_elsewhere(loaded, hire)
    store.database.tell = view.note
    jobs = arm_jobs(loaded)
    hire_here = hiring(study)
    _warn_of_slow_formats(study, view)
    with (hire or hire_here)(workers, study.study.threads) as crew:
        described = _described_by_one(loaded, jobs, crew)
        jobs = {name: replace(jobs[name], found=d.digests) for name, d in described.items()}
        identities = {name: d.identity for name, d in described.items()}
        keys = {
            name: store.describe_arm(digest(jobs[name].settings), d.identity, d.description)
            for name, d in described.items()
        }
        store.keep_study(study_document(loaded))
        trials = plan_trials(study, identities)
        _explain_changes(store, trials, identities, view)
        _explain_resume(store, trials, view)
        binding = (pilot_protocol if is_pilot else protocol)(study, identities)
        store.end_pilot(binding)

        def train(missing: list[Trial]) -> tuple[int, list[Trial]]:
            run = Run(
                jobs=jobs,
                identities=keys,
                protocol=binding,
                environment=describe_environment(loaded.file),
                deadline=deadline,
                trial_timeout=study.study.trial_timeout,
            )
            executor = Executor(run, store, crew, view, _clock(store))
            left = executor.train(missing)
            return executor.trained, left

        summary = _train_by_looks(loaded, store, trials, train, view, until=until)
    if is_timed_alone:
        with hire_here(1, study.study.threads, calls_before_renewal=1) as (alone,):
            time_alone(
                trials,
                jobs,
                store,
                alone,
                view,
                deadline=deadline,
                trial_timeout=study.study.trial_timeout,
            )
    return summary


def _refuse_exclusive_elsewhere(loaded: LoadedStudy, hire: Hire | None) -> None:
    """End a study that is to be timed alone on this machine, where others train it."""
    if hire is not None and loaded.study.study.timing == "exclusive":
        told = (
            '"exclusive" times each trial alone on this machine, which is not where --engine dask '
            'trains: leave out --engine dask, or set timing = "shared"'
        )
        raise StudyError(loaded.file, [Problem("study.timing", told)])


def arm_jobs(loaded: LoadedStudy) -> dict[str, ArmJob]:
    """By arm, what a worker needs to build and train it.

    Raises:
        StudyError: If the study names code that is not the user's own, and that is not allowed.
    """
    refuse_strange_code(loaded)
    study, folder = loaded.study, loaded.file.parent.resolve()
    return {arm.name: arm_job(study, arm, folder) for arm in study.all_arms}


@contextmanager
def hired(
    workers: int,
    threads: int,
    *,
    calls_before_renewal: int = TRIALS_PER_PROCESS,
    device: Device = "auto",
    jobs_per_gpu: int = 1,
) -> Iterator[list[Worker]]:
    """Workers that are gone afterwards, with all that they left in their temporary folder.

    Where trials are trained on GPUs there may be fewer than asked for.

    Raises:
        UserError: The system does not allow so many, or has no room for temporary files.
    """
    granted = places(device, workers, jobs_per_gpu)
    make_room(len(granted))
    # TensorFlow writes a file for every function that it compiles and removes it when its process
    # ends in peace; a worker that is killed leaves its files behind.
    scratch = _scratch()
    environment = {**worker_environment(threads), "TMPDIR": scratch.name}
    crew: list[Worker] = []
    try:
        crew += [
            Worker({**environment, **place}, calls_before_renewal=calls_before_renewal)
            for place in granted
        ]
        yield crew
    finally:
        # One that was left at work would keep this process waiting until its trial ends.
        with interrupted_only_afterwards():
            for worker in crew:
                worker.stop()
            scratch.cleanup()


def _scratch() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
    except OSError as error:
        raise UserError(
            f"workers need a folder for temporary files ({error.strerror}); make one writable, or "
            "name another by TMPDIR"
        ) from error


def hiring(study: Study) -> Callable[..., AbstractContextManager[list[Worker]]]:
    """`hired`, on the device that a study asks for."""
    return partial(hired, device=study.study.device, jobs_per_gpu=study.study.jobs_per_gpu)


def _described_by_one(
    loaded: LoadedStudy, jobs: Mapping[str, ArmJob], crew: Crew
) -> dict[str, Described]:
    """What the first worker finds the arms to be, while the others load TensorFlow."""
    first, *others = crew
    with _starting(others, next(iter(jobs.values())), _building_seconds(loaded.study)):
        return describe_arms(loaded, jobs, first)


@contextmanager
def _starting(crew: Sequence[Slot], job: ArmJob, limit: float | None) -> Iterator[None]:
    """Let workers load TensorFlow while the first one describes the arms.

    It only saves time: what goes wrong is told by the first trial there, and what waits for a place
    on a cluster is not waited for.
    """
    starts = [(slot, slot.submit(start, job)) for slot in crew]
    yield
    for slot, future in starts:
        if slot.begun is not None and not is_over(future, slot, limit):
            slot.stop()


def _building_seconds(study: Study) -> float | None:
    """How long an arm may take to be built; None for as long as it likes."""
    limit = study.study.trial_timeout
    return None if limit is None else max(limit, LEAST_BUILDING_SECONDS)


def _warn_of_slow_formats(study: Study, view: ProgressView) -> None:
    slow = [arm.name for arm in study.all_arms if study.precision_of(arm) == "mixed_bfloat16"]
    has_gpu = study.study.device != "cpu" and bool(visible_gpus())
    if slow and has_bfloat16() is False and not has_gpu:
        view.note(
            f"{', '.join(slow)}: this processor has no instructions for bfloat16 (AMX or "
            "AVX512-BF16): mixed_bfloat16 is emulated, and slower than float32"
        )


def _train_by_looks(
    loaded: LoadedStudy,
    store: Store,
    trials: Sequence[Trial],
    train: Callable[[list[Trial]], tuple[int, list[Trial]]],
    view: ProgressView,
    *,
    until: int | None,
) -> RunSummary:
    """Train block by block up to each declared look, until every claim is decided.

    A look whose blocks are not all there when the time is spent is not taken.
    """
    ids = loaded.study.study.replicate_ids[:until]
    due: list[Trial] = []
    left: list[Trial] = []
    trained = seen = 0
    for look in declared_looks(loaded.study):
        stage = [trial for trial in trials if trial.replicate in ids[seen : look.count]]
        missing = _missing(store, stage)
        if missing:
            count, left = train(missing)
            trained += count
        due, seen = due + stage, look.count
        if left or look.is_last or look.count >= len(ids):
            break
        verdicts = gather(loaded, store).by_look[look.place]
        view.note(_look_words(look, verdicts))
        if all_decided(verdicts):
            break
    postponed = {trial.fingerprint for trial in left}
    failed = {trial.fingerprint for trial in _missing(store, due)} - postponed
    return RunSummary(
        planned=len(due),
        reused=len(due) - trained - len(left),
        trained=trained,
        failed=[trial for trial in due if trial.fingerprint in failed],
        postponed=len(left),
    )


def _missing(store: Store, trials: Sequence[Trial]) -> list[Trial]:
    """The trials that are not finished."""
    statuses = store.statuses(trial.fingerprint for trial in trials)
    return [t for t in unique_trials(trials) if statuses.get(t.fingerprint) not in FINISHED]


def _look_words(look: Look, verdicts: Sequence[Verdict]) -> str:
    decided = sum(verdict.is_decided for verdict in verdicts)
    told = (
        f"look at {look.count} of at most {look.counts[-1]} replicates: {decided} of "
        f"{plural(len(verdicts), 'claim')} decided"
    )
    if all_decided(verdicts):
        return f"{told}; nothing is left to decide"
    return f"{told}; going on to {look.counts[look.place + 1]}"


def describe_arms(
    loaded: LoadedStudy, jobs: Mapping[str, ArmJob], worker: Slot
) -> dict[str, Described]:
    """Build every arm once in a worker, so that mistakes show before any training.

    Raises:
        StudyError: With all arms that cannot be built.
    """
    described: dict[str, Described] = {}
    problems: list[Problem] = []
    limit = _building_seconds(loaded.study)
    for name, job in jobs.items():
        future = worker.submit(describe_arm, job)
        if not is_over(future, worker, limit):
            told = f"cannot be built: it is not done after {limit:g} s (see study.trial_timeout)"
            problems.append(Problem(f'arm "{name}"', told))
            worker.stop()
            continue
        try:
            described[name] = future.result()
        except BrokenProcessPool as error:
            problems.append(Problem(f'arm "{name}"', f"cannot be built: {death_notice(error)}"))
            worker.stop()
        except SettledError:
            raise
        except DeviceError as error:
            raise StudyError(loaded.file, [Problem("study.device", str(error))]) from None
        except FAULTS as error:  # a user's own model may raise anything
            told = str(error) if isinstance(error, UserError) else fault_words(error)
            problems.append(Problem(f'arm "{name}"', f"cannot be built: {told}"))
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
