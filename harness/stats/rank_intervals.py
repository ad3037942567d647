"""Estimates that go with the rank tests: Hodges-Lehmann's, with the intervals that invert them.

Few values are inverted exactly. Beyond `EXACT_RANKS_UP_TO`, where the tests take the normal
distribution too, so do the intervals, and no table of all pairs is made: how many pairs lie below a
number is counted in sorted values, and the number halved down to the pair that is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from harness.stats.classical import EXACT_RANKS_UP_TO
from harness.stats.enumeration import selection_sum_distribution, sign_sum_distribution
from harness.stats.results import Estimate, Interval
from harness.stats.samples import FloatArray, sample, significance, tie_decimals


def pseudomedian(differences: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Median of the Walsh averages, with Tukey's interval (Hodges & Lehmann 1963; Lehmann 1975).

    The interval inverts the Wilcoxon signed-rank test, exactly up to 100 pairs. Its ranks are
    counted without ties, so where differences tie it may differ from that test by an order
    statistic.

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
    n, ordered = d.size, np.sort(d)
    reason = f"{n} pairs cannot bound a {100 * level:g} % interval"

    def averages_up_to(x: float) -> int:
        ordered_pairs = np.searchsorted(ordered, 2 * x - ordered, "right").sum()
        return int(ordered_pairs + np.searchsorted(ordered, x, "right")) // 2

    if n > EXACT_RANKS_UP_TO:
        error = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        counted = _Counted(averages_up_to, n * (n + 1) // 2, error, ordered[[0, -1]])
        return counted.estimate(level, method, reason)
    first, second = np.triu_indices(n)
    return _inverted((d[first] + d[second]) / 2, _of_signed_ranks(n), level, method, reason)


def rank_shift(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Median of all differences a - b, with Moses' interval (Hodges & Lehmann 1963; Moses 1965).

    The interval inverts the Mann-Whitney test, exactly up to 100 values in all, its ranks counted
    without ties.

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
    reason = f"{n} against {m} values cannot bound a {100 * level:g} % interval"
    ours, theirs = np.sort(first), np.sort(second)

    def differences_up_to(x: float) -> int:
        return n * m - int(np.searchsorted(theirs, ours - x).sum())

    if n + m > EXACT_RANKS_UP_TO:
        error = math.sqrt(n * m * (n + m + 1) / 12)
        span = np.array([ours[0] - theirs[-1], ours[-1] - theirs[0]])
        counted = _Counted(differences_up_to, n * m, error, span)
        return counted.estimate(level, method, reason)
    differences = np.subtract.outer(first, second).ravel()
    return _inverted(differences, _of_rank_sums(n, m), level, method, reason)


@lru_cache(maxsize=4)
def _of_signed_ranks(n: int) -> FloatArray:
    """Chances of the sum of positive ranks; asked for again and again."""
    return sign_sum_distribution(np.arange(1, n + 1))


@lru_cache(maxsize=4)
def _of_rank_sums(n: int, m: int) -> FloatArray:
    """Chances of U; asked for again and again."""
    return selection_sum_distribution(np.arange(1, n + m + 1), n)[n * (n + 1) // 2 :]


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


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Numbers of many pairs that are counted, not held.

    Attributes:
        up_to: How many of them there are up to a number.
        total: How many there are.
        error: Standard error of the count below the true value.
        span: The smallest and the largest.
    """

    up_to: Callable[[float], int]
    total: int
    error: float
    span: FloatArray

    def estimate(self, level: float, method: str, unbounded: str) -> Estimate:
        """The same as `_inverted`, by the normal distribution with a continuity correction."""
        middle = 0.5 * (self._ranked((self.total + 1) // 2) + self._ranked(self.total // 2 + 1))
        tail = float(stats.norm.isf(significance(level) / 2))
        k = math.floor(self.total / 2 - tail * self.error + 0.5)
        if k < 1:
            return Estimate(middle, Interval(-math.inf, math.inf, level, unbounded), method)
        ends = self._ranked(k), self._ranked(self.total + 1 - k)
        return Estimate(middle, Interval(*ends, level), method)

    def _ranked(self, rank: int) -> float:
        """The number of a rank, counted from the smallest: halves the span down to it."""
        decimals = tie_decimals(self.span)
        low, high = float(self.span[0]), float(self.span[1])
        while high - low > 0.1 * 10.0**-decimals:
            middle = 0.5 * (low + high)
            low, high = (low, middle) if self.up_to(middle) >= rank else (middle, high)
        return round(high, decimals)
