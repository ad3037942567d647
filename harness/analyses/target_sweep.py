"""A claim on a target, asked at every target that the curves support."""

from __future__ import annotations

from dataclasses import dataclass

from harness.analyses.comparisons import Comparison, compare_row
from harness.analyses.specifications import trials_behind
from harness.analyses.targets import round_levels, supported_range
from harness.choices import chosen_measure
from harness.language import N_
from harness.results import Results
from harness.samples import Curves
from harness.time_measures import EpochsTo, SecondsTo
from harness.verdicts import Verdict

_MOST_TARGETS = 25


@dataclass(frozen=True)
class TargetSweep:
    """How the difference in time depends on the target.

    Attributes:
        verdict: The claim's verdict, at its own target.
        comparison: Restricted mean times at every target; None where there is no comparison.
        reason: Why there is none; None where there is.
    """

    verdict: Verdict
    comparison: Comparison | None
    reason: str | None


def target_sweeps(results: Results) -> list[TargetSweep]:
    """Sweep the target of every claim on the time to a target.

    At each target a time is cut at the horizon, as in the verdict, so that the difference is one
    of restricted means. The horizon belongs to its target: the more trials miss it, the earlier
    times are cut. Targets that no trial reached by then are left out. Within one sweep the chance
    of any false statement is at most alpha.

    Claims that differ in nothing but their target share one.

    Args:
        results: A study's outcome.

    Returns:
        One entry a question on the mean time to a target, in the order of the claims.
    """
    curves = results.trial_curves
    asked: dict[str, Verdict] = {}
    for verdict in results.verdicts:
        measure = verdict.claim.measure
        if isinstance(measure, EpochsTo | SecondsTo) and verdict.claim.statistic == "mean":
            question = (verdict.claim.sides, measure.model_dump_json(exclude={"target"}))
            asked.setdefault(str(question), verdict)
    return [
        _sweep(results, verdict, trials_behind(results, verdict, curves))
        for verdict in asked.values()
    ]


def _sweep(results: Results, verdict: Verdict, curves: Curves) -> TargetSweep:
    claim = verdict.claim
    measure = claim.measure
    bounds = None
    if isinstance(measure, EpochsTo | SecondsTo):
        bounds = supported_range(list(curves.values()), measure.metric)
    if bounds is None:
        return TargetSweep(verdict, None, N_("the curves leave no room between targets"))
    claims = {
        float(target): claim.model_copy(
            update={"measure": chosen_measure(measure, {"target": float(target)})}
        )
        for target in round_levels(*bounds, _MOST_TARGETS)
    }
    compared = compare_row(
        claims,
        [arm.name for arm in results.loaded.study.all_arms],
        curves,
        is_paired=verdict.is_paired,
        alpha=verdict.alpha,
        noun="target",
    )
    if isinstance(compared, str):
        return TargetSweep(verdict, None, compared)
    return TargetSweep(verdict, compared, None)
