"""Textbook tests, shown beside the deciding permutation test as a check on it.

Where textbooks and programs disagree, each docstring says which definition is followed. A case in
which a statistic is undefined gives NaN and a reason, never a p value.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from harness.language import N_, said
from harness.stats.enumeration import selection_sum_distribution, sign_sum_distribution
from harness.stats.results import Interval, TestResult
from harness.stats.samples import (
    Alternative,
    FloatArray,
    check_alternative,
    has_no_spread,
    sample,
    significance,
    tie_decimals,
    with_ties,
)

EXACT_RANKS_UP_TO = 100
"""Values in all up to which ``method="auto"`` computes rank tests exactly."""

RankMethod = Literal["auto", "exact", "asymptotic"]
Zeros = Literal["wilcox", "pratt"]

_TINY = float(np.finfo(np.float64).tiny)


def _undefined(method: str, reason: str, statistic: float = math.nan) -> TestResult:
    return TestResult(statistic, math.nan, method, reason=reason)


def _t_result(t: float, df: float, alternative: Alternative, method: str) -> TestResult:
    if alternative == "two-sided":
        p = 2 * stats.t.sf(abs(t), df)
    else:
        p = stats.t.sf(t if alternative == "greater" else -t, df)
    return TestResult(t, max(float(p), _TINY), method, df=df)


def _normal_p(z: float, alternative: Alternative) -> float:
    if alternative == "two-sided":
        return max(float(2 * stats.norm.sf(abs(z))), _TINY)
    return max(float(stats.norm.sf(z if alternative == "greater" else -z)), _TINY)


def _mean_error(d: FloatArray) -> tuple[float, str | None]:
    """Return the standard error of the mean, and why it is undefined."""
    if d.size < 2:
        template = N_("{n} pair: no spread to measure")
        if d.size != 1:
            template = N_("{n} pairs: no spread to measure")
        return math.nan, said(template, n=d.size)
    if has_no_spread(d):
        return math.nan, N_("no spread: all differences are equal")
    return float(d.std(ddof=1)) / math.sqrt(d.size), None


def paired_t(
    differences: ArrayLike, *, null: float = 0.0, alternative: Alternative = "two-sided"
) -> TestResult:
    """Student's t test of the mean of paired differences (Student 1908).

    Args:
        differences: Shape (n,).
        null: The hypothesised mean difference.
        alternative: "greater" asks whether the mean is greater than ``null``.

    Returns:
        t, its p and n - 1 degrees of freedom; NaN with a reason for fewer than 2 pairs or equal
        differences.
    """
    check_alternative(alternative)
    d = sample(differences, "differences")
    error, reason = _mean_error(d)
    if reason:
        return _undefined(N_("paired t test"), reason)
    t = (float(d.mean()) - null) / error
    return _t_result(t, d.size - 1, alternative, N_("paired t test"))


def paired_t_interval(differences: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return the t interval of the mean of paired differences (Student 1908)."""
    d, alpha = sample(differences, "differences"), significance(level)
    error, reason = _mean_error(d)
    if reason:
        return Interval(math.nan, math.nan, level, reason)
    half = float(stats.t.isf(alpha / 2, d.size - 1)) * error
    return Interval(float(d.mean()) - half, float(d.mean()) + half, level)


def _welch(a: FloatArray, b: FloatArray) -> tuple[float, float, str | None]:
    """Return the standard error of the difference, its degrees of freedom, and why undefined."""
    n, m = a.size, b.size
    if min(n, m) < 2:
        few = said("{n} against {m} values: each arm needs two for a variance", n=n, m=m)
        return math.nan, math.nan, few
    if has_no_spread(a) and has_no_spread(b):
        return math.nan, math.nan, N_("no spread in either arm")
    va, vb = float(a.var(ddof=1)) / n, float(b.var(ddof=1)) / m
    df = (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1))
    return math.sqrt(va + vb), df, None


def welch_t(
    a: ArrayLike, b: ArrayLike, *, null: float = 0.0, alternative: Alternative = "two-sided"
) -> TestResult:
    """Welch's t test of the difference of two means (Welch 1947, Satterthwaite's df).

    Args:
        a: Shape (n,).
        b: Shape (m,).
        null: The hypothesised difference, a - b.
        alternative: "greater" asks whether a's mean is greater by more than ``null``.

    Returns:
        t, p and degrees of freedom; NaN with a reason for an arm of one value or no spread at all.
    """
    check_alternative(alternative)
    first, second = sample(a, "a"), sample(b, "b")
    error, df, reason = _welch(first, second)
    if reason:
        return _undefined(N_("Welch t test"), reason)
    t = (float(first.mean() - second.mean()) - null) / error
    return _t_result(t, df, alternative, N_("Welch t test"))


def welch_t_interval(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Interval:
    """Return Welch's interval of the difference of means, a - b (Welch 1947)."""
    first, second, alpha = sample(a, "a"), sample(b, "b"), significance(level)
    error, df, reason = _welch(first, second)
    if reason:
        return Interval(math.nan, math.nan, level, reason)
    gap, half = float(first.mean() - second.mean()), float(stats.t.isf(alpha / 2, df)) * error
    return Interval(gap - half, gap + half, level)


def _rank_p(chance: FloatArray, observed: int, alternative: Alternative) -> float:
    """Return the p of an exact rank test; two-sided is P(|W - E| >= |w - E|) (R, coin)."""
    values = np.arange(chance.size)
    if alternative == "greater":
        extreme = values >= observed
    elif alternative == "less":
        extreme = values <= observed
    else:
        expected = float(values @ chance)
        extreme = np.abs(values - expected) >= abs(observed - expected) - 1e-6
    return min(1.0, float(chance[extreme].sum()))


def _score_p(
    w: float, expected: float, variance: float, continuity: bool, alternative: Alternative
) -> float:
    """Return the normal p of a rank sum, moved half a unit towards its mean if asked."""
    shift = w - expected
    if continuity and alternative == "two-sided":
        shift = math.copysign(max(abs(shift) - 0.5, 0.0), shift)
    elif continuity:
        shift += -0.5 if alternative == "greater" else 0.5
    return _normal_p(shift / math.sqrt(variance), alternative)


def _doubled(midranks: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.rint(2 * midranks).astype(np.int64)


def wilcoxon_signed_rank(
    differences: ArrayLike,
    *,
    zeros: Zeros = "wilcox",
    method: RankMethod = "auto",
    continuity: bool = False,
    alternative: Alternative = "two-sided",
) -> TestResult:
    """Wilcoxon's signed-rank test (Wilcoxon 1945; Pratt 1959), exact also with ties.

    Exact means over all signs of the midranks, as ``coin::wilcoxsign_test`` does.

    Args:
        differences: Shape (n,).
        zeros: "wilcox" drops zero differences before ranking, "pratt" after.
        method: "auto" is exact up to 100 pairs.
        continuity: Whether the asymptotic form moves half a rank towards the mean.
        alternative: "greater" asks whether differences tend to be above zero.

    Returns:
        The sum of the ranks of positive differences, and p. With nothing but zeros p is 1 with a
        reason; without pairs NaN with a reason.
    """
    check_alternative(alternative)
    d = sample(differences, "differences")
    if d.size == 0:
        return _undefined(N_("Wilcoxon signed-rank test"), N_("no pairs"))
    d = np.round(d, tie_decimals(d))
    if not d.any():
        reason = N_("all differences are zero")
        return TestResult(0.0, 1.0, N_("Wilcoxon signed-rank test"), reason=reason)
    if zeros == "wilcox":
        d = d[d != 0]
    ranks = stats.rankdata(np.abs(d))
    positive = float(ranks[d > 0].sum())
    ranks = ranks[d != 0]
    if method == "exact" or (method == "auto" and d.size <= EXACT_RANKS_UP_TO):
        p = _rank_p(sign_sum_distribution(_doubled(ranks)), round(2 * positive), alternative)
        return TestResult(
            positive, p, said("exact Wilcoxon signed-rank test ({zeros})", zeros=zeros)
        )
    variance = float(np.sum(ranks**2)) / 4
    p = _score_p(positive, float(ranks.sum()) / 2, variance, continuity, alternative)
    return TestResult(
        positive, p, said("asymptotic Wilcoxon signed-rank test ({zeros})", zeros=zeros)
    )


def sign_test(differences: ArrayLike, *, alternative: Alternative = "two-sided") -> TestResult:
    """Sign test: the exact binomial test of P(d > 0) = 1/2, zeros dropped (Arbuthnot 1710).

    Returns:
        The number of positive differences, and p; p is 1 with a reason if all are zero.
    """
    check_alternative(alternative)
    d = sample(differences, "differences")
    if d.size == 0:
        return _undefined("sign test", N_("no pairs"))
    d = np.round(d, tie_decimals(d))
    up, signed = int(np.count_nonzero(d > 0)), int(np.count_nonzero(d))
    if signed == 0:
        return TestResult(0.0, 1.0, "sign test", reason=N_("all differences are zero"))
    p = stats.binomtest(up, signed, alternative=alternative).pvalue
    return TestResult(float(up), float(p), f"exact sign test ({signed} differences)")


def mann_whitney(
    a: ArrayLike,
    b: ArrayLike,
    *,
    method: RankMethod = "auto",
    continuity: bool = True,
    alternative: Alternative = "two-sided",
) -> TestResult:
    """Mann-Whitney's U test (Mann & Whitney 1947), exact also with ties.

    Exact means over all selections of the midranks; two-sided is P(|U - E| >= |u - E|).

    Args:
        a: Shape (n,).
        b: Shape (m,).
        method: "auto" is exact up to 100 values in all.
        continuity: Whether the asymptotic form moves half a unit towards the mean.
        alternative: "greater" asks whether values of ``a`` tend to be larger.

    Returns:
        U of ``a`` (the pairs in which a is larger, ties a half), and p; NaN with a reason when an
        arm is empty, 1 with a reason when all values are equal.
    """
    check_alternative(alternative)
    first, second = with_ties(sample(a, "a"), sample(b, "b"))
    n, m = first.size, second.size
    if min(n, m) == 0:
        return _undefined(N_("Mann-Whitney U test"), N_("an arm is empty"))
    ranks = stats.rankdata(np.concatenate([first, second]))
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    if np.ptp(ranks) == 0:
        return TestResult(u, 1.0, N_("Mann-Whitney U test"), reason=N_("all values are equal"))
    if method == "exact" or (method == "auto" and n + m <= EXACT_RANKS_UP_TO):
        chance = selection_sum_distribution(_doubled(ranks), n)
        p = _rank_p(chance, round(2 * float(ranks[:n].sum())), alternative)
        return TestResult(u, p, N_("exact Mann-Whitney U test"))
    variance = n * m / (n + m) * float(ranks.var(ddof=1))
    p = _score_p(u, n * m / 2, variance, continuity, alternative)
    return TestResult(u, p, N_("asymptotic Mann-Whitney U test"))


def below_and_equal(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Count, for each value of ``a``, the values of ``b`` below it and equal to it: shapes (n,)."""
    ordered = np.sort(b)  # thousands of values want no table of all pairs
    below = np.searchsorted(ordered, a, "left").astype(np.float64)
    return below, np.searchsorted(ordered, a, "right") - below


def wins(a: FloatArray, b: FloatArray) -> FloatArray:
    """Count, for each value of ``a``, the values of ``b`` below it, equal ones half: shape (n,)."""
    below, equal = below_and_equal(a, b)
    return below + equal / 2


def brunner_munzel_error(a: FloatArray, b: FloatArray) -> tuple[float, float, str | None]:
    """Return the standard error of P(a > b) + P(a = b)/2, its df, and why it is undefined.

    Brunner & Munzel (2000): the variances of the placements, Satterthwaite's df.
    """
    n, m = a.size, b.size
    if min(n, m) < 2:
        few = said("{n} against {m} values: each arm needs two for a variance", n=n, m=m)
        return math.nan, math.nan, few
    of_a, of_b = wins(a, b) / m, wins(b, a) / n  # the placements
    va, vb = float(of_a.var(ddof=1)) / n, float(of_b.var(ddof=1)) / m
    if va + vb < 1e-25:  # placements are multiples of 1/(2n) or 1/(2m)
        return 0.0, math.nan, N_("placements do not vary: the samples are separated or constant")
    return math.sqrt(va + vb), (va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (m - 1)), None


def brunner_munzel(
    a: ArrayLike,
    b: ArrayLike,
    *,
    distribution: Literal["t", "normal"] = "t",
    alternative: Alternative = "two-sided",
) -> TestResult:
    """Brunner-Munzel's test of P(a > b) + P(a = b)/2 = 1/2 (Brunner & Munzel 2000).

    Args:
        a: Shape (n,).
        b: Shape (m,).
        distribution: Reference distribution of the statistic.
        alternative: "greater" asks whether values of ``a`` tend to be larger.

    Returns:
        The statistic, positive when *b* tends to be larger (scipy's convention), and p; for
        separated samples the statistic is infinite and p NaN with a reason.
    """
    check_alternative(alternative)
    first, second = with_ties(sample(a, "a"), sample(b, "b"))
    method = said("Brunner-Munzel test ({distribution})", distribution=distribution)
    error, df, reason = brunner_munzel_error(first, second)
    if math.isnan(error):
        return _undefined(method, reason or "")
    lead = float((wins(first, second) / second.size).mean()) - 0.5
    if reason:
        statistic = -math.copysign(math.inf, lead) if abs(lead) > 1e-6 else math.nan
        return _undefined(method, reason, statistic)
    if distribution == "normal":
        return TestResult(-lead / error, _normal_p(lead / error, alternative), method)
    by_t = _t_result(lead / error, df, alternative, method)
    return TestResult(-lead / error, by_t.p, method, df=df)


def normality(values: ArrayLike) -> TestResult:
    """Shapiro-Wilk's test of normality (Shapiro & Wilk 1965, Royston 1995).

    Returns:
        W and p; NaN with the reason "not assessable: ..." below 3 values or without spread, where
        W is arbitrary, and above 5,000 values, where Royston's p is not valid.
    """
    x = sample(values)
    method = "Shapiro-Wilk test"
    if x.size < 3:
        return _undefined(method, f"not assessable: {x.size} values, 3 are needed")
    if has_no_spread(x):
        return _undefined(method, "not assessable: all values are equal")
    if x.size > 5000:
        return _undefined(method, "not assessable: more than 5,000 values")
    w, p = stats.shapiro(x)
    return TestResult(float(w), float(p), method)
