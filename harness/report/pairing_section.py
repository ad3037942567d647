"""The section on what pairing is worth: how alike the trials of one replicate are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analyses.pairing import Pairing, pairings_of
from harness.language import _
from harness.prose.phrases import subject
from harness.prose.randomness_words import pairing_sentence
from harness.quantities import NO_VALUE, number, with_ends
from harness.report.sections import Section, Table
from harness.results import Results
from harness.stats.results import Estimate


def section_of(results: Results) -> Section | None:
    """What pairing is worth; None where trials are not paired or no two arms are compared."""
    if not results.is_paired:
        return None
    pairings = pairings_of(results.loaded.study, results.values)
    if not pairings:
        return None
    return Section(
        key="pairing",
        title=_("What pairing is worth"),
        lead=[pairing_sentence(pairing) for pairing in pairings],
        tables=[_table(pairings)],
        method=[
            _(
                "Pairing pays where trials of one replicate rise and fall together. One pair is "
                "worth as many unpaired trials of each arm as the variance of the difference would "
                "be larger without pairing: (var a + var b) / var (a - b) (Student 1931)."
            ),
            _(
                "Intervals: Fisher's z for the correlation (1921), a jackknife of the logarithm "
                "over replicates for the worth (Miller 1968)."
            ),
        ],
    )


def _table(pairings: Sequence[Pairing]) -> Table:
    return Table(
        caption=_("Correlation of paired trials, and what a pair is worth"),
        header=[
            _("First"),
            _("Second"),
            _("Measure"),
            _("Pairs"),
            _("Correlation"),
            _("A pair is worth"),
        ],
        rows=[
            [
                *pairing.claim.sides,
                subject(pairing.claim.measure),
                str(pairing.pairs),
                _estimate(pairing.correlation),
                _estimate(pairing.gain),
            ]
            for pairing in pairings
        ],
    )


def _estimate(estimate: Estimate) -> str:
    if math.isnan(estimate.value):
        return NO_VALUE
    ends = estimate.interval
    told = number(estimate.value, 2)
    if math.isnan(ends.low):
        return told
    return with_ends(told, number(ends.low, 2), number(ends.high, 2))
