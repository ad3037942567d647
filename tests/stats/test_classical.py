"""Textbook tests, where their programs have gone wrong."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from harness.stats import classical
from harness.stats.results import TestResult
from harness.stats.samples import Alternative, FloatArray
from tests.stats.strategies import alternatives, differences, values


def enumerated_wilcoxon(d: FloatArray) -> float:
    """All signs of the midranks of non-zero differences, one by one."""
    d = np.round(d, 6)
    doubled = np.rint(2 * stats.rankdata(np.abs(d[d != 0]))).astype(int)
    observed = abs(int((np.sign(d[d != 0]) * doubled).sum()))
    flips = np.array(list(itertools.product((1, -1), repeat=doubled.size)))
    return float(np.mean(np.abs(flips @ doubled) >= observed))


class TestPaired:
    """Tests of paired differences."""

    def test_identical_arms(self) -> None:
        """D1: never NaN without a reason, never a warning."""
        d = np.zeros(5)
        t = classical.paired_t(d)
        assert math.isnan(t.p)
        assert t.reason == "no spread: all differences are equal"
        for result in (classical.wilcoxon_signed_rank(d), classical.sign_test(d)):
            assert (result.p, result.reason) == (1.0, "all differences are zero")

    @pytest.mark.parametrize(
        ("d", "exact", "corrected"),
        [([2, 2, 3, 5, 8], 0.0625, 0.0579), ([-1, 1, 2, 2, 3, 4, 4, 5], 0.0234375, None)],
    )
    def test_wilcoxon_with_ties(
        self, d: list[float], exact: float, corrected: float | None
    ) -> None:
        """D2."""
        assert classical.wilcoxon_signed_rank(d).p == exact
        if corrected:
            result = classical.wilcoxon_signed_rank(d, method="asymptotic", continuity=True)
            assert result.p == pytest.approx(corrected, abs=5e-5)

    def test_asymptotic_wilcoxon_with_ties(self) -> None:
        """D2: what the approximation gives instead."""
        first = classical.wilcoxon_signed_rank([2, 2, 3, 5, 8], method="asymptotic")
        second = classical.wilcoxon_signed_rank([-1, 1, 2, 2, 3, 4, 4, 5], method="asymptotic")
        assert first.p == pytest.approx(0.0422, abs=5e-5)
        assert second.p == pytest.approx(0.0204, abs=5e-5)

    @pytest.mark.parametrize("n", [5, 6])
    def test_duplicate_seeds_would_flip_the_verdict(self, n: int) -> None:
        """B5: five replicates give 0.0625, the fifth counted twice 0.03125."""
        d = [0.01, 0.02, 0.03, 0.04, 0.05, 0.05][:n]
        assert classical.wilcoxon_signed_rank(d).p == {5: 0.0625, 6: 0.03125}[n]

    def test_not_significant_is_not_equal(self) -> None:
        """D16."""
        d = [0.012, -0.010, 0.009, -0.011, 0.010]
        assert classical.paired_t(d).p == pytest.approx(0.7164, abs=5e-5)

    @given(differences(1, 9))
    def test_wilcoxon_counts_all_signs(self, d: FloatArray) -> None:
        if np.any(np.round(d, 6)):
            assert classical.wilcoxon_signed_rank(d).p == pytest.approx(enumerated_wilcoxon(d))

    @pytest.mark.parametrize("alternative", ["less", "greater", "two-sided"])
    @pytest.mark.parametrize("n", [6, 15, 40])
    def test_scipy_without_ties(self, n: int, alternative: Alternative) -> None:
        d = np.random.default_rng(n).normal(0.3, 1, n)
        exact = stats.wilcoxon(d, method="exact", alternative=alternative)
        mine = classical.wilcoxon_signed_rank(d, alternative=alternative)
        assert mine.p == pytest.approx(exact.pvalue, rel=1e-9)
        for continuity in (True, False):
            theirs = stats.wilcoxon(
                d, method="asymptotic", correction=continuity, alternative=alternative
            )
            mine = classical.wilcoxon_signed_rank(
                d, method="asymptotic", continuity=continuity, alternative=alternative
            )
            assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9)

    @given(differences(2, 9), alternatives)
    def test_t_as_scipy(self, d: FloatArray, alternative: Alternative) -> None:
        mine = classical.paired_t(d, null=0.5, alternative=alternative)
        if mine.defined:
            theirs = stats.ttest_1samp(d, 0.5, alternative=alternative)
            assert mine.p == pytest.approx(theirs.pvalue, rel=1e-9)
            assert mine.df == theirs.df
        else:
            assert mine.reason == "no spread: all differences are equal"

    @pytest.mark.parametrize("n", [0, 1])
    def test_too_few_pairs(self, n: int) -> None:
        d = np.ones(n)
        assert classical.paired_t(d).reason == f"{n} pair{'s' * (n != 1)}: no spread to measure"
        assert math.isnan(classical.paired_t_interval(d).low)
        assert classical.wilcoxon_signed_rank(d).defined == (n == 1)
        assert classical.sign_test(d).defined == (n == 1)


class TestUnpaired:
    """Tests of two samples."""

    def test_dropping_runs_that_failed_is_wrong(self) -> None:
        """D9: what Mann-Whitney says of the survivors alone."""
        p = classical.mann_whitney([5, 6, 7], [8, 9, 10, 11, 12]).p
        assert p == pytest.approx(0.0357, abs=5e-5)

    def test_constants(self) -> None:
        assert classical.welch_t([0.98] * 5, [0.97] * 5).reason == "no spread in either arm"
        assert classical.mann_whitney([0.98] * 5, [0.98] * 5).p == 1.0
        assert classical.mann_whitney([0.98] * 5, [0.98] * 5, method="asymptotic").p == 1.0
        separated = classical.brunner_munzel([0.98] * 5, [0.97] * 5)
        assert separated.statistic == -math.inf
        assert math.isnan(separated.p)
        assert math.isnan(classical.brunner_munzel([0.98] * 5, [0.98] * 5).statistic)

    def test_ties_hidden_by_binary_noise_stay_ties(self) -> None:
        """D6: 0.1 + 0.2 is not 0.3 in binary, but no less a tie."""
        assert 0.1 + 0.2 != 0.3
        noisy, plain = [0.1 + 0.2] * 4, [0.3] * 4
        assert classical.mann_whitney(noisy, plain).p == 1.0
        mixed = classical.mann_whitney([*noisy, 0.5], [*plain, 0.4])
        exact = classical.mann_whitney([3, 3, 3, 3, 5], [3, 3, 3, 3, 4])
        assert (mixed.statistic, mixed.p) == (exact.statistic, exact.p)

    @pytest.mark.parametrize("distribution", ["t", "normal"])
    def test_brunner_munzel_never_gives_p_zero(self, distribution: str) -> None:
        result = classical.brunner_munzel(
            np.arange(9) + 50.0,
            np.arange(9),
            distribution=distribution,  # type: ignore[arg-type]
        )
        assert math.isnan(result.p)
        assert "separated" in (result.reason or "")

    @pytest.mark.parametrize("alternative", ["less", "greater", "two-sided"])
    def test_scipy(self, alternative: Alternative) -> None:
        """Scipy's Brunner-Munzel counts from b; its "less" is P(a < b)."""
        rng = np.random.default_rng(5)
        a, b = rng.normal(0.5, 1, 7), rng.normal(0, 2, 11)
        pairs: list[tuple[TestResult, float]] = [
            (
                classical.welch_t(a, b, alternative=alternative),
                stats.ttest_ind(a, b, equal_var=False, alternative=alternative).pvalue,
            ),
            (
                classical.mann_whitney(a, b, alternative=alternative),
                stats.mannwhitneyu(a, b, method="exact", alternative=alternative).pvalue,
            ),
            (
                classical.mann_whitney(a, b, method="asymptotic", alternative=alternative),
                stats.mannwhitneyu(a, b, method="asymptotic", alternative=alternative).pvalue,
            ),
            (
                classical.brunner_munzel(a, b, alternative=alternative),
                stats.brunnermunzel(a, b, alternative=alternative).pvalue,
            ),
            (
                classical.brunner_munzel(a, b, distribution="normal", alternative=alternative),
                stats.brunnermunzel(a, b, distribution="normal", alternative=alternative).pvalue,
            ),
        ]
        for mine, theirs in pairs:
            assert mine.p == pytest.approx(theirs, rel=1e-9), mine.method

    @given(values(1, 6), values(1, 6), alternatives)
    def test_exact_mann_whitney_counts_all_selections(
        self, a: FloatArray, b: FloatArray, alternative: Alternative
    ) -> None:
        doubled = np.rint(2 * stats.rankdata(np.concatenate([a, b]))).astype(int)
        n, total = a.size, int(doubled.sum())
        sums = np.array([sum(c) for c in itertools.combinations(doubled.tolist(), n)])
        scaled = sums * doubled.size - n * total  # (sum - E) times n + m, whole
        extreme = {
            "greater": scaled >= scaled[0],
            "less": scaled <= scaled[0],
            "two-sided": np.abs(scaled) >= abs(scaled[0]),
        }
        mine = classical.mann_whitney(a, b, alternative=alternative)
        assert mine.p == pytest.approx(np.mean(extreme[alternative]))

    def test_one_value_or_none(self) -> None:
        assert "each arm needs two" in (classical.welch_t([1.0], [1.0, 2.0]).reason or "")
        assert "each arm needs two" in (classical.brunner_munzel([1.0], [1.0, 2.0]).reason or "")
        assert classical.mann_whitney([], [1.0]).reason == "an arm is empty"
        assert math.isnan(classical.welch_t_interval([1.0], [1.0, 2.0]).high)


class TestNormality:
    """Shapiro-Wilk, and where it says nothing."""

    @pytest.mark.parametrize("values", [[0.98] * 6, [0.98, 0.97], [], [0.3] * 2])
    def test_not_assessable(self, values: list[float]) -> None:
        """D8."""
        result = classical.normality(values)
        assert math.isnan(result.p)
        assert (result.reason or "").startswith("not assessable")

    def test_nearly_constant_differences(self) -> None:
        """D8: a range of rounding error is no range."""
        assert math.isnan(classical.normality(0.3 - np.array([0.1, 0.1, 0.2, 0.2]) % 0.1).p)

    def test_skew_is_found(self) -> None:
        normal = stats.norm.ppf(np.linspace(0.02, 0.98, 30))
        assert classical.normality(normal).p > 0.9
        assert classical.normality(np.exp(normal)).p < 0.01
