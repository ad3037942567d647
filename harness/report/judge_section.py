"""The section on the published runs: is each of them a typical run of its arm?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from harness.analyses.judge import Judgement, judge_run
from harness.analyses.single_run import run_of
from harness.errors import UserError
from harness.language import _
from harness.measures import is_accuracy
from harness.prose.curve_words import judgement_sentence
from harness.prose.phrases import METRICS
from harness.quantities import percent
from harness.report.exports import csv_text
from harness.report.figure_style import PANEL, ArmStyle, arm_styles, as_svg, drawing
from harness.report.figures import Drawn, epoch_axis, metric_axis
from harness.report.sections import Section
from harness.report.series import Series, published_curves
from harness.results import Results

_FILE = "published_runs.csv"


def section_of(results: Results) -> Section | None:
    """The published runs of arms of the same name; None where there are none to judge."""
    published = results.loaded.study.published
    table, _fault = published_curves(results)
    if published is None or table is None:
        return None
    judged, faults = _judged(results, table)
    if not judged:
        return None
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    label = _(published.label)
    label = label[:1].upper() + label[1:]
    lines = [judgement_sentence(one, label) for one in judged]
    return Section(
        key="published",
        title=_("Is the published run typical?"),
        lead=[*_caution(results), *lines, *faults],
        figures=[
            figure_of(
                f"published-{i}",
                one,
                styles[one.arm],
                line,
                label=_("the published run"),
                file=_FILE,
            )
            for i, (one, line) in enumerate(zip(judged, lines, strict=True))
            if is_accuracy(one.metric)
        ],
        method=_method(results),
        files={_FILE: csv_text(_table(judged))},
    )


def _judged(results: Results, table: pd.DataFrame) -> tuple[list[Judgement], list[str]]:
    judged, faults = [], []
    for arm in results.loaded.study.all_arms:
        rows = table[table["arm"] == arm.name]
        if rows.empty:
            continue
        try:
            judged += judge_run(results, arm.name, run_of(rows, f"the published run {arm.name}"))
        except UserError as error:
            faults.append(_("Not judged: {fault}.").format(fault=_(str(error))))
    return judged, faults


def _caution(results: Results) -> list[str]:
    """What a reader must know first: the runs may have been trained on other data."""
    study = results.loaded.study
    published, own = study.published, study.data_label
    if published is None or published.data in {None, own}:
        return []
    return [
        _(
            "The data differ: the published runs were trained on {theirs}, this study on {own}. So "
            "a run that is not typical here may be a typical run on its own data."
        ).format(theirs=published.data, own=own)
    ]


def figure_of(
    key: str, judgement: Judgement, style: ArmStyle, alt: str, *, label: str, file: str
) -> Drawn:
    """A run, whose name is ``label``, over the arm that it is judged against."""
    band, epochs = judgement.band, judgement.epochs
    series = Series(epochs, judgement.replicates, np.zeros(judgement.n, dtype=bool))
    overlay = pd.DataFrame({"epoch": epochs, judgement.metric: judgement.run})
    with drawing(*PANEL) as figure:
        axes = figure.add_subplot()
        metric_axis(axes, judgement.metric, [series], overlay)
        for row in judgement.replicates:
            axes.plot(epochs, row, color=style.colour, linewidth=0.4, alpha=0.35, gid=style.mark)
        if np.isfinite(band.low).all():
            axes.fill_between(
                epochs,
                band.low,
                band.high,
                color=style.colour,
                alpha=0.16,
                linewidth=0,
                gid=style.mark,
            )
        axes.plot(
            epochs,
            judgement.run,
            "o",
            color=style.colour,
            markersize=2.8,
            mfc="none",
            gid=style.mark,
        )
        epoch_axis(axes, [series])
        svg = as_svg(figure, key, alt)
    title = _("{arm}: {metric}").format(arm=judgement.arm, metric=_(METRICS[judgement.metric]))
    return Drawn(svg, title, _("Open circles: {label}.").format(label=label), file)


def _table(judged: list[Judgement]) -> pd.DataFrame:
    columns: Mapping[str, str] = {"mean": "centre", "band_low": "low", "band_high": "high"}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "arm": one.arm,
                    "metric": one.metric,
                    "epoch": one.epochs,
                    "published": one.run,
                    **{name: getattr(one.band, field) for name, field in columns.items()},
                }
            )
            for one in judged
        ],
        ignore_index=True,
    )


def _method(results: Results) -> list[str]:
    alpha = results.loaded.study.study.alpha
    enough = int(np.ceil(1 / alpha - 1 - 1e-9))
    return [
        _(
            "The band holds one further run of the arm at all epochs with {level} probability, if "
            "replicates spread normally (Student's t with its level divided by the number of "
            "epochs, Dunn 1961)."
        ).format(level=percent(1 - alpha)),
        _(
            "The rank p value needs no such assumption: the run's largest deviation from the "
            "replicates' mean, in standard errors, is ranked among theirs (Vovk, Gammerman & "
            "Shafer 2005). With {enough} replicates or more it decides alone; with fewer it cannot "
            "reach {alpha}, and a run is called not typical if it is further out than all of them "
            "and outside the band."
        ).format(enough=enough, alpha=percent(alpha)),
        _("Each metric is judged by itself."),
    ]
