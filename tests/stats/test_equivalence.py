"""Practical equivalence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import equivalence
from harness.stats.paired import sign_flip_interval, sign_flip_test
from harness.stats.results import Interval
from harness.stats.samples import FloatArray
from harness.stats.unpaired import permutation_interval, permutation_test
from tests.stats.strategies import differences, values

margins = st.sampled_from((0.001, 0.01, 0.5, 1.0, 2.0, 20.0))


def strictly_inside(interval: Interval, margin: float) -> bool:
    return -margin < interval.low and interval.high < margin


class TestKnownValues:
    """Cases from the field."""

    def test_no_spread(self) -> None:
        """D15: equivalent, and not by p = 0."""
        deciding = equivalence.sign_flip_tost([0.001] * 5, 0.005)
        assert deciding.p == 1 / 32
        assert deciding.reason == "no spread: all differences are equal"
        by_t = equivalence.paired_t_tost([0.001] * 5, -0.005, 0.005)
        assert math.isnan(by_t.p)
        assert by_t.equivalent() is None
        assert by_t.reason == "no spread: all differences are equal"

    def test_identical_arms_are_equivalent(self) -> None:
        """D1: nothing but zeros."""
        assert equivalence.sign_flip_tost(np.zeros(5), 0.005).p == 1 / 32
        same = equivalence.permutation_tost([0.98] * 5, [0.98] * 5, 0.005)
        assert same.p == pytest.approx(1 / 252)
        assert same.reason == "no spread in either arm"

    def test_control_case(self) -> None:
        """D15."""
        d = [0.001, -0.002, 0.003, 0.000, 0.002, -0.001]
        by_t = equivalence.paired_t_tost(d, -0.005, 0.005)
        assert by_t.p == pytest.approx(0.0010012, abs=5e-8)
        assert by_t.interval.low == pytest.approx(-0.001039, abs=5e-7)
        assert by_t.interval.high == pytest.approx(0.002039, abs=5e-7)
        assert by_t.equivalent()
        assert equivalence.sign_flip_tost(d, 0.005).p == 1 / 64

    def test_not_significant_is_not_equal(self) -> None:
        """D16: neither different nor equivalent."""
        d = [0.012, -0.010, 0.009, -0.011, 0.010]
        assert equivalence.paired_t_tost(d, -0.005, 0.005).p == pytest.approx(0.2950, abs=5e-5)
        assert equivalence.sign_flip_tost(d, 0.005).p > 0.05
        assert sign_flip_test(d).p > 0.05

    def test_a_difference_of_the_margin_is_not_within_it(self) -> None:
        """Whole epochs: all differences are exactly the margin."""
        assert equivalence.sign_flip_tost([1.0] * 10, 1.0).p == 1.0
        assert equivalence.permutation_tost([3.0] * 8, [2.0] * 8, 1.0).p == 1.0

    def test_empty(self) -> None:
        assert equivalence.sign_flip_tost([], 1.0).reason == "no pairs"
        assert equivalence.permutation_tost([], [1.0], 1.0).reason == "an arm is empty"

    @pytest.mark.parametrize("margin", [0.0, -1.0, math.nan])
    def test_a_margin_that_is_none(self, margin: float) -> None:
        with pytest.raises(ValueError, match="margin of equivalence must be above 0"):
            equivalence.sign_flip_tost([1.0], margin)
        with pytest.raises(ValueError, match="margin of equivalence must be above 0"):
            equivalence.permutation_tost([1.0], [1.0], margin)
        with pytest.raises(ValueError, match="lower margin must be below"):
            equivalence.welch_tost([1.0, 2.0], [1.0, 2.0], margin, margin)


class TestProperties:
    """What holds for any samples."""

    @given(differences(1, 11), margins)
    def test_paired_p_agrees_with_the_interval(self, d: FloatArray, margin: float) -> None:
        found = equivalence.sign_flip_tost(d, margin)
        assert found.statistic == d.mean()
        assert (found.p <= 0.05) == strictly_inside(sign_flip_interval(d, level=0.90), margin)

    @given(values(2, 5), values(2, 5), margins)
    def test_unpaired_p_agrees_with_the_interval(
        self, a: FloatArray, b: FloatArray, margin: float
    ) -> None:
        found = equivalence.permutation_tost(a, b, margin)
        assert found.statistic == permutation_test(a, b).statistic
        interval = permutation_interval(a, b, level=0.90, equal_tailed=True)
        assert (found.p <= 0.05) == strictly_inside(interval, margin)

    @given(differences(2, 10), margins)
    def test_swapping_arms_changes_nothing(self, d: FloatArray, margin: float) -> None:
        here, there = (equivalence.sign_flip_tost(x, margin).p for x in (d, -d))
        assert here == there

    @given(differences(2, 10), margins)
    def test_a_wider_margin_is_easier(self, d: FloatArray, margin: float) -> None:
        narrow, wide = (equivalence.sign_flip_tost(d, m).p for m in (margin, 2 * margin))
        assert wide <= narrow


@pytest.mark.parametrize("rounded", [False, True])
def test_error_rate_at_the_edge(rounded: bool) -> None:
    """1,500 studies of 8 replicates whose true difference is the margin: at most alpha."""
    rng = np.random.default_rng(6)
    d = rng.normal(0, 0.7, (1500, 8))
    d = 1.0 + (np.round(d) if rounded else d)
    declared = np.mean([equivalence.sign_flip_tost(row, 1.0).p <= 0.05 for row in d])
    assert declared <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1500)


def test_an_interval_that_ends_on_the_margin_is_not_inside() -> None:
    assert Interval(-0.5, 0.5, 0.9).inside(-1.0, 1.0)
    assert not Interval(-1.0, 0.5, 0.9).inside(-1.0, 1.0)
    assert not Interval(-0.5, 1.0, 0.9).inside(-1.0, 1.0)
