"""Two results compared, in words and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.analyses.compare import ArmSameness, Compared, ResultsCompared, Standing
from harness.language import N_, _, pgettext
from harness.prose.phrases import subject
from harness.prose.words import effect_words, interval_words, sample_words
from harness.quantities import given_amount, joined, listed, p_value, percent, plural
from harness.verdicts import Outcome
from harness.verification import Difference

STANDINGS: Mapping[Standing, Outcome] = {
    "same": "practically equal",
    "changed": "contradicted",
    "unclear": "inconclusive",
}
"""How each standing looks: the mark and colour of the verdict that means most nearly this."""


def compare_answer(found: ResultsCompared) -> str:
    """The whole comparison in one or two sentences."""
    identical = [one for one in found.sameness if one.is_identical]
    if len(identical) == len(found.sameness):
        trials = plural(sum(one.compared for one in identical), "trial")
        return _(
            "Nothing changed: all {trials} of equal seeds have the same curves, bit for bit."
        ).format(trials=trials)
    counts = {s: sum(c.standing == s for c in found.comparisons) for s in STANDINGS}
    of = plural(len(found.comparisons), "comparison")
    if counts["changed"]:
        by_arm: dict[str, list[str]] = {}
        for c in found.comparisons:
            if c.standing == "changed":
                by_arm.setdefault(c.arm, []).append(subject(c.verdict.claim.measure))
        one = _("{arm} in {measures}")
        told = [one.format(arm=arm, measures=listed(m)) for arm, m in by_arm.items()]
        what = pgettext("between reasons", "; ").join(told)
        return _("{n} of {comparisons} changed: {what}.").format(
            n=counts["changed"], comparisons=of, what=what
        )
    if counts["unclear"]:
        return _(
            "No change was found, but {n} of {comparisons} cannot tell: a difference that matters "
            "is not ruled out."
        ).format(n=counts["unclear"], comparisons=of)
    return _("Nothing that matters changed, in any of {comparisons}.").format(comparisons=of)


def sameness_line(one: ArmSameness) -> str:
    """How far an arm's curves are the same."""
    if not one.compared:
        return _("{arm}: no trials of equal seeds").format(arm=one.arm)
    trials = plural(one.compared, "trial")
    if one.is_identical:
        return _("{arm}: all {trials} the same, bit for bit").format(arm=one.arm, trials=trials)
    told = _("{arm}: {n} of {trials} the same, bit for bit").format(
        arm=one.arm, n=one.identical, trials=trials
    )
    if one.difference is None:
        return told
    return _("{what}; {where}").format(what=told, where=_first(one, one.difference))


def _first(one: ArmSameness, difference: Difference) -> str:
    if difference.column == "epoch":
        return _("in replicate {replicate} one curve ends before epoch {epoch}").format(
            replicate=one.replicate, epoch=difference.epoch
        )
    return _(
        "replicate {replicate} first differs at epoch {epoch} ({column}: {before}, then {after})"
    ).format(
        replicate=one.replicate,
        epoch=difference.epoch,
        column=difference.column,
        before=repr(difference.stored),
        after=repr(difference.again),
    )


def standing_words(compared: Compared) -> str:
    """What a comparison says, in a word or two."""
    if compared.is_identical:
        return _("identical")
    if compared.has_same_values:
        return _("the same in every trial")
    return _(_STANDING_WORDS[compared.standing])


_STANDING_WORDS: Mapping[Standing, str] = {
    "same": N_("practically equal"),
    "changed": N_("changed"),
    "unclear": N_("cannot tell"),
}


def comparison_cells(compared: Compared) -> list[str]:
    """A comparison as a row: arm, measure, standing, difference, interval, p, sample, margin."""
    verdict = compared.verdict
    measure = verdict.claim.measure
    return [
        compared.arm,
        subject(measure),
        standing_words(compared),
        effect_words(verdict),
        interval_words(verdict),
        p_value(verdict.p_adjusted, verdict.alpha),
        sample_words(verdict),
        given_amount(verdict.claim.margin, measure.unit),
    ]


def comparison_line(compared: Compared) -> str:
    """A comparison in one line for the terminal."""
    cells = dict(zip(COMPARISON_HEADER, comparison_cells(compared), strict=True))
    what = f"{compared.arm}, {cells['Measure']}: {cells['Finding']}"
    if compared.has_same_values:
        return what
    if compared.verdict.reason is not None:
        return f"{what}; {compared.verdict.reason}"
    return (
        f"{what}; {cells['Difference']} (interval {cells['Interval']}; adjusted p "
        f"{cells['Adjusted p']}; {cells['Compared']}; margin {cells['Margin']})"
    )


COMPARISON_HEADER = (
    N_("Arm"),
    N_("Measure"),
    N_("Finding"),
    N_("Difference"),
    N_("Interval"),
    N_("Adjusted p"),
    N_("Compared"),
    N_("Margin"),
)


def environment_lines(found: ResultsCompared) -> Iterator[str]:
    """What the environments differ in."""
    if not found.before.environments or not found.after.environments:
        yield _("The environment of at least one side is not known.")
        return
    if not found.environment:
        yield _("The environments are the same.")
    for key, (before, after) in found.environment.items():
        yield _("{what}: {before}, then {after}").format(what=key, before=before, after=after)


def method_sentences(found: ResultsCompared) -> list[str]:
    """How the comparison was made."""
    first = found.comparisons[0].verdict if found.comparisons else None
    held = N_("Practically equal: the interval that is held against the margin lies within it.")
    if first is not None:
        held = N_(
            "Practically equal: the interval that is held against the margin ({level}) lies within "
            "it."
        )
    level = "" if first is None else percent(first.equivalence_interval.level)
    pairs = N_(
        "The seeds differ, so trials were compared as two samples (studentized permutation)."
    )
    if found.is_paired:
        pairs = N_(
            "Trials of equal seeds were compared pair by pair (sign flips of the mean difference)."
        )
    which = _("A difference is {after} minus {before}.").format(
        after=found.after.label, before=found.before.label
    )
    return [
        joined([which, _(pairs)]),
        _(
            "Changed: the difference is real beyond chance, with Holm's method over all "
            "comparisons, and was not shown to be within the margin."
        ),
        _(held).format(level=level),
        _("Margins are those of the study's claims on the same measure, where it makes any."),
        _(
            "Identical: every trial of the arm has the same losses and accuracies, bit for bit; "
            "that needs no test."
        ),
    ]


def compare_document(found: ResultsCompared) -> dict[str, Any]:
    """The comparison for other programs."""
    return {
        "before": {"label": found.before.label, "place": found.before.place},
        "after": {"label": found.after.label, "place": found.after.place},
        "answer": compare_answer(found),
        "standing": found.standing,
        "paired": found.is_paired,
        "identical": all(one.is_identical for one in found.sameness),
        "arms": [
            {
                "arm": one.arm,
                "compared": one.compared,
                "identical": one.identical,
                "replicate": one.replicate,
                "difference": None
                if one.difference is None
                else {"epoch": one.difference.epoch, "column": one.difference.column},
            }
            for one in found.sameness
        ],
        "environment": {key: list(values) for key, values in found.environment.items()},
        "comparisons": [_comparison(compared) for compared in found.comparisons],
        "notices": list(found.notices),
    }


def _comparison(compared: Compared) -> dict[str, Any]:
    verdict = compared.verdict
    return {
        "arm": compared.arm,
        "measure": verdict.claim.measure.model_dump(mode="json", exclude_none=True),
        "unit": verdict.claim.measure.unit,
        "finding": standing_words(compared),
        "standing": compared.standing,
        "effect": verdict.effect,
        "interval": [verdict.interval.low, verdict.interval.high],
        "p": verdict.test.p,
        "p_adjusted": verdict.p_adjusted,
        "n": verdict.n,
        "margin": verdict.claim.margin,
        "reason": verdict.reason,
    }
