"""Two results compared, in words and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.analyses.compare import ArmSameness, Compared, ResultsCompared, Standing
from harness.prose.phrases import subject
from harness.prose.words import (
    alpha_of,
    effect_words,
    interval_words,
    sample_words,
)
from harness.quantities import given_amount, listed, p_value, percent, plural
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
        return f"Nothing changed: all {trials} of equal seeds have the same curves, bit for bit."
    counts = {s: sum(c.standing == s for c in found.comparisons) for s in STANDINGS}
    of = plural(len(found.comparisons), "comparison")
    if counts["changed"]:
        by_arm: dict[str, list[str]] = {}
        for c in found.comparisons:
            if c.standing == "changed":
                by_arm.setdefault(c.arm, []).append(subject(c.verdict.claim.measure))
        what = "; ".join(f"{arm} in {listed(measures)}" for arm, measures in by_arm.items())
        return f"{counts['changed']} of {of} changed: {what}."
    if counts["unclear"]:
        return (
            f"No change was found, but {counts['unclear']} of {of} cannot tell: a difference that "
            "matters is not ruled out."
        )
    return f"Nothing that matters changed, in any of {of}."


def sameness_line(one: ArmSameness) -> str:
    """How far an arm's curves are the same."""
    if not one.compared:
        return f"{one.arm}: no trials of equal seeds"
    if one.is_identical:
        return f"{one.arm}: all {plural(one.compared, 'trial')} the same, bit for bit"
    told = f"{one.arm}: {one.identical} of {plural(one.compared, 'trial')} the same, bit for bit"
    return told if one.difference is None else f"{told}; {_first(one, one.difference)}"


def _first(one: ArmSameness, difference: Difference) -> str:
    if difference.column == "epoch":
        return f"in replicate {one.replicate} one curve ends before epoch {difference.epoch}"
    return (
        f"replicate {one.replicate} first differs at epoch {difference.epoch} "
        f"({difference.column}: {difference.stored!r}, then {difference.again!r})"
    )


def standing_words(compared: Compared) -> str:
    """What a comparison says, in a word or two."""
    if compared.is_identical:
        return "identical"
    if compared.has_same_values:
        return "the same in every trial"
    return {"same": "practically equal", "changed": "changed", "unclear": "cannot tell"}[
        compared.standing
    ]


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
        p_value(verdict.p_adjusted, alpha_of(verdict)),
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
    "Arm",
    "Measure",
    "Finding",
    "Difference",
    "Interval",
    "Adjusted p",
    "Compared",
    "Margin",
)


def environment_lines(found: ResultsCompared) -> Iterator[str]:
    """What the environments differ in."""
    if not found.before.environments or not found.after.environments:
        yield "The environment of at least one side is not known."
        return
    if not found.environment:
        yield "The environments are the same."
    for key, (before, after) in found.environment.items():
        yield f"{key}: {before}, then {after}"


def method_sentences(found: ResultsCompared) -> list[str]:
    """How the comparison was made."""
    first = found.comparisons[0].verdict if found.comparisons else None
    level = "" if first is None else f" ({percent(first.equivalence_interval.level)})"
    pairs = (
        "Trials of equal seeds were compared pair by pair (sign flips of the mean difference)."
        if found.is_paired
        else "The seeds differ, so trials were compared as two samples (studentized permutation)."
    )
    return [
        f"A difference is {found.after.label} minus {found.before.label}. {pairs}",
        "Changed: the difference is real beyond chance, with Holm's method over all comparisons, "
        "and was not shown to be within the margin.",
        f"Practically equal: the interval that is held against the margin{level} lies within it.",
        "Margins are those of the study's claims on the same measure, where it makes any.",
        "Identical: every trial of the arm has the same losses and accuracies, bit for bit; that "
        "needs no test.",
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
