"""The choices behind a claim: how else its measure could reasonably have been defined.

A claim of the study file may list them (``specifications = { target = [0.9, 0.92], sustain = [1,
2] }``); what it leaves out has defaults, see `harness.analyses.levels`. The claim itself decides.
The other specifications show how much hangs on the choices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.measure_kinds import MEASURES, as_settings
from harness.measures import MeasureBase, Metric
from harness.time_measures import EpochsTo, SecondsTo

Setting = str | int | float
Choice = Mapping[str, Setting]
TestName = Literal["permutation", "t", "rank"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Item = TypeVar("Item")
Levels = Annotated[list[Item], Field(min_length=1)]

_ALWAYS = ("margin", "test")
APPLICABLE: Mapping[str, tuple[str, ...]] = {
    "epochs_to": ("metric", "target", "clock", "sustain", *_ALWAYS),
    "seconds_to": ("metric", "target", "clock", "sustain", *_ALWAYS),
    "epochs_to_plateau": ("metric", "within", "window", *_ALWAYS),
    "epochs_to_fraction": ("metric", "fraction", *_ALWAYS),
    "final": ("kind", "metric", *_ALWAYS),
    "best": ("kind", "metric", *_ALWAYS),
    "at_epoch": ("metric", "shift", *_ALWAYS),
    "mean_over_epochs": ("metric", *_ALWAYS),
    "rise": ("metric", *_ALWAYS),
    "seconds_per_epoch": ("clock", *_ALWAYS),
}
"""By kind of measure, the choices that it leaves open, in the order in which they are shown."""


class Choices(BaseModel):
    """``specifications`` of a claim: the levels of each choice; the claim's own one is added.

    Attributes:
        kind: Whether the last value counts or the best.
        metric: Which column is measured; a target, tolerance or margin must make sense for all.
        target: Levels to reach, of the claim's own metric.
        clock: Whether a time counts in epochs, processor seconds or elapsed seconds.
        sustain: Epochs in a row for which a target must hold.
        within: How far from its final level a settled curve may be.
        window: Epochs that a curve's final level is the mean of.
        fraction: Share of the own gain that must have been made.
        shift: Epochs by which ``at_epoch`` is earlier (negative) or later.
        margin: Differences that do not matter, in the unit of the claim.
        test: The deciding permutation test, the t test, or the rank test.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Levels[Literal["final", "best"]] | None = None
    metric: Levels[Metric] | None = None
    target: Levels[Positive] | None = None
    clock: Levels[Literal["epochs", "cpu", "wall"]] | None = None
    sustain: Levels[Count] | None = None
    within: Levels[Positive] | None = None
    window: Levels[Count] | None = None
    fraction: Levels[Positive] | None = None
    shift: Levels[int] | None = None
    margin: Levels[Positive] | None = None
    test: Levels[TestName] | None = None

    @field_validator("*")
    @classmethod
    def _each_once(cls, levels: list[Setting] | None) -> list[Setting] | None:
        if levels is not None and len(set(levels)) < len(levels):
            raise ValueError(f"{levels} lists a level twice")
        return levels

    @property
    def levels(self) -> dict[str, tuple[Setting, ...]]:
        """What was listed, by choice."""
        return {key: tuple(levels) for key, levels in self.model_dump(exclude_none=True).items()}


def own_choice(measure: MeasureBase, margin: float) -> dict[str, Setting]:
    """The choice that a claim itself makes, as far as its kind of measure leaves one."""
    own: dict[str, Setting] = {
        **as_settings(measure),
        "clock": getattr(measure, "clock", "epochs"),
        "shift": 0,
        "margin": margin,
        "test": "permutation",
    }
    return {key: own[key] for key in APPLICABLE[str(own["kind"])]}


def chosen_measure(measure: MeasureBase, choice: Choice) -> MeasureBase:
    """A measure with the settings of a choice; those that are not the measure's are left alone.

    Raises:
        ValueError: A setting is impossible for the measure; the message says why.
    """
    settings = as_settings(measure)
    settings |= {key: value for key, value in choice.items() if key in type(measure).model_fields}
    clock = choice.get("clock")
    if clock is not None and isinstance(measure, EpochsTo | SecondsTo):
        settings["kind"] = "epochs_to" if clock == "epochs" else "seconds_to"
        settings["clock"] = clock
        if clock == "epochs":
            del settings["clock"]
    try:
        return MEASURES[str(settings["kind"])].model_validate(settings)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        told = str(details["msg"]).removeprefix("Value error, ")
        where = ".".join(str(part) for part in details["loc"])
        raise ValueError(f"{where}: {told}" if where else told) from None


def check_choices(choices: Choices, measure: MeasureBase, margin: float) -> None:
    """Refuse choices that the measure does not leave open, and settings it cannot take.

    Raises:
        ValueError: The message names the choice and what is allowed.
    """
    own = own_choice(measure, margin)
    for key, levels in choices.levels.items():
        if key not in own:
            raise ValueError(
                f"specifications.{key} is no choice of a measure of kind "
                f'"{as_settings(measure)["kind"]}"; it leaves open: {", ".join(own)}'
            )
        for level in levels:
            try:
                unit = chosen_measure(measure, {key: level}).unit
            except ValueError as error:
                raise ValueError(f"specifications.{key}: {error}") from None
            if key == "metric" and unit != measure.unit:
                raise ValueError(
                    f"specifications.metric: {level} counts in {unit}, the claim's margin in "
                    f"{measure.unit}"
                )
