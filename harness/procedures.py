"""Ways to decide from a sample: an estimate with the tests and intervals that belong together.

The permutation procedures decide. The t and rank procedures answer what another test would have
said, in the specification curve.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from harness.language import _, said
from harness.samples import Sample
from harness.stats import classical, equivalence, paired, unpaired
from harness.stats.arrangements import MOST_ENUMERATED
from harness.stats.rank_intervals import pseudomedian, rank_shift
from harness.stats.relabelings import DRAWS
from harness.stats.results import Interval, TestResult
from harness.stats.samples import Alternative

_MOST_DRAWN, _FEWEST_DRAWS = 100_000_000, 9_999
"""Memberships drawn for a claim of many unpaired runs, and the fewest labelings they may make."""


class Procedure(ABC):
    """One sample's inference about the difference of its two sides."""

    @property
    @abstractmethod
    def estimate(self) -> float:
        """The difference, first side minus second."""

    @abstractmethod
    def test(self, null: float = 0.0, alternative: Alternative = "two-sided") -> TestResult:
        """Test whether the difference is ``null``."""

    @abstractmethod
    def interval(self, level: float) -> Interval:
        """The confidence interval of the difference that goes with the two-sided test."""

    @property
    def leans_up(self) -> bool:
        """Whether what evidence there is speaks for the first side being greater."""
        return self.estimate > 0

    def one_sided_interval(self, level: float) -> Interval:
        """The interval that inverts two one-sided tests, each at half of what is left of 1."""
        return self.interval(level)

    def tost(self, margin: float) -> TestResult:
        """Two one-sided tests that the difference is smaller than a margin (Schuirmann 1987).

        The test with the larger p, or with none, is the one that decides.
        """
        sides = (self.test(-margin, "greater"), self.test(margin, "less"))
        weaker = max(sides, key=lambda side: (math.isnan(side.p), side.p))
        return replace(weaker, method=said("TOST by {test}", test=partial(_, weaker.method)))

    def beyond(self, margin: float) -> TestResult:
        """Test whether the difference is larger than a margin, to either side.

        The smaller of two one-sided p values counts twice, as the side was not named beforehand.
        """
        above, below = self.test(margin, "greater"), self.test(-margin, "less")
        nearer = min(above, below, key=lambda test: test.p)
        p = 2 * nearer.p
        return replace(nearer, p=1.0 if p > 1 else p)


Maker = Callable[[Sample], Procedure]


class SignFlip(Procedure):
    """Sign flips of the mean paired difference; few random ones where all would take too long."""

    def __init__(
        self, sample: Sample, *, draws: int = paired.DRAWS, exact_up_to: int = paired.EXACT_UP_TO
    ) -> None:
        self._flips = paired.sign_flips(sample.differences, draws=draws, exact_up_to=exact_up_to)

    @property
    def estimate(self) -> float:
        """The mean difference."""
        return self._flips.mean

    def test(self, null: float = 0.0, alternative: Alternative = "two-sided") -> TestResult:
        """Fisher and Pitman's test."""
        return self._flips.test(null, alternative)

    def interval(self, level: float) -> Interval:
        """Its inversion."""
        return self._flips.interval(level)

    def tost(self, margin: float) -> TestResult:
        """Two one-sided tests of the same flips."""
        return equivalence.flips_tost(self._flips, margin)


class Relabeling(Procedure):
    """Studentized permutation of two sides that are not paired."""

    def __init__(
        self, sample: Sample, *, draws: int | None = None, exact_up_to: int = MOST_ENUMERATED
    ) -> None:
        self._a, self._b = sample.a, sample.b
        if draws is None:  # of thousands of runs fewer draws, lest a claim take minutes
            fitting = _MOST_DRAWN // max(1, len(sample.a) + len(sample.b))
            draws = max(_FEWEST_DRAWS, min(DRAWS, fitting))
        self._draws, self._exact_up_to = draws, exact_up_to

    @property
    def estimate(self) -> float:
        """The difference of the means."""
        return float(self._a.mean() - self._b.mean())

    def test(self, null: float = 0.0, alternative: Alternative = "two-sided") -> TestResult:
        """Janssen's test."""
        return unpaired.permutation_test(
            self._a,
            self._b,
            null=null,
            alternative=alternative,
            draws=self._draws,
            exact_up_to=self._exact_up_to,
        )

    def interval(self, level: float) -> Interval:
        """Its inversion."""
        return self._interval(level, equal_tailed=False)

    def one_sided_interval(self, level: float) -> Interval:
        """The inversion of both one-sided tests, which differs for sides of unequal size."""
        return self._interval(level, equal_tailed=True)

    def _interval(self, level: float, *, equal_tailed: bool) -> Interval:
        return unpaired.permutation_interval(
            self._a,
            self._b,
            level=level,
            equal_tailed=equal_tailed,
            draws=self._draws,
            exact_up_to=self._exact_up_to,
        )

    def tost(self, margin: float) -> TestResult:
        """Two one-sided tests of the same labelings."""
        return equivalence.permutation_tost(
            self._a, self._b, margin, draws=self._draws, exact_up_to=self._exact_up_to
        )


class PairedT(Procedure):
    """Student's t of the paired differences."""

    def __init__(self, sample: Sample) -> None:
        self._d = sample.differences

    @property
    def estimate(self) -> float:
        """The mean difference."""
        return float(self._d.mean())

    def test(self, null: float = 0.0, alternative: Alternative = "two-sided") -> TestResult:
        """The paired t test."""
        return classical.paired_t(self._d, null=null, alternative=alternative)

    def interval(self, level: float) -> Interval:
        """The t interval."""
        return classical.paired_t_interval(self._d, level=level)


class WelchT(Procedure):
    """Welch's t of two sides that are not paired."""

    def __init__(self, sample: Sample) -> None:
        self._a, self._b = sample.a, sample.b

    @property
    def estimate(self) -> float:
        """The difference of the means."""
        return float(self._a.mean() - self._b.mean())

    def test(self, null: float = 0.0, alternative: Alternative = "two-sided") -> TestResult:
        """Welch's test."""
        return classical.welch_t(self._a, self._b, null=null, alternative=alternative)

    def interval(self, level: float) -> Interval:
        """Welch's interval."""
        return classical.welch_t_interval(self._a, self._b, level=level)


class Ranks(Procedure):
    """Inference by ranks, which may be sure of a direction where the estimate is 0."""

    @property
    def leans_up(self) -> bool:
        """What the ranks say: the estimate of mostly ties is 0, wherever the others lie."""
        return self.test(alternative="greater").p < self.test(alternative="less").p


class SignedRank(Ranks):
    """Wilcoxon's signed ranks, with the pseudomedian of the differences."""

    def __init__(self, sample: Sample) -> None:
        self._d = sample.differences

    @property
    def estimate(self) -> float:
        """The pseudomedian."""
        return pseudomedian(self._d).value

    def test(self, null: float = 0.0, alternative: Alternative = "two-sided") -> TestResult:
        """The signed-rank test of the differences less ``null``."""
        return classical.wilcoxon_signed_rank(self._d - null, alternative=alternative)

    def interval(self, level: float) -> Interval:
        """Tukey's interval."""
        return pseudomedian(self._d, level=level).interval


class RankSum(Ranks):
    """Mann and Whitney's ranks, with the median of all differences between the sides."""

    def __init__(self, sample: Sample) -> None:
        self._a, self._b = sample.a, sample.b

    @property
    def estimate(self) -> float:
        """The Hodges-Lehmann shift."""
        return rank_shift(self._a, self._b).value

    def test(self, null: float = 0.0, alternative: Alternative = "two-sided") -> TestResult:
        """The U test of the first side less ``null``."""
        return classical.mann_whitney(self._a - null, self._b, alternative=alternative)

    def interval(self, level: float) -> Interval:
        """Moses' interval."""
        return rank_shift(self._a, self._b, level=level).interval
