"""The section on choices: specification curves and sweeps over targets."""

from __future__ import annotations

import pandas as pd

from harness.analyses.comparisons import Comparison, target_unit
from harness.analyses.specifications import SpecificationCurve, specification_curves
from harness.analyses.target_sweep import TargetSweep, target_sweeps
from harness.language import N_, _, name_of, ngettext
from harness.prose.curve_words import sweep_sentence
from harness.prose.specification_words import (
    CHOICES,
    shares,
    specification_notes,
    specification_sentence,
)
from harness.prose.words import stopped
from harness.quantities import joined, percent
from harness.report.comparison_figures import comparison_table, difference_figure
from harness.report.exports import csv_text
from harness.report.figures import Drawn
from harness.report.sections import Section, Table
from harness.report.specification_figures import specification_figure
from harness.results import Results

_FILE, _SWEEPS = "specifications.csv", "target_sweeps.csv"
_FEWEST_DRAWN = 12  # fewer specifications are told in a sentence and a table
_MOST_FIGURES = 8
_DECIDES = N_(
    "Each claim is decided by its declared specification alone. The others show how much hangs on "
    "its choices; none of them is a second chance to win."
)


def section_of(results: Results) -> Section | None:
    """The specifications of all testable claims; None where there is no such claim."""
    curves = specification_curves(results)
    if not curves:
        return None
    sweeps = target_sweeps(results)
    swept = [(sweep, sweep.comparison) for sweep in sweeps if sweep.comparison is not None]
    drawn = sorted(filter(_is_worth_drawing, curves), key=lambda c: not _answers(c))
    figures = [
        specification_figure(f"specifications-{i}", curve, data=_FILE)
        for i, curve in enumerate(drawn[:_MOST_FIGURES])
    ]
    figures += [_sweep_figure(i, *one) for i, one in enumerate(swept[:_MOST_FIGURES])]
    files = {_FILE: csv_text(_table(curves))}
    if swept:
        files[_SWEEPS] = csv_text(_sweep_table(swept))
    return Section(
        key="specifications",
        title=_("If it had been defined otherwise"),
        lead=[_(_DECIDES), *map(_line, curves), *map(sweep_sentence, sweeps)],
        figures=figures,
        tables=[_shares(curve) for curve in curves if curve.levels],
        method=_method(curves, results),
        files=files,
    )


def _answers(curve: SpecificationCurve) -> bool:
    return curve.verdict.claim.answers_question


def _is_worth_drawing(curve: SpecificationCurve) -> bool:
    """Whether a figure says more than the sentence: something flips, or it is the main claim."""
    return len(curve.tested) >= _FEWEST_DRAWN and (
        curve.held < len(curve.tested) or _answers(curve)
    )


def _line(curve: SpecificationCurve) -> str:
    said = stopped(_(curve.verdict.claim.says).strip())
    return joined([_("“{claim}”").format(claim=said), specification_sentence(curve)])


def _shares(curve: SpecificationCurve) -> Table:
    """By choice and level, how often the declared outcome holds."""
    claim, outcome = curve.verdict.claim, curve.verdict.outcome
    told = ngettext(
        "{claim}: {n} specification by choice",
        "{claim}: {n} specifications by choice",
        len(curve.tested),
    )
    return Table(
        caption=told.format(claim=claim.id, n=len(curve.tested)),
        header=[_("Choice"), _("Level"), _(outcome).capitalize(), _("Specifications")],
        rows=[
            [_(CHOICES[key]), label, str(held), str(of)]
            for key in curve.levels
            for label, held, of in shares(curve, key)
        ],
    )


def _table(curves: list[SpecificationCurve]) -> pd.DataFrame:
    """Every specification with its numbers, the choices as columns."""
    return pd.DataFrame(
        [
            {
                "claim": curve.verdict.claim.id,
                "declared": s.is_declared,
                **{key: s.choice.get(key) for key in CHOICES},
                "effect": s.effect,
                "low": s.interval.low,
                "high": s.interval.high,
                "unit": s.unit,
                "p_adjusted": s.p_adjusted,
                "verdict": s.outcome if s.reason is None else "not testable",
                "reason": s.reason,
            }
            for curve in curves
            for s in curve.specified
        ]
    )


def _sweep_figure(place: int, sweep: TargetSweep, comparison: Comparison) -> Drawn:
    claim = sweep.verdict.claim
    a, b = (name_of(side.name) for side in sweep.verdict.sides)
    return difference_figure(
        f"sweep-{place}",
        comparison,
        title=_("{claim}: {a} minus {b} at other targets").format(claim=claim.id, a=a, b=b),
        alt=joined([_("Difference in time by target with its band."), sweep_sentence(sweep)]),
        unit=claim.measure.unit,
        along="target",
        along_unit=target_unit(claim),
        data=_SWEEPS,
        margin=claim.margin,
        mark=getattr(claim.measure, "target", None),
    )


def _sweep_table(swept: list[tuple[TargetSweep, Comparison]]) -> pd.DataFrame:
    parts = [
        comparison_table(comparison, "target").assign(
            claim=sweep.verdict.claim.id,
            n_first=comparison.sizes[0],
            n_second=comparison.sizes[1],
            reached_first=comparison.reached[:, 0],
            reached_second=comparison.reached[:, 1],
            horizon=comparison.horizons,
        )
        for sweep, comparison in swept
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["claim", *[name for name in table.columns if name != "claim"]]]


def _method(curves: list[SpecificationCurve], results: Results) -> list[str]:
    alpha = percent(results.loaded.study.study.alpha)
    notes = dict.fromkeys(note for curve in curves for note in specification_notes(curve))
    return [
        _(
            "Each specification takes its claim's place in the family of tests, the other claims' "
            "p values stay, and Holm's method adjusts (Steegen, Tuerlinckx, Gelman & Vanpaemel "
            "2016; Simonsohn, Simmons & Nelson 2020)."
        ),
        _(
            "Dots are effects in order, with their intervals; open dots are specifications with "
            "another verdict than the declared one. Each upright stroke below shows a choice, the "
            "dark ones those of open dots."
        ),
        _(
            "Targets run from the level that half of the trials have after their first epoch to "
            "the level that one in ten ever reaches; a study file can list its own."
        ),
        _(
            "Along targets, filled dots differ: within one figure the chance of even one false one "
            "is at most {alpha} (step-down max-T, Westfall & Young 1993)."
        ).format(alpha=alpha),
        _(
            "At each target times are cut where the first trial of either side was watched no "
            "longer without having got there. The band holds the true difference of times so cut "
            "(of restricted means), at all targets at once; where trials miss a target, it says "
            "nothing of the time that they would have needed."
        ),
        *notes,
    ]
