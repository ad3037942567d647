"""Reports print what a test says of itself: its method, and why a p is missing or special."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from harness.stats import (
    classical,
    curve_tests,
    equivalence,
    factorial,
    logrank,
    many_arms,
    paired,
    survival,
    unpaired,
    variance,
)
from harness.stats.cox import cox_hazard_ratio
from harness.stats.results import TestResult
from harness.stats.survival import CensoredTimes
from tests.stats.odd_samples import (
    AT_ONCE,
    EQUAL,
    FEW,
    FEW_VALUES,
    FLAT,
    LATE,
    LATER,
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
    ZERO,
)


@pytest.mark.parametrize(
    ("call", "method", "reason", "df"),
    [
        (lambda: classical.paired_t([]), "paired t test", "0 pairs: no spread to measure", None),
        (lambda: classical.paired_t(ONE), "paired t test", "1 pair: no spread to measure", None),
        (lambda: classical.paired_t(SAME), "paired t test", EQUAL, None),
        (lambda: classical.paired_t(FEW), "paired t test", None, 2),
        (lambda: classical.welch_t(ONE, OTHER), "Welch t test", FEW_VALUES, None),
        (lambda: classical.welch_t(SAME, OTHER), "Welch t test", FLAT, None),
        (lambda: classical.welch_t(SAME, FEW), "Welch t test", None, 2),
        (lambda: classical.wilcoxon_signed_rank([]), "Wilcoxon signed-rank test", NO_PAIRS, None),
        (lambda: classical.wilcoxon_signed_rank([0.0]), "Wilcoxon signed-rank test", ZERO, None),
        (
            lambda: classical.wilcoxon_signed_rank(FEW),
            "exact Wilcoxon signed-rank test (wilcox)",
            None,
            None,
        ),
        (
            lambda: classical.wilcoxon_signed_rank(FEW, zeros="pratt", method="asymptotic"),
            "asymptotic Wilcoxon signed-rank test (pratt)",
            None,
            None,
        ),
        (lambda: classical.sign_test([]), "sign test", NO_PAIRS, None),
        (lambda: classical.sign_test([0.0]), "sign test", ZERO, None),
        (
            lambda: classical.sign_test([0.0, 1.0, -2.0]),
            "exact sign test (2 differences)",
            None,
            None,
        ),
        (lambda: classical.mann_whitney([], ONE), "Mann-Whitney U test", NO_ARM, None),
        (
            lambda: classical.mann_whitney(SAME, ONE),
            "Mann-Whitney U test",
            "all values are equal",
            None,
        ),
        (lambda: classical.mann_whitney(FEW, OTHER), "exact Mann-Whitney U test", None, None),
        (
            lambda: classical.mann_whitney(FEW, OTHER, method="asymptotic"),
            "asymptotic Mann-Whitney U test",
            None,
            None,
        ),
        (lambda: classical.brunner_munzel(ONE, OTHER), "Brunner-Munzel test (t)", FEW_VALUES, None),
        (
            lambda: classical.brunner_munzel(SAME, OTHER, distribution="normal"),
            "Brunner-Munzel test (normal)",
            "placements do not vary: the samples are separated or constant",
            None,
        ),
        (
            lambda: classical.normality(SAME),
            "Shapiro-Wilk test",
            "not assessable: 2 values, 3 are needed",
            None,
        ),
        (
            lambda: classical.normality(np.ones(3)),
            "Shapiro-Wilk test",
            "not assessable: all values are equal",
            None,
        ),
        (
            lambda: classical.normality(np.arange(5001.0)),
            "Shapiro-Wilk test",
            "not assessable: more than 5,000 values",
            None,
        ),
        (lambda: classical.normality(FEW), "Shapiro-Wilk test", None, None),
        (
            lambda: paired.sign_flip_test([]),
            "exact sign-flip permutation (1 arrangements)",
            NO_PAIRS,
            None,
        ),
        (
            lambda: paired.sign_flip_test(ONE),
            "exact sign-flip permutation (2 arrangements)",
            "one pair: no outcome can be significant",
            None,
        ),
        (
            lambda: paired.sign_flip_test(SAME),
            "exact sign-flip permutation (4 arrangements)",
            EQUAL,
            None,
        ),
        (
            lambda: paired.sign_flip_test([0.0, 0.0]),
            "exact sign-flip permutation (4 arrangements)",
            ZERO,
            None,
        ),
        (
            lambda: paired.sign_flip_test(OTHER, null=2.0),
            "exact sign-flip permutation (4 arrangements)",
            "all differences are 2",
            None,
        ),
        (
            lambda: paired.sign_flip_test(FEW, exact_up_to=2, draws=999),
            "Monte Carlo sign-flip permutation (2,000 arrangements)",
            None,
            None,
        ),
        (
            lambda: equivalence.sign_flip_tost([], 1.0),
            "TOST by exact sign-flip permutation (1 arrangements)",
            NO_PAIRS,
            None,
        ),
        (
            lambda: equivalence.sign_flip_tost(SAME, 1.5),
            "TOST by exact sign-flip permutation (4 arrangements)",
            EQUAL,
            None,
        ),
        (lambda: equivalence.permutation_tost([], ONE, 1.0), "TOST by permutation", NO_ARM, None),
        (
            lambda: equivalence.permutation_tost(SAME, OTHER, 1.5),
            "TOST by exact studentized permutation (6 labelings)",
            FLAT,
            None,
        ),
        (lambda: unpaired.permutation_test([], ONE), "permutation", NO_ARM, None),
        (
            lambda: unpaired.permutation_test(ONE, OTHER),
            "exact permutation of the means (3 labelings)",
            "one value in an arm: its variance is unknown",
            None,
        ),
        (
            lambda: unpaired.permutation_test(SAME, OTHER),
            "exact studentized permutation (6 labelings)",
            FLAT,
            None,
        ),
        (
            lambda: unpaired.permutation_test(SAME, SAME),
            "exact studentized permutation (6 labelings)",
            "no difference and no spread",
            None,
        ),
        (
            lambda: unpaired.permutation_test(FEW, LATER, exact_up_to=1, draws=99),
            "Monte Carlo studentized permutation (100 labelings)",
            None,
            None,
        ),
        (
            lambda: unpaired.permutation_test(MANY, MANY, studentized=False, draws=99),
            "Monte Carlo permutation of the means (100 labelings)",
            None,
            None,
        ),
        (
            lambda: unpaired.permutation_test(FEW, LATER, studentized=False, exact_up_to=1),
            "exact permutation of the means (20 labelings)",
            None,
            None,
        ),
        (
            lambda: logrank.log_rank([WAITING, WAITING]).test,
            "log-rank test of 2 arms",
            "not testable: 0/6 runs reached the target",
            1,
        ),
        (
            lambda: logrank.log_rank([AT_ONCE, AT_ONCE, AT_ONCE], weights="gehan").test,
            "gehan test of 3 arms",
            "not testable: every run reached the target at the same time",
            2,
        ),
        (
            lambda: (
                logrank.log_rank(
                    [SOON, CensoredTimes(np.full(2, 0.5), np.zeros(2, dtype=bool))]
                ).test
            ),
            "log-rank test of 2 arms",
            "not testable: the arms never waited together when a run reached the target",
            1,
        ),
        (lambda: logrank.log_rank([SOON, LATE]).test, "log-rank test of 2 arms", None, 1),
        (
            lambda: logrank.log_rank_permutation(AT_ONCE, AT_ONCE),
            "permutation log-rank",
            "not testable: 6/6 runs reached the target, all alike",
            None,
        ),
        (
            lambda: logrank.log_rank_permutation(SOON, LATE),
            "exact permutation log-rank (20 labelings)",
            None,
            None,
        ),
        (
            lambda: survival.rmst_difference(WAITING, SOON, 30.0)[1],
            "z test, difference of RMST to 30",
            TOO_FAR,
            None,
        ),
        (
            lambda: survival.rmst_difference(AT_ONCE, AT_ONCE, 9.0)[1],
            "z test, difference of RMST to 9",
            "neither arm has any spread",
            None,
        ),
        (
            lambda: survival.rmst_difference(AT_ONCE, SOON, 9.0)[1],
            "z test, difference of RMST to 9",
            "one arm has no spread: trust the permutation test",
            None,
        ),
        (
            lambda: survival.rmst_difference(SOON, LATE, 9.0)[1],
            "z test, difference of RMST to 9",
            None,
            None,
        ),
        (
            lambda: survival.rmst_permutation(WAITING, WAITING, 9.0),
            "exact permutation (20 labelings) of RMST to 9",
            "no run reached the target",
            None,
        ),
        (
            lambda: survival.rmst_permutation(SOON, LATE, 9.0),
            "exact permutation (20 labelings) of RMST to 9",
            None,
            None,
        ),
        (
            lambda: cox_hazard_ratio(WAITING, WAITING).wald,
            "Cox regression, Efron ties",
            "not estimable: no run reached the target",
            None,
        ),
        (
            lambda: cox_hazard_ratio(SOON, WAITING, ties="breslow").score,
            "Cox regression, Breslow ties",
            ONE_SIDED,
            None,
        ),
        (
            lambda: cox_hazard_ratio(SOON, LATE).wald,
            "Wald test, Cox regression, Efron ties",
            None,
            None,
        ),
        (
            lambda: cox_hazard_ratio(SOON, LATE).likelihood_ratio,
            "likelihood-ratio test, Cox regression, Efron ties",
            None,
            1,
        ),
        (
            lambda: cox_hazard_ratio(SOON, LATE).score,
            "score test, Cox regression, Efron ties",
            None,
            1,
        ),
        (
            lambda: many_arms.friedman(np.ones((3, 2))).friedman,
            "Friedman test",
            "all arms tie in every block",
            1,
        ),
        (
            lambda: many_arms.friedman([[1.0, 2.0, 3.0]] * 3, correct_ties=False).friedman,
            "Friedman test without tie correction",
            None,
            2,
        ),
        (
            lambda: many_arms.friedman([[1.0, 2.0, 3.0]] * 3).iman_davenport,
            "Iman-Davenport F test",
            "every block ranks the arms alike: p is the chance of that",
            2,
        ),
        (
            lambda: many_arms.friedman([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]).iman_davenport,
            "Iman-Davenport F test",
            None,
            1,
        ),
        (
            lambda: many_arms.kruskal_wallis([SAME, ONE]),
            "Kruskal-Wallis test",
            "all values are equal",
            1,
        ),
        (lambda: many_arms.kruskal_wallis([FEW, LATER]), "Kruskal-Wallis test", None, 1),
        (
            lambda: many_arms.welch_anova([FEW, LATER, ONE]).test,
            "Welch's analysis of variance",
            "every group needs 2 values or more",
            2,
        ),
        (
            lambda: many_arms.welch_anova([FEW, SAME]).test,
            "Welch's analysis of variance",
            "a group has no spread",
            1,
        ),
        (lambda: many_arms.welch_anova([FEW, LATER]).test, "Welch's analysis of variance", None, 1),
        (
            lambda: factorial.factorial(np.arange(6.0).reshape(2, 1, 3)).row,
            "none",
            "row means never differ",
            None,
        ),
        (
            lambda: factorial.factorial(np.arange(6.0).reshape(2, 1, 3)).column,
            "exact permutation (4 sign flips) of column means within blocks",
            None,
            None,
        ),
        (
            lambda: factorial.factorial(np.arange(6.0).reshape(2, 3, 1)).column,
            "none",
            "column means never differ",
            None,
        ),
        (
            lambda: factorial.factorial(np.arange(6.0).reshape(2, 3, 1)).interaction,
            "none",
            "interaction contrasts never differ",
            None,
        ),
        (
            lambda: variance.one_way([SAME, SAME]).test,
            "F test of groups on 1 and 2 degrees of freedom",
            "no spread",
            1,
        ),
        (
            lambda: variance.one_way([SAME, OTHER]).test,
            "F test of groups on 1 and 2 degrees of freedom",
            "no spread within groups",
            1,
        ),
        (
            lambda: variance.one_way([FEW, LATER]).test,
            "F test of groups on 1 and 4 degrees of freedom",
            None,
            1,
        ),
        (
            lambda: variance.crossed([FEW, FEW]).column_test,
            "F test of columns on 2 and 2 degrees of freedom",
            "no spread within columns",
            2,
        ),
        (
            lambda: variance.crossed(np.arange(12.0).reshape(3, 4) ** 2).row_test,
            "F test of rows on 2 and 6 degrees of freedom",
            None,
            2,
        ),
        (
            lambda: variance.crossed(np.arange(12.0).reshape(3, 4) ** 2).column_test,
            "F test of columns on 3 and 6 degrees of freedom",
            None,
            3,
        ),
        (
            lambda: curve_tests.foreign_curve([1.0, 2.0], [[1.0, 2.0]]),
            "exact rank among 2 curves (least p 0.5)",
            "needs at least 2 curves of the arm",
            None,
        ),
        (
            lambda: curve_tests.foreign_curve([1.0, 2.0], [[1.0, 2.0], [2.0, 3.0]]),
            "exact rank among 3 curves (least p 0.33)",
            None,
            None,
        ),
    ],
)
def test_a_test_names_its_method_and_its_reason(
    call: Callable[[], TestResult], method: str, reason: str | None, df: float | None
) -> None:
    result = call()
    assert (str(result.method), result.reason, result.df) == (method, reason, df)
    assert {type(result.statistic), type(result.p)} == {float}
