"""Prose about whole curves: contrasts by epoch, sweeps over targets, and single runs judged."""

from __future__ import annotations

import numpy as np

from harness.analyses.comparisons import Comparison, point_words, ranges, runs, target_unit
from harness.analyses.contrasts import Contrast
from harness.analyses.judge import Judgement
from harness.analyses.target_sweep import TargetSweep
from harness.language import N_, _, name_of, ngettext, pgettext
from harness.prose.phrases import METRICS, seconds_words
from harness.prose.words import sentence, stopped
from harness.quantities import NO_VALUE, joined, p_words, plural
from harness.time_measures import SecondsTo


def contrast_sentence(contrast: Contrast) -> str:
    """At which epochs two sides differ: "… are shown to differ in … in epochs 1 to 3, …"."""
    a, b = map(_, contrast.sides)
    metric, found = _(METRICS[contrast.metric]), contrast.comparison
    if found is None:
        text = _("{a} and {b} cannot be compared in {metric}: {reason}")
        return stopped(text.format(a=a, b=b, metric=metric, reason=_(contrast.reason or NO_VALUE)))
    if not found.can_differ:
        text = _("At which epochs {a} and {b} differ in {metric} cannot be told {why}").format(
            a=a, b=b, metric=metric, why=_too_few(found)
        )
    elif not found.differs.any():
        text = _("No epoch differs in {metric} between {a} and {b} beyond chance (smallest {p})")
        text = text.format(a=a, b=b, metric=metric, p=_least(found))
    else:
        text = _(_difference(found)).format(
            a=a,
            b=b,
            metric=metric,
            epochs=_epochs([float(point) for point in found.points[found.differs]], found),
            ups=_epochs(_points(found, 1), found),
            downs=_epochs(_points(found, -1), found),
        )
    return _with_gaps(text, found)


def _difference(found: Comparison) -> str:
    """The template for epochs that differ, and for which way the first side lies there."""
    ups, downs = _points(found, 1), _points(found, -1)
    everywhere, some = _BOTH_WAYS[ups < downs]
    if not ups or not downs:
        everywhere, some = _ONE_WAY["higher" if ups else "lower"]
    return everywhere if found.differs.all() else some


_ONE_WAY = {
    "higher": (
        N_("{a} and {b} differ in {metric} in every epoch; {a} is higher throughout"),
        N_(
            "{a} and {b} are shown to differ in {metric} in {epochs}, where {a} is higher; in "
            "the others the data cannot tell"
        ),
    ),
    "lower": (
        N_("{a} and {b} differ in {metric} in every epoch; {a} is lower throughout"),
        N_(
            "{a} and {b} are shown to differ in {metric} in {epochs}, where {a} is lower; in "
            "the others the data cannot tell"
        ),
    ),
}
_BOTH_WAYS = {
    True: (
        N_(
            "{a} and {b} differ in {metric} in every epoch; {a} is higher in {ups} and lower in "
            "{downs}"
        ),
        N_(
            "{a} and {b} are shown to differ in {metric} in {epochs}; {a} is higher in {ups} and "
            "lower in {downs}; in the others the data cannot tell"
        ),
    ),
    False: (
        N_(
            "{a} and {b} differ in {metric} in every epoch; {a} is lower in {downs} and higher in "
            "{ups}"
        ),
        N_(
            "{a} and {b} are shown to differ in {metric} in {epochs}; {a} is lower in {downs} and "
            "higher in {ups}; in the others the data cannot tell"
        ),
    ),
}
"""By whether the first side begins higher: differing in every epoch, in some."""


def _points(found: Comparison, sign: int) -> list[float]:
    chosen = found.differs & (np.sign(found.band.centre) == sign)
    return [float(point) for point in found.points[chosen]]


def _epochs(points: list[float], found: Comparison) -> str:
    if not points:
        return ""
    where = ranges(points, all_points=found.points.tolist())
    return ngettext("epoch {points}", "epochs {points}", len(points)).format(points=where)


def _least(found: Comparison) -> str:
    """The smallest p of all points."""
    return p_words(float(found.test.p_step_down.min()), found.alpha)


def _too_few(found: Comparison) -> str:
    n, m = found.sizes
    size = _("at n = {n}").format(n=n)
    if not found.is_paired:
        size = _("at {n} against {m} trials").format(n=n, m=m)
    if min(n, m) < 2:
        return _("{size}: it takes two to see any spread").format(size=size)
    return _("{size}: the smallest attainable p is {p}").format(
        size=size, p=f"{found.smallest_p:.4g}"
    )


def _with_gaps(text: str, found: Comparison) -> str:
    return joined([stopped(text), sentence(_(found.left_out)) if found.left_out else ""])


def sweep_sentence(sweep: TargetSweep) -> str:
    """At which targets one side is slower: "… is slower at every target from 0.93 to 0.98"."""
    lead, found = _sweep_lead(sweep), sweep.comparison
    unit = target_unit(sweep.verdict.claim)
    a, b = (name_of(side.name) for side in sweep.verdict.sides)
    if found is None:
        return _("{lead}, other targets than the claim's cannot be swept: {reason}.").format(
            lead=lead, reason=_(sweep.reason or NO_VALUE)
        )
    if not found.can_differ:
        text = _("{lead}, {a} and {b} cannot be told apart {why}").format(
            lead=lead, a=a, b=b, why=_too_few(found)
        )
    elif not found.differs.any():
        low, high = found.points[0], found.points[-1]
        text = _(
            "{lead}, {a} and {b} differ at no target from {low} to {high} beyond chance (smallest "
            "{p})"
        ).format(
            lead=lead,
            a=a,
            b=b,
            low=point_words(low, unit),
            high=point_words(high, unit),
            p=_least(found),
        )
    else:
        text = _("{lead}, {order}").format(lead=lead, order=_order(a, b, found, unit))
    return _with_gaps(joined([stopped(text), _cut_sentence(found, unit)]), found)


def _cut_sentence(found: Comparison, unit: str) -> str:
    """At which targets differences are of times that were cut."""
    points = [float(point) for point in found.points[found.is_cut]]
    if not points:
        return ""
    return _(
        "At {targets} times are cut where the first trial of either side was watched no longer: "
        "differences there are of restricted means."
    ).format(targets=_targets(points, found, unit))


def _sweep_lead(sweep: TargetSweep) -> str:
    measure = sweep.verdict.claim.measure
    unit = pgettext("the time of a measure", "epochs")
    if isinstance(measure, SecondsTo):
        unit = seconds_words(measure)
    template, sustain = N_("In {unit} to a {metric} target"), getattr(measure, "sustain", 1)
    if sustain > 1:
        template = N_("In {unit} to a {metric} target held for {sustain} epochs")
    metric = _(METRICS[getattr(measure, "metric", "val_accuracy")])
    return _(template).format(unit=unit, metric=metric, sustain=sustain)


def _order(a: str, b: str, found: Comparison, unit: str) -> str:
    slower, faster = _points(found, 1), _points(found, -1)
    template = N_("{a} is slower than {b} at {slower} and faster at {faster}")
    if not faster:
        template = N_("{a} is slower than {b} at {slower}")
    elif not slower:
        template = N_("{a} is faster than {b} at {faster}")
    told = _(template).format(
        a=a, b=b, slower=_targets(slower, found, unit), faster=_targets(faster, found, unit)
    )
    rest = [float(point) for point in found.points[~found.differs]]
    if not rest:
        return told
    others = ranges(rest, all_points=found.points.tolist(), unit=unit)
    return _("{order}; at {targets} the data cannot tell").format(order=told, targets=others)


def _targets(points: list[float], found: Comparison, unit: str) -> str:
    if not points:
        return ""
    if len(points) == 1:
        return _("the target {target}").format(target=point_words(points[0], unit))
    every = found.points.tolist()
    is_one_run = len(runs(points, every)) == 1
    template = N_("every target from {targets}") if is_one_run else N_("the targets {targets}")
    return _(template).format(targets=ranges(points, all_points=every, unit=unit))


def judgement_sentence(judgement: Judgement, label: str) -> str:
    """Whether a run is one of the arm's, in words that say what decided.

    Args:
        judgement: What was found.
        label: What the run is called.
    """
    metric = _(METRICS[judgement.metric])
    match judgement.outcome:
        case "typical":
            template, why = N_("{run}: typical of {arm} in {metric}, {why}"), _typical(judgement)
        case "not typical":
            template = N_("{run}: not typical of {arm} in {metric}: {why}")
            why = _untypical(judgement)
        case "cannot be told":
            template = N_("{run}: whether it is typical of {arm} in {metric} cannot be told {why}")
            why = _undecided(judgement)
    text = _(template).format(run=label, arm=judgement.arm, metric=metric, why=why)
    if not judgement.left_out:
        return stopped(text)
    left_out = _("In {metric}, {left_out}.").format(metric=metric, left_out=_(judgement.left_out))
    return joined([stopped(text), left_out])


def _rank(judgement: Judgement) -> str:
    p = p_words(judgement.test.p, judgement.alpha)
    if judgement.is_furthest and not judgement.rank_decides:
        return _("rank {p}, the smallest that {replicates} can give").format(
            p=p, replicates=plural(judgement.n, "replicate")
        )
    return _("rank {p}").format(p=p)


def _typical(judgement: Judgement) -> str:
    rank, count = _rank(judgement), len(judgement.epochs)
    if judgement.leaves_band:
        return _("no further out than its own replicates ({rank})").format(rank=rank)
    return ngettext(
        "inside the band at the one epoch ({rank})",
        "inside the band at all {n} epochs ({rank})",
        count,
    ).format(n=count, rank=rank)


def _untypical(judgement: Judgement) -> str:
    above, below = (_where_out(judgement, mask) for mask in (judgement.above, judgement.below))
    template = N_("above the band {above} and below the band {below} ({rank})")
    if not above and not below:
        template = N_(
            "no epoch is outside the band, but as a whole it is further out than replicates "
            "({rank})"
        )
    elif not below:
        template = N_("above the band {above} ({rank})")
    elif not above:
        template = N_("below the band {below} ({rank})")
    return _(template).format(above=above, below=below, rank=_rank(judgement))


def _where_out(judgement: Judgement, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    points = [float(epoch) for epoch in judgement.epochs[mask]]
    if not points:
        return ""
    every = [float(epoch) for epoch in judgement.epochs]
    text = ranges(points, all_points=every)
    if len(points) > 1 and len(runs(points, every)) == 1:
        return _("from epoch {epochs}").format(epochs=text)
    return ngettext("in epoch {epochs}", "in epochs {epochs}", len(points)).format(epochs=text)


def _undecided(judgement: Judgement) -> str:
    replicates = plural(judgement.n, "replicate")
    if judgement.is_furthest:
        return _(
            "with {replicates}: it is further out than all of them, but inside the band (smallest "
            "p {p})"
        ).format(replicates=replicates, p=f"1/{judgement.n + 1}")
    return _(
        "with {replicates}: it leaves the band, but no further out than some of them ({rank})"
    ).format(replicates=replicates, rank=_rank(judgement))
