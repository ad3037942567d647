"""Where the spread between trials comes from, in words made from the analysis alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.analyses.pairing import Pairing
from harness.analyses.randomness import Crossing, FiniteValidation, Repeats, Source, Spreads
from harness.prose.phrases import subject
from harness.quantities import (
    amount,
    decimals_for,
    listed,
    number,
    percent,
    plural,
    shown,
    span,
    unit_noun,
)
from harness.stats.results import Estimate, Interval
from harness.study import Stream

_STREAMS: Mapping[Stream, str] = {
    "init": "the initial weights",
    "shuffle": "the order of the data",
    "dropout": "dropout",
    "split": "the split of the data",
}


def stream_words(source: Source) -> str:
    """What an arm lets vary: "dropout", "the initial weights and dropout", "nothing"."""
    return listed([_STREAMS[stream] for stream in source.streams]) or "nothing"


def standard_deviation(variance: Estimate) -> Estimate:
    """The root of a variance and of its interval, in the measure's own unit."""
    ends = variance.interval
    interval = Interval(math.sqrt(ends.low), math.sqrt(ends.high), ends.level, ends.reason)
    return Estimate(math.sqrt(variance.value), interval, variance.method, variance.reason)


def deviation_words(variance: Estimate, unit: str) -> str:
    """A standard deviation with its interval: "0.41 points (95 % interval 0.34 to 0.53)"."""
    sd = standard_deviation(variance)
    decimals = max(2, decimals_for(unit, sd.interval, sd.value))
    told = amount(sd.value, unit, decimals)
    if math.isnan(sd.interval.low) or variance.value == 0:
        return told
    return f"{told} ({percent(sd.interval.level)} interval {span(sd.interval, unit, decimals)})"


def share_words(share: Estimate) -> str:
    """A share with its interval: "24 % (13 to 44 %)"."""
    told = f"{number(100 * share.value, 0)} %"
    if math.isnan(share.interval.low):
        return told
    ends = share.interval
    return f"{told} ({number(100 * ends.low, 0)} to {number(100 * ends.high, 0)} %)"


def ranking_sentence(spreads: Spreads) -> str:
    """The sources of one measure from the strongest to the weakest, in one sentence."""
    unit = spreads.blocks.measure.unit
    ordered = sorted(spreads.singles, key=lambda source: -source.variance.value)
    parts = [
        f"{stream_words(source)} {number(shown(math.sqrt(source.variance.value), unit), 2)}"
        for source in ordered
    ]
    return (
        f"Standard deviation of {subject(spreads.blocks.measure)} in {unit_noun(unit)}, with one "
        f"source of randomness at a time: {listed(parts)}."
    )


def source_sentence(source: Source, unit: str) -> str:
    """What one source does by itself."""
    text = f"Only {stream_words(source)} drawn anew: {deviation_words(source.variance, unit)}"
    if source.share is not None and not math.isnan(source.share.value):
        text += f", {share_words(source.share)} of the variance that all sources make together"
    return f"{text}."


def together_sentence(spreads: Spreads) -> str | None:
    """Whether the single sources add up to what all make together."""
    ratio, together = spreads.sum_to_all, spreads.together
    if together is None or ratio is None:
        return None
    unit = spreads.blocks.measure.unit
    text = f"Everything drawn anew: {deviation_words(together.variance, unit)}"
    if math.isnan(ratio.value):
        return f"{text}."
    low, high = ratio.interval.low, ratio.interval.high
    text += f". The single variances add up to {share_words(ratio)} of that"
    if math.isnan(low):
        return f"{text}."
    if low > 1:
        return (
            f"{text}: more than all together, so they do not simply add up; what one source has "
            "stirred, another cannot stir again."
        )
    if high < 1:
        return f"{text}: less than all together, so sources strengthen each other."
    return f"{text}, which does not contradict sources that simply add up."


def crossing_sentence(crossing: Crossing) -> str:
    """What two crossed streams make of the variance, each by itself and both together."""
    first, second = (_STREAMS[stream] for stream in crossing.streams)
    side = crossing.side
    own, other = (share_words(share) for share in crossing.shares)
    return (
        f"{side} draws of {first}, each with the same {side} draws of {second}: of the variance "
        f"of one run {own} comes with {first} and {other} with {second}; the rest, "
        f"{number(100 * crossing.rest, 0)} %, is how the two meet."
    )


def repeats_sentence(repeats: Repeats) -> str:
    """Whether the machine adds noise of its own."""
    told = f"{plural(repeats.trials, 'repeat')} of one and the same trial gave"
    if repeats.trials < 2:
        return f"{repeats.arm} was trained once, so the machine's own noise is not known."
    if repeats.identical:
        return f"{told} the same curve, bit for bit: the machine's own noise is zero."
    return f"{told} different curves: the machine adds noise of its own."


def validation_sentence(found: FiniteValidation, unit: str) -> str:
    """What the finite validation set explains of the spread that the split makes."""
    alone = amount(math.sqrt(found.variance), unit, 2)
    text = (
        f"Scoring on {plural(found.images, 'image')} that are drawn at random makes a standard "
        f"deviation of {alone} by itself at an accuracy of {percent(round(found.accuracy, 4))}"
    )
    if found.share.value >= 1:
        return f"{text}: all of what the split makes is explained by the finite validation set."
    return (
        f"{text}: {share_words(found.share)} of the variance that the split makes; the rest is "
        "what there was to learn from."
    )


def pairing_sentence(pairing: Pairing) -> str:
    """What pairing is worth for two sides and a measure."""
    a, b = pairing.claim.compare
    what, pairs = subject(pairing.claim.measure), plural(pairing.pairs, "pair")
    if math.isnan(pairing.gain.value) or math.isnan(pairing.correlation.value):
        return f"{a} and {b}, {what}: a side does not vary, so pairing changes nothing."
    worth, r = pairing.gain.value * pairing.pairs, number(pairing.correlation.value, 2)
    ends = pairing.gain.interval
    low, high = (number(end * pairing.pairs, 0) for end in (ends.low, ends.high))
    return (
        f"{a} and {b}, {what}: {pairs} tell as much as {number(worth, 0)} unpaired trials of each "
        f"({percent(ends.level)} interval {low} to {high}); their correlation is {r}."
    )
