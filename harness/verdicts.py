"""The decision rule, in one place: values of a measure in, one verdict a claim out.

The deciding test is the exact sign-flip permutation of the mean paired difference (studentized
permutation where trials are not paired), its interval comes from inverting the same test, and
Holm's method adjusts over all claims of the study. Classical tests stand beside it as a
sensitivity check and never decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from harness.samples import FloatArray, Sample, SideValue, sample_of
from harness.stats import classical, effects, equivalence, logrank, multiplicity, paired, planning
from harness.stats import unpaired as independent
from harness.stats.results import Estimate, Interval, TestResult
from harness.stats.samples import has_no_spread
from harness.stats.survival import CensoredTimes
from harness.study import Claim, Study

Outcome = Literal["supported", "contradicted", "practically equal", "inconclusive"]
POWER = 0.8


@dataclass(frozen=True)
class Side:
    """Summary of one side of a claim.

    Attributes:
        name: The arm, or the pattern that stands for several; with its epoch where one is named.
        n: Replicates with a value.
        mean: Mean of the values (cut at the horizon where censored); NaN if there is none.
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
        interval: Its confidence interval at level 1 - alpha.
        equivalence_interval: The interval at level 1 - 2 alpha that is held against the margin.
        test: The deciding test; for a claim of equivalence the two one-sided tests (TOST).
        beyond: For a claim of equivalence, the test that the difference exceeds the margin.
        p_adjusted: Holm-adjusted p over the family; NaN where the claim is not testable.
        sides: The two sides.
        n: Pairs, or the size of the smaller side where not paired.
        is_paired: Whether replicates were compared pair by pair.
        horizon: Where times were cut (restricted mean); None if nothing was censored.
        confirmatory: Claimed before the first trial was stored.
        replicates_needed: Replicates for 80 % power at the margin, where inconclusive and known.
        sensitivity: Other tests of the same values, by name.
        effect_sizes: Hedges' g and probability of superiority, by name.
        notices: What the reader must know: missing partners, no spread.
        reason: Why the data allow no test at all; None where they do.
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


def decide(
    study: Study,
    values: Sequence[SideValue],
    *,
    confirmatory: Mapping[str, bool],
    withdrawn: int = 0,
    is_paired: bool = True,
) -> list[Verdict]:
    """Reach a verdict on every claim of a study.

    Args:
        study: The study.
        values: What `harness.samples.side_values` measured.
        confirmatory: By claim id, whether it was claimed before the first trial was stored.
        withdrawn: Claims of the protocol that the study no longer makes. They keep their place in
            the family, so that dropping a claim after the fact cannot sharpen the others.
        is_paired: Whether equal replicate numbers share their data order and split.
    """
    family, alpha = len(study.claims) + withdrawn, study.study.alpha
    measured = []
    for claim in study.claims:
        own = [value for value in values if value.claim == claim.id]
        sample = sample_of(claim, own, is_paired=is_paired)
        verdict = _untested(claim, sample, alpha, is_paired, confirmatory.get(claim.id, False))
        measured.append(verdict if sample.reason else _tested(verdict, sample, alpha, family))
    p = np.array([verdict.test.p for verdict in measured])
    adjusted = multiplicity.holm(p, family_size=family, keep_place=True)
    return [
        _concluded(verdict, float(p), alpha, family)
        for verdict, p in zip(measured, adjusted, strict=True)
    ]


def _untested(
    claim: Claim, sample: Sample, alpha: float, is_paired: bool, confirmatory: bool
) -> Verdict:
    """The verdict of a claim before any test: inconclusive, with what was observed."""
    a, b, reason = sample.a, sample.b, sample.reason
    return Verdict(
        claim=claim,
        outcome="inconclusive",
        effect=float(a.mean() - b.mean()) if len(a) and len(b) else math.nan,
        interval=Interval(math.nan, math.nan, 1 - alpha, reason),
        equivalence_interval=Interval(math.nan, math.nan, 1 - 2 * alpha, reason),
        test=TestResult(math.nan, math.nan, "none", reason=reason),
        beyond=None,
        p_adjusted=math.nan,
        sides=_sides(claim, sample),
        n=min(len(a), len(b)),
        is_paired=is_paired,
        horizon=sample.horizon,
        confirmatory=confirmatory,
        replicates_needed=None,
        sensitivity={},
        effect_sizes={},
        notices=sample.notices,
        reason=reason,
    )


def _sides(claim: Claim, sample: Sample) -> tuple[Side, Side]:
    def side(index: int, values: FloatArray, reached: int) -> Side:
        epoch = claim.at_epochs[index] if claim.at_epochs else None
        at = "" if epoch is None else " (last epoch)" if epoch == "last" else f" (epoch {epoch})"
        return Side(
            name=claim.compare[index] + at,
            n=len(values),
            mean=float(values.mean()) if len(values) else math.nan,
            reached=reached if claim.measure.can_be_censored else None,
        )

    return (
        side(0, sample.a, int(sample.reached_a.sum())),
        side(1, sample.b, int(sample.reached_b.sum())),
    )


def _tested(verdict: Verdict, sample: Sample, alpha: float, family: int) -> Verdict:
    """Add the deciding test, its intervals, and what stands beside them."""
    claim = verdict.claim
    decision = _paired_decision if verdict.is_paired else _independent_decision
    return replace(
        decision(verdict, sample, alpha),
        sensitivity=_sensitivity(claim, sample, verdict.is_paired),
        effect_sizes=_effect_sizes(sample, 1 - alpha, verdict.is_paired),
        notices=(*verdict.notices, *_spread_notices(sample, verdict.is_paired)),
        replicates_needed=_replicates_needed(claim, sample, alpha / family, verdict.is_paired),
    )


def _replicates_needed(claim: Claim, sample: Sample, alpha: float, is_paired: bool) -> int | None:
    """Replicates for a conclusive study; ``alpha`` is that of Holm's hardest step."""
    if is_paired:
        return planning.replicates_needed(sample.differences, claim.margin, alpha, POWER)
    return planning.replicates_needed_unpaired(sample.a, sample.b, claim.margin, alpha, POWER)


def _paired_decision(verdict: Verdict, sample: Sample, alpha: float) -> Verdict:
    d, margin = sample.differences, verdict.claim.margin
    verdict = replace(
        verdict,
        effect=float(d.mean()),
        interval=paired.sign_flip_interval(d, level=1 - alpha),
        equivalence_interval=paired.sign_flip_interval(d, level=1 - 2 * alpha),
        test=paired.sign_flip_test(d),
    )
    if verdict.claim.expect != "equivalent":
        return verdict
    side: Literal["greater", "less"] = "greater" if verdict.effect > 0 else "less"
    return replace(
        verdict,
        test=equivalence.sign_flip_tost(d, margin),
        beyond=paired.sign_flip_test(
            d, null=math.copysign(margin, verdict.effect), alternative=side
        ),
    )


def _independent_decision(verdict: Verdict, sample: Sample, alpha: float) -> Verdict:
    a, b, margin = sample.a, sample.b, verdict.claim.margin
    verdict = replace(
        verdict,
        interval=independent.permutation_interval(a, b, level=1 - alpha),
        equivalence_interval=independent.permutation_interval(
            a, b, level=1 - 2 * alpha, equal_tailed=True
        ),
        test=independent.permutation_test(a, b),
    )
    if verdict.claim.expect != "equivalent":
        return verdict
    side: Literal["greater", "less"] = "greater" if verdict.effect > 0 else "less"
    return replace(
        verdict,
        test=equivalence.permutation_tost(a, b, margin),
        beyond=independent.permutation_test(
            a - math.copysign(margin, verdict.effect), b, alternative=side
        ),
    )


def _sensitivity(claim: Claim, sample: Sample, is_paired: bool) -> dict[str, TestResult]:
    """Classical tests of the same values."""
    a, b = sample.a, sample.b
    if is_paired:
        tests = {
            "paired t": classical.paired_t(sample.differences),
            "Wilcoxon signed-rank": classical.wilcoxon_signed_rank(sample.differences),
        }
    else:
        tests = {
            "Welch t": classical.welch_t(a, b),
            "Mann-Whitney": classical.mann_whitney(a, b),
            "Brunner-Munzel": classical.brunner_munzel(a, b),
        }
    if claim.measure.can_be_censored:
        tests["permutation log-rank"] = logrank.log_rank_permutation(
            CensoredTimes(a, sample.reached_a), CensoredTimes(b, sample.reached_b)
        )
    return tests


def _effect_sizes(sample: Sample, level: float, is_paired: bool) -> dict[str, Estimate]:
    if is_paired:
        return {
            "Hedges g": effects.hedges_gz(sample.differences, level=level),
            "probability of superiority": effects.paired_superiority(
                sample.differences, level=level
            ),
        }
    return {
        "Hedges g": effects.hedges_g(sample.a, sample.b, level=level),
        "probability of superiority": effects.probability_of_superiority(
            sample.a, sample.b, level=level
        ),
    }


def _spread_notices(sample: Sample, is_paired: bool) -> list[str]:
    if is_paired:
        if not sample.differences.any():
            return ["results identical - are the arms the same?"]
        constant = has_no_spread(sample.differences)
    else:
        constant = has_no_spread(sample.a) and has_no_spread(sample.b)
    return ["no spread between replicates"] if constant and len(sample.a) > 1 else []


def _concluded(verdict: Verdict, p_adjusted: float, alpha: float, family: int) -> Verdict:
    """Apply the four-way rule, now that the adjusted p is known."""
    outcome = _outcome(verdict, p_adjusted, alpha, family)
    needed = verdict.replicates_needed if outcome == "inconclusive" else None
    return replace(verdict, outcome=outcome, p_adjusted=p_adjusted, replicates_needed=needed)


def _outcome(verdict: Verdict, p_adjusted: float, alpha: float, family: int) -> Outcome:
    if math.isnan(p_adjusted):
        return "inconclusive"
    margin, expect = verdict.claim.margin, verdict.claim.expect
    significant = p_adjusted <= alpha
    if expect == "equivalent":
        if significant:
            return "practically equal"
        # Holm ordered the family by the tests of equivalence, so this one takes Bonferroni.
        beyond = verdict.beyond is not None and verdict.beyond.p * family <= alpha
        return "contradicted" if beyond else "inconclusive"
    if margin > 0 and verdict.equivalence_interval.inside(-margin, margin):
        return "practically equal"
    if not significant:
        return "inconclusive"
    as_expected = expect == "different" or (verdict.effect > 0) == (expect == "greater")
    return "supported" if as_expected else "contradicted"
