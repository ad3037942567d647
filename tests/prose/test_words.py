"""Prose made from verdicts: true to the numbers, singular and plural, no statistics needed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.measure_kinds import MEASURES
from harness.measures import Measured
from harness.prose import answer_words, nuance_words, words
from harness.prose.phrases import compared, subject
from harness.samples import SideValue
from harness.study import Study
from harness.verdicts import Verdict, decide

PLATEAU = {"kind": "epochs_to_plateau", "within": 0.005}
FINAL = {"kind": "final", "metric": "val_accuracy"}
REACH = {"kind": "epochs_to", "target": 0.98}


def make_study(*claims: dict[str, Any]) -> Study:
    arms = [
        {"name": name, "architecture": "mlp", "optimizer": "adadelta"} for name in ("cnn", "mlp")
    ]
    defaults = {"compare": ["cnn", "mlp"], "expect": "greater", "margin": 1.0, "says": "It is so."}
    rows = [{"id": f"c{i}", **defaults, **claim} for i, claim in enumerate(claims)]
    return Study.model_validate(
        {
            "study": {"name": "s", "question": "Is it so?"},
            "data": {"name": "digits"},
            "arms": arms,
            "claims": rows,
        }
    )


def side(claim: str, index: int, values: Sequence[float], late: Sequence[float]) -> list[SideValue]:
    """Values reached, then values at which the watching ended."""
    measured = [*(Measured(v) for v in values), *(Measured(v, True) for v in late)]
    arm = ("cnn", "mlp")[index]
    return [SideValue(claim, index, arm, r, m, False) for r, m in enumerate(measured)]


def judge(
    a: Sequence[float],
    b: Sequence[float],
    *,
    late: tuple[Sequence[float], Sequence[float]] = ((), ()),
    exploratory: bool = False,
    is_paired: bool = True,
    **claim: Any,
) -> Verdict:
    """The real verdict on one claim whose two sides have these values."""
    study = make_study({"measure": PLATEAU, **claim})
    values = [*side("c0", 0, a, late[0]), *side("c0", 1, b, late[1])]
    known = {"c0": not exploratory}
    return decide(study, values, confirmatory=known, is_paired=is_paired)[0]


SLOWER = ([9, 10, 12, 11, 9, 10, 12, 13, 11, 10], [7, 6, 8, 8, 6, 7, 8, 8, 7, 8])


def test_supported_claim_reads_as_a_sentence() -> None:
    verdict = judge(*SLOWER)
    assert words.verdict_sentence(verdict) == (
        "Supported: cnn needs 3.4 more epochs than mlp until its validation accuracy settles "
        "(95 % interval 2.7 to 4.0; adjusted p = 0.002; 10 pairs)."
    )


def test_contradicted_claim_tells_the_opposite() -> None:
    text = words.verdict_sentence(judge(*SLOWER, expect="less"))
    assert text.startswith("Contradicted: cnn needs 3.4 more epochs than mlp")


def test_accuracies_differ_in_points() -> None:
    a, b = [0.981, 0.983, 0.982, 0.984, 0.982, 0.983], [0.975, 0.974, 0.976, 0.975, 0.973, 0.974]
    text = words.verdict_sentence(judge(a, b, measure=FINAL, margin=0.002))
    assert text.startswith("Supported: final validation accuracy is 0.8 points higher with cnn")


def test_no_difference_found_is_never_called_equal() -> None:
    """D16: "not significant" is not "the same"."""
    a = [0.912, 0.890, 0.909, 0.889, 0.910]
    verdict = judge(a, [0.9] * 5, measure=FINAL, margin=0.005, expect="equivalent")
    text = words.verdict_sentence(verdict)
    assert text.startswith("Inconclusive: the data cannot tell whether the difference")
    assert "equal" not in text


def test_practically_equal_shows_the_interval_that_was_held_against_the_margin() -> None:
    """D15, the control case."""
    d = [0.001, -0.002, 0.003, 0.0, 0.002, -0.001, 0.001, -0.001]
    verdict = judge([0.9 + x for x in d], [0.9] * 8, measure=FINAL, margin=0.005)
    text = words.verdict_sentence(verdict)
    assert text.startswith(
        "Practically equal: the difference in final validation accuracy between cnn and mlp is "
        "smaller than 0.5 points"
    )
    assert "90 % interval" in text
    assert "for any difference" in text


def test_identical_arms_are_said_to_be_identical() -> None:
    """D1: p = 1, effect 0, and a note."""
    same = [0.91, 0.92, 0.93, 0.94, 0.95]
    verdict = judge(same, same, measure=FINAL, margin=0.0, expect="different")
    assert "no difference" in words.verdict_sentence(verdict)
    assert "p = 1;" in words.verdict_sentence(verdict)
    assert any("identical" in note for note in nuance_words.nuances(verdict))


def test_trials_that_never_got_there_are_counted() -> None:
    """D9: "3 of 5 reached it", the mean restricted to 20 epochs; never 6.0 against 10.0."""
    verdict = judge([5, 6, 7], [8, 9, 10, 11, 12], late=([20, 20], []), measure=REACH)
    assert verdict.effect == pytest.approx(1.6)
    notes = nuance_words.nuances(verdict)
    assert "Within 20 epochs, 3 of 5 cnn and 5 of 5 mlp trials got there." in notes
    assert any("the means end at that horizon" in note for note in notes)
    assert "3 of 5 cnn" in answer_words.headline(verdict)


def test_a_headline_begins_with_a_capital_unless_with_a_name() -> None:
    unclear = judge([5, 9, 7], [8, 6, 7], measure=PLATEAU)
    assert answer_words.headline(unclear).startswith("The data cannot tell whether cnn needs more")
    clear = judge([9.0] * 7, [5.0] * 7, measure=PLATEAU)
    assert answer_words.headline(clear).startswith("cnn needs 4.0 more epochs than mlp")


def test_what_groups_of_arms_reached_is_counted_in_replicates() -> None:
    """A replicate of a group is the mean over its arms, and not a trial."""
    verdict = judge([5, 6, 7], [8, 9, 10, 11, 12], late=([20, 20], []), measure=REACH)
    first, second = verdict.sides
    grouped = replace(
        verdict,
        claim=verdict.claim.model_copy(update={"compare": ("cnn-*", "mlp")}),
        sides=(replace(first, name="cnn-*"), second),
    )
    assert words.reached_words(grouped) == (
        "Within 20 epochs, 3 of 5 replicates of cnn-* and 5 of 5 replicates of mlp got there; a "
        "replicate of several arms did where all of them did."
    )


def test_nobody_reached_it() -> None:
    """D10: not testable, and no number that means nothing."""
    verdict = judge([], [], late=([20] * 5, [20] * 5), measure=REACH)
    assert words.verdict_sentence(verdict) == (
        "Inconclusive. Not testable: 0/10 reached the target within 20 epochs."
    )
    assert words.effect_words(verdict) == "not testable"
    assert nuance_words.what_would_change(verdict).startswith("More epochs")


def test_exploratory_claims_are_marked() -> None:
    verdict = judge(*SLOWER, exploratory=True)
    assert words.verdict_sentence(verdict).startswith("Supported (exploratory): ")
    assert any(note.startswith("Exploratory") for note in nuance_words.nuances(verdict))


def test_real_but_perhaps_too_small_to_matter() -> None:
    assert any(
        "may still be smaller" in note for note in nuance_words.nuances(judge(*SLOWER, margin=3.0))
    )
    assert any(
        "is below the margin" in note for note in nuance_words.nuances(judge(*SLOWER, margin=3.5))
    )
    assert nuance_words.nuances(judge(*SLOWER, margin=1.0)) == []


def test_luck_among_many_claims_is_explained() -> None:
    """The interval alone excludes zero, Holm over the family does not."""
    study = make_study(*({"measure": PLATEAU} for _ in range(3)))
    a, b = [9, 10, 12, 11, 9, 10], [7, 6, 8, 8, 6, 7]
    values = [v for i in range(3) for v in (*side(f"c{i}", 0, a, ()), *side(f"c{i}", 1, b, ()))]
    verdict = decide(study, values, confirmatory=dict.fromkeys(["c0", "c1", "c2"], True))[0]
    assert verdict.outcome == "inconclusive"
    assert any("may be luck" in note for note in nuance_words.nuances(verdict))


def test_luck_is_not_blamed_for_what_a_cut_withholds() -> None:
    """Alike within the margin, one trial cut: neither Holm nor more replicates have a say in it."""
    a = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    verdict = judge(a, [x - 1 for x in a], late=([20], [20]), measure=REACH, margin=5.0)
    assert (verdict.outcome, verdict.test.p, verdict.p_adjusted) == (
        "inconclusive",
        2 / 1024,
        2 / 1024,
    )
    assert not any("luck" in note for note in nuance_words.nuances(verdict))
    assert nuance_words.what_would_change(verdict).startswith("More epochs, until every trial")


def test_no_margin_makes_times_equal_that_are_not_known() -> None:
    a, b = [9, 10, 12, 11, 9, 10, 12, 13, 11], [7, 6, 8, 8, 6, 7, 8, 8, 7]
    verdict = judge(a, b, late=([20], []), measure=REACH)
    verdict = judge(a, [*b, 8], late=([20], []), measure=REACH)
    assert verdict.outcome == "supported"
    assert nuance_words.what_would_change(verdict).startswith("More epochs, until every trial")


def test_a_failed_equivalence_shows_the_p_that_decided_it() -> None:
    """Not that of equivalence, which is near 1 where the difference is plain."""
    verdict = judge(*SLOWER, expect="equivalent", margin=1.0)
    assert verdict.p_adjusted > 0.9
    assert words.verdict_sentence(verdict) == (
        "Contradicted: cnn needs 3.4 more epochs than mlp until its validation accuracy settles, "
        "which is beyond the margin of 1 epoch (95 % interval 2.7 to 4.0; adjusted p = 0.002 for a "
        "difference beyond the margin; 10 pairs)."
    )
    assert nuance_words.what_would_change(verdict) == (
        "It could count as practically equal only if no difference up to 4.0 epochs mattered."
    )


def test_a_shown_equivalence_tells_that_all_claims_are_adjusted() -> None:
    d = [0.001, -0.002, 0.003, 0.0, 0.002, -0.001, 0.001, -0.001]
    verdict = judge(
        [0.9 + x for x in d], [0.9] * 8, measure=FINAL, margin=0.005, expect="equivalent"
    )
    assert verdict.outcome == "practically equal"
    assert "perhaps not if somewhat larger ones did" in nuance_words.what_would_change(verdict)


def test_inconclusive_says_how_many_replicates_it_takes() -> None:
    a, b = [9, 7, 12, 6, 9, 10, 7, 13], [8, 8, 9, 8, 8, 7, 9, 9]
    verdict = judge(a, b)
    assert verdict.replicates_needed is not None
    text = nuance_words.what_would_change(verdict)
    assert text.startswith(f"About {verdict.replicates_needed} replicates would be needed, ")
    assert f"{verdict.replicates_needed - 8} more than now" in text


def test_five_pairs_that_agree_can_show_no_more() -> None:
    """D3: five pairs cannot reach 0.05."""
    verdict = judge([9] * 5, [7] * 5)
    assert verdict.outcome == "inconclusive"
    assert "95 % interval unbounded; adjusted p = 0.062" in words.verdict_sentence(verdict)
    assert any("cannot bound" in note for note in nuance_words.nuances(verdict))
    assert "All 5 pairs point the same way" in nuance_words.what_would_change(verdict)


def test_pairs_of_a_failed_equivalence_need_not_point_the_same_way() -> None:
    """The p of TOST may be 2 / 2^n although differences have both signs."""
    a = [0.9002, 0.8998, 0.9001, 0.8999, 0.9102]
    verdict = judge(a, [0.9] * 5, measure=FINAL, margin=0.01, expect="equivalent")
    assert (verdict.outcome, verdict.test.p) == ("inconclusive", 2 / 2**5)
    assert "point the same way" not in nuance_words.what_would_change(verdict)


def test_unpaired_comparisons_say_so() -> None:
    assert "; 10 against 10 trials, not paired)" in words.verdict_sentence(
        judge(*SLOWER, is_paired=False)
    )


def test_answer_is_made_from_the_claims_that_answer_the_question() -> None:
    study = make_study(
        {"measure": PLATEAU, "says": "The CNN is slower.", "answers_question": True},
        {"measure": PLATEAU, "says": "The CNN is faster.", "expect": "less"},
    )
    values = [
        v
        for i in range(2)
        for v in (*side(f"c{i}", 0, SLOWER[0], ()), *side(f"c{i}", 1, SLOWER[1], ()))
    ]
    verdicts = decide(study, values, confirmatory={"c0": True, "c1": True})
    text = answer_words.answer(verdicts)
    assert text.startswith("The claim that answers the question is supported: ")
    assert "“The CNN is slower.” Supported: cnn needs 3.4 more epochs" in text
    assert "faster" not in text
    assert answer_words.answer_lead(verdicts[1:]) == (
        f"The claim of this study is contradicted: {words.outcome_words('contradicted')}."
    )


def test_answer_counts_mixed_outcomes() -> None:
    one, other = judge(*SLOWER), judge(*SLOWER, expect="less")
    assert answer_words.answer_lead([one, other, one]) == (
        "It depends: of 3 claims of this study, 2 are supported and 1 is contradicted."
    )
    assert answer_words.answer_lead([one, one]) == ("Both claims of this study are supported.")
    assert answer_words.answer_lead([]).startswith("This study makes no claims")


KINDS = {
    "epochs_to": {"target": 0.98},
    "steps_to": {"target": 0.98},
    "seconds_to": {"target": 0.98, "sustain": 3},
    "epochs_to_plateau": {"within": 0.005},
    "epochs_to_fraction": {"fraction": 0.9},
    "at_epoch": {"epoch": 3},
    "rise": {"metric": "val_loss"},
}


@pytest.mark.parametrize("kind", sorted(MEASURES))
def test_every_measure_has_words(kind: str) -> None:
    """A new measure must not come out as its code name."""
    claim = make_study({"measure": {"kind": kind, **KINDS.get(kind, {})}, "margin": 0.1}).claims[0]
    told = compared(claim, ("cnn", "mlp"), "more", "3.4")
    assert "3.4" in told
    assert "than" in told
    for text in (subject(claim.measure), told):
        assert "_" not in text
        assert "{" not in text


def test_one_arm_at_two_epochs() -> None:
    verdict = judge(
        [0.3, 0.31, 0.32, 0.3, 0.33, 0.31],
        [0.2] * 6,
        compare=["mlp", "mlp"],
        at_epochs=["last", 5],
        measure={"kind": "at_epoch", "metric": "val_loss"},
        margin=0.0,
    )
    assert "the validation loss of mlp is 0.11 nats higher at its last epoch than at epoch 5" in (
        words.verdict_sentence(verdict)
    )


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.integers(1, 20), st.booleans()), min_size=1, max_size=8
    ),
    st.sampled_from(["greater", "less", "different", "equivalent"]),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_words_never_contradict_the_numbers(
    rows: list[tuple[int, int, bool]], expect: str, margin: float
) -> None:
    study = make_study({"measure": REACH, "expect": expect, "margin": margin})
    values = []
    for replicate, (a, b, late) in enumerate(rows):
        first = Measured(20.0, True) if late else Measured(float(a))
        values.append(SideValue("c0", 0, "cnn", replicate, first, False))
        values.append(SideValue("c0", 1, "mlp", replicate, Measured(float(b)), False))
    verdict = decide(study, values, confirmatory={"c0": True})[0]
    told = [words.verdict_sentence(verdict), nuance_words.what_would_change(verdict)]
    told += [
        answer_words.answer([verdict]),
        answer_words.headline(verdict),
        *nuance_words.nuances(verdict),
    ]
    text = " ".join(told)
    assert not re.search(r"\b(nan|inf|None)\b", text)
    assert told[0].startswith(verdict.outcome.capitalize())
    if verdict.outcome in {"supported", "contradicted"}:
        assert ("more epochs" in told[0]) == (verdict.effect > 0)
        assert ("fewer epochs" in told[0]) == (verdict.effect < 0)
    if not math.isnan(verdict.effect) and verdict.reason is None:
        assert words.effect_words(verdict).startswith(
            "+" if verdict.effect > 0 else "−" if verdict.effect < 0 else "0"
        )
