"""Claims decided again: the declared one decides, and the rule of the flips is found."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.analyses.specifications import SpecificationCurve, Specified, specification_curves
from harness.analyses.target_sweep import target_sweeps
from harness.choices import own_choice
from harness.language import using
from harness.measures import FloatArray
from harness.prose.curve_words import sweep_sentence
from harness.prose.specification_words import specification_notes, specification_sentence
from harness.protocol import protocol
from harness.report.specification_section import section_of
from harness.results import Results
from harness.stats.multiplicity import holm
from harness.study_file import load_study
from harness.study_problems import StudyError
from tests.synthetic import Arm, claim_toml, load, make

EPOCHS = 20
MEET = 0.8
"""Up to this accuracy arm a is some epochs behind arm b; from there on it is level with it."""


def ramp(delay: FloatArray) -> FloatArray:
    """Accuracies that rise by 0.04 an epoch from 0.5 to 0.94, each replicate with its delay."""
    epoch = np.arange(1, EPOCHS + 1)
    return 0.5 + 0.04 * np.clip(epoch - delay[:, None], 0, 11)


def slower_below(n: int = 10) -> dict[str, Arm]:
    """Arm a needs 2 to 4 more epochs to any accuracy below ``MEET``, and no more to those above."""
    rng = np.random.default_rng(1)
    b = ramp(rng.integers(0, 2, n).astype(float))
    late = np.where(b < MEET - 1e-9, b - 0.04 * rng.integers(2, 5, n)[:, None], b)
    return {"a": Arm(np.maximum(late, 0.4)), "b": Arm(b)}


TO_TARGET = 'kind = "epochs_to", target = 0.7'
ONE_METRIC = 'metric = ["val_accuracy"], clock = ["epochs"]'


def specified(folder: Path, choices: str, n: int = 10, **more: object) -> SpecificationCurve:
    claim = claim_toml(
        "slower", ("a", "b"), TO_TARGET, margin=0.5, more=f"specifications = {{ {choices} }}"
    )
    (curve,) = specification_curves(make(folder, slower_below(n), claim, **more))  # type: ignore[arg-type]
    return curve


def declared(curve: SpecificationCurve) -> Specified:
    (one,) = [s for s in curve.specified if s.is_declared]
    return one


def test_a_claim_true_below_a_target_flips_above_it(tmp_path: Path) -> None:
    curve = specified(
        tmp_path,
        f"{ONE_METRIC}, target = [0.6, 0.65, 0.75, 0.85, 0.9], sustain = [1, 2], "
        'test = ["permutation", "rank"]',
    )
    assert len(curve.specified) == 6 * 2 * 2
    assert declared(curve).outcome == "supported"
    assert specification_sentence(curve) == (
        "Supported in 16 of 24 specifications (8 practically equal); "
        "it flips only for targets above 75 %."
    )


def test_an_outcome_that_rarely_holds_is_told_by_where_it_holds(tmp_path: Path) -> None:
    curve = specified(
        tmp_path,
        f"{ONE_METRIC}, target = [0.82, 0.85, 0.9], sustain = [1], test = ['permutation']",
    )
    assert specification_sentence(curve) == (
        "Supported in 1 of 4 specifications (3 practically equal); "
        "it holds only for targets below 82 %."
    )


def test_defaults_cover_targets_metric_clock_sustain_and_test(tmp_path: Path) -> None:
    curve = specified(tmp_path, "sustain = [1, 2, 3]")
    levels = curve.levels
    assert levels["metric"] == ["val_accuracy", "val_loss"]
    assert levels["clock"] == ["epochs", "wall", "cpu"]
    assert levels["sustain"] == [1, 2, 3]
    assert levels["test"] == ["permutation", "t", "rank"]
    accuracies = {s.choice["target"] for s in curve.specified if s.choice["metric"] != "val_loss"}
    assert 0.7 in accuracies
    assert 4 <= len(accuracies) <= 7
    assert len(curve.specified) == len({tuple(s.choice.items()) for s in curve.specified})


@pytest.mark.parametrize(
    ("measure", "choices"),
    [
        (
            'kind = "epochs_to_plateau", within = 0.02, window = 4',
            {"within": [0.01, 0.02, 0.04], "window": [2, 4, 6]},
        ),
        ('kind = "epochs_to_fraction", fraction = 0.8', {"fraction": [0.8, 0.9, 0.95, 0.99]}),
        ('kind = "final"', {"kind": ["final", "best"], "margin": [0.005, 0.01, 0.02]}),
        ('kind = "at_epoch", epoch = 2', {"shift": [-1, 0, 1, 2]}),
        ('kind = "seconds_per_epoch"', {"clock": ["cpu", "wall"]}),
        ('kind = "mean_over_epochs"', {"margin": [0.005, 0.01, 0.02]}),
    ],
)
def test_every_measure_has_its_own_choices(
    tmp_path: Path, measure: str, choices: dict[str, list[object]]
) -> None:
    claim = claim_toml("c", ("a", "b"), measure, expect="different", margin=0.01)
    (curve,) = specification_curves(make(tmp_path, slower_below(), claim))
    assert {key: curve.levels[key] for key in choices} == choices
    assert curve.levels["test"] == ["permutation", "t", "rank"]


def test_one_arm_is_never_compared_with_itself(tmp_path: Path) -> None:
    claim = claim_toml(
        "c", ("a", "a"), 'kind = "at_epoch"', margin=0.01, more='at_epochs = ["last", 19]'
    )
    (curve,) = specification_curves(make(tmp_path, slower_below(), claim))
    assert curve.levels["shift"] == [-2, -1, 0]


THREE = "".join(
    [
        claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5),
        claim_toml("lower", ("a", "b"), 'kind = "at_epoch", epoch = 3', expect="less"),
        claim_toml("alike", ("a", "b"), 'kind = "final"', expect="equivalent", margin=0.01),
    ]
)


def noisy(n: int = 9) -> dict[str, Arm]:
    """The same arms, with noise on every epoch: nothing is without spread."""
    rng = np.random.default_rng(3)
    return {
        name: Arm(np.asarray(arm.accuracy) + rng.normal(0, 0.004, (n, EPOCHS)))
        for name, arm in slower_below(n).items()
    }


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make(tmp_path_factory.mktemp("three"), noisy(), THREE, withdrawn=2)


def test_the_declared_specification_is_the_verdict(three: Results) -> None:
    for verdict, curve in zip(three.verdicts, specification_curves(three), strict=True):
        own = declared(curve)
        assert own.choice == own_choice(verdict.claim.measure, verdict.claim.margin)
        assert (own.outcome, own.p_adjusted) == (verdict.outcome, verdict.p_adjusted)
        assert (own.effect, own.interval) == (verdict.effect, verdict.interval)


def test_deciding_again_with_the_same_test_repeats_its_numbers(three: Results) -> None:
    """A margin is no part of a test of difference: other margins must give the verdict's p."""
    claim = claim_toml("higher", ("a", "b"), 'kind = "final"', margin=0.01)
    (curve,) = specification_curves(make(three.loaded.file.parent / "one", noisy(), claim))
    own = declared(curve)
    same = [
        s
        for s in curve.specified
        if {**s.choice, "margin": 0.01} == own.choice and not s.is_declared
    ]
    assert len(same) == 2
    assert {(s.p_adjusted, s.effect, s.interval) for s in same} == {
        (own.p_adjusted, own.effect, own.interval)
    }


def test_a_specification_takes_its_claims_place_in_the_family(three: Results) -> None:
    """The other claims keep their p, and withdrawn claims their place."""
    verdict, curve = three.verdicts[0], specification_curves(three)[0]
    others = [v.test.p for v in three.verdicts[1:]]
    for test, name in (("t", "paired t"), ("rank", "Wilcoxon signed-rank")):
        (s,) = [s for s in curve.specified if s.choice == {**declared(curve).choice, "test": test}]
        by_hand = holm([verdict.sensitivity[name].p, *others], family_size=5)[0]
        assert s.p_adjusted == pytest.approx(by_hand)


def test_epochs_and_seconds_agree_where_all_epochs_last_alike(tmp_path: Path) -> None:
    """Two seconds an epoch in both arms: 6 seconds are 3 epochs, and the margin goes along."""
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5)
    (curve,) = specification_curves(make(tmp_path, noisy(), claim))
    assert curve.exchange == {"wall": 2.0, "cpu": 2.0}
    by_choice: dict[tuple[object, ...], dict[object, Specified]] = {}
    for s in curve.specified:
        rest = tuple(level for key, level in s.choice.items() if key != "clock")
        by_choice.setdefault(rest, {})[s.choice["clock"]] = s
    for clocks in by_choice.values():
        for clock in ("wall", "cpu"):
            assert clocks[clock].unit == "seconds"
            assert clocks[clock].effect == pytest.approx(2 * clocks["epochs"].effect)
            assert clocks[clock].effect * clocks[clock].scale == pytest.approx(
                clocks["epochs"].effect
            )
            assert clocks[clock].outcome == clocks["epochs"].outcome
    assert (
        "an epoch counts as 2 elapsed seconds and 2 processor seconds"
        in (specification_notes(curve)[0])
    )


def test_a_claim_in_seconds_is_asked_in_epochs_too(tmp_path: Path) -> None:
    measure = 'kind = "seconds_to", target = 0.7, clock = "wall"'
    claim = claim_toml("slower", ("a", "b"), measure, margin=1.0)
    (curve,) = specification_curves(make(tmp_path, noisy(), claim))
    assert curve.levels["clock"] == ["wall", "epochs", "cpu"]
    own = declared(curve)
    (epochs,) = [s for s in curve.specified if s.choice == {**own.choice, "clock": "epochs"}]
    assert epochs.unit == "epochs"
    assert epochs.scale == 2.0
    assert epochs.outcome == own.outcome


@pytest.mark.parametrize("listed", ["", 'specifications = { clock = ["epochs", "cpu", "wall"] }'])
def test_clocks_that_nobody_recorded_are_no_choice(tmp_path: Path, listed: str) -> None:
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5, more=listed)
    arms = {name: Arm(arm.accuracy, seconds=math.nan) for name, arm in noisy().items()}
    (curve,) = specification_curves(make(tmp_path, arms, claim))
    assert "clock" not in curve.levels
    assert curve.exchange == {}


def test_a_single_epoch_has_no_length_to_exchange(tmp_path: Path) -> None:
    """G1: the first epoch holds start-up work, so its seconds stand for no other epoch."""
    arms = {name: Arm(np.asarray(arm.accuracy)[:, 8:9]) for name, arm in noisy().items()}
    claim = claim_toml("c", ("a", "b"), 'kind = "seconds_to", target = 0.7', margin=0.5)
    curves = specification_curves(make(tmp_path, arms, claim))
    assert all("clock" not in curve.levels for curve in curves)


def test_five_pairs_decide_in_no_specification_of_the_deciding_test(tmp_path: Path) -> None:
    """D3: no choice of target, tolerance or metric gets round the smallest attainable p."""
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5)
    (curve,) = specification_curves(make(tmp_path, noisy(5), claim))
    exact = [s for s in curve.tested if s.choice["test"] in {"permutation", "rank"}]
    assert len(exact) > 50
    assert not {s.outcome for s in exact} & {"supported", "contradicted"}


def test_what_cannot_be_tested_is_counted_apart(tmp_path: Path) -> None:
    """D10: nobody reaches 0.999."""
    curve = specified(
        tmp_path, f"{ONE_METRIC}, target = [0.999], sustain = [1], test = ['permutation']"
    )
    assert len(curve.tested) == 1
    assert specification_sentence(curve) == (
        "Supported in the only specification that was tested. 1 more could not be tested."
    )
    with using("ja"):
        assert specification_sentence(curve).startswith("検定した分析条件は1通り")
    assert "0/20 reached the target" in specification_notes(curve)[-1]


def test_many_pairs_are_sampled_and_the_declared_one_stays_exact(tmp_path: Path) -> None:
    curve = specified(tmp_path, f"{ONE_METRIC}, sustain = [1, 2]", n=15)
    assert curve.is_sampled
    assert "4,999 random sign patterns" in " ".join(specification_notes(curve))
    assert "exact" in curve.verdict.test.method
    assert declared(curve).p_adjusted == curve.verdict.test.p == 2 / 2**15
    again = specified(tmp_path, f"{ONE_METRIC}, sustain = [1, 2]", n=15)
    assert [s.p_adjusted for s in again.specified] == pytest.approx(
        [s.p_adjusted for s in curve.specified], nan_ok=True
    )


def test_no_specification_flips_for_want_of_draws(tmp_path: Path) -> None:
    """D4: among 301 claims the smallest p of 4,999 draws, 0.0002, is never below 0.05."""
    choices = f"{ONE_METRIC}, target = [0.65], sustain = [1], test = ['permutation']"
    claim = claim_toml(
        "slower", ("a", "b"), TO_TARGET, margin=0.5, more=f"specifications = {{ {choices} }}"
    )
    (curve,) = specification_curves(make(tmp_path, slower_below(16), claim, withdrawn=300))
    assert not curve.is_sampled
    assert specification_sentence(curve) == "Supported in both specifications."


def test_unpaired_trials_have_their_own_tests(tmp_path: Path) -> None:
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5)
    (curve,) = specification_curves(make(tmp_path, noisy(6), claim, is_paired=False))
    tests = {s.choice["test"] for s in curve.tested}
    assert tests == {"permutation", "t", "rank"}
    assert declared(curve).p_adjusted == curve.verdict.p_adjusted


def test_claims_without_a_test_have_no_specifications(tmp_path: Path) -> None:
    claim = claim_toml("never", ("a", "b"), 'kind = "epochs_to", target = 1.0', margin=0.5)
    arms = {name: Arm(np.full((6, 4), 0.5)) for name in "ab"}
    assert specification_curves(make(tmp_path, arms, claim)) == []


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ("targt = [0.9]", "claims[1].specifications.targt: unknown key; allowed here"),
        ("target = [95.0]", "specifications.target: target 95 is outside the range"),
        ("within = [0.1]", "specifications.within is no choice of a measure of kind"),
        ("sustain = [1, 1]", "[1, 1] lists a level twice"),
        ("sustain = []", "claims[1].specifications.sustain: [] needs at least 1"),
        ('clock = ["gpu"]', "'gpu' is not allowed; allowed: 'epochs', 'cpu' or 'wall'"),
    ],
)
def test_impossible_choices_are_refused(tmp_path: Path, choices: str, message: str) -> None:
    claim = claim_toml("c", ("a", "b"), TO_TARGET, more=f"specifications = {{ {choices} }}")
    with pytest.raises(StudyError) as error:
        load(tmp_path, slower_below(), claim)
    assert message in str(error.value)


def test_a_metric_of_another_unit_is_refused(tmp_path: Path) -> None:
    more = 'specifications = { metric = ["val_loss"] }'
    claim = claim_toml("c", ("a", "b"), 'kind = "final"', margin=0.01, more=more)
    with pytest.raises(StudyError, match="val_loss counts in nats, the claim's margin in accuracy"):
        load(tmp_path, slower_below(), claim)


def test_listing_specifications_does_not_make_a_claim_exploratory(tmp_path: Path) -> None:
    plain = load(tmp_path / "plain", slower_below(), claim_toml("c", ("a", "b"), TO_TARGET))
    more = "specifications = { target = [0.8] }"
    listed = load(
        tmp_path / "listed", slower_below(), claim_toml("c", ("a", "b"), TO_TARGET, more=more)
    )
    assert protocol(plain.study, {}) == protocol(listed.study, {})
    assert load_study(listed.file).study.claims[0].specifications is not None


def test_the_sweep_finds_the_targets_below_which_an_arm_is_slower(tmp_path: Path) -> None:
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5)
    (sweep,) = target_sweeps(make(tmp_path, slower_below(), claim))
    assert sweep.comparison is not None
    found = sweep.comparison
    slower = found.points[found.differs]
    assert np.array_equal(found.differs, found.points <= 0.78)  # 0.79 is reached with 0.82
    assert np.all(found.band.centre[found.differs] > 0)
    assert sweep_sentence(sweep).startswith(
        "In epochs to a validation accuracy target, a is slower than b at every target from "
        f"{100 * slower.min():g} to {100 * slower.max():g} %; at "
    )


CLAIM_IN_SECONDS = claim_toml(
    "slower", ("a", "b"), 'kind = "seconds_to", target = 0.7, clock = "wall"', margin=0.5
)


def watched_shorter() -> dict[str, Arm]:
    """Arm a takes 3 s an epoch and gets to 0.94; arm b is watched for 20 epochs of 1 s.

    One trial in five of arm b stays at 0.79, two stay at 0.85, and all others at 0.9.
    """
    rng = np.random.default_rng(2)
    ceiling = np.array([0.79] * 2 + [0.85] * 2 + [0.9] * 6)
    b = np.minimum(ramp(rng.integers(0, 2, 10).astype(float)), ceiling[:, None])
    return {
        "a": Arm(ramp(rng.integers(0, 3, 10).astype(float)), seconds=3.0),
        "b": Arm(b, seconds=1.0),
    }


def test_targets_at_which_times_are_cut_are_told(tmp_path: Path) -> None:
    """Above 0.79 a trial of b never gets there, and all times are cut when its 20 s are over."""
    (sweep,) = target_sweeps(make(tmp_path, watched_shorter(), CLAIM_IN_SECONDS))
    found = sweep.comparison
    assert found is not None
    assert np.array_equal(found.is_cut, found.points > 0.79)
    assert np.array_equal(np.isnan(found.horizons), ~found.is_cut)
    assert np.all(found.horizons[found.is_cut] == 20)
    reached_b = dict(zip(found.points.tolist(), found.reached[:, 1].tolist(), strict=True))
    assert (reached_b[0.78], reached_b[0.82], reached_b[0.88]) == (10, 8, 6)
    top = f"{100 * found.points[-1]:g}"
    assert (
        f"At every target from 80 to {top} % times are cut where the first trial of either side "
        "was watched no longer: differences there are of restricted means."
    ) in sweep_sentence(sweep)


def test_targets_that_no_trial_reached_in_time_are_left_out(tmp_path: Path) -> None:
    """Above 0.9 none of b gets there within its 20 s, and a needs 33 s: all times are cut."""
    (sweep,) = target_sweeps(make(tmp_path, watched_shorter(), CLAIM_IN_SECONDS))
    found = sweep.comparison
    assert found is not None
    assert found.points[-1] == 0.9
    assert np.all(found.reached.sum(axis=1) > 0)
    assert sweep_sentence(sweep).endswith(
        "Targets 92 to 94 % are left out: no trial got there before the first of either side was "
        "watched no longer."
    )


def test_a_sweep_without_cuts_says_nothing_of_them(tmp_path: Path) -> None:
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5)
    results = make(tmp_path, slower_below(), claim)
    (sweep,) = target_sweeps(results)
    assert sweep.comparison is not None
    assert not sweep.comparison.is_cut.any()
    assert "cut" not in sweep_sentence(sweep)


def test_the_sweeps_figure_and_table_mark_where_times_are_cut(tmp_path: Path) -> None:
    section = section_of(make(tmp_path / "cut", watched_shorter(), CLAIM_IN_SECONDS))
    assert section is not None
    assert "Squares on a dotted line: times are cut." in section.figures[-1].caption
    assert "restricted means" in " ".join(section.method)
    table = pd.read_csv(io.StringIO(section.files["target_sweeps.csv"])).set_index("target")
    assert table.loc[0.88, ["n_second", "reached_second", "horizon"]].tolist() == [10, 6, 20]
    assert math.isnan(table.loc[0.78, "horizon"])
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5)
    whole = section_of(make(tmp_path / "whole", slower_below(), claim))
    assert whole is not None
    assert "Squares" not in whole.figures[-1].caption


def test_claims_that_differ_in_their_target_share_a_sweep(tmp_path: Path) -> None:
    claims = claim_toml("one", ("a", "b"), TO_TARGET, margin=0.5) + claim_toml(
        "two", ("a", "b"), 'kind = "epochs_to", target = 0.75', margin=0.5
    )
    assert len(target_sweeps(make(tmp_path, slower_below(), claims))) == 1


def test_five_pairs_cannot_sweep(tmp_path: Path) -> None:
    """D3."""
    claim = claim_toml("slower", ("a", "b"), TO_TARGET, margin=0.5)
    (sweep,) = target_sweeps(make(tmp_path, slower_below(5), claim))
    assert sweep_sentence(sweep) == (
        "In epochs to a validation accuracy target, a and b cannot be told apart at n = 5: "
        "the smallest attainable p is 0.0625."
    )
