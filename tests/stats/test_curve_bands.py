"""Bands that hold at all epochs at once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from harness.stats import curve_bands
from harness.stats.curve_bands import (
    SimultaneousBand,
    difference_band,
    mean_band,
    prediction_band,
    sup_t_critical,
)
from tests.stats.curve_noise import REPLICATIONS, monte_carlo_error, null_curves


def _holds(band: SimultaneousBand, truth: np.ndarray) -> bool:
    return bool(np.all((band.low <= truth) & (truth <= band.high)))


@pytest.fixture
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve_bands, "_DRAWS", 1_500)


@pytest.mark.usefixtures("fewer_draws")
@pytest.mark.parametrize("n", [5, 10, 20])
def test_difference_band_keeps_its_level(n: int) -> None:
    rng = np.random.default_rng(n)
    held = sum(
        _holds(difference_band(null_curves(rng, n), null_curves(rng, n), paired=False), np.zeros(8))
        for _ in range(REPLICATIONS)
    )
    assert held / REPLICATIONS >= 0.95 - monte_carlo_error(0.95)


@pytest.mark.parametrize("n", [5, 10, 20])
def test_bands_of_one_sample_keep_their_level(n: int) -> None:
    rng = np.random.default_rng(n)
    truth = 1 - 0.3 / np.arange(1.0, 9.0)
    held = np.zeros(3)
    for _ in range(REPLICATIONS):
        arm, other = null_curves(rng, n), null_curves(rng, n)
        further = null_curves(rng, 1)[0]
        held += [
            _holds(mean_band(arm), truth),
            _holds(difference_band(arm, other, paired=True), np.zeros(8)),
            _holds(prediction_band(arm), further),
        ]
    assert np.all(held / REPLICATIONS >= 0.95 - monte_carlo_error(0.95))
    # Not by being needlessly wide: Bonferroni over 8 dependent epochs costs little.
    assert np.all(held / REPLICATIONS <= 0.995)


def test_one_epoch_is_an_ordinary_t_interval() -> None:
    arm = null_curves(np.random.default_rng(0), 7)[:, :1]
    band = mean_band(arm)
    low, high = stats.ttest_1samp(arm[:, 0], 0).confidence_interval()
    assert band.low[0] == pytest.approx(low)
    assert band.high[0] == pytest.approx(high)
    assert sup_t_critical(arm - arm.mean(), df=6) == pytest.approx(stats.t.ppf(0.975, 6), rel=0.01)


def test_critical_value_lies_between_one_epoch_and_bonferroni() -> None:
    rng = np.random.default_rng(0)
    for epochs in (2, 10, 100):
        critical = sup_t_critical(rng.standard_normal((40, epochs)), df=9)
        assert stats.t.ppf(0.975, 9) < critical < stats.t.isf(0.025 / epochs, 9)


def test_critical_value_of_independent_epochs_is_known() -> None:
    """Independent normal maxima: P(max <= c) = (2 Phi(c) - 1)^epochs."""
    exact = stats.norm.ppf(0.5 + 0.95 ** (1 / 5) / 2)
    assert sup_t_critical(np.eye(5), df=math.inf) == pytest.approx(exact, abs=0.03)


def test_copies_of_one_epoch_count_once() -> None:
    one = np.random.default_rng(0).standard_normal((12, 1))
    many = sup_t_critical(np.repeat(one, 30, axis=1), df=11)
    assert many == pytest.approx(sup_t_critical(one, df=11), rel=1e-3)


def test_arms_without_spread_have_a_band_without_width() -> None:
    """D7: no NaN in the report, marked "no spread"."""
    same = np.full((5, 3), 0.98)
    for band in (
        mean_band(same),
        prediction_band(same),
        difference_band(same, same, paired=False),
        difference_band(same, same, paired=True),
    ):
        assert band.reason is not None
        assert band.reason.startswith("no spread")
        np.testing.assert_array_equal(band.low, band.centre)
        np.testing.assert_array_equal(band.high, band.centre)


def test_one_constant_epoch_does_not_disturb_the_others() -> None:
    arm = null_curves(np.random.default_rng(0), 5)
    other = null_curves(np.random.default_rng(1), 5)
    arm[:, 3], other[:, 3] = 0.98, 0.97
    band = difference_band(arm, other, paired=False)
    assert band.low[3] == band.high[3] == pytest.approx(0.01)
    assert np.all(band.low[:3] < band.high[:3])
    assert band.reason is None


def test_one_run_has_no_band() -> None:
    one, many = np.ones((1, 3)), np.ones((4, 3))
    for band in (mean_band(one), prediction_band(one), difference_band(one, many, paired=False)):
        assert band.reason is not None
        assert "at least 2 runs" in band.reason
        assert np.all(np.isnan(band.low))
        np.testing.assert_array_equal(band.centre, 0 * band.centre + band.centre[0])
