"""The report's page: results in, one self-contained HTML document out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import jinja2

from harness.prose import words
from harness.prose.notices import study_notices
from harness.quantities import percent, plural
from harness.report.cards import verdict_cards
from harness.report.claim_figures import effects, time_to_event, values_by_arm
from harness.report.figure_style import ArmStyle, arm_styles, palette_css
from harness.report.figures import Drawn, learning_curves, seconds_by_epoch
from harness.report.images import SampleGrid
from harness.report.measured import MeasuredArms, measured_arms
from harness.report.methods import methods_of
from harness.report.sections import Section
from harness.report.series import Series, published_curves, series_by_arm
from harness.report.tables import (
    arm_details,
    arm_notes,
    environment_details,
    measure_rows,
    randomness_lines,
    time_rows,
    trouble_details,
)
from harness.results import Results

_METRIC_ORDER = ("val_accuracy", "val_loss", "accuracy", "loss")
_CLOCKS = ("seconds", "cpu_seconds")
_SECTIONS = (
    ("answer", "Answer", True),
    ("verdicts", "Verdicts", "verdicts"),
    ("claims", "Claims", "verdicts"),
    ("curves", "Learning curves", True),
    ("reached", "When trials got there", "times"),
    ("effects", "Effects", "forests"),
    ("measures", "Measures", "measures"),
    ("analyses", "", "analyses"),
    ("time", "Time", "clocks"),
    ("samples", "Images", "grid"),
    ("arms", "Arms", True),
    ("troubles", "Failures", "troubles"),
    ("randomness", "Randomness", True),
    ("methods", "Methods", True),
    ("files", "Files", True),
)


def render_page(results: Results, grid: SampleGrid | None, analyses: Sequence[Section]) -> str:
    """The whole page as HTML.

    Args:
        results: A study's outcome.
        grid: Training images to show, if there are any.
        analyses: Sections that look further than the verdicts.
    """
    styles = arm_styles([arm.name for arm in results.loaded.study.all_arms])
    published, fault = published_curves(results)
    style, script = style_sheet(), _part("script.js")
    context = {
        **_words_of(results, [fault] if fault else []),
        **_figures_of(results, styles, published),
        **_details_of(results),
        "grid": grid,
        "styles": styles,
        "style": style,
        "script": script,
        "policy": _policy(style, script),
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
            yield key, title


def _published_label(results: Results, table: object) -> str | None:
    published = results.loaded.study.published
    return published.label if published is not None and table is not None else None


def _words_of(results: Results, faults: list[str]) -> dict[str, Any]:
    study, verdicts = results.loaded.study, results.verdicts
    return {
        "study": study.study,
        "data_label": study.data.label,
        "overline": _overline(results),
        "lead": words.answer_lead(verdicts),
        "findings": [
            {
                "outcome": verdict.outcome,
                "says": verdict.claim.says,
                "finding": words.headline(verdict),
            }
            for verdict in words.answering(verdicts)
        ],
        "scale": _scale(results),
        "trust": _trust(results),
        "notices": [words.sentence(notice) for notice in [*study_notices(results), *faults]],
        "marks": words.MARKS,
        "meanings": [(o, words.sentence(words.outcome_words(o))) for o in words.OUTCOMES],
    }


def _overline(results: Results) -> str:
    loaded = results.loaded
    profile = f", profile {loaded.profile}" if loaded.profile else ""
    return f"Study {loaded.study.study.name}{profile}"


def _scale(results: Results) -> str:
    """How large the study is, and what became of its trials."""
    study = results.loaded.study
    budgets = sorted({study.epochs_of(arm) for arm in study.all_arms})
    epochs = (
        plural(budgets[0], "epoch")
        if len(budgets) == 1
        else (f"{budgets[0]} to {plural(budgets[-1], 'epoch')}")
    )
    replicates = plural(len(study.study.replicate_ids), "replicate")
    if study.stopping.rule == "group-sequential":
        replicates = f"at most {replicates}"
    counts = results.trials["status"].value_counts()
    fates = ", ".join(
        f"{counts[status]} {status}"
        for status in ("completed", "diverged", "failed")
        if status in counts
    )
    arms = plural(len(study.all_arms), "arm")
    if results.runs:
        return f"{arms}, {plural(len(results.runs), 'run')} read from logs: {fates}."
    return f"{study.data.label}: {arms}, {replicates}, {epochs}. Trials: {fates or 'none yet'}."


def _trust(results: Results) -> str:
    """How far a finding can be trusted, for a reader who has never heard of p values."""
    if not any(verdict.reason is None for verdict in results.verdicts):
        return ""
    study = results.loaded.study
    return (
        "A replicate is one more training of every arm, with other random numbers where the study "
        f"draws them anew. Were all differences mere luck, at most {percent(study.study.alpha)} of "
        "such studies would call any of them real."
    )


def _figures_of(results: Results, styles: Mapping[str, ArmStyle], published: Any) -> dict[str, Any]:
    arms = series_by_arm(results)
    asked = measured_arms(results)
    paired = all(verdict.is_paired for verdict in results.verdicts)
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


def _details_of(results: Results) -> dict[str, Any]:
    asked = measured_arms(results)
    methods = methods_of(results.verdicts)
    return {
        "verdicts": verdict_cards(results),
        "measure_rows": [row for measured in asked for row in measure_rows(measured)],
        "time_rows": time_rows(series_by_arm(results)),
        "arms": arm_details(results),
        "arm_notes": arm_notes(results),
        "troubles": trouble_details(results),
        "randomness": randomness_lines(results),
        "methods": methods,
        "method_keys": {method.key for method in methods},
        "environments": environment_details(results),
    }


def style_sheet() -> str:
    """The style sheet, with the arms' colours for light and dark pages."""
    sheet = _part("style.css")
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {palette_css(dark=True)} }} }}"
    return f"{sheet}\n:root {{ {palette_css(dark=False)} }}\n{dark}\n"


def _part(name: str) -> str:
    return resources.files("harness.report").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: this style sheet and this script, and nothing from outside.

    Figures carry style attributes; browsers that cannot allow these alone take ``style-src``.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"script-src {_hash(script)}",
            f"style-src-elem {_hash(style)}",
            "style-src-attr 'unsafe-inline'",
            "style-src 'unsafe-inline'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def templates() -> jinja2.Environment:
    """What turns the page's templates into HTML; everything is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_unbroken,
    )
    environment.filters["slug"] = lambda outcome: outcome.replace(" ", "-")
    environment.filters["px"] = lambda dash: f"{dash * 1.6:g}"
    return environment


def _unbroken(value: Any) -> Any:
    """Keep a number and its sign on one line: "95 %", "< 0.001"."""
    if type(value) is not str:  # markup is left as it is
        return value
    return value.replace(" %", "\N{NO-BREAK SPACE}%").replace("< 0", "<\N{NO-BREAK SPACE}0")
