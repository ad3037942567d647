"""Whole curves compared: at which epochs two arms differ, with one error rate for all epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.analyses.comparisons import Comparison, compare_row
from harness.claims import Claim, arms_of
from harness.measures import AtEpoch, Metric
from harness.results import Results
from harness.samples import Curves
from harness.study import Study
from harness.verdicts import side_names

METRICS: tuple[Metric, ...] = ("val_accuracy", "val_loss")


@dataclass(frozen=True)
class Contrast:
    """The difference of two sides' curves, first minus second.

    Attributes:
        sides: The arms, the patterns that stand for the mean of several, or differences of these.
        metric: What is compared.
        comparison: The difference by epoch; None where there is no comparison.
        reason: Why there is none; None where there is.
    """

    sides: tuple[str, str]
    metric: Metric
    comparison: Comparison | None
    reason: str | None


def contrasts(results: Results, metrics: Sequence[Metric] = METRICS) -> list[Contrast]:
    """Compare the curves of every two sides that some claim compares.

    For a claim with ``beyond`` these are its first two sides, the other two, and the two
    differences.

    Curves of arms that a pattern names are averaged replicate by replicate. A diverged curve
    keeps its last recorded value to the end of its budget; epochs at which a trial has no number
    at all are left out for all trials. Sides that draw different things at random are not compared:
    their curves differ in how they vary, which no mean shows. The probability of any false epoch is
    at most alpha within one contrast: two sides and one metric.

    Args:
        results: A study's outcome.
        metrics: The columns to compare, as far as they were recorded.

    Returns:
        One entry for two sides and a metric, in the order of the claims.
    """
    curves = results.trial_curves
    study = results.loaded.study
    asked: dict[tuple[str, str], tuple[Claim, bool]] = {}
    for verdict in results.verdicts:
        for claim in _questions(verdict.claim):
            first, second = side_names(claim)
            alike = _vary_alike(study, claim.sides)
            if alike and first != second and (second, first) not in asked:
                asked.setdefault((first, second), (claim, verdict.is_paired))
    return [
        _contrast(
            claim,
            metric,
            [arm.name for arm in study.all_arms],
            curves,
            is_paired=is_paired,
            alpha=study.study.alpha,
        )
        for claim, is_paired in asked.values()
        for metric in metrics
        if any(np.isfinite(curve.columns[metric]).any() for curve in curves.values())
    ]


def _questions(claim: Claim) -> list[Claim]:
    """What a claim says about curves at any epoch: of its pairs, and of their differences."""
    if claim.reference is not None:
        return []
    whole = claim.model_copy(update={"at_epochs": None})
    if claim.beyond is None:
        return [whole]
    pairs = [
        whole.model_copy(update={"compare": pair, "beyond": None})
        for pair in (claim.compare, claim.beyond)
    ]
    return [*pairs, whole]


def _vary_alike(study: Study, sides: Sequence[str]) -> bool:
    names = [arm.name for arm in study.all_arms]
    matched = arms_of(sides, names)
    varied = {frozenset(study.streams_of(arm)) for arm in study.all_arms if arm.name in matched}
    return len(varied) == 1


def _contrast(
    claim: Claim, metric: Metric, names: list[str], curves: Curves, *, is_paired: bool, alpha: float
) -> Contrast:
    sides = side_names(claim)
    arms = arms_of(claim.sides, names)
    own = {key: curve for key, curve in curves.items() if key[0] in arms}
    budget = min((curve.budget for curve in own.values()), default=0)
    compared = compare_row(
        {float(epoch): _at(claim, metric, epoch) for epoch in range(1, budget + 1)},
        names,
        own,
        is_paired=is_paired,
        alpha=alpha,
        noun="epoch",
    )
    if isinstance(compared, str):
        return Contrast(sides, metric, None, compared)
    return Contrast(sides, metric, compared, None)


def _at(claim: Claim, metric: Metric, epoch: int) -> Claim:
    measure = AtEpoch(kind="at_epoch", metric=metric, epoch=epoch)
    return claim.model_copy(update={"measure": measure, "statistic": "mean", "margin": 0.0})
