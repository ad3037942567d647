"""Almost stochastic order."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.stochastic_order import (
    almost_stochastic_order,
    stochastic_orders,
    stochastic_orders_of_pairs,
    violation_ratio,
)

scores = st.lists(st.integers(0, 20).map(lambda k: k / 20), min_size=1, max_size=7)


@given(scores, scores)
def test_ratio_equals_fine_integration(a: list[float], b: list[float]) -> None:
    levels = (np.arange(len(a) * len(b) * 4) + 0.5) / (len(a) * len(b) * 4)
    q_a, q_b = (np.quantile(x, levels, method="inverted_cdf") for x in (a, b))
    gap = q_b - q_a
    if not gap.any():
        assert violation_ratio(a, b) == 0.5
        return
    expected = np.sum(np.maximum(gap, 0) ** 2) / np.sum(gap**2)
    assert violation_ratio(a, b) == pytest.approx(expected)
    assert violation_ratio(a, b) + violation_ratio(b, a) == pytest.approx(1)


def test_dominated_arm_gets_one_and_the_other_nothing() -> None:
    better, worse = [0.95, 0.96, 0.97], [0.91, 0.92, 0.94, 0.93]
    assert almost_stochastic_order(better, worse).interval.high == 0
    assert almost_stochastic_order(worse, better).value == 1
    assert almost_stochastic_order(worse, better).interval.high == 1


def test_squared_distances_count_and_not_the_share_of_quantiles() -> None:
    """Worked by hand: 0.005 behind at 28 of 40 quantiles, 0.1 ahead at 12: 28 / (28 + 12 * 400)."""
    behind = np.arange(40) / 1000
    ahead = behind + np.where(np.arange(40) < 28, -0.005, 0.1)
    assert violation_ratio(ahead, behind) == pytest.approx(28 / (28 + 12 * 400))


def test_equal_samples_are_undecided() -> None:
    """D1: identical results."""
    same = [0.91, 0.92, 0.93]
    assert violation_ratio(same, same) == 0.5
    assert almost_stochastic_order([0.9] * 4, [0.9] * 3).value == 0.5


def test_rounding_is_no_violation() -> None:
    """D6: 0.1 + 0.2 is not above 0.3."""
    assert violation_ratio([0.3, 0.5], [0.1 + 0.2, 0.4]) == 0


def test_same_seed_same_bound() -> None:
    a, b = [0.95, 0.93, 0.96, 0.90], [0.94, 0.92, 0.93, 0.91]
    assert almost_stochastic_order(a, b, seed=1) == almost_stochastic_order(a, b, seed=1)
    assert almost_stochastic_order(a, b, seed=1) != almost_stochastic_order(a, b, seed=2)
    assert almost_stochastic_order(a, b).value < almost_stochastic_order(a, b).interval.high


def test_one_value_an_arm_is_marked() -> None:
    assert almost_stochastic_order([0.9], [0.8, 0.7]).reason is not None
    with pytest.raises(ValueError, match="a is empty"):
        violation_ratio([], [0.8])


def test_both_directions_come_from_the_same_draws() -> None:
    a, b = [0.95, 0.93, 0.96, 0.90], [0.94, 0.92, 0.93, 0.91, 0.97]
    there, back = stochastic_orders(a, b)
    assert there == almost_stochastic_order(a, b)
    assert back.value == pytest.approx(violation_ratio(b, a))
    assert back.interval.high == pytest.approx(
        almost_stochastic_order(b, a, draws=100_000).interval.high, abs=0.05
    )


def test_all_pairs_at_once_are_the_pairs_one_by_one() -> None:
    arms = np.random.default_rng(0).normal(0.9, 0.01, (4, 7))
    one_by_one = [stochastic_orders(a, b, level=0.99) for a, b in combinations(arms, 2)]
    assert list(stochastic_orders_of_pairs(arms, level=0.99)) == one_by_one
    with pytest.raises(ValueError, match="one size"):
        list(stochastic_orders_of_pairs([[0.9, 0.8], [0.9]]))


def test_a_bound_lies_within_0_and_1() -> None:
    """Worse in all but one of the quantiles, so that the bound would be above 1."""
    found = almost_stochastic_order([0.0, 1.0, 2.0, 9.0], [1.0, 3.0, 5.0, 8.0], draws=200)
    assert (found.interval.low, found.interval.high) == (0.0, 1.0)
    assert 0.5 < found.value < 1
