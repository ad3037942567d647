"""The specification curve: every claim decided again under every reasonable choice.

A claim fixes a target, a tolerance, a test. Others would have been as reasonable, and a reader must
see whether the verdict hangs on them (Steegen, Tuerlinckx, Gelman & Vanpaemel 2016; Simonsohn,
Simmons & Nelson 2020). Each specification takes the place of its claim in the family of tests, in
which the other claims' p values stay. The declared one decides; the others are no second chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from harness.analyses.levels import reasonable_choices, seconds_per_epoch, shifted
from harness.analyses.separation import Rule, simplest_rule
from harness.choices import Choice, Setting, chosen_measure, own_choice
from harness.claims import Claim, arms_of
from harness.measures import Curve
from harness.procedures import Maker, PairedT, RankSum, Relabeling, SignedRank, SignFlip, WelchT
from harness.results import Results
from harness.samples import Curves, Known, Sample, claim_values, sample_of
from harness.stats.planning import draws_needed
from harness.stats.results import Interval
from harness.verdicts import Outcome, Verdict, redecided

DRAWS = 4_999
EXACT_PAIRS = 14
"""Pairs up to which every specification enumerates all sign flips, as the verdict does."""
_EXACT_LABELINGS = 20_000
_FEWEST_HITS = 5
NESTED: Mapping[str, str] = {"target": "metric"}


@dataclass(frozen=True)
class Specified:
    """A claim's verdict under one specification.

    Attributes:
        choice: The level of each choice.
        effect: The estimated difference, first side minus second, in ``unit``.
        interval: Its confidence interval, in ``unit``.
        unit: The unit of effect and interval.
        scale: Units of the declared measure in one ``unit``; not 1 where epochs were exchanged for
            seconds.
        outcome: One of the four verdicts.
        p_adjusted: Adjusted p over the family; NaN where nothing could be tested.
        is_declared: Whether this is the claim as it was declared.
        reason: Why nothing could be tested; None where it could.
    """

    choice: Choice
    effect: float
    interval: Interval
    unit: str
    scale: float
    outcome: Outcome
    p_adjusted: float
    is_declared: bool
    reason: str | None


@dataclass(frozen=True)
class SpecificationCurve:
    """All specifications of one claim.

    Attributes:
        verdict: The verdict as declared, which decides.
        specified: One entry a specification, the declared one among them.
        rule: Where the declared outcome flips, or, if it holds in fewer than half of the
            specifications, where it holds; None if all agree or no simple rule says it.
        exchange: Seconds that an epoch was exchanged for, by clock; empty where none was.
        is_sampled: Whether permutation p values but the declared one's come from random draws.
    """

    verdict: Verdict
    specified: tuple[Specified, ...]
    rule: Rule | None
    exchange: Mapping[str, float]
    is_sampled: bool

    @property
    def tested(self) -> list[Specified]:
        """The specifications that could be tested; all counts are of these."""
        return [s for s in self.specified if s.reason is None]

    @property
    def held(self) -> int:
        """Tested specifications with the declared outcome."""
        return sum(s.outcome == self.verdict.outcome for s in self.tested)

    @property
    def mostly_holds(self) -> bool:
        """Whether at least half of the tested specifications have the declared outcome."""
        return 2 * self.held >= len(self.tested)

    @property
    def levels(self) -> dict[str, list[Setting]]:
        """The levels of each choice that has several."""
        keys = self.specified[0].choice
        levels = {key: list(dict.fromkeys(s.choice[key] for s in self.specified)) for key in keys}
        return {key: found for key, found in levels.items() if len(found) > 1}


def specification_curves(results: Results) -> list[SpecificationCurve]:
    """Decide every testable claim again, under all of its specifications.

    Args:
        results: A study's outcome.

    Returns:
        One entry a claim, in the study's order.
    """
    curves = results.trial_curves
    p = [verdict.overall_p(verdict.test.p) for verdict in results.verdicts]
    known: Known = {}  # claims have arms and measures in common
    return [
        _curve(
            results,
            verdict,
            trials_behind(results, verdict, curves),
            known,
            others=[*p[:place], *p[place + 1 :]],
        )
        for place, verdict in enumerate(results.verdicts)
        if verdict.reason is None
    ]


def trials_behind(
    results: Results, verdict: Verdict, curves: Curves
) -> dict[tuple[str, int], Curve]:
    """The trials that a verdict rests on: of the arms it compares, up to its look."""
    study = results.loaded.study
    names = [arm.name for arm in study.all_arms]
    arms = arms_of(verdict.claim.sides, names)
    behind = {key: curve for key, curve in curves.items() if key[0] in arms}
    if verdict.look is None:
        return behind
    counted = study.study.replicate_ids[: verdict.look.count]
    return {key: curve for key, curve in behind.items() if key[1] in counted}


def _curve(
    results: Results, verdict: Verdict, curves: Curves, known: Known, *, others: Sequence[float]
) -> SpecificationCurve:
    claim = verdict.claim
    choices = reasonable_choices(claim, list(curves.values()))
    exchange = seconds_per_epoch(list(curves.values()))
    family = results.family
    decided = partial(redecided, verdict, others=others, family=family)
    is_sampled = _is_sampled(verdict, family)
    own = own_choice(claim.measure, claim.margin)
    procedures = _procedures(verdict, is_sampled=is_sampled)
    names = [arm.name for arm in results.loaded.study.all_arms]
    samples: dict[str, Sample] = {}  # what differs in the test or the margin alone is shared
    specified = []
    for choice in choices:
        chosen, scale = _chosen(claim, choice, exchange)
        key = "".join(chosen.side_measure(side).model_dump_json() for side in (0, 1))
        if key not in samples:
            values = claim_values(chosen, names, curves, known)
            samples[key] = sample_of(chosen, values, is_paired=verdict.is_paired)
        told = (
            verdict
            if choice == own
            else decided(chosen, samples[key], procedure=procedures[str(choice["test"])])
        )
        specified.append(_specified(told, choice, scale, is_declared=choice == own))
    return SpecificationCurve(
        verdict=verdict,
        specified=tuple(specified),
        rule=_rule(verdict, [s for s in specified if s.reason is None]),
        exchange=exchange if len({s.unit for s in specified}) > 1 else {},
        is_sampled=is_sampled,
    )


def _rule(verdict: Verdict, tested: Sequence[Specified]) -> Rule | None:
    """Where the declared outcome flips, or where it holds if that is rarer."""
    flips = [s.outcome != verdict.outcome for s in tested]
    rare = flips if 2 * sum(flips) <= len(flips) else [not flip for flip in flips]
    return simplest_rule([s.choice for s in tested], rare, nested=NESTED)


def _specified(told: Verdict, choice: Choice, scale: float, *, is_declared: bool) -> Specified:
    untested = told.test.reason if math.isnan(told.test.p) else None
    return Specified(
        choice=choice,
        effect=told.effect,
        interval=told.interval,
        unit=told.claim.measure.unit,
        scale=scale,
        outcome=told.outcome,
        p_adjusted=told.p_adjusted,
        is_declared=is_declared,
        reason=told.reason or untested,
    )


def _chosen(claim: Claim, choice: Choice, exchange: Mapping[str, float]) -> tuple[Claim, float]:
    """The claim as it might have been, and the declared units in one unit of it.

    Where epochs give way to seconds or seconds to epochs, the margin is exchanged at the mean
    length of an epoch.
    """
    measure, scale = chosen_measure(claim.measure, choice), 1.0
    if measure.unit != claim.measure.unit:
        in_seconds = measure.unit == "seconds"
        clock = choice["clock"] if in_seconds else own_choice(claim.measure, 0)["clock"]
        scale = exchange[str(clock)] ** (-1 if in_seconds else 1)
    update: dict[str, object] = {"measure": measure, "margin": float(choice["margin"]) / scale}
    shift = int(choice.get("shift", 0))
    if claim.at_epochs is not None:
        update["at_epochs"] = shifted(claim.at_epochs, shift)
    elif shift:
        (epoch,) = shifted([getattr(claim.measure, "epoch", "last")], shift)
        update["measure"] = measure.model_copy(update={"epoch": epoch})
    return claim.model_copy(update=update), scale


def _procedures(verdict: Verdict, *, is_sampled: bool) -> dict[str, Maker]:
    """The tests to choose from; few draws where the deciding test would take too long."""
    if verdict.is_paired:
        flips = partial(SignFlip, draws=DRAWS, exact_up_to=EXACT_PAIRS)
        return {"permutation": flips if is_sampled else SignFlip, "t": PairedT, "rank": SignedRank}
    labelings = partial(Relabeling, draws=DRAWS, exact_up_to=_EXACT_LABELINGS)
    return {"permutation": labelings if is_sampled else Relabeling, "t": WelchT, "rank": RankSum}


def _is_sampled(verdict: Verdict, family: int) -> bool:
    """Whether few random arrangements are drawn, where all are many.

    Where they are too few for Holm's hardest step, at an early look or in a large family, the
    deciding test is made as verdicts make it: else specifications would flip for want of draws.
    """
    first, second = (side.n for side in verdict.sides)
    is_many = math.comb(first + second, first) > _EXACT_LABELINGS
    if verdict.is_paired:
        is_many = verdict.n > EXACT_PAIRS
    alpha = verdict.alpha / family
    hardest = alpha if verdict.look is None else verdict.look.level(alpha)
    return is_many and draws_needed(hardest, _FEWEST_HITS) <= DRAWS
