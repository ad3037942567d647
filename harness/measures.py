"""What a measure is, and those that are a value of the curve: final, best, mean, seconds an epoch.

A measure makes one number of one learning curve, in a stated unit. It is both the study file's
table (``{ kind = "final", metric = "val_loss" }``) and the rule that computes it, so that a
definition stands in one place. A diverged curve's last recorded values are carried forward. Times
to an event are in `harness.time_measures`; `harness.measure_kinds` lists all.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from harness.language import N_, said
from harness.stats import curves as descriptors
from harness.timed_on import UNKNOWN, TimedOn

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
        timed_on: What was around the trial while it was timed.
        watched_seconds: How long the trial was watched, where that is longer than its rows.
    """

    epoch: NDArray[np.int64]
    columns: Mapping[str, FloatArray]
    budget: int
    diverged: bool = False
    timed_on: TimedOn = UNKNOWN
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


def share_hint(level: float) -> str:
    """How a message goes on where a percentage may have been meant for a share; else nothing."""
    return f"; write {level / 100:g}" if 1 < level <= 100 else ""


def target_fault(metric: str, target: float) -> str | None:
    """Why a level of a metric can never be reached, as the end of a message; None if it can."""
    if not math.isfinite(target):
        return "is no level that can be reached"
    if is_accuracy(metric) and not 0 < target <= 1:
        return f"is outside the range of {metric}, which runs from 0 to 1{share_hint(target)}"
    if not is_accuracy(metric) and not target > 0:
        return "can never be reached: losses are above 0"
    return None


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


def steady_seconds(seconds: FloatArray) -> float:
    """Median of all epochs but the first (case G1); NaN where there is no second epoch."""
    steady = seconds[1:]
    return float(np.median(steady)) if len(steady) else math.nan


def startup_seconds(seconds: FloatArray) -> float:
    """First epoch minus the steady median: compilation, first touch of the data."""
    return float(seconds[0]) - steady_seconds(seconds)
