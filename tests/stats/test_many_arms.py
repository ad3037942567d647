"""Three arms or more at once."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from harness.stats.many_arms import (
    critical_groups,
    dunn,
    friedman,
    kruskal_wallis,
    mean_ranks,
    nemenyi,
    welch_anova,
)

tables = arrays(np.int64, (6, 4), elements=st.integers(0, 5)).map(lambda t: t / 5)
groups = st.lists(
    st.lists(st.integers(0, 8).map(lambda v: v / 8), min_size=2, max_size=6),
    min_size=2,
    max_size=4,
)


@given(tables)
def test_friedman_agrees_with_scipy(table: np.ndarray) -> None:
    mine = friedman(table).friedman
    if np.all(np.ptp(table, axis=1) == 0):
        assert mine.reason == "all arms tie in every block"
        assert math.isnan(mine.p)
        return
    theirs = stats.friedmanchisquare(*table.T)
    assert mine.statistic == pytest.approx(theirs.statistic)
    assert mine.p == pytest.approx(theirs.pvalue)


@given(tables)
def test_losses_rank_the_other_way(table: np.ndarray) -> None:
    upwards, downwards = mean_ranks(table), mean_ranks(table, higher_is_better=False)
    np.testing.assert_allclose(upwards + downwards, 5)
    assert mean_ranks(table).sum() == pytest.approx(10)


def test_scores_that_differ_by_rounding_only_tie() -> None:
    """D6: 0.3 and 0.1 + 0.2 are one accuracy."""
    np.testing.assert_array_equal(mean_ranks([[0.3, 0.1 + 0.2], [0.3, 0.1 + 0.2]]), [1.5, 1.5])


def test_blocks_that_all_agree_have_a_p_above_zero() -> None:
    """D4: an F of infinity must not print p = 0."""
    result = friedman(np.tile([0.9, 0.8, 0.7], (5, 1)))
    assert result.friedman.statistic == pytest.approx(10)
    assert result.iman_davenport.p == 1 / 6**4
    assert result.iman_davenport.reason is not None


@pytest.mark.parametrize(
    ("scores", "p"),
    [
        ([[1, 2, 3], [1, 2, 3], [2, 1, 3]], 7 / 36),  # F gives 0.049
        ([[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 3, 2]], 9 / 216),
        ([[1, 2, 3]] * 3, 1 / 36),
        ([[2, 1, 1], [2, 1, 1]], 1 / 3),
    ],
)
def test_over_few_blocks_friedmans_p_is_exact(scores: list[list[float]], p: float) -> None:
    """Friedman (1937), table of 3 ranks: 0.194 and 0.028 for n = 3, 0.042 for n = 4."""
    assert friedman(scores).deciding.p == pytest.approx(p)


@given(arrays(np.int64, (3, 3), elements=st.integers(0, 3)))
@settings(deadline=None, max_examples=20)
def test_the_exact_friedman_p_is_the_share_of_all_rankings(table: np.ndarray) -> None:
    observed = friedman(table)
    if observed.exact is not None:
        every = itertools.product(*(itertools.permutations(row) for row in table))
        found = [friedman(rows).friedman.statistic for rows in every]
        share = np.mean(np.array(found) >= observed.friedman.statistic - 1e-9)
        assert observed.exact.p == pytest.approx(share)


def test_over_many_blocks_the_f_version_decides() -> None:
    result = friedman(np.random.default_rng(0).random((10, 4)))
    assert result.exact is None
    assert result.deciding is result.iman_davenport


def test_nemenyi_calls_the_arms_apart_that_are() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 0.01, (30, 4)) + np.array([0.9, 0.9, 0.5, 0.1])
    result = nemenyi(scores)
    assert result.groups == (tuple(int(i) for i in np.argsort(result.mean_ranks)[:2]),)
    np.testing.assert_array_equal(result.p, result.p.T)
    differ = np.abs(result.mean_ranks[:, None] - result.mean_ranks) > result.critical_difference
    np.testing.assert_array_equal(differ, result.p < 0.05)
    np.testing.assert_array_equal(np.diag(result.p), 1)


@given(st.lists(st.integers(2, 12).map(lambda v: v / 2), min_size=2, max_size=7))
def test_critical_groups_hold_exactly_the_pairs_that_are_close(ranks: list[float]) -> None:
    mean = np.array(ranks)
    bars = critical_groups(mean, 1.5)
    for i in range(mean.size):
        for j in range(i):
            together = any(i in bar and j in bar for bar in bars)
            assert together == (abs(mean[i] - mean[j]) <= 1.5)
    assert not any(set(one) < set(other) for one in bars for other in bars)


@given(groups)
def test_kruskal_agrees_with_scipy(parts: list[list[float]]) -> None:
    mine = kruskal_wallis(parts)
    if np.ptp(np.concatenate(parts)) == 0:
        assert mine.reason == "all values are equal"
        assert dunn(parts).reason == "all values are equal"
        return
    theirs = stats.kruskal(*parts)
    assert mine.statistic == pytest.approx(theirs.statistic, abs=1e-9)
    assert mine.p == pytest.approx(theirs.pvalue)


@settings(max_examples=10)
@given(groups)
def test_dunn_of_two_groups_is_kruskal(parts: list[list[float]]) -> None:
    pair, every = dunn(parts[:2]), dunn(parts)
    np.testing.assert_array_equal(pair.p, pair.p.T)
    np.testing.assert_allclose(pair.p[0, 1], kruskal_wallis(parts[:2]).p, atol=1e-7)
    np.testing.assert_array_equal(pair.p_holm, pair.p)
    assert np.all(np.isnan(every.p) | (every.p_holm >= every.p))


def test_welch_anova_of_two_groups_is_the_welch_t_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 8), rng.normal(0.5, 3, 5)
    mine, theirs = welch_anova([a, b]), stats.ttest_ind(a, b, equal_var=False)
    assert mine.test.statistic == pytest.approx(theirs.statistic**2)
    assert mine.test.p == pytest.approx(theirs.pvalue)
    assert mine.df_denominator == pytest.approx(theirs.df)


def test_welch_anova_without_spread_or_values_is_undefined() -> None:
    """D7: constant groups, with a reason and without a warning."""
    assert welch_anova([[0.98] * 4, [0.97, 0.99]]).test.reason == "a group has no spread"
    assert welch_anova([[0.98], [0.97, 0.99]]).test.reason == "every group needs 2 values or more"


def test_input_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ValueError, match="blocks, arms"):
        friedman([[0.9, 0.8]])
    with pytest.raises(ValueError, match="incomplete"):
        nemenyi([[0.9, math.nan], [0.8, 0.7]])
    with pytest.raises(ValueError, match="2 groups"):
        kruskal_wallis([[0.9, 0.8]])
    with pytest.raises(ValueError, match="at least one value"):
        dunn([[0.9], []])


@pytest.mark.parametrize(
    ("block", "rankings"), [([3, 2, 1], 6), ([3, 1, 1], 3), ([2, 2, 1, 1], 6), ([2, 1], 2)]
)
def test_blocks_that_rank_alike_have_the_chance_of_that(block: list[int], rankings: int) -> None:
    """Arms that tie can be ranked in fewer ways: 3 instead of 6 for one above two equal ones."""
    result = friedman([block] * 5).iman_davenport
    assert result.statistic == math.inf
    assert result.p == pytest.approx(rankings**-4)
