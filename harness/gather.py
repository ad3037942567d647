"""Store -> results: pick the trials that belong to the study as it stands, measure, decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.catalog import datasets
from harness.catalog.problems import CatalogError
from harness.environment import differences
from harness.language import N_, said
from harness.measures import CURVE_COLUMNS
from harness.own_code import may_run_code
from harness.plan import arm_job, digest, plan_trials
from harness.planning import replicate_seconds
from harness.protocol import standing
from harness.quantities import listed, plural
from harness.results import (
    ArmDescription,
    Results,
    study_curves,
    trial_keys,
)
from harness.samples import side_values
from harness.stopping import Look, declared_looks, looks_reached, sequential_looks, whole_blocks
from harness.store import FINISHED, Store
from harness.study import Study
from harness.study_file import LoadedStudy
from harness.timed_on import timed_on
from harness.verdicts import all_decided, decide_by_look
from harness.verification import Verification

KnownArm = tuple[dict[str, Any], dict[str, Any]]
"""Identity and description of an arm, see `Store.arm`."""
TRIAL_COLUMNS = [
    "arm",
    "replicate",
    "status",
    "fingerprint",
    "epochs",
    "seconds",
    "cpu_seconds",
    "setup_seconds",
    "peak_memory_mb",
    "threads",
    "jobs",
    "position",
    "load",
    "attempts",
    "error",
    "environment",
]


def gather(
    loaded: LoadedStudy, store: Store, known: Mapping[str, KnownArm | None] | None = None
) -> Results:
    """All that the report needs, from stored trials alone.

    Args:
        loaded: The study.
        store: Its results database.
        known: By arm, what it is; what the store last heard of it if not given.
    """
    study = loaded.study
    known = _known_arms(loaded, store) if known is None else known
    identities = _identities(known)
    trials, environments = _trials(loaded, store, identities)
    curves = _curves(trials, store)
    attempted = trial_keys(trials)
    whole = whole_blocks(study, attempted)
    curves = curves[curves["replicate"].isin(whole)].reset_index(drop=True)
    is_timed_alone = study.study.timing == "exclusive"
    if is_timed_alone:
        curves = _with_times_alone(curves, trials, store)
    around = timed_on(trials, environments, is_timed_alone=is_timed_alone)
    values = side_values(study, study_curves(study, trials, curves, around))
    audit = store.verification()
    bound = standing(study, store.protocol(), identities, set(trials["replicate"]))
    looks = looks_reached(study, attempted)
    sequence = sequential_looks(study, looks)
    by_look = decide_by_look(
        study,
        values,
        # a look that was not declared settles nothing
        confirmatory=bound.confirmatory if looks else dict.fromkeys(bound.confirmatory, False),
        withdrawn=len(bound.withdrawn),
        looks=sequence,
    )
    seconds = replicate_seconds(trials, [arm.name for arm in study.all_arms])
    verdicts = [replace(verdict, replicate_seconds=seconds) for verdict in by_look[-1]]
    return Results(
        loaded=loaded,
        curves=curves,
        trials=trials,
        values=values,
        verdicts=verdicts,
        arms={name: _description(found[1]) for name, found in known.items() if found is not None},
        environments=environments,
        notices=(
            *_notices(loaded, known, environments),
            *bound.notices,
            *_left_out_notices(loaded, store, identities),
            *_progress_notices(study, trials, looks, is_decided=all_decided(verdicts)),
            *_block_notices(trials, whole),
            *(_timing_notices(trials, store) if is_timed_alone else ()),
        ),
        by_look=by_look if sequence else (),
        withdrawn=len(bound.withdrawn),
        verification=None if audit is None else Verification.from_document(audit),
    )


def stored_curves(loaded: LoadedStudy, store: Store) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The study's stored trials and their curves, as in `Results`; nothing is measured."""
    trials, _ = _trials(loaded, store, _identities(_known_arms(loaded, store)))
    return trials, _curves(trials, store)


def sample_images(loaded: LoadedStudy) -> dict[str, tuple[NDArray[np.uint8], list[int]]]:
    """81 training images and their labels of each dataset within reach, for the report."""
    found: dict[str, tuple[NDArray[np.uint8], list[int]]] = {}
    if loaded.study.is_of_logs or not may_run_code(loaded):
        return found
    for data in loaded.study.all_data:
        if data.label in found:  # another share of the same
            continue
        try:
            raw = datasets.load(data.name, npz=data.npz, folder=loaded.file.parent.resolve())
        except CatalogError:
            continue  # a report is possible without the data it came from
        images, labels = datasets.sample_grid(raw)
        found[data.label] = images, [int(label) for label in labels]
    return found


def _known_arms(loaded: LoadedStudy, store: Store) -> dict[str, KnownArm | None]:
    """By arm, what it was found to be; None where it was never built with these settings."""
    study, folder = loaded.study, loaded.file.parent.resolve()
    return {
        arm.name: store.arm(digest(arm_job(study, arm, folder).settings)) for arm in study.all_arms
    }


def _identities(known: Mapping[str, KnownArm | None]) -> dict[str, dict[str, Any]]:
    return {name: found[0] for name, found in known.items() if found is not None}


def _description(document: Mapping[str, Any]) -> ArmDescription:
    return ArmDescription(
        parameters=int(document["parameters"]),
        layers=tuple(document["layers"]),
        optimizer=document["optimizer"],
        notes=tuple(document["notes"]),
    )


def _trials(
    loaded: LoadedStudy, store: Store, identities: Mapping[str, Mapping[str, Any]]
) -> tuple[pd.DataFrame, list[Mapping[str, object]]]:
    """The study's planned trials that are stored, under the names the study now gives them."""
    plan = pd.DataFrame(
        [(t.arm, t.replicate, t.fingerprint) for t in plan_trials(loaded.study, identities)],
        columns=["arm", "replicate", "fingerprint"],
    )
    stored = store.trials().drop(columns=["arm", "replicate"])
    trials = plan.merge(stored, on="fingerprint", how="inner")
    order = {arm.name: i for i, arm in enumerate(loaded.study.all_arms)}
    trials = trials.sort_values(
        ["arm", "replicate"], key=lambda c: c.map(order) if c.name == "arm" else c
    )
    hashes = sorted(set(trials["environment"].dropna()))
    trials["environment"] = trials["environment"].map({key: i for i, key in enumerate(hashes)})
    return (
        trials[TRIAL_COLUMNS].reset_index(drop=True),
        [store.document(key) for key in hashes],
    )


def _curves(trials: pd.DataFrame, store: Store) -> pd.DataFrame:
    finished = trials[trials["status"].isin(FINISHED)][["arm", "replicate", "fingerprint"]]
    curves = finished.merge(store.curves(), on="fingerprint", how="left")
    return curves[["arm", "replicate", "epoch", *CURVE_COLUMNS]].astype({"epoch": "int64"})


def _with_times_alone(curves: pd.DataFrame, trials: pd.DataFrame, store: Store) -> pd.DataFrame:
    """The curves with the seconds that their trials took alone; NaN where that is not known yet."""
    keys = trials[["arm", "replicate", "fingerprint"]]
    times = keys.merge(store.timings(), on="fingerprint").drop(columns="fingerprint")
    others = curves.drop(columns=["seconds", "cpu_seconds"])
    timed = others.merge(times, on=["arm", "replicate", "epoch"], how="left")
    return timed[curves.columns]


def _timing_notices(trials: pd.DataFrame, store: Store) -> Iterator[str]:
    """What the second training, alone on the machine, has shown and not shown."""
    finished = trials[trials["status"].isin(FINISHED)]
    found = store.timing_differences()
    yield N_(
        "seconds are those of a second training of each trial, alone on the machine and arm by "
        "arm in turn"
    )
    missing = sum(key not in found for key in finished["fingerprint"])
    if missing:
        yield said(
            "{missing} of {n} not timed alone yet: claims on seconds leave them out; the same "
            "`bench study` goes on with them",
            missing=partial(plural, missing, "trial"),
            n=len(finished),
        )
    for row in finished.itertuples():
        difference = found.get(str(row.fingerprint))
        if difference is not None:
            yield said(
                "{arm}, replicate {replicate}, came out otherwise when it was timed alone (first "
                "difference: {difference}): its seconds are those of another curve",
                arm=row.arm,
                replicate=row.replicate,
                difference=difference,
            )


def _block_notices(trials: pd.DataFrame, whole: Sequence[int]) -> Iterator[str]:
    apart = trials[~trials["replicate"].isin(whole)]
    if len(apart):
        blocks = sorted(set(apart["replicate"]))
        yield said(
            "{trials} of {blocks} (replicate {replicates}) stored: no verdict uses them, since "
            "comparisons are made of whole blocks; the same `bench study` completes them",
            trials=partial(plural, len(apart), "trial"),
            blocks=partial(plural, len(blocks), "incomplete block"),
            replicates=", ".join(map(str, blocks)),
        )


def _notices(
    loaded: LoadedStudy,
    known: Mapping[str, object],
    environments: list[Mapping[str, object]],
) -> list[str]:
    notices: list[str] = list(loaded.warnings)
    notices += [
        said(
            'arm "{arm}" was never trained with these settings; run `bench study {file}`',
            arm=name,
            file=loaded.file,
        )
        for name, found in known.items()
        if found is None
    ]
    notices += [
        said("trials differ in {what}: {values}", what=key, values=partial(listed, values))
        for key, values in differences(environments).items()
    ]
    return notices


def _left_out_notices(
    loaded: LoadedStudy, store: Store, identities: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Trials of an arm as it was bound, where it has become another: maybe only on this machine."""
    bound = (store.protocol() or {}).get("arms", {})
    now = {arm: digest(identity) for arm, identity in identities.items()}
    others = {arm: bound[arm] for arm in now if bound.get(arm, now[arm]) != now[arm]}
    if not others:
        return
    stored = store.trials()
    finished = stored[stored["status"].isin(FINISHED)]["identity"].value_counts()
    for arm, key in sorted(others.items()):
        if key in finished:
            yield said(
                'no verdict uses the {trials} of arm "{arm}" as it was when the first trial was '
                "stored; `{command}` with the settings, model, data and device of then reports "
                "on them",
                trials=partial(plural, int(finished[key]), "stored trial"),
                arm=arm,
                command=loaded.command(),
            )


def _progress_notices(
    study: Study, trials: pd.DataFrame, looks: Sequence[Look], *, is_decided: bool
) -> Iterator[str]:
    """How far the study has come, and whether it may speak already."""
    ids, declared = study.study.replicate_ids, declared_looks(study)
    reached = looks[-1].count if looks else 0
    goal = reached if looks and is_decided else len(ids)
    due = trials[trials["replicate"].isin(ids[:goal])]
    finished, failed = due["status"].isin(FINISHED).sum(), (due["status"] == "failed").sum()
    if finished < len(study.all_arms) * goal:
        template = N_("{finished} of {n} trials are finished")
        if failed:
            template = N_("{finished} of {n} trials are finished, {failed} failed")
        yield said(template, finished=finished, n=len(study.all_arms) * goal, failed=failed)
    if len(trials) and not looks:
        template = N_(
            "the declared look is at {replicates}, which are not all trained: until then every "
            "claim is exploratory"
        )
        if len(declared) > 1:
            template = N_(
                "the first declared look is at {replicates}, which are not all trained: until then "
                "every claim is exploratory"
            )
        yield said(template, replicates=partial(plural, declared[0].count, "replicate"))
    beyond = len(set(trials["replicate"]) & set(ids[reached:])) if looks else 0
    if beyond:
        yield said(
            "{replicates} stored after the look at {reached}: no verdict uses what lies between "
            "two looks",
            replicates=partial(plural, beyond, "replicate"),
            reached=reached,
        )
