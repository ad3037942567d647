"""The decision rule on the cases that tools get wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measures import Curve
from harness.procedures import PairedT, RankSum, Relabeling, SignedRank, SignFlip
from harness.samples import Sample, side_values
from harness.stats.effects import hedges_gz, paired_superiority
from harness.stats.equivalence import paired_t_tost
from harness.stats.multiplicity import holm
from harness.stats.paired import sign_flip_interval, sign_flip_test
from harness.stats.planning import replicates_needed
from harness.stats.unpaired import permutation_interval, permutation_test
from harness.stopping import Look
from harness.study import Study
from harness.verdicts import (
    Verdict,
    all_decided,
    decide,
    decide_by_look,
    decide_samples,
    redecided,
    samples_by_look,
    side_names,
)


def study(
    claims: list[dict[str, object]],
    *,
    arms: Sequence[str] = ("a", "b"),
    epochs: int = 20,
    alpha: float = 0.05,
) -> Study:
    arm = {"architecture": "linear", "optimizer": "sgd"}
    return Study.model_validate(
        {
            "study": {"name": "t", "question": "?", "epochs": epochs, "alpha": alpha},
            "data": {"name": "digits"},
            "arms": [{"name": name, **arm} for name in arms],
            "claims": [
                {"id": f"c{i}", "says": "…", "compare": ["a", "b"], **claim}
                for i, claim in enumerate(claims)
            ],
        }
    )


FINAL = {"measure": {"kind": "final"}, "expect": "greater", "margin": 0.005}
FOUR_ARMS = ("x-1", "x-2", "y-1", "y-2")


def sample_of_differences(rows: np.ndarray) -> list[Sample]:
    """A paired sample for each row of differences."""
    n = rows.shape[1]
    known, ids = np.ones(n, dtype=bool), tuple(range(n))
    return [
        Sample(d, np.zeros(n), known, known, None, (), None, (ids, ids), is_paired=True)
        for d in rows.astype(float)
    ]


def finals(a: dict[int, float], b: dict[int, float]) -> dict[tuple[str, int], Curve]:
    """One-epoch curves with the given final accuracies by replicate."""
    return {
        (arm, replicate): Curve(np.array([1]), {"val_accuracy": np.array([value])}, budget=1)
        for arm, values in (("a", a), ("b", b))
        for replicate, value in values.items()
    }


def reaching(a: list[int | None], b: list[int | None]) -> dict[tuple[str, int], Curve]:
    """Curves over 20 epochs that jump from 0 to 1 at the given epoch, or never."""
    curves = {}
    for arm, epochs in (("a", a), ("b", b)):
        for replicate, reached in enumerate(epochs):
            values = (np.arange(1, 21) >= (reached or 99)).astype(float)
            curves[arm, replicate] = Curve(np.arange(1, 21), {"val_accuracy": values}, budget=20)
    return curves


def verdict(
    curves: dict[tuple[str, int], Curve],
    claim: dict[str, object] = FINAL,
    *,
    is_paired: bool = True,
) -> Verdict:
    the_study = study([claim])
    values = side_values(the_study, curves)
    return decide(the_study, values, confirmatory={}, is_paired=is_paired)[0]


def by_index(values: list[float]) -> dict[int, float]:
    return dict(enumerate(values))


def differences(values: list[float], claim: dict[str, object] = FINAL) -> Verdict:
    return verdict(finals(by_index(values), dict.fromkeys(range(len(values)), 0.0)), claim)


TARGET = {"measure": {"kind": "epochs_to", "target": 0.9}, "expect": "greater", "margin": 1.0}


def test_identical_arms_give_p_1_and_a_question() -> None:
    """D1."""
    same = by_index([0.91, 0.92, 0.93, 0.94, 0.95])
    result = verdict(finals(same, same))
    assert (result.test.p, result.effect) == (1.0, 0.0)
    assert "results identical - are the arms the same?" in result.notices
    assert result.outcome == "practically equal"


def test_five_pairs_can_never_decide() -> None:
    """D3."""
    result = differences([0.01, 0.02, 0.03, 0.04, 0.05])
    assert result.test.p == 0.0625
    assert result.outcome == "inconclusive"


def test_holm_over_three_needs_seven_pairs() -> None:
    """D3: six pairs give 0.09375 after Holm over three claims, seven give 0.046875."""
    for pairs, expected in ((6, 0.09375), (7, 0.046875)):
        the_study = study([FINAL] * 3)
        steps = by_index([0.01 * (i + 1) for i in range(pairs)])
        curves = finals(steps, dict.fromkeys(range(pairs), 0.0))
        results = decide(the_study, side_values(the_study, curves), confirmatory={})
        assert [r.p_adjusted for r in results] == [expected] * 3
        assert {r.outcome for r in results} == {"supported" if pairs == 7 else "inconclusive"}


def test_runs_that_never_reach_the_target_are_not_dropped() -> None:
    """D9: dropping them would make A the faster arm with p = 0.0357."""
    result = verdict(reaching([5, 6, 7, None, None], [8, 9, 10, 11, 12]), TARGET, is_paired=False)
    assert [side.mean for side in result.sides] == [pytest.approx(11.6), pytest.approx(10.0)]
    assert [side.reached for side in result.sides] == [3, 5]
    assert result.horizon == 20
    assert result.sensitivity["permutation log-rank"].p == pytest.approx(176 / 252)
    assert result.outcome == "inconclusive"


def test_the_log_rank_of_paired_trials_swaps_within_pairs() -> None:
    """Every replicate later on one side, by less than replicates differ."""
    result = verdict(reaching([2, 5, 8, 11, 14, 17], [3, 6, 9, 12, 15, 18]), TARGET)
    assert result.sensitivity["permutation log-rank"].p == 2 / 2**6


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.00123, "0.0012"), (0.0567, "0.057"), (9.876, "9.88")]
)
def test_a_short_horizon_is_not_told_as_zero(seconds: float, told: str) -> None:
    curve = Curve(
        np.array([1]),
        {"val_accuracy": np.array([0.5]), "cpu_seconds": np.array([seconds])},
        budget=1,
    )
    claim = {**TARGET, "measure": {"kind": "seconds_to", "target": 0.9}}
    result = verdict({(arm, r): curve for arm in "ab" for r in range(5)}, claim)
    assert result.reason == f"not testable: 0/10 reached the target within {told} seconds"


def test_nobody_reaches_the_target() -> None:
    """D10."""
    result = verdict(reaching([None] * 5, [None] * 5), TARGET)
    assert result.reason == "not testable: 0/10 reached the target within 20 epochs"
    assert math.isnan(result.test.p)
    assert math.isnan(result.p_adjusted)
    assert result.outcome == "inconclusive"


def test_pairs_are_formed_by_seed_not_by_row() -> None:
    """D12."""
    a = by_index([0.90, 0.91, 0.92, 0.93, 0.94, 0.95])
    b = dict(zip([5, 4, 3, 2, 1, 0], [0.945, 0.935, 0.925, 0.915, 0.905, 0.895], strict=True))
    result = verdict(finals(a, b))
    assert result.effect == pytest.approx(0.005)
    assert result.test.p == 0.03125
    del b[3]
    result = verdict(finals(a, b))
    assert (result.n, result.test.p) == (5, 0.0625)
    assert "1 replicate unpaired: 3" in result.notices


def test_a_diverged_run_without_a_value_leaves_no_verdict() -> None:
    """D13: leaving it out would favour the arm that diverges."""
    claim = {**FINAL, "measure": {"kind": "final", "metric": "val_loss"}, "expect": "less"}
    curves = {
        (arm, r): Curve(np.array([1]), {"val_loss": np.array([0.1 * (r + 1)])}, budget=1)
        for arm in "ab"
        for r in range(8)
    }
    curves["a", 3] = Curve(np.array([1]), {"val_loss": np.array([math.nan])}, 1, diverged=True)
    result = verdict(curves, claim)
    assert result.outcome == "inconclusive"
    assert "replicate 3 of a diverged" in (result.reason or "")


def test_an_untestable_claim_keeps_its_place_in_the_family() -> None:
    """D14."""
    the_study = study([FINAL, {**TARGET, "measure": {"kind": "epochs_to", "target": 1.0}}])
    curves = finals(by_index([0.01 * i for i in range(1, 9)]), dict.fromkeys(range(8), 0.0))
    first, second = decide(the_study, side_values(the_study, curves), confirmatory={})
    assert first.p_adjusted == 2 * first.test.p
    assert math.isnan(second.p_adjusted)


def test_equal_differences_are_equivalent_without_a_p_of_zero() -> None:
    """D15."""
    claim = {**FINAL, "expect": "equivalent"}
    result = differences([0.001] * 5, claim)
    assert result.outcome == "practically equal"
    assert result.test.p == pytest.approx(1 / 32)
    assert "no spread between replicates" in result.notices
    assert differences([0.001, -0.002, 0.003, 0.0, 0.002, -0.001], claim).outcome == (
        "practically equal"
    )


def test_not_significant_is_not_the_same() -> None:
    """D16."""
    for expect in ("greater", "equivalent", "different"):
        result = differences([0.012, -0.010, 0.009, -0.011, 0.010], {**FINAL, "expect": expect})
        assert result.outcome == "inconclusive"


STEADY = [0.0100, 0.0110, 0.0120, 0.0130, 0.0105, 0.0115, 0.0125, 0.0135]


@pytest.mark.parametrize(
    ("values", "expect", "outcome"),
    [
        (STEADY, "greater", "supported"),
        (STEADY, "less", "contradicted"),
        (STEADY, "different", "supported"),
        (STEADY, "equivalent", "contradicted"),
        ([-v for v in STEADY], "greater", "contradicted"),
        ([v / 10 for v in STEADY], "greater", "practically equal"),
        ([v / 10 for v in STEADY], "equivalent", "practically equal"),
    ],
)
def test_the_four_way_rule(values: list[float], expect: str, outcome: str) -> None:
    assert differences(values, {**FINAL, "expect": expect}).outcome == outcome


def test_a_withdrawn_claim_keeps_its_place() -> None:
    the_study = study([FINAL])
    curves = finals(by_index(STEADY), dict.fromkeys(range(8), 0.0))
    values = side_values(the_study, curves)
    alone = decide(the_study, values, confirmatory={})[0]
    beside = decide(the_study, values, confirmatory={}, withdrawn=6)[0]
    assert beside.p_adjusted == pytest.approx(7 * alone.p_adjusted)
    assert (alone.outcome, beside.outcome) == ("supported", "inconclusive")


def test_times_are_cut_where_the_first_watching_ended() -> None:
    """An arm with 12 epochs and one with 20 are compared over 12."""
    curves = reaching([5, 15, 18, None], [4, 6, 8, 10])
    curves["b", 3] = Curve(np.arange(1, 13), {"val_accuracy": np.zeros(12)}, budget=12)
    result = verdict(curves, TARGET)
    assert result.horizon == 12
    assert result.sides[0].mean == pytest.approx((5 + 12 + 12 + 12) / 4)
    assert [side.reached for side in result.sides] == [1, 3]


def test_a_side_may_be_a_pattern_and_stands_for_the_mean_of_its_arms() -> None:
    the_study = study([{**FINAL, "compare": ["x-*", "y-*"]}], arms=FOUR_ARMS)
    curves = {
        (name, r): Curve(np.array([1]), {"val_accuracy": np.array([level + r / 100])}, budget=1)
        for name, level in {"x-1": 0.5, "x-2": 0.7, "y-1": 0.4, "y-2": 0.5}.items()
        for r in range(4)
    }
    result = decide(the_study, side_values(the_study, curves), confirmatory={})[0]
    assert (result.n, result.effect) == (4, pytest.approx(0.15))


accuracies = st.lists(st.integers(0, 1000), min_size=2, max_size=9)


@given(accuracies, st.data())
def test_swapping_the_arms_mirrors_the_verdict(counts: list[int], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.integers(0, 1000), min_size=len(counts), max_size=len(counts)))
    a, b = by_index([c / 1000 for c in counts]), by_index([c / 1000 for c in others])
    there = verdict(finals(a, b))
    back = verdict(finals(b, a), {**FINAL, "expect": "less"})
    assert back.outcome == there.outcome
    assert back.effect == pytest.approx(-there.effect, abs=1e-12)
    assert back.test.p == there.test.p
    assert (back.interval.low, back.interval.high) == pytest.approx(
        (-there.interval.high, -there.interval.low), abs=1e-12
    )


@given(accuracies, st.data())
def test_the_interval_never_contradicts_the_p_value(counts: list[int], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.integers(0, 1000), min_size=len(counts), max_size=len(counts)))
    result = verdict(
        finals(by_index([c / 1000 for c in counts]), by_index([c / 1000 for c in others]))
    )
    outside = not result.interval.low <= 0 <= result.interval.high
    assert outside == (result.test.p <= 0.05)
    if result.outcome in {"supported", "contradicted"}:
        assert len(counts) >= 6  # fewer pairs cannot reach 0.05


def test_a_side_with_an_untrained_arm_has_no_mean() -> None:
    """The mean over the arms that are there would be that of another side."""
    the_study = study([{**FINAL, "compare": ["x-*", "y-*"]}], arms=FOUR_ARMS)
    curves = {
        (name, r): Curve(np.array([1]), {"val_accuracy": np.array([level + r / 100])}, budget=1)
        for name, level in {"x-1": 0.9, "y-1": 0.8, "y-2": 0.8}.items()
        for r in range(8)
    }
    result = decide(the_study, side_values(the_study, curves), confirmatory={})[0]
    assert (result.outcome, result.reason) == ("inconclusive", "no finished trials to compare")


@pytest.mark.parametrize("expect", ["greater", "equivalent"])
def test_times_that_were_cut_are_never_called_equal(expect: str) -> None:
    """One arm is watched for 3 epochs only; the other gets there at 10."""
    curves = reaching([2, 2, 2, 2, 2, 2, 2, None], [10] * 8)
    curves["a", 7] = Curve(np.arange(1, 4), {"val_accuracy": np.zeros(3)}, budget=3)
    claim = {**TARGET, "expect": expect, "margin": 2.0}
    result = verdict(curves, claim)
    assert result.horizon == 3
    assert result.outcome != "practically equal"


def test_a_verdict_holds_what_its_tests_say() -> None:
    """Effect, sides, and the levels of both intervals, each at the study's error rate."""
    steps = [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09]
    result = differences(steps)
    assert result.effect == pytest.approx(np.mean(steps))
    assert [(side.name, side.n, side.reached) for side in result.sides] == [
        ("a", 8, None),
        ("b", 8, None),
    ]
    assert [side.mean for side in result.sides] == [pytest.approx(np.mean(steps)), 0.0]
    assert (result.interval.level, result.equivalence_interval.level) == (0.95, 0.9)
    assert result.interval.low < result.equivalence_interval.low < result.effect
    assert result.effect < result.equivalence_interval.high < result.interval.high
    assert (result.n, result.is_paired, result.horizon, result.beyond) == (8, True, None, None)
    assert list(result.sensitivity) == ["paired t", "Wilcoxon signed-rank"]
    assert result.effect_sizes == {
        "Hedges g": hedges_gz(steps),
        "probability of superiority": paired_superiority(steps),
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_beyond_the_margin_contradicts_equivalence_on_either_side(sign: int) -> None:
    """The test beyond the margin looks to both sides: the nearer one's p counts twice."""
    claim = FINAL | {"expect": "equivalent"}
    result = differences([sign * 0.01 * step for step in range(2, 10)], claim)
    assert result.beyond is not None
    assert result.beyond.p == pytest.approx(2 / 2**8)
    assert result.deciding == (result.beyond, result.p_beyond)
    assert result.outcome == "contradicted"
    small = differences([sign * 0.0001 * step for step in range(2, 10)], claim)
    assert small.beyond is not None
    assert small.beyond.p == pytest.approx(1.0)
    assert small.outcome == "practically equal"


def test_beyond_the_margin_means_that_the_interval_lies_outside_of_it() -> None:
    """A difference of 0 is never beyond it, and an interval that reaches in speaks against it."""
    claim = FINAL | {"expect": "equivalent"}
    even = [0.03, -0.02, -0.01, 0.0, 0.02, 0.0, 0.02, 0.02, 0.02, -0.08]
    level = differences(even, claim | {"margin": 0.02})
    assert (level.effect, level.outcome) == (0.0, "inconclusive")
    reaching_in = [0.136, 0.063, 0.354, 0.13, 0.213, 0.154, 0.338, 0.312, 0.243, -0.04]
    for margin in (0.05, 0.098, 0.0995, 0.1, 0.15):
        found = differences(reaching_in, claim | {"margin": margin})
        assert (found.outcome == "contradicted") == (found.interval.low > margin), margin


def test_arms_that_are_alike_are_seldom_called_beyond_a_narrow_margin() -> None:
    """The narrower the margin, the nearer the error rate comes to alpha: here 4.4 % of 2,000."""
    rng = np.random.default_rng(7)
    claim = FINAL | {"expect": "equivalent", "measure": {"kind": "rise"}, "margin": 0.02}
    the_study = study([claim])
    samples = sample_of_differences(rng.normal(0, 1, (2_000, 9)))
    beyond = [
        decide_samples(the_study, [[one]], procedure=SignFlip, family=1)[0].outcome
        == "contradicted"
        for one in samples
    ]
    assert 0.02 < np.mean(beyond) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 2_000)


@pytest.mark.parametrize("expect", ["greater", "less"])
def test_ranks_point_where_they_lie_though_their_median_is_zero(expect: str) -> None:
    """15 ties and 6 differences above 0: the pseudomedian is 0, and the ranks are not in doubt."""
    the_study = study([FINAL | {"expect": expect, "measure": {"kind": "rise"}, "margin": 0.0}])
    ((paired,),) = [sample_of_differences(np.array([[*[0.0] * 15, 1, 1, 1, 2, 2, 3]]))]
    unpaired = replace(
        paired,
        a=np.full(20, 20.0),
        b=np.array([*[20.0] * 14, 12, 13, 14, 15, 16, 17]),
        is_paired=False,
    )
    for one, procedure in ((paired, SignedRank), (unpaired, RankSum)):
        (found,) = decide_samples(the_study, [[one]], procedure=procedure, family=1)
        assert (found.effect, found.p_adjusted < 0.05) == (0.0, True)
        assert found.outcome == ("supported" if expect == "greater" else "contradicted")


def test_sensitivity_puts_the_same_question() -> None:
    """TOST beside TOST: the t oracle is `paired_t_tost`."""
    found = differences(UNSURE, FINAL | {"expect": "equivalent", "margin": 0.05})
    oracle = paired_t_tost(UNSURE, -0.05, 0.05)
    assert found.sensitivity["paired t"].p == pytest.approx(oracle.p)
    assert list(found.sensitivity) == ["paired t", "Wilcoxon signed-rank"]


def test_a_cut_keeps_times_from_being_equal_and_says_so() -> None:
    result = verdict(reaching([5, 6, 7, 8, 9, None], [5, 6, 7, 8, 9, None]), TARGET)
    assert result.outcome == "inconclusive"
    assert any("some trials never got there" in notice for notice in result.notices)


def test_only_claims_that_were_bound_are_confirmatory() -> None:
    the_study = study([FINAL, FINAL, FINAL])
    curves = finals(by_index([0.9, 0.8]), by_index([0.7, 0.5]))
    bound = {"c0": True, "c1": False}
    results = decide(the_study, side_values(the_study, curves), confirmatory=bound)
    assert [result.confirmatory for result in results] == [True, False, False]


def test_a_larger_family_needs_more_replicates() -> None:
    the_study = study([FINAL])
    steps = [0.02, -0.01, 0.03, -0.02, 0.01, 0.02, -0.02, 0.03]
    curves = finals(by_index(steps), dict.fromkeys(range(8), 0.0))
    values = side_values(the_study, curves)
    needed = [
        decide(the_study, values, confirmatory={}, withdrawn=count)[0].replicates_needed
        for count in (0, 5, 40)
    ]
    assert None not in needed
    assert needed == sorted(set(needed))


def test_sides_are_named_with_their_epochs() -> None:
    claim = {
        "measure": {"kind": "at_epoch", "metric": "val_accuracy"},
        "compare": ["a", "a"],
        "at_epochs": [1, "last"],
        "expect": "greater",
        "margin": 0.01,
    }
    assert side_names(study([claim]).claims[0]) == ("a (epoch 1)", "a (last epoch)")
    assert side_names(study([FINAL]).claims[0]) == ("a", "b")


def test_binary_noise_is_no_difference() -> None:
    """D6: six times 0.1 + 0.2 against 0.3 would be significant with p = 0.031."""
    result = verdict(finals(by_index([0.1 + 0.2] * 6), by_index([0.3] * 6)))
    assert (result.test.p, result.effect) == (1.0, 0.0)
    assert "results identical - are the arms the same?" in result.notices


def test_noise_of_distances_is_no_difference_of_spread() -> None:
    """D6: 0.3 - 0.2 and 0.2 - 0.1 are not the same in binary."""
    claim = {**FINAL, "statistic": "spread", "margin": 0.0}
    a, b = by_index([0.1, 0.3] * 4), by_index([0.4, 0.6] * 4)
    result = verdict(finals(a, b), claim)
    assert (result.test.p, result.effect) == (1.0, 0.0)


def test_two_replicates_show_no_spread_however_many_stand_against_them() -> None:
    """Both are as far from their median, so their distances look as if they never varied."""
    claim = {**FINAL, "statistic": "spread", "expect": "different", "margin": 0.0}
    many = (0.5 + 0.01 * np.random.default_rng(0).normal(size=30)).tolist()
    result = verdict(finals(by_index([0.5, 0.501]), by_index(many)), claim, is_paired=False)
    assert (result.outcome, result.reason) == ("inconclusive", "2 replicates cannot show a spread")
    assert math.isnan(result.p_adjusted)


@pytest.mark.parametrize(("many", "is_told"), [(16, True), (15, False)])
def test_few_trials_against_many_seem_to_spread_less(many: int, is_told: bool) -> None:
    claim = {**FINAL, "statistic": "spread", "expect": "different", "margin": 0.0}
    rng = np.random.default_rng(0)
    a, b = (by_index(rng.normal(0.5, 0.01, n).tolist()) for n in (4, many))
    notices = verdict(finals(a, b), claim, is_paired=False).notices
    assert any("few trials against many" in notice for notice in notices) is is_told
    plain = verdict(finals(a, b), is_paired=False)
    assert not any("few trials against many" in notice for notice in plain.notices)


@pytest.mark.parametrize("is_paired", [True, False])
def test_replicates_that_lack_an_arm_of_a_side_are_named(is_paired: bool) -> None:
    """Nothing is left out without a word, not even where both sides lack the same replicate."""
    the_study = study([{**FINAL, "compare": ["x-*", "y-*"]}], arms=FOUR_ARMS)
    curves = {
        (name, r): Curve(np.array([1]), {"val_accuracy": np.array([0.5 + r / 100])}, budget=1)
        for name in FOUR_ARMS
        for r in range(8)
    }
    del curves["x-2", 3], curves["y-1", 3], curves["x-1", 5]
    values = side_values(the_study, curves)
    result = decide(the_study, values, confirmatory={}, is_paired=is_paired)[0]
    assert result.notices[:2] == (
        "2 replicates of x-* left out, an arm is missing: 3, 5",
        "1 replicate of y-* left out, an arm is missing: 3",
    )
    assert result.n == 6


UP = [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09]
UNSURE = [0.02, -0.01, 0.03, -0.02, 0.01, 0.02, -0.02, 0.03]


def test_replicates_needed_are_those_of_a_study_with_as_many_looks() -> None:
    """At the level of the last look, as `bench plan` counts them."""
    the_study = study([FINAL])
    values = side_values(the_study, finals(by_index(UNSURE), dict.fromkeys(range(8), 0.0)))
    looks = [Look((4, 6, 8), place, "lan-demets-pocock") for place in range(3)]
    (found,) = decide(the_study, values, confirmatory={}, looks=looks)
    assert found.outcome == "inconclusive"
    assert found.replicates_needed == replicates_needed(UNSURE, 0.005, looks[2].level(0.05))
    assert found.replicates_needed != replicates_needed(UNSURE, 0.005, 0.05)


def test_the_look_that_decides_decides_for_good() -> None:
    """At its own level, by the replicates it had, whatever the last two would say."""
    the_study = study([FINAL])
    values = side_values(
        the_study, finals(by_index([*UP, -5.0, -5.0]), dict.fromkeys(range(10), 0.0))
    )
    looks = [Look((4, 8, 10), place, "lan-demets-pocock") for place in range(3)]
    early, kept, last = (
        row[0] for row in decide_by_look(the_study, values, confirmatory={}, looks=looks)
    )
    assert (early.outcome, early.n, early.look) == ("inconclusive", 4, looks[0])
    assert (kept.outcome, kept.n, kept.look) == ("supported", 8, looks[1])
    assert last == kept == decide(the_study, values, confirmatory={}, looks=looks)[0]
    assert kept.level == looks[1].level(0.05)
    assert kept.level < 0.05
    assert kept.interval == sign_flip_interval(UP, level=1 - kept.level)
    assert kept.equivalence_interval.level == 1 - 2 * kept.level
    assert kept.p_adjusted == kept.overall_p(kept.test.p) == looks[1].repeated_p(2 / 2**8)
    plain = differences(UP)
    assert (plain.level, plain.overall_p(0.02), plain.look) == (0.05, 0.02, None)


def test_a_study_is_decided_when_each_of_its_claims_is() -> None:
    decided, open_ = differences(UP), differences(UNSURE)
    assert all_decided([decided, decided])
    assert not all_decided([decided, open_])
    assert not all_decided([])


def test_samples_at_hand_are_decided_as_their_values_are() -> None:
    """The rule alone: the same numbers, without what stands beside a verdict."""
    claims = [FINAL, {**FINAL, "expect": "less"}, TARGET]
    the_study = study(claims)
    curves = finals(by_index(UP), dict.fromkeys(range(8), 0.0))
    values = side_values(the_study, curves)
    whole = decide(the_study, values, confirmatory={}, withdrawn=2)
    bare = decide_samples(
        the_study, samples_by_look(the_study, values), procedure=SignFlip, family=5
    )
    for one, other in zip(whole, bare, strict=True):
        assert other.outcome == one.outcome
        assert other.interval == one.interval
        assert other.p_adjusted == pytest.approx(one.p_adjusted, nan_ok=True)
        assert (other.sensitivity, other.effect_sizes, other.confirmatory) == ({}, {}, True)
    assert [v.outcome for v in bare] == ["supported", "contradicted", "inconclusive"]
    assert bare[0].p_adjusted == 5 * 2 / 2**8
    assert bare[2].reason == "not testable: 0/16 reached the target within 1 epoch"


def test_samples_that_are_not_pairs_are_decided_look_by_look() -> None:
    the_study = study([FINAL])
    curves = finals(by_index([*UP, -5.0, -5.0]), dict.fromkeys(range(10), 0.0))
    values = side_values(the_study, curves)
    looks = [Look((8, 10), place, "lan-demets-obf") for place in range(2)]
    samples = samples_by_look(the_study, values, is_paired=False, looks=looks)
    assert [len(sample.a) for (sample,) in samples] == [8, 10]
    (bare,) = decide_samples(the_study, samples, procedure=Relabeling, family=1, looks=looks)
    whole = decide(the_study, values, confirmatory={}, is_paired=False, looks=looks)[0]
    assert (bare.is_paired, bare.look, bare.alpha) == (False, looks[0], 0.05)
    assert (bare.outcome, bare.test, bare.interval) == (whole.outcome, whole.test, whole.interval)


def test_a_claim_put_in_another_way_takes_its_place_in_the_family() -> None:
    the_study = study([FINAL])
    curves = finals(by_index(UP), dict.fromkeys(range(8), 0.0))
    values = side_values(the_study, curves)
    standing = decide(the_study, values, confirmatory={"c0": True})[0]
    sample = samples_by_look(the_study, values)[0][0]
    others = [0.001, math.nan]
    fresh = redecided(standing, standing.claim, sample, procedure=PairedT, others=others, family=4)
    assert fresh.test.method == "paired t test"
    assert fresh.p_adjusted == holm([fresh.test.p, *others], family_size=4)[0] != fresh.test.p
    assert (fresh.outcome, fresh.confirmatory, fresh.alpha) == ("supported", True, 0.05)
    wide = standing.claim.model_copy(update={"margin": 0.2})
    asked = redecided(standing, wide, sample, procedure=SignFlip, others=[], family=1)
    assert asked.outcome == "practically equal"
    lost = redecided(
        standing,
        wide,
        samples_by_look(study([TARGET]), side_values(study([TARGET]), curves))[0][0],
        procedure=SignFlip,
        others=[],
        family=1,
    )
    assert (lost.outcome, math.isnan(lost.p_adjusted)) == ("inconclusive", True)


@pytest.mark.parametrize(("withdrawn", "outcome"), [(5, "contradicted"), (6, "inconclusive")])
def test_beyond_the_margin_takes_the_whole_family(withdrawn: int, outcome: str) -> None:
    """2/256 times 6 claims is at most 0.05, times 7 it is not."""
    the_study = study([FINAL | {"expect": "equivalent"}])
    values = side_values(the_study, finals(by_index(UP), dict.fromkeys(range(8), 0.0)))
    result = decide(the_study, values, confirmatory={}, withdrawn=withdrawn)[0]
    assert result.beyond is not None
    assert result.beyond.p == 2 / 256
    assert result.p_beyond == pytest.approx((withdrawn + 1) * 2 / 256)
    assert result.outcome == outcome


def test_unpaired_trials_take_the_permutation_of_labels() -> None:
    a, b = [0.91, 0.93, 0.95, 0.97, 0.99], [0.80, 0.81, 0.82, 0.85]
    result = verdict(finals(by_index(a), by_index(b)), is_paired=False)
    assert result.test == permutation_test(a, b)
    assert result.interval == permutation_interval(a, b)
    assert result.equivalence_interval == permutation_interval(a, b, level=0.9, equal_tailed=True)
    assert (result.n, result.is_paired) == (4, False)
    assert [side.n for side in result.sides] == [5, 4]
    assert list(result.sensitivity) == ["Welch t", "Mann-Whitney", "Brunner-Munzel"]


def test_only_an_open_verdict_asks_for_more_replicates() -> None:
    open_ = differences(UNSURE)
    assert open_.outcome == "inconclusive"
    assert open_.replicates_needed == replicates_needed(UNSURE, 0.005, 0.05, 0.8)
    assert differences(UP).replicates_needed is None


def test_times_known_to_an_interval_are_tried_at_their_earlier_end() -> None:
    """Evaluated every fifth epoch: reached by 10, at 6 the earliest; the other arm at 7."""
    sparse = {
        ("a", r): Curve(
            np.array([5, 10, 15, 20]), {"val_accuracy": np.array([0.0, 1, 1, 1])}, budget=20
        )
        for r in range(6)
    }
    every = {key: curve for key, curve in reaching([], [7] * 6).items() if key[0] == "b"}
    result = verdict({**sparse, **every}, TARGET)
    assert (result.effect, result.outcome) == (3.0, "supported")
    earliest = result.sensitivity["the deciding test, at the earliest times"]
    assert earliest == sign_flip_test([-1.0] * 6)


def test_sides_of_differences_are_named_as_differences() -> None:
    """A claim with ``beyond`` compares two differences, at the epochs of its own pair."""
    claim = study([FINAL]).claims[0].model_copy(update={"beyond": ["c", "d"]})
    assert side_names(claim) == ("a − b", "c − d")
    at = claim.model_copy(update={"at_epochs": [1, "last"]})
    assert side_names(at) == ("a (epoch 1) − b (last epoch)", "c (epoch 1) − d (last epoch)")


def test_why_a_cut_leaves_the_question_open() -> None:
    result = verdict(reaching([5, 6, 7, 8, 9, None], [5, 6, 7, 8, 9, None]), TARGET)
    assert result.notices[-1] == (
        "the sides are alike as far as they were watched, but some trials never got there: how "
        "much longer they would have needed is not known"
    )
