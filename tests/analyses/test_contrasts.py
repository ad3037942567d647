"""Whole curves: which epochs differ, with one error rate for all of them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analyses.comparisons import Comparison, compare, ranges
from harness.analyses.contrasts import Contrast, contrasts
from harness.measures import FloatArray
from harness.prose.curve_words import contrast_sentence
from tests.stats.curve_noise import monte_carlo_error, null_curves
from tests.synthetic import Arm, claim_toml, make

EPOCHS = 12
CLAIM = claim_toml("c", ("a", "b"), 'kind = "final"', margin=0.01)


def noise(seed: int, n: int = 10) -> FloatArray:
    return null_curves(np.random.default_rng(seed), n, EPOCHS)


def late_start(n: int = 10, gap: float = 0.08) -> dict[str, Arm]:
    """Two arms that differ in epochs 1 to 3 and in no other."""
    a, b = noise(1, n), noise(2, n)
    a[:, :3] -= gap
    return {"a": Arm(a), "b": Arm(b)}


def accuracy(folder: Path, arms: dict[str, Arm], claims: str = CLAIM, **more: object) -> Contrast:
    (found,) = contrasts(make(folder, arms, claims, **more), ["val_accuracy"])  # type: ignore[arg-type]
    return found


def of(contrast: Contrast) -> Comparison:
    assert contrast.comparison is not None, contrast.reason
    return contrast.comparison


def test_a_difference_in_three_epochs_is_found_there_only(tmp_path: Path) -> None:
    found = accuracy(tmp_path, late_start())
    assert of(found).points[of(found).differs].tolist() == [1, 2, 3]
    assert contrast_sentence(found) == (
        "a and b are shown to differ in validation accuracy in epochs 1 to 3, where a is lower; in "
        "the others the data cannot tell."
    )


def test_a_difference_in_every_epoch(tmp_path: Path) -> None:
    a = noise(1)
    found = accuracy(tmp_path, {"a": Arm(a + 0.05), "b": Arm(noise(2))})
    assert contrast_sentence(found) == (
        "a and b differ in validation accuracy in every epoch; a is higher throughout."
    )


def test_curves_that_cross_are_told_in_both_directions(tmp_path: Path) -> None:
    arms = late_start()
    a = np.array(arms["a"].accuracy)
    a[:, 9:] += 0.08
    found = accuracy(tmp_path, {**arms, "a": Arm(a)})
    assert contrast_sentence(found) == (
        "a and b are shown to differ in validation accuracy in epochs 1 to 3 and 10 to 12; a is "
        "lower in epochs 1 to 3 and higher in epochs 10 to 12; in the others the data cannot tell."
    )


def test_identical_arms_differ_at_no_epoch(tmp_path: Path) -> None:
    """D1: p is 1 and nothing warns."""
    found = accuracy(tmp_path, {"a": Arm(noise(1)), "b": Arm(noise(1))})
    assert np.all(of(found).test.p_step_down == 1)
    assert contrast_sentence(found) == (
        "No epoch differs in validation accuracy between a and b beyond chance (smallest p = 1)."
    )


def test_five_pairs_cannot_tell(tmp_path: Path) -> None:
    """D3: all differences point one way, and still it takes more pairs."""
    found = accuracy(tmp_path, late_start(5, gap=0.3))
    assert not of(found).can_differ
    assert contrast_sentence(found) == (
        "At which epochs a and b differ in validation accuracy cannot be told at n = 5: "
        "the smallest attainable p is 0.0625."
    )


def test_both_metrics_of_every_compared_pair_once(tmp_path: Path) -> None:
    claims = "".join(
        claim_toml(f"c{i}", sides, 'kind = "final"', margin=0.01)
        for i, sides in enumerate([("a", "b"), ("b", "a"), ("a", "b"), ("b", "c")])
    ) + claim_toml(
        "self", ("a", "a"), 'kind = "at_epoch"', margin=0.01, more='at_epochs = ["last", 2]'
    )
    results = make(tmp_path, {name: Arm(noise(i)) for i, name in enumerate("abc")}, claims)
    assert [(c.sides, c.metric) for c in contrasts(results)] == [
        (("a", "b"), "val_accuracy"),
        (("a", "b"), "val_loss"),
        (("b", "c"), "val_accuracy"),
        (("b", "c"), "val_loss"),
    ]


def test_arms_that_draw_other_things_at_random_are_not_compared(tmp_path: Path) -> None:
    results = make(tmp_path, {"a": Arm(noise(1)), "b": Arm(noise(2))}, CLAIM)
    assert contrasts(results)
    study = results.loaded.study
    arms = [study.arms[0].model_copy(update={"vary": ["init"]}), study.arms[1]]
    loaded = replace(results.loaded, study=study.model_copy(update={"arms": arms}))
    assert contrasts(replace(results, loaded=loaded)) == []


def test_a_pattern_stands_for_the_replicates_mean(tmp_path: Path) -> None:
    arms = {name: noise(i) for i, name in enumerate(("x-1", "x-2", "y-1", "y-2"))}
    claim = claim_toml("c", ("x-*", "y-*"), 'kind = "final"', margin=0.01)
    found = accuracy(tmp_path, {name: Arm(values) for name, values in arms.items()}, claim)
    mean = [(arms[f"{side}-1"] + arms[f"{side}-2"]) / 2 for side in "xy"]
    np.testing.assert_allclose(of(found).band.centre, (mean[0] - mean[1]).mean(axis=0), atol=1e-12)
    assert of(found).sizes == (10, 10)


def test_a_curve_that_ended_early_is_carried_forward(tmp_path: Path) -> None:
    """D13: the diverged trial keeps its last accuracy, and stays in the comparison."""
    arms = late_start()
    a = np.array(arms["a"].accuracy)
    ended = a.copy()
    ended[3, 5:] = math.nan
    a[3, 5:] = a[3, 4]
    found = accuracy(tmp_path, {**arms, "a": Arm(ended, diverged=[3])})
    whole = np.array(arms["b"].accuracy)
    np.testing.assert_allclose(of(found).band.centre, (a - whole).mean(axis=0), atol=1e-12)
    assert of(found).left_out is None


def test_epochs_without_a_loss_are_left_out_for_all(tmp_path: Path) -> None:
    """D13: dropping the diverged trial would favour its arm."""
    arms = late_start()
    loss = 3 * (1 - np.array(arms["a"].accuracy))
    loss[3, 5:] = math.nan
    arms["a"] = Arm(arms["a"].accuracy, loss=loss, diverged=[3])
    (found,) = contrasts(make(tmp_path, arms, CLAIM), ["val_loss"])
    assert of(found).points.tolist() == [1, 2, 3, 4, 5]
    assert of(found).sizes == (10, 10)
    assert contrast_sentence(found).endswith(
        " Epochs 6 to 12 are left out: replicate 3 of a has no value there."
    )


def test_a_trial_without_any_loss_leaves_nothing_to_compare(tmp_path: Path) -> None:
    arms = late_start()
    loss = 3 * (1 - np.array(arms["a"].accuracy))
    loss[3] = math.nan
    arms["a"] = Arm(arms["a"].accuracy, loss=loss, diverged=[3])
    (found,) = contrasts(make(tmp_path, arms, CLAIM), ["val_loss"])
    assert found.comparison is None
    assert "replicate 3 of a has no value" in contrast_sentence(found)


def test_failed_trials_leave_the_other_pairs(tmp_path: Path) -> None:
    """D12: pairs are formed by replicate."""
    arms = late_start()
    found = accuracy(tmp_path, arms, failed=[("a", 3), ("b", 7)])
    kept = [r for r in range(10) if r not in {3, 7}]
    difference = np.array(arms["a"].accuracy)[kept] - np.array(arms["b"].accuracy)[kept]
    np.testing.assert_allclose(of(found).band.centre, difference.mean(axis=0), atol=1e-12)
    assert of(found).sizes == (8, 8)


def test_nothing_finished(tmp_path: Path) -> None:
    arms = late_start(4)
    found = accuracy(tmp_path, arms, failed=[("a", r) for r in range(4)])
    assert found.reason == "no finished trials to compare"


@settings(max_examples=12)
@given(st.integers(0, 1_000), st.booleans())
def test_swapping_the_sides_mirrors_and_order_does_not_matter(seed: int, is_paired: bool) -> None:
    a, b = noise(seed, 6), noise(seed + 1_001, 6) - 0.01
    epochs = list(range(1, EPOCHS + 1))
    there = compare(a, b, points=epochs, is_paired=is_paired, alpha=0.1)
    back = compare(b, a, points=epochs, is_paired=is_paired, alpha=0.1)
    order = np.random.default_rng(seed).permutation(6)
    shuffled = compare(a[order], b[order], points=epochs, is_paired=is_paired, alpha=0.1)
    # without pairs the band's critical value is simulated, to a fraction of a percent
    simulated = 0 if is_paired else 5e-3 * float(np.ptp([there.band.low, there.band.high]))
    np.testing.assert_allclose(back.band.low, -there.band.high, atol=simulated + 1e-12)
    for other in (back, shuffled):
        np.testing.assert_array_equal(other.differs, there.differs)
        np.testing.assert_allclose(other.test.p_step_down, there.test.p_step_down, atol=1e-12)


def false_alarms(n: int, studies: int, alpha: float, *, shifted: int = 0) -> float:
    """Share of studies in which any epoch without a difference is said to differ.

    Accuracies are multiples of 1/1000, as a validation set gives them; the first ``shifted``
    epochs truly differ.
    """
    rng, wrong = np.random.default_rng(n + shifted), 0
    for _ in range(studies):
        a, b = (np.round(null_curves(rng, n, EPOCHS), 3) for _ in "ab")
        a[:, :shifted] += 0.1
        found = compare(a, b, points=range(1, EPOCHS + 1), is_paired=True, alpha=alpha)
        wrong += bool(found.differs[shifted:].any())
    return wrong / studies


@pytest.mark.parametrize(("n", "studies"), [(5, 400), (10, 400), (20, 60)])
def test_one_error_rate_for_all_epochs(n: int, studies: int) -> None:
    """At 0.1, for five pairs cannot reach 0.05 at all."""
    assert false_alarms(n, studies, 0.1) <= 0.1 + monte_carlo_error(0.1, studies)


@pytest.mark.slow
@pytest.mark.parametrize("shifted", [0, 6])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_one_error_rate_at_length(n: int, shifted: int) -> None:
    """Strong control: true differences elsewhere do not loosen the bar."""
    alpha, studies = (0.1 if n == 5 else 0.05), 1_000
    rate = false_alarms(n, studies, alpha, shifted=shifted)
    assert rate <= alpha + monte_carlo_error(alpha, studies)


def test_points_in_words() -> None:
    epochs = [float(epoch) for epoch in range(1, 10)]
    assert ranges([1, 2, 3, 7], all_points=epochs) == "1 to 3 and 7"
    assert ranges([4], all_points=epochs) == "4"
    assert ranges([1, 3, 5, 6], all_points=epochs) == "1, 3 and 5 to 6"
    assert ranges([0.9, 0.95], all_points=[0.9, 0.95, 0.96]) == "0.9 to 0.95"
