"""Proof that the benchmark's many studies at once are the product's studies one by one."""

from __future__ import annotations

import math

import numpy as np

from benchmarks import many_studies as many
from benchmarks.scenarios import FloatArray
from harness.stats import classical, equivalence, paired, unpaired
from harness.stats.results import Interval, TestResult
from harness.stats.samples import Alternative


class DisagreementError(AssertionError):
    """A p value or an interval is not the one that `harness.stats` gives."""


def check_deciding(
    a: FloatArray, b: FloatArray, null: float, p: many.PValues, *, pairs: bool, alpha: float
) -> None:
    """Hold p values against the deciding test, and its decision against the interval.

    Args:
        a: Values of the first arm, shape (studies, n).
        b: Values of the second arm, shape (studies, m).
        null: The hypothesised difference.
        p: What the benchmark found.
        pairs: Whether the arms are paired.
        alpha: 1 - the level of the interval.

    Raises:
        DisagreementError: If a p differs, or an interval contradicts its test.
    """
    kinds: tuple[tuple[Alternative, FloatArray], ...] = (
        ("two-sided", p.two_sided),
        ("greater", p.greater),
        ("less", p.less),
    )
    for i in range(len(a)):
        for kind, ours in kinds:
            _same(_deciding_test(a[i], b[i], null, kind, pairs=pairs).p, ours[i])
        interval = _interval(a[i], b[i], null, 1 - alpha, pairs=pairs)
        slack = 1e-9 * max(1.0, abs(null))
        inside = interval.low - slack <= null <= interval.high + slack
        if inside != (p.two_sided[i] > alpha):
            raise DisagreementError(f"{interval} contradicts p = {p.two_sided[i]} at {null}")


def check_equality(
    a: FloatArray, b: FloatArray, margin: float, p: FloatArray, *, pairs: bool
) -> None:
    """Hold p values of practical equality against the product's TOST."""
    for i in range(len(a)):
        theirs = (
            equivalence.sign_flip_tost(
                a[i] - b[i], margin, draws=many.DRAWS, exact_up_to=many.EXACT_PAIRS
            )
            if pairs
            else equivalence.permutation_tost(
                a[i], b[i], margin, draws=many.DRAWS, exact_up_to=many.EXACT_LABELINGS
            )
        )
        _same(theirs.p, p[i])


def check_t(a: FloatArray, b: FloatArray, null: float, p: FloatArray, *, pairs: bool) -> None:
    """Hold p values against the product's t tests, where these are defined."""
    for i in range(len(a)):
        theirs = (
            classical.paired_t(a[i] - b[i], null=null)
            if pairs
            else classical.welch_t(a[i], b[i], null=null)
        )
        _same(1.0 if math.isnan(theirs.p) else theirs.p, p[i])


def check_ranks(a: FloatArray, b: FloatArray, p: FloatArray, *, pairs: bool) -> None:
    """Hold p values against the product's exact rank tests, where the benchmark enumerates too."""
    n, m = a.shape[1], b.shape[1]
    exact = n <= many.EXACT_PAIRS if pairs else math.comb(n + m, n) <= many.EXACT_LABELINGS
    for i in range(len(a) if exact else 0):
        theirs = (
            classical.wilcoxon_signed_rank(a[i] - b[i])
            if pairs
            else classical.mann_whitney(a[i], b[i])
        )
        _same(theirs.p, p[i])


def _deciding_test(
    a: FloatArray, b: FloatArray, null: float, kind: Alternative, *, pairs: bool
) -> TestResult:
    if pairs:
        return paired.sign_flip_test(
            a - b, null=null, alternative=kind, draws=many.DRAWS, exact_up_to=many.EXACT_PAIRS
        )
    return unpaired.permutation_test(
        a, b, null=null, alternative=kind, draws=many.DRAWS, exact_up_to=many.EXACT_LABELINGS
    )


def _interval(a: FloatArray, b: FloatArray, null: float, level: float, *, pairs: bool) -> Interval:
    if pairs:
        return paired.sign_flip_interval(
            a - b, level=level, draws=many.DRAWS, exact_up_to=many.EXACT_PAIRS
        )
    return unpaired.permutation_interval(
        a, b, level=level, null=null, draws=many.DRAWS, exact_up_to=many.EXACT_LABELINGS
    )


def _same(theirs: float, ours: float) -> None:
    if not np.isclose(theirs, ours, rtol=1e-9, atol=1e-12):
        raise DisagreementError(f"the benchmark has p = {ours}, the product p = {theirs}")
