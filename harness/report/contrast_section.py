"""The section on whole curves: at which epochs the compared arms differ."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from harness.analyses.comparisons import Comparison
from harness.analyses.contrasts import Contrast, contrasts
from harness.language import _
from harness.measures import is_accuracy
from harness.prose.curve_words import contrast_sentence
from harness.prose.phrases import METRICS
from harness.quantities import joined, percent
from harness.report.comparison_figures import comparison_table, difference_figure
from harness.report.exports import csv_text
from harness.report.figures import Drawn
from harness.report.sections import Section
from harness.results import Results

_FILE = "contrasts.csv"
_MOST_FIGURES = 8


def section_of(results: Results) -> Section | None:
    """The contrasts of all compared sides; None where no trials can be compared."""
    found = contrasts(results)
    known = [(one, one.comparison) for one in found if one.comparison is not None]
    if not known:
        return None
    return Section(
        key="contrasts",
        title=_("Where the curves differ"),
        lead=[contrast_sentence(contrast) for contrast in found],
        figures=[_figure(i, *drawn) for i, drawn in enumerate(known[:_MOST_FIGURES])],
        method=_method(results, len(known)),
        files={_FILE: csv_text(_table(known))},
    )


def _figure(place: int, contrast: Contrast, comparison: Comparison) -> Drawn:
    a, b = contrast.sides
    return difference_figure(
        f"contrast-{place}",
        comparison,
        title=_("{metric}: {a} minus {b}").format(
            metric=_(METRICS[contrast.metric]).capitalize(), a=a, b=b
        ),
        alt=joined([_("Difference by epoch with its band."), contrast_sentence(contrast)]),
        unit="accuracy" if is_accuracy(contrast.metric) else "nats",
        along="epoch",
        data=_FILE,
    )


def _table(known: Sequence[tuple[Contrast, Comparison]]) -> pd.DataFrame:
    parts = [
        comparison_table(comparison, "epoch").assign(
            first=contrast.sides[0], second=contrast.sides[1], metric=contrast.metric
        )
        for contrast, comparison in known
    ]
    table = pd.concat(parts, ignore_index=True)
    names = ["first", "second", "metric"]
    return table[[*names, *[name for name in table.columns if name not in names]]]


def _method(results: Results, known: int) -> list[str]:
    alpha = percent(results.loaded.study.study.alpha)
    notes = [
        _(
            "Filled dots are epochs that differ. Within one figure the chance of even one false "
            "filled dot is at most {alpha}: whole difference curves change sign together, and each "
            "epoch's t is compared with the largest t of the epochs still open (step-down max-T, "
            "Westfall & Young 1993)."
        ).format(alpha=alpha),
        _(
            "The shaded band holds the true mean difference at all epochs at once (Student's t "
            "with its level divided by the number of epochs, Dunn 1961). It says how large a "
            "difference may be and is the more careful of the two, so it may touch zero at a "
            "filled dot."
        ),
        _(
            "A diverged trial keeps its last recorded value. An epoch at which a trial has no "
            "number is left out for all trials."
        ),
        _("These comparisons describe; the claims are decided by their own tests."),
    ]
    if known > _MOST_FIGURES:
        told = _("The first {n} of {all} are drawn; {file} holds all.")
        notes.append(told.format(n=_MOST_FIGURES, all=known, file=_FILE))
    return notes
