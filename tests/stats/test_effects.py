"""Effect sizes and their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from harness.stats import effects
from harness.stats.results import Estimate
from harness.stats.samples import FloatArray
from tests.stats.strategies import differences, values

arms = st.tuples(values(2, 6), values(2, 6))
TWO_ARMS = [
    effects.cohen_d,
    effects.hedges_g,
    effects.cliffs_delta,
    effects.probability_of_superiority,
]


def mirrored(one: Estimate, other: Estimate, centre: float = 0.0) -> bool:
    """Whether swapping the arms turned estimate and interval around."""
    here = (one.value, one.interval.low, one.interval.high)
    there = tuple(2 * centre - x for x in (other.value, other.interval.high, other.interval.low))
    return here == pytest.approx(there, rel=1e-6, abs=1e-9, nan_ok=True)


class TestStandardised:
    """Cohen's d and Hedges' g."""

    @pytest.mark.parametrize("df", [2, 5, 20, 200])
    def test_correction_is_near_its_approximation(self, df: int) -> None:
        assert effects.small_sample_correction(df) == pytest.approx(1 - 3 / (4 * df - 1), rel=0.015)

    def test_correction_removes_the_bias(self) -> None:
        """20,000 studies of 4 against 4 with a true d of 1."""
        rng = np.random.default_rng(0)
        a, b = rng.normal(1, 1, (20_000, 4)), rng.normal(0, 1, (20_000, 4))
        pooled = np.sqrt((a.var(axis=1, ddof=1) + b.var(axis=1, ddof=1)) / 2)
        d = (a.mean(axis=1) - b.mean(axis=1)) / pooled
        error = d.std() / math.sqrt(d.size)
        assert abs(effects.small_sample_correction(6) * d.mean() - 1) < 3 * error
        assert d.mean() - 1 > 3 * error

    @pytest.mark.parametrize("t", [-40.0, -1.0, 0.0, 2.5, 300.0])
    @pytest.mark.parametrize("df", [1, 4, 38])
    def test_noncentrality_leaves_the_tails_outside(self, t: float, df: int) -> None:
        low, high = effects.noncentrality_interval(t, df, 0.95)
        assert stats.nct.sf(t, df, low) == pytest.approx(0.025, abs=1e-6)
        assert stats.nct.cdf(t, df, high) == pytest.approx(0.025, abs=1e-6)

    def test_overflowing_t_joins_on_smoothly(self) -> None:
        """A loss of 1000 with a spread of 0.001."""
        below = np.array(effects.noncentrality_interval(999.9 * 2, 4, 0.95)) / 999.9
        above = np.array(effects.noncentrality_interval(1000.1 * 2, 4, 0.95)) / 1000.1
        assert below == pytest.approx(above, rel=1e-4)

    def test_without_spread(self) -> None:
        for result in (
            effects.cohen_d([0.98] * 5, [0.97] * 5),
            effects.hedges_g([1.0], [2.0]),
            effects.cohen_dz([0.001] * 5),
            effects.hedges_gz([0.001]),
        ):
            assert math.isnan(result.value)
            assert math.isnan(result.interval.low)
            assert "no spread" in (result.reason or "")

    def test_one_degree_of_freedom_leaves_no_corrected_effect(self) -> None:
        """Hedges' factor is 0 there: "0, between 0 and 0" would tell of no difference."""
        for result in (effects.hedges_gz([1.0, 1.2]), effects.hedges_g([1.0, 1.1], [9.0])):
            assert math.isnan(result.value)
            assert math.isnan(result.interval.low)
            assert "one degree of freedom" in (result.reason or "")
        assert effects.cohen_dz([1.0, 1.2]).value == pytest.approx(1.1 / math.sqrt(0.02))


class TestSuperiority:
    """How often one arm is ahead."""

    def test_cliffs_published_example(self) -> None:
        """The example of effsize::cliff.delta, its documented result."""
        treatment = [10, 10, 20, 20, 20, 30, 30, 30, 40, 50]
        control = [10, 20, 30, 40, 40, 50]
        result = effects.cliffs_delta(treatment, control)
        assert result.value == pytest.approx(-0.25)
        assert result.interval.low == pytest.approx(-0.7265846, abs=1e-6)
        assert result.interval.high == pytest.approx(0.3890062, abs=1e-6)

    def test_interval_of_a12_stays_in_its_range(self) -> None:
        a, b = [1.0, 2.0, 3.0, 4.0, 9.0], [0.0, 0.5, 3.5, 0.1, 0.2]
        clipped = effects.probability_of_superiority(a, b)
        free = effects.probability_of_superiority(a, b, clip=False)
        assert free.interval.high > 1.0 == clipped.interval.high
        assert clipped.interval.low == free.interval.low

    def test_separated_samples_have_no_interval(self) -> None:
        for effect in (effects.cliffs_delta, effects.probability_of_superiority):
            result = effect([5.0, 6.0, 7.0], [1.0, 2.0, 3.0])
            assert result.value == 1.0
            assert result.reason is None
            assert math.isnan(result.interval.low)
            assert result.interval.reason

    @given(differences(1, 12))
    def test_paired_superiority_is_wilson(self, d: FloatArray) -> None:
        d = np.round(d, 6)
        ahead = np.count_nonzero(d > 0) + 0.5 * np.count_nonzero(d == 0)
        result = effects.paired_superiority(d)
        low, high = proportion_confint(ahead, d.size, method="wilson")
        assert result.value == pytest.approx(ahead / d.size)
        assert result.interval.low == pytest.approx(max(low, 0), abs=1e-9)
        assert result.interval.high == pytest.approx(min(high, 1), abs=1e-9)

    def test_float_noise_is_a_tie(self) -> None:
        """0.3 - 0.1 is not 0.2 in floats, but nobody is ahead by it."""
        assert effects.paired_superiority([0.3 - 0.1 - 0.2, 0.5]).value == 0.75

    def test_empty(self) -> None:
        assert math.isnan(effects.paired_superiority([]).value)
        assert math.isnan(effects.probability_of_superiority([], [1.0]).value)
        assert math.isnan(effects.cliffs_delta([], [1.0]).value)
        assert math.isnan(effects.rank_biserial([0.0, 0.0]))

    @given(differences(2, 8))
    def test_rank_biserial_is_the_share_of_rank_sums(self, d: FloatArray) -> None:
        d = np.round(d, 6)
        if d.any():
            nonzero = d[d != 0]
            ranks = stats.rankdata(np.abs(nonzero))
            share = ranks[nonzero > 0].sum() / ranks.sum()
            assert effects.rank_biserial(d) == pytest.approx(2 * share - 1, abs=1e-12)


class TestProperties:
    """What holds for any samples."""

    @pytest.mark.parametrize("effect", TWO_ARMS, ids=lambda f: f.__name__)
    @given(samples=arms)
    def test_swapping_arms(
        self, effect: Callable[..., Estimate], samples: tuple[FloatArray, FloatArray]
    ) -> None:
        a, b = samples
        centre = 0.5 if effect is effects.probability_of_superiority else 0.0
        assert mirrored(effect(a, b), effect(b, a), centre)

    @pytest.mark.parametrize("effect", TWO_ARMS, ids=lambda f: f.__name__)
    @given(samples=arms)
    def test_the_estimate_is_inside_its_interval(
        self, effect: Callable[..., Estimate], samples: tuple[FloatArray, FloatArray]
    ) -> None:
        result = effect(*samples)
        if not math.isnan(result.interval.low):
            assert result.interval.low - 1e-9 <= result.value <= result.interval.high + 1e-9

    @given(differences(2, 8))
    def test_standardised_effects_have_no_unit(self, d: FloatArray) -> None:
        assert mirrored(effects.cohen_dz(d), effects.cohen_dz(-1000 * d))
        assert mirrored(effects.hedges_gz(d), effects.hedges_gz(-1000 * d))

    @given(arms)
    def test_a12_is_cliffs_delta_rescaled(self, samples: tuple[FloatArray, FloatArray]) -> None:
        delta = effects.cliffs_delta(*samples).value
        assert effects.probability_of_superiority(*samples).value == pytest.approx(delta / 2 + 0.5)
