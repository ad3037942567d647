"""Measures that are a time to an event, possibly right-censored.

Two policies hold for all of them:

* An epoch budget that ends before the event leaves the value *right-censored* at the budget.
* A diverged curve stays at risk to its full budget: NaN weights never recover, and censoring it at
  the epoch of divergence would be informative.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from harness.language import N_, said
from harness.measures import (
    CLOCK_COLUMN,
    Clock,
    Curve,
    Measured,
    MetricMeasure,
    is_accuracy,
    steady_seconds,
    target_fault,
)
from harness.stats import curves as descriptors


class _Target(MetricMeasure):
    """A fixed level of a metric that has to be reached, and for how many epochs in a row.

    Attributes:
        target: The level to reach; accuracies run from 0 to 1.
        sustain: Epochs in a row for which the target must hold.
    """

    can_be_censored: ClassVar[bool] = True

    target: float
    sustain: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _target_in_range(self) -> _Target:
        fault = target_fault(self.metric, self.target)
        if fault is not None:
            raise ValueError(f"target {self.target:g} {fault}")
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


class _CountTo(_Target):
    """A count of epochs or steps until a metric reaches a target."""

    @property
    def label(self) -> str:
        """What is measured."""
        to = {"epochs": N_("epochs to {goal}"), "steps": N_("steps to {goal}")}
        return said(to[self.unit], goal=self.goal)

    def of(self, curve: Curve) -> Measured:
        """The first count at the target, or the budget, censored."""
        curve = curve.recorded(self.metric)
        row = self.reach(curve)
        return _never(curve) if row is None else _at_row(curve, row)


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


class SecondsTo(_Target):
    """Seconds of training until a metric reaches a target, the epoch of reaching included.

    ``clock = "cpu"`` (the default) counts processor time, which neighbours on the machine do not
    change much; ``"wall"`` counts elapsed time. Censored at the time the whole budget took; for a
    diverged curve at the time its full budget would have taken.

    Attributes:
        clock: Processor time, or elapsed time.
    """

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
            is_sparse = _at_row(known, row).earliest is not None
            return Measured(float(times[row]), earliest=before if is_sparse else None)
        if curve.watched_seconds is not None and self.clock == "wall":
            return Measured(curve.watched_seconds, True)
        missing = curve.budget - len(seconds) if curve.diverged else 0
        # after a single epoch its own time is all that is known of the others
        rest = missing * (steady_seconds(seconds) if len(seconds) > 1 else float(seconds[0]))
        return Measured(float(seconds.sum() + rest), True)


class _OwnCourse(MetricMeasure):
    """Epochs until something that a curve does by its own measure, without a fixed target."""

    can_be_censored: ClassVar[bool] = True

    @property
    def unit(self) -> str:
        """Epochs."""
        return "epochs"


class EpochsToPlateau(_OwnCourse):
    """Epochs until a curve settles at its own final level.

    The level is the mean of the last ``window`` epochs; the curve has settled at the first epoch
    from which it stays within ``within`` of the level to the end. Censored at the budget where the
    curve is still moving: the means of the last two windows differ by more than ``within``, or
    the curve has fewer than two windows.

    Attributes:
        within: How far from its final level a settled curve may be.
        window: Epochs that the final level is the mean of.
    """

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
        if curve.diverged or len(values) < 2 * window or not np.isfinite(values).all():
            return _never(curve)
        level = values[-window:].mean()
        tolerance = self.within * (1 + 1e-9)  # 0.98 - 0.97 is a hair above 0.01 in binary
        if abs(level - values[-2 * window : -window].mean()) > tolerance:
            return _never(curve)
        outside = np.flatnonzero(np.abs(values - level) > tolerance)
        settled = outside[-1] + 1 if len(outside) else 0
        return _never(curve) if settled >= len(values) else _at_row(curve, int(settled))


class EpochsToFraction(_OwnCourse):
    """Epochs until a curve has made a given fraction of its own gain from first to last epoch.

    A curve that ends as it began has made it at its first epoch. One that ends worse, whatever it
    gained on the way, made none: it is censored at the budget, as is one that diverged.

    Attributes:
        fraction: Share of the own gain that must have been made.
    """

    kind: Literal["epochs_to_fraction"]
    fraction: Annotated[float, Field(gt=0, le=1)]

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
            epoch = descriptors.gain_reach(
                curve.epoch,
                self.values(curve),
                share=self.fraction,
                higher_is_better=is_accuracy(self.metric),
            )
        return _never(curve) if math.isnan(epoch) else Measured(epoch)


def _never(curve: Curve) -> Measured:
    """What is known where the event was not seen: it takes longer than the budget."""
    return Measured(float(curve.budget), True)


def _at_row(curve: Curve, row: int) -> Measured:
    """The count at a row; to an interval where the epochs just before it were not evaluated."""
    before = float(curve.epoch[row - 1]) if row else 0.0
    value = float(curve.epoch[row])
    return Measured(value, earliest=before + 1 if value - before > 1 else None)
