"""Names at the ends of lines, moved apart until none hides another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from harness.report.figure_style import INK, MUTED, ArmStyle, short

_SIZE = 8.2  # points
_LINE = 1.2 * _SIZE / 72  # inches from one name to the next
_START, _TEXT = 1.01, 1.065  # where a leader starts and its name stands, in widths of the axes


def label_ends(
    axes: Axes,
    ends: Mapping[str, tuple[float, float]],
    styles: Mapping[str, ArmStyle] | None = None,
) -> None:
    """Write each arm's name right of the axes, led to the last point of its line.

    Nothing is written where the names would not fit one above the other: then the page's legend
    alone tells the lines apart.

    Args:
        axes: Axes whose limits and scales are set.
        ends: The last point of each arm's line, in data coordinates.
        styles: How each arm is drawn; none where the lines are no arms.
    """
    known = {arm: end for arm, end in ends.items() if all(map(math.isfinite, end))}
    figure = axes.get_figure(root=True)
    if not known or figure is None:
        return
    gap = _LINE / (figure.get_figheight() * axes.get_position().height)
    if (len(known) - 1) * gap > 1:
        return
    axes.get_ylim()  # brings limits up to date that follow from the data
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = {arm: float(np.clip(to_axes.transform(end)[1], 0, 1)) for arm, end in known.items()}
    order = sorted(heights, key=heights.__getitem__)
    places = spread_apart([heights[arm] for arm in order], gap)
    for arm, place in zip(order, places, strict=True):
        style = (styles or {}).get(arm)
        mark = None if style is None else style.mark
        axes.annotate(
            short(arm, 18),
            xy=(_START, heights[arm]),
            xytext=(_TEXT, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            fontsize=_SIZE,
            color=INK,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": MUTED if style is None else style.colour,
                "linewidth": 1.0,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),
                "gid": mark,
            },
            gid=mark,
        )


def spread_apart(heights: Sequence[float], gap: float) -> list[float]:
    """The nearest heights in 0 to 1 that keep their order and are at least a gap apart.

    Least squares under order constraints, by pooling neighbours that are too close (Ayer et al.
    1955, the pool-adjacent-violators algorithm).

    Args:
        heights: Ascending, each in 0 to 1.
        gap: Least distance; ``(len(heights) - 1) * gap`` is at most 1.
    """
    pools: list[tuple[float, int]] = []  # mean of height less its own offset, how many
    for place, height in enumerate(heights):
        mean, size = height - place * gap, 1
        while pools and pools[-1][0] > mean:
            before, count = pools.pop()
            mean = (before * count + mean * size) / (count + size)
            size += count
        pools.append((mean, size))
    top = 1 - (len(heights) - 1) * gap
    means = [min(max(mean, 0.0), top) for mean, size in pools for _ in range(size)]
    return [mean + place * gap for place, mean in enumerate(means)]
