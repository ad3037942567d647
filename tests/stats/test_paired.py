"""The deciding paired test and the interval that inverts it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from harness.stats.paired import (
    sign_flip_interval,
    sign_flip_test,
    sign_flips,
    sign_flips_of_each,
)
from harness.stats.planning import smallest_p
from harness.stats.results import Interval
from harness.stats.samples import Alternative, FloatArray, significance
from tests.stats.strategies import alternatives, differences, levels, nulls


def outside(null: float, interval: Interval) -> bool:
    return null < interval.low or null > interval.high


def enumerated_p(d: FloatArray, null: float) -> float:
    """Count sign flips one by one, in thousandths as whole numbers, so that ties are exact."""
    whole = [round(1000 * (x - null)) for x in d]
    observed = abs(sum(whole))
    flips = itertools.product((1, -1), repeat=len(whole))
    sums = [abs(sum(s * w for s, w in zip(signs, whole, strict=True))) for signs in flips]
    return float(np.mean([value >= observed for value in sums]))


class TestKnownValues:
    """Cases from the field and values worked out by hand."""

    def test_identical_arms_have_p_one_and_a_reason(self) -> None:
        """D1."""
        a = np.array([0.91, 0.92, 0.93, 0.94, 0.95])
        result = sign_flip_test(a - a)
        assert (result.p, result.statistic) == (1.0, 0.0)
        assert result.reason == "all differences are zero"

    @pytest.mark.parametrize(("n", "p"), [(5, 0.0625), (6, 0.03125), (7, 0.015625)])
    def test_smallest_p_is_two_in_two_to_the_n(self, n: int, p: float) -> None:
        """D3."""
        assert sign_flip_test(np.arange(1, n + 1)).p == p == smallest_p(n)

    def test_float_noise_does_not_hide_ties(self) -> None:
        """D6, paired: in floats 0.3 - 0.1 - 0.2 is not 0."""
        assert sign_flip_test([0.1, 0.2, -0.3, 0.4]).p == sign_flip_test([1, 2, -3, 4]).p

    def test_seeds_in_another_order_pair_by_seed(self) -> None:
        """D12's right value: six differences of +.005, each with another rounding error."""
        a = np.array([0.90, 0.91, 0.92, 0.93, 0.94, 0.95])
        b = np.array([0.895, 0.905, 0.915, 0.925, 0.935, 0.945])
        result = sign_flip_test(a - b)
        assert result.p == 0.03125
        assert result.reason == "no spread: all differences are equal"

    def test_constant_differences_give_a_point(self) -> None:
        """D15."""
        interval = sign_flip_interval([0.001] * 5, level=0.90)
        assert (interval.low, interval.high) == (0.001, 0.001)
        assert interval.reason == "no spread: all differences are equal"

    def test_interval_of_the_control_case_is_near_the_t_interval(self) -> None:
        """D15, control: the t interval is [-.001039, .002039]."""
        interval = sign_flip_interval([0.001, -0.002, 0.003, 0.0, 0.002, -0.001], level=0.90)
        assert interval.low == pytest.approx(-0.001039, abs=3e-4)
        assert interval.high == pytest.approx(0.002039, abs=3e-4)

    def test_wide_differences_decide_nothing(self) -> None:
        """D16: not significant, and the interval is far wider than the margin."""
        d = [0.012, -0.010, 0.009, -0.011, 0.010]
        assert sign_flip_test(d).p > 0.5
        assert not sign_flip_interval(d, level=0.9).inside(-0.005, 0.005)

    def test_five_pairs_cannot_bound_95_percent(self) -> None:
        """D3: the interval says so instead of inventing bounds."""
        interval = sign_flip_interval([1, 2, 3, 4, 5])
        assert (interval.low, interval.high) == (-math.inf, math.inf)
        assert interval.reason == (
            "5 pairs cannot bound a 95 % interval: the smallest two-sided p is 0.0625"
        )

    def test_too_few_pairs(self) -> None:
        assert math.isnan(sign_flip_test([]).p)
        assert sign_flip_test([]).reason == "no pairs"
        assert math.isnan(sign_flip_interval([]).low)
        assert sign_flip_test([3.0]).p == 1.0
        assert sign_flip_interval([3.0]).low == -math.inf

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_missing_values_are_refused_with_their_position(self, bad: float) -> None:
        with pytest.raises(ValueError, match=r"differences holds .* at position 1"):
            sign_flip_test([0.1, bad])

    def test_unknown_alternative_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'two-sided', 'less' or 'greater'"):
            sign_flip_test([0.1], alternative="bigger")  # type: ignore[arg-type]

    @pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
    def test_impossible_level_is_refused(self, level: float) -> None:
        with pytest.raises(ValueError, match="level must be between 0 and 1"):
            sign_flip_interval([0.1], level=level)


class TestAgainstOthers:
    """Independent counts of the same arrangements."""

    @given(differences(2, 8))
    def test_scipy(self, d: FloatArray) -> None:
        """Sign flips are symmetric, so scipy's doubled tail is the same two-sided p.

        Of whole numbers: in floats scipy misses ties, e.g. for [-.065, .026, -.059, .043, -.004,
        .058].
        """
        theirs = stats.permutation_test(
            (np.rint(1e4 * d),), np.sum, permutation_type="samples", n_resamples=np.inf
        )
        assert sign_flip_test(np.round(d, 4)).p == pytest.approx(theirs.pvalue, rel=1e-9)

    @given(differences(1, 8), nulls)
    def test_whole_numbers_counted_one_by_one(self, d: FloatArray, null: float) -> None:
        """Ties that float noise would break, also under a null other than 0."""
        thousandths = np.round(d, 3)
        assert sign_flip_test(thousandths, null=null).p == enumerated_p(thousandths, null)


class TestProperties:
    """What holds for any sample."""

    @given(differences(0, 12), nulls, levels)
    def test_interval_excludes_a_null_exactly_when_p_is_at_most_alpha(
        self, d: FloatArray, null: float, level: float
    ) -> None:
        p = sign_flip_test(d, null=null).p
        assert outside(null, sign_flip_interval(d, level=level)) == (p <= significance(level))

    @settings(max_examples=20)
    @given(differences(21, 40), nulls, levels)
    def test_so_it_does_with_random_draws(self, d: FloatArray, null: float, level: float) -> None:
        p = sign_flip_test(d, null=null, draws=499).p
        interval = sign_flip_interval(d, level=level, draws=499)
        assert outside(null, interval) == (p <= significance(level))

    @given(differences(1, 10), levels)
    def test_swapping_arms_mirrors_all(self, d: FloatArray, level: float) -> None:
        here, there = sign_flip_test(d), sign_flip_test(-d)
        assert (here.p, here.statistic) == (there.p, -there.statistic)
        assert (
            sign_flip_test(d, alternative="less").p == sign_flip_test(-d, alternative="greater").p
        )
        one, other = sign_flip_interval(d, level=level), sign_flip_interval(-d, level=level)
        assert (one.low, one.high) == (-other.high, -other.low)

    @given(differences(2, 10))
    def test_adding_a_constant_shifts_the_interval(self, d: FloatArray) -> None:
        one, other = sign_flip_interval(d, level=0.8), sign_flip_interval(d + 7, level=0.8)
        tolerance = 1e-7 * (1 + np.abs(d).max())
        assert other.low == pytest.approx(one.low + 7, abs=tolerance)
        assert other.high == pytest.approx(one.high + 7, abs=tolerance)

    @given(differences(2, 10))
    def test_scaling_scales(self, d: FloatArray) -> None:
        assert sign_flip_test(100 * d).p == sign_flip_test(d).p
        one, other = sign_flip_interval(d, level=0.8), sign_flip_interval(100 * d, level=0.8)
        tolerance = 1e-7 * (1 + 100 * np.abs(d).max())
        assert other.low == pytest.approx(100 * one.low, abs=tolerance)

    @given(differences(1, 10), alternatives)
    def test_p_is_never_zero_nor_below_the_smallest(
        self, d: FloatArray, alternative: Alternative
    ) -> None:
        p = sign_flip_test(d, alternative=alternative).p
        assert smallest_p(d.size) / (1 if alternative == "two-sided" else 2) <= p <= 1

    @pytest.mark.parametrize("n", range(1, 12))
    def test_one_sided_data_differ_as_soon_as_n_allows(self, n: int) -> None:
        d = np.linspace(0.01, 0.02, n)
        assert (sign_flip_test(d).p <= 0.05) == (smallest_p(n) <= 0.05) == (n >= 6)


class TestMonteCarlo:
    """More than twenty pairs."""

    d = np.random.default_rng(3).normal(0.5, 1.0, 30)

    def test_same_seed_same_result(self) -> None:
        assert sign_flip_test(self.d, seed=5) == sign_flip_test(self.d, seed=5)
        assert sign_flip_test(self.d, seed=5).p != sign_flip_test(self.d, seed=6).p

    def test_p_is_near_that_of_scipy(self) -> None:
        theirs = stats.permutation_test(
            (self.d,), np.mean, permutation_type="samples", n_resamples=99_999, rng=1
        )
        assert sign_flip_test(self.d).p == pytest.approx(theirs.pvalue, abs=0.002)

    def test_p_is_never_zero(self) -> None:
        """D4, paired."""
        result = sign_flip_test(np.linspace(1, 2, 40), draws=999)
        assert result.p == 1 / 1000
        assert result.method == "Monte Carlo sign-flip permutation (2,000 arrangements)"

    def test_random_draws_agree_with_enumeration(self) -> None:
        d = self.d[:18]
        exact, exact_interval = sign_flip_test(d), sign_flip_interval(d)
        drawn, drawn_interval = (
            sign_flip_test(d, exact_up_to=17),
            sign_flip_interval(d, exact_up_to=17),
        )
        assert drawn.method.startswith("Monte Carlo")
        assert drawn.p == pytest.approx(exact.p, abs=0.002)
        assert drawn_interval.low == pytest.approx(exact_interval.low, abs=0.02)
        assert drawn_interval.high == pytest.approx(exact_interval.high, abs=0.02)

    def test_draws_in_small_pieces_are_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = sign_flip_test(self.d, draws=1000)
        monkeypatch.setattr("harness.stats.paired._CHUNK", 30 * 64)
        assert sign_flip_test(self.d, draws=1000) == whole

    def test_no_draws_are_refused(self) -> None:
        with pytest.raises(ValueError, match="draws must be at least 1"):
            sign_flip_test(self.d, draws=0)


@pytest.mark.parametrize("spread", ["normal", "skewed", "whole", "unequal"])
def test_error_rate_and_coverage(spread: str) -> None:
    """1,500 studies of 8 replicates without a true difference: at most alpha, at least 95 %."""
    rng = np.random.default_rng(11)
    a, b = rng.normal(size=(2, 1500, 8))
    if spread == "skewed":
        a, b = np.exp(a), np.exp(b)
    elif spread == "whole":
        a, b = np.round(a), np.round(b)
    elif spread == "unequal":
        a = 5 * a
    covered = rejected = 0
    for d in a - b:
        flips = sign_flips(d)
        rejected += flips.p() <= 0.05
        covered += not outside(0.0, flips.interval())
    three_errors = 3 * math.sqrt(0.05 * 0.95 / 1500)
    assert rejected / 1500 <= 0.05 + three_errors
    assert covered + rejected == 1500


@pytest.mark.parametrize("pairs", [6, 25])
def test_many_samples_at_once_are_as_each_alone(pairs: int) -> None:
    samples = np.round(np.random.default_rng(3).normal(size=(500, pairs)), 3)
    together = list(sign_flips_of_each(samples, draws=9_999))
    assert len(together) == len(samples)
    for one, found in zip(samples, together, strict=True):
        alone = sign_flips(one, draws=9_999)
        assert found.interval(0.95) == alone.interval(0.95)
        assert found.test() == alone.test()


def test_samples_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="one size"):
        list(sign_flips_of_each([[1.0, 2.0], [1.0]]))
    assert list(sign_flips_of_each([])) == []


class TestByHand:
    """Three differences, whose eight subsets one can write down: means 1, 2, 3, 1.5, 2, 2.5, 2."""

    d = (1.0, 2.0, 3.0)

    @pytest.mark.parametrize(
        ("null", "greater", "less", "both"),
        [
            (0.0, 1 / 8, 1.0, 2 / 8),
            (0.5, 1 / 8, 1.0, 2 / 8),
            (1.0, 2 / 8, 1.0, 4 / 8),
            (1.5, 3 / 8, 7 / 8, 6 / 8),
            (2.0, 6 / 8, 6 / 8, 1.0),
            (3.0, 1.0, 2 / 8, 4 / 8),
            (3.5, 1.0, 1 / 8, 2 / 8),
        ],
    )
    def test_p(self, null: float, greater: float, less: float, both: float) -> None:
        flips = sign_flips(self.d)
        assert (flips.p(null, "greater"), flips.p(null, "less"), flips.p(null)) == (
            greater,
            less,
            both,
        )
        assert sign_flip_test(self.d, null=null).p == both
        assert sign_flip_test(self.d, null=null, alternative="less").p == less

    @pytest.mark.parametrize(
        ("level", "low", "high"),
        [(0.8, -math.inf, math.inf), (0.75, 1.0, 3.0), (0.5, 1.5, 2.5), (0.25, 2.0, 2.0)],
    )
    def test_interval(self, level: float, low: float, high: float) -> None:
        """An end is the k-th mean, k growing with every two in eight that alpha allows."""
        interval = sign_flip_interval(self.d, level=level)
        assert (interval.low, interval.high, interval.level) == (low, high, level)
        assert (interval.reason is None) == (level < 0.8)

    def test_what_the_reference_set_is(self) -> None:
        flips = sign_flips(self.d)
        assert (flips.pairs, flips.mean, flips.arrangements) == (3, 2.0, 8)
        assert (flips.exact, flips.no_spread) == (True, False)
        assert sorted(flips.means) == [1.0, 1.5, 2.0, 2.0, 2.0, 2.5, 3.0]
        assert flips.test().statistic == 2.0
        assert flips.method == "exact sign-flip permutation (8 arrangements)"

    def test_the_least_n_that_is_drawn_at_random(self) -> None:
        d = np.arange(1.0, 6.0)
        assert sign_flips(d, exact_up_to=5).arrangements == 2**5
        drawn = sign_flips(d, exact_up_to=4, draws=10)
        assert (drawn.arrangements, drawn.exact) == (22, False)
        assert sign_flips(np.arange(20.0)).exact
        assert not sign_flips(np.arange(21.0), draws=1).exact

    @pytest.mark.parametrize(
        ("d", "null", "reason"),
        [
            ([], 0.0, "no pairs"),
            ([2.0], 0.0, "one pair: no outcome can be significant"),
            ([2.0, 2.0], 0.0, "no spread: all differences are equal"),
            ([0.0, 0.0], 0.0, "all differences are zero"),
            ([2.0, 2.0], 2.0, "all differences are 2"),
            ([1.0, 2.0], 0.0, None),
        ],
    )
    def test_reasons(self, d: list[float], null: float, reason: str | None) -> None:
        assert sign_flip_test(d, null=null).reason == reason

    def test_intervals_without_bounds_say_why(self) -> None:
        assert sign_flip_interval([]).reason == "no pairs"
        assert sign_flip_interval([2.0]).reason == (
            "1 pair cannot bound a 95 % interval: the smallest two-sided p is 1"
        )
        assert sign_flip_interval([2.0] * 6).reason == "no spread: all differences are equal"
