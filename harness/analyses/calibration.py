"""How often the decision rule errs on a study's own values, where the truth is known.

Nothing is trained again. Data whose truth is known are made from the stored values (see
`harness.analyses.known_truth`), and the whole rule decides on them: sample, deciding test, Holm's
method over all claims and looks, verdict.

* No difference: within each replicate the two sides are swapped at random or, where trials are not
  paired, all are dealt out anew.
* Halves of one arm: its replicates are split at random and compared as unpaired trials. Margins are
  left aside: any difference called real is an error. Halves so small that none could be are left
  out: a rate that is 0 whatever the procedure does tells nothing about it.
* A known effect: differences less their mean are drawn with replacement and set around plus and
  minus the margin. With random signs they are symmetric, as those of two arms alike but for a shift
  are; as they were seen, they keep their skewness.

For paired trials the rule keeps its error rate in theory on all but the last kind, whatever the
values: those checks try the machinery, with these replicates, ties and claims. The differences as
seen try the assumption of symmetry. But few values tell little about a tail: drawn from 10 normal
differences, an interval that misses 5 % seems to miss 6 % on average, and now and then 8 %. So a
procedure is called at fault there only beyond half of alpha more, which still counts as robust
(Bradley 1978).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
from scipy import stats

from harness.analyses.known_truth import halves, relabeled, shifted, varies, why_whole
from harness.analyses.quick_looks import quick_look
from harness.claims import Claim
from harness.procedures import Maker, Procedure, Relabeling, SignFlip
from harness.results import Results
from harness.samples import Sample
from harness.stats.planning import draws_needed
from harness.stats.results import Interval
from harness.verdicts import Verdict, decide_samples, samples_by_look

Check = Literal[
    "no difference",
    "halves of one arm",
    "interval",
    "interval, as seen",
    "equal at +margin",
    "equal at -margin",
    "equal at +margin, as seen",
    "equal at -margin, as seen",
]
CHECKS: tuple[Check, ...] = get_args(Check)
REPEATS = 2_000
EXACT_PAIRS = 14
"""Pairs up to which the reruns enumerate all sign flips, as verdicts do up to 20."""
DRAWS = 999
"""Random arrangements beyond that, each beside its mirror image; more in a large family."""
_FEWEST_HITS = 2
_EXACT_LABELINGS = 1_000
_SECONDS_FEW, _SECONDS_MANY, _SECONDS_UNPAIRED = 0.0013, 0.0027, 0.04  # a claim, all kinds of data
_ROBUST = 1.5
_SURE = 0.999  # among the dozens of rates of a study none should be a fault by luck
_EDGES: Mapping[tuple[int, bool], Check] = {
    (1, True): "equal at +margin",
    (-1, True): "equal at -margin",
    (1, False): "equal at +margin, as seen",
    (-1, False): "equal at -margin, as seen",
}
_FROM_RESIDUALS: tuple[Check, ...] = ("interval", "interval, as seen", *_EDGES.values())


@dataclass(frozen=True)
class Rate:
    """How often something went wrong in data of known truth.

    Attributes:
        errors: Decisions that were wrong.
        of: Decisions.
        allowed: The error rate that the procedure may have.
    """

    errors: int
    of: int
    allowed: float

    @property
    def share(self) -> float:
        """The error rate seen."""
        return self.errors / self.of

    def interval(self, level: float = 0.95) -> Interval:
        """Its Monte Carlo interval (Clopper & Pearson 1934)."""
        found = stats.binomtest(self.errors, self.of).proportion_ci(level)
        return Interval(float(found.low), float(found.high), level)

    @property
    def is_fault(self) -> bool:
        """Whether more than the allowed rate is sure: the 99.9 % interval lies above it."""
        return self.share > self.allowed and self.interval(_SURE).low > self.allowed


@dataclass(frozen=True)
class ClaimCalibration:
    """What the checks found for one claim.

    Attributes:
        verdict: The claim's verdict on the real data.
        rates: What was found, by check; without those that the claim does not allow.
        has_spread: Whether its differences vary; without spread there are no residuals to draw.
        whole: Why no arm was split into halves; None if one was.
    """

    verdict: Verdict
    rates: Mapping[Check, Rate]
    has_spread: bool
    whole: str | None = None

    @property
    def claim(self) -> Claim:
        """The claim."""
        return self.verdict.claim

    @property
    def faults(self) -> list[Check]:
        """The checks in which the procedure errs more than it may."""
        return [check for check, rate in self.rates.items() if rate.is_fault]


@dataclass(frozen=True)
class Calibration:
    """How often a study's decisions err, claim by claim and as a family.

    Attributes:
        claims: One entry a claim, in the study's order.
        family: Relabeled studies with any false decision.
        alpha: The study's error rate.
        repeats: Simulated studies of each kind.
        is_sampled: Whether the reruns draw arrangements at random that verdicts enumerate.
        draws: How many they draw.
        seed: The seed behind it all.
    """

    claims: Sequence[ClaimCalibration]
    family: Rate
    alpha: float
    repeats: int
    is_sampled: bool
    draws: int
    seed: int

    @property
    def has_faults(self) -> bool:
        """Whether any procedure errs more than it may."""
        return self.family.is_fault or any(claim.faults for claim in self.claims)


def affordable(results: Results, seconds: float) -> int:
    """Repeats that take about so many seconds, in hundreds, at most 2,000.

    A rule of thumb on the number of claims, looks and replicates; no clock is read, so that the
    same study always gets the same number.
    """
    tested = [verdict for verdict in results.verdicts if verdict.reason is None]
    if not tested:
        return 0
    looks = max(1, len(results.by_look))
    draws = draws_for(results.family, results.loaded.study.study.alpha)
    cost = (
        looks
        * (draws / DRAWS)
        * sum(
            _SECONDS_UNPAIRED
            if not verdict.is_paired
            else _SECONDS_MANY
            if verdict.n > EXACT_PAIRS - 2
            else _SECONDS_FEW
            for verdict in tested
        )
    )
    return min(REPEATS, int(seconds / cost) // 100 * 100)


def calibrate(results: Results, *, repeats: int = REPEATS, seed: int = 0) -> Calibration | None:
    """Decide a study again and again on data whose truth is known, and count the errors.

    Args:
        results: A study's outcome.
        repeats: Simulated studies of each kind; intervals are tried twice as often, at both edges
            of the margin.
        seed: The same seed gives the same rates.

    Returns:
        The rates; None where no claim can be tested.
    """
    if all(verdict.reason is not None for verdict in results.verdicts):
        return None
    reruns, rng = _Reruns(results), np.random.default_rng(seed)
    for repeat in range(repeats):
        reruns.without_difference(rng)
        reruns.halves_of_one_arm(rng, side=repeat % 2)
        reruns.at_known_effects(rng)
    return Calibration(
        claims=reruns.found(),
        family=Rate(reruns.false_families, repeats, reruns.alpha),
        alpha=reruns.alpha,
        repeats=repeats,
        is_sampled=reruns.is_sampled,
        draws=reruns.draws,
        seed=seed,
    )


class _TestOnly(Relabeling):
    """Unpaired intervals take long, and a claim without a margin is decided without them."""

    def interval(self, level: float) -> Interval:
        """None."""
        return Interval(math.nan, math.nan, level, "not computed")

    one_sided_interval = interval


def draws_for(family: int, alpha: float) -> int:
    """Random arrangements, enough for Holm's hardest step.

    Else no rerun of a large family could err, whatever its verdicts do.

    Args:
        family: Claims in the family.
        alpha: Its level.
    """
    return max(DRAWS, draws_needed(alpha / family, _FEWEST_HITS))


class _Reruns:
    """A study decided again and again on other values, and what went wrong."""

    def __init__(self, results: Results) -> None:
        self.study, self.verdicts = results.loaded.study, results.verdicts
        self.alpha = self.study.study.alpha
        self.family = results.family
        self.draws = draws_for(self.family, self.alpha)
        self.looks = [
            quick_look(row[0].look, self.alpha, self.family)
            for row in results.by_look
            if row[0].look is not None
        ]
        self.rows = samples_by_look(
            self.study, results.values, is_paired=results.is_paired, looks=self.looks
        )
        plain = {"expect": "different", "margin": 0.0}
        claims = [claim.model_copy(update=plain) for claim in self.study.claims]
        self.without_margins = self.study.model_copy(update={"claims": claims})
        self.false_families = 0
        self.counts = [Counter[tuple[Check, bool]]() for _ in self.verdicts]

    @property
    def is_sampled(self) -> bool:
        """Whether arrangements are drawn here that a verdict enumerates."""
        return any(_is_sampled(sample) for sample in self.rows[-1] if sample.reason is None)

    def without_difference(self, rng: np.random.Generator) -> None:
        """Count the differences called real in relabeled data."""
        decided = self._decide(relabeled(self.study.claims, self.rows, rng))
        wrong = [_calls_a_difference(verdict) for verdict in decided]
        self.false_families += any(wrong)
        self._count("no difference", decided, wrong)

    def halves_of_one_arm(self, rng: np.random.Generator, *, side: int) -> None:
        """Count the differences called real between halves of one arm."""
        decided = decide_samples(
            self.without_margins,
            [halves(self.rows[-1], rng, side=side, alpha=self.alpha, family=self.family)],
            procedure=self._of_labelings(_TestOnly),
            family=self.family,
        )
        self._count("halves of one arm", decided, [_calls_a_difference(v) for v in decided])

    def at_known_effects(self, rng: np.random.Generator) -> None:
        """Count the intervals that miss the truth, and the margin's edges that are called equal."""
        sizes = [
            0.0 if v.reason is not None else v.claim.margin or abs(v.effect) for v in self.verdicts
        ]
        for edge, symmetric in itertools.product((1, -1), (True, False)):
            truths = [edge * size for size in sizes]
            rows = shifted(self.rows, truths, rng, symmetric=symmetric)
            decided = self._decide(rows)
            missed = [not _holds(v.interval, t) for v, t in zip(decided, truths, strict=True)]
            self._count("interval" if symmetric else "interval, as seen", decided, missed)
            equal = [v.outcome == "practically equal" for v in decided]
            self._count(_EDGES[edge, symmetric], decided, equal)

    def _decide(self, rows: Sequence[Sequence[Sample]]) -> list[Verdict]:
        return decide_samples(
            self.study,
            rows,
            procedure=self._procedure,
            family=self.family,
            looks=self.looks,
        )

    def _procedure(self, sample: Sample) -> Procedure:
        """The deciding procedure of a sample, with few draws."""
        if sample.is_paired:
            return SignFlip(sample, draws=self.draws, exact_up_to=EXACT_PAIRS)
        return self._of_labelings(Relabeling)(sample)

    def _of_labelings(self, procedure: type[Relabeling]) -> Maker:
        return partial(procedure, draws=self.draws, exact_up_to=_EXACT_LABELINGS)

    def _count(self, check: Check, decided: Sequence[Verdict], wrong: Sequence[bool]) -> None:
        for counter, verdict, is_wrong in zip(self.counts, decided, wrong, strict=True):
            if verdict.reason is None:
                counter[check, is_wrong] += 1

    def found(self) -> list[ClaimCalibration]:
        """The rates of every claim, without the checks that it does not allow."""
        return [
            self._found(verdict, sample, counter)
            for verdict, sample, counter in zip(
                self.verdicts, self.rows[-1], self.counts, strict=True
            )
        ]

    def _found(
        self, verdict: Verdict, sample: Sample, counter: Counter[tuple[Check, bool]]
    ) -> ClaimCalibration:
        has_spread = verdict.reason is None and varies(sample)
        rates = {}
        for check in CHECKS:
            errors, right = counter[check, True], counter[check, False]
            has_edges = verdict.claim.margin > 0 or check not in _EDGES.values()
            if errors + right and has_edges and (has_spread or check not in _FROM_RESIDUALS):
                allowed = self.alpha * (_ROBUST if check.endswith("as seen") else 1)
                rates[check] = Rate(errors, errors + right, allowed)
        whole = why_whole(sample, alpha=self.alpha, family=self.family)
        return ClaimCalibration(verdict, rates, has_spread, whole)


def _is_sampled(sample: Sample) -> bool:
    """Whether the reruns of a sample draw arrangements, of which there are too many to try all."""
    n, m = len(sample.a), len(sample.b)
    return n > EXACT_PAIRS if sample.is_paired else math.comb(n + m, n) > _EXACT_LABELINGS


def _calls_a_difference(verdict: Verdict) -> bool:
    return verdict.outcome in {"supported", "contradicted"}


def _holds(interval: Interval, truth: float) -> bool:
    """Whether an interval holds the truth; its ends are rounded to ten digits."""
    return interval.low <= truth <= interval.high or any(
        math.isclose(end, truth, rel_tol=1e-9) for end in (interval.low, interval.high)
    )
