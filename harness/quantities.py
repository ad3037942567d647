"""Numbers in words: units, decimals, intervals and p values, each written in one way everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.stats.results import Interval

NO_VALUE = "n/a"
_MOST_DECIMALS = 5
_NOISE = 1e-8  # how far from zero the search for an interval's end may stop
_NOUNS = {
    "accuracy": ("point", "points"),
    "epochs": ("epoch", "epochs"),
    "steps": ("step", "steps"),
    "seconds": ("second", "seconds"),
    "nats": ("nat", "nats"),
}


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 pair", "10 pairs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def shown(value: float, unit: str) -> float:
    """A value in the unit that people read: accuracies count in percentage points."""
    return value * 100 if unit == "accuracy" else value


def unit_noun(unit: str, number: str = "2") -> str:
    """The unit's noun after a written number: "epoch" after "1", else "epochs"."""
    singular, several = _NOUNS.get(unit, (unit, unit))
    return singular if number == "1" else several


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
    return text if text == NO_VALUE else f"{text} {unit_noun(unit, text)}"


def given_amount(value: float, unit: str) -> str:
    """A number somebody wrote, such as a margin, without added decimals: "1 epoch"."""
    text = f"{shown(value, unit):.6g}"
    return f"{text} {unit_noun(unit, text)}"


def level(value: float, unit: str, decimals: int = 1) -> str:
    """A value of a measure: an accuracy as "97.8 %", anything else with its unit."""
    if unit == "accuracy":
        text = number(shown(value, unit), decimals)
        return text if text == NO_VALUE else f"{text} %"
    return amount(value, unit, decimals)


def percent(share: float) -> str:
    """A share without needless decimals: "95 %", "97.5 %"."""
    return f"{share * 100:.4g} %"


def span(interval: Interval, unit: str, decimals: int) -> str:
    """An interval's ends in words: "2.1 to 4.9", "2.1 or more", "any size"."""
    low = number(shown(interval.low, unit), decimals)
    high = number(shown(interval.high, unit), decimals)
    if math.isnan(interval.low) or math.isnan(interval.high):
        return NO_VALUE
    match (math.isinf(interval.low), math.isinf(interval.high)):
        case (False, False):
            return f"{low} to {high}"
        case (False, True):
            return f"{low} or more"
        case (True, False):
            return f"{high} or less"
    return "unbounded"


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


def duration(seconds: float) -> str:
    """A time to wait, as people say it: "40 seconds", "12 minutes", "3.5 hours"."""
    if seconds < 90:
        return plural(max(1, round(seconds)), "second")
    if seconds < 90 * 60:
        return plural(round(seconds / 60), "minute")
    return f"{seconds / 3600:,.1f} hours"
