"""What is compared between two results of a study: each arm on each measure worth comparing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from harness.claims import Claim, matching_arms
from harness.errors import UserError
from harness.measure_kinds import MEASURES, Measure, as_settings
from harness.measures import Final, MeanOverEpochs
from harness.study import Study

MARGINS: Mapping[str, float] = {
    "accuracy": 0.005,
    "nats": 0.01,
    "epochs": 1.0,
    "seconds": 1.0,
    "steps": 100.0,
}
"""By unit, the margin of a measure to which the study gives none."""


def side_name(arm: str, label: str) -> str:
    """What an arm of one of two results is called."""
    return f"{arm} ({label})"


def comparison_claims(
    study: Study,
    arms: Sequence[str],
    labels: tuple[str, str],
    margins: Mapping[str, float],
    *,
    times: bool,
) -> Iterator[tuple[str, Claim]]:
    """By arm, the claim that two results differ in a measure.

    Args:
        study: The study whose claims say what is worth measuring.
        arms: The arms to compare.
        labels: What the results are called; an effect is the first minus the second.
        margins: Margins by kind of measure, in place of the study's.
        times: Whether measures in seconds are compared, too.

    Raises:
        UserError: A margin is given for something that is not measured.
    """
    asked = _asked(study, arms)
    kinds = {measure.kind for _, measure, _ in asked}
    for kind in margins:
        if kind not in kinds:
            raise UserError(
                f"--margin {kind}: no measure of this kind is compared; there are: "
                f"{', '.join(sorted(kinds))}"
            )
    count = 0
    for arm, measure, margin in asked:
        if measure.unit == "seconds" and not times:
            continue
        count += 1
        yield (
            arm,
            Claim(
                id=f"c{count}",
                says=f"{arm}: {measure.label} changed",
                compare=[side_name(arm, label) for label in labels],
                measure=measure,
                expect="different",
                margin=margins.get(measure.kind, margin),
            ),
        )


def _asked(study: Study, arms: Sequence[str]) -> list[tuple[str, Measure, float]]:
    """Arm, measure and margin of all that is worth comparing.

    Each arm's final accuracy and its mean over all epochs, and what the study's claims measure on
    it; of several margins for one measure the smallest above 0.
    """
    standard: list[Measure] = [Final(kind="final"), MeanOverEpochs(kind="mean_over_epochs")]
    found: dict[tuple[str, str], tuple[Measure, list[float]]] = {}
    for arm in arms:
        for measure in standard:
            found[arm, _key(measure)] = measure, []
    for claim in study.claims:
        for side, pattern in enumerate(claim.sides):
            measure = claim.side_measure(side)
            for arm in matching_arms(pattern, arms):
                entry = found.setdefault((arm, _key(measure)), (measure, []))
                if claim.margin > 0 and claim.statistic == "mean":
                    entry[1].append(claim.margin)
    order = {arm: place for place, arm in enumerate(arms)}
    rows = sorted(found.items(), key=lambda item: order[item[0][0]])
    return [
        (arm, measure, min(known, default=MARGINS[measure.unit]))
        for (arm, _), (measure, known) in rows
    ]


def _key(measure: Measure) -> str:
    return json.dumps(as_settings(measure), sort_keys=True)


def parse_margins(given: Sequence[str]) -> dict[str, float]:
    """Margins as a command line gives them: ``final=0.01``.

    Raises:
        UserError: One is not of this form; the message says what is.
    """
    margins = {}
    for text in given:
        kind, _, number = text.partition("=")
        try:
            margins[kind] = float(number)
        except ValueError:
            margins[kind] = float("nan")
        if kind not in MEASURES or not 0 < margins[kind] < float("inf"):
            raise UserError(
                f"--margin {text}: write KIND=NUMBER, a number above 0 in the measure's unit, such "
                f"as final=0.005; kinds: {', '.join(MEASURES)}"
            )
    return margins
