"""Comparing three arms or more at once: over shared blocks (seeds), or as independent groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from harness.language import N_
from harness.stats.arrangements import MOST_ENUMERATED
from harness.stats.multiplicity import holm
from harness.stats.results import TestResult
from harness.stats.samples import FloatArray, has_no_spread, sample, tie_decimals


@dataclass(frozen=True, slots=True, eq=False)
class FriedmanResult:
    """Friedman's test with the mean ranks behind it.

    Attributes:
        mean_ranks: Mean rank of each arm, 1 = best; shape (k,).
        friedman: Chi-squared test on k - 1 degrees of freedom.
        iman_davenport: Its F version, which is the sharper one.
        exact: Its permutation version, where there are few enough rankings to try all; else None.
    """

    mean_ranks: FloatArray
    friedman: TestResult
    iman_davenport: TestResult
    exact: TestResult | None

    @property
    def deciding(self) -> TestResult:
        """The exact test where there is one: over few blocks the F version errs too often."""
        return self.iman_davenport if self.exact is None else self.exact


@dataclass(frozen=True, slots=True, eq=False)
class NemenyiResult:
    """All pairs of arms by their mean ranks.

    Attributes:
        mean_ranks: Mean rank of each arm, 1 = best; shape (k,).
        q: Critical value of the studentized range, over sqrt(2).
        critical_difference: Mean ranks further apart than this differ.
        p: p value of each pair; shape (k, k), symmetric, 1 on the diagonal.
        groups: Largest sets of arms (by place) that do not differ among themselves, best first: the
            bars of a critical-difference diagram. An arm that differs from all others is in none.
    """

    mean_ranks: FloatArray
    q: float
    critical_difference: float
    p: FloatArray
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, eq=False)
class DunnResult:
    """All pairs of independent groups by their mean ranks; matrices (k, k), 1 on the diagonal.

    Attributes:
        p: Unadjusted two-sided p values.
        p_holm: Adjusted over all pairs.
        reason: Why they are NaN; None otherwise.
    """

    p: FloatArray
    p_holm: FloatArray
    reason: str | None = None


def _block_ranks(scores: npt.ArrayLike, *, higher_is_better: bool) -> FloatArray:
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] < 2:
        raise ValueError(
            f"scores must have shape (blocks, arms) with 2 or more of each, not {array.shape}"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError("scores hold NaN or infinity: leave out the blocks that are incomplete")
    rounded = np.round(array, tie_decimals(array))
    return np.asarray(stats.rankdata(-rounded if higher_is_better else rounded, axis=1))


def mean_ranks(scores: npt.ArrayLike, *, higher_is_better: bool = True) -> FloatArray:
    """Rank the arms within each block and average.

    Args:
        scores: Shape (blocks, arms).
        higher_is_better: True for accuracies, False for losses or times.

    Returns:
        Mean ranks, 1 = best, ties share their ranks; shape (arms,).
    """
    ranks = _block_ranks(scores, higher_is_better=higher_is_better)
    return np.asarray(ranks.mean(axis=0))


def friedman(
    scores: npt.ArrayLike, *, higher_is_better: bool = True, correct_ties: bool = True
) -> FriedmanResult:
    """Test that all arms rank alike over shared blocks (Friedman 1937; Iman & Davenport 1980).

    Args:
        scores: Shape (blocks, arms).
        higher_is_better: True for accuracies, False for losses or times.
        correct_ties: Correct for ties within blocks, as R and scipy do; Demsar (2006) prints
            values without.

    Returns:
        The tests; undefined with a reason where all arms tie in every block. At a level of 5 % the
        F version errs in 19 % of cases at 3 arms over 3 blocks, and in up to 8 % of other sizes
        (simulated); the exact one never errs more often than its level says.
    """
    ranks = _block_ranks(scores, higher_is_better=higher_is_better)
    n, k = ranks.shape
    mean = ranks.mean(axis=0)
    between = n * float(np.sum((mean - (k + 1) / 2) ** 2))
    expected = k * (k + 1) / 12
    if correct_ties:
        expected = float(np.sum((ranks - (k + 1) / 2) ** 2)) / (n * (k - 1))
    name = "Friedman test" if correct_ties else "Friedman test without tie correction"
    if expected == 0:
        reason = N_("all arms tie in every block")
        undefined = TestResult(math.nan, math.nan, name, df=k - 1, reason=reason)
        return FriedmanResult(mean, undefined, undefined, None)
    chi2 = between / expected
    test = TestResult(chi2, float(stats.chi2.sf(chi2, k - 1)), name, df=k - 1)
    return FriedmanResult(mean, test, _iman_davenport(chi2, ranks), _exact_friedman(chi2, ranks))


def _iman_davenport(chi2: float, ranks: FloatArray) -> TestResult:
    n, k = ranks.shape
    method, df = "Iman-Davenport F test", float(k - 1)
    room = n * (k - 1) - chi2
    if room <= 1e-9 * n * k:
        tied = np.unique(ranks[0], return_counts=True)[1].tolist()
        rankings = math.factorial(k) // math.prod(map(math.factorial, tied))
        p = 1 / rankings ** (n - 1)
        reason = "every block ranks the arms alike: p is the chance of that"
        return TestResult(math.inf, p, method, df=df, reason=reason)
    f = (n - 1) * chi2 / room
    return TestResult(f, float(stats.f.sf(f, df, df * (n - 1))), method, df=df)


def _exact_friedman(chi2: float, ranks: FloatArray) -> TestResult | None:
    """Share of all rankings within blocks with a statistic as large (Friedman 1937).

    The statistic does not mind which arm has which sum of ranks, so only sorted sums are followed
    from block to block, and the first block keeps its order. None where rankings are too many.
    """
    n, k = ranks.shape
    if (n - 1) * math.lgamma(k + 1) > math.log(MOST_ENUMERATED):
        return None
    doubled = np.rint(2 * ranks).astype(np.int64)  # shared ranks are halves
    sums: npt.NDArray[np.int64] = np.sort(doubled[:1], axis=1)
    ways: FloatArray = np.ones(1)
    for block in doubled[1:]:
        orders = np.array(list(permutations(block)))
        reached = np.sort((sums[:, None] + orders).reshape(-1, k), axis=1)
        sums, place = np.unique(reached, axis=0, return_inverse=True)
        ways = np.bincount(place.ravel(), np.repeat(ways, len(orders))).astype(np.float64)
    as_large = (sums**2).sum(axis=1) >= (doubled.sum(axis=0) ** 2).sum()
    p = float(ways[as_large].sum() / ways.sum())
    return TestResult(chi2, p, "exact Friedman test", df=k - 1)


def nemenyi(
    scores: npt.ArrayLike, *, alpha: float = 0.05, higher_is_better: bool = True
) -> NemenyiResult:
    """Compare all pairs of arms over shared blocks (Nemenyi 1963; Demsar 2006).

    Args:
        scores: Shape (blocks, arms).
        alpha: Level of the critical difference.
        higher_is_better: True for accuracies, False for losses or times.

    Returns:
        Pairwise p values and what a critical-difference diagram draws.
    """
    ranks = _block_ranks(scores, higher_is_better=higher_is_better)
    n, k = ranks.shape
    mean = ranks.mean(axis=0)
    se = math.sqrt(k * (k + 1) / (6 * n))
    q = float(stats.studentized_range.ppf(1 - alpha, k, math.inf)) / math.sqrt(2)
    first, second = np.triu_indices(k, 1)
    apart = np.abs(mean[first] - mean[second])
    p = np.clip(stats.studentized_range.sf(apart / se * math.sqrt(2), k, math.inf), 0, 1)
    return NemenyiResult(mean, q, q * se, _symmetric(p, k), critical_groups(mean, q * se))


def critical_groups(mean: FloatArray, critical_difference: float) -> tuple[tuple[int, ...], ...]:
    """Find the largest sets of arms whose mean ranks are within the critical difference.

    Args:
        mean: Mean ranks, shape (k,).
        critical_difference: How far apart they may be.

    Returns:
        Places of the arms of each set of two or more, by rank.
    """
    order = np.argsort(mean, kind="stable")
    groups: list[tuple[int, ...]] = []
    reached = 0
    for start in range(order.size):
        inside = mean[order] <= mean[order[start]] + critical_difference + 1e-12
        end = int(np.flatnonzero(inside)[-1]) + 1
        if end > reached and end - start > 1:
            groups.append(tuple(int(arm) for arm in order[start:end]))
        reached = max(reached, end)
    return tuple(groups)


def _independent(groups: Sequence[npt.ArrayLike]) -> list[FloatArray]:
    arrays = [sample(group, f"group {place}") for place, group in enumerate(groups)]
    if len(arrays) < 2 or any(array.size == 0 for array in arrays):
        raise ValueError("give 2 groups or more with at least one value each")
    return arrays


def _joint_ranks(arrays: list[FloatArray]) -> tuple[FloatArray, float]:
    """Ranks of all values together, and their variance (the tie-corrected N (N + 1) / 12)."""
    pooled = np.concatenate(arrays)
    ranks = stats.rankdata(np.round(pooled, tie_decimals(pooled)))
    return ranks, float(np.var(ranks, ddof=1))


def kruskal_wallis(groups: Sequence[npt.ArrayLike]) -> TestResult:
    """Test that independent groups have the same distribution, by ranks (Kruskal & Wallis 1952).

    Args:
        groups: One array of values a group.

    Returns:
        Tie-corrected H, chi-squared on k - 1 degrees of freedom; undefined where all values tie.
    """
    arrays = _independent(groups)
    ranks, variance = _joint_ranks(arrays)
    method, df = "Kruskal-Wallis test", len(arrays) - 1
    if variance == 0:
        return TestResult(math.nan, math.nan, method, df=df, reason="all values are equal")
    centre = (ranks.size + 1) / 2
    parts = np.split(ranks, np.cumsum([array.size for array in arrays])[:-1])
    h = sum(part.size * (float(part.mean()) - centre) ** 2 for part in parts) / variance
    return TestResult(h, float(stats.chi2.sf(h, df)), method, df=df)


def dunn(groups: Sequence[npt.ArrayLike]) -> DunnResult:
    """Compare all pairs of independent groups by joint ranks (Dunn 1964), Holm-adjusted.

    Args:
        groups: One array of values a group.

    Returns:
        Two-sided p values of z tests with the tie correction.
    """
    arrays = _independent(groups)
    ranks, variance = _joint_ranks(arrays)
    k, sizes = len(arrays), np.array([array.size for array in arrays])
    if variance == 0:
        nothing = np.full((k, k), np.nan)
        return DunnResult(nothing, nothing, "all values are equal")
    mean = np.array([part.mean() for part in np.split(ranks, np.cumsum(sizes)[:-1])])
    first, second = np.triu_indices(k, 1)
    se = np.sqrt(variance * (1 / sizes[first] + 1 / sizes[second]))
    p = 2 * stats.norm.sf(np.abs(mean[first] - mean[second]) / se)
    return DunnResult(_symmetric(p, k), _symmetric(holm(p), k))


def _symmetric(pairs: FloatArray, k: int) -> FloatArray:
    """Matrix of pairs in the order (0, 1), (0, 2), ..., (1, 2), ..., with 1 on the diagonal."""
    matrix = np.eye(k)
    first, second = np.triu_indices(k, 1)
    matrix[first, second] = matrix[second, first] = pairs
    return matrix


@dataclass(frozen=True, slots=True)
class WelchAnovaResult:
    """Welch's analysis of variance: the test (df of the numerator) and df of the denominator."""

    test: TestResult
    df_denominator: float


def welch_anova(groups: Sequence[npt.ArrayLike]) -> WelchAnovaResult:
    """Test that independent groups have one mean, whatever their variances (Welch 1951).

    Args:
        groups: One array of values a group.

    Returns:
        The F test; undefined with a reason where a group has fewer than 2 values or no spread.
    """
    arrays = _independent(groups)
    method, df = "Welch's analysis of variance", len(arrays) - 1
    reason = None
    if any(array.size < 2 for array in arrays):
        reason = "every group needs 2 values or more"
    elif any(has_no_spread(array) for array in arrays):
        reason = "a group has no spread"
    if reason is not None:
        test = TestResult(math.nan, math.nan, method, df=df, reason=reason)
        return WelchAnovaResult(test, math.nan)
    fit = anova_oneway(arrays, use_var="unequal")
    test = TestResult(float(fit.statistic), float(fit.pvalue), method, df=df)
    return WelchAnovaResult(test, float(fit.df_denom))
