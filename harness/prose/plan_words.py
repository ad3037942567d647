"""A plan in words, and as a document for other programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from harness.beside import POWER
from harness.planning import ClaimNeed, PlannedLook, StudyPlan
from harness.quantities import (
    amount,
    decimals_for,
    duration,
    given_amount,
    p_value,
    percent,
    plural,
)
from harness.stats.power import MOST_SIMULATED, spread_factors
from harness.stats.results import Interval

_ROUGH_BELOW = 10  # pilot pairs below which a spread is known to a factor of two at best


def plan_lines(plan: StudyPlan) -> list[str]:
    """The plan for people, line by line."""
    return [_scale(plan), *_time_lines(plan), "", *_look_lines(plan), "", *_need_lines(plan)]


def _scale(plan: StudyPlan) -> str:
    most = "at most " if len(plan.looks) > 1 else ""
    return (
        f"{plural(len(plan.arm_seconds), 'arm')} x {most}{plural(plan.replicates, 'replicate')}: "
        f"{plural(plan.trials, 'trial')} in {plural(plan.replicates, 'block')}; "
        f"{plan.stored} of them stored."
    )


def _time_lines(plan: StudyPlan) -> Iterator[str]:
    if plan.seconds is None or plan.seconds_to_go is None:
        yield (
            "No trial times are known: --pilot trains one replicate of each arm, which stays in "
            "the study."
        )
        return
    left = "nothing is left to train"
    if plan.seconds_to_go > 0:
        left = f"{duration(plan.seconds_to_go)} to go"
    yield f"Expected time: {duration(plan.seconds)} with {plural(plan.workers, 'worker')}; {left}."
    for arm, seconds in plan.arm_seconds.items():
        yield f"  {arm}: {_a_trial(seconds)}"


def _a_trial(seconds: float | None) -> str:
    if seconds is None:
        return "not known, taken to be as slow as the slowest"
    told = f"{seconds:.3g} seconds" if seconds < 90 else duration(seconds)
    return f"{told} a trial"


def _look_lines(plan: StudyPlan) -> Iterator[str]:
    claims, alpha = len(plan.loaded.study.claims), plan.loaded.study.study.alpha
    for look in plan.looks:
        smallest = p_value(look.smallest_p, alpha)
        verdict = "a difference can be called real"
        if not look.can_find:
            verdict = "no difference can be called real, however large"
        at = f"Look at {plural(look.count, 'replicate')}" if len(plan.looks) > 1 else "At the end"
        yield (
            f"{at}: the smallest p that {plural(look.count, 'pair')} can reach is {smallest}, "
            f"adjusted for {_adjusted_for(plan.looks, claims)} "
            f"{p_value(look.smallest_adjusted, alpha)} (alpha is {alpha:g}): {verdict}."
        )


def _adjusted_for(looks: Sequence[PlannedLook], claims: int) -> str:
    told = plural(max(claims, 1), "claim")
    return f"{plural(len(looks), 'look')} and {told}" if len(looks) > 1 else told


def _need_lines(plan: StudyPlan) -> Iterator[str]:
    if not plan.needs:
        yield "The study makes no claims."
        return
    pilot = max(need.pilot for need in plan.needs)
    if pilot < 2:
        yield (
            f"Replicates needed: a spread needs at least 2 pilot replicates, and {pilot} "
            f"{'is' if pilot == 1 else 'are'} stored; --pilot-replicates 4 trains a few."
        )
        return
    rough = ": a rough number" if pilot < _ROUGH_BELOW else ""
    yield f"Replicates for a power of {percent(POWER)}, from {pilot} pilot replicates{rough}."
    yield from (f"  {need.claim.id}: {need_words(need)}" for need in plan.needs)
    enough = sum(need.replicates <= plan.replicates for need in plan.needs)
    yield (
        f"The {plural(plan.replicates, 'replicate')} of this study are enough for {enough} of "
        f"{plural(len(plan.needs), 'claim')}."
    )
    low, high = spread_factors(pilot)
    yield (
        f"A pilot of {pilot} may be far off: the true spread is {low:.2g} to {high:.2g} times the "
        f"one seen (95 %), and the right numbers {low**2:.2g} to {high**2:.2g} times these."
    )
    yield (
        "First the number by simulation of the deciding test on resampled pilot differences, then "
        "that of the t test's formula, exact for normal ones; both at Holm's hardest step"
        f"{', at the level of the last look' if len(plan.looks) > 1 else ''}."
    )


def need_words(need: ClaimNeed) -> str:
    """What a claim asks for: "about 12 (formula: 11), for a difference of 1 epoch; …"."""
    if need.reason is not None:
        return need.reason
    number = f"more than {MOST_SIMULATED}" if need.simulated is None else f"about {need.simulated}"
    formula = "more than ten million" if need.closed_form is None else f"{need.closed_form:,}"
    unit = need.claim.measure.unit
    decimals = decimals_for(unit, Interval(0.0, need.spread, 0.95), need.spread)
    aim = f"for a difference of {given_amount(need.effect, unit)}"
    if need.claim.expect == "equivalent":
        aim = f"to show equality up to {given_amount(need.claim.margin, unit)} if there is none"
    elif not need.claim.margin:
        seen = amount(abs(need.effect), unit, decimals)
        aim = f"for the difference seen, {seen}, since no margin is given"
    return (
        f"{number} (formula: {formula}) {aim}; differences vary by "
        f"{amount(need.spread, unit, decimals)} (standard deviation, {need.pilot} pairs)"
    )


def plan_document(plan: StudyPlan) -> dict[str, Any]:
    """The plan for other programs."""
    return {
        "study": plan.loaded.study.study.name,
        "profile": plan.loaded.profile,
        "arms": len(plan.arm_seconds),
        "replicates": plan.replicates,
        "trials": plan.trials,
        "stored": plan.stored,
        "workers": plan.workers,
        "seconds": plan.seconds,
        "seconds_to_go": plan.seconds_to_go,
        "seconds_a_trial": dict(plan.arm_seconds),
        "alpha": plan.loaded.study.study.alpha,
        "power": POWER,
        "looks": [asdict(look) for look in plan.looks],
        "warnings": list(plan.loaded.warnings),
        "claims": [_claim_document(need) for need in plan.needs],
    }


def _claim_document(need: ClaimNeed) -> dict[str, Any]:
    return {
        "id": need.claim.id,
        "unit": need.claim.measure.unit,
        "margin": need.claim.margin,
        "pilot_pairs": need.pilot,
        "spread": need.spread,
        "planned_difference": None if math.isnan(need.effect) else need.effect,
        "replicates_simulated": need.simulated,
        "replicates_formula": need.closed_form,
        "most_simulated": MOST_SIMULATED,
        "reason": need.reason,
    }
