"""Numbers in words: units, decimals, intervals and p values, each written in one way everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from harness.language import N_, NN_, _, current, ngettext, pgettext
from harness.stats.results import Interval

NO_VALUE = "n/a"
_MOST_DECIMALS = 5
LONGEST_SECONDS = 366 * 24 * 3600
"""More than anybody waits for: longer times are slips of the pen."""

_WAIT = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_NOISE = 1e-8  # how far from zero the search for an interval's end may stop
_NOUNS = {
    "accuracy": NN_("point", "points"),
    "epochs": NN_("epoch", "epochs"),
    "steps": NN_("step", "steps"),
    "seconds": NN_("second", "seconds"),
    "nats": NN_("nat", "nats"),
}
_COUNTS = {
    "arm": NN_("{n} arm", "{n} arms"),
    "claim": NN_("{n} claim", "{n} claims"),
    "comparison": NN_("{n} comparison", "{n} comparisons"),
    "epoch": NN_("{n} epoch", "{n} epochs"),
    "image": NN_("{n} image", "{n} images"),
    "incomplete block": NN_("{n} incomplete block", "{n} incomplete blocks"),
    "look": NN_("{n} look", "{n} looks"),
    "minute": NN_("{n} minute", "{n} minutes"),
    "nat": NN_("{n} nat", "{n} nats"),
    "pair": NN_("{n} pair", "{n} pairs"),
    "point": NN_("{n} point", "{n} points"),
    "rank": NN_("{n} rank", "{n} ranks"),
    "relabeling": NN_("{n} relabeling", "{n} relabelings"),
    "repeat": NN_("{n} repeat", "{n} repeats"),
    "replicate": NN_("{n} replicate", "{n} replicates"),
    "row": NN_("{n} row", "{n} rows"),
    "run": NN_("{n} run", "{n} runs"),
    "second": NN_("{n} second", "{n} seconds"),
    "split": NN_("{n} split", "{n} splits"),
    "step": NN_("{n} step", "{n} steps"),
    "stored trial": NN_("{n} stored trial", "{n} stored trials"),
    "trial": NN_("{n} trial", "{n} trials"),
}
"""What reports count; other nouns are for the terminal, which speaks English alone."""


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 pair", "10 pairs"."""
    forms = _COUNTS.get(noun, (f"{{n}} {noun}", f"{{n}} {noun}s"))
    return ngettext(*forms, count).format(n=f"{count:,}")


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return _("{most} and {last}").format(most=strung(words[:-1]), last=words[-1])


def strung(words: Iterable[str]) -> str:
    """Words one after another, of which none ends a sentence: "a, b, c"."""
    return pgettext("between words of a list", ", ").join(words)


def with_more(some: str, left: int) -> str:
    """The first of many in words, and how many are not told: "a, b and 3 more"."""
    return some if left <= 0 else _("{some} and {n} more").format(some=some, n=left)


def either(words: Sequence[str]) -> str:
    """Words of which any may be meant: "a or b"."""
    return pgettext("between alternatives", " or ").join(words)


def joined(sentences: Iterable[str]) -> str:
    """Sentences one after the other; Japanese has no space between them."""
    return ("" if current() == "ja" else " ").join(filter(None, sentences))


def shown(value: float, unit: str) -> float:
    """A value in the unit that people read: accuracies count in percentage points."""
    return value * 100 if unit == "accuracy" else value


def unit_noun(unit: str, number: str = "2") -> str:
    """The unit's noun after a written number: "epoch" after "1", else "epochs"."""
    return ngettext(*_NOUNS.get(unit, (unit, unit)), 1 if number == "1" else 2)


def with_unit(text: str, unit: str) -> str:
    """A written number with its unit: "1 epoch", "3.4 epochs"."""
    if unit not in _NOUNS:
        return f"{text} {unit}"
    noun, _several = _NOUNS[unit]
    return ngettext(*_COUNTS[noun], 1 if text == "1" else 2).format(n=text)


def decimals_for(unit: str, interval: Interval, value: float) -> int:
    """Decimals that a value and its interval need.

    Enough for the interval's half width, and enough that no bound that excludes zero is
    written as zero: a reader must see on which side of zero it lies.
    """
    low, high = shown(interval.low, unit), shown(interval.high, unit)
    half = (high - low) / 2
    scale = half if math.isfinite(half) and half > 0 else abs(shown(value, unit))
    decimals = 2 if unit == "nats" else 1
    if math.isfinite(scale) and scale > 0:
        decimals = max(decimals, 1 + math.floor(-math.log10(scale)))
    ends = [x for x in (low, high, shown(value, unit)) if math.isfinite(x) and abs(x) > _NOISE]
    while decimals < _MOST_DECIMALS and any(round(x, decimals) == 0 for x in ends):
        decimals += 1
    return min(decimals, _MOST_DECIMALS)


def two_digits(value: float) -> int:
    """Decimals at which a number above 0 shows its first two digits, or all before the point."""
    return max(0, 1 - math.floor(math.log10(value)))


def number(value: float, decimals: int) -> str:
    """A number with a fixed count of decimals and a true minus sign; never "-0.0" or "nan"."""
    if math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def amount(value: float, unit: str, decimals: int = 1) -> str:
    """A difference with its unit: "3.4 epochs", "0.8 points"."""
    text = number(shown(value, unit), decimals)
    return text if text == NO_VALUE else with_unit(text, unit)


def given_amount(value: float, unit: str) -> str:
    """A number somebody wrote, such as a margin, without added decimals: "1 epoch"."""
    return with_unit(f"{shown(value, unit):.6g}", unit)


def given_level(value: float, unit: str) -> str:
    """A value of a measure that somebody wrote, without added decimals: "98.8 %", "5 seconds"."""
    if unit == "accuracy":
        return with_percent(f"{shown(value, unit):.6g}")
    return given_amount(value, unit)


def level(value: float, unit: str, decimals: int = 1) -> str:
    """A value of a measure: an accuracy as "97.8 %", anything else with its unit."""
    if unit == "accuracy":
        text = number(shown(value, unit), decimals)
        return text if text == NO_VALUE else with_percent(text)
    return amount(value, unit, decimals)


def percent(share: float) -> str:
    """A share without needless decimals: "95 %", "97.5 %"."""
    return with_percent(f"{share * 100:.4g}")


def with_percent(text: str) -> str:
    """A written number of hundredths with its sign: "95 %"."""
    return _("{number} %").format(number=text)


def span(interval: Interval, unit: str, decimals: int) -> str:
    """An interval's ends in words: "2.1 to 4.9", "2.1 or more", "unbounded"."""
    return _ends(interval, unit, decimals, _BARE)


def span_with_unit(interval: Interval, unit: str, decimals: int) -> str:
    """An interval's ends with their unit: "2.1 to 4.9 epochs", "2.1 or more epochs"."""
    return _ends(interval, unit, decimals, _UNITED)


_BARE = (N_("{low} to {high}"), N_("{low} or more"), N_("{high} or less"))
_UNITED = (N_("{low} to {high} {unit}"), N_("{low} or more {unit}"), N_("{high} or less {unit}"))


def _ends(interval: Interval, unit: str, decimals: int, templates: tuple[str, str, str]) -> str:
    if math.isnan(interval.low) or math.isnan(interval.high):
        return NO_VALUE
    between, above, below = templates
    match (math.isinf(interval.low), math.isinf(interval.high)):
        case (False, False):
            template = between
        case (False, True):
            template = above
        case (True, False):
            template = below
        case _:
            return _("unbounded")
    return _(template).format(
        low=number(shown(interval.low, unit), decimals),
        high=number(shown(interval.high, unit), decimals),
        unit=unit_noun(unit),
    )


def p_value(p: float, alpha: float = 0.05) -> str:
    """A p value: "0.014", "< 0.001", with more digits where rounding would hide a side of alpha."""
    if math.isnan(p):
        return NO_VALUE
    if p < 0.001 < alpha:
        return "< 0.001"
    if p >= 0.995:
        return "1" if p >= 1 - 1e-9 else "> 0.99"
    decimals = 3 if p < 0.1 else 2
    while decimals < 12 and (
        round(p, decimals) == 0 or (p != alpha and round(p, decimals) == round(alpha, decimals))
    ):
        decimals += 1
    return f"{p:.{decimals}f}"


def p_words(p: float, alpha: float = 0.05) -> str:
    """A p value in a sentence: "p = 0.014", "p < 0.001"."""
    text = p_value(p, alpha)
    return f"p {text}" if text[0] in "<>" else f"p = {text}"


def with_ends(value: str, low: str, high: str) -> str:
    """A written value with the ends of its interval or band: "96.8 % (96.1 to 97.3)"."""
    return _("{value} ({low} to {high})").format(value=value, low=low, high=high)


def duration(seconds: float) -> str:
    """A time to wait, as people say it: "40 seconds", "12 minutes", "3.5 hours"."""
    if seconds < 90:
        return plural(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return plural(round(seconds / 60), "minute")
    return _("{number} hours").format(number=f"{seconds / 3600:,.1f}")


def seconds_in(words: str) -> float | None:
    """The seconds of a time as people write it: "90s", "30m", "2h", "1h30m".

    Args:
        words: Hours, minutes and seconds in this order, each at most once.

    Returns:
        None if the words are no time, no time at all, or more than a year.
    """
    found = _WAIT.fullmatch(words.strip().lower().replace(" ", ""))
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    return float(total) if 0 < total <= LONGEST_SECONDS else None
