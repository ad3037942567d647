"""What a number of replicates can show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from harness.stats import planning
from harness.stats.paired import sign_flip_test


class TestFloor:
    """The smallest p that replicates can reach."""

    @pytest.mark.parametrize(("claims", "pairs"), [(1, 6), (3, 7), (7, 9), (10, 9), (13, 10)])
    def test_least_pairs(self, claims: int, pairs: int) -> None:
        """D3: 7 claims at 0.05 need at least 9 replicates."""
        assert planning.least_pairs(claims) == pairs
        assert claims * planning.smallest_p(pairs) <= 0.05
        assert claims * planning.smallest_p(pairs - 1) > 0.05

    def test_alpha_that_is_met_exactly(self) -> None:
        assert planning.least_pairs(1, 0.0625) == 5

    def test_unpaired(self) -> None:
        """D4."""
        assert planning.smallest_p_unpaired(3, 3) == 0.1
        assert planning.smallest_p_unpaired(4, 4) == pytest.approx(0.02857, abs=5e-6)
        assert planning.smallest_p_unpaired(3, 12) == 1 / 455

    def test_unpaired_floor_of_large_samples_takes_no_time(self) -> None:
        """The number of labelings of two million values has 600,000 digits."""
        assert planning.smallest_p_unpaired(512, 512) == 2 / math.comb(1024, 512)
        assert 0 < planning.smallest_p_unpaired(10**6, 10**6) < 1e-300
        assert planning.smallest_p_unpaired(1, 10**6) == 1 / (10**6 + 1)
        noisy = np.tile([0.0, 1.0], 20)
        assert planning.replicates_needed_unpaired(noisy, noisy, 0.003) == pytest.approx(
            2 * (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) ** 2 * 0.25 * 40 / 39 / 0.003**2,
            rel=1e-4,
        )

    def test_no_pairs_no_evidence(self) -> None:
        assert planning.smallest_p(0) == planning.smallest_p(1) == 1.0

    @pytest.mark.parametrize("pairs", [20, 21, 24])
    def test_drawn_arrangements_bound_it_too(self, pairs: int) -> None:
        d = np.arange(1.0, pairs + 1)
        assert sign_flip_test(d, draws=999).p == planning.smallest_p(pairs, 999)
        assert planning.smallest_p(pairs) == 2 / 2**pairs

    @pytest.mark.parametrize(("claims", "hits"), [(1, 1), (9, 5), (50, 2), (91, 5)])
    def test_draws_suffice_although_some_are_as_extreme(self, claims: int, hits: int) -> None:
        level = 0.05 / claims
        draws = planning.draws_needed(level, hits)
        assert hits / (draws + 1) <= level * (1 + 1e-12)
        assert hits / draws > level

    def test_impossible_numbers_are_refused(self) -> None:
        with pytest.raises(ValueError, match="claims >= 1"):
            planning.least_pairs(0)
        with pytest.raises(ValueError, match="must not be negative"):
            planning.smallest_p(-1)
        with pytest.raises(ValueError, match="both arms need values"):
            planning.smallest_p_unpaired(0, 3)


class TestPower:
    """Power and sample size of t tests."""

    @pytest.mark.parametrize(("d", "n"), [(1.0, 17), (1.5, 9), (2.0, 6)])
    def test_seeds_a_side_for_80_percent(self, d: float, n: int) -> None:
        """The numbers to keep in mind."""
        assert math.ceil(planning.t_sample_size(d, design="two-sample")) == n

    @given(st.floats(0.2, 1.5), st.integers(3, 25))
    def test_statsmodels(self, d: float, n: int) -> None:
        theirs = TTestPower().power(d, n, 0.05)
        assert planning.t_power(n, d) == pytest.approx(theirs, abs=1e-7)
        theirs = TTestIndPower().power(d, n, 0.05)
        assert planning.t_power(n, d, design="two-sample") == pytest.approx(theirs, abs=1e-7)

    @given(st.floats(-3, 3), st.integers(2, 30))
    def test_sides(self, d: float, n: int) -> None:
        less, greater = (planning.t_power(n, d, alternative=a) for a in ("less", "greater"))
        assert planning.t_power(n, d, 0.1) == pytest.approx(less + greater, abs=1e-9)
        assert less == pytest.approx(planning.t_power(n, -d, alternative="greater"), abs=1e-9)

    @given(st.floats(0.05, 3), st.floats(0.5, 0.95))
    def test_sample_size_inverts_power(self, d: float, power: float) -> None:
        n = planning.t_sample_size(d, power)
        reached = planning.t_power(n, d)
        assert reached == pytest.approx(power, abs=1e-6) or (n == 2 and reached > power)

    def test_no_effect_and_absurd_effects(self) -> None:
        assert planning.t_power(10, 0.0) == pytest.approx(0.05)
        assert planning.t_power(10, 1e6) == 1.0
        assert planning.t_sample_size(1e-5) == math.inf
        with pytest.raises(ValueError, match="d != 0"):
            planning.t_sample_size(0.0)

    def test_welch_has_less_power_than_the_pooled_test(self) -> None:
        for n in (3, 5, 10):
            pooled = planning.t_power(n, 1.5, design="two-sample")
            assert pooled - 0.1 < planning.welch_power(n, 1.5) < pooled

    def test_tost_power_grows_with_the_margin_and_falls_with_the_difference(self) -> None:
        by_margin = [planning.tost_power(8, 1.0, margin) for margin in (0.5, 1.0, 2.0)]
        assert by_margin == sorted(by_margin)
        assert planning.tost_power(8, 1.0, 1.0, 1.0) == pytest.approx(0.05, abs=1e-3)

    def test_no_events_tell_equal_hazards_apart(self) -> None:
        with pytest.raises(ValueError, match="not 1"):
            planning.logrank_events(1.0)


class TestReplicatesNeeded:
    """The sentence of an inconclusive verdict."""

    pilot = np.array([0.012, -0.010, 0.009, -0.011, 0.010])

    def test_it_plans_for_the_margin(self) -> None:
        """D16's data: a spread of .011 against a margin of .005."""
        needed = planning.replicates_needed(self.pilot, 0.005)
        assert needed is not None
        d = 0.005 / self.pilot.std(ddof=1)
        assert TTestPower().power(d, needed, 0.05) >= 0.8 > TTestPower().power(d, needed - 1, 0.05)

    def test_a_larger_observed_mean_does_not_shrink_the_study(self) -> None:
        shifted = self.pilot + 0.1
        assert planning.replicates_needed(shifted, 0.005) == planning.replicates_needed(
            self.pilot, 0.005
        )

    def test_without_a_margin_it_plans_for_the_observed_mean(self) -> None:
        observed = abs(float(self.pilot.mean()))
        assert planning.replicates_needed(self.pilot, 0.0) == planning.replicates_needed(
            self.pilot, observed
        )

    @pytest.mark.parametrize(("alpha", "least"), [(0.05, 6), (0.05 / 7, 9)])
    def test_it_respects_the_smallest_p(self, alpha: float, least: int) -> None:
        assert planning.replicates_needed(self.pilot, 10.0, alpha) == least

    @pytest.mark.parametrize("pilot", [[], [1.0], [0.5] * 4])
    def test_no_spread_no_plan(self, pilot: list[float]) -> None:
        assert planning.replicates_needed(pilot, 0.1) is None
        assert planning.replicates_needed_unpaired(pilot, pilot[:2], 0.1) is None

    def test_nothing_to_plan_for(self) -> None:
        assert planning.replicates_needed([-1.0, 1.0], 0.0) is None
        assert planning.replicates_needed([-1.0, 1.0], 1e-9) is None
        with pytest.raises(ValueError, match="margin must not be negative"):
            planning.replicates_needed(self.pilot, -1.0)

    def test_unpaired(self) -> None:
        rng = np.random.default_rng(1)
        a, b = rng.normal(size=8), rng.normal(size=6)
        needed = planning.replicates_needed_unpaired(a, b, 1.0)
        assert needed is not None
        pooled = math.sqrt((7 * a.var(ddof=1) + 5 * b.var(ddof=1)) / 12)
        power = TTestIndPower().power(1.0 / pooled, needed, 0.05)
        assert power >= 0.8 > TTestIndPower().power(1.0 / pooled, needed - 1, 0.05)
        assert planning.replicates_needed_unpaired(a, b, 100.0) == 4

    def test_the_deciding_test_reaches_the_planned_power(self) -> None:
        """1,000 studies of the size planned for a difference of one standard deviation."""
        pilot = np.array([-1.0, 1.0, -1.0, 1.0]) * math.sqrt(3) / 2
        needed = planning.replicates_needed(pilot, 1.0)
        assert needed == 10
        d = np.random.default_rng(2).normal(1.0, 1.0, (1000, needed))
        power = np.mean([sign_flip_test(row).p <= 0.05 for row in d])
        assert power >= 0.8 - 3 * math.sqrt(0.8 * 0.2 / 1000)


@pytest.mark.parametrize("margin", [0.5, 1.0, 3.0])
def test_equivalence_is_planned_to_the_power_asked_for(margin: float) -> None:
    differences = np.array([-1.0, 0.5, 1.5, -0.5, 0.2, -0.9])
    n = planning.replicates_needed_for_equivalence(differences, margin, alpha=0.05, power=0.8)
    sd = float(differences.std(ddof=1))
    assert n is not None
    assert planning.tost_power(n, sd, margin) >= 0.8
    assert n == 5 or planning.tost_power(n - 1, sd, margin) < 0.8


def test_no_spread_leaves_nothing_to_plan_equivalence_with() -> None:
    assert planning.replicates_needed_for_equivalence([0.1, 0.1, 0.1], 1.0) is None


def test_unpaired_arms_are_planned_for_the_observed_difference_where_no_margin_is_named() -> None:
    """One arm without spread is still a pilot."""
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 1.5)
    pooled = math.sqrt(a.var(ddof=1) / 2)
    needed = planning.replicates_needed_unpaired(a, b, 0.0)
    assert needed == math.ceil(planning.t_sample_size(1.0 / pooled, design="two-sample"))
    assert planning.replicates_needed_unpaired(b, b, 1.0) is None


def test_thousands_of_pairs_for_equivalence_are_planned_by_the_normal_limit() -> None:
    noisy = np.tile([-1.0, 1.0], 20)
    z = stats.norm.isf(0.05) + stats.norm.isf(0.1)
    limit = (z * noisy.std(ddof=1) / 0.05) ** 2
    assert limit > 2_000
    assert planning.replicates_needed_for_equivalence(noisy, 0.05) == math.ceil(limit)
    assert planning.replicates_needed_for_equivalence(noisy, 0.0005) is None
