"""Estimates that go with the rank tests: Hodges-Lehmann's, with the intervals that invert them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from harness.stats.enumeration import selection_sum_distribution, sign_sum_distribution
from harness.stats.results import Estimate, Interval
from harness.stats.samples import FloatArray, sample, significance


def pseudomedian(differences: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Median of the Walsh averages, with Tukey's interval (Hodges & Lehmann 1963; Lehmann 1975).

    The interval inverts the exact Wilcoxon signed-rank test. Its ranks are counted without ties,
    so where differences tie it may differ from that test by an order statistic.

    Args:
        differences: Shape (n,).
        level: Confidence level.

    Returns:
        The estimate; its interval is infinite with a reason when n pairs cannot reach ``level``,
        all is NaN with a reason without pairs.
    """
    d = sample(differences, "differences")
    method = "Hodges-Lehmann pseudomedian"
    if d.size == 0:
        return _undefined(method, level, "no pairs")
    first, second = np.triu_indices(d.size)
    chance = sign_sum_distribution(np.arange(1, d.size + 1))
    reason = f"{d.size} pairs cannot bound a {100 * level:g} % interval"
    return _inverted((d[first] + d[second]) / 2, chance, level, method, reason)


def rank_shift(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Median of all differences a - b, with Moses' interval (Hodges & Lehmann 1963; Moses 1965).

    The interval inverts the exact Mann-Whitney test, its ranks counted without ties.

    Args:
        a: Shape (n,).
        b: Shape (m,).
        level: Confidence level.

    Returns:
        The estimate; its interval is infinite with a reason when n and m are too small for
        ``level``, all is NaN with a reason when an arm is empty.
    """
    first, second = sample(a, "a"), sample(b, "b")
    n, m = first.size, second.size
    method = "Hodges-Lehmann shift"
    if min(n, m) == 0:
        return _undefined(method, level, "an arm is empty")
    chance = selection_sum_distribution(np.arange(1, n + m + 1), n)[n * (n + 1) // 2 :]
    reason = f"{n} against {m} values cannot bound a {100 * level:g} % interval"
    return _inverted(np.subtract.outer(first, second).ravel(), chance, level, method, reason)


def _undefined(method: str, level: float, reason: str) -> Estimate:
    return Estimate(math.nan, Interval(math.nan, math.nan, level, reason), method, reason)


def _inverted(
    values: FloatArray, chance: FloatArray, level: float, method: str, unbounded: str
) -> Estimate:
    """The median of ``values`` and the k-th from both ends.

    A null is rejected when so few of the values exceed it (or fall below it) that the statistic,
    which counts them and has the probabilities ``chance``, is in its tail of (1 - level) / 2.
    """
    ordered = np.sort(values)
    middle = float(np.median(ordered))
    k = int(np.searchsorted(np.cumsum(chance), significance(level) / 2 + 1e-12, side="right"))
    if k == 0:
        return Estimate(middle, Interval(-math.inf, math.inf, level, unbounded), method)
    return Estimate(middle, Interval(float(ordered[k - 1]), float(ordered[-k]), level), method)
