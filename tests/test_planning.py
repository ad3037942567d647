"""The plan: cost, what can be shown, and how many replicates each claim asks for."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.planning import plan_study, replicate_seconds
from harness.prose.nuance_words import what_would_change
from harness.prose.plan_words import need_words, plan_document, plan_lines
from harness.quantities import duration
from harness.report.exports import json_text
from harness.results import Results
from harness.stats import planning as formulas
from harness.study_file import load_study
from harness.verdicts import decide
from tests.report.invented import make_results
from tests.test_cli import MAIN_STUDY, bench, imported_by


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make_results(tmp_path_factory.mktemp("study"), replicates=4)


def trials(seconds: dict[str, list[float]], jobs: int = 2) -> pd.DataFrame:
    rows = [
        {"arm": arm, "status": "completed", "seconds": s, "jobs": jobs}
        for arm, times in seconds.items()
        for s in times
    ]
    return pd.DataFrame(rows, columns=["arm", "status", "seconds", "jobs"])


class TestTime:
    """What training costs."""

    def test_a_replicate_is_one_trial_of_each_arm_shared_by_the_workers(self) -> None:
        stored = trials({"a": [10, 20], "b": [45]})
        assert replicate_seconds(stored, ["a", "b"]) == pytest.approx((15 + 45) / 2)

    def test_an_arm_without_times_counts_as_the_slowest(self) -> None:
        assert replicate_seconds(trials({"a": [10], "b": [40]}, 1), ["a", "b", "c"]) == 90

    def test_without_trials_no_time_is_known(self) -> None:
        assert replicate_seconds(trials({}), ["a"]) is None
        failed = trials({"a": [10]}).assign(status="failed")
        assert replicate_seconds(failed, ["a"]) is None

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0.2, "1 second"),
            (40, "40 seconds"),
            (90, "2 minutes"),
            (700, "12 minutes"),
            (9000, "2.5 hours"),
        ],
    )
    def test_times_are_told_as_people_tell_them(self, seconds: float, words: str) -> None:
        assert duration(seconds) == words

    def test_long_trials_are_told_in_minutes(self, results: Results) -> None:
        """Not as 3.35e+03 seconds."""
        plan = plan_study(results.loaded, results, workers=2)
        slow, quick, *_ = plan.arm_seconds
        lines = plan_lines(replace(plan, arm_seconds={slow: 3350.0, quick: 0.5066}))
        assert f"  {slow}: 56 minutes a trial" in lines
        assert f"  {quick}: 0.507 seconds a trial" in lines

    def test_the_plan_counts_what_is_stored(self, results: Results) -> None:
        plan = plan_study(results.loaded, results, workers=2)
        total = results.trials["seconds"].sum()
        assert (plan.trials, plan.stored, plan.replicates) == (16, 16, 4)
        assert plan.seconds == pytest.approx(total / 2)
        assert plan.seconds_to_go == pytest.approx(0, abs=1e-6)
        half = replace(results, trials=results.trials[results.trials["replicate"] < 2])
        assert plan_study(results.loaded, half, workers=2).seconds_to_go == pytest.approx(
            half.trials["seconds"].sum() / 2
        )


class TestReach:
    """What a number of replicates can show."""

    def test_the_smallest_p_and_what_holm_makes_of_it(self, results: Results) -> None:
        """D3: 4 pairs reach 0.125, and 8 claims make it 1."""
        (look,) = plan_study(results.loaded, None, workers=1).looks
        assert (look.smallest_p, look.smallest_adjusted, look.can_find) == (0.125, 1.0, False)
        assert look.allowed == pytest.approx(0.05 / 8)

    def test_looks_are_adjusted_for(self, tmp_path: Path) -> None:
        stopping = '[stopping]\nrule = "group-sequential"\nlooks = [6, 14, 20]\n'
        loaded = make_results(tmp_path, replicates=20, extra=stopping).loaded
        plan = plan_study(loaded, None, workers=1)
        assert [look.can_find for look in plan.looks] == [False, True, True]
        assert all(
            look.smallest_adjusted > min(1.0, 8 * look.smallest_p) for look in plan.looks[1:2]
        )
        lines = "\n".join(plan_lines(plan))
        assert "Look at 6 replicates: the smallest p that 6 pairs can reach is 0.031" in lines
        assert "adjusted for 3 looks and 8 claims" in lines


class TestNeeds:
    """Replicates for 80 % power."""

    def test_simulation_stands_beside_the_formula(self, results: Results) -> None:
        plan = plan_study(results.loaded, results, workers=1)
        needs = {need.claim.id: need for need in plan.needs}
        assert set(needs) == {claim.id for claim in results.loaded.study.claims}
        better = needs["better-in-the-end"]
        assert better.effect == 0.002
        assert better.closed_form is not None
        assert better.simulated == pytest.approx(better.closed_form, rel=0.3)
        equal = needs["same-optimum"]
        assert equal.effect == 0.0
        assert "to show equality up to 0.5 points if there is none" in need_words(equal)

    def test_numbers_match_the_pilots_spread(self, results: Results) -> None:
        plan = plan_study(results.loaded, results, workers=1)
        need = next(n for n in plan.needs if n.claim.id == "better-in-the-end")
        own = [v for v in results.values if v.claim == need.claim.id]  # noqa: PD011
        sides = [
            {
                r: np.mean([v.measured.value for v in own if v.side == side and v.replicate == r])
                for r in range(4)
            }
            for side in (0, 1)
        ]
        d = [sides[0][r] - sides[1][r] for r in range(4)]
        assert need.spread == pytest.approx(np.std(d, ddof=1))
        assert need.closed_form == formulas.replicates_needed(d, 0.002, 0.05 / 8)

    def test_looks_take_their_part_of_alpha(self, tmp_path: Path) -> None:
        """At Pocock's last of five looks the same trials have a power of 0.72, not of 0.8."""
        looks = 'rule = "group-sequential"\nspending = "pocock"\nlooks = [4, 8, 12, 16, 20]'
        found = [
            make_results(tmp_path, replicates=20, extra=extra)
            for extra in ("", f"[stopping]\n{looks}\n")
        ]
        plans = [plan_study(results.loaded, results, workers=1) for results in found]
        one, five = (
            next(n.closed_form for n in plan.needs if n.claim.id == "better-in-the-end")
            for plan in plans
        )
        assert one is not None
        assert five is not None
        assert five > 1.1 * one
        told = [plan_lines(plan)[-1].endswith("at the level of the last look.") for plan in plans]
        assert told == [False, True]

    @pytest.mark.parametrize(("closed_form", "enough"), [(350, 1), (290, 1), (500, 0), (None, 0)])
    def test_what_is_too_much_to_simulate_is_counted_by_the_formula(
        self, results: Results, closed_form: int | None, enough: int
    ) -> None:
        plan = plan_study(results.loaded, results, workers=1)
        need = replace(plan.needs[0], simulated=None, closed_form=closed_form, reason=None)
        look = replace(plan.looks[0], count=400)
        lines = plan_lines(replace(plan, needs=(need,), looks=(look,)))
        assert f"The 400 replicates of this study are enough for {enough} of 1 claim." in lines

    def test_without_a_margin_the_difference_seen_is_planned_for(self, results: Results) -> None:
        plan = plan_study(results.loaded, results, workers=1)
        rising = next(n for n in plan.needs if n.claim.id == "still-rising")
        assert rising.effect != 0
        assert "for the difference seen" in need_words(rising)

    def test_what_nobody_reaches_says_so(self, results: Results) -> None:
        """D10."""
        plan = plan_study(results.loaded, results, workers=1)
        beyond = next(n for n in plan.needs if n.claim.id == "out-of-reach")
        assert "not testable: 0/8" in need_words(beyond)
        assert beyond.simulated is None

    def test_a_small_pilot_is_called_one(self, results: Results) -> None:
        lines = "\n".join(plan_lines(plan_study(results.loaded, results, workers=1)))
        assert "from 4 pilot replicates: a rough number" in lines
        assert "0.57 to 3.7 times the one seen" in lines

    def test_nothing_stored_nothing_known(self, results: Results) -> None:
        lines = "\n".join(plan_lines(plan_study(results.loaded, None, workers=1)))
        assert "No trial times are known" in lines
        assert "a spread needs at least 2 pilot replicates, and 0 are stored" in lines

    def test_the_document_parses_without_nan(self, results: Results) -> None:
        """F5."""

        def refuse(name: str) -> float:
            raise AssertionError(name)

        for known in (results, None):
            plan = plan_study(results.loaded, known, workers=1)
            document = json.loads(json_text(plan_document(plan)), parse_constant=refuse)
            assert len(document["claims"]) == 8
            assert document["claims"][2]["id"] == "better-in-the-end"


def test_an_inconclusive_verdict_names_further_replicates_and_their_cost(
    results: Results,
) -> None:
    verdicts = decide(results.loaded.study, results.values, confirmatory={})
    open_ = next(
        v for v in verdicts if v.replicates_needed is not None and v.replicates_needed > v.n
    )
    further = open_.replicates_needed - open_.n if open_.replicates_needed else 0
    told = what_would_change(replace(open_, replicate_seconds=30.0))
    assert f"{further:,} more than now ({duration(30.0 * further)} of training)" in told
    assert "of training" not in what_would_change(open_)


def test_a_plan_needs_no_claims(tmp_path: Path) -> None:
    text = make_results(tmp_path, replicates=4).loaded.file.read_text(encoding="utf-8")
    bare = tmp_path / "bare.toml"
    bare.write_text(text[: text.index("[[claims]]")], encoding="utf-8")
    plan = plan_study(load_study(bare), None, workers=1)
    assert plan.needs == ()
    assert math.isclose(plan.looks[0].smallest_adjusted, 0.125)
    assert "The study makes no claims." in plan_lines(plan)


def test_the_command_plans_without_tensorflow_and_without_leaving_a_trace(tmp_path: Path) -> None:
    modules = imported_by("plan", MAIN_STUDY, "--reports", tmp_path, "--json", tmp_path / "p.json")
    assert not modules & {"tensorflow", "keras"}
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]
    assert json.loads((tmp_path / "p.json").read_text(encoding="utf-8"))["trials"] == 40


def test_a_bound_without_a_top_up_is_refused() -> None:
    done = bench("study", MAIN_STUDY, "--max-replicates", "9")
    assert done.returncode == 2
    assert "--max-replicates goes with --top-up" in done.stderr
