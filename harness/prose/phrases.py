"""Measures in words: what each is about, and how a difference in it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from harness.measures import AtEpoch, EpochsTo, Measure, SecondsTo, StepsTo, is_accuracy
from harness.quantities import percent, unit_noun
from harness.study import Claim

Way = Literal["more", "less"]
METRICS: Mapping[str, str] = {
    "accuracy": "training accuracy",
    "val_accuracy": "validation accuracy",
    "loss": "training loss",
    "val_loss": "validation loss",
}
_SUBJECTS: Mapping[str, str] = {
    "epochs_to": "epochs to {goal}",
    "steps_to": "steps to {goal}",
    "seconds_to": "{seconds} to {goal}",
    "epochs_to_plateau": "epochs until {metric} settles",
    "epochs_to_fraction": "epochs to {share} of the own gain in {metric}",
    "final": "final {metric}",
    "best": "best {metric}",
    "at_epoch": "{metric}{at}",
    "mean_over_epochs": "mean {metric} over all epochs",
    "rise": "rise of {metric} above its own minimum",
    "seconds_per_epoch": "{seconds} per epoch after the first",
}
_REACHED = "{a} needs {difference} than {b} to reach a {goal}"
_COMPARISONS: Mapping[str, str] = {
    "epochs_to": _REACHED,
    "steps_to": _REACHED,
    "seconds_to": _REACHED,
    "epochs_to_plateau": "{a} needs {difference} than {b} until its {metric} settles",
    "epochs_to_fraction": "{a} needs {difference} than {b} to make {share} of its own gain in "
    "{metric}",
    "rise": "{metric} ends {difference} above its own minimum with {a} than with {b}",
    "seconds_per_epoch": "an epoch takes {difference} with {a} than with {b}",
}
_LEVEL = "{subject} is {difference} with {a} than with {b}"


def subject(measure: Measure) -> str:
    """What a measure is about: "final validation accuracy", "epochs to validation loss of 0.1"."""
    template = _SUBJECTS.get(measure.kind)
    return template.format(**_parts(measure)) if template else measure.label


def difference(measure: Measure, way: Way, size: str = "") -> str:
    """A difference in a measure: "3.4 more epochs", "0.8 points higher"; or, sizeless, "higher"."""
    if measure.unit in {"epochs", "steps", "seconds"}:
        noun = _seconds(measure) if measure.unit == "seconds" else unit_noun(measure.unit, size)
        return f"{size} {'more' if way == 'more' else 'fewer'} {noun}".strip()
    level = "higher" if way == "more" else "lower"
    return f"{size} {unit_noun(measure.unit, size)} {level}" if size else level


def claim_subject(claim: Claim) -> str:
    """What a claim is about: its measure, or the spread of its measure."""
    about = subject(claim.measure)
    return f"the spread of {about}" if claim.statistic == "spread" else about


def claim_difference(claim: Claim, way: Way, size: str = "") -> str:
    """A difference in what a claim is about: "3.4 more epochs"; of spreads "0.2 epochs larger"."""
    if claim.statistic == "mean":
        return difference(claim.measure, way, size)
    level = "larger" if way == "more" else "smaller"
    return f"{size} {unit_noun(claim.measure.unit, size)} {level}" if size else level


def compared(claim: Claim, sides: tuple[str, str], way: Way, size: str = "") -> str:
    """A difference as a clause: "A needs 3.4 more epochs than B to reach …"."""
    told, about = claim_difference(claim, way, size), claim_subject(claim)
    if claim.at_epochs is not None and claim.compare[0] == claim.compare[1]:
        first, second = (
            "at its last epoch" if epoch == "last" else f"at epoch {epoch}"
            for epoch in claim.at_epochs
        )
        about = f"the {about.removeprefix('the ')} of {claim.compare[0]}"
        return f"{about} is {told} {first} than {second}"
    is_mean = claim.statistic == "mean"
    template = _COMPARISONS.get(claim.measure.kind, _LEVEL) if is_mean else _LEVEL
    return template.format(
        **_parts(claim.measure),
        subject=about,
        difference=told,
        a=sides[0],
        b=sides[1],
    )


def _parts(measure: Measure) -> dict[str, str]:
    """The words that templates are filled with, as far as the measure has them."""
    parts = {"metric": METRICS.get(getattr(measure, "metric", ""), "")}
    if isinstance(measure, EpochsTo | StepsTo | SecondsTo):
        parts["goal"] = _goal(measure)
    if measure.unit == "seconds":
        parts["seconds"] = _seconds(measure)
    if isinstance(measure, AtEpoch):
        at = "the last epoch" if measure.epoch == "last" else f"epoch {measure.epoch}"
        parts["at"] = f" at {at}" if measure.epoch is not None else ""
    if hasattr(measure, "fraction"):
        parts["share"] = percent(measure.fraction)
    return parts


def _goal(measure: EpochsTo | StepsTo | SecondsTo) -> str:
    target = percent(measure.target) if is_accuracy(measure.metric) else f"{measure.target:g} nats"
    held = f" for {measure.sustain} epochs in a row" if measure.sustain > 1 else ""
    return f"{METRICS[measure.metric]} of {target}{held}"


def _seconds(measure: Measure) -> str:
    return "processor seconds" if getattr(measure, "clock", "wall") == "cpu" else "seconds"
