"""A claim of the study file: a sentence about arms on one measure, and what may be claimed."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from harness.choices import Choices, check_choices
from harness.measure_kinds import Measure
from harness.measures import AtEpoch, is_accuracy, share_hint
from harness.study_values import Count, NonEmpty, Section

Statistic = Literal["mean", "spread"]
Expectation = Literal["greater", "less", "different", "equivalent"]


def _kind_of_side(side: Any) -> Literal["arm", "number"]:
    return "arm" if isinstance(side, str) else "number"


Side = Annotated[
    Annotated[NonEmpty, Tag("arm")] | Annotated[float, Tag("number")],
    Discriminator(_kind_of_side),
]


class Claim(Section):
    """``[[claims]]``: a sentence about two arms, or one arm at two epochs, on one measure.

    With ``beyond`` it is about four: the difference of the first two less that of the others. With
    a number in the place of the second arm it is about one, compared with that number.

    The effect is always the measure's ``statistic`` over replicates on the first side minus that
    on the second: its mean, or its spread (the mean distance from the side's median). A side may
    be a pattern (``"cnn-*"``): then the replicate's mean over the matching arms is compared.

    Attributes:
        id: A short name without spaces, for profiles, gates and files.
        says: The claim as a sentence.
        compare: The two sides: arms, or patterns such as ``cnn-*``; the second may be a number in
            the measure's unit.
        beyond: Two further sides, whose own difference is taken from that of the first two.
        at_epochs: With a measure of kind ``at_epoch``: the epoch of each side, or ``last``.
        measure: What is measured on each curve.
        statistic: Whether the sides' means or their spreads are compared.
        expect: Which way the first side is to differ from the second.
        margin: A smaller difference does not matter; in the measure's unit.
        unit: The measure's unit, to be checked against it.
        answers_question: Whether the report's headline is made of this claim's verdict.
        specifications: How else the measure could have been defined, for the report.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    says: NonEmpty
    compare: Annotated[list[Side], Field(min_length=2, max_length=2)]
    beyond: Annotated[list[NonEmpty], Field(min_length=2, max_length=2)] | None = None
    at_epochs: (
        Annotated[list[Count | Literal["last"]], Field(min_length=2, max_length=2)] | None
    ) = None
    measure: Measure
    statistic: Statistic = "mean"
    expect: Expectation
    margin: Annotated[float, Field(ge=0)]
    unit: str | None = None
    answers_question: bool = False
    specifications: Choices | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.unit is not None and self.unit != self.measure.unit:
            raise ValueError(
                f"mixed units: the claim counts in {self.unit}, its measure in {self.measure.unit}"
            )
        metric = getattr(self.measure, "metric", "loss")
        if self.measure.unit == "accuracy" and is_accuracy(metric) and self.margin >= 1:
            raise ValueError(
                f"margin {self.margin:g} is wider than {metric}, which runs from 0 to 1; write "
                f"{self.margin / 100:g} for {self.margin:g} points"
            )
        if self.expect == "equivalent" and self.margin == 0:
            raise ValueError("equivalent needs a margin above 0: how much difference is none?")
        if self.specifications is not None:
            check_choices(self.specifications, self.measure, self.margin)
        self._check_sides()
        return self

    def _check_sides(self) -> None:
        at_epoch = isinstance(self.measure, AtEpoch)
        if self.at_epochs is not None:
            if not isinstance(self.measure, AtEpoch):
                raise ValueError('at_epochs goes with a measure of kind "at_epoch"')
            if self.measure.epoch is not None:
                raise ValueError("give the epochs once: at_epochs, or the measure's epoch")
        elif at_epoch and getattr(self.measure, "epoch", None) is None:
            raise ValueError("at_epoch needs epoch = N in the measure, or at_epochs in the claim")
        self._check_reference()
        same_epoch = self.at_epochs is None or self.at_epochs[0] == self.at_epochs[1]
        for first, second in (self.compare, self.beyond or ("", None)):
            if first == second and same_epoch:
                raise ValueError(
                    f'both sides are "{first}": compare two arms, or one arm with two different '
                    "at_epochs"
                )
        if self.beyond is None:
            return
        if self.statistic == "spread":
            raise ValueError(
                "beyond goes with means: a spread belongs to one arm, and the spread of a "
                "difference would be another question; drop beyond or statistic"
            )
        if self.compare in (self.beyond, self.beyond[::-1]):
            raise ValueError(
                f"beyond names the sides of compare again, {self.beyond}: a difference less itself "
                "is none; name two other sides"
            )

    def _check_reference(self) -> None:
        """Whether one arm can be compared with a number in this way."""
        if isinstance(self.compare[0], float):
            raise ValueError(  # noqa: TRY004 - only a ValueError is told as a fault of the file
                f"compare begins with {self.compare[0]:g}: name the arm first, and the number that "
                "it is compared with second"
            )
        if self.reference is None:
            return
        for key in ("beyond", "at_epochs"):
            if getattr(self, key) is not None:
                raise ValueError(f"{key} goes with two arms, not with a number: drop it")
        if self.statistic == "spread":
            raise ValueError("a spread is compared with another arm's, not with a number")
        if self.measure.can_be_censored:
            raise ValueError(
                f"{self.measure.label}: a run that never gets there has no time, so the mean has "
                'no number to be compared with; compare two arms, or claim a level, as with "final"'
            )
        metric = getattr(self.measure, "metric", "")
        most = 1.0 if self.measure.unit == "accuracy" and is_accuracy(metric) else math.inf
        if not 0 <= self.reference <= most:
            hint = share_hint(self.reference)
            bounds = "from 0 to 1" if most == 1 else "from 0 up"
            raise ValueError(
                f"{self.measure.label} runs {bounds}: {self.reference:g} is never met{hint}"
            )

    @property
    def sides(self) -> list[str]:
        """The arms or patterns of ``compare``, then the two of ``beyond``, if there are any."""
        arms = [side for side in self.compare if isinstance(side, str)]
        return [*arms, *(self.beyond or [])]

    @property
    def reference(self) -> float | None:
        """The number that the one arm is compared with; None where arms are compared."""
        number = self.compare[1]
        return number if isinstance(number, float) else None

    def side_measure(self, side: int) -> Measure:
        """The measure of one side, its own epoch filled in."""
        if self.at_epochs is not None and isinstance(self.measure, AtEpoch):
            return self.measure.model_copy(update={"epoch": self.at_epochs[side % 2]})
        return self.measure


def matching_arms(pattern: str, names: Sequence[str]) -> list[str]:
    """Arms that one side of a claim stands for: the exact name, else those the pattern fits."""
    return [pattern] if pattern in names else fnmatch.filter(names, pattern)


def arms_of(sides: Iterable[str], names: Sequence[str]) -> list[str]:
    """All arms that some sides stand for, each once, in the order in which the sides name them.

    Args:
        sides: Arms or patterns, as `Claim.sides` gives them.
        names: All arms.
    """
    return list(dict.fromkeys(name for side in sides for name in matching_arms(side, names)))
