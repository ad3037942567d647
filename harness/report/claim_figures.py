"""The figures about claims: times to an event, values of each measure, and effects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy.stats import gaussian_kde

from harness.language import _
from harness.prose.phrases import subject
from harness.prose.words import MARKS, effect_words, interval_words
from harness.quantities import (
    decimals_for,
    given_amount,
    level,
    listed,
    shown,
    unit_noun,
    with_percent,
)
from harness.report.direct_labels import label_ends
from harness.report.figure_style import (
    INK,
    MUTED,
    PANEL,
    ZONE,
    ArmStyle,
    as_svg,
    drawing,
    short,
)
from harness.report.figures import Drawn, tick_words
from harness.report.measured import MeasuredArms, Row
from harness.stats.results import Interval
from harness.stats.survival import CensoredTimes, KaplanMeierCurve, kaplan_meier
from harness.verdicts import Verdict

_WHOLE_STEPS = [1, 2, 5, 10]
_FEWEST = 5  # values that a cloud is drawn of


class Point(NamedTuple):
    """A trial's dot in a figure of values."""

    replicate: int
    x: float
    y: float
    censored: bool


def time_to_event(key: str, measured: MeasuredArms, styles: Mapping[str, ArmStyle]) -> Drawn:
    """Kaplan-Meier: the share of trials that got there, by time, with the trials still waiting.

    Args:
        key: Unique in the page.
        measured: A measure that can be censored, with a finite time in some trial.
        styles: How each arm is drawn.
    """
    rows = [row for row in measured.rows if row.known]
    curves = [kaplan_meier(_times(row)) for row in rows]
    end = max(float(curve.time[-1]) for curve in curves)
    unit = measured.measure.unit
    with drawing(PANEL[0], PANEL[1] - 0.2 + 0.17 * len(rows)) as figure:
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[12, len(rows) + 0.8])
        for row, curve in zip(rows, curves, strict=True):
            _draw_steps(axes, curve, styles[row.arm], end)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlim(-0.03 * end, end * 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=with_percent("")))
        axes.set_ylabel(_("trials that got there"))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=unit == "epochs", steps=_WHOLE_STEPS))
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(unit_noun(unit))
        ticks = [tick for tick in axes.get_xticks() if 0 <= tick <= end]
        if len({row.arm for row in rows}) == len(rows):
            lasts = [(end, 1 - float(curve.survival[-1])) for curve in curves]
            label_ends(axes, dict(zip([row.arm for row in rows], lasts, strict=True)), styles)
        _draw_at_risk(below, rows, curves, ticks)
        _mark_labels(below, rows, styles)
        reached = [
            _("{reached} of {n} of {arm}").format(
                reached=row.reached, n=len(row.known), arm=row.label
            )
            for row in rows
        ]
        alt = _("Share of trials by {measure}. Reached: {counts}.").format(
            measure=subject(measured.measure), counts=listed(reached)
        )
        svg = as_svg(figure, key, alt)
    return Drawn(svg, measured.title, "", "measures.csv")


def _times(row: Row) -> CensoredTimes:
    return CensoredTimes(
        np.array([m.value for m in row.known]), np.array([not m.censored for m in row.known])
    )


def _draw_steps(axes: Axes, curve: KaplanMeierCurve, style: ArmStyle, end: float) -> None:
    time, share = np.append(0.0, curve.time), 1 - np.append(1.0, curve.survival)
    if share[-1] == 1:  # all got there, which stays so; else nothing is known beyond the last time
        time, share = np.append(time, end), np.append(share, 1.0)
    axes.step(time, share, where="post", **style.line, linewidth=1.4)
    left = np.append(curve.n_risk[1:], 0.0)
    ended = curve.n_risk - curve.n_event > left
    axes.plot(
        curve.time[ended],
        1 - curve.survival[ended],
        gid=style.mark,
        linestyle="none",
        marker="|",
        markersize=7,
        markeredgewidth=1.2,
        color=style.colour,
    )


def _draw_at_risk(
    axes: Axes, rows: Sequence[Row], curves: Sequence[KaplanMeierCurve], ticks: Sequence[float]
) -> None:
    """The number of trials still waiting just before each tick, a row an arm."""
    axes.set_ylim(len(rows) - 0.4, -1.2)
    axes.set_yticks(range(len(rows)), [short(row.label) for row in rows])
    axes.text(ticks[0], -0.85, _("still waiting"), fontsize=8, color=MUTED, va="center")
    for place, curve in enumerate(curves):
        for tick in ticks:
            waiting = curve.n_risk[curve.time >= tick]
            text = f"{int(waiting[0])}" if len(waiting) else "0"
            axes.text(tick, place, text, fontsize=8, ha="center", va="center")
    axes.tick_params(length=0, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _mark_labels(axes: Axes, rows: Sequence[Row], styles: Mapping[str, ArmStyle]) -> None:
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_gid(styles[row.arm].mark)


def values_by_arm(
    key: str, measured: MeasuredArms, styles: Mapping[str, ArmStyle], *, is_paired: bool
) -> Drawn:
    """A raincloud: every trial's value, a row an arm, under the cloud of where values are dense.

    Thin lines join the trials of one replicate. After Allen et al. (2019).
    """
    unit, rows = measured.measure.unit, measured.rows
    heights, restricted = _heights(rows), measured.restricted
    joined = is_paired and len(rows) > 1
    with drawing(PANEL[0], 0.75 + 0.5 * len(rows)) as figure:
        axes = figure.add_subplot()
        points = [_points(place, row, heights, unit) for place, row in enumerate(rows)]
        if joined:
            _join_replicates(axes, [point for of_row in points for point in of_row])
        for place, row in enumerate(rows):
            _draw_cloud(axes, place, points[place], styles[row.arm])
            _draw_values(axes, points[place], styles[row.arm])
            _draw_mean(axes, place, restricted[place], unit)
        axes.set_yticks(range(len(rows)), [short(row.label) for row in rows])
        _mark_labels(axes, rows, styles)
        axes.set_ylim(len(rows) - 0.5, -0.55)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        _value_axis(axes, unit)
        means = [f"{row.label} {_mean_words(row, unit)}" for row in restricted]
        alt = _("{measure} of every trial. Means: {means}.").format(
            measure=measured.title, means=listed(means)
        )
        svg = as_svg(figure, key, alt)
    caption = ""
    if measured.horizon is not None:
        caption = _(
            "▷ not reached by then. In the means, a time above {horizon} counts as {horizon}."
        ).format(horizon=given_amount(measured.horizon, unit))
    return Drawn(svg, measured.title, caption, "measures.csv")


def _value_axis(axes: Axes, unit: str) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=unit == "epochs", steps=_WHOLE_STEPS))
    axes.xaxis.set_major_formatter(tick_words(unit))
    if unit != "accuracy":
        axes.set_xlabel(unit_noun(unit))


def _points(place: int, row: Row, heights: Mapping[int, float], unit: str) -> list[Point]:
    """Where each trial's dot belongs, and whether its value is censored."""
    return [
        Point(replicate, shown(m.value, unit), place + heights[replicate], m.censored)
        for replicate, m in row.values.items()
        if math.isfinite(m.value)
    ]


def _heights(rows: Sequence[Row]) -> dict[int, float]:
    """A height within the row for each replicate, the same in every row, to keep dots apart."""
    replicates = sorted({replicate for row in rows for replicate in row.values})
    steps = np.linspace(0.03, 0.36, len(replicates)) if len(replicates) > 1 else np.full(1, 0.2)
    return dict(zip(replicates, map(float, steps), strict=False))


def _join_replicates(axes: Axes, points: Sequence[Point]) -> None:
    by_replicate: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        by_replicate.setdefault(point.replicate, []).append((point.x, point.y))
    lines = [line for line in by_replicate.values() if len(line) > 1]
    axes.add_collection(LineCollection(lines, colors=MUTED, linewidths=0.4, alpha=0.4, zorder=1))


def _draw_cloud(axes: Axes, place: int, points: Sequence[Point], style: ArmStyle) -> None:
    """How dense the values are (Gaussian kernels, Scott's width); none where they do not spread."""
    values = np.array([point.x for point in points])
    if len(values) < _FEWEST or np.ptp(values) <= 1e-9 * np.abs(values).max():
        return
    x = np.linspace(values.min(), values.max(), 60)  # no value was seen beyond
    density = gaussian_kde(values)(x)
    base = place - 0.06
    axes.fill_between(
        x,
        base,
        base - 0.36 * density / density.max(),
        color=style.colour,
        alpha=0.25,
        linewidth=0,
        gid=style.mark,
    )


def _draw_values(axes: Axes, points: Sequence[Point], style: ArmStyle) -> None:
    for censored in (False, True):
        chosen = [point for point in points if point.censored is censored]
        axes.plot(
            [point.x for point in chosen],
            [point.y for point in chosen],
            linestyle="none",
            marker=">" if censored else "o",
            markersize=3.4,
            markerfacecolor="none" if censored else style.colour,
            markeredgecolor=style.colour,
            markeredgewidth=0.8,
            alpha=0.8,
            gid=style.mark,
        )


def _draw_mean(axes: Axes, place: int, row: Row, unit: str) -> None:
    if row.known:
        mean = shown(float(np.mean([m.value for m in row.known])), unit)
        axes.plot([mean, mean], [place - 0.06, place + 0.42], color=INK, linewidth=1.3)


def _mean_words(row: Row, unit: str) -> str:
    if not row.known:
        return _("has no values")
    mean = float(np.mean([m.value for m in row.known]))
    return level(mean, unit, decimals_for(unit, Interval(mean, mean, 1), mean))


def effects(key: str, verdicts: Sequence[Verdict], data: str = "verdicts.csv") -> Drawn:
    """Effects of the claims that share a unit, with their intervals and margin zones.

    Args:
        key: Unique in the page.
        verdicts: Verdicts on measures of one unit.
        data: The file that holds the numbers.
    """
    unit = verdicts[0].claim.measure.unit
    noun = unit_noun(unit)
    with drawing(PANEL[0], 0.55 + 0.52 * len(verdicts)) as figure:
        axes = figure.add_subplot()
        axes.set_xlim(*_reach(verdicts, unit))
        axes.set_ylim(len(verdicts) - 0.55, -0.75)
        for place, verdict in enumerate(verdicts):
            _draw_effect(axes, place, verdict, unit)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=_WHOLE_STEPS))
        axes.set_xlabel(_("{unit}, first side minus second").format(unit=noun))
        alt = _("Effects in {unit}: {effects}.").format(
            unit=noun, effects="; ".join(map(_effect_alt, verdicts))
        )
        svg = as_svg(figure, key, alt)
    return Drawn(svg, _("Effects in {unit}").format(unit=noun), "", data)


@dataclass(frozen=True)
class Gauge:
    """Where a verdict's numbers lie in its card, in percent of the width there is.

    Attributes:
        zero: No difference.
        effect: The mean difference.
        ends: The ends of its interval; an end that the data do not bound is at the edge.
        held: The ends of the interval that is held against the margin; None without a margin.
        zone: The margin, either way from zero.
    """

    zero: float
    effect: float
    ends: tuple[float, float]
    held: tuple[float, float] | None
    zone: tuple[float, float]


def gauge(verdict: Verdict) -> Gauge | None:
    """The effect beside its margin as a small drawing for the verdict's card."""
    if verdict.reason is not None:
        return None
    unit = verdict.claim.measure.unit
    left, right = _reach([verdict], unit)

    def place(value: float) -> float:
        share = (shown(value, unit) - left) / (right - left)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    margin, ends, held = verdict.claim.margin, verdict.interval, verdict.equivalence_interval
    return Gauge(
        zero=place(0.0),
        effect=place(verdict.effect),
        ends=(place(ends.low), place(ends.high)),
        held=(place(held.low), place(held.high)) if margin else None,
        zone=(place(-margin), place(margin)),
    )


def _effect_alt(verdict: Verdict) -> str:
    if verdict.reason is not None:
        return _("{claim} not testable").format(claim=verdict.claim.id)
    return _("{claim} {effect}, interval {interval}").format(
        claim=verdict.claim.id, effect=effect_words(verdict), interval=interval_words(verdict)
    )


def _ends(verdict: Verdict) -> Iterator[float]:
    yield from (0.0, -verdict.claim.margin, verdict.claim.margin)
    if verdict.reason is None:
        yield from (verdict.effect, verdict.interval.low, verdict.interval.high)


def _reach(verdicts: Sequence[Verdict], unit: str) -> tuple[float, float]:
    ends = [shown(x, unit) for v in verdicts for x in _ends(v) if math.isfinite(x)]
    low, high = min(ends), max(ends)
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def _draw_effect(axes: Axes, place: int, verdict: Verdict, unit: str) -> None:
    margin, (left, right) = shown(verdict.claim.margin, unit), axes.get_xlim()
    top, bottom = place - 0.17, place + 0.17
    axes.fill_between([-margin, margin], top, bottom, color=ZONE, linewidth=0, zorder=0)
    axes.plot([0, 0], [top - 0.05, bottom + 0.05], color=MUTED, linewidth=0.7, zorder=1)
    label = f"{MARKS[verdict.outcome]} {short(verdict.claim.id, 30)}"
    axes.text(left, place - 0.38, label, ha="left", va="center", fontsize=8.2)
    if verdict.reason is not None:
        axes.text(right, place - 0.38, _("not testable"), color=MUTED, ha="right", va="center")
        return
    axes.text(right, place - 0.38, effect_words(verdict), ha="right", va="center", fontsize=8.2)
    for end, marker in ((verdict.interval.low, "<"), (verdict.interval.high, ">")):
        edge = left if marker == "<" else right
        at = edge if math.isinf(end) else shown(end, unit)
        axes.plot([shown(verdict.effect, unit), at], [place, place], color=INK, linewidth=1.3)
        axes.plot([at], [place], marker=marker if math.isinf(end) else "|", color=INK, markersize=5)
    held = verdict.equivalence_interval
    if margin and math.isfinite(held.high - held.low):
        thick = [shown(held.low, unit), shown(held.high, unit)]
        axes.plot(thick, [place, place], color=INK, linewidth=3, solid_capstyle="butt")
    axes.plot([shown(verdict.effect, unit)], [place], marker="o", color=INK, markersize=4.4)
