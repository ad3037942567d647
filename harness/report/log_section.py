"""The section on logs: the runs as they were read, and single runs beside other arms."""

from __future__ import annotations

import pandas as pd

from harness.logged import judgements
from harness.measures import is_accuracy
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
    header = ["Arm", "Run", "File", "Kind", "Rows", "Ends at"]
    header += [f"Reached ({measure.unit})" for measure in time_measures(results)]
    rows = run_rows(results)
    found = judgements(results)
    lines = judged_sentences(found)
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    more = f"; the first {_SHOWN} of {len(rows):,}, all are in {_FILE}"
    caption = f"The runs as they were read{more if len(rows) > _SHOWN else ''}"
    return Section(
        key="logs",
        title="The runs that were read",
        lead=lines,
        figures=[
            figure_of(
                f"single-{i}", one, styles[one.arm], line, label=f"the run of {arm}", file=_FILE
            )
            for i, ((arm, one), line) in enumerate(zip(found, lines, strict=True))
            if is_accuracy(one.metric)
        ],
        tables=[Table(caption, header, rows[:_SHOWN])],
        method=[
            "What was assumed, repaired or left out stands under “Please note”. No missing value "
            "was filled in, and no run was dropped.",
            "A time that is known to an interval only, because the run was not evaluated at every "
            "epoch, counts with its later end; a sensitivity test takes the earlier.",
        ],
        files={_FILE: csv_text(pd.DataFrame(rows, columns=header))},
    )
