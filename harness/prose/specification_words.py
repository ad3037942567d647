"""Prose about specification curves: how much of a verdict hangs on the choices behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.analyses.separation import Condition, Rule
from harness.analyses.specifications import DRAWS, EXACT_PAIRS, NESTED, SpecificationCurve
from harness.choices import Setting
from harness.prose.phrases import METRICS
from harness.prose.words import OUTCOMES
from harness.quantities import given_amount, listed, percent, plural
from harness.verdicts import Verdict

CHOICES: Mapping[str, str] = {
    "kind": "value",
    "metric": "metric",
    "target": "target",
    "clock": "time",
    "sustain": "held for",
    "within": "tolerance",
    "window": "window",
    "fraction": "share of the gain",
    "shift": "shifted by",
    "margin": "margin",
    "test": "test",
}
_CLOCKS = {"epochs": "epochs", "cpu": "processor seconds", "wall": "elapsed seconds"}
_PAIRED = {"permutation": "sign-flip", "t": "paired t", "rank": "Wilcoxon"}
_UNPAIRED = {"permutation": "permutation", "t": "Welch t", "rank": "Mann-Whitney"}
_NOUNS: Mapping[str, str] = {
    "target": "targets",
    "within": "tolerances",
    "window": "plateau windows",
    "fraction": "shares of the gain",
    "margin": "margins",
}


_SIDES = {
    "listed": "{noun} of {levels}",
    "above": "{noun} above {bound}",
    "below": "{noun} below {bound}",
}
_CONDITIONS: Mapping[tuple[str, str], str] = {
    ("sustain", "listed"): "targets held for {levels}",
    ("sustain", "above"): "targets held for more than {bound}",
    ("sustain", "below"): "targets held for fewer than {bound}",
    ("shift", "listed"): "epochs shifted by {levels}",
    ("shift", "above"): "epochs shifted by more than {bound}",
    ("shift", "below"): "epochs shifted by less than {bound}",
    ("clock", "listed"): "time in {levels}",
    ("metric", "listed"): "{levels}",
    ("kind", "listed"): "the {levels} value",
    ("test", "listed"): "the {levels} test",
}


def specification_sentence(curve: SpecificationCurve) -> str:
    """In how many specifications the verdict holds, and where it does not.

    "Supported in 41 of 48 specifications (7 inconclusive); it flips only for targets above 0.985."
    """
    tested, outcome = curve.tested, curve.verdict.outcome.capitalize()
    untested = len(curve.specified) - len(tested)
    rest = f" {untested} more could not be tested." if untested else ""
    if curve.held == len(tested):
        every = "both" if len(tested) == 2 else f"all {len(tested)}"
        return f"{outcome} in {every} specifications.{rest}"
    counts = Counter(s.outcome for s in tested)
    others = [f"{counts[o]} {o}" for o in OUTCOMES if counts[o] and o != curve.verdict.outcome]
    lead = f"{outcome} in {curve.held} of {len(tested)} specifications ({listed(others)})"
    return f"{lead}; {_where(curve)}.{rest}"


def _where(curve: SpecificationCurve) -> str:
    rule, verb = curve.rule, "flips" if curve.mostly_holds else "holds"
    if rule is None:
        return f"no simple rule says where it {verb}: {_hinge(curve)}"
    text = f"it {verb} only for {rule_words(rule, curve.verdict)}"
    return text if rule.is_exact else f"{text} ({rule.flipped} of those {rule.inside})"


def rule_words(rule: Rule, verdict: Verdict) -> str:
    """A rule's conditions: "targets above 0.985 with the paired t test"."""
    return " with ".join(_condition(condition, verdict) for condition in rule.conditions)


def _condition(condition: Condition, verdict: Verdict) -> str:
    key = condition.key
    beside = "" if condition.beside is None else f"{METRICS[str(condition.beside[1])]} "
    levels = [level_words(key, level, verdict) for level in condition.levels]
    template = _CONDITIONS.get((key, condition.side), _SIDES[condition.side])
    return template.format(
        noun=f"{beside}{_NOUNS.get(key, '')}",
        levels=" or ".join(levels),
        bound="" if condition.bound is None else level_words(key, condition.bound, verdict),
    )


def level_words(key: str, level: Setting, verdict: Verdict) -> str:
    """One level of a choice, as people say it."""
    if isinstance(level, str):
        tests = _PAIRED if verdict.is_paired else _UNPAIRED
        return {**METRICS, **_CLOCKS, **tests}.get(level, level)
    measure = verdict.claim.measure
    if key == "within":
        is_share = "accuracy" in getattr(measure, "metric", "")
        return given_amount(level, "accuracy" if is_share else "nats")
    words = {
        "sustain": lambda: plural(int(level), "epoch"),
        "window": lambda: plural(int(level), "epoch"),
        "shift": lambda: f"{int(level):+d}".replace("-", "−") if level else "0",
        "fraction": lambda: percent(level),
        "margin": lambda: given_amount(level, measure.unit),
    }
    return words[key]() if key in words else f"{level:g}"


def shares(curve: SpecificationCurve, key: str) -> list[tuple[str, int, int]]:
    """For each level of a choice: the level, specifications that hold, specifications in all.

    Levels that mean something only beside another choice are told with it.
    """
    outer = NESTED.get(key)
    outer = outer if outer in curve.levels else None
    found: dict[str, list[bool]] = {}
    for s in curve.tested:
        label = level_words(key, s.choice[key], curve.verdict)
        if outer is not None:
            label = f"{level_words(outer, s.choice[outer], curve.verdict)} {label}"
        found.setdefault(label, []).append(s.outcome == curve.verdict.outcome)
    return [(label, sum(holds), len(holds)) for label, holds in found.items()]


def _hinge(curve: SpecificationCurve) -> str:
    """The choice on which most depends, with its extremes."""
    spread: list[tuple[float, str, tuple[str, int, int], tuple[str, int, int]]] = []
    for key in curve.levels:
        rows = sorted(shares(curve, key), key=lambda row: row[1] / row[2])
        low, high = rows[0], rows[-1]
        spread.append((high[1] / high[2] - low[1] / low[2], key, low, high))
    _, key, low, high = max(spread, key=lambda entry: entry[0])
    ends = " and ".join(f"in {held} of {n} at {label}" for label, held, n in (high, low))
    return f"most hangs on the {CHOICES[key]}; it holds {ends}"


def specification_notes(curve: SpecificationCurve) -> list[str]:
    """What a reader must know of how the specifications were decided."""
    notes = []
    if curve.exchange:
        rates = [f"{seconds:.3g} {_CLOCKS[clock]}" for clock, seconds in curve.exchange.items()]
        notes.append(
            f"Where epochs and seconds stand for each other, an epoch counts as {listed(rates)}, "
            "the mean over trials; margins and effects are exchanged at that rate."
        )
    if curve.is_sampled:
        what = "sign patterns" if curve.verdict.is_paired else "relabelings"
        size = f"With more than {EXACT_PAIRS} pairs" if curve.verdict.is_paired else "Here"
        notes.append(
            f"{size} the permutation p values of all but the declared specification come from "
            f"{DRAWS:,} random {what} instead of all."
        )
    reasons = list(dict.fromkeys(s.reason for s in curve.specified if s.reason is not None))
    if reasons:
        notes.append(f"Specifications that could not be tested: {'; '.join(reasons)}.")
    return notes
