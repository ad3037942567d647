"""Effect sizes without a unit, each with an interval.

Standardised differences for readers who compare across measures; probabilities of superiority for
readers who ask "how often is A better than B?". Undefined ones are NaN with a reason.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from harness.language import N_, said
from harness.stats.classical import below_and_equal, brunner_munzel_error, wins
from harness.stats.results import Estimate, Interval
from harness.stats.samples import has_no_spread, sample, significance, tie_decimals, with_ties


def _undefined(method: str, level: float, reason: str, value: float = math.nan) -> Estimate:
    interval = Interval(math.nan, math.nan, level, reason)
    return Estimate(value, interval, method, reason if math.isnan(value) else None)


def small_sample_correction(df: float) -> float:
    """Return J, which makes a standardised difference unbiased: the exact form (Hedges 1981).

    J = gamma(df/2) / (sqrt(df/2) gamma((df-1)/2)); 0 at one degree of freedom, where no correction
    makes the difference unbiased. The familiar 1 - 3/(4 df - 1) approximates it.
    """
    if df <= 1:
        return 0.0
    return math.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / math.sqrt(df / 2)


def noncentrality_interval(t: float, df: float, level: float) -> tuple[float, float]:
    """Return the noncentralities under which ``t`` is at the edge of its central ``level`` range.

    The pivotal interval for a noncentral t (Steiger & Fouladi 1997). From ``t**2`` a million times
    ``df`` on, where the distribution function overflows, the normal part of the noncentral t is
    negligible against its chi part, and the solution is a chi quantile.
    """
    tail = significance(level) / 2
    if t * t > 1e6 * df:
        one, other = (t * float(stats.chi.ppf(q, df)) / math.sqrt(df) for q in (tail, 1 - tail))
        return min(one, other), max(one, other)

    def solve(probability: float) -> float:
        def excess(noncentrality: float) -> float:
            return float(stats.nct.cdf(t, df, noncentrality)) - probability

        step = 1.0 + abs(t)
        low, high = t - step, t + step
        while excess(low) < 0:
            low -= step
        while excess(high) > 0:
            high += step
        return float(optimize.brentq(excess, low, high, xtol=1e-10))

    return solve(1 - tail), solve(tail)


def _standardised(
    t: float, df: float, per_t: float, *, level: float, method: str, correction: float
) -> Estimate:
    """Return the standardised difference ``t * per_t`` with its noncentral-t interval."""
    if correction == 0.0:
        return _undefined(method, level, N_("one degree of freedom: Hedges' factor is 0"))
    low, high = noncentrality_interval(t, df, level)
    scale = per_t * correction
    return Estimate(t * scale, Interval(low * scale, high * scale, level), method)


def _two_arms(a: ArrayLike, b: ArrayLike, level: float, hedges: bool) -> Estimate:
    first, second = sample(a, "a"), sample(b, "b")
    n, m = first.size, second.size
    method = N_("Hedges' g (pooled SD)") if hedges else "Cohen's d (pooled SD)"
    if min(n, m) == 0 or n + m < 3:
        return _undefined(
            method, level, said("{n} against {m} values: no spread to measure", n=n, m=m)
        )
    if has_no_spread(first) and has_no_spread(second):
        return _undefined(method, level, N_("no spread in either arm"))
    df = n + m - 2
    squares = float(((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum())
    per_t = math.sqrt(1 / n + 1 / m)
    t = float(first.mean() - second.mean()) / (math.sqrt(squares / df) * per_t)
    correction = small_sample_correction(df) if hedges else 1.0
    return _standardised(t, df, per_t, level=level, method=method, correction=correction)


def cohen_d(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Cohen's d: the difference of means a - b over the pooled standard deviation (Cohen 1988).

    Args:
        a: Shape (n,).
        b: Shape (m,).
        level: Level of the noncentral-t interval.

    Returns:
        The estimate; NaN with a reason without spread.
    """
    return _two_arms(a, b, level, hedges=False)


def hedges_g(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Hedges' g: Cohen's d and its interval times the exact gamma correction (Hedges 1981).

    Arguments and result as :func:`cohen_d`.
    """
    return _two_arms(a, b, level, hedges=True)


def _paired(differences: ArrayLike, level: float, hedges: bool) -> Estimate:
    d = sample(differences, "differences")
    method = N_("Hedges' g_z (paired)") if hedges else "Cohen's d_z (paired)"
    if d.size < 2:
        return _undefined(method, level, N_("fewer than two pairs: no spread to measure"))
    if has_no_spread(d):
        return _undefined(method, level, N_("no spread: all differences are equal"))
    per_t = 1 / math.sqrt(d.size)
    t = float(d.mean() / d.std(ddof=1)) / per_t
    correction = small_sample_correction(d.size - 1) if hedges else 1.0
    return _standardised(t, d.size - 1, per_t, level=level, method=method, correction=correction)


def cohen_dz(differences: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Cohen's d_z: mean over standard deviation of paired differences (Cohen 1988).

    Args:
        differences: Shape (n,).
        level: Level of the noncentral-t interval.

    Returns:
        The estimate; NaN with a reason without spread.
    """
    return _paired(differences, level, hedges=False)


def hedges_gz(differences: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Hedges' g_z: d_z and its interval times the exact gamma correction (Hedges 1981)."""
    return _paired(differences, level, hedges=True)


def cliffs_delta(
    a: ArrayLike,
    b: ArrayLike,
    *,
    level: float = 0.95,
    variance: Literal["unbiased", "consistent"] = "unbiased",
    reference: Literal["t", "normal"] = "t",
) -> Estimate:
    """Cliff's delta, P(a > b) - P(a < b), which is also the rank-biserial correlation of U.

    The interval is asymmetric (Feng & Cliff 2004) on Cliff's (1996) unbiased variance with a
    t quantile of n + m - 2 degrees of freedom, as ``effsize::cliff.delta``; Cliff's consistent
    variance and a normal quantile are the other forms in print.

    Args:
        a: Shape (n,).
        b: Shape (m,).
        level: Confidence level.
        variance: Which of Cliff's variance estimates.
        reference: Distribution of the quantile.

    Returns:
        The estimate, with a NaN interval and its reason when the samples are separated or an arm
        has one value.
    """
    first, second = with_ties(sample(a, "a"), sample(b, "b"))
    method = "Cliff's delta"
    n, m = first.size, second.size
    if min(n, m) == 0:
        return _undefined(method, level, N_("an arm is empty"))
    beaten, equal = below_and_equal(first, second)
    dominance = 2 * beaten + equal - m  # how many each value of a beats, less those it loses to
    delta = float(dominance.sum()) / (n * m)
    if min(n, m) < 2:
        return _undefined(method, level, "an arm has one value: no interval", delta)
    rows = float(((dominance / m - delta) ** 2).sum())
    columns = float(((1 - 2 * wins(second, first) / n - delta) ** 2).sum())
    cells = n * m * (1 - delta**2) - float(equal.sum())  # a pair's dominance is 1, -1, or 0
    spread = n * m * (n - 1) * (m - 1)
    if variance == "unbiased":
        error2 = (m**2 * rows + n**2 * columns - cells) / spread
    else:
        error2 = ((m - 1) ** 2 * rows + (n - 1) ** 2 * columns + cells) / spread
    if abs(delta) == 1.0 or error2 <= 0:
        return _undefined(method, level, "the samples do not overlap enough", delta)
    tail = significance(level) / 2
    q = float(stats.t.isf(tail, n + m - 2) if reference == "t" else stats.norm.isf(tail))
    half = q * math.sqrt(error2 * ((1 - delta**2) ** 2 + q**2 * error2))
    middle, below = delta - delta**3, 1 - delta**2 + q**2 * error2
    return Estimate(
        delta, Interval((middle - half) / below, (middle + half) / below, level), method
    )


def probability_of_superiority(
    a: ArrayLike, b: ArrayLike, *, level: float = 0.95, clip: bool = True
) -> Estimate:
    """Return A12 = P(a > b) + P(a = b)/2 (Vargha & Delaney 2000).

    The interval is the one that goes with Brunner-Munzel's test (Brunner & Munzel 2000): placement
    variances and a t quantile, clipped to [0, 1].

    Args:
        a: Shape (n,).
        b: Shape (m,).
        level: Confidence level.
        clip: Whether to clip the interval to [0, 1].

    Returns:
        The estimate, with a NaN interval and its reason when the samples are separated or an arm
        has one value.
    """
    first, second = with_ties(sample(a, "a"), sample(b, "b"))
    method = N_("probability of superiority (A12)")
    if min(first.size, second.size) == 0:
        return _undefined(method, level, N_("an arm is empty"))
    a12 = float(wins(first, second).sum()) / (first.size * second.size)
    error, df, reason = brunner_munzel_error(first, second)
    if reason:
        return _undefined(method, level, reason, a12)
    half = float(stats.t.isf(significance(level) / 2, df)) * error
    low, high = a12 - half, a12 + half
    if clip:
        low, high = max(low, 0.0), min(high, 1.0)
    return Estimate(a12, Interval(low, high, level), method)


def paired_superiority(differences: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return P(d > 0) + P(d = 0)/2: how often the first arm is ahead in the same replicate.

    The interval is Wilson's (1927) for a proportion; a tie counts as half a success.

    Args:
        differences: Shape (n,).
        level: Confidence level.

    Returns:
        The estimate; NaN with a reason without pairs.
    """
    d = sample(differences, "differences")
    method = N_("paired probability of superiority")
    if d.size == 0:
        return _undefined(method, level, N_("no pairs"))
    n, share = d.size, float(0.5 * (np.sign(np.round(d, tie_decimals(d))) + 1.0).mean())
    z = float(stats.norm.isf(significance(level) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Estimate(share, Interval(low, high, level), method)


def rank_biserial(differences: ArrayLike) -> float:
    """Return the matched-pairs rank-biserial correlation, (W+ - W-)/(W+ + W-) (Kerby 2014).

    Zeros are dropped before ranking; NaN when nothing else is left.
    """
    d = sample(differences, "differences")
    d = np.round(d, tie_decimals(d))
    d = d[d != 0]
    if d.size == 0:
        return math.nan
    ranks = stats.rankdata(np.abs(d))
    return float((np.sign(d) * ranks).sum() / ranks.sum())
