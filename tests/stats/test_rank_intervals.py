"""Hodges-Lehmann estimates, and intervals that agree with the rank tests."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.stats.classical import mann_whitney, wilcoxon_signed_rank
from harness.stats.rank_intervals import pseudomedian, rank_shift

DEPRESSION = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]) - np.array(
    [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
)
"""Hollander & Wolfe's (1973) table 3.1, the example of R's wilcox.test."""

_distinct = st.lists(
    st.integers(-10_000, 10_000), min_size=6, max_size=12, unique_by=lambda i: abs(2 * i + 1)
)


def test_the_textbook_example() -> None:
    found = pseudomedian(DEPRESSION)
    assert found.value == pytest.approx(0.46)
    assert (found.interval.low, found.interval.high) == (pytest.approx(0.01), pytest.approx(0.786))


@given(_distinct, st.sampled_from((0.9, 0.95)))
def test_the_paired_interval_agrees_with_the_test(halves: list[int], level: float) -> None:
    """Without ties, zero is inside exactly when the exact test does not reject."""
    d = np.array([2 * i + 1 for i in halves], dtype=float)
    walsh = (d[:, None] + d) / 2
    if not np.all(walsh[np.triu_indices(len(d))]):
        return  # a Walsh average of zero ties with the null
    interval = pseudomedian(d, level=level).interval
    inside = interval.low < 0 < interval.high
    assert inside == (wilcoxon_signed_rank(d).p > 1 - level + 1e-12)


@given(st.integers(0, 10_000), st.integers(4, 8), st.integers(4, 8))
def test_the_unpaired_interval_agrees_with_the_test(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0.8, 1, n), rng.normal(0, 1, m)
    interval = rank_shift(a, b).interval
    assert (interval.low < 0 < interval.high) == (mann_whitney(a, b).p > 0.05 + 1e-12)


def test_too_few_values_are_unbounded_and_none_is_undefined() -> None:
    few = pseudomedian([1.0, 2.0, 3.0, 4.0, 5.0]).interval
    assert (few.low, few.high) == (-math.inf, math.inf)
    assert few.reason == "5 pairs cannot bound a 95 % interval"
    assert math.isinf(rank_shift([1, 2, 3], [4, 5, 6]).interval.high)
    assert math.isnan(pseudomedian([]).value)
    assert rank_shift([], [1.0]).reason == "an arm is empty"


def test_equal_values_have_an_interval_without_width() -> None:
    """D7."""
    interval = pseudomedian([0.25] * 8).interval
    assert (interval.low, interval.high) == (0.25, 0.25)


@pytest.mark.parametrize("decimals", [2, 9])
def test_many_values_give_what_a_table_of_all_pairs_would(decimals: int) -> None:
    rng = np.random.default_rng(decimals)
    a, b = rng.normal(0.3, 1, 140).round(decimals), rng.normal(0, 2, 111).round(decimals)
    shift, middle = rank_shift(a, b), pseudomedian(a)
    assert shift.value == pytest.approx(np.median(np.subtract.outer(a, b)), abs=1e-9)
    walsh = np.add.outer(a, a)[np.triu_indices(a.size)] / 2
    assert middle.value == pytest.approx(np.median(walsh), abs=1e-9)
    for end in (middle.interval.low, middle.interval.high):
        assert np.abs(walsh - end).min() < 1e-9


def test_intervals_of_many_values_agree_with_an_independent_test() -> None:
    """The ends lie where SciPy's asymptotic tests begin to reject."""
    rng = np.random.default_rng(8)
    a, b = rng.normal(0.3, 1, 300), rng.normal(0, 2, 200)
    ends = rank_shift(a, b).interval
    for end, out in ((ends.low, -1e-7), (ends.high, 1e-7)):
        p = [
            stats.mannwhitneyu(a - end - step, b, method="asymptotic").pvalue
            for step in (out, -out)
        ]
        assert p[0] < 0.05 < p[1]
    ends = pseudomedian(a).interval
    for end, out in ((ends.low, -1e-7), (ends.high, 1e-7)):
        p = [
            stats.wilcoxon(a - end - step, method="asymptotic", correction=True).pvalue
            for step in (out, -out)
        ]
        assert p[0] < 0.05 < p[1]


def test_thousands_of_values_take_moments_and_two_hardly_bound_anything() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(0.5, 1, 5_000)
    assert rank_shift(a, a - 0.5).value == pytest.approx(0.5)
    assert pseudomedian(a).value == pytest.approx(0.5, abs=0.05)
    lone = rank_shift([0.0], rng.normal(size=200))
    assert lone.interval.reason == "1 against 200 values cannot bound a 95 % interval"
