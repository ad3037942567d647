"""Where the spread between trials comes from, in words made from the analysis alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.analyses.pairing import Pairing
from harness.analyses.randomness import Crossing, FiniteValidation, Repeats, Source, Spreads
from harness.language import N_, _
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
    with_ends,
    with_percent,
)
from harness.stats.results import Estimate, Interval
from harness.study import Stream

_STREAMS: Mapping[Stream, str] = {
    "init": N_("the initial weights"),
    "shuffle": N_("the order of the data"),
    "dropout": N_("dropout"),
    "split": N_("the split of the data"),
}


def stream_words(source: Source) -> str:
    """What an arm lets vary: "dropout", "the initial weights and dropout", "nothing"."""
    return listed([_(_STREAMS[stream]) for stream in source.streams]) or _("nothing")


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
    return _("{value} ({level} interval {ends})").format(
        value=told, level=percent(sd.interval.level), ends=span(sd.interval, unit, decimals)
    )


def share_words(share: Estimate) -> str:
    """A share with its interval: "24 % (13 to 44 %)"."""
    told = with_percent(number(100 * share.value, 0))
    if math.isnan(share.interval.low):
        return told
    ends = share.interval
    return with_ends(told, number(100 * ends.low, 0), with_percent(number(100 * ends.high, 0)))


def ranking_sentence(spreads: Spreads) -> str:
    """The sources of one measure from the strongest to the weakest, in one sentence."""
    unit = spreads.blocks.measure.unit
    ordered = sorted(spreads.singles, key=lambda source: -source.variance.value)
    parts = [
        f"{stream_words(source)} {number(shown(math.sqrt(source.variance.value), unit), 2)}"
        for source in ordered
    ]
    return _(
        "Standard deviation of {measure} in {unit}, with one source of randomness at a time: "
        "{sources}."
    ).format(measure=subject(spreads.blocks.measure), unit=unit_noun(unit), sources=listed(parts))


def source_sentence(source: Source, unit: str) -> str:
    """What one source does by itself."""
    parts = {
        "source": stream_words(source),
        "deviation": deviation_words(source.variance, unit),
    }
    if source.share is None or math.isnan(source.share.value):
        return _("Only {source} drawn anew: {deviation}.").format(**parts)
    return _(
        "Only {source} drawn anew: {deviation}, {share} of the variance that all sources make "
        "together."
    ).format(**parts, share=share_words(source.share))


def together_sentence(spreads: Spreads) -> str | None:
    """Whether the single sources add up to what all make together."""
    ratio, together = spreads.sum_to_all, spreads.together
    if together is None or ratio is None:
        return None
    unit = spreads.blocks.measure.unit
    template = _TOGETHER["alone"]
    if not math.isnan(ratio.value):
        low, high = ratio.interval.low, ratio.interval.high
        fits = (
            "unknown" if math.isnan(low) else "more" if low > 1 else "less" if high < 1 else "all"
        )
        template = _TOGETHER[fits]
    return _(template).format(
        deviation=deviation_words(together.variance, unit), share=share_words(ratio)
    )


_TOGETHER = {
    "alone": N_("Everything drawn anew: {deviation}."),
    "unknown": N_(
        "Everything drawn anew: {deviation}. The single variances add up to {share} of that."
    ),
    "more": N_(
        "Everything drawn anew: {deviation}. The single variances add up to {share} of that: more "
        "than all together, so they do not simply add up; what one source has stirred, another "
        "cannot stir again."
    ),
    "less": N_(
        "Everything drawn anew: {deviation}. The single variances add up to {share} of that: less "
        "than all together, so sources strengthen each other."
    ),
    "all": N_(
        "Everything drawn anew: {deviation}. The single variances add up to {share} of that, which "
        "does not contradict sources that simply add up."
    ),
}


def crossing_sentence(crossing: Crossing) -> str:
    """What two crossed streams make of the variance, each by itself and both together."""
    first, second = (_(_STREAMS[stream]) for stream in crossing.streams)
    own, other = (share_words(share) for share in crossing.shares)
    return _(
        "{side} draws of {first}, each with the same {side} draws of {second}, all else held "
        "fixed: of the variance that these make {own} comes with {first} and {other} with "
        "{second}; the rest, {rest}, is how the two meet."
    ).format(
        side=crossing.side,
        first=first,
        second=second,
        own=own,
        other=other,
        rest=with_percent(number(100 * crossing.rest, 0)),
    )


def repeats_sentence(repeats: Repeats) -> str:
    """Whether the machine adds noise of its own."""
    if repeats.trials < 2:
        return _("{arm} was trained once, so the machine's own noise is not known.").format(
            arm=repeats.arm
        )
    template = N_(
        "{repeats} of one and the same trial gave different curves: the machine adds noise of its "
        "own."
    )
    if repeats.identical:
        template = N_(
            "{repeats} of one and the same trial gave the same curve, bit for bit: the machine's "
            "own noise is zero."
        )
    return _(template).format(repeats=plural(repeats.trials, "repeat"))


def validation_sentence(found: FiniteValidation, unit: str) -> str:
    """What the finite validation set explains of the spread that the split makes."""
    alone = amount(math.sqrt(found.variance), unit, 2)
    template = N_(
        "Scoring on {images} drawn at random from {pool} makes a standard deviation of {deviation} "
        "by itself at an accuracy of {accuracy}: {share} of the variance that the split makes; the "
        "rest is what there was to learn from."
    )
    if found.share.interval.high >= 1:
        template = N_(
            "Scoring on {images} drawn at random from {pool} makes a standard deviation of "
            "{deviation} by itself at an accuracy of {accuracy}: {share} of the variance that the "
            "split makes, which does not contradict all of it."
        )
    if found.share.value >= 1:
        template = N_(
            "Scoring on {images} drawn at random from {pool} makes a standard deviation of "
            "{deviation} by itself at an accuracy of {accuracy}: all of what the split makes is "
            "explained by the finite validation set."
        )
    return _(template).format(
        images=plural(found.images, "image"),
        pool=f"{found.pool:,}",
        deviation=alone,
        accuracy=percent(round(found.accuracy, 4)),
        share=share_words(found.share),
    )


def pairing_sentence(pairing: Pairing) -> str:
    """What pairing is worth for two sides and a measure."""
    a, b = pairing.claim.sides
    what, pairs = subject(pairing.claim.measure), plural(pairing.pairs, "pair")
    if math.isnan(pairing.correlation.value):
        return _(
            "{a} and {b}, {measure}: a side does not vary, so pairing changes nothing."
        ).format(a=a, b=b, measure=what)
    r = number(pairing.correlation.value, 2)
    if math.isnan(pairing.gain.value):
        return _(
            "{a} and {b}, {measure}: their differences hardly vary from pair to pair, so what a "
            "pair is worth cannot be estimated; their correlation is {r}."
        ).format(a=a, b=b, measure=what, r=r)
    ends = pairing.gain.interval
    low, high = (number(end * pairing.pairs, 0) for end in (ends.low, ends.high))
    return _(
        "{a} and {b}, {measure}: {pairs} tell as much as {worth} unpaired trials of each ({level} "
        "interval {low} to {high}); their correlation is {r}."
    ).format(
        a=a,
        b=b,
        measure=what,
        pairs=pairs,
        worth=number(pairing.gain.value * pairing.pairs, 0),
        level=percent(ends.level),
        low=low,
        high=high,
        r=r,
    )
