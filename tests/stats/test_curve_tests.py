"""Where two arms' curves differ (max-T), and whether one curve is foreign to an arm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.stats import arrangements
from harness.stats.curve_tests import foreign_curve, max_t
from tests.stats.curve_noise import REPLICATIONS, monte_carlo_error, null_curves


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_one_error_rate_for_the_whole_curve(
    n: int, paired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrangements, "MOST_ENUMERATED", 2_000)
    rng = np.random.default_rng(n)
    wrong = 0
    for _ in range(REPLICATIONS):
        a, b = null_curves(rng, n), null_curves(rng, n)
        wrong += bool(np.any(max_t(a, b, paired=paired, draws=199).p_step_down <= 0.1))
    assert wrong / REPLICATIONS <= 0.1 + monte_carlo_error(0.1)


@pytest.mark.parametrize("paired", [True, False])
def test_epochs_without_a_difference_stay_uncalled(paired: bool) -> None:
    """Strong control: eight true differences do not loosen the bar for the others."""
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(REPLICATIONS // 2):
        a, b = null_curves(rng, 6, 12), null_curves(rng, 6, 12)
        a[:, :8] += 0.2
        wrong += bool(np.any(max_t(a, b, paired=paired).p_step_down[8:] <= 0.1))
    assert wrong / (REPLICATIONS // 2) <= 0.1 + monte_carlo_error(0.1, REPLICATIONS // 2)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.booleans())
def test_corrections_are_ordered(seed: int, paired: bool) -> None:
    rng = np.random.default_rng(seed)
    a, b = null_curves(rng, 4), null_curves(rng, 4) - 0.01
    result = max_t(a, b, paired=paired)
    assert np.all(result.p_raw <= result.p_step_down)
    assert np.all(result.p_step_down <= result.p_single_step)
    assert np.all(result.p_single_step <= 1)
    mirrored = max_t(b, a, paired=paired)
    np.testing.assert_allclose(mirrored.t, -result.t)
    np.testing.assert_array_equal(mirrored.p_step_down, result.p_step_down)


def test_statistics_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = null_curves(rng, 7), null_curves(rng, 7)
    np.testing.assert_allclose(max_t(a, b, paired=True).t, stats.ttest_rel(a, b).statistic)
    welch = stats.ttest_ind(a, b[:4], equal_var=False).statistic
    np.testing.assert_allclose(max_t(a, b[:4], paired=False).t, welch)


def test_separated_arms_reach_the_least_p() -> None:
    rng = np.random.default_rng(1)
    a, b = null_curves(rng, 5), null_curves(rng, 5) - 0.5
    assert np.all(max_t(a, b, paired=False).p_step_down == 2 / math.comb(10, 5))
    assert np.all(max_t(a, b, paired=True).p_step_down == 2 / 2**5)


@pytest.mark.parametrize("paired", [True, False])
def test_runs_without_spread(paired: bool) -> None:
    """D1, D7: identical arms give p = 1, constant ones that differ the least p; no warning."""
    same = np.full((5, 3), 0.98)
    alike = max_t(same, same, paired=paired)
    assert np.all(alike.t == 0)
    assert np.all(alike.p_step_down == 1)
    differ = max_t(same, same - [0.0, 0.1, 0.3], paired=paired)
    np.testing.assert_array_equal(differ.t, [0, math.inf, math.inf])
    least = 2 / 2**5 if paired else 2 / math.comb(10, 5)
    np.testing.assert_array_equal(differ.p_step_down, [1, least, least])


def test_sampled_arrangements_never_give_zero() -> None:
    rng = np.random.default_rng(4)
    a, b = null_curves(rng, 20), null_curves(rng, 20) - 1.0
    result = max_t(a, b, paired=False, draws=99)
    assert "Monte Carlo" in result.method
    assert np.all(result.p_step_down == 1 / 100)
    again = max_t(a, b, paired=False, draws=99)
    np.testing.assert_array_equal(result.p_raw, again.p_raw)


def test_too_few_runs_are_undefined_with_a_reason() -> None:
    result = max_t(np.ones((1, 3)), np.ones((4, 3)), paired=False)
    assert result.reason == "needs at least 2 runs in each arm"
    assert np.all(np.isnan(result.p_step_down))


def test_bad_curves_are_refused() -> None:
    good = np.ones((3, 4))
    with pytest.raises(ValueError, match="shape"):
        max_t(good[0], good, paired=False)
    with pytest.raises(ValueError, match="not finite"):
        max_t(good, good * math.nan, paired=False)
    with pytest.raises(ValueError, match="4 and 3 epochs"):
        max_t(good, good[:, :3], paired=False)
    with pytest.raises(ValueError, match="equally many runs"):
        max_t(good, good[:2], paired=True)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_rank_of_one_of_the_arms_own_is_uniform(n: int) -> None:
    rng = np.random.default_rng(n)
    p = [
        foreign_curve(curves[0], curves[1:]).p
        for curves in (null_curves(rng, n + 1) for _ in range(2 * REPLICATIONS))
    ]
    for rank in range(1, n + 1):
        level = rank / (n + 1)
        share = np.mean(np.array(p) <= level + 1e-9)
        assert abs(share - level) <= monte_carlo_error(level, 2 * REPLICATIONS) + 1e-9


def test_a_foreign_curve_is_found() -> None:
    arm = null_curves(np.random.default_rng(0), 19)
    result = foreign_curve(arm.mean(axis=0) + 0.2 * np.eye(8)[3], arm)
    assert result.p == 1 / 20
    assert result.method == "exact rank among 20 curves (least p 0.05)"


def test_foreign_curve_among_constant_ones() -> None:
    """D7: a copy of an arm without spread is at home, any other curve is not."""
    arm = np.full((4, 3), 0.98)
    assert foreign_curve(arm[0], arm).p == 1
    assert foreign_curve(arm[0] - 0.1, arm).p == 1 / 5
    assert not foreign_curve(arm[0], arm[:1]).defined


@pytest.mark.parametrize("spread", [1e-2, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("paired", [True, False])
def test_the_observed_arrangement_counts_however_small_the_spread(
    spread: float, paired: bool
) -> None:
    """A difference far above its spread loses digits of t; p stays the share it is, never 0."""
    rng = np.random.default_rng(4)
    smallest = 2 / 2**6 if paired else 2 / math.comb(12, 6)
    for _ in range(20):
        a, b = 1 + spread * rng.standard_normal((6, 3)), spread * rng.standard_normal((6, 3))
        result = max_t(a, b, paired=paired)
        for p in (result.p_raw, result.p_single_step, result.p_step_down):
            assert p.tolist() == [smallest] * 3
