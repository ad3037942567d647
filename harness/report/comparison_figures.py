"""The figure of a difference along a row of epochs or targets, with its simultaneous band."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from harness.analyses.comparisons import Comparison
from harness.quantities import number, shown, unit_noun
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
    data: str,
    margin: float = 0.0,
    mark: float | None = None,
) -> Drawn:
    """The mean difference at every point, its band, and a dot wherever the sides differ.

    Args:
        key: Unique in the page.
        found: The comparison.
        title: The figure's heading.
        alt: What it shows, in words.
        unit: The unit of the differences.
        along: What the points are, as the axis is labelled.
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
        if np.isfinite(low).all():
            axes.fill_between(found.points, low, high, color=INK, alpha=0.13, linewidth=0)
        axes.plot(found.points, centre, color=INK, linewidth=1.2)
        apart = found.differs
        for chosen, face in ((apart, INK), (~apart, "none")):
            axes.plot(
                found.points[chosen],
                centre[chosen],
                linestyle="none",
                marker="o",
                markersize=3.6,
                color=INK,
                markerfacecolor=face,
                markeredgewidth=0.8,
            )
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=along == "epoch", steps=[1, 2, 5, 10]))
        axes.set_xlabel(along)
        axes.set_ylabel(f"{unit_noun(unit)}, first minus second")
        told = _told(low, centre, high, unit)
        svg = as_svg(figure, key, f"{alt} {_extremes(found, along, centre, unit)}")
        line = {"difference": Line(found.points, centre, told)}
        values = readings(axes, line, {}, along)
    zone = " Shaded zone: the margin." if margin else ""
    dashed = f" Dashed: the claim's own {along}." if mark is not None else ""
    caption = f"Filled dots: the sides differ.{zone}{dashed}"
    return Drawn(svg, title, caption, data, values)


def _told(low: FloatArray, centre: FloatArray, high: FloatArray, unit: str) -> list[str]:
    """Each difference with its band: "−2.7 points (−10.1 to 5.0)"."""
    noun, decimals = unit_noun(unit), 3 if unit == "nats" else 1
    return [
        f"{number(middle, decimals)} {noun}"
        + (
            f" ({number(below, decimals)} to {number(above, decimals)})"
            if np.isfinite([below, above]).all()
            else ""
        )
        for below, middle, above in zip(low, centre, high, strict=True)
    ]


def _extremes(found: Comparison, along: str, centre: FloatArray, unit: str) -> str:
    """The smallest and the largest mean difference, and where they are."""
    if not np.isfinite(centre).any():
        return ""
    decimals = 3 if unit == "nats" else 1
    places = [
        f"{number(float(centre[i]), decimals)} at {along} {found.points[i]:g}"
        for i in (int(np.nanargmin(centre)), int(np.nanargmax(centre)))
    ]
    return f"In {unit_noun(unit)}, first minus second, from {places[0]} to {places[1]}."


def _draw_ground(axes: Axes, margin: float, mark: float | None) -> None:
    if margin:
        axes.axhspan(-margin, margin, color=ZONE, linewidth=0, zorder=0)
    axes.axhline(0, color=MUTED, linewidth=0.7, zorder=1)
    if mark is not None:
        axes.axvline(mark, color=MUTED, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)


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
