"""The values behind claims, grouped the way that figures and tables show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.claims import Claim
from harness.language import _
from harness.measure_kinds import Measure
from harness.measures import Measured
from harness.prose.phrases import subject
from harness.results import Results

Values = Mapping[int, Measured]  # by replicate


@dataclass(frozen=True)
class Row:
    """One arm's values of a measure, under the label that the figure gives it."""

    label: str
    arm: str
    values: Values

    @property
    def known(self) -> list[Measured]:
        """The values that are numbers."""
        return [m for m in self.values.values() if math.isfinite(m.value)]

    @property
    def reached(self) -> int:
        """How many trials reached the event."""
        return sum(not m.censored for m in self.known)

    def up_to(self, horizon: float) -> Row:
        """The row as it was known at a horizon: whatever took longer was not reached then."""
        cut = {
            replicate: Measured(min(m.value, horizon), m.censored or m.value > horizon)
            for replicate, m in self.values.items()
            if math.isfinite(m.value)
        }
        return replace(self, values={**self.values, **cut})


@dataclass(frozen=True)
class MeasuredArms:
    """One measure in every arm that some claim asks it of.

    Attributes:
        measure: The measure; one with its epoch left open where the rows are of several epochs.
        rows: The arms' values.
    """

    measure: Measure
    rows: list[Row]

    @property
    def title(self) -> str:
        """The measure in words, as a heading."""
        text = subject(self.measure)
        return text[:1].upper() + text[1:]

    @property
    def has_times(self) -> bool:
        """Whether this is a time to an event, with a finite time in any trial."""
        return self.measure.can_be_censored and any(row.known for row in self.rows)

    @property
    def horizon(self) -> float | None:
        """The earliest time at which a trial was watched no longer; None if all got there."""
        return min((m.value for row in self.rows for m in row.known if m.censored), default=None)

    @property
    def restricted(self) -> list[Row]:
        """The rows up to the horizon, where means are taken as a verdict takes them."""
        horizon = self.horizon
        return self.rows if horizon is None else [row.up_to(horizon) for row in self.rows]


def measured_arms(results: Results) -> list[MeasuredArms]:
    """The study's measures, each once, in the order of the claims that ask for them."""
    study = results.loaded.study
    claims = {claim.id: claim for claim in study.claims}
    values: dict[str, dict[tuple[str, str], dict[int, Measured]]] = {}
    for value in results.values:
        claim = claims[value.claim]
        labelled = (value.arm, _label(claim, value.side, value.arm))
        rows = values.setdefault(claim.measure.model_dump_json(), {})
        rows.setdefault(labelled, {})[value.replicate] = value.measured
    order = {arm.name: place for place, arm in enumerate(study.all_arms)}
    measures = {claim.measure.model_dump_json(): claim.measure for claim in study.claims}
    return [
        MeasuredArms(
            measure,
            sorted(
                (Row(label, arm, of_trials) for (arm, label), of_trials in values[key].items()),
                key=lambda row: (order[row.arm], row.label),
            ),
        )
        for key, measure in measures.items()
        if key in values
    ]


def _label(claim: Claim, side: int, arm: str) -> str:
    epoch = claim.at_epochs[side % 2] if claim.at_epochs else None
    if epoch is None:
        return arm
    if epoch == "last":
        return _("{arm} (last epoch)").format(arm=arm)
    return _("{arm} (epoch {epoch})").format(arm=arm, epoch=epoch)
