"""The report's page: results in, one self-contained HTML document out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.claims import matching_arms
from harness.language import N_, _
from harness.prose import answer_words, words
from harness.prose.notices import study_notices
from harness.quantities import joined, listed, percent, plural, strung
from harness.report.cards import verdict_cards
from harness.report.claim_figures import effects, time_to_event, values_by_arm
from harness.report.figure_style import ArmStyle, arm_styles
from harness.report.figures import Drawn, learning_curves, seconds_by_epoch
from harness.report.frame import part, policy, style_sheet, templates
from harness.report.images import SampleGrid
from harness.report.measured import MeasuredArms, measured_arms
from harness.report.methods import methods_of
from harness.report.sections import Section
from harness.report.series import Series, published_curves, series_by_arm
from harness.report.tables import (
    arm_details,
    arm_notes,
    data_words,
    environment_details,
    measure_rows,
    randomness_lines,
    time_rows,
    trouble_details,
)
from harness.results import Results

_METRIC_ORDER = ("val_accuracy", "val_loss", "accuracy", "loss")
_CLOCKS = ("seconds", "cpu_seconds")
_ARMS_TOLD = 4
"""Arms behind one name that are told by their own; of more it is said how many."""
_SECTIONS = (
    ("answer", N_("Answer"), True),
    ("verdicts", N_("Verdicts"), "verdicts"),
    ("claims", N_("Claims"), "verdicts"),
    ("curves", N_("Learning curves"), True),
    ("reached", N_("When trials got there"), "times"),
    ("effects", N_("Effects"), "forests"),
    ("measures", N_("Measures"), "measures"),
    ("analyses", "", "analyses"),
    ("time", N_("Time"), "clocks"),
    ("samples", N_("Images"), "grids"),
    ("arms", N_("Arms"), True),
    ("troubles", N_("Failures"), "troubles"),
    ("randomness", N_("Randomness"), True),
    ("methods", N_("Methods"), True),
    ("files", N_("Files"), True),
)
_FATES = {
    "completed": N_("{n} completed"),
    "diverged": N_("{n} diverged"),
    "failed": N_("{n} failed"),
}


def render_page(
    results: Results, grids: Mapping[str, SampleGrid], analyses: Sequence[Section]
) -> str:
    """The whole page as HTML.

    Args:
        results: A study's outcome.
        grids: Training images to show, by the name of their data.
        analyses: Sections that look further than the verdicts.
    """
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    arms, asked = series_by_arm(results), measured_arms(results)
    published, fault = published_curves(results)
    style, script = style_sheet(), part("script.js")
    context = {
        **_words_of(results, [fault] if fault else []),
        **_figures_of(results, arms, asked, styles, published),
        **_details_of(results, arms, asked),
        "grids": grids,
        "styles": styles,
        "style": style,
        "script": script,
        "policy": policy(style, script),
        "published_label": _published_label(results, published),
    }
    context["analyses"] = analyses
    context["contents"] = list(_contents(context))
    return templates().get_template("report.html.j2").render(context)


def _contents(context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Anchor and title of every section that is shown."""
    for key, title, shown in _SECTIONS:
        if key == "analyses":
            yield from ((part.key, part.title) for part in context["analyses"])
        elif shown is True or context[str(shown)]:
            yield key, _(title)


def _published_label(results: Results, table: object) -> str | None:
    published = results.loaded.study.published
    return _(published.label) if published is not None and table is not None else None


def _words_of(results: Results, faults: list[str]) -> dict[str, Any]:
    study, verdicts = results.loaded.study, results.verdicts
    return {
        "name": study.study.name,
        "question": _(study.study.question),
        "data_label": study.data_label,
        "overline": _overline(results),
        "lead": answer_words.answer_lead(verdicts),
        "findings": [
            {
                "outcome": verdict.outcome,
                "says": _(verdict.claim.says),
                "finding": answer_words.headline(verdict),
            }
            for verdict in answer_words.answering(verdicts)
        ],
        "scale": _scale(results),
        "trust": joined([_groups(results), _trust(results)]),
        "notices": [words.sentence(notice) for notice in [*study_notices(results), *faults]],
        "marks": words.MARKS,
        "meanings": [(o, words.sentence(words.outcome_words(o))) for o in words.OUTCOMES],
    }


def _overline(results: Results) -> str:
    loaded = results.loaded
    if loaded.profile:
        told = _("Study {name}, profile {profile}")
        return told.format(name=loaded.study.study.name, profile=loaded.profile)
    return _("Study {name}").format(name=loaded.study.study.name)


def _scale(results: Results) -> str:
    """How large the study is, and what became of its trials."""
    study = results.loaded.study
    budgets = sorted({study.epochs_of(arm) for arm in study.all_arms})
    epochs = plural(budgets[-1], "epoch")
    if len(budgets) > 1:
        epochs = _("{low} to {high}").format(low=budgets[0], high=epochs)
    replicates = plural(len(study.study.replicate_ids), "replicate")
    if study.stopping.rule == "group-sequential":
        replicates = _("at most {count}").format(count=replicates)
    counts = results.trials["status"].value_counts()
    fates = strung(
        _(told).format(n=counts[status]) for status, told in _FATES.items() if status in counts
    )
    arms = plural(len(study.all_arms), "arm")
    if results.runs:
        runs = plural(len(results.runs), "run")
        return _("{arms}, {runs} read from logs: {fates}.").format(
            arms=arms, runs=runs, fates=fates
        )
    return _("{data}: {arms}, {replicates}, {epochs}. Trials: {fates}.").format(
        data=data_words(study),
        arms=arms,
        replicates=replicates,
        epochs=epochs,
        fates=fates or _("none yet"),
    )


def _trust(results: Results) -> str:
    """How far a finding can be trusted, for a reader who has never heard of p values."""
    if not any(verdict.reason is None for verdict in results.verdicts):
        return ""
    study = results.loaded.study
    return _(
        "An arm is one model with its settings; a replicate is one more training of every arm, "
        "with other random numbers where the study draws them anew. Were all differences mere "
        "luck, at most {alpha} of such studies would call any of them real."
    ).format(alpha=percent(study.study.alpha))


def _groups(results: Results) -> str:
    """What is meant by names that stand for several arms, where the answer has such."""
    names = [arm.name for arm in results.loaded.study.all_arms]
    answering = [verdict.claim for verdict in answer_words.answering(results.verdicts)]
    told = []
    for pattern in dict.fromkeys(side for claim in answering for side in claim.sides):
        arms = matching_arms(pattern, names)
        if len(arms) > 1:
            shown = listed(arms) if len(arms) <= _ARMS_TOLD else plural(len(arms), "arm")
            told.append(
                _("{name} is the mean of {arms} in each replicate.").format(
                    name=pattern, arms=shown
                )
            )
    return joined(told)


def _figures_of(
    results: Results,
    arms: Mapping[str, Mapping[str, Series]],
    asked: Sequence[MeasuredArms],
    styles: Mapping[str, ArmStyle],
    published: Any,
) -> dict[str, Any]:
    paired = results.is_paired
    return {
        "curves": [
            learning_curves(metric, of_arms, styles, published)
            for metric in _METRIC_ORDER
            if (of_arms := _recorded(arms, metric))
        ],
        "times": [
            time_to_event(f"times-{i}", measured, styles)
            for i, measured in enumerate(asked)
            if measured.has_times
        ],
        "forests": _forests(results),
        "measures": [
            values_by_arm(f"values-{i}", measured, styles, is_paired=paired)
            for i, measured in enumerate(asked)
        ],
        "clocks": [
            seconds_by_epoch(column, of_arms, styles)
            for column in _CLOCKS
            if (of_arms := _recorded(arms, column))
        ],
        "paired": paired,
        "arm_names": list(arms),
        "timed_arms": _arms_of([measured for measured in asked if measured.has_times]),
    }


def _arms_of(asked: Sequence[MeasuredArms]) -> list[str]:
    return list(dict.fromkeys(row.arm for measured in asked for row in measured.rows))


def _recorded(arms: Mapping[str, Mapping[str, Series]], column: str) -> dict[str, Series]:
    """The arms of which a column holds any number."""
    return {name: columns[column] for name, columns in arms.items() if columns[column].has_values}


def _forests(results: Results) -> list[Drawn]:
    units = dict.fromkeys(verdict.claim.measure.unit for verdict in results.verdicts)
    return [
        effects(f"effects-{i}", [v for v in results.verdicts if v.claim.measure.unit == unit])
        for i, unit in enumerate(units)
    ]


def _details_of(
    results: Results, arms: Mapping[str, Mapping[str, Series]], asked: Sequence[MeasuredArms]
) -> dict[str, Any]:
    methods = methods_of(results.verdicts)
    return {
        "verdicts": verdict_cards(results),
        "measure_rows": [row for measured in asked for row in measure_rows(measured)],
        "time_rows": time_rows(arms),
        "arms": arm_details(results),
        "arm_notes": arm_notes(results),
        "troubles": trouble_details(results),
        "randomness": randomness_lines(results),
        "methods": methods,
        "method_keys": {method.key for method in methods},
        "environments": environment_details(results),
    }
