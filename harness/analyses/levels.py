"""The reasonable specifications of a claim: its choices at all levels, listed or by default."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from harness.analyses.targets import round_levels, supported_range
from harness.choices import Choice, Setting, own_choice
from harness.claims import Claim
from harness.measures import CLOCK_COLUMN, Curve, Metric, is_accuracy, steady_seconds

AtEpochs = Sequence[int | Literal["last"]]
_MOST_TARGETS = 6
_COUNTERPART: Mapping[str, Metric] = {
    "accuracy": "loss",
    "loss": "accuracy",
    "val_accuracy": "val_loss",
    "val_loss": "val_accuracy",
}


def reasonable_choices(claim: Claim, curves: Sequence[Curve]) -> list[Choice]:
    """Every combination of the levels of a claim's choices.

    What the claim does not list has these levels: targets over the range that the curves support
    (`harness.analyses.targets`), tolerances and margins at half and twice their size, targets
    held for 1 to 3 epochs, plateau windows 2 epochs shorter and longer, 90, 95 and 99 % of the
    gain, epochs up to 2 earlier and later, time in epochs, processor and elapsed seconds as far
    as they were recorded, accuracy and loss where the claim's definition carries over, three
    tests.

    Args:
        claim: The claim.
        curves: The trials that it compares.

    Returns:
        The specifications, the claim's own one among them, with the same keys each.
    """
    own = own_choice(claim.measure, claim.margin)
    listed = {} if claim.specifications is None else claim.specifications.levels
    choices: list[dict[str, Setting]] = [{}]
    for key, setting in own.items():
        fixed = None if key == "target" else _levels(key, setting, listed, claim, curves)
        choices = [
            {**choice, key: level}
            for choice in choices
            for level in fixed or _targets(choice, own, listed, curves)
        ]
    return list(choices)


def seconds_per_epoch(curves: Sequence[Curve]) -> dict[str, float]:
    """What an epoch is exchanged for: the mean over trials of their steady epoch, by clock.

    Clocks that some trial did not record are left out, and those that stood still.
    """
    found = {}
    for clock, column in CLOCK_COLUMN.items():
        steady = [steady_seconds(curve.columns[column]) for curve in curves]
        if steady and all(math.isfinite(s) and s > 0 for s in steady):
            found[clock] = float(np.mean(steady))
    return found


def shifted(epochs: AtEpochs, by: int) -> list[int | Literal["last"]]:
    """Epochs moved later; the last one stays."""
    return [epoch if epoch == "last" else epoch + by for epoch in epochs]


def _levels(
    key: str,
    own: Setting,
    listed: Mapping[str, Sequence[Setting]],
    claim: Claim,
    curves: Sequence[Curve],
) -> list[Setting]:
    """The levels of a choice that does not depend on others."""
    levels = listed.get(key) or _defaults(key, own, claim, curves)
    if key == "shift":
        levels = [level for level in levels if _can_shift(claim, int(level), curves)]
    if key == "clock":
        levels = [level for level in levels if _can_exchange(own, level, curves)]
    return _with_own(own, levels)


def _with_own(own: Setting, levels: Sequence[Setting]) -> list[Setting]:
    """Numbers ascend; words keep their order, the claim's own first."""
    if isinstance(own, str):
        return list(dict.fromkeys([own, *levels]))
    return sorted({own, *levels}, key=float)


def _defaults(key: str, own: Setting, claim: Claim, curves: Sequence[Curve]) -> list[Setting]:
    return list(_ALWAYS_OPEN[key]) if key in _ALWAYS_OPEN else _OPEN[key](own, claim, curves)


def _metrics(own: Setting, claim: Claim, curves: Sequence[Curve]) -> list[Setting]:
    """The loss beside the accuracy, where the definition does not hang on the metric's unit."""
    other = _COUNTERPART[str(own)]
    carries_over = hasattr(claim.measure, "target") or hasattr(claim.measure, "fraction")
    return [other] if carries_over and _recorded(other, curves) else []


def _clocks(_: Setting, claim: Claim, curves: Sequence[Curve]) -> list[Setting]:
    epochs = ["epochs"] if hasattr(claim.measure, "target") else []
    return [*epochs, *seconds_per_epoch(curves)]


def _tolerances(own: Setting, claim: Claim, _: Sequence[Curve]) -> list[Setting]:
    most = 1.0 if is_accuracy(getattr(claim.measure, "metric", "")) else math.inf
    return [size for size in _sizes(own) if size < most]


def _windows(own: Setting, _: Claim, curves: Sequence[Curve]) -> list[Setting]:
    budget = min((curve.budget for curve in curves), default=0)
    return [size for size in (int(own) - 2, int(own) + 2) if size >= 1 and 2 * size <= budget]


def _margins(own: Setting, claim: Claim, _: Sequence[Curve]) -> list[Setting]:
    """Margins matter most where a level is compared, or where equality itself is claimed."""
    is_level = claim.measure.unit != "epochs" and not hasattr(claim.measure, "target")
    return list(_sizes(own)) if is_level or claim.expect == "equivalent" else []


_ALWAYS_OPEN: Mapping[str, Sequence[Setting]] = {
    "kind": ("final", "best"),
    "sustain": (1, 2, 3),
    "fraction": (0.9, 0.95, 0.99),
    "shift": (-2, -1, 0, 1, 2),
    "test": ("permutation", "t", "rank"),
}
_OPEN: Mapping[str, Callable[[Setting, Claim, Sequence[Curve]], list[Setting]]] = {
    "metric": _metrics,
    "clock": _clocks,
    "within": _tolerances,
    "window": _windows,
    "margin": _margins,
}


def _sizes(own: Setting) -> list[float]:
    return [float(f"{float(own) * factor:.12g}") for factor in (0.5, 1, 2)]


def _recorded(metric: Metric, curves: Sequence[Curve]) -> bool:
    return bool(curves) and all(np.isfinite(curve.columns[metric]).any() for curve in curves)


def _can_exchange(own: Setting, clock: Setting, curves: Sequence[Curve]) -> bool:
    """Whether the seconds are known in which one clock counts, or for which epochs stand."""
    return (own if clock == "epochs" else clock) in {*seconds_per_epoch(curves), "epochs"}


def _can_shift(claim: Claim, by: int, curves: Sequence[Curve]) -> bool:
    """Whether the shifted epochs exist, and one arm is not compared with itself."""
    last = min((curve.budget for curve in curves), default=0)
    epochs = claim.at_epochs or [getattr(claim.measure, "epoch", "last")] * 2
    moved = [last if epoch == "last" else epoch for epoch in shifted(epochs, by)]
    pairs = zip(claim.sides[::2], claim.sides[1::2], strict=False)  # a number pairs with no arm
    one_arm = any(first == second for first, second in pairs)
    return all(1 <= epoch <= last for epoch in moved) and not (one_arm and moved[0] == moved[1])


def _targets(
    choice: Choice,
    own: Choice,
    listed: Mapping[str, Sequence[Setting]],
    curves: Sequence[Curve],
) -> list[Setting]:
    """The levels of the target, which depend on what must reach it."""
    metric: Metric = choice["metric"]  # type: ignore[assignment]
    is_own = metric == own["metric"]
    found: Sequence[Setting] = listed.get("target", ()) if is_own else ()
    if not found:
        bounds = supported_range(curves, metric)
        found = [] if bounds is None else list(map(float, round_levels(*bounds, _MOST_TARGETS)))
    return _with_own(own["target"], found) if is_own else list(found)
