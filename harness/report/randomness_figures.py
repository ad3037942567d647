"""The figures of the sources of randomness: stacked variances, and standard deviations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from harness.analyses.randomness import Source, Spreads
from harness.language import _
from harness.prose.phrases import subject
from harness.prose.randomness_words import standard_deviation
from harness.quantities import amount, joined, listed, shown, unit_noun, with_percent
from harness.report.figure_style import INK, MUTED, PANEL, ArmStyle, as_svg, drawing, short
from harness.report.figures import PERCENT_TICKS, Drawn

_LABELLED = 0.09  # a segment narrower than this share of the axis has no room for its name
_HALF = 0.3  # of a bar's height
_PALE = 0.45


class Bar(NamedTuple):
    """A segment of a stacked bar, as shares of the variance that the figure calls 100 %."""

    name: str
    start: float
    length: float
    style: ArmStyle


def stacked_variances(
    key: str, found: Sequence[Spreads], styles: Mapping[str, ArmStyle], data: str
) -> Drawn:
    """For each measure the single sources, one on top of the other, above all sources at once.

    Args:
        key: Unique in the page.
        found: One entry a measure, in which something varies.
        styles: How each arm is drawn.
        data: The file that holds the numbers.
    """
    with drawing(PANEL[0], 0.95 + 1.15 * len(found)) as figure:
        axes = figure.add_subplot()
        rows = [_bars(spreads, styles) for spreads in found]
        ends = [bar.start + bar.length for bars in rows for bar in bars]
        reach = max([1.0, *ends]) * 1.04
        axes.set_xlim(0, reach)
        for place, (spreads, bars) in enumerate(zip(found, rows, strict=True)):
            _draw_row(axes, 2.6 * place, spreads, bars, reach)
        axes.set_ylim(2.6 * len(found) - 0.9, -1.15)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(PERCENT_TICKS)
        axes.set_xlabel(_base_words(found))
        alt = joined([_("Variance by source."), *map(_alt, found)])
        svg = as_svg(figure, key, alt)
    caption = [_("Upper bars: one source at a time. Lower bars: all at once.")]
    if any(spreads.validation for spreads in found):
        caption.append(_("Dotted: what the drawing of a finite validation set explains by itself."))
    names = dict.fromkeys(source.arm for spreads in found for source in spreads.singles)
    return Drawn(svg, _("Variance by source"), joined(caption), data, arms=list(names))


def _base(spreads: Spreads) -> float:
    """The variance that counts as 100 %: of all sources at once, else the sum of the single."""
    if spreads.together is not None and spreads.together.variance.value > 0:
        return spreads.together.variance.value
    return sum(source.variance.value for source in spreads.singles)


def _base_words(found: Sequence[Spreads]) -> str:
    together = all(s.together is not None and s.together.variance.value > 0 for s in found)
    if together:
        return _("variance, all sources at once = 100 %")
    return _("variance, their sum = 100 %")


def _bars(spreads: Spreads, styles: Mapping[str, ArmStyle]) -> list[Bar]:
    bars, start, base = [], 0.0, _base(spreads)
    for source in spreads.singles:
        length = source.variance.value / base
        bars.append(Bar(source.arm, start, length, styles[source.arm]))
        start += length
    return bars


def _draw_row(
    axes: Axes, place: float, spreads: Spreads, bars: Sequence[Bar], reach: float
) -> None:
    title = subject(spreads.blocks.measure)
    axes.text(0, place - 0.72, title[:1].upper() + title[1:], fontsize=8.2, va="center")
    for bar in bars:
        drawn: dict[str, Any] = {"color": bar.style.colour, "gid": bar.style.mark}
        axes.barh(place, bar.length, 2 * _HALF, bar.start, alpha=_PALE, **drawn)
        axes.plot([bar.start] * 2, [place - _HALF, place + _HALF], linewidth=1.2, **drawn)
        if bar.length > _LABELLED * reach:
            middle = bar.start + bar.length / 2
            axes.text(middle, place, short(bar.name, 12), fontsize=8, ha="center", va="center")
    _draw_validation(axes, place, spreads, bars)
    if spreads.together is not None and spreads.together.variance.value > 0:
        below = place + 0.85
        axes.barh(below, 1.0, 2 * _HALF, color=MUTED, alpha=0.3)
        axes.text(0.5, below, _("all at once"), fontsize=8, ha="center", va="center")


def _draw_validation(axes: Axes, place: float, spreads: Spreads, bars: Sequence[Bar]) -> None:
    """The part of the split's segment that the finite validation set explains."""
    names = [source.arm for source in spreads.singles if source.streams == ("split",)]
    if spreads.validation is None or not names:
        return
    bar = next(bar for bar in bars if bar.name == names[0])
    part = min(spreads.validation.variance / _base(spreads), bar.length)
    end = bar.start + part
    axes.plot(
        [bar.start, end, end],
        [place + _HALF + 0.1, place + _HALF + 0.1, place - _HALF],
        color=INK,
        linewidth=1.0,
        linestyle=(0, (1.2, 1.2)),
    )


def _alt(spreads: Spreads) -> str:
    base = _base(spreads)
    parts = [
        f"{s.arm} {with_percent(f'{s.variance.value / base * 100:.0f}')}" for s in spreads.singles
    ]
    return _("{measure}: {shares}.").format(
        measure=subject(spreads.blocks.measure), shares=listed(parts)
    )


def deviations_by_source(
    key: str, spreads: Spreads, styles: Mapping[str, ArmStyle], data: str
) -> Drawn:
    """The standard deviation that each arm's streams make, with its interval."""
    unit, what = spreads.blocks.measure.unit, subject(spreads.blocks.measure)
    rows: list[Source] = [*spreads.singles]
    rows += [extra for extra in (spreads.together, spreads.repeats) if extra is not None]
    with drawing(PANEL[0], 0.75 + 0.3 * len(rows)) as figure:
        axes = figure.add_subplot()
        for place, source in enumerate(rows):
            _draw_deviation(axes, place, source, styles[source.arm], unit)
        axes.set_yticks(range(len(rows)), [short(source.arm) for source in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(_("standard deviation, {unit}").format(unit=unit_noun(unit)))
        told = [
            f"{s.arm} {amount(math.sqrt(s.variance.value), unit, 2)}"
            for s in rows
            if not math.isnan(s.variance.value)
        ]
        alt = _("Standard deviation of {measure}: {values}.")
        svg = as_svg(figure, key, alt.format(measure=what, values=listed(told)))
    title = _("Spread of {measure}").format(measure=what)
    return Drawn(svg, title, _("Lines are 95 % confidence intervals."), data)


def _draw_deviation(axes: Axes, place: int, source: Source, style: ArmStyle, unit: str) -> None:
    sd = standard_deviation(source.variance)
    low, value, high = (shown(x, unit) for x in (sd.interval.low, sd.value, sd.interval.high))
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([low, high], [place, place], color=style.colour, linewidth=1.6, gid=style.mark)
    dot: dict[str, Any] = {"marker": "o", "markersize": 4.6, "gid": style.mark}
    axes.plot([value], [place], color=style.colour, clip_on=False, **dot)
