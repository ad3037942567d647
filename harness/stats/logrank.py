"""Tests whether arms reach a target equally fast when some runs never do (log-rank family)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import stats

from harness.language import N_, said
from harness.stats.arrangements import labelings, share_at_least
from harness.stats.paired import sign_flip_test
from harness.stats.results import TestResult
from harness.stats.samples import FloatArray, difference
from harness.stats.survival import CensoredTimes

BoolArray = npt.NDArray[np.bool_]
Weights = Literal["log-rank", "fleming-harrington", "gehan", "tarone-ware", "peto-peto"]
Ties = Literal["nelson-aalen", "hothorn-lausen"]

_MOST_HALF_SUMS = 2_000_000
"""Partial sums a half of the runs may have: about 20 untied runs, some 50 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class LogRankResult:
    """A weighted log-rank test with its parts, for k arms.

    Attributes:
        test: Chi-squared statistic on k - 1 degrees of freedom, and p.
        observed: Runs that reached the target, weighted, by arm; shape (k,).
        expected: The number expected if all arms were equally fast, weighted; shape (k,).
        covariance: Hypergeometric covariance of observed - expected; shape (k, k).
    """

    test: TestResult
    observed: FloatArray
    expected: FloatArray
    covariance: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _EventTable:
    """Counts at each distinct event time: arms in rows, times in columns."""

    at_risk: FloatArray
    events: FloatArray


def log_rank(arms: Sequence[CensoredTimes], *, weights: Weights = "log-rank") -> LogRankResult:
    """Test that k arms reach the target equally fast (Mantel 1966; Peto & Peto 1972).

    Each event time counts with a weight of the pooled sample: 1 (log-rank), S(t-)
    (Fleming-Harrington with rho = 1), n (Gehan 1965), sqrt(n) (Tarone & Ware 1977), or the product
    of 1 - d / (n + 1) (Peto-Peto); all but the first stress early times. The variance is the
    hypergeometric one. At few runs or many ties p is too small: see ``log_rank_permutation``.

    Args:
        arms: The runs of each arm, two arms or more.
        weights: Which member of the family.

    Returns:
        The test and its parts; the statistic and p are NaN with a reason where no run reached the
        target or all did at the same time.
    """
    if len(arms) < 2:
        raise ValueError(f"a log-rank test compares two arms or more, not {len(arms)}")
    table = _event_table(arms)
    n, d = table.at_risk.sum(axis=0), table.events.sum(axis=0)
    w = _weights(weights, n, d)
    share = table.at_risk / n
    observed, expected = table.events @ w, share @ (w * d)
    spread = w**2 * d * np.divide(n - d, n - 1, out=np.zeros_like(n), where=n > 1)
    covariance = np.diag(share @ spread) - (share * spread) @ share.T
    method = f"{weights} test of {len(arms)} arms"
    reason = _why_undefined(arms, spread, share)
    if reason is not None:
        test = TestResult(math.nan, math.nan, method, df=len(arms) - 1, reason=reason)
    else:
        test = _chi_squared(observed - expected, covariance, method)
    return LogRankResult(test, observed, expected, covariance)


def _event_table(arms: Sequence[CensoredTimes]) -> _EventTable:
    distinct = np.unique(np.concatenate([arm.time[arm.event] for arm in arms]))
    counts = [arm.counts(distinct) for arm in arms]
    return _EventTable(np.stack([n for n, _ in counts]), np.stack([d for _, d in counts]))


def _weights(name: Weights, n: FloatArray, d: FloatArray) -> FloatArray:
    match name:
        case "log-rank":
            return np.ones_like(n)
        case "fleming-harrington":
            survival = np.cumprod(1 - d / n)
            return np.concatenate([[1.0], survival[:-1]])[: n.size]
        case "gehan":
            return n
        case "tarone-ware":
            return np.sqrt(n)
        case "peto-peto":
            return np.asarray(np.cumprod(1 - d / (n + 1)))
    raise ValueError(f"unknown weights {name!r}; choose one of {', '.join(get_args(Weights))}")


def _why_undefined(
    arms: Sequence[CensoredTimes], spread: FloatArray, share: FloatArray
) -> str | None:
    reached, runs = sum(arm.reached for arm in arms), sum(len(arm) for arm in arms)
    if reached == 0:
        return f"not testable: 0/{runs} runs reached the target"
    if not spread.any():
        return "not testable: every run reached the target at the same time"
    if not spread[share.max(axis=0) < 1].any():
        return "not testable: the arms never waited together when a run reached the target"
    return None


def _chi_squared(difference: FloatArray, covariance: FloatArray, method: str) -> TestResult:
    """Compare observed - expected to its covariance, one arm left out: the rows sum to zero."""
    inner, kept = covariance[:-1, :-1], difference[:-1]
    rank = int(np.linalg.matrix_rank(inner, hermitian=True))
    statistic = float(kept @ np.linalg.pinv(inner, hermitian=True) @ kept)
    return TestResult(statistic, float(stats.chi2.sf(statistic, rank)), method, df=rank)


def log_rank_permutation(
    a: CensoredTimes,
    b: CensoredTimes,
    *,
    ties: Ties = "nelson-aalen",
    draws: int = 9_999,
    seed: int = 0,
) -> TestResult:
    """Test that two arms reach the target equally fast by relabelling the runs.

    The statistic is O - E of the first arm, the sum of its runs' log-rank scores
    event - H(time), with H the cumulated hazard of both arms together. Two-sided: the share of
    labelings with an |O - E| at least as large. Exact, by splitting the runs in two halves and
    matching their partial sums (van de Wiel 2001), unless there are too many different scores.

    Args:
        a: Runs of the first arm.
        b: Runs of the second arm.
        ties: H with the hazard d / n at each time (``"nelson-aalen"``), or with d over the number
            at risk once all but one of the tied runs are gone (Hothorn & Lausen 2003).
        draws: Random labelings where the exact distribution is out of reach; p then has the
            add-one estimator.
        seed: Seed of those: the same seed gives the same p.

    Returns:
        O - E and p; both NaN with a reason where all scores are equal.
    """
    scores = _joint_scores(a, b, ties)
    observed = float(scores[: len(a)].sum())
    if np.ptp(scores) < 1e-12:
        return _all_alike(a, b)
    exact = _exact_sum_p(scores, len(a))
    if exact is not None:
        total = math.comb(scores.size, len(a))
        method = said("exact permutation log-rank ({count} labelings)", count=f"{total:,}")
        return TestResult(observed, exact, method)
    chosen = labelings(scores.size, len(a), draws=draws, rng=np.random.default_rng(seed))
    sums = chosen.statistics(lambda rows: rows @ scores)
    p = share_at_least(np.abs(sums), abs(observed), exact=chosen.exact)
    method = said("{permutation} of the log-rank scores", permutation=chosen.describe())
    return TestResult(observed, p, method)


def log_rank_sign_flips(
    a: CensoredTimes, b: CensoredTimes, *, draws: int = 9_999, seed: int = 0
) -> TestResult:
    """Test that two arms of paired runs reach the target equally fast by swapping within pairs.

    The statistic is that of :func:`log_rank_permutation`. To swap two runs is to change the sign
    of the difference of their scores, so p is that of sign flips of these.

    Args:
        a: Runs of the first arm.
        b: Their partners, at the same places.
        draws: Random swaps where there are more than 20 pairs.
        seed: Seed of those: the same seed gives the same p.

    Returns:
        O - E and p; both NaN with a reason where all scores are equal, and p = 1 with a reason
        where those of every pair are.
    """
    if len(a) != len(b):
        raise ValueError(f"pairs need as many runs in both arms, not {len(a)} and {len(b)}")
    scores = _joint_scores(a, b, "nelson-aalen")
    if np.ptp(scores) < 1e-12:
        return _all_alike(a, b)
    first, second = np.split(scores, 2)
    swaps = sign_flip_test(difference(first, second), draws=draws, seed=seed)
    method = said("{permutation} of the log-rank scores", permutation=swaps.method)
    return TestResult(float(first.sum()), swaps.p, method, reason=swaps.reason)


def _joint_scores(a: CensoredTimes, b: CensoredTimes, ties: Ties) -> FloatArray:
    """The scores of both arms' runs, those of the first arm first."""
    return _log_rank_scores(
        np.concatenate([a.time, b.time]), np.concatenate([a.event, b.event]), ties
    )


def _all_alike(a: CensoredTimes, b: CensoredTimes) -> TestResult:
    reason = said(
        "not testable: {reached}/{n} runs reached the target, all alike",
        reached=a.reached + b.reached,
        n=len(a) + len(b),
    )
    return TestResult(math.nan, math.nan, N_("permutation log-rank"), reason=reason)


def _log_rank_scores(time: FloatArray, event: BoolArray, ties: Ties) -> FloatArray:
    """Return scores that sum to zero, large for a run that reached the target early."""
    distinct, place = np.unique(time, return_inverse=True)
    events = np.bincount(place, weights=event)
    n_risk = time.size - np.searchsorted(np.sort(time), distinct)
    if ties == "hothorn-lausen":
        n_risk = n_risk - np.bincount(place) + 1
    scores = event - np.cumsum(events / n_risk)[place]
    return np.asarray(scores - scores.mean())


def _exact_sum_p(scores: FloatArray, n_first: int) -> float | None:
    """P(|sum of n_first scores| >= observed) over all labelings; None if there are too many.

    ``scores`` sum to zero, the first ``n_first`` are the observed first arm.
    """
    observed = abs(float(scores[:n_first].sum())) - 1e-10 * float(np.abs(scores).sum())
    if observed <= 0:
        return 1.0
    rounded, sizes = np.unique(np.round(scores, 12), return_counts=True)
    order = np.argsort(sizes)
    halves = [(rounded[order[i::2]], sizes[order[i::2]]) for i in (0, 1)]
    if any(float(np.prod(size + 1.0)) > _MOST_HALF_SUMS for _, size in halves):
        return None
    left, right = (_partial_sums(values, counts) for values, counts in halves)
    hits = 0.0
    for taken, (sums, ways) in left.items():
        if n_first - taken not in right:
            continue
        other, other_ways = right[n_first - taken]
        up_to = np.concatenate([[0.0], np.cumsum(other_ways)])
        low = up_to[np.searchsorted(other, -observed - sums, side="right")]
        high = up_to[-1] - up_to[np.searchsorted(other, observed - sums, side="left")]
        hits += float(ways @ (low + high))
    return hits / math.comb(scores.size, n_first)


def _partial_sums(
    values: FloatArray, counts: npt.NDArray[np.intp]
) -> dict[int, tuple[FloatArray, FloatArray]]:
    """Sums of all sub-multisets by their size: {size: (ascending sums, number of ways)}."""
    sums, taken, ways = np.zeros(1), np.zeros(1, dtype=np.intp), np.ones(1)
    for value, count in zip(values, counts, strict=True):
        k = np.arange(count + 1)
        binomial = np.array([math.comb(int(count), int(j)) for j in k], dtype=np.float64)
        sums = np.add.outer(sums, k * value).ravel()
        taken = np.add.outer(taken, k).ravel()
        ways = np.multiply.outer(ways, binomial).ravel()
    result = {}
    for size in np.unique(taken):
        here = taken == size
        ascending = np.argsort(sums[here], kind="stable")
        result[int(size)] = (sums[here][ascending], ways[here][ascending])
    return result
