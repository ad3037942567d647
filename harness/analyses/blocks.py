"""A measure of every arm in every replicate: the table that comparisons of many arms start from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.language import N_, said
from harness.measure_kinds import Measure
from harness.measures import Curve, FloatArray, Measured, is_accuracy
from harness.study import Study

_LEVELS = ("final", "best", "at_epoch", "mean_over_epochs")


@dataclass(frozen=True, eq=False)
class Blocks:
    """One measure, a row a complete replicate and a column an arm.

    Attributes:
        measure: The measure.
        arms: The arms, in order.
        replicates: The replicates in which every arm has a value.
        values: Shape (replicates, arms); times are cut at the horizon.
        reached: Whether each value was reached, not cut; the same shape.
        horizon: Where times were cut; None if nothing was censored.
        left_out: Replicates in which an arm has no value.
        reason: Why the table must not be used; None if it may.
    """

    measure: Measure
    arms: tuple[str, ...]
    replicates: tuple[int, ...]
    values: FloatArray
    reached: NDArray[np.bool_]
    horizon: float | None
    left_out: tuple[int, ...]
    reason: str | None

    @property
    def higher_is_better(self) -> bool:
        """Whether larger values are better ones: levels of accuracy, and nothing else."""
        metric = getattr(self.measure, "metric", "")
        return self.measure.kind in _LEVELS and is_accuracy(metric)


def blocks_of(
    measure: Measure, arms: Sequence[str], curves: Mapping[tuple[str, int], Curve]
) -> Blocks:
    """Measure all trials of some arms.

    A replicate that an arm lacks is left out of all, so that every arm is seen on the same ones.
    One that lacks its value because it diverged makes the table unusable: leaving it out would
    favour the arm that diverges.

    Args:
        measure: The measure; its epoch filled in where it has one.
        arms: Names of the arms.
        curves: All finished trials, by arm and replicate.
    """
    measured = {key: measure.of(curve) for key, curve in curves.items() if key[0] in arms}
    known = {key: m for key, m in measured.items() if not math.isnan(m.value)}
    seen = sorted({replicate for _, replicate in measured})
    whole = tuple(r for r in seen if all((arm, r) in known for arm in arms))
    cut = [known[arm, r].value for arm in arms for r in whole if known[arm, r].censored]
    horizon = min(cut) if cut else None
    cells = [[_cut(known[arm, r], horizon) for arm in arms] for r in whole]
    table = np.array(cells, dtype=float).reshape(len(whole), len(arms), 2)
    lost = [key for key, curve in curves.items() if key in measured and curve.diverged]
    lost = sorted(key for key in lost if key not in known)
    return Blocks(
        measure=measure,
        arms=tuple(arms),
        replicates=whole,
        values=table[..., 0],
        reached=table[..., 1] == 1,
        horizon=horizon,
        left_out=tuple(r for r in seen if r not in whole),
        reason=_obstacle(measure, lost, len(whole)),
    )


def _cut(measured: Measured, horizon: float | None) -> tuple[float, bool]:
    """A value at most at the horizon, and whether it was reached by then."""
    if horizon is None:
        return measured.value, True
    return min(measured.value, horizon), not measured.censored and measured.value <= horizon


def _obstacle(measure: Measure, lost: Sequence[tuple[str, int]], whole: int) -> str | None:
    if lost:
        arm, replicate = lost[0]
        return said(
            "replicate {replicate} of {arm} diverged and has no {measure}",
            replicate=replicate,
            arm=arm,
            measure=measure.label,
        )
    return None if whole > 1 else N_("fewer than two replicates are complete")


def asked_measures(study: Study, *, answering: bool = False) -> list[Measure]:
    """The measures of a study's claims, each once; those that answer its question first.

    Args:
        study: The study.
        answering: Whether to keep the measures that answer the question, if any do, and no more.
    """
    claims = sorted(study.claims, key=lambda claim: not claim.answers_question)
    marked = [claim for claim in claims if claim.answers_question]
    chosen = marked if answering and marked else claims
    measures = [claim.side_measure(0) for claim in chosen]
    return list({measure.model_dump_json(): measure for measure in measures}.values())
