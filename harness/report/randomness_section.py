"""The section on the sources of randomness: how much each makes trials differ."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from harness.analyses.randomness import Experiment, Source, Spreads, experiments_of
from harness.language import _
from harness.prose.phrases import subject
from harness.prose.randomness_words import (
    crossing_sentence,
    deviation_words,
    ranking_sentence,
    repeats_sentence,
    share_words,
    source_sentence,
    stream_words,
    together_sentence,
    validation_sentence,
)
from harness.quantities import NO_VALUE
from harness.report.exports import csv_text
from harness.report.figure_style import arm_styles
from harness.report.figures import Drawn
from harness.report.randomness_figures import deviations_by_source, stacked_variances
from harness.report.sections import Section, Table, left_out_note
from harness.results import Results

_FILE = "spreads.csv"


def section_of(results: Results) -> Section | None:
    """Where the spread comes from; None unless arms differ in which single stream they vary."""
    experiments = experiments_of(results)
    if not any(experiment.spreads for experiment in experiments):
        return None
    return Section(
        key="sources",
        title=_("Where the spread comes from"),
        lead=[line for one in experiments for line in _lead(one, len(experiments))],
        figures=[drawn for i, one in enumerate(experiments) for drawn in _figures(results, i, one)],
        tables=[_table(spreads) for one in experiments for spreads in one.spreads],
        method=_method(experiments),
        files={_FILE: csv_text(_values(experiments))},
    )


def _lead(experiment: Experiment, experiments: int) -> list[str]:
    """The first measure source by source, the others in a sentence each."""
    lines = [_("Model: {model}.").format(model=experiment.model)] if experiments > 1 else []
    for place, spreads in enumerate(experiment.spreads):
        lines.append(ranking_sentence(spreads))
        if place == 0:
            unit = spreads.blocks.measure.unit
            lines += [source_sentence(source, unit) for source in spreads.singles]
        together = together_sentence(spreads)
        lines += [together] if together else []
        lines += map(crossing_sentence, spreads.crossings)
        if spreads.validation is not None:
            lines.append(validation_sentence(spreads.validation, spreads.blocks.measure.unit))
    if experiment.repeats is not None:
        lines.append(repeats_sentence(experiment.repeats))
    return lines


def _figures(results: Results, place: int, experiment: Experiment) -> list[Drawn]:
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    varied = [s for s in experiment.spreads if any(one.variance.value > 0 for one in s.singles)]
    stacked = [stacked_variances(f"sources-{place}", varied, styles, _FILE)] if varied else []
    return stacked + [
        deviations_by_source(f"sources-{place}-{i}", spreads, styles, _FILE)
        for i, spreads in enumerate(experiment.spreads)
    ]


def _rows(spreads: Spreads) -> list[Source]:
    extra = [source for source in (spreads.together, spreads.repeats) if source is not None]
    return [*spreads.singles, *extra]


def _table(spreads: Spreads) -> Table:
    unit = spreads.blocks.measure.unit
    return Table(
        caption=_("Spread of {measure} by source").format(measure=subject(spreads.blocks.measure)),
        header=[
            _("Arm"),
            _("Drawn anew"),
            _("Trials"),
            _("Standard deviation"),
            _("Of all at once"),
            _("Cut"),
        ],
        rows=[
            [
                source.arm,
                stream_words(source),
                str(len(spreads.blocks.replicates)),
                deviation_words(source.variance, unit),
                _share(source),
                "" if spreads.blocks.horizon is None else str(source.cut),
            ]
            for source in _rows(spreads)
        ],
    )


def _share(source: Source) -> str:
    known = source.share is not None and not math.isnan(source.share.value)
    return share_words(source.share) if known and source.share is not None else NO_VALUE


def _values(experiments: Sequence[Experiment]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": experiment.model,
                "measure": spreads.blocks.measure.label,
                "unit": spreads.blocks.measure.unit,
                "arm": source.arm,
                "varies": " ".join(source.streams),
                "trials": len(spreads.blocks.replicates),
                "variance": source.variance.value,
                "low": source.variance.interval.low,
                "high": source.variance.interval.high,
                "share_of_all": math.nan if source.share is None else source.share.value,
            }
            for experiment in experiments
            for spreads in experiment.spreads
            for source in _rows(spreads)
        ]
    )


def _method(experiments: Sequence[Experiment]) -> list[str]:
    tables = [spreads.blocks for one in experiments for spreads in one.spreads]
    notes = [
        _(
            "Each source was let loose alone, the others held at one fixed draw. A source's spread "
            "could be another at another draw; arms that vary the same stream share its seeds."
        ),
        _(
            "Intervals of a standard deviation are Bonett's (2006), which do not take values for "
            "normal; with fewer than 5 trials there is none. Ratios of variances are jackknifed on "
            "the logarithm, replicate by replicate (Miller 1968)."
        ),
        _(
            "The finite validation set: p (1 - p) / m times (N - m) / (N - 1) for an accuracy p "
            "on m images drawn from N without replacement (Cochran 1977). The classes stay in "
            "proportion, which makes it a little less."
        ),
        _("These numbers describe; claims on spread are decided by their own tests."),
    ]
    if any(spreads.crossings for one in experiments for spreads in one.spreads):
        notes.append(
            _(
                "Crossed draws: variance components of two random factors by restricted maximum "
                "likelihood, with the interval of ICC(2,1) (Shrout & Fleiss 1979)."
            )
        )
    if any(table.horizon is not None for table in tables):
        notes.append(
            _("Times are cut where the first trial stopped being watched without success.")
        )
    return notes + left_out_note({replicate for table in tables for replicate in table.left_out})
