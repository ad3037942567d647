"""How many replicates: what a study can show, what it costs, and what each claim asks for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.beside import POWER
from harness.claims import Claim
from harness.results import Results
from harness.samples import sample_of
from harness.stats import planning, power
from harness.stats.power import MOST_SIMULATED
from harness.stats.samples import FloatArray, has_no_spread
from harness.stopping import Look, declared_looks
from harness.study import Study
from harness.study_file import LoadedStudy


@dataclass(frozen=True)
class ClaimNeed:
    """What a claim asks for, judged from pilot trials.

    Attributes:
        claim: The claim.
        pilot: Pairs that the pilot has.
        spread: Standard deviation of the pilot's paired differences; NaN where there is none.
        effect: True difference that is planned for: the margin, or the one seen where the margin is
            0; 0 for a claim of equivalence.
        simulated: Replicates for 80 % power by simulation; None where unknown or above
            `harness.stats.power.MOST_SIMULATED`.
        closed_form: The same by the t tests' formula, exact for normal differences.
        reason: Why nothing can be said; None where something can.
    """

    claim: Claim
    pilot: int
    spread: float
    effect: float
    simulated: int | None
    closed_form: int | None
    reason: str | None

    @property
    def replicates(self) -> float:
        """Replicates for 80 % power: by the formula where they are too many to simulate."""
        if self.simulated is not None:
            return self.simulated
        return math.inf if self.closed_form is None else max(MOST_SIMULATED + 1, self.closed_form)


@dataclass(frozen=True)
class PlannedLook:
    """What a look can show.

    Attributes:
        count: Replicates.
        allowed: The p that the smallest of all claims' p values must not exceed there.
        smallest_p: The smallest two-sided p that so many pairs can reach.
        smallest_adjusted: The same, adjusted for all looks and for all claims (Holm's first step).
        can_find: Whether any difference can be called real there.
    """

    count: int
    allowed: float
    smallest_p: float
    smallest_adjusted: float
    can_find: bool


@dataclass(frozen=True)
class StudyPlan:
    """What a study is going to cost, and what it can show.

    Attributes:
        loaded: The study.
        stored: Trials that are finished already.
        workers: Worker processes that the times are for.
        arm_seconds: By arm, mean seconds of a stored trial; None where there is none.
        seconds: Expected time of the whole study; None where no trial time is known.
        seconds_to_go: Expected time of what is not stored yet.
        looks: The declared looks; one under the fixed rule.
        needs: One a claim.
    """

    loaded: LoadedStudy
    stored: int
    workers: int
    arm_seconds: dict[str, float | None]
    seconds: float | None
    seconds_to_go: float | None
    looks: tuple[PlannedLook, ...]
    needs: tuple[ClaimNeed, ...]

    @property
    def replicates(self) -> int:
        """Replicates of the study, at most."""
        return self.looks[-1].count

    @property
    def trials(self) -> int:
        """Trials of the study, at most."""
        return self.replicates * len(self.arm_seconds)


def plan_study(loaded: LoadedStudy, results: Results | None, *, workers: int) -> StudyPlan:
    """Plan a study from its file and from what is stored of it.

    Args:
        loaded: The study.
        results: What is stored; None if nothing is.
        workers: Worker processes that will train.
    """
    study = loaded.study
    arms = [arm.name for arm in study.all_arms]
    known = {} if results is None else arm_seconds(results.trials)
    finished = [] if results is None else _finished_arms(results.trials)
    replicates = len(study.study.replicate_ids)
    missing = Counter(dict.fromkeys(arms, replicates)) - Counter(finished)
    block, to_go = _seconds(known, arms), _seconds(known, missing.elements())
    return StudyPlan(
        loaded=loaded,
        stored=len(finished),
        workers=workers,
        arm_seconds={arm: known.get(arm) for arm in arms},
        seconds=None if block is None else block * replicates / workers,
        seconds_to_go=None if to_go is None else to_go / workers,
        looks=tuple(_planned_look(look, study) for look in declared_looks(study)),
        needs=tuple(_need(claim, study, results) for claim in study.claims),
    )


def arm_seconds(trials: pd.DataFrame) -> dict[str, float]:
    """Mean seconds of a completed trial, by arm."""
    completed = trials[trials["status"] == "completed"]
    means = completed.groupby("arm")["seconds"].mean()
    return {str(arm): float(mean) for arm, mean in means.items() if math.isfinite(mean)}


def replicate_seconds(trials: pd.DataFrame, arms: Sequence[str]) -> float | None:
    """What one further replicate of all arms takes, with as many workers as the latest had.

    Args:
        trials: The study's stored trials.
        arms: All arms of the study.
    """
    block = _seconds(arm_seconds(trials), arms)
    jobs = trials["jobs"].dropna()
    return None if block is None or jobs.empty else block / max(1.0, float(jobs.median()))


def _seconds(known: dict[str, float], arms: Iterable[str]) -> float | None:
    """Seconds of a trial of each of these arms; one without times counts as the slowest known."""
    if not known:
        return None
    slowest = max(known.values())
    return sum(known.get(arm, slowest) for arm in arms)


def _finished_arms(trials: pd.DataFrame) -> list[str]:
    """The arm of each finished trial."""
    return [str(arm) for arm in trials.loc[trials["status"] != "failed", "arm"]]


def _planned_look(look: Look, study: Study) -> PlannedLook:
    claims, alpha = max(len(study.claims), 1), study.study.alpha
    return PlannedLook(
        count=look.count,
        allowed=look.level(alpha / claims),
        smallest_p=look.smallest_p,
        smallest_adjusted=min(1.0, claims * look.repeated_p(look.smallest_p)),
        can_find=look.can_find_a_difference(claims, alpha),
    )


def _need(claim: Claim, study: Study, results: Results | None) -> ClaimNeed:
    values = [] if results is None else [v for v in results.values if v.claim == claim.id]  # noqa: PD011 - not a pandas object
    sample = sample_of(claim, values, is_paired=True)
    d = sample.differences if sample.reason is None else sample.differences[:0]
    spread = float(d.std(ddof=1)) if d.size > 1 else math.nan
    effect = claim.margin or (float(d.mean()) if d.size else math.nan)
    effect = 0.0 if claim.expect == "equivalent" else effect
    reason = _obstacle(claim, d, sample.reason if values else None, effect)
    if reason is not None:
        return ClaimNeed(claim, d.size, spread, effect, None, None, reason)
    hardest = study.study.alpha / len(study.claims)  # Holm's first step
    alpha = declared_looks(study)[-1].level(hardest)
    margin = claim.margin if claim.expect == "equivalent" else None
    simulated = power.simulated_replicates(
        d, alpha, POWER, effect=effect, equivalence_margin=margin
    )
    formula = (
        planning.replicates_needed if margin is None else planning.replicates_needed_for_equivalence
    )
    closed = formula(d, claim.margin, alpha, POWER)
    return ClaimNeed(claim, d.size, spread, effect, simulated, closed, None)


def _obstacle(claim: Claim, d: FloatArray, reason: str | None, effect: float) -> str | None:
    """Why a pilot says nothing about the number of replicates."""
    if reason is not None:
        return reason
    if d.size < 2:
        return "a spread needs at least 2 pilot replicates"
    if has_no_spread(d):
        return "the pilot's differences are all equal: no spread to plan with"
    if effect == 0 and claim.expect != "equivalent":
        return "no margin is given and the pilot shows no difference: nothing to plan for"
    return None
