"""Measures in words: what each is about, and how a difference in it is told.

A difference ends its clause, as an adjective does in Japanese ("… is 3.4 epochs longer"), so that
the same clause can be stated, asked about or doubted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from harness.claims import Claim
from harness.language import N_, NN_, PN_, _, ngettext, pgettext
from harness.measure_kinds import Measure
from harness.measures import AtEpoch, is_accuracy
from harness.quantities import percent, with_unit
from harness.time_measures import EpochsTo, SecondsTo, StepsTo

Way = Literal["more", "less"]
METRICS: Mapping[str, str] = {
    "accuracy": N_("training accuracy"),
    "val_accuracy": N_("validation accuracy"),
    "loss": N_("training loss"),
    "val_loss": N_("validation loss"),
}
_SUBJECTS: Mapping[str, str] = {
    "epochs_to": N_("epochs to {goal}"),
    "steps_to": N_("steps to {goal}"),
    "seconds_to": N_("{seconds} to {goal}"),
    "epochs_to_plateau": N_("epochs until {metric} settles"),
    "epochs_to_fraction": N_("epochs to {share} of the own gain in {metric}"),
    "final": N_("final {metric}"),
    "best": N_("best {metric}"),
    "at_epoch": "{metric_at}",
    "mean_over_epochs": N_("mean {metric} over all epochs"),
    "rise": N_("rise of {metric} above its own minimum"),
    "seconds_per_epoch": N_("{seconds} per epoch after the first"),
}
_COMPARISONS: Mapping[str, tuple[str, str]] = {
    "epochs_to": PN_("epochs", "{a} needs {difference} than {b} to reach a {goal}"),
    "steps_to": PN_("steps", "{a} needs {difference} than {b} to reach a {goal}"),
    "seconds_to": PN_("seconds", "{a} needs {difference} than {b} to reach a {goal}"),
    "epochs_to_plateau": PN_(
        "epochs", "{a} needs {difference} than {b} until its {metric} settles"
    ),
    "epochs_to_fraction": PN_(
        "epochs", "{a} needs {difference} than {b} to make {share} of its own gain in {metric}"
    ),
    "rise": PN_("level", "{metric} ends {difference} above its own minimum with {a} than with {b}"),
    "seconds_per_epoch": PN_("seconds", "an epoch takes {difference} with {a} than with {b}"),
}
_LEVEL = PN_("level", "{subject} is {difference} with {a} than with {b}")
_FROM_NUMBER: Mapping[str, tuple[str, str]] = {
    "seconds_per_epoch": PN_("seconds", "an epoch with {a} takes {difference} than {b}"),
}
_LEVEL_FROM_NUMBER = PN_("level", "{subject} with {a} is {difference} than {b}")
_MORE: Mapping[tuple[str, Way], tuple[str, str]] = {
    ("epochs", "more"): NN_("{size} more epoch", "{size} more epochs"),
    ("epochs", "less"): NN_("{size} fewer epoch", "{size} fewer epochs"),
    ("steps", "more"): NN_("{size} more step", "{size} more steps"),
    ("steps", "less"): NN_("{size} fewer step", "{size} fewer steps"),
    ("seconds", "more"): NN_("{size} more second", "{size} more seconds"),
    ("seconds", "less"): NN_("{size} fewer second", "{size} fewer seconds"),
    ("cpu", "more"): NN_("{size} more processor second", "{size} more processor seconds"),
    ("cpu", "less"): NN_("{size} fewer processor second", "{size} fewer processor seconds"),
}
_SIZELESS: Mapping[tuple[str, Way], str] = {
    ("epochs", "more"): N_("more epochs"),
    ("epochs", "less"): N_("fewer epochs"),
    ("steps", "more"): N_("more steps"),
    ("steps", "less"): N_("fewer steps"),
    ("seconds", "more"): N_("more seconds"),
    ("seconds", "less"): N_("fewer seconds"),
    ("cpu", "more"): N_("more processor seconds"),
    ("cpu", "less"): N_("fewer processor seconds"),
}
_LEVELS: Mapping[Way, tuple[str, str]] = {
    "more": (N_("higher"), N_("{amount} higher")),
    "less": (N_("lower"), N_("{amount} lower")),
}
_GAP = PN_("level", "the difference {a} in {subject} is {difference} than the difference {b}")
_SIZES: Mapping[Way, tuple[str, str]] = {
    "more": (N_("larger"), N_("{amount} larger")),
    "less": (N_("smaller"), N_("{amount} smaller")),
}


def subject(measure: Measure) -> str:
    """What a measure is about: "final validation accuracy", "epochs to validation loss of 0.1"."""
    template = _SUBJECTS.get(measure.kind)
    return _(template).format(**_parts(measure)) if template else measure.label


def difference(measure: Measure, way: Way, size: str = "") -> str:
    """A difference in a measure: "3.4 more epochs", "0.8 points higher"; or, sizeless, "higher"."""
    if measure.unit in {"epochs", "steps", "seconds"}:
        key = ("cpu" if _is_processor_time(measure) else measure.unit, way)
        if not size:
            return _(_SIZELESS[key])
        return ngettext(*_MORE[key], 1 if size == "1" else 2).format(size=size)
    return _sized(_LEVELS[way], size, measure)


def _sized(words: tuple[str, str], size: str, measure: Measure) -> str:
    sizeless, sized = words
    return _(sized).format(amount=with_unit(size, measure.unit)) if size else _(sizeless)


def claim_subject(claim: Claim) -> str:
    """What a claim is about: its measure, or the spread of its measure."""
    about = subject(claim.measure)
    return _("the spread of {what}").format(what=about) if claim.statistic == "spread" else about


def claim_difference(claim: Claim, way: Way, size: str = "") -> str:
    """A difference in what a claim is about: "3.4 more epochs".

    Between spreads, or between differences: "0.2 epochs larger".
    """
    if claim.statistic == "mean" and claim.beyond is None:
        return difference(claim.measure, way, size)
    return _sized(_SIZES[way], size, claim.measure)


def compared(claim: Claim, sides: tuple[str, str], way: Way, size: str = "") -> str:
    """A difference as a clause: "A needs 3.4 more epochs than B to reach …"."""
    told = claim_difference(claim, way, size)
    is_of_one_arm = len(set(claim.sides)) == 1
    if claim.at_epochs is not None and is_of_one_arm:
        first, second = map(_at_own_epoch, claim.at_epochs)
        template = N_("the {what} of {arm} is {difference} {first} than {second}")
        if claim.statistic == "spread":
            template = N_("the spread of {what} of {arm} is {difference} {first} than {second}")
        return _(template).format(
            what=subject(claim.measure),
            arm=claim.sides[0],
            difference=told,
            first=first,
            second=second,
        )
    wording = _LEVEL
    if claim.reference is not None:
        wording = _FROM_NUMBER.get(claim.measure.kind, _LEVEL_FROM_NUMBER)
    elif claim.beyond is not None:
        wording = _GAP
    elif claim.statistic == "mean":
        wording = _COMPARISONS.get(claim.measure.kind, _LEVEL)
    return pgettext(*wording).format(
        **_parts(claim.measure),
        subject=claim_subject(claim),
        difference=told,
        a=sides[0],
        b=sides[1],
    )


def _at_own_epoch(epoch: int | Literal["last"]) -> str:
    if epoch == "last":
        return _("at its last epoch")
    return _("at epoch {epoch}").format(epoch=epoch)


def _parts(measure: Measure) -> dict[str, str]:
    """The words that templates are filled with, as far as the measure has them."""
    parts = {"metric": _(METRICS.get(getattr(measure, "metric", ""), ""))}
    if isinstance(measure, EpochsTo | StepsTo | SecondsTo):
        parts["goal"] = _goal(measure)
    if measure.unit == "seconds":
        parts["seconds"] = seconds_words(measure)
    if isinstance(measure, AtEpoch):
        parts["metric_at"] = _metric_at(parts["metric"], measure)
    if hasattr(measure, "fraction"):
        parts["share"] = percent(measure.fraction)
    return parts


def _metric_at(metric: str, measure: AtEpoch) -> str:
    if measure.epoch is None:
        return metric
    if measure.epoch == "last":
        return _("{metric} at the last epoch").format(metric=metric)
    return _("{metric} at epoch {epoch}").format(metric=metric, epoch=measure.epoch)


def _goal(measure: EpochsTo | StepsTo | SecondsTo) -> str:
    target = _("{number} nats").format(number=f"{measure.target:g}")
    if is_accuracy(measure.metric):
        target = percent(measure.target)
    template = N_("{metric} of {target}")
    if measure.sustain > 1:
        template = N_("{metric} of {target} for {sustain} epochs in a row")
    return _(template).format(
        metric=_(METRICS[measure.metric]), target=target, sustain=measure.sustain
    )


def seconds_words(measure: Measure) -> str:
    """The seconds that a measure counts: "processor seconds" or "seconds"."""
    if _is_processor_time(measure):
        return pgettext("the time of a measure", "processor seconds")
    return pgettext("the time of a measure", "seconds")


def _is_processor_time(measure: Measure) -> bool:
    return bool(getattr(measure, "clock", "wall") == "cpu")
