"""Bootstrap intervals: for the centre of one sample, and for scores over several tasks.

Below some 20 replicates a percentile interval is too short (it covers 75 % at n = 3 and 90 % at
n = 10 where 95 % is claimed), and BCa repairs only part of that: prefer an interval that inverts a
permutation test where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations_with_replacement
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.stats.results import Estimate, Interval
from harness.stats.samples import FloatArray, has_no_spread, sample

Statistic = Literal["mean", "median", "iqm"]
Correction = Literal["mid", "strict"]

MOST_ENUMERATED = 100_000
"""Above this many different resamples they are drawn: 10 values (92,378) are still exact."""


@dataclass(frozen=True, slots=True)
class BootstrapResult:
    """A bootstrap estimate and what its interval was made from.

    Attributes:
        estimate: The statistic with its interval.
        se: Standard deviation of the bootstrap distribution.
        z0: Bias correction of BCa; NaN without spread.
        acceleration: Acceleration of BCa; NaN where all jackknife values are equal.
    """

    estimate: Estimate
    se: float
    z0: float
    acceleration: float


@dataclass(frozen=True, slots=True, eq=False)
class _Distribution:
    """Bootstrap statistics, ascending, and the probability of each; shape (resamples,)."""

    values: FloatArray
    chances: FloatArray

    def quantile(self, level: float) -> float:
        """Smallest value whose cumulated probability is at least ``level``."""
        reached = np.cumsum(self.chances) >= level - 1e-12
        return float(self.values[int(np.argmax(reached))])

    def bias(self, observed: float, correction: Correction) -> float:
        """Normal score of the share below the observed value; ties count half, or not at all."""
        slack = 1e-10 * float(np.ptp(self.values))
        below = float(self.chances[self.values < observed - slack].sum())
        tied = float(self.chances[np.abs(self.values - observed) <= slack].sum())
        share = below + tied / 2 if correction == "mid" else below
        least = 0.5 / self.values.size  # keeps the score finite where no resample is below
        return float(special.ndtri(min(max(share, least), 1 - least)))

    def spread(self) -> float:
        centre = float(self.chances @ self.values)
        return math.sqrt(float(self.chances @ (self.values - centre) ** 2))


def interquartile_mean(values: npt.ArrayLike) -> float:
    """Mean of the middle half: a quarter of the values, rounded down, is cut off at each end.

    Args:
        values: Shape (n,).

    Returns:
        The trimmed mean (Agarwal et al. 2021 call it IQM).
    """
    return float(_iqm(np.sort(sample(values))))


def _iqm(rows: FloatArray) -> FloatArray:
    n = rows.shape[-1]
    cut = n // 4
    return np.asarray(rows[..., cut : n - cut].mean(axis=-1))


_STATISTICS: dict[Statistic, Callable[[FloatArray], FloatArray]] = {
    "mean": lambda rows: np.asarray(rows.mean(axis=-1)),
    "median": lambda rows: np.asarray(np.median(rows, axis=-1)),
    "iqm": _iqm,
}  # of ascending rows


def bootstrap(
    values: npt.ArrayLike,
    statistic: Statistic = "mean",
    *,
    interval: Literal["bca", "percentile"] = "bca",
    level: float = 0.95,
    correction: Correction = "mid",
    draws: int = 20_000,
    seed: int = 0,
) -> BootstrapResult:
    """Estimate the centre of one sample with a bootstrap interval (Efron 1987).

    With up to 10 values all resamples are enumerated with their multinomial chances, so the
    interval has no Monte Carlo error.

    Args:
        values: Sample, shape (n,).
        statistic: Mean, median or interquartile mean.
        interval: Bias-corrected and accelerated, or plain percentiles.
        level: Confidence level.
        correction: Whether resamples that tie with the estimate count half for the bias (as scipy
            does) or not at all (R's boot).
        draws: Random resamples where there are too many to enumerate.
        seed: Seed of these: the same seed gives the same interval.

    Returns:
        The estimate. Without spread its interval is the point itself, with the reason "no spread".
    """
    x = np.sort(sample(values))
    if x.size == 0:
        raise ValueError("cannot estimate the centre of an empty sample")
    of = _STATISTICS[statistic]
    value, method = float(of(x)), f"{statistic}, {interval} bootstrap"
    if has_no_spread(x):
        # The mean of five times 0.98 is 0.9800000000000001: report the value itself.
        return _without_spread(float(x[0]), x.size, level, method)
    distribution, how = _resample(x, of, draws, seed)
    z0, a = distribution.bias(value, correction), _acceleration(x, of)
    bounds = _interval(distribution, interval, z0, a, level)
    estimate = Estimate(value, bounds, f"{method} ({how})", bounds.reason)
    return BootstrapResult(estimate, distribution.spread(), z0, a)


def _without_spread(value: float, n: int, level: float, method: str) -> BootstrapResult:
    reason = "no spread" if n > 1 else "one value has no interval"
    bound = value if n > 1 else math.nan
    estimate = Estimate(value, Interval(bound, bound, level, reason), method, reason)
    return BootstrapResult(estimate, 0.0 if n > 1 else math.nan, math.nan, math.nan)


def _resample(
    x: FloatArray, of: Callable[[FloatArray], FloatArray], draws: int, seed: int
) -> tuple[_Distribution, str]:
    n = x.size
    if math.comb(2 * n - 1, n) <= MOST_ENUMERATED:
        members, chances = _all_resamples(n)
        how = f"all {len(members):,} resamples"
    else:
        members = np.sort(np.random.default_rng(seed).integers(0, n, (draws, n)), axis=1)
        chances = np.full(draws, 1 / draws)
        how = f"{draws:,} random resamples"
    statistics = of(x[members])
    order = np.argsort(statistics, kind="stable")
    return _Distribution(statistics[order], chances[order]), how


@lru_cache(maxsize=4)
def _all_resamples(n: int) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Places of all multisets of n out of n, ascending in each row, and their chances."""
    total = math.comb(2 * n - 1, n)
    flat = chain.from_iterable(combinations_with_replacement(range(n), n))
    members = np.fromiter(flat, dtype=np.intp, count=total * n).reshape(total, n)
    counts = (members[:, :, None] == np.arange(n)).sum(axis=1)
    log_chance = special.gammaln(n + 1) - special.gammaln(counts + 1).sum(axis=1) - n * math.log(n)
    return members, np.exp(log_chance)


def _acceleration(x: FloatArray, of: Callable[[FloatArray], FloatArray]) -> float:
    """Skewness of the jackknife influences over 6 sqrt(n) (Efron 1987, eq. 6.6)."""
    left_out = np.array([np.delete(x, i) for i in range(x.size)])
    jackknife = of(left_out)
    if has_no_spread(jackknife):
        return math.nan
    influence = jackknife.mean() - jackknife
    return float(np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5))


def _interval(
    distribution: _Distribution, interval: str, z0: float, a: float, level: float
) -> Interval:
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if interval == "bca":
        if math.isnan(a):
            reason = "BCa is undefined: leaving any one value out changes nothing"
            return Interval(math.nan, math.nan, level, reason)
        z = z0 + special.ndtri(tails)
        tails = special.ndtr(z0 + z / (1 - a * z))
    low, high = (distribution.quantile(float(tail)) for tail in tails)
    return Interval(low, high, level)


def _task_scores(scores: npt.ArrayLike, name: str) -> FloatArray:
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 2 or array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite scores of shape (runs, tasks), not {array.shape}")
    return array


def _resample_runs(scores: FloatArray, draws: int, rng: np.random.Generator) -> FloatArray:
    """Draw runs anew within each task, independently; shape (draws, runs, tasks)."""
    runs, tasks = scores.shape
    return np.asarray(scores[rng.integers(0, runs, (draws, runs, tasks)), np.arange(tasks)])


def _percentile_interval(draws: FloatArray, level: float) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    reason = "no spread" if has_no_spread(draws) else None
    return Interval(float(low), float(high), level, reason)


def iqm_over_tasks(
    scores: npt.ArrayLike, *, level: float = 0.95, draws: int = 5_000, seed: int = 0
) -> Estimate:
    """Interquartile mean over all runs and tasks, with a stratified bootstrap interval.

    Args:
        scores: Shape (runs, tasks), comparable between tasks.
        level: Confidence level of the percentile interval (Agarwal et al. 2021): runs are drawn
            anew within each task.
        draws: Bootstrap draws.
        seed: Seed of these.

    Returns:
        The estimate.
    """
    array = _task_scores(scores, "scores")
    resampled = _resample_runs(array, draws, np.random.default_rng(seed))
    method = f"IQM over {array.shape[1]} tasks, stratified bootstrap ({draws:,} draws)"
    return _iqm_of_all(array, resampled, level, method)


def iqm_over_blocks(
    scores: npt.ArrayLike, *, level: float = 0.95, draws: int = 5_000, seed: int = 0
) -> Estimate:
    """Interquartile mean over arms that share their blocks, whose values go up and down together.

    Drawing each arm's runs by themselves would take what a block does to all arms for noise that
    averages out, and make the interval too short.

    Args:
        scores: Shape (blocks, arms), comparable between arms.
        level: Confidence level of the percentile interval: whole blocks are drawn anew.
        draws: Bootstrap draws.
        seed: Seed of these.

    Returns:
        The estimate.
    """
    array = _task_scores(scores, "scores")
    blocks, arms = array.shape
    resampled = array[np.random.default_rng(seed).integers(0, blocks, (draws, blocks))]
    method = f"IQM over {arms} arms, bootstrap of whole blocks ({draws:,} draws)"
    return _iqm_of_all(array, resampled, level, method)


def _iqm_of_all(scores: FloatArray, resampled: FloatArray, level: float, method: str) -> Estimate:
    """The estimate, and its interval from resamples of shape (draws, runs, tasks)."""
    drawn = _iqm(np.sort(resampled.reshape(len(resampled), -1), axis=1))
    bounds = _percentile_interval(drawn, level)
    return Estimate(interquartile_mean(scores.ravel()), bounds, method, bounds.reason)


def probability_of_improvement(
    x: npt.ArrayLike, y: npt.ArrayLike, *, level: float = 0.95, draws: int = 2_000, seed: int = 0
) -> Estimate:
    """Estimate P(a run of x beats a run of y on a task), averaged over tasks (Agarwal et al. 2021).

    Args:
        x: Scores of the first arm, shape (n, tasks), higher is better.
        y: Scores of the second arm, shape (m, tasks).
        level: Confidence level of the stratified percentile interval.
        draws: Bootstrap draws.
        seed: Seed of these.

    Returns:
        The probability; ties count half.
    """
    first, second = _task_scores(x, "x"), _task_scores(y, "y")
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"x has {first.shape[1]} tasks and y {second.shape[1]}: give the same")
    rng = np.random.default_rng(seed)
    resampled = _beats(_resample_runs(first, draws, rng), _resample_runs(second, draws, rng))
    bounds = _percentile_interval(resampled, level)
    method = f"probability of improvement, stratified bootstrap ({draws:,} draws)"
    return Estimate(float(_beats(first[None], second[None])[0]), bounds, method, bounds.reason)


def _beats(first: FloatArray, second: FloatArray) -> FloatArray:
    """Average P(first > second) + P(equal) / 2 over tasks; arrays (draws, runs, tasks)."""
    m = second.shape[1]
    wins = np.zeros(len(first))
    for rival in range(m):
        against = second[:, [rival], :]
        wins += ((first > against) + 0.5 * (first == against)).mean(axis=(1, 2))
    return np.asarray(wins / m)
