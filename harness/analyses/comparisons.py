"""Two sides compared at every point of a row (epochs, targets), with one error rate for the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.claims import Claim, matching_arms
from harness.language import N_, _, said
from harness.measures import FloatArray, is_accuracy
from harness.quantities import listed, shown, with_percent
from harness.samples import Curves, Sample, claim_values, sample_of
from harness.stats.curve_bands import SimultaneousBand, difference_band
from harness.stats.curve_tests import MaxTResult, max_t
from harness.stats.planning import smallest_p, smallest_p_unpaired

_NOWHERE = {
    "epoch": N_("no epoch to compare them at"),
    "target": N_("no target to compare them at"),
}
_NEVER_WHOLE = {
    "epoch": N_("no epoch has a value in every trial"),
    "target": N_("no target has a value in every trial"),
}
_LEFT_OUT = {
    "epoch": (N_("epoch {points} is left out"), N_("epochs {points} are left out")),
    "target": (N_("target {points} is left out"), N_("targets {points} are left out")),
}
_UNREACHED = N_("{what}: no trial got there before the first of either side was watched no longer")


@dataclass(frozen=True, eq=False)
class Comparison:
    """The difference of two sides, first minus second, at every point of a row.

    Attributes:
        points: The epochs or targets at which every replicate has a value, shape (points,).
        band: The mean differences with their simultaneous band at level 1 - alpha.
        test: The step-down max-T test of the same differences.
        sizes: Replicates of each side; pairs where both are equal and paired.
        is_paired: Whether replicates were compared pair by pair.
        alpha: The error rate of all points together.
        left_out: Points at which some replicate has no value, or at which no time is known, and
            why, in words; None if there are none.
        reached: Replicates of each side whose time is known, not cut; shape (points, 2).
        horizons: Where times are cut, shape (points,); NaN where none had to be.
    """

    points: FloatArray
    band: SimultaneousBand
    test: MaxTResult
    sizes: tuple[int, int]
    is_paired: bool
    alpha: float
    left_out: str | None
    reached: NDArray[np.int_]
    horizons: FloatArray

    @property
    def is_cut(self) -> NDArray[np.bool_]:
        """At which points some time was cut, so that the difference is of restricted means."""
        return np.asarray((self.reached < self.sizes).any(axis=1))

    @property
    def smallest_p(self) -> float:
        """The smallest p that so few replicates can reach, however large a difference is."""
        return smallest_p(self.sizes[0]) if self.is_paired else smallest_p_unpaired(*self.sizes)

    @property
    def can_differ(self) -> bool:
        """Whether any data of this size could show a difference."""
        return min(self.sizes) > 1 and self.smallest_p <= self.alpha

    @property
    def differs(self) -> NDArray[np.bool_]:
        """At which points the sides differ, with at most alpha as the chance of any false one."""
        return self.test.p_step_down <= self.alpha


def compare_row(
    claims: Mapping[float, Claim],
    names: list[str],
    curves: Curves,
    *,
    is_paired: bool,
    alpha: float,
    noun: Literal["epoch", "target"],
) -> Comparison | str:
    """Compare the two sides of one claim, asked at every point of a row.

    No replicate is left out of some points only: that would compare different replicates at
    different points, and favour an arm whose trials diverge. Points at which a value is missing
    are left out instead, and so are those that no trial got to: a claim on them is not testable.

    Args:
        claims: The claim as it is asked at each point; the sides are the same in all.
        names: The study's arms, in order.
        curves: All finished trials.
        is_paired: Whether equal replicate numbers share their data order and split.
        alpha: Error rate of all points together.
        noun: What the points are, for notices.

    Returns:
        The comparison; or why there is none, in words.
    """
    samples = {
        point: sample_of(claim, claim_values(claim, names, curves), is_paired=is_paired)
        for point, claim in claims.items()
    }
    if not samples:
        return said(_NOWHERE[noun])
    sizes = _replicates(next(iter(claims.values())), names, curves, is_paired=is_paired)
    if 0 in sizes:
        return N_("no finished trials to compare")
    unreached = [point for point, s in samples.items() if s.is_unreached]
    whole = [
        point
        for point, s in samples.items()
        if (len(s.a), len(s.b)) == sizes and point not in unreached
    ]
    missing = [point for point in samples if point not in (*whole, *unreached)]
    unit = target_unit(next(iter(claims.values()))) if noun == "target" else ""
    left_out = _left_out(missing, unreached, samples, noun, unit)
    if not whole:
        return left_out or said(_NEVER_WHOLE[noun])
    first = np.column_stack([samples[point].a for point in whole])
    second = np.column_stack([samples[point].b for point in whole])
    compared = compare(first, second, points=whole, is_paired=is_paired, alpha=alpha)
    return replace(
        compared,
        left_out=left_out,
        reached=np.array([[samples[p].reached_a.sum(), samples[p].reached_b.sum()] for p in whole]),
        horizons=np.array([samples[p].horizon for p in whole], dtype=float),
    )


def compare(
    first: FloatArray,
    second: FloatArray,
    *,
    points: Sequence[float],
    is_paired: bool,
    alpha: float,
) -> Comparison:
    """Compare two sides that are there as numbers.

    Args:
        first: Shape (replicates, points).
        second: The same; if paired, row i belongs to row i of ``first``.
        points: The epochs or targets, shape (points,).
        is_paired: Whether rows belong together.
        alpha: Error rate of all points together.
    """
    return Comparison(
        points=np.array(points, dtype=float),
        band=difference_band(first, second, paired=is_paired, level=1 - alpha),
        test=max_t(first, second, paired=is_paired),
        sizes=(len(first), len(second)),
        is_paired=is_paired,
        alpha=alpha,
        left_out=None,
        reached=np.tile((len(first), len(second)), (len(points), 1)),
        horizons=np.full(len(points), np.nan),
    )


def _replicates(
    claim: Claim, names: list[str], curves: Curves, *, is_paired: bool
) -> tuple[int, int]:
    """How many replicates each side has: those finished in all of its arms, paired in both."""
    finished = [
        set.intersection(*({r for a, r in curves if a == arm} for arm in arms)) if arms else set()
        for arms in (matching_arms(side, names) for side in claim.sides)
    ]
    if is_paired:
        both = len(set.intersection(*finished))
        return both, both
    return len(finished[0]), len(finished[1])


def _left_out(
    missing: list[float],
    unreached: list[float],
    samples: Mapping[float, Sample],
    noun: Literal["epoch", "target"],
    unit: str,
) -> str | None:
    """Which points are left out, and the first reason; None if none are."""

    def which(points: list[float]) -> str:
        one, several = _LEFT_OUT[noun]
        place = partial(ranges, points, all_points=list(samples), unit=unit)
        return said(one if len(points) == 1 else several, points=place)

    told: list[str] = []
    if missing:
        reasons = [text for point in missing for text in samples[point].notices]
        what = which(missing)
        told.append(
            said("{what}: {reason} there", what=what, reason=reasons[0]) if reasons else what
        )
    if unreached:
        told.append(said(_UNREACHED, what=which(unreached)))
    if len(told) == 2:
        return said("{first}; {second}", first=told[0], second=told[1])
    return told[0] if told else None


def target_unit(claim: Claim) -> str:
    """The unit of a claim's targets: those of accuracies are told in percent."""
    return "accuracy" if is_accuracy(getattr(claim.measure, "metric", "")) else ""


def ranges(points: list[float], *, all_points: list[float], unit: str = "") -> str:
    """Points in words, neighbours drawn together: "1 to 3 and 7", accuracies as "93 to 98 %"."""
    return listed([_span(low, high, unit) for low, high in runs(points, all_points)])


def runs(points: list[float], all_points: list[float]) -> list[tuple[float, float]]:
    """Points with neighbours drawn together: the first and the last of each run."""
    place = {point: i for i, point in enumerate(all_points)}
    found: list[tuple[float, float]] = []
    for point in points:
        if found and place[point] == place[found[-1][1]] + 1:
            found[-1] = (found[-1][0], point)
        else:
            found.append((point, point))
    return found


def point_words(point: float, unit: str) -> str:
    """One point in words: "7", an accuracy as "93 %"."""
    return _span(point, point, unit)


def _span(low: float, high: float, unit: str) -> str:
    first, last = (f"{shown(point, unit):g}" for point in (low, high))
    text = first if low == high else _("{low} to {high}").format(low=first, high=last)
    return with_percent(text) if unit == "accuracy" else text
