"""The section on the procedure itself: how often the study's decisions would err."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from harness.analyses.calibration import (
    REPEATS,
    Calibration,
    Check,
    ClaimCalibration,
    Rate,
    affordable,
    calibrate,
)
from harness.language import N_, _
from harness.prose.calibration_words import method, rate_words, share_words, summary
from harness.quantities import NO_VALUE, percent, strung
from harness.report.exports import csv_text
from harness.report.figure_style import INK, MUTED, PANEL, ZONE, as_svg, drawing, short
from harness.report.figures import Drawn
from harness.report.sections import Section, Table
from harness.results import Results

SECONDS = 2.0
"""What the report may spend on it."""
_FEWEST = 100  # repeats below which rates say too little to be shown
_FILE = "calibration.csv"
_MARKS: tuple[tuple[Check, str, str], ...] = (
    ("no difference", "o", N_("no difference called real")),
    ("interval", "s", N_("interval misses, symmetric")),
    ("interval, as seen", "D", N_("interval misses, skewed as seen")),
)
_TABLES: tuple[tuple[str, Mapping[str, Check]], ...] = (
    (
        N_("Errors without a difference, and of intervals"),
        {
            N_("No difference, called real"): "no difference",
            N_("Halves of one arm, called different"): "halves of one arm",
            N_("Interval misses the truth"): "interval",
            N_("The same, skewed as seen"): "interval, as seen",
        },
    ),
    (
        N_("Differences as large as the margin, called practically equal"),
        {
            N_("At +margin"): "equal at +margin",
            N_("At −margin"): "equal at -margin",
            N_("At +margin, skewed as seen"): "equal at +margin, as seen",
            N_("At −margin, skewed as seen"): "equal at -margin, as seen",
        },
    ),
)


def section_of(results: Results) -> Section | None:
    """The error rates of the study's claims; None where they are not to be had quickly."""
    repeats = affordable(results, SECONDS)
    found = calibrate(results, repeats=repeats) if repeats >= _FEWEST else None
    if found is None:
        return None
    notes = method(found)
    if repeats < REPEATS:
        told = _("The command “bench calibrate” tries {n} of each kind.")
        notes.append(told.format(n=f"{REPEATS:,}"))
    return Section(
        key="calibration",
        title=_("How often these decisions err"),
        lead=summary(found),
        figures=[_figure(found)],
        tables=[_table(found, caption, columns) for caption, columns in _TABLES],
        method=notes,
        files={_FILE: csv_text(_numbers(found))},
    )


def _table(found: Calibration, caption: str, columns: Mapping[str, Check]) -> Table:
    return Table(
        caption=_(caption),
        header=[_("Claim"), *map(_, columns)],
        rows=[
            [one.claim.id, *(_cell(one.rates.get(check)) for check in columns.values())]
            for one in found.claims
            if any(check in one.rates for check in columns.values())
        ],
    )


def _cell(rate: Rate | None) -> str:
    if rate is None:
        return NO_VALUE
    told = rate_words(rate)
    return _("{rate}: too often").format(rate=told) if rate.is_fault else told


def _numbers(found: Calibration) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "claim": one.claim.id,
                "check": check,
                "errors": rate.errors,
                "of": rate.of,
                "rate": rate.share,
                "low": rate.interval().low,
                "high": rate.interval().high,
                "allowed": rate.allowed,
            }
            for one in found.claims
            for check, rate in one.rates.items()
        ]
    )


def _figure(found: Calibration) -> Drawn:
    """The main rates of each claim with their Monte Carlo intervals."""
    shown = [one for one in found.claims if one.rates]
    with drawing(PANEL[0], 1.15 + 0.42 * len(shown)) as figure:
        axes = figure.add_subplot()
        axes.axvspan(0, 100 * found.alpha, color=ZONE, zorder=0, linewidth=0)
        for offset, (check, marker, label) in zip((-0.24, 0.0, 0.24), _MARKS, strict=True):
            drawn = [(i, one.rates[check]) for i, one in enumerate(shown) if check in one.rates]
            _draw(axes, drawn, offset, marker, _(label))
        axes.set_yticks(range(len(shown)), [short(one.claim.id) for one in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(_("error rate (%)"))
        figure.legend(loc="outside lower center", ncols=1, fontsize=8, frameon=False)
        svg = as_svg(figure, "calibration", _alt(shown, found))
    caption = _(
        "The shaded zone ends at the {alpha} that is meant. Lines are 95 % Monte Carlo intervals."
    ).format(alpha=percent(found.alpha))
    return Drawn(svg, _("Error rates where the truth is known"), caption, _FILE)


def _draw(
    axes: Axes, drawn: Sequence[tuple[int, Rate]], offset: float, marker: str, label: str
) -> None:
    for place, rate in drawn:
        ends = rate.interval()
        axes.plot(
            [100 * ends.low, 100 * ends.high],
            [place + offset] * 2,
            color=MUTED,
            linewidth=1.0,
            zorder=2,
        )
    axes.plot(
        [100 * rate.share for _place, rate in drawn],
        [place + offset for place, _rate in drawn],
        linestyle="none",
        marker=marker,
        markersize=3.8,
        color=INK,
        markerfacecolor="none" if marker == "D" else INK,
        label=label,
        zorder=3,
    )


def _alt(shown: Sequence[ClaimCalibration], found: Calibration) -> str:
    told = [
        f"{one.claim.id} "
        + strung(
            f"{_(label)} {share_words(one.rates[check].share)}"
            for check, _marker, label in _MARKS
            if check in one.rates
        )
        for one in shown
    ]
    return _("Error rates, {alpha} meant. {rates}.").format(
        alpha=percent(found.alpha), rates="; ".join(told)
    )
