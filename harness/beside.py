"""What stands beside a verdict and never decides it: other tests, effect sizes, sample sizes."""

from __future__ import annotations

import numpy as np

from harness.claims import Claim
from harness.language import N_
from harness.procedures import Maker, PairedT, Procedure, RankSum, SignedRank, WelchT
from harness.samples import Sample
from harness.stats import classical, effects, logrank, planning
from harness.stats.results import Estimate, TestResult
from harness.stats.samples import has_no_spread
from harness.stats.survival import CensoredTimes

POWER = 0.8
_UNEQUAL, _FEW = 2.0, 16  # where studentized permutation was seen to err (harness.stats.unpaired)
_MANY_TIMES = 4  # simulated for normal values: 4 against 16 to 100 trials, 6 against 24 to 100


def asked(claim: Claim, procedure: Procedure) -> TestResult:
    """The test that a claim asks for: of a difference, or of there being none that matters."""
    return procedure.tost(claim.margin) if claim.expect == "equivalent" else procedure.test()


def sensitivity(claim: Claim, sample: Sample) -> dict[str, TestResult]:
    """What classical tests say to the claim on the same values."""
    if sample.is_paired:
        makers: dict[str, Maker] = {_t_of(claim): PairedT, N_("Wilcoxon signed-rank"): SignedRank}
    else:
        makers = {N_("Welch t"): WelchT, N_("Mann-Whitney"): RankSum}
    tests = {name: asked(claim, maker(sample)) for name, maker in makers.items()}
    if claim.expect == "equivalent":  # what follows knows no margin
        return tests
    a, b = sample.a, sample.b
    if not sample.is_paired:
        tests[N_("Brunner-Munzel")] = classical.brunner_munzel(a, b)
    is_plain = claim.statistic == "mean" and claim.beyond is None
    if claim.measure.can_be_censored and is_plain:  # differences are no times
        is_paired = sample.is_paired
        test = logrank.log_rank_sign_flips if is_paired else logrank.log_rank_permutation
        tests[N_("permutation log-rank")] = test(
            CensoredTimes(a, sample.reached_a), CensoredTimes(b, sample.reached_b)
        )
    return tests


def _t_of(claim: Claim) -> str:
    """The t test of differences, by the name under which its readers know it."""
    return N_("paired t") if claim.reference is None else N_("one-sample t")


def effect_sizes(sample: Sample, level: float) -> dict[str, Estimate]:
    """How large the difference is beside the noise."""
    if sample.is_paired:
        return {
            N_("Hedges g"): effects.hedges_gz(sample.differences, level=level),
            N_("probability of superiority"): effects.paired_superiority(
                sample.differences, level=level
            ),
        }
    return {
        N_("Hedges g"): effects.hedges_g(sample.a, sample.b, level=level),
        N_("probability of superiority"): effects.probability_of_superiority(
            sample.a, sample.b, level=level
        ),
    }


def spread_notices(claim: Claim, sample: Sample) -> list[str]:
    """What the spread between replicates says about the test."""
    smallest = min(len(sample.a), len(sample.b))
    if sample.is_paired:
        if not sample.differences.any():
            if claim.beyond is not None:
                return [N_("both differences are the same in every replicate")]
            if claim.reference is not None:
                return [N_("every run is exactly at that number")]
            return [N_("results identical - are the arms the same?")]
        constant = has_no_spread(sample.differences)
    else:
        constant = has_no_spread(sample.a) and has_no_spread(sample.b)
    if constant:
        return [N_("no spread between replicates")] if smallest > 1 else []
    return [] if sample.is_paired else [*_unequal_spread(sample), *_unequal_sizes(claim, sample)]


def _unequal_spread(sample: Sample) -> list[str]:
    a, b = (
        float(np.std(values, ddof=1)) if len(values) > 1 else 0 for values in (sample.a, sample.b)
    )
    few = min(len(sample.a), len(sample.b)) < _FEW
    if not few or min(a, b) == 0 or max(a, b) / min(a, b) < _UNEQUAL:
        return []
    return [
        N_(
            "few trials, not paired, and one side spreads more than twice as far as the other: "
            "there the test errs somewhat more often than its level says (seen: 6 to 12 % at a "
            "level of 5 %)"
        )
    ]


def _unequal_sizes(claim: Claim, sample: Sample) -> list[str]:
    """The fewer values, the closer their median lies to them, whatever their spread."""
    few, many = sorted((len(sample.a), len(sample.b)))
    if claim.statistic != "spread" or few >= _FEW or many < _MANY_TIMES * few:
        return []
    return [
        N_(
            "few trials against many, not paired: the median of few lies closer to them, so that "
            "they seem to spread less and the test errs somewhat more often than its level says "
            "(seen: 5 to 10 % at a level of 5 %)"
        )
    ]


def replicates_needed(claim: Claim, sample: Sample, alpha: float) -> int | None:
    """Replicates for a conclusive study; ``alpha`` is that of Holm's hardest step."""
    if sample.is_paired:
        needed = (
            planning.replicates_needed_for_equivalence
            if claim.expect == "equivalent"
            else planning.replicates_needed
        )
        return needed(sample.differences, claim.margin, alpha, POWER)
    needed_unpaired = (
        planning.replicates_needed_for_equivalence_unpaired
        if claim.expect == "equivalent"
        else planning.replicates_needed_unpaired
    )
    return needed_unpaired(sample.a, sample.b, claim.margin, alpha, POWER)
