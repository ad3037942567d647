"""Two sides compared at every point of a row (epochs, targets), with one error rate for the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.measures import FloatArray
from harness.samples import Curves, Sample, claim_values, sample_of
from harness.stats.curve_bands import SimultaneousBand, difference_band
from harness.stats.curve_tests import MaxTResult, max_t
from harness.stats.planning import smallest_p, smallest_p_unpaired
from harness.study import Claim, matching_arms


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
        left_out: Points at which some replicate has no value, and why, in words; None if none are.
    """

    points: FloatArray
    band: SimultaneousBand
    test: MaxTResult
    sizes: tuple[int, int]
    is_paired: bool
    alpha: float
    left_out: str | None

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
    noun: str,
) -> Comparison | str:
    """Compare the two sides of one claim, asked at every point of a row.

    No replicate is left out of some points only: that would compare different replicates at
    different points, and favour an arm whose trials diverge. Points at which a value is missing
    are left out instead.

    Args:
        claims: The claim as it is asked at each point; the sides are the same in all.
        names: The study's arms, in order.
        curves: All finished trials.
        is_paired: Whether equal replicate numbers share their data order and split.
        alpha: Error rate of all points together.
        noun: What the points are, in the singular, for notices.

    Returns:
        The comparison; or why there is none, in words.
    """
    samples = {
        point: sample_of(claim, claim_values(claim, names, curves), is_paired=is_paired)
        for point, claim in claims.items()
    }
    if not samples:
        return f"no {noun} to compare them at"
    sizes = _replicates(next(iter(claims.values())), names, curves, is_paired=is_paired)
    if 0 in sizes:
        return "no finished trials to compare"
    whole = [point for point, s in samples.items() if (len(s.a), len(s.b)) == sizes]
    missing = [point for point in samples if point not in whole]
    left_out = _left_out(missing, samples, noun) if missing else None
    if not whole:
        return left_out or f"no {noun} has a value in every trial"
    first = np.column_stack([samples[point].a for point in whole])
    second = np.column_stack([samples[point].b for point in whole])
    compared = compare(first, second, points=whole, is_paired=is_paired, alpha=alpha)
    return replace(compared, left_out=left_out)


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
    )


def _replicates(
    claim: Claim, names: list[str], curves: Curves, *, is_paired: bool
) -> tuple[int, int]:
    """How many replicates each side has: those finished in all of its arms, paired in both."""
    finished = [
        set.intersection(*({r for a, r in curves if a == arm} for arm in arms)) if arms else set()
        for arms in (matching_arms(side, names) for side in claim.compare)
    ]
    if is_paired:
        both = len(finished[0] & finished[1])
        return both, both
    return len(finished[0]), len(finished[1])


def _left_out(missing: list[float], samples: Mapping[float, Sample], noun: str) -> str:
    """Which points are left out, and the first reason."""
    reasons = [text for point in missing for text in samples[point].notices]
    place = ranges(missing, all_points=list(samples))
    what = noun if len(missing) == 1 else f"{noun}s"
    told = f"{what} {place} {'is' if len(missing) == 1 else 'are'} left out"
    return f"{told}: {reasons[0]} there" if reasons else told


def ranges(points: list[float], *, all_points: list[float]) -> str:
    """Points in words, neighbours drawn together: "1 to 3 and 7"."""
    place = {point: i for i, point in enumerate(all_points)}
    spans: list[list[float]] = []
    for point in points:
        if spans and place[point] == place[spans[-1][-1]] + 1:
            spans[-1].append(point)
        else:
            spans.append([point])
    texts = [f"{span[0]:g}" if len(span) == 1 else f"{span[0]:g} to {span[-1]:g}" for span in spans]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
