"""Bands that hold at all epochs at once: for an arm's mean curve, a difference, a further curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from harness.stats.curve_tests import check_curves
from harness.stats.samples import FloatArray

_DRAWS = 20_000  # standard error of the critical value: 0.2 %
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class SimultaneousBand:
    """A band around a curve; all arrays have shape (epochs,).

    Attributes:
        centre: The estimated curve.
        low: Lower bound at each epoch.
        high: Upper bound at each epoch.
        se: Standard error of what the band is about.
        critical: The number of standard errors the bounds are from the centre; NaN if undefined.
        df: Degrees of freedom behind ``critical``.
        level: Probability that the band holds at all its epochs together.
        method: What was computed, in words.
        reason: Why the band is undefined or has no width; None otherwise.
    """

    centre: FloatArray
    low: FloatArray
    high: FloatArray
    se: FloatArray
    critical: float
    df: float
    level: float
    method: str
    reason: str | None = None


def sup_t_critical(factor: npt.ArrayLike, *, df: float, level: float = 0.95) -> float:
    """Find c with P(max over epochs |T_j| <= c) = level, for T multivariate t with one shared chi.

    The normal maxima are simulated from a fixed seed and the chi is integrated out, so the answer
    is a smooth function of the data, the same in every call (Montiel Olea & Plagborg-Moller 2019).

    Args:
        factor: F with F.T @ F the covariance of the estimates, shape (r, epochs); it may be rank
            deficient. Epochs without variance are left out.
        df: Degrees of freedom of the chi; ``math.inf`` for the normal.
        level: Simultaneous level.

    Returns:
        The critical value; NaN where no epoch has variance.
    """
    f = np.asarray(factor, dtype=np.float64)
    scale = np.sqrt(np.sum(f**2, axis=0))
    f = f[:, scale > 0] / scale[scale > 0]
    if f.shape[1] == 0:
        return math.nan
    noise = np.random.default_rng(_SEED).standard_normal((_DRAWS, len(f)))
    maxima = np.max(np.abs(noise @ f), axis=1)
    if math.isinf(df):
        return float(np.quantile(maxima, level))

    def too_much(c: float) -> float:
        return float(np.mean(special.chdtrc(df, df * (maxima / c) ** 2))) - level

    low = float(stats.t.ppf(0.5 + level / 2, df))
    high = float(stats.t.isf((1 - level) / (2 * f.shape[1]), df))
    if high <= low:
        return low
    return float(optimize.brentq(too_much, 0.9 * low, 1.1 * high, xtol=1e-6))


def difference_band(
    a: npt.ArrayLike, b: npt.ArrayLike, *, paired: bool, level: float = 0.95
) -> SimultaneousBand:
    """Band of the mean of ``a`` minus the mean of ``b``, over all epochs at once.

    Unpaired: the sup-t band with min(n, m) - 1 degrees of freedom, which keeps its level at equal
    spread. Where the smaller arm spreads three times as wide it falls short (5 against 15 runs:
    92 % over 10 epochs, 89 % over 20; simulated). Paired: ``mean_band`` of the differences.

    Args:
        a: Curves of the first arm, shape (n, epochs).
        b: Curves of the second arm, shape (m, epochs); if paired, row i belongs to row i of a.
        paired: Whether rows share a replicate.
        level: Simultaneous level.

    Returns:
        The band; bounds are NaN with a reason with fewer than 2 runs in an arm.
    """
    first, second = check_curves(a, b, paired=paired)
    if paired:
        return mean_band(first - second, level=level)
    centre = first.mean(axis=0) - second.mean(axis=0)
    df = min(len(first), len(second)) - 1
    if df < 1:
        return _undefined(centre, level, "needs at least 2 runs in each arm")
    factor = np.concatenate([_mean_factor(first), _mean_factor(second)])
    critical = sup_t_critical(factor, df=df, level=level)
    return _band(
        centre,
        np.sqrt(np.sum(factor**2, axis=0)),
        critical,
        df=df,
        level=level,
        method="sup-t band",
    )


def mean_band(curves: npt.ArrayLike, *, level: float = 0.95) -> SimultaneousBand:
    """Band of an arm's mean curve, over all epochs at once.

    The critical value is Bonferroni's t quantile. With one sample the sup-t value has no degrees
    of freedom in reserve and a correlation estimated from n runs: at n = 5 and 20 epochs it covers
    78 to 87 % where 95 % is claimed (simulated), while Bonferroni's covers 95 to 98 %.

    Args:
        curves: Curves of one arm, shape (n, epochs).
        level: Simultaneous level.

    Returns:
        The band; bounds are NaN with a reason with fewer than 2 runs.
    """
    return _one_arm_band(curves, level, widen=0.0, method="Bonferroni t band of the mean")


def prediction_band(curves: npt.ArrayLike, *, level: float = 0.95) -> SimultaneousBand:
    """Band that holds one further curve of the arm at all epochs, with the stated probability.

    As ``mean_band``, with the spread of a further run added: s sqrt(1 + 1/n).

    Args:
        curves: Curves of one arm, shape (n, epochs).
        level: Probability that the whole further curve is inside.

    Returns:
        The band; bounds are NaN with a reason with fewer than 2 runs.
    """
    return _one_arm_band(curves, level, widen=1.0, method="Bonferroni t prediction band")


def _one_arm_band(
    curves: npt.ArrayLike, level: float, *, widen: float, method: str
) -> SimultaneousBand:
    arm, _ = check_curves(curves, curves, paired=False)
    n, epochs = arm.shape
    if n < 2:
        return _undefined(arm.mean(axis=0), level, "needs at least 2 runs")
    variance = np.sum(_mean_factor(arm) ** 2, axis=0)
    critical = float(stats.t.isf((1 - level) / (2 * epochs), n - 1))
    return _band(
        arm.mean(axis=0),
        np.sqrt(variance * (1 + widen * n)),
        critical,
        df=n - 1,
        level=level,
        method=method,
    )


def _mean_factor(arm: FloatArray) -> FloatArray:
    """F with F.T @ F the covariance of the arm's mean; rounding noise of constant epochs is 0."""
    residual = arm - arm.mean(axis=0)
    residual[:, np.max(np.abs(residual), axis=0) <= 1e-12 * np.max(np.abs(arm))] = 0.0
    return np.asarray(residual / math.sqrt(len(arm) * (len(arm) - 1)))


def _band(
    centre: FloatArray, se: FloatArray, critical: float, *, df: float, level: float, method: str
) -> SimultaneousBand:
    reason = None if se.any() else "no spread: the runs of an arm do not differ at any epoch"
    half = critical * se if se.any() else se
    return SimultaneousBand(
        centre, centre - half, centre + half, se, critical, df, level, method, reason
    )


def _undefined(centre: FloatArray, level: float, reason: str) -> SimultaneousBand:
    nothing = np.full_like(centre, np.nan)
    return SimultaneousBand(
        centre, nothing, nothing, nothing, math.nan, math.nan, level, "undefined band", reason
    )
