"""Almost stochastic order: how far one arm is from beating another at every quantile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.stats.results import Estimate, Interval
from harness.stats.samples import FloatArray, sample, tie_decimals

IntArray = npt.NDArray[np.int64]


def violation_ratio(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Measure how much of the distance between two samples violates "a is at least b".

    The integral of (Q_b - Q_a)² over the quantiles where b is higher, over that of all quantiles
    (del Barrio, Cuesta-Albertos & Matran 2018). Exact: quantile functions are steps.

    Args:
        a: Scores of the first arm, shape (n,), higher is better.
        b: Scores of the second arm, shape (m,).

    Returns:
        0 where a is at least b at every quantile, 1 the other way round, 0.5 for equal samples.
    """
    first, second = _sorted(a, "a"), _sorted(b, "b")
    together = np.concatenate([first, second])
    decimals = tie_decimals(together)
    return float(_ratios(np.round(first, decimals)[None], np.round(second, decimals)[None])[0])


def almost_stochastic_order(
    a: npt.ArrayLike, b: npt.ArrayLike, *, level: float = 0.95, draws: int = 1_000, seed: int = 0
) -> Estimate:
    """Bound the violation ratio from above (Dror, Shlomov & Reichart 2019).

    The bound, eps_min, is the ratio plus a normal quantile times its bootstrap standard deviation,
    within [0, 1]. Below 0.5 the larger part of the squared distance between the two quantile curves
    favours the arm a, below 0.2 by the authors' rule clearly so. Distances count by their squares,
    not by how many quantiles have them: an arm far ahead at few may be behind at most.

    Args:
        a: Scores of the first arm, shape (n,), higher is better.
        b: Scores of the second arm, shape (m,).
        level: Confidence level of the bound.
        draws: Bootstrap draws.
        seed: Seed of these.

    Returns:
        The ratio, and the interval from 0 to eps_min.
    """
    return stochastic_orders(a, b, level=level, draws=draws, seed=seed)[0]


def stochastic_orders(
    a: npt.ArrayLike, b: npt.ArrayLike, *, level: float = 0.95, draws: int = 1_000, seed: int = 0
) -> tuple[Estimate, Estimate]:
    """Both directions, "a is at least b" and "b is at least a", from the same draws.

    What violates one order fulfils the other, so the ratios add up to 1 and spread alike. Arguments
    are those of :func:`almost_stochastic_order`.
    """
    first, second = _sorted(a, "a"), _sorted(b, "b")
    of_first, of_second = _redrawn(first.size, second.size, draws, seed)
    return _both_ways(first, second, first[of_first], second[of_second], level)


def stochastic_orders_of_pairs(
    arms: Sequence[npt.ArrayLike], *, level: float = 0.95, draws: int = 1_000, seed: int = 0
) -> Iterator[tuple[Estimate, Estimate]]:
    """Yield what :func:`stochastic_orders` returns for every pair of arms of one size, sooner.

    The draws are the same for all pairs, so those of an arm are taken once.

    Args:
        arms: Scores, each of shape (n,), higher is better.
        level: Confidence level of the bounds.
        draws: Bootstrap draws.
        seed: Seed of these.

    Raises:
        ValueError: If sizes differ.
    """
    ordered = [_sorted(arm, "an arm") for arm in arms]
    if len({arm.size for arm in ordered}) > 1:
        raise ValueError("arms must be of one size")
    of_first, of_second = _redrawn(ordered[0].size, ordered[0].size, draws, seed)
    seconds = [arm[of_second] for arm in ordered]
    for place, arm in enumerate(ordered):
        drawn = arm[of_first]
        for other in range(place + 1, len(ordered)):
            yield _both_ways(arm, ordered[other], drawn, seconds[other], level)


def _both_ways(
    first: FloatArray,
    second: FloatArray,
    first_drawn: FloatArray,
    second_drawn: FloatArray,
    level: float,
) -> tuple[Estimate, Estimate]:
    ratio = violation_ratio(first, second)
    spread = float(np.std(_ratios(first_drawn, second_drawn)))
    margin = float(special.ndtri(level)) * spread
    reason = (
        "one value in an arm: no spread to draw from" if min(len(first), len(second)) < 2 else None
    )
    method = f"almost stochastic order, bootstrap ({len(first_drawn):,} draws)"

    def estimate(ratio: float) -> Estimate:
        bound = Interval(0.0, min(ratio + margin, 1.0), level, reason)
        return Estimate(ratio, bound, method, reason)

    return estimate(ratio), estimate(1.0 - ratio)


def _sorted(values: npt.ArrayLike, name: str) -> FloatArray:
    array = np.sort(sample(values, name))
    if array.size == 0:
        raise ValueError(f"{name} is empty")
    return array


@lru_cache(maxsize=1)
def _redrawn(n: int, m: int, draws: int, seed: int) -> tuple[IntArray, IntArray]:
    """Places in two ascending samples that bootstrap draws take, ascending; kept for the next pair.

    Places in order give values in order, so that no draw needs sorting.
    """
    rng = np.random.default_rng(seed)
    first, second = (np.sort(rng.integers(0, size, (draws, size)), axis=1) for size in (n, m))
    return first, second


def _ratios(first: FloatArray, second: FloatArray) -> FloatArray:
    """Violation ratio of each row; rows ascending, shapes (draws, n) and (draws, m)."""
    n, m = first.shape[1], second.shape[1]
    # Breaks of both step functions as integers over n m, so that equal ones are equal.
    breaks = np.union1d(np.arange(n + 1) * m, np.arange(m + 1) * n)
    widths = np.diff(breaks) / (n * m)
    if n != m:
        first, second = first[:, breaks[:-1] // m], second[:, breaks[:-1] // n]
    gap = second - first
    violated = np.maximum(gap, 0.0) ** 2 @ widths
    total = gap**2 @ widths
    return np.asarray(np.divide(violated, total, out=np.full_like(total, 0.5), where=total > 0))
