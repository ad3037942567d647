"""One number of the calibration benchmark, and what the procedures promise about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from scipy import stats

from benchmarks.scenarios import SCENARIOS, Scenario

Quantity = Literal["error", "coverage", "equal at the edge", "power"]
Method = Literal["permutation", "t", "ranks"]
LEAST_COVERAGE = 0.94
_SURE = 0.999  # among hundreds of shares none should be a fault by luck
_BY_NAME: Mapping[str, Scenario] = {scenario.name: scenario for scenario in SCENARIOS}


@dataclass(frozen=True)
class Share:
    """In how many simulated studies of one kind something happened.

    Attributes:
        design: "paired" or "unpaired".
        scenario: The kind of data.
        n: Replicates; values of the smaller arm.
        quantity: What was counted: differences called real where there is none ("error") or one
            ("power"), intervals that hold the truth, margins' edges called practically equal.
        method: The deciding permutation test, the t test, or the rank test.
        effect: True effect, in standard deviations.
        count: Studies in which it happened.
        studies: Studies in all.
    """

    design: str
    scenario: str
    n: int
    quantity: Quantity
    method: Method
    effect: float
    count: int
    studies: int

    @property
    def value(self) -> float:
        """The share."""
        return self.count / self.studies

    @property
    def per_cent(self) -> str:
        """The share in words, without its sign."""
        return f"{100 * self.value:.1f}"

    def bounds(self, level: float = 0.95) -> tuple[float, float]:
        """The share's Monte Carlo interval (Clopper & Pearson 1934)."""
        interval = stats.binomtest(self.count, self.studies).proportion_ci(level)
        return float(interval.low), float(interval.high)

    @cached_property
    def sure(self) -> tuple[float, float]:
        """What the share surely lies between."""
        return self.bounds(_SURE)

    def is_excess(self, alpha: float) -> bool:
        """Whether the deciding procedure errs more than alpha, or covers less than 94 %, surely."""
        if self.method != "permutation" or self.quantity == "power":
            return False
        if self.quantity == "coverage":
            return self.sure[1] < LEAST_COVERAGE
        return self.sure[0] > alpha

    def breaks_promise(self, t: Share | None) -> bool:
        """Whether an excess is one that the procedure promises not to have.

        Promised are: the error rate wherever two arms without a difference are alike but for their
        labels; a coverage of 94 % for the scenarios that say so; and for pairs nowhere a coverage
        below both 94 % and the t interval's.

        Args:
            t: The t interval's coverage of the same studies.
        """
        scenario = _BY_NAME[self.scenario]
        if self.quantity == "error":
            return self.design in scenario.exact
        if self.quantity == "coverage":
            below_t = t is not None and self.sure[1] < t.sure[0]
            return self.design in scenario.covers or (self.design == "paired" and below_t)
        return False


def excesses(shares: Iterable[Share], alpha: float) -> list[tuple[Share, bool]]:
    """Where the deciding procedures err more than alpha for sure, and whether that is a fault."""
    listed = list(shares)
    t = {
        (s.design, s.scenario, s.n, s.effect): s
        for s in listed
        if s.method == "t" and s.quantity == "coverage"
    }
    return [
        (share, share.breaks_promise(t.get((share.design, share.scenario, share.n, share.effect))))
        for share in listed
        if share.is_excess(alpha)
    ]
