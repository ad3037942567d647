"""Descriptors of one learning curve."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.curves import (
    area_under_curve,
    best,
    final_value,
    first_reach,
    gain_level,
    gain_reach,
    interpolated_reach,
    seconds_to_reach,
    stays_from,
)

EPOCHS = [1, 2, 3, 4]
accuracies = st.lists(st.integers(0, 100).map(lambda k: k / 100), min_size=1, max_size=15)


def test_diverged_run_keeps_what_it_reached() -> None:
    """D13: target .5 was reached at epoch 2, .6 never; the final accuracy is kept."""
    val_accuracy = [0.35, 0.55, 0.098, 0.098]
    assert first_reach(EPOCHS, val_accuracy, 0.5) == 2
    assert math.isnan(first_reach(EPOCHS, val_accuracy, 0.6))
    assert final_value(EPOCHS, val_accuracy) == 0.098


def test_a_level_logged_as_float32_is_reached() -> None:
    logged = [float(np.float32(v)) for v in (0.90, 0.94, 0.95, 0.96)]
    assert logged[2] < 0.95
    assert first_reach(EPOCHS, logged, 0.95) == 3
    assert interpolated_reach(EPOCHS, logged, 0.95) == 3
    assert seconds_to_reach([1, 1, 1, 1], logged, 0.95) == 3


def test_losses_reach_a_level_from_above() -> None:
    loss = [2.0, 1.0, 0.4, 0.5]
    assert first_reach(EPOCHS, loss, 0.5, higher_is_better=False) == 3
    assert interpolated_reach(EPOCHS, loss, 0.7, higher_is_better=False) == pytest.approx(2.5)
    assert stays_from(EPOCHS, loss, 1.0, higher_is_better=False) == 2
    assert best(EPOCHS, loss, higher_is_better=False) == (0.4, 3)
    assert gain_reach(EPOCHS, loss, share=0.5, higher_is_better=False) == 2


def test_values_that_are_not_finite_reach_nothing() -> None:
    broken = [0.5, math.nan, 0.9, math.inf]
    assert area_under_curve(EPOCHS, broken) == 0.0
    assert area_under_curve(EPOCHS, broken, normalised=True) == 0.5
    assert best(EPOCHS, broken) == (0.9, 3)
    assert final_value(EPOCHS, broken) == 0.9
    assert interpolated_reach(EPOCHS, broken, 0.7) == 3
    assert math.isnan(stays_from(EPOCHS, broken, 0.4))


def test_a_curve_without_any_finite_value() -> None:
    nothing = [math.nan] * 4
    assert math.isnan(area_under_curve(EPOCHS, nothing))
    assert all(math.isnan(part) for part in best(EPOCHS, nothing))
    assert math.isnan(final_value(EPOCHS, nothing))
    assert math.isnan(gain_level(EPOCHS, nothing))
    assert math.isnan(gain_reach(EPOCHS, nothing))


def test_a_curve_shorter_than_the_stay_asked_for() -> None:
    assert math.isnan(first_reach([1, 2], [0.9, 0.9], 0.5, sustain=3))


@given(accuracies, st.integers(0, 100).map(lambda k: k / 100))
def test_the_ways_to_reach_are_ordered(values: list[float], threshold: float) -> None:
    epochs = np.arange(1, len(values) + 1)
    first = first_reach(epochs, values, threshold)
    if math.isnan(first):
        assert max(values) < threshold
        return
    assert values[int(first) - 1] >= threshold - 1e-6
    assert first - 1 <= interpolated_reach(epochs, values, threshold) <= first
    for later in (
        first_reach(epochs, values, threshold, sustain=2),
        stays_from(epochs, values, threshold),
    ):
        assert math.isnan(later) or later >= first


@given(accuracies)
def test_mean_level_lies_between_the_extremes(values: list[float]) -> None:
    epochs = np.arange(len(values))
    level = area_under_curve(epochs, values, normalised=True)
    assert min(values) - 1e-9 <= level <= max(values) + 1e-9


@given(accuracies, st.floats(0.01, 1))
def test_a_curve_makes_its_own_gain_unless_it_ends_worse(values: list[float], share: float) -> None:
    epochs = np.arange(len(values))
    reached = gain_reach(epochs, values, share=share)
    assert math.isnan(reached) is (values[-1] < values[0])
    as_losses = gain_reach(epochs, [1 - v for v in values], share=share, higher_is_better=False)
    assert as_losses == pytest.approx(reached, nan_ok=True)


def test_bad_curves_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        final_value([1, 2], [0.5])
    with pytest.raises(ValueError, match="one shape"):
        final_value([], [])
    with pytest.raises(ValueError, match="ascend"):
        first_reach([1, 1], [0.5, 0.6], 0.5)
    with pytest.raises(ValueError, match="sustain"):
        first_reach([1, 2], [0.5, 0.6], 0.5, sustain=0)
    with pytest.raises(ValueError, match="differ in shape"):
        seconds_to_reach([1], [0.5, 0.6], 0.5)
