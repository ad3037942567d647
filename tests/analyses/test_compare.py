"""Two results of one study: identical, equal, changed, and what cannot be told."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.analyses.compare import Recorded, compare_results
from harness.analyses.compare_claims import parse_margins
from harness.errors import UserError
from harness.prose.compare_words import compare_answer, compare_document
from harness.report.compare_page import render_comparison
from harness.report.exports import json_text
from harness.results import Results
from tests.synthetic import Arm, claim_toml, make

CLAIMS = claim_toml("c", ("b", "a"), 'kind = "epochs_to", target = 0.95', margin=2.0) + claim_toml(
    "f", ("b", "a"), 'kind = "final"', margin=0.004
)


def arms(shift: float = 0.0, noise: float = 0.0, seed: int = 1) -> dict[str, Arm]:
    """Arm a as ever; arm b shifted and with noise of its own."""
    base = np.random.default_rng(0)
    curve = 0.97 - 0.3 * np.exp(-np.arange(1, 7) / 1.5)
    a = curve + base.normal(0, 0.002, (10, 6))
    b = curve + base.normal(0, 0.002, (10, 6)) + shift
    return {"a": Arm(a), "b": Arm(b + np.random.default_rng(seed).normal(0, noise, b.shape))}


def recorded(results: Results, label: str) -> Recorded:
    return Recorded(
        label=label,
        place=f"{label}/study",
        study=results.loaded.study,
        trials=results.trials,
        curves=results.curves,
        environments=results.environments,
    )


def two(folder: Path, after: dict[str, Arm], *, extra: str = "") -> tuple[Recorded, Recorded]:
    before = make(folder / "before", arms(), CLAIMS)
    return recorded(before, "before"), recorded(
        make(folder / "after", after, CLAIMS, extra=extra), "after"
    )


def test_equal_curves_are_identical_and_need_no_test(tmp_path: Path) -> None:
    found = compare_results(*two(tmp_path, arms()))
    assert found.standing == "same"
    assert found.is_paired
    assert [(one.compared, one.identical) for one in found.sameness] == [(10, 10), (10, 10)]
    assert compare_answer(found).startswith("Nothing changed: all 20 trials of equal seeds")


def test_a_change_that_matters_is_found_in_the_arm_that_has_it(tmp_path: Path) -> None:
    found = compare_results(*two(tmp_path, arms(shift=-0.02, noise=0.001)))
    assert found.standing == "changed"
    changed = {
        (c.arm, c.verdict.claim.measure.kind) for c in found.comparisons if c.standing == "changed"
    }
    assert ("b", "final") in changed
    assert all(arm == "b" for arm, _ in changed)
    final = next(
        c.verdict
        for c in found.comparisons
        if (c.arm, c.verdict.claim.measure.kind) == ("b", "final")
    )
    assert final.effect == pytest.approx(-0.02, abs=0.002)
    assert final.interval.high < 0
    assert final.p_adjusted == pytest.approx(2 / 2**10 * len(found.comparisons), rel=1)
    assert found.sameness[0].is_identical
    assert found.sameness[1].difference is not None


def test_other_last_digits_are_practically_equal(tmp_path: Path) -> None:
    found = compare_results(*two(tmp_path, arms(noise=1e-5)))
    assert found.standing == "same"
    assert found.sameness[1].identical == 0
    assert compare_answer(found).startswith("Nothing that matters changed")


def test_the_margin_is_the_claims_own_or_what_is_asked_for(tmp_path: Path) -> None:
    pair = two(tmp_path, arms(noise=0.0005))
    margins = {
        (c.arm, c.verdict.claim.measure.kind): c.verdict.claim.margin
        for c in compare_results(*pair).comparisons
    }
    assert margins["b", "final"] == 0.004
    assert margins["b", "epochs_to"] == 2.0
    assert margins["b", "mean_over_epochs"] == 0.005
    strict = compare_results(*pair, margins=parse_margins(["final=1e-9"]))
    final = next(
        c for c in strict.comparisons if (c.arm, c.verdict.claim.measure.kind) == ("b", "final")
    )
    assert final.standing == "unclear"
    assert strict.standing == "unclear"


def test_other_seeds_are_compared_as_two_samples(tmp_path: Path) -> None:
    found = compare_results(*two(tmp_path, arms(), extra="seed = 7"))
    assert not found.is_paired
    assert any("the seeds differ" in notice for notice in found.notices)
    assert [one.compared for one in found.sameness] == [0, 0]
    assert all(not c.verdict.is_paired for c in found.comparisons)


def test_a_trial_that_got_there_in_neither_is_no_change(tmp_path: Path) -> None:
    claims = claim_toml("c", ("b", "a"), 'kind = "epochs_to", target = 0.999', margin=1.0)
    results = [
        make(tmp_path / x, arms(noise=n), claims) for x, n in (("before", 0), ("after", 1e-6))
    ]
    found = compare_results(recorded(results[0], "before"), recorded(results[1], "after"))
    never = [c for c in found.comparisons if c.verdict.claim.measure.kind == "epochs_to"]
    assert [c.standing for c in never] == ["same", "same"]
    assert not never[1].is_identical


def test_times_are_left_alone_unless_asked_for(tmp_path: Path) -> None:
    claims = claim_toml("s", ("b", "a"), 'kind = "seconds_to", target = 0.9', margin=0.5)
    before = recorded(make(tmp_path / "x", arms(), claims), "before")
    slow = {name: replace(arm, seconds=9.0) for name, arm in arms().items()}
    after = recorded(make(tmp_path / "y", slow, claims), "after")
    assert compare_results(before, after).standing == "same"
    kinds = {
        c.verdict.claim.measure.kind for c in compare_results(before, after, times=True).comparisons
    }
    assert "seconds_to" in kinds


def test_environments_are_told_apart(tmp_path: Path) -> None:
    before, after = two(tmp_path, arms(noise=1e-4))
    after = replace(after, environments=[{"python": "3.12.1", "tensorflow": "2.22.0"}])
    found = compare_results(before, after)
    assert found.environment == {"python": ["3.11.9", "3.12.1"], "tensorflow": ["None", "2.22.0"]}


def test_results_of_another_study_are_refused(tmp_path: Path) -> None:
    other = make(tmp_path / "other", {"x": Arm([[0.5]]), "y": Arm([[0.6]])})
    with pytest.raises(UserError, match=r"no arm in common.*a, b.*x, y"):
        compare_results(recorded(make(tmp_path / "z", arms()), "a"), recorded(other, "b"))


@pytest.mark.parametrize("text", ["final", "final=", "final=-1", "final=inf", "finale=1", "=1"])
def test_a_margin_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"write KIND=NUMBER"):
        parse_margins([text])


def test_hostile_names_are_inert_on_the_page_and_nan_is_null(tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", "a$b_x"]
    curves = np.full((3, 2), 0.5)
    before = recorded(make(tmp_path / "p", {name: Arm(curves) for name in names}), "<b>")
    after = recorded(make(tmp_path / "q", {name: Arm(curves + 0.1) for name in names}), "after")
    found = compare_results(before, after)
    page = render_comparison(found)
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert "NaN" not in json_text(compare_document(found))
    assert all(not math.isnan(c.verdict.effect) for c in found.comparisons)
