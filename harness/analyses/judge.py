"""Whether a single run from elsewhere is a typical run of an arm."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from harness.analyses.single_run import SingleRun
from harness.errors import UserError
from harness.language import said
from harness.measures import AtEpoch, Curve, FloatArray, Metric
from harness.quantities import plural
from harness.results import Results
from harness.stats.curve_bands import SimultaneousBand, prediction_band
from harness.stats.curve_tests import foreign_curve
from harness.stats.results import TestResult

JudgementOutcome = Literal["typical", "not typical", "cannot be told"]
_VALIDATION: tuple[Metric, ...] = ("val_accuracy", "val_loss")
_TRAINING: tuple[Metric, ...] = ("accuracy", "loss")


@dataclass(frozen=True, eq=False)
class Judgement:
    """One metric of a single run against the replicates of an arm.

    The rank p value is exact at any number of replicates but cannot fall below 1 / (n + 1). So
    from 1 / alpha - 1 replicates on (19 at 0.05) it decides alone. Below that, a run that is
    further out than every replicate is called not typical only if it also leaves the prediction
    band, which rests on normal spread; a run no further out than some replicate is typical.

    Attributes:
        arm: The arm.
        metric: What is compared.
        epochs: The epochs that the run and every replicate have, shape ``(e,)``.
        run: The run's values there, shape ``(e,)``.
        replicates: The arm's, shape ``(n, e)``.
        band: Where one further replicate would lie at all epochs, at level 1 - alpha.
        test: The exact rank test.
        alpha: The error rate.
        left_out: Which of the arm's epochs are not judged, in words; None if all are.
    """

    arm: str
    metric: Metric
    epochs: NDArray[np.int64]
    run: FloatArray
    replicates: FloatArray
    band: SimultaneousBand
    test: TestResult
    alpha: float
    left_out: str | None

    @property
    def n(self) -> int:
        """Replicates of the arm."""
        return len(self.replicates)

    @property
    def smallest_p(self) -> float:
        """The smallest p that the rank test can reach."""
        return 1 / (self.n + 1)

    @property
    def above(self) -> NDArray[np.bool_]:
        """Epochs at which the run is above the band."""
        return self.run > self.band.high

    @property
    def below(self) -> NDArray[np.bool_]:
        """Epochs at which the run is below the band."""
        return self.run < self.band.low

    @property
    def outcome(self) -> JudgementOutcome:
        """What the replicates say of the run."""
        if self.test.p <= self.alpha:
            return "not typical"
        if self.rank_decides:
            return "typical"
        if self.leaves_band and self.is_furthest:
            return "not typical"
        return "cannot be told" if self.leaves_band or self.is_furthest else "typical"

    @property
    def rank_decides(self) -> bool:
        """Whether there are replicates enough for the rank test to find a run not typical."""
        return self.smallest_p <= self.alpha

    @property
    def is_furthest(self) -> bool:
        """Whether the run is further out than every replicate."""
        return math.isclose(self.test.p, self.smallest_p)

    @property
    def leaves_band(self) -> bool:
        """Whether the run is outside the band at any epoch."""
        return bool(self.above.any() or self.below.any())


def judge_run(results: Results, arm: str, run: SingleRun) -> list[Judgement]:
    """Judge a single run against an arm, each metric by itself.

    Args:
        results: A study's outcome.
        arm: One of its arms.
        run: The run.

    Returns:
        One entry a metric that both have: the validation metrics, or where the run has none the
        training metrics.

    Raises:
        UserError: The arm has fewer than two finished trials, or no epoch in common with the run.
    """
    curves = [curve for (name, _), curve in sorted(results.trial_curves.items()) if name == arm]
    metrics = [m for m in _VALIDATION if m in run.columns] or [
        m for m in _TRAINING if m in run.columns
    ]
    if len(curves) < 2:
        found = plural(len(curves), "finished trial")
        raise UserError(f'arm "{arm}" has {found}; it takes 2 to see any spread')
    alpha = results.loaded.study.study.alpha
    judged = [judge_metric(arm, metric, curves, run, alpha) for metric in metrics]
    known = [judgement for judgement in judged if judgement is not None]
    if not known:
        raise UserError(
            f"the run has numbers for epochs {run.epoch[0]} to {run.epoch[-1]}, of which arm "
            f'"{arm}" has none in all of its trials'
        )
    return known


def study_and_arm(against: str) -> tuple[Path, str]:
    """Take ``STUDY:ARM`` apart, at the last colon.

    Raises:
        UserError: There is no colon, or nothing on one side of it.
    """
    study, _, arm = against.rpartition(":")
    if not study or not arm:
        raise UserError(f'"{against}" must name a study and an arm: studies/mine.toml:my-arm')
    return Path(study), arm


def known_arm(results: Results, arm: str) -> str:
    """The arm's name, if the study has it.

    Raises:
        UserError: It does not; the message lists those it has.
    """
    names = [one.name for one in results.loaded.study.all_arms]
    if arm in names:
        return arm
    near = difflib.get_close_matches(arm, names, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    raise UserError(f'there is no arm "{arm}"; arms: {", ".join(names)}{hint}')


def judge_metric(
    arm: str, metric: Metric, curves: Sequence[Curve], run: SingleRun, alpha: float
) -> Judgement | None:
    """Judge one metric of a run against an arm's curves; None without an epoch in common."""
    budget = min((curve.budget for curve in curves), default=0)
    own = dict(zip(run.epoch.tolist(), run.columns[metric].tolist(), strict=True))
    matrix = {
        epoch: [AtEpoch(kind="at_epoch", metric=metric, epoch=epoch).of(c).value for c in curves]
        for epoch in range(1, budget + 1)
        if math.isfinite(own.get(epoch, math.nan))
    }
    shared = [epoch for epoch, values in matrix.items() if np.isfinite(values).all()]
    if not shared:
        return None
    replicates = np.array([matrix[epoch] for epoch in shared]).T
    values = np.array([own[epoch] for epoch in shared])
    left_out = None
    if len(shared) < budget:
        left_out = said(
            "only the epochs that both have are judged, {n} of {budget}",
            n=len(shared),
            budget=budget,
        )
    return Judgement(
        arm=arm,
        metric=metric,
        epochs=np.array(shared, dtype=np.int64),
        run=values,
        replicates=replicates,
        band=prediction_band(replicates, level=1 - alpha),
        test=foreign_curve(values, replicates),
        alpha=alpha,
        left_out=left_out,
    )


def judgement_document(judgement: Judgement) -> dict[str, Any]:
    """A judgement's numbers, for JSON."""
    numbers: Mapping[str, FloatArray] = {
        "run": judgement.run,
        "mean": judgement.band.centre,
        "band_low": judgement.band.low,
        "band_high": judgement.band.high,
    }
    return {
        "metric": judgement.metric,
        "outcome": judgement.outcome,
        "p": judgement.test.p,
        "smallest_p": judgement.smallest_p,
        "replicates": judgement.n,
        "alpha": judgement.alpha,
        "method": judgement.test.method,
        "epochs": judgement.epochs.tolist(),
        "above": judgement.epochs[judgement.above].tolist(),
        "below": judgement.epochs[judgement.below].tolist(),
        **{name: values.tolist() for name, values in numbers.items()},
    }
