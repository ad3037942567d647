"""Levels and p values at several looks, and Holm's method across them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.multiplicity import holm
from harness.stats.repeated import holm_over_looks, nominal_level, repeated_p, spent_by
from harness.stats.sequential import Boundary

LOOKS = (0.4, 0.6, 1.0)
BOUNDARIES: list[Boundary] = ["lan-demets-obf", "lan-demets-pocock"]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_one_look_has_all_of_alpha(boundary: Boundary) -> None:
    assert nominal_level((1.0,), boundary, 0.05) == 0.05
    assert repeated_p(0.0123, (1.0,), boundary) == 0.0123
    assert spent_by((1.0,), boundary, 0.05) == pytest.approx(0.05)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("looks", [1, 2, 3])
def test_a_repeated_p_is_the_level_at_which_the_look_just_rejects(
    boundary: Boundary, looks: int
) -> None:
    for alpha in (1e-4, 0.05 / 7, 0.05, 0.3):
        level = nominal_level(LOOKS[:looks], boundary, alpha)
        assert level < alpha
        assert repeated_p(level, LOOKS[:looks], boundary) == pytest.approx(alpha, rel=1e-4)


def test_a_repeated_p_of_no_evidence_is_one() -> None:
    assert repeated_p(1.0, LOOKS, "lan-demets-obf") == 1.0
    assert repeated_p(0.9999, LOOKS[:1], "lan-demets-obf") == 1.0
    assert math.isnan(repeated_p(math.nan, LOOKS, "lan-demets-obf"))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_levels_rise_with_alpha_so_that_holm_may_use_them(boundary: Boundary) -> None:
    """Maurer & Bretz (2013) ask that a boundary never falls when alpha grows."""
    for looks in (1, 2, 3):
        levels = [
            nominal_level(LOOKS[:looks], boundary, a) for a in np.geomspace(1e-6, 0.99, 60).tolist()
        ]
        rises = np.diff(levels) > 0
        assert np.all(rises | (np.array(levels[1:]) < 1e-11))  # there the level has its floor
        assert rises.sum() > 40


def test_alpha_is_spent_by_the_last_look() -> None:
    spent = [spent_by(LOOKS[:k], "lan-demets-pocock", 0.05) for k in (1, 2, 3)]
    expected = [0.05 * math.log(1 + (math.e - 1) * t) for t in LOOKS]
    assert spent == pytest.approx(expected, rel=1e-6)


def test_a_rejected_claim_hands_its_share_on() -> None:
    """Two claims at alpha 0.05: 0.04 is enough once the other is rejected, at a later look too."""
    adjusted = holm_over_looks([[0.02, 0.9], [0.8, 0.04]], 0.05, 2)
    assert adjusted[0].tolist() == pytest.approx([0.04, 0.9])
    assert adjusted[1].tolist() == pytest.approx([0.04, 0.04])
    kept = holm_over_looks([[0.03, 0.9], [0.8, 0.04]], 0.05, 2)
    assert kept[1].tolist() == pytest.approx([0.8, 0.08])


def test_withdrawn_and_untestable_claims_keep_their_place() -> None:
    """D14, at two looks."""
    adjusted = holm_over_looks([[0.02, math.nan], [0.02, 0.02]], 0.05, 3)
    assert adjusted[0, 0] == pytest.approx(0.06)
    assert math.isnan(adjusted[0, 1])
    assert adjusted[1].tolist() == pytest.approx([0.06, 0.06])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(0, 3))
def test_one_look_is_plain_holm(p: list[float], withdrawn: int) -> None:
    family = len(p) + withdrawn
    adjusted = holm_over_looks([p], 0.05, family)
    assert adjusted[0].tolist() == holm(p, family_size=family).tolist()
