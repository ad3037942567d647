"""All prose about verdicts, made from verdict objects, so that words cannot contradict numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.beside import POWER
from harness.prose.phrases import Way, claim_difference, claim_subject, compared
from harness.quantities import (
    NO_VALUE,
    amount,
    decimals_for,
    duration,
    given_amount,
    listed,
    number,
    p_words,
    percent,
    plural,
    shown,
    span,
    unit_noun,
)
from harness.verdicts import Outcome, Verdict

OUTCOMES: tuple[Outcome, ...] = ("supported", "contradicted", "practically equal", "inconclusive")
MARKS: Mapping[Outcome, str] = {
    "supported": "✓",
    "contradicted": "✗",
    "practically equal": "≈",
    "inconclusive": "?",
}
_MEANINGS: Mapping[Outcome, str] = {
    "supported": "the difference is as claimed, and larger than chance between trials explains",
    "contradicted": "the data show the opposite of the claim, beyond chance",
    "practically equal": "any difference is smaller than the margin: too small to matter here",
    "inconclusive": "the data cannot tell, which is not the same as “no difference”",
}


def outcome_words(outcome: Outcome) -> str:
    """What an outcome means, for a reader who has never heard of p values."""
    return _MEANINGS[outcome]


def sentence(text: str) -> str:
    """A text with a capital first and a full stop last."""
    text = text.strip()
    return text[:1].upper() + stopped(text[1:])


def stopped(text: str) -> str:
    """A text with a full stop last, its first word left alone: it may be an arm's name."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def alpha_of(verdict: Verdict) -> float:
    """The study's error rate, for all claims and looks together."""
    return verdict.alpha


def verdict_sentence(verdict: Verdict) -> str:
    """One sentence on what the data say about a claim, with its numbers."""
    lead = verdict.outcome.capitalize() + ("" if verdict.confirmatory else " (exploratory)")
    if verdict.reason is not None:
        return f"{lead}. {sentence(verdict.reason)}"
    return f"{lead}: {finding(verdict)} ({evidence(verdict)})."


def finding(verdict: Verdict) -> str:
    """The heart of the verdict's sentence, without statistics and without the outcome's name."""
    if verdict.reason is not None:
        return verdict.reason
    if verdict.outcome == "practically equal":
        return f"{_equality(verdict)}; observed: {_observed(verdict)}"
    if verdict.outcome == "inconclusive":
        return (
            f"the data cannot tell whether {_hypothesis(verdict)}; observed: {_observed(verdict)}"
        )
    told = comparison(verdict)
    if verdict.claim.expect == "equivalent":
        return f"{told}, which is beyond the margin of {_margin(verdict)}"
    return told


def comparison(verdict: Verdict) -> str:
    """The observed difference as a clause: "A needs 3.4 more epochs than B to …"."""
    if math.isnan(verdict.effect):
        return "there are no values to compare"
    if verdict.effect == 0:
        a, b = _names(verdict)
        alike = "vary alike" if verdict.claim.statistic == "spread" else "have the same mean"
        return f"{a} and {b} {alike}"
    way, size = _way_and_size(verdict)
    return compared(verdict.claim, _names(verdict), way, size)


def _observed(verdict: Verdict) -> str:
    """The observed difference, short: "0.2 more epochs with A"."""
    if verdict.effect == 0:
        return "no difference"
    way, size = _way_and_size(verdict)
    told = claim_difference(verdict.claim, way, size)
    return f"{told} with {verdict.sides[0].name}"


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
            return f"{a} and {b} differ in {claim_subject(verdict.claim)}"
        case "equivalent":
            return _equality(verdict)


def _equality(verdict: Verdict) -> str:
    a, b = _names(verdict)
    what = claim_subject(verdict.claim)
    return f"the difference in {what} between {a} and {b} is smaller than {_margin(verdict)}"


def _margin(verdict: Verdict) -> str:
    return given_amount(verdict.claim.margin, verdict.claim.measure.unit)


def margin_words(verdict: Verdict) -> str:
    """The margin, where there is one: "1 epoch" or "none"."""
    return _margin(verdict) if verdict.claim.margin else "none"


def _names(verdict: Verdict) -> tuple[str, str]:
    return verdict.sides[0].name, verdict.sides[1].name


def decimals_of(verdict: Verdict) -> int:
    """Decimals with which the verdict's effect and intervals are written."""
    return decimals_for(verdict.claim.measure.unit, verdict.interval, verdict.effect)


def effect_words(verdict: Verdict) -> str:
    """The effect with its sign and unit, "+3.4 epochs", or that nothing could be tested."""
    if verdict.reason is not None or math.isnan(verdict.effect):
        return "not testable"
    text = amount(verdict.effect, verdict.claim.measure.unit, decimals_of(verdict))
    return f"+{text}" if verdict.effect > 0 else text


def interval_words(verdict: Verdict) -> str:
    """The confidence interval with its unit: "2.1 to 4.9 epochs"."""
    unit = verdict.claim.measure.unit
    text = span(verdict.interval, unit, decimals_of(verdict))
    return text if text in {NO_VALUE, "unbounded"} else f"{text} {unit_noun(unit)}"


def evidence(verdict: Verdict) -> str:
    """What stands behind a finding: "95 % interval 2.1 to 4.9; adjusted p = 0.014; 10 pairs".

    Where the margin decided, the interval that was held against it.
    """
    by_margin = verdict.outcome == "practically equal"
    interval = verdict.equivalence_interval if by_margin else verdict.interval
    ends = span(interval, verdict.claim.measure.unit, decimals_of(verdict))
    p = f"adjusted {p_words(verdict.p_adjusted, alpha_of(verdict))}"
    if by_margin and verdict.claim.expect != "equivalent":
        p += " for any difference"
    return "; ".join([f"{percent(interval.level)} interval {ends}", p, sample_words(verdict)])


def sample_words(verdict: Verdict) -> str:
    """How many observations: "10 pairs", "10 against 12 trials, not paired".

    A spread belongs to all trials of a side, not to a trial and its partner.
    """
    if verdict.is_paired:
        return plural(verdict.n, "replicate" if verdict.claim.statistic == "spread" else "pair")
    first, second = verdict.sides
    noun = "replicate" if _has_group(verdict) else "trial"
    return f"{first.n} against {plural(second.n, noun)}, not paired"


def nuances(verdict: Verdict) -> list[str]:
    """What a fair reading adds to the sentence: margin, luck, censoring, missing partners."""
    notes = [*_margin_notes(verdict), *_luck_notes(verdict), *_censoring_notes(verdict)]
    if math.isinf(verdict.interval.high - verdict.interval.low):
        notes.append(sentence(verdict.interval.reason or "the data do not bound the difference"))
    notes += _look_notes(verdict)
    if not verdict.confirmatory:
        notes.append(
            "Exploratory: decided in another way, or at another time, than was declared before the "
            "first trial was stored."
        )
    return [*notes, *map(sentence, verdict.notices)]


def _margin_notes(verdict: Verdict) -> list[str]:
    """A real difference need not be one that matters."""
    interval, margin = verdict.interval, verdict.claim.margin
    decided = verdict.outcome in {"supported", "contradicted"}
    if not decided or margin == 0 or verdict.claim.expect == "equivalent":
        return []
    if abs(verdict.effect) < margin:
        return [
            f"The difference is real, but what was seen is below the margin, {_margin(verdict)}."
        ]
    if min(abs(interval.low), abs(interval.high)) < margin:
        return [
            f"The difference is real; it may still be smaller than the margin, {_margin(verdict)}."
        ]
    return []


def _luck_notes(verdict: Verdict) -> list[str]:
    """Why a claim is inconclusive although its own interval excludes zero."""
    alone = verdict.reason is None and verdict.test.p <= verdict.level
    if verdict.outcome != "inconclusive" or not alone:
        return []
    return [
        "On its own this would pass; among all claims of the study it may be luck, so it does not "
        "count (Holm)."
    ]


def _look_notes(verdict: Verdict) -> list[str]:
    """Where a study looks at its data several times: which look this is."""
    look = verdict.look
    if look is None or not verdict.confirmatory:
        return []
    if verdict.is_decided:
        return [f"Decided at the look at {look.count} of at most {look.counts[-1]} replicates."]
    if look.is_last:
        return [f"This was the last look, at {look.count} replicates."]
    return [f"The next look is at {look.counts[look.place + 1]} replicates."]


def _censoring_notes(verdict: Verdict) -> list[str]:
    if verdict.horizon is None:
        return []
    notes = [reached_words(verdict)]
    if verdict.reason is None:
        horizon = given_amount(verdict.horizon, verdict.claim.measure.unit)
        notes.append(f"A trial that did not counts as {horizon}: the means end at that horizon.")
    return notes


def reached_words(verdict: Verdict) -> str:
    """How many trials got there within the horizon; empty where all times are known."""
    if verdict.horizon is None:
        return ""
    horizon = given_amount(verdict.horizon, verdict.claim.measure.unit)
    if not _has_group(verdict):
        counts = [f"{side.reached} of {side.n} {side.name}" for side in verdict.sides]
        return f"Within {horizon}, {listed(counts)} trials got there."
    counts = [f"{side.reached} of {side.n} replicates of {side.name}" for side in verdict.sides]
    return (
        f"Within {horizon}, {listed(counts)} got there; a replicate of several arms did where all "
        "of them did."
    )


def _has_group(verdict: Verdict) -> bool:
    """Whether a side stands for several arms, each replicate of which is their mean."""
    return any(mark in pattern for pattern in verdict.claim.compare for mark in "*?[")


def what_would_change(verdict: Verdict) -> str:
    """What it would take for this verdict to be another one."""
    if verdict.reason is not None:
        if verdict.horizon is not None and not any(side.reached for side in verdict.sides):
            return "More epochs, or an easier target, would make this testable."
        return "A finished trial with a value for each replicate would make this testable."
    if verdict.outcome == "inconclusive":
        return _what_would_decide(verdict)
    unit, bounds = verdict.claim.measure.unit, verdict.equivalence_interval
    edge = max(abs(bounds.low), abs(bounds.high))
    if not math.isfinite(edge):
        return "More replicates would bound the difference."
    size = amount(edge, unit, decimals_of(verdict))
    if verdict.outcome == "practically equal":
        return f"It would no longer count as equal if differences of {size} or less mattered."
    return f"It would count as practically equal if only differences above {size} mattered."


def _what_would_decide(verdict: Verdict) -> str:
    needed, margin = verdict.replicates_needed, verdict.claim.margin
    aim = f"the margin, {_margin(verdict)}," if margin else "the one observed"
    if needed is not None and needed > verdict.n:
        goal = f"to tell a difference as large as {aim} from none"
        if verdict.claim.expect == "equivalent":
            goal = f"to show that the difference is below {_margin(verdict)}, if there is none,"
        return (
            f"About {plural(needed, 'replicate')} would be needed, {needed - verdict.n:,} more "
            f"than now{_cost(verdict, needed - verdict.n)}, {goal} with a chance of "
            f"{percent(POWER)}."
        )
    if verdict.is_paired and math.isclose(verdict.test.p, 2 / 2**verdict.n):
        return (
            f"All {plural(verdict.n, 'pair')} point the same way, which is the most that they can "
            "show: only more replicates can decide."
        )
    if needed is not None and margin:
        return (
            f"A difference well above {aim} would probably have been found with "
            f"{plural(verdict.n, 'replicate')}; more would narrow the interval further."
        )
    return "More replicates would narrow the interval."


def _cost(verdict: Verdict, further: int) -> str:
    """The training time of further replicates, where trials were timed: " (12 minutes)"."""
    seconds = verdict.replicate_seconds
    return "" if seconds is None else f" ({duration(seconds * further)} of training)"


def answering(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts that answer the study's question: the claims marked so, else all of them."""
    marked = [verdict for verdict in verdicts if verdict.claim.answers_question]
    return marked or list(verdicts)


def answer_lead(verdicts: Sequence[Verdict]) -> str:
    """The first sentence of the answer: what became of the claims that answer the question."""
    chosen = answering(verdicts)
    if not chosen:
        return "This study makes no claims, so there is nothing to decide."
    which = " that answer the question" if chosen[0].claim.answers_question else " of this study"
    counts = Counter(verdict.outcome for verdict in chosen)
    outcome = chosen[0].outcome
    if len(chosen) == 1:
        which = which.replace("answer", "answers")
        return f"The claim{which} is {outcome}: {_MEANINGS[outcome]}."
    if len(counts) == 1:
        every = "Both" if len(chosen) == 2 else f"All {len(chosen)}"
        return f"{every} claims{which} are {outcome}."
    parts = [
        f"{counts[outcome]} {'is' if counts[outcome] == 1 else 'are'} {outcome}"
        for outcome in OUTCOMES
        if outcome in counts
    ]
    told = f"f {len(chosen)} claims{which}, {listed(parts)}."
    return f"It depends: o{told}" if {"supported", "contradicted"} <= counts.keys() else f"O{told}"


def answer_point(verdict: Verdict) -> str:
    """One claim's part of the answer: the claim as it was put, then what was found."""
    said = f"“{verdict.claim.says.strip()}” {verdict_sentence(verdict)}"
    return f"{said} {reached_words(verdict)}".strip()


def headline(verdict: Verdict) -> str:
    """One claim's finding for a first screen, without statistics."""
    return f"{stopped(finding(verdict))} {reached_words(verdict)}".strip()


def answer(verdicts: Sequence[Verdict]) -> str:
    """The study's headline: what the verdicts say about its question, in plain sentences."""
    return " ".join([answer_lead(verdicts), *map(answer_point, answering(verdicts))])
