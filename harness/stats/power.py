"""Power by simulation: the deciding tests themselves, on resampled pilot differences.

A pilot's differences are centred, widened to their unbiased variance (a resample of n values is
too narrow by (n - 1)/n: Davison & Hinkley 1997, section 2.1), and shifted to the difference that is
planned for. What is drawn from them with replacement is tested as the study will be.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from harness.stats.planning import smallest_p
from harness.stats.samples import FloatArray, has_no_spread, sample

MOST_SIMULATED = 300
"""Replicates beyond which no power is simulated: the t test's is as good there."""

_EXACT_UP_TO = 12  # pairs up to which every subset is used
_STUDIES = 1_000  # a power of 0.8 is then known to 0.013 (one standard error)
_MOST_DRAWS = 20_000
_CELLS = 4_000_000  # sums held in memory at once


def spread_factors(pairs: int, level: float = 0.95) -> tuple[float, float]:
    """Return by what factors the true SD may differ from that of so many normal values.

    The chi-square interval of a standard deviation, divided by its estimate: 0.57 to 3.7 for 4.
    """
    tail = (1 - level) / 2
    high, low = stats.chi2.isf(tail, pairs - 1), stats.chi2.ppf(tail, pairs - 1)
    return math.sqrt((pairs - 1) / float(high)), math.sqrt((pairs - 1) / float(low))


def sign_flip_p(studies: FloatArray, null: float, subsets: NDArray[np.bool_]) -> FloatArray:
    """Return the two one-sided sign-flip p values of many studies at once.

    Args:
        studies: Shape (studies, n): paired differences.
        null: The hypothesised mean difference.
        subsets: Shape (subsets, n): who flips; each is used together with its complement.

    Returns:
        Shape (2, studies): p of "greater" and of "less", as
        :func:`harness.stats.paired.sign_flip_test` has them.
    """
    moved = studies - null
    slack = 1e-9 * np.abs(moved).max(axis=1, keepdims=True)
    total = moved.sum(axis=1, keepdims=True)
    sums = moved @ subsets.T.astype(np.float64)
    greater = (sums <= slack).sum(axis=1) + (sums >= total - slack).sum(axis=1)
    less = (sums >= -slack).sum(axis=1) + (sums <= total + slack).sum(axis=1)
    return np.stack([greater, less]) / (2 * len(subsets))


def sign_flip_power(
    pilot: ArrayLike,
    n: int,
    alpha: float,
    *,
    effect: float,
    equivalence_margin: float | None = None,
    seed: int = 0,
) -> float:
    """Return the share of simulated studies of n pairs that the sign-flip test decides.

    Args:
        pilot: Shape (pilot pairs,): at least two paired differences, with spread.
        n: Pairs of the planned study.
        alpha: Two-sided level; for equivalence that of each of the two one-sided tests.
        effect: True mean difference to plan for.
        equivalence_margin: Test for equivalence within this margin instead of for a difference.
        seed: Seed of the simulation.
    """
    d = sample(pilot, "pilot")
    pool = effect + (d - d.mean()) * math.sqrt(d.size / (d.size - 1))
    rng = np.random.default_rng([seed, n])
    subsets = _subsets(n, alpha, rng)
    decided = 0
    rows = max(1, _CELLS // len(subsets))
    for start in range(0, _STUDIES, rows):
        studies = rng.choice(pool, (min(rows, _STUDIES - start), n))
        if equivalence_margin is None:
            p = np.minimum(1.0, 2 * sign_flip_p(studies, 0.0, subsets).min(axis=0))
        else:
            above = sign_flip_p(studies, -equivalence_margin, subsets)[0]
            p = np.maximum(above, sign_flip_p(studies, equivalence_margin, subsets)[1])
        decided += int(np.count_nonzero(p <= alpha * (1 + 1e-12)))
    return decided / _STUDIES


def _subsets(n: int, alpha: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Half of all subsets, whose complements are the other half; random ones if there are many."""
    if n <= _EXACT_UP_TO:
        return (np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1).astype(bool)
    draws = min(_MOST_DRAWS, max(2_000, math.ceil(20 / alpha)))
    subsets = rng.random((draws, n)) < 0.5
    subsets[0] = False  # the observed arrangement: p is never 0
    return subsets


def simulated_replicates(
    pilot: ArrayLike,
    alpha: float,
    power: float = 0.8,
    *,
    effect: float,
    equivalence_margin: float | None = None,
    seed: int = 0,
) -> int | None:
    """Return the least number of pairs whose simulated power is at least ``power``.

    Arguments are those of :func:`sign_flip_power`.

    Returns:
        The pairs, or None where more than `MOST_SIMULATED` are needed, or where the pilot has fewer
        than two differences or no spread.
    """
    d = sample(pilot, "pilot")
    if has_no_spread(d):
        return None

    def suffices(n: int) -> bool:
        reached = sign_flip_power(
            d, n, alpha, effect=effect, equivalence_margin=equivalence_margin, seed=seed
        )
        return reached >= power

    sides = 2 if equivalence_margin is None else 1
    low = 1  # never enough: one pair has p = 1
    while smallest_p(low + 1) * sides / 2 > alpha * (1 + 1e-12):
        low += 1
    step = 1
    while not suffices(low + step):
        low += step
        step = min(2 * step, MOST_SIMULATED - low)
        if step <= 0:
            return None
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high
