"""The report's tables and lists: every cell a finished text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.claims import Claim
from harness.language import N_, _, name_of
from harness.measures import startup_seconds, steady_seconds
from harness.prose import nuance_words, words
from harness.prose.notices import trouble_words
from harness.prose.phrases import claim_subject
from harness.quantities import (
    NO_VALUE,
    amount,
    decimals_for,
    given_amount,
    level,
    listed,
    number,
    p_value,
    percent,
    plural,
    span_with_unit,
)
from harness.report.measured import MeasuredArms
from harness.report.series import Series
from harness.results import Results
from harness.stats.results import Estimate, Interval, TestResult
from harness.study import STREAMS, Arm, Study
from harness.verdicts import Side, Verdict

Row = list[str]
_STREAM_WORDS = {
    "init": N_("initial weights"),
    "shuffle": N_("order of the training data"),
    "dropout": N_("units dropped by dropout"),
    "split": N_("split of the data"),
}
_EXPECTED = {
    "greater": N_("the first side is greater"),
    "less": N_("the first side is less"),
    "different": N_("the sides differ"),
    "equivalent": N_("the sides are practically equal"),
}


_UNITS: Mapping[str, str] = {
    "accuracy": N_("accuracy"),
    "epochs": N_("epochs"),
    "steps": N_("steps"),
    "seconds": N_("seconds"),
    "nats": N_("nats"),
}


def verdict_details(verdict: Verdict) -> dict[str, Any]:
    """Everything that the page says about a verdict, in words."""
    claim, alpha = verdict.claim, verdict.alpha
    test, p_adjusted = verdict.deciding
    unit, decimals = claim.measure.unit, words.decimals_of(verdict)
    return {
        "id": claim.id,
        "says": _(claim.says),
        "outcome": verdict.outcome,
        "answers_question": claim.answers_question,
        "confirmatory": verdict.confirmatory,
        "reason": "" if verdict.reason is None else words.sentence(_(verdict.reason)),
        "effect": words.effect_words(verdict),
        "interval": words.interval_words(verdict),
        "interval_name": _("{level} interval").format(level=percent(verdict.interval.level)),
        "p": p_value(test.p, alpha),
        "p_adjusted": p_value(p_adjusted, alpha),
        "n": str(verdict.n),
        "sample": words.sample_words(verdict),
        "margin": words.margin_words(verdict),
        "between": _between(verdict),
        "sentence": words.verdict_sentence(verdict),
        "nuances": nuance_words.nuances(verdict),
        "what_would_change": nuance_words.what_would_change(verdict),
        "expected": _(_EXPECTED[claim.expect]),
        "measure": _("{measure} ({unit})").format(
            measure=_(claim.measure.label), unit=_(_UNITS[unit])
        ),
        "method": _(test.method) if test.defined else _("none: not testable"),
        "equivalence_name": _("{level} interval, held against the margin").format(
            level=percent(verdict.equivalence_interval.level)
        ),
        "equivalence_interval": span_with_unit(verdict.equivalence_interval, unit, decimals),
        "side_rows": [_side_row(side, claim) for side in verdict.sides[: len(claim.sides)]],
        "sensitivity": [_test_row(name, t, alpha) for name, t in verdict.sensitivity.items()],
        "effect_sizes": [_estimate_row(n, e) for n, e in verdict.effect_sizes.items()],
    }


def _side_row(side: Side, claim: Claim) -> Row:
    is_level = claim.statistic == "mean" and claim.beyond is None
    mean = _level if is_level else _spread
    reached = "" if side.reached is None else _of(side.reached, side.n)
    return [name_of(side.name), str(side.n), mean(side.mean, claim.measure.unit), reached]


def _of(part: int, whole: int) -> str:
    return _("{part} of {whole}").format(part=part, whole=whole)


def _level(value: float, unit: str) -> str:
    return level(value, unit, max(2, decimals_for(unit, Interval(value, value, 1), value)))


def _test_row(name: str, test: TestResult, alpha: float) -> Row:
    told = _(test.reason or test.method)
    return [_(name), number(test.statistic, 3), p_value(test.p, alpha), told]


def _estimate_row(name: str, estimate: Estimate) -> Row:
    ends = estimate.interval
    undefined = math.isnan(ends.low) or math.isnan(ends.high)
    told = _("{low} to {high}").format(low=number(ends.low, 2), high=number(ends.high, 2))
    interval = NO_VALUE if undefined else told
    return [_(name), number(estimate.value, 2), interval, _(estimate.reason or estimate.method)]


def measure_rows(measured: MeasuredArms) -> list[Row]:
    """One row an arm: how many trials, mean, spread, and how many reached a censorable event.

    Times are cut at the horizon, as in verdicts: all numbers of a row are of the same times.
    """
    unit, rows, title = measured.measure.unit, [], measured.title
    if measured.horizon is not None:
        within = given_amount(measured.horizon, unit)
        title = _("{measure}, watched up to {horizon}").format(measure=title, horizon=within)
    for row in measured.restricted:
        values = np.array([m.value for m in row.known])
        spread = float(values.std(ddof=1)) if len(values) > 1 else math.nan
        ends = (values.mean(), values.min(), values.max()) if len(values) else (math.nan,) * 3
        mean, low, high = (_level(float(end), unit) for end in ends)
        timed = measured.measure.can_be_censored
        count = _of(row.reached, len(row.known)) if timed else ""
        cells = [str(len(row.values)), mean, _spread(spread, unit), low, high, count]
        rows.append([title, row.label, *cells])
    return rows


def _spread(spread: float, unit: str) -> str:
    """A standard deviation; that of accuracies in percentage points."""
    return amount(spread, unit, decimals_for(unit, Interval(0, spread, 1), spread))


def time_rows(arms: Mapping[str, Mapping[str, Series]]) -> list[Row]:
    """One row an arm: total, steady and start-up seconds, by the wall clock and the processor's."""
    return [
        [name, *_clock_cells(columns["seconds"]), *_clock_cells(columns["cpu_seconds"])]
        for name, columns in arms.items()
    ]


def _clock_cells(series: Series) -> Row:
    rows = [row[np.isfinite(row)] for row in series.matrix]
    rows = [row for row in rows if len(row)]
    if not rows:
        return [NO_VALUE] * 3
    totals = [float(row.sum()) for row in rows]
    steady = [steady_seconds(row) for row in rows if len(row) > 1]
    startup = [startup_seconds(row) for row in rows if len(row) > 1]
    return [_seconds(totals), _seconds(steady), _seconds(startup)]


def _seconds(values: Sequence[float]) -> str:
    return number(float(np.median(values)), 2) if values else NO_VALUE


@dataclass(frozen=True)
class ArmDetails:
    """An arm for the page."""

    name: str
    parameters: str
    settings: list[Row]
    layers: tuple[str, ...]


def arm_details(results: Results) -> list[ArmDetails]:
    """Each arm's effective settings; what only Keras knows is there once a trial was built."""
    study, described = results.loaded.study, results.arms
    details = []
    for arm in study.all_arms:
        built = described.get(arm.name)
        optimizer = built.optimizer if built else arm.optimizer.settings
        settings = [*_arm_settings(study, arm), *_table(f"{arm.optimizer.name}.", optimizer)]
        details.append(
            ArmDetails(
                name=arm.name,
                parameters=_parameters(built.parameters) if built else "",
                settings=settings,
                layers=built.layers if built else (),
            )
        )
    return details


def _parameters(count: int) -> str:
    """As it follows the arm's name."""
    return _(", {count} parameters").format(count=f"{count:,}")


def arm_notes(results: Results) -> list[str]:
    """What a reader may want to know about the arms' settings, each note once."""
    named: dict[str, list[str]] = {}
    for name, described in results.arms.items():
        for note in described.notes:
            named.setdefault(note, []).append(name)
    return [
        _("{names}: {note}").format(names=listed(names), note=_(note))
        for note, names in named.items()
    ]


def data_words(study: Study) -> str:
    """The data's names, and how many images are trained on, where the study sets one number."""
    label, counts = study.data_label, {data.train for data in study.all_data}
    count = counts.pop()
    if counts or count is None:
        return label
    images = plural(count, "image")
    if len(study.all_data) > 1:
        return _("{images} each of {data} to train on").format(images=images, data=label)
    return _("{images} of {data} to train on").format(images=images, data=label)


def _arm_settings(study: Study, arm: Arm) -> list[Row]:
    if arm.logs is not None:
        told = arm.logs.model_dump(exclude_none=True, exclude={"path"})
        return [[_("logs"), path] for path in arm.logs.paths] + _table("logs.", told)
    images = study.data_of(arm).train
    return [
        [_("architecture"), arm.architecture.name],
        *_table(f"{arm.architecture.name}.", arm.architecture.settings),
        [_("optimizer"), arm.optimizer.name],
        *([[_("data"), arm.data.label]] if arm.data is not None else []),
        *([[_("training images"), f"{images:,}"]] if images is not None else []),
        [_("epochs"), str(study.epochs_of(arm))],
        [_("batch size"), str(study.batch_size_of(arm))],
        [_("precision"), study.precision_of(arm)],
    ]


def _table(prefix: str, settings: Mapping[str, object]) -> list[Row]:
    return [[f"{prefix}{key}", str(value)] for key, value in settings.items()]


def trouble_details(results: Results) -> list[dict[str, str]]:
    """The trials that did not end well, each with its traceback if it has one."""
    bad = results.trials[results.trials["status"] != "completed"]
    return [
        {
            "text": trouble_words(row, results.curves),
            "error": row["error"] if isinstance(row["error"], str) else "",
        }
        for row in bad.to_dict("records")
    ]


def randomness_lines(results: Results) -> list[str]:
    """Which streams of randomness differed between replicates, and which were held."""
    study = results.loaded.study
    if study.is_of_logs:
        return [
            _("The runs were trained elsewhere: what was random in them, their logs do not say."),
            _("Runs of the same name are declared to share their seeds.")
            if study.study.paired
            else _("Runs of the same name are not known to share their seeds."),
        ]
    varied = study.randomness.vary
    lines = [
        (
            _("{what} ({stream}): drawn anew for each replicate.")
            if stream in varied
            else _("{what} ({stream}): held fixed.")
        ).format(what=_(_STREAM_WORDS[stream]).capitalize(), stream=stream)
        for stream in STREAMS
    ]
    own = [arm for arm in study.all_arms if arm.vary is not None or arm.crossed is not None]
    lines += [_own_streams(arm) for arm in own]
    lines.append(
        _(
            "The same replicate gives all arms on the same data the same order and split, as far "
            "as the arm varies them, so that trials can be compared in pairs."
        )
    )
    lines.append(
        _(
            "Training was deterministic: the same settings and replicate give the same curve, bit "
            "for bit, on the same machine."
        )
        if study.study.deterministic
        else _("Determinism was switched off: the same trial, repeated, may give another curve.")
    )
    return lines


def _own_streams(arm: Arm) -> str:
    """What an arm varies that does not follow the study."""
    if arm.crossed is not None:
        first, second = (_(_STREAM_WORDS[stream]) for stream in arm.crossed)
        return _("{arm}: each draw of {first} with each of {second}, all else held fixed.").format(
            arm=arm.name, first=first, second=second
        )
    if not arm.vary:
        return _("{arm}: everything held fixed; each replicate repeats the same trial.").format(
            arm=arm.name
        )
    varied = listed([_(_STREAM_WORDS[stream]) for stream in arm.vary])
    return _("{arm}: {streams} drawn anew, all else held fixed.").format(
        arm=arm.name, streams=varied
    )


def environment_details(results: Results) -> list[dict[str, Any]]:
    """Each environment that trained trials, with how many of them."""
    details = []
    counts: pd.Series[int] = results.trials["environment"].value_counts()
    for i, environment in enumerate(results.environments):
        title = _("Environment {place}: {n} trials").format(place=i + 1, n=counts.get(i, 0))
        rows = [[key, str(value)] for key, value in environment.items()]
        details.append({"title": title, "rows": rows})
    return details


def _between(verdict: Verdict) -> str:
    """What the effect is: "final validation accuracy, cnn minus mlp"."""
    first, second = (name_of(side.name) for side in verdict.sides)
    if verdict.claim.beyond is not None:  # the sides are differences themselves
        first, second = f"({first})", f"({second})"
    return _("{subject}, {first} minus {second}").format(
        subject=claim_subject(verdict.claim), first=first, second=second
    )
