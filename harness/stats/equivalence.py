"""Practical equivalence: two one-sided tests (TOST) against a margin.

Two arms are practically equal when both "the difference is at least the margin" and "it is at most
minus the margin" are rejected, each at alpha (Schuirmann 1987). A large p of a test of difference
says nothing of the kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from harness.language import said
from harness.stats import classical
from harness.stats.arrangements import MOST_ENUMERATED
from harness.stats.paired import DRAWS, EXACT_UP_TO, SignFlips, sign_flips
from harness.stats.relabelings import relabelings
from harness.stats.results import Interval, TestResult
from harness.stats.samples import sample


@dataclass(frozen=True, slots=True)
class TTost:
    """Two one-sided t tests.

    Attributes:
        lower: The test that the difference is greater than the lower margin.
        upper: The test that the difference is less than the upper margin.
        interval: The (1 - 2 alpha) t interval; equivalence is its lying inside the margins.
    """

    lower: TestResult
    upper: TestResult
    interval: Interval

    @property
    def p(self) -> float:
        """The larger of the two p values; NaN where the t tests are undefined."""
        return max(self.lower.p, self.upper.p)

    def equivalent(self, alpha: float = 0.05) -> bool | None:
        """Whether both tests reject at ``alpha``; None where they are undefined."""
        return None if math.isnan(self.p) else self.p <= alpha

    @property
    def reason(self) -> str | None:
        """Why p is NaN."""
        return self.lower.reason


def _check_margins(low: float, high: float) -> None:
    if not low < high:
        raise ValueError(f"the lower margin must be below the upper one, got {low} and {high}")


def _check_margin(margin: float) -> None:
    if not margin > 0:
        raise ValueError(f"the margin of equivalence must be above 0, got {margin}")


def paired_t_tost(differences: ArrayLike, low: float, high: float, *, alpha: float = 0.05) -> TTost:
    """TOST of paired differences by t tests (Schuirmann 1987).

    Args:
        differences: Shape (n,).
        low: Lower margin, usually minus the upper one.
        high: Upper margin.
        alpha: Level of each test; the interval's level is ``1 - 2 alpha``.

    Returns:
        Both tests and the interval, NaN with a reason when the differences have no spread.
    """
    _check_margins(low, high)
    return TTost(
        classical.paired_t(differences, null=low, alternative="greater"),
        classical.paired_t(differences, null=high, alternative="less"),
        classical.paired_t_interval(differences, level=1 - 2 * alpha),
    )


def welch_tost(
    a: ArrayLike, b: ArrayLike, low: float, high: float, *, alpha: float = 0.05
) -> TTost:
    """TOST of two unpaired samples by Welch's t tests (Schuirmann 1987, Welch 1947).

    Args:
        a: Shape (n,).
        b: Shape (m,).
        low: Lower margin of the difference of means a - b.
        high: Upper margin.
        alpha: Level of each test; the interval's level is ``1 - 2 alpha``.

    Returns:
        Both tests and the interval, NaN with a reason when neither arm has spread.
    """
    _check_margins(low, high)
    return TTost(
        classical.welch_t(a, b, null=low, alternative="greater"),
        classical.welch_t(a, b, null=high, alternative="less"),
        classical.welch_t_interval(a, b, level=1 - 2 * alpha),
    )


def sign_flip_tost(
    differences: ArrayLike,
    margin: float,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    exact_up_to: int = EXACT_UP_TO,
) -> TestResult:
    """TOST of paired differences by sign flips: the deciding test of practical equivalence.

    ``p <= alpha`` exactly when the (1 - 2 alpha) interval of
    :func:`harness.stats.paired.sign_flip_interval` lies *strictly* inside +-margin: a difference
    of the margin itself is not smaller than the margin.

    Args:
        differences: Shape (n,).
        margin: Differences smaller than this do not matter; above 0.
        draws: Random arrangements when there are more pairs than ``exact_up_to``.
        seed: Seed of these draws.
        exact_up_to: Pairs up to which all arrangements are enumerated.

    Returns:
        The mean difference and the larger of the two one-sided p values, with the reason "no
        spread" when all differences are equal; NaN with a reason without pairs.

    Raises:
        ValueError: If ``margin`` is not above 0, or a difference is NaN or infinite.
    """
    flips = sign_flips(differences, draws=draws, seed=seed, exact_up_to=exact_up_to)
    return flips_tost(flips, margin)


def flips_tost(flips: SignFlips, margin: float) -> TestResult:
    """Read TOST off a reference distribution that is there already: see :func:`sign_flip_tost`."""
    _check_margin(margin)
    method = said("TOST by {test}", test=flips.method)
    if flips.pairs == 0:
        return TestResult(math.nan, math.nan, method, reason="no pairs")
    p = max(flips.p(-margin, "greater"), flips.p(margin, "less"))
    reason = "no spread: all differences are equal" if flips.no_spread else None
    return TestResult(flips.mean, p, method, reason=reason)


def permutation_tost(
    a: ArrayLike,
    b: ArrayLike,
    margin: float,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    exact_up_to: int = MOST_ENUMERATED,
) -> TestResult:
    """TOST of two unpaired samples by studentized permutation.

    ``p <= alpha`` exactly when the equal-tailed (1 - 2 alpha) interval of
    :func:`harness.stats.unpaired.permutation_interval` lies strictly inside +-margin.

    Args:
        a: Shape (n,).
        b: Shape (m,).
        margin: Differences of means smaller than this do not matter; above 0.
        draws: Random labelings where there are more than ``exact_up_to``.
        seed: Seed of these draws.
        exact_up_to: Labelings up to which all are enumerated.

    Returns:
        The statistic of :func:`harness.stats.unpaired.permutation_test` and the larger of the two
        one-sided p values; NaN with a reason when an arm is empty.

    Raises:
        ValueError: If ``margin`` is not above 0, or a value is NaN or infinite.
    """
    _check_margin(margin)
    first, second = sample(a, "a"), sample(b, "b")
    if min(first.size, second.size) == 0:
        return TestResult(math.nan, math.nan, "TOST by permutation", reason="an arm is empty")
    reference = relabelings(first, second, draws=draws, seed=seed, exact_up_to=exact_up_to)
    p = max(reference.p(-margin, "greater"), reference.p(margin, "less"))
    reason = "no spread in either arm" if reference.observed_var == 0.0 else None
    method = said("TOST by {test}", test=reference.method)
    return TestResult(reference.statistic, p, method, reason=reason)
