"""Everything a report is made of, in one immutable object; no TensorFlow needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.measures import Curve
from harness.samples import SideValue
from harness.study_file import LoadedStudy
from harness.verdicts import Verdict

CURVE_COLUMNS = ["seconds", "cpu_seconds", "loss", "accuracy", "val_loss", "val_accuracy"]


@dataclass(frozen=True)
class ArmDescription:
    """What an arm turned out to be once Keras built it.

    Attributes:
        parameters: Trainable parameters of the model.
        layers: One line a layer, e.g. ``"Dense 512 relu"``.
        optimizer: Effective optimizer settings, defaults included.
        notes: What a reader may want to know about the settings ("Adadelta's rate was 1.0 …").
    """

    parameters: int
    layers: tuple[str, ...]
    optimizer: Mapping[str, object]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """A study's outcome.

    Attributes:
        loaded: The study and where it came from.
        curves: One row an epoch: arm, replicate, epoch and `CURVE_COLUMNS`; NaN where a value is
            not a number.
        trials: One row a trial: arm, replicate, status (completed, diverged, failed), fingerprint,
            epochs, seconds, cpu_seconds, peak_memory_mb, threads, jobs, position, attempts, error,
            environment (index into ``environments``).
        values: The measures behind the verdicts.
        verdicts: One a claim, in the study's order.
        arms: What each arm turned out to be, by name.
        environments: The machines and package versions that trained the trials.
        notices: What the reader must know about the whole study.
    """

    loaded: LoadedStudy
    curves: pd.DataFrame
    trials: pd.DataFrame
    values: list[SideValue]
    verdicts: list[Verdict]
    arms: Mapping[str, ArmDescription]
    environments: list[Mapping[str, object]]
    notices: tuple[str, ...]


def curves_by_trial(
    curves: pd.DataFrame, budgets: Mapping[str, int], diverged: set[tuple[str, int]]
) -> dict[tuple[str, int], Curve]:
    """The tidy table as one `Curve` a trial.

    Args:
        curves: Rows with arm, replicate, epoch and `CURVE_COLUMNS`.
        budgets: Epoch budget by arm.
        diverged: Trials (arm, replicate) whose loss stopped being finite.
    """
    keyed = {}
    for (arm, replicate), rows in curves.sort_values("epoch").groupby(["arm", "replicate"]):
        key = (str(arm), int(str(replicate)))
        keyed[key] = Curve(
            epoch=rows["epoch"].to_numpy(dtype=np.int64),
            columns={name: rows[name].to_numpy(dtype=float) for name in CURVE_COLUMNS},
            budget=budgets[str(arm)],
            diverged=key in diverged,
        )
    return keyed
