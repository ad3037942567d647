"""Measures: one number from one learning curve, in a stated unit, possibly right-censored.

A measure is both the study file's table (``{ kind = "epochs_to", target = 0.98 }``) and the rule
that computes it, so that a definition stands in one place. Two policies hold for all of them:

* An epoch budget that ends before the event leaves the value *right-censored* at the budget.
* A diverged curve stays at risk to its full budget (NaN weights never recover; censoring it at the
  epoch of divergence would be informative) and its last recorded values are carried forward.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.language import N_, said
from harness.stats import curves as descriptors

FloatArray = NDArray[np.float64]
Metric = Literal["accuracy", "val_accuracy", "loss", "val_loss"]
Clock = Literal["wall", "cpu"]
CURVE_COLUMNS = ("seconds", "cpu_seconds", "loss", "accuracy", "val_loss", "val_accuracy")
"""What a curve has of each epoch."""
CLOCK_COLUMN: Mapping[str, str] = {"wall": "seconds", "cpu": "cpu_seconds"}


@dataclass(frozen=True)
class Curve:
    """The rows of one trial.

    Attributes:
        epoch: Epoch numbers, shape ``(e,)``, increasing, from 1.
        columns: Values per epoch by column name, each of shape ``(e,)``; NaN where not recorded.
        budget: Number of epochs that the trial was given.
        diverged: Whether the loss stopped being finite.
        jobs: How many trials ran at a time while this one was timed; None where not known.
        watched_seconds: How long the trial was watched, where that is longer than its rows.
    """

    epoch: NDArray[np.int64]
    columns: Mapping[str, FloatArray]
    budget: int
    diverged: bool = False
    jobs: int | None = None
    watched_seconds: float | None = None

    def recorded(self, metric: str) -> Curve:
        """The rows that hold a number of a metric; seconds of the others go to the next of them.

        Once a diverged trial has lost its loss, it stays lost: those rows are kept.
        """
        there = np.isfinite(self.columns[metric])
        if self.diverged and not is_accuracy(metric) and there.any():
            there[np.flatnonzero(there)[-1] :] = True
        if there.all() or not there.any():
            return self
        rows = np.flatnonzero(there)
        columns = {name: values[rows] for name, values in self.columns.items()}
        starts = np.concatenate([[0], rows[:-1] + 1])
        for clock in columns.keys() & set(CLOCK_COLUMN.values()):
            columns[clock] = np.add.reduceat(self.columns[clock][: rows[-1] + 1], starts)
        return replace(self, epoch=self.epoch[rows], columns=columns)


@dataclass(frozen=True)
class Measured:
    """The value of a measure on one curve; ``censored`` means "not reached by ``value``".

    Where a curve was not evaluated at every epoch, a time is known to an interval only: ``value``
    is its upper end, ``earliest`` its lower one.
    """

    value: float
    censored: bool = False
    earliest: float | None = None


def is_accuracy(metric: str) -> bool:
    """Whether a metric is a share between 0 and 1 of which more is better."""
    return metric.endswith("accuracy")


class MeasureBase(BaseModel, ABC):
    """What every measure has: strict settings, a unit, and a value for a curve."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    can_be_censored: ClassVar[bool] = False

    @property
    @abstractmethod
    def unit(self) -> str:
        """The unit of the value, of effects and of margins."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What is measured, in a few words for tables and axes."""

    @abstractmethod
    def of(self, curve: Curve) -> Measured:
        """Compute the measure on one curve."""


class MetricMeasure(MeasureBase):
    """A measure of one metric's values.

    Attributes:
        metric: The column of the curve.
    """

    metric: Metric = "val_accuracy"

    @property
    def unit(self) -> str:
        """``accuracy`` (a share from 0 to 1) or ``nats`` (cross-entropy)."""
        return "accuracy" if is_accuracy(self.metric) else "nats"

    def values(self, curve: Curve) -> FloatArray:
        """The metric by epoch."""
        return curve.columns[self.metric]


class _Target(BaseModel):
    """A fixed level of a metric that has to be reached, and for how many epochs in a row.

    Attributes:
        metric: The column of the curve.
        target: The level to reach; accuracies run from 0 to 1.
        sustain: Epochs in a row for which the target must hold.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    metric: Metric = "val_accuracy"
    target: float
    sustain: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _target_in_range(self) -> _Target:
        if is_accuracy(self.metric) and not 0 < self.target <= 1:
            hint = f"; write {self.target / 100:g}" if 1 < self.target <= 100 else ""
            raise ValueError(
                f"target {self.target:g} is outside the range of {self.metric}, which runs from "
                f"0 to 1{hint}"
            )
        if not is_accuracy(self.metric) and not self.target > 0:
            raise ValueError(f"target {self.target:g} can never be reached: losses are above 0")
        return self

    def reach(self, curve: Curve) -> int | None:
        """Index of the row that begins the first ``sustain`` epochs at or past the target."""
        epoch = descriptors.first_reach(
            curve.epoch,
            curve.columns[self.metric],
            self.target,
            sustain=self.sustain,
            higher_is_better=is_accuracy(self.metric),
        )
        return None if math.isnan(epoch) else int(np.searchsorted(curve.epoch, epoch))

    @property
    def goal(self) -> str:
        """The target in words."""
        comparison = "≥" if is_accuracy(self.metric) else "≤"
        template = N_("{metric} {comparison} {target}")
        if self.sustain > 1:
            template = N_("{metric} {comparison} {target} for {sustain} epochs")
        return said(
            template,
            metric=self.metric,
            comparison=comparison,
            target=f"{self.target:g}",
            sustain=self.sustain,
        )


class _CountTo(_Target, MeasureBase):
    """A count of epochs or steps until a metric reaches a target."""

    can_be_censored: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """What is measured."""
        to = {"epochs": N_("epochs to {goal}"), "steps": N_("steps to {goal}")}
        return said(to[self.unit], goal=self.goal)

    def of(self, curve: Curve) -> Measured:
        """The first count at the target, or the budget, censored."""
        curve = curve.recorded(self.metric)
        row = self.reach(curve)
        return Measured(float(curve.budget), True) if row is None else at_row(curve, row)


class EpochsTo(_CountTo):
    """Epochs until a metric reaches a target and holds it for ``sustain`` epochs in a row.

    Censored at the budget when the curve ends before that was seen.
    """

    kind: Literal["epochs_to"]

    @property
    def unit(self) -> str:
        """Epochs."""
        return "epochs"


class StepsTo(_CountTo):
    """Steps until a metric reaches a target, for logs from elsewhere that count steps.

    ``sustain`` counts evaluations. Censored at the last step of the log.
    """

    kind: Literal["steps_to"]

    @property
    def unit(self) -> str:
        """Steps."""
        return "steps"


class SecondsTo(_Target, MeasureBase):
    """Seconds of training until a metric reaches a target, the epoch of reaching included.

    ``clock = "cpu"`` (the default) counts processor time, which neighbours on the machine do not
    change much; ``"wall"`` counts elapsed time. Censored at the time the whole budget took; for a
    diverged curve at the time its full budget would have taken.

    Attributes:
        clock: Processor time, or elapsed time.
    """

    can_be_censored: ClassVar[bool] = True
    kind: Literal["seconds_to"]
    clock: Clock = "cpu"

    @property
    def unit(self) -> str:
        """Seconds."""
        return "seconds"

    @property
    def label(self) -> str:
        """What is measured."""
        return said("{clock} seconds to {goal}", clock=self.clock, goal=self.goal)

    def of(self, curve: Curve) -> Measured:
        """Sum of the epochs' seconds up to the target, or over the budget, censored."""
        seconds = curve.columns[CLOCK_COLUMN[self.clock]]
        known = curve.recorded(self.metric)
        row = self.reach(known)
        if row is not None:
            times = np.cumsum(known.columns[CLOCK_COLUMN[self.clock]])
            before = float(times[row - 1]) if row else 0.0
            is_sparse = at_row(known, row).earliest is not None
            return Measured(float(times[row]), earliest=before if is_sparse else None)
        if curve.watched_seconds is not None and self.clock == "wall":
            return Measured(curve.watched_seconds, True)
        missing = curve.budget - len(seconds) if curve.diverged else 0
        # after a single epoch its own time is all that is known of the others
        rest = missing * (steady_seconds(seconds) if len(seconds) > 1 else float(seconds[0]))
        return Measured(float(seconds.sum() + rest), True)


class EpochsToPlateau(MetricMeasure):
    """Epochs until a curve settles at its own final level.

    The level is the mean of the last ``window`` epochs; the curve has settled at the first epoch
    from which it stays within ``within`` of the level to the end. Censored at the budget where the
    curve is still moving: the means of the last two windows differ by more than ``within``, or
    the curve has fewer than two windows.

    Attributes:
        within: How far from its final level a settled curve may be.
        window: Epochs that the final level is the mean of.
    """

    can_be_censored: ClassVar[bool] = True
    kind: Literal["epochs_to_plateau"]
    within: Annotated[float, Field(gt=0)]
    window: Annotated[int, Field(ge=1)] = 5

    @model_validator(mode="after")
    def _within_in_range(self) -> EpochsToPlateau:
        if is_accuracy(self.metric) and self.within >= 1:
            raise ValueError(
                f"within {self.within:g} is wider than {self.metric}, which runs from 0 to 1; "
                f"write {self.within / 100:g} for {self.within:g} points"
            )
        return self

    @property
    def unit(self) -> str:
        """Epochs."""
        return "epochs"

    @property
    def label(self) -> str:
        """What is measured."""
        return said(
            "epochs until {metric} stays within {within} of its final level",
            metric=self.metric,
            within=f"{self.within:g}",
        )

    def of(self, curve: Curve) -> Measured:
        """First settled epoch, or the budget, censored."""
        curve = curve.recorded(self.metric)
        values, window = self.values(curve), self.window
        never = Measured(float(curve.budget), True)
        if curve.diverged or len(values) < 2 * window or not np.isfinite(values).all():
            return never
        level = values[-window:].mean()
        tolerance = self.within * (1 + 1e-9)  # 0.98 - 0.97 is a hair above 0.01 in binary
        if abs(level - values[-2 * window : -window].mean()) > tolerance:
            return never
        outside = np.flatnonzero(np.abs(values - level) > tolerance)
        settled = outside[-1] + 1 if len(outside) else 0
        return never if settled >= len(values) else at_row(curve, int(settled))


class EpochsToFraction(MetricMeasure):
    """Epochs until a curve has made a given fraction of its own gain from first to last epoch.

    A curve without a gain has made it at its first epoch. Censored at the budget if diverged.

    Attributes:
        fraction: Share of the own gain that must have been made.
    """

    can_be_censored: ClassVar[bool] = True
    kind: Literal["epochs_to_fraction"]
    fraction: Annotated[float, Field(gt=0, le=1)]

    @property
    def unit(self) -> str:
        """Epochs."""
        return "epochs"

    @property
    def label(self) -> str:
        """What is measured."""
        return said(
            "epochs to {share} of the own gain in {metric}",
            share=f"{self.fraction:.0%}",
            metric=self.metric,
        )

    def of(self, curve: Curve) -> Measured:
        """First epoch at the level, or the budget, censored."""
        curve = curve.recorded(self.metric)
        epoch = math.nan
        if not curve.diverged:
            epoch = descriptors.gain_reach(curve.epoch, self.values(curve), share=self.fraction)
        return Measured(float(curve.budget), True) if math.isnan(epoch) else Measured(epoch)


class Final(MetricMeasure):
    """The metric after the last epoch; for a diverged curve its last recorded value."""

    kind: Literal["final"]

    @property
    def label(self) -> str:
        """What is measured."""
        return said("final {metric}", metric=self.metric)

    def of(self, curve: Curve) -> Measured:
        """Last value; NaN where it is not a number."""
        return Measured(float(self.values(curve.recorded(self.metric))[-1]))


class Best(MetricMeasure):
    """The best value of the metric over all epochs (optimistic: it is picked after the fact)."""

    kind: Literal["best"]

    @property
    def label(self) -> str:
        """What is measured."""
        return said("best {metric}", metric=self.metric)

    def of(self, curve: Curve) -> Measured:
        """Largest accuracy or smallest loss; NaN where no epoch has a number."""
        best, _ = descriptors.best(
            curve.epoch, self.values(curve), higher_is_better=is_accuracy(self.metric)
        )
        return Measured(best)


class AtEpoch(MetricMeasure):
    """The metric after a given epoch (``"last"`` for the budget's last).

    Attributes:
        epoch: Which epoch; the claim's ``at_epochs`` may say it instead.
    """

    kind: Literal["at_epoch"]
    epoch: Annotated[int, Field(ge=1)] | Literal["last"] | None = None

    @property
    def label(self) -> str:
        """What is measured."""
        template = N_("{metric} at epoch {epoch}")
        if self.epoch is None:
            template = N_("{metric} at an epoch")
        elif self.epoch == "last":
            template = N_("{metric} at the last epoch")
        return said(template, metric=self.metric, epoch=self.epoch)

    def of(self, curve: Curve) -> Measured:
        """Value at the epoch; NaN where that epoch was not recorded."""
        if self.epoch is None:
            raise ValueError("at_epoch needs an epoch")
        curve = curve.recorded(self.metric)
        values = self.values(curve)
        if self.epoch == "last" or (curve.diverged and self.epoch > curve.epoch[-1]):
            return Measured(float(values[-1]))
        at = np.flatnonzero(curve.epoch == self.epoch)
        return Measured(float(values[at[0]]) if len(at) else math.nan)


class MeanOverEpochs(MetricMeasure):
    """The mean of the metric over training: area under the curve (trapezoid) by its length."""

    kind: Literal["mean_over_epochs"]

    @property
    def label(self) -> str:
        """What is measured."""
        return said("mean {metric} over all epochs", metric=self.metric)

    def of(self, curve: Curve) -> Measured:
        """Normalised area; a diverged curve is carried forward to its budget."""
        curve = curve.recorded(self.metric)
        epoch, values = curve.epoch.astype(float), self.values(curve)
        if curve.diverged and epoch[-1] < curve.budget:
            epoch = np.append(epoch, float(curve.budget))
            values = np.append(values, values[-1])
        if not np.isfinite(values).all():
            return Measured(math.nan)
        return Measured(descriptors.area_under_curve(epoch, values, normalised=True))


class Rise(MetricMeasure):
    """How far a loss ends above its own minimum: the footprint of overfitting."""

    kind: Literal["rise"]
    metric: Literal["loss", "val_loss"] = "val_loss"

    @property
    def label(self) -> str:
        """What is measured."""
        return said("rise of {metric} above its minimum", metric=self.metric)

    def of(self, curve: Curve) -> Measured:
        """Last value minus the smallest; NaN where the last is not a number."""
        values = self.values(curve.recorded(self.metric))
        if np.isnan(values[-1]):
            return Measured(math.nan)
        return Measured(float(values[-1] - np.nanmin(values)))


class SecondsPerEpoch(MeasureBase):
    """Median seconds of the steady epochs: all but the first, which holds start-up work.

    Attributes:
        clock: Processor time, or elapsed time.
    """

    kind: Literal["seconds_per_epoch"]
    clock: Clock = "cpu"

    @property
    def unit(self) -> str:
        """Seconds."""
        return "seconds"

    @property
    def label(self) -> str:
        """What is measured."""
        return said("{clock} seconds per steady epoch", clock=self.clock)

    def of(self, curve: Curve) -> Measured:
        """Median over epochs 2 and later; NaN for a curve of one epoch."""
        return Measured(steady_seconds(curve.columns[CLOCK_COLUMN[self.clock]]))


Measure = Annotated[
    EpochsTo
    | StepsTo
    | SecondsTo
    | EpochsToPlateau
    | EpochsToFraction
    | Final
    | Best
    | AtEpoch
    | MeanOverEpochs
    | Rise
    | SecondsPerEpoch,
    Field(discriminator="kind"),
]
MEASURES: Mapping[str, type[MeasureBase]] = {
    "epochs_to": EpochsTo,
    "steps_to": StepsTo,
    "seconds_to": SecondsTo,
    "epochs_to_plateau": EpochsToPlateau,
    "epochs_to_fraction": EpochsToFraction,
    "final": Final,
    "best": Best,
    "at_epoch": AtEpoch,
    "mean_over_epochs": MeanOverEpochs,
    "rise": Rise,
    "seconds_per_epoch": SecondsPerEpoch,
}


def at_row(curve: Curve, row: int) -> Measured:
    """The count at a row; to an interval where the epochs just before it were not evaluated."""
    before = float(curve.epoch[row - 1]) if row else 0.0
    value = float(curve.epoch[row])
    return Measured(value, earliest=before + 1 if value - before > 1 else None)


def steady_seconds(seconds: FloatArray) -> float:
    """Median of all epochs but the first (case G1); NaN where there is no second epoch."""
    steady = seconds[1:]
    return float(np.median(steady)) if len(steady) else math.nan


def startup_seconds(seconds: FloatArray) -> float:
    """First epoch minus the steady median: tracing, compilation, first touch of the data."""
    return float(seconds[0]) - steady_seconds(seconds)


def as_settings(measure: MeasureBase) -> dict[str, Any]:
    """A measure as the plain table that a study file or a hash holds."""
    return measure.model_dump(mode="json", exclude_none=True)
