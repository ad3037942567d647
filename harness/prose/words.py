"""All prose about verdicts, made from verdict objects, so that words cannot contradict numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.beside import POWER
from harness.language import N_, _, current, name_of, ngettext, pgettext
from harness.prose.phrases import Way, claim_difference, claim_subject, compared
from harness.quantities import (
    amount,
    decimals_for,
    duration,
    given_amount,
    joined,
    listed,
    number,
    p_words,
    percent,
    plural,
    shown,
    span,
    span_with_unit,
)
from harness.verdicts import Outcome, Verdict

OUTCOMES: tuple[Outcome, ...] = (
    N_("supported"),
    N_("contradicted"),
    N_("practically equal"),
    N_("inconclusive"),
)
MARKS: Mapping[Outcome, str] = {
    "supported": "✓",
    "contradicted": "✗",
    "practically equal": "≈",
    "inconclusive": "?",
}
_MEANINGS: Mapping[Outcome, str] = {
    "supported": N_("the difference is as claimed, and larger than chance between trials explains"),
    "contradicted": N_("the data show the opposite of the claim, beyond chance"),
    "practically equal": N_("any difference is smaller than the margin: too small to matter here"),
    "inconclusive": N_("the data cannot tell, which is not the same as “no difference”"),
}


def outcome_words(outcome: Outcome) -> str:
    """What an outcome means, for a reader who has never heard of p values."""
    return _(_MEANINGS[outcome])


def sentence(text: str) -> str:
    """A text with a capital first and a full stop last."""
    text = text.strip()
    if current() == "ja":  # which has no capitals, so that the first word may be a name
        return stopped(text)
    return text[:1].upper() + stopped(text[1:])


def stopped(text: str) -> str:
    """A text with a full stop last, its first word left alone: it may be an arm's name."""
    if text.endswith((".", "!", "?", "。")):
        return text
    return f"{text}。" if current() == "ja" else f"{text}."


def verdict_sentence(verdict: Verdict) -> str:
    """One sentence on what the data say about a claim, with its numbers."""
    lead = _(verdict.outcome).capitalize()
    if not verdict.confirmatory:
        lead = _("{outcome} (exploratory)").format(outcome=lead)
    if verdict.reason is not None:
        return _("{lead}. {reason}").format(lead=lead, reason=sentence(_(verdict.reason)))
    return _("{lead}: {finding} ({evidence}).").format(
        lead=lead, finding=finding(verdict), evidence=evidence(verdict)
    )


def finding(verdict: Verdict) -> str:
    """The heart of the verdict's sentence, without statistics and without the outcome's name."""
    if verdict.reason is not None:
        return _(verdict.reason)
    if verdict.outcome == "practically equal":
        return _("{finding}; observed: {observed}").format(
            finding=_stated(_equality(verdict)), observed=_observed(verdict)
        )
    if verdict.outcome == "inconclusive":
        return _("the data cannot tell whether {hypothesis}; observed: {observed}").format(
            hypothesis=_hypothesis(verdict), observed=_observed(verdict)
        )
    told = comparison(verdict)
    if verdict.claim.expect == "equivalent":
        return _("{finding}, which is beyond the margin of {margin}").format(
            finding=told, margin=_margin(verdict)
        )
    return told


def _stated(clause: str) -> str:
    """A clause as a statement; in Japanese it is polite only at the end."""
    return pgettext("a statement", "{clause}").format(clause=clause)


def comparison(verdict: Verdict) -> str:
    """The observed difference as a clause: "A needs 3.4 more epochs than B to …"."""
    if math.isnan(verdict.effect):
        return _("there are no values to compare")
    if verdict.effect == 0:
        a, b = _names(verdict)
        if verdict.claim.statistic == "spread":
            return _("{a} and {b} vary alike").format(a=a, b=b)
        return _("{a} and {b} have the same mean").format(a=a, b=b)
    way, size = _way_and_size(verdict)
    told = _stated(compared(verdict.claim, _names(verdict), way, size))
    if verdict.claim.beyond is None:
        return told
    first, second = (_signed(side.mean, verdict) for side in verdict.sides)
    return _("{finding} ({first} against {second})").format(
        finding=told, first=first, second=second
    )


def _observed(verdict: Verdict) -> str:
    """The observed difference, short: "0.2 more epochs with A"."""
    if verdict.effect == 0:
        return _("no difference")
    way, size = _way_and_size(verdict)
    told = claim_difference(verdict.claim, way, size)
    return _("{difference} with {side}").format(difference=told, side=_names(verdict)[0])


def _way_and_size(verdict: Verdict) -> tuple[Way, str]:
    size = abs(shown(verdict.effect, verdict.claim.measure.unit))
    return "more" if verdict.effect > 0 else "less", number(size, decimals_of(verdict))


def _hypothesis(verdict: Verdict) -> str:
    """What the claim says, in the words in which the difference is told."""
    a, b = _names(verdict)
    match verdict.claim.expect:
        case "greater":
            return compared(verdict.claim, (a, b), "more")
        case "less":
            return compared(verdict.claim, (a, b), "less")
        case "different":
            return _("{a} and {b} differ in {subject}").format(
                a=a, b=b, subject=claim_subject(verdict.claim)
            )
        case "equivalent":
            return _equality(verdict)


def _equality(verdict: Verdict) -> str:
    a, b = _names(verdict)
    return _("the difference in {subject} between {a} and {b} is smaller than {margin}").format(
        subject=claim_subject(verdict.claim), a=a, b=b, margin=_margin(verdict)
    )


def _margin(verdict: Verdict) -> str:
    return given_amount(verdict.claim.margin, verdict.claim.measure.unit)


def margin_words(verdict: Verdict) -> str:
    """The margin, where there is one: "1 epoch" or "none"."""
    return _margin(verdict) if verdict.claim.margin else _("none")


def _names(verdict: Verdict) -> tuple[str, str]:
    return name_of(verdict.sides[0].name), name_of(verdict.sides[1].name)


def decimals_of(verdict: Verdict) -> int:
    """Decimals with which the verdict's effect and intervals are written."""
    return decimals_for(verdict.claim.measure.unit, verdict.interval, verdict.effect)


def effect_words(verdict: Verdict) -> str:
    """The effect with its sign and unit, "+3.4 epochs", or that nothing could be tested."""
    if verdict.reason is not None or math.isnan(verdict.effect):
        return _("not testable")
    return _signed(verdict.effect, verdict)


def _signed(value: float, verdict: Verdict) -> str:
    text = amount(value, verdict.claim.measure.unit, decimals_of(verdict))
    return f"+{text}" if value > 0 else text


def interval_words(verdict: Verdict) -> str:
    """The confidence interval with its unit: "2.1 to 4.9 epochs"."""
    return span_with_unit(verdict.interval, verdict.claim.measure.unit, decimals_of(verdict))


def evidence(verdict: Verdict) -> str:
    """What stands behind a finding: "95 % interval 2.1 to 4.9; adjusted p = 0.014; 10 pairs".

    Where the margin decided, the interval that was held against it.
    """
    by_margin = verdict.outcome == "practically equal"
    interval = verdict.equivalence_interval if by_margin else verdict.interval
    held = _("{level} interval {ends}").format(
        level=percent(interval.level),
        ends=span(interval, verdict.claim.measure.unit, decimals_of(verdict)),
    )
    template = N_("adjusted {p}")
    if by_margin and verdict.claim.expect != "equivalent":
        template = N_("adjusted {p} for any difference")
    p = _(template).format(p=p_words(verdict.p_adjusted, verdict.alpha))
    return _("{interval}; {p}; {sample}").format(interval=held, p=p, sample=sample_words(verdict))


def sample_words(verdict: Verdict) -> str:
    """How many observations: "10 pairs", "10 against 12 trials, not paired".

    A spread belongs to all trials of a side, not to a trial and its partner.
    """
    if verdict.is_paired:
        return plural(verdict.n, "replicate" if verdict.claim.statistic == "spread" else "pair")
    first, second = verdict.sides
    noun = "replicate" if _has_group(verdict) else "trial"
    return _("{first} against {second}, not paired").format(
        first=first.n, second=plural(second.n, noun)
    )


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
    return [_(template).format(margin=_margin(verdict))]


def _luck_notes(verdict: Verdict) -> list[str]:
    """Why a claim is inconclusive although its own interval excludes zero."""
    alone = verdict.reason is None and verdict.test.p <= verdict.level
    if verdict.outcome != "inconclusive" or not alone:
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


def reached_words(verdict: Verdict) -> str:
    """How many trials got there within the horizon; empty where all times are known."""
    if verdict.horizon is None:
        return ""
    horizon = given_amount(verdict.horizon, verdict.claim.measure.unit)
    each, whole = N_("{reached} of {n} {arm}"), N_("Within {horizon}, {counts} trials got there.")
    if _has_group(verdict):
        each = N_("{reached} of {n} replicates of {arm}")
        whole = N_(
            "Within {horizon}, {counts} got there; a replicate of several arms did where all of "
            "them did."
        )
    counts = [
        _(each).format(reached=side.reached, n=side.n, arm=name_of(side.name))
        for side in verdict.sides
    ]
    return _(whole).format(horizon=horizon, counts=listed(counts))


def _has_group(verdict: Verdict) -> bool:
    """Whether a side stands for several arms, each replicate of which is their mean."""
    return any(mark in pattern for pattern in verdict.claim.compare for mark in "*?[")


def what_would_change(verdict: Verdict) -> str:
    """What it would take for this verdict to be another one."""
    if verdict.reason is not None:
        if verdict.horizon is not None and not any(side.reached for side in verdict.sides):
            return _("More epochs, or an easier target, would make this testable.")
        return _("A finished trial with a value for each replicate would make this testable.")
    if verdict.outcome == "inconclusive":
        return _what_would_decide(verdict)
    unit, bounds = verdict.claim.measure.unit, verdict.equivalence_interval
    edge = max(abs(bounds.low), abs(bounds.high))
    if not math.isfinite(edge):
        return _("More replicates would bound the difference.")
    template = N_("It would count as practically equal if only differences above {size} mattered.")
    if verdict.outcome == "practically equal":
        template = N_(
            "It would no longer count as equal if differences of {size} or less mattered."
        )
    return _(template).format(size=amount(edge, unit, decimals_of(verdict)))


def _what_would_decide(verdict: Verdict) -> str:
    needed = verdict.replicates_needed
    if needed is not None and needed > verdict.n:
        return _("About {replicates} would be needed, {more} more than now{cost}, {goal}.").format(
            replicates=plural(needed, "replicate"),
            more=f"{needed - verdict.n:,}",
            cost=_cost(verdict, needed - verdict.n),
            goal=_goal(verdict),
        )
    if verdict.is_paired and math.isclose(verdict.test.p, 2 / 2**verdict.n):
        return _(
            "All {pairs} point the same way, which is the most that they can show: only more "
            "replicates can decide."
        ).format(pairs=plural(verdict.n, "pair"))
    if needed is not None and verdict.claim.margin:
        return _(
            "A difference well above the margin, {margin}, would probably have been found with "
            "{replicates}; more would narrow the interval further."
        ).format(margin=_margin(verdict), replicates=plural(verdict.n, "replicate"))
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
    return _(template).format(margin=_margin(verdict), power=percent(POWER))


def _cost(verdict: Verdict, further: int) -> str:
    """The training time of further replicates, where trials were timed: " (12 minutes)"."""
    seconds = verdict.replicate_seconds
    if seconds is None:
        return ""
    return _(" ({time} of training)").format(time=duration(seconds * further))


def answering(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that answer the study's question: the claims marked so, else all of them."""
    marked = [verdict for verdict in verdicts if verdict.claim.answers_question]
    return marked or list(verdicts)


def answer_lead(verdicts: Sequence[Verdict]) -> str:
    """The first sentence of the answer: what became of the claims that answer the question."""
    chosen = answering(verdicts)
    if not chosen:
        return _("This study makes no claims, so there is nothing to decide.")
    marked, n = chosen[0].claim.answers_question, len(chosen)
    counts = Counter(verdict.outcome for verdict in chosen)
    outcome = chosen[0].outcome
    if n == 1:
        template = N_("The claim of this study is {outcome}: {meaning}.")
        if marked:
            template = N_("The claim that answers the question is {outcome}: {meaning}.")
        return _(template).format(outcome=_(outcome), meaning=_(_MEANINGS[outcome]))
    if len(counts) == 1:
        both, every = _ALL_MARKED if marked else _ALL
        return _(both if n == 2 else every).format(n=n, outcome=_(outcome))
    parts = [
        ngettext("{n} is {outcome}", "{n} are {outcome}", counts[outcome]).format(
            n=counts[outcome], outcome=_(outcome)
        )
        for outcome in OUTCOMES
        if outcome in counts
    ]
    opposed, others = _MIXED_MARKED if marked else _MIXED
    template = opposed if {"supported", "contradicted"} <= counts.keys() else others
    return _(template).format(n=n, parts=listed(parts))


_ALL = (
    N_("Both claims of this study are {outcome}."),
    N_("All {n} claims of this study are {outcome}."),
)
_ALL_MARKED = (
    N_("Both claims that answer the question are {outcome}."),
    N_("All {n} claims that answer the question are {outcome}."),
)
_MIXED = (
    N_("It depends: of {n} claims of this study, {parts}."),
    N_("Of {n} claims of this study, {parts}."),
)
_MIXED_MARKED = (
    N_("It depends: of {n} claims that answer the question, {parts}."),
    N_("Of {n} claims that answer the question, {parts}."),
)


def answer_point(verdict: Verdict) -> str:
    """One claim's part of the answer: the claim as it was put, then what was found."""
    said = _("“{claim}” {verdict}").format(
        claim=_(verdict.claim.says).strip(), verdict=verdict_sentence(verdict)
    )
    return joined([said, reached_words(verdict)])


def headline(verdict: Verdict) -> str:
    """One claim's finding for a first screen, without statistics."""
    found = stopped(finding(verdict))
    begins_with_a_name = found.startswith(tuple(f"{name} " for name in _names(verdict)))
    return joined([found if begins_with_a_name else sentence(found), reached_words(verdict)])


def answer(verdicts: Sequence[Verdict]) -> str:
    """The study's headline: what the verdicts say about its question, in plain sentences."""
    return joined([answer_lead(verdicts), *map(answer_point, answering(verdicts))])
