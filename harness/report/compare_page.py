"""The page of a comparison of two results: small, in the look of a study's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.analyses.compare import Compared, Recorded, ResultsCompared
from harness.language import N_, SOURCE, _, using
from harness.measures import steady_seconds
from harness.prose.compare_words import (
    COMPARISON_HEADER,
    STANDINGS,
    compare_answer,
    compare_document,
    comparison_cells,
    environment_lines,
    method_sentences,
    sameness_line,
)
from harness.prose.words import MARKS, sentence, stopped
from harness.quantities import NO_VALUE, number
from harness.report.claim_figures import effects
from harness.report.exports import json_text
from harness.report.figures import Drawn
from harness.report.files import make_folder, write_whole
from harness.report.frame import page_name, part, policy, style_sheet, templates
from harness.verdicts import Verdict

DOCUMENT = "compare.json"
_KINDS: Mapping[str, str] = {
    "epochs_to": N_("epochs to"),
    "steps_to": N_("steps to"),
    "seconds_to": N_("seconds to"),
    "epochs_to_plateau": N_("epochs to plateau"),
    "epochs_to_fraction": N_("epochs to fraction"),
    "final": N_("final"),
    "best": N_("best"),
    "at_epoch": N_("at epoch {epoch}"),
    "mean_over_epochs": N_("mean over epochs"),
    "rise": N_("rise"),
    "seconds_per_epoch": N_("seconds per epoch"),
}


def write_comparison(found: ResultsCompared, folder: Path) -> Path:
    """Write ``compare.html``, in the current language, and ``compare.json``; returns the page.

    Raises:
        ReportError: The folder cannot be written.
    """
    make_folder(folder)
    with using(SOURCE):
        write_whole(folder, DOCUMENT, json_text(compare_document(found)))
    return write_whole(folder, page_name("compare"), render_comparison(found))


def render_comparison(found: ResultsCompared) -> str:
    """The whole page as HTML."""
    study = found.before.study.study
    style, script = style_sheet(), part("script.js")
    return (
        templates()
        .get_template("compare.html.j2")
        .render(
            style=style,
            script=script,
            policy=policy(style, script),
            marks=MARKS,
            name=study.name,
            before=found.before,
            after=found.after,
            answer=compare_answer(found),
            outcome=STANDINGS[found.standing],
            notices=[sentence(_(notice)) for notice in found.notices],
            sameness=[stopped(sameness_line(one)) for one in found.sameness],
            environment=list(environment_lines(found)),
            header=[_(title) for title in COMPARISON_HEADER],
            rows=[_row(compared) for compared in found.comparisons],
            forests=_forests(found),
            seconds=_seconds(found),
            methods=method_sentences(found),
        )
    )


def _row(compared: Compared) -> dict[str, Any]:
    return {"outcome": STANDINGS[compared.standing], "cells": comparison_cells(compared)}


def _forests(found: ResultsCompared) -> list[Drawn]:
    """The differences beside their margins, a figure a unit; bit-identical arms show nothing."""
    drawn = []
    shown = [c for c in found.comparisons if not c.is_identical]
    for unit in dict.fromkeys(c.verdict.claim.measure.unit for c in shown):
        verdicts = [_labelled(c) for c in shown if c.verdict.claim.measure.unit == unit]
        drawn.append(effects(f"compare-{unit}", verdicts, DOCUMENT))
    return drawn


def _labelled(compared: Compared) -> Verdict:
    """The verdict as the figure shows it: named by arm and measure, marked as in the table."""
    claim = compared.verdict.claim
    kind = _(_KINDS[claim.measure.kind]).format(epoch=getattr(claim.measure, "epoch", ""))
    name = f"{compared.arm}: {kind}"
    return replace(
        compared.verdict,
        claim=claim.model_copy(update={"id": name}),
        outcome=STANDINGS[compared.standing],
    )


def _seconds(found: ResultsCompared) -> list[list[str]]:
    """By arm, median seconds of a steady epoch on either side, and their ratio."""
    rows = []
    for one in found.sameness:
        sides = [_steady(recorded, one.arm) for recorded in (found.before, found.after)]
        known = all(np.isfinite(value) and value > 0 for value in sides)
        ratio = f"{sides[1] / sides[0]:.2f}" if known else NO_VALUE
        rows.append([one.arm, *(number(value, 3) for value in sides), ratio])
    return rows


def _steady(recorded: Recorded, arm: str) -> float:
    own = recorded.curves[recorded.curves["arm"] == arm]
    values = [
        steady_seconds(rows["seconds"].to_numpy(dtype=float))
        for _replicate, rows in own.groupby("replicate")
    ]
    finite = [value for value in values if np.isfinite(value)]
    return float(np.median(finite)) if finite else float("nan")
