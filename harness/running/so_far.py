"""What the stored trials of a running study say so far: a look that decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.gather import stored_curves
from harness.procedures import SignFlip
from harness.results import study_curves
from harness.samples import side_values
from harness.store import FINISHED, Store
from harness.study_file import LoadedStudy
from harness.verdicts import Verdict, decide_samples, samples_by_look


@dataclass(frozen=True)
class SoFar:
    """A running study at one moment.

    Attributes:
        blocks: Replicates whose arms are all finished.
        states: Stored trials by state.
        accuracy: By arm, finished trials and the mean of their last validation accuracies.
        verdicts: What the whole blocks would say if they were all there is; empty without two.
    """

    blocks: int
    states: Mapping[str, int]
    accuracy: Mapping[str, tuple[int, float]]
    verdicts: Sequence[Verdict]


def so_far(loaded: LoadedStudy, store: Store) -> SoFar:
    """Measure and decide on the whole blocks that are stored, without what stands beside a verdict.

    Args:
        loaded: The study.
        store: Its results, which may be written to at the same time.
    """
    study = loaded.study
    trials, curves = stored_curves(loaded, store)
    finished = trials[trials["status"].isin(FINISHED)]
    per_block = Counter(finished["replicate"])
    whole = [r for r in study.study.replicate_ids if per_block[r] == len(study.all_arms)]
    last = curves.sort_values("epoch").groupby(["arm", "replicate"]).tail(1)
    accuracy = {}
    for arm in study.all_arms:
        values = last.loc[last["arm"] == arm.name, "val_accuracy"].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        accuracy[arm.name] = (len(values), float(values.mean()) if len(values) else float("nan"))
    verdicts: Sequence[Verdict] = ()
    if len(whole) >= 2 and study.claims:
        by_trial = study_curves(study, finished, curves[curves["replicate"].isin(whole)])
        samples = samples_by_look(study, side_values(study, by_trial))
        verdicts = decide_samples(study, samples, procedure=SignFlip, family=len(study.claims))
    states = Counter(trials["status"])
    return SoFar(len(whole), dict(states), accuracy, verdicts)
