"""Prose about whole curves: contrasts by epoch, sweeps over targets, and single runs judged."""

from __future__ import annotations

import numpy as np

from harness.analyses.comparisons import Comparison, ranges
from harness.analyses.contrasts import Contrast
from harness.analyses.judge import Judgement
from harness.analyses.target_sweep import TargetSweep
from harness.measures import SecondsTo
from harness.prose.phrases import METRICS
from harness.prose.words import stopped
from harness.quantities import p_words, plural


def contrast_sentence(contrast: Contrast) -> str:
    """At which epochs two sides differ: "… differ in … in epochs 1 to 3 only; … is lower there"."""
    (a, b), metric = contrast.sides, METRICS[contrast.metric]
    found = contrast.comparison
    if found is None:
        return f"{a} and {b} cannot be compared in {metric}: {stopped(contrast.reason or '')}"
    if not found.can_differ:
        text = f"At which epochs {a} and {b} differ in {metric} cannot be told {_too_few(found)}"
    elif not found.differs.any():
        least = p_words(float(found.test.p_step_down.min()), found.alpha)
        text = f"No epoch differs in {metric} between {a} and {b} beyond chance (smallest {least})"
    else:
        text = f"{a} and {b} differ in {metric} in {_where(a, found)}"
    return _with_gaps(text, found)


def _where(a: str, found: Comparison) -> str:
    """The epochs that differ, and which way the first side lies there."""
    ups, downs = _points(found, 1), _points(found, -1)
    both = sorted(ups + downs)
    what = "every epoch" if found.differs.all() else f"{_epochs(both, found)} only"
    there = "throughout" if found.differs.all() else "there"
    if not ups or not downs:
        return f"{what}; {a} is {'higher' if ups else 'lower'} {there}"
    first, second = sorted([(ups, "higher"), (downs, "lower")])
    told = [f"{way} in {_epochs(points, found)}" for points, way in (first, second)]
    return f"{what}; {a} is {' and '.join(told)}"


def _points(found: Comparison, sign: int) -> list[float]:
    chosen = found.differs & (np.sign(found.band.centre) == sign)
    return [float(point) for point in found.points[chosen]]


def _epochs(points: list[float], found: Comparison) -> str:
    noun = "epoch" if len(points) == 1 else "epochs"
    return f"{noun} {ranges(points, all_points=found.points.tolist())}"


def _too_few(found: Comparison) -> str:
    n, m = found.sizes
    size = f"at n = {n}" if found.is_paired else f"at {n} against {m} trials"
    if min(n, m) < 2:
        return f"{size}: it takes two to see any spread"
    return f"{size}: the smallest attainable p is {found.smallest_p:.4g}"


def _with_gaps(text: str, found: Comparison) -> str:
    left_out = f" {found.left_out[:1].upper()}{found.left_out[1:]}." if found.left_out else ""
    return f"{text}.{left_out}"


def sweep_sentence(sweep: TargetSweep) -> str:
    """At which targets one side is slower: "… is slower at every target from 0.93 to 0.98"."""
    claim, measure = sweep.verdict.claim, sweep.verdict.claim.measure
    a, b = claim.compare
    metric = METRICS[getattr(measure, "metric", "val_accuracy")]
    unit = "epochs"
    if isinstance(measure, SecondsTo):
        unit = "processor seconds" if measure.clock == "cpu" else "seconds"
    lead = f"In {unit} to a {metric} target"
    if getattr(measure, "sustain", 1) > 1:
        lead += f" held for {getattr(measure, 'sustain', 1)} epochs"
    found = sweep.comparison
    if found is None:
        return f"{lead}, other targets than the claim's cannot be swept: {sweep.reason}."
    if not found.can_differ:
        return _with_gaps(f"{lead}, {a} and {b} cannot be told apart {_too_few(found)}", found)
    if not found.differs.any():
        low, high = found.points[0], found.points[-1]
        least = p_words(float(found.test.p_step_down.min()), found.alpha)
        text = f"{lead}, {a} and {b} differ at no target from {low:g} to {high:g} beyond chance"
        return _with_gaps(f"{text} (smallest {least})", found)
    return _with_gaps(f"{lead}, {_order(a, b, found)}", found)


def _order(a: str, b: str, found: Comparison) -> str:
    told: list[str] = []
    for sign, way in ((1, "slower"), (-1, "faster")):
        points = _points(found, sign)
        if points:
            told.append(f"{way} {'at' if told else f'than {b} at'} {_targets(points, found)}")
    rest = [float(point) for point in found.points[~found.differs]]
    if not rest:
        return f"{a} is {' and '.join(told)}"
    others = ranges(rest, all_points=found.points.tolist())
    return f"{a} is {' and '.join(told)}; at {others} the data cannot tell"


def _targets(points: list[float], found: Comparison) -> str:
    text = ranges(points, all_points=found.points.tolist())
    if len(points) == 1:
        return f"the target {text}"
    is_one_run = text == f"{points[0]:g} to {points[-1]:g}"
    return f"every target from {text}" if is_one_run else f"the targets {text}"


def judgement_sentence(judgement: Judgement, label: str) -> str:
    """Whether a run is one of the arm's, in words that say what decided.

    Args:
        judgement: What was found.
        label: What the run is called.
    """
    metric = METRICS[judgement.metric]
    match judgement.outcome:
        case "typical":
            text = f"{label}: typical of {judgement.arm} in {metric}, {_typical(judgement)}"
        case "not typical":
            text = f"{label}: not typical of {judgement.arm} in {metric}: {_untypical(judgement)}"
        case "cannot be told":
            text = f"{label}: whether it is typical of {judgement.arm} in {metric} cannot be told "
            text += f"with {_undecided(judgement)}"
    left_out = f" In {metric}, {judgement.left_out}." if judgement.left_out else ""
    return f"{text}.{left_out}"


def _rank(judgement: Judgement) -> str:
    p = f"rank {p_words(judgement.test.p, judgement.alpha)}"
    if judgement.is_furthest and not judgement.rank_decides:
        p += f", the smallest that {plural(judgement.n, 'replicate')} can give"
    return p


def _typical(judgement: Judgement) -> str:
    if judgement.leaves_band:
        return f"no further out than its own replicates ({_rank(judgement)})"
    count = len(judgement.epochs)
    where = "at the one epoch" if count == 1 else f"at all {count} epochs"
    return f"inside the band {where} ({_rank(judgement)})"


def _untypical(judgement: Judgement) -> str:
    told = [
        f"{way} the band {_from(judgement, mask)}"
        for way, mask in (("above", judgement.above), ("below", judgement.below))
        if mask.any()
    ]
    if not told:
        told = ["no epoch is outside the band, but as a whole it is further out than replicates"]
    return f"{' and '.join(told)} ({_rank(judgement)})"


def _from(judgement: Judgement, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    points = [float(epoch) for epoch in judgement.epochs[mask]]
    text = ranges(points, all_points=[float(epoch) for epoch in judgement.epochs])
    if text == f"{points[0]:g} to {points[-1]:g}" and len(points) > 1:
        return f"from epoch {text}"
    return f"in {'epoch' if len(points) == 1 else 'epochs'} {text}"


def _undecided(judgement: Judgement) -> str:
    n = judgement.n
    if judgement.is_furthest:
        why = f"it is further out than all of them, but inside the band (smallest p 1/{n + 1})"
    else:
        why = f"it leaves the band, but no further out than some of them ({_rank(judgement)})"
    return f"{plural(n, 'replicate')}: {why}"
