"""What a statistical function returns: plain, immutable results that carry their own caveats."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TestResult:
    """The outcome of one hypothesis test.

    Attributes:
        statistic: The observed test statistic; NaN where it is undefined.
        p: The p value in (0, 1]; NaN where the test is undefined, never 0.
        method: What was computed, in words a report can print, e.g.
            ``"exact sign-flip permutation (1,024 arrangements)"``.
        df: Degrees of freedom, where the reference distribution has them.
        reason: Why ``p`` is NaN or needs care ("all differences are zero"); None otherwise.
    """

    __test__ = False  # the name starts with "Test", but pytest must not collect it

    statistic: float
    p: float
    method: str
    df: float | None = None
    reason: str | None = None

    @property
    def defined(self) -> bool:
        """Whether the test produced a p value."""
        return not math.isnan(self.p)


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Lower bound; ``-inf`` where the data bound it from above only, NaN if undefined.
        high: Upper bound; ``inf`` where the data bound it from below only, NaN if undefined.
        level: Confidence level, e.g. 0.95.
        reason: Why a bound is infinite or NaN ("5 pairs cannot give a 95 % interval"); else None.
    """

    low: float
    high: float
    level: float
    reason: str | None = None

    def inside(self, low: float, high: float) -> bool:
        """Whether the whole interval lies strictly between ``low`` and ``high``."""
        return low < self.low and self.high < high


@dataclass(frozen=True, slots=True)
class Estimate:
    """An effect size with its interval, e.g. Hedges' g; NaN with a reason where undefined."""

    value: float
    interval: Interval
    method: str
    reason: str | None = None
