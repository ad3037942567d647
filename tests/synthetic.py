"""Studies whose right answer is known: curves given by hand, decided by the real code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from harness.measures import CURVE_COLUMNS
from harness.results import Results, curves_by_trial
from harness.samples import side_values
from harness.study_file import LoadedStudy, load_study
from harness.verdicts import decide
from tests.report.invented import DESCRIPTION, study_toml, trial_row


@dataclass(frozen=True)
class Arm:
    """An arm's curves, one row a replicate.

    Attributes:
        accuracy: Validation accuracy, shape (replicates, epochs).
        loss: Validation loss of the same shape; a function of the accuracy if not given.
        diverged: Replicates whose curve ends early or has no loss.
        seconds: Seconds of an epoch.
    """

    accuracy: ArrayLike
    loss: ArrayLike | None = None
    diverged: Sequence[int] = ()
    seconds: float = 2.0

    def rows(self, name: str) -> pd.DataFrame:
        """The arm's rows of the curve table; epochs whose accuracy is NaN were never trained."""
        accuracy = np.asarray(self.accuracy, dtype=float)
        loss = 3 * (1 - accuracy) if self.loss is None else np.asarray(self.loss, dtype=float)
        n, epochs = accuracy.shape
        table = pd.DataFrame(
            {
                "arm": name,
                "replicate": np.repeat(np.arange(n), epochs),
                "epoch": np.tile(np.arange(1, epochs + 1), n),
                "seconds": self.seconds,
                "cpu_seconds": self.seconds,
                "loss": loss.ravel(),
                "accuracy": accuracy.ravel(),
                "val_loss": loss.ravel(),
                "val_accuracy": accuracy.ravel(),
            }
        )
        return table[np.isfinite(accuracy.ravel())]


def claim_toml(
    id_: str,
    compare: tuple[str, str],
    measure: str,
    *,
    expect: str = "greater",
    margin: float = 0.0,
    more: str = "",
) -> str:
    """One ``[[claims]]`` table."""
    return (
        f'[[claims]]\nid = "{id_}"\nsays = "The claim {id_}."\n'
        f'compare = ["{compare[0]}", "{compare[1]}"]\nmeasure = {{ {measure} }}\n'
        f'expect = "{expect}"\nmargin = {margin}\n{more}\n'
    )


def load(
    folder: Path, arms: Mapping[str, Arm], claims: str, *, extra: str = "", data: str = "mnist-5k"
) -> LoadedStudy:
    """A study file for these arms."""
    shapes = [np.asarray(arm.accuracy).shape for arm in arms.values()]
    text = study_toml(
        list(arms),
        claims,
        replicates=max(shape[0] for shape in shapes),
        epochs=max(shape[1] for shape in shapes),
        extra=extra,
    )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "study.toml"
    file.write_text(text.replace('name = "mnist-5k"', f'name = "{data}"'), encoding="utf-8")
    return load_study(file)


def make(
    folder: Path,
    arms: Mapping[str, Arm],
    claims: str = "",
    *,
    extra: str = "",
    data: str = "mnist-5k",
    failed: Sequence[tuple[str, int]] = (),
    is_paired: bool = True,
    withdrawn: int = 0,
) -> Results:
    """The results of a study with exactly these curves."""
    loaded = load(folder, arms, claims, extra=extra, data=data)
    curves = pd.concat([arm.rows(name) for name, arm in arms.items()], ignore_index=True)
    trials = []
    for (name, replicate), rows in curves.groupby(["arm", "replicate"], sort=False):
        key = (str(name), int(str(replicate)))
        status = "diverged" if key[1] in arms[key[0]].diverged else "completed"
        status = "failed" if key in failed else status
        error = "boom" if key in failed else None
        trials.append(trial_row(*key, rows, status=status, error=error, position=len(trials)))
    lost = [(row["arm"], row["replicate"]) for row in trials if row["status"] == "diverged"]
    keys = list(zip(curves["arm"], curves["replicate"], strict=True))
    curves = curves[[key not in set(failed) for key in keys]]
    study = loaded.study
    by_trial = curves_by_trial(
        curves, {arm.name: study.epochs_of(arm) for arm in study.all_arms}, set(lost)
    )
    values = side_values(study, by_trial)
    return Results(
        loaded=loaded,
        curves=curves[["arm", "replicate", "epoch", *CURVE_COLUMNS]].reset_index(drop=True),
        trials=pd.DataFrame(trials),
        values=values,
        verdicts=decide(
            study,
            values,
            confirmatory={claim.id: True for claim in study.claims},
            is_paired=is_paired,
            withdrawn=withdrawn,
        ),
        arms=dict.fromkeys(arms, DESCRIPTION),
        environments=[{"python": "3.11.9"}],
        notices=(),
        withdrawn=withdrawn,
    )
