"""Data of known truth: what is kept, what is drawn, and what claims share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.analyses.known_truth import halves, relabeled, shifted, varies
from harness.results import Results
from harness.samples import FloatArray, Sample
from harness.verdicts import samples_by_look
from tests.synthetic import Arm, claim_toml, make

FINAL, BEST = 'kind = "final"', 'kind = "best"'
N = 12


def arm(rng: np.random.Generator, level: float, n: int = N) -> Arm:
    return Arm(level + 0.01 * rng.normal(size=(n, 3)))


def study(folder: Path, *, is_paired: bool = True) -> Results:
    rng = np.random.default_rng(0)
    claims = (
        claim_toml("ends", ("a", "b"), FINAL)
        + claim_toml("again", ("a", "b"), FINAL)
        + claim_toml("mirrored", ("b", "a"), FINAL)
        + claim_toml("other-arms", ("a", "c"), FINAL)
    )
    arms = {"a": arm(rng, 0.8), "b": arm(rng, 0.7), "c": arm(rng, 0.6)}
    return make(folder, arms, claims, is_paired=is_paired)


def rows(results: Results, *, is_paired: bool = True) -> list[list[Sample]]:
    return samples_by_look(results.loaded.study, results.values, is_paired=is_paired)


def equal(one: FloatArray, other: FloatArray) -> bool:
    return bool(np.array_equal(one, other))


def test_claims_on_the_same_arms_share_every_swap(tmp_path: Path) -> None:
    results = study(tmp_path)
    real, rng = rows(results), np.random.default_rng(1)
    alike = []
    for _ in range(20):
        (row,) = relabeled(results.loaded.study.claims, real, rng)
        ends, again, mirrored, other = row
        assert equal(ends.a, again.a)
        assert equal(ends.b, again.b)
        assert equal(ends.differences, -mirrored.differences)
        swapped = ends.a != real[0][0].a
        alike.append(equal(swapped, other.a != real[0][3].a))
    assert not all(alike)


def test_a_swap_stays_within_its_replicate(tmp_path: Path) -> None:
    results = study(tmp_path)
    real = rows(results)
    (row,) = relabeled(results.loaded.study.claims, real, np.random.default_rng(1))
    for sample, old in zip(row, real[0], strict=True):
        assert equal(np.abs(sample.differences), np.abs(old.differences))
        assert equal(sample.a + sample.b, old.a + old.b)


def test_swaps_are_as_likely_as_not(tmp_path: Path) -> None:
    results = study(tmp_path)
    real, rng = rows(results), np.random.default_rng(1)
    swapped = [
        relabeled(results.loaded.study.claims, real, rng)[0][0].a != real[0][0].a
        for _ in range(400)
    ]
    assert np.mean(swapped) == pytest.approx(0.5, abs=0.03)


def test_looks_share_their_replicates_swaps(tmp_path: Path) -> None:
    results = study(tmp_path)
    (whole,) = rows(results)
    early = [
        Sample(
            s.a[:5], s.b[:5], s.reached_a[:5], s.reached_b[:5], None, (), None,
            (s.replicates[0][:5], s.replicates[1][:5]), is_paired=True,
        )
        for s in whole
    ]  # fmt: skip
    claims, rng = results.loaded.study.claims, np.random.default_rng(1)
    first, second = relabeled(claims, [early, whole], rng)
    assert equal(first[0].a, second[0].a[:5])
    first, second = shifted([early, whole], [0.1] * 4, rng, symmetric=True)
    assert equal(first[0].a, second[0].a[:5])


def test_unpaired_trials_are_dealt_out_anew(tmp_path: Path) -> None:
    results = study(tmp_path, is_paired=False)
    real, rng = rows(results, is_paired=False), np.random.default_rng(1)
    (row,) = relabeled(results.loaded.study.claims, real, rng)
    ends, again, mirrored, _ = row
    pooled = np.concatenate([real[0][0].a, real[0][0].b])
    assert equal(np.sort(np.concatenate([ends.a, ends.b])), np.sort(pooled))
    assert len(ends.a) == len(real[0][0].a)
    assert not equal(np.sort(ends.a), np.sort(real[0][0].a))
    assert equal(ends.a, again.a)
    assert equal(np.sort(ends.a), np.sort(mirrored.b))


def test_halves_share_nothing_and_leave_nothing_out(tmp_path: Path) -> None:
    results = study(tmp_path)
    (real,) = rows(results)
    for side in (0, 1):
        row = halves(real, np.random.default_rng(2), side=side, alpha=0.05, family=4)
        for sample, old in zip(row, real, strict=True):
            values = (old.a, old.b)[side]
            assert (len(sample.a), len(sample.b)) == (6, 6)
            assert equal(np.sort(np.concatenate([sample.a, sample.b])), np.sort(values))
    assert equal(row[0].a, row[1].a)


def test_seven_replicates_are_too_few_to_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arms = {"a": arm(rng, 0.8, 7), "b": arm(rng, 0.7, 7)}
    results = make(tmp_path, arms, claim_toml("ends", ("a", "b"), FINAL))
    (row,) = rows(results)
    (sample,) = halves(row, rng, side=0, alpha=0.05, family=1)
    assert sample.reason == "fewer than 8 replicates"


@pytest.mark.parametrize(("family", "is_split"), [(6, True), (7, False)])
def test_halves_that_nothing_could_tell_apart_are_not_made(
    tmp_path: Path, family: int, is_split: bool
) -> None:
    """The smallest p of 5 against 5 trials is 2 / 252."""
    rng = np.random.default_rng(0)
    arms = {"a": arm(rng, 0.8, 10), "b": arm(rng, 0.7, 10)}
    (row,) = rows(make(tmp_path, arms, claim_toml("ends", ("a", "b"), FINAL)))
    (sample,) = halves(row, rng, side=0, alpha=0.05, family=family)
    assert (sample.reason is None) == is_split
    if not is_split:
        assert sample.reason == (
            "the p of 5 against 5 trials, adjusted for 7 claims, is never below 0.0556"
        )


def test_the_side_that_has_enough_trials_is_split(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arms = {"a": arm(rng, 0.8, 10), "b": arm(rng, 0.7, 12)}
    results = make(tmp_path, arms, claim_toml("ends", ("a", "b"), FINAL), is_paired=False)
    (row,) = rows(results, is_paired=False)
    for side in (0, 1):
        (sample,) = halves(row, rng, side=side, alpha=0.05, family=7)
        assert (len(sample.a), len(sample.b)) == (6, 6)


@pytest.mark.parametrize("is_paired", [True, False])
def test_the_truth_is_where_it_was_put(tmp_path: Path, is_paired: bool) -> None:
    results = study(tmp_path, is_paired=is_paired)
    real = rows(results, is_paired=is_paired)

    def drawn(truth: float) -> Sample:
        rng = np.random.default_rng(3)
        truths = [truth] * 4
        return shifted(real, truths, rng, symmetric=False)[0][0]

    assert drawn(0.25).a - drawn(0.0).a == pytest.approx(0.25)
    assert equal(drawn(0.25).b, drawn(0.0).b)
    rng = np.random.default_rng(4)
    means = []
    for _ in range(2000):
        sample = shifted(real, [0.25] * 4, rng, symmetric=False)[0][0]
        means.append(sample.a.mean() - sample.b.mean())
    noise = 4 * np.std(means) / np.sqrt(2000)
    assert np.mean(means) == pytest.approx(0.25, abs=noise)


def test_random_signs_make_residuals_symmetric(tmp_path: Path) -> None:
    values = np.zeros((10, 1))
    values[0] = 0.9
    arms = {"a": Arm(values), "b": Arm(np.zeros((10, 1)))}
    real = rows(make(tmp_path, arms, claim_toml("ends", ("a", "b"), FINAL)))
    rng = np.random.default_rng(5)

    def residuals(*, symmetric: bool) -> FloatArray:
        draws = [
            shifted(real, [0.0], rng, symmetric=symmetric)[0][0].differences for _ in range(500)
        ]
        return np.concatenate(draws)

    kept, signed = residuals(symmetric=False), residuals(symmetric=True)
    assert set(np.round(kept, 9)) == {-0.09, 0.81}
    assert set(np.round(signed, 9)) == {-0.81, -0.09, 0.09, 0.81}
    assert np.mean(signed > 0) == pytest.approx(0.5, abs=0.03)


def test_constant_differences_do_not_vary(tmp_path: Path) -> None:
    levels = np.linspace(0.5, 0.6, 8)[:, None]
    arms = {"a": Arm(levels + 0.02), "b": Arm(levels)}
    results = make(tmp_path, arms, claim_toml("ends", ("a", "b"), FINAL))
    ((sample,),) = rows(results)
    assert not varies(sample)
    assert varies(replace(sample, is_paired=False))
