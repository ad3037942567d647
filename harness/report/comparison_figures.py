"""The figure of a difference along a row of epochs or targets, with its simultaneous band."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from harness.analyses.comparisons import Comparison
from harness.language import _
from harness.quantities import joined, number, percent, shown, unit_noun, with_ends, with_unit
from harness.report.figure_style import INK, MUTED, PANEL, ZONE, as_svg, drawing
from harness.report.figures import Drawn
from harness.report.readings import FloatArray, Line, readings


def difference_figure(
    key: str,
    found: Comparison,
    *,
    title: str,
    alt: str,
    unit: str,
    along: str,
    along_unit: str = "",
    data: str,
    margin: float = 0.0,
    mark: float | None = None,
) -> Drawn:
    """The mean difference at every point and its band; filled where the sides differ.

    Args:
        key: Unique in the page.
        found: The comparison.
        title: The figure's heading.
        alt: What it shows, in words.
        unit: The unit of the differences.
        along: What the points are: "epoch" or "target".
        along_unit: "accuracy" where they are told in percent.
        data: The file that holds the numbers.
        margin: Differences that do not matter, drawn as a zone.
        mark: A point to mark: the claim's own target.
    """
    with drawing(*PANEL) as figure:
        axes = figure.add_subplot()
        _draw_ground(axes, shown(margin, unit), mark)
        low, high, centre = (
            np.array([shown(float(value), unit) for value in values])
            for values in (found.band.low, found.band.high, found.band.centre)
        )
        _draw_difference(axes, found, low, centre, high)
        _label(axes, along, along_unit, unit)
        told = _told(low, centre, high, unit)
        extremes = _extremes(found, along, along_unit, centre, unit)
        svg = as_svg(figure, key, joined([alt, extremes]))
        line = {_("difference"): Line(found.points, centre, told)}
        values = readings(axes, line, {}, _(along), partial(_place, unit=along_unit))
    caption = [
        _("Filled dots: the sides differ."),
        _("Squares on a dotted line: times are cut.") if found.is_cut.any() else "",
        _("Shaded zone: the margin.") if margin else "",
        _("Dashed: the claim's own {place}.").format(place=_(along)) if mark is not None else "",
    ]
    return Drawn(svg, title, joined(caption), data, values)


def _told(low: FloatArray, centre: FloatArray, high: FloatArray, unit: str) -> list[str]:
    """Each difference with its band: "−2.7 points (−10.1 to 5.0)"."""
    decimals = 3 if unit == "nats" else 1
    told = []
    for points in zip(low, centre, high, strict=True):
        below, middle, above = (number(value, decimals) for value in points)
        middle = with_unit(middle, unit)
        told.append(with_ends(middle, below, above) if np.isfinite(points).all() else middle)
    return told


def _place(point: float, unit: str) -> str:
    return percent(point) if unit == "accuracy" else f"{point:g}"


def _extremes(found: Comparison, along: str, along_unit: str, centre: FloatArray, unit: str) -> str:
    """The smallest and the largest mean difference, and where they are."""
    if not np.isfinite(centre).any():
        return ""
    decimals = 3 if unit == "nats" else 1
    places = [
        _("{value} at {along} {place}").format(
            value=number(float(centre[i]), decimals),
            along=_(along),
            place=_place(found.points[i], along_unit),
        )
        for i in (int(np.nanargmin(centre)), int(np.nanargmax(centre)))
    ]
    return _("In {unit}, first minus second, from {least} to {most}.").format(
        unit=unit_noun(unit), least=places[0], most=places[1]
    )


def _draw_ground(axes: Axes, margin: float, mark: float | None) -> None:
    if margin:
        axes.axhspan(-margin, margin, color=ZONE, linewidth=0, zorder=0)
    axes.axhline(0, color=MUTED, linewidth=0.7, zorder=1)
    if mark is not None:
        axes.axvline(mark, color=MUTED, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)


def _draw_difference(
    axes: Axes, found: Comparison, low: FloatArray, centre: FloatArray, high: FloatArray
) -> None:
    """The line with its band: filled marks where the sides differ, squares where times are cut."""
    if np.isfinite(low).all():
        axes.fill_between(found.points, low, high, color=INK, alpha=0.13, linewidth=0)
    apart, cut = found.differs, found.is_cut
    axes.plot(found.points, np.where(cut, np.nan, centre), color=INK, linewidth=1.2)
    if cut.any():
        dotted = cut.copy()  # and on to the neighbours, so that the line has no gap
        dotted[1:] |= cut[:-1]
        dotted[:-1] |= cut[1:]
        axes.plot(
            found.points, np.where(dotted, centre, np.nan), color=INK, linewidth=1.2, linestyle=":"
        )
    for chosen, face, marker in (
        (apart & ~cut, INK, "o"),
        (~apart & ~cut, "none", "o"),
        (apart & cut, INK, "s"),
        (~apart & cut, "none", "s"),
    ):
        axes.plot(
            found.points[chosen],
            centre[chosen],
            linestyle="none",
            marker=marker,
            markersize=3.6,
            color=INK,
            markerfacecolor=face,
            markeredgewidth=0.8,
        )


def _label(axes: Axes, along: str, along_unit: str, unit: str) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=along == "epoch", steps=[1, 2, 5, 10]))
    axes.set_xlabel(_(along))
    if along_unit == "accuracy":
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _place: percent(x)))
    axes.set_ylabel(_("{unit}, first minus second").format(unit=unit_noun(unit)))


def comparison_table(found: Comparison, along: str) -> pd.DataFrame:
    """The numbers of the figure: one row a point."""
    return pd.DataFrame(
        {
            along: found.points,
            "difference": found.band.centre,
            "band_low": found.band.low,
            "band_high": found.band.high,
            "p": found.test.p_raw,
            "p_step_down": found.test.p_step_down,
            "differs": found.differs,
        }
    )
