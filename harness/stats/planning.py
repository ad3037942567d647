"""How many replicates: what n can reach at all, and what it takes to see a difference.

Power is that of the t tests, which the permutation tests follow closely; what only permutation
knows is a floor, the smallest p that n replicates can produce.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, optimize, stats

from harness.stats.paired import EXACT_UP_TO
from harness.stats.samples import (
    Alternative,
    FloatArray,
    check_alternative,
    has_no_spread,
    sample,
)

Design = Literal["paired", "two-sample"]

_MOST = 10_000_000  # replicates beyond which a plan is no plan
_PLAINLY_NORMAL = 2_000  # replicates beyond which t and normal plans differ by a handful


def smallest_p(n_pairs: int, draws: int | None = None) -> float:
    """Return the smallest two-sided p that n pairs can reach by sign flips: 2 / 2**n.

    Args:
        n_pairs: Number of pairs.
        draws: Random arrangements of a test that tries all of them only up to
            `harness.stats.paired.EXACT_UP_TO` pairs: beyond, its p is never below 1 / (draws + 1)
            (Phipson & Smyth 2010). None for what the pairs themselves can show.
    """
    if n_pairs < 0:
        raise ValueError(f"the number of pairs must not be negative, got {n_pairs}")
    smallest = min(1.0, 2.0 ** (1 - n_pairs))
    if draws is None or n_pairs <= EXACT_UP_TO:
        return smallest
    return max(smallest, 1 / (draws + 1))


def draws_needed(level: float, hits: int) -> int:
    """Random arrangements whose p can get to a level although ``hits`` of them are as extreme.

    With only one, the data's own, p ends at 1 / (draws + 1) (Phipson & Smyth 2010): so few would
    make a rejection the draws' matter, and not the data's.

    Args:
        level: What p is held against, that of Holm's hardest step.
        hits: Arrangements as extreme as the data, these included.
    """
    return math.ceil(round(hits / level, 6)) - 1


def smallest_p_unpaired(n: int, m: int) -> float:
    """Return the smallest two-sided permutation p of n against m values.

    1 / C(n+m, n), and twice that for equal sizes, where the mirror image is as extreme: 0.1 for
    3 against 3, 0.02857 for 4 against 4. Beyond 512 against 512 it is below 1e-306, and no further
    digits are computed: the number of labelings has hundreds of thousands of them.
    """
    if min(n, m) < 1:
        raise ValueError(f"both arms need values, got {n} and {m}")
    if min(n, m) > 512:
        return sys.float_info.min
    return (2 if n == m else 1) / math.comb(n + m, n)


def least_pairs(claims: int, alpha: float = 0.05) -> int:
    """Return the least number of pairs at which Holm over ``claims`` can reject anything.

    The first step of Holm needs ``claims * 2 / 2**n <= alpha``: 9 pairs for 7 claims at 0.05.
    """
    if claims < 1 or not 0 < alpha < 1:
        raise ValueError(f"need claims >= 1 and 0 < alpha < 1, got {claims} and {alpha}")
    n = 1
    while claims * smallest_p(n) > alpha * (1 + 1e-12):
        n += 1
    return n


def _degrees(n: float, design: Design) -> float:
    return n - 1 if design == "paired" else 2 * n - 2


def _noncentrality(n: float, design: Design) -> float:
    return math.sqrt(n if design == "paired" else n / 2)


def t_power(
    n: float,
    d: float,
    alpha: float = 0.05,
    *,
    design: Design = "paired",
    alternative: Alternative = "two-sided",
) -> float:
    """Return the power of a t test by the noncentral t distribution (Cohen 1988).

    Args:
        n: Pairs, or values in each of two arms; need not be whole. Above 1.
        d: True standardised difference: over the SD of the differences (paired) or of the values.
        alpha: Level.
        design: Paired, or the pooled-variance test of two arms of equal size (Welch's has a little
            less power at n <= 5: :func:`welch_power`).
        alternative: "greater" tests for d > 0. Two-sided power counts rejections on both sides.
    """
    check_alternative(alternative)
    df, shift = _degrees(n, design), d * _noncentrality(n, design)
    sides = 2 if alternative == "two-sided" else 1
    critical = float(stats.t.isf(alpha / sides, df))
    # The lower tail is the upper tail of the mirrored distribution, which scipy computes stably.
    above = float(stats.nct.sf(critical, df, shift)) if alternative != "less" else 0.0
    below = float(stats.nct.sf(critical, df, -shift)) if alternative != "greater" else 0.0
    return min(1.0, above + below)


def t_sample_size(
    d: float, power: float = 0.8, alpha: float = 0.05, *, design: Design = "paired"
) -> float:
    """Return the n (not rounded) at which the two-sided t test has the given power.

    Args:
        d: True standardised difference, not 0.
        power: Wanted power, above ``alpha`` and below 1.
        alpha: Two-sided level.
        design: As in :func:`t_power`; n is then pairs, or values in each arm.

    Returns:
        n >= 2: 2 if even two are enough, infinity above ten million.

    Raises:
        ValueError: If ``d`` is 0 or ``power`` is outside (alpha, 1).
    """
    if d == 0 or not alpha < power < 1:
        raise ValueError(f"need d != 0 and alpha < power < 1, got d={d} and power={power}")
    if _normal_sample_size(d, power, alpha, design) > _MOST:
        return math.inf

    def lack(n: float) -> float:
        return t_power(n, d, alpha, design=design) - power

    low, high = 2.0, 4.0
    if lack(low) >= 0:
        return low
    while lack(high) < 0:
        low, high = high, 2 * high
    return float(optimize.brentq(lack, low, high, xtol=1e-9))


def _normal_sample_size(d: float, power: float, alpha: float, design: Design) -> float:
    z = float(stats.norm.isf(alpha / 2) + stats.norm.ppf(power))
    return (1 if design == "paired" else 2) * (z / d) ** 2


def welch_power(n: int, d: float, alpha: float = 0.05) -> float:
    """Return the two-sided power of Welch's t test of two normal arms of n values, equal spread.

    With equal n Welch's t is the pooled t; only its critical value depends on the share of the
    first variance, a Beta((n-1)/2, (n-1)/2) variable independent of t. The power is the noncentral
    t's, averaged over that share.
    """
    share = stats.beta((n - 1) / 2, (n - 1) / 2)
    shift = d * _noncentrality(n, "two-sample")

    def rejected(quantile: float) -> float:
        r = float(share.ppf(quantile))
        critical = float(stats.t.isf(alpha / 2, (n - 1) / (r**2 + (1 - r) ** 2)))
        both = stats.nct.sf(critical, 2 * n - 2, shift) + stats.nct.sf(critical, 2 * n - 2, -shift)
        return float(both)

    nodes, weights = np.polynomial.legendre.leggauss(64)
    return float(sum(w * rejected(0.5 * (x + 1)) for x, w in zip(nodes, weights, strict=True)) / 2)


def tost_power(
    n: int,
    sd: float,
    margin: float,
    difference: float = 0.0,
    alpha: float = 0.05,
    *,
    design: Design = "paired",
) -> float:
    """Return the power of the t TOST to show equivalence, exactly (Owen's Q; Phillips 1990).

    Given the standard deviation s, TOST succeeds if the observed difference is within
    ``margin - t s / sqrt(n)``: a normal probability, averaged over the chi distribution of s.

    Args:
        n: Pairs, or values in each arm.
        sd: True SD of the differences (paired) or of the values, above 0.
        margin: Margin of equivalence, above 0.
        difference: True difference.
        alpha: Level of each one-sided test.
        design: Paired or two arms of equal size.
    """
    df = _degrees(n, design)
    error = sd / _noncentrality(n, design)
    critical = float(stats.t.isf(alpha, df))

    def succeeds(chi: float) -> float:
        room = margin - critical * error * chi / math.sqrt(df)
        inside = stats.norm.cdf((room - difference) / error)
        inside -= stats.norm.cdf((-room - difference) / error)
        return float(inside * stats.chi.pdf(chi, df))

    widest = margin * math.sqrt(df) / (critical * error)
    top = min(widest, float(stats.chi.isf(1e-15, df)))
    power, _ = integrate.quad(succeeds, 0.0, top, epsabs=1e-12, epsrel=1e-10, limit=200)
    return min(1.0, float(power))


def logrank_events(hazard_ratio: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the events a two-sided log-rank test of two equal arms needs (Schoenfeld 1981).

    4 (z_alpha/2 + z_power)**2 / log(hazard ratio)**2, in both arms together, not rounded.
    """
    if hazard_ratio <= 0 or hazard_ratio == 1:
        raise ValueError(f"the hazard ratio must be above 0 and not 1, got {hazard_ratio}")
    z = float(stats.norm.isf(alpha / 2) + stats.norm.ppf(power))
    return 4 * (z / math.log(hazard_ratio)) ** 2


def replicates_needed(
    differences: ArrayLike, margin: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the paired replicates at which a difference of the margin would be seen.

    The number at which the two-sided paired t test detects a true mean difference equal to
    ``margin`` with the given power, the spread being that of the pilot differences; and never
    fewer than the sign-flip test needs to reach ``alpha`` at all.

    The plan is for the margin, the smallest difference that matters, even if the pilot's mean is
    larger: a pilot's mean overstates the truth when it looks promising, and planning on it leaves
    a study too small. Only a margin of 0 names no difference; then the observed mean is used.

    Args:
        differences: Shape (n,): pilot differences.
        margin: Smallest difference that matters, in the same unit; 0 or above.
        alpha: Level, already divided among the claims of a family (alpha / claims for Holm).
        power: Wanted power.

    Returns:
        Replicates in all, the pilot included; None where the pilot shows no spread, there are
        fewer than two differences, there is no effect to plan for, or ten million do not do.
    """
    d = sample(differences, "differences")
    if margin < 0:
        raise ValueError(f"margin must not be negative, got {margin}")
    if has_no_spread(d):
        return None
    effect = margin or abs(float(d.mean()))
    return _whole(effect / float(d.std(ddof=1)), power, alpha, "paired", smallest_p)


def replicates_needed_for_equivalence(
    differences: ArrayLike, margin: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the paired replicates at which arms without a difference would be shown equivalent.

    The smallest n at which the t TOST (see :func:`tost_power`) succeeds with the given power if
    the true difference is 0 and the spread that of the pilot (above 2,000 its normal limit: Chow,
    Shao & Wang 2008); and never fewer than the one-sided sign-flip tests need to reach ``alpha`` at
    all.

    Args:
        differences: Shape (n,): pilot differences.
        margin: Margin of equivalence, above 0.
        alpha: Level of each one-sided test, already divided among the claims of a family.
        power: Wanted power.

    Returns:
        Replicates in all, the pilot included; None where the pilot shows no spread, or ten million
        do not do.
    """
    d = sample(differences, "differences")
    if has_no_spread(d):
        return None
    least = math.ceil(math.log2(1 / alpha) - 1e-12)
    return _for_equivalence(
        float(d.std(ddof=1)), margin, alpha, power, design="paired", least=least
    )


def replicates_needed_for_equivalence_unpaired(
    a: ArrayLike, b: ArrayLike, margin: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the values in each arm at which arms without a difference would be shown equivalent.

    As :func:`replicates_needed_for_equivalence`, for two unpaired arms of equal size and the pooled
    SD.
    """
    sd = _pooled_sd(sample(a, "a"), sample(b, "b"))
    if sd is None:
        return None
    least = 2
    while smallest_p_unpaired(least, least) / 2 > alpha * (1 + 1e-12):
        least += 1
    return _for_equivalence(sd, margin, alpha, power, design="two-sample", least=least)


def _for_equivalence(
    sd: float, margin: float, alpha: float, power: float, *, design: Design, least: int
) -> int | None:
    """Return the smallest n, from ``least`` on, at which TOST has the power."""
    z = float(stats.norm.isf(alpha) + stats.norm.isf((1 - power) / 2))
    normal = (1 if design == "paired" else 2) * (z * sd / margin) ** 2  # t needs a few more
    if normal > _PLAINLY_NORMAL:
        return math.ceil(normal) if normal <= _MOST else None
    n = max(2, math.ceil(normal), least)
    while tost_power(n, sd, margin, alpha=alpha, design=design) < power:
        n += 1
    return n


def replicates_needed_unpaired(
    a: ArrayLike, b: ArrayLike, margin: float, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return the values in each arm at which a difference of the margin would be seen.

    As :func:`replicates_needed`, for two unpaired arms of equal size and the pooled SD.
    """
    first, second = sample(a, "a"), sample(b, "b")
    if margin < 0:
        raise ValueError(f"margin must not be negative, got {margin}")
    sd = _pooled_sd(first, second)
    if sd is None:
        return None
    effect = margin or abs(float(first.mean() - second.mean()))
    return _whole(effect / sd, power, alpha, "two-sample", lambda n: smallest_p_unpaired(n, n))


def _pooled_sd(a: FloatArray, b: FloatArray) -> float | None:
    """Return the standard deviation within the arms; None where neither shows any."""
    if min(a.size, b.size) < 1 or (has_no_spread(a) and has_no_spread(b)):
        return None
    squares = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
    return math.sqrt(float(squares) / (a.size + b.size - 2))


def _whole(
    d: float, power: float, alpha: float, design: Design, floor: Callable[[int], float]
) -> int | None:
    """Return the whole number of replicates, no smaller than the smallest p demands."""
    if d == 0:
        return None
    n = t_sample_size(d, power, alpha, design=design)
    if math.isinf(n):
        return None
    whole = max(2, math.ceil(n - 1e-6))
    while floor(whole) > alpha * (1 + 1e-12):
        whole += 1
    return whole
