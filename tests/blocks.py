"""Studies of a few epochs whose final accuracies are given: for analyses of tables of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from harness.measures import CURVE_COLUMNS
from harness.results import Results
from harness.samples import side_values
from harness.study_file import load_study
from harness.verdicts import decide
from tests.report.invented import trial_row

EPOCHS = 4


def results_of(
    folder: Path,
    toml: str,
    finals: Mapping[str, ArrayLike],
    *,
    diverged: frozenset[tuple[str, int]] = frozenset(),
) -> Results:
    """A study's results, every arm's curve rising to its given final accuracies.

    Args:
        folder: Where the study file is written.
        toml: The study file.
        finals: By arm, the final validation accuracy of each replicate.
        diverged: Trials (arm, replicate) that lost their loss in the last epoch.
    """
    file = folder / "study.toml"
    file.write_text(toml, encoding="utf-8")
    loaded = load_study(file)
    curves, trials = [], []
    for arm, values in finals.items():
        for replicate, final in enumerate(np.asarray(values, dtype=float)):
            lost = (arm, replicate) in diverged
            accuracy = final * np.linspace(0.5, 1, EPOCHS)
            loss = 1 - accuracy
            if lost:
                loss[-1] = np.nan
            own = pd.DataFrame(
                [
                    (arm, replicate, epoch, 1.0, 1.0, loss[i], accuracy[i], loss[i], accuracy[i])
                    for i, epoch in enumerate(range(1, EPOCHS + 1))
                ],
                columns=["arm", "replicate", "epoch", *CURVE_COLUMNS],
            )
            status = "diverged" if lost else "completed"
            trial = trial_row(arm, replicate, own, status=status, error=None, position=len(trials))
            curves.append(own)
            trials.append(trial)
    results = Results(
        loaded=loaded,
        curves=pd.concat(curves, ignore_index=True),
        trials=pd.DataFrame(trials),
        values=[],
        verdicts=[],
        arms={},
        environments=[],
        notices=(),
    )
    values = side_values(loaded.study, results.trial_curves)
    verdicts = decide(loaded.study, values, confirmatory={})
    return replace(results, values=values, verdicts=verdicts)
