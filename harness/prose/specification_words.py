"""Prose about specification curves: how much of a verdict hangs on the choices behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.analyses.separation import Condition, Rule
from harness.analyses.specifications import DRAWS, EXACT_PAIRS, NESTED, SpecificationCurve
from harness.choices import Setting
from harness.language import N_, _, pgettext
from harness.measures import is_accuracy
from harness.prose.phrases import METRICS
from harness.prose.words import OUTCOMES
from harness.quantities import either, given_amount, joined, listed, percent, plural
from harness.verdicts import Verdict

CHOICES: Mapping[str, str] = {
    "kind": N_("value"),
    "metric": N_("metric"),
    "target": N_("target"),
    "clock": N_("time"),
    "sustain": N_("held for"),
    "within": N_("tolerance"),
    "window": N_("window"),
    "fraction": N_("share of the gain"),
    "shift": N_("shifted by"),
    "margin": N_("margin"),
    "test": N_("test"),
}
_CLOCKS = {
    "epochs": N_("epochs"),
    "cpu": N_("processor seconds"),
    "wall": N_("elapsed seconds"),
}
_PAIRED = {"permutation": N_("sign-flip"), "t": N_("paired t"), "rank": N_("Wilcoxon")}
_UNPAIRED = {"permutation": N_("permutation"), "t": N_("Welch t"), "rank": N_("Mann-Whitney")}
_VALUES = {"final": N_("final"), "best": N_("best"), "mean_over_epochs": N_("mean_over_epochs")}
_NOUNS: Mapping[str, str] = {
    "target": N_("targets"),
    "within": N_("tolerances"),
    "window": N_("plateau windows"),
    "fraction": N_("shares of the gain"),
    "margin": N_("margins"),
}


_SIDES = {
    "listed": N_("{noun} of {levels}"),
    "above": N_("{noun} above {bound}"),
    "below": N_("{noun} below {bound}"),
}
_CONDITIONS: Mapping[tuple[str, str], str] = {
    ("sustain", "listed"): N_("targets held for {levels}"),
    ("sustain", "above"): N_("targets held for more than {bound}"),
    ("sustain", "below"): N_("targets held for fewer than {bound}"),
    ("shift", "listed"): N_("epochs shifted by {levels}"),
    ("shift", "above"): N_("epochs shifted by more than {bound}"),
    ("shift", "below"): N_("epochs shifted by less than {bound}"),
    ("clock", "listed"): N_("time in {levels}"),
    ("metric", "listed"): "{levels}",
    ("kind", "listed"): N_("the {levels} value"),
    ("test", "listed"): N_("the {levels} test"),
}


def specification_sentence(curve: SpecificationCurve) -> str:
    """In how many specifications the verdict holds, and where it does not.

    "Supported in 41 of 48 specifications (7 inconclusive); it flips only for targets above 0.985."
    """
    tested = curve.tested
    outcome = _(curve.verdict.outcome).capitalize()
    parts = {"outcome": outcome, "held": curve.held, "n": len(tested)}
    if curve.held == len(tested):
        template = N_("{outcome} in all {n} specifications.")
        if len(tested) == 2:
            template = N_("{outcome} in both specifications.")
        elif len(tested) == 1:
            template = N_("{outcome} in the only specification that was tested.")
        return joined([_(template).format(**parts), _untested(curve)])
    counts = Counter(s.outcome for s in tested)
    others = [
        _("{n} {outcome}").format(n=counts[o], outcome=_(o))
        for o in OUTCOMES
        if counts[o] and o != curve.verdict.outcome
    ]
    told = _("{outcome} in {held} of {n} specifications ({others}); {where}.").format(
        **parts, others=listed(others), where=_where(curve)
    )
    return joined([told, _untested(curve)])


def _untested(curve: SpecificationCurve) -> str:
    untested = len(curve.specified) - len(curve.tested)
    return _("{n} more could not be tested.").format(n=untested) if untested else ""


def _where(curve: SpecificationCurve) -> str:
    rule, flips = curve.rule, curve.mostly_holds
    if rule is None:
        template = N_("no simple rule says where it holds: {hinge}")
        if flips:
            template = N_("no simple rule says where it flips: {hinge}")
        return _(template).format(hinge=_hinge(curve))
    template = N_("it flips only for {rule}") if flips else N_("it holds only for {rule}")
    if not rule.is_exact:
        template = N_("it holds only for {rule} ({some} of those {n})")
        if flips:
            template = N_("it flips only for {rule} ({some} of those {n})")
    return _(template).format(
        rule=rule_words(rule, curve.verdict), some=rule.flipped, n=rule.inside
    )


def rule_words(rule: Rule, verdict: Verdict) -> str:
    """A rule's conditions: "targets above 0.985 with the paired t test"."""
    conditions = (_condition(condition, verdict) for condition in rule.conditions)
    return pgettext("between conditions", " with ").join(conditions)


def _condition(condition: Condition, verdict: Verdict) -> str:
    key, bound = condition.key, condition.bound
    noun = _(_NOUNS.get(key, ""))
    if condition.beside is not None:
        metric = _(METRICS[str(condition.beside[1])])
        noun = _("{metric} {noun}").format(metric=metric, noun=noun)
    beside = "" if condition.beside is None else str(condition.beside[1])
    levels = [level_words(key, level, verdict, beside) for level in condition.levels]
    template = _CONDITIONS.get((key, condition.side), _SIDES[condition.side])
    return _(template).format(
        noun=noun,
        levels=either(levels),
        bound="" if bound is None else level_words(key, bound, verdict, beside),
    )


def level_words(key: str, level: Setting, verdict: Verdict, metric: str = "") -> str:
    """One level of a choice, as people say it; a target's metric, where that is a choice, too."""
    if isinstance(level, str):
        tests = _PAIRED if verdict.is_paired else _UNPAIRED
        return _({**METRICS, **_CLOCKS, **_VALUES, **tests}.get(level, level))
    measure = verdict.claim.measure
    is_share = is_accuracy(metric or getattr(measure, "metric", ""))
    if key == "within":
        return given_amount(level, "accuracy" if is_share else "nats")
    if key == "target" and is_share:
        return percent(level)
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
        metric = str(s.choice.get("metric", ""))
        label = level_words(key, s.choice[key], curve.verdict, metric)
        if outer is not None:
            named = level_words(outer, s.choice[outer], curve.verdict)
            label = _("{metric} {level}").format(metric=named, level=label)
        found.setdefault(label, []).append(s.outcome == curve.verdict.outcome)
    return [(label, sum(holds), len(holds)) for label, holds in found.items()]


def _hinge(curve: SpecificationCurve) -> str:
    """The choice on which most depends, with its extremes."""
    spread: list[tuple[float, str, tuple[str, int, int], tuple[str, int, int]]] = []
    for key in curve.levels:
        rows = sorted(shares(curve, key), key=lambda row: row[1] / row[2])
        low, high = rows[0], rows[-1]
        spread.append((high[1] / high[2] - low[1] / low[2], key, low, high))
    _most, key, low, high = max(spread, key=lambda entry: entry[0])
    return _(
        "most hangs on the {choice}; it holds in {most_held} of {most_n} at {most} and in "
        "{least_held} of {least_n} at {least}"
    ).format(
        choice=_(CHOICES[key]),
        most=high[0],
        most_held=high[1],
        most_n=high[2],
        least=low[0],
        least_held=low[1],
        least_n=low[2],
    )


def specification_notes(curve: SpecificationCurve) -> list[str]:
    """What a reader must know of how the specifications were decided."""
    notes = []
    if curve.exchange:
        rates = [
            _("{number} {unit}").format(number=f"{seconds:.3g}", unit=_(_CLOCKS[clock]))
            for clock, seconds in curve.exchange.items()
        ]
        notes.append(
            _(
                "Where epochs and seconds stand for each other, an epoch counts as {rates}, the "
                "mean over trials; margins and effects are exchanged at that rate."
            ).format(rates=listed(rates))
        )
    if curve.is_sampled:
        template = N_(
            "Here the permutation p values of all but the declared specification come from "
            "{draws} random relabelings, fewer than its own."
        )
        if curve.verdict.is_paired:
            template = N_(
                "With more than {pairs} pairs the permutation p values of all but the declared "
                "specification come from {draws} random sign patterns, fewer than its own."
            )
        notes.append(_(template).format(pairs=EXACT_PAIRS, draws=f"{DRAWS:,}"))
    reasons = sorted({_(s.reason) for s in curve.specified if s.reason is not None})
    if reasons:
        told = pgettext("between reasons", "; ").join(reasons)
        notes.append(_("Specifications that could not be tested: {reasons}.").format(reasons=told))
    return notes
