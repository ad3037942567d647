"""Group-sequential studies: what may be declared, what a look decides, and how often it errs."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.procedures import SignFlip
from harness.prose.nuance_words import nuances, what_would_change
from harness.prose.words import verdict_sentence
from harness.protocol import pilot_protocol, protocol, standing
from harness.report.exports import stopping_document
from harness.report.stopping_section import section_of
from harness.results import Results
from harness.samples import Sample, side_values
from harness.stopping import declared_looks, looks_reached, powerless_looks
from harness.study import Study
from harness.study_file import load_study
from harness.study_problems import StudyError
from harness.verdicts import Verdict, all_decided, decide, decide_by_look, decide_samples
from tests.report.invented import CLAIMS, make_results
from tests.test_verdicts import finals, sample_of_differences

LOOKS = {"rule": "group-sequential", "looks": [4, 6, 8]}
CLAIM = {"measure": {"kind": "final"}, "expect": "greater", "margin": 0.0}
TO_TARGET = {"kind": "epochs_to", "target": 0.9}


def study(claims: int = 1, *, alpha: float = 0.2, stopping: Any = LOOKS, **claim: Any) -> Study:
    arm = {"architecture": "linear", "optimizer": "sgd"}
    stopping = {**stopping}
    replicates = stopping["looks"][-1] if "looks" in stopping else 8
    return Study.model_validate(
        {
            "study": {"name": "t", "question": "?", "replicates": replicates, "alpha": alpha},
            "data": {"name": "digits"},
            "arms": [{"name": "a", **arm}, {"name": "b", **arm}],
            "claims": [
                {"id": f"c{i}", "says": "…", "compare": ["a", "b"], **CLAIM, **claim}
                for i in range(claims)
            ],
            "stopping": stopping,
        }
    )


def file(folder: Path, stopping: str, replicates: str = "replicates = 20") -> Path:
    text = f"""
[study]
name = "looks"
question = "?"
{replicates}

[data]
name = "digits"

[[arms]]
name = "a"
architecture = "linear"
optimizer = "sgd"

[[arms]]
name = "b"
architecture = "mlp"
optimizer = "sgd"

[[claims]]
id = "c"
says = "…"
compare = ["a", "b"]
measure = {{ kind = "final" }}
expect = "greater"
margin = 0.01

{stopping}
"""
    path = folder / "looks.toml"
    path.write_text(text, encoding="utf-8")
    return path


SEQUENTIAL = '[stopping]\nrule = "group-sequential"\n'


class TestDeclaring:
    """The ``[stopping]`` section."""

    @pytest.mark.parametrize(
        ("stopping", "expected"),
        [
            (SEQUENTIAL, 'stopping: rule "group-sequential" needs looks'),
            (f"{SEQUENTIAL}looks = [20]", "stopping.looks: [20] is no sequence of looks: give at"),
            (f"{SEQUENTIAL}looks = [12, 8, 20]", "[12, 8, 20] must ascend; write [8, 12, 20]"),
            (f"{SEQUENTIAL}looks = [8, 8, 20]", "must ascend; write [8, 20]"),
            (f"{SEQUENTIAL}looks = [0, 20]", "stopping.looks[1]: 0 must be at least 1"),
            (
                f"{SEQUENTIAL}looks = [8, 12]",
                "stopping.looks: the last look, 12, must be all 20 replicates: end with 20, or "
                "study.replicates = 12",
            ),
            ("[stopping]\nlooks = [8, 20]", 'stopping: rule "fixed" looks once, at the end'),
            (f'{SEQUENTIAL}looks = [8, 20]\nspending = "pockok"', "'pockok' is not allowed"),
            (f"{SEQUENTIAL}look = [8, 20]", 'did you mean "looks"'),
        ],
    )
    def test_a_mistake_is_named_with_its_key_and_the_way_out(
        self, tmp_path: Path, stopping: str, expected: str
    ) -> None:
        with pytest.raises(StudyError) as caught:
            load_study(file(tmp_path, stopping))
        assert expected in str(caught.value)

    def test_looks_count_along_the_list_of_seeds(self, tmp_path: Path) -> None:
        seeds = "seeds = [9, 3, 7, 5, 1, 8, 2]"
        good = load_study(file(tmp_path, f"{SEQUENTIAL}looks = [4, 7]", seeds)).study
        assert [look.count for look in declared_looks(good)] == [4, 7]
        attempted = {(arm, seed) for arm in "ab" for seed in (9, 3, 7, 5)}
        assert [look.count for look in looks_reached(good, attempted)] == [4]
        with pytest.raises(StudyError, match="or list 9 seeds, to whose order looks refers"):
            load_study(file(tmp_path, f"{SEQUENTIAL}looks = [4, 9]", seeds))

    def test_a_profile_may_go_back_to_one_look(self, tmp_path: Path) -> None:
        small = '[profiles.smoke]\nstudy.replicates = 6\nstopping.rule = "fixed"'
        path = file(tmp_path, f"{SEQUENTIAL}looks = [8, 20]\n{small}")
        assert [look.count for look in declared_looks(load_study(path, "smoke").study)] == [6]

    def test_looks_that_can_decide_nothing_are_told_before_training(self, tmp_path: Path) -> None:
        """D3, at a look: 6 pairs reach 0.031, which O'Brien and Fleming's first look refuses."""
        warnings = load_study(file(tmp_path, f"{SEQUENTIAL}looks = [6, 14, 20]")).warnings
        assert len(warnings) == 1
        assert "at the look at 6 replicates no difference can be called real" in warnings[0]
        assert "the smallest p of 6 pairs is 0.031" in warnings[0]
        assert "one at 10 could" in warnings[0]
        pocock = f'{SEQUENTIAL}looks = [8, 14, 20]\nspending = "pocock"'
        assert load_study(file(tmp_path, pocock)).warnings == ()
        late = load_study(file(tmp_path, f"{SEQUENTIAL}looks = [8, 9, 20]")).warnings
        assert 'with spending = "pocock" it could' in late[0]

    @pytest.mark.parametrize(("claims", "can_find"), [(1, True), (2, False)])
    def test_a_look_can_decide_what_drawn_sign_flips_can_reach(
        self, claims: int, can_find: bool
    ) -> None:
        """D4: 24 pairs could reach 1e-7, but the p of 99,999 random sign flips ends at 1e-5."""
        the_study = study(claims, alpha=0.05, stopping={**LOOKS, "looks": [24, 48, 72, 96]})
        look = declared_looks(the_study)[0]
        samples = sample_of_differences(np.tile(np.arange(1.0, 25.0), (claims, 1)))
        decided = decide_samples(
            the_study, [samples], procedure=SignFlip, family=claims, looks=[look]
        )
        assert look.can_find_a_difference(claims, 0.05) is can_find
        assert all(verdict.is_decided is can_find for verdict in decided)
        assert (list(powerless_looks(the_study)) == []) is can_find

    def test_a_last_look_out_of_reach_is_told(self, tmp_path: Path) -> None:
        """D3: six pairs are enough at one look, but not at the last of two."""
        short = load_study(file(tmp_path, f"{SEQUENTIAL}looks = [3, 5]", "replicates = 5"))
        assert any("need" in text and "this study has 5" in text for text in short.warnings)


class TestBinding:
    """The looks are bound with the first trial."""

    @pytest.mark.parametrize(
        "change",
        [
            {"looks": [4, 8]},
            {"looks": [4, 7, 8]},
            {"spending": "pocock"},
        ],
    )
    def test_looks_changed_after_the_data_make_claims_exploratory(
        self, change: dict[str, Any]
    ) -> None:
        later = study(stopping={**LOOKS, **change})
        registered = protocol(study(), {})
        assert standing(study(), registered, {}).confirmatory == {"c0": True}
        assert standing(later, registered, {}).confirmatory == {"c0": False}
        assert "stopping changed" in standing(later, registered, {}).notices[0]

    def test_looks_added_after_the_data_make_claims_exploratory(self) -> None:
        registered = protocol(study(stopping={"rule": "fixed"}), {})
        assert "stopping" not in registered["shared"]
        assert standing(study(), registered, {}).confirmatory == {"c0": False}
        assert "stopping changed" in standing(study(), registered, {}).notices[0]

    def test_a_pilot_leaves_only_replicates_and_looks_open(self) -> None:
        registered = pilot_protocol(study(stopping={"rule": "fixed"}), {})
        assert standing(study(), registered, {}).confirmatory == {"c0": True}
        assert standing(study(), registered, {}).notices == ()
        assert standing(study(margin=0.01), registered, {}).confirmatory == {"c0": False}
        assert standing(study(alpha=0.1), registered, {}).confirmatory == {"c0": False}


def test_a_look_is_reached_when_all_its_trials_were_attempted() -> None:
    the_study = study()
    attempted = {(arm, replicate) for arm in "ab" for replicate in range(6)}
    assert [look.count for look in looks_reached(the_study, attempted)] == [4, 6]
    assert [look.count for look in looks_reached(the_study, attempted - {("b", 2)})] == []
    assert looks_reached(study(stopping={"rule": "fixed"}), attempted) == []


def verdicts_by_look(
    differences: list[float], the_study: Study, looks: int = 3
) -> list[list[Verdict]]:
    curves = finals(
        {r: 0.5 + d for r, d in enumerate(differences)}, dict.fromkeys(range(len(differences)), 0.5)
    )
    return decide_by_look(
        the_study,
        side_values(the_study, curves),
        confirmatory={"c0": True},
        looks=declared_looks(the_study)[:looks],
    )


class TestDeciding:
    """The rule, look by look."""

    def test_a_claim_keeps_the_verdict_that_decided_it(self) -> None:
        up = [0.1, 0.11, 0.12, 0.13, 0.14, 0.15]
        stages = verdicts_by_look([*up, -0.4, -0.4], study())
        assert [row[0].outcome for row in stages] == ["inconclusive", "supported", "supported"]
        kept = stages[-1][0]
        assert (kept.n, kept.look.count if kept.look else 0) == (6, 6)
        assert kept.effect == pytest.approx(0.125)
        assert kept.test.p == 0.03125
        assert all_decided(stages[1])
        assert "Decided at the look at 6 of at most 8 replicates." in nuances(kept)
        assert "6 pairs" in verdict_sentence(kept)

    def test_intervals_and_p_at_a_look_never_disagree(self) -> None:
        rng = np.random.default_rng(5)
        for _ in range(60):
            differences = np.round(rng.normal(0.02, 0.03, 8), 3).tolist()
            for row in verdicts_by_look(differences, study(alpha=0.4)):
                verdict = row[0]
                excludes = not verdict.interval.low <= 0 <= verdict.interval.high
                assert excludes == (verdict.test.p <= verdict.level)
                assert excludes == (verdict.p_adjusted <= 0.4)

    def test_practical_equality_takes_the_level_of_its_look(self) -> None:
        """The interval held against the margin has the confidence 1 - 2 x the look's level."""
        values = [0.004, -0.003, 0.002, -0.002, 0.003, -0.004, 0.001, -0.001]
        for claim in ({"margin": 0.01}, {"margin": 0.01, "expect": "equivalent"}):
            stages = verdicts_by_look(values, study(**claim))
            assert [row[0].outcome for row in stages] == [
                "inconclusive",
                "practically equal",
                "practically equal",
            ]
            for row in stages[:2]:
                expected = 1 - 2 * row[0].level
                assert row[0].equivalence_interval.level == pytest.approx(expected)

    def test_one_declared_look_is_the_fixed_rule(self) -> None:
        the_study = study(3, stopping={"rule": "fixed"})
        curves = finals({r: 0.5 + 0.01 * (r + 1) for r in range(8)}, dict.fromkeys(range(8), 0.5))
        values = side_values(the_study, curves)
        plain = decide(the_study, values, confirmatory={})
        looked = decide(the_study, values, confirmatory={}, looks=declared_looks(the_study))
        assert [replace(v, look=None) for v in looked] == plain

    def test_a_look_without_one_arm_of_a_side_has_no_mean(self) -> None:
        """An arm whose early trials all failed: the side's other arm does not stand for both."""
        the_study = study(stopping={**LOOKS, "spending": "pocock"}, compare=["a*", "b"])
        arms = [*the_study.arms, the_study.arms[0].model_copy(update={"name": "a2"})]
        the_study = the_study.model_copy(update={"arms": arms})
        curves = finals(dict.fromkeys(range(8), 0.9), dict.fromkeys(range(8), 0.5))
        curves |= {("a2", r): curves["b", r] for r in range(6, 8)}
        first, _, last = decide_by_look(
            the_study,
            side_values(the_study, curves),
            confirmatory={},
            looks=declared_looks(the_study),
        )
        assert first[0].reason == "no finished trials to compare"
        assert (last[0].n, last[0].effect) == (2, pytest.approx(0.2))

    def test_a_rejection_that_decided_nothing_is_not_carried_along(self) -> None:
        """Alike within the margin but cut at the first look, unlike at random at the second."""
        steady, shaky = [0.3] * 8, [0.3] * 8 + [-9.0, 9.0, -9.0, 9.0, -9.0, 9.0, -9.0, 9.0]
        stopping = {"rule": "group-sequential", "looks": [8, 16], "spending": "pocock"}
        the_study = study(margin=1.0, stopping=stopping, measure=TO_TARGET)
        looks = declared_looks(the_study)
        samples = [[cut_sample(np.array(d))] for d in (steady, shaky)]
        first = decide_samples(
            the_study, samples[:1], procedure=SignFlip, family=1, looks=looks[:1]
        )[0]
        assert first.p_adjusted <= first.alpha
        assert first.outcome == "inconclusive"
        last = decide_samples(the_study, samples, procedure=SignFlip, family=1, looks=looks)[0]
        assert last.interval.low < 0 < last.interval.high
        assert last.outcome == "inconclusive"
        assert last.p_adjusted > last.alpha

    def test_what_is_still_open_says_what_comes_next(self) -> None:
        open_ = verdicts_by_look([0.1, -0.1, 0.1, -0.1], study(margin=0.02), looks=1)[0][0]
        assert "The next look is at 6 replicates." in nuances(open_)
        priced = replace(open_, replicate_seconds=60.0, replicates_needed=16)
        assert "16 replicates would be needed, 12 more than now (12 minutes of training)" in (
            what_would_change(priced)
        )


def sample_from(differences: np.ndarray) -> Sample:
    n = len(differences)
    known = np.ones(n, dtype=bool)
    ids = tuple(range(n))
    return Sample(
        differences, np.zeros(n), known, known, None, (), None, (ids, ids), is_paired=True
    )


def cut_sample(differences: np.ndarray) -> Sample:
    """Times of which the first was cut at the horizon in both arms."""
    reached = np.arange(len(differences)) > 0
    return replace(sample_from(differences), reached_a=reached, reached_b=reached, horizon=20.0)


def outcomes(the_study: Study, differences: np.ndarray) -> list[Verdict]:
    """The product's rule on paired differences of shape (claims, replicates)."""
    looks = declared_looks(the_study)
    samples = [[sample_from(d[: look.count]) for d in differences] for look in looks]
    return decide_samples(
        the_study, samples, procedure=SignFlip, family=len(the_study.claims), looks=looks
    )


def family_error(the_study: Study, studies: int) -> tuple[float, float]:
    """Share of studies without any difference that find one, and its upper tolerance."""
    rng = np.random.default_rng(17)
    shape = (len(the_study.claims), the_study.study.replicates)
    wrong = sum(
        any(v.is_decided for v in outcomes(the_study, rng.standard_normal(shape)))
        for _ in range(studies)
    )
    alpha = the_study.study.alpha
    return wrong / studies, alpha + 3 * math.sqrt(alpha * (1 - alpha) / studies)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_looking_three_times_keeps_the_family_wise_error(spending: str) -> None:
    """Two claims without a difference; unadjusted, they would be found in a third of studies."""
    the_study = study(2, stopping={**LOOKS, "spending": spending})
    error, most = family_error(the_study, 1_000)
    assert error <= most
    assert error > 0.02


@pytest.mark.slow
@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("claims", [1, 3])
def test_error_at_realistic_looks(claims: int, spending: str) -> None:
    looks = {"rule": "group-sequential", "looks": [8, 10, 12], "spending": spending}
    error, most = family_error(study(claims, alpha=0.05, stopping=looks), 3_000)
    assert error <= most


def test_a_difference_of_the_margin_is_rarely_called_equal() -> None:
    """The test of practical equality errs at most as often as alpha says, over all looks."""
    the_study = study(alpha=0.1, margin=0.5)
    rng = np.random.default_rng(23)
    equal = sum(
        outcomes(the_study, rng.normal(0.5, 0.25, (1, 8)))[0].outcome == "practically equal"
        for _ in range(1_000)
    )
    assert equal / 1_000 <= 0.1 + 3 * math.sqrt(0.09 / 1_000)


def test_large_effects_stop_early() -> None:
    """Two standard deviations: most studies need fewer than the 12 replicates of a fixed one."""
    looks = {"rule": "group-sequential", "looks": [7, 9, 12], "spending": "pocock"}
    the_study = study(alpha=0.05, stopping=looks)
    rng = np.random.default_rng(29)
    used = []
    for _ in range(100):
        verdict = outcomes(the_study, rng.normal(2.0, 1.0, (1, 12)))[0]
        used.append(verdict.look.count if verdict.look else 12)
    assert np.mean(used) < 0.75 * 12


def sequential_results(folder: Path, looks: int) -> Results:
    stopping = '[stopping]\nrule = "group-sequential"\nlooks = [9, 12, 20]\nspending = "pocock"\n'
    chosen = "[[claims]]".join(CLAIMS.split("[[claims]]")[:6])
    results = make_results(folder, replicates=20, claims=chosen, extra=stopping)
    by_look = decide_by_look(
        results.loaded.study,
        results.values,
        confirmatory={claim.id: True for claim in results.loaded.study.claims},
        looks=declared_looks(results.loaded.study)[:looks],
    )
    verdicts = by_look[-1] if by_look else results.verdicts
    return replace(results, verdicts=verdicts, by_look=by_look if looks else ())


class TestSection:
    """What the report says about the looks."""

    def test_the_looks_the_boundary_and_what_was_spent(self, tmp_path: Path) -> None:
        results = sequential_results(tmp_path, 2)
        section = section_of(results)
        assert section is not None
        decided = sum(v.is_decided for v in results.verdicts)
        assert (
            f"It stands at look 2 of 3, after 12 replicates: {decided} of 5 claims decided"
            in (section.lead[1])
        )
        looks, claims = section.tables
        assert [row[:3] for row in looks.rows] == [
            ["1", "9", "45 %"],
            ["2", "12", "60 %"],
            ["3", "20", "100 %"],
        ]
        spent = [float(row[5]) for row in looks.rows]
        expected = [0.05 * math.log(1 + (math.e - 1) * t) for t in (0.45, 0.6, 1.0)]
        assert spent == pytest.approx(expected, abs=6e-5)
        assert looks.rows[2][6] == "not taken"
        assert len(claims.rows) == sum(
            v.look is not None and v.look.place == k
            for k, row in enumerate(results.by_look)
            for v in row
        )
        assert "slower-to-target" in section.figures[0].svg
        assert section.figures[0].data == "looks.csv"
        rows = pd.read_csv(io.StringIO(section.files["looks.csv"]))
        assert rows["replicates"].tolist() == [int(row[0]) for row in claims.rows]
        assert rows["claim"].tolist() == [row[1] for row in claims.rows]
        assert (rows["boundary_first_claim"] < rows["boundary_last_claim"]).all()

    def test_the_document_names_what_each_look_decided(self, tmp_path: Path) -> None:
        results = sequential_results(tmp_path, 3)
        document = stopping_document(results)
        decided = [claim for look in document["looks"] for claim in look["decided"]]
        assert sorted(decided) == sorted(v.claim.id for v in results.verdicts if v.is_decided)
        assert [look["taken"] for look in document["looks"]] == [True] * 3
        assert document["looks"][-1]["alpha_spent"] == pytest.approx(0.05)

    def test_before_the_first_look_there_is_only_the_plan(self, tmp_path: Path) -> None:
        section = section_of(sequential_results(tmp_path, 0))
        assert section is not None
        assert "The first look, at 9 replicates, is not reached yet." in section.lead
        assert section.figures == []

    def test_a_fixed_study_has_no_such_section(self, results_of_one_look: Results) -> None:
        assert section_of(results_of_one_look) is None
        assert stopping_document(results_of_one_look) == {"rule": "fixed"}

    @pytest.fixture
    def results_of_one_look(self, tmp_path: Path) -> Results:
        return make_results(tmp_path)
