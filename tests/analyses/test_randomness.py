"""Sources of randomness with known shares, spread as a claim, and what pairing is worth."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.analyses.pairing import correlation, pairings_of
from harness.analyses.randomness import (
    Experiment,
    drawn_for_validation,
    experiments_of,
    variance_of_a_draw,
)
from harness.catalog import datasets
from harness.prose.phrases import claim_subject
from harness.prose.randomness_words import (
    crossing_sentence,
    pairing_sentence,
    ranking_sentence,
    repeats_sentence,
    source_sentence,
    together_sentence,
    validation_sentence,
)
from harness.prose.words import finding, verdict_sentence
from harness.report.pairing_section import section_of as pairing_section
from harness.report.randomness_section import section_of
from harness.results import Results
from harness.stats.results import Estimate, Interval
from harness.study import Data
from tests.blocks import results_of

FloatArray = NDArray[np.float64]
N = 150
DEVIATIONS = {"init": 0.004, "shuffle": 0.002, "dropout": 0.004, "split": 0.008}


def study(replicates: int = N, claims: str = "") -> str:
    arms = "\n".join(
        f"""
[[arms]]
name = "{name}"
vary = {vary}
architecture = "linear"
optimizer = {{ name = "sgd", learning_rate = 0.1 }}
"""
        for name, vary in [
            *((stream, f'["{stream}"]') for stream in DEVIATIONS),
            ("all", '["init", "shuffle", "dropout", "split"]'),
            ("repeat", "[]"),
        ]
    )
    return f"""
[study]
name = "sources"
question = "Where does the spread come from?"
replicates = {replicates}
epochs = 4
[data]
name = "mnist-5k"
{arms}
[[claims]]
id = "split-beyond-init"
says = "The split makes runs differ more than the initial weights do."
compare = ["split", "init"]
measure = {{ kind = "final" }}
statistic = "spread"
expect = "greater"
margin = 0.001
{claims}
"""


def draws(replicates: int = N, seed: int = 0) -> dict[str, FloatArray]:
    """Independent sources that add up; the repeats are all alike."""
    rng = np.random.default_rng(seed)
    parts = {name: rng.normal(0, sd, replicates) for name, sd in DEVIATIONS.items()}
    return {
        **{name: 0.94 + part for name, part in parts.items()},
        "all": 0.94 + np.sum(list(parts.values()), axis=0),
        "repeat": np.full(replicates, 0.94),
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return results_of(tmp_path_factory.mktemp("sources"), study(), draws())


@pytest.fixture(scope="module")
def experiment(results: Results) -> Experiment:
    return experiments_of(results)[0]


def test_known_variances_are_found(experiment: Experiment) -> None:
    (spreads,) = experiment.spreads
    assert [source.arm for source in spreads.singles] == ["init", "shuffle", "dropout", "split"]
    for source in spreads.singles:
        true = DEVIATIONS[source.arm] ** 2
        assert source.variance.interval.low <= true <= source.variance.interval.high
        assert source.variance.value == pytest.approx(true, rel=0.35)
        assert source.share is not None
        assert source.share.interval.low <= true / 1e-4 <= source.share.interval.high


def test_sources_that_add_up_are_said_to(experiment: Experiment) -> None:
    (spreads,) = experiment.spreads
    assert spreads.sum_to_all is not None
    assert spreads.sum_to_all.interval.low <= 1 <= spreads.sum_to_all.interval.high
    assert "simply add up" in (together_sentence(spreads) or "")


def test_sources_that_each_stir_all_there_is_do_not_add_up(tmp_path: Path) -> None:
    """In a chaotic system any one source makes the whole spread."""
    rng = np.random.default_rng(1)
    finals = {name: 0.94 + rng.normal(0, 0.004, N) for name in [*DEVIATIONS, "all"]}
    one = experiments_of(results_of(tmp_path, study(), {**finals, "repeat": np.full(N, 0.94)}))[0]
    ratio = one.spreads[0].sum_to_all
    assert ratio is not None
    assert ratio.interval.low > 1
    assert ratio.value == pytest.approx(4, rel=0.4)
    assert "more than all together" in (together_sentence(one.spreads[0]) or "")


def test_repeats_are_compared_bit_by_bit(results: Results, experiment: Experiment) -> None:
    assert experiment.repeats is not None
    assert experiment.repeats.identical
    assert "bit for bit" in repeats_sentence(experiment.repeats)
    curves = results.curves.copy()
    row = curves.index[(curves["arm"] == "repeat") & (curves["replicate"] == 3)][0]
    curves.loc[row, "loss"] += 1e-15
    other = experiments_of(replace(results, curves=curves))[0]
    assert other.repeats is not None
    assert not other.repeats.identical
    assert "noise of its own" in repeats_sentence(other.repeats)


def test_the_finite_validation_set_explains_what_its_drawing_does(experiment: Experiment) -> None:
    found = experiment.spreads[0].validation
    assert found is not None
    assert (found.images, found.pool) == (1000, 5000)
    assert found.variance == pytest.approx(0.94 * 0.06 / 1000 * 0.8, rel=0.02)
    assert found.share.value == pytest.approx(found.variance / 0.008**2, rel=0.35)
    assert found.share.interval.low < found.share.value < found.share.interval.high
    assert "1,000 images drawn at random from 5,000 makes" in validation_sentence(found, "accuracy")


@pytest.mark.parametrize(
    ("share", "high", "told"),
    [
        (0.4, 0.8, "; the rest is what there was to learn from."),
        (0.8, 1.2, ", which does not contradict all of it."),
        (1.1, 1.5, "all of what the split makes is explained by the finite validation set."),
    ],
)
def test_a_rest_that_may_be_nothing_is_not_explained(
    experiment: Experiment, share: float, high: float, told: str
) -> None:
    found = experiment.spreads[0].validation
    assert found is not None
    seen = Estimate(share, Interval(share / 2, high, 0.95), "share")
    assert validation_sentence(replace(found, share=seen), "accuracy").endswith(told)


@pytest.mark.parametrize("images", [90, 359])
def test_a_draw_varies_as_the_splits_themselves_do(images: int) -> None:
    """Some images are recognized and others are not, whoever is drawn with them."""
    data = datasets.load("digits")
    is_recognized = np.random.default_rng(1).random(len(data.labels)) < 0.9
    scores = [
        is_recognized[data.split_rows(seed, validation=images)[1]].mean() for seed in range(1500)
    ]
    expected = variance_of_a_draw(is_recognized.mean(), images, len(data.labels))
    assert np.var(scores, ddof=1) == pytest.approx(expected, rel=0.12)


def test_how_many_images_are_drawn_from_how_many() -> None:
    assert drawn_for_validation(Data(name="mnist-5k", validation=300)) == (300, 5000)
    assert drawn_for_validation(Data(name="mnist-5k")) == (1000, 5000)
    assert drawn_for_validation(Data(name="mnist")) == (10_000, 10_000)
    assert variance_of_a_draw(0.9, 10_000, 10_000) == 0
    assert drawn_for_validation(Data(npz="own.npz", validation=300)) is None


def test_words_are_made_from_the_numbers(experiment: Experiment) -> None:
    (spreads,) = experiment.spreads
    text = ranking_sentence(spreads)
    order = [text.index(word) for word in ("the split", "the order")]
    assert order == sorted(order)
    split = source_sentence(spreads.singles[3], "accuracy")
    deviation = 100 * draws()["split"].std(ddof=1)
    assert split.startswith(f"Only the split of the data drawn anew: {deviation:.2f} points (95 %")


def test_the_section_has_figures_tables_and_numbers(results: Results) -> None:
    section = section_of(results)
    assert section is not None
    assert [drawn.title for drawn in section.figures] == [
        "Variance by source",
        "Spread of final validation accuracy",
    ]
    assert all("aria-label" in drawn.svg for drawn in section.figures)
    assert [row[0] for row in section.tables[0].rows] == [*DEVIATIONS, "all", "repeat"]
    header, first = section.files["spreads.csv"].splitlines()[:2]
    assert header.startswith("model,measure,unit,arm,varies,trials,variance")
    assert "linear with sgd" in first


def test_few_replicates_have_no_intervals_and_no_faults(tmp_path: Path) -> None:
    section = section_of(results_of(tmp_path, study(3), draws(3)))
    assert section is not None
    assert "nan" not in " ".join(section.lead).lower()


def test_arms_that_never_vary_draw_no_shares(tmp_path: Path) -> None:
    """D7."""
    same = dict.fromkeys([*DEVIATIONS, "all", "repeat"], np.full(6, 0.98))
    section = section_of(results_of(tmp_path, study(6), same))
    assert section is not None
    assert [drawn.title for drawn in section.figures] == ["Spread of final validation accuracy"]
    assert "nan" not in " ".join(section.lead).lower()


PLAIN = """
[study]
name = "plain"
question = "?"
replicates = 12
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
[[claims]]
id = "c"
says = "a ends above b."
compare = ["a", "b"]
measure = { kind = "final" }
expect = "greater"
margin = 0.001
"""


def paired_finals(shared: float, seed: int = 0) -> dict[str, FloatArray]:
    rng = np.random.default_rng(seed)
    common = rng.normal(0, shared, 12)
    return {arm: 0.9 + common + rng.normal(0, 0.001, 12) for arm in "ab"}


def test_a_study_of_ordinary_arms_has_no_such_section(tmp_path: Path) -> None:
    assert section_of(results_of(tmp_path, PLAIN, paired_finals(0.01))) is None


CROSSED = """
[[arms]]
name = "crossed"
crossed = ["init", "shuffle"]
architecture = "linear"
optimizer = { name = "sgd", learning_rate = 0.1 }
"""


def test_crossed_streams_give_variance_components(tmp_path: Path) -> None:
    """Rows of known spread, columns of none: the rest is how they meet."""
    rng = np.random.default_rng(2)
    square = 0.9 + rng.normal(0, 0.01, (12, 1)) + rng.normal(0, 0.005, (12, 12))
    values = {**draws(N), "crossed": np.append(square.ravel(), [0.5] * (N - 144))}
    toml = study().replace("[[claims]]", f"{CROSSED}\n[[claims]]", 1)
    (spreads,) = experiments_of(results_of(tmp_path, toml, values))[0].spreads
    (found,) = spreads.crossings
    assert (found.side, found.streams) == (12, ("init", "shuffle"))
    assert found.shares[0].interval.low <= 0.8 <= found.shares[0].interval.high
    assert found.shares[1].value < 0.1
    assert sum(share.value for share in found.shares) + found.rest == pytest.approx(1)
    told = crossing_sentence(found)
    assert told.startswith("12 draws of the initial weights, each with the same 12 draws of the")
    assert "all else held fixed: of the variance that these make " in told
    assert [source.arm for source in spreads.singles] == ["init", "shuffle", "dropout", "split"]


# -- spread as a claim ----------------------------------------------------------------------------


def test_a_claim_on_spread_compares_distances_from_the_median(results: Results) -> None:
    (verdict,) = results.verdicts
    a, b = (draws()[name] for name in ("split", "init"))
    spread = [np.abs(x - np.median(x)).mean() for x in (a, b)]
    assert verdict.outcome == "supported"
    assert verdict.effect == pytest.approx(spread[0] - spread[1], rel=1e-6)
    assert [side.mean for side in verdict.sides] == pytest.approx(spread, rel=1e-6)
    assert verdict.interval.low <= math.sqrt(2 / math.pi) * 0.004 <= verdict.interval.high
    assert claim_subject(verdict.claim) == "the spread of final validation accuracy"
    assert "points larger with split than with init" in finding(verdict)


def test_a_claim_on_spread_does_not_mind_the_level(tmp_path: Path) -> None:
    finals = draws(20)
    finals["split"] = finals["init"] * 0.5 + 0.4
    there = results_of(tmp_path, study(20), finals).verdicts[0]
    finals["split"] = finals["split"] - 0.1
    moved = results_of(tmp_path, study(20), finals).verdicts[0]
    assert moved.effect == pytest.approx(there.effect, abs=1e-9)
    assert moved.test.p == there.test.p
    assert moved.outcome != "supported"


EPOCHS_CLAIM = """
[[claims]]
id = "in-epochs"
says = "The split makes runs differ more in the epochs they need."
compare = ["split", "init"]
measure = { kind = "epochs_to", target = 0.94 }
statistic = "spread"
expect = "greater"
margin = 0.5
"""


def test_times_are_no_times_once_they_are_distances(tmp_path: Path) -> None:
    """A log-rank test of distances would mean nothing."""
    found = results_of(tmp_path, study(10, EPOCHS_CLAIM), draws(10)).verdicts[1]
    assert found.horizon == 4
    assert "permutation log-rank" not in found.sensitivity
    assert "spread of epochs" in verdict_sentence(found)


# -- pairing --------------------------------------------------------------------------------------


def test_what_pairing_is_worth(tmp_path: Path) -> None:
    """With a shared part of 9 times the own variance, a pair is worth ten unpaired trials."""
    shared = results_of(tmp_path, PLAIN, paired_finals(0.003))
    (found,) = pairings_of(shared.loaded.study, shared.values)
    a, b = paired_finals(0.003).values()
    gain = (a.var(ddof=1) + b.var(ddof=1)) / (a - b).var(ddof=1)
    assert found.gain.value == pytest.approx(gain, rel=1e-6)
    assert found.gain.interval.low <= 10 <= found.gain.interval.high
    assert found.correlation.value == pytest.approx(float(np.corrcoef(a, b)[0, 1]))
    section = pairing_section(shared)
    assert section is not None
    assert section.lead[0] == pairing_sentence(found)
    assert "12 pairs tell as much as" in section.lead[0]


def test_pairing_is_worth_nothing_between_strangers(tmp_path: Path) -> None:
    apart = results_of(tmp_path, PLAIN, paired_finals(0.0))
    (found,) = pairings_of(apart.loaded.study, apart.values)
    assert found.gain.interval.low <= 1 <= found.gain.interval.high


@pytest.mark.parametrize(
    ("stream", "statistic", "found"),
    [("shuffle", "mean", 1), ("split", "mean", 0), ("shuffle", "spread", 0)],
)
def test_pairs_need_a_draw_in_common_and_a_claim_on_trials(
    tmp_path: Path, stream: str, statistic: str, found: int
) -> None:
    """One arm varies the weights and the order, the other one of the two, or something else."""
    text = PLAIN.replace("margin = 0.001", f'margin = 0.001\nstatistic = "{statistic}"')
    for arm, streams in (("a", ["init", "shuffle"]), ("b", [stream])):
        text = text.replace(f'name = "{arm}"', f'name = "{arm}"\nvary = {streams}')
    some = results_of(tmp_path, text.replace("'", '"'), paired_finals(0.003))
    assert len(pairings_of(some.loaded.study, some.values)) == found


def test_a_side_that_does_not_vary_has_no_correlation(tmp_path: Path) -> None:
    finals = {**paired_finals(0.0), "b": np.full(12, 0.9)}
    flat = results_of(tmp_path, PLAIN, finals)
    (found,) = pairings_of(flat.loaded.study, flat.values)
    assert found.correlation.reason == "no spread"
    assert "does not vary" in pairing_sentence(found)


def test_equal_differences_do_not_pass_for_sides_that_do_not_vary(tmp_path: Path) -> None:
    """Pairing matters most where it leaves nothing over that its worth could be estimated by."""
    a = np.arange(12) / 64 + 0.5
    for odd in (0, 1 / 64):  # no difference varies, or only the first
        finals = {"a": a, "b": a - 1 / 64 + odd * (np.arange(12) == 0)}
        alike = results_of(tmp_path, PLAIN, finals)
        (found,) = pairings_of(alike.loaded.study, alike.values)
        assert math.isnan(found.gain.value)
        assert "their differences hardly vary" in pairing_sentence(found)
        assert pairing_sentence(found).endswith("their correlation is 1.00.")


def test_fishers_interval() -> None:
    """Worked by hand: r = 0.5, n = 28: tanh(0.5493 ± 1.96 / 5) = 0.156 and 0.736."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=28)
    y = rng.normal(size=28)
    x, y = (v - v.mean() for v in (x, y))
    y -= x * (x @ y) / (x @ x)
    mixed = 0.5 * x / np.linalg.norm(x) + math.sqrt(0.75) * y / np.linalg.norm(y)
    found = correlation(x, mixed)
    assert found.value == pytest.approx(0.5)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.156, 0.736), abs=1e-3)
    assert correlation(x, 2 * x).reason == "perfect correlation"
