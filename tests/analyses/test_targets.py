"""Targets that the curves support, and round numbers between two bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analyses.targets import round_levels, supported_range
from harness.measures import Curve


def curve(values: list[float], metric: str = "val_accuracy") -> Curve:
    return Curve(np.arange(1, len(values) + 1), {metric: np.array(values)}, budget=len(values))


def test_the_range_runs_from_the_first_epochs_to_the_best() -> None:
    """Half of the trials start at 0.6 or above; one in ten gets to 0.95."""
    curves = [curve([0.5 + i / 50, 0.9 + i / 200]) for i in range(11)]
    low, high = supported_range(curves, "val_accuracy") or (0, 0)
    assert low == pytest.approx(0.6)
    assert high == pytest.approx(0.945)


def test_losses_run_the_other_way() -> None:
    curves = [curve([1.0 + i, 0.1 + i / 10], "val_loss") for i in range(11)]
    low, high = supported_range(curves, "val_loss") or (0, 0)
    assert (low, high) == (pytest.approx(0.2), pytest.approx(6.0))


@pytest.mark.parametrize("values", [[], [[0.9, 0.9]], [[np.nan, np.nan]], [[0.9, 0.8]]])
def test_curves_that_do_not_learn_support_no_target(values: list[list[float]]) -> None:
    assert supported_range([curve(one) for one in values], "val_accuracy") is None


@pytest.mark.parametrize(
    ("low", "high", "most", "levels"),
    [
        (0.86, 0.971, 6, [0.86, 0.88, 0.9, 0.92, 0.94, 0.96]),
        (0.93, 0.98, 6, [0.93, 0.94, 0.95, 0.96, 0.97, 0.98]),
        (0.12, 0.9, 6, [0.2, 0.4, 0.6, 0.8]),
        (0.06, 0.08, 1, []),
    ],
)
def test_levels_are_round(low: float, high: float, most: int, levels: list[float]) -> None:
    assert round_levels(low, high, most).tolist() == levels


@given(st.floats(0.001, 1), st.floats(0.0001, 3), st.integers(2, 30))
def test_levels_stay_within_their_bounds(low: float, width: float, most: int) -> None:
    levels = round_levels(low, low + width, most)
    assert len(levels) <= most
    assert np.all((levels >= low * (1 - 1e-6)) & (levels <= (low + width) * (1 + 1e-6)))
    assert len(set(np.round(np.diff(levels), 9))) <= 1
