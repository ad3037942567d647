"""How much values vary: distances from their median, variances and ratios of these with intervals.

Two arms' spreads are compared through the distances (Brown & Forsythe 1974): they are ordinary
values, so the tests and intervals of means serve for them. Variances are for telling shares, since
those of independent sources add up.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from harness.stats.results import Estimate, Interval
from harness.stats.samples import FloatArray, has_no_spread, sample, significance

FEWEST = 5
"""Values below which there are no intervals: Bonett's is not defined, a jackknife says nothing."""


def deviations(values: npt.ArrayLike) -> FloatArray:
    """Distances of the values from their median, the scores of Brown & Forsythe (1974).

    A test of their means is a test of spread that keeps its level where an F test does not: in
    simulation (paired, sign flips at 5 %) at most 0.05 of equal spreads were called different at
    n = 10, 20 and 40 for normal, heavy-tailed and integer values, and 0.06 at n = 10 for
    exponential ones; 95 % intervals of a twofold spread covered 0.93 to 0.96 (exponential: 0.91
    to 0.93).

    Args:
        values: Shape (n,).

    Returns:
        Shape (n,), in the unit of the values; zeros where these do not vary.
    """
    array = sample(values)
    if array.size == 0 or has_no_spread(array):
        return np.zeros_like(array)
    return np.asarray(np.abs(array - np.median(array)))


def variance_estimate(values: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Variance with an interval that does not take the values for normal (Bonett 2006).

    The interval is symmetric for the logarithm of the variance, with a standard error from the
    kurtosis around a trimmed mean; for normal values it is close to the chi-squared interval. In
    simulation at n = 10 to 40 a 95 % interval covered 0.94 to 0.96 (normal, integer), 0.91 to 0.94
    (t with 5 degrees of freedom) and 0.88 to 0.90 (exponential).

    Args:
        values: Shape (n,).
        level: Confidence level.

    Returns:
        The unbiased variance, in the squared unit. The interval is [0, 0] with the reason "no
        spread" where the values are equal, NaN with a reason for fewer than 5 values.
    """
    x = sample(values)
    alpha = significance(level)
    if x.size > 1 and has_no_spread(x):
        return Estimate(0.0, Interval(0.0, 0.0, level, "no spread"), "variance", "no spread")
    variance = float(x.var(ddof=1)) if x.size > 1 else math.nan
    if x.size < FEWEST:
        reason = f"an interval needs {FEWEST} values"
        return Estimate(variance, Interval(math.nan, math.nan, level, reason), "variance", reason)
    z, n = float(special.ndtri(1 - alpha / 2)), x.size
    centre = float(stats.trim_mean(x, 1 / (2 * math.sqrt(n - 4))))
    kurtosis = n * float(((x - centre) ** 4).sum()) / float(((x - x.mean()) ** 2).sum()) ** 2
    scale = n / (n - z)  # 5 values or more: above z for any level up to 0.9999
    se = scale * math.sqrt(max(kurtosis - (n - 3) / n, 0.0) / (n - 1))
    low, high = (scale * variance * math.exp(side * z * se) for side in (-1, 1))
    return Estimate(variance, Interval(low, high, level), "variance, Bonett's interval")


def variance_ratio(above: npt.ArrayLike, below: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Ratio of two sums of variances that were seen over the same replicates.

    The logarithm of the ratio is jackknifed, one replicate of all columns at a time, which allows
    for columns that depend on each other and for values that are not normal (Miller 1968). In
    simulation at n = 8 to 40 a 95 % interval of one column against three covered 0.93 to 0.96
    (exponential values: 0.87 to 0.90), one of a sum against its parts 0.93 to 0.95.

    Args:
        above: Shape (replicates, columns): the columns whose variances are added up above.
        below: The same for the sum below.
        level: Confidence level of the t interval.

    Returns:
        The ratio; NaN with a reason where either sum is 0, or would be with one replicate left
        out. Without an interval for fewer than 5 replicates.
    """
    sides = [_columns(above, "above"), _columns(below, "below")]
    method = "ratio of variances, jackknife of its logarithm"
    if not all(any(map(_always_varies, side.T)) for side in sides):
        unknown = Interval(math.nan, math.nan, level, "no spread")
        return Estimate(math.nan, unknown, method, "no spread")
    logs = [math.log(float(side.var(axis=0, ddof=1).sum())) for side in sides]
    value = logs[0] - logs[1]
    if len(sides[0]) < FEWEST:
        reason = f"an interval needs {FEWEST} replicates"
        unknown = Interval(math.nan, math.nan, level, reason)
        return Estimate(math.exp(value), unknown, method, reason)
    left_out = [np.log(_variances_without_one(side).sum(axis=1)) for side in sides]
    half = _jackknife_half(value, left_out[0] - left_out[1], level)
    interval = Interval(math.exp(value - half), math.exp(value + half), level)
    return Estimate(math.exp(value), interval, method)


def _columns(table: npt.ArrayLike, name: str) -> FloatArray:
    array = np.asarray(table, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0 or not np.all(np.isfinite(array)):
        raise ValueError(
            f"{name} must be finite values of shape (replicates, columns), not {array.shape}"
        )
    return array


def _always_varies(column: FloatArray) -> bool:
    """Whether values vary whichever one is left out: the logarithms must all exist."""
    ordered = np.sort(column)
    return not (has_no_spread(ordered[:-1]) or has_no_spread(ordered[1:]))


def _variances_without_one(table: FloatArray) -> FloatArray:
    """Variance of each column with each row left out in turn; shape of the table."""
    left_out = (np.delete(table, row, axis=0) for row in range(len(table)))
    return np.array([rest.var(axis=0, ddof=1) for rest in left_out])


def _jackknife_half(value: float, left_out: FloatArray, level: float) -> float:
    """Half the length of the t interval from pseudo-values (Tukey 1958)."""
    n = left_out.size
    pseudo = n * value - (n - 1) * left_out
    se = float(pseudo.std(ddof=1)) / math.sqrt(n)
    return float(stats.t.ppf((1 + level) / 2, n - 1)) * se
