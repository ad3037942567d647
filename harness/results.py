"""Everything a report is made of, in one immutable object; no TensorFlow needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from harness.logs.run import Run
from harness.measure_kinds import Measure
from harness.measures import CURVE_COLUMNS, Curve
from harness.samples import SideValue
from harness.stopping import Look, looks_reached
from harness.study import Study
from harness.study_file import LoadedStudy
from harness.timed_on import UNKNOWN, TimedOn, timed_on
from harness.verdicts import Verdict
from harness.verification import Verification


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
        by_look: Where the study looks at its data several times: the verdicts as they stood at each
            declared look taken, the latest last.
        withdrawn: Claims of the protocol that the study no longer makes; they keep their place in
            the family of tests.
        verification: The latest reproducibility audit of the store; None if there was none.
        runs: Where others trained the trials: what their logs told, in the order of ``trials``.
        asked: Measures to show of those runs, whether or not a claim compares them.
    """

    loaded: LoadedStudy
    curves: pd.DataFrame
    trials: pd.DataFrame
    values: list[SideValue]
    verdicts: list[Verdict]
    arms: Mapping[str, ArmDescription]
    environments: list[Mapping[str, object]]
    notices: tuple[str, ...]
    by_look: Sequence[Sequence[Verdict]] = ()
    withdrawn: int = 0
    verification: Verification | None = None
    runs: Sequence[Run] = ()
    asked: Sequence[Measure] = ()

    @property
    def is_paired(self) -> bool:
        """Whether trials of the same replicate were compared with each other."""
        study = self.loaded.study
        return study.is_paired and all(verdict.is_paired for verdict in self.verdicts)

    @property
    def family(self) -> int:
        """Claims in the family of tests, those withdrawn included."""
        return len(self.loaded.study.claims) + self.withdrawn

    @property
    def attempted(self) -> set[tuple[str, int]]:
        """The trials (arm, replicate) that ended, however they ended."""
        return trial_keys(self.trials)

    @property
    def looks(self) -> list[Look]:
        """The declared looks whose trials have all been attempted."""
        return looks_reached(self.loaded.study, self.attempted)

    @cached_property
    def trial_curves(self) -> Mapping[tuple[str, int], Curve]:
        """Every finished trial's curve, by arm and replicate; made once for all analyses.

        Seconds with a pause in them that nobody has declared are not known.
        """
        study = self.loaded.study
        around = timed_on(
            self.trials, self.environments, is_timed_alone=study.study.timing == "exclusive"
        )
        curves = study_curves(study, self.trials, self.curves, around)
        keys = zip(self.trials["arm"], self.trials["replicate"], strict=True)
        for key, run in zip(keys, self.runs, strict=False):  # of a study's own trials no runs
            if not run.is_timed:
                unknown = np.full(len(curves[key].epoch), np.nan)
                columns = {**curves[key].columns, "seconds": unknown}
                curves[key] = replace(curves[key], columns=columns)
        return curves


def trial_keys(trials: pd.DataFrame) -> set[tuple[str, int]]:
    """Arm and replicate of each trial of a table, as in `Results`."""
    return set(zip(trials["arm"], trials["replicate"], strict=True))


def curves_by_trial(
    curves: pd.DataFrame,
    budgets: Mapping[str, int],
    diverged: set[tuple[str, int]],
    around: Mapping[tuple[str, int], TimedOn] | None = None,
) -> dict[tuple[str, int], Curve]:
    """The tidy table as one `Curve` a trial.

    Args:
        curves: Rows with arm, replicate, epoch and `CURVE_COLUMNS`.
        budgets: Epoch budget by arm.
        diverged: Trials (arm, replicate) whose loss stopped being finite.
        around: By trial, what was around it while it was timed, where known.
    """
    around = around or {}
    keyed = {}
    ordered = curves.sort_values(["arm", "replicate", "epoch"])
    sizes = ordered.groupby(["arm", "replicate"], sort=False).size()
    # plain arrays, cut by hand: a table of its own for each of thousands of trials takes seconds
    epochs = ordered["epoch"].to_numpy(dtype=np.int64)
    columns = {name: ordered[name].to_numpy(dtype=float) for name in CURVE_COLUMNS}
    stop = 0
    for (arm, replicate), size in zip(sizes.index.tolist(), sizes.tolist(), strict=True):
        start, stop = stop, stop + size
        key = (str(arm), int(str(replicate)))
        keyed[key] = Curve(
            epoch=epochs[start:stop],
            columns={name: values[start:stop] for name, values in columns.items()},
            # a trial that ended in peace was watched as long as it has rows, no longer
            budget=budgets[str(arm)] if key in diverged else int(epochs[stop - 1]),
            diverged=key in diverged,
            timed_on=around.get(key, UNKNOWN),
        )
    return keyed


def study_curves(
    study: Study,
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    around: Mapping[tuple[str, int], TimedOn] | None = None,
) -> dict[tuple[str, int], Curve]:
    """The curves of a study's trials, each with its arm's budget and whether it diverged.

    Args:
        study: The study.
        trials: Rows with arm, replicate and status.
        curves: As in `Results`.
        around: As `curves_by_trial`.
    """
    lost = trials[trials["status"] == "diverged"]
    return curves_by_trial(
        curves,
        {arm.name: study.epochs_of(arm) for arm in study.all_arms},
        trial_keys(lost),
        around,
    )
