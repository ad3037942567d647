"""Claims that compare one arm with a number: "the CNN ends above 98.8 %"."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.analyses.calibration import calibrate
from harness.analyses.contrasts import contrasts
from harness.analyses.specifications import specification_curves
from harness.language import using
from harness.prose.words import verdict_sentence
from harness.report import write_report
from harness.results import Results
from harness.study_file import StudyError
from tests.report.reading import read_page
from tests.synthetic import Arm, claim_toml, load, make

LEVELS = np.array([0.9905, 0.9911, 0.9908, 0.9899, 0.9913, 0.9902, 0.9910, 0.9907, 0.9904, 0.9909])
FINAL = 'kind = "final"'
CURVES = np.column_stack([LEVELS - 0.02, LEVELS - 0.01, LEVELS])
ARMS = {"cnn": Arm(CURVES), "mlp": Arm(CURVES - 0.005)}


def against(number: float | str, measure: str = FINAL, **more: object) -> str:
    text = claim_toml("above", ("cnn", "NUMBER"), measure, **more)  # type: ignore[arg-type]
    return text.replace('"NUMBER"', str(number))


def study(folder: Path, *claims: str, is_paired: bool = True) -> Results:
    return make(folder, ARMS, "\n".join(claims), is_paired=is_paired)


@pytest.mark.parametrize("is_paired", [True, False])
def test_every_run_is_paired_with_the_number(tmp_path: Path, is_paired: bool) -> None:
    """The oracle: SciPy's permutation test of one sample, all 1,024 sign patterns."""
    (verdict,) = study(tmp_path, against(0.9905), is_paired=is_paired).verdicts
    exact = stats.permutation_test(
        (LEVELS - 0.9905,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert verdict.test.p == pytest.approx(exact.pvalue)
    assert verdict.effect == pytest.approx(LEVELS.mean() - 0.9905)
    assert verdict.is_paired
    oracle = stats.ttest_1samp(LEVELS, 0.9905)
    assert verdict.sensitivity["one-sample t"].p == pytest.approx(oracle.pvalue)


@pytest.mark.parametrize(
    ("claim", "outcome"),
    [
        (against(0.988), "supported"),
        (against(0.988, expect="less"), "contradicted"),
        (against(0.992, expect="less"), "supported"),
        (against(0.9907), "inconclusive"),
        (against(0.9907, expect="equivalent", margin=0.001), "practically equal"),
        (against(0.988, expect="equivalent", margin=0.001), "contradicted"),
    ],
)
def test_the_four_verdicts(tmp_path: Path, claim: str, outcome: str) -> None:
    (verdict,) = study(tmp_path, claim).verdicts
    assert verdict.outcome == outcome


def test_it_is_told_in_words(tmp_path: Path) -> None:
    (verdict,) = study(tmp_path, against(0.988)).verdicts
    assert verdict_sentence(verdict) == (
        "Supported: final validation accuracy with cnn is 0.27 points higher than 98.8 % (95 % "
        "interval 0.24 to 0.30; adjusted p = 0.002; 10 replicates)."
    )
    with using("ja"):
        assert "cnn の最終検証精度は98.8%より0.27ポイント高いです" in verdict_sentence(verdict)


def test_seconds_and_losses_are_told_in_their_units(tmp_path: Path) -> None:
    rise, epoch = (
        verdict_sentence(study(tmp_path, claim).verdicts[0])
        for claim in (
            against(0.5, 'kind = "rise"', expect="less"),
            against(1, 'kind = "seconds_per_epoch"'),
        )
    )
    assert "rise of validation loss above its own minimum with cnn is 0.50 nats lower" in rise
    assert "an epoch with cnn takes 1.0 more processor seconds than 1 second (" in epoch


def test_runs_that_all_hit_the_number(tmp_path: Path) -> None:
    (verdict,) = make(tmp_path, {"cnn": Arm(np.full((6, 2), 0.99))}, against(0.99)).verdicts
    assert (verdict.outcome, verdict.effect) == ("inconclusive", 0.0)
    assert "every run is exactly at that number" in verdict.notices


def test_the_page_shows_one_side_and_its_own_method(tmp_path: Path) -> None:
    pair = claim_toml("pair", ("cnn", "mlp"), FINAL)
    results = study(tmp_path, against(0.988), pair)
    page = read_page(write_report(results, tmp_path / "out"))
    assert page.faults == []
    text = page.source.replace("\N{NO-BREAK SPACE}", " ")
    assert "final validation accuracy, cnn minus 98.8 %" in text
    assert "Comparison with a number" in text
    assert "Paired comparison" in text
    assert "98.80 %" not in text, "the number is no side with trials of its own"
    assert {contrast.sides for contrast in contrasts(results)} == {("cnn", "mlp")}


def test_its_specifications_keep_the_number(tmp_path: Path) -> None:
    (curve,) = specification_curves(study(tmp_path, against(0.988, margin=0.001)))
    assert len(curve.specified) == len({str(s.choice) for s in curve.specified}) > 6
    assert {s.choice["kind"] for s in curve.specified} == {"final", "best"}
    assert {s.outcome for s in curve.specified} == {"supported"}


@pytest.mark.parametrize("is_paired", [True, False])
def test_it_is_calibrated_beside_claims_on_two_arms(tmp_path: Path, is_paired: bool) -> None:
    pair = claim_toml("pair", ("cnn", "mlp"), FINAL)
    results = study(tmp_path, against(0.988, margin=0.001), pair, is_paired=is_paired)
    found = calibrate(results, repeats=100)
    assert found is not None
    assert not found.has_faults
    number = found.claims[0].rates
    assert number["halves of one arm"].of == number["no difference"].of == 100
    assert 0 < number["no difference"].errors + number["interval"].errors < 30


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (against(98.8), "runs from 0 to 1: 98.8 is never met; write 0.988"),
        (against(-1, 'kind = "rise"'), "runs from 0 up: -1 is never met"),
        (against("true"), "claims[1].compare[2]: true is not a number"),
        (against("nan"), "claims[1].compare[2]: nan is not a finite number"),
        (against(0.9).replace('["cnn", 0.9]', '[0.9, "cnn"]'), "compare begins with 0.9: name the"),
        (against(0.9).replace('"cnn", ', '"cn", '), 'there is no arm "cn"; arms: cnn, mlp'),
        (against(0.9, more='beyond = ["cnn", "mlp"]'), "beyond goes with two arms"),
        (against(0.9, more='statistic = "spread"'), "a spread is compared with another arm's"),
        (
            against(0.9, 'kind = "at_epoch"', more='at_epochs = [1, "last"]'),
            "at_epochs goes with two arms",
        ),
        (
            against(5, 'kind = "epochs_to", target = 0.9'),
            "epochs to val_accuracy ≥ 0.9: a run that never gets there has no time",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, claim: str, expected: str) -> None:
    with pytest.raises(StudyError) as caught:
        load(tmp_path, ARMS, claim)
    assert expected in str(caught.value)
