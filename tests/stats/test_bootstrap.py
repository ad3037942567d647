"""Bootstrap intervals."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats.bootstrap import (
    Correction,
    Statistic,
    bootstrap,
    interquartile_mean,
    iqm_over_blocks,
    iqm_over_tasks,
    probability_of_improvement,
)

samples = st.lists(st.integers(0, 50).map(lambda k: k / 50), min_size=2, max_size=6)


@pytest.mark.parametrize("constant", [1.0, 0.98, 0.5])
@pytest.mark.parametrize("statistic", ["mean", "median", "iqm"])
@pytest.mark.parametrize("interval", ["bca", "percentile"])
def test_constant_data_have_a_point_interval(
    constant: float, statistic: Statistic, interval: str
) -> None:
    """D7: five runs all 1.0, all 0.98."""
    estimate = bootstrap([constant] * 5, statistic, interval=interval).estimate
    assert (estimate.interval.low, estimate.interval.high) == (constant, constant)
    assert estimate.interval.reason == "no spread"


def test_one_value_has_no_interval() -> None:
    estimate = bootstrap([0.9]).estimate
    assert estimate.value == 0.9
    assert math.isnan(estimate.interval.low)
    assert estimate.reason == "one value has no interval"


def test_bca_that_is_undefined_says_so() -> None:
    estimate = bootstrap([1, 2, 2, 2, 3], "median").estimate
    assert estimate.reason is not None
    assert math.isnan(estimate.interval.high)
    assert not math.isnan(bootstrap([1, 2, 2, 2, 3], "median", interval="percentile").se)


@settings(max_examples=40)
@given(samples)
def test_enumeration_equals_drawing_all_tuples(values: list[float]) -> None:
    if np.ptp(values) == 0 or len(values) > 5:
        return
    means = np.mean(list(product(values, repeat=len(values))), axis=1)
    result = bootstrap(values, interval="percentile")
    assert result.se == pytest.approx(means.std())
    low, high = np.quantile(means, [0.025, 0.975], method="inverted_cdf")
    assert result.estimate.interval.low == pytest.approx(low)
    assert result.estimate.interval.high == pytest.approx(high)


@settings(max_examples=40)
@given(samples, st.sampled_from(["mean", "iqm"]), st.sampled_from(["bca", "percentile"]))
def test_intervals_move_with_the_data(values: list[float], statistic: Statistic, how: str) -> None:
    here = bootstrap(values, statistic, interval=how).estimate.interval
    there = bootstrap([3 + 2 * v for v in values], statistic, interval=how).estimate.interval
    assert there.low == pytest.approx(3 + 2 * here.low, nan_ok=True)
    assert there.high == pytest.approx(3 + 2 * here.high, nan_ok=True)
    assert math.isnan(here.low) or min(values) - 1e-9 <= here.low <= here.high <= max(values) + 1e-9


@pytest.mark.parametrize("interval", ["bca", "percentile"])
def test_agrees_with_scipy(interval: str) -> None:
    values = np.random.default_rng(0).gamma(2.0, size=25)
    mine = bootstrap(values, interval=interval).estimate.interval
    method = {"bca": "BCa", "percentile": "percentile"}[interval]
    theirs = stats.bootstrap((values,), np.mean, method=method, n_resamples=20_000, rng=1)
    width = mine.high - mine.low
    assert mine.low == pytest.approx(theirs.confidence_interval.low, abs=0.03 * width)
    assert mine.high == pytest.approx(theirs.confidence_interval.high, abs=0.03 * width)


@pytest.mark.parametrize("correction", ["mid", "strict"])
def test_resamples_that_tie_with_the_estimate_count_half_or_not_at_all(
    correction: Correction,
) -> None:
    values = [0.0, 1.0, 1.0, 3.0, 4.0]
    medians = np.median(list(product(values, repeat=5)), axis=1)
    tied = np.mean(medians == 1.0) / 2 if correction == "mid" else 0.0
    found = bootstrap(values, "median", correction=correction)
    assert found.z0 == pytest.approx(stats.norm.ppf(np.mean(medians < 1.0) + tied))
    assert found.se == pytest.approx(medians.std())


def test_random_resamples_are_those_of_the_seed() -> None:
    values = np.random.default_rng(5).normal(size=12)
    drawn = np.sort(values)[np.random.default_rng(2).integers(0, 12, (500, 12))]
    middles = [stats.trim_mean(row, 0.25) for row in drawn]
    found = bootstrap(values, "iqm", interval="percentile", draws=500, seed=2, level=0.8)
    assert found.se == pytest.approx(np.std(middles))
    ends = (found.estimate.interval.low, found.estimate.interval.high)
    expected = np.quantile(middles, [0.1, 0.9], method="inverted_cdf")
    assert ends == pytest.approx(tuple(expected))


def test_what_does_not_vary_has_no_error_and_one_value_an_unknown_one() -> None:
    assert bootstrap([0.5, 0.5]).se == 0.0
    assert math.isnan(bootstrap([0.5]).se)


def test_an_interval_over_tasks_is_that_of_runs_drawn_within_each() -> None:
    scores = np.random.default_rng(7).normal(size=(6, 3))
    rng = np.random.default_rng(4)
    drawn = scores[rng.integers(0, 6, (400, 6, 3)), np.arange(3)].reshape(400, 18)
    middles = stats.trim_mean(drawn, 0.25, axis=1)
    found = iqm_over_tasks(scores, level=0.8, draws=400, seed=4)
    assert found.value == pytest.approx(stats.trim_mean(scores.ravel(), 0.25))
    assert (found.interval.low, found.interval.high) == pytest.approx(
        tuple(np.quantile(middles, [0.1, 0.9]))
    )
    assert (found.reason, found.interval.reason) == (None, None)


def test_an_interval_over_blocks_is_that_of_whole_blocks() -> None:
    scores = np.random.default_rng(7).normal(size=(6, 3))
    rng = np.random.default_rng(4)
    drawn = scores[rng.integers(0, 6, (400, 6))].reshape(400, 18)
    middles = stats.trim_mean(drawn, 0.25, axis=1)
    found = iqm_over_blocks(scores, level=0.8, draws=400, seed=4)
    assert found.value == iqm_over_tasks(scores).value
    assert (found.interval.low, found.interval.high) == pytest.approx(
        tuple(np.quantile(middles, [0.1, 0.9]))
    )
    assert iqm_over_blocks(np.ones((4, 2))).interval.reason == "no spread"


def test_an_interval_over_blocks_holds_the_truth_where_arms_share_them() -> None:
    """Fourteen arms, ten replicates, correlations of 0.65: drawn apart they hold it in half."""
    rng, studies, held = np.random.default_rng(0), 300, 0
    for _ in range(studies):
        shared = math.sqrt(0.65) * rng.normal(size=(10, 1))
        own = math.sqrt(0.35) * rng.normal(size=(10, 14))
        ends = iqm_over_blocks(shared + own, draws=300).interval
        held += ends.low <= 0 <= ends.high
    assert held / studies > 0.85


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(0).normal(size=15)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_samples_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        bootstrap([])
    with pytest.raises(ValueError, match="nan"):
        bootstrap([0.9, math.nan])


@given(st.lists(st.integers(0, 100), min_size=1, max_size=30))
def test_interquartile_mean_is_the_trimmed_mean(values: list[int]) -> None:
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25))


def test_iqm_over_tasks_resamples_within_tasks() -> None:
    """Tasks that differ widely but whose runs agree leave nothing to chance."""
    rng = np.random.default_rng(0)
    sure = iqm_over_tasks(np.tile([0.1, 0.5, 0.9, 0.7], (6, 1)))
    assert sure.interval.reason == "no spread"
    assert sure.interval.low == sure.interval.high == pytest.approx(0.6)
    noisy = iqm_over_tasks(np.tile([0.1, 0.5, 0.9, 0.7], (6, 1)) + rng.normal(0, 0.01, (6, 4)))
    assert noisy.interval.low < noisy.value < noisy.interval.high
    assert noisy.interval.high - noisy.interval.low < 0.03


@settings(max_examples=20)
@given(samples, samples)
def test_probability_of_improvement_is_mann_whitney(x: list[float], y: list[float]) -> None:
    first, second = np.array(x)[:, None], np.array(y)[:, None]
    mine = probability_of_improvement(first, second, draws=50)
    u = (
        stats.mannwhitneyu(x, y, method="asymptotic").statistic
        if np.ptp(x + y)
        else 0.5 * len(x) * len(y)
    )
    assert mine.value == pytest.approx(u / (len(x) * len(y)))
    assert mine.value + probability_of_improvement(second, first, draws=50).value == pytest.approx(
        1
    )


def test_certain_improvement() -> None:
    estimate = probability_of_improvement(np.full((4, 2), 0.9), np.full((3, 2), 0.8))
    assert estimate.value == estimate.interval.low == estimate.interval.high == 1
    assert estimate.reason == "no spread"


def test_scores_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(runs, tasks\)"):
        iqm_over_tasks([0.9, 0.8])
    with pytest.raises(ValueError, match="2 tasks and y 3"):
        probability_of_improvement(np.ones((2, 2)), np.ones((2, 3)))
