"""What a verdict's card shows beyond its words: a drawing, its arms, and itself as Markdown."""

from __future__ import annotations

from typing import Any

import pandas as pd

from harness.claims import matching_arms
from harness.language import _
from harness.prose import nuance_words, words
from harness.quantities import joined, p_value, percent
from harness.report.claim_figures import gauge
from harness.report.formats import markdown_text, markdown_words
from harness.report.methods import comparison_method
from harness.report.tables import verdict_details
from harness.results import Results
from harness.verdicts import Verdict


def verdict_cards(results: Results) -> list[dict[str, Any]]:
    """One entry a verdict: its details in words, and what the card draws and copies."""
    names = [arm.name for arm in results.loaded.study.all_arms]
    return [
        {
            **verdict_details(verdict),
            "arms": [arm for side in verdict.claim.sides for arm in matching_arms(side, names)],
            "compared": comparison_method(verdict).key,
            "test": "sign-flip" if verdict.is_paired else "unpaired",
            "gauge": gauge(verdict),
            "markdown": verdict_markdown(verdict),
        }
        for verdict in results.verdicts
    ]


def verdict_markdown(verdict: Verdict) -> str:
    """A verdict as Markdown, for a merge request or an issue."""
    claim = verdict.claim
    mark, outcome = words.MARKS[verdict.outcome], _(verdict.outcome)
    heading = f"**{mark} {outcome}**: {markdown_words(_(claim.says))}"
    told = markdown_words(words.finding(verdict))
    change = joined(
        [_("What would change this?"), markdown_words(nuance_words.what_would_change(verdict))]
    )
    if verdict.reason is not None:
        return "\n\n".join([heading, words.stopped(told), change]) + "\n"
    table = pd.DataFrame(
        {
            _("effect"): [words.effect_words(verdict)],
            _("{level} interval").format(level=percent(verdict.interval.level)): [
                words.interval_words(verdict)
            ],
            _("adjusted p"): [p_value(verdict.deciding[1], verdict.alpha)],
            _("compared"): [words.sample_words(verdict)],
            _("margin"): [words.margin_words(verdict)],
        }
    )
    return "\n\n".join([heading, words.stopped(told), markdown_text(table) + "\n" + change]) + "\n"
