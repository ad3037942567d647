"""The deciding unpaired test and the interval that inverts it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.enumeration import count_selections
from harness.stats.planning import smallest_p_unpaired
from harness.stats.results import Interval
from harness.stats.samples import Alternative, FloatArray, significance
from harness.stats.unpaired import permutation_interval, permutation_test
from tests.stats.strategies import alternatives, levels, nulls, values

arms = st.tuples(values(2, 5), values(2, 5))


def outside(null: float, interval: Interval) -> bool:
    return null < interval.low or null > interval.high


def welch(x: FloatArray, y: FloatArray, axis: int = -1) -> FloatArray:
    """Welch's t, written out once more."""
    n, m = x.shape[axis], y.shape[axis]
    error = np.sqrt(x.var(ddof=1, axis=axis) / n + y.var(ddof=1, axis=axis) / m)
    difference: FloatArray = (x.mean(axis=axis) - y.mean(axis=axis)) / error
    return difference


class TestKnownValues:
    """Cases from the field and values worked out by hand."""

    def test_separated_samples_never_have_p_zero(self) -> None:
        """D4: 10 against 10, completely separated."""
        a = np.arange(90, 100) / 100
        exact = permutation_test(a, a - 0.2)
        assert exact.p == pytest.approx(2 / 184_756, rel=1e-12)
        assert exact.method == "exact studentized permutation (184,756 labelings)"
        drawn = permutation_test(np.tile(a, 2), np.tile(a - 0.2, 2), draws=9999)
        assert drawn.p == 1 / 10_000

    @pytest.mark.parametrize(("n", "p"), [(3, 0.1), (4, 2 / 70)])
    def test_smallest_p(self, n: int, p: float) -> None:
        """D4."""
        a = np.arange(n) / 100
        assert permutation_test(a, a + 1).p == pytest.approx(p, rel=1e-12)
        assert smallest_p_unpaired(n, n) == pytest.approx(p, rel=1e-12)

    def test_float_noise_does_not_hide_ties(self) -> None:
        """D6."""
        a, b = [0.92, 0.92, 0.94, 0.96], [0.87, 0.92, 0.91, 0.87]
        assert permutation_test(a, b, studentized=False).p == pytest.approx(6 / 70, rel=1e-12)

    @pytest.mark.parametrize("value", [0.98, 0.1, 1.0, 3.0])
    def test_identical_constants_have_p_one(self, value: float) -> None:
        """D1, unpaired."""
        result = permutation_test([value] * 5, [value] * 5)
        assert (result.p, result.reason) == (1.0, "no difference and no spread")

    def test_different_constants_differ(self) -> None:
        result = permutation_test([0.98] * 5, [0.97] * 5)
        assert result.p == pytest.approx(2 / 252)
        assert (result.statistic, result.reason) == (math.inf, "no spread in either arm")
        interval = permutation_interval([0.98] * 5, [0.97] * 5)
        assert interval.low == interval.high == pytest.approx(0.01)

    def test_one_constant_arm(self) -> None:
        a, b = [0.9831] * 6, [0.982, 0.9835, 0.9831, 0.9828, 0.9841, 0.9817]
        assert 0.3 < permutation_test(a, b).p < 1
        assert not outside(0.0, permutation_interval(a, b))

    def test_one_value_in_an_arm_has_no_variance(self) -> None:
        result = permutation_test([9.0], [1.0, 2.0, 3.0, 4.0])
        assert result.p == 1 / 5
        assert result.reason == "one value in an arm: its variance is unknown"
        assert permutation_interval([9.0], [1.0, 2.0, 3.0, 4.0], level=0.7).low > 0

    def test_too_few_values_for_the_level(self) -> None:
        interval = permutation_interval([1, 2, 3], [4, 5, 6])
        assert (interval.low, interval.high) == (-math.inf, math.inf)
        assert interval.reason == (
            "3 against 3 values cannot bound a 95 % interval: the smallest two-sided p is 0.1"
        )

    def test_empty_arm(self) -> None:
        assert permutation_test([], [1.0]).reason == "an arm is empty"
        assert math.isnan(permutation_interval([1.0], []).low)

    def test_missing_values_are_refused(self) -> None:
        with pytest.raises(ValueError, match="b holds nan at position 2"):
            permutation_test([1.0, 2.0], [1.0, 2.0, math.nan])


class TestAgainstOthers:
    """Independent counts of the same labelings."""

    @pytest.mark.parametrize(("n", "m"), [(4, 4), (3, 6), (5, 4)])
    @pytest.mark.parametrize("alternative", ["less", "greater", "two-sided"])
    def test_scipy_on_welch_t(self, n: int, m: int, alternative: Alternative) -> None:
        """One-sided as scipy; two-sided scipy doubles, so its own null distribution is counted."""
        rng = np.random.default_rng(n + 10 * m)
        a, b = rng.normal(0.5, 1, n), rng.normal(0, 2, m)
        side: Alternative = "greater" if alternative == "two-sided" else alternative
        theirs = stats.permutation_test(
            (a, b), welch, vectorized=True, n_resamples=np.inf, alternative=side
        )
        expected = theirs.pvalue
        if alternative == "two-sided":
            size = np.abs(theirs.null_distribution)
            expected = np.mean(size >= abs(theirs.statistic) * (1 - 1e-12))
        mine = permutation_test(a, b, alternative=alternative)
        assert mine.p == pytest.approx(expected, rel=1e-12)
        assert mine.statistic == pytest.approx(theirs.statistic, rel=1e-12)

    @given(values(1, 5), values(1, 5), alternatives)
    def test_whole_numbers_counted_one_by_one(
        self, a: FloatArray, b: FloatArray, alternative: Alternative
    ) -> None:
        whole = [round(1000 * x) for x in (*a, *b)]
        n, m, total = a.size, b.size, sum(whole)
        gaps = [(n + m) * sum(chosen) - n * total for chosen in itertools.combinations(whole, n)]
        observed = (n + m) * sum(whole[:n]) - n * total
        extreme = {
            "greater": sum(gap >= observed for gap in gaps),
            "less": sum(gap <= observed for gap in gaps),
            "two-sided": sum(abs(gap) >= abs(observed) for gap in gaps),
        }
        mine = permutation_test(
            np.round(a, 3), np.round(b, 3), alternative=alternative, studentized=False
        )
        assert mine.p == pytest.approx(extreme[alternative] / len(gaps), rel=1e-12)

    @given(values(2, 9), st.data())
    def test_counting_by_halves(self, pool: FloatArray, data: st.DataObject) -> None:
        whole = np.round(pool * 1000)
        size = data.draw(st.integers(0, pool.size))
        low, high = sorted(data.draw(st.tuples(*[st.integers(-5000, 5000)] * 2)))
        sums = [sum(chosen) for chosen in itertools.combinations(whole, size)]
        expected = (sum(s <= low for s in sums), sum(s >= high for s in sums))
        assert count_selections(whole, size, low, high) == expected

    def test_difference_of_means_of_forty_values_is_exact(self) -> None:
        """Its Monte Carlo form is near it."""
        rng = np.random.default_rng(4)
        a, b = rng.normal(0.6, 1, 20), rng.normal(0, 1, 20)
        exact = permutation_test(a, b, studentized=False)
        assert exact.method == "exact permutation of the means (137,846,528,820 labelings)"
        theirs = stats.permutation_test(
            (a, b),
            lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
            vectorized=True,
            n_resamples=20_000,
            rng=1,
        )
        assert exact.p == pytest.approx(theirs.pvalue, abs=0.006)


class TestProperties:
    """What holds for any two samples."""

    @given(arms, nulls, levels)
    def test_interval_excludes_a_null_exactly_when_p_is_at_most_alpha(
        self, samples: tuple[FloatArray, FloatArray], null: float, level: float
    ) -> None:
        p = permutation_test(*samples, null=null).p
        interval = permutation_interval(*samples, level=level, null=null)
        assert outside(null, interval) == (p <= significance(level))

    def test_a_gap_among_the_accepted_nulls_does_not_divide_them(self) -> None:
        """Skewed values of which a null near the estimate is rejected and one far off is not."""
        a, b = [51.149, 22.29], [1.362, 0.156, 0.106]
        distances = np.linspace(0, 60, 121)
        nulls = np.mean(a) - np.mean(b) - distances
        accepted = [permutation_test(a, b, null=null).p > 0.85 for null in nulls]
        assert np.count_nonzero(np.diff(accepted)) == 3  # accepted, rejected, accepted, rejected
        for null, inside in zip(nulls, accepted, strict=True):
            interval = permutation_interval(a, b, level=0.15, null=null)
            assert outside(null, interval) != inside

    @given(arms, levels)
    def test_swapping_arms_mirrors_all(
        self, samples: tuple[FloatArray, FloatArray], level: float
    ) -> None:
        a, b = samples
        here, there = permutation_test(a, b), permutation_test(b, a)
        assert here.p == pytest.approx(there.p, rel=1e-12)
        assert here.statistic == pytest.approx(-there.statistic)
        one, other = (
            permutation_interval(a, b, level=level),
            permutation_interval(b, a, level=level),
        )
        tolerance = 1e-6 * (1 + np.abs(np.concatenate(samples)).max())
        assert one.low == pytest.approx(-other.high, abs=tolerance)
        assert one.high == pytest.approx(-other.low, abs=tolerance)

    @given(arms)
    def test_shifting_and_scaling(self, samples: tuple[FloatArray, FloatArray]) -> None:
        a, b = samples
        p, interval = permutation_test(a, b).p, permutation_interval(a, b, level=0.8, null=-1e9)
        moved = permutation_interval(a + 7, b, level=0.8, null=-1e9)
        scaled = permutation_interval(50 * a, 50 * b, level=0.8, null=-1e9)
        tolerance = 1e-5 * (1 + np.abs(np.concatenate(samples)).max())
        assert permutation_test(50 * a, 50 * b).p == pytest.approx(p, rel=1e-12)
        assert permutation_test(a + 7, b + 7).p == pytest.approx(p, rel=1e-12)
        assert moved.low == pytest.approx(interval.low + 7, abs=tolerance)
        assert scaled.high == pytest.approx(50 * interval.high, abs=50 * tolerance)

    @given(arms)
    def test_p_is_never_below_the_smallest(self, samples: tuple[FloatArray, FloatArray]) -> None:
        a, b = samples
        p = permutation_test(a, b).p
        assert smallest_p_unpaired(a.size, b.size) * (1 - 1e-12) <= p <= 1

    @pytest.mark.parametrize(("n", "m"), list(itertools.product(range(2, 8), repeat=2)))
    def test_separated_samples_differ_as_soon_as_the_exact_test_allows(
        self, n: int, m: int
    ) -> None:
        p = permutation_test(np.linspace(1, 1.3, n), np.linspace(0, 0.4, m)).p
        assert (p <= 0.05) == (smallest_p_unpaired(n, m) <= 0.05)


class TestMonteCarlo:
    """More labelings than are enumerated."""

    rng = np.random.default_rng(8)
    a, b = rng.normal(0.7, 1, 14), rng.normal(0, 2, 18)

    def test_same_seed_same_result(self) -> None:
        one = permutation_test(self.a, self.b, draws=2000, seed=1)
        assert one == permutation_test(self.a, self.b, draws=2000, seed=1)
        assert one.p != permutation_test(self.a, self.b, draws=2000, seed=2).p
        assert one.method == "Monte Carlo studentized permutation (2,001 labelings)"

    def test_interval_agrees_with_its_test_and_with_welch(self) -> None:
        for null in np.linspace(-1.5, 3.0, 19):
            p = permutation_test(self.a, self.b, null=null, draws=2000).p
            interval = permutation_interval(self.a, self.b, null=null, draws=2000)
            assert outside(null, interval) == (p <= 0.05)
        theirs = stats.ttest_ind(self.a, self.b, equal_var=False).confidence_interval()
        assert interval.low == pytest.approx(theirs.low, abs=0.15)
        assert interval.high == pytest.approx(theirs.high, abs=0.15)

    def test_random_labelings_agree_with_enumeration(self) -> None:
        a, b = self.a[:8], self.b[:8]
        exact, exact_interval = permutation_test(a, b), permutation_interval(a, b)
        drawn = permutation_test(a, b, exact_up_to=12_869)
        drawn_interval = permutation_interval(a, b, exact_up_to=12_869)
        assert drawn.method.startswith("Monte Carlo")
        assert drawn.p == pytest.approx(exact.p, abs=0.005)
        assert drawn_interval.low == pytest.approx(exact_interval.low, abs=0.03)
        assert drawn_interval.high == pytest.approx(exact_interval.high, abs=0.03)


@pytest.mark.parametrize(("n", "m"), [(5, 5), (4, 8)])
def test_error_rate(n: int, m: int) -> None:
    """2,000 studies without a difference: at most alpha."""
    rng = np.random.default_rng(n)
    samples = np.round(rng.normal(size=(2000, n + m)), 1)
    rejected = sum(permutation_test(x[:n], x[n:]).p <= 0.05 for x in samples)
    assert rejected / 2000 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_coverage_with_a_true_difference() -> None:
    """300 studies of 6 against 6, true difference 2."""
    rng = np.random.default_rng(2)
    covered = sum(
        not outside(2.0, permutation_interval(rng.normal(2, 1, 6), rng.normal(0, 1, 6)))
        for _ in range(300)
    )
    assert covered / 300 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 300)
