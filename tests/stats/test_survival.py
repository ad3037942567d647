"""Times to a target with runs that never reach it: estimates, permutation tests, Cox."""

from __future__ import annotations

import math
import warnings
from itertools import product
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from harness.stats import logrank
from harness.stats.arrangements import labelings, share_at_least, sign_flips
from harness.stats.cox import Ties, cox_hazard_ratio
from harness.stats.logrank import Weights, log_rank, log_rank_permutation, log_rank_sign_flips
from harness.stats.survival import (
    CensoredTimes,
    kaplan_meier,
    median_time,
    rmst,
    rmst_difference,
    rmst_permutation,
)
from tests.stats.odd_samples import LATE, SOON

BUDGET = 20.0
D9_A = CensoredTimes(np.array([5.0, 6, 7, 20, 20]), np.array([1, 1, 1, 0, 0], dtype=bool))
D9_B = CensoredTimes(np.array([8.0, 9, 10, 11, 12]), np.ones(5, dtype=bool))
NOBODY = CensoredTimes(np.full(5, BUDGET), np.zeros(5, dtype=bool))


@st.composite
def arms(draw: st.DrawFn, least: int = 2, most: int = 7) -> CensoredTimes:
    """Runs with whole epochs as times, so with ties, censored at the budget or before."""
    time = draw(st.lists(st.integers(1, int(BUDGET)), min_size=least, max_size=most))
    event = draw(st.lists(st.booleans(), min_size=len(time), max_size=len(time)))
    return CensoredTimes(np.array(time, dtype=float), np.array(event))


def random_arm(rng: np.random.Generator, n: int, scale: float) -> CensoredTimes:
    time = np.ceil(rng.exponential(scale, n))
    return CensoredTimes(np.minimum(time, BUDGET), time <= BUDGET)


def test_runs_that_never_reach_are_kept() -> None:
    """D9: the arm that fails most must not win by failing."""
    assert D9_A.reached == 3
    assert log_rank([D9_A, D9_B]).test.statistic == pytest.approx(0.1365, abs=5e-5)
    assert log_rank([D9_A, D9_B]).test.p == pytest.approx(0.7118, abs=5e-5)
    assert log_rank_permutation(D9_A, D9_B).p == pytest.approx(176 / 252)
    assert median_time(kaplan_meier(D9_A)).value == 7
    assert median_time(kaplan_meier(D9_B)).value == 10
    assert rmst(D9_A, BUDGET)[0].value == pytest.approx(11.6)
    assert rmst(D9_B, BUDGET)[0].value == pytest.approx(10.0)
    assert rmst_difference(D9_A, D9_B, BUDGET)[0].value == pytest.approx(1.6)


def test_nobody_reaches_the_target() -> None:
    """D10: undefined with a reason, no warning, no p value."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for weights in get_args(Weights):
            test = log_rank([NOBODY, NOBODY], weights=weights).test
            assert math.isnan(test.p)
            assert test.reason is not None
            assert "0/10 runs reached the target" in test.reason
        assert not log_rank_permutation(NOBODY, NOBODY).defined
        assert not rmst_difference(NOBODY, NOBODY, BUDGET)[1].defined
        assert not cox_hazard_ratio(NOBODY, NOBODY).wald.defined
        median = median_time(kaplan_meier(NOBODY))
    assert math.isnan(median.value)
    assert median.reason == "not reached: 0 of 5 runs reached the target by 20"
    assert math.isnan(median.interval.low)
    assert rmst(NOBODY, BUDGET)[0].value == BUDGET


def test_permutation_decides_where_z_is_absurd() -> None:
    nobody = CensoredTimes(np.full(6, BUDGET), np.zeros(6, dtype=bool))
    reached = CensoredTimes(np.array([4.0, 5, 5, 7, 9, 12]), np.ones(6, dtype=bool))
    _, z = rmst_difference(nobody, reached, BUDGET)
    assert z.p < 1e-20
    assert z.reason == "one arm has no spread: trust the permutation test"
    assert rmst_permutation(nobody, reached, BUDGET).p == pytest.approx(2 / math.comb(12, 6))


@pytest.mark.parametrize(("n", "hits"), [(3, 2), (4, 2), (5, 2)])
def test_separated_arms_reach_the_least_p(n: int, hits: int) -> None:
    early = CensoredTimes(np.arange(1.0, n + 1), np.ones(n, dtype=bool))
    never = CensoredTimes(np.full(n, BUDGET), np.zeros(n, dtype=bool))
    assert log_rank_permutation(early, never).p == pytest.approx(hits / math.comb(2 * n, n))


@given(arms())
def test_rmst_without_early_censoring_is_the_mean(arm: CensoredTimes) -> None:
    full = CensoredTimes(np.where(arm.event, arm.time, BUDGET), arm.event)
    estimate, se = rmst(full, BUDGET)
    assert estimate.value == pytest.approx(full.time.mean())
    assert se == pytest.approx(full.time.std() / math.sqrt(len(full)))


@given(arms())
def test_curve_agrees_with_statsmodels(arm: CensoredTimes) -> None:
    curve = kaplan_meier(arm)
    oracle = SurvfuncRight(arm.time, arm.event.astype(int))
    at_events = np.isin(curve.time, oracle.surv_times)
    np.testing.assert_allclose(curve.survival[at_events], oracle.surv_prob, atol=1e-12)
    assert np.all(np.diff(curve.survival) <= 0)
    inside = ~np.isnan(curve.low)
    assert np.all(curve.low[inside] <= curve.survival[inside])
    assert np.all(curve.survival[inside] <= curve.high[inside])


@pytest.mark.parametrize(
    ("weights", "theirs"),
    [
        ("log-rank", {}),
        ("gehan", {"weight_type": "gb"}),
        ("tarone-ware", {"weight_type": "tw"}),
        ("fleming-harrington", {"weight_type": "fh", "fh_p": 1}),
    ],
)
def test_log_rank_of_three_arms_agrees_with_statsmodels(
    weights: Weights, theirs: dict[str, object]
) -> None:
    rng = np.random.default_rng(5)
    three = [random_arm(rng, 8, scale) for scale in (6, 10, 25)]
    chi2, p = survdiff(
        np.concatenate([arm.time for arm in three]),
        np.concatenate([arm.event for arm in three]).astype(int),
        np.repeat([0, 1, 2], 8),
        **theirs,
    )
    mine = log_rank(three, weights=weights).test
    assert mine.statistic == pytest.approx(chi2)
    assert mine.p == pytest.approx(p)
    assert mine.df == 2


@settings(max_examples=40)
@given(arms(most=5), arms(most=5))
def test_split_halves_equal_plain_enumeration(a: CensoredTimes, b: CensoredTimes) -> None:
    mine = log_rank_permutation(a, b)
    time, event = np.concatenate([a.time, b.time]), np.concatenate([a.event, b.event])
    hazard = np.zeros(time.size)
    for t in np.unique(time):
        hazard[time >= t] += event[time == t].sum() / np.sum(time >= t)
    scores = event - hazard
    if np.ptp(scores) < 1e-12:
        assert not mine.defined
        return
    sums = np.abs(labelings(time.size, len(a), draws=1).rows @ scores)
    assert mine.p == pytest.approx(np.mean(sums >= abs(scores[: len(a)].sum()) - 1e-9))


@settings(max_examples=40)
@given(arms(most=5), arms(most=5))
def test_swapping_the_arms_only_turns_the_sign(a: CensoredTimes, b: CensoredTimes) -> None:
    assert rmst_permutation(a, b, BUDGET).p == rmst_permutation(b, a, BUDGET).p
    assert rmst_permutation(a, b, BUDGET).statistic == -rmst_permutation(b, a, BUDGET).statistic
    ab, ba = cox_hazard_ratio(a, b), cox_hazard_ratio(b, a)
    assert ab.wald.defined == ba.wald.defined
    if ab.wald.defined:
        assert ab.log_hazard_ratio.value == pytest.approx(-ba.log_hazard_ratio.value, abs=1e-8)
        theirs = pytest.approx(ba.likelihood_ratio.statistic, abs=1e-8)
        assert ab.likelihood_ratio.statistic == theirs


def test_a_median_lies_between_two_times_only_where_half_is_met_exactly() -> None:
    four = CensoredTimes(np.array([1.0, 2.0, 4.0, 5.0]), np.ones(4, dtype=bool))
    assert median_time(kaplan_meier(SOON), flat="midpoint").value == 2.0
    assert median_time(kaplan_meier(four), flat="midpoint").value == 3.0
    assert median_time(kaplan_meier(four)).value == 2.0


def test_a_difference_of_means_is_in_standard_errors() -> None:
    difference, z = rmst_difference(SOON, LATE, 9.0)
    error = math.hypot(SOON.time.std(), LATE.time.std()) / math.sqrt(3)
    assert z.statistic == pytest.approx(difference.value / error)
    assert z.p == pytest.approx(2 * stats.norm.sf(abs(z.statistic)))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_large_hazard_ratio_agrees_with_statsmodels(ties: Ties) -> None:
    """Fifteen times as fast, all but one run: far from where the search begins."""
    n = 40
    slow = np.append(n / 2 - 0.5, np.arange(n + 1.0, 2 * n))
    slow[5:9] = slow[5]  # ties
    early = CensoredTimes(np.append(np.arange(1.0, n), 60.0), np.ones(n, dtype=bool))
    late = CensoredTimes(slow, early.event)
    ours = cox_hazard_ratio(early, late, ties=ties)
    oracle = PHReg(
        np.concatenate([early.time, late.time]), np.repeat([1.0, 0.0], n), ties=ties
    ).fit()
    assert ours.log_hazard_ratio.value == pytest.approx(oracle.params[0], abs=1e-6)
    assert ours.se == pytest.approx(oracle.bse[0], rel=1e-6)
    assert ours.wald.statistic == pytest.approx(oracle.tvalues[0], rel=1e-5)
    assert ours.wald.p == pytest.approx(oracle.pvalues[0], rel=1e-3)
    assert ours.log_hazard_ratio.value > 2


def test_permutation_statistic_is_the_rmst_difference() -> None:
    assert rmst_permutation(D9_A, D9_B, BUDGET).statistic == pytest.approx(1.6)


@settings(max_examples=40)
@given(st.integers(1, 6).flatmap(lambda n: st.tuples(arms(n, n), arms(n, n))))
def test_sign_flips_of_scores_are_swaps_within_pairs(
    both: tuple[CensoredTimes, CensoredTimes],
) -> None:
    a, b = both
    found = log_rank_sign_flips(a, b)
    excess = []
    for swap in product([False, True], repeat=len(a)):
        first = CensoredTimes(np.where(swap, b.time, a.time), np.where(swap, b.event, a.event))
        second = CensoredTimes(np.where(swap, a.time, b.time), np.where(swap, a.event, b.event))
        table = log_rank([first, second])
        excess.append(table.observed[0] - table.expected[0])
    if not found.defined:
        assert np.allclose(excess, 0)
        return
    assert found.statistic == pytest.approx(excess[0], abs=1e-9)
    assert found.p == np.mean(np.abs(excess) >= abs(excess[0]) - 1e-9)


def test_pairs_that_go_together_are_told_apart_within() -> None:
    """Relabeling across replicates takes what all share for noise."""
    time = np.array([2.0, 5, 8, 11, 14, 17])
    a, b = (CensoredTimes(t, np.ones(6, dtype=bool)) for t in (time, time + 1))
    assert log_rank_sign_flips(a, b).p == 2 / 2**6
    assert log_rank_sign_flips(a, b).method == (
        "exact sign-flip permutation (64 arrangements) of the log-rank scores"
    )
    assert log_rank_permutation(a, b).p > 0.5


def test_many_pairs_are_swapped_at_random() -> None:
    rng = np.random.default_rng(3)
    a, b = random_arm(rng, 24, 6), random_arm(rng, 24, 9)
    sampled = log_rank_sign_flips(a, b)
    assert sampled.method.startswith("Monte Carlo sign-flip permutation (20,000 arrangements)")
    assert sampled == log_rank_sign_flips(a, b)
    assert sampled.p == pytest.approx(log_rank_sign_flips(a, b, draws=99_999).p, abs=0.01)


def test_pairs_need_partners() -> None:
    with pytest.raises(ValueError, match="not 5 and 4"):
        log_rank_sign_flips(D9_A, CensoredTimes(D9_B.time[:4], D9_B.event[:4]))


def test_monte_carlo_agrees_with_the_exact_log_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    a, b = random_arm(rng, 14, 6), random_arm(rng, 14, 11)
    exact = log_rank_permutation(a, b)
    monkeypatch.setattr(logrank, "_MOST_HALF_SUMS", 1)
    sampled = log_rank_permutation(a, b, draws=20_000)
    assert "Monte Carlo" in sampled.method
    assert sampled.p == pytest.approx(exact.p, abs=0.01)
    assert log_rank_permutation(a, b, draws=20_000) == sampled


def test_permutation_keeps_its_level_where_the_chi_squared_does_not() -> None:
    """With ties at n = 5 the asymptotic log-rank rejects too often."""
    rng = np.random.default_rng(11)
    pairs = [(random_arm(rng, 5, 6), random_arm(rng, 5, 6)) for _ in range(1_000)]
    asymptotic = np.mean([log_rank(pair).test.p <= 0.05 for pair in pairs])
    permuted = np.mean([log_rank_permutation(*pair).p <= 0.05 for pair in pairs])
    assert permuted <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1_000)
    assert asymptotic > permuted


def test_horizon_past_the_watching_is_refused_with_a_reason() -> None:
    estimate, _ = rmst(D9_A, 30)
    assert math.isnan(estimate.value)
    assert estimate.reason is not None
    assert "watched to 20" in estimate.reason
    difference, test = rmst_difference(D9_B, D9_A, 30)
    assert difference.reason == test.reason == estimate.reason


@pytest.mark.parametrize("bad", [[], [-1.0], [math.nan], [math.inf]])
def test_impossible_times_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match=r"time"):
        CensoredTimes(np.array(bad), np.ones(len(bad), dtype=bool))


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        CensoredTimes(np.ones(3), np.ones(2, dtype=bool))


def test_a_lone_arm_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="two arms or more"):
        log_rank([D9_A])


def test_sampled_share_is_never_zero() -> None:
    """D4: hits / draws would print p = 0."""
    assert share_at_least(np.zeros(999), 1.0, exact=False) == 1 / 1_000


def test_arrangements_are_all_different() -> None:
    assert len(np.unique(labelings(7, 3, draws=1).rows, axis=0)) == math.comb(7, 3)
    assert len(np.unique(sign_flips(6, draws=1).rows, axis=0)) == 2**6
    sampled = labelings(40, 20, draws=50)
    assert not sampled.exact
    assert np.all(sampled.rows.sum(axis=1) == 20)
    assert sign_flips(30, draws=50).rows.shape == (50, 30)


def test_scores_count_agrees_with_scipy() -> None:
    """Without censoring and ties it is the rank test of Savage scores."""
    a = CensoredTimes(np.array([1.0, 4, 6]), np.ones(3, dtype=bool))
    b = CensoredTimes(np.array([2.0, 3, 5, 7]), np.ones(4, dtype=bool))
    savage = 1 - np.cumsum(1 / np.arange(7.0, 0, -1))

    def statistic(x: np.ndarray, y: np.ndarray) -> float:
        return abs(float(np.sum(savage[x.astype(int) - 1])))

    oracle = stats.permutation_test(
        (a.time, b.time), statistic, alternative="greater", n_resamples=np.inf
    )
    assert log_rank_permutation(a, b).p == pytest.approx(oracle.pvalue)


def test_arms_that_never_wait_together_cannot_be_compared() -> None:
    """The second arm was watched for an epoch; every event comes later: nothing to expect."""
    early = CensoredTimes(np.ones(3), np.zeros(3, dtype=bool))
    late = CensoredTimes(np.array([2.0, 3.0, 4.0]), np.ones(3, dtype=bool))
    test = log_rank([late, early]).test
    assert math.isnan(test.p)
    assert "never waited together" in (test.reason or "")


def test_a_mean_that_is_not_known_tells_so_in_its_interval_too() -> None:
    estimate, _ = rmst(D9_A, 30.0)
    assert math.isnan(estimate.interval.low)
    assert estimate.interval.reason == estimate.reason
    assert "choose a horizon of at most that, not 30" in (estimate.reason or "")
