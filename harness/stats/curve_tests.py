"""Tests of whole curves: at which epochs two arms differ, and whether one curve is foreign."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.stats.arrangements import Arrangements, labelings, sign_flips
from harness.stats.results import TestResult
from harness.stats.samples import FloatArray

BoolArray = npt.NDArray[np.bool_]

_TIE = 1e-10  # shares explained that are closer are those of arrangements that tie


@dataclass(frozen=True, slots=True, eq=False)
class MaxTResult:
    """Permutation p values of each epoch; all arrays have shape (epochs,).

    Attributes:
        t: Welch's t (unpaired) or the paired t at each epoch; +-inf where runs do not vary but
            the arms differ, 0 where they do not differ either.
        p_raw: For one epoch chosen beforehand: no correction.
        p_single_step: Corrected for all epochs at once.
        p_step_down: Corrected, with Westfall and Young's step-down; the one to report.
        arrangements: Number of labelings or sign flips, the observed one included if exact.
        method: What was computed, in words.
        reason: Why the p values are NaN; None otherwise.
    """

    t: FloatArray
    p_raw: FloatArray
    p_single_step: FloatArray
    p_step_down: FloatArray
    arrangements: int
    method: str
    reason: str | None = None


def max_t(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    paired: bool,
    draws: int = 9_999,
    seed: int = 0,
) -> MaxTResult:
    """Test at every epoch whether two arms differ, with one error rate for the whole curve.

    The probability of any false statement is at most alpha if the epochs with
    ``p_step_down <= alpha`` are called different (Westfall & Young 1993, algorithm 2.8), whatever
    the dependence between epochs. Whole curves are rearranged: labels of runs (unpaired), or signs
    of a pair's difference curve (paired).

    Args:
        a: Curves of the first arm, shape (n, epochs).
        b: Curves of the second arm, shape (m, epochs); if paired, row i belongs to row i of a.
        paired: Whether rows share a replicate.
        draws: Random arrangements where all of them are too many; p then has the add-one
            estimator.
        seed: Seed of those: the same seed gives the same p.

    Returns:
        Statistics and p values by epoch; NaN with a reason with fewer than 2 runs in an arm.
    """
    first, second = check_curves(a, b, paired=paired)
    if min(len(first), len(second)) < 2:
        nothing = np.full(first.shape[1], np.nan)
        reason = "needs at least 2 runs in each arm"
        return MaxTResult(nothing, nothing, nothing, nothing, 0, "max-T permutation", reason)
    statistic: Callable[[BoolArray], FloatArray]
    if paired:
        statistic = _paired_t(first - second, _scale(first, second))
        chosen = sign_flips(len(first), draws=draws, rng=np.random.default_rng(seed))
        observed = statistic(np.zeros((1, len(first)), dtype=np.bool_))[0]
    else:
        n = len(first) + len(second)
        statistic = _welch_t(np.concatenate([first, second]), len(first))
        chosen = labelings(n, len(first), draws=draws, rng=np.random.default_rng(seed))
        observed = statistic(np.arange(n)[None, :] < len(first))[0]
    return _step_down(observed, chosen, statistic)


def check_curves(
    a: npt.ArrayLike, b: npt.ArrayLike, *, paired: bool
) -> tuple[FloatArray, FloatArray]:
    """Return both arms' curves as (runs, epochs) arrays, or say what is wrong with them.

    Raises:
        ValueError: If an arm is not two-dimensional and finite, the arms differ in epochs, or
            paired arms differ in runs.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    for name, arm in (("first", first), ("second", second)):
        if arm.ndim != 2 or arm.size == 0:
            raise ValueError(f"the {name} arm must have shape (runs, epochs), not {arm.shape}")
        if not np.all(np.isfinite(arm)):
            raise ValueError(
                f"the {name} arm has values that are not finite; a band needs all runs at all "
                "epochs: cut the curves where the first run diverges"
            )
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"the arms have {first.shape[1]} and {second.shape[1]} epochs; keep the common ones"
        )
    if paired and len(first) != len(second):
        raise ValueError(f"paired arms need equally many runs, not {len(first)} and {len(second)}")
    return first, second


def _step_down(
    observed: FloatArray, chosen: Arrangements, statistic: Callable[[BoolArray], FloatArray]
) -> MaxTResult:
    order = np.argsort(-np.abs(observed), kind="stable")
    bar = _explained(observed)[order] - _TIE
    hits = np.zeros((3, observed.size))
    for rows in chosen.blocks(observed.size):
        share = _explained(statistic(rows))[:, order]
        max_of_rest = np.maximum.accumulate(share[:, ::-1], axis=1)[:, ::-1]
        hits += [
            (share >= bar).sum(axis=0),
            (max_of_rest[:, :1] >= bar).sum(axis=0),
            (max_of_rest >= bar).sum(axis=0),
        ]
    observed_one = 0 if chosen.exact else 1
    ordered = (hits + observed_one) / (len(chosen) + observed_one)
    ordered[2] = np.maximum.accumulate(ordered[2])
    p = np.empty_like(ordered)
    p[:, order] = ordered
    method = f"max-T, {chosen.describe()}"
    return MaxTResult(observed, p[0], p[1], p[2], len(chosen), method)


def _explained(t: FloatArray) -> FloatArray:
    """Return t² / (1 + t²), which orders as abs(t) does but keeps rounding errors small.

    A t of a million has lost its last digits in the variance below it, and two arrangements that
    tie may differ there in the sixth; in this share they still agree to all but a few bits.
    """
    return np.asarray(1.0 - 1.0 / (1.0 + t**2))


def _scale(*arms: FloatArray) -> float:
    return max(float(np.max(np.abs(arm))) for arm in arms)


def _snap(values: FloatArray, scale: float) -> FloatArray:
    """Set rounding noise to 0, so that constant data have no spread instead of 1e-17."""
    return np.where(np.abs(values) <= 1e-12 * scale, 0.0, values)


def _paired_t(difference: FloatArray, scale: float) -> Callable[[BoolArray], FloatArray]:
    d = _snap(difference, scale)
    n, squares = len(d), np.sum(d**2, axis=0)

    def statistic(flips: BoolArray) -> FloatArray:
        mean = (1.0 - 2.0 * flips) @ d / n
        return studentize(mean, (squares / n - mean**2) / (n - 1), squares / n**2)

    return statistic


def _welch_t(pooled: FloatArray, n: int) -> Callable[[BoolArray], FloatArray]:
    centred = _snap(pooled - pooled.mean(axis=0), _scale(pooled))
    m = len(pooled) - n
    total, squares = centred.sum(axis=0), np.sum(centred**2, axis=0)

    def statistic(in_first: BoolArray) -> FloatArray:
        chosen = in_first.astype(np.float64)
        sum_a, squares_a = chosen @ centred, chosen @ centred**2
        sum_b, squares_b = total - sum_a, squares - squares_a
        variance_a = (squares_a - sum_a**2 / n) / (n * (n - 1))
        variance_b = (squares_b - sum_b**2 / m) / (m * (m - 1))
        return studentize(sum_a / n - sum_b / m, variance_a + variance_b, squares / (n * m))

    return statistic


def studentize(difference: FloatArray, variance: FloatArray, largest: FloatArray) -> FloatArray:
    """Divide by the standard error; without spread t is 0 or +-inf.

    Args:
        difference: Differences, any shape.
        variance: Their estimated variances, same shape.
        largest: Variance of the size the data could have given; below 1e-12 of it, a variance is
            what rounding left over from zero.

    Returns:
        t, same shape, never NaN.
    """
    noise = 1e-12 * largest
    some = variance > noise
    no_spread = np.where(difference**2 > noise, np.copysign(np.inf, difference), 0.0)
    safe = np.sqrt(np.where(some, variance, 1.0))
    return np.where(some, difference / safe, no_spread)


def foreign_curve(curve: npt.ArrayLike, arm: npt.ArrayLike) -> TestResult:
    """Test whether one further curve could have come from an arm, by its rank.

    Each of the n + 1 curves is compared with the n others: its largest studentized deviation from
    their mean over all epochs. If the curve is one more of the arm's, all are exchangeable and its
    rank is uniform, so p is exact at any n (Vovk, Gammerman & Shafer 2005); it cannot fall below
    1 / (n + 1).

    Args:
        curve: The foreign curve, shape (epochs,).
        arm: Curves of the arm, shape (n, epochs), n >= 2.

    Returns:
        The curve's largest deviation, and the share of curves whose own is at least as large.
    """
    rows, one = check_curves(arm, np.atleast_2d(np.asarray(curve, dtype=np.float64)), paired=False)
    n = len(rows)
    method = f"exact rank among {n + 1} curves (least p {1 / (n + 1):.2g})"
    if n < 2:
        return TestResult(math.nan, math.nan, method, reason="needs at least 2 curves of the arm")
    together = np.concatenate([one, rows])
    deviation = np.array([_largest_deviation(together, i) for i in range(n + 1)])
    p = float(np.mean(deviation >= deviation[0] * (1 - 1e-9)))
    return TestResult(float(deviation[0]), p, method)


def _largest_deviation(together: FloatArray, place: int) -> float:
    others = np.delete(together, place, axis=0)
    centre, n = others.mean(axis=0), len(others)
    scale = _scale(together)
    variance = np.var(_snap(others - centre, scale), axis=0, ddof=1) * (1 + 1 / n)
    difference = _snap(together[place] - centre, scale)
    return float(
        np.max(np.abs(studentize(difference, variance, np.full_like(variance, 1e-12 * scale**2))))
    )
