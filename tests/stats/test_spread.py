"""Spread: distances from the median, intervals of variances and of their ratios."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.stats.paired import sign_flip_test
from harness.stats.spread import deviations, variance_estimate, variance_ratio


def test_deviations_are_distances_from_the_median() -> None:
    assert list(deviations([1.0, 2.0, 4.0, 8.0, 9.0])) == [3.0, 2.0, 0.0, 4.0, 5.0]
    assert not deviations([0.98] * 5).any()
    assert deviations([]).size == 0


def test_their_comparison_is_that_of_brown_and_forsythe() -> None:
    """Levene's test around the median, by scipy, is the F test of the same distances."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 2, 12), rng.normal(5, 1, 15)
    f, p = stats.levene(a, b, center="median")
    t, q = stats.ttest_ind(deviations(a), deviations(b))
    assert t**2 == pytest.approx(f)
    assert q == pytest.approx(p)


def test_equal_spreads_are_rarely_called_different() -> None:
    """Whatever the arms' means; the sign-flip test of distances holds its level."""
    rng = np.random.default_rng(1)
    draws: list[bool] = []
    for _ in range(400):
        a, b = rng.normal(0, 1, 12), rng.normal(3, 1, 12)
        draws.append(sign_flip_test(deviations(a) - deviations(b)).p <= 0.05)
    assert np.mean(draws) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_the_variance_is_unbiased_and_its_interval_covers() -> None:
    rng = np.random.default_rng(2)
    samples = rng.normal(0, 3, (400, 12))
    found = [variance_estimate(row) for row in samples]
    assert found[0].value == pytest.approx(samples[0].var(ddof=1))
    covered = np.mean([one.interval.low <= 9 <= one.interval.high for one in found])
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400)
    # For normal values it must not be much wider than the exact one, which takes them for normal.
    exact = [row.var(ddof=1) * 11 / stats.chi2.ppf([0.975, 0.025], 11) for row in samples]
    ours = np.mean([math.log(one.interval.high / one.interval.low) for one in found])
    assert ours <= 1.15 * np.mean([math.log(high / low) for low, high in exact])


def test_a_scaled_sample_scales_its_variance() -> None:
    x = np.random.default_rng(3).exponential(size=20)
    one, ten = variance_estimate(x), variance_estimate(10 * x + 5)
    assert ten.value == pytest.approx(100 * one.value)
    assert ten.interval.high == pytest.approx(100 * one.interval.high)


def test_constant_values_have_no_spread_and_few_have_no_interval() -> None:
    """D7: the mean of five times 0.98 is not 0.98 in binary."""
    constant = variance_estimate([0.98] * 5)
    assert (constant.value, constant.interval.low, constant.interval.high) == (0, 0, 0)
    assert constant.reason == "no spread"
    few = variance_estimate([0.97, 0.98, 0.99])
    assert few.value == pytest.approx(0.0001)
    assert math.isnan(few.interval.low)


def test_ratios_cover_where_columns_depend_on_each_other() -> None:
    """The whole against its parts: independent sources that add up have the ratio 1."""
    rng = np.random.default_rng(4)
    hits = []
    for _ in range(300):
        parts = rng.normal(0, [1, 2, 3], (15, 3))
        found = variance_ratio(parts, parts.sum(axis=1)[:, None])
        hits.append(found.interval.low <= 1 <= found.interval.high)
    assert np.mean(hits) >= 0.95 - 3.5 * math.sqrt(0.05 * 0.95 / 300)


def test_a_ratio_turned_round_is_its_inverse() -> None:
    x = np.random.default_rng(5).normal(size=(10, 2))
    there, back = variance_ratio(x[:, :1], x[:, 1:]), variance_ratio(x[:, 1:], x[:, :1])
    assert back.value == pytest.approx(1 / there.value)
    assert back.interval.low == pytest.approx(1 / there.interval.high)


def test_a_ratio_without_spread_is_undefined() -> None:
    x = np.random.default_rng(6).normal(size=(6, 1))
    for above, below in ((x, np.ones((6, 1))), (np.full((6, 1), 0.98), x)):
        assert variance_ratio(above, below).reason == "no spread"
    lone = np.zeros((6, 1))
    lone[2] = 1.0  # left out, nothing varies
    assert math.isnan(variance_ratio(lone, x).value)


def test_few_replicates_have_a_ratio_and_no_interval() -> None:
    x = np.random.default_rng(7).normal(size=(4, 2))
    found = variance_ratio(x[:, :1], x[:, 1:])
    assert found.value == pytest.approx(x[:, 0].var() / x[:, 1].var())
    assert math.isnan(found.interval.low)
    assert found.reason == "an interval needs 5 replicates"


def test_bad_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="above must be finite"):
        variance_ratio([[math.nan]], [[1.0]])
    with pytest.raises(ValueError, match="values holds nan"):
        variance_estimate([math.nan, 1.0])


def test_a_ratio_survives_one_value_far_above_the_rest() -> None:
    """Taken off the sum of squares, a value of 1e10 would leave a variance of 0 or less."""
    lone = np.array([0.0, 0.0, 1e10, 0.0, 0.0, 0.0])
    small = 1e-4 * np.arange(6.0)
    found = variance_ratio(np.column_stack([lone, small]), small[:, None])
    assert found.value == pytest.approx(1e20 / 6 / small.var(ddof=1))
    assert 0 < found.interval.low < found.value < found.interval.high


def test_a_ratios_interval_is_that_of_its_pseudo_values() -> None:
    """The jackknife by hand, with a t quantile."""
    x = np.random.default_rng(4).normal(size=(9, 2))

    def log_ratio(rows: np.ndarray) -> float:
        return float(np.log(rows[:, 0].var(ddof=1) / rows[:, 1].var(ddof=1)))

    left_out = np.array([log_ratio(np.delete(x, row, axis=0)) for row in range(9)])
    error = (9 * log_ratio(x) - 8 * left_out).std(ddof=1) / 3
    found = variance_ratio(x[:, :1], x[:, 1:], level=0.8)
    half = stats.t.ppf(0.9, 8) * error
    ends = np.exp([log_ratio(x) - half, log_ratio(x) + half])
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(ends))
