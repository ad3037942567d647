"""Calibration: the same rule, known truths, rates that are right, and words for what errs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

from harness.analyses.calibration import (
    CHECKS,
    Calibration,
    Check,
    ClaimCalibration,
    Rate,
    affordable,
    calibrate,
)
from harness.analyses.quick_looks import quick_look
from harness.procedures import SignFlip
from harness.prose.calibration_words import (
    claim_sentence,
    document,
    method,
    rate_words,
    summary,
    table_lines,
)
from harness.report.calibration_section import section_of
from harness.report.exports import json_text
from harness.results import Results
from harness.stats.sequential import Boundary
from harness.stopping import Look, declared_looks
from harness.verdicts import decide_by_look, decide_samples, samples_by_look
from tests.report.invented import Shape, make_results
from tests.synthetic import Arm, claim_toml, make

FINAL = 'kind = "final"'


def compared(folder: Path, a: ArrayLike, b: ArrayLike, claims: str | None = None) -> Results:
    """A study of two arms with these final accuracies."""
    arms = {
        "a": Arm(np.asarray(a, dtype=float)[:, None]),
        "b": Arm(np.asarray(b, dtype=float)[:, None]),
    }
    return make(folder, arms, claims or claim_toml("ends", ("a", "b"), FINAL, margin=0.01))


@pytest.fixture(scope="module")
def normal(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Ten replicates of normal values; a real difference, none, and an equivalence."""
    rng = np.random.default_rng(3)
    block = 0.8 + 0.01 * rng.normal(size=(10, 1))
    arms = {
        name: Arm(block + shift + 0.01 * rng.normal(size=(10, 1)))
        for name, shift in {"a": 0.05, "b": 0.0, "c": 0.0}.items()
    }
    claims = (
        claim_toml("different", ("a", "b"), FINAL, margin=0.01)
        + claim_toml("alike", ("b", "c"), FINAL, expect="different")
        + claim_toml("equal", ("b", "c"), FINAL, expect="equivalent", margin=0.01)
    )
    return make(tmp_path_factory.mktemp("normal"), arms, claims)


@pytest.fixture(scope="module")
def found(normal: Results) -> Calibration:
    """Its calibration."""
    return calibrated(normal, 400)


def calibrated(results: Results, repeats: int) -> Calibration:
    calibration = calibrate(results, repeats=repeats)
    assert calibration is not None
    return calibration


def rates(calibration: Calibration, claim: str) -> Mapping[Check, Rate]:
    return next(one.rates for one in calibration.claims if one.claim.id == claim)


def test_it_is_the_rule_of_the_verdicts(normal: Results) -> None:
    """The real samples, sent the way of the simulated ones, give the real verdicts."""
    study = normal.loaded.study
    again = decide_samples(
        study, samples_by_look(study, normal.values), procedure=SignFlip, family=3
    )
    for ours, verdict in zip(again, normal.verdicts, strict=True):
        assert (ours.outcome, ours.p_adjusted) == (verdict.outcome, verdict.p_adjusted)
        assert (ours.interval, ours.effect) == (verdict.interval, verdict.effect)


def test_the_same_seed_gives_the_same_rates(normal: Results) -> None:
    one, same, other = (calibrate(normal, repeats=40, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_normal_data_are_within_bounds(found: Calibration) -> None:
    assert not found.has_faults
    for one in found.claims:
        for check, rate in one.rates.items():
            assert rate.interval(0.999).low <= 0.05, (one.claim.id, check)
    for claim in ("different", "alike", "equal"):
        assert rates(found, claim)["interval"].share == pytest.approx(0.05, abs=0.03)
    assert rates(found, "different")["equal at +margin"].share == pytest.approx(0.05, abs=0.04)


def test_every_kind_of_data_is_counted(found: Calibration) -> None:
    assert [rate.of for rate in rates(found, "different").values()] == [
        800 if check.startswith("interval") else 400 for check in CHECKS
    ]
    assert "equal at +margin" not in rates(found, "alike")  # it has no margin


def test_withdrawn_claims_keep_their_place(normal: Results) -> None:
    """A family of sixty makes a false decision rarer than one of three."""
    alone, crowded = calibrated(normal, 200), calibrated(replace(normal, withdrawn=57), 200)
    assert alone.family.errors > 0
    assert crowded.family.errors == 0


def test_halves_that_cannot_err_have_no_rate(normal: Results) -> None:
    """A rate that is 0 whatever the procedure does would look like a check that was passed."""
    calibration = calibrated(replace(normal, withdrawn=4), 60)
    assert not any("halves of one arm" in one.rates for one in calibration.claims)
    told = (
        "Halves of one arm were not compared for 3 claims: the p of 5 against 5 trials, adjusted "
        "for 7 claims, is never below 0.0556."
    )
    assert told in summary(calibration)
    (claim, *_) = document(calibration)["claims"]
    assert "halves of one arm" not in claim["checks"]
    assert claim["halves_reason"] in told
    assert "halves of one arm" in rates(calibrated(replace(normal, withdrawn=3), 2), "alike")


def test_a_lopsided_claim_is_called_at_fault(tmp_path: Path) -> None:
    """One replicate in ten runs away: a third of all studies would not have it."""
    a = np.full(10, 0.5) + 0.001 * np.arange(10)
    a[7] = 0.9
    calibration = calibrated(compared(tmp_path, a, np.full(10, 0.5)), 200)
    (one,) = calibration.claims
    assert "interval, as seen" in one.faults
    assert "interval" not in one.faults
    first = summary(calibration)[0]
    assert first.startswith("ends errs: if differences are as lopsided as those seen")
    assert "5 % is meant, up to 7.5 % would still count as robust" in first
    assert any("ERRS" in line for line in table_lines(calibration))
    assert document(calibration)["errs"] is True
    assert "interval, as seen" in document(calibration)["claims"][0]["errs_in"]


def test_a_claim_without_spread_says_so(tmp_path: Path) -> None:
    levels = np.linspace(0.5, 0.6, 9)
    calibration = calibrated(compared(tmp_path, levels + 0.02, levels), 30)
    (one,) = calibration.claims
    assert set(one.rates) == {"no difference", "halves of one arm"}
    assert (
        "ends: its differences have no spread, so there is nothing to draw other studies from."
        in summary(calibration)
    )


def test_untestable_claims_are_named_and_keep_no_rates(tmp_path: Path) -> None:
    """D10: nobody reaches the target."""
    claims = claim_toml("ends", ("a", "b"), FINAL, margin=0.01) + claim_toml(
        "reaches", ("a", "b"), 'kind = "epochs_to", target = 0.99'
    )
    rng = np.random.default_rng(0)
    results = compared(tmp_path, 0.5 + 0.01 * rng.normal(size=9), np.full(9, 0.5), claims)
    calibration = calibrated(results, 30)
    assert calibration.claims[1].rates == {}
    assert summary(calibration)[-1].startswith("reaches: not testable: 0/18 reached the target")


def test_nothing_to_calibrate(tmp_path: Path) -> None:
    claims = claim_toml("reaches", ("a", "b"), 'kind = "epochs_to", target = 0.99')
    results = compared(tmp_path, np.full(9, 0.5), np.full(9, 0.5), claims)
    assert calibrate(results, repeats=10) is None
    assert affordable(results, 60.0) == 0
    assert section_of(results) is None


def test_five_pairs_never_err_and_never_miss(tmp_path: Path) -> None:
    """D3: they can decide nothing, and their interval has no ends."""
    rng = np.random.default_rng(0)
    calibration = calibrated(compared(tmp_path, 0.5 + 0.1 * rng.random(5), np.full(5, 0.5)), 40)
    own = rates(calibration, "ends")
    assert "halves of one arm" not in own
    assert own["no difference"].errors == own["interval, as seen"].errors == 0
    assert summary(calibration) == [
        "No decision was ever wrong: with so few replicates hardly any can be reached."
    ]


def test_looks_keep_the_error_rate_together(tmp_path: Path) -> None:
    stopping = '[stopping]\nrule = "group-sequential"\nlooks = [8, 10, 12]\nspending = "pocock"\n'
    alike = [Shape(0.95, 2.0)]
    results = make_results(
        tmp_path,
        arms=["a", "b"],
        shapes=alike,
        replicates=12,
        epochs=3,
        claims=stopping + claim_toml("ends", ("a", "b"), FINAL, expect="different"),
    )
    study = results.loaded.study
    by_look = decide_by_look(
        study, results.values, confirmatory={"ends": True}, looks=declared_looks(study)
    )
    sequential = replace(results, by_look=by_look, verdicts=by_look[-1])
    calibration = calibrated(sequential, 300)
    assert 0 < calibration.family.share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert not calibration.has_faults
    assert affordable(sequential, 3.0) < affordable(results, 3.0)


@pytest.mark.parametrize("boundary", ["lan-demets-obf", "lan-demets-pocock"])
def test_quick_looks_decide_as_looks_do(boundary: Boundary) -> None:
    """Every p that ten pairs can have, for Holm over up to four claims."""
    for place in range(3):
        look = Look((8, 10, 14), place, boundary)
        quick = quick_look(look, 0.05, 4)
        assert quick.level(0.03) == look.level(0.03)
        assert math.isnan(quick.repeated_p(math.nan))
        for k in range(1, 5):
            for p in np.arange(2, 200, 7) / 1024:
                rejects = p <= look.level(0.05 / k)
                assert (quick.repeated_p(p) * k <= 0.05) == rejects
        p = look.level(0.05) * 0.8
        assert (look.repeated_p(p) <= 0.05) == (quick.repeated_p(p) <= 0.05)


def test_unpaired_studies_are_calibrated_unpaired(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arms = {name: Arm(0.5 + 0.05 * rng.normal(size=(6, 1))) for name in "ab"}
    claims = claim_toml("ends", ("a", "b"), FINAL, margin=0.05)
    calibration = calibrated(make(tmp_path, arms, claims, is_paired=False), 60)
    own = rates(calibration, "ends")
    assert own["no difference"].share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert own["interval"].of == 120
    assert "dealt out anew" in method(calibration)[1]
    assert "ends (6 against 6 trials, not paired)" in list(table_lines(calibration))


def test_clopper_and_pearson() -> None:
    """R: binom.test(5, 100) gives 0.01643 to 0.11283."""
    interval = Rate(5, 100, 0.05).interval()
    assert (interval.low, interval.high) == (
        pytest.approx(0.01643, abs=1e-5),
        pytest.approx(0.11283, abs=1e-5),
    )
    assert rate_words(Rate(62, 2000, 0.05)) == "3.1 % (2.4 to 4.0 %)"


def test_a_fault_needs_more_than_luck() -> None:
    assert not Rate(60, 1000, 0.05).is_fault
    assert Rate(90, 1000, 0.05).is_fault
    assert not Rate(90, 1000, 0.075).is_fault
    assert not Rate(0, 1000, 0.05).is_fault


def test_a_procedure_that_errs_is_named(found: Calibration) -> None:
    """Rates as a wrong test would give them."""
    good = found.claims[0]
    bad_rates = {**good.rates, "no difference": Rate(240, 2000, 0.05)}
    bad = replace(
        found,
        claims=[ClaimCalibration(good.verdict, bad_rates, True), *found.claims[1:]],
        family=Rate(300, 2000, 0.05),
    )
    told = summary(bad)
    assert told[0].startswith("The study as a whole errs more than it may")
    assert told[1].startswith("different errs: it calls a difference real where there is none in")
    assert "at most 5 % is allowed" in told[1]


def test_words_in_plain_sentences(found: Calibration) -> None:
    assert summary(found)[0].startswith("No claim's procedure errs more than it may")
    rate = Rate(62, 2000, 0.05)
    one = ClaimCalibration(found.claims[0].verdict, {"no difference": rate}, True)
    assert claim_sentence(one) == (
        "When there is no difference, different was called real in 3.1 % of 2,000 relabelings "
        "(at most 5 % allowed)."
    )
    assert "swapped at random within each replicate" in method(found)[1]
    assert not any("random arrangements" in note for note in method(found))
    assert any("random arrangements" in note for note in method(replace(found, is_sampled=True)))


def test_many_pairs_draw_their_arrangements(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    results = compared(tmp_path, 0.5 + 0.01 * rng.normal(size=22), np.full(22, 0.5))
    assert calibrated(results, 3).is_sampled


def test_json_is_strict(found: Calibration) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    read = json.loads(json_text(document(found)), parse_constant=refuse)
    assert read["repeats"] == 400
    checks = read["claims"][0]["checks"]
    assert checks["interval"]["of"] == 800
    assert checks["interval"]["interval"][0] <= checks["interval"]["rate"]


def test_the_report_has_a_section(normal: Results) -> None:
    section = section_of(normal)
    assert section is not None
    assert section.lead[0].startswith("No claim's procedure errs")
    main, edges = section.tables
    assert [row[0] for row in main.rows] == ["different", "alike", "equal"]
    assert [row[0] for row in edges.rows] == ["different", "equal"]  # no margin, no edge
    assert section.figures[0].data in section.files
    lines = section.files["calibration.csv"].splitlines()
    assert lines[0] == "claim,check,errors,of,rate,low,high,allowed"
    assert len(lines) == 1 + 8 + 4 + 8


def test_reruns_of_a_large_family_can_err(tmp_path: Path) -> None:
    """D4: the p of 999 draws ends at 0.001, which times 60 claims is never below 0.05."""
    arms = {"a": Arm(np.full((16, 1), 0.9)), "b": Arm(np.linspace(0.7, 0.8, 16)[:, None])}
    claim = claim_toml("ends", ("a", "b"), FINAL, margin=0.01)
    large = make(tmp_path, arms, claim, withdrawn=59)
    found = calibrate(large, repeats=20)
    assert found is not None
    assert found.draws == 2_399
    assert 60 / (found.draws + 1) <= found.alpha
    assert "2,399 random arrangements" in " ".join(method(found))
    alone = calibrate(make(tmp_path, arms, claim), repeats=1)
    assert alone is not None
    assert alone.draws == 999
