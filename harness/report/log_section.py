"""The section on logs: the runs as they were read, and single runs beside other arms."""

from __future__ import annotations

import pandas as pd

from harness.language import SOURCE, _, current, using
from harness.logged import judgements
from harness.measures import is_accuracy
from harness.quantities import unit_noun
from harness.report.exports import csv_text
from harness.report.figure_style import arm_styles
from harness.report.judge_section import figure_of
from harness.report.log_document import judged_sentences, run_rows, time_measures
from harness.report.sections import Section, Table
from harness.results import Results

_FILE = "runs.csv"
_SHOWN = 300


def section_of(results: Results) -> Section | None:
    """The runs that logs told of; None for a study that was trained here."""
    if not results.runs:
        return None
    header, rows = _header(results), run_rows(results)
    found = judgements(results)
    lines = judged_sentences(found)
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    caption = _("The runs as they were read")
    if len(rows) > _SHOWN:
        told = _("The runs as they were read; the first {n} of {all}, all are in {file}")
        caption = told.format(n=_SHOWN, all=f"{len(rows):,}", file=_FILE)
    return Section(
        key="logs",
        title=_("The runs that were read"),
        lead=lines,
        figures=[
            figure_of(
                f"single-{i}",
                one,
                styles[one.arm],
                line,
                label=_("the run of {arm}").format(arm=arm),
                file=_FILE,
            )
            for i, ((arm, one), line) in enumerate(zip(found, lines, strict=True))
            if is_accuracy(one.metric)
        ],
        tables=[Table(caption, header, rows[:_SHOWN])],
        method=[
            _(
                "What was assumed, repaired or left out stands under “Please note”. No missing "
                "value was filled in, and no run was dropped."
            ),
            _(
                "A time that is known to an interval only, because the run was not evaluated at "
                "every epoch, counts with its later end; a sensitivity test takes the earlier."
            ),
        ],
        files={_FILE: _file(results, header, rows)},
    )


def _header(results: Results) -> list[str]:
    reached = _("Reached ({unit})")
    times = [reached.format(unit=unit_noun(measure.unit)) for measure in time_measures(results)]
    return [_("Arm"), _("Run"), _("File"), _("Kind"), _("Rows"), _("Ends at"), *times]


def _file(results: Results, header: list[str], rows: list[list[str]]) -> str:
    """The table for other programs, which is in English whatever the page's language."""
    if current() != SOURCE:
        with using(SOURCE):
            header, rows = _header(results), run_rows(results)
    return csv_text(pd.DataFrame(rows, columns=header))
