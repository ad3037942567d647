"""All kinds of measure that a study file can name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from harness.measures import (
    AtEpoch,
    Best,
    Final,
    MeanOverEpochs,
    MeasureBase,
    Rise,
    SecondsPerEpoch,
)
from harness.time_measures import (
    EpochsTo,
    EpochsToFraction,
    EpochsToPlateau,
    SecondsTo,
    StepsTo,
)

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


def as_settings(measure: MeasureBase) -> dict[str, Any]:
    """A measure as the plain table that a study file or a hash holds."""
    return measure.model_dump(mode="json", exclude_none=True)
