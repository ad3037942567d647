"""Many arms: ranks, pairs and factors with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from harness.analyses.blocks import asked_measures, blocks_of
from harness.analyses.many_arms import ManyArms, many_arms_of, profiles_of
from harness.measures import Curve, Final
from harness.prose.many_arms_words import (
    best_sentence,
    factor_sentences,
    overall_sentence,
    pairs_sentence,
)
from harness.report.many_arms_section import section_of
from harness.stats.paired import sign_flip_test
from harness.time_measures import EpochsTo
from tests.blocks import results_of

FloatArray = NDArray[np.float64]
STUDY = """
[study]
name = "grid"
question = "Which one?"
replicates = {replicates}
epochs = 4
[data]
name = "digits"
[grid]
architectures = [{{ name = "linear", label = "flat" }}, {{ name = "mlp", hidden = [8] }}]
optimizers = [
    {{ name = "sgd", learning_rate = 0.1 }},
    {{ name = "sgd", label = "momentum", learning_rate = 0.1, momentum = 0.9 }},
    {{ name = "adam", learning_rate = 0.001 }},
]
[[claims]]
id = "c"
says = "Adam ends above SGD on both."
compare = ["*-adam", "*-sgd"]
measure = {{ kind = "{kind}", metric = "{metric}" }}
expect = "different"
margin = 0.001
"""
ARMS = ("flat-sgd", "flat-momentum", "flat-adam", "mlp-sgd", "mlp-momentum", "mlp-adam")


def study(replicates: int = 12, kind: str = "final", metric: str = "val_accuracy") -> str:
    return STUDY.format(replicates=replicates, kind=kind, metric=metric)


def finals(
    levels: tuple[float, ...], replicates: int = 12, noise: float = 0.001, seed: int = 0
) -> dict[str, FloatArray]:
    """Each arm's level plus a part shared by the replicate and a part of its own."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.01, replicates)
    return {
        arm: level + shared + rng.normal(0, noise, replicates)
        for arm, level in zip(ARMS, levels, strict=True)
    }


ADDITIVE = (0.80, 0.82, 0.84, 0.83, 0.85, 0.87)
CROSSED = (0.85, 0.82, 0.79, 0.79, 0.82, 0.85)
EQUAL = (0.8,) * 6


def compared(folder: Path, values: dict[str, FloatArray], **changes: str) -> ManyArms:
    (found,) = many_arms_of(results_of(folder, study(len(values[ARMS[0]]), **changes), values))
    return found


def test_arms_are_ranked_within_replicates(tmp_path: Path) -> None:
    values = finals(ADDITIVE)
    found = compared(tmp_path, values)
    table = np.column_stack([values[arm] for arm in ARMS])
    assert found.ranked[0].arm == "mlp-adam"
    assert found.ranked[0].mean_rank == 1.0
    assert found.friedman.friedman.statistic == pytest.approx(
        stats.friedmanchisquare(*table.T).statistic
    )
    assert "do not rank alike" in overall_sentence(found)


def test_over_few_replicates_the_ranks_are_tested_exactly(tmp_path: Path) -> None:
    """The F test would call these equal arms different."""
    results = results_of(tmp_path, study(2), finals(EQUAL, 2, seed=4))
    (found,) = many_arms_of(results)
    assert found.friedman.iman_davenport.p < 0.05 < found.friedman.deciding.p
    assert "cannot be told apart" in overall_sentence(found)
    assert "(exact Friedman test, p = 0.051)" in overall_sentence(found)
    section = section_of(results)
    assert section is not None
    assert any("the p of all ranks is exact" in note for note in section.method)


def test_an_arm_that_mostly_wins_and_loses_by_its_mean_is_not_called_the_best(
    tmp_path: Path,
) -> None:
    """Ahead of all by a hair in 14 replicates of 24, it fails in 10."""
    values = finals(EQUAL, 24)
    values["mlp-adam"] = np.max(list(values.values()), axis=0) + 0.001
    values["mlp-adam"][:10] = 0.1
    (found,) = many_arms_of(results_of(tmp_path, study(24), values))
    assert found.ranked[0].arm == "mlp-adam"
    assert best_sentence(found) == (
        "mlp-adam ranks best (mean rank 3.1), but by its mean it loses to flat-sgd, flat-momentum, "
        "flat-adam, mlp-sgd and mlp-momentum: few large differences outweigh many small ones."
    )


def test_losses_and_times_rank_the_other_way(tmp_path: Path) -> None:
    """The curves' losses are one minus their accuracies."""
    values = finals(ADDITIVE)
    found = compared(tmp_path, values, metric="val_loss")
    assert found.ranked[0].arm == "mlp-adam"
    assert not found.blocks.higher_is_better


def test_all_pairs_by_the_deciding_test_with_holm(tmp_path: Path) -> None:
    values = finals(ADDITIVE)
    found = compared(tmp_path, values)
    assert len(found.pairs) == 15
    pair = next(p for p in found.pairs if (p.first, p.second) == ("flat-sgd", "mlp-adam"))
    assert pair.p == sign_flip_test(np.round(values["flat-sgd"] - values["mlp-adam"], 12)).p
    assert pair.p_adjusted == pytest.approx(15 * 2 / 2**12)
    assert pair.order[0] == 1.0  # never better at any quantile that counts
    assert pair.order[1] < 0.2
    assert "flat-sgd" in found.ranked[0].beats
    assert not found.ranked[0].loses_to


def test_random_sign_patterns_are_enough_for_all_pairs(tmp_path: Path) -> None:
    """D4: of 9,999 the smallest p is 0.0001, and times 15 pairs never below 0.0015."""
    strict = study(24).replace("epochs = 4", "epochs = 4\nalpha = 0.001")
    (found,) = many_arms_of(results_of(tmp_path, strict, finals(ADDITIVE, 24)))
    assert found.smallest_adjusted_p <= found.alpha / 5
    assert all(found.differs(pair) for pair in found.pairs if abs(pair.effect) > 0.015)
    assert min(pair.p_adjusted for pair in found.pairs) == found.smallest_adjusted_p


def test_bars_of_ranks_do_not_deny_what_the_pairs_show(tmp_path: Path) -> None:
    """In one order in all replicates, neighbours' ranks are within the critical difference."""
    results = results_of(tmp_path, study(10), finals((0.80, 0.82, 0.84, 0.86, 0.88, 0.90), 10))
    found = many_arms_of(results)[0]
    assert found.nemenyi.groups
    assert all(found.differs(pair) for pair in found.pairs)
    section = section_of(results)
    assert section is not None
    assert "cannot be told apart by their ranks alone (Nemenyi)" in section.figures[0].caption


def test_too_few_replicates_can_tell_no_pair_apart(tmp_path: Path) -> None:
    """D3: fifteen pairs at 0.05 need ten replicates."""
    found = compared(tmp_path, finals(ADDITIVE, 8))
    assert found.smallest_adjusted_p == pytest.approx(15 * 2 / 2**8)
    assert not any(found.differs(pair) for pair in found.pairs)
    assert "no pair of arms could be called different" in pairs_sentence(found)
    assert "do not show that it beats" in best_sentence(found)


def test_factors_that_add_up(tmp_path: Path) -> None:
    found = compared(tmp_path, finals(ADDITIVE))
    factors = found.factors
    assert factors is not None
    assert factors.architectures == ("flat", "mlp")
    assert factors.optimizers == ("sgd", "momentum", "adam")
    assert factors.tests.row.p <= 0.01
    assert factors.tests.column.p <= 0.01
    assert factors.tests.interaction.p > 0.05
    assert set(factors.middles) == {*factors.architectures, *factors.optimizers}
    words = factor_sentences(found)
    assert words[0].startswith("The architecture matters")
    assert words[1].startswith("The optimizer matters")
    assert words[2].startswith(
        "That the effect of the optimizer depends on the architecture was not shown"
    )


SGD = '{ name = "sgd", label = "sgd", learning_rate = 0.1 }'
ADAM = '{ name = "adam", learning_rate = 0.001 }'
PLAIN = '{ name = "mlp", label = "flat", hidden = [8] }'


@pytest.mark.parametrize(
    ("architectures", "optimizers", "row", "column"),
    [
        (
            [PLAIN, '{ name = "mlp", hidden = [8], dropout = 0.2 }'],
            [SGD, '{ name = "sgd", label = "momentum", learning_rate = 0.2 }'],
            "setting dropout",
            "setting learning_rate",
        ),
        (
            [PLAIN, '{ name = "mlp", hidden = [16], dropout = 0.2 }'],
            [SGD, '{ name = "sgd", label = "momentum", learning_rate = 0.2, momentum = 0.9 }'],
            "choice of model settings",
            "choice of optimizer settings",
        ),
        (
            [PLAIN, '{ name = "cnn", label = "mlp" }'],
            [SGD, ADAM.replace('"adam"', '"adam", label = "momentum"')],
            "architecture",
            "optimizer",
        ),
    ],
)
def test_factors_are_called_by_what_differs(
    tmp_path: Path, architectures: list[str], optimizers: list[str], row: str, column: str
) -> None:
    text = study().replace(
        text_between(study(), "architectures = [", "[[claims]]"),
        f"architectures = [{', '.join(architectures)}]\noptimizers = [{', '.join(optimizers)}]\n",
    )
    text = text.replace("*-adam", "*-momentum")
    arms = {arm: values for arm, values in finals(CROSSED).items() if not arm.endswith("adam")}
    results = results_of(tmp_path, text, arms)
    (found,) = many_arms_of(results)
    words = factor_sentences(found)
    assert words[0].startswith(f"The {row} ")
    assert words[1].startswith(f"The {column} ")
    assert words[2].startswith(f"The effect of the {column} depends on the {row} (")
    section = section_of(results)
    assert section is not None
    assert f"By {row} and {column}: final validation accuracy" in [
        drawn.title for drawn in section.figures
    ]


def text_between(text: str, first: str, last: str) -> str:
    """A text from one mark up to the next."""
    start = text.index(first)
    return text[start : text.index(last, start)]


def test_means_by_factor_vary_as_whole_replicates_do(tmp_path: Path) -> None:
    """Averaging over arms takes nothing away of what a replicate does to all of them."""
    found = compared(tmp_path, finals(EQUAL))
    assert found.factors is not None
    alone = min(row.middle.interval.high - row.middle.interval.low for row in found.ranked)
    for middle in found.factors.middles.values():
        assert middle.interval.high - middle.interval.low > 0.9 * alone


def test_factors_that_depend_on_each_other(tmp_path: Path) -> None:
    found = compared(tmp_path, finals(CROSSED))
    factors = found.factors
    assert factors is not None
    assert factors.tests.interaction.p <= 0.01
    assert factors.tests.column.p > 0.05
    assert factors.tests.shares[2] > 0.5
    assert "sgd on flat and adam on mlp" in factor_sentences(found)[2]


def test_equal_arms_are_not_told_apart(tmp_path: Path) -> None:
    outcomes = []
    for seed in range(8):
        found = compared(tmp_path, finals(EQUAL, seed=seed))
        outcomes.append(any(found.differs(pair) for pair in found.pairs))
    assert sum(outcomes) <= 3  # family-wise error at most 5 %: P(more than 3 of 8) < 0.001


def test_identical_arms_give_no_faults(tmp_path: Path) -> None:
    """D1."""
    found = compared(tmp_path, dict.fromkeys(ARMS, np.full(12, 0.9)))
    assert {pair.p_adjusted for pair in found.pairs} == {1.0}
    assert "all 6 arms are alike" in overall_sentence(found)
    assert factor_sentences(found)[2] == (
        "The optimizer makes the same difference whatever the architecture."
    )
    section = section_of(results_of(tmp_path, study(), dict.fromkeys(ARMS, np.full(12, 0.9))))
    assert section is not None
    assert "nan" not in " ".join(section.lead).lower()


def test_a_diverged_arm_leaves_no_table_of_losses(tmp_path: Path) -> None:
    """D13: leaving out its replicate would favour the arm that diverges."""
    lost = frozenset({("mlp-sgd", 3)})
    values = finals(ADDITIVE)
    by_loss = results_of(tmp_path, study(metric="val_loss"), values, diverged=lost)
    assert many_arms_of(by_loss) == []
    assert section_of(by_loss) is None
    by_accuracy = results_of(tmp_path, study(), values, diverged=lost)
    assert len(many_arms_of(by_accuracy)) == 1


def test_profiles_count_what_each_arm_ever_reaches(tmp_path: Path) -> None:
    values = finals(ADDITIVE)
    found = profiles_of(results_of(tmp_path, study(), values))
    assert found is not None
    for arm in ARMS:
        assert found.shares[arm][0] == 1
        assert np.all(np.diff(found.shares[arm]) <= 0)
        middle = found.targets[100]
        assert found.shares[arm][100] == pytest.approx(np.mean(values[arm] >= middle))


def test_the_section_shows_ranks_factors_and_profiles(tmp_path: Path) -> None:
    section = section_of(results_of(tmp_path, study(), finals(CROSSED)))
    assert section is not None
    assert [drawn.title for drawn in section.figures] == [
        "Ranks in final validation accuracy",
        "Interquartile mean of final validation accuracy",
        "By architecture and optimizer: final validation accuracy",
        "Trials that reach a target",
    ]
    assert set(section.files) == {drawn.data for drawn in section.figures} | {"pairs.csv"}
    assert len(section.files["pairs.csv"].splitlines()) == 16
    assert "squared distance between the two arms' quantile curves" in section.method[-1]
    assert [len(table.rows) for table in section.tables] == [6, 3, 15]


TWO = """
[study]
name = "two"
question = "?"
replicates = 6
[data]
name = "digits"
[[arms]]
name = "a"
architecture = "linear"
optimizer = "adam"
[[arms]]
name = "b"
architecture = "linear"
optimizer = "rmsprop"
"""


def test_two_arms_make_no_section(tmp_path: Path) -> None:
    values = {arm: np.linspace(0.8, 0.9, 6) for arm in "ab"}
    assert section_of(results_of(tmp_path, TWO, values)) is None


def curve(values: list[float]) -> Curve:
    epochs = np.arange(1, len(values) + 1)
    return Curve(epochs, {"val_accuracy": np.array(values)}, budget=len(values))


def test_blocks_are_whole_and_cut_at_one_horizon() -> None:
    curves = {
        ("a", 0): curve([0.5, 0.9, 0.9]),
        ("a", 1): curve([0.9, 0.9, 0.9]),
        ("a", 2): curve([0.9, 0.9, 0.9]),
        ("b", 0): curve([0.5, 0.6, 0.7, 0.9]),
        ("b", 1): curve([0.5, 0.5]),
    }
    found = blocks_of(EpochsTo(kind="epochs_to", target=0.9), ["a", "b"], curves)
    assert found.replicates == (0, 1)
    assert found.left_out == (2,)
    assert found.horizon == 2
    assert found.values.tolist() == [[2, 2], [1, 2]]
    assert found.reached.tolist() == [[True, False], [True, False]]
    assert blocks_of(Final(kind="final"), ["a", "c"], curves).reason == (
        "fewer than two replicates are complete"
    )


def test_measures_that_answer_come_first(tmp_path: Path) -> None:
    claim = """
[[claims]]
id = "{id}"
says = "…"
compare = ["a", "b"]
measure = {{ kind = "{kind}" }}
expect = "greater"
margin = 0.01
answers_question = {answers}
"""
    toml = TWO + claim.format(id="x", kind="best", answers="false")
    toml += claim.format(id="y", kind="final", answers="true")
    values = {arm: np.linspace(0.8, 0.9, 6) for arm in "ab"}
    asked = results_of(tmp_path, toml, values).loaded.study
    assert [measure.kind for measure in asked_measures(asked)] == ["final", "best"]
    assert [measure.kind for measure in asked_measures(asked, answering=True)] == ["final"]
