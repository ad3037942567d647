"""Reports print how an estimate was made, and why it or its interval is missing or special."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import (
    bootstrap,
    classical,
    curve_bands,
    curve_tests,
    effects,
    equivalence,
    many_arms,
    paired,
    rank_intervals,
    spread,
    stochastic_order,
    survival,
    unpaired,
    variance,
)
from harness.stats.cox import cox_hazard_ratio
from harness.stats.results import Estimate, Interval
from harness.stats.survival import CensoredTimes
from tests.stats.odd_samples import (
    AT_ONCE,
    EQUAL,
    FEW,
    FEW_VALUES,
    FLAT,
    LATE,
    LATER,
    LEVEL,
    MANY,
    NO_ARM,
    NO_PAIRS,
    ONE,
    ONE_SIDED,
    OTHER,
    SAME,
    SOON,
    TOO_FAR,
    WAITING,
)


@pytest.mark.parametrize(
    ("call", "method", "reason", "of_interval"),
    [
        (
            lambda: effects.hedges_g(ONE, ONE, level=LEVEL),
            "Hedges' g (pooled SD)",
            "1 against 1 values: no spread to measure",
            "1 against 1 values: no spread to measure",
        ),
        (
            lambda: effects.cohen_d([], FEW, level=LEVEL),
            "Cohen's d (pooled SD)",
            "0 against 3 values: no spread to measure",
            "0 against 3 values: no spread to measure",
        ),
        (lambda: effects.cohen_d(SAME, OTHER, level=LEVEL), "Cohen's d (pooled SD)", FLAT, FLAT),
        (
            lambda: effects.hedges_g([1.0, 2.0], ONE, level=LEVEL),
            "Hedges' g (pooled SD)",
            "one degree of freedom: Hedges' factor is 0",
            "one degree of freedom: Hedges' factor is 0",
        ),
        (lambda: effects.hedges_g(FEW, LATER, level=LEVEL), "Hedges' g (pooled SD)", None, None),
        (
            lambda: effects.hedges_gz(ONE, level=LEVEL),
            "Hedges' g_z (paired)",
            "fewer than two pairs: no spread to measure",
            "fewer than two pairs: no spread to measure",
        ),
        (lambda: effects.cohen_dz(SAME, level=LEVEL), "Cohen's d_z (paired)", EQUAL, EQUAL),
        (
            lambda: effects.hedges_gz([1.0, 2.0], level=LEVEL),
            "Hedges' g_z (paired)",
            "one degree of freedom: Hedges' factor is 0",
            "one degree of freedom: Hedges' factor is 0",
        ),
        (lambda: effects.cohen_dz([1.0, 2.0], level=LEVEL), "Cohen's d_z (paired)", None, None),
        (lambda: effects.cliffs_delta([], ONE, level=LEVEL), "Cliff's delta", NO_ARM, NO_ARM),
        (
            lambda: effects.cliffs_delta(ONE, FEW, level=LEVEL),
            "Cliff's delta",
            None,
            "an arm has one value: no interval",
        ),
        (
            lambda: effects.cliffs_delta(SAME, OTHER, level=LEVEL),
            "Cliff's delta",
            None,
            "the samples do not overlap enough",
        ),
        (lambda: effects.cliffs_delta(FEW, LATER, level=LEVEL), "Cliff's delta", None, None),
        (
            lambda: effects.probability_of_superiority([], ONE, level=LEVEL),
            "probability of superiority (A12)",
            NO_ARM,
            NO_ARM,
        ),
        (
            lambda: effects.probability_of_superiority(ONE, OTHER, level=LEVEL),
            "probability of superiority (A12)",
            None,
            FEW_VALUES,
        ),
        (
            lambda: effects.probability_of_superiority(FEW, LATER, level=LEVEL),
            "probability of superiority (A12)",
            None,
            None,
        ),
        (
            lambda: effects.paired_superiority([], level=LEVEL),
            "paired probability of superiority",
            NO_PAIRS,
            NO_PAIRS,
        ),
        (
            lambda: effects.paired_superiority(FEW, level=LEVEL),
            "paired probability of superiority",
            None,
            None,
        ),
        (
            lambda: bootstrap.bootstrap(SAME, level=LEVEL).estimate,
            "mean, bca bootstrap",
            "no spread",
            "no spread",
        ),
        (
            lambda: bootstrap.bootstrap(ONE, "median", level=LEVEL).estimate,
            "median, bca bootstrap",
            "one value has no interval",
            "one value has no interval",
        ),
        (
            lambda: bootstrap.bootstrap(FEW, "iqm", interval="percentile", level=LEVEL).estimate,
            "iqm, percentile bootstrap (all 10 resamples)",
            None,
            None,
        ),
        (
            lambda: bootstrap.bootstrap([0.0, 1.0, 1.0, 1.0, 2.0], "median", level=LEVEL).estimate,
            "median, bca bootstrap (all 126 resamples)",
            "BCa is undefined: leaving any one value out changes nothing",
            "BCa is undefined: leaving any one value out changes nothing",
        ),
        (
            lambda: bootstrap.bootstrap(MANY, draws=2000, level=LEVEL).estimate,
            "mean, bca bootstrap (2,000 random resamples)",
            None,
            None,
        ),
        (
            lambda: bootstrap.iqm_over_tasks(np.ones((3, 2)), level=LEVEL, draws=1000),
            "IQM over 2 tasks, stratified bootstrap (1,000 draws)",
            "no spread",
            "no spread",
        ),
        (
            lambda: bootstrap.probability_of_improvement(
                np.ones((3, 2)), np.zeros((3, 2)), level=LEVEL, draws=1000
            ),
            "probability of improvement, stratified bootstrap (1,000 draws)",
            "no spread",
            "no spread",
        ),
        (
            lambda: rank_intervals.pseudomedian([], level=LEVEL),
            "Hodges-Lehmann pseudomedian",
            NO_PAIRS,
            NO_PAIRS,
        ),
        (
            lambda: rank_intervals.pseudomedian([1.0, 2.0], level=LEVEL),
            "Hodges-Lehmann pseudomedian",
            None,
            "2 pairs cannot bound a 80 % interval",
        ),
        (
            lambda: rank_intervals.rank_shift([], ONE, level=LEVEL),
            "Hodges-Lehmann shift",
            NO_ARM,
            NO_ARM,
        ),
        (
            lambda: rank_intervals.rank_shift(ONE, OTHER, level=LEVEL),
            "Hodges-Lehmann shift",
            None,
            "1 against 2 values cannot bound a 80 % interval",
        ),
        (
            lambda: rank_intervals.pseudomedian(np.arange(101.0), level=LEVEL),
            "Hodges-Lehmann pseudomedian",
            None,
            None,
        ),
        (
            lambda: spread.variance_estimate(SAME, level=LEVEL),
            "variance",
            "no spread",
            "no spread",
        ),
        (
            lambda: spread.variance_estimate(FEW, level=LEVEL),
            "variance",
            "an interval needs 5 values",
            "an interval needs 5 values",
        ),
        (
            lambda: spread.variance_estimate(np.arange(5.0), level=LEVEL),
            "variance, Bonett's interval",
            None,
            None,
        ),
        (
            lambda: spread.variance_ratio(np.ones((6, 1)), np.arange(6.0)[:, None], level=LEVEL),
            "ratio of variances, jackknife of its logarithm",
            "no spread",
            "no spread",
        ),
        (
            lambda: spread.variance_ratio(
                np.arange(4.0)[:, None], np.arange(4.0)[:, None] ** 2, level=LEVEL
            ),
            "ratio of variances, jackknife of its logarithm",
            "an interval needs 5 replicates",
            "an interval needs 5 replicates",
        ),
        (
            lambda: stochastic_order.almost_stochastic_order(ONE, FEW, level=LEVEL, draws=1000),
            "almost stochastic order, bootstrap (1,000 draws)",
            "one value in an arm: no spread to draw from",
            "one value in an arm: no spread to draw from",
        ),
        (
            lambda: variance.one_way([SAME, SAME], level=LEVEL).icc1,
            "ICC(1,1)",
            "no spread",
            "no spread",
        ),
        (
            lambda: variance.one_way([SAME, OTHER], level=LEVEL).icc1,
            "ICC(1,1)",
            "no residual spread",
            "no residual spread",
        ),
        (
            lambda: variance.crossed([SAME, OTHER], level=LEVEL).icc2,
            "ICC(2,1)",
            "no residual spread",
            "no residual spread",
        ),
        (
            lambda: variance.crossed([FEW, FEW], level=LEVEL).icc2,
            "ICC(2,1)",
            "no residual spread: the interval is undefined",
            "no residual spread: the interval is undefined",
        ),
        (lambda: variance.crossed([FEW, LATER], level=LEVEL).icc1, "ICC(1,1)", None, None),
        (lambda: variance.crossed([FEW, LATER], level=LEVEL).icc3, "ICC(3,1)", None, None),
        (
            lambda: survival.rmst(WAITING, 30.0, level=LEVEL)[0],
            "RMST",
            TOO_FAR,
            TOO_FAR,
        ),
        (lambda: survival.rmst(AT_ONCE, 9.0, level=LEVEL)[0], "RMST to 9", None, "no spread"),
        (lambda: survival.rmst(SOON, 9.0, level=LEVEL)[0], "RMST to 9", None, None),
        (
            lambda: survival.rmst_difference(SOON, LATE, 9.0, level=LEVEL)[0],
            "difference of RMST to 9",
            None,
            None,
        ),
        (
            lambda: survival.rmst_difference(SOON, WAITING, 30.0, level=LEVEL)[0],
            "difference of RMST to 30",
            TOO_FAR,
            TOO_FAR,
        ),
        (
            lambda: survival.median_time(
                survival.kaplan_meier(
                    CensoredTimes(np.arange(1.0, 21.0), np.ones(20, dtype=bool)), level=LEVEL
                )
            ),
            "Kaplan-Meier median",
            None,
            None,
        ),
        (
            lambda: cox_hazard_ratio(SOON, WAITING, level=LEVEL).hazard_ratio,
            "Cox regression, Efron ties",
            ONE_SIDED,
            ONE_SIDED,
        ),
        (
            lambda: survival.median_time(survival.kaplan_meier(WAITING, level=LEVEL)),
            "Kaplan-Meier median",
            "not reached: 0 of 3 runs reached the target by 20",
            "the survival curve has no band that falls to one half",
        ),
        (
            lambda: survival.median_time(survival.kaplan_meier(SOON, level=0.95)),
            "Kaplan-Meier median",
            None,
            "the band's upper bound never falls to one half",
        ),
        (
            lambda: cox_hazard_ratio(SOON, LATE, level=LEVEL).hazard_ratio,
            "Cox regression, Efron ties",
            None,
            None,
        ),
    ],
)
def test_an_estimate_names_its_method_and_its_reasons(
    call: Callable[[], Estimate], method: str, reason: str | None, of_interval: str | None
) -> None:
    estimate = call()
    assert (str(estimate.method), estimate.reason) == (method, reason)
    assert estimate.interval.reason == of_interval
    assert estimate.interval.level in {LEVEL, 0.95}
    ends = estimate.interval.low, estimate.interval.high
    assert {type(number) for number in (estimate.value, *ends)} == {float}
    assert math.isnan(ends[0]) == math.isnan(ends[1])
    if of_interval is None:
        assert ends[0] <= estimate.value <= ends[1]


@pytest.mark.parametrize(
    ("call", "bounds", "reason"),
    [
        (lambda: paired.sign_flip_interval([], level=LEVEL), (math.nan, math.nan), NO_PAIRS),
        (
            lambda: paired.sign_flip_interval(ONE, level=LEVEL),
            (-math.inf, math.inf),
            "1 pair cannot bound a 80 % interval: the smallest two-sided p is 1",
        ),
        (
            lambda: paired.sign_flip_interval([1.0, 2.0], level=LEVEL),
            (-math.inf, math.inf),
            "2 pairs cannot bound a 80 % interval: the smallest two-sided p is 0.5",
        ),
        (lambda: paired.sign_flip_interval(np.ones(5), level=LEVEL), (1.0, 1.0), EQUAL),
        (
            lambda: classical.paired_t_interval(ONE, level=LEVEL),
            (math.nan, math.nan),
            "1 pair: no spread to measure",
        ),
        (
            lambda: classical.welch_t_interval(ONE, OTHER, level=LEVEL),
            (math.nan, math.nan),
            FEW_VALUES,
        ),
        (lambda: classical.welch_t_interval(SAME, OTHER, level=LEVEL), (math.nan, math.nan), FLAT),
        (lambda: unpaired.permutation_interval([], ONE, level=LEVEL), (math.nan, math.nan), NO_ARM),
        (
            lambda: unpaired.permutation_interval([1.0, 2.0], [2.0, 4.0], level=LEVEL),
            (-math.inf, math.inf),
            "2 against 2 values cannot bound a 80 % interval: the smallest two-sided p is 0.3333",
        ),
        (
            lambda: unpaired.permutation_interval(
                [1.0, 2.0], [2.0, 4.0], level=LEVEL, equal_tailed=True
            ),
            (-math.inf, math.inf),
            "2 against 2 values cannot bound a 80 % interval: the smallest one-sided p is 0.1667",
        ),
        (
            lambda: unpaired.permutation_interval(np.ones(4), np.full(4, 3.0), level=LEVEL),
            (-2.0, -2.0),
            FLAT,
        ),
        (
            lambda: equivalence.paired_t_tost(SAME, -1.0, 1.0, alpha=0.1).interval,
            (math.nan, math.nan),
            EQUAL,
        ),
        (
            lambda: equivalence.welch_tost(SAME, OTHER, -1.0, 1.0, alpha=0.1).interval,
            (math.nan, math.nan),
            FLAT,
        ),
    ],
)
def test_an_interval_without_bounds_says_why(
    call: Callable[[], Interval], bounds: tuple[float, float], reason: str
) -> None:
    interval = call()
    np.testing.assert_array_equal((interval.low, interval.high), bounds)
    assert (interval.level, interval.reason) == (LEVEL, reason)


@pytest.mark.parametrize(
    ("call", "method", "reason", "df"),
    [
        (
            lambda: curve_bands.mean_band([[1.0, 2.0]], level=LEVEL),
            "undefined band",
            "needs at least 2 runs",
            math.nan,
        ),
        (
            lambda: curve_bands.difference_band([[1.0]], [[2.0], [3.0]], paired=False, level=LEVEL),
            "undefined band",
            "needs at least 2 runs in each arm",
            math.nan,
        ),
        (
            lambda: curve_bands.mean_band(np.ones((2, 2)), level=LEVEL),
            "Bonferroni t band of the mean",
            "no spread: the runs of an arm do not differ at any epoch",
            1,
        ),
        (
            lambda: curve_bands.prediction_band([[1.0], [2.0], [4.0]], level=LEVEL),
            "Bonferroni t prediction band",
            None,
            2,
        ),
        (
            lambda: curve_bands.difference_band(
                [[1.0], [2.0]], [[2.0], [4.0]], paired=False, level=LEVEL
            ),
            "sup-t band",
            None,
            1,
        ),
    ],
)
def test_a_band_names_its_method_and_its_reason(
    call: Callable[[], curve_bands.SimultaneousBand], method: str, reason: str | None, df: float
) -> None:
    band = call()
    assert (band.method, band.reason, band.level) == (method, reason, LEVEL)
    assert band.df == pytest.approx(df, nan_ok=True)


def test_other_results_name_their_methods_and_reasons() -> None:
    lonely = curve_tests.max_t([[1.0]], [[2.0]], paired=True)
    assert (lonely.method, lonely.reason, lonely.arrangements) == (
        "max-T permutation",
        "needs at least 2 runs in each arm",
        0,
    )
    assert np.isnan([lonely.t, lonely.p_raw, lonely.p_single_step, lonely.p_step_down]).all()
    pair = curve_tests.max_t([[1.0], [2.0]], [[2.0], [4.0]], paired=True)
    assert (pair.method, pair.reason) == ("max-T, exact permutation (4 sign flips)", None)
    labels = curve_tests.max_t([[1.0], [2.0]], [[2.0], [4.0]], paired=False)
    assert labels.method == "max-T, exact permutation (6 labelings)"
    assert many_arms.dunn([SAME, ONE]).reason == "all values are equal"
    assert many_arms.dunn([FEW, LATER]).reason is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: paired.sign_flip_interval(FEW),
        lambda: classical.paired_t_interval(FEW),
        lambda: classical.welch_t_interval(FEW, LATER),
        lambda: unpaired.permutation_interval(FEW, LATER),
        lambda: equivalence.paired_t_tost(FEW, -1.0, 1.0, alpha=0.025).interval,
        lambda: equivalence.welch_tost(FEW, LATER, -1.0, 1.0, alpha=0.025).interval,
        lambda: effects.hedges_g(FEW, LATER).interval,
        lambda: effects.cohen_d(FEW, LATER).interval,
        lambda: effects.hedges_gz(FEW).interval,
        lambda: effects.cohen_dz(FEW).interval,
        lambda: effects.cliffs_delta(FEW, LATER).interval,
        lambda: effects.probability_of_superiority(FEW, LATER).interval,
        lambda: effects.paired_superiority(FEW).interval,
        lambda: bootstrap.bootstrap(FEW).estimate.interval,
        lambda: bootstrap.iqm_over_tasks([FEW, LATER], draws=9).interval,
        lambda: bootstrap.probability_of_improvement([FEW], [LATER], draws=9).interval,
        lambda: rank_intervals.pseudomedian(FEW).interval,
        lambda: rank_intervals.rank_shift(FEW, LATER).interval,
        lambda: spread.variance_estimate(MANY).interval,
        lambda: spread.variance_ratio(MANY[:, None], MANY[::-1, None]).interval,
        lambda: stochastic_order.almost_stochastic_order(FEW, LATER, draws=9).interval,
        lambda: stochastic_order.stochastic_orders(FEW, LATER, draws=9)[1].interval,
        lambda: variance.one_way([FEW, LATER]).icc1.interval,
        lambda: variance.crossed([FEW, LATER]).icc2.interval,
        lambda: survival.median_time(survival.kaplan_meier(SOON)).interval,
        lambda: survival.rmst(SOON, 9.0)[0].interval,
        lambda: survival.rmst_difference(SOON, LATE, 9.0)[0].interval,
        lambda: cox_hazard_ratio(SOON, LATE).hazard_ratio.interval,
        lambda: curve_bands.mean_band([FEW, LATER]),
        lambda: curve_bands.prediction_band([FEW, LATER]),
        lambda: curve_bands.difference_band([FEW, LATER], [LATER, FEW], paired=True),
    ],
)
def test_an_interval_is_of_95_percent_unless_asked_otherwise(
    call: Callable[[], Interval | curve_bands.SimultaneousBand],
) -> None:
    assert call().level == 0.95
