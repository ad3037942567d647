"""Looking early without false alarms."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import pytest
from scipy import stats

from harness.stats.sequential import (
    Boundary,
    confidence_sequence,
    group_sequential,
    sign_e_process,
)

LOOKS = np.array([0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize("boundary", get_args(Boundary))
def test_boundaries_are_crossed_as_often_as_claimed(boundary: Boundary) -> None:
    rng = np.random.default_rng(0)
    paths = np.cumsum(rng.standard_normal((40_000, 4)) * 0.5, axis=1) / np.sqrt(LOOKS)
    design = group_sequential(LOOKS, boundary, alpha=0.1)
    crossed = np.maximum.accumulate(paths >= design.z, axis=1).mean(axis=0)
    np.testing.assert_allclose(crossed, design.spent, atol=3 * math.sqrt(0.05 * 0.95 / 40_000))
    assert design.spent[-1] == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize(("looks", "pocock", "obf"), [(2, 2.178, 1.977), (5, 2.413, 2.040)])
def test_published_constants(looks: int, pocock: float, obf: float) -> None:
    """Jennison & Turnbull (2000), tables 2.1 and 2.3."""
    information = np.arange(1, looks + 1) / looks
    assert group_sequential(information, "pocock").z[-1] == pytest.approx(pocock, abs=6e-4)
    assert group_sequential(information, "obf").z[-1] == pytest.approx(obf, abs=6e-4)


@pytest.mark.parametrize("boundary", get_args(Boundary))
def test_one_look_is_the_ordinary_test(boundary: Boundary) -> None:
    design = group_sequential([1.0], boundary)
    assert design.z[0] == pytest.approx(stats.norm.ppf(0.975), abs=1e-6)
    assert design.p_nominal[0] == pytest.approx(0.025)


def test_a_look_after_every_replicate_still_keeps_the_level() -> None:
    information = np.arange(3, 31) / 30
    design = group_sequential(information, "lan-demets-obf")
    assert np.all(np.diff(design.z) < 0)
    assert design.spent[-1] == pytest.approx(0.025, abs=1e-5)


@pytest.mark.parametrize("information", [[], [0.0, 1.0], [0.5, 0.5], [0.5, 1.2]])
def test_impossible_looks_are_refused(information: list[float]) -> None:
    with pytest.raises(ValueError, match="ascend within"):
        group_sequential(information, "obf")


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        group_sequential([1.0], "obf", alpha=0)
    with pytest.raises(ValueError, match="sigma"):
        confidence_sequence([0.1], sigma=0)
    with pytest.raises(ValueError, match="0 or 1"):
        sign_e_process([1, 0.5])


def test_confidence_sequence_holds_at_all_times() -> None:
    rng = np.random.default_rng(1)
    misses = [
        confidence_sequence(rng.standard_normal(500), sigma=1.0).first_exclusion is not None
        for _ in range(2_000)
    ]
    assert np.mean(misses) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2_000)


def test_confidence_sequence_finds_a_true_difference() -> None:
    shifted = np.random.default_rng(0).standard_normal(200) + 1
    first = confidence_sequence(shifted, sigma=1.0).first_exclusion
    assert first is not None
    assert first < 60


def test_sign_process_rarely_raises_a_false_alarm() -> None:
    rng = np.random.default_rng(2)
    streams = rng.integers(0, 2, (2_000, 200))
    alarms = [sign_e_process(wins).first_rejection is not None for wins in streams]
    assert np.mean(alarms) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2_000)


def test_sign_process_is_a_fair_game() -> None:
    """Averaged over all equally likely outcomes of 10 pairs, e stays 1."""
    outcomes = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    assert np.mean([sign_e_process(wins).e for wins in outcomes], axis=0) == pytest.approx(1)


def test_evidence_of_just_one_in_alpha_rejects() -> None:
    """Three wins in a row: e = 8 B(3.5, 0.5) / B(0.5, 0.5) = 2.5."""
    process = sign_e_process([1, 1, 1], alpha=0.4)
    assert process.e[-1] == 2.5
    assert process.first_rejection == 3


def test_sign_process_survives_a_long_winning_streak() -> None:
    process = sign_e_process(np.ones(3_000))
    assert np.all(np.isfinite(process.e))
    assert process.p[-1] > 0
    assert process.first_rejection == 7  # 2^7 times the chance of seven wins, 26.8
