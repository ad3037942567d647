"""What pairing is worth: how much the trials of two arms in one replicate have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from harness.claims import Claim, matching_arms
from harness.measures import FloatArray
from harness.samples import SideValue, sample_of
from harness.stats.results import Estimate, Interval
from harness.stats.samples import has_no_spread
from harness.stats.spread import variance_ratio
from harness.study import Study

FEWEST_PAIRS = 6
"""Below this many pairs a correlation says next to nothing."""


@dataclass(frozen=True, eq=False)
class Pairing:
    """Two sides of a claim over the same replicates.

    Attributes:
        claim: The claim.
        pairs: Replicates that both sides have.
        correlation: Of the two sides' values over replicates.
        gain: Variance of the difference of means if trials were not paired, over that of pairs:
            so many unpaired replicates tell as much as one pair.
    """

    claim: Claim
    pairs: int
    correlation: Estimate
    gain: Estimate


def pairings_of(study: Study, values: Sequence[SideValue]) -> list[Pairing]:
    """What pairing is worth for each two arms that claims compare on a measure, each once.

    Claims with ``beyond`` pair four, which no single correlation describes, and those on a number
    pair none: they are left out. So are claims on spread, which compare no trial with its partner,
    and sides that have no draw in common, since each varies another stream.

    Args:
        study: The study; its trials are paired.
        values: What its claims measured.
    """
    found: dict[tuple[str, ...], Pairing] = {}
    for claim in study.claims:
        key = (*sorted(claim.sides), claim.measure.model_dump_json())
        is_plain = len(claim.sides) == 2 and claim.sides[0] != claim.sides[1]
        is_plain = is_plain and claim.statistic == "mean" and _share_draws(study, claim)
        if not is_plain or key in found:
            continue
        own = [value for value in values if value.claim == claim.id]
        sample = sample_of(claim, own, is_paired=True)
        if sample.reason is None and len(sample.a) >= FEWEST_PAIRS:
            found[key] = _pairing(claim, sample.a, sample.b)
    return list(found.values())


def _share_draws(study: Study, claim: Claim) -> bool:
    """Whether trials of one replicate have a draw in common on both sides."""
    names = [arm.name for arm in study.all_arms]
    first, second = (
        {
            stream
            for arm in study.all_arms
            if arm.name in matching_arms(side, names)
            for stream in study.streams_of(arm)
        }
        for side in claim.sides
    )
    return bool(first & second)


def _pairing(claim: Claim, a: FloatArray, b: FloatArray) -> Pairing:
    sides = np.column_stack([a, b])
    gain = variance_ratio(sides, (a - b)[:, None])
    return Pairing(claim, len(a), correlation(a, b), gain)


def correlation(a: FloatArray, b: FloatArray, level: float = 0.95) -> Estimate:
    """Pearson's correlation with the interval of Fisher's z (Fisher 1921).

    Args:
        a: Shape (n,).
        b: Shape (n,).
        level: Confidence level.

    Returns:
        The estimate; NaN with a reason where a side does not vary. Without an interval for fewer
        than 4 pairs or a perfect correlation.
    """
    undefined = Interval(math.nan, math.nan, level, "no spread")
    if has_no_spread(a) or has_no_spread(b):
        return Estimate(math.nan, undefined, "correlation", "no spread")
    r = float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))
    if len(a) < 4 or abs(r) > 1 - 1e-12:
        reason = "an interval needs 4 pairs" if len(a) < 4 else "perfect correlation"
        return Estimate(r, Interval(math.nan, math.nan, level, reason), "correlation", reason)
    half = float(stats.norm.ppf((1 + level) / 2)) / math.sqrt(len(a) - 3)
    low, high = (math.tanh(math.atanh(r) + side * half) for side in (-1, 1))
    return Estimate(r, Interval(low, high, level), "Pearson's correlation, Fisher's z")
