"""Store -> results: pick the trials that belong to the study as it stands, measure, decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.catalog import datasets
from harness.catalog.problems import CatalogError
from harness.environment import differences
from harness.plan import (
    arm_job,
    confirmatory_claims,
    digest,
    plan_trials,
    protocol,
    protocol_notices,
)
from harness.results import CURVE_COLUMNS, ArmDescription, Results, curves_by_trial
from harness.samples import side_values
from harness.store import FINISHED, Store
from harness.study_file import LoadedStudy
from harness.verdicts import decide

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
    "attempts",
    "error",
    "environment",
]


def gather(loaded: LoadedStudy, store: Store) -> Results:
    """All that the report needs, from stored trials alone."""
    study = loaded.study
    known = {arm.name: _known_arm(loaded, arm.name, store) for arm in study.all_arms}
    identities = {name: found[0] for name, found in known.items() if found is not None}
    trials, environments = _trials(loaded, store, identities)
    curves = _curves(trials, store)
    budgets = {arm.name: study.epochs_of(arm) for arm in study.all_arms}
    diverged = trials[trials["status"] == "diverged"]
    values = side_values(
        study,
        curves_by_trial(
            curves, budgets, set(zip(diverged["arm"], diverged["replicate"], strict=True))
        ),
    )
    registered = store.protocol()
    claims = protocol(study)["claims"]
    withdrawn = [c for c in (registered or {"claims": {}})["claims"] if c not in claims]
    verdicts = decide(
        study,
        values,
        confirmatory=confirmatory_claims(study, registered),
        withdrawn=len(withdrawn),
    )
    return Results(
        loaded=loaded,
        curves=curves,
        trials=trials,
        values=values,
        verdicts=verdicts,
        arms={name: _description(found[1]) for name, found in known.items() if found is not None},
        environments=environments,
        notices=tuple(_notices(loaded, known, trials, environments, registered)),
    )


def sample_images(loaded: LoadedStudy) -> tuple[NDArray[np.uint8], list[int]] | None:
    """81 training images and their labels, for the report; None where the data are out of reach."""
    data = loaded.study.data
    try:
        raw = datasets.load(data.name, npz=data.npz, folder=loaded.file.parent.resolve())
    except CatalogError:
        return None  # a report is possible without the data it came from
    images, labels = datasets.sample_grid(raw)
    return images, [int(label) for label in labels]


def _known_arm(
    loaded: LoadedStudy, name: str, store: Store
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    arm = next(arm for arm in loaded.study.all_arms if arm.name == name)
    job = arm_job(loaded.study, arm, loaded.file.parent.resolve())
    return store.arm(digest(job.settings))


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


def _notices(
    loaded: LoadedStudy,
    known: Mapping[str, object],
    trials: pd.DataFrame,
    environments: list[Mapping[str, object]],
    registered: Mapping[str, Any] | None,
) -> list[str]:
    study = loaded.study
    notices = list(loaded.warnings)
    notices += [
        f'arm "{name}" was never trained with these settings; run `bench study {loaded.file}`'
        for name, found in known.items()
        if found is None
    ]
    planned = len(study.all_arms) * len(study.study.replicate_ids)
    finished = int(trials["status"].isin(FINISHED).sum())
    if finished < planned:
        failed = int((trials["status"] == "failed").sum())
        notices.append(
            f"{finished} of {planned} trials are finished"
            + (f", {failed} failed" if failed else "")
        )
    notices += [
        f"trials differ in {key}: {' and '.join(values)}"
        for key, values in differences(environments).items()
    ]
    return notices + protocol_notices(study, registered)
