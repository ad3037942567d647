"""Where a study stands: its arms, how far each is trained, and what is decided so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.analyses.gate import is_early
from harness.results import Results
from harness.study import Arm, Spec
from harness.study_file import LoadedStudy
from harness.verdicts import Verdict

STATES = ("completed", "diverged", "failed", "missing")


@dataclass(frozen=True)
class ArmOverview:
    """An arm with its settings, and its planned trials by state (see `STATES`)."""

    arm: Arm
    epochs: int
    batch_size: int
    precision: str
    trials: Mapping[str, int]


@dataclass(frozen=True)
class Overview:
    """A study at a glance.

    Attributes:
        loaded: The study.
        arms: Its arms, in its order.
        has_trials: Whether any trial is stored.
        verdicts: By claim id, what the stored trials say; empty without results.
        is_early: Whether the first declared look is not reached, so that no verdict counts.
        notices: What the reader must know about the results.
    """

    loaded: LoadedStudy
    arms: Sequence[ArmOverview]
    has_trials: bool
    verdicts: Mapping[str, Verdict]
    is_early: bool
    notices: Sequence[str]

    def count(self, *states: str) -> int:
        """Trials in these states, all arms together."""
        return sum(arm.trials[state] for arm in self.arms for state in states)


def overview(loaded: LoadedStudy, results: Results | None) -> Overview:
    """Put a study's plan and its stored results side by side.

    Args:
        loaded: The study.
        results: What is stored of it; None if nothing was ever trained.
    """
    study = loaded.study
    ended: Counter[tuple[str, str]] = Counter() if results is None else _states(results)
    arms = []
    for arm in study.all_arms:
        counts = {state: ended[arm.name, state] for state in STATES[:-1]}
        planned = 0 if study.is_of_logs else len(study.study.replicate_ids)
        counts["missing"] = max(0, planned - sum(counts.values()))
        arms.append(
            ArmOverview(
                arm=arm,
                epochs=study.epochs_of(arm),
                batch_size=study.batch_size_of(arm),
                precision=study.precision_of(arm),
                trials=counts,
            )
        )
    has_trials = results is not None and len(results.trials) > 0
    return Overview(
        loaded=loaded,
        arms=arms,
        has_trials=has_trials,
        verdicts={v.claim.id: v for v in results.verdicts} if results and has_trials else {},
        is_early=results is None or is_early(results),
        notices=results.notices if results and has_trials else loaded.warnings,
    )


def _states(results: Results) -> Counter[tuple[str, str]]:
    return Counter(zip(results.trials["arm"], results.trials["status"], strict=True))


def spec_words(spec: Spec) -> str:
    """A model or optimizer with its settings: "mlp (hidden [512, 512], dropout 0.2)"."""
    settings = ", ".join(f"{key} {value}" for key, value in spec.settings.items())
    return f"{spec.name} ({settings})" if settings else spec.name


def arm_words(arm: Arm) -> str:
    """What an arm is: its model and optimizer, or where its logs lie."""
    if arm.logs is not None:
        return f"logs {', '.join(arm.logs.paths)}"
    return f"{spec_words(arm.architecture)}, {spec_words(arm.optimizer)}"


def overview_document(found: Overview) -> dict[str, Any]:
    """The overview for other programs."""
    study = found.loaded.study
    return {
        "study": study.study.name,
        "profile": found.loaded.profile,
        "question": study.study.question,
        "data": study.data_label,
        "replicates": study.study.replicate_ids,
        "alpha": study.study.alpha,
        "trials": {state: found.count(state) for state in STATES},
        "verdicts_count": not found.is_early,
        "arms": [
            {
                "name": one.arm.name,
                "architecture": one.arm.architecture.model_dump(),
                "optimizer": one.arm.optimizer.model_dump(),
                "epochs": one.epochs,
                "batch_size": one.batch_size,
                "precision": one.precision,
                "trials": dict(one.trials),
            }
            for one in found.arms
        ],
        "claims": [
            {"id": claim.id, "says": claim.says, **_verdict(found.verdicts.get(claim.id))}
            for claim in study.claims
        ],
        "notices": list(found.notices),
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"verdict": None}
    return {
        "verdict": verdict.outcome,
        "effect": verdict.effect,
        "interval": [verdict.interval.low, verdict.interval.high],
        "unit": verdict.claim.measure.unit,
        "p_adjusted": verdict.p_adjusted,
        "n": verdict.n,
        "confirmatory": verdict.confirmatory,
    }
