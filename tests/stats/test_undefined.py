"""What cannot be computed still says what was asked: the method, the level, and why not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import classical, cox, curve_bands, effects, many_arms, stochastic_order
from harness.stats.results import Estimate
from harness.stats.survival import CensoredTimes, kaplan_meier, median_time
from tests.stats.odd_samples import LEVEL, SOON, WAITING


def test_tests_without_data_keep_their_names() -> None:
    names = {
        "Mann-Whitney U test": classical.mann_whitney([], [1.0, 2.0]),
        "Shapiro-Wilk test": classical.normality([1.0, 2.0]),
        "paired t test": classical.paired_t([1.0]),
    }
    for name, result in names.items():
        assert (result.method, math.isnan(result.p)) == (name, True)
        assert result.reason


def test_a_friedman_test_of_nothing_but_ties_keeps_its_degrees_of_freedom() -> None:
    result = many_arms.friedman(np.ones((5, 4))).friedman
    assert result.df == 3
    assert math.isnan(result.p)


@pytest.mark.parametrize(
    "call",
    [
        lambda: effects.cliffs_delta([1.0, 2.0], [3.0, 4.0], level=LEVEL),
        lambda: cox.cox_hazard_ratio(WAITING, WAITING, level=LEVEL).log_hazard_ratio,
        lambda: stochastic_order.almost_stochastic_order(
            [1.0, 2.0, 3.0], [1.5, 2.5, 2.0], level=LEVEL, draws=20
        ),
    ],
)
def test_an_interval_is_of_the_level_that_was_asked_for(call: Callable[[], Estimate]) -> None:
    assert call().interval.level == LEVEL


def test_a_fit_and_a_median_name_their_methods() -> None:
    fit = cox.cox_hazard_ratio(SOON, CensoredTimes(np.array([2.0, 3.0, 9.0]), SOON.event))
    assert "Cox" in fit.log_hazard_ratio.method
    assert median_time(kaplan_meier(SOON)).method == "Kaplan-Meier median"


def test_a_band_of_one_run_is_that_run_without_a_width() -> None:
    band = curve_bands.mean_band(np.array([[0.5, 0.75, 1.0]]), level=LEVEL)
    np.testing.assert_array_equal(band.centre, [0.5, 0.75, 1.0])
    assert band.level == LEVEL
    assert np.isnan(band.low).all()
