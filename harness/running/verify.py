"""`bench verify`: train a random sample of the stored trials again and compare bit for bit."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from harness.environment import describe_environment, differences
from harness.errors import UserError
from harness.gather import gather
from harness.plan import ArmJob, Trial, plan_trials, unique_trials
from harness.quantities import plural
from harness.results import Results
from harness.running.executor import POLL_SECONDS, outcome_of
from harness.running.progress import ProgressView, showing
from harness.running.session import arm_jobs, describe_arms, hiring
from harness.running.worker import Worker, seconds_left
from harness.samples import side_values
from harness.stopping import sequential_looks
from harness.store import FINISHED, Store
from harness.study_file import LoadedStudy
from harness.training.trial import TrialOutcome, train_trial
from harness.verdicts import decide
from harness.verification import Retrained, Verification, first_difference


def verify_study(
    loaded: LoadedStudy, store: Store, *, sample: int, seed: int, workers: int, view: ProgressView
) -> Verification:
    """Train some stored trials again, each in a fresh process, and remember what came of it.

    Args:
        loaded: The study.
        store: Its results database.
        sample: Trials to draw; all if there are no more.
        seed: Seed of the draw.
        workers: Number of worker processes.
        view: Where progress is shown.

    Raises:
        StudyError: If an arm cannot be built.
        UserError: If no stored trial was trained with the settings of the study as it stands.
    """
    jobs = arm_jobs(loaded)
    hire = hiring(loaded.study)
    with hire(workers, loaded.study.study.threads, calls_before_renewal=1) as crew:
        described = describe_arms(loaded, jobs, crew[0])
        identities = {name: d.identity for name, d in described.items()}
        trials = unique_trials(plan_trials(loaded.study, identities))
        statuses = store.statuses(trial.fingerprint for trial in trials)
        finished = [trial for trial in trials if statuses.get(trial.fingerprint) in FINISHED]
        if not finished:
            stored = plural(len(store.trials()), "stored trial")
            raise UserError(
                f"{store.name}: none of its {stored} was trained with the settings, data and "
                f"version at hand; run `bench study {loaded.file}` first"
            )
        # as they are here: another machine may have described the arms last
        known = {name: (d.identity, d.description) for name, d in described.items()}
        drawn = _draw(finished, sample, seed)
        outcomes = _train_all(drawn, jobs, crew, view, loaded.study.study.trial_timeout)
    verification = Verification(
        day=datetime.now(UTC).date().isoformat(),
        stored=len(finished),
        seed=seed,
        trials=tuple(_compared(loaded, store, drawn, outcomes)),
        changed_verdicts=_changed_verdicts(gather(loaded, store, known), outcomes),
    )
    store.keep_verification(verification.document())
    return verification


def _draw(finished: Sequence[Trial], sample: int, seed: int) -> list[Trial]:
    chosen = np.random.default_rng(seed).permutation(len(finished))[:sample]
    return [finished[i] for i in sorted(chosen)]


def _train_all(
    trials: Sequence[Trial],
    jobs: Mapping[str, ArmJob],
    crew: Sequence[Worker],
    view: ProgressView,
    limit: float | None,
) -> dict[str, TrialOutcome]:
    """Outcomes by fingerprint; a worker that dies, or is at it for too long, gives a failed one."""
    outcomes: dict[str, TrialOutcome] = {}
    queue, idle = deque(trials), list(crew)
    under_way: dict[Future[TrialOutcome], tuple[Trial, Worker]] = {}
    with showing(view, len(trials)):
        while queue or under_way:
            while queue and idle:
                trial, worker = queue.popleft(), idle.pop()
                future = worker.submit(train_trial, jobs[trial.arm], trial.seeds)
                under_way[future] = trial, worker
            wait(under_way, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future, (trial, worker) in list(under_way.items()):
                left = seconds_left(worker, limit)
                if not future.done() and (left is None or left > 0):
                    continue
                del under_way[future]
                outcome = outcome_of(future, worker, limit=limit)
                idle.append(worker)
                outcomes[trial.fingerprint] = outcome
                view.update(len(outcomes), trial, outcome.status, None)
    return outcomes


def _compared(
    loaded: LoadedStudy,
    store: Store,
    trials: Sequence[Trial],
    outcomes: Mapping[str, TrialOutcome],
) -> list[Retrained]:
    environments = store.trials().set_index("fingerprint")["environment"]
    here = describe_environment(loaded.file)
    found = []
    for trial in trials:
        outcome = outcomes[trial.fingerprint]
        failed = outcome.status == "failed"
        there = store.document(str(environments[trial.fingerprint]))
        found.append(
            Retrained(
                arm=trial.arm,
                replicate=trial.replicate,
                difference=(
                    None
                    if failed
                    else first_difference(store.rows(trial.fingerprint), outcome.rows)
                ),
                error=outcome.error if failed else None,
                environment=differences([there, here]) if there else None,
            )
        )
    return found


def _changed_verdicts(results: Results, outcomes: Mapping[str, TrialOutcome]) -> tuple[str, ...]:
    """Claims that would be decided otherwise, had the drawn trials come out as they do now."""
    stored = results.trials
    anew = {
        (arm, replicate): outcomes[key].rows
        for arm, replicate, key in zip(
            stored["arm"], stored["replicate"], stored["fingerprint"], strict=True
        )
        if key in outcomes and outcomes[key].rows
    }
    again = _decided_with(results, anew)
    return tuple(
        verdict.claim.id
        for verdict, other in zip(results.verdicts, again, strict=True)
        if verdict.outcome != other
    )


def _decided_with(
    results: Results, anew: Mapping[tuple[str, int], Sequence[Mapping[str, Any]]]
) -> list[str]:
    """The verdicts' outcomes with the results of some curves replaced; seconds stay as stored."""
    study, others, replaced = results.loaded.study, results.curves, []
    for (arm, replicate), rows in anew.items():
        own = (others["arm"] == arm) & (others["replicate"] == replicate)
        if own.any():  # else its block is not whole, and no verdict uses it
            fresh = pd.DataFrame(rows).set_index("epoch").astype(float)
            clocks = others[own].set_index("epoch")[["seconds", "cpu_seconds"]]
            fresh[clocks.columns] = clocks  # NaN as well: what was not timed stays so
            replaced.append(fresh.reset_index().assign(arm=arm, replicate=replicate))
            others = others[~own]
    table = pd.concat([others, *replaced], ignore_index=True)
    verdicts = decide(
        study,
        side_values(study, replace(results, curves=table).trial_curves),
        confirmatory={verdict.claim.id: verdict.confirmatory for verdict in results.verdicts},
        withdrawn=results.withdrawn,
        looks=sequential_looks(study, results.looks),
    )
    return [verdict.outcome for verdict in verdicts]
