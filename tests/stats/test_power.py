"""Power by simulation, held against the deciding test itself and against the t test's power."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats import equivalence, planning, power
from harness.stats.paired import sign_flip_test


def pilot(n: int = 12) -> np.ndarray:
    """Normal scores with mean 0 and SD 1."""
    values = np.random.default_rng(3).standard_normal(n)
    return (values - values.mean()) / values.std(ddof=1)


def every_other_subset(n: int) -> np.ndarray:
    return (np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1).astype(bool)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_many_studies_at_once_get_the_deciding_tests_p(n: int) -> None:
    studies = np.round(np.random.default_rng(n).normal(0.3, 1, (40, n)), 1)
    greater, less = power.sign_flip_p(studies, 0.2, every_other_subset(n))
    for study, above, below in zip(studies, greater, less, strict=True):
        assert above == sign_flip_test(study, null=0.2, alternative="greater").p
        assert below == sign_flip_test(study, null=0.2, alternative="less").p
        tost = max(
            power.sign_flip_p(study[None], -1.0, every_other_subset(n))[0, 0],
            power.sign_flip_p(study[None], 1.0, every_other_subset(n))[1, 0],
        )
        assert tost == equivalence.sign_flip_tost(study, 1.0).p


@pytest.mark.parametrize("n", [8, 16, 40])
def test_power_follows_the_t_test(n: int) -> None:
    effect = 2.5 / np.sqrt(n)
    simulated = power.sign_flip_power(pilot(60), n, 0.05, effect=effect)
    assert simulated == pytest.approx(planning.t_power(n, effect), abs=0.06)


def test_no_difference_is_found_as_often_as_alpha_allows() -> None:
    """Fewer pairs: exact subsets; more: random ones."""
    symmetric = np.concatenate([pilot(), -pilot()])
    for n in (8, 30):
        assert power.sign_flip_power(symmetric, n, 0.05, effect=0.0) <= 0.05 + 3 * 0.007


@pytest.mark.parametrize(("effect", "alpha"), [(1.0, 0.05), (0.7, 0.05 / 7), (0.4, 0.05)])
def test_replicates_agree_with_the_closed_form_for_normal_differences(
    effect: float, alpha: float
) -> None:
    simulated = power.simulated_replicates(pilot(), alpha, effect=effect)
    assert simulated == pytest.approx(planning.replicates_needed(pilot(), effect, alpha), rel=0.15)


def test_replicates_for_equivalence_agree_with_the_closed_form() -> None:
    simulated = power.simulated_replicates(pilot(), 0.05, effect=0.0, equivalence_margin=0.8)
    formula = planning.replicates_needed_for_equivalence(pilot(), 0.8, 0.05)
    assert simulated == pytest.approx(formula, rel=0.2)


def test_no_fewer_pairs_than_the_smallest_p_asks_for() -> None:
    """D3: an enormous difference still needs 6 pairs, and 9 among 7 claims."""
    assert power.simulated_replicates([0.0, 0.1, 0.2], 0.05, effect=50.0) == 6
    assert power.simulated_replicates([0.0, 0.1, 0.2], 0.05 / 7, effect=50.0) == 9
    assert (
        power.simulated_replicates([0.0, 0.1, 0.2], 0.05, effect=0.0, equivalence_margin=50.0) == 5
    )


def test_what_cannot_be_simulated_has_no_number() -> None:
    assert power.simulated_replicates(pilot(), 0.05, effect=0.01) is None
    assert power.simulated_replicates([0.1, 0.1, 0.1], 0.05, effect=1.0) is None
    assert power.simulated_replicates([0.1], 0.05, effect=1.0) is None


def test_a_small_pilots_spread_is_widened_to_the_unbiased_one() -> None:
    """Two values +-1 have an SD of 1.41, but a resample of them one of 1."""
    from_two = power.sign_flip_power([-1.0, 1.0], 30, 0.05, effect=0.6)
    assert from_two == pytest.approx(planning.t_power(30, 0.6 / np.sqrt(2)), abs=0.06)


def test_four_pairs_know_their_spread_badly() -> None:
    low, high = power.spread_factors(4)
    assert (low, high) == pytest.approx((0.566, 3.729), abs=1e-3)


def test_a_pilots_mean_is_not_taken_for_the_effect() -> None:
    """Only its spread is used: a pilot that was lucky promises no power."""
    spread = np.array([-1.0, -0.5, 0.25, 1.25])
    about_zero, lucky = (power.sign_flip_power(spread + m, 9, 0.05, effect=0.5) for m in (0, 64))
    assert lucky == about_zero < 1
