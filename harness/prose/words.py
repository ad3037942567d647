"""A verdict in words, made from the verdict itself, so that words cannot contradict numbers.

What a fair reading adds is in `harness.prose.nuance_words`; what several verdicts say together, in
`harness.prose.answer_words`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.language import N_, _, current, name_of, pgettext
from harness.prose.phrases import Way, claim_difference, claim_subject, compared
from harness.quantities import (
    amount,
    decimals_for,
    given_amount,
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
            finding=told, margin=margin_amount(verdict)
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
        a, b = names_of(verdict)
        if verdict.claim.reference is not None:
            return _("the mean of {a} is {b} exactly").format(a=a, b=b)
        if verdict.claim.statistic == "spread":
            return _("{a} and {b} vary alike").format(a=a, b=b)
        return _("{a} and {b} have the same mean").format(a=a, b=b)
    way, size = _way_and_size(verdict)
    told = _stated(compared(verdict.claim, names_of(verdict), way, size))
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
    told, (a, b) = claim_difference(verdict.claim, way, size), names_of(verdict)
    if verdict.claim.reference is not None:
        return _("{difference} than {number}").format(difference=told, number=b)
    return _("{difference} with {side}").format(difference=told, side=a)


def _way_and_size(verdict: Verdict) -> tuple[Way, str]:
    size = abs(shown(verdict.effect, verdict.claim.measure.unit))
    return "more" if verdict.effect > 0 else "less", number(size, decimals_of(verdict))


def _hypothesis(verdict: Verdict) -> str:
    """What the claim says, in the words in which the difference is told."""
    a, b = names_of(verdict)
    match verdict.claim.expect:
        case "greater":
            return compared(verdict.claim, (a, b), "more")
        case "less":
            return compared(verdict.claim, (a, b), "less")
        case "different":
            template = N_("{a} and {b} differ in {subject}")
            if verdict.claim.reference is not None:
                template = N_("{subject} with {a} differs from {b}")
            return _(template).format(a=a, b=b, subject=claim_subject(verdict.claim))
        case "equivalent":
            return _equality(verdict)


def _equality(verdict: Verdict) -> str:
    a, b = names_of(verdict)
    template = N_("the difference in {subject} between {a} and {b} is smaller than {margin}")
    if verdict.claim.reference is not None:
        template = N_("{subject} with {a} differs from {b} by less than {margin}")
    return _(template).format(
        subject=claim_subject(verdict.claim), a=a, b=b, margin=margin_amount(verdict)
    )


def margin_amount(verdict: Verdict) -> str:
    """The margin as it was given, with its unit."""
    return given_amount(verdict.claim.margin, verdict.claim.measure.unit)


def margin_words(verdict: Verdict) -> str:
    """The margin, where there is one: "1 epoch" or "none"."""
    return margin_amount(verdict) if verdict.claim.margin else _("none")


def names_of(verdict: Verdict) -> tuple[str, str]:
    """What the two sides are called, in the reader's language."""
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
    claim = verdict.claim
    by_margin = verdict.outcome == "practically equal"
    interval = verdict.equivalence_interval if by_margin else verdict.interval
    held = _("{level} interval {ends}").format(
        level=percent(interval.level),
        ends=span(interval, claim.measure.unit, decimals_of(verdict)),
    )
    template = N_("adjusted {p}")
    if by_margin and claim.expect != "equivalent":
        template = N_("adjusted {p} for any difference")
    elif verdict.outcome == "contradicted" and claim.expect == "equivalent":
        template = N_("adjusted {p} for a difference beyond the margin")
    p = _(template).format(p=p_words(verdict.deciding[1], verdict.alpha))
    return _("{interval}; {p}; {sample}").format(interval=held, p=p, sample=sample_words(verdict))


def sample_words(verdict: Verdict) -> str:
    """How many observations: "10 pairs", "10 against 12 trials, not paired".

    A spread belongs to all trials of a side, not to a trial and its partner; and a number is no
    trial.
    """
    if verdict.is_paired:
        has_pairs = verdict.claim.statistic == "mean" and verdict.claim.reference is None
        return plural(verdict.n, "pair" if has_pairs else "replicate")
    first, second = verdict.sides
    noun = "replicate" if _has_group(verdict) else "trial"
    return _("{first} against {second}, not paired").format(
        first=first.n, second=plural(second.n, noun)
    )


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
    return any(mark in pattern for pattern in verdict.claim.sides for mark in "*?[")
