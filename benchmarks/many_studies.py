"""The product's tests on many simulated studies of one size at once.

A reference distribution needs the same arrangements for every study of a size, so one matrix
product serves all of them. Each run of the benchmark holds the first p values of each kind against
those of `harness.stats`, see `benchmarks.same_as_product`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.stats.arrangements import all_labelings, random_labelings
from harness.stats.samples import SIGNIFICANT_DIGITS, Alternative
from harness.stats.unpaired import permutation_test

FloatArray = NDArray[np.float64]
EXACT_PAIRS = 12
EXACT_LABELINGS = 1_000
DRAWS = 999
_CELLS = 200_000  # entries of an arrangements-by-studies matrix held at once


@dataclass(frozen=True)
class PValues:
    """The p values of many studies for one null, each of shape (studies,)."""

    greater: FloatArray
    less: FloatArray
    two_sided: FloatArray


def _blocks(studies: int, arrangements: int) -> Iterator[slice]:
    rows = max(1, _CELLS // arrangements)
    for start in range(0, studies, rows):
        yield slice(start, min(start + rows, studies))


@lru_cache(maxsize=2)
def _signs(n: int) -> FloatArray:
    """The arrangements of `harness.stats.paired`, one a row, without their mirror images."""
    if n <= EXACT_PAIRS:
        flips = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    else:
        flips = np.random.default_rng(0).integers(0, 2, (DRAWS, n), dtype=np.int8)
        flips = np.vstack([flips, np.zeros((1, n), dtype=np.int8)])
    return 1.0 - 2.0 * flips.astype(np.float64)


def sign_flips(d: FloatArray, null: float = 0.0) -> PValues:
    """Test the mean of paired differences as `harness.stats.paired.sign_flip_test` does.

    Args:
        d: Differences, shape (studies, n).
        null: The hypothesised mean.
    """
    signs = _signs(d.shape[1])
    greater, less = np.empty(len(d)), np.empty(len(d))
    for block in _blocks(len(d), len(signs)):
        x = d[block] - null
        observed, slack = x.sum(axis=1), _resolution(d[block])
        sums = signs @ x.T
        greater[block] = _share(sums >= observed - slack) + _share(sums <= slack - observed)
        less[block] = _share(sums <= observed + slack) + _share(sums >= -observed - slack)
    greater, less = greater / 2, less / 2
    return PValues(greater, less, np.minimum(1.0, 2 * np.minimum(greater, less)))


def _share(hits: NDArray[np.bool_]) -> FloatArray:
    return np.asarray(np.count_nonzero(hits, axis=0) / len(hits))


def _resolution(d: FloatArray) -> FloatArray:
    """Half a unit of the decimal place to which each study's means are rounded."""
    scale = np.maximum(np.abs(d).max(axis=1), 1e-280)
    return np.asarray(0.5 * 10.0 ** (np.ceil(np.log10(scale)) - SIGNIFICANT_DIGITS))


@lru_cache(maxsize=2)
def _labelings(n: int, m: int) -> FloatArray:
    """Who is in the first arm, one labeling a row, as `relabelings` lists them."""
    if math.comb(n + m, n) <= EXACT_LABELINGS:
        return all_labelings(n + m, n).astype(np.float64)
    drawn = random_labelings(n + m, n, draws=DRAWS, rng=np.random.default_rng(0))
    return np.vstack([np.arange(n + m) < n, drawn.rows]).astype(np.float64)


def relabelings(a: FloatArray, b: FloatArray, null: float = 0.0) -> PValues:
    """Test the difference of means as `harness.stats.unpaired.permutation_test` does.

    Args:
        a: Values of the first arm, shape (studies, n).
        b: Values of the second arm, shape (studies, m).
        null: The hypothesised difference.
    """
    shape = a.shape[1], b.shape[1]
    values = np.hstack([a - null, b])
    values = values - values.mean(axis=1, keepdims=True)
    observed, variance, size = _welch_terms(
        values, (np.arange(sum(shape)) < shape[0])[None, :].astype(np.float64), shape
    )
    tails = np.empty((3, len(a)))
    members = _labelings(*shape)
    for block in _blocks(len(a), len(members)):
        difference, their_variance, _ = _welch_terms(values[block], members, shape)
        ours = observed[:, block] ** 2 * their_variance
        theirs = difference**2 * variance[:, block]
        slack = 1e-10 * size[block] ** 2
        signed = np.sign(difference) * theirs, np.sign(observed[:, block]) * ours
        tails[0, block] = _share(signed[0] >= signed[1] - slack)
        tails[1, block] = _share(signed[0] <= signed[1] + slack)
        tails[2, block] = _share(theirs >= ours - slack)
    for row in np.flatnonzero(variance[0] <= 1e-20 * size):
        tails[:, row] = _without_spread(a[row], b[row], null)
    return PValues(*tails)


def _welch_terms(
    values: FloatArray, members: FloatArray, shape: tuple[int, int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return differences of means and their squared errors, (labelings, studies), and scales."""
    n, m = shape
    sums, squares = members @ values.T, members @ (values**2).T
    total = (values**2).sum(axis=1)
    within_a = np.maximum(squares - sums**2 / n, 0.0)
    within_b = np.maximum(total - squares - sums**2 / m, 0.0)  # all values together have mean 0
    variance = within_a / (n * (n - 1)) + within_b / (m * (m - 1))
    return sums / n + sums / m, variance, total / (n * m)


def _without_spread(a: FloatArray, b: FloatArray, null: float) -> list[float]:
    """Studies without spread in either arm, which t cannot divide by, are left to the product."""
    kinds: tuple[Alternative, ...] = ("greater", "less", "two-sided")
    return [
        permutation_test(
            a, b, null=null, alternative=kind, draws=DRAWS, exact_up_to=EXACT_LABELINGS
        ).p
        for kind in kinds
    ]


def wilcoxon(d: FloatArray) -> FloatArray:
    """Two-sided p of Wilcoxon's signed-rank test: sign flips of the signed ranks."""
    ranks = stats.rankdata(np.abs(d), axis=1) - (d == 0).sum(axis=1, keepdims=True)
    return sign_flips(np.sign(d) * ranks).two_sided


def mann_whitney(a: FloatArray, b: FloatArray) -> FloatArray:
    """Two-sided p of the Mann-Whitney U test: relabelings of the ranks' sum."""
    ranks = stats.rankdata(np.hstack([a, b]), axis=1)
    expected = a.shape[1] * (ranks.shape[1] + 1) / 2
    observed = np.abs(ranks[:, : a.shape[1]].sum(axis=1) - expected)
    members = _labelings(a.shape[1], b.shape[1])
    p = np.empty(len(a))
    for block in _blocks(len(a), len(members)):
        reference = np.abs(members @ ranks[block].T - expected)
        p[block] = _share(reference >= observed[block] - 1e-6)
    return p


def paired_t(d: FloatArray, null: float = 0.0) -> FloatArray:
    """Two-sided p of the paired t test (Student 1908); 1 where there is no spread."""
    n = d.shape[1]
    return _t_p(d.mean(axis=1) - null, d.var(axis=1, ddof=1) / n, np.full(len(d), n - 1.0))


def welch_t(a: FloatArray, b: FloatArray, null: float = 0.0) -> FloatArray:
    """Two-sided p of Welch's t test (Welch 1947); 1 where there is no spread."""
    errors = [x.var(axis=1, ddof=1) / x.shape[1] for x in (a, b)]
    variance = errors[0] + errors[1]
    parts = errors[0] ** 2 / (a.shape[1] - 1) + errors[1] ** 2 / (b.shape[1] - 1)
    df = np.divide(variance**2, parts, out=np.ones(len(a)), where=parts > 0)
    return _t_p(a.mean(axis=1) - b.mean(axis=1) - null, variance, df)


def _t_p(distance: FloatArray, variance: FloatArray, df: FloatArray) -> FloatArray:
    spread = variance > 1e-20
    t = np.divide(np.abs(distance), np.sqrt(variance), out=np.zeros_like(distance), where=spread)
    return np.asarray(2 * stats.t.sf(t, df))
