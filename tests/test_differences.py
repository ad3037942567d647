"""Claims on a difference of differences: ``compare = [a, b]``, ``beyond = [c, d]``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.anova import AnovaRM

from harness.analyses.calibration import calibrate
from harness.analyses.contrasts import contrasts
from harness.analyses.pairing import pairings_of
from harness.analyses.specifications import specification_curves
from harness.analyses.target_sweep import target_sweeps
from harness.measures import Curve
from harness.planning import plan_study
from harness.procedures import SignFlip
from harness.prose.words import verdict_sentence
from harness.protocol import protocol, standing
from harness.report.tables import verdict_details
from harness.results import Results
from harness.samples import sample_of, side_values
from harness.study import Study
from harness.verdicts import Verdict, decide
from tests.synthetic import Arm, claim_toml, make

ARMS = ("a", "b", "c", "d")
FINAL: dict[str, Any] = {"measure": {"kind": "final"}, "expect": "greater", "margin": 0.0}
TO_90: dict[str, Any] = {
    "measure": {"kind": "epochs_to", "target": 0.9},
    "expect": "greater",
    "margin": 0.0,
}
BEYOND = {"compare": ["a", "b"], "beyond": ["c", "d"]}
Values = Mapping[str, Sequence[float] | NDArray[np.float64]]


def study(*claims: Mapping[str, Any], arms: Sequence[str] = ARMS) -> Study:
    return Study.model_validate(
        {
            "study": {"name": "t", "question": "?", "epochs": 20},
            "data": {"name": "digits"},
            "arms": [{"name": n, "architecture": "linear", "optimizer": "sgd"} for n in arms],
            "claims": [{"id": f"c{i}", "says": "…", **claim} for i, claim in enumerate(claims)],
        }
    )


def finals(values: Values) -> dict[tuple[str, int], Curve]:
    """One-epoch curves with these final accuracies; NaN where a trial has none."""
    return {
        (arm, replicate): Curve(np.array([1]), {"val_accuracy": np.array([float(v)])}, budget=1)
        for arm, row in values.items()
        for replicate, v in enumerate(row)
        if not math.isnan(v)
    }


def reaching(epochs: Mapping[str, Sequence[int | None]]) -> dict[tuple[str, int], Curve]:
    """Curves over 20 epochs that jump from 0 to 1 at the given epoch, or never."""
    return {
        (arm, replicate): Curve(
            np.arange(1, 21),
            {"val_accuracy": (np.arange(1, 21) >= (reached or 99)).astype(float)},
            budget=20,
        )
        for arm, row in epochs.items()
        for replicate, reached in enumerate(row)
    }


def decided(
    curves: Mapping[tuple[str, int], Curve],
    claim: Mapping[str, Any] = FINAL,
    *,
    is_paired: bool = True,
) -> Verdict:
    asked = study({**BEYOND, **claim})
    values = side_values(asked, curves)
    return decide(asked, values, confirmatory={"c0": True}, is_paired=is_paired)[0]


def drawn(seed: int, n: int, spreads: Sequence[float] = (1, 1, 1, 1)) -> dict[str, Any]:
    """Arms with main effects of their own and a block effect, and no interaction."""
    rng = np.random.default_rng(seed)
    block, means = rng.normal(size=n), (5.0, 2.0, 4.0, 1.0)
    return {
        arm: mean + block + spread * rng.normal(size=n)
        for arm, mean, spread in zip(ARMS, means, spreads, strict=True)
    }


def gaps(values: Values) -> NDArray[np.float64]:
    a, b, c, d = (np.asarray(values[arm], dtype=float) for arm in ARMS)
    return (a - b) - (c - d)


class TestNumbers:
    """Effect, p and interval against what other software says of the same four columns."""

    @pytest.mark.parametrize(("seed", "n"), [(1, 6), (2, 9), (3, 12)])
    def test_p_is_that_of_the_exact_sign_flip_of_the_contrasts(self, seed: int, n: int) -> None:
        values = drawn(seed, n)
        verdict = decided(finals(values))
        oracle = stats.permutation_test(
            (gaps(values),), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert verdict.effect == pytest.approx(gaps(values).mean())
        assert verdict.test.p == pytest.approx(oracle.pvalue)
        assert "exact sign-flip" in verdict.test.method

    def test_the_t_test_beside_it_is_the_interaction_of_a_repeated_measures_anova(self) -> None:
        """Of two factors with two levels, F of the interaction is t squared (AnovaRM)."""
        values = drawn(7, 10)
        rows = [
            (replicate, model, data, values[arm][replicate])
            for arm, model, data in zip(ARMS, "xyxy", "ppqq", strict=True)
            for replicate in range(10)
        ]
        table = pd.DataFrame(rows, columns=["replicate", "model", "data", "value"])
        anova = AnovaRM(table, "value", "replicate", within=["model", "data"]).fit().anova_table
        t = decided(finals(values)).sensitivity["paired t"]
        assert t.statistic**2 == pytest.approx(anova.loc["model:data", "F Value"])
        assert t.p == pytest.approx(anova.loc["model:data", "Pr > F"])
        scipys = stats.ttest_rel(values["a"] - values["b"], values["c"] - values["d"])
        assert (t.statistic, t.p) == pytest.approx((scipys.statistic, scipys.pvalue))

    def test_the_sides_are_the_two_differences(self) -> None:
        values = drawn(4, 8)
        first, second = decided(finals(values)).sides
        assert (first.name, second.name) == ("a − b", "c − d")
        assert first.mean == pytest.approx(np.mean(values["a"] - values["b"]))
        assert second.mean == pytest.approx(np.mean(values["c"] - values["d"]))

    def test_a_side_may_be_a_group_of_arms(self) -> None:
        rng = np.random.default_rng(0)
        names = ["x-1", "x-2", "y-1", "y-2", "c", "d"]
        values = {name: rng.normal(size=7) for name in names}
        claim = {**FINAL, "compare": ["x-*", "y-*"], "beyond": ["c", "d"]}
        asked = study(claim, arms=names)
        (verdict,) = decide(asked, side_values(asked, finals(values)), confirmatory={})
        x = (values["x-1"] + values["x-2"] - values["y-1"] - values["y-2"]) / 2
        assert verdict.effect == pytest.approx(np.mean(x - values["c"] + values["d"]))

    def test_equal_differences_are_equal_whatever_their_binary_noise(self) -> None:
        """D6: 0.92 - 0.91 and 0.93 - 0.92 are not the same floats."""
        verdict = decided(
            finals({"a": [0.92] * 6, "b": [0.91] * 6, "c": [0.93] * 6, "d": [0.92] * 6})
        )
        assert (verdict.effect, verdict.test.p) == (0.0, 1.0)
        assert "both differences are the same in every replicate" in verdict.notices


class TestTrouble:
    """Values that are cut off, lost or missing."""

    def test_all_four_sides_are_cut_at_one_horizon(self) -> None:
        epochs = {
            "a": [12, None, 14, 15, 13, 12],
            "b": [5, 6, 5, 6, 5, 6],
            "c": [9, 8, 9, 8, 9, 8],
            "d": [4, 4, 4, 4, None, 4],
        }
        verdict = decided(reaching(epochs), TO_90)
        cut = {arm: np.array([reached or 20 for reached in row]) for arm, row in epochs.items()}
        assert verdict.horizon == 20
        assert verdict.effect == pytest.approx(gaps(cut).mean())
        assert [side.reached for side in verdict.sides] == [5, 5]
        assert "permutation log-rank" not in verdict.sensitivity
        assert "5 of 6 a − b" in " ".join(verdict_details(verdict)["nuances"])

    def test_nothing_reached_is_not_testable(self) -> None:
        verdict = decided(reaching({arm: [None] * 6 for arm in ARMS}), TO_90)
        assert verdict.reason == "not testable: 0/24 reached the target within 20 epochs"

    def test_a_replicate_without_one_of_its_four_trials_is_left_out(self) -> None:
        values = drawn(5, 8)
        values["d"][3] = math.nan
        verdict = decided(finals(values))
        assert verdict.n == 7
        assert "1 replicate unpaired: 3" in verdict.notices
        assert verdict.effect == pytest.approx(np.delete(gaps(values), 3).mean())

    def test_a_diverged_trial_without_a_value_ends_the_test(self) -> None:
        curves = finals(drawn(5, 8))
        lost = {"val_accuracy": np.array([math.nan])}
        curves["c", 2] = Curve(np.array([1]), lost, budget=1, diverged=True)
        assert "replicate 2 of c diverged" in str(decided(curves).reason)

    def test_runs_that_are_not_paired_are_refused(self) -> None:
        reason = decided(finals(drawn(1, 8)), is_paired=False).reason
        assert "within each replicate" in str(reason)


steps = st.lists(st.tuples(*[st.integers(-40, 40)] * 4).map(np.array), min_size=5, max_size=9).map(
    lambda rows: dict(zip(ARMS, np.array(rows).T / 8, strict=True))
)


class TestProperties:
    """What must hold for any values."""

    @settings(max_examples=40)
    @given(steps)
    def test_swapping_the_pairs_or_the_sides_of_both_mirrors_the_verdict(self, v: Values) -> None:
        one = decided(finals(v))
        for order in ("cdab", "badc"):
            two = decided(finals({arm: v[other] for arm, other in zip(ARMS, order, strict=True)}))
            assert two.effect == -one.effect
            assert two.test.p == one.test.p
            assert (two.interval.low, two.interval.high) == (-one.interval.high, -one.interval.low)
        same = decided(finals({arm: v[other] for arm, other in zip(ARMS, "acbd", strict=True)}))
        assert (same.effect, same.test.p) == (one.effect, one.test.p)

    @settings(max_examples=40)
    @given(steps, st.integers(0, 999))
    def test_main_effects_and_replicates_do_not_matter(self, v: Values, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = len(v["a"])
        block, model, data, order = rng.integers(-9, 9, n), 3.0, -1.5, rng.permutation(n)
        moved = {
            "a": v["a"] + block + model + data,
            "b": v["b"] + block + data,
            "c": v["c"] + block + model,
            "d": v["d"] + block,
        }
        one = decided(finals(v))
        two = decided(finals({arm: np.asarray(row)[order] for arm, row in moved.items()}))
        assert (two.effect, two.test.p, two.interval) == (one.effect, one.test.p, one.interval)

    @settings(max_examples=40)
    @given(steps, st.sampled_from([0.25, 4.0, 100.0]))
    def test_units_scale_and_interval_and_p_agree(self, v: Values, scale: float) -> None:
        one = decided(finals(v))
        two = decided(finals({arm: np.asarray(row) * scale for arm, row in v.items()}))
        assert two.effect == pytest.approx(scale * one.effect)
        assert two.test.p == one.test.p
        excludes_zero = one.interval.low > 0 or one.interval.high < 0
        assert excludes_zero == (one.test.p <= 0.05)

    @settings(max_examples=40)
    @given(steps)
    def test_the_effect_is_that_of_the_first_pair_less_that_of_the_second(self, v: Values) -> None:
        pairs = [{**FINAL, "compare": ["a", "b"]}, {**FINAL, "compare": ["c", "d"]}]
        asked = study(*pairs, {**FINAL, **BEYOND})
        first, second, gap = decide(asked, side_values(asked, finals(v)), confirmatory={})
        assert gap.effect == pytest.approx(first.effect - second.effect)


@pytest.mark.parametrize("n", [6, 8])
def test_the_error_rate_is_kept_with_main_effects_and_unequal_spreads(n: int) -> None:
    """2,000 studies without an interaction, arms that spread up to four times as far as others."""
    repeats, alpha = 2_000, 0.05
    asked = study({**FINAL, **BEYOND})
    false = missed = 0
    for seed in range(repeats):
        values = side_values(asked, finals(drawn(seed, n, (0.5, 1, 2, 1))))
        procedure = SignFlip(sample_of(asked.claims[0], values, is_paired=True))
        interval = procedure.interval(1 - alpha)
        false += procedure.test().p <= alpha
        missed += not interval.low <= 0 <= interval.high
    assert missed == false
    assert stats.binomtest(false, repeats, alpha, alternative="greater").pvalue > 0.001
    assert false > repeats * alpha / 4  # the test is not merely timid


def interaction(folder: Path, more: str = "", **settings: Any) -> Results:
    """Four arms over 6 epochs of 10 replicates; a is ahead of b by more than c of d."""
    rng = np.random.default_rng(11)
    rise = np.linspace(0, 0.2, 6)
    ahead = {"a": 0.10, "b": 0.0, "c": 0.02, "d": 0.0}
    arms = {
        name: Arm(
            0.6 + by + rise + 0.01 * rng.normal(size=(10, 1)) + 0.002 * rng.normal(size=(10, 6))
        )
        for name, by in ahead.items()
    }
    claim = claim_toml("gap", ("a", "b"), **settings, more='beyond = ["c", "d"]\n' + more)
    return make(folder, arms, claim)


class TestAnalyses:
    """Everything that a study does with a claim works for one on differences of differences."""

    def test_the_sentence_tells_both_differences(self, tmp_path: Path) -> None:
        (verdict,) = interaction(tmp_path, measure='kind = "final"', margin=0.01).verdicts
        text = verdict_sentence(verdict)
        assert text.startswith("Supported: the difference a − b in final validation accuracy is ")
        assert " points larger than the difference c − d (+" in text
        first, second = (side.mean * 100 for side in verdict.sides)
        assert f"(+{first:.1f} points against +{second:.1f} points)" in text
        assert verdict_details(verdict)["between"].endswith(", (a − b) minus (c − d)")

    def test_whole_curves_are_compared_pair_by_pair_and_as_differences(
        self, tmp_path: Path
    ) -> None:
        found = contrasts(interaction(tmp_path, measure='kind = "final"'), ["val_accuracy"])
        assert [one.sides for one in found] == [
            ("a", "b"),
            ("c", "d"),
            ("a − b", "c − d"),
        ]
        gap = found[-1].comparison
        assert gap is not None
        assert gap.differs.all()
        assert gap.band.centre == pytest.approx(np.full(6, 0.08), abs=0.02)

    def test_its_specifications_are_decided_again(self, tmp_path: Path) -> None:
        results = interaction(tmp_path, measure='kind = "final"', margin=0.01)
        (curve,) = specification_curves(results)
        tests = {s.choice["test"]: s.effect for s in curve.tested if s.choice["kind"] == "final"}
        assert set(tests) == {"permutation", "t", "rank"}
        assert tests["t"] == pytest.approx(results.verdicts[0].effect)

    def test_its_target_is_swept(self, tmp_path: Path) -> None:
        results = interaction(tmp_path, measure='kind = "epochs_to", target = 0.7', expect="less")
        (sweep,) = target_sweeps(results)
        assert sweep.comparison is not None
        assert sweep.comparison.sizes == (10, 10)

    def test_it_is_planned_and_calibrated(self, tmp_path: Path) -> None:
        results = interaction(tmp_path, measure='kind = "final"', margin=0.005)
        (need,) = plan_study(results.loaded, results, workers=1).needs
        d = gaps({arm: _finals(results, arm) for arm in ARMS})
        assert need.spread == pytest.approx(d.std(ddof=1))
        assert need.simulated is not None
        found = calibrate(results, repeats=200)
        assert found is not None
        assert not found.has_faults
        assert pairings_of(results.loaded.study, results.values) == []


def _finals(results: Results, arm: str) -> ArrayLike:
    own = results.curves[results.curves["arm"] == arm]
    return own.groupby("replicate")["val_accuracy"].last().to_numpy()


def test_beyond_is_bound_before_the_first_trial() -> None:
    plain, gap = study({**FINAL, "compare": ["a", "b"]}), study({**FINAL, **BEYOND})
    assert standing(gap, protocol(gap, {}), {}).confirmatory == {"c0": True}
    assert standing(gap, protocol(plain, {}), {}).confirmatory == {"c0": False}
    changed = protocol(gap, {"d": {"rate": 1}})
    assert standing(gap, changed, {"d": {"rate": 2}}).confirmatory == {"c0": False}
