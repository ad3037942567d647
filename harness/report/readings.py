"""The numbers of a figure of curves, laid out so that a pointer or the keyboard can read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from harness.report.figure_style import ArmStyle
from harness.report.frame import embedded_json

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One line of a figure.

    Attributes:
        x: Where it has points, shape ``(e,)``, in data coordinates.
        y: Their heights, shape ``(e,)``.
        told: Each point in words.
    """

    x: Sequence[float] | NDArray[np.int64] | FloatArray
    y: FloatArray
    told: Sequence[str]


def readings(
    axes: Axes,
    lines: Mapping[str, Line],
    styles: Mapping[str, ArmStyle],
    along: str,
    name: Callable[[float], str] = "{:g}".format,
) -> str:
    """A JSON document: at each place along the axis, where each line is and what it says.

    Positions are in the units of the SVG's view box, so that the page can scale the figure. Points
    that are not finite are null (case F5).

    Args:
        axes: Axes of a figure that was drawn: its layout is final.
        lines: The lines by name.
        styles: How the lines of arms are drawn; other lines are in the colour of the text.
        along: What the places are: "epoch".
        name: How a place is called.
    """
    places = np.unique(np.concatenate([np.asarray(line.x, dtype=float) for line in lines.values()]))
    return embedded_json(
        {
            "along": along,
            "places": [name(place) for place in places.tolist()],
            "x": _positions(axes, places, np.full(len(places), axes.get_ylim()[0]))[0],
            "lines": [
                _line(axes, name, line, styles.get(name), places) for name, line in lines.items()
            ],
        }
    )


def _line(
    axes: Axes, name: str, line: Line, style: ArmStyle | None, places: FloatArray
) -> dict[str, object]:
    at = {float(x): i for i, x in enumerate(line.x)}
    _, heights = _positions(axes, np.asarray(line.x, dtype=float), line.y)
    return {
        "name": name,
        "arm": None if style is None else style.place,
        "y": [heights[at[x]] if x in at else None for x in places.tolist()],
        "told": [line.told[at[x]] if x in at else "" for x in places.tolist()],
    }


def _positions(
    axes: Axes, x: FloatArray, y: FloatArray
) -> tuple[list[float | None], list[float | None]]:
    """Data coordinates as those of the SVG, whose origin is the upper left corner."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes belong to no figure")
    width, height = (72 * inches for inches in figure.get_size_inches())
    share = (axes.transData + figure.transFigure.inverted()).transform(np.column_stack([x, y]))
    return _rounded(share[:, 0] * width), _rounded((1 - share[:, 1]) * height)


def _rounded(values: FloatArray) -> list[float | None]:
    return [round(value, 1) if np.isfinite(value) else None for value in values.tolist()]
