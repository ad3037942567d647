"""What a fair reading adds to a verdict: its nuances, and what would make it another one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.beside import POWER
from harness.language import N_, _
from harness.prose.words import (
    decimals_of,
    margin_amount,
    reached_words,
    sample_words,
    sentence,
)
from harness.quantities import amount, duration, given_amount, percent, plural
from harness.verdicts import Verdict


def nuances(verdict: Verdict) -> list[str]:
    """What a fair reading adds to the sentence: margin, luck, censoring, missing partners."""
    notes = [*_margin_notes(verdict), *_luck_notes(verdict), *_censoring_notes(verdict)]
    if math.isinf(verdict.interval.high - verdict.interval.low):
        reason = verdict.interval.reason or N_("the data do not bound the difference")
        notes.append(sentence(_(reason)))
    notes += _look_notes(verdict)
    if not verdict.confirmatory:
        notes.append(
            _(
                "Exploratory: decided in another way, or at another time, than was declared before "
                "the first trial was stored."
            )
        )
    return [*notes, *(sentence(_(notice)) for notice in verdict.notices)]


def _margin_notes(verdict: Verdict) -> list[str]:
    """A real difference need not be one that matters."""
    interval, margin = verdict.interval, verdict.claim.margin
    decided = verdict.outcome in {"supported", "contradicted"}
    if not decided or margin == 0 or verdict.claim.expect == "equivalent":
        return []
    if abs(verdict.effect) < margin:
        template = N_("The difference is real, but what was seen is below the margin, {margin}.")
    elif min(abs(interval.low), abs(interval.high)) < margin:
        template = N_("The difference is real; it may still be smaller than the margin, {margin}.")
    else:
        return []
    return [_(template).format(margin=margin_amount(verdict))]


def _luck_notes(verdict: Verdict) -> list[str]:
    """Why a claim is inconclusive although its own interval excludes zero."""
    alone = verdict.reason is None and verdict.test.p <= verdict.level
    if verdict.outcome != "inconclusive" or not alone or verdict.p_adjusted <= verdict.alpha:
        return []
    return [
        _(
            "On its own this would pass; among all claims of the study it may be luck, so it does "
            "not count (Holm)."
        )
    ]


def _look_notes(verdict: Verdict) -> list[str]:
    """Where a study looks at its data several times: which look this is."""
    look = verdict.look
    if look is None or not verdict.confirmatory:
        return []
    if verdict.is_decided:
        return [
            _("Decided at the look at {count} of at most {most} replicates.").format(
                count=look.count, most=look.counts[-1]
            )
        ]
    if look.is_last:
        return [_("This was the last look, at {count} replicates.").format(count=look.count)]
    following = look.counts[look.place + 1]
    return [_("The next look is at {count} replicates.").format(count=following)]


def _censoring_notes(verdict: Verdict) -> list[str]:
    if verdict.horizon is None:
        return []
    notes = [reached_words(verdict)]
    if verdict.reason is None:
        horizon = given_amount(verdict.horizon, verdict.claim.measure.unit)
        notes.append(
            _("A trial that did not counts as {horizon}: the means end at that horizon.").format(
                horizon=horizon
            )
        )
    return notes


def what_would_change(verdict: Verdict) -> str:
    """What it would take for this verdict to be another one."""
    if verdict.reason is not None:
        if verdict.horizon is not None and not any(side.reached for side in verdict.sides):
            return _("More epochs, or an easier target, would make this testable.")
        return _("A finished trial with a value for each replicate would make this testable.")
    if verdict.is_withheld or (verdict.is_cut and verdict.outcome != "inconclusive"):
        return _("More epochs, until every trial got there, would show the whole difference.")
    if verdict.outcome == "inconclusive":
        return _what_would_decide(verdict)
    unit, bounds = verdict.claim.measure.unit, verdict.equivalence_interval
    edge = max(abs(bounds.low), abs(bounds.high))
    if not math.isfinite(edge):
        return _("More replicates would bound the difference.")
    template = _EDGES[verdict.outcome == "practically equal", verdict.claim.expect == "equivalent"]
    return _(template).format(size=amount(edge, unit, decimals_of(verdict)))


_EDGES: Mapping[tuple[bool, bool], str] = {
    (True, False): N_(
        "It would no longer count as equal if differences of {size} or less mattered."
    ),
    (True, True): N_(
        "It would no longer count as equal if differences of {size} mattered, and perhaps not if "
        "somewhat larger ones did: all claims are adjusted together."
    ),
    (False, False): N_(
        "It would count as practically equal if only differences above {size} mattered."
    ),
    (False, True): N_(
        "It could count as practically equal only if no difference up to {size} mattered."
    ),
}
"""By whether the sides are practically equal, and whether that is what was claimed."""


def _what_would_decide(verdict: Verdict) -> str:
    needed = verdict.replicates_needed
    if needed is not None and needed > verdict.n:
        return _("About {replicates} would be needed, {more} more than now{cost}, {goal}.").format(
            replicates=plural(needed, "replicate"),
            more=f"{needed - verdict.n:,}",
            cost=_cost(verdict, needed - verdict.n),
            goal=_goal(verdict),
        )
    is_of_difference = verdict.claim.expect != "equivalent"  # TOST's p is of another null
    if verdict.is_paired and is_of_difference and math.isclose(verdict.test.p, 2 / 2**verdict.n):
        return _(
            "All {pairs} point the same way, which is the most that they can show: only more "
            "replicates can decide."
        ).format(pairs=sample_words(verdict))
    if needed is not None and verdict.claim.margin:
        return _(
            "A difference well above the margin, {margin}, would probably have been found with "
            "{replicates}; more would narrow the interval further."
        ).format(margin=margin_amount(verdict), replicates=plural(verdict.n, "replicate"))
    return _("More replicates would narrow the interval.")


def _goal(verdict: Verdict) -> str:
    """What the needed replicates are needed for, and with what chance."""
    template = N_(
        "to tell a difference as large as the one observed from none with a chance of {power}"
    )
    if verdict.claim.margin:
        template = N_(
            "to tell a difference as large as the margin, {margin}, from none with a chance of "
            "{power}"
        )
    if verdict.claim.expect == "equivalent":
        template = N_(
            "to show that the difference is below {margin}, if there is none, with a chance of "
            "{power}"
        )
    return _(template).format(margin=margin_amount(verdict), power=percent(POWER))


def _cost(verdict: Verdict, further: int) -> str:
    """The training time of further replicates, where trials were timed: " (12 minutes)"."""
    seconds = verdict.replicate_seconds
    if seconds is None:
        return ""
    return _(" ({time} of training)").format(time=duration(seconds * further))
