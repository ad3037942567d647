"""The decision rule, in one place: values of a measure in, one verdict a claim out.

The deciding test is the exact sign-flip permutation of the mean paired difference (studentized
permutation where trials are not paired), its interval comes from inverting the same test, and
Holm's method adjusts over all claims of the study. Classical tests stand beside it as a
sensitivity check and never decide.

A study may look at its data several times. Then each look has a level of its own, p values become
those of the whole sequence of looks before Holm's method sees them, and the first look that decides
a claim decides it for good. One look at everything is the special case with the level alpha.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np

from harness import beside
from harness.claims import Claim
from harness.language import N_, said
from harness.procedures import Maker, Procedure, Relabeling, SignFlip
from harness.quantities import given_level
from harness.samples import FloatArray, Sample, SideValue, of_whole_sides, sample_of
from harness.stats.multiplicity import holm
from harness.stats.repeated import holm_over_looks
from harness.stats.results import Estimate, Interval, TestResult
from harness.stopping import Look
from harness.study import Study

Outcome = Literal["supported", "contradicted", "practically equal", "inconclusive"]


@dataclass(frozen=True)
class Side:
    """Summary of one side of a claim.

    Attributes:
        name: The arm, or the pattern that stands for several; with its epoch where one is named.
            For a claim with ``beyond``, a side is the difference of two such. The number itself
            where it stands in the place of an arm.
        n: Replicates with a value.
        mean: Mean of the values (cut at the horizon where censored), for a claim on spread of their
            distances from the median; NaN if there is none.
        reached: Replicates that reached the event within the horizon; None where the measure
            cannot be censored.
    """

    name: str
    n: int
    mean: float
    reached: int | None


@dataclass(frozen=True)
class Verdict:
    """What the data say about a claim. All prose is made from this object.

    Attributes:
        claim: The claim.
        outcome: One of the four verdicts.
        effect: Mean difference, first side minus second, in the measure's unit; NaN if none.
        interval: Its confidence interval at level 1 - alpha; where the study looks at its data
            several times, 1 - the level that this look has of alpha.
        equivalence_interval: The interval that is held against the margin: twice that distance
            from 1, so at level 1 - 2 alpha where there is one look.
        test: The deciding test; for a claim of equivalence the two one-sided tests (TOST).
        beyond: For a claim of equivalence, the test that the difference exceeds the margin.
        p_adjusted: Holm-adjusted p over the family; NaN where the claim is not testable.
        sides: The two sides.
        n: Pairs, or the size of the smaller side where not paired.
        is_paired: Whether replicates were compared pair by pair, or each with a number.
        horizon: Where times were cut (restricted mean); None if nothing was censored.
        confirmatory: Claimed before the first trial was stored.
        replicates_needed: Replicates for 80 % power at the margin, where inconclusive and known.
        sensitivity: Other tests of the same values, by name.
        effect_sizes: Hedges' g and probability of superiority, by name.
        notices: What the reader must know: missing partners, no spread.
        reason: Why the data allow no test at all; None where they do.
        alpha: Error rate of the study, for all claims and looks together.
        look: The declared look that decided, or the latest one; None where there is but one.
        leans_up: Whether what evidence there is speaks for the first side being greater.
        is_withheld: Whether it would be practically equal, but for trials that never got there.
        p_beyond: For a claim of equivalence, the p of its being contradicted, times the family's
            size (Bonferroni); else NaN.
        replicate_seconds: What one further replicate of all arms takes; None where not known.
    """

    claim: Claim
    outcome: Outcome
    effect: float
    interval: Interval
    equivalence_interval: Interval
    test: TestResult
    beyond: TestResult | None
    p_adjusted: float
    sides: tuple[Side, Side]
    n: int
    is_paired: bool
    horizon: float | None
    confirmatory: bool
    replicates_needed: int | None
    sensitivity: Mapping[str, TestResult]
    effect_sizes: Mapping[str, Estimate]
    notices: tuple[str, ...]
    reason: str | None
    alpha: float
    look: Look | None
    leans_up: bool
    is_withheld: bool = False
    p_beyond: float = math.nan
    replicate_seconds: float | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the data could tell."""
        return self.outcome != "inconclusive"

    @property
    def deciding(self) -> tuple[TestResult, float]:
        """The test that speaks for the outcome, and its adjusted p.

        Where equivalence was claimed and the difference is beyond the margin, this is the test of
        that, not of equivalence.
        """
        if self.beyond is not None and self.outcome == "contradicted":
            return self.beyond, self.p_beyond
        return self.test, self.p_adjusted

    @property
    def is_cut(self) -> bool:
        """Whether some trials never got there, so that no time is known for them."""
        return any(side.reached is not None and side.reached < side.n for side in self.sides)

    @property
    def level(self) -> float:
        """The level that this verdict's own two-sided p is held against, before Holm."""
        return self.alpha if self.look is None else self.look.level(self.alpha)

    def overall_p(self, p: float) -> float:
        """A p value of this look as one of all looks together, to be compared with alpha."""
        return p if self.look is None else self.look.repeated_p(p)


def decide(
    study: Study,
    values: Sequence[SideValue],
    *,
    confirmatory: Mapping[str, bool],
    withdrawn: int = 0,
    is_paired: bool = True,
    looks: Sequence[Look] = (),
) -> list[Verdict]:
    """Reach a verdict on every claim of a study.

    Args:
        study: The study.
        values: What `harness.samples.side_values` measured.
        confirmatory: By claim id, whether it was claimed before the first trial was stored.
        withdrawn: Claims of the protocol that the study no longer makes. They keep their place in
            the family, so that dropping a claim after the fact cannot sharpen the others.
        is_paired: Whether equal replicate numbers share their data order and split.
        looks: The declared looks taken so far; if there are none, one look at all values.
    """
    return decide_by_look(
        study,
        values,
        confirmatory=confirmatory,
        withdrawn=withdrawn,
        is_paired=is_paired,
        looks=looks,
    )[-1]


def decide_by_look(
    study: Study,
    values: Sequence[SideValue],
    *,
    confirmatory: Mapping[str, bool],
    withdrawn: int = 0,
    is_paired: bool = True,
    looks: Sequence[Look] = (),
) -> list[list[Verdict]]:
    """The verdicts as they stood at each look; a claim keeps the verdict that decided it.

    Arguments are those of `decide`.
    """
    family = len(study.claims) + withdrawn
    return _by_look(
        study,
        samples_by_look(study, values, is_paired=is_paired, looks=looks),
        lambda verdict, sample: _tested(verdict, sample, family),
        family=family,
        confirmatory=confirmatory,
        looks=looks,
    )


def samples_by_look(
    study: Study,
    values: Sequence[SideValue],
    *,
    is_paired: bool = True,
    looks: Sequence[Look] = (),
) -> list[list[Sample]]:
    """What the claims rest on: a row a look, a sample a claim."""
    taken: Sequence[Look | None] = looks or (None,)
    own = {claim.id: [v for v in values if v.claim == claim.id] for claim in study.claims}
    rows = []
    for look in taken:
        seen = own if look is None else _up_to(look, study, own)
        rows.append(
            [sample_of(claim, seen[claim.id], is_paired=is_paired) for claim in study.claims]
        )
    return rows


def decide_samples(
    study: Study,
    samples: Sequence[Sequence[Sample]],
    *,
    procedure: Maker,
    family: int,
    looks: Sequence[Look] = (),
) -> list[Verdict]:
    """The decision rule alone, for samples at hand: verdicts without what stands beside them.

    Args:
        study: The study.
        samples: By look and claim.
        procedure: How they are tested.
        family: Claims in the family, those withdrawn included.
        looks: The declared looks taken so far; if there are none, one look at all values.
    """
    return _by_look(
        study,
        samples,
        lambda verdict, sample: _decided(verdict, procedure(sample)),
        family=family,
        confirmatory={claim.id: True for claim in study.claims},
        looks=looks,
    )[-1]


def _by_look(
    study: Study,
    samples: Sequence[Sequence[Sample]],
    test: Callable[[Verdict, Sample], Verdict],
    *,
    family: int,
    confirmatory: Mapping[str, bool],
    looks: Sequence[Look],
) -> list[list[Verdict]]:
    """Put every claim to the test at every look, then conclude over all of them."""
    alpha = study.study.alpha
    taken: Sequence[Look | None] = looks or (None,)
    measured: list[list[Verdict]] = []
    for look, row in zip(taken, samples, strict=True):
        measured.append([])
        for claim, sample in zip(study.claims, row, strict=True):
            known = confirmatory.get(claim.id, False)
            verdict = _untested(claim, sample, alpha, look, confirmatory=known)
            measured[-1].append(verdict if sample.reason else test(verdict, sample))
    return _settled(measured, alpha, family)


def _settled(
    measured: Sequence[Sequence[Verdict]], alpha: float, family: int
) -> list[list[Verdict]]:
    """Adjust over claims and looks, and conclude: the verdicts as they stand at each look."""
    p = np.array([[verdict.overall_p(verdict.test.p) for verdict in row] for row in measured])
    # A claim that was rejected earlier, yet not decided, stands on no less than this look's own p.
    adjusted = np.maximum(holm_over_looks(p, alpha, family), p)
    standing: list[list[Verdict]] = []
    for row, at_look in zip(measured, adjusted, strict=True):
        fresh = [_concluded(v, float(q), family) for v, q in zip(row, at_look, strict=True)]
        before = standing[-1] if standing else fresh
        standing.append(
            [old if old.is_decided else new for old, new in zip(before, fresh, strict=True)]
        )
    return standing


def all_decided(verdicts: Sequence[Verdict]) -> bool:
    """Whether no claim is left that a further look could decide."""
    return bool(verdicts) and all(verdict.is_decided for verdict in verdicts)


def _up_to(
    look: Look, study: Study, values: Mapping[str, Sequence[SideValue]]
) -> dict[str, list[SideValue]]:
    """The values of each claim in the replicates that a look counts."""
    counted = set(study.study.replicate_ids[: look.count])
    names = [arm.name for arm in study.all_arms]
    return {
        claim.id: of_whole_sides(
            claim, names, [v for v in values[claim.id] if v.replicate in counted]
        )
        for claim in study.claims
    }


def _untested(
    claim: Claim,
    sample: Sample,
    alpha: float,
    look: Look | None,
    *,
    confirmatory: bool,
) -> Verdict:
    """The verdict of a claim before any test: inconclusive, with what was observed."""
    a, b, reason = sample.a, sample.b, sample.reason
    level = alpha if look is None else look.level(alpha)
    return Verdict(
        claim=claim,
        outcome="inconclusive",
        effect=float(a.mean() - b.mean()) if len(a) and len(b) else math.nan,
        interval=Interval(math.nan, math.nan, 1 - level, reason),
        equivalence_interval=Interval(math.nan, math.nan, 1 - 2 * level, reason),
        test=TestResult(math.nan, math.nan, "none", reason=reason),
        beyond=None,
        p_adjusted=math.nan,
        sides=_sides(claim, sample),
        n=min(len(a), len(b)),
        is_paired=sample.is_paired,
        horizon=sample.horizon,
        confirmatory=confirmatory,
        replicates_needed=None,
        sensitivity={},
        effect_sizes={},
        notices=sample.notices,
        reason=reason,
        alpha=alpha,
        look=look,
        leans_up=bool(len(a) and len(b) and a.mean() > b.mean()),
    )


def _sides(claim: Claim, sample: Sample) -> tuple[Side, Side]:
    names = side_names(claim)

    def side(index: int, values: FloatArray, reached: int) -> Side:
        return Side(
            name=names[index],
            n=len(values),
            mean=float(values.mean()) if len(values) else math.nan,
            reached=reached if claim.measure.can_be_censored else None,
        )

    return (
        side(0, sample.a, int(sample.reached_a.sum())),
        side(1, sample.b, int(sample.reached_b.sum())),
    )


def side_names(claim: Claim) -> tuple[str, str]:
    """What the two sides of a claim are called, which may themselves be differences."""

    def named(side: int) -> str:
        epoch = claim.at_epochs[side % 2] if claim.at_epochs else None
        arm = claim.sides[side]
        if epoch is None:
            return arm
        if epoch == "last":
            return said("{arm} (last epoch)", arm=arm)
        return said("{arm} (epoch {epoch})", arm=arm, epoch=epoch)

    if claim.reference is not None:
        number = partial(given_level, claim.reference, claim.measure.unit)
        return named(0), said("{number}", number=number)
    if claim.beyond is None:
        return named(0), named(1)
    return (
        said("{first} − {second}", first=named(0), second=named(1)),
        said("{first} − {second}", first=named(2), second=named(3)),
    )


def _tested(verdict: Verdict, sample: Sample, family: int) -> Verdict:
    """Add the deciding test, its intervals, and what stands beside them."""
    claim, alpha = verdict.claim, verdict.alpha
    procedure: Maker = SignFlip if sample.is_paired else Relabeling
    hardest = alpha / family
    if verdict.look is not None:  # a further study of as many looks: at the level of its last
        hardest = verdict.look.last.level(hardest)
    sensitivity = beside.sensitivity(claim, sample)
    if sample.earliest is not None and sample.earliest.reason is None:
        earliest = beside.asked(claim, procedure(sample.earliest))
        sensitivity[N_("the deciding test, at the earliest times")] = earliest
    return replace(
        _decided(verdict, procedure(sample)),
        sensitivity=sensitivity,
        effect_sizes=beside.effect_sizes(sample, 1 - alpha),
        notices=(*verdict.notices, *beside.spread_notices(claim, sample)),
        replicates_needed=beside.replicates_needed(claim, sample, hardest),
    )


def _decided(verdict: Verdict, procedure: Procedure) -> Verdict:
    """Add what a procedure says: estimate, intervals, and the test that the claim asks for."""
    claim, level = verdict.claim, verdict.level
    return replace(
        verdict,
        effect=procedure.estimate,
        interval=procedure.interval(1 - level),
        equivalence_interval=procedure.one_sided_interval(1 - 2 * level),
        test=beside.asked(claim, procedure),
        beyond=procedure.beyond(claim.margin) if claim.expect == "equivalent" else None,
        leans_up=procedure.leans_up,
    )


def redecided(
    standing: Verdict,
    claim: Claim,
    sample: Sample,
    *,
    procedure: Maker,
    others: Sequence[float],
    family: int,
) -> Verdict:
    """What a verdict would be, had its claim been put in another way.

    The changed claim takes the place of the standing one in the family; the p values of the other
    claims stay as they are.

    Args:
        standing: The verdict as it was declared.
        claim: The claim as it might have been.
        sample: Its values.
        procedure: How it is tested.
        others: `Verdict.overall_p` of the other claims' tests.
        family: Claims in the family, those withdrawn included.
    """
    fresh = _untested(
        claim,
        sample,
        standing.alpha,
        standing.look,
        confirmatory=standing.confirmatory,
    )
    if sample.reason is None:
        fresh = _decided(fresh, procedure(sample))
    p = [fresh.overall_p(fresh.test.p), *others]
    return _concluded(fresh, float(holm(p, family_size=family)[0]), family)


def _concluded(verdict: Verdict, p_adjusted: float, family: int) -> Verdict:
    """Apply the four-way rule, now that the adjusted p is known."""
    # Holm ordered the family by the tests of equivalence, so the other one takes Bonferroni.
    p_beyond = math.nan
    if verdict.beyond is not None:
        p_beyond = float(np.minimum(1.0, family * verdict.overall_p(verdict.beyond.p)))
    outcome, caveat = _outcome(verdict, p_adjusted, p_beyond)
    return replace(
        verdict,
        outcome=outcome,
        p_adjusted=p_adjusted,
        p_beyond=p_beyond,
        is_withheld=bool(caveat),
        notices=(*verdict.notices, *caveat),
        replicates_needed=verdict.replicates_needed if outcome == "inconclusive" else None,
    )


def _outcome(
    verdict: Verdict, p_adjusted: float, p_beyond: float
) -> tuple[Outcome, tuple[str, ...]]:
    """The verdict, and what keeps it from being another."""
    if math.isnan(p_adjusted):
        return "inconclusive", ()
    margin, expect, alpha = verdict.claim.margin, verdict.claim.expect, verdict.alpha
    significant = p_adjusted <= alpha
    if expect == "equivalent":
        if significant:
            return _equal_unless_cut(verdict)
        return ("contradicted" if p_beyond <= alpha else "inconclusive"), ()
    if margin > 0 and verdict.equivalence_interval.inside(-margin, margin):
        return _equal_unless_cut(verdict)
    if not significant:
        return "inconclusive", ()
    as_expected = expect == "different" or verdict.leans_up == (expect == "greater")
    return ("supported" if as_expected else "contradicted"), ()


def _equal_unless_cut(verdict: Verdict) -> tuple[Outcome, tuple[str, ...]]:
    """Restricted times can be alike where the times themselves are not."""
    if not verdict.is_cut:
        return "practically equal", ()
    return "inconclusive", (
        N_(
            "the sides are alike as far as they were watched, but some trials never got there: how "
            "much longer they would have needed is not known"
        ),
    )
