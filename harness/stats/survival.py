"""Times to a target that some runs never reach: estimates for one arm and their difference.

A run that has not reached the target when its budget ends is *right-censored*: its time is known
to be longer than the budget, nothing more. Dropping such runs favours the arm that fails most, so
every function here takes them as they are. Tests of two or more arms are in ``logrank``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.stats.arrangements import labelings, share_at_least
from harness.stats.results import Estimate, Interval, TestResult
from harness.stats.samples import FloatArray

BoolArray = npt.NDArray[np.bool_]

_HALF = 0.5 + 1e-12
"""S reaches one half through products that round: 0.8 * 0.625 may end just above 0.5."""


@dataclass(frozen=True, slots=True, eq=False)
class CensoredTimes:
    """The times of one arm's runs.

    Attributes:
        time: Time at which a run reached the target, or at which its watching ended; shape (n,),
            in any unit (epochs, seconds), finite and not negative.
        event: True where the run reached the target, False where it is censored; shape (n,).

    Raises:
        ValueError: If the arrays are empty, differ in shape, or hold an impossible time.
    """

    time: FloatArray
    event: BoolArray

    def __post_init__(self) -> None:
        time = np.asarray(self.time, dtype=np.float64)
        event = np.asarray(self.event).astype(np.bool_)
        if time.ndim != 1 or time.shape != event.shape:
            raise ValueError(
                f"time and event must be one-dimensional and equally long, "
                f"not of shapes {time.shape} and {event.shape}"
            )
        if time.size == 0:
            raise ValueError("an arm needs at least one run, but time is empty")
        if not np.all(np.isfinite(time)) or np.any(time < 0):
            raise ValueError(
                "times must be finite and >= 0; give a run that never reached the target its "
                "budget as time and event = False"
            )
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "event", event)

    @property
    def reached(self) -> int:
        """How many runs reached the target."""
        return int(self.event.sum())

    def __len__(self) -> int:
        return self.time.size

    def counts(self, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Count the runs still waiting just before each time, and those that reach it then."""
        ended, reached = np.sort(self.time), np.sort(self.time[self.event])
        n_risk = len(self) - np.searchsorted(ended, at)
        n_event = np.searchsorted(reached, at, "right") - np.searchsorted(reached, at)
        return n_risk.astype(np.float64), n_event.astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeierCurve:
    """The estimated share of runs still short of the target, as a step function.

    Attributes:
        time: Distinct times, those of censoring included, ascending; shape (t,), as are all below.
        n_risk: Runs still waiting just before each time.
        n_event: Runs that reached the target at each time.
        survival: S(t) just after each time.
        se: Greenwood's standard error of S(t); NaN where S is 0.
        low: Lower pointwise confidence bound; NaN where the band is undefined (S is 0 or 1).
        high: Upper pointwise confidence bound, likewise.
        level: Confidence level of the band.
    """

    time: FloatArray
    n_risk: FloatArray
    n_event: FloatArray
    survival: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray
    level: float


def kaplan_meier(
    times: CensoredTimes, *, level: float = 0.95, band: Literal["log-log", "log"] = "log-log"
) -> KaplanMeierCurve:
    """Estimate the survival curve of one arm (Kaplan & Meier 1958; Greenwood 1926).

    Args:
        times: Runs of one arm.
        level: Confidence level of the pointwise band.
        band: Scale on which the band is symmetric. ``"log-log"`` (Kalbfleisch & Prentice 1980)
            keeps inside [0, 1] and its level at few runs; ``"log"`` is the default of R.

    Returns:
        One entry a distinct time, censoring times included.
    """
    distinct = np.unique(times.time)
    n_risk, n_event = times.counts(distinct)
    survival: FloatArray = np.cumprod(1 - n_event / n_risk, dtype=np.float64)
    all_gone = n_event == n_risk
    survival[all_gone] = 0.0
    relative_se = np.sqrt(np.cumsum(_hazard_variance(n_risk, n_event)))
    relative_se[all_gone] = np.nan
    low, high = _band(survival, relative_se, level, band)
    return KaplanMeierCurve(
        distinct, n_risk, n_event, survival, survival * relative_se, low, high, level
    )


def _hazard_variance(n_risk: FloatArray, n_event: FloatArray) -> FloatArray:
    """Greenwood's terms d / (n (n - d)); 0 where all runs at risk are gone and nothing follows."""
    left = n_risk - n_event
    return np.divide(n_event, n_risk * left, out=np.zeros_like(n_risk), where=left > 0)


def _band(
    survival: FloatArray, relative_se: FloatArray, level: float, band: str
) -> tuple[FloatArray, FloatArray]:
    z = stats.norm.ppf(0.5 + level / 2)
    low, high = np.full_like(survival, np.nan), np.full_like(survival, np.nan)
    inner = (survival > 0) & ((survival < 1) if band == "log-log" else True)
    s, se = survival[inner], relative_se[inner]
    if band == "log-log":
        width = z * se / -np.log(s)
        low[inner], high[inner] = s ** np.exp(width), s ** np.exp(-width)
    else:
        low[inner], high[inner] = s * np.exp(-z * se), np.minimum(s * np.exp(z * se), 1)
    return low, high


def median_time(
    curve: KaplanMeierCurve, *, flat: Literal["first", "midpoint"] = "first"
) -> Estimate:
    """Estimate the time by which half of the runs have reached the target.

    The interval is read off the curve's band (Brookmeyer & Crowley 1982), so its level and scale
    are the band's. Its upper end is open where the upper bound never falls to one half, which is
    so whenever S reaches 0 before the bound does: the band ends there.

    Args:
        curve: A survival curve.
        flat: What to do where S equals one half over a stretch of time: its ``"first"`` time, or
            its ``"midpoint"``, which is R's choice.

    Returns:
        The median, NaN with a reason where fewer than half of the runs reached the target.
    """
    value = _first_at_or_below(curve.time, curve.survival)
    if flat == "midpoint" and not math.isnan(value):
        below = curve.time[curve.survival < 1 - _HALF]
        on_half = abs(curve.survival[curve.time == value][0] - 0.5) < 1e-12
        if on_half and below.size:
            value = (value + float(below[0])) / 2
    reason = None
    if math.isnan(value):
        reason = (
            f"not reached: {int(curve.n_event.sum())} of {int(curve.n_risk[0])} runs reached the "
            f"target by {curve.time[-1]:g}"
        )
    return Estimate(value, _median_interval(curve), "Kaplan-Meier median", reason)


def _median_interval(curve: KaplanMeierCurve) -> Interval:
    low = _first_at_or_below(curve.time, curve.low)
    high = _first_at_or_below(curve.time, curve.high)
    if math.isnan(low):
        reason = "the survival curve has no band that falls to one half"
        return Interval(math.nan, math.nan, curve.level, reason)
    if math.isnan(high):
        reason = "the band's upper bound never falls to one half"
        return Interval(low, math.inf, curve.level, reason)
    return Interval(low, high, curve.level)


def _first_at_or_below(time: FloatArray, bound: FloatArray) -> float:
    hit = time[bound <= _HALF]  # NaN compares false: an undefined bound is never a hit
    return float(hit[0]) if hit.size else math.nan


def rmst(times: CensoredTimes, tau: float, *, level: float = 0.95) -> tuple[Estimate, float]:
    """Estimate the restricted mean time: the mean of min(T, tau) (Irwin 1949; Royston 2013).

    It is the area under the survival curve up to ``tau``. Its variance is the sum over event
    times of (area from there to tau)² d / (n (n - d)) (Klein & Moeschberger 2003, eq. 4.5.2), not
    the variance of min(T, tau) itself.

    Args:
        times: Runs of one arm.
        tau: Horizon, in the unit of the times.
        level: Confidence level of the normal interval.

    Returns:
        The estimate with its interval, and its standard error; NaN with a reason where the
        watching ended before ``tau`` with runs still waiting.
    """
    value, se = _rmst_and_se(times, tau)
    if math.isnan(value):
        reason = (
            f"the last run was watched to {times.time.max():g} and had not reached the target; "
            f"choose a horizon of at most that, not {tau:g}"
        )
        unknown = Interval(math.nan, math.nan, level, reason)
        return Estimate(math.nan, unknown, "RMST", reason), math.nan
    return Estimate(value, _normal_interval(value, se, level), f"RMST to {tau:g}"), se


def _rmst_and_se(times: CensoredTimes, tau: float) -> tuple[float, float]:
    if not tau > 0:
        raise ValueError(f"the horizon tau must be > 0, not {tau}")
    curve = kaplan_meier(times)
    if curve.survival[-1] > 0 and curve.time[-1] < tau:
        return math.nan, math.nan
    before = curve.time < tau
    edges = np.concatenate([[0.0], curve.time[before], [tau]])
    heights = np.concatenate([[1.0], curve.survival[before]])
    areas = np.diff(edges) * heights
    area_after = areas.sum() - np.cumsum(areas)[:-1]
    terms = _hazard_variance(curve.n_risk, curve.n_event)[before]
    return float(areas.sum()), math.sqrt(float(np.sum(area_after**2 * terms)))


def _normal_interval(value: float, se: float, level: float) -> Interval:
    half = float(stats.norm.ppf(0.5 + level / 2)) * se
    reason = "no spread" if se == 0 else None
    return Interval(value - half, value + half, level, reason)


def rmst_difference(
    a: CensoredTimes, b: CensoredTimes, tau: float, *, level: float = 0.95
) -> tuple[Estimate, TestResult]:
    """Estimate RMST(a) - RMST(b) and test it by normal theory.

    The z test is unsafe at few runs, and meaningless where one arm has no spread: let
    ``rmst_permutation`` decide.

    Args:
        a: Runs of the first arm.
        b: Runs of the second arm.
        tau: Horizon, in the unit of the times.
        level: Confidence level of the normal interval.

    Returns:
        The difference with its interval, and the z test.
    """
    (first, se_a), (second, se_b) = rmst(a, tau), rmst(b, tau)
    method = f"difference of RMST to {tau:g}"
    reason = first.reason or second.reason
    if reason is not None:
        undefined = Interval(math.nan, math.nan, level, reason)
        test = TestResult(math.nan, math.nan, f"z test, {method}", reason=reason)
        return Estimate(math.nan, undefined, method, reason), test
    difference, se = first.value - second.value, math.hypot(se_a, se_b)
    estimate = Estimate(difference, _normal_interval(difference, se, level), method)
    return estimate, _z_test(difference, se, min(se_a, se_b), f"z test, {method}")


def _z_test(difference: float, se: float, smallest_se: float, method: str) -> TestResult:
    if se == 0:
        return TestResult(math.nan, math.nan, method, reason="neither arm has any spread")
    z = difference / se
    p = max(2 * float(stats.norm.sf(abs(z))), float(np.finfo(float).tiny))
    reason = "one arm has no spread: trust the permutation test" if smallest_se == 0 else None
    return TestResult(z, p, method, reason=reason)


def rmst_permutation(
    a: CensoredTimes,
    b: CensoredTimes,
    tau: float,
    *,
    draws: int = 9_999,
    seed: int = 0,
) -> TestResult:
    """Test RMST(a) = RMST(b) by relabelling the runs (Horiguchi & Uno 2020).

    Two-sided: the share of labelings whose |difference| is at least the observed one. Where a
    labeling leaves an arm's last run censored before ``tau``, its curve stays flat from there.

    Args:
        a: Runs of the first arm.
        b: Runs of the second arm.
        tau: Horizon, in the unit of the times.
        draws: Random labelings where all of them are too many; p then has the add-one estimator.
        seed: Seed of those: the same seed gives the same p.

    Returns:
        The difference as statistic and its p value; 1 where all runs look alike.
    """
    time = np.minimum(np.concatenate([a.time, b.time]), tau)
    event = np.concatenate([a.event, b.event]) & (np.concatenate([a.time, b.time]) <= tau)
    observed_row = np.arange(time.size)[None, :] < len(a)
    chosen = labelings(time.size, len(a), draws=draws, rng=np.random.default_rng(seed))
    observed = float(_rmst_differences(time, event, observed_row, tau)[0])
    reference = chosen.statistics(lambda rows: _rmst_differences(time, event, rows, tau))
    p = share_at_least(np.abs(reference), abs(observed), exact=chosen.exact)
    reason = None if event.any() else "no run reached the target"
    return TestResult(observed, p, f"{chosen.describe()} of RMST to {tau:g}", reason=reason)


def _rmst_differences(
    time: FloatArray, event: BoolArray, in_a: BoolArray, tau: float
) -> FloatArray:
    """RMST(a) - RMST(b) for each labeling; ``in_a`` has shape (labelings, runs)."""
    order = np.argsort(time)
    grid, starts = np.unique(time[order], return_index=True)
    edges = np.concatenate([[0.0], grid, [tau]])
    widths = np.diff(edges)

    def area(chosen: BoolArray) -> FloatArray:
        ordered = chosen[:, order].astype(np.float64)
        n_risk = np.cumsum(ordered[:, ::-1], axis=1)[:, ::-1][:, starts]
        n_event = np.add.reduceat(ordered * event[order], starts, axis=1)
        hazard = np.divide(n_event, n_risk, out=np.zeros_like(n_risk), where=n_risk > 0)
        survival = np.cumprod(1 - hazard, axis=1)
        return np.asarray(widths[0] + survival @ widths[1:])

    return area(in_a) - area(~in_a)
